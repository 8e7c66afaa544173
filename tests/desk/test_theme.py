"""The theme: neutral by default, the State's when its part is installed or asked for."""

from __future__ import annotations

import posixpath
import re
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from eclaireur.core.errors import ConfigError, ExtraMissingError
from eclaireur.desk import theme
from eclaireur.desk.theme import state_files

pytestmark = pytest.mark.one_database

PARTS = ("core/core.main.min.css", "component/logo/logo.main.min.css", "fonts/Marianne-Regular.woff2")


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package laid out as the State's design system is."""
    package = tmp_path / "state_theme_here"
    for part in PARTS:
        file = package / "static" / "dsfr" / "dist" / part
        file.parent.mkdir(parents=True)
        file.write_text(":root{}", encoding="utf-8")
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(theme, "_PACKAGE", "state_theme_here")
    return package


def test_without_its_part_the_theme_is_neutral_or_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(theme, "_PACKAGE", "no_such_package_anywhere")

    assert state_files("auto") == state_files("neutral") == []
    with pytest.raises(ExtraMissingError, match="install dsfr"):
        state_files("dsfr")
    with pytest.raises(ConfigError, match="« rose »"):
        state_files("rose")


def test_its_part_switches_the_theme_unless_neutral_is_asked_for(installed: Path) -> None:
    served = dict(state_files("auto"))

    assert served == dict(state_files("dsfr"))
    assert state_files("neutral") == []
    assert all((served[f"dsfr/{Path(part).parent}"] / Path(part).name).is_file() for part in PARTS)


@pytest.mark.django_db
def test_pages_take_its_files_in_the_order_that_lets_ours_win(settings: Any) -> None:
    plain = Client().get("/connexion/").content.decode()
    settings.STATE_THEME = True
    shown = Client().get("/connexion/").content.decode()

    order = [shown.index(name) for name in (PARTS[0], "desk/tokens.css", "desk/desk.css", "desk/dsfr.css")]
    assert order == sorted(order)
    assert "data-fr-theme" in shown
    assert "dsfr" not in plain
    assert "data-fr-theme" not in plain


def test_every_file_that_the_state_s_style_names_is_served() -> None:
    """On the real part, when it is installed: a missing file would stop the desk at its start."""
    pytest.importorskip("dsfr")
    folders = dict(state_files("auto"))
    for prefix, folder in folders.items():
        for style in (file for part in PARTS[:2] if (file := folder / Path(part).name).is_file()):
            for named in re.findall(r"url\((\.\./[^)]+)\)", style.read_text(encoding="utf-8")):
                place = posixpath.normpath(posixpath.join(prefix, named))
                assert (folders[posixpath.dirname(place)] / posixpath.basename(place)).is_file(), named

"""Passwords that hold words of the place, or that were published elsewhere."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
from django.contrib.auth.password_validation import get_password_validators
from django.core.exceptions import ValidationError

from eclaireur.core.errors import ConfigError
from eclaireur.desk.accounts.passwords import (
    CONTEXT,
    BreachedValidator,
    ContextValidator,
    breached_file,
    is_breached,
)
from eclaireur.desk.models import User


def sha1(password: str) -> str:
    return hashlib.sha1(password.encode(), usedforsecurity=False).hexdigest().upper()


@pytest.fixture
def published(tmp_path: Path) -> Path:
    """A list of two thousand passwords as it is published: in order, with counts, lines of Windows."""
    lines = sorted(f"{sha1(f'divulgué {number}')}:{number + 1}" for number in range(2000))
    path = tmp_path / "list.txt"
    path.write_bytes("\r\n".join(lines).encode())
    return path


@pytest.mark.parametrize(
    ("password", "refused"),
    [
        ("eclaireur2026", True),
        ("Gironde-Bureau-33", True),
        ("Zoe.Lefebvre-2026", True),
        ("gironde eclaireur gironde", True),
        ("quatre mots sans rapport", False),
        ("l’agent dort sous le tilleul", False),
        ("une gironde pleine de carpes", False),
        ("ЁлкаИСнег-в-январе", False),
    ],
)
def test_a_password_made_of_words_of_the_place_is_refused(password: str, *, refused: bool) -> None:
    validator = ContextValidator(("https://bureau.ddpp-gironde.gouv.fr",))
    person = User(login="zoe", full_name="Zoé Lefebvre", email="zoe@exemple.fr")
    if refused:
        with pytest.raises(ValidationError, match="mots d’ici"):
            validator.validate(password, person)
    else:
        validator.validate(password, person)


def test_the_words_of_the_place_are_documented_and_the_settings_give_the_address(root: Path) -> None:
    page = (root / "docs" / "desk_accounts.md").read_text(encoding="utf-8")
    assert {word for word in CONTEXT if f"`{word}`" not in page} == set()
    made = get_password_validators(
        [
            {
                "NAME": "eclaireur.desk.accounts.passwords.ContextValidator",
                "OPTIONS": {"hosts": ["dreal.exemple.fr"]},
            }
        ]
    )
    with pytest.raises(ValidationError):
        made[0].validate("dreal-exemple-9")


def test_each_published_password_is_found_on_disk_and_no_other(published: Path) -> None:
    assert all(is_breached(f"divulgué {number}", published) for number in range(2000))
    assert not any(is_breached(f"jamais vu {number}", published) for number in range(2000))


def test_a_list_without_counts_of_one_line_or_none_serves_too(tmp_path: Path) -> None:
    path = tmp_path / "one.txt"
    path.write_text(f"{sha1('seul').lower()}\n")
    assert is_breached("seul", path)
    assert not is_breached("autre", path)
    path.write_text("")
    assert not is_breached("seul", path)


def test_a_published_password_is_refused_and_a_list_that_is_gone_lets_none_through(published: Path) -> None:
    validator = BreachedValidator(breached_file(published))
    validator.validate("jamais vu nulle part")
    with pytest.raises(ValidationError, match="divulgué sur un autre site"):
        validator.validate("divulgué 7")
    published.unlink()
    with pytest.raises(ValidationError, match="illisible"):
        validator.validate("jamais vu nulle part")
    BreachedValidator(breached_file(None)).validate("divulgué 7")


def test_another_file_is_not_taken_for_the_list(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="illisible"):
        breached_file(tmp_path / "none.txt")
    (tmp_path / "words.txt").write_text("azerty\n")
    with pytest.raises(ConfigError, match="SHA-1"):
        breached_file(tmp_path / "words.txt")

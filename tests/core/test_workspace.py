"""Settings and the folder that holds everything."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from eclaireur.core.config import Settings, read_settings, settings_table
from eclaireur.core.errors import ConfigError, WorkFailedError
from eclaireur.core.files import write_atomically
from eclaireur.core.workspace import Workspace, explain_os_error


def write(home: Path, text: str) -> Path:
    home.mkdir(exist_ok=True)
    (home / "eclaireur.toml").write_text(text, encoding="utf-8")
    return home


def test_the_environment_comes_before_the_file_and_the_file_before_the_default(tmp_path: Path) -> None:
    home = write(tmp_path, 'engine = "inline"\nthreads = 3\n')
    settings = read_settings(home, {"ECLAIREUR_ENGINE": "processes:2"})
    assert (settings.engine, settings.threads, settings.memory) == ("processes:2", 3, "")


def test_an_unknown_setting_suggests_the_nearest(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="« engine »"):
        read_settings(write(tmp_path, 'engin = "inline"'), {})


@pytest.mark.parametrize(
    "text", ["threads = 0", 'threads = "many"', "threads = true", "data = 3", "engine = 1"]
)
def test_a_setting_of_the_wrong_type_is_named(tmp_path: Path, text: str) -> None:
    with pytest.raises(ConfigError, match=text.partition(" ")[0]):
        read_settings(write(tmp_path, text), {})


def test_a_file_that_is_not_toml_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"eclaireur\.toml"):
        read_settings(write(tmp_path, "engine = "), {})


@pytest.mark.parametrize(
    ("environ", "home"),
    [
        ({"ECLAIREUR_HOME": "/a", "XDG_DATA_HOME": "/b"}, "/a"),
        ({"XDG_DATA_HOME": "/b"}, "/b/eclaireur"),
    ],
)
def test_the_workspace_follows_the_environment(environ: dict[str, str], home: str) -> None:
    assert read_settings(None, environ).home == Path(home)


def test_every_setting_says_what_it_is() -> None:
    assert all(name and variable and meaning for name, variable, _, meaning in settings_table())


def test_a_new_workspace_is_private(tmp_path: Path) -> None:
    home = tmp_path / "new"
    workspace = Workspace.open(home, env={})
    assert home.stat().st_mode & 0o077 == 0
    assert workspace.settings == Settings(home=home)
    assert workspace.mappings("demo") == ()


def test_a_workspace_under_a_file_is_refused_in_french(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises((ConfigError, WorkFailedError)):
        Workspace.open(tmp_path / "file" / "home", env={})


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (errno.ENOSPC, WorkFailedError, "disque est plein"),
        (errno.EACCES, ConfigError, "accès est refusé"),
        (errno.EROFS, ConfigError, "disque est en lecture seule"),
        (errno.ENOENT, ConfigError, "n'existe pas"),
        (errno.EIO, WorkFailedError, "erreur du système"),
    ],
)
def test_an_error_of_the_system_says_what_to_do(code: int, kind: type[Exception], words: str) -> None:
    error = explain_os_error(OSError(code, os.strerror(code), "fichier.csv"))
    assert isinstance(error, kind)
    assert words in str(error)
    assert "fichier.csv" in str(error)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "sub" / "liste.csv"

    def write(path: Path) -> None:
        path.write_text("one", encoding="utf-8")

    def fail(path: Path) -> None:
        path.write_text("tw", encoding="utf-8")
        raise RuntimeError

    write_atomically(target, write)
    with pytest.raises(RuntimeError):
        write_atomically(target, fail)
    assert target.read_text(encoding="utf-8") == "one"
    assert [path.name for path in target.parent.iterdir()] == ["liste.csv"]

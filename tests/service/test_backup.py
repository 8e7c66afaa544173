"""Backups: made while others write, put back with equal hashes, refused when cut, changed or hostile."""

from __future__ import annotations

import hashlib
import io
import os
import sqlite3
import tarfile
import threading
from contextlib import closing
from pathlib import Path

import pytest

from eclaireur.cli.app import main
from eclaireur.core.errors import BadValueError, FileRefusedError
from eclaireur.core.subjects import Subject
from eclaireur.core.workspace import Workspace
from eclaireur.service.backup import back_up, restore
from tests.postgresql_server import postgresql, programs


def note(home: Path, number: int = 0) -> None:
    """Add a line to the journal, with a sealed value."""
    Workspace.open(home, env={}).journal.append(
        "note",
        case="essai",
        actor="Ada",
        subject=Subject("document", "1"),
        data={"n": number},
        personal={"mot": "x"},
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Return a workspace with a journal, a base in use, files, and what is not kept."""
    workspace = Workspace.open(tmp_path / "home", env={})
    for number in range(5):
        note(workspace.home, number)
    (workspace.home / "desk" / "static").mkdir(parents=True)
    (workspace.home / "desk" / "static" / "a.css").write_text("a", encoding="utf-8")
    (workspace.home / "lake" / ".half").mkdir(parents=True)
    (workspace.home / "lake" / ".half" / "x").write_text("x", encoding="utf-8")
    (workspace.home / "lake" / "run").mkdir()
    (workspace.home / "lake" / "run" / "table.bin").write_bytes(os.urandom(200_000))
    with closing(sqlite3.connect(workspace.home / "desk" / "desk.sqlite3")) as base:
        base.execute("PRAGMA journal_mode=WAL")
        base.execute("CREATE TABLE rows (id INTEGER PRIMARY KEY, text TEXT)")
        base.commit()
    return workspace.home


def hashes(home: Path) -> dict[str, str]:
    return {
        path.relative_to(home).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in home.rglob("*")
        if path.is_file() and path.suffix not in {".lock", ".sqlite3"} and "static" not in path.parts
    }


def test_a_backup_made_while_others_write_is_put_back_whole(home: Path, tmp_path: Path) -> None:
    stop = threading.Event()
    written: list[int] = []

    def write() -> None:
        with closing(sqlite3.connect(home / "desk" / "desk.sqlite3", timeout=30)) as base:
            while not stop.is_set():
                base.execute("INSERT INTO rows (text) VALUES (?)", ["é" * 500])
                base.commit()
                note(home)
                written.append(1)

    worker = threading.Thread(target=write)
    worker.start()
    while len(written) < 3:
        pass
    before = len(written)
    found = back_up(home, tmp_path / "a.tar")
    stop.set()
    worker.join()
    assert (tmp_path / "a.tar").stat().st_mode & 0o077 == 0
    assert found.files > 3
    again = tmp_path / "machine" / "home"
    assert restore(tmp_path / "a.tar", again) == found
    with closing(sqlite3.connect(again / "desk" / "desk.sqlite3")) as base:
        assert base.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert base.execute("SELECT count(*) FROM rows").fetchone()[0] >= before
    workspace = Workspace.open(again, env={})
    assert workspace.journal.verify() is not None
    assert len(list(workspace.journal.entries())) >= 5 + before
    assert not (again / "desk" / "static").exists()
    assert not (again / "lake" / ".half").exists()
    assert again.stat().st_mode & 0o077 == 0


def test_hashes_are_equal_after_a_restore(home: Path, tmp_path: Path) -> None:
    back_up(home, tmp_path / "a.tar")
    restore(tmp_path / "a.tar", tmp_path / "again")
    kept = {name: one for name, one in hashes(home).items() if "/." not in f"/{name}"}
    assert hashes(tmp_path / "again") == kept
    assert "journal/master.key" in kept


def test_a_backup_that_is_cut_or_changed_is_refused_and_nothing_is_written(
    home: Path, tmp_path: Path
) -> None:
    back_up(home, tmp_path / "a.tar")
    whole = (tmp_path / "a.tar").read_bytes()
    bad = tmp_path / "b.tar"
    place = whole.index((home / "lake" / "run" / "table.bin").read_bytes()[:64]) + 30
    changed = whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :]
    cuts = [whole[: len(whole) * at // 12] for at in range(12)]
    for content in (*cuts, changed, b"x" * 20_000):
        bad.write_bytes(content)
        with pytest.raises(FileRefusedError, match="sauvegarde"):
            restore(bad, tmp_path / "again")
        assert not (tmp_path / "again").exists()
        assert not list(tmp_path.glob(".restore-*"))


@pytest.mark.parametrize("name", ["../dehors", "/etc/dehors", "files/../../dehors"])
def test_a_hostile_backup_writes_nowhere_else(tmp_path: Path, name: str) -> None:
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size = 1
        archive.addfile(entry, io.BytesIO(b"x"))
        link = tarfile.TarInfo("files/lien")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(FileRefusedError):
        restore(tmp_path / "a.tar", tmp_path / "home")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.tar"]


def test_a_folder_in_use_is_not_written_over(home: Path, tmp_path: Path) -> None:
    back_up(home, tmp_path / "a.tar")
    with pytest.raises(BadValueError, match="pas vide"):
        restore(tmp_path / "a.tar", home)
    with pytest.raises(BadValueError, match="dans le dossier sauvegardé"):
        back_up(home, home / "a.tar")
    with pytest.raises(BadValueError, match="pas d'installation"):
        back_up(tmp_path / "absent", tmp_path / "b.tar")
    with pytest.raises(BadValueError, match="pas de base PostgreSQL"):
        restore(tmp_path / "a.tar", tmp_path / "again", database="postgresql://localhost/x")


def test_the_commands_say_what_they_did(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DATABASE_URL", raising=False)
    monkeypatch.setenv("ECLAIREUR_HOME", str(home))
    assert main(["backup", str(tmp_path / "a.tar")]) == 0
    assert "gardez-le" in capsys.readouterr().out
    assert main(["restore", str(tmp_path / "a.tar")]) == 2
    assert "pas vide" in capsys.readouterr().err
    monkeypatch.setenv("ECLAIREUR_HOME", str(tmp_path / "again"))
    assert main(["restore", str(tmp_path / "a.tar")]) == 0
    assert main(["restore", str(tmp_path / "absent.tar")]) == 2


def test_a_postgresql_base_is_in_the_backup(home: Path, tmp_path: Path) -> None:
    if programs() is None:
        if os.environ.get("CI"):
            pytest.fail("initdb is absent: add PostgreSQL to .ci/run")
        pytest.skip("PostgreSQL is not installed")
    import psycopg

    with postgresql() as url:
        with psycopg.connect(url, autocommit=True) as base:
            base.execute("CREATE TABLE rows AS SELECT generate_series(1, 1000) AS id")
            base.execute("CREATE DATABASE neuve")
        assert back_up(home, tmp_path / "a.tar", database=url).database
        with pytest.raises(BadValueError, match="DATABASE_URL"):
            restore(tmp_path / "a.tar", tmp_path / "again")
        fresh = url.replace("/postgres?", "/neuve?")
        restore(tmp_path / "a.tar", tmp_path / "again", database=fresh)
        with psycopg.connect(fresh) as base:
            assert base.execute("SELECT count(*) FROM rows").fetchone() == (1000,)

"""Temporary files of a desk go with the process that wrote them, and with the desk."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from eclaireur.desk.children import Child, watch
from eclaireur.desk.scratch import scratch, settle, tidy

pytestmark = pytest.mark.one_database

WRITES = """
import os, sys, tempfile, time
from eclaireur.desk.scratch import settle
settle()
folder = tempfile.mkdtemp(prefix="lecture-")
open(folder + "/courrier.txt", "w").write("Monsieur Ledoux")
open(sys.argv[1], "w").write(folder)
if os.fork() == 0:
    settle()
    open(sys.argv[1] + ".task", "w").write(tempfile.mkdtemp())
    os._exit(0)
os.wait()
open(sys.argv[1] + ".ready", "w").close()
time.sleep(60)
"""


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's folder of temporary files."""
    made = tmp_path / "tmp"
    made.mkdir()
    monkeypatch.setenv("TMPDIR", str(made))
    monkeypatch.setattr(tempfile, "tempdir", None)
    return made


def alive(path: Path, *, limit: float = 20.0) -> bool:
    until = time.monotonic() + limit
    while not path.exists() and time.monotonic() < until:
        time.sleep(0.05)
    return path.exists()


def test_what_a_killed_process_was_reading_is_taken_away(temporary: Path, tmp_path: Path) -> None:
    told = tmp_path / "told"
    with scratch() as folder:
        words = (sys.executable, "-c", WRITES, str(told))
        with subprocess.Popen(words, env={**os.environ, "TMPDIR": str(folder)}) as process:
            assert alive(tmp_path / "told.ready")
            read = Path(told.read_text(encoding="utf-8"))
            assert read.parent == folder / str(process.pid)
            assert (read / "courrier.txt").exists()
            # One forked by another stands beside it, not in it: it may outlive it, and dies alone here.
            task = Path((tmp_path / "told.task").read_text(encoding="utf-8")).parent
            assert task.parent == folder
            tidy(folder)
            assert not task.exists()
            assert read.exists(), "a living process keeps its files"
            old = time.time() - 30 * 86_400
            kept = (folder, folder / "held", read.parent)
            for one in kept:
                os.utime(one, (old, old))
            tidy(folder)
            assert all(one.stat().st_mtime > old + 86_400 for one in kept), "a system would take it away"
            process.send_signal(signal.SIGKILL)
        tidy(folder)
        assert [one.name for one in folder.iterdir()] == ["held"]
    assert list(temporary.iterdir()) == []


def test_a_desk_takes_away_what_killed_desks_left_and_nothing_else(temporary: Path) -> None:
    dead, foreign = temporary / "eclaireur-desk-dead", temporary / "eclaireur-desk-new"
    (dead / "123").mkdir(parents=True)
    (dead / "held").touch()
    (dead / "123" / "courrier.txt").write_text("Monsieur Ledoux", encoding="utf-8")
    foreign.mkdir()  # not held yet: a desk that begins
    (temporary / "eclaireur-desk-link").symlink_to(foreign)
    (temporary / "other").mkdir()
    with scratch() as living, scratch() as second:
        assert living.exists()
        assert second.exists()
        assert not dead.exists()
    assert sorted(one.name for one in temporary.iterdir()) == [
        "eclaireur-desk-link",
        "eclaireur-desk-new",
        "other",
    ]


def test_a_folder_that_the_system_took_away_ends_no_desk(temporary: Path) -> None:
    with scratch() as folder:
        shutil.rmtree(folder)
        tidy(folder)


def test_only_processes_of_a_desk_settle(temporary: Path) -> None:
    settle()
    assert tempfile.gettempdir() == str(temporary)
    assert list(temporary.iterdir()) == []


def test_a_program_that_is_kept_alive_leaves_nothing(
    temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eclaireur.desk.children._TIDY", 0.3)
    told = tmp_path / "told"
    seen: list[Path] = []

    def over() -> bool:
        if (tmp_path / "told.ready").exists() and not seen:
            seen.append(Path(told.read_text(encoding="utf-8")))
            os.kill(int(seen[0].parent.name), signal.SIGKILL)
        return bool(seen) and not seen[0].exists()

    begun = time.monotonic()
    with scratch() as folder:
        child = Child("L'essai", (sys.executable, "-c", WRITES, str(told)))
        watch([child], over=lambda: over() or time.monotonic() > begun + 30, patience=0.1, folder=folder)
    assert seen
    assert time.monotonic() < begun + 30
    assert list(temporary.iterdir()) == []

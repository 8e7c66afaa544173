"""Cut the power at random instants: what was acknowledged is there, and nothing is damaged.

    python benchmarks/prove_power.py --cuts 5000 --seed 20211 [--log FILE]

The desk's tables lie on a disk of ours (`power_disk`, by apsw of the group ``audit``), which keeps what was
synced; of the rest, each sector of 512 bytes survives a cut or not, at random. Acts are written as the desk
writes them, under the settings that it gives each connection: a line of the journal and what goes with it, in
a transaction. The power is cut at a random operation, then the base is opened again: every acknowledged act
must be whole, the one under way whole or absent, and the base sound. A control under ``synchronous=NORMAL``
must lose some.

Then the lake and the files written whole: each ``fsync`` is watched, and at each a cut is simulated, after
which a name or a content that was not synced survives or not, at random.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import json
import os
import random
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

__all__ = ["Cuts", "lake", "main", "rows"]

_CONTROL = 100
_WRITES = 150
"""Writes to the disk before a cut, on average."""
_FRESH = 50
"""Cuts after which a base, or a lake, starts afresh: it stays small, and so quick to look at."""


@dataclass(slots=True)
class Cuts:
    """How many cuts, what was acknowledged before them, and what was found wrong after."""

    cuts: int = 0
    acknowledged: int = 0
    wrong: list[str] = field(default_factory=list)


def _settings() -> list[str]:
    """Return what the desk says to each connection, as it says it."""
    from eclaireur.desk.apps import durable

    said: list[str] = []

    class Recorder:
        """Stands for a connection of Django."""

        vendor = "sqlite"

        @contextmanager
        def cursor(self) -> Iterator[Recorder]:
            yield self

        def execute(self, words: str) -> None:
            said.append(words)

    durable(None, Recorder())
    return said


@cache
def _tables() -> bytes:
    """Return the desk's database as an upgrade makes it, empty, in one file."""
    with tempfile.TemporaryDirectory() as folder:
        os.environ["ECLAIREUR_HOME"] = folder
        from eclaireur.desk.start import set_up

        (Path(folder) / "desk").mkdir()
        set_up()
        from django.core.management import call_command
        from django.db import connections

        call_command("migrate", interactive=False, verbosity=0)
        connections.close_all()
        path = Path(folder) / "desk" / "desk.sqlite3"
        with sqlite3.connect(path) as whole:
            whole.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            whole.execute("PRAGMA journal_mode = DELETE")
        whole.close()
        return path.read_bytes()


_LINE = "INSERT INTO desk_journalline (seq, line) VALUES (?, ?)"
_ONCE = "INSERT INTO desk_sentonce (holder, key, asked, seq, at) VALUES ('key:1', ?, ?, ?, '2026-11-27')"


def rows(cuts: int, seed: int, *, settings: list[str] | None = None) -> Cuts:
    """Cut the power under the desk's tables.

    Parameters
    ----------
    settings
        What each connection is told; by default what the desk tells them.
    """
    apsw = importlib.import_module("apsw")
    told, rng, found = settings or _settings(), random.Random(seed), Cuts()
    power_disk = importlib.import_module("benchmarks.power_disk")
    empty, disk = _tables(), power_disk.Disk()
    kept = power_disk.System(disk)  # it must be held as long as it serves
    sys.unraisablehook = lambda _: None  # a base that is left half-open meets the power that is off
    present: dict[int, int] = {}
    for number in range(cuts):
        if number % _FRESH == 0:
            disk.files.clear()
            disk.put("/desk.sqlite3", empty)
            present = {}
        seq, under_way = max(present, default=0), 0
        disk.left = int(rng.expovariate(1 / _WRITES))
        with suppress(apsw.Error):
            connection = _opened(apsw, told)
            while True:
                under_way = seq + 1
                _act(connection, under_way, rng)
                seq = under_way
                present[seq] = seq
                found.acknowledged += 1
                if rng.random() < 0.02:
                    connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        with suppress(NameError, apsw.Error):
            connection.close(force=True)
        disk.cut(rng)
        found.cuts += 1
        _look(apsw, told, found, present, under_way, number)
    del kept
    sys.unraisablehook = sys.__unraisablehook__
    return found


def _opened(apsw: Any, told: list[str]) -> Any:
    connection = apsw.Connection("/desk.sqlite3", vfs="proof")
    # One connection: the index of the WAL lies in its memory, for lack of memory that is shared.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    for words in told:
        connection.execute(words).fetchall()
    return connection


def _act(connection: Any, seq: int, rng: random.Random) -> None:
    """Write an act as the desk does, in a transaction that takes its place at once."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(_LINE, (seq, "x" * rng.randint(200, 6000)))
    connection.execute(_ONCE, (f"k{seq}", "0" * 64, seq))
    connection.execute("COMMIT")


def _look(
    apsw: Any, told: list[str], found: Cuts, present: dict[int, int], under_way: int, number: int
) -> None:
    """Open the base again, as the next start would, and compare."""
    try:
        connection = _opened(apsw, told)
        lines = {seq for (seq,) in connection.execute("SELECT seq FROM desk_journalline")}
        once = {seq for (seq,) in connection.execute("SELECT seq FROM desk_sentonce")}
        sound = connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()
    except apsw.Error as error:
        found.wrong.append(f"cut {number}: does not open ({error})")
        present.clear()
        return
    if not sound:
        found.wrong.append(f"cut {number}: damaged")
    if lines != once:
        found.wrong.append(f"cut {number}: half of an act")
    if set(present) - lines:
        found.wrong.append(f"cut {number}: {len(set(present) - lines)} acknowledged acts lost")
    if lines - set(present) - {under_way}:
        found.wrong.append(f"cut {number}: acts that nobody wrote")
    present.clear()
    present.update({seq: seq for seq in lines})


# --- The lake and files written whole


_Tree = dict[str, Any]


def _live(folder: Path) -> tuple[int, _Tree]:
    """Return a folder's inode, and its names: each with an inode, and a content or a tree."""
    names: _Tree = {}
    for entry in os.scandir(folder):
        with suppress(FileNotFoundError):
            path = Path(entry.path)
            if entry.is_dir(follow_symlinks=False):
                names[entry.name] = _live(path)
            else:
                names[entry.name] = (entry.inode(), path.read_bytes())
    return folder.stat().st_ino, names


@dataclass(slots=True)
class _Synced:
    """What is on the disk for good: the names of folders and the contents of files, by inode."""

    names: dict[int, dict[str, int]] = field(default_factory=dict)
    contents: dict[int, bytes] = field(default_factory=dict)
    deaf: bool = False

    def note(self, descriptor: int) -> None:
        """Keep what a file or a folder is now; a deaf disk, that of the control, keeps no folder."""
        place = Path(f"/proc/self/fd/{descriptor}")
        inode = os.fstat(descriptor).st_ino
        if place.is_dir():
            if self.deaf and self.names:
                return
            self.names[inode] = {entry.name: entry.inode() for entry in os.scandir(place)}
        else:
            self.contents[inode] = place.read_bytes()

    def cut(self, live: tuple[int, _Tree], rng: random.Random, known: dict[int, Any]) -> _Tree:
        """Return what is there after a cut: what was synced, and a random part of the rest."""
        inode, names = live
        kept = self.names.get(inode, {})
        after: _Tree = {}
        for name in {*kept, *names}:
            now, then = names.get(name), kept.get(name)
            if now is None or now[0] != then:
                # Either the name as it was synced, or as it is now.
                before = None if then is None else (then, known.get(then, self.contents.get(then)))
                chosen = now if rng.random() < 0.5 else before
            else:
                chosen = now
            if chosen is None or chosen[1] is None:
                continue
            if isinstance(chosen[1], dict):
                after[name] = self.cut((chosen[0], chosen[1]), rng, known)
            else:
                synced = self.contents.get(chosen[0], b"")
                # What was synced stays when more is added to it; what is written anew may be cut anywhere.
                least = len(synced) if chosen[1].startswith(synced) else 0
                after[name] = rng.choice((synced, chosen[1][: rng.randint(least, len(chosen[1]))]))
        return after


def _by_inode(live: tuple[int, _Tree], found: dict[int, Any]) -> dict[int, Any]:
    found[live[0]] = live[1]
    for one in live[1].values():
        if isinstance(one[1], dict):
            _by_inode(one, found)
        else:
            found[one[0]] = one[1]
    return found


@contextmanager
def _watched(before: Callable[[], None], synced: _Synced) -> Iterator[None]:
    fsync = os.fsync

    def watching(descriptor: Any) -> None:
        number = descriptor if isinstance(descriptor, int) else descriptor.fileno()
        before()
        fsync(number)
        synced.note(number)

    setattr(os, "fsync", watching)  # noqa: B010 (mypy: a function is not assigned to)
    try:
        yield
    finally:
        setattr(os, "fsync", fsync)  # noqa: B010


def lake(cuts: int, seed: int, *, deaf: bool = False) -> Cuts:
    """Cut the power while tables are published, notes taken and files replaced.

    Parameters
    ----------
    deaf
        Keep no name of a file: the control, in which acknowledged writes must be lost.
    """
    rng, found = random.Random(seed), Cuts()
    while found.cuts < cuts:
        with tempfile.TemporaryDirectory() as folder:
            _one_lake(Path(folder), min(_FRESH, cuts - found.cuts), rng, found, _Synced(deaf=deaf))
    return found


def _one_lake(folder: Path, cuts: int, rng: random.Random, found: Cuts, synced: _Synced) -> None:
    import pyarrow as pa

    from eclaireur.core.files import sync_folder, write_atomically
    from eclaireur.core.lake import Lake

    one = Lake(folder / "lake")
    one.root.mkdir()
    written: dict[str, bytes] = {}  # path → what is acknowledged there
    coming: dict[str, bytes] = {}  # what is being written
    made = 0

    def cut() -> None:
        nonlocal made
        made += 1
        found.cuts += 1
        live = _live(folder)
        known = _by_inode(live, {})
        _compare(found, dict(_flat(synced.cut(live, rng, known))), written, coming)

    with _watched(cut, synced):
        sync_folder(folder)
        number = 0
        while made < cuts:
            number += 1
            coming.clear()
            way = rng.choice(("publish", "note", "replace"))
            if way == "publish":
                address = f"runs/demo/a{number}"
                with one.publish(address) as place:
                    for name in ("scores", "reasons")[: rng.randint(1, 2)]:
                        one.write(place, name, pa.table({"n": [rng.random() for _ in range(50)]}))
                        coming[f"lake/{address}/{name}.parquet"] = (place / f"{name}.parquet").read_bytes()
            elif way == "note":
                one.note("runs/demo", f"note {number}", datetime(2026, 11, 27, tzinfo=UTC))
                coming["lake/runs/demo/.log"] = (one.root / "runs/demo/.log").read_bytes()
            else:
                content = rng.randbytes(rng.randint(1, 3000))
                coming["settings.json"] = content
                write_atomically(folder / "settings.json", partial(_write, content))
            written.update(coming)
            found.acknowledged += 1
            cut()


def _write(data: bytes, path: Path) -> None:
    path.write_bytes(data)


def _flat(tree: _Tree, prefix: str = "") -> Iterator[tuple[str, bytes]]:
    for name, one in tree.items():
        if isinstance(one, dict):
            yield from _flat(one, f"{prefix}{name}/")
        else:
            yield f"{prefix}{name}", one


def _compare(
    found: Cuts, after: dict[str, bytes], written: dict[str, bytes], coming: dict[str, bytes]
) -> None:
    for path, content in written.items():
        there = after.get(path)
        if path.endswith(".log"):
            # A line is being added: those that were acknowledged come first.
            if there is None or not there.startswith(content):
                found.wrong.append(f"cut {found.cuts}: acknowledged notes lost")
        elif there not in {content, coming.get(path)} or there is None:
            found.wrong.append(f"cut {found.cuts}: {path} lost or torn")
    for path, content in after.items():
        hidden = any(part.startswith(".") for part in path.split("/"))
        if not hidden and path not in written and content != coming.get(path):
            found.wrong.append(f"cut {found.cuts}: {path} shown and torn")


def main() -> int:
    """Run the proof, print its figures, and fail when something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cuts", type=int, default=5000, help="on the database, and as many on the lake")
    parser.add_argument("--seed", type=int, default=20211)
    parser.add_argument("--log", type=Path, default=None)
    asked = parser.parse_args()
    logs = []
    if importlib.util.find_spec("apsw") is None:
        print("apsw is not installed (group audit): the power is not cut under the database")
    else:
        normal = [words.replace("FULL", "NORMAL") for words in _settings()]
        control = rows(_CONTROL, asked.seed, settings=normal)
        lost = sum("lost" in one for one in control.wrong)
        print(f"control, synchronous = NORMAL: {lost} of {control.cuts} cuts lose acknowledged acts")
        if not lost:
            raise AssertionError("nothing is lost even without syncing: the proof would prove nothing")
        logs.append(("power_rows", rows(asked.cuts, asked.seed)))
    control = lake(_CONTROL, asked.seed, deaf=True)
    print(f"control, folders not synced: {len(control.wrong)} losses found in {control.cuts} cuts")
    if not control.wrong:
        raise AssertionError("nothing is lost even without syncing: the proof would prove nothing")
    logs.append(("power_lake", lake(asked.cuts, asked.seed)))
    for name, one in logs:
        for said in one.wrong[:10]:
            print(f"wrong: {said}", file=sys.stderr)
        print(f"{name}: {one.cuts} cuts, {one.acknowledged} writes acknowledged, {len(one.wrong)} wrong")
    if asked.log is not None:
        figures = [
            {"proof": name, "seed": asked.seed, "tried": one.cuts, "failed": len(one.wrong)}
            for name, one in logs
        ]
        asked.log.write_text(json.dumps(figures) + "\n", encoding="utf-8")
    return 1 if any(one.wrong for _, one in logs) else 0


if __name__ == "__main__":
    sys.exit(main())

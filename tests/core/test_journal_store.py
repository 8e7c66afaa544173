"""What every store of journal lines does, and what the file store does against crashes and crowds."""

from __future__ import annotations

import errno
import os
import random
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from benchmarks.prove_journal import MemoryStore, ticking

from eclaireur.core.errors import WorkFailedError
from eclaireur.core.journal import FileStore, Journal, JournalStore, open_journal

# The desk holds its own to the same: tests/desk/test_journal_rows.py.
STORES: dict[str, Callable[[Path], JournalStore]] = {
    "file": lambda folder: FileStore(folder / "journal.jsonl"),
    "memory": lambda _: MemoryStore(),
}

WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from eclaireur.core.journal import open_journal
from eclaireur.core.subjects import Subject
journal = open_journal(Path(sys.argv[1]), clock=lambda: datetime.now(UTC), environ={})
name, count = sys.argv[2], int(sys.argv[3])
for number in range(count):
    entry = journal.append(
        "decision", case="c", actor=name, data={"n": number},
        subject=Subject("pseudonym", f"{name}-{number % 7:05d}"), personal={"note": "x" * (number % 500)},
    )
    print(entry.seq, entry.hash, flush=True)
"""


def writer(folder: Path, name: str, count: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), name, str(count)],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> JournalStore:
    return STORES[request.param](tmp_path)


def add(store: JournalStore, *lines: str) -> None:
    store.append(lambda _: lines)


def test_an_empty_store_has_no_line(store: JournalStore) -> None:
    assert (list(store.lines()), store.last(), store.count()) == ([], None, 0)


def test_lines_come_back_in_order_from_any_number(store: JournalStore) -> None:
    add(store, "un", "deux é\u2028")
    add(store, "trois")
    assert [list(store.lines(start)) for start in (1, 2, 3, 4)] == [
        ["un", "deux é\u2028", "trois"],
        ["deux é\u2028", "trois"],
        ["trois"],
        [],
    ]
    assert (store.last(), store.count()) == ("trois", 3)


def test_an_empty_line_is_a_line(store: JournalStore) -> None:
    add(store, "")
    assert (list(store.lines()), store.last(), store.count()) == ([""], "", 1)
    add(store, "un", "")
    assert (list(store.lines()), store.last()) == (["", "un", ""], "")


def test_the_appender_sees_the_last_line(store: JournalStore) -> None:
    seen: list[str | None] = []

    def make(last: str | None) -> Sequence[str]:
        seen.append(last)
        return ["a", "b"]

    store.append(make)
    store.append(make)
    assert seen == [None, "b"]


def test_nothing_is_added_when_the_lines_cannot_be_made(store: JournalStore) -> None:
    add(store, "un")

    def fail(last: str | None) -> Sequence[str]:
        raise LookupError(last)

    with pytest.raises(LookupError):
        store.append(fail)
    add(store)
    assert list(store.lines()) == ["un"]


def test_a_reader_is_not_disturbed_by_an_appender(store: JournalStore) -> None:
    add(store, "un", "deux")
    reader = store.lines()
    assert next(reader) == "un"
    add(store, "trois")
    assert next(reader) == "deux"


def test_the_file_can_be_read_by_its_owner_only(tmp_path: Path) -> None:
    add(FileStore(tmp_path / "deep" / "er" / "journal.jsonl"), "un")
    assert stat.S_IMODE((tmp_path / "deep" / "er" / "journal.jsonl").stat().st_mode) == 0o600


def test_the_folder_is_made_durable_when_the_file_is_made_and_not_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("eclaireur.core.journal.store.sync_folder", synced.append)
    store = FileStore(tmp_path / "journal.jsonl")
    add(store, "un")
    add(store, "deux")
    assert synced == [tmp_path]


def test_an_unfinished_line_after_an_empty_one_is_told_apart(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    path.write_bytes(b"\nabc")
    store = FileStore(path)
    assert (list(store.lines()), store.last()) == ([""], "")
    add(store, "un")
    assert path.read_bytes() == b"\nun\n"


@pytest.mark.parametrize("torn", [b"{", b"\x00" * 5000, b'{"actor":"\xc3', b"x" * 200_000])
def test_an_unfinished_line_is_not_read_and_is_put_aside_by_the_next_append(
    tmp_path: Path, torn: bytes
) -> None:
    path = tmp_path / "journal.jsonl"
    store = FileStore(path)
    add(store, "un", "deux")
    with path.open("ab") as stream:
        stream.write(torn)
    assert (list(store.lines()), store.last(), store.count()) == (["un", "deux"], "deux", 2)
    add(store, "trois")
    assert list(store.lines()) == ["un", "deux", "trois"]
    assert (tmp_path / "journal.torn-3").read_bytes() == torn


def test_bytes_that_are_no_text_are_read_as_a_line_for_verify_to_name(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    store = FileStore(path)
    add(store, "un")
    path.write_bytes(path.read_bytes() + b"\xff\n")
    assert (list(store.lines()), store.last()) == (["un", "\udcff"], "\udcff")
    assert repr(store) == f"FileStore({str(path)!r})"


def test_a_second_unfinished_line_of_the_same_number_does_not_replace_the_first(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    for torn in (b"a", b"b"):
        path.write_bytes(torn)
        add(FileStore(path))
    assert (tmp_path / "journal.torn-1").read_bytes() == b"a"
    assert stat.S_IMODE((tmp_path / "journal.torn-1").stat().st_mode) == 0o600
    assert (tmp_path / "journal.torn-1-2").read_bytes() == b"b"


def test_appending_does_not_read_the_journal_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStore(tmp_path / "journal.jsonl")
    add(store, *("x" * 1000 for _ in range(3000)))
    read = 0
    pread = os.pread

    def counting(descriptor: int, length: int, offset: int) -> bytes:
        nonlocal read
        data = pread(descriptor, length, offset)
        read += len(data)
        return data

    monkeypatch.setattr(os, "pread", counting)
    add(store, "last")
    assert read < 150_000


def test_a_full_disk_leaves_the_journal_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal.jsonl"
    store = FileStore(path)
    add(store, "un")
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        if len(data) > 4:
            return write(descriptor, bytes(data[:4]))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(WorkFailedError) as caught:
        add(store, "deux et plus")
    assert path.read_bytes() == b"un\n"
    assert str(caught.value) == (
        f"{path} : le journal n'a pas pu être écrit (No space left on device). Rien n'a été enregistré. "
        "Libérez de la place sur le disque, puis recommencez."
    )
    monkeypatch.setattr(os, "ftruncate", lambda *_: full(0, b""))
    with pytest.raises(WorkFailedError, match="Rien n'a été enregistré"):
        add(store, "deux et plus")
    monkeypatch.undo()
    # What could not be taken back was never a line.
    assert (list(store.lines()), store.last()) == (["un"], "un")
    add(store, "trois")
    assert list(store.lines()) == ["un", "trois"]


def test_a_line_with_a_line_feed_is_a_programming_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="line feed"):
        add(FileStore(tmp_path / "journal.jsonl"), "a\nb")


def test_an_appender_that_waits_too_long_says_so(tmp_path: Path) -> None:
    patient = FileStore(tmp_path / "journal.jsonl")
    hurried = FileStore(tmp_path / "journal.jsonl", timeout=0.05)
    caught: list[BaseException] = []

    def second() -> None:
        try:
            add(hurried, "b")
        except WorkFailedError as error:
            caught.append(error)

    def first(last: str | None) -> Sequence[str]:
        other = threading.Thread(target=second)
        other.start()
        other.join()
        return ["a"]

    patient.append(first)
    assert [type(error) for error in caught] == [WorkFailedError]
    assert list(patient.lines()) == ["a"]


def test_four_processes_at_once_write_one_chain(tmp_path: Path) -> None:
    writers = [writer(tmp_path, f"agent-{number}", 50) for number in range(4)]
    acknowledged = [line for one in writers for line in one.communicate()[0].splitlines()]
    assert [one.returncode for one in writers] == [0] * 4
    journal = open_journal(tmp_path, clock=ticking(), environ={})
    assert journal.verify().entries == 200
    assert sorted(acknowledged) == sorted(f"{entry.seq} {entry.hash}" for entry in journal.entries())
    assert all(journal.reveal(entry) for entry in journal.entries())


def test_four_threads_at_once_write_one_chain(tmp_path: Path) -> None:
    journal = open_journal(tmp_path, clock=ticking(), environ={})

    def work(name: str) -> None:
        for _ in range(25):
            journal.append("decision", case="c", actor=name)

    threads = [threading.Thread(target=work, args=(f"t{number}",)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert journal.verify().entries == 100


def test_a_writer_killed_at_any_instant_loses_no_acknowledged_entry(tmp_path: Path) -> None:
    rng = random.Random(20211)
    acknowledged: list[str] = []
    for turn in range(8):
        one = writer(tmp_path, f"turn-{turn}", 100_000)
        if one.stdout is None:
            raise AssertionError
        acknowledged.append(one.stdout.readline().strip())
        time.sleep(rng.uniform(0, 0.15))
        one.send_signal(signal.SIGKILL)
        # The last line printed may itself be torn by the kill; a whole one is an acknowledgement.
        acknowledged += [line.strip() for line in one.stdout if line.endswith("\n")]
        one.wait()
        one.stdout.close()
    journal = Journal(
        FileStore(tmp_path / "journal.jsonl"), open_journal(tmp_path, clock=ticking())._keys, ticking()
    )
    journal.append("stop", case="c", actor="Ada")
    written = {f"{entry.seq} {entry.hash}" for entry in journal.entries()}
    assert len(acknowledged) > 8, len(acknowledged)
    assert set(acknowledged) <= written
    assert journal.verify().entries == len(written)

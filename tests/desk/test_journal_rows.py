"""The journal in the database does what every store does, for crowds too, and goes on where files stopped."""

from __future__ import annotations

import base64
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import SplitResult, urlsplit

import pytest
from benchmarks.prove_journal import ticking
from django.db import transaction

from eclaireur.core.errors import ConfigError, JournalBrokenError, NotFoundError
from eclaireur.core.journal import Journal, master, open_journal as open_files
from eclaireur.core.journal.master import next_file, replace_master
from eclaireur.core.subjects import Subject
from eclaireur.core.workspace import Workspace
from eclaireur.desk import journal_rows
from eclaireur.desk.apps import durable
from eclaireur.desk.journal_rows import RowKeyStore, RowStore, adopt_files, open_journal
from eclaireur.desk.models import JournalKey, JournalLine

SECRET = "Jeanne Dupont-Moretti"
JEANNE = Subject("pseudonym", "jeanne-0042")
PAUL = Subject("pseudonym", "paul-0001")

WRITER = """
import sys
from datetime import UTC, datetime
from eclaireur.desk.start import open_workspace
from eclaireur.core.subjects import Subject
journal = open_workspace().journal
name, count = sys.argv[1], int(sys.argv[2])
for number in range(count):
    entry = journal.append(
        "decision", case="c", actor=name, data={"n": number},
        subject=Subject("pseudonym", f"person-{number % 7:05d}"), personal={"note": "x" * number},
    )
    print(entry.seq, entry.hash, flush=True)
"""
PREPARE = "from eclaireur.desk.start import prepare; prepare()"


@pytest.fixture
def store(db: None) -> RowStore:
    JournalLine.objects.all().delete()
    JournalKey.objects.all().delete()
    return RowStore()


@pytest.fixture
def journal(store: RowStore, tmp_path: Path) -> Journal:
    return Journal(store, RowKeyStore(tmp_path / "master.key", {}), ticking())


def add(store: RowStore, *lines: str) -> None:
    store.append(lambda _: lines)


def note(journal: Journal, subject: Subject, text: str) -> Any:
    return journal.append("decision", case="c", actor="Ada", subject=subject, personal={"note": text})


def test_an_empty_store_has_no_line(store: RowStore) -> None:
    assert (list(store.lines()), store.last(), store.count()) == ([], None, 0)


def test_lines_come_back_in_order_from_any_number(store: RowStore) -> None:
    add(store, "un", "deux é\u2028")
    add(store, "trois")
    assert [list(store.lines(start)) for start in (1, 3, 4)] == [
        ["un", "deux é\u2028", "trois"],
        ["trois"],
        [],
    ]
    assert (store.last(), store.count()) == ("trois", 3)


def test_many_lines_are_read_by_blocks(store: RowStore) -> None:
    add(store, *(str(number) for number in range(1203)))
    assert list(store.lines(2)) == [str(number) for number in range(1, 1203)]


def test_the_appender_sees_the_last_line(store: RowStore) -> None:
    seen: list[str | None] = []

    def make(last: str | None) -> Sequence[str]:
        seen.append(last)
        return ["a", "b"]

    store.append(make)
    store.append(make)
    assert seen == [None, "b"]


def test_nothing_is_added_when_the_lines_cannot_be_made(store: RowStore) -> None:
    def fail(last: str | None) -> Sequence[str]:
        raise LookupError(last)

    with pytest.raises(LookupError):
        store.append(fail)
    add(store)
    assert store.count() == 0


def test_a_line_and_the_rows_of_a_transaction_that_fails_are_both_gone(journal: Journal) -> None:
    note(journal, JEANNE, "avant")

    def half() -> None:
        with transaction.atomic():
            note(journal, PAUL, SECRET)
            raise InterruptedError

    with pytest.raises(InterruptedError):
        half()
    assert journal.verify().entries == 1
    assert JournalKey.objects.exclude(lookup="master").count() == 1
    entry = note(journal, PAUL, "après")
    assert journal.reveal(entry) == {"note": "après", "subject": str(PAUL)}


def test_neither_value_nor_subject_stands_in_clear(journal: Journal) -> None:
    entry = note(journal, JEANNE, SECRET)
    rows = str([*JournalLine.objects.values_list(), *JournalKey.objects.values_list()])
    for clear in (SECRET, "jeanne-0042"):
        assert clear not in rows
        assert base64.b64encode(clear.encode()).decode()[:12] not in rows
    assert journal.reveal(entry) == {"note": SECRET, "subject": str(JEANNE)}


def test_a_forgotten_value_is_gone_and_the_others_stay(journal: Journal) -> None:
    gone, kept = note(journal, JEANNE, SECRET), note(journal, PAUL, "rien")
    journal.forget(JEANNE, actor="Ada", reason="demande de la personne")
    assert journal.reveal(gone) is None
    assert journal.reveal(kept) == {"note": "rien", "subject": str(PAUL)}
    assert journal.verify().entries == 3
    with pytest.raises(NotFoundError):
        journal.forget(JEANNE, actor="Ada", reason="demande")
    assert note(journal, JEANNE, "retour").subject != gone.subject


def test_another_master_key_is_refused_and_writes_nothing(journal: Journal, tmp_path: Path) -> None:
    note(journal, JEANNE, SECRET)
    wrong = {"ECLAIREUR_MASTER_KEY": base64.b64encode(os.urandom(32)).decode()}
    other = Journal(RowStore(), RowKeyStore(tmp_path / "master.key", wrong), ticking())
    with pytest.raises(ConfigError, match="clé maîtresse"):
        note(other, PAUL, "x")
    assert journal.verify().entries == 1


def test_a_new_master_key_opens_all_and_the_old_one_nothing(
    store: RowStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_rows, "_BATCH", 2)
    workspace = Workspace.open(tmp_path, env={})
    path, journal, open_already = workspace.master_file, open_journal(workspace), open_journal(workspace)
    entries = [note(journal, Subject("pseudonym", f"p-{n}"), SECRET) for n in range(5)]
    assert open_already.reveal(entries[0]) is not None  # it holds the old key
    old = path.read_bytes()

    assert replace_master(path, partial(journal.rewrap, actor="Ada"), environ={}) is None

    assert [one.data for one in journal.entries(kind="master_key")] == [{"keys": 5}]
    assert path.read_bytes() != old
    assert not next_file(path).exists()
    for reader in (open_already, journal, open_journal(workspace)):
        assert [(reader.reveal(one) or {}).get("note") for one in entries] == [SECRET] * 5
    # Who held the old key writes under the new one, and finds the subjects that it knew.
    later = note(open_already, Subject("pseudonym", "p-3"), "suite")
    fresh = note(open_already, PAUL, "suite")
    assert later.subject == entries[3].subject
    assert open_journal(workspace).reveal(fresh) == {"note": "suite", "subject": str(PAUL)}
    path.write_bytes(old)
    with pytest.raises(ConfigError):
        open_journal(workspace).reveal(entries[0])


def test_a_master_key_is_replaced_wholly_or_not_at_all(
    store: RowStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = Workspace.open(tmp_path, env={})
    path, journal = workspace.master_file, open_journal(workspace)
    entry = note(journal, JEANNE, SECRET)

    def cut(*_: object) -> None:
        raise OSError("power cut")

    with monkeypatch.context() as patched:  # while rows are written: nothing is changed
        patched.setattr(journal_rows, "wrap", cut)
        with pytest.raises(OSError, match="power cut"):
            replace_master(path, partial(journal.rewrap, actor="Ada"), environ={})
    assert open_journal(workspace).reveal(entry) is not None

    with (
        monkeypatch.context() as patched
    ):  # just before the new key takes its place: the next reader puts it there
        patched.setattr(master, "_put", cut)
        with pytest.raises(OSError, match="power cut"):
            replace_master(path, partial(journal.rewrap, actor="Ada"), environ={})
    assert next_file(path).exists()
    assert open_journal(workspace).reveal(entry) == {"note": SECRET, "subject": str(JEANNE)}
    assert not next_file(path).exists()


def test_the_journal_of_files_goes_on_in_the_database(store: RowStore, tmp_path: Path) -> None:
    files = open_files(tmp_path / "journal", clock=lambda: datetime(2026, 1, 2, tzinfo=UTC), environ={})
    first = note(files, JEANNE, SECRET)
    head = files.head()
    workspace = Workspace.open(tmp_path, env={})

    assert adopt_files(workspace) == 1
    journal = open_journal(workspace)
    second = note(journal, JEANNE, "suite")

    assert (second.seq, second.prev, second.subject) == (2, first.hash, first.subject)
    assert journal.reveal(journal.entry(1)) == {"note": SECRET, "subject": str(JEANNE)}
    assert journal.verify(head).entries == 2
    assert not (tmp_path / "journal" / "journal.jsonl").exists()
    assert (tmp_path / "journal" / "journal.jsonl.moved").exists()
    # A copy of the keys would open what is forgotten later.
    assert not list((tmp_path / "journal").rglob("keys.ring*[!k]"))
    assert adopt_files(workspace) == 0


def test_files_adopted_before_a_crash_are_put_aside_by_the_next_start(
    store: RowStore, tmp_path: Path
) -> None:
    files = open_files(tmp_path / "journal", clock=ticking(), environ={})
    files.append("stop", case="c", actor="Ada")
    workspace = Workspace.open(tmp_path, env={})
    adopt_files(workspace)
    path = tmp_path / "journal" / "journal.jsonl"
    path.with_name("journal.jsonl.moved").rename(path)
    open_journal(workspace).append("stop", case="c", actor="Ada")

    assert adopt_files(workspace) == 0
    assert not path.exists()


def test_two_journals_are_never_mixed(store: RowStore, tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path, env={})
    open_journal(workspace).append("stop", case="c", actor="Ada")
    open_files(tmp_path / "journal", clock=ticking(), environ={}).append("stop", case="c", actor="Paul")

    with pytest.raises(JournalBrokenError, match="n'est pas celui"):
        adopt_files(workspace)
    assert store.count() == 1
    assert (tmp_path / "journal" / "journal.jsonl").exists()


def named(parts: SplitResult, database: str) -> str:
    """Address of another database of the same server; urlunsplit would drop an empty host."""
    return f"{parts.scheme}://{parts.netloc}/{database}?{parts.query}"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Environment of another installation, on the same kind of database."""
    environ = {
        **os.environ,
        "ECLAIREUR_HOME": str(tmp_path / "home"),
        "PYTHONPATH": os.pathsep.join(sys.path),
    }
    url = os.environ.get("DATABASE_URL")
    if not url:
        yield environ
        return
    import psycopg

    name = f"elsewhere_{os.getpid()}"
    parts = urlsplit(url)
    with psycopg.connect(named(parts, "postgres"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
        yield {**environ, "DATABASE_URL": named(parts, name)}
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


def start(environ: dict[str, str], code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], env=environ, stdout=subprocess.PIPE, text=True
    )


def run(environ: dict[str, str], code: str, *arguments: str) -> list[str]:
    """Lines that a program prints; it must end well."""
    process = start(environ, code, *arguments)
    lines = process.communicate()[0].splitlines()
    assert process.returncode == 0
    return lines


def test_a_destroyed_key_is_overwritten_in_the_file_whatever_sqlite_does_by_default(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "base.sqlite3", isolation_level=None)) as base:
        base.execute("PRAGMA secure_delete = OFF")
        durable(None, SimpleNamespace(vendor="sqlite", cursor=lambda: closing(base.cursor())))
        assert base.execute("PRAGMA secure_delete").fetchone() == (1,)


def test_four_processes_at_once_write_one_chain(elsewhere: dict[str, str]) -> None:
    """Each makes the same seven keys: subjects keep one reference, numbers have no hole."""
    run(elsewhere, PREPARE)
    writers = [start(elsewhere, WRITER, f"agent-{number}", "25") for number in range(4)]
    said = [line for one in writers for line in one.communicate()[0].splitlines()]
    assert [one.returncode for one in writers] == [0] * 4

    first, *written = run(
        elsewhere,
        "from eclaireur.desk.start import open_workspace\n"
        "journal = open_workspace().journal\n"
        "print(journal.verify().entries, len({entry.subject for entry in journal.entries()}))\n"
        "assert all(journal.reveal(entry) for entry in journal.entries())\n"
        "print(*(f'{entry.seq} {entry.hash}' for entry in journal.entries()), sep='\\n')",
    )
    assert first == "100 7"
    assert sorted(said) == sorted(written)


def test_a_command_writes_where_the_desk_reads(elsewhere: dict[str, str]) -> None:
    """The journal of files, then the desk, then a command: one chain."""
    files = Path(elsewhere["ECLAIREUR_HOME"]) / "journal" / "journal.jsonl"
    run({name: value for name, value in elsewhere.items() if name != "DATABASE_URL"}, WRITER, "avant", "2")
    assert files.exists()
    run(elsewhere, PREPARE)

    run(elsewhere, WRITER, "après", "1")

    assert not files.exists()
    verify = "import sys; from eclaireur.cli.app import main; sys.exit(main(['journal', 'verify']))"
    assert "3 lignes" in run(elsewhere, verify)[0]

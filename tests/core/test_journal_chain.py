"""The chain of the journal: what is written, and what a tampering changes."""

from __future__ import annotations

import hashlib
import json
import math
import random
import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from benchmarks.prove_journal import MemoryStore, prove, random_draft, ticking
from hypothesis import HealthCheck, given, settings, strategies as st

from eclaireur.core import canonical
from eclaireur.core.errors import BadValueError, JournalBrokenError, NotFoundError
from eclaireur.core.journal import Draft, Entry, FileKeyStore, Head, Journal, open_journal
from eclaireur.core.subjects import Subject

PERSON = Subject("pseudonym", "personne-0042")

scalars = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abé«\n😀"), inner, max_size=4),
    max_leaves=12,
)


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return open_journal(tmp_path, clock=ticking(), environ={})


@given(value=values)
def test_canonical_text_reads_back_to_the_same_value_and_the_same_text(value: object) -> None:
    text = canonical.text(value)
    assert canonical.parse(text) == value
    assert canonical.text(canonical.parse(text)) == text


def test_canonical_text_has_one_form() -> None:
    assert canonical.text({"é": [1, 1.0, 1e-7, 1e16, True], "a": 'x"\\\n\x1f/'}) == (
        r'{"a":"x\"\\\n\u001f/","é":[1,1.0,1e-07,1e+16,true]}'
    )


class _Choice(StrEnum):
    FOLLOW = "follow"


def test_a_text_enumeration_is_its_text() -> None:
    assert canonical.text([_Choice.FOLLOW]) == '["follow"]'


@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        {"a": [-math.inf]},
        b"bytes",
        date(2026, 1, 1),
        {1, 2},
        {1: "key"},
        2**53,
        "\ud800",
        1j,
        object(),
    ],
)
def test_what_json_cannot_hold_is_refused(value: object, journal: Journal, tmp_path: Path) -> None:
    with pytest.raises(BadValueError):
        journal.append("decision", case="c", actor="Ada", data={"value": value})
    assert not (tmp_path / "journal.jsonl").exists()


def test_a_refused_value_is_named_by_its_place() -> None:
    with pytest.raises(BadValueError, match=r"nombre infini ou indéfini dans « scores\.2 »"):
        canonical.text({"scores": [0.5, 1.0, math.nan]})


def test_a_value_that_nests_without_end_is_refused() -> None:
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(BadValueError, match="niveaux"):
        canonical.text(endless)


@pytest.mark.parametrize("text", ["NaN", '{"a":1,"a":2}', "[" * 10_000, "{", "", "[1e999]"])
def test_loose_json_is_not_read(text: str) -> None:
    with pytest.raises(BadValueError):
        canonical.parse(text)


def test_an_entry_has_a_number_a_time_and_the_hash_of_the_one_before(journal: Journal) -> None:
    first = journal.append("decision", case="demo", actor="Ada", data={"label": 1})
    second = journal.append("stop", case="demo", actor="Émilie", data={})
    assert (first.seq, first.prev, second.seq, second.prev) == (1, "0" * 64, 2, first.hash)
    assert first.time == datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
    assert second.time - first.time == timedelta(seconds=1)
    assert list(journal.entries()) == [first, second]


def test_time_is_that_of_the_injected_clock_written_in_utc(tmp_path: Path) -> None:
    paris = timezone(timedelta(hours=2))
    noon = datetime(2026, 7, 1, 12, 0, tzinfo=paris)
    open_journal(tmp_path, clock=lambda: noon, environ={}).append("stop", case="c", actor="Ada")
    assert '"time":"2026-07-01T10:00:00.000000Z"' in (tmp_path / "journal.jsonl").read_text("utf-8")


def test_a_clock_without_time_zone_is_a_programming_error(tmp_path: Path) -> None:
    naive = datetime(2026, 7, 1, 12, 0)
    with pytest.raises(ValueError, match="timezone-aware"):
        open_journal(tmp_path, clock=lambda: naive, environ={}).append("stop", case="c", actor="Ada")


def test_another_program_can_verify_the_file(journal: Journal, tmp_path: Path) -> None:
    """Written from the documentation alone: hash of the bytes, number, previous hash, sorted keys."""
    rng = random.Random(1)
    journal.append_many(random_draft(rng) for _ in range(50))
    previous = "0" * 64
    for number, line in enumerate((tmp_path / "journal.jsonl").read_bytes().split(b"\n")[:-1], 1):
        found = json.loads(line)
        body = line[: line.rindex(b',"hash":"')] + b"}"
        assert hashlib.sha256(body).hexdigest() == found.pop("hash")
        assert (found["seq"], found["prev"]) == (number, previous)
        sorted_keys = json.dumps(found, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
        assert sorted_keys.encode() == body
        previous = hashlib.sha256(body).hexdigest()


@pytest.mark.skipif(not (shutil.which("sed") and shutil.which("sha256sum")), reason="needs sed and sha256sum")
def test_the_shell_command_of_the_documentation_gives_the_hash_of_a_line(
    journal: Journal, tmp_path: Path
) -> None:
    rng = random.Random(2)
    entries = journal.append_many(random_draft(rng) for _ in range(9))
    command = (
        "sed -n 7p journal.jsonl | sed -E 's/,\"hash\":\"[0-9a-f]{64}\"\\}$/}/' | tr -d '\\n' | sha256sum"
    )
    done = subprocess.run(["sh", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert done.stdout.split()[0] == entries[6].hash


def test_five_hundred_random_tamperings_are_found_at_the_right_line() -> None:
    proof = prove(500, seed=20211)
    assert proof.missed == []
    assert proof.found.total() == proof.tried.total() == 500
    assert len(proof.tried) == 9


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), contents=st.lists(values, min_size=2, max_size=8))
def test_any_byte_changed_in_the_file_is_found_at_its_line(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, contents: list[object]
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    journal = open_journal(folder, clock=ticking(), environ={})
    journal.append_many(Draft(kind="decision", case="c", actor="Ada", data={"v": v}) for v in contents)
    head, path = journal.head(), folder / "journal.jsonl"
    raw = bytearray(path.read_bytes())
    place = data.draw(st.integers(0, len(raw) - 1))
    raw[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != raw[place]))
    line = path.read_bytes()[:place].count(b"\n") + 1
    path.write_bytes(raw)
    with pytest.raises(JournalBrokenError) as caught:
        journal.verify(head)
    assert caught.value.line == line
    assert caught.value.file == "journal.jsonl"


def test_a_cut_tail_is_seen_only_with_a_head_exported_before(journal: Journal, tmp_path: Path) -> None:
    for _ in range(5):
        journal.append("decision", case="c", actor="Ada")
    head, path = journal.head(), tmp_path / "journal.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:3]))
    assert journal.verify().entries == 3
    with pytest.raises(
        JournalBrokenError, match=r"ligne 4 : le journal s'arrête à la ligne 3.*24/11/2026"
    ) as caught:
        journal.verify(head)
    assert caught.value.line == 4


def test_a_journal_that_grew_since_the_head_still_verifies(journal: Journal) -> None:
    journal.append("decision", case="c", actor="Ada")
    head = journal.head()
    last = journal.append("stop", case="c", actor="Ada")
    report = journal.verify(head)
    assert (report.entries, report.head, report.time) == (2, last.hash, last.time)


def test_an_empty_journal_verifies(journal: Journal) -> None:
    assert journal.verify(journal.head()).entries == 0
    assert list(journal.entries()) == []


def test_nothing_is_added_after_an_altered_last_line(journal: Journal, tmp_path: Path) -> None:
    journal.append("decision", case="c", actor="Ada", data={"label": 1})
    path = tmp_path / "journal.jsonl"
    altered = path.read_text("utf-8").replace('"label":1', '"label":0')
    path.write_text(altered, "utf-8")
    acts = (lambda: journal.append("decision", case="c", actor="Ada"), journal.head)
    for act in acts:
        with pytest.raises(JournalBrokenError, match=r"^journal\.jsonl : .*empreinte"):
            act()
    assert path.read_text("utf-8") == altered


def test_an_entry_is_read_by_its_number(journal: Journal, tmp_path: Path) -> None:
    made = journal.append_many(
        [Draft(kind="decision", case="c", actor="Ada", data={"n": n}) for n in range(4)]
    )
    assert [journal.entry(number) for number in (1, 2, 3, 4)] == list(made)
    for number in (-1, 0, 5):
        with pytest.raises(NotFoundError) as missing:
            journal.entry(number)
        assert str(missing.value) == f"le journal n'a pas de ligne {number}."

    path = tmp_path / "journal.jsonl"
    path.write_text(path.read_text("utf-8").replace('"n":2', '"n":7'), "utf-8")
    for read in (lambda: journal.entry(3), lambda: list(journal.entries(after=1))):
        with pytest.raises(JournalBrokenError, match=r"^journal\.jsonl, ligne 3 : "):
            read()
    assert journal.entry(4) == made[3]


def test_a_chain_that_does_not_hold_says_where_why_and_what_to_do(journal: Journal, tmp_path: Path) -> None:
    journal.append_many([Draft(kind="decision", case="c", actor="Ada", data={"n": n}) for n in range(4)])
    head, path = journal.head(), tmp_path / "journal.jsonl"
    lines = path.read_text("utf-8").splitlines()
    other = open_journal(tmp_path / "other", clock=ticking(), environ={})
    other.append_many([Draft(kind="decision", case="c", actor="Ada", data={"n": n}) for n in range(1, 5)])
    others = (tmp_path / "other" / "journal.jsonl").read_text("utf-8").splitlines()
    keep = "Gardez le journal tel quel, prévenez la personne responsable et cherchez une sauvegarde."
    when = "la tête exportée du 24/11/2026 à 09\u00a0h\u00a030 (temps universel)"

    def said(wrong: list[str], known: Head | None) -> str:
        path.write_text("".join(f"{line}\n" for line in wrong), "utf-8")
        with pytest.raises(JournalBrokenError) as caught:
            journal.verify(known)
        return str(caught.value)

    assert said([lines[0], lines[2]], None) == (
        "journal.jsonl, ligne 2 : la ligne porte le numéro 3 : une ligne a été retirée, ajoutée ou déplacée. "
        f"{keep}"
    )
    assert said([lines[0], *others[1:]], None) == (
        "journal.jsonl, ligne 2 : la ligne ne suit pas celle qui la précède : l'une des deux a été "
        f"remplacée. {keep}"
    )
    assert said(others, head) == (
        f"journal.jsonl, ligne 4 : cette ligne, ou une ligne avant elle, a changé depuis {when}. {keep}"
    )
    assert said(lines[:3], replace(head, time=None)) == (
        "journal.jsonl, ligne 4 : le journal s'arrête à la ligne 3, alors qu'il en comptait 4 dans la tête "
        f"exportée : les dernières lignes ont été retirées. {keep}"
    )


def test_another_text_of_the_same_entry_is_refused() -> None:
    """A line whose hash fits its bytes, but whose keys are not in order."""
    body = json.dumps({"seq": 1, "actor": "Ada", "format": 1}, separators=(",", ":"))
    line = f'{body[:-1]},"hash":"{hashlib.sha256(body.encode()).hexdigest()}"}}'
    with pytest.raises(JournalBrokenError):
        Entry.from_line(line, 1)


def test_entries_are_chosen_by_kind_case_number_and_subject(journal: Journal) -> None:
    journal.append_many(
        [
            {"kind": "decision", "case": "a", "actor": "Ada", "subject": PERSON},
            {"kind": "outcome", "case": "a", "actor": "Ada", "data": {"case": "b"}},
            {"kind": "decision", "case": "b", "actor": "Ada"},
            {"kind": "stop", "case": "a", "actor": "Ada", "data": {"text": '"case":"b"'}},
        ]
    )

    def numbers(**wanted: Any) -> list[int]:
        return [entry.seq for entry in journal.entries(**wanted)]

    assert numbers(kind="decision") == [1, 3]
    assert numbers(kind={"outcome", "stop"}) == [2, 4]
    assert numbers(case="b") == [3]
    assert numbers(case="a", after=1) == [2, 4]
    assert numbers(subject=PERSON) == [1]
    assert numbers(subject=Subject("pseudonym", "personne-0043")) == []


def test_many_entries_are_added_together_or_not_at_all(journal: Journal) -> None:
    good = Draft(kind="decision", case="c", actor="Ada")
    with pytest.raises(BadValueError):
        journal.append_many(
            [good, {"kind": "decision", "case": "c", "actor": "Ada", "data": {"v": math.nan}}]
        )
    assert journal.verify().entries == 0
    assert journal.append_many([]) == ()
    assert [entry.seq for entry in journal.append_many([good] * 3)] == [1, 2, 3]


@pytest.mark.parametrize(
    "wrong",
    [
        ({"kind": "Décision"}, "genre"),
        ({"actor": " "}, "auteur"),
        ({"personal": {"note": "vu"}}, "sujet"),
        ({"subject": PERSON, "data": {"who": "personne-0042"}}, "en clair"),
        ({"subject": PERSON, "data": {"list": [{"pseudonym:personne-0042": 1}]}}, "en clair"),
        ({"subject": PERSON, "personal": {"subject": "pseudonym:autre"}}, "autre sujet"),
        ({"data": {"text": "x" * 2**20}}, "trop longue"),
    ],
)
def test_a_wrong_draft_is_refused_in_french(journal: Journal, wrong: tuple[dict[str, Any], str]) -> None:
    fields, message = wrong
    with pytest.raises(BadValueError, match=message):
        journal.append_many([{"kind": "decision", "case": "c", "actor": "Ada", **fields}])
    assert journal.verify().entries == 0


def test_any_store_of_lines_will_do(tmp_path: Path) -> None:
    keys = FileKeyStore(tmp_path / "keys", tmp_path / "master.key", environ={})
    journal = Journal(MemoryStore(), keys, ticking())
    entry = journal.append("decision", case="c", actor="Ada", subject=PERSON, personal={"note": "vu"})
    assert journal.reveal(entry) == {"note": "vu", "subject": "pseudonym:personne-0042"}
    assert journal.verify(journal.head()).entries == 1

"""One line of the journal at its edges: the longest that passes, the first that does not, what is said."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from eclaireur.core.errors import BadValueError, JournalBrokenError
from eclaireur.core.journal.entry import LONGEST, Draft, Entry, open_sealed, seal
from eclaireur.core.subjects import Subject

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
KEY = b"k" * 32
PERSON = Subject("pseudonym", "personne-0042")


def draft(**changes: Any) -> Draft:
    return Draft(**{"kind": "decision", "case": "c", "actor": "Ada", **changes})


def made(one: Draft, *, key: tuple[str, bytes] | None = None) -> Entry:
    return Entry.make(one, seq=1, time=NOON, prev="0" * 64, key=key)


def hashed(values: Mapping[str, Any], *, in_order: bool = True) -> str:
    """Write fields as a line whose hash fits its bytes, whatever the fields are."""
    body = json.dumps(values, sort_keys=in_order, ensure_ascii=False, separators=(",", ":"))
    return f'{body[:-1]},"hash":"{hashlib.sha256(body.encode()).hexdigest()}"}}'


def fields() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(made(draft()).line())
    del found["hash"]
    return found


NO_ACTOR = "une écriture du journal demande un auteur, de 200 caractères au plus. Indiquez qui agit."
IN_CLEAR = (
    "l'identifiant du sujet figure en clair parmi les valeurs publiques de l'écriture. "
    "Placez-le parmi les valeurs personnelles."
)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"actor": " "}, NO_ACTOR),
        ({"actor": "a" * 201}, NO_ACTOR),
        ({"case": "c" * 201}, NO_ACTOR),
        (
            {"personal": {"note": "vu"}},
            "des valeurs personnelles demandent le sujet auquel elles se rapportent.",
        ),
        (
            {"subject": PERSON, "personal": {"subject": "pseudonym:autre"}},
            "les valeurs personnelles nomment un autre sujet que celui de l'écriture.",
        ),
        ({"subject": PERSON, "data": {"who": "personne-0042"}}, IN_CLEAR),
        # From eight characters on, a key says somebody.
        ({"subject": Subject("pseudonym", "12345678"), "data": {"n": ["12345678"]}}, IN_CLEAR),
    ],
    ids=["blank", "actor", "case", "nobody", "another", "in clear", "eight"],
)
def test_a_wrong_draft_says_what_to_do(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadValueError) as caught:
        draft(**changes)
    assert str(caught.value) == said


def test_a_draft_at_the_edge_of_what_is_allowed_passes() -> None:
    assert draft(actor="a" * 200, case="c" * 200).actor == "a" * 200
    short = draft(subject=Subject("pseudonym", "1234567"), data={"n": ["1234567"]})
    assert short.personal == {"subject": "pseudonym:1234567"}


def test_the_longest_line_passes_and_no_longer_one() -> None:
    room = LONGEST - 100 - len(made(draft(data={"text": ""})).line().encode()) + len(',"hash":""') + 64
    longest = made(draft(data={"text": "x" * room}))
    assert len(longest.line().encode()) <= LONGEST
    assert Entry.from_line(longest.line(), 1) == longest
    with pytest.raises(BadValueError) as caught:
        made(draft(data={"text": "x" * (room + 1)}))
    assert str(caught.value) == (
        "écriture du journal trop longue : plus d'un mégaoctet. "
        "Enregistrez un fichier à part, et ne gardez ici que son empreinte."
    )


def test_a_line_about_nobody_seals_nothing_and_its_time_is_universal() -> None:
    entry = made(draft())
    assert (entry.subject, entry.sealed) == (None, None)
    assert entry.time.tzinfo is UTC


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (
            lambda: made(draft()).line()[:-2],
            "la ligne ne correspond pas à son empreinte : elle a été modifiée.",
        ),
        (lambda: hashed({**fields(), "seq": 0}), "la ligne n'est pas une écriture lisible."),
        (lambda: hashed({**fields(), "time": "2026-11-24"}), "la ligne n'est pas une écriture lisible."),
        (lambda: hashed({**fields(), "subject": "Jeanne"}), "la ligne n'est pas une écriture lisible."),
        (
            lambda: hashed(dict(reversed(fields().items())), in_order=False),
            "la ligne n'a pas la forme attendue.",
        ),
    ],
    ids=["cut", "number", "time", "subject", "order"],
)
def test_a_wrong_line_is_named_with_its_file_and_number(wrong: Callable[[], str], said: str) -> None:
    """But for the first, each has the hash of its own bytes: what forges a line would write it so."""
    with pytest.raises(JournalBrokenError) as caught:
        Entry.from_line(wrong(), 7, file="journal.jsonl")
    assert str(caught.value) == f"journal.jsonl, ligne 7 : {said}"
    with pytest.raises(JournalBrokenError) as caught:
        Entry.from_line(wrong())
    assert str(caught.value) == said


def test_sealed_values_open_only_in_their_place_and_to_the_letter() -> None:
    entry = made(draft(subject=PERSON, personal={"note": "vu"}), key=("0" * 32, KEY))
    assert open_sealed(entry, KEY) == {"note": "vu", "subject": "pseudonym:personne-0042"}

    moved = seal({"note": "vu"}, KEY, seq=1, kind="decision", case="another")
    spaced = f"{(entry.sealed or '')[:8]} {(entry.sealed or '')[8:]}"
    for one in (replace(entry, sealed=moved), replace(entry, sealed=spaced), replace(entry, seq=2)):
        with pytest.raises(JournalBrokenError) as caught:
            open_sealed(one, KEY)
        assert str(caught.value) == (
            f"ligne {one.seq} : les valeurs personnelles scellées ont été modifiées, ou viennent d'une autre "
            "écriture. Vérifiez le journal : eclaireur journal verify."
        )

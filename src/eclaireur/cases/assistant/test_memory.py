"""What was asked before: the same words lead to the same sheet, near ones come nearer to theirs."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from eclaireur.cases.assistant import case, sample
from eclaireur.cases.assistant.answers import find
from eclaireur.cases.assistant.base import Base, base_of
from eclaireur.cases.assistant.memory import HARM, Memory, best_weight, mark, memory_of
from eclaireur.cases.assistant.model import Model, load
from eclaireur.cases.assistant.situation import Situation
from eclaireur.core.case import Records, quiet
from eclaireur.core.tables import outcomes_schema

ASKED = "Ma pièce pour voyager hors d’Europe, ça va me revenir à combien ?"


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Records:
    folder: Path = tmp_path_factory.mktemp("fiches")
    sample.write(folder, seed=3)
    return case.records("sample", folder, outcomes=None, progress=quiet)


@pytest.fixture(scope="module")
def base(records: Records) -> Base:
    return base_of(records["sheets"])


def remembered(base: Base, *asked: tuple[str, str, str]) -> Memory:
    rows = [{"subject": subject, "question": question} for subject, question, _ in asked]
    return Memory.of(base, {mark(row): one[2] for row, one in zip(rows, asked, strict=True)}, rows)


def test_the_same_words_lead_to_the_sheet_that_an_agent_gave(base: Base) -> None:
    there, other = base.sheets[3], base.sheets[5]
    memory = remembered(base, ("q1", ASKED, there.id))
    alone = find(base, Model(), ASKED)

    found = find(base, Model(), ASKED.upper(), memory=memory)

    assert base.sheets[found.ranked[0].place] is there
    assert found.answer.sentences, "it is answered, whatever the words of the sheet"
    assert any("déjà été posée" in one for one in found.answer.cautions)
    assert found.recalled == pytest.approx(1.0, abs=1e-5)
    # Of itself a question says nothing, nor do two agents who differ.
    itself = find(base, Model(), ASKED, memory=memory, itself="q1")
    assert [one.place for one in itself.ranked] == [one.place for one in alone.ranked]
    differ = remembered(base, ("q1", ASKED, there.id), ("q2", ASKED.lower(), other.id))
    assert differ.same(ASKED) == -1
    assert differ.same(ASKED, itself="q2") == 3


def test_a_question_erased_or_whose_sheet_is_gone_is_forgotten(base: Base) -> None:
    rows = [{"subject": "q1", "question": ASKED}, {"subject": "q3", "question": "Autre chose ?"}]
    gone = {"subject": "q2", "question": "Une question effacée ?"}
    known = {mark(rows[0]): base.sheets[3].id, mark(gone): base.sheets[4].id, mark(rows[1]): "retirée"}
    memory = Memory.of(base, known, rows)
    assert memory.subjects.tolist() == ["q1"]
    assert memory.same("Autre chose ?") == -1
    reworded = Memory.of(base, known, [rows[0] | {"question": "Quel temps fait-il à Brest ?"}])
    assert reworded.same("Quel temps fait-il à Brest ?") == -1
    nothing = Memory.of(base, known, [])
    assert not nothing.near(base, ASKED).any()
    assert find(base, Model(), ASKED, memory=nothing).ranked == find(base, Model(), ASKED).ranked


@pytest.mark.parametrize(
    ("known", "asked"),
    [
        ("Quels sont les droits de l’employé ?", "Quels sont les droits de l’employeur ?"),
        ("Où apprendre le C# ?", "Où apprendre le C++ ?"),
        ("???", "+++ €"),
        ("Quel est le jour du marché ?", "Quel est le jour du marche ?"),
    ],
)
def test_other_words_are_not_the_same(base: Base, known: str, asked: str) -> None:
    memory = remembered(base, ("q1", known, base.sheets[3].id))
    assert memory.same(asked) == -1


def test_all_that_was_typed_is_looked_for_before_its_first_question(base: Base) -> None:
    typed = "Je déménage. Que faire ? Et comment changer d’adresse ?"
    memory = remembered(base, ("q1", typed, base.sheets[3].id))
    assert find(base, Model(), typed, memory=memory).ranked[0].place == 3


def test_what_the_person_declares_decides_after_what_was_asked_before(records: Records) -> None:
    rows = records["sheets"].to_pylist()
    rows[0] |= {"title": "Congés du salarié", "text": "Le salarié a 25 jours de congés par an."}
    rows[1] |= {"title": "Congés de l’agent public", "text": "L’agent public a 25 jours de congés par an."}
    base = base_of(pa.Table.from_pylist(rows, schema=records["sheets"].schema))
    question = "Combien de jours de congés par an ?"
    memory = remembered(base, ("q1", question, base.sheets[0].id))
    assert find(base, Model(), question, memory=memory).ranked[0].place == 0
    found = find(base, Model(), question, memory=memory, situation=Situation(status="agent_public"))
    assert found.ranked[0].place == 1
    assert not any("déjà été posée" in one for one in found.answer.cautions)


def test_a_near_question_brings_its_sheet_nearer_within_the_audience_that_is_declared(base: Base) -> None:
    at = next(at for at, one in enumerate(base.sheets) if "passeport" in one.title.lower())
    there = next(one for one in range(len(base.sheets)) if one != at)
    question = "Combien coûte un passeport ?"
    memory = remembered(base, ("q1", "Combien coûte le passeport d’un adulte ?", base.sheets[there].id))
    model = Model(weights={**Model().weights, "asked": 50.0})

    assert (
        base.sheets[find(base, Model(), question, memory=memory).ranked[0].place].id != base.sheets[there].id
    )
    assert find(base, model, question, memory=memory).ranked[0].place == there

    audience = next((one for one in base.audiences if not base.open_to(one)[there]), "")
    assert audience, "the sheet chosen is not for everybody"
    kept = find(base, model, question, memory=memory, situation=Situation(audience=audience))
    assert there not in [one.place for one in kept.ranked]
    same = remembered(base, ("q1", question, base.sheets[there].id))
    kept = find(base, model, question, memory=same, situation=Situation(audience=audience))
    assert there not in [one.place for one in kept.ranked]


@pytest.mark.parametrize(("harmed", "weight"), [(0, 1.0), (3, 1.0), (20, 0.0)])
def test_the_weight_is_the_least_that_helps_most_without_harm(harmed: int, weight: float) -> None:
    none, first, second = np.zeros(2), np.array([0.9, 0.0]), np.array([0.0, 0.6])
    totals = [(np.array([0, 1]), np.array([1.0, 0.5]))] * 200
    expected = [1] * 100 + [0] * 100
    # Half are second by their words, and a question known of their sheet puts them first. Of sheets that
    # nobody asked of, some lose half of their rank to a question known of another.
    known = [second] * 100 + [first] * 100
    never = [none] * (200 - harmed) + [second] * harmed
    assert best_weight(totals, expected, known, never) == weight
    assert (0.5 * harmed / 200 <= HARM) is bool(weight)


def test_what_an_adviser_answers_leads_the_next_who_asks_the_same(records: Records) -> None:
    last = case.data_date(records)
    day = last + timedelta(days=1)
    row = records["questions"].to_pylist()[0]
    other = next(one for one in records["sheets"]["id"].to_pylist() if one != row["expected"])

    def led(on: Records) -> str:
        made = case.train(on, case.examples(on), as_of=day + timedelta(days=1), seed=1, progress=quiet)
        answered = case.answer(row["question"], {}, on, made.card, lambda name: made.artefacts[name])
        titles: dict[str, str] = {one["title"]: one["id"] for one in on["sheets"].to_pylist()}
        return titles[answered.citations[0].title]

    # Refuted or corrected after the training, it is heeded at once.
    kept = case.train(records, case.examples(records), as_of=day, seed=1, progress=quiet)

    def now(on: Records) -> str:
        answered = case.answer(row["question"], {}, on, kept.card, lambda name: kept.artefacts[name])
        return "".join(answered.cautions)

    assert "déjà été posée" in now(records)
    assert led(records) == row["expected"]
    said = {
        "outcome": "1",
        "subject": row["subject"],
        "observed": last,
        "known": day,
        "label": 1.0,
        "value": other,
        "observer": "a",
        "origin": "decision",
    }
    answered = {**records, "outcomes": pa.Table.from_pylist([said], schema=outcomes_schema())}
    assert led(answered) == other
    assert "déjà été posée" in now(answered)
    refuted = pa.Table.from_pylist([said | {"label": 0.0, "value": None}], schema=outcomes_schema())
    assert "déjà été posée" not in now({**records, "outcomes": refuted})


def test_a_model_keeps_neither_the_words_nor_the_names_of_the_questions(records: Records) -> None:
    made = case.train(records, case.examples(records), as_of=date(2026, 11, 1), seed=0, progress=quiet)
    model = load(lambda name: made.artefacts[name])
    rows = records["questions"].to_pylist()
    assert dict(model.known) == {mark(row): row["expected"] for row in rows}
    text = b"".join(made.artefacts.values()).decode()
    assert not any(row["question"] in text or row["subject"] in text for row in rows)


def test_a_memory_is_made_once_while_it_is_the_same(base: Base, records: Records) -> None:
    rows = records["questions"]
    known = {mark(row): row["expected"] for row in rows.to_pylist()}
    held = memory_of(base, known, rows)
    assert memory_of(base, dict(known), rows.slice(0)) is held
    fewer = memory_of(base, known, rows.slice(1))
    assert len(fewer.subjects) == len(held.subjects) - 1
    # As many are known, but a model that was fitted on a part of them compares others with that part.
    part = memory_of(base, known, rows, near=frozenset(list(known)[:5]))
    assert len(part.subjects) == 5
    assert len(part.words) == len(held.words)

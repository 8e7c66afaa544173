"""What the assistant reports and learns: appointments, the cost of caution, new sheets, corrections."""

from __future__ import annotations

from datetime import date, timedelta

import pyarrow as pa
import pytest

from eclaireur.cases.assistant import case, measuring, reports, sample
from eclaireur.cases.assistant.base import base_of
from eclaireur.cases.assistant.model import Model
from eclaireur.core import french
from eclaireur.core.case import Records, quiet
from eclaireur.core.engine import InlineExecutor
from eclaireur.core.errors import BadValueError, EmptyTableError
from eclaireur.core.tables import outcomes_schema
from eclaireur.core.types import ModelCard
from eclaireur.core.view import Chart, Facts, Table


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Records:
    folder = tmp_path_factory.mktemp("fiches")
    sample.write(folder, seed=3)
    return case.records("sample", folder, outcomes=None, progress=quiet)


def test_the_sheet_of_an_appointment_says_what_to_bring_and_to_do(records: Records) -> None:
    made = case.train(records, case.examples(records), as_of=date(2026, 11, 1), seed=0, progress=quiet)
    blocks = case.report(
        "appointment",
        records,
        made.card,
        lambda name: made.artefacts[name],
        about="J'ai égaré ma carte d'identité, que dois-je faire ?",
        table=None,
        seed=0,
        progress=quiet,
    )
    titles = [block.title for block in blocks]
    assert titles[:3] == ["En bref", "Documents à apporter", "Démarches"]
    assert "Sources" in titles


def test_the_cost_of_each_caution_is_drawn_and_agrees_with_what_is_measured(records: Records) -> None:
    made = case.train(records, case.examples(records), as_of=date(2026, 11, 1), seed=0, progress=quiet)
    kept = made.artefacts
    chart, table = case.report(
        "caution", records, made.card, lambda name: kept[name], about="", table=None, seed=0, progress=quiet
    )
    assert isinstance(chart, Chart)
    assert isinstance(table, Table)
    ours = chart.series[0]
    assert ours.x == pytest.approx([5 * part for part in range(1, 21)])
    assert [row["ours"] for row in table.rows] == [french.percent(one / 100) for one in ours.y]
    (measured,) = case.evaluate("sample", records, seed=0, engine=InlineExecutor(), progress=quiet)
    half = next(one.value for one in measured.metrics if one.name == "risk_at_50pct") or 0.0
    assert ours.y[9] == pytest.approx(100 * half, abs=2.5)
    assert ours.y[-1] >= 50


def test_new_sheets_say_what_would_change_and_replace_nothing(records: Records) -> None:
    sheets = records["sheets"].to_pylist()
    after = [dict(row) for row in sheets[1:]] + [sheets[0] | {"id": "V99", "title": "Nouvelle"}]
    after[0]["text"] += " Autre phrase."
    table = pa.Table.from_pylist(after).drop_columns(["observed", "version"])
    facts, listed = reports.made("changes", base_of(records["sheets"]), Model(), about="", table=table)
    assert isinstance(facts, Facts)
    assert [value for _, value in facts.pairs] == ["20", "1", "1", "1"]
    assert isinstance(listed, Table)
    assert [(row["what"], row["id"]) for row in listed.rows] == [
        ("nouvelle", "V99"),
        ("retirée", sheets[0]["id"]),
        ("modifiée", after[0]["id"]),
    ]
    with pytest.raises(BadValueError, match="fichier de fiches"):
        reports.made("changes", base_of(records["sheets"]), Model(), about="", table=None)


def test_too_few_questions_are_not_measured(records: Records) -> None:
    with pytest.raises(EmptyTableError, match="ne suffisent pas"):
        measuring.evaluate("x", records["sheets"], records["questions"].slice(0, 5), seed=0, progress=quiet)


def test_a_sheet_that_an_adviser_says_wrong_is_no_longer_learnt_and_another_takes_its_place(
    records: Records,
) -> None:
    last = case.data_date(records)
    day = last + timedelta(days=1)
    few = {**records, "questions": records["questions"].slice(0, 40)}
    wrong, moved, right = few["questions"]["subject"].to_pylist()[:3]
    other = few["sheets"]["id"].to_pylist()[-1]
    given = [(wrong, 0.0, None), (moved, 1.0, other), (right, 1.0, None)]
    rows = [
        {
            "outcome": str(at),
            "subject": subject,
            "observed": last,
            "known": day,
            "label": label,
            "value": value,
            "observer": "a",
            "origin": "decision",
        }
        for at, (subject, label, value) in enumerate(given)
    ]
    answered = {**few, "outcomes": pa.Table.from_pylist(rows, schema=outcomes_schema())}
    told = {
        row["subject"]: row["expected"]
        for row in case.labelled(answered, day + timedelta(days=1)).to_pylist()
    }
    before = {row["subject"]: row["expected"] for row in few["questions"].to_pylist()}
    assert told == {name: sheet for name, sheet in before.items() if name != wrong} | {moved: other}
    assert case.labelled(answered, day).equals(case.labelled(few, day))  # not known yet
    labels = {row["subject"]: (row["label"], row["origin"]) for row in case.examples(answered).to_pylist()}
    assert (labels[wrong], labels[right]) == ((0.0, "decision"), (1.0, "decision"))

    def trained(on: Records) -> ModelCard:
        examples = case.examples(on)
        return case.train(on, examples, as_of=day + timedelta(days=1), seed=1, progress=quiet).card

    assert trained(answered).examples == trained(few).examples - 2

"""What every case promises, run on each case of the catalogue on its own sample.

A new case is tested by these tests without a line to add here.
"""

from __future__ import annotations

import io
import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from rich.console import Console

from eclaireur.core import snapshots
from eclaireur.core.card import Card, Desk, QualityState
from eclaireur.core.catalog import cards, load_case
from eclaireur.core.errors import BadValueError, EmptyTableError, MissingColumnError, NotFoundError
from eclaireur.core.evaluation import evaluation_json
from eclaireur.core.tables import examples_schema, outcomes_schema, signals_schema
from eclaireur.core.terminal import TerminalRenderer
from eclaireur.core.view import Table
from eclaireur.core.workspace import Workspace
from eclaireur.service import (
    erasing,
    evaluating,
    personal,
    reporting,
    scoring,
    signals as making,
    training,
    work as working,
)
from eclaireur.service.signals import Signals
from eclaireur.service.watching import moved_since, pooled, watch_block
from eclaireur.service.work import Work

ALL = cards()
TARGET = [card for card in ALL if card.desk == "target"]


@dataclass(frozen=True)
class Played:
    """A case that ran once on its sample."""

    work: Work
    signals: Signals


_PLAYED: dict[str, Played] = {}


@pytest.fixture(scope="session")
def home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("workspace") / "home"
    if "restaurant_risk" not in {card.name for card in ALL}:  # a copy of the sources, for a new case
        return folder
    return shutil.copytree(request.getfixturevalue("worked"), folder)


@pytest.fixture(params=ALL, ids=lambda card: card.name)
def played(request: pytest.FixtureRequest, home: Path) -> Played:
    card: Card = request.param
    if card.name not in _PLAYED:
        work = Work.on(Workspace.open(home, env={"ECLAIREUR_ENGINE": "inline"}), card.name)
        _PLAYED[card.name] = Played(work=work, signals=making.make(work, "sample"))
    return _PLAYED[card.name]


def claims(card: Card, rule: str) -> bool:
    return any(one.rule == rule and one.state is QualityState.DONE for one in card.quality)


def test_a_sample_fetched_twice_is_one_snapshot(played: Played) -> None:
    assert working.fetch(played.work, "sample").id == played.signals.records.snapshot.id


def test_signals_made_twice_are_one_run_with_the_same_table(played: Played) -> None:
    again = making.make(played.work, "sample")
    assert again.run.id == played.signals.run.id
    assert again.table.equals(played.signals.table)


def test_signals_have_the_schema_in_order_with_scores_between_0_and_1(played: Played) -> None:
    table = played.signals.table
    assert table.schema.equals(signals_schema())
    assert table["rank"].to_pylist() == list(range(1, table.num_rows + 1))
    scores = table["score"].to_pylist()
    assert scores == sorted(scores, reverse=True)
    assert all(0.0 <= score <= 1.0 for score in scores)
    assert pc.count_distinct(table["subject"]).as_py() == table.num_rows


def test_every_signal_says_why_in_words(played: Played) -> None:
    if not claims(played.work.card, "explains_every_signal"):
        pytest.skip("the card does not claim it")
    for reasons in played.signals.table["reasons"].to_pylist():
        assert reasons
        assert all(reason["sentence"].strip() and reason["theme"].strip() for reason in reasons)


def test_examples_are_labelled_and_known_after_the_date_they_are_seen_from(played: Played) -> None:
    examples = played.work.case.examples(played.signals.records.tables)
    assert set(examples_schema().names) <= set(examples.column_names)
    assert examples["label"].null_count == 0
    assert not pc.any(pc.is_nan(examples["label"])).as_py()
    assert pc.all(pc.greater_equal(examples["known"], examples["as_of"])).as_py()


def test_nothing_known_at_or_after_the_date_of_the_signals_changes_them(played: Played) -> None:
    """Cut the records at a past date: what is then left must give the same scores."""
    work, records = played.work, played.signals.records.tables
    when = played.signals.as_of - timedelta(days=120)
    registry, card = work.workspace.registry, played.signals.model.card
    cut = {name: _known_before(table, when) for name, table in records.items()}

    def scores(tables: dict[str, pa.Table]) -> dict[str, float]:
        table = work.case.signals(
            tables,
            card,
            lambda name: registry.artefact(card, name),
            as_of=when,
            progress=work.progress,
        )
        return dict(zip(table["subject"].to_pylist(), table["score"].to_pylist(), strict=True))

    whole, before = scores(dict(records)), scores(cut)
    assert before
    assert {key: whole[key] for key in before} == pytest.approx(before, abs=1e-12)


def _known_before(table: pa.Table, when: date) -> pa.Table:
    for column in ("known", "observed"):
        if column in table.column_names:
            return table.filter(pc.less(table[column], pa.scalar(when, pa.date32())))
    return table


def test_a_score_is_the_same_wherever_it_is_asked(played: Played, tmp_path: Path) -> None:
    """The list, the training examples and a scored file agree on a subject and a date."""
    if played.work.card.desk != "target":
        pytest.skip("only target cases score a list of subjects")
    top = played.signals.table.slice(0, 5)
    path = tmp_path / "a.csv"
    lines = [f"{row['subject']},{row['as_of']}" for row in top.to_pylist()]
    path.write_text("subject,date\n" + "\n".join(lines) + "\n", encoding="utf-8")
    output = tmp_path / "scores.parquet"
    scored = scoring.score(played.work, "sample", input_path=path, output=output)
    import pyarrow.parquet as pq

    found = pq.read_table(output)
    assert scored.rows == 5
    assert found["score"].to_pylist() == pytest.approx(top["score"].to_pylist(), abs=1e-12)
    assert found["line"].to_pylist() == [2, 3, 4, 5, 6]


def test_a_sheet_renders_for_the_first_and_the_last_subject(played: Played) -> None:
    for index in (0, played.signals.table.num_rows - 1):
        subject = played.signals.table["subject"][index].as_py()
        blocks = making.explain(played.work, "sample", subject)
        console = Console(file=io.StringIO(), width=100)
        TerminalRenderer(console).render(blocks)
        text = console.file.getvalue()  # type: ignore[attr-defined]
        assert subject.partition(":")[2] in text


def test_the_evaluation_is_held_out_with_baselines_intervals_and_subgroups(played: Played) -> None:
    work = played.work
    evaluation = evaluating.evaluate(work, ["sample"])
    content = evaluation_json(evaluation)
    assert content["case"] == work.card.name
    assert content["blocks"]
    metrics = [metric for block in evaluation.blocks for metric in block.metrics]
    if claims(work.card, "baseline_with_interval"):
        assert any(
            metric.baseline and None not in {metric.baseline_value, metric.low, metric.high}
            for metric in metrics
        )
    if claims(work.card, "subgroup_table"):
        assert any(block.subgroups for block in evaluation.blocks)
    if claims(work.card, "calibrated_score"):
        assert {"brier", "calibration_error"} <= {metric.name for metric in metrics}
        assert pc.all(played.signals.table["calibrated"]).as_py()
    for metric in metrics:
        if metric.low is not None and metric.high is not None and metric.value is not None:
            assert metric.low <= metric.value <= metric.high


@pytest.mark.parametrize(
    ("content", "error"),
    [
        ("", EmptyTableError),
        ("date\n2024-01-01\n", MissingColumnError),
        ("subject,date\nx,hier\n", BadValueError),
        ("subject,date\n,2024-01-01\n", BadValueError),
    ],
    ids=["empty", "missing column", "wrong type", "empty identifier"],
)
def test_a_wrong_file_to_score_is_refused_and_nothing_is_written(
    played: Played, tmp_path: Path, content: str, error: type[Exception]
) -> None:
    if played.work.card.desk != "target":
        pytest.skip("only target cases score a list of subjects")
    path = tmp_path / "faux.csv"
    path.write_text(content, encoding="utf-8")
    output = tmp_path / "scores.csv"
    with pytest.raises(error) as caught:
        scoring.score(played.work, "sample", input_path=path, output=output)
    assert "faux.csv" in str(caught.value)
    assert not output.exists()


def test_what_moves_after_a_model_is_in_service_is_seen(played: Played) -> None:
    if not claims(played.work.card, "drift_watch"):
        pytest.skip("the card does not promise it")
    # Days go by with the same few subjects: small calculations are put together, a large one stands alone.
    alone = played.signals.table
    table = pooled([alone] * 200)
    assert table.num_rows - alone.num_rows < 200
    assert not any(one.moved for one in moved_since(table, table))
    spread = table.set_column(
        table.schema.get_field_index("score"), "score", pa.array([0.5] * table.num_rows)
    )
    named = spread.set_column(
        spread.schema.get_field_index("area"), "area", pa.array(["ailleurs"] * table.num_rows)
    )
    moved = {one.name for one in moved_since(table, named) if one.moved}
    assert {"score", "area"} <= moved
    assert watch_block(played.work, "sample").title == "Surveillance après mise en service"


def test_what_an_agent_answered_is_an_example_to_learn_from(played: Played) -> None:
    """A verdict that contradicts what the records say is what training reads, from the day it was known."""
    work = played.work
    if not claims(work.card, "retraining_from_decisions"):
        pytest.skip("the card does not claim it")
    before = work.case.examples(played.signals.records.tables)
    subject = played.signals.table["subject"][0].as_py()
    day = work.case.data_date(played.signals.records.tables) + timedelta(days=1)
    said = {row["label"] for row in before.to_pylist() if row["subject"] == subject}
    answer = 0.0 if said == {1.0} else 1.0
    row = {
        "outcome": "0" * 16,
        "subject": subject,
        "observed": day,
        "known": day + timedelta(days=90),  # after what is still to come back of earlier visits
        "label": answer,
        "value": None,
        "observer": "a",
        "propensity": None,
        "origin": "decision",
    }
    snapshot = played.signals.records.snapshot
    records = work.case.records(
        "sample",
        snapshots.folder(work.workspace.lake, snapshot),
        outcomes=pa.Table.from_pylist([row], schema=outcomes_schema()),
        progress=work.progress,
    )
    learnt = [one for one in work.case.examples(records).to_pylist() if one["subject"] == subject]
    latest = max(learnt, key=lambda one: one["known"])
    assert (latest["label"], latest["origin"]) == (answer, "decision")
    assert latest["known"] >= row["known"]


@pytest.mark.parametrize("card", ALL, ids=lambda card: card.name)
def test_a_desk_lets_an_agent_have_the_last_word(card: Card) -> None:
    """A verdict on a list or a calculation, an answer or a route at the intake desk, a reader's labels."""
    if not claims(card, "human_decision_path"):
        pytest.skip("the card does not claim it")
    ways = {
        Desk.TARGET: (),
        Desk.INTAKE: ("messages", "handle"),
        Desk.READER: ("proposals", "labels"),
        Desk.WORKBENCH: ("report", "score"),
    }
    assert card.desk is not Desk.TARGET or card.procedure.outcomes
    if card.desk is Desk.WORKBENCH:  # a calculation is set aside for reasons of its own, and for another
        codes = {one.code for one in card.procedure.wrong_target}
        assert "other" in codes
        assert codes.isdisjoint({"closed", "recent"})
    assert all(callable(getattr(load_case(card), name, None)) for name in ways[card.desk])


def test_the_model_in_service_says_what_it_learnt_from(played: Played) -> None:
    current = training.in_service(played.work, "sample")
    assert current is not None
    card = current.card
    assert card.examples > card.positives > 0
    assert len(card.examples_sha256) == 64
    assert card.limits
    assert set(card.artefacts)


@pytest.mark.parametrize(
    "played", [card for card in ALL if card.name == "hiring_firms"], indirect=True, ids=lambda card: card.name
)
def test_a_firm_that_withdraws_is_at_once_nowhere_without_a_new_run(played: Played, tmp_path: Path) -> None:
    copy = shutil.copytree(played.work.workspace.home, tmp_path / "home")
    work = Work.on(Workspace.open(copy, env={"ECLAIREUR_ENGINE": "inline"}), played.work.card.name)
    places = {row["subject"]: row for row in played.signals.records.tables["establishments"].to_pylist()}
    best = max(
        played.signals.table.to_pylist(), key=lambda row: (places[row["subject"]]["naf"], row["score"])
    )
    subject, name, key = best["subject"], best["name"], best["subject"].partition(":")[2]
    jobs = played.signals.records.tables["jobs"].to_pylist()
    rome = next(row["rome"] for row in jobs if row["naf"] == places[subject]["naf"])
    near = next(
        (
            row["rome"]
            for row in played.signals.records.tables["near_jobs"].to_pylist()
            if row["near"] == rome
        ),
        None,
    )
    commune = places[subject]["commune_name"]

    def searched(job: str) -> tuple[str, list[dict[str, str]]]:
        blocks, _ = reporting.report(
            work, "sample", "search", about=f"metier={job} commune={commune} rayon=200 jour=2025-07-01"
        )
        tables = [block for block in blocks if isinstance(block, Table)]
        return str(blocks), [dict(row) for row in tables[-1].rows]

    def listed() -> bool:
        drawn, _ = making.draw(work, making.latest(work, "sample"), capacity=9999, random_share=0.0)
        return any(str(item.subject) == subject for item in drawn.items)

    asked = tmp_path / "firms.csv"
    asked.write_text(f"subject;date;naf;band;area\n{key};2025-07-01;5610A;11;Littoral\n", encoding="utf-8")
    runs = [run.id for run in work.workspace.runs.history(work.card.name, "signals")]
    before = searched(near)[1] if near else []
    assert listed()
    reporting.keep_report(work, "sample", "search", about=f"metier={rome} commune={commune} rayon=200")
    scoring.keep_score(work, "sample", input_path=asked)
    assert erasing.traces(work.workspace, [key])

    personal.erase(work, key, by="Anne Roy", reason="retrait demandé par l'entreprise")

    assert [run.id for run in work.workspace.runs.history(work.card.name, "signals")] == runs
    assert subject not in making.latest(work, "sample").table["subject"].to_pylist()
    assert not listed()
    with pytest.raises(NotFoundError):
        making.explain(work, "sample", key)
    text, _ = searched(rome)
    assert key not in text
    assert name not in text
    assert not near or searched(near)[1] != before
    with pytest.raises(BadValueError, match="effacé"):
        scoring.score(work, "sample", input_path=asked, output=tmp_path / "scored.csv")
    # The search and the scored file that were kept with its number hold it no more.
    assert not erasing.traces(work.workspace, [key])

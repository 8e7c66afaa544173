"""Leaks, columns that teach nothing, drift by bin, and performance before and after results."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray

from eclaireur.bricks.predict import leaks
from eclaireur.bricks.predict.asof import Own, build
from eclaireur.bricks.predict.cohorts import Cohort, Outcome
from eclaireur.bricks.predict.drift import (
    Bins,
    drift,
    drift_table,
    expected_performance,
    measured_performance,
    sampled,
)
from eclaireur.bricks.predict.models import Rate
from eclaireur.bricks.predict.study import Study, features_matrix
from eclaireur.bricks.predict.texts import mentions
from eclaireur.core.engine import InlineExecutor
from eclaireur.core.errors import BadValueError, EmptyTableError
from eclaireur.core.evaluation import Split

Floats = NDArray[np.float64]
DAY = date(2024, 1, 1)


# ---- leaks


def fines() -> pa.Table:
    """One fine a month for each of five subjects, known forty days later."""
    rows = [(f"s{who}", DAY + timedelta(days=30 * month)) for who in range(5) for month in range(8)]
    return pa.table(
        {
            "subject": [who for who, _ in rows],
            "observed": [day for _, day in rows],
            "known": [day + timedelta(days=40) for _, day in rows],
            "amount": [float(at) for at in range(len(rows))],
        }
    )


def test_a_column_that_changes_when_the_future_is_taken_away_is_named() -> None:
    rows = pa.table(
        {"subject": ["s0", "s1", "s2"], "as_of": [DAY + timedelta(days=at) for at in (95, 95, 130)]}
    )

    def features(rows: pa.Table, events: Mapping[str, pa.Table]) -> Floats:
        honest = build(rows, events, [Own(name="sum", table="fines", how="sum", column="amount")])
        wrong = {**events, "fines": events["fines"].set_column(2, "known", events["fines"]["observed"])}
        return np.column_stack(
            [
                features_matrix(honest),
                features_matrix(
                    build(rows, wrong, [Own(name="s", table="fines", how="sum", column="amount")])
                ),
            ]
        )

    found = leaks.moved_by_future(features, rows, {"fines": fines()}, ["honest", "too_early"])
    assert [(one.name, one.fatal) for one in found] == [("too_early", True)]
    assert "3 lignes sur 3, dès le 05/04/2024" in found[0].sentence
    with pytest.raises(BadValueError, match="« too_early » change"):
        leaks.check(found)


def test_a_fact_known_on_the_day_of_its_row_is_a_leak_and_an_unknown_date_is_not() -> None:
    days = np.array(["2024-01-10", "2024-01-10", "2024-01-10"])
    known = {
        "ok": np.array(["2024-01-09", "NaT", "2023-01-01"]),
        "late": np.array(["2024-01-10", "NaT", "NaT"]),
    }

    found = leaks.known_later(known, days)
    assert [one.name for one in found] == ["late"]
    assert "1 ligne sur 3 (la première : 10/01/2024 pour le 10/01/2024)" in found[0].sentence


def test_a_study_refuses_facts_known_before_they_happened_and_tells_what_teaches_nothing() -> None:
    study = Study(
        cohort=Cohort(table="fines", carry=("area",)),
        outcome=Outcome(table="fines", column="amount", horizon=30, how="sum", absent="zero"),
        features=(Own(name="n", table="fines", how="count"), Own(name="x", table="none", how="count")),
        splits=(Split(known_before=date(2024, 12, 1), start=date(2024, 12, 1), end=date(2025, 1, 1)),),
        models={"modèle": Rate()},
        every=timedelta(days=5),
        kind="value",
    )
    areas = ["nord"] * 40
    table = fines().append_column("area", pa.array(areas))
    played = study.play({"fines": table}, InlineExecutor())

    assert [(one.kind, one.name) for one in played.findings] == [("constant", "x")]
    wrong = table.set_column(2, "known", pa.array([date(2023, 1, 1)] * 40))
    with pytest.raises(BadValueError, match="40 faits sur 40 sont connus avant d'avoir eu lieu"):
        study.play({"fines": wrong}, InlineExecutor())


def test_a_column_that_gives_the_result_away_is_suspect_by_value_or_by_absence() -> None:
    random = np.random.default_rng(1)
    labels = (random.random(500) < 0.3).astype(float)
    columns = np.column_stack(
        [
            random.normal(size=500) + labels,
            -labels + random.normal(0, 0.1, 500),
            np.where(labels == 1, 1.0, np.nan),
        ]
    )

    found = leaks.suspects(columns, ["honest", "result", "filled_after"], labels)
    assert [one.name for one in found] == ["result", "filled_after"]
    assert "par sa seule absence" in found[1].sentence
    assert not any(one.fatal for one in found)
    assert leaks.findings_table(found).title == "2 points à regarder avant de croire les mesures"


def test_constant_columns_one_class_and_new_places_are_said_in_french() -> None:
    columns = np.array([[1.0, np.nan, 2.0], [1.0, np.nan, 3.0]])
    said = [one.sentence for one in leaks.constants(columns, ["a", "b", "c"])]

    assert said == [
        "« a » vaut toujours 1,00 : elle n'apprend rien.",
        "« b » n'est jamais connue : elle n'apprend rien.",
    ]
    assert not leaks.one_class([0, 1, np.nan])
    assert "tous non défavorables" in leaks.one_class([0, 0])[0].sentence
    assert "Aucun résultat" in leaks.one_class([np.nan])[0].sentence
    assert [one.name for one in leaks.new_places(["75"], ["971", "75", None, "2A", "971"])] == ["971", "2A"]


# ---- drift


def test_a_shift_is_found_and_two_draws_of_one_law_have_not_moved() -> None:
    random = np.random.default_rng(2)
    usual = [Bins.of(name, random.normal(size=4000)) for name in ("a", "b")]
    now = {"a": random.normal(size=4000), "b": random.normal(0.8, 1, 4000)}

    found = drift(usual, now)
    assert [(one.name, one.moved) for one in found] == [("b", True), ("a", False)]
    assert drift_table(found).title == "Depuis l'apprentissage, une variable a changé"
    with pytest.raises(BadValueError, match="« b »"):
        drift(usual, {"a": now["a"]})


def test_chance_is_taken_off_and_the_error_holds_what_sampling_changes() -> None:
    random = np.random.default_rng(3)
    usual = Bins.of("x", random.normal(size=20_000))
    true = drift([usual], {"x": random.normal(0.5, 1, 400_000)})[0].index or 0.0

    shifted = [drift([usual], {"x": random.normal(0.5, 1, 1000)})[0] for _ in range(200)]
    still = [drift([usual], {"x": random.normal(size=1000)})[0] for _ in range(200)]
    held = [abs((one.index or 0.0) - true) <= one.error for one in shifted]
    assert np.mean(held) > 0.9
    assert np.mean([one.index for one in shifted]) == pytest.approx(true, abs=0.01)
    assert np.mean([one.index for one in still]) < 0.005
    assert np.mean([(one.index or 0.0) <= one.error for one in still]) > 0.9


def test_text_absence_and_few_rows_have_their_own_words() -> None:
    usual = [
        Bins.of("kind", pa.array(["a"] * 60 + ["b"] * 40)),
        Bins.of("size", pa.array([1, 2, 3, None] * 25)),
    ]
    now = {"kind": pa.array(["a"] * 50 + ["new"] * 50), "size": pa.chunked_array([pa.nulls(100, pa.int64())])}

    found = {one.name: one for one in drift(usual, now)}
    assert found["kind"].moved
    assert found["size"].absent == pytest.approx(0.75)
    assert Bins.from_json(usual[0].to_json()) == usual[0]
    few = drift(usual[:1], {"kind": pa.array(["a"] * 3)})
    assert (few[0].index, drift_table(few).rows[0]["index"]) == (None, "trop peu pour conclure")


def test_a_sample_draws_every_row_by_the_same_chance() -> None:
    table = pa.table({"x": np.arange(10_000)})
    drawn = sampled(table, rows=2000, seed=4)["x"].to_numpy()

    assert len(set(drawn.tolist())) == 2000
    assert np.bincount(drawn // 1000, minlength=10) == pytest.approx(np.full(10, 200), abs=50)
    assert sampled(table, rows=20_000) is table


# ---- performance


def test_what_calibrated_risks_promise_comes_true() -> None:
    random = np.random.default_rng(5)
    risk = random.beta(1, 6, 20_000)
    labels = (random.random(20_000) < risk).astype(float)

    promised = {one.name: one for one in expected_performance(risk, k=500)}
    came = {one.name: one for one in measured_performance(labels, risk, k=500)}
    for name in ("precision_at_k", "recall_at_k", "rate"):
        assert came[name].baseline_value == promised[f"expected_{name}"].value
        assert came[name].value == pytest.approx(promised[f"expected_{name}"].value, rel=0.08)
    precision = promised["expected_precision_at_k"]
    assert precision.low is not None
    assert precision.low < (came["precision_at_k"].value or 0.0)


def test_results_that_have_not_come_are_left_out_and_ranks_promise_nothing() -> None:
    came = measured_performance([1, np.nan, 0], [0.9, 0.8, 0.1], k=1)

    assert (came[0].value, came[2].n) == (1.0, 2)
    with pytest.raises(EmptyTableError, match="aucun résultat"):
        measured_performance([np.nan], [0.5], k=1)
    with pytest.raises(BadValueError, match="entre 0 et 1"):
        expected_performance([3.0], k=1)


# ---- text signals


def test_what_a_text_mentions_is_counted_as_of_a_date() -> None:
    said = ["J’ai vu un CAFARD !", "Intoxiqués, sans  doute", "Rien à redire", None]
    found = mentions(said, {"nuisibles": ["cafard"], "malades": ["intoxiqué"], "doute": ["sans doute"]})

    assert found["nuisibles"].to_pylist() == [1.0, 0.0, 0.0, None]
    assert found["malades"].to_pylist() == [0.0, 1.0, 0.0, None]
    assert found["doute"].to_pylist() == [0.0, 1.0, 0.0, None]
    days = [DAY + timedelta(days=at) for at in range(4)]
    reviews = pa.table({"subject": ["a"] * 4, "observed": days, "known": days, **found})
    rows = pa.table({"subject": ["a", "a"], "as_of": [DAY, DAY + timedelta(days=9)]})
    counted = build(
        rows, {"reviews": reviews}, [Own(name="n", table="reviews", how="sum", column="nuisibles")]
    )
    assert counted["n"].to_pylist() == [None, 1.0]
    with pytest.raises(BadValueError, match="« vide »"):
        mentions(said, {"vide": []})

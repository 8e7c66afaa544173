"""The figures of a case in one go, group by group, and the JSON that programs read."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from eclaireur.core import evaluation
from eclaireur.core.types import Evaluation, EvaluationBlock, Metric, SubgroupMetric

METRIC_KEYS = ["name", "value", "low", "high", "n", "baseline", "baseline_value"]
HEADLINES = [
    "auc",
    "auc_within_observer",
    "lift_top_5pct",
    "average_precision",
    "precision_at_100",
    "precision_at_k",
    "recall_at_k",
    "days_earlier",
    "first_half_share",
    "brier",
    "calibration_error",
]


def _metric(name: str = "auc", value: float | None = 0.7) -> Metric:
    return Metric(name=name, value=value, low=0.6, high=0.8, n=50, baseline="hasard", baseline_value=0.5)


@pytest.fixture(scope="module")
def metrics() -> tuple[Metric, ...]:
    random = np.random.default_rng(1)
    size = 800
    risk = random.beta(2, 5, size)
    observer = random.integers(0, 5, size)
    # Observer 4 finds twice as much as the others: the rate of the observer is a nuisance.
    labels = (random.random(size) < risk * np.where(observer == 4, 1.6, 0.8)).astype(float)
    return evaluation.ranking_metrics(
        labels,
        risk,
        days=random.integers(0, 90, size),
        observer=[None if at % 10 == 0 else f"agent {code}" for at, code in enumerate(observer)],
        subjects=random.integers(0, 500, size).tolist(),
        baselines={"dernier résultat": random.random(size), "taux passé": risk + random.normal(0, 0.2, size)},
        nuisance={"agent seul": (observer == 4).astype(float)},
        base_rate=np.full(size, labels.mean()),
        seed=3,
    )


def test_the_headline_figures_come_first_under_their_documented_names(metrics: tuple[Metric, ...]) -> None:
    assert [metric.name for metric in metrics[:11]] == HEADLINES
    assert all(metric.name.endswith("_gain") for metric in metrics[11:])


def test_every_figure_has_its_interval_count_and_baseline(metrics: tuple[Metric, ...]) -> None:
    for metric in metrics:
        assert metric.value is not None
        assert metric.low is not None
        assert metric.high is not None
        assert metric.low <= metric.high
        assert metric.n == 800
        assert metric.baseline is not None
        assert metric.baseline_value is not None
    assert all((one.low or 0) <= (one.value or 0) <= (one.high or 0) for one in metrics[:11])


def test_the_strongest_rule_stands_beside_but_never_a_nuisance(metrics: tuple[Metric, ...]) -> None:
    assert {metric.baseline for metric in metrics[:7]} == {"taux passé"}
    assert {metric.baseline for metric in metrics[11:]} == {"dernier résultat", "taux passé", "agent seul"}


def test_precision_and_recall_at_k_are_of_the_first_places_and_average_precision_of_all() -> None:
    from sklearn.metrics import average_precision_score

    labels, scores = np.array([1.0, 0, 1, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4])
    found = {
        metric.name: metric.value
        for metric in evaluation.ranking_metrics(
            labels,
            scores,
            days=np.arange(6),
            observer=[None] * 6,
            subjects=list("abcdef"),
            baselines={},
            base_rate=np.full(6, 0.5),
            k=3,
            seed=0,
        )
    }

    assert found["precision_at_k"] == pytest.approx(2 / 3)
    assert found["recall_at_k"] == pytest.approx(2 / 3)
    assert found["average_precision"] == pytest.approx(average_precision_score(labels, scores))


def test_the_rate_of_the_observer_tells_nothing_within_observers(metrics: tuple[Metric, ...]) -> None:
    within = {
        metric.baseline: metric.baseline_value
        for metric in metrics
        if metric.name == "auc_within_observer_gain"
    }
    assert within["agent seul"] == 0.5


def test_the_json_has_the_documented_shape() -> None:
    block = EvaluationBlock(data_set="chicago", split="2013-01-01", metrics=(_metric(),), run="r1")
    found = evaluation.evaluation_json(Evaluation(case="restaurant_risk", blocks=(block,)))

    assert list(found) == ["case", "blocks"]
    (written,) = found["blocks"]
    assert list(written)[:4] == ["data_set", "split", "metrics", "run"]
    assert set(written) - {"data_set", "split", "metrics", "run"} == {"subgroups", "notes"}
    assert list(written["metrics"][0]) == METRIC_KEYS
    assert written["metrics"][0] == {
        "name": "auc",
        "value": 0.7,
        "low": 0.6,
        "high": 0.8,
        "n": 50,
        "baseline": "hasard",
        "baseline_value": 0.5,
    }


def test_a_block_survives_its_json() -> None:
    block = EvaluationBlock(
        data_set="chicago",
        split="2013-01-01",
        metrics=(_metric(), _metric("brier", None)),
        run="r1",
        subgroups=(SubgroupMetric(attribute="secteur", group="Nord", metric=_metric()),),
        notes=("une réserve",),
    )
    text = json.dumps(evaluation.block_to_json(block), allow_nan=False)

    assert evaluation.block_from_json(json.loads(text)) == block
    assert evaluation.metric_from_json(evaluation.metric_to_json(_metric())) == _metric()


def test_a_figure_that_cannot_be_computed_is_null_and_not_a_number() -> None:
    (found,) = [
        metric
        for metric in evaluation.ranking_metrics(
            [1.0, 1.0],
            [0.2, 0.3],
            days=[1, 2],
            observer=[None, None],
            subjects=["a", "b"],
            baselines={},
            base_rate=[0.5, 0.5],
            seed=0,
        )
        if metric.name == "auc"
    ]

    assert (found.value, found.low, found.high) == (None, None, None)
    json.dumps(evaluation.metric_to_json(found), allow_nan=False)


def _table(**attributes: Any) -> dict[tuple[str, str, str], Metric]:
    random = np.random.default_rng(2)
    size = len(next(iter(attributes.values())))
    labels, scores = random.integers(0, 2, size), random.random(size)
    return {
        (one.attribute, one.group, one.metric.name): one.metric
        for one in evaluation.subgroup_table(labels, scores, attributes, share=0.3)
    }


def test_a_group_too_small_says_so_and_not_a_number() -> None:
    found = _table(secteur=["Nord"] * 200 + ["Sud"] * 29)

    for name in ("base_rate", "selection_rate", "precision_selected", "auc"):
        small = found["secteur", "Sud", name]
        assert (small.value, small.low, small.high) == (None, None, None)
        assert found["secteur", "Nord", name].value is not None
    assert found["secteur", "Sud", "base_rate"].n == 29


def test_a_group_with_one_outcome_only_has_no_area() -> None:
    labels, scores = [1] * 40 + [0, 1] * 20, np.linspace(0, 1, 80)
    found = {
        (one.group, one.metric.name): one.metric.value
        for one in evaluation.subgroup_table(labels, scores, {"secteur": ["a"] * 40 + ["b"] * 40})
    }

    assert found["a", "auc"] is None
    assert found["a", "base_rate"] == 1
    assert found["b", "auc"] is not None


def test_groups_select_together_what_was_asked_and_rows_without_group_are_named() -> None:
    groups = ["Nord", "Sud", None] * 60
    found = _table(secteur=groups)

    names = {group for _, group, _ in found}
    assert names == {"Nord", "Sud", "inconnu"}
    rates = [found["secteur", name, "selection_rate"] for name in names]
    assert sum((rate.value or 0) * rate.n for rate in rates) == pytest.approx(0.3 * 180)


def test_tied_scores_select_every_row_by_the_same_chance() -> None:
    groups = ["a", "b"] * 50
    table = evaluation.subgroup_table([0, 1] * 50, [0.5] * 100, {"secteur": groups}, share=0.2)
    rates = [one.metric.value for one in table if one.metric.name == "selection_rate"]

    assert rates == [pytest.approx(0.2)] * 2


def test_the_public_names_exist_and_are_sorted() -> None:
    assert list(evaluation.__all__) == sorted(evaluation.__all__)
    assert all(hasattr(evaluation, name) for name in evaluation.__all__)

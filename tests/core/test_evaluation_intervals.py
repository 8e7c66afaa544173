"""Intervals: published values, and how often they hold the truth."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from eclaireur.core.evaluation import newcombe, wilson
from eclaireur.core.evaluation.compare import comparison, measured
from eclaireur.core.evaluation.intervals import bootstrap, bootstrap_weights, percentiles
from eclaireur.core.evaluation.order import Order
from eclaireur.core.evaluation.subgroups import _area_interval


@pytest.mark.parametrize(
    ("found", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_gives_the_values_of_newcombe_1998(found: int, n: int, low: float, high: float) -> None:
    """Newcombe, *Two-sided confidence intervals for the single proportion*, table I, method 3."""
    assert wilson(found, n) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("counts", "low", "high"),
    [
        ((56, 70, 48, 80), 0.0524, 0.3339),
        ((9, 10, 3, 10), 0.1705, 0.8090),
        ((6, 7, 2, 7), 0.0582, 0.8062),
        ((5, 56, 0, 29), -0.0381, 0.1926),
        ((0, 10, 0, 20), -0.1611, 0.2775),
        ((0, 10, 0, 10), -0.2775, 0.2775),
        ((10, 10, 0, 20), 0.6791, 1.0),
        ((10, 10, 0, 10), 0.6075, 1.0),
    ],
)
def test_the_difference_gives_the_values_of_newcombe_1998(
    counts: tuple[int, int, int, int], low: float, high: float
) -> None:
    """Newcombe, *Interval estimation for the difference between independent proportions*, method 10."""
    assert newcombe(*counts) == pytest.approx((low, high), abs=5e-5)


def test_nothing_counted_says_nothing() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_each_draw_takes_as_many_rows_as_there_are() -> None:
    weights = bootstrap_weights(50, seed=1, draws=30)

    assert weights.shape == (30, 50)
    assert (weights.sum(axis=1) == 50).all()
    assert (weights == bootstrap_weights(50, seed=1, draws=30)).all()


def test_the_rows_of_a_subject_are_drawn_together() -> None:
    clusters = np.array([3, 9, 3, 5, 9, 9])
    weights = bootstrap_weights(6, seed=2, clusters=clusters, draws=40)

    assert (weights[:, 0] == weights[:, 2]).all()
    assert (weights[:, 1] == weights[:, 4]).all()
    assert (weights[:, [0, 1, 3]].sum(axis=1) == 3).all()


def test_draws_that_could_not_be_computed_are_left_out() -> None:
    assert percentiles(np.array([np.nan, 1.0, 1.0])) == (1.0, 1.0)
    assert np.isnan(percentiles(np.array([np.nan]))).all()


def _world(random: np.random.Generator, size: int) -> tuple[np.ndarray, np.ndarray]:
    labels = (random.random(size) < 0.3).astype(float)
    return labels, random.normal(labels, 1.0)


def test_a_bootstrap_interval_holds_the_true_auc_about_19_times_in_20() -> None:
    truth = 0.76025  # Φ(1/√2): two normal laws one standard deviation apart
    random = np.random.default_rng(5)
    held = 0
    for trial in range(150):
        labels, scores = _world(random, 120)
        low, high = percentiles(
            bootstrap(Order(labels, scores).auc, bootstrap_weights(120, seed=trial, draws=150))
        )
        held += low <= truth <= high

    assert 0.87 <= held / 150 <= 1.0


def test_rows_that_repeat_a_subject_widen_the_interval_only_when_drawn_together() -> None:
    random = np.random.default_rng(6)
    labels, scores = (np.repeat(values, 5) for values in _world(random, 80))
    clusters = np.repeat(np.arange(80), 5)
    order = Order(labels, scores)
    together = measured("auc", order, bootstrap_weights(400, seed=1, clusters=clusters, draws=200))
    apart = measured("auc", order, bootstrap_weights(400, seed=1, draws=200))

    assert None not in {together.low, together.high, apart.low, apart.high}
    width = (together.high or 0) - (together.low or 0)
    assert width > 1.6 * ((apart.high or 0) - (apart.low or 0))


@pytest.mark.parametrize("seed", range(3))
def test_a_model_is_not_better_than_itself(seed: int) -> None:
    labels, scores = _world(np.random.default_rng(seed), 100)
    metrics = comparison(
        labels, scores, scores, champion_name="modèle 1", observer=["a"] * 100, subjects=range(100), seed=seed
    )

    gains = [metric for metric in metrics if metric.name.endswith("_gain")]
    assert [metric.name for metric in gains][:2] == ["auc_gain", "auc_within_observer_gain"]
    assert {(metric.value, metric.low, metric.high) for metric in gains} == {(0.0, 0.0, 0.0)}


def test_a_paired_gain_is_sharper_than_two_intervals_apart() -> None:
    random = np.random.default_rng(8)
    labels, good = _world(random, 400)
    better = good + 0.3 * labels
    metrics = {
        metric.name: metric
        for metric in comparison(
            labels, better, good, champion_name="m", observer=["a"] * 400, subjects=range(400), seed=1
        )
    }

    gain, area = metrics["auc_gain"], metrics["auc"]
    assert (gain.low or 0) > 0
    assert (gain.high or 0) - (gain.low or 0) < 0.5 * ((area.high or 0) - (area.low or 0))
    assert area.baseline_value == pytest.approx(Order(labels, good).auc())


def test_an_area_from_counts_keeps_a_width_at_its_ends() -> None:
    """From one positive, an area of 1 says little; the plain interval of 1982 would say [1, 1]."""
    assert _area_interval(1.0, 1, 29)[0] < 0.5
    assert _area_interval(0.0, 5, 5) == pytest.approx((0, 1 - _area_interval(1.0, 5, 5)[0]))


def test_an_area_from_counts_holds_the_true_one_about_19_times_in_20() -> None:
    random = np.random.default_rng(9)
    held, trials = 0, 400
    for _ in range(trials):
        labels, scores = _world(random, 60)
        positives = float(labels.sum())
        low, high = _area_interval(Order(labels, scores).auc(), positives, 60 - positives)
        held += low <= 0.76025 <= high

    assert 0.92 <= held / trials <= 0.99


def test_a_comparison_does_not_take_the_repeats_of_a_subject_for_news() -> None:
    """Each row written four times: drawn by subject, the interval is that of the rows written once."""
    random = np.random.default_rng(5)
    labels = (random.random(300) < 0.3).astype(float)
    new, old = labels + random.normal(size=300), random.normal(size=300)

    def width(times: int, subjects: Sequence[int]) -> float:
        rows = [np.tile(values, times) for values in (labels, new, old)]
        observer = ["a"] * (300 * times)
        found = comparison(*rows, champion_name="m", observer=observer, subjects=subjects, seed=1)
        gain = next(metric for metric in found if metric.name == "auc_gain")
        assert gain.low is not None
        assert gain.high is not None
        return gain.high - gain.low

    once = width(1, range(300))
    assert width(4, list(range(300)) * 4) == pytest.approx(once, rel=1e-9)
    assert width(4, range(1200)) < 0.7 * once

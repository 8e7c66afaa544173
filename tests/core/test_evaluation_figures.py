"""Figures of an order against slow definitions, other implementations and published values."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from eclaireur.core import evaluation
from eclaireur.core.errors import BadValueError
from eclaireur.core.evaluation.compare import FIGURES
from eclaireur.core.evaluation.order import Order

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Array = NDArray[np.float64]

Rows = list[tuple[int, float, int, int]]

# Label, score out of a few (so that ties are common), group (−1: not known), day.
rows_strategy = st.lists(
    st.tuples(
        st.integers(0, 1), st.sampled_from([0.1, 0.3, 0.3001, 0.8]), st.integers(-1, 2), st.integers(0, 9)
    ),
    min_size=1,
    max_size=25,
)


def _split(rows: Rows) -> tuple[Array, Array, NDArray[np.int64], Array]:
    labels, scores, groups, days = (np.array(column) for column in zip(*rows, strict=True))
    return labels.astype(float), scores, groups, days.astype(float)


def _same(found: float, expected: float) -> bool:
    return (math.isnan(found) and math.isnan(expected)) or math.isclose(found, expected, abs_tol=1e-9)


@settings(max_examples=100, deadline=None)
@given(rows_strategy, st.integers(0, 99))
def test_auc_is_that_of_scikit_learn_with_ties_and_weights(rows: Rows, seed: int) -> None:
    from sklearn.metrics import roc_auc_score

    labels, scores, _, _ = _split(rows)
    weights = np.random.default_rng(seed).integers(1, 4, labels.size)
    if labels.min() == labels.max():
        assert math.isnan(evaluation.auc(labels, scores))
        return

    assert evaluation.auc(labels, scores) == pytest.approx(roc_auc_score(labels, scores))
    weighted = roc_auc_score(labels, scores, sample_weight=weights)
    assert evaluation.auc(labels, scores, weights) == pytest.approx(weighted)


@settings(max_examples=100, deadline=None)
@given(rows_strategy)
def test_auc_within_counts_the_pairs_of_each_group(rows: Rows) -> None:
    labels, scores, groups, _ = _split(rows)
    won = pairs = 0.0
    for i in range(len(rows)):
        for j in range(len(rows)):
            if groups[i] == groups[j] >= 0 and labels[i] == 1 and labels[j] == 0:
                pairs += 1
                won += 1.0 if scores[i] > scores[j] else 0.5 * (scores[i] == scores[j])

    assert _same(evaluation.auc_within(labels, scores, groups), won / pairs if pairs else math.nan)


@settings(max_examples=100, deadline=None)
@given(rows_strategy)
def test_auc_within_one_group_is_the_auc(rows: Rows) -> None:
    labels, scores, _, _ = _split(rows)
    groups = np.zeros(labels.size, dtype=np.int64)

    assert _same(evaluation.auc_within(labels, scores, groups), evaluation.auc(labels, scores))


def _broken_ties(scores: Array, draws: int) -> list[NDArray[np.int64]]:
    random = np.random.default_rng(7)
    return [np.lexsort((random.random(scores.size), -scores)) for _ in range(draws)]


def _top(labels: Array, order: NDArray[np.int64], k: float) -> float:
    """Positives in the first ``k`` of one order; the row that straddles ``k`` counts in part."""
    whole = math.floor(k)
    head = labels[order]
    return float(head[:whole].sum() + (k - whole) * (head[whole] if whole < head.size else 0.0))


def test_ties_count_as_the_average_over_random_orders() -> None:
    random = np.random.default_rng(3)
    size, draws = 60, 4000
    labels = (random.random(size) < 0.4).astype(float)
    scores = random.integers(0, 5, size) / 5
    days = np.sort(random.integers(0, 30, size)).astype(float)
    random.shuffle(days)
    calendar = np.sort(days)
    precision, lift, half, earlier = [], [], [], []
    for order in _broken_ties(scores, draws):
        precision.append(labels[order][:13].mean())
        lift.append(_top(labels, order, 0.05 * size) / (0.05 * labels.sum()))
        half.append(_top(labels, order, size / 2) / labels.sum())
        moved = np.empty(size)
        moved[order] = calendar
        earlier.append((days - moved)[labels == 1].mean())

    for found, drawn in (
        (evaluation.precision_at(labels, scores, 13), precision),
        (evaluation.lift_top(labels, scores, 0.05), lift),
        (evaluation.first_half_share(labels, scores), half),
        (evaluation.days_earlier(labels, scores, days), earlier),
    ):
        error = np.std(drawn) / math.sqrt(draws)
        assert error > 0, "no tie was broken"
        assert found == pytest.approx(np.mean(drawn), abs=4 * error)


@settings(max_examples=60, deadline=None)
@given(rows_strategy, st.data())
@pytest.mark.parametrize("name", sorted(set(FIGURES) - {"calibration_error"}))
def test_a_weight_counts_as_copies_of_the_row(name: str, rows: Rows, data: st.DataObject) -> None:
    copies = np.array(data.draw(st.lists(st.integers(0, 3), min_size=len(rows), max_size=len(rows))))
    labels, scores, groups, days = _split(rows)
    weighted = FIGURES[name](Order(labels, scores, groups=groups, days=days), copies)
    if not copies.sum():
        assert math.isnan(weighted)
        return

    copied = [np.repeat(values, copies) for values in (labels, scores, groups, days)]
    expected = FIGURES[name](Order(copied[0], copied[1], groups=copied[2], days=copied[3]), None)
    assert _same(weighted, expected)


def test_the_order_of_scores_alone_matters_to_a_ranking() -> None:
    random = np.random.default_rng(1)
    labels, scores = random.integers(0, 2, 200).astype(float), random.random(200)
    groups, days = random.integers(0, 5, 200), random.integers(0, 60, 200)
    plain = Order(labels, scores, groups=groups, days=days)
    curved = Order(labels, np.exp(5 * scores) - 9, groups=groups, days=days)

    for name in set(FIGURES) - {"brier", "calibration_error"}:
        assert FIGURES[name](plain, None) == pytest.approx(FIGURES[name](curved, None)), name


def test_days_earlier_is_zero_for_the_calendar_and_best_for_the_oracle() -> None:
    random = np.random.default_rng(2)
    labels, days = random.integers(0, 2, 100).astype(float), random.permutation(100).astype(float)

    assert evaluation.days_earlier(labels, -days, days) == pytest.approx(0)
    oracle = evaluation.days_earlier(labels, labels, days)
    assert all(evaluation.days_earlier(labels, random.random(100), days) <= oracle for _ in range(50))
    assert evaluation.first_half_share([1, 1, 0, 0], [4, 3, 2, 1]) == 1
    assert evaluation.first_half_share([1, 0, 0], [3, 2, 1]) == 1


def test_precision_and_lift_of_a_constant_score_are_those_of_chance() -> None:
    labels = [1, 0, 0, 0, 1, 0, 0, 0]

    assert evaluation.precision_at(labels, [0.5] * 8, 3) == pytest.approx(0.25)
    assert evaluation.precision_at(labels, [0.5] * 8, 100) == pytest.approx(0.25)
    assert evaluation.lift_top(labels, [0.5] * 8) == pytest.approx(1)


def test_outcomes_that_are_not_known_bound_the_precision() -> None:
    unknown = math.nan
    labels, scores = [1, unknown, 0, unknown, 1, 0], [9, 8, 7, 6, 5, 4]

    assert evaluation.labelled_in_k(labels, scores, 4) == 2
    assert evaluation.labelled_in_k(labels, [1] * 6, 3) == pytest.approx(2)
    assert evaluation.labelled_in_k(labels, scores, 99) == 4
    assert evaluation.precision_bounds(labels, scores, 4) == pytest.approx((0.25, 0.75))


@settings(max_examples=50, deadline=None)
@given(rows_strategy, st.integers(1, 30), st.integers(0, 99))
def test_bounds_hold_the_precision_whatever_the_hidden_outcomes(rows: Rows, k: int, seed: int) -> None:
    labels, scores, _, _ = _split(rows)
    hidden = np.where(np.random.default_rng(seed).random(labels.size) < 0.4, math.nan, labels)
    low, high = evaluation.precision_bounds(hidden, scores, k)

    assert low - 1e-9 <= evaluation.precision_at(labels, scores, k) <= high + 1e-9
    unknown = min(k, labels.size) - evaluation.labelled_in_k(hidden, scores, k)
    assert high - low == pytest.approx(unknown / min(k, labels.size))


@pytest.mark.parametrize("name", sorted(FIGURES))
@pytest.mark.parametrize(
    ("labels", "scores", "said"),
    [
        ([1, math.nan], [0.1, 0.2], "une étiquette manque"),
        ([1, 2], [0.1, 0.2], "ni 0 ni 1"),
        ([1, 0], [0.1, math.nan], "un score n'est pas un nombre"),
        ([1, 0, 1], [0.1, 0.2], "3 étiquettes pour 2 scores"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    name: str, labels: list[float], scores: list[float], said: str
) -> None:
    with pytest.raises(BadValueError, match=said):
        FIGURES[name](Order(labels, scores), None)


def test_an_order_needs_at_least_one_place() -> None:
    with pytest.raises(BadValueError, match="k doit être au moins 1"):
        evaluation.precision_at([1], [0.5], 0)


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_no_row_gives_no_figure(name: str) -> None:
    empty = Order([], [], groups=[], days=[])

    assert math.isnan(FIGURES[name](empty, None))


@pytest.fixture(scope="module")
def calibrated() -> tuple[Array, Array]:
    random = np.random.default_rng(11)
    stated = random.beta(2, 5, 40_000)
    return (random.random(stated.size) < stated).astype(float), stated


def test_stated_risks_that_come_true_have_no_calibration_error(calibrated: tuple[Array, Array]) -> None:
    labels, stated = calibrated

    assert evaluation.calibration_error(labels, stated) < 0.01
    table = evaluation.reliability(labels, stated)
    assert [one.n for one in table] == [4000] * 10
    assert sum(one.low <= one.stated <= one.high for one in table) >= 8
    assert [one.stated for one in table] == sorted(one.stated for one in table)


def test_risks_stated_too_high_by_a_tenth_have_that_error(calibrated: tuple[Array, Array]) -> None:
    labels, stated = calibrated

    assert evaluation.calibration_error(labels, stated + 0.1) == pytest.approx(0.1, abs=0.01)


def test_brier_is_that_of_scikit_learn(calibrated: tuple[Array, Array]) -> None:
    from sklearn.metrics import brier_score_loss

    labels, stated = calibrated
    assert evaluation.brier(labels, stated) == pytest.approx(brier_score_loss(labels, stated))


def test_a_constant_risk_has_one_bin() -> None:
    (one,) = evaluation.reliability([1, 0, 0, 0], [0.25] * 4)

    assert (one.stated, one.observed, one.n) == (0.25, 0.25, 4)
    assert evaluation.calibration_error([1, 0, 0, 0], [0.25] * 4) == 0


def _figure(name: str) -> Callable[[Order], float]:
    return lambda order: FIGURES[name](order, None)


@pytest.mark.parametrize("name", ["auc", "auc_within_observer"])
def test_a_reversed_order_has_the_complement(name: str) -> None:
    random = np.random.default_rng(4)
    labels, scores, groups = random.integers(0, 2, 80), random.integers(0, 9, 80), random.integers(0, 4, 80)

    area = _figure(name)
    upright, reversed_ = Order(labels, scores, groups=groups), Order(labels, -scores, groups=groups)
    assert area(upright) + area(reversed_) == pytest.approx(1)

"""Several periods measured as one: drift between them is no merit of the ranking."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from eclaireur.core.evaluation import Panel, bootstrap_weights, gain
from eclaireur.core.evaluation.compare import FIGURES
from eclaireur.core.evaluation.order import Order

row = st.tuples(
    st.integers(0, 1),
    st.sampled_from([0.1, 0.5, 0.9]),
    st.integers(-1, 2),
    st.integers(0, 9),
    st.integers(0, 2),  # period
    st.integers(0, 3),  # copies
)


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_one_period_is_a_plain_order(name: str) -> None:
    random = np.random.default_rng(1)
    labels, scores = random.integers(0, 2, 150), random.integers(0, 9, 150) / 9
    groups, days = random.integers(-1, 4, 150), random.integers(0, 30, 150)
    weights = random.integers(0, 3, 150)

    one = Panel(labels, scores, groups=groups, days=days)
    plain = Order(labels, scores, groups=groups, days=days)
    assert FIGURES[name](one, weights) == pytest.approx(FIGURES[name](plain, weights))


@settings(max_examples=60, deadline=None)
@given(st.lists(row, min_size=1, max_size=25))
@pytest.mark.parametrize("name", sorted(set(FIGURES) - {"calibration_error"}))
def test_a_weight_counts_as_copies_of_the_row(name: str, rows: list[tuple[float, ...]]) -> None:
    labels, scores, groups, days, periods, copies = (np.array(column) for column in zip(*rows, strict=True))
    weighted = FIGURES[name](Panel(labels, scores, groups=groups, days=days, periods=periods), copies)

    copied = [np.repeat(values, copies) for values in (labels, scores, groups, days, periods)]
    expected = FIGURES[name](
        Panel(copied[0], copied[1], groups=copied[2], days=copied[3], periods=copied[4]), None
    )
    assert weighted == pytest.approx(expected, nan_ok=True)


@pytest.mark.parametrize("name", sorted(FIGURES))
def test_many_draws_at_once_are_each_draw_alone(name: str) -> None:
    """Set against `Order`, which measures one draw of one period and shares no code with the sums by cell."""
    random = np.random.default_rng(4)
    labels, scores = random.integers(0, 2, 240), random.integers(0, 30, 240) / 30
    groups, days, periods = (random.integers(low, high, 240) for low, high in ((-1, 4), (0, 30), (0, 3)))
    labels[periods == 2] = 0  # a period without positives
    weights = bootstrap_weights(240, seed=1, clusters=groups, draws=20)
    one = periods == 0

    panel = Panel(labels, scores, groups=groups, days=days, periods=periods)
    assert FIGURES[name](panel, weights) == pytest.approx([FIGURES[name](panel, line) for line in weights])
    alone = Panel(labels[one], scores[one], groups=groups[one], days=days[one])
    plain = Order(labels[one], scores[one], groups=groups[one], days=days[one])
    assert alone.redrawn(name, FIGURES[name], weights[:, one]) == pytest.approx(
        [FIGURES[name](plain, line) for line in weights[:, one]], nan_ok=True
    )


def test_a_ranking_is_redrawn_once_whatever_it_is_set_against() -> None:
    asked: list[int] = []

    def counted(panel: Panel, weights: np.ndarray) -> np.ndarray:
        asked.append(len(weights))
        return np.asarray(panel.auc(weights))

    random = np.random.default_rng(5)
    model = Panel(random.integers(0, 2, 90), random.random(90))
    weights, others = (bootstrap_weights(90, seed=seed, draws=30) for seed in (1, 2))
    first = model.redrawn("auc", counted, weights)
    assert model.redrawn("auc", counted, weights) is first
    assert asked == [30]
    # Other weights, or some that may have changed since, are measured anew.
    assert (model.redrawn("auc", counted, others) != first).any()
    changed = weights.copy()
    before = model.redrawn("auc", counted, changed)
    changed[:] = others
    assert (model.redrawn("auc", counted, changed) != before).any()
    none = gain("auc", model, model, weights, baseline_name="lui-même")
    assert (none.value, none.low, none.high) == (0, 0, 0)


def test_a_score_that_only_knows_the_period_ranks_nothing() -> None:
    random = np.random.default_rng(2)
    periods = np.repeat([0, 1], 500)
    labels = random.random(1000) < np.where(periods == 1, 0.6, 0.2)

    assert Order(labels, periods).auc() > 0.65
    panel = Panel(labels, periods, periods=periods)
    assert panel.auc() == 0.5
    assert panel.lift_top(0.05) == pytest.approx(1)
    assert panel.precision_at(50) == pytest.approx(labels.reshape(2, 500).mean(axis=1).mean())


def test_precision_is_the_share_found_among_all_places() -> None:
    """A period where nothing was found spent its places too."""
    panel = Panel([1, 1, 0, 0], [0.9, 0.8, 0.9, 0.8], periods=[0, 0, 1, 1])

    assert panel.precision_at(2) == 0.5


def test_lift_and_first_half_are_those_of_all_positives_together() -> None:
    labels, scores = [1, 0, 0, 0, 1, 1, 1, 0], [4, 3, 2, 1, 1, 2, 3, 4]
    panel = Panel(labels, scores, periods=[0] * 4 + [1] * 4)

    # First halves: one of one positive, one of three.
    assert panel.first_half_share() == pytest.approx(2 / 4)
    assert panel.lift_top(0.5) == pytest.approx((2 / 4) / 0.5)


def test_no_row_gives_no_figure() -> None:
    empty = Panel([], [], groups=[], days=[], periods=[])

    assert all(math.isnan(FIGURES[name](empty, None)) for name in FIGURES)

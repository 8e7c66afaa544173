"""The attack on membership: it finds a model that learnt by heart, and nothing where nothing was kept."""

from __future__ import annotations

import random

import pytest

from eclaireur.service.membership import MOST_AUC, MOST_FOUND, Attack, measure_losses


def _losses(count: int, *, kept: float, seed: int) -> list[float]:
    """Losses of which a share is that of a model that knows the answer by heart."""
    rng = random.Random(seed)
    return [1e-6 * rng.random() if rng.random() < kept else rng.random() for _ in range(count)]


def _attack(kept: float) -> Attack:
    losses = _losses(2000, kept=kept, seed=1) + _losses(2000, kept=0, seed=2)
    return measure_losses(losses, [True] * 2000 + [False] * 2000, [str(at) for at in range(4000)], seed=3)


def test_a_model_that_kept_nothing_passes() -> None:
    found = _attack(0)
    assert found.passes
    assert found.auc_low < 0.5 < found.auc_high
    assert found.found_low <= 0.01 <= found.found_high


def test_a_model_that_learnt_by_heart_is_found() -> None:
    found = _attack(0.4)
    assert not found.passes
    assert found.auc == pytest.approx(0.7, abs=0.02)
    assert found.found > 0.38


def test_a_few_people_learnt_by_heart_are_found_though_the_auc_is_low() -> None:
    found = _attack(0.06)
    assert found.auc < MOST_AUC
    assert found.found > MOST_FOUND
    assert not found.passes


def test_equal_losses_tell_nothing() -> None:
    found = measure_losses([0.5] * 600, [True] * 300 + [False] * 300, ["a"] * 300 + ["b"] * 300, seed=1)
    assert (found.auc, found.found, found.auc_high) == (0.5, 0.0, 0.5)


def test_rows_of_one_subject_come_together() -> None:
    losses = [loss for loss in _losses(400, kept=0, seed=5) for _ in range(10)]
    inside = [True] * 2000 + [False] * 2000
    alone = measure_losses(losses, inside, [str(at) for at in range(4000)], seed=1)
    together = measure_losses(losses, inside, [str(at // 10) for at in range(4000)], seed=1)
    assert together.auc_high - together.auc_low > 2 * (alone.auc_high - alone.auc_low)

"""The attack on membership: it finds a model that learnt by heart, and nothing where nothing was kept."""

from __future__ import annotations

import random

import pytest

from eclaireur.service.membership import MOST_AUC, MOST_FOUND, measure_losses


def _losses(count: int, *, kept: float, seed: int) -> list[float]:
    """Losses of which a share is that of a model that knows the answer by heart."""
    rng = random.Random(seed)
    return [1e-6 * rng.random() if rng.random() < kept else rng.random() for _ in range(count)]


def test_a_model_that_kept_nothing_passes() -> None:
    found = measure_losses(_losses(2000, kept=0, seed=1), _losses(2000, kept=0, seed=2), seed=3)
    assert found.passes
    assert found.auc_low < 0.5 < found.auc_high
    assert found.found_low <= 0.01 <= found.found_high


def test_a_model_that_learnt_by_heart_is_found() -> None:
    found = measure_losses(_losses(2000, kept=0.4, seed=1), _losses(2000, kept=0, seed=2), seed=3)
    assert not found.passes
    assert found.auc == pytest.approx(0.7, abs=0.02)
    assert found.found > 0.38


def test_a_few_people_learnt_by_heart_are_found_though_the_auc_is_low() -> None:
    found = measure_losses(_losses(2000, kept=0.06, seed=1), _losses(2000, kept=0, seed=2), seed=3)
    assert found.auc < MOST_AUC
    assert found.found > MOST_FOUND
    assert not found.passes


def test_equal_losses_tell_nothing() -> None:
    found = measure_losses([0.5] * 300, [0.5] * 300, seed=1)
    assert (found.auc, found.found) == (0.5, 0.0)

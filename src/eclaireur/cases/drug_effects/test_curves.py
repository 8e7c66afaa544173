"""Curves by day since the exposure: their likelihood, their descent, what they recover."""

from __future__ import annotations

import numpy as np
import pytest

from eclaireur.cases.drug_effects import lagged, sample
from eclaireur.cases.drug_effects.case_series import fit
from eclaireur.cases.drug_effects.curves import (
    bootstrap_curves,
    chosen_strength,
    fit_curves,
    total_variation,
)
from eclaireur.cases.drug_effects.lagged import Likelihood, likelihood_of
from eclaireur.cases.drug_effects.windows import Window, design
from eclaireur.core.engine import open_engine


def test_the_loss_of_curves_is_that_of_a_day_by_day_sum() -> None:
    histories, true = sample.lagged_world(3, persons=25, days=120, lags=20)
    value = 0.0
    for at in range(25):
        rate = np.zeros(200)
        for drug in range(4):
            dose = histories.dose_day[4 * at + drug]
            rate[dose : dose + 20] += true[drug]
        rate = rate[: histories.end[at] + 1]
        value -= rate[histories.event_day[at]] - np.log(np.exp(rate).sum())
    found = likelihood_of(histories, lags=20).weighted().at(true.ravel())
    assert found.value == pytest.approx(value / 25, abs=1e-10)


def test_persons_in_shards_or_counted_twice_give_the_same_likelihood(monkeypatch: pytest.MonkeyPatch) -> None:
    histories, true = sample.lagged_world(3, persons=25, days=60, lags=20)
    whole = likelihood_of(histories, lags=20)
    times = (np.arange(25) % 3).astype(np.float64)
    drawn = likelihood_of(histories.drawn(np.repeat(np.arange(25), np.arange(25) % 3)), lags=20)
    monkeypatch.setattr(lagged, "_SHARD", 4)
    parts = likelihood_of(histories, lags=20)
    for one, other in ((whole, parts), (whole.weighted(times), drawn)):
        left, right = (found.weighted() if isinstance(found, Likelihood) else found for found in (one, other))
        here, there = left.at(true.ravel()), right.at(true.ravel())
        assert here.value == pytest.approx(there.value, abs=1e-12)
        assert left.slope(here) == pytest.approx(right.slope(there), abs=1e-12)


def test_the_slope_of_the_likelihood_is_that_of_its_values() -> None:
    histories, true = sample.lagged_world(5, persons=12, days=50, lags=15)
    weighted = likelihood_of(histories, lags=15).weighted()
    slope = weighted.slope(weighted.at(true.ravel()))
    for at in range(0, 60, 7):
        step = np.zeros(60)
        step[at] = 1e-6
        gap = weighted.at(true.ravel() + step).value - weighted.at(true.ravel() - step).value
        assert slope[at] == pytest.approx(gap / 2e-6, abs=1e-7)


def test_curves_without_group_penalty_reach_the_classic_fit_when_cut_by_day() -> None:
    histories, _ = sample.lagged_world(4, persons=1500, days=90, lags=4)
    windows = [Window(drug=drug, first=day, last=day) for drug in histories.drugs for day in range(4)]
    classic = fit(design(histories, windows)).log_likelihood
    free = fit_curves(likelihood_of(histories, lags=4), variation=0.0)
    assert -free.loss * 1500 == pytest.approx(classic, abs=0.02)


@pytest.mark.parametrize("strength", [0.1, 0.7, 3.0, 50.0])
def test_the_taut_string_is_the_solution_of_the_dual(strength: float) -> None:
    from scipy.optimize import lsq_linear

    values = np.random.default_rng(0).normal(size=40).cumsum() * 0.5
    steps = np.diff(np.eye(40), axis=0)
    dual = lsq_linear(steps.T, values, bounds=(-strength, strength), tol=1e-14).x
    assert total_variation(values, strength) == pytest.approx(values - steps.T @ dual, abs=1e-9)


def test_curves_are_recovered_better_than_by_windows_within_their_bands() -> None:
    histories, true = sample.lagged_world(1, persons=1200, days=400, lags=30)
    strengths = ((2e-2, 2e-3), (5e-3, 5e-4))
    variation, group = chosen_strength(histories, lags=30, strengths=strengths)
    made = bootstrap_curves(histories, lags=30, variation=variation, group=group, draws=12)
    windows = [
        Window(drug=drug, first=day, last=day + 5) for drug in histories.drugs for day in range(0, 30, 6)
    ]
    effects = fit(design(histories, windows)).effects
    classic = np.repeat([effect.log_ratio for effect in effects], 6).reshape(4, 30)
    assert ((made.values - true) ** 2).mean() < ((classic - true) ** 2).mean()
    assert made.low is not None
    assert (made.low[0, 4:10] > 0).all()


def test_the_group_penalty_takes_a_drug_without_effect_to_zero_whole() -> None:
    histories, _ = sample.lagged_world(1, persons=1200, days=400, lags=30)
    made = fit_curves(likelihood_of(histories, lags=30), variation=3e-3, group=1e-3)
    assert not made.values[3].any()
    assert made.values[0].max() > 0.3


def test_shards_prepared_by_an_engine_give_the_same_curves(monkeypatch: pytest.MonkeyPatch) -> None:
    histories, _ = sample.lagged_world(6, persons=40, days=80, lags=12)
    alone = likelihood_of(histories, lags=12)
    monkeypatch.setattr(lagged, "_SHARD", 9)
    with open_engine("inline") as engine:
        shared = likelihood_of(histories, lags=12, engine=engine)
    made, other = (fit_curves(one, variation=1e-3).values for one in (alone, shared))
    assert made == pytest.approx(other, abs=1e-10)

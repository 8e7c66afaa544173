"""Curves by day since the exposure: their likelihood, their descent, what they recover."""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

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
from eclaireur.cases.drug_effects.histories import Histories
from eclaireur.cases.drug_effects.lagged import Likelihood, likelihood_of
from eclaireur.cases.drug_effects.spread import spread_curves, spread_series
from eclaireur.cases.drug_effects.terms import Terms, terms_of
from eclaireur.cases.drug_effects.windows import Window, design
from eclaireur.core.engine import open_engine

if TYPE_CHECKING:
    from numpy.typing import NDArray

EPOCH = date(1970, 1, 1).toordinal()


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
    found = likelihood_of(histories, lags=20).weighted().value(true.ravel())
    assert found == pytest.approx(value / 25, abs=1e-10)


def adjusted(seed: int, persons: int, days: int, lags: int) -> tuple[Histories, Terms, NDArray[np.float64]]:
    """A world with age and season, their terms, and values at which a likelihood is looked at."""
    histories, true = sample.confounded_world(seed, persons=persons, days=days, lags=lags)
    terms = terms_of(histories, ages=(days // 3, days // 2), months=True)
    values = np.random.default_rng(seed).normal(0, 0.5, len(terms.names))
    return histories, terms, np.concatenate([true.ravel(), values])


def test_the_loss_with_age_and_season_is_that_of_a_day_by_day_sum() -> None:
    histories, terms, values = adjusted(3, persons=40, days=150, lags=20)
    curves, extra = values[:80].reshape(4, 20), dict(zip(terms.names, values[80:], strict=True))
    assert histories.origin is not None
    events = histories.origin + histories.event_day
    seen = {date.fromordinal(EPOCH + int(day)).month for day in events}
    total = 0.0
    for at in range(40):
        rate = np.zeros(150 + 20)
        for drug in range(4):
            dose = histories.dose_day[4 * at + drug]
            rate[dose : dose + 20] += curves[drug]
        rate = rate[:150]
        for day in range(150):
            rate[day] += sum(extra[f"âge à partir de {cut} jours"] for cut in (50, 75) if _last(day) == cut)
            month = date.fromordinal(EPOCH + int(histories.origin[at]) + day).month
            # A month without event goes with the one before it; the first with events is the reference.
            month = max((one for one in seen if one <= month), default=min(seen))
            rate[day] += extra.get(f"mois {month}", 0.0)
        total -= rate[histories.event_day[at]] - np.log(np.exp(rate).sum())
    found = likelihood_of(histories, lags=20, terms=terms).weighted().value(values)
    assert found == pytest.approx(total / 40, abs=1e-10)


def _last(day: int) -> int:
    return 75 if day >= 75 else 50 if day >= 50 else 0


def test_the_slope_with_age_and_season_is_that_of_its_values_in_shards_too(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    histories, terms, values = adjusted(5, persons=30, days=120, lags=15)
    whole = likelihood_of(histories, lags=15, terms=terms).weighted()
    slope = whole.slopes(values)[1]
    for at in [*range(0, 60, 11), *range(60, len(values))]:
        step = np.zeros(len(values))
        step[at] = 1e-6
        gap = whole.value(values + step) - whole.value(values - step)
        assert slope[at] == pytest.approx(gap / 2e-6, abs=1e-7)
    zero = np.zeros(len(values))
    curved = whole.curvature()
    for at in range(len(terms.names)):
        step = np.zeros(len(values))
        step[60 + at] = 1e-5
        moved = whole.slopes(zero + step)[1] - whole.slopes(zero - step)[1]
        assert curved[at] == pytest.approx(moved[60:] / 2e-5, abs=1e-6)
    monkeypatch.setattr(lagged, "_SHARD", 7)
    shards = likelihood_of(histories, lags=15, terms=terms).weighted()
    assert shards.slopes(values)[1] == pytest.approx(slope, abs=1e-12)
    assert shards.curvature() == pytest.approx(curved, abs=1e-12)


def test_curves_without_penalty_reach_the_classic_fit_with_age_and_season() -> None:
    histories, _ = sample.confounded_world(4, persons=1500, days=400, lags=3)
    windows = [Window(drug=drug, first=day, last=day) for drug in histories.drugs for day in range(3)]
    classic = fit(design(histories, windows, ages=(90, 200, 300), months=True)).log_likelihood
    terms = terms_of(histories, ages=(90, 200, 300), months=True)
    free = fit_curves(likelihood_of(histories, lags=3, terms=terms), variation=0.0)
    assert -free.loss * 1500 == pytest.approx(classic, abs=0.02)


def test_curves_are_biased_without_age_and_season_and_not_with_them() -> None:
    histories, true = sample.confounded_world(2, persons=2000, days=300, lags=20)
    ages = np.quantile(histories.event_day, np.arange(1, 8) / 8).astype(int).tolist()
    bias = {}
    for name, terms in {
        "bare": None,
        "groups": terms_of(histories, ages=ages, months=True),
        "spline": terms_of(histories, spline=4, months=True),
    }.items():
        made = fit_curves(likelihood_of(histories, lags=20, terms=terms), variation=5e-4)
        bias[name] = float((made.values - true).mean())
    # The mean of four curves has a standard error of about 0.03.
    assert bias["bare"] > 0.2
    assert abs(bias["groups"]) < 0.07
    assert abs(bias["spline"]) < 0.07


def test_an_age_or_a_month_without_event_goes_with_the_one_before() -> None:
    histories, _ = sample.confounded_world(1, persons=50, days=200, lags=10)
    last = int(histories.event_day.max())
    assert len(terms_of(histories, ages=(last + 1,)).cuts) == 0
    assert terms_of(histories, ages=(50, last + 1)).names == ("âge à partir de 50 jours",)
    with pytest.raises(ValueError, match="months"):
        terms_of(dataclasses.replace(histories, origin=None), months=True)


def test_persons_in_shards_or_counted_twice_give_the_same_likelihood(monkeypatch: pytest.MonkeyPatch) -> None:
    histories, true = sample.lagged_world(3, persons=25, days=60, lags=20)
    whole = likelihood_of(histories, lags=20)
    times = (np.arange(25) % 3).astype(np.float64)
    drawn = likelihood_of(histories.drawn(np.repeat(np.arange(25), np.arange(25) % 3)), lags=20)
    monkeypatch.setattr(lagged, "_SHARD", 4)
    parts = likelihood_of(histories, lags=20)
    for one, other in ((whole, parts), (whole.weighted(times), drawn)):
        left, right = (found.weighted() if isinstance(found, Likelihood) else found for found in (one, other))
        here, there = left.slopes(true.ravel()), right.slopes(true.ravel())
        assert here[0] == pytest.approx(there[0], abs=1e-12)
        assert here[1] == pytest.approx(there[1], abs=1e-12)


def test_the_slope_of_the_likelihood_is_that_of_its_values() -> None:
    histories, true = sample.lagged_world(5, persons=12, days=50, lags=15)
    weighted = likelihood_of(histories, lags=15).weighted()
    slope = weighted.slopes(true.ravel())[1]
    for at in range(0, 60, 7):
        step = np.zeros(60)
        step[at] = 1e-6
        gap = weighted.value(true.ravel() + step) - weighted.value(true.ravel() - step)
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


def test_sums_of_shards_in_another_process_give_the_same_fits(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(lagged, "_SHARD", 7)
    histories, terms, _ = adjusted(6, persons=20, days=120, lags=6)
    made = fit_curves(likelihood_of(histories, lags=6, terms=terms), variation=1e-2)
    # The last window holds no event: its limit is that of a profile of the likelihood.
    since = set((histories.event_day - histories.dose_day.reshape(20, 4)[:, 1]).tolist())
    empty = next(day for day in range(60) if day not in since)
    windows = [Window(drug="tardif", first=0, last=40), Window(drug="double", first=empty, last=empty)]
    plain = fit(design(histories, windows, months=True))
    with open_engine("processes:1") as engine:
        shared = likelihood_of(histories, lags=6, terms=terms, engine=engine)
        with spread_curves(histories, lags=6, terms=terms, engine=engine, folder=tmp_path) as sums:
            spread = fit_curves(sums, variation=1e-2)
            assert sums.shards == 3
        series = spread_series(histories, windows, engine=engine, months=True)
    # To the last digit: the sums are the same, in the same order.
    assert np.array_equal(fit_curves(shared, variation=1e-2).values, made.values)
    assert np.array_equal(spread.values, made.values)
    assert np.array_equal(spread.terms, made.terms)
    assert not list(tmp_path.iterdir())
    assert plain.effects[1].events == 0
    assert series.log_likelihood == pytest.approx(plain.log_likelihood, abs=1e-9)
    for one, other in zip(plain.effects, series.effects, strict=True):
        for name in ("ratio", "low", "high", "log_ratio", "error"):
            assert getattr(other, name) == pytest.approx(getattr(one, name), abs=1e-9)
    shown = np.isfinite(plain.coefficients)
    assert series.coefficients[shown] == pytest.approx(plain.coefficients[shown], abs=1e-9)

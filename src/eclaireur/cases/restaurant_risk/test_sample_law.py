"""The law of the sample: the code against its formula, and how realistic what it gives is."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from eclaireur.cases.restaurant_risk.sample import generator, law, service
from eclaireur.cases.restaurant_risk.sample.latent import FIRST_DAY, LAST_DAY, day_number, months
from eclaireur.cases.restaurant_risk.sample.places import ACTIVITIES
from eclaireur.cases.restaurant_risk.sample.world import OBSERVERS, World, simulate

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEEDS = (0, 1, 2)
SMALL = 150


@pytest.fixture(scope="module")
def worlds() -> list[World]:
    return [simulate(seed, 2500) for seed in SEEDS]


def test_the_fast_law_is_the_written_formula(worlds: list[World]) -> None:
    """`Truth.probability` against the formula of README.md, term by term, one visit at a time."""
    world = worlds[0]
    truth, place, made = world.truth, world.truth.place, world.inspections
    chosen = range(0, len(made.row), 97)
    fast = truth.probability(made.row[::97], made.day[::97], made.observer[::97])

    for expected, k in zip(fast, chosen, strict=True):
        i, d = int(made.row[k]), int(made.day[k])
        day = FIRST_DAY + timedelta(days=d)
        trade = ACTIVITIES[place.activity[i]]
        warm = sum(world.weather[max(d - lag, 0), 0] for lag in range(3)) / 3
        eta = truth.static[i] + truth.management[i, (day.year - 2021) * 12 + day.month - 1]
        eta += law.NEW * math.exp(-max(d - place.opened[i], 0) / 365.25 / law.NEW_YEARS)
        eta += law.HEAT * trade.cold * min(max((warm - law.HEAT_FROM) / law.HEAT_SPAN, 0), 1.5)
        for east, north, first, last in truth.pests:
            if first <= d <= last:
                square = (place.east[i] - east) ** 2 + (place.north[i] - north) ** 2
                eta += law.PEST * math.exp(-square / (2 * law.PEST_KM**2))
        assert expected == pytest.approx(1 / (1 + math.exp(-(eta + truth.severity[made.observer[k]]))))


def test_bad_results_are_as_frequent_as_the_law_says(worlds: list[World]) -> None:
    """By tenth of the probability and by inspector, bad results count within 4 standard errors."""
    for world in worlds:
        made = world.inspections
        chance = world.truth.probability(made.row, made.day, made.observer)
        bad = made.level >= 2
        tenths = np.array_split(np.argsort(chance), 10)
        inspectors = [np.flatnonzero(made.observer == number) for number in range(OBSERVERS)]
        for part in (*tenths, *inspectors):
            error = math.sqrt(float((chance[part] * (1 - chance[part])).sum()))
            assert abs(bad[part].sum() - chance[part].sum()) < 4 * error


def test_management_follows_its_autoregression(worlds: list[World]) -> None:
    """Regressed on the month before, away from visits, z has slope PHI, up to the changes of manager."""
    after = day_number(LAST_DAY) + 40
    state = worlds[0].truth.management[:, months()[after] :]
    before, now = state[:, :-1].ravel(), state[:, 1:].ravel()
    slope = float(np.polyfit(before, now, 1)[0])

    assert slope == pytest.approx(law.PHI * (1 - law.MANAGER), abs=0.01)
    assert float(state.std()) == pytest.approx(law.DRIFT, rel=0.15)


def test_severities_are_the_documented_quantiles(worlds: list[World]) -> None:
    severity = np.sort(worlds[0].truth.severity)

    assert len(severity) == OBSERVERS == 14
    assert severity.sum() == pytest.approx(0, abs=1e-9)
    assert severity[-1] == pytest.approx(law.SEVERITY * 1.8027, abs=1e-3)  # normal quantile at 13.5/14
    assert np.allclose(worlds[0].truth.territory.sum(axis=2), 1)


def test_readme_and_law_say_the_same_numbers() -> None:
    text = (Path(generator.__file__).parent / "README.md").read_text(encoding="utf-8")
    written = dict(re.findall(r"^\| `([A-Z_]+)` \| (-?[\d.]+) \|", text, flags=re.MULTILINE))
    coded = {name: value for name, value in vars(law).items() if name.isupper() and isinstance(value, float)}

    assert set(written) == set(coded)
    for name, value in written.items():
        assert float(value) == pytest.approx(coded[name], abs=1e-4)


def test_heat_rises_with_temperature_and_is_bounded() -> None:
    stress = law.heat(np.array([10.0, 22.0, 25.0, 28.0, 34.0, 45.0, 45.0, 45.0]))

    assert np.all(np.diff(stress) >= 0)
    assert (stress[0], stress[-1]) == (0.0, 1.5)


# ---- how real it looks


def auc(label: NDArray[np.bool_], score: NDArray[np.float64]) -> float:
    return float(roc_auc_score(label, score))


def planned(world: World) -> NDArray[np.bool_]:
    return np.asarray(world.inspections.reason != 2)


def test_about_fifteen_hundred_inspections_a_year_and_an_eighth_bad(worlds: list[World]) -> None:
    for world in worlds:
        made = world.inspections
        rate = float((made.level >= 2)[planned(world)].mean())
        assert 1300 < len(made.row) / 4 < 1700
        assert 0.10 < rate < 0.16
        assert 3000 < len(world.complaints.day) < 9000
        assert 15_000 < len(world.reviews.row) < 40_000


def test_the_best_reachable_rank_is_good_but_not_perfect(worlds: list[World]) -> None:
    for world in worlds:
        keep, made = planned(world), world.inspections
        bad = made.level >= 2
        alone = world.truth.probability(made.row, made.day)
        informed = world.truth.probability(made.row, made.day, made.observer)
        assert 0.75 < auc(bad[keep], alone[keep]) < 0.81
        assert auc(bad[keep], alone[keep]) < auc(bad[keep], informed[keep]) < 0.83


def test_the_last_result_is_a_weak_rank_as_in_real_data(worlds: list[World]) -> None:
    for world in worlds:
        made = world.inspections
        last: dict[int, bool] = {}
        pairs = []
        for row, level in zip(
            made.row[planned(world)].tolist(), made.level[planned(world)].tolist(), strict=True
        ):
            if row in last:
                pairs.append((level >= 2, last[row]))
            last[row] = level >= 2
        label, score = np.array(pairs).T
        assert 0.52 < auc(label, score.astype(float)) < 0.60


def test_the_inspector_alone_seems_to_predict(worlds: list[World]) -> None:
    """The trap of Chicago: an inspector's past rate ranks better than a place's last result."""
    for world in worlds:
        made = world.inspections
        seen, found = np.zeros(OBSERVERS), np.zeros(OBSERVERS)
        score = np.zeros(len(made.row))
        for k, (observer, level) in enumerate(zip(made.observer.tolist(), made.level.tolist(), strict=True)):
            score[k] = (found[observer] + 1.3) / (seen[observer] + 10)
            seen[observer] += 1
            found[observer] += level >= 2
        later = planned(world) & (made.day > 365)
        assert 0.56 < auc((made.level >= 2)[later], score[later]) < 0.65


def test_a_random_share_is_useful(worlds: list[World]) -> None:
    """What the service visits is worse than the département, and what it never visits is not the safest."""
    last = day_number(LAST_DAY)
    gaps = []
    for world in worlds:
        truth, made = world.truth, world.inspections
        keep = planned(world) & (made.day > 365)
        rows = np.flatnonzero(truth.place.opened < 365)
        days = np.linspace(366, last, 12).astype(np.int64)
        everyone = np.mean([truth.probability(rows, np.full(len(rows), day)).mean() for day in days])
        visited = truth.probability(made.row[keep], made.day[keep]).mean()
        gaps.append(float(visited - everyone))
        today = truth.probability(np.arange(2500), np.full(2500, last))
        never = np.ones(2500, bool)
        never[made.row] = False
        assert 0.02 < never.mean() < 0.15
        assert today[never].mean() > today[~never].mean()
    assert min(gaps) > 0.003


def test_heat_raises_faults(worlds: list[World]) -> None:
    hot = cool = hot_bad = cool_bad = 0.0
    for world in worlds:
        made = world.inspections
        warm = world.truth.heat[made.day] > 0.3
        hot, cool = hot + warm.sum(), cool + (~warm).sum()
        hot_bad, cool_bad = hot_bad + (made.level >= 2)[warm].sum(), cool_bad + (made.level >= 2)[~warm].sum()

    assert hot_bad / hot > 1.1 * cool_bad / cool


def test_complaints_and_blame_come_from_risky_places(worlds: list[World]) -> None:
    world = worlds[0]
    reviews = world.reviews
    risk = world.truth.log_odds(reviews.row, reviews.day)

    assert auc(reviews.blames, risk) > 0.65
    assert reviews.rating[reviews.blames].mean() < reviews.rating[~reviews.blames].mean() - 1
    assert 0.05 < (world.complaints.kind == service.NOISE).mean() < 0.25


# ---- the words

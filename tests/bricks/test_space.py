from __future__ import annotations

import math
from itertools import combinations

import numpy as np
import pytest
from scipy.sparse import csr_array

from eclaireur.bricks.space import exact, huff
from eclaireur.bricks.space.covering import ceiling, choose, within
from eclaireur.bricks.space.exchange import Chosen
from eclaireur.bricks.space.expected import ExpectedCounts, deviance
from eclaireur.bricks.space.huff import catchment, probabilities
from eclaireur.core.errors import BadValueError

DRAW = np.random.default_rng(0)
PLACES = DRAW.uniform(6.5e6, 6.52e6, (300, 2))
SITES = DRAW.uniform(6.5e6, 6.52e6, (40, 2))
DEMAND = DRAW.gamma(1.0, 100.0, 300)
PULL = DRAW.gamma(2.0, 1.0, 40)


@pytest.mark.parametrize("decay", [1.3, 2.0])
@pytest.mark.parametrize("reach", [math.inf, 15_000.0, 1500.0])
def test_each_way_of_sharing_demand_agrees_with_the_plain_formula(decay: float, reach: float) -> None:
    plain = probabilities(PLACES, SITES, PULL, decay=decay, reach=reach)
    law = (decay, reach, 100.0)
    ways = [catchment(PLACES, DEMAND, SITES, PULL, decay=decay, reach=reach)]
    ways.append(huff._by_blocks(PLACES, DEMAND, SITES, PULL, law))
    if math.isfinite(reach):
        from scipy.spatial import cKDTree

        ways.append(huff._by_pairs(PLACES, DEMAND, cKDTree(SITES), PULL, 10**7, law))

    for found in ways:
        assert np.allclose(found.drawn, DEMAND @ plain, rtol=1e-4)
        assert np.allclose(found.share, plain.max(axis=1), rtol=1e-4)
        assert np.array_equal(found.origin, np.where(plain.any(axis=1), plain.argmax(axis=1), -1))
        assert math.isclose(found.drawn.sum() + found.out_of_reach, DEMAND.sum(), rel_tol=1e-6)


def test_a_site_on_the_spot_draws_much_and_not_everything() -> None:
    found = probabilities(np.zeros((1, 2)), np.array([[0.0, 0.0], [200.0, 0.0]]), np.ones(2))

    assert found.round(3).tolist() == [[0.8, 0.2]]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"demand": DEMAND[:-1]}, "deux coordonnées et une valeur"),
        ({"demand": -DEMAND}, "manque ou est négative"),
        ({"places": np.full((300, 2), np.nan)}, "manque ou est négative"),
        ({"reach": 0.0}, "doivent être positives"),
    ],
)
def test_a_catchment_of_wrong_tables_is_refused(change: dict[str, object], message: str) -> None:
    given = {"places": PLACES, "demand": DEMAND, "sites": SITES, "attraction": PULL, **change}
    with pytest.raises(BadValueError, match=message):
        catchment(**given)  # type: ignore[arg-type]


def every_choice(reached: csr_array, demand: np.ndarray, more: int, fixed: tuple[int, ...]) -> float:
    """The optimum by trying all choices."""
    free = [one for one in range(reached.shape[0]) if one not in fixed]
    table = reached.toarray()
    return max(float(demand[table[[*fixed, *added]].any(axis=0)].sum()) for added in combinations(free, more))


@pytest.mark.parametrize("fixed", [(), (3,), (0, 5)])
def test_the_optimum_is_that_of_all_choices_tried(fixed: tuple[int, ...]) -> None:
    reached = within(PLACES, SITES[:12], 4000)
    found = choose(reached, DEMAND, 3, fixed=fixed)

    best = every_choice(reached, DEMAND, 3, fixed)
    assert found.optimal
    assert math.isclose(found.served, best)
    assert found.sites[: len(fixed)] == fixed
    assert len(set(found.sites)) == 3 + len(fixed)


def test_greedy_and_exchange_come_near_the_optimum_and_under_the_ceiling() -> None:
    reached = within(PLACES, SITES, 2500)
    quick = choose(reached, DEMAND, 8, prove=False)
    best = choose(reached, DEMAND, 8, prove=True)

    assert 0.995 * best.served <= quick.served <= best.served
    assert not quick.optimal
    assert best.served - 1e-6 <= ceiling(reached, DEMAND, 8) <= 1.02 * best.served


def test_sites_that_come_and_leave_keep_what_each_exchange_is_worth() -> None:
    """Beside the same figures counted anew: demand that one site or none serves, by who could reach it."""
    reached = within(PLACES, SITES, 2500)
    chosen = Chosen(reached, DEMAND, (3,), 5)
    chosen.fill()
    for new in (7, 11, 2):
        chosen.move(new, np.random.default_rng(new))
        chosen.settle()
    dense = reached.toarray()
    times = dense[chosen.sites].sum(axis=0)
    assert len(set(chosen.sites)) == 6
    assert chosen.sites[0] == 3
    assert chosen.served == pytest.approx(DEMAND[times > 0].sum())
    assert chosen.worth[0] == pytest.approx(dense @ np.where(times == 0, DEMAND, 0), abs=1e-6)
    for slot, site in enumerate(chosen.sites, start=1):
        alone = (times == 1) & (dense[site] > 0)
        assert chosen.worth[slot] == pytest.approx(dense @ np.where(alone, DEMAND, 0), abs=1e-6)
    # Settled: no exchange of an added site serves more.
    for old in chosen.sites[1:]:
        for new in set(range(len(SITES))) - set(chosen.sites):
            tried = [new if one == old else one for one in chosen.sites]
            assert DEMAND[dense[tried].sum(axis=0) > 0].sum() <= chosen.served + 1e-6


def test_exchange_repairs_what_greedy_takes_first() -> None:
    """The middle site is the best alone, and the worst beside the two others."""
    reached = csr_array(np.array([[1.0, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]]))
    found = choose(reached, np.array([3.0, 4, 4, 3]), 2, prove=False)

    assert sorted(found.sites) == [0, 2]
    assert found.served == 14


def test_capacities_are_kept_and_the_proof_serves_no_less_than_the_quick_choice() -> None:
    reached = within(PLACES[:60], SITES[:8], 8000)
    capacity = np.full(8, 500.0)
    quick = choose(reached, DEMAND[:60], 3, capacity=capacity, prove=False)
    best = choose(reached, DEMAND[:60], 3, capacity=capacity, prove=True)

    assert quick.served <= best.served <= 1500 + 1e-6
    assert best.optimal
    by_hand = max(exact.shared(reached, DEMAND[:60], three, capacity) for three in combinations(range(8), 3))
    assert math.isclose(best.served, by_hand, rel_tol=1e-6)


@pytest.mark.parametrize(
    ("more", "fixed", "message"),
    [(41, (), "40 sont libres"), (1, (40,), "n’est pas dans la liste"), (1, (2, 2), "deux fois")],
)
def test_a_choice_that_cannot_be_made_is_refused(more: int, fixed: tuple[int, ...], message: str) -> None:
    with pytest.raises(BadValueError, match=message):
        choose(within(PLACES, SITES, 2500), DEMAND, more, fixed=fixed)


def test_counts_give_back_the_law_that_made_them() -> None:
    draw = np.random.default_rng(1)
    people, income = draw.uniform(200, 5000, 2000), draw.normal(size=(2000, 1))
    mean = people * np.exp(-6 + 0.4 * income[:, 0])
    counts = draw.poisson(mean * draw.gamma(2, 0.5, 2000))
    model = ExpectedCounts.fit(counts, people, income)

    assert np.allclose(model.coefficients, [-6, 0.4], atol=4 * np.sqrt(np.diag(model.covariance)).max())
    assert abs(model.dispersion - 0.5) < 0.06
    found = model.expect(people, income)
    inside = np.mean((counts >= found.low) & (counts <= found.high))
    assert 0.94 <= inside <= 0.985  # counts are whole: an interval holds at least its level
    assert deviance(counts, found.mean) < deviance(counts, people * counts.sum() / people.sum())


def test_counts_without_more_than_chance_have_no_dispersion_to_speak_of() -> None:
    draw = np.random.default_rng(2)
    people = draw.uniform(200, 5000, 1000)
    model = ExpectedCounts.fit(draw.poisson(people / 500), people)

    assert model.dispersion < 0.02
    assert abs(model.coefficients[0] + np.log(500)) < 0.05


@pytest.mark.parametrize(
    ("counts", "people", "features", "message"),
    [
        (np.ones(29), np.ones(29), None, "Trop peu pour conclure"),
        (np.zeros(40), np.ones(40), None, "nuls"),
        (np.full(40, 0.5), np.ones(40), None, "nombre entier"),
        (np.ones(40), np.zeros(40), None, "n’est pas positive"),
        (np.ones(40), np.ones(39), None, "40 effectifs pour 39 cases"),
        (np.ones(40), np.ones(40), np.ones((40, 1)), "constante ou répète"),
    ],
)
def test_counts_that_say_nothing_are_refused(
    counts: np.ndarray, people: np.ndarray, features: np.ndarray | None, message: str
) -> None:
    with pytest.raises(BadValueError, match=message):
        ExpectedCounts.fit(counts, people, features)

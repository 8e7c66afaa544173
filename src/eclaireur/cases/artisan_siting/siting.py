"""A zone studied for one trade: demand, shops and how many to expect, catchments, best sites, assumptions."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from eclaireur.bricks.space.covering import choose, within
from eclaireur.bricks.space.expected import ExpectedCounts
from eclaireur.bricks.space.huff import catchment
from eclaireur.cases.artisan_siting.ground import DECAY, NEAREST, REACH, Ground
from eclaireur.core.errors import BadValueError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Plan", "Site", "Variant", "Zone", "counts_model", "potential", "study"]

_Z = 1.96
_REACHES = (0.75, 1.0, 1.25)
_DECAYS = (1.5, 2.0, 2.5)
_NEEDS = (0.8, 1.0, 1.25)
_SECONDS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is supposed.

    Parameters
    ----------
    more
        Shops to add.
    distance
        Metres within which a shop serves a commune.
    need
        Inhabitants that a shop serves at most: its capacity.
    decay, reach
        Of Huff's law.
    """

    trade: str
    more: int = 2
    distance: float = 5000.0
    need: float = 0.0
    decay: float = DECAY
    reach: float = REACH


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A commune proposed: what it would newly serve, and what a shop there would draw by Huff's law."""

    at: int
    serves: float
    draws: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    """Another assumption, in French, and the communes that it proposes."""

    title: str
    sites: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """What is found in a zone.

    Parameters
    ----------
    chosen
        Positions of its communes.
    mean, low, high
        Expected shops of the zone, with the interval of a new count.
    actual
        Open shops of the zone.
    drawn
        Inhabitants drawn by each open shop, for each commune that has some, by position.
    unserved
        Inhabitants of the zone that no shop serves within the distance and its capacity.
    optimal
        The sites are proved to be the best.
    """

    chosen: tuple[int, ...]
    people: float
    actual: int
    mean: float
    low: float
    high: float
    expected: NDArray[np.float64]
    drawn: dict[int, float]
    unserved: float
    sites: tuple[Site, ...]
    optimal: bool
    variants: tuple[Variant, ...]


def potential(ground: Ground) -> NDArray[np.float64]:
    """Return the features of the count model: density around and size, in logarithm, shape ``(n, 2)``."""
    import numpy as np

    return np.column_stack([np.log(ground.around(ground.people)), np.log(ground.people)])


def counts_model(
    ground: Ground, counts: NDArray[np.float64], chosen: NDArray[np.bool_] | None = None
) -> ExpectedCounts:
    """Fit how many shops a commune has, by its inhabitants, its size and who lives around.

    Raises
    ------
    BadValueError
        If there are too few communes or no shop: « trop peu pour conclure ».
    """
    import numpy as np

    kept = np.ones(len(counts), dtype=bool) if chosen is None else chosen
    return ExpectedCounts.fit(counts[kept], ground.people[kept], potential(ground)[kept])


def study(ground: Ground, chosen: Sequence[int], plan: Plan, day: date) -> Zone:
    """Study a zone as of a day.

    Parameters
    ----------
    chosen
        Positions of the communes of the zone: new shops are looked for there. People and shops around the
        zone count too, within reach.

    Raises
    ------
    BadValueError
        If the trade was never seen, or more shops are asked than there are communes.
    """
    import numpy as np

    if plan.trade not in ground.trades:
        raise BadValueError(
            f"métier jamais vu : « {plan.trade} ».", fix=f"Métiers connus : {', '.join(ground.trades)}."
        )
    if not 1 <= plan.more <= len(chosen):
        raise BadValueError(
            f"{plan.more} commerces à placer dans {len(chosen)} communes.",
            fix=f"Demandez de 1 à {len(chosen)} commerces.",
        )
    counts = ground.stock(plan.trade, day).open
    if not plan.need:
        plan = replace(plan, need=float(ground.people.sum() / max(1.0, counts.sum())))
    zone = np.zeros(len(counts), dtype=bool)
    zone[list(chosen)] = True
    model = counts_model(ground, counts)
    features = potential(ground)
    expected = model.expect(ground.people, features).mean
    mean, low, high = _total(model, expected, features, zone)
    # Who may come to the zone, and every shop that they may prefer to it: the rest changes nothing.
    part, kept = ground.near_to(chosen, 2 * max(plan.reach, plan.distance * max(_REACHES)))
    held, inside = counts[kept], zone[kept]
    sites, unserved, optimal = _sites(part, held, inside, plan)
    draws = part.drawn(held, part.pairs(decay=plan.decay, reach=plan.reach))
    drawn = _each_draws(part, held, inside, plan)
    variants = _variants(part, held, inside, plan)
    return Zone(
        chosen=tuple(chosen),
        people=float(ground.people[zone].sum()),
        actual=int(counts[zone].sum()),
        mean=mean,
        low=low,
        high=high,
        expected=expected,
        drawn={int(kept[at]): value for at, value in drawn.items()},
        unserved=unserved,
        sites=tuple(Site(at=int(kept[at]), serves=serves, draws=float(draws[at])) for at, serves in sites),
        optimal=optimal,
        variants=tuple(replace(one, sites=tuple(int(kept[at]) for at in one.sites)) for one in variants),
    )


def _total(
    model: ExpectedCounts,
    expected: NDArray[np.float64],
    features: NDArray[np.float64],
    zone: NDArray[np.bool_],
) -> tuple[float, float, float]:
    """Return the mean of the zone's count and its interval: chance of each commune, doubt on the model."""
    import numpy as np

    own = expected[zone]
    design = np.hstack([np.ones((len(own), 1)), features[zone]])
    slope = own @ design
    variance = float((own + model.dispersion * own**2).sum() + slope @ model.covariance @ slope)
    mean = float(own.sum())
    # On the logarithm: a count is never under zero.
    spread = _Z * math.sqrt(math.log1p(variance / mean**2))
    return mean, math.floor(mean * math.exp(-spread)), math.ceil(mean * math.exp(spread))


def _each_draws(
    ground: Ground, counts: NDArray[np.float64], zone: NDArray[np.bool_], plan: Plan
) -> dict[int, float]:
    """Return what one open shop draws in each commune of the zone that has some."""
    import numpy as np

    standing = np.flatnonzero(counts > 0)
    if not len(standing):
        return {}
    held = counts[standing]
    found = catchment(
        ground.at,
        ground.people,
        ground.at[standing],
        held,
        decay=plan.decay,
        reach=plan.reach,
        nearest=NEAREST,
    )
    return {int(at): float(one) for at, one in zip(standing, found.drawn / held, strict=True) if zone[at]}


def _sites(
    ground: Ground, counts: NDArray[np.float64], zone: NDArray[np.bool_], plan: Plan
) -> tuple[list[tuple[int, float]], float, bool]:
    """Return the communes to add with what each newly serves, what is unserved now, and if it is proved.

    Maximal covering with capacities: shops that stand keep theirs, a new one has ``need``. Places are the
    communes of the zone; shops around it serve them too, as far as their own people leave them room.
    """
    import numpy as np

    places = np.flatnonzero(zone)
    standing = np.flatnonzero(counts > 0)
    fixed_at = ground.at[standing]
    spare = counts[standing] * plan.need
    outside = ~zone[standing]
    # A shop outside first serves its own commune, which is not among the places.
    spare[outside] = np.maximum(0.0, spare[outside] - ground.people[standing][outside])
    reached = within(ground.at[places], np.vstack([fixed_at, ground.at[places]]), plan.distance)
    capacity = np.concatenate([spare, np.full(len(places), plan.need)])
    demand = ground.people[places]
    fixed = list(range(len(standing)))
    now = choose(reached, demand, 0, fixed=fixed, capacity=capacity, prove=False).served if fixed else 0.0
    found = choose(reached, demand, plan.more, fixed=fixed, capacity=capacity, seconds=_SECONDS)
    sites, before = [], now
    added = [one for one in found.sites if one >= len(standing)]
    for count in range(1, len(added) + 1):
        kept = fixed + added[:count]
        served = choose(reached, demand, 0, fixed=kept, capacity=capacity, prove=False).served
        sites.append((int(places[added[count - 1] - len(standing)]), served - before))
        before = served
    sites.sort(key=lambda one: (-one[1], one[0]))
    return sites, float(demand.sum() - now), found.optimal


def _variants(
    ground: Ground, counts: NDArray[np.float64], zone: NDArray[np.bool_], plan: Plan
) -> tuple[Variant, ...]:
    """Change one assumption at a time and look for the sites again."""
    import numpy as np

    found = []
    for times in _REACHES:
        sites, _, _ = _sites(ground, counts, zone, replace(plan, distance=plan.distance * times))
        title = f"distance servie : {plan.distance * times / 1000:.1f} km".replace(".", ",")
        found.append(Variant(title=title, sites=tuple(at for at, _ in sites)))
    for times in _NEEDS:
        if times != 1:
            sites, _, _ = _sites(ground, counts, zone, replace(plan, need=plan.need * times))
            title = f"capacité d'un commerce : {plan.need * times:.0f} habitants"
            found.append(Variant(title=title, sites=tuple(at for at, _ in sites)))
    places = np.flatnonzero(zone)
    for decay in _DECAYS:
        draws = ground.drawn(counts, ground.pairs(decay=decay, reach=plan.reach))[places]
        best = places[np.argsort(-draws, kind="stable")[: plan.more]]
        title = f"ce qu'il attirerait (Huff), décroissance {decay:.1f}".replace(".", ",")
        found.append(Variant(title=title, sites=tuple(int(at) for at in best)))
    return tuple(found)

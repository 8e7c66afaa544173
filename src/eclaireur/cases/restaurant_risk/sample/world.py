"""Draw the fictitious département: establishments, inspectors, latent state, then four years of service."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import TYPE_CHECKING

from eclaireur.cases.restaurant_risk.sample import events, law, service
from eclaireur.cases.restaurant_risk.sample.latent import (
    FIRST_DAY,
    LAST_DAY,
    LAST_LATENT,
    Place,
    Truth,
    day_number,
    months,
)
from eclaireur.cases.restaurant_risk.sample.places import ACTIVITIES, AREAS, COMMUNES
from eclaireur.core.subjects import luhn_valid

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["OBSERVERS", "World", "simulate", "siret"]

OBSERVERS = 14
_PESTS_A_YEAR = 9


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class World:
    """One draw of the département: the latent truth, and what an administration would record of it.

    ``weather`` has one row a day: highest temperature (°C), rain (mm), wind (m/s), humidity (0 to 1).
    """

    truth: Truth
    inspections: service.Inspections
    complaints: service.Complaints
    weather: Floats
    reviews: events.Reviews


def siret(number: int) -> str:
    """Return a made-up SIRET: its SIREN begins with 000, a range that is given to no firm; Luhn holds.

    >>> siret(1), luhn_valid(siret(1)), luhn_valid(siret(1)[:9])
    ('00000001800010', True, True)
    """
    siren = _closed(f"000{number:05d}")
    return _closed(f"{siren}0001")


def _closed(digits: str) -> str:
    """Add the last digit that makes Luhn's sum a multiple of 10."""
    return next(text for text in (f"{digits}{last}" for last in range(10)) if luhn_valid(text))


def simulate(seed: int, establishments: int) -> World:
    """Draw a département: same seed and size, same world.

    Parameters
    ----------
    seed
        Any non-negative integer.
    establishments
        Number of establishments; inspections, complaints and reviews follow in proportion.
    """
    import numpy as np

    streams = [np.random.default_rng(child) for child in np.random.SeedSequence(seed).spawn(5)]
    place = _places(streams[0], establishments)
    weather = events.weather(streams[1])
    start = _latent(streams[2], place, weather)
    truth, inspections, complaints = service.run(streams[3], start)
    reviews = events.reviews(streams[4], truth)
    return World(
        truth=truth,
        inspections=inspections,
        complaints=complaints,
        weather=weather[: day_number(LAST_DAY) + 1],
        reviews=reviews,
    )


def _places(rng: np.random.Generator, size: int) -> Place:
    import numpy as np

    shares = np.array([activity.share for activity in ACTIVITIES])
    activity = rng.choice(len(ACTIVITIES), size, p=shares / shares.sum())
    weight = np.array([commune.share for commune in COMMUNES])
    commune = rng.choice(len(COMMUNES), size, p=weight / weight.sum())
    typical = np.array([item.covers for item in ACTIVITIES])[activity]
    covers = np.maximum(np.round(typical * np.exp(rng.normal(0, 0.6, size))), 8).astype(np.int64)
    base = np.array([item.risk_class for item in ACTIVITIES])[activity]
    # A large place is raised by one class.
    risk_class = np.maximum(base - (covers > 2.2 * typical), 1)
    old = rng.random(size) < 0.80
    opened = np.where(
        old, -rng.exponential(3000, size) - 60, rng.uniform(-60, day_number(LAST_DAY) - 60, size)
    )
    spread = 0.25 + 0.05 * np.sqrt(weight[commune])
    east = np.array([item.east for item in COMMUNES])[commune] + rng.normal(0, 1, size) * spread
    north = np.array([item.north for item in COMMUNES])[commune] + rng.normal(0, 1, size) * spread
    area = np.array([AREAS.index(item.area) for item in COMMUNES])[commune]
    # Numbers are dealt at random: the order of the file says nothing.
    numbers = rng.permutation(size) + 1
    return Place(
        sirets=tuple(siret(int(number)) for number in numbers),
        activity=activity,
        commune=commune,
        area=area,
        covers=covers,
        risk_class=risk_class,
        opened=np.floor(np.maximum(opened, -15000)).astype(np.int64),
        east=east,
        north=north,
    )


def _latent(rng: np.random.Generator, place: Place, weather: Floats) -> Truth:
    """Draw all that does not depend on what the service does; ``management`` is zero until it runs."""
    import numpy as np

    size = len(place.sirets)
    effects = np.array([activity.effect for activity in ACTIVITIES])
    typical = np.array([activity.covers for activity in ACTIVITIES])[place.activity]
    commune = rng.normal(0, law.COMMUNE, len(COMMUNES))
    static = (
        law.ALPHA
        + effects[place.activity]
        + law.SIZE * np.log(place.covers / typical)
        + commune[place.commune]
        + rng.normal(0, law.PREMISES, size)
    )
    normal = NormalDist()
    ranks = [law.SEVERITY * normal.inv_cdf((k + 0.5) / OBSERVERS) for k in range(OBSERVERS)]
    years = LAST_LATENT.year - FIRST_DAY.year + 1
    territory = np.full((years, len(AREAS), OBSERVERS), 0.10 / OBSERVERS)
    order = rng.permutation(OBSERVERS)
    for year in range(years):
        for area in range(len(AREAS)):
            # Three sitting inspectors by area, who move on every other year: severity and place come apart.
            for rank, weight in enumerate((0.45, 0.27, 0.18)):
                territory[year, area, order[(2 * area + rank + 3 * (year // 2)) % OBSERVERS]] += weight
    count = _PESTS_A_YEAR * years
    centre = rng.integers(0, size, count)
    start = rng.uniform(0, day_number(LAST_LATENT), count)
    pests = np.column_stack(
        [place.east[centre], place.north[centre], start, start + rng.uniform(90, 220, count)]
    )
    return Truth(
        place=place,
        static=static,
        cold=np.array([activity.cold for activity in ACTIVITIES])[place.activity],
        management=np.zeros((size, int(months()[-1]) + 1)),
        heat=law.heat(weather[:, 0]),
        pests=pests,
        observers=tuple(f"AG-{number:02d}" for number in range(1, OBSERVERS + 1)),
        severity=rng.permutation(ranks),
        territory=territory,
    )

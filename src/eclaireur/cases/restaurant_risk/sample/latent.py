"""What no file says: the latent state of the fictitious département, and the calendar it is counted in.

Days are counted from `FIRST_DAY`. The latent state goes on after `LAST_DAY`, the last day of the files, up to
`LAST_LATENT`, so that later outcomes can be drawn (`simulator`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import TYPE_CHECKING

from eclaireur.cases.restaurant_risk.sample import law

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = ["FIRST_DAY", "LAST_DAY", "LAST_LATENT", "Place", "Truth", "day_number", "months", "pest_pressure"]

FIRST_DAY = date(2021, 1, 1)
LAST_DAY = date(2024, 12, 31)
LAST_LATENT = date(2026, 12, 31)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Place:
    """Establishments, one position each: indices into `places`, covers, opening day, place in km."""

    sirets: tuple[str, ...]
    activity: Ints
    commune: Ints
    area: Ints
    covers: Ints
    risk_class: Ints
    opened: Ints
    east: Floats
    north: Floats


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Truth:
    """What no file says: the latent risk of every establishment on every day.

    Parameters
    ----------
    place
        The establishments.
    static
        Part of the log-odds that does not move, one per establishment.
    cold
        Sensitivity to heat, one per establishment.
    management
        ``z`` of `law`: establishments × months from `FIRST_DAY`.
    heat
        Heat stress of each day from `FIRST_DAY`.
    pests
        Outbreaks: east, north (km), first and last day, one row each.
    observers, severity
        Code and ``gamma_k`` of each inspector.
    territory
        Years × areas × inspectors: who visits where; rows sum to 1.
    """

    place: Place
    static: Floats
    cold: Floats
    management: Floats
    heat: Floats
    pests: Floats
    observers: tuple[str, ...]
    severity: Floats
    territory: Floats

    def log_odds(self, rows: Ints, days: Ints) -> Floats:
        """Return ``eta`` of `law` for establishments (positions) on days (from `FIRST_DAY`), same length."""
        import numpy as np

        age = np.maximum(days - self.place.opened[rows], 0) / 365.25
        return np.asarray(
            self.static[rows]
            + self.management[rows, months()[days]]
            + law.NEW * np.exp(-age / law.NEW_YEARS)
            + law.HEAT * self.cold[rows] * self.heat[days]
            + pest_pressure(self.place, self.pests, rows, days)
        )

    def probability(self, rows: Ints, days: Ints, observers: Ints | None = None) -> Floats:
        """Return P(bad), for given inspectors or on average over all of them."""
        eta = self.log_odds(rows, days)
        if observers is not None:
            return law.logistic(eta + self.severity[observers])
        averaged: Floats = law.logistic(eta[:, None] + self.severity[None, :]).mean(axis=1)
        return averaged


@cache
def months() -> Ints:
    """Return the month number of each day from `FIRST_DAY` to `LAST_LATENT`."""
    import numpy as np

    days = np.arange(np.datetime64(FIRST_DAY), np.datetime64(LAST_LATENT) + 1)
    whole = days.astype("datetime64[M]").astype(np.int64)
    return np.asarray(whole - whole[0])


def pest_pressure(place: Place, pests: Floats, rows: Ints, days: Ints) -> Floats:
    """Return what active outbreaks add to the log-odds, one value per pair."""
    import numpy as np

    if not len(days):
        return np.zeros(0)
    # Most outbreaks are over, or yet to come, on every day that is asked.
    east, north, first, last = pests[(pests[:, 2] <= days.max()) & (pests[:, 3] >= days.min())].T
    distance = (place.east[rows, None] - east) ** 2 + (place.north[rows, None] - north) ** 2
    active = (first <= days[:, None]) & (days[:, None] <= last)
    near = np.exp(-distance / (2 * law.PEST_KM**2)) * active
    return np.asarray(law.PEST * near.sum(axis=1))


def day_number(day: date) -> int:
    """Return a date as days from `FIRST_DAY`."""
    return (day - FIRST_DAY).days

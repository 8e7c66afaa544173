"""The law by which hirings are made up, since no true ones are public: also in the documentation.

A firm's expected hirings in a half-year are the product of

- its real workforce, drawn within its band, to the power 0.85 (large firms turn over less per head);
- the rate of its activity (division of the NAF), log-normal with a standard deviation of 0.6;
- the season of its activity: first against second half of the year, normal with 0.2 in logarithm;
- its area, log-normal 0.2, and the year's economy, an AR(1) series of 0.12;
- the firm itself: a lasting part (0.7 in logarithm) and one that drifts (AR(1) of 0.85, 0.45);
- dormancy (a twentieth of the hirings), for 40 % of firms without staff, fewer as staff grows;
- a large order or a new site in 2 % of half-years, four times the hirings.

Hirings are Poisson around it. A model sees bands, activities, areas and past counts only: the lasting part,
the drift, dormancy and large orders stay hidden, so no model can be exact.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["BANDS", "Drawn", "draw", "half_years", "staff_of"]

BANDS: dict[str, tuple[int, int]] = {
    "00": (0, 0),
    "01": (1, 2),
    "02": (3, 5),
    "03": (6, 9),
    "11": (10, 19),
    "12": (20, 49),
    "21": (50, 99),
    "22": (100, 199),
    "31": (200, 249),
    "32": (250, 499),
    "41": (500, 999),
    "42": (1000, 1999),
    "51": (2000, 4999),
    "52": (5000, 9999),
    "53": (10_000, 20_000),
}
"""INSEE's codes of workforce bands: least and greatest number of employees."""

_POWER = 0.85
_ALONE = 0.3
"""Workforce that counts for a firm without employees: it hires now and then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Hirings drawn, and the mean of each by the law: shapes ``(firms, half-years)``."""

    counts: NDArray[np.int64]
    means: NDArray[np.float64]


def staff_of(bands: pa.ChunkedArray) -> NDArray[np.float64]:
    """Return the middle of each band, NaN when it is not known."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    middles = np.array([*((low + high) / 2 for low, high in BANDS.values()), np.nan])
    at = pc.index_in(bands, value_set=pa.array(BANDS))
    return middles[pc.fill_null(at, len(BANDS)).to_numpy()]  # type: ignore[no-any-return]


def half_years(first: int, count: int) -> list[tuple[date, date]]:
    """Return first and last days of successive half-years, from January of a year.

    >>> half_years(2024, 2)[1]
    (datetime.date(2024, 7, 1), datetime.date(2024, 12, 31))
    """
    found = []
    for index in range(count):
        year, second = first + index // 2, index % 2
        found.append(
            (date(year, 7, 1), date(year, 12, 31)) if second else (date(year, 1, 1), date(year, 6, 30))
        )
    return found


def draw(
    activities: Sequence[str],
    bands: Sequence[str | None],
    areas: Sequence[str],
    *,
    half_years: int,
    seed: int,
) -> Drawn:
    """Draw the hirings of firms by the law of this module; half-years begin with a January.

    Parameters
    ----------
    activities
        NAF codes; the first two figures are the division.
    bands
        Codes of `BANDS`; an unknown band is a small firm.
    areas
        Area of each firm.
    """
    import numpy as np

    random = np.random.default_rng(seed)
    size = len(activities)
    low, high = np.array([BANDS.get(band or "01", (1, 2)) for band in bands]).T
    staff = low + random.random(size) * (high - low)
    base = np.maximum(staff, _ALONE) ** _POWER
    division = [code[:2] for code in activities]
    rate = _by_name(division, "rate", seed, centre=-1.9, spread=0.6)
    season = _by_name(division, "season", seed, centre=0.0, spread=0.2)
    place = _by_name(areas, "area", seed, centre=0.0, spread=0.2)
    own = 0.7 * random.standard_normal(size)
    dormant = random.random(size) < 0.4 * np.exp(-staff / 5)
    level = np.log(base) + rate + place + own + np.where(dormant, np.log(0.05), 0.0)
    drift = random.standard_normal(size)
    economy = random.standard_normal()
    means = np.empty((size, half_years))
    for at in range(half_years):
        side = season / 2 if at % 2 == 0 else -season / 2
        order = np.where(random.random(size) < 0.02, np.log(4.0), 0.0)
        means[:, at] = np.exp(level + side + 0.45 * drift + 0.12 * economy + order)
        drift = 0.85 * drift + np.sqrt(1 - 0.85**2) * random.standard_normal(size)
        economy = 0.6 * economy + 0.8 * random.standard_normal()
    return Drawn(counts=random.poisson(means), means=means)


def _by_name(
    names: Sequence[str], what: str, seed: int, *, centre: float, spread: float
) -> NDArray[np.float64]:
    """Return a normal number for each distinct name: the same name has the same one wherever it stands."""
    import numpy as np

    drawn = {
        name: np.random.default_rng([seed, zlib.crc32(f"{what} {name}".encode())]).normal(centre, spread)
        for name in sorted(set(names))
    }
    return np.array([drawn[name] for name in names])

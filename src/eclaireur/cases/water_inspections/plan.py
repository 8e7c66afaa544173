"""A plan of controls under a capacity: how many in each basin, and at which stations."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from eclaireur.core.errors import BadValueError

__all__ = ["Planned", "planned", "quotas"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """A station that may be controlled: its risk over the first limit and over the second (NaN: not told)."""

    subject: str
    name: str
    area: str
    risk: float
    high: float
    last: date
    latitude: float | None
    longitude: float | None
    why: str


def quotas(stations: Sequence[Planned], capacity: int) -> dict[str, int]:
    """Share a capacity between basins: one each where it can, the rest by expected exceedances.

    Largest remainders (Hare-Niemeyer), and never more than a basin has stations.

    Raises
    ------
    BadValueError
        If the capacity is below 1.

    Examples
    --------
    >>> def at(area, risk):
    ...     return Planned(subject=f"{area}{risk}", name="", area=area, risk=risk, high=0.0,
    ...                    last=date(2024, 1, 1), latitude=None, longitude=None, why="")
    >>> quotas([at("Nord", 0.6), at("Nord", 0.5), at("Nord", 0.4), at("Sud", 0.1), at("Sud", 0.1)], 4)
    {'Nord': 3, 'Sud': 1}
    """
    if capacity < 1:
        raise BadValueError(
            f"la capacité doit être au moins 1, pas {capacity}.", fix="Écrivez par exemple 30."
        )
    risk: dict[str, float] = defaultdict(float)
    size: dict[str, int] = defaultdict(int)
    for one in stations:
        risk[one.area] += one.risk
        size[one.area] += 1
    areas = sorted(risk, key=lambda area: (-risk[area], area))
    found = {area: int(position < capacity) for position, area in enumerate(areas)}
    while (left := min(capacity, len(stations)) - sum(found.values())) > 0:
        open_areas = [area for area in areas if found[area] < size[area]]
        total = sum(risk[area] for area in open_areas)
        share = {area: left * (risk[area] / total if total else 1 / len(open_areas)) for area in open_areas}
        given = {area: min(math.floor(share[area]), size[area] - found[area]) for area in open_areas}
        if not any(given.values()):
            first = max(open_areas, key=lambda area: (share[area], area))
            given = {first: 1}
        for area, count in given.items():
            found[area] += count
    return {area: found[area] for area in sorted(found)}


def planned(stations: Sequence[Planned], capacity: Mapping[str, int]) -> list[Planned]:
    """Return the stations to control: the highest risks of each basin, by basin then risk."""
    chosen = []
    for area in sorted(capacity):
        inside = sorted(
            (one for one in stations if one.area == area), key=lambda one: (-one.risk, one.subject)
        )
        chosen += inside[: capacity[area]]
    return chosen

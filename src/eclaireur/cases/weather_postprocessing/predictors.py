"""Predictors of a forecast, each as known on the day from which the forecast could be used.

==============  ================================================================================
name            what it is
==============  ================================================================================
mean            mean of the members
wet             square root of the mean rain of the members; nothing for temperature
spread          logarithm of their standard deviation
least, most     least and greatest member
season1, 2      one and two waves a year (sine and cosine)
slope1          the mean times one wave a year
before          mean of the members of the station's forecast of the day before
recent          mean error over the last fifteen days that could be known
bias            the station's mean error so far, shrunk towards that of its neighbours
near            mean error so far of the stations around, by distance and elevation
fresh bias      as ``bias``, an error of ten days ago counting three times less
fresh near      as ``near``, the same
rough           logarithm of the station's mean absolute error so far
elevation       of the station, in kilometres
==============  ================================================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from eclaireur.cases.weather_postprocessing.documented import RAIN

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from eclaireur.cases.weather_postprocessing.panel import Panel

__all__ = ["DESIGNS", "KNOWN", "Columns", "Terms", "columns", "stack"]

Columns = dict[str, "NDArray[np.float64]"]
"""Predictors by name, each of shape ``(n, k)``; ``seen`` counts the station's errors known by then."""

Terms = tuple[tuple[str, ...], tuple[str, ...]]
"""Names of the predictors of the location, and of the scale."""

DESIGNS: dict[str, Terms] = {
    "plain": (("mean",), ("spread",)),
    "season": (("mean", "season1"), ("spread", "season1")),
    "year": (("mean", "wet", "season1", "slope1", "before"), ("spread", "mean", "season1")),
    "seasons": (("mean", "wet", "season2", "slope1", "before"), ("spread", "mean", "season1")),
    "recent": (("mean", "wet", "season2", "slope1", "before", "recent"), ("spread", "mean", "season1")),
    "corrected": (("mean", "bias"), ("spread",)),
    "pooled": (("mean", "bias", "near", "elevation"), ("spread", "rough", "elevation")),
    "pooled fresh": (
        ("mean", "bias", "fresh bias", "fresh near", "before", "elevation"),
        ("spread", "rough", "elevation"),
    ),
    "pooled seasons": (
        ("mean", "wet", "season2", "slope1", "bias", "fresh bias", "near", "before", "elevation"),
        ("spread", "mean", "rough", "season2"),
    ),
}
"""Predictors of the location and of the scale, by design."""

KNOWN = frozenset(name for both in DESIGNS.values() for names in both for name in names)
"""Predictors that a stored model may ask for."""

_YEAR = 365.2425
_RECENT = 15
_SOFT = 0.1
_OWN = 4.0
_AROUND = 3.0
_ROUGH = 8.0
_RANGE, _HEIGHT = 60.0, 200.0
_NEIGHBOURS = 30
_EARTH = 6371.0
_FRESH = 10.0


def columns(panel: Panel) -> Columns:
    """Return every predictor of a panel."""
    import numpy as np

    angle = 2 * np.pi * panel.day / _YEAR
    wave = np.column_stack([np.sin(angle), np.cos(angle)])
    twice = np.column_stack([np.sin(2 * angle), np.cos(2 * angle)])
    heights = np.nan_to_num(panel.place[:, 2]) / 1000
    found = {
        "mean": panel.mean[:, None],
        "wet": _wet(panel)[:, None],
        "spread": np.log(panel.spread + _SOFT)[:, None],
        "least": np.nanmin(panel.members, axis=1, keepdims=True),
        "most": np.nanmax(panel.members, axis=1, keepdims=True),
        "season1": wave,
        "season2": np.column_stack([wave, twice]),
        "slope1": wave * panel.mean[:, None],
        "before": _day_before(panel)[:, None],
        "recent": _recent(panel)[:, None],
        "elevation": heights[panel.station][:, None],
    }
    return found | _memory(panel)


def stack(found: Columns, names: Sequence[str]) -> NDArray[np.float64]:
    """Put predictors side by side."""
    import numpy as np

    return np.column_stack([found[name] for name in names])


def _keyed(station: NDArray[np.int64], day: NDArray[np.int64]) -> NDArray[np.int64]:
    """Order by station then by day, in one number."""
    import numpy as np

    return station * np.int64(10_000_000) + np.clip(day, -1_000_000, 8_000_000)


def _wet(panel: Panel) -> NDArray[np.float64]:
    import numpy as np

    if panel.variable != RAIN:
        return np.zeros(panel.size)
    return np.asarray(np.sqrt(np.nanmean(panel.members**2, axis=1)))


def _day_before(panel: Panel) -> NDArray[np.float64]:
    """Return the mean of the day before where there is one, else that of the day itself."""
    import numpy as np

    keys = _keyed(panel.station, panel.day)
    at = np.minimum(np.searchsorted(keys, keys - 1), panel.size - 1)
    ready = (keys[at] == keys - 1) & (panel.known[at] <= panel.known)
    return np.where(ready, panel.mean[at], panel.mean)


def _recent(panel: Panel) -> NDArray[np.float64]:
    import numpy as np

    told = np.flatnonzero(panel.verified)
    keys = _keyed(panel.station[told], panel.observed_known[told])
    order = np.argsort(keys, kind="stable")
    keys = keys[order]
    errors = (panel.observed - panel.mean)[told][order]
    total = np.concatenate([[0.0], np.cumsum(errors)])
    now = _keyed(panel.station, panel.known)
    last = np.searchsorted(keys, now, side="right")
    first = np.searchsorted(keys, now - _RECENT, side="right")
    return np.asarray((total[last] - total[first]) / np.maximum(last - first, 1))


def _memory(panel: Panel) -> Columns:
    """Return what past errors of a station and of those around it tell, all alike or the latest first."""
    import numpy as np

    told = np.flatnonzero(panel.verified)
    told = told[np.argsort(panel.observed_known[told], kind="stable")]
    order = np.argsort(panel.known, kind="stable")
    days = np.unique(np.concatenate([panel.observed_known[told], panel.known]))
    told_to = np.searchsorted(panel.observed_known[told], days, side="right")
    row_to = np.searchsorted(panel.known[order], days, side="right")
    errors = panel.observed - panel.mean
    near_by = _around(panel.place)
    names = ("bias", "near", "rough", "seen", "fresh bias", "fresh near")
    found = {name: np.zeros((panel.size, 1)) for name in names}
    stations = len(panel.stations)
    count, total, absolute, fresh_count, fresh_total = np.zeros((5, stations))
    told_from = row_from = 0
    last = int(days[0]) if len(days) else 0
    for at, day in enumerate(days.tolist()):
        some, row = told[told_from : told_to[at]], order[row_from : row_to[at]]
        told_from, row_from = told_to[at], row_to[at]
        faded = np.exp(-(day - last) / _FRESH)
        last = day
        error, where = errors[some], panel.station[some]
        more, sum_of = np.bincount(where, minlength=stations), np.bincount(where, error, stations)
        count, total = count + more, total + sum_of
        absolute = absolute + np.bincount(where, np.abs(error), stations)
        fresh_count, fresh_total = fresh_count * faded + more, fresh_total * faded + sum_of
        if not len(row):
            continue
        mine = panel.station[row]
        for prefix, n, s in (("", count, total), ("fresh ", fresh_count, fresh_total)):
            near = (near_by @ s) / (near_by @ n + _AROUND)
            found[f"{prefix}near"][row, 0] = near[mine]
            found[f"{prefix}bias"][row, 0] = ((s + _OWN * near) / (n + _OWN))[mine]
        usual = (absolute.sum() + 1) / (count.sum() + 1)
        rough = np.log((absolute + _ROUGH * usual) / (count + _ROUGH) + _SOFT)
        found["rough"][row, 0] = rough[mine]
        found["seen"][row, 0] = count[mine]
    return found


def _around(place: NDArray[np.float64]) -> csr_array:
    """Return the weight of each station for each other, by distance (km) and difference of elevation (m)."""
    import numpy as np
    from scipy.sparse import csr_array
    from scipy.spatial import cKDTree

    size = len(place)
    known = np.flatnonzero(~np.isnan(place[:, :2]).any(axis=1))
    if len(known) < 2:
        return csr_array((size, size))
    latitude, longitude = np.radians(place[known, 0]), np.radians(place[known, 1])
    points = _EARTH * np.column_stack(
        [
            np.cos(latitude) * np.cos(longitude),
            np.cos(latitude) * np.sin(longitude),
            np.sin(latitude),
        ]
    )
    far, other = cKDTree(points).query(points, k=min(_NEIGHBOURS + 1, len(known)))
    heights = np.nan_to_num(place[known, 2])
    apart = np.abs(heights[:, None] - heights[other])
    weight = np.exp(-(far**2) / (2 * _RANGE**2) - apart / _HEIGHT)
    weight[other == np.arange(len(known))[:, None]] = 0
    rows = np.repeat(known, other.shape[1])
    return csr_array((weight.ravel(), (rows, known[other.ravel()])), shape=(size, size))

"""Changes in a series of measurements: level shifts, drifts, isolated values, stuck sensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from eclaireur.bricks.anomaly import segments
from eclaireur.core.errors import BadValueError
from eclaireur.core.french import count, day, number, signed, spaced

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["KINDS", "MIN_POINTS", "Change", "Changes", "changes"]

MIN_POINTS = 30
"""Measurements under which nothing is said of a series: « trop peu pour conclure »."""

KINDS = {"shift": "saut de niveau", "drift": "dérive", "peak": "valeur isolée", "stuck": "capteur bloqué"}
"""What a change is called in French."""

_WINDOW, _PEAK = 7, 6.0
_RUN, _CHANCE = 6, 0.001
_YEARS, _BY_MONTH = 3, 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change.

    Parameters
    ----------
    kind
        A key of `KINDS`.
    first, last
        Position of the first measurement concerned and of the last, in the order of dates.
    since, until
        Their dates.
    size
        In the series' unit: new level minus old; for a drift, from its start to its end; for an isolated
        value, its gap to its neighbours; 0 for a stuck sensor.
    sentence
        The same in French.
    """

    kind: str
    first: int
    last: int
    since: date
    until: date
    size: float
    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """The changes of a series, in the order of dates; ``note`` says why nothing could be concluded."""

    found: tuple[Change, ...]
    note: str = ""


def changes(
    days: Sequence[date],
    values: Sequence[float] | NDArray[np.float64],
    *,
    unit: str = "",
    least: float | None = None,
) -> Changes:
    """Find the changes of a series.

    Season is taken out first, where three years allow it. Isolated values are those further than six robust
    deviations from the median of their seven neighbours (Hampel 1974); they are then left out. Stuck sensors
    are runs of one value too long for how often the series repeats itself. Shifts and drifts come from
    `segments`: one or the other is said of about one calm series in twenty.

    Parameters
    ----------
    days, values
        Dates and measurements, in any order; NaN is a missing measurement. Measurements are taken as a
        sequence: gaps between dates do not count.
    unit
        As it is written after a number.
    least
        For amounts that vary by ratios, such as concentrations: the smallest that is told from zero. The
        logarithm is then looked at. None for values that vary by differences.

    Returns
    -------
    Changes
        With a note instead when fewer than 30 measurements are known.

    Raises
    ------
    BadValueError
        Dates and measurements differ in number, or one is infinite.

    Examples
    --------
    >>> import numpy as np
    >>> from datetime import timedelta
    >>> values = np.random.default_rng(0).normal(10, 1, 200)
    >>> values[120:] += 5
    >>> found = changes([date(2024, 1, 1) + timedelta(days=i) for i in range(200)], values, unit="mg/L").found
    >>> [(one.kind, str(one.since), round(one.size)) for one in found]
    [('shift', '2024-04-30', 5)]
    """
    import numpy as np

    given = np.asarray(values, dtype=float)
    if len(days) != len(given):
        raise BadValueError(
            f"{len(days)} dates pour {len(given)} mesures.", fix="Donnez une date pour chaque mesure."
        )
    if np.isinf(given).any():
        raise BadValueError(
            "Une mesure est infinie.", fix="Laissez vide une mesure qui n’a pas pu être faite."
        )
    order = sorted(np.flatnonzero(~np.isnan(given)).tolist(), key=lambda i: days[i])
    if len(order) < MIN_POINTS:
        known = count(len(order), "mesure connue", "mesures connues")
        return Changes(found=(), note=spaced(f"Trop peu pour conclure : {known}, il en faut {MIN_POINTS}."))
    raw = given[order]
    dates = [days[i] for i in order]
    if raw.min() == raw.max():
        return Changes(found=(_change("stuck", 0, len(raw) - 1, 0.0, dates, unit, raw),))
    found = [_change("stuck", first, last, 0.0, dates, unit, raw) for first, last in _stuck(raw)]
    frozen = np.zeros(len(raw), dtype=bool)
    for one in found:
        frozen[one.first : one.last + 1] = True
    free = np.flatnonzero(~frozen)
    if len(free) >= MIN_POINTS:
        seen = raw[free] if least is None else np.log(np.maximum(raw[free], least))
        steady = _without_season([dates[i] for i in free.tolist()], seen)
        gap = _peaks(steady)
        peaks = np.flatnonzero(gap)
        for i in peaks.tolist():
            at = int(free[i])
            size = float(gap[i]) if least is None else float(raw[at] * (1 - np.exp(-gap[i])))
            found.append(_change("peak", at, at, size, dates, unit, raw))
        calm = np.delete(free, peaks)
        before = 0
        for told in segments.split(np.delete(steady, peaks)):
            size = told.size
            if least is not None:
                # What came just before, or the start of a drift that begins with the series.
                usual = float(np.median(raw[calm[before : told.first or segments.SHORTEST]]))
                size = usual * float(np.expm1(told.size))
            found.append(
                _change(told.kind, int(calm[told.first]), int(calm[told.last]), size, dates, unit, raw)
            )
            before = told.first
    return Changes(found=tuple(sorted(found, key=lambda one: (one.first, one.kind))))


def _stuck(values: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Return first and last positions of runs of one value that are too long to be chance.

    A run of ``m`` equal values has about ``n p^(m−1)`` chances, where ``p`` is the share of successive values
    that are equal elsewhere in the series. The lowest value is left out when it comes in several runs: it is
    a limit of quantification, or no water.
    """
    import numpy as np

    starts = np.concatenate([[0], np.flatnonzero(np.diff(values)) + 1])
    lengths = np.diff(np.concatenate([starts, [len(values)]]))
    repeats, pairs = int((lengths - 1).sum()), len(values) - 1
    lowest = values[starts] == values.min()
    found = []
    for at in np.flatnonzero(lengths >= _RUN).tolist():
        inside = int(lengths[at]) - 1
        share = (repeats - inside + 1) / (pairs - inside + 2)
        if len(values) * share**inside < _CHANCE and not (lowest[at] and lowest.sum() > 1):
            found.append((int(starts[at]), int(starts[at]) + inside))
    return found


def _without_season(dates: Sequence[date], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Take out the median of each month, of values less their year's median.

    A month's median rests on at least three measurements of three years, else the series is left as it is.
    """
    import numpy as np

    months = np.array([one.month for one in dates])
    years = np.array([one.year for one in dates])
    if len(np.unique(years)) < _YEARS:
        return values.copy()
    around = np.empty(len(values))
    for year in np.unique(years).tolist():
        around[years == year] = np.median(values[years == year])
    season = np.zeros(len(values))
    for month in np.unique(months).tolist():
        inside = months == month
        if inside.sum() < _BY_MONTH:
            return values.copy()
        season[inside] = np.median((values - around)[inside])
    return values - (season - season.mean())  # type: ignore[no-any-return]


def _peaks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the gap of isolated values to the median of their neighbours, 0 elsewhere."""
    import numpy as np
    from numpy.lib.stride_tricks import sliding_window_view

    half = _WINDOW // 2
    around = np.median(sliding_window_view(np.pad(values, half, mode="reflect"), _WINDOW), axis=1)
    gap = values - around
    spread = segments.deviation(gap)
    if not spread:
        return np.zeros(len(values))
    # Local gaps are smaller where the series is quiet: a burst is no isolated value, so both must be passed.
    local = np.pad(abs(gap), 3 * half, mode="reflect")
    quiet = 1.4826 * np.median(sliding_window_view(local, 6 * half + 1), axis=1)
    return np.where(abs(gap) > _PEAK * np.maximum(spread, quiet), gap, 0.0)


def _change(
    kind: str,
    first: int,
    last: int,
    size: float,
    dates: Sequence[date],
    unit: str,
    raw: NDArray[np.float64],
) -> Change:
    since, until = dates[first], dates[last]
    after = f" {unit}" if unit else ""
    decimals = 0 if abs(size) >= 100 else 1 if abs(size) >= 10 else 2
    amount = f"{signed(size, decimals)}{after}"
    if kind == "stuck":
        length = count(last - first + 1, "mesure")
        sentence = f"{length} égales à {number(raw[first], 2)}{after} du {day(since)} au {day(until)}"
    elif kind == "peak":
        sentence = f"{amount} par rapport aux mesures voisines, le {day(since)}"
    elif kind == "shift":
        sentence = f"{amount} à partir du {day(since)}"
    else:
        sentence = f"{amount} entre le {day(since)} et le {day(until)}"
    return Change(
        kind=kind,
        first=first,
        last=last,
        since=since,
        until=until,
        size=size,
        sentence=spaced(f"{KINDS[kind].capitalize()} : {sentence}"),
    )

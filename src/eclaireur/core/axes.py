"""Scales and round graduations of charts, for numbers, days and categories."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from eclaireur.core import french

__all__ = ["Scale", "day_ticks", "nice_ticks", "scale_of"]

_STEPS = (1, 2, 5, 10)
_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120)
_MONTH = 30.44


@dataclass(frozen=True, slots=True)
class Scale:
    """Where a value lies on an axis: ``at(value)`` is in points, ``ticks`` are positions with their text.

    ``room`` is the width of a category, in points; 0 on an axis of numbers or days.
    """

    at: Callable[[Any], float]
    ticks: tuple[tuple[float, str], ...]
    room: float = 0.0


def nice_ticks(low: float, high: float, most: int = 6) -> tuple[float, ...]:
    """Return round graduations that cover ``[low, high]``: steps of 1, 2 or 5 times a power of ten.

    P. S. Heckbert (1990), *Nice numbers for graph labels*, Graphics Gems.

    >>> nice_ticks(0, 97)
    (0.0, 20.0, 40.0, 60.0, 80.0, 100.0)
    """
    if not (math.isfinite(low) and math.isfinite(high)):
        return (0.0, 1.0)
    if high - low <= max(1e-9 * max(abs(low), abs(high)), 1e-290):
        spread = abs(low) if abs(low) > 1e-280 else 1.0
        low, high = low - spread / 2, high + spread / 2
    rough = (high - low) / max(most - 1, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(power * one for one in _STEPS if power * one >= rough * (1 - 1e-9))
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    digits = max(0, 1 - math.floor(math.log10(step)))
    return tuple(round(at * step, digits) for at in range(first, last + 1))


def day_ticks(first: date, last: date, most: int = 8) -> tuple[tuple[date, str], ...]:
    """Return days to write under an axis of time: days, else starts of months, else of years.

    >>> [text for _, text in day_ticks(date(2024, 2, 10), date(2026, 3, 1), 5)]
    ['07/2024', '01/2025', '07/2025', '01/2026']
    """
    span = (last - first).days
    if span < 2 * _MONTH:
        step = max(1, math.ceil(span / max(most - 1, 1)))
        days = (first + timedelta(days=at) for at in range(0, span + 1, step))
        return tuple((day, french.day(day)) for day in days)
    months = next((one for one in _MONTHS if span / _MONTH / one <= most), _MONTHS[-1] * 10)
    ticks = []
    count = 12 * first.year + first.month - 1
    end = 12 * last.year + last.month - 1
    for month in range(count - count % months, end + 1, months):
        day = date(month // 12, month % 12 + 1, 1)
        if first <= day <= last:
            ticks.append((day, str(day.year) if months >= 12 else f"{day:%m/%Y}"))
    return tuple(ticks)


def scale_of(
    values: Iterable[Any], start: float, end: float, *, share: bool = False, zero: bool = False
) -> Scale:
    """Return the scale of an axis from ``start`` to ``end`` (points) for values all of one kind.

    Parameters
    ----------
    share
        Values are shares: the axis goes from 0 to 100 %.
    zero
        The axis of numbers must show zero.
    """
    kept = list(dict.fromkeys(values))
    if share:
        return _numbers((0.0, 0.25, 0.5, 0.75, 1.0), start, end, percent=True)
    if kept and all(isinstance(one, date) for one in kept):
        return _days(kept, start, end)
    numbers = [float(one) for one in kept if _is_number(one)]
    if kept and len(numbers) < sum(not _is_missing(one) for one in kept):
        return _categories([str(one) for one in kept], start, end)
    numbers = [*numbers, 0.0] if zero or not numbers else numbers
    return _numbers(nice_ticks(min(numbers), max(numbers)), start, end)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _is_missing(value: Any) -> bool:
    return isinstance(value, float) and not math.isfinite(value)


def _numbers(ticks: Sequence[float], start: float, end: float, *, percent: bool = False) -> Scale:
    low, high = ticks[0], ticks[-1]
    step = ticks[1] - ticks[0]
    decimals = max(0, -math.floor(math.log10(step) + 1e-9))

    def at(value: Any) -> float:
        return start + (float(value) - low) / (high - low) * (end - start)

    def said(value: float) -> str:
        return french.percent(value) if percent else french.number(value, decimals).replace("-", "−")

    return Scale(at, tuple((at(tick), said(tick)) for tick in ticks))


def _days(days: Sequence[date], start: float, end: float) -> Scale:
    first, last = min(day.toordinal() for day in days), max(day.toordinal() for day in days)

    def at(value: Any) -> float:
        part: float = (value.toordinal() - first) / (last - first) if last > first else 0.5
        return start + part * (end - start)

    most = max(2, int(abs(end - start) / 75))
    ticks = day_ticks(date.fromordinal(first), date.fromordinal(last), most)
    return Scale(at, tuple((at(day), text) for day, text in ticks))


def _categories(names: Sequence[str], start: float, end: float) -> Scale:
    room = (end - start) / len(names)
    places = {name: start + (at + 0.5) * room for at, name in enumerate(names)}
    return Scale(lambda value: places[str(value)], tuple((places[one], one) for one in names), abs(room))

"""Values of one shape converted together: days, hours and numbers, a column of digits at a time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from eclaireur.sources import values

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    Whole = NDArray[np.int64]
    Truth = NDArray[np.bool_]

__all__ = ["EXACT", "Group", "calendar", "moments", "number_in", "numbers_of", "parts_of", "ticks_of"]

EXACT = 15
"""Digits that a double holds exactly."""
_UNIX_YEAR = 1970


@dataclass(frozen=True, slots=True)
class Group:
    """Values of one shape: their places among the distinct values, and their digits, one row each."""

    shape: str
    members: Whole
    digits: NDArray[np.uint8]
    zero: Truth
    probes: tuple[str, str]


def number_in(digits: NDArray[np.uint8]) -> Whole:
    """Read each row of digits as a whole number."""
    import numpy as np

    weights = 10 ** np.arange(digits.shape[1] - 1, -1, -1, dtype=np.int64)
    return np.asarray(digits.astype(np.int64) @ weights)


def parts_of(probe: str) -> dict[str, slice] | None:
    """Where year, month, day, hour, minute, second and fraction are among the digits of a shape."""
    found = values.DMY.fullmatch(probe) or values.YMD.fullmatch(probe)
    if found is None:
        if len(probe) == 8 and probe.isdigit():
            return {"y": slice(0, 4), "o": slice(4, 6), "d": slice(6, 8)}
        return None
    if " ".join(probe.split()) != probe or (found["z"] or "Z") != "Z":
        return None

    def held(place: int) -> int:
        return sum(char.isdigit() for char in probe[:place])

    return {
        name: slice(held(found.start(name)), held(found.end(name)))
        for name in ("y", "o", "d", "h", "m", "s", "f")
        if found[name]
    }


def calendar(digits: NDArray[np.uint8], parts: dict[str, slice]) -> tuple[Truth, Whole]:
    """Say which values are of the calendar and the clock, and their microseconds since 1970."""
    import numpy as np

    year, month, day = (number_in(digits[:, parts[name]]) for name in "yod")
    good = (year >= 1) & (month >= 1) & (month <= 12) & (day >= 1)
    months = (np.where(good, year, _UNIX_YEAR) - _UNIX_YEAR) * 12 + np.where(good, month, 1) - 1
    start = months.astype("datetime64[M]")
    length = ((start + 1).astype("datetime64[D]") - start.astype("datetime64[D]")).astype(np.int64)
    good &= day <= length
    ticks = (start.astype("datetime64[D]").astype(np.int64) + day - 1) * 86_400_000_000
    for name, limit, unit in (("h", 24, 3_600_000_000), ("m", 60, 60_000_000), ("s", 60, 1_000_000)):
        if name in parts:
            value = number_in(digits[:, parts[name]])
            good &= value < limit
            ticks = ticks + value * unit
    if "f" in parts:
        held = digits[:, parts["f"]][:, :6]
        ticks = ticks + number_in(held) * 10 ** (6 - held.shape[1])
    return np.asarray(good), np.asarray(np.where(good, ticks, 0))


def moments(group: Group, read: Callable[[str], Any], kind: pa.DataType) -> Whole | None:
    """Convert the days or hours of a shape."""
    import numpy as np
    import pyarrow as pa

    parts = parts_of(group.probes[0])
    if parts is None:
        return _each(group, read, kind)
    good, ticks = calendar(group.digits, parts)
    # What the reader says of one tells of all; the shape of eight digits is a day under some headings only.
    first = _written(group, 0)
    if not good.all() or read(first) is None:
        return None
    return np.asarray(ticks // 86_400_000_000) if pa.types.is_date(kind) else ticks


def _each(group: Group, read: Callable[[str], Any], kind: pa.DataType) -> Whole | None:
    """Convert a shape without fixed places one value at a time."""
    import numpy as np

    found = [read(_written(group, row)) for row in range(len(group.members))]
    if any(one is None for one in found):
        return None
    return np.array([ticks_of(one, kind) for one in found], np.int64)


def _written(group: Group, row: int) -> str:
    digits = iter(group.digits[row].tolist())
    return "".join(str(next(digits)) if char == "9" else char for char in group.shape)


def ticks_of(one: date | datetime, kind: pa.DataType) -> int:
    """Give days or microseconds since 1970."""
    import pyarrow as pa

    scalar = pa.scalar(one, kind)
    return int(scalar.value)


def numbers_of(group: Group, read: Callable[[str], Any], *, strict: bool = True) -> Any | None:
    """Convert the numbers of a shape: one value written with ones tells where the decimal sign is.

    When it is strict, None as soon as one is no number; else such values are 0.
    """
    import numpy as np

    out = np.zeros(len(group.digits), np.float64)
    if group.digits.shape[1] > EXACT:
        return None if strict else out
    whole = number_in(group.digits)
    for zero, probe in ((False, group.probes[0]), (True, group.probes[1])):
        members = group.zero == zero
        if not members.any():
            continue
        value = read(probe)
        if value is None and not strict:
            continue
        if value is None:
            return None
        digits = int("".join(char for char in probe if char.isdigit()))
        decimals = next((d for d in range(EXACT + 1) if digits / 10**d == abs(value)), None)
        if decimals is None:
            return None
        # Both are whole numbers below 2^53: the quotient is the double nearest to what is written.
        out[members] = whole[members] / 10**decimals * (-1 if value < 0 else 1)
    return out

"""Shapes in well-known binary: their bounds, and the faults that make areas and overlaps wrong.

References
----------
OGC 06-103r4, « Simple feature access », clauses 6.1.11 and 8.2.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Points = NDArray[np.float64]

__all__ = ["Broken", "Curved", "Examined", "crosses", "examine", "parts"]

_DEEPEST = 8
_SMALL = 40
"""Points of a ring up to which comparing every side with every other is the fastest."""
_PAIRS = 4_000_000
"""Most pairs of segments compared in one ring: about a second."""


class Broken(ValueError):  # noqa: N818 - what it is, not an error of ours
    """Bytes that are no shape."""


class Curved(ValueError):  # noqa: N818 - what it is, not an error of ours
    """A shape made of arcs, which is not examined."""


def parts(data: bytes) -> Iterator[tuple[int, Points]]:
    """Give the point lists of a shape with the type of what they are part of: 1 point, 2 line, 3 ring.

    Parameters
    ----------
    data
        Well-known binary, ISO or extended, of any dimension.

    Raises
    ------
    Broken
        If the bytes are no shape.
    Curved
        If it is made of arcs.
    """
    try:
        end = yield from _shape(data, 0, 0)
    except Curved:
        raise
    except (struct.error, IndexError, ValueError, OverflowError) as error:
        raise Broken(str(error)) from error
    if end > len(data):
        raise Broken("truncated")


def _shape(data: bytes, at: int, depth: int) -> Generator[tuple[int, Points], None, int]:
    if depth > _DEEPEST:
        raise Broken("too deep")
    order = "<" if data[at] == 1 else ">"
    code: int = struct.unpack_from(f"{order}I", data, at + 1)[0]
    at += 5
    if code & 0x20000000:  # a number of the reference system follows
        at += 4
    plain = code & 0x0FFFFFFF
    width = 2 + bool(code & 0x80000000) + bool(code & 0x40000000)
    width += {1: 1, 2: 1, 3: 2}.get(plain // 1000, 0)
    kind = plain % 1000
    if kind == 1:
        yield 1, _points(data, at, 1, width, order)
        return at + 8 * width
    count: int = struct.unpack_from(f"{order}I", data, at)[0]
    at += 4
    if kind == 2:
        yield 2, _points(data, at, count, width, order)
        return at + 8 * width * count
    if kind in {3, 17}:
        for _ in range(count):
            size: int = struct.unpack_from(f"{order}I", data, at)[0]
            yield 3, _points(data, at + 4, size, width, order)
            at += 4 + 8 * width * size
        return at
    if kind in {8, 9, 10, 11, 12, 13, 14}:
        raise Curved
    if kind not in {4, 5, 6, 7, 15, 16}:
        raise Broken(f"type {kind}")
    for _ in range(count):
        at = yield from _shape(data, at, depth + 1)
    return at


def _points(data: bytes, at: int, count: int, width: int, order: str) -> Points:
    import numpy as np

    flat = np.frombuffer(data, f"{order}f8", count * width, at)
    return flat.reshape(count, width)[:, :2].astype(np.float64, copy=False)


_UNREADABLE = "formes illisibles"
_NOT_NUMBERS = "coordonnées qui ne sont pas des nombres"
_FEW = "contours de moins de quatre points"
_OPEN = "contours non fermés"
_CROSSED = "contours qui se croisent"


@dataclass(frozen=True, slots=True)
class Examined:
    """What was found of many shapes.

    Parameters
    ----------
    boxes
        West, south, east and north of each, of shape (n, 4); not numbers where there are none.
    faults
        Row → its first fault, in French.
    """

    boxes: Points
    faults: Mapping[int, str]


def examine(shapes: Sequence[bytes | None], *, validity: bool = True) -> Examined:
    """Return the bounds of shapes and their faults.

    Looked for: coordinates that are not numbers, rings of fewer than four points, that do not close, or whose
    sides cross each other. Not looked for: holes outside their ring, parts that overlap.

    Parameters
    ----------
    shapes
        Well-known binary; None where there is no shape.
    validity
        Look for faults too.
    """
    import numpy as np

    found: dict[int, str] = {}
    rows: list[int] = []
    kinds: list[int] = []
    lists: list[Points] = []
    for row, data in enumerate(shapes):
        if data is None:
            continue
        try:
            for kind, points in parts(data):
                if len(points):
                    rows.append(row)
                    kinds.append(kind)
                    lists.append(points)
        except Curved:
            continue
        except Broken:
            found[row] = _UNREADABLE
    boxes = np.full((len(shapes), 4), np.nan)
    if not lists:
        return Examined(boxes, found if validity else {})
    sizes = np.array([len(one) for one in lists])
    every = np.concatenate(lists)
    starts = np.cumsum(sizes) - sizes
    where = np.array(rows)
    with np.errstate(invalid="ignore"):
        low, high = np.minimum.reduceat(every, starts), np.maximum.reduceat(every, starts)
    first = np.flatnonzero(np.diff(where, prepend=-1))
    boxes[where[first], :2] = np.minimum.reduceat(low, first)
    boxes[where[first], 2:] = np.maximum.reduceat(high, first)
    boxes[~np.isfinite(boxes).all(axis=1)] = np.nan
    if validity:
        ring = np.array(kinds) == 3
        # A point without coordinates is an empty one.
        numbers = np.isfinite(low).all(axis=1) & np.isfinite(high).all(axis=1)
        numbers |= (np.array(kinds) == 1) & np.isnan(low).all(axis=1)
        closed = (every[starts] == every[starts + sizes - 1]).all(axis=1)
        sound = ring & numbers & (sizes >= 4) & closed
        crossed = _crossed(lists, sizes, np.flatnonzero(sound))
        for fault, parts_at in (
            (_NOT_NUMBERS, np.flatnonzero(~numbers)),
            (_FEW, np.flatnonzero(ring & numbers & (sizes < 4))),
            (_OPEN, np.flatnonzero(ring & numbers & (sizes >= 4) & ~closed)),
            (_CROSSED, crossed),
        ):
            for row in where[parts_at].tolist():
                found.setdefault(row, fault)
    return Examined(boxes, found if validity else {})


def _crossed(
    lists: Sequence[Points], sizes: NDArray[np.int64], sound: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return which rings cross themselves: the small ones many at a time, the others one by one."""
    import numpy as np

    found: list[int] = []
    for size in np.unique(sizes[sound]).tolist():
        held = sound[sizes[sound] == size]
        if size > _SMALL:
            found += [index for index in held.tolist() if crosses(lists[index])]
            continue
        step = max(1, _PAIRS // (size * size))
        for start in range(0, len(held), step):
            some = held[start : start + step]
            stacked = np.stack([lists[index] for index in some.tolist()])
            found += some[_small_cross(stacked)].tolist()
    return np.array(sorted(found), dtype=np.int64)


def _small_cross(rings: Points) -> NDArray[np.bool_]:
    """Tell which rings, of shape (many, points, 2), cross themselves: each side against each other."""
    import numpy as np

    start, end = rings[:, :-1], rings[:, 1:]
    one, other = np.triu_indices(start.shape[1], 1)
    a, b, c, d = start[:, one], end[:, one], start[:, other], end[:, other]
    return np.asarray(
        ((_side(a, b, c) * _side(a, b, d) < 0) & (_side(c, d, a) * _side(c, d, b) < 0)).any(axis=1)
    )


def _side(a: Points, b: Points, c: Points) -> Points:
    """Return on which side of a to b lies c: 1, -1, or 0 on the line."""
    import numpy as np

    return np.sign(
        (b[..., 0] - a[..., 0]) * (c[..., 1] - a[..., 1]) - (b[..., 1] - a[..., 1]) * (c[..., 0] - a[..., 0])
    )


def crosses(ring: Points) -> bool:
    """Tell whether two sides of a closed ring cross; a ring too large to be examined is taken as sound.

    Sides are sorted by their west end, so that each is compared only with those that may meet it.

    Examples
    --------
    >>> import numpy as np
    >>> crosses(np.array([[0, 0], [1, 1], [0, 1], [1, 0], [0, 0]], float))
    True
    """
    import numpy as np

    start, end = ring[:-1], ring[1:]
    low, high = np.minimum(start, end), np.maximum(start, end)
    order = np.argsort(low[:, 0], kind="stable")
    start, end, low, high = start[order], end[order], low[order], high[order]
    last = np.searchsorted(low[:, 0], high[:, 0], side="right")
    counts = last - np.arange(len(start)) - 1
    total = int(counts.sum())
    if not 0 < total <= _PAIRS:
        return False
    first = np.repeat(np.arange(len(start)), counts)
    second = first + 1 + np.arange(total) - np.repeat(np.cumsum(counts) - counts, counts)
    meet = (low[first, 1] <= high[second, 1]) & (low[second, 1] <= high[first, 1])
    first, second = first[meet], second[meet]

    one = _side(start[first], end[first], start[second]) * _side(start[first], end[first], end[second])
    other = _side(start[second], end[second], start[first]) * _side(start[second], end[second], end[first])
    return bool(((one < 0) & (other < 0)).any())

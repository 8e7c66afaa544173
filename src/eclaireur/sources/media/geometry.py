"""Shapes in well-known binary: their bounds, and the faults that make areas and overlaps wrong.

References
----------
OGC 06-103r4, « Simple feature access », clauses 6.1.11 and 8.2.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Points = NDArray[np.float64]

__all__ = ["Broken", "Curved", "crosses", "faults", "parts"]

_DEEPEST = 8
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
    return flat.reshape(count, width)[:, :2].astype(np.float64)


def faults(data: bytes) -> tuple[str, ...]:
    """Return what is wrong with a shape, in French; empty when nothing that is looked for is.

    Looked for: coordinates that are not numbers, rings of fewer than four points, that do not close, or whose
    sides cross each other. Not looked for: holes outside their ring, parts that overlap.
    """
    import numpy as np

    found: dict[str, None] = {}
    try:
        for kind, points in parts(data):
            if not np.isfinite(points).all():
                if kind != 1 or not np.isnan(points).all():  # a point without coordinates is an empty one
                    found["coordonnées qui ne sont pas des nombres"] = None
            elif kind == 3 and len(points):
                if len(points) < 4:
                    found["contours de moins de quatre points"] = None
                elif (points[0] != points[-1]).any():
                    found["contours non fermés"] = None
                elif crosses(points):
                    found["contours qui se croisent"] = None
    except Curved:
        pass
    except Broken:
        found["formes illisibles"] = None
    return tuple(found)


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

    def side(a: Points, b: Points, c: Points) -> Points:
        return np.sign((b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0]))

    one = side(start[first], end[first], start[second]) * side(start[first], end[first], end[second])
    other = side(start[second], end[second], start[first]) * side(start[second], end[second], end[first])
    return bool(((one < 0) & (other < 0)).any())

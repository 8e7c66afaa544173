"""First and last bytes of the values of a column, which tell cheaply what most of them are not."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["edges", "holding", "trimmed"]

# Bytes that may begin or end a space, be it written with one byte or more.
_BEGINS = (*range(0x21), 0xC2, 0xE1, 0xE2, 0xE3)
_SMALL, _FEW = 10_000, 20
_ENDS = (*range(0x21), *range(0x80, 0x8B), 0x85, 0x9F, 0xA0, 0xA8, 0xA9, 0xAF)


def edges(column: pa.Array) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Return the first and the last byte of each value, 0 where it is empty.

    Examples
    --------
    >>> import pyarrow as pa
    >>> [array.tolist() for array in edges(pa.array(["ab", None, "c"]))]
    [[97, 0, 99], [98, 0, 99]]
    """
    import numpy as np

    _, offsets, data = column.buffers()
    if data is None or not data.size or not len(column):
        none = np.zeros(len(column), np.uint8)
        return none, none
    places = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    raw = np.frombuffer(data, np.uint8)
    filled = places[1:] > places[:-1]
    first = np.where(filled, raw[np.minimum(places[:-1], len(raw) - 1)], 0)
    last = np.where(filled, raw[np.maximum(places[1:] - 1, 0)], 0)
    return first.astype(np.uint8), last.astype(np.uint8)


def holding(column: pa.Array, sign: str) -> NDArray[np.int64]:
    """Return the rows whose value holds a sign of one byte.

    Examples
    --------
    >>> import pyarrow as pa
    >>> holding(pa.array(["a&b", None, "c", "&&"]), "&").tolist()
    [0, 3]
    """
    import numpy as np

    _, offsets, data = column.buffers()
    if data is None or not len(column) or (data.size < _SMALL and sign.encode() not in data.to_pybytes()):
        return np.zeros(0, np.int64)
    places = np.frombuffer(offsets, np.int32)[column.offset : column.offset + len(column) + 1]
    found = np.flatnonzero(np.frombuffer(data, np.uint8)[places[0] : places[-1]] == ord(sign)) + places[0]
    return np.unique(np.searchsorted(places, found, side="right") - 1)


def trimmed(column: pa.Array) -> pa.Array:
    """Drop the spaces around each value; what is left empty is null.

    Examples
    --------
    >>> import pyarrow as pa
    >>> trimmed(pa.array([" a", " ", None])).to_pylist()
    ['a', None, None]
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    if len(column) < _FEW:
        found = [None if text is None else text.strip() or None for text in column.to_pylist()]
        return pa.array(found, pa.string())
    first, last = edges(column)
    filled = first > 0
    if not (_any(first[filled], _BEGINS) or _any(last[filled], _ENDS)) and filled.sum() == np.count_nonzero(
        column.is_valid().to_numpy(zero_copy_only=False)
    ):
        return column
    found = pc.utf8_trim_whitespace(column)
    return pc.if_else(pc.equal(found, ""), pa.scalar(None, pa.string()), found)


def _any(found: NDArray[np.uint8], wanted: tuple[int, ...]) -> bool:
    import numpy as np

    present = np.bincount(found, minlength=256)
    return bool(present[list(wanted)].any())

"""The documents closest to each, by the share of shingles in common, among those known at a date.

Pairs are counted by products of sparse blocks, exactly, but for shingles so common that they
tell nothing apart: those of more than `COMMON` documents are left out of the count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic.shingles import Sets

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["COMMON", "Near", "nearest"]

COMMON = 2000
_BLOCK = 256


@dataclass(frozen=True, slots=True)
class Near:
    """The closest documents of each asked one, shape ``(asked, count)``; -1 and 0.0 where there is none."""

    position: NDArray[np.int64]
    jaccard: NDArray[np.float64]


def nearest(
    sets: Sets,
    asked: NDArray[np.int64],
    *,
    known: NDArray[np.int64],
    until: NDArray[np.int64],
    count: int = 5,
    keys: NDArray[np.int64] | None = None,
) -> Near:
    """Return the documents closest to each asked one, most alike first, ties by position.

    Parameters
    ----------
    sets
        Shingles of every document.
    asked
        Positions of the documents asked about, shape ``(n,)``.
    known
        Day from which each document is known, as a number, shape ``(documents,)``.
    until
        For each asked one, the last day: only documents known by then are seen, shape ``(n,)``.
    count
        How many to return.
    keys
        Identity of each document: one with the key of the asked one is never its neighbour. By
        default its position.

    Examples
    --------
    >>> import numpy as np
    >>> from eclaireur.bricks.semantic.shingles import shingle_sets
    >>> sets = shingle_sets(["a b c d", "a b c e", "x y z"], width=2)
    >>> days = np.zeros(3, np.int64)
    >>> nearest(sets, np.array([0]), known=days, until=days[:1], count=2).position.tolist()
    [[1, -1]]
    """
    import numpy as np

    sizes = np.diff(sets.bounds).astype(np.float64)
    same = np.arange(len(sets)) if keys is None else keys
    rows = _matrix(sets)
    columns = rows.T.tocsr()
    position = np.full((len(asked), count), -1, np.int64)
    score = np.zeros((len(asked), count))
    for start in range(0, len(asked), _BLOCK):
        who = asked[start : start + _BLOCK]
        common = (rows[who] @ columns).tocsr()
        for at in range(len(who)):
            begin, end = common.indptr[at], common.indptr[at + 1]
            others, shared = common.indices[begin:end].astype(np.int64), common.data[begin:end]
            seen = (known[others] <= until[start + at]) & (same[others] != same[who[at]])
            others, shared = others[seen], shared[seen].astype(np.float64)
            alike = shared / (sizes[others] + sizes[who[at]] - shared)
            best = np.lexsort((others, -alike))[:count]
            position[start + at, : len(best)] = others[best]
            score[start + at, : len(best)] = alike[best]
    return Near(position, score)


def _matrix(sets: Sets) -> Any:
    """Return which document (row) has which shingle (column); only shingles of two documents or more."""
    import numpy as np
    from scipy.sparse import csr_array

    _found, codes, counts = np.unique(sets.values, return_inverse=True, return_counts=True)
    kept = (counts > 1) & (counts <= COMMON)
    column = np.cumsum(kept) - 1
    inside = kept[codes]
    running = np.concatenate([np.zeros(1, np.int64), np.cumsum(inside)])
    data = np.ones(int(inside.sum()), np.int32)
    shape = (len(sets), max(int(kept.sum()), 1))
    return csr_array((data, column[codes[inside]], running[sets.bounds]), shape=shape)

"""Series: decisions connected by pairs whose texts are nearly the same."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from eclaireur.bricks.semantic.groups import Grouper, Pairs, components

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["THRESHOLD", "found_pairs", "groups_until", "named", "pairs_table"]

THRESHOLD = 0.6
"""Least share of five-word shingles that two decisions of a series have in common (Jaccard)."""

_BATCH = 2000


def found_pairs(texts: pa.ChunkedArray) -> Pairs:
    """Return the pairs of nearly identical texts."""
    grouper = Grouper(threshold=THRESHOLD)
    for start in range(0, len(texts), _BATCH):
        grouper.add(texts.slice(start, _BATCH).to_pylist())
    return grouper.pairs()


def pairs_table(decisions: pa.Table) -> pa.Table:
    """Return the ``pairs`` table: two subjects, their Jaccard, and when both were known."""
    import pyarrow as pa
    import pyarrow.compute as pc

    pairs = found_pairs(decisions["texte"])
    left, right = pa.array(pairs.left), pa.array(pairs.right)
    known = decisions["known"].combine_chunks()
    return pa.table(
        {
            "left": decisions["subject"].take(left),
            "right": decisions["subject"].take(right),
            "jaccard": pairs.jaccard,
            "known": pc.max_element_wise(known.take(left), known.take(right)),
        }
    )


def groups_until(decisions: pa.Table, pairs: pa.Table, until: date) -> NDArray[np.int64]:
    """Return the series of each decision (its first position), by the pairs known before a date."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    seen = pairs.filter(pc.less(pairs["known"], pa.scalar(until, pa.date32())))
    subjects = decisions["subject"]
    left = pc.index_in(seen["left"], value_set=subjects.combine_chunks())
    right = pc.index_in(seen["right"], value_set=subjects.combine_chunks())
    inside = pc.and_(pc.is_valid(left), pc.is_valid(right))
    a = left.filter(inside).to_numpy().astype(np.int64)
    b = right.filter(inside).to_numpy().astype(np.int64)
    kept = seen["jaccard"].filter(inside).to_numpy()
    return components(decisions.num_rows, Pairs(np.minimum(a, b), np.maximum(a, b), kept))


def named(decisions: pa.Table, groups: NDArray[np.int64]) -> list[str | None]:
    """Return the name of each decision's series: the number of its first decision; None when alone."""
    import numpy as np

    numbers = decisions["numero"].to_pylist()
    sizes = np.bincount(groups, minlength=len(groups))
    return [numbers[first] if sizes[first] > 1 else None for first in groups.tolist()]

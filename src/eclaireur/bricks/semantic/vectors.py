"""Texts as sparse rows of weighted terms, in two views: stems with their pairs, and runs of letters.

TF-IDF with a sublinear count (Manning, Raghavan & Schütze 2008, 6.4); each view is half of the likeness of
two texts, so that neither the spelling nor the words decide alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic.ngrams import BITS, Terms, batches, term_buckets, terms

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["View", "batch_rows", "learnt_views", "stem_columns", "stem_weights", "text_rows"]

_MOST = 255


@dataclass(frozen=True, slots=True)
class View:
    """Terms that are counted: buckets, commonest first, weights, and the column of each bucket."""

    buckets: NDArray[np.int64]
    idf: NDArray[np.float32]
    place: NDArray[np.int32]

    @classmethod
    def of(cls, buckets: NDArray[np.int64], idf: NDArray[np.float32]) -> View:
        """Build the table from a bucket to its column."""
        import numpy as np

        place = np.full(1 << BITS, -1, np.int32)
        place[buckets] = np.arange(len(buckets))
        return cls(buckets, idf, place)


def learnt_views(texts: Sequence[str]) -> tuple[View, View]:
    """Choose the terms that are counted, and weigh them by their rarity."""
    import numpy as np

    # In a small corpus a term seen once is kept: there may be no other.
    rare = (2, 3) if len(texts) > 1000 else (1, 1)
    seen = [np.zeros(1 << BITS, np.int64), np.zeros(1 << BITS, np.int64)]
    for batch in batches(texts):
        for at, part in enumerate(terms(texts[batch])):
            seen[at] += np.bincount(part.bucket, minlength=1 << BITS)
    views = []
    for total, least in zip(seen, rare, strict=True):
        # Common terms first: the weights that are read most often stand together in memory.
        buckets = np.argsort(-total, kind="stable")[: int((total >= least).sum())]
        idf = np.log((1 + len(texts)) / (1 + total[buckets])) + 1
        views.append(View.of(buckets, idf.astype(np.float32)))
    return views[0], views[1]


def text_rows(texts: Sequence[str], views: tuple[View, View]) -> Any:
    """Return one sparse row a text, shape ``(texts, terms of both views)``."""
    from scipy.sparse import csr_array, hstack, vstack

    parts = [hstack(batch_rows(texts[batch], views), format="csr") for batch in batches(texts)]
    if not parts:
        return csr_array((0, sum(len(view.buckets) for view in views)), dtype="float32")
    return parts[0] if len(parts) == 1 else vstack(parts, format="csr")


def batch_rows(texts: Sequence[str], views: tuple[View, View]) -> tuple[Any, Any]:
    """Return the rows of one batch of texts (see `ngrams.batches`) in each view."""
    import numpy as np
    from scipy.sparse import csr_array

    found = []
    for view, part in zip(views, terms(texts), strict=True):
        row, column, value = _weighed(part, view, len(texts))
        bounds = np.searchsorted(row, np.arange(len(texts) + 1)).astype(np.int32)
        found.append(csr_array((value, column, bounds), shape=(len(texts), len(view.buckets))))
    return found[0], found[1]


def _weighed(
    part: Terms, view: View, count: int
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.float32]]:
    """Return the row, the column and the weight of each known term of a batch of texts."""
    import numpy as np

    column = view.place[part.bucket]
    known = column >= 0
    row, column, times = part.row[known], column[known], part.times[known]
    value = view.idf[column]
    value *= _damped()[np.minimum(times, _MOST)]
    norm = np.sqrt(np.bincount(row, value * value, count)).astype(np.float32)
    value *= (np.float32(0.5**0.5) / np.maximum(norm, np.float32(1e-12)))[row]
    return row, column, value


def stem_weights(
    texts: Sequence[str],
    shown: Sequence[Sequence[str]],
    view: View,
    inner: NDArray[np.float32],
    directions: NDArray[np.float32],
) -> list[list[tuple[str, float]]]:
    """Return what each known stem of each text weighs in one direction, for one batch of texts.

    Parameters
    ----------
    shown
        Stems of each text, as words.
    inner, directions
        Vector of each column, and one direction a text.
    """
    import numpy as np

    row, column, value = _weighed(terms(texts, runs=False)[0], view, len(texts))
    weight = value * np.einsum("ij,ij->i", inner[column], directions[row])
    size = np.int64(len(view.buckets))
    key = row * size + column
    order = np.argsort(key)
    said = [stem for one in shown for stem in one]
    at = np.array(stem_columns(said, view), np.int64)
    owner = np.repeat(np.arange(len(shown)), [len(one) for one in shown])
    known = np.flatnonzero(at >= 0)
    place = order[np.searchsorted(key, owner[known] * size + at[known], sorter=order)]
    found: list[list[tuple[str, float]]] = [[] for _ in shown]
    for whose, which, what in zip(owner[known].tolist(), known.tolist(), weight[place].tolist(), strict=True):
        found[whose].append((said[which], what))
    return found


@cache
def _damped() -> NDArray[np.float32]:
    """Return ``1 + log(times)``, so that a term said ten times does not weigh ten times more."""
    import numpy as np

    return (1 + np.log(np.maximum(np.arange(_MOST + 1), 1))).astype(np.float32)


def stem_columns(shown: Sequence[str], view: View) -> list[int]:
    """Return the column of each stem, -1 for one that is not counted."""
    import numpy as np

    buckets = term_buckets(shown)
    found: list[int] = np.where(buckets >= 0, view.place[np.maximum(buckets, 0)], -1).tolist()
    return found

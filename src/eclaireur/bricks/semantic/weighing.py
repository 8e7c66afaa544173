"""Chooses the weights of a hybrid ranking on labelled queries, and measures that choice on others.

Nested: for each fold, the weights are those that are best on the other folds; queries of one group (those
that expect the same document, say) are never on both sides. The figure is then of the choice, not of weights
that have seen their own queries.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

from eclaireur.bricks.semantic.hybrid import WAYS, Hybrid, ScoredIndex
from eclaireur.bricks.semantic.index import Search, number_of
from eclaireur.core.errors import EmptyTableError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Judged", "Weighed", "reciprocal_ranks", "weigh"]

_STEPS = (0.0, 0.25, 0.5, 1.0, 2.0)
_LEAST = 20


@dataclass(frozen=True, slots=True)
class Judged:
    """A query, the ids of the documents that answer it, and the group that stays on one side."""

    query: str
    expected: tuple[str, ...]
    group: str


@dataclass(frozen=True, slots=True)
class Weighed:
    """The chosen weights, and 1/rank of each query by weights chosen without it: ``(repeats, queries)``."""

    weights: Mapping[str, float]
    nested: NDArray[np.float64]


def weigh(
    hybrid: Hybrid, index: ScoredIndex, judged: Sequence[Judged], *, folds: int = 5, repeats: int = 5
) -> Weighed:
    """Choose weights; see the module.

    Parameters
    ----------
    folds, repeats
        Folds of a split, and how many splits.

    Raises
    ------
    EmptyTableError
        If there are fewer than twenty queries, or five groups.
    """
    import numpy as np

    groups = np.unique([one.group for one in judged], return_inverse=True)[1] if judged else np.zeros(0, int)
    if len(judged) < _LEAST or groups.max() + 1 < folds:
        raise EmptyTableError(
            f"{len(judged)} requêtes étiquetées ne suffisent pas à choisir des poids.",
            fix=f"Donnez-en {_LEAST} au moins, qui attendent au moins {folds} documents.",
        )
    used = [way for way in WAYS[1:] if way != "dense" or hybrid.dense is not None]
    grid = np.asarray([(1.0, *steps) for steps in product(_STEPS, repeat=len(used))])
    columns = [0, *(WAYS.index(way) for way in used)]
    ranks = np.zeros((len(judged), len(grid)))
    for row, one in enumerate(judged):
        numbers, features = hybrid.features(index, Search(query=one.query))
        right = np.isin(numbers, [number_of(name) for name in one.expected])
        ranks[row] = reciprocal_ranks(features[:, columns] @ grid.T, right)
    nested = np.zeros((repeats, len(judged)))
    for repeat in range(repeats):
        side = np.random.default_rng(repeat).permutation(groups.max() + 1) % folds
        for fold in range(folds):
            out = side[groups] == fold
            nested[repeat, out] = ranks[out, ranks[~out].mean(axis=0).argmax()]
    best = grid[ranks.mean(axis=0).argmax()]
    weights = dict.fromkeys(WAYS, 0.0) | dict(zip(("title", *used), best.tolist(), strict=True))
    return Weighed(weights, nested)


def reciprocal_ranks(scores: NDArray[np.float64], right: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return 1/rank of the first right candidate, for each column of scores; 0 when there is none.

    Candidates at the same score as the right one count before it: a tie is never luck.

    Examples
    --------
    >>> import numpy as np
    >>> reciprocal_ranks(np.array([[3.0, 1.0], [2.0, 2.0]]), np.array([False, True])).tolist()
    [0.5, 1.0]
    """
    import numpy as np

    if not right.any():
        return np.zeros(scores.shape[1])
    best = scores[right].max(axis=0)
    before = (scores[~right] >= best).sum(axis=0)
    return np.asarray(1.0 / (1 + before))

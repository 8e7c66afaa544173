"""How far two groupings of the same documents agree."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["adjusted_rand", "pair_figures"]


def adjusted_rand(left: Any, right: Any, weights: NDArray[np.float64] | None = None) -> float:
    """Return the Rand index of two groupings, corrected for chance (Hubert & Arabie 1985).

    Parameters
    ----------
    left, right
        Group of each document, shape ``(n,)``.
    weights
        How many times each document counts (bootstrap), shape ``(n,)``; a document drawn twice is
        no pair with itself.

    Examples
    --------
    >>> adjusted_rand([0, 0, 1, 1], [5, 5, 7, 7]), round(adjusted_rand([0, 0, 1, 1], [0, 1, 0, 1]), 2)
    (1.0, -0.5)
    """
    import numpy as np

    _, a = np.unique(np.asarray(left), return_inverse=True)
    _, b = np.unique(np.asarray(right), return_inverse=True)
    weight = np.ones(len(a)) if weights is None else np.asarray(weights, dtype=np.float64)
    _, both = np.unique(a.astype(np.int64) * (len(a) + 1) + b, return_inverse=True)

    def pairs(codes: NDArray[np.int64]) -> float:
        # Σ w_i·w_j over i < j of one group: copies of one document are left out.
        sums = np.bincount(codes, weight)
        squares = np.bincount(codes, weight * weight)
        return float((sums * sums - squares).sum() / 2)

    total = float((weight.sum() ** 2 - (weight * weight).sum()) / 2)
    together, alone_a, alone_b = pairs(both), pairs(a), pairs(b)
    expected = alone_a * alone_b / total if total else 0.0
    most = (alone_a + alone_b) / 2
    return 1.0 if most == expected else (together - expected) / (most - expected)


def pair_figures(
    found: set[tuple[int, int]], exact: set[tuple[int, int]]
) -> tuple[float | None, float | None]:
    """Return recall and precision of pairs; None where there is nothing to divide by.

    Examples
    --------
    >>> pair_figures({(0, 1), (0, 2)}, {(0, 1), (1, 2)})
    (0.5, 0.5)
    """
    right = len(found & exact)
    return (right / len(exact) if exact else None, right / len(found) if found else None)

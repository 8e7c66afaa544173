"""Figures of an order: area under the curve, within groups, lift and precision at the top.

Every figure takes optional row weights. Ties are counted exactly: what a random order of equal
scores gives on average. `Order` holds the arithmetic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eclaireur.core.errors import BadValueError
from eclaireur.core.evaluation.order import Order

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["auc", "auc_within", "labelled_in_k", "lift_top", "precision_at", "precision_bounds"]


def auc(labels: Any, scores: Any, weights: Any = None) -> float:
    """Return the probability that a positive is scored above a negative, ties counting one half.

    The Mann–Whitney form of the area under the ROC curve (Hanley & McNeil 1982), with row weights.
    NaN when one of the classes is absent.

    >>> auc([0, 1, 0, 1], [0.1, 0.4, 0.4, 0.8])
    0.875
    """
    return Order(labels, scores).auc(weights)


def auc_within(labels: Any, scores: Any, groups: NDArray[np.int64], weights: Any = None) -> float:
    """Return the area under the curve over pairs of one group only, pooled over groups.

    A positive is compared with the negatives of its own group, so what differs between groups (an
    observer's severity) cannot help. Groups count by their pairs; rows of group −1 are left out.

    Parameters
    ----------
    groups
        One integer code per row, −1 where it is not known.

    Examples
    --------
    >>> auc_within([1, 0, 1, 0], [0.9, 0.8, 0.2, 0.1], [0, 0, 1, 1])
    1.0
    """
    return Order(labels, scores, groups=groups).auc_within(weights)


def precision_at(labels: Any, scores: Any, k: int, weights: Any = None) -> float:
    """Return the expected share of positives among the first ``k`` of the order.

    Rows tied at the cut count for their chance of being above it. With fewer than ``k`` rows, all
    of them are the top.

    >>> precision_at([1, 0, 1, 0], [0.9, 0.5, 0.5, 0.1], 2)
    0.75
    """
    if k < 1:
        raise BadValueError(f"k doit être au moins 1, pas {k}.")
    return Order(labels, scores).precision_at(k, weights)


def lift_top(labels: Any, scores: Any, share: float = 0.05, weights: Any = None) -> float:
    """Return how many times more positives the top ``share`` holds than the same number at random."""
    return Order(labels, scores).lift_top(share, weights)


def labelled_in_k(labels: Any, scores: Any, k: int) -> float:
    """Return the expected number of the first ``k`` rows whose outcome is known (not NaN).

    >>> labelled_in_k([1, float("nan"), 0], [0.9, 0.8, 0.1], 2)
    1.0
    """
    import numpy as np

    known = (~np.isnan(np.asarray(labels, dtype=np.float64))).astype(np.float64)
    return Order(known, scores).found_at(min(k, known.size))


def precision_bounds(labels: Any, scores: Any, k: int) -> tuple[float, float]:
    """Return the least and greatest precision at ``k`` when some outcomes are not known (NaN).

    The least takes every unknown for a negative, the greatest for a positive: no assumption on why
    they are unknown (Manski 2003).
    """
    import numpy as np

    truth = np.asarray(labels, dtype=np.float64)
    low = precision_at(np.nan_to_num(truth, nan=0.0), scores, k)
    high = precision_at(np.nan_to_num(truth, nan=1.0), scores, k)
    return low, high

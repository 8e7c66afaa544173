"""Several periods measured as one: each is ranked on its own, as a service ranks its month.

Scores of different origins come from different models, and the base rate drifts: comparing a row
of one period with a row of another would measure the drift, not the ranking. So figures of order
are taken within each period and averaged, weighted by the positives of each (precision: by the
places of each, so that it stays the share found among all places); figures of stated
risk (`brier`, `calibration_error`) are taken over all rows.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from eclaireur.core.evaluation.order import Order

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Panel"]


class Panel:
    """The orders of several periods, measured like one `Order`.

    Parameters
    ----------
    labels, scores, groups, days
        As for `Order`, shape ``(n,)``.
    periods
        Code of the period of each row; None for a single period.
    """

    def __init__(
        self, labels: Any, scores: Any, *, groups: Any = None, days: Any = None, periods: Any = None
    ) -> None:
        import numpy as np

        self._whole = Order(labels, scores, groups=groups, days=days)
        self.size = self._whole.size
        codes = np.zeros(self.size, dtype=np.int64) if periods is None else np.asarray(periods)
        self._rows = [np.flatnonzero(codes == code) for code in np.unique(codes)]
        self._orders = [
            Order(
                self._whole.truth[rows],
                self._whole.score[rows],
                groups=None if groups is None else np.asarray(groups)[rows],
                days=None if days is None else np.asarray(days)[rows],
            )
            for rows in self._rows
        ]

    def _mean(self, figure: Callable[[Order, NDArray[np.float64]], float], weights: Any) -> float:
        import numpy as np

        weight = np.ones(self.size) if weights is None else np.asarray(weights, dtype=np.float64)
        total = found = 0.0
        for order, rows in zip(self._orders, self._rows, strict=True):
            positives = float((weight[rows] * order.truth).sum())
            value = figure(order, weight[rows]) if positives else math.nan
            if not math.isnan(value):
                total += positives
                found += positives * value
        return found / total if total else math.nan

    def auc(self, weights: Any = None) -> float:
        """Return the area under the curve within periods."""
        return self._mean(lambda order, weight: order.auc(weight), weights)

    def auc_within(self, weights: Any = None) -> float:
        """Return the area under the curve within groups and periods."""
        return self._mean(lambda order, weight: order.auc_within(weight), weights)

    def lift_top(self, share: float, weights: Any = None) -> float:
        """Return the lift of the top ``share`` of each period."""
        return self._mean(lambda order, weight: order.lift_top(share, weight), weights)

    def precision_at(self, k: int, weights: Any = None) -> float:
        """Return the share of positives in the first ``k`` of each period, all periods together."""
        import numpy as np

        weight = np.ones(self.size) if weights is None else np.asarray(weights, dtype=np.float64)
        total = found = 0.0
        for order, rows in zip(self._orders, self._rows, strict=True):
            # A period without positives counts too: its places were spent.
            top = min(float(k), float(weight[rows].sum()))
            total += top
            found += order.found_at(top, weight[rows])
        return found / total if total else math.nan

    def recall_at(self, k: int, weights: Any = None) -> float:
        """Return the share of positives that are in the first ``k`` of their period."""
        return self._mean(lambda order, weight: order.recall_at(k, weight), weights)

    def average_precision(self, weights: Any = None) -> float:
        """Return the average precision within periods."""
        return self._mean(lambda order, weight: order.average_precision(weight), weights)

    def first_half_share(self, weights: Any = None) -> float:
        """Return the share of positives in the first half of each period."""
        return self._mean(lambda order, weight: order.first_half_share(weight), weights)

    def days_earlier(self, weights: Any = None) -> float:
        """Return how many days earlier positives are reached, each period keeping its calendar."""
        return self._mean(lambda order, weight: order.days_earlier(weight), weights)

    def brier(self, weights: Any = None) -> float:
        """Return the Brier score over all rows."""
        return self._whole.brier(weights)

    def calibration_error(self, weights: Any = None) -> float:
        """Return the calibration error over all rows."""
        return self._whole.calibration_error(weights)

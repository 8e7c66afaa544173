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
from functools import cached_property
from typing import TYPE_CHECKING, Any

from eclaireur.core.evaluation.cells import Cells, summed
from eclaireur.core.evaluation.order import Order

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Panel"]


def _ratio(over: NDArray[np.float64], under: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide; NaN where there is nothing to divide by."""
    import numpy as np

    found: NDArray[np.float64] = np.divide(over, under, out=np.full(under.size, np.nan), where=under > 0)
    return found


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
        names, self._period = np.unique(codes, return_inverse=True)
        self._groups = None if groups is None else np.asarray(groups, dtype=np.int64)
        self._rows = [np.flatnonzero(self._period == place) for place in range(names.size)]
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

    @cached_property
    def _cells(self) -> Cells:
        """Rows by period and score."""
        return Cells(self._whole.truth, self._whole.codes, self._period)

    @cached_property
    def _inside(self) -> tuple[Cells, NDArray[np.int64], NDArray[np.int64]]:
        """Rows with a group by period, group and score; those rows; the period of each owner."""
        import numpy as np

        groups = np.full(self.size, -1) if self._groups is None else self._groups
        rows = np.flatnonzero(groups >= 0)
        width = np.int64(groups.max() + 1 if rows.size else 1)
        both, owner = np.unique(self._period[rows] * width + groups[rows], return_inverse=True)
        return Cells(self._whole.truth[rows], self._whole.codes[rows], owner), rows, both // width

    def _weight(self, weights: Any) -> NDArray[np.float64]:
        import numpy as np

        return np.ones(self.size) if weights is None else np.asarray(weights, dtype=np.float64)

    def _averaged(self, values: NDArray[np.float64], positives: NDArray[np.float64]) -> float:
        """Average a figure of periods, weighted by the positives of each; a period without it is left."""
        import numpy as np

        there = (positives > 0) & ~np.isnan(values)
        total = float(positives[there].sum())
        return float((positives[there] * values[there]).sum()) / total if total else math.nan

    def _positives(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        return self._cells.by_owner(self._cells.sums(weight)[0])

    def auc(self, weights: Any = None) -> float:
        """Return the area under the curve within periods."""
        weight = self._weight(weights)
        won, pairs = self._cells.pairs(weight)
        return self._averaged(_ratio(won, pairs), self._positives(weight))

    def auc_within(self, weights: Any = None) -> float:
        """Return the area under the curve within groups and periods."""
        weight = self._weight(weights)
        cells, rows, period = self._inside
        count = self._cells.count
        won, pairs = (summed(period, one, count) for one in cells.pairs(weight[rows]))
        return self._averaged(_ratio(won, pairs), self._positives(weight))

    def lift_top(self, share: float, weights: Any = None) -> float:
        """Return the lift of the top ``share`` of each period."""
        weight = self._weight(weights)
        positives, total = (self._cells.by_owner(values) for values in self._cells.sums(weight))
        found = self._cells.found_at(share * total, weight)
        return self._averaged(_ratio(found, share * positives), positives)

    def precision_at(self, k: int, weights: Any = None) -> float:
        """Return the share of positives in the first ``k`` of each period, all periods together."""
        import numpy as np

        weight = self._weight(weights)
        # A period without positives counts too: its places were spent.
        places = np.minimum(float(k), self._cells.by_owner(self._cells.sums(weight)[1]))
        total = float(places.sum())
        return float(self._cells.found_at(places, weight).sum()) / total if total else math.nan

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

"""Several periods measured as one: each is ranked on its own, as a service ranks its month.

Scores of different origins come from different models, and the base rate drifts: comparing a row
of one period with a row of another would measure the drift, not the ranking. So figures of order
are taken within each period and averaged, weighted by the positives of each (precision: by the
places of each, so that it stays the share found among all places); figures of stated
risk (`brier`, `calibration_error`) are taken over all rows.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from eclaireur.core.evaluation.cells import Cells, summed
from eclaireur.core.evaluation.order import Order

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Panel"]


_AT_ONCE = 250_000
"""Weights measured at once: more would not stay in the cache of a processor."""


def _ratio(over: NDArray[np.float64], under: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide; NaN where there is nothing to divide by."""
    import numpy as np

    found: NDArray[np.float64] = np.divide(over, under, out=np.full(under.shape, np.nan), where=under > 0)
    return found


def _plain(over: Any, under: Any) -> Any:
    """Divide the figures of draws, or those of one order: a plain number then."""
    import numpy as np

    found = _ratio(np.asarray(over, np.float64), np.asarray(under, np.float64))
    return found if found.ndim else float(found)


class Panel:
    """The orders of several periods, measured like one `Order`.

    Every figure takes weights of the shape ``(n,)`` and is then a number, or ``(draws, n)``: it is then
    one number a draw, which takes far less time than one draw after the other.

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

        self._whole = Order(labels, scores)
        self.size = self._whole.size
        codes = np.zeros(self.size, dtype=np.int64) if periods is None else np.asarray(periods)
        _, self._period = np.unique(codes, return_inverse=True)
        self._groups = None if groups is None else np.asarray(groups, dtype=np.int64)
        self._days = np.zeros(self.size) if days is None else np.asarray(days, dtype=np.float64)
        self._known: tuple[Any, dict[Hashable, NDArray[np.float64]]] = (None, {})

    def redrawn(
        self, key: Hashable, figure: Callable[[Panel, Any], Any], weights: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """Return a figure under each line of bootstrap weights.

        It is computed once for a ``key`` and weights that cannot change (`intervals.bootstrap_weights`): a
        model set against six rules is not measured six times.
        """
        import numpy as np

        if self._known[0] is not weights:
            self._known = (weights, {})
        known = {} if weights.flags.writeable else self._known[1]
        if key not in known:
            step = max(1, _AT_ONCE // max(1, self.size))
            parts = [figure(self, weights[at : at + step]) for at in range(0, len(weights), step)]
            known[key] = np.concatenate(parts) if parts else np.zeros(0)
        return known[key]

    @cached_property
    def _cells(self) -> Cells:
        """Rows by period and score."""
        return Cells(self._whole.truth, self._whole.codes, self._period)

    @cached_property
    def _whole_periods(self) -> Cells:
        """Rows by period only."""
        import numpy as np

        return Cells(self._whole.truth, np.zeros(self.size, dtype=np.int64), self._period)

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

    def _averaged(self, values: NDArray[np.float64], positives: NDArray[np.float64]) -> Any:
        """Average a figure of periods, weighted by the positives of each; a period without it is left."""
        import numpy as np

        there = (positives > 0) & ~np.isnan(values)
        total = np.where(there, positives, 0.0).sum(axis=-1)
        return _plain(np.where(there, positives * values, 0.0).sum(axis=-1), total)

    def _sums(self, weight: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the weight of positives, and of all rows, in each period."""
        return self._whole_periods.sums(weight)

    def auc(self, weights: Any = None) -> Any:
        """Return the area under the curve within periods."""
        weight = self._weight(weights)
        won, pairs = self._cells.pairs(weight)
        return self._averaged(_ratio(won, pairs), self._sums(weight)[0])

    def auc_within(self, weights: Any = None) -> Any:
        """Return the area under the curve within groups and periods."""
        weight = self._weight(weights)
        cells, rows, period = self._inside
        count = self._cells.count
        won, pairs = (summed(period, one, count) for one in cells.pairs(weight[..., rows]))
        return self._averaged(_ratio(won, pairs), self._sums(weight)[0])

    def lift_top(self, share: float, weights: Any = None) -> Any:
        """Return the lift of the top ``share`` of each period."""
        weight = self._weight(weights)
        positives, total = self._sums(weight)
        found = self._cells.found_at(share * total, weight)
        return self._averaged(_ratio(found, share * positives), positives)

    def precision_at(self, k: int, weights: Any = None) -> Any:
        """Return the share of positives in the first ``k`` of each period, all periods together."""
        import numpy as np

        weight = self._weight(weights)
        # A period without positives counts too: its places were spent.
        places = np.minimum(float(k), self._sums(weight)[1])
        return _plain(self._cells.found_at(places, weight).sum(axis=-1), places.sum(axis=-1))

    def recall_at(self, k: int, weights: Any = None) -> Any:
        """Return the share of positives that are in the first ``k`` of their period."""
        import numpy as np

        weight = self._weight(weights)
        positives, total = self._sums(weight)
        found = self._cells.found_at(np.full(total.shape, float(k)), weight)
        return self._averaged(_ratio(found, positives), positives)

    def average_precision(self, weights: Any = None) -> Any:
        """Return the average precision within periods."""
        weight = self._weight(weights)
        positives = self._sums(weight)[0]
        return self._averaged(_ratio(self._cells.precisions(weight), positives), positives)

    def first_half_share(self, weights: Any = None) -> Any:
        """Return the share of positives in the first half of each period."""
        weight = self._weight(weights)
        positives, total = self._sums(weight)
        return self._averaged(_ratio(self._cells.found_at(total / 2, weight), positives), positives)

    def days_earlier(self, weights: Any = None) -> Any:
        """Return how many days earlier positives are reached, each period keeping its calendar."""
        weight = self._weight(weights)
        positives = self._sums(weight)[0]
        return self._averaged(_ratio(self._cells.moved(self._days, weight), positives), positives)

    def brier(self, weights: Any = None) -> Any:
        """Return the Brier score over all rows."""
        weight = self._weight(weights)
        gaps = (self._whole.score - self._whole.truth) ** 2
        return _plain(weight @ gaps, weight.sum(axis=-1))

    def calibration_error(self, weights: Any = None) -> Any:
        """Return the calibration error over all rows."""
        import numpy as np

        weight = self._weight(weights)
        gaps = np.zeros((self.size, int(self._whole.bins.max(initial=0)) + 1))
        gaps[np.arange(self.size), self._whole.bins] = self._whole.score - self._whole.truth
        return _plain(np.abs(weight @ gaps).sum(axis=-1), weight.sum(axis=-1))

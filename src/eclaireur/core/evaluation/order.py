"""An order computed once and measured many times: scores become codes, then only sums remain.

A bootstrap re-weighs the same rows hundreds of times; sorting again each time would be the whole
cost. Every method takes optional row weights; ties are counted exactly, as what a random order of
equal scores gives on average.
"""

from __future__ import annotations

import math
from functools import cached_property
from typing import TYPE_CHECKING, Any

from eclaireur.core.evaluation.arrays import checked

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Order"]

_BINS = 10


class Order:
    """Labels ordered by score.

    Parameters
    ----------
    labels
        0 or 1, shape ``(n,)``.
    scores
        Higher first, shape ``(n,)``.
    groups
        One integer code per row for `auc_within`, −1 where it is not known.
    days
        Day of each row, as a number, for the schedule figures.

    Raises
    ------
    BadValueError
        If a label is not 0 or 1, or a score is not a number.
    """

    def __init__(self, labels: Any, scores: Any, *, groups: Any = None, days: Any = None) -> None:
        import numpy as np

        self.truth, self.score = checked(labels, scores)
        self.size = int(self.truth.size)
        self._groups = None if groups is None else np.asarray(groups, dtype=np.int64)
        self._days = None if days is None else np.asarray(days, dtype=np.float64)
        _, self.codes = np.unique(-self.score, return_inverse=True)  # 0 is the best score
        self._levels = int(self.codes.max()) + 1 if self.size else 0

    def _weight(self, weights: Any) -> NDArray[np.float64]:
        import numpy as np

        return np.ones(self.size) if weights is None else np.asarray(weights, dtype=np.float64)

    def auc(self, weights: Any = None) -> float:
        """Return the probability that a positive is above a negative; NaN without both."""
        import numpy as np

        weight = self._weight(weights)
        positive = np.bincount(self.codes, self.truth * weight, minlength=self._levels)
        negative = np.bincount(self.codes, (1 - self.truth) * weight, minlength=self._levels)
        pairs = float(positive.sum() * negative.sum())
        beaten = negative.sum() - np.cumsum(negative)
        return float(np.sum(positive * (beaten + negative / 2))) / pairs if pairs else math.nan

    @cached_property
    def _inside(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Rows with a group, their (group, score) cell, the group of each cell, cells by group."""
        import numpy as np

        groups = np.full(self.size, -1) if self._groups is None else self._groups
        rows = np.flatnonzero(groups >= 0)
        cells, inverse = np.unique(
            groups[rows] * np.int64(self._levels + 1) + self.codes[rows], return_inverse=True
        )
        owner = cells // np.int64(self._levels + 1)
        _, owner = np.unique(owner, return_inverse=True)
        return rows, inverse, owner, cells

    def auc_within(self, weights: Any = None) -> float:
        """Return the area under the curve over pairs of one group only, pooled over groups."""
        import numpy as np

        rows, inverse, owner, cells = self._inside
        if not rows.size:
            return math.nan
        weight = self._weight(weights)[rows]
        truth = self.truth[rows]
        positive = np.bincount(inverse, truth * weight, minlength=cells.size)
        negative = np.bincount(inverse, (1 - truth) * weight, minlength=cells.size)
        negatives = np.bincount(owner, negative)
        through = np.cumsum(negative)
        # Cells are sorted by group: the sum before a group's first cell is taken off.
        before = np.concatenate([[0.0], np.cumsum(negatives)])[:-1][owner]
        beaten = negatives[owner] - (through - before)
        pairs = float(np.sum(np.bincount(owner, positive) * negatives))
        return float(np.sum(positive * (beaten + negative / 2))) / pairs if pairs else math.nan

    def found_at(self, k: float, weights: Any = None) -> float:
        """Return the expected weight of positives in the first ``k`` (in weight) of the order."""
        import numpy as np

        weight = self._weight(weights)
        total = np.bincount(self.codes, weight, minlength=self._levels)
        found = np.bincount(self.codes, weight * self.truth, minlength=self._levels)
        start = np.cumsum(total) - total
        return float(np.sum(found * np.clip((k - start) / np.where(total > 0, total, 1.0), 0.0, 1.0)))

    def precision_at(self, k: int, weights: Any = None) -> float:
        """Return the expected share of positives in the first ``k``."""
        weight = self._weight(weights)
        top = min(float(k), float(weight.sum()))
        return self.found_at(top, weight) / top if top else math.nan

    def recall_at(self, k: int, weights: Any = None) -> float:
        """Return the expected share of all positives that are in the first ``k``."""
        weight = self._weight(weights)
        positives = float((weight * self.truth).sum())
        return self.found_at(float(k), weight) / positives if positives else math.nan

    def average_precision(self, weights: Any = None) -> float:
        """Return the mean precision at each positive, equal scores taken together; NaN without any.

        Σ (R_n − R_{n−1}) P_n over the levels of the score (scikit-learn's definition).
        """
        import numpy as np

        weight = self._weight(weights)
        found = np.bincount(self.codes, weight * self.truth, minlength=self._levels)
        seen = np.cumsum(np.bincount(self.codes, weight, minlength=self._levels))
        positives = float(found.sum())
        if not positives:
            return math.nan
        return float(np.sum(found * np.cumsum(found) / np.where(seen > 0, seen, 1.0)) / positives)

    def lift_top(self, share: float, weights: Any = None) -> float:
        """Return the share of positives in the top ``share``, over their share in all."""
        weight = self._weight(weights)
        total = float(weight.sum())
        positives = float((weight * self.truth).sum())
        if not positives or not total:
            return math.nan
        return self.found_at(share * total, weight) / (share * positives)

    def first_half_share(self, weights: Any = None) -> float:
        """Return the share of positives in the first half of the order."""
        weight = self._weight(weights)
        positives = float((weight * self.truth).sum())
        return self.found_at(float(weight.sum()) / 2, weight) / positives if positives else math.nan

    @cached_property
    def _calendar(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        import numpy as np

        days = np.zeros(self.size) if self._days is None else self._days
        return days, np.argsort(days, kind="stable")

    def days_earlier(self, weights: Any = None) -> float:
        """Return the mean over positives of the day it was done minus the day under this order."""
        import numpy as np

        weight = self._weight(weights)
        positives = float((weight * self.truth).sum())
        if not positives:
            return math.nan
        days, calendar = self._calendar
        edges = np.concatenate([[0.0], np.cumsum(weight[calendar])])
        area = np.concatenate([[0.0], np.cumsum(weight[calendar] * days[calendar])])
        mass = np.bincount(self.codes, weight, minlength=self._levels)
        end = np.cumsum(mass)
        start = end - mass
        # Rows that tie share the calendar's slots [start, end): each gets their mean day.
        between = np.interp(end, edges, area) - np.interp(start, edges, area)
        moved = (between / np.where(mass > 0, mass, 1.0))[self.codes]
        return float(np.sum(self.truth * weight * (days - moved)) / positives)

    def brier(self, weights: Any = None) -> float:
        """Return the mean squared gap between score and outcome."""
        import numpy as np

        weight = self._weight(weights)
        total = float(weight.sum())
        return float(np.sum(weight * (self.score - self.truth) ** 2) / total) if total else math.nan

    @cached_property
    def bins(self) -> NDArray[np.int64]:
        """Bin of each row: ten bins of equal count, equal scores together, lowest first."""
        import numpy as np

        if not self.size:
            return np.zeros(0, dtype=np.int64)
        edges = np.unique(np.quantile(self.score, np.linspace(0, 1, _BINS + 1)[1:-1]))
        return np.searchsorted(edges, self.score, side="right")

    def calibration_error(self, weights: Any = None) -> float:
        """Return the mean gap between stated and observed risk over bins of equal count."""
        import numpy as np

        weight = self._weight(weights)
        total = float(weight.sum())
        gaps = np.abs(np.bincount(self.bins, weight * (self.score - self.truth)))
        return float(gaps.sum() / total) if total else math.nan

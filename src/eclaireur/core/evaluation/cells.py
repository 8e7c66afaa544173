"""Rows of several periods gathered by equal score: a figure of each period then takes a few sums at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Cells", "summed"]


def summed(at: NDArray[np.int64], values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Return the sum of values by place, for each line; places are in order along the last axis.

    >>> import numpy as np
    >>> summed(np.array([0, 0, 2]), np.array([[1.0, 2.0, 3.0], [1.0, 1.0, 1.0]]), 3).tolist()
    [[3.0, 0.0, 3.0], [2.0, 0.0, 1.0]]
    """
    import numpy as np

    if not at.size:
        return np.zeros((*values.shape[:-1], size))
    first = np.flatnonzero(np.concatenate([[True], at[1:] != at[:-1]]))
    sums = values if first.size == at.size else np.add.reduceat(values, first, axis=-1)
    if first.size == size:
        return np.asarray(sums, np.float64)
    found = np.zeros((*values.shape[:-1], size))
    found[..., at[first]] = sums
    return found


class Cells:
    """Rows of one owner (a period, or a group of one) with the same score: a cell. Best scores first.

    Weights have the shape ``(n,)``, or ``(draws, n)`` to measure many draws at once; what is
    returned then has one line a draw.

    Parameters
    ----------
    truth
        0 or 1 of each row, shape ``(n,)``.
    codes
        Rank of each row's score, 0 for the best, shape ``(n,)``.
    owners
        Code of each row's owner, from 0, shape ``(n,)``.
    """

    def __init__(
        self, truth: NDArray[np.float64], codes: NDArray[np.int64], owners: NDArray[np.int64]
    ) -> None:
        import numpy as np

        levels = np.int64(int(codes.max()) + 1 if codes.size else 1)
        both = owners.astype(np.int64) * levels + codes
        self.order = np.argsort(both, kind="stable")
        """Rows from the best of the first owner to the worst of the last."""
        cells, self._cell = np.unique(both[self.order], return_inverse=True)
        self.owner = cells // levels
        self.count = int(owners.max()) + 1 if owners.size else 0
        self._truth = truth[self.order]

    def sums(self, weight: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the weight of positives, and of all rows, in each cell."""
        size, ordered = self.owner.size, weight[..., self.order]
        return summed(self._cell, self._truth * ordered, size), summed(self._cell, ordered, size)

    def by_owner(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum of a value of cells for each owner."""
        return summed(self.owner, values, self.count)

    def before(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return, for each cell, the sum of the better cells of its owner."""
        import numpy as np

        totals = self.by_owner(values)
        earlier = (np.cumsum(totals, axis=-1) - totals)[..., self.owner]
        sums: NDArray[np.float64] = np.cumsum(values, axis=-1) - values - earlier
        return sums

    def pairs(self, weight: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return, for each owner, the pairs of a positive above a negative (ties for half), and all pairs."""
        positive, total = self.sums(weight)
        negative = total - positive
        negatives = self.by_owner(negative)
        beaten = negatives[..., self.owner] - self.before(negative) - negative
        return self.by_owner(positive * (beaten + negative / 2)), self.by_owner(positive) * negatives

    def found_at(self, places: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return, for each owner, the expected weight of positives in its first ``places`` (in weight)."""
        import numpy as np

        positive, total = self.sums(weight)
        inside = (places[..., self.owner] - self.before(total)) / np.where(total > 0, total, 1.0)
        return self.by_owner(positive * np.clip(inside, 0.0, 1.0))

    def precisions(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return, for each owner, the sum over positives of the precision at each, ties together."""
        import numpy as np

        found, total = self.sums(weight)
        seen = self.before(total) + total
        return self.by_owner(found * (self.before(found) + found) / np.where(seen > 0, seen, 1.0))

    def moved(self, days: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return, for each owner, the sum over positives of their day minus the day under the order.

        Parameters
        ----------
        days
            Day of each row, as a number, shape ``(n,)``: each owner keeps its own calendar.
        """
        import numpy as np

        of_row = self.owner[self._cell]
        ordered = days[self.order] - (days.mean() if days.size else 0.0)
        calendar = np.lexsort((ordered, of_row))
        lines = np.atleast_2d(weight)[:, self.order]
        positive, mass = (np.atleast_2d(values) for values in self.sums(weight))
        # One calendar after the other, draw by draw: both orders spend the same weight on each owner,
        # so that the places of all of them are read on one line.
        slots = lines[:, calendar]
        edges = np.concatenate([[0.0], np.cumsum(slots)])
        area = np.concatenate([[0.0], np.cumsum(slots * ordered[calendar])])
        end = np.cumsum(mass).reshape(mass.shape)
        between = np.interp(end, edges, area) - np.interp(end - mass, edges, area)
        done = summed(of_row, lines * self._truth * ordered, self.count)
        found = done - self.by_owner(positive * between / np.where(mass > 0, mass, 1.0))
        return found if weight.ndim > 1 else found[0]

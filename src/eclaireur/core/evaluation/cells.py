"""Rows of several periods gathered by equal score: a figure of each period then takes a few sums at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Cells", "summed"]


def summed(at: NDArray[np.int64], values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Return the sum of values by place."""
    import numpy as np

    return np.asarray(np.bincount(at, values, minlength=size), np.float64)


class Cells:
    """Rows of one owner (a period, or a group of one) with the same score: a cell. Best scores first.

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
        cells, self._cell = np.unique(owners.astype(np.int64) * levels + codes, return_inverse=True)
        self.owner = cells // levels
        self.count = int(owners.max()) + 1 if owners.size else 0
        self._truth = truth

    def sums(self, weight: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the weight of positives, and of all rows, in each cell."""
        size = self.owner.size
        return summed(self._cell, self._truth * weight, size), summed(self._cell, weight, size)

    def by_owner(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the sum of a value of cells for each owner."""
        return summed(self.owner, values, self.count)

    def before(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return, for each cell, the sum of the better cells of its owner."""
        import numpy as np

        totals = self.by_owner(values)
        earlier = np.concatenate([[0.0], np.cumsum(totals)])[:-1][self.owner]
        sums: NDArray[np.float64] = np.cumsum(values) - values - earlier
        return sums

    def pairs(self, weight: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return, for each owner, the pairs of a positive above a negative (ties for half), and all pairs."""
        positive, total = self.sums(weight)
        negative = total - positive
        negatives = self.by_owner(negative)
        beaten = negatives[self.owner] - self.before(negative) - negative
        return self.by_owner(positive * (beaten + negative / 2)), self.by_owner(positive) * negatives

    def found_at(self, places: NDArray[np.float64], weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return, for each owner, the expected weight of positives in its first ``places`` (in weight)."""
        import numpy as np

        positive, total = self.sums(weight)
        inside = (places[self.owner] - self.before(total)) / np.where(total > 0, total, 1.0)
        return self.by_owner(positive * np.clip(inside, 0.0, 1.0))

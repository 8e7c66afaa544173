"""From a raw score to how rare it is among reference rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Scale"]

_TAIL = 0.1
"""Share of the reference whose mean excess gives the slope of what lies beyond its largest value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """How rare a score is: minus the logarithm in base 10 of the share of the reference at or above it.

    A score above every score of the reference would tie with the others: beyond the largest, the rarity goes
    on growing as that of an exponential law whose mean is the mean excess over the upper tenth (peaks over a
    threshold, Pickands 1975, with a shape of zero). It orders what was never seen; it is no probability.

    Parameters
    ----------
    ordered
        Scores of the reference, in increasing order.
    slope
        Mean excess of the upper tenth, above zero.
    """

    ordered: NDArray[np.float64]
    slope: float

    @classmethod
    def of(cls, scores: NDArray[np.float64]) -> Scale:
        """Return the scale of reference scores; missing ones are left out."""
        import numpy as np

        ordered = np.sort(scores[~np.isnan(scores)])
        if not ordered.size:
            return cls(ordered=ordered, slope=1.0)
        upper = ordered[int(ordered.size * (1 - _TAIL)) :]
        slope = float(np.mean(upper - upper[0]))
        return cls(ordered=ordered, slope=slope if slope > 0 else 1.0)

    def rarity(self, scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the rarity of scores: 0 is usual, 2 is one reference row in a hundred; missing is 0.

        >>> import numpy as np
        >>> Scale.of(np.arange(99.0)).rarity(np.array([0.0, 90.0, 98.0, np.nan])).round(2).tolist()
        [0.0, 1.0, 1.7, 0.0]
        """
        import numpy as np

        size = self.ordered.size
        if not size:
            return np.zeros(scores.shape)
        at_least = size - np.searchsorted(self.ordered, scores, side="left")
        rarity = -np.log10((at_least + 1) / (size + 1))
        beyond = np.maximum(scores - self.ordered[-1], 0) / self.slope * np.log10(np.e)
        return np.where(np.isnan(scores), 0.0, np.maximum(rarity, 0) + np.nan_to_num(beyond))

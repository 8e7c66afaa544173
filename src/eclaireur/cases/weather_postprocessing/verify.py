"""How good forecasts are: CRPS and its parts, rank of what was observed, reliability, Brier score, sharpness.

Everything works on arrays: an ensemble is a matrix of members, NaN where there is none.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eclaireur.cases.weather_postprocessing.laws import Law

__all__ = [
    "Parts",
    "block_length",
    "block_weights",
    "brier_parts",
    "coverage",
    "crps_ensemble",
    "crps_parts",
    "crps_quantiles",
    "pit",
    "ranks",
]

_DRAWS = 500
_DAYS = 10
_LEVELS = 99


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """A score in three: ``score = reliability - resolution + uncertainty``."""

    score: float
    reliability: float
    resolution: float
    uncertainty: float


def crps_ensemble(members: NDArray[np.float64], observed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the CRPS of the empirical law of the members of each row.

    >>> import numpy as np
    >>> float(crps_ensemble(np.array([[0.0, 2.0]]), np.array([1.0]))[0])
    0.5
    """
    import numpy as np

    ordered = np.sort(members, axis=1)
    count = (~np.isnan(members)).sum(axis=1, keepdims=True)
    rank = np.arange(1, members.shape[1] + 1)
    # Half the mean absolute difference of two members, by their order.
    inner = np.nansum(ordered * (2 * rank - count - 1), axis=1) / count[:, 0] ** 2
    return np.asarray(np.nansum(np.abs(members - observed[:, None]), axis=1) / count[:, 0] - inner)


def crps_quantiles(quantiles: NDArray[np.float64], observed: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the CRPS of quantiles at the middle of as many equal shares."""
    import numpy as np

    size = quantiles.shape[1]
    levels = (np.arange(size) + 0.5) / size
    gap = observed[:, None] - quantiles
    return np.asarray(2 * np.mean(np.where(gap >= 0, levels * gap, (levels - 1) * gap), axis=1))


def crps_parts(law: Law, observed: NDArray[np.float64]) -> Parts:
    """Split the mean CRPS of laws into reliability, resolution and uncertainty.

    The CRPS is the integral over thresholds of the Brier score: each threshold is split by bins of stated
    chance, and the parts are summed. The score is that of the bins, a little under that of the laws.
    """
    import numpy as np

    low, high = float(observed.min()), float(observed.max())
    edge = 0.25 * (high - low) + 1e-9
    start = 0.0 if law.family != "normal" else low - edge
    grid = np.linspace(start, high + edge, 121)
    width = grid[1] - grid[0]
    parts = [brier_parts(law.cdf(value), (observed <= value).astype(float)) for value in grid]
    return Parts(
        **{
            name: float(sum(getattr(part, name) for part in parts) * width)
            for name in ("score", "reliability", "resolution", "uncertainty")
        }
    )


def brier_parts(chance: NDArray[np.float64], happened: NDArray[np.float64], *, bins: int = 20) -> Parts:
    """Split the Brier score of bins of stated chance (Murphy, 1973)."""
    import numpy as np

    where = np.minimum((chance * bins).astype(int), bins - 1)
    size = np.bincount(where, minlength=bins)
    told = np.bincount(where, chance, bins) / np.maximum(size, 1)
    seen = np.bincount(where, happened, bins) / np.maximum(size, 1)
    share = size / len(chance)
    usual = float(happened.mean())
    reliability = float(share @ (told - seen) ** 2)
    resolution = float(share @ (seen - usual) ** 2)
    uncertainty = usual * (1 - usual)
    return Parts(
        score=reliability - resolution + uncertainty,
        reliability=reliability,
        resolution=resolution,
        uncertainty=uncertainty,
    )


def pit(law: Law, observed: NDArray[np.float64], *, seed: int) -> NDArray[np.float64]:
    """Return the stated chance of at most what was observed: uniform when the laws are right.

    A zero that was given a chance of its own is drawn within it.
    """
    import numpy as np

    high = law.cdf(observed)
    if law.family == "normal":
        return high
    low = np.where(observed <= 0, 0.0, high)
    return np.asarray(low + np.random.default_rng(seed).random(len(high)) * (high - low))


def ranks(members: NDArray[np.float64], observed: NDArray[np.float64], *, seed: int) -> NDArray[np.int64]:
    """Return the rank of what was observed among the members, from 0; equal values are drawn."""
    import numpy as np

    below = np.nansum(members < observed[:, None], axis=1)
    same = np.nansum(members == observed[:, None], axis=1)
    draw = np.random.default_rng(seed).random(len(observed))
    return np.asarray(below + np.floor(draw * (same + 1)), np.int64)


def coverage(law: Law, observed: NDArray[np.float64], share: float = 0.8) -> NDArray[np.float64]:
    """Tell which observations lie in the central interval.

    Where zero has a chance of its own, what is counted is the part of that chance within the interval.
    """
    import numpy as np

    tail = (1 - share) / 2
    if law.family == "normal":
        chance = law.cdf(observed)
        return ((chance >= tail) & (chance <= 1 - tail)).astype(float)
    high = law.cdf(observed)
    low = np.where(observed <= 0, 0.0, high)
    inside = np.clip(np.minimum(high, 1 - tail) - np.maximum(low, tail), 0, None)
    return np.where(
        high > low, inside / np.maximum(high - low, 1e-12), (high >= tail) & (high <= 1 - tail)
    ).astype(float)


def block_length(day: NDArray[np.int64]) -> int:
    """Return how many days make a block: ten, or less so that there are ten blocks.

    >>> import numpy as np
    >>> block_length(np.arange(1000)), block_length(np.arange(25)), block_length(np.arange(3))
    (10, 2, 1)
    """
    span = int(day.max() - day.min()) + 1
    return max(1, min(_DAYS, span // _DAYS))


def block_weights(day: NDArray[np.int64], *, seed: int, draws: int = _DRAWS) -> NDArray[np.float64]:
    """Return how many times each row is drawn when blocks of days are: shape ``(draws, n)``.

    Weather lasts: the days of a block, and all stations of a day, come together.
    """
    import numpy as np

    _, block = np.unique((day - day.min()) // block_length(day), return_inverse=True)
    size = int(block.max()) + 1
    drawn = np.random.default_rng(seed).multinomial(size, np.full(size, 1 / size), size=draws)
    return drawn[:, block].astype(np.float64)

"""Intervals at 95 %: for shares, for their differences, and by bootstrap for the rest."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["DRAWS", "MIN_GROUP", "Z", "bootstrap", "bootstrap_weights", "newcombe", "percentiles", "wilson"]

Z = 1.959963984540054
"""97.5 % quantile of the normal law."""

DRAWS = 500
"""Bootstrap draws: the 2.5 % and 97.5 % bounds then rest on 12 draws each."""

MIN_GROUP = 30
"""Under this count, or without both outcomes, a group is « trop peu pour conclure »."""


def wilson(found: float, n: float) -> tuple[float, float]:
    """Return the Wilson score interval of a share (Wilson 1927).

    >>> low, high = wilson(8, 10)
    >>> round(low, 3), round(high, 3)
    (0.49, 0.943)
    """
    if n <= 0:
        return 0.0, 1.0
    share = found / n
    centre = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    return max(0.0, min(centre - half, share)), min(1.0, max(centre + half, share))


def newcombe(found_a: float, n_a: float, found_b: float, n_b: float) -> tuple[float, float]:
    """Return the interval of a difference of two independent shares (Newcombe 1998, method 10)."""
    share_a, share_b = found_a / n_a, found_b / n_b
    low_a, high_a = wilson(found_a, n_a)
    low_b, high_b = wilson(found_b, n_b)
    gap = share_a - share_b
    return (
        gap - math.hypot(share_a - low_a, high_b - share_b),
        gap + math.hypot(high_a - share_a, share_b - low_b),
    )


def bootstrap_weights(
    n: int, *, seed: int, clusters: NDArray[np.int64] | None = None, draws: int = DRAWS
) -> NDArray[np.float64]:
    """Return how many times each row is drawn, one line per bootstrap draw: shape ``(draws, n)``.

    With ``clusters`` (one code per row), whole clusters are drawn: the rows of one subject come
    together, so that its repeats are not taken for independent news. The weights cannot be written, so that
    what was measured with them may be kept.
    """
    import numpy as np

    random = np.random.default_rng(seed)
    if clusters is None:
        return _frozen(random.multinomial(n, np.full(n, 1 / n), size=draws).astype(np.float64))
    _, codes = np.unique(clusters, return_inverse=True)
    size = int(codes.max()) + 1
    drawn = random.multinomial(size, np.full(size, 1 / size), size=draws).astype(np.float64)
    return _frozen(drawn[:, codes])


def _frozen(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    weights.flags.writeable = False
    return weights


def percentiles(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the 2.5 % and 97.5 % percentiles of draws, leaving out those that could not be computed."""
    import numpy as np

    kept = values[~np.isnan(values)]
    if not kept.size:
        return math.nan, math.nan
    low, high = np.percentile(kept, [2.5, 97.5])
    return float(low), float(high)


def bootstrap(
    figure: Callable[[NDArray[np.float64]], float], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return a figure under each line of bootstrap weights."""
    import numpy as np

    return np.array([figure(line) for line in weights])

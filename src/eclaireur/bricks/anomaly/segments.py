"""Level shifts or a drift in a sequence, when neighbouring values resemble each other.

Slow movements of nature make successive values alike, which a search that takes them for independent reads as
shifts. So the sequence is whitened first, ``y[i] = x[i] − φ x[i−1]``, with φ estimated from differences, that
shifts hardly move (after Chakar, Lebarbier, Lévy-Leduc and Robin 2017, « A robust approach for estimating
change-points in the mean of an AR(1) process », Bernoulli 23). Levels are then found by optimal partitioning
with pruning (PELT: Killick, Fearnhead and Eckley 2012), on values cut at three deviations of their
neighbourhood, against the same sequence explained by one drift; the cheaper of the two is kept, if it says
more than an AR(1) without any change fitted by least squares (Schwarz 1978).
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["deviation", "likeness", "pelt", "split"]

_SHORTEST = 6
"""Values of the shortest level."""

_PENALTY = 2.5
"""Cost of a change, in units of variance × log(n): less finds shifts in noise, more misses the small ones."""

_MOST_ALIKE = 0.95
_KEPT = 0.95
_CUT = 3.0


def deviation(values: NDArray[np.float64]) -> float:
    """Return the standard deviation that the median absolute deviation stands for, under a normal law."""
    import numpy as np

    return float(1.4826 * np.median(abs(values - np.median(values))))


def likeness(values: NDArray[np.float64]) -> float:
    """Return how alike successive values are, from 0 (not at all) to 0.95: the φ of an AR(1).

    The ratio of the mean squares of differences at lags 2 and 1 is ``1 + φ``. One shift adds to one or two
    differences only: the largest twentieth is left out of each.
    """
    one, two = _mean_square(values[1:] - values[:-1]), _mean_square(values[2:] - values[:-2])
    if not one:
        return _MOST_ALIKE
    return min(_MOST_ALIKE, max(0.0, two / one - 1))


def _mean_square(differences: NDArray[np.float64]) -> float:
    import numpy as np

    squares = np.sort(differences**2)
    return float(squares[: max(1, int(len(squares) * _KEPT))].mean())


def pelt(values: NDArray[np.float64], penalty: float, shortest: int = _SHORTEST) -> list[int]:
    """Return the positions where the mean changes: least sum of squares plus ``penalty`` for each.

    >>> import numpy as np
    >>> pelt(np.repeat([0.0, 3.0, 1.0], [20, 15, 30]), 1.0)
    [20, 35]
    """
    import numpy as np

    n = len(values)
    total = np.concatenate([[0.0], np.cumsum(values)])
    squares = np.concatenate([[0.0], np.cumsum(values**2)])
    best = np.full(n + 1, np.inf)
    best[0] = -penalty
    before = np.zeros(n + 1, dtype=np.int64)
    starts = np.zeros(0, dtype=np.int64)
    for end in range(shortest, n + 1):
        starts = np.append(starts, end - shortest)
        length = end - starts
        cost = best[starts] + squares[end] - squares[starts] - (total[end] - total[starts]) ** 2 / length
        at = int(cost.argmin())
        best[end], before[end] = cost[at] + penalty, starts[at]
        # A start that is already dearer than ending here can never be the best again.
        starts = starts[cost <= best[end]]
    found = []
    end = int(before[n])
    while end > 0:
        found.append(end)
        end = int(before[end])
    return found[::-1]


def split(values: NDArray[np.float64]) -> list[tuple[str, int, int, float]]:
    """Return the changes of a sequence: (``shift`` or ``drift``, first position, last, size)."""
    import numpy as np

    phi = likeness(values)
    white = values[1:] - phi * values[:-1]
    noise = deviation(np.diff(white)) / np.sqrt(2)
    if not noise:
        noise = float(np.std(white))
    if not noise or len(white) < 2 * _SHORTEST:
        return []
    white = _cut(white, noise)
    cost, n = float(np.log(len(white))), len(white)
    alike = _squares_if_alike(values)
    start, rise, ramp = _ramp(white, phi)
    penalty = _PENALTY * noise**2 * cost
    at = pelt(white, penalty)
    while at:
        steps = _squares(white, at)
        if ramp + 2 * penalty < steps + penalty * len(at):
            break
        if n * np.log(alike / max(steps, 1e-300)) > _PENALTY * cost * len(at):
            return _shifts(values, at)
        # So many shifts say no more than successive values that are alike: ask more of each.
        penalty *= 1.5
        at = pelt(white, penalty)
    if at and n * np.log(alike / max(ramp, 1e-300)) > _PENALTY * cost:
        return [("drift", start, len(values) - 1, rise)]
    return []


def _shifts(values: NDArray[np.float64], at: list[int]) -> list[tuple[str, int, int, float]]:
    import numpy as np

    # A whitened value stands for the later of its two: a shift of values[k] begins there at k − 1.
    borders = [0, *(one + 1 for one in at), len(values)]
    levels = [float(np.median(values[a:b])) for a, b in pairwise(borders)]
    return [
        ("shift", borders[k], borders[k + 1] - 1, levels[k] - levels[k - 1]) for k in range(1, len(levels))
    ]


def _squares(white: NDArray[np.float64], at: list[int]) -> float:
    """Return the sum of squares around the mean of each level."""
    parts = [white[a:b] for a, b in pairwise([0, *at, len(white)])]
    return sum(float(((part - part.mean()) ** 2).sum()) for part in parts)


def _squares_if_alike(values: NDArray[np.float64]) -> float:
    """Return the sum of squares left when nothing changes and successive values stay alike."""
    before, after = values[:-1] - values[:-1].mean(), values[1:] - values[1:].mean()
    slope = float(before @ after / (before @ before))
    return float(((after - slope * before) ** 2).sum())


def _cut(values: NDArray[np.float64], noise: float) -> NDArray[np.float64]:
    """Bring values back to three deviations of the median of their neighbours."""
    import numpy as np
    from numpy.lib.stride_tricks import sliding_window_view

    half = _SHORTEST
    around = np.median(sliding_window_view(np.pad(values, half, mode="reflect"), 2 * half + 1), axis=1)
    return np.clip(values, around - _CUT * noise, around + _CUT * noise)


def _ramp(white: NDArray[np.float64], phi: float) -> tuple[int, float, float]:
    """Return start, total rise and sum of squares of the best straight drift that goes on to the end."""
    import numpy as np

    n = len(white)
    place = np.arange(n + 1.0)
    best = (0, 0.0, np.inf)
    flat = white - white.mean()
    for start in range(0, n + 1 - 2 * _SHORTEST, max(1, n // 100)):
        line = np.maximum(place - start, 0.0)
        bent = line[1:] - phi * line[:-1]
        bent -= bent.mean()
        slope = float(bent @ flat / (bent @ bent))
        left = float(((flat - slope * bent) ** 2).sum())
        if left < best[2]:
            best = (start, slope * (n - start), left)
    return best

"""Ridge logistic regression by Newton's method, begun on some of the rows.

A study fits the same few columns on hundreds of thousands of rows, again and again. The curvature of the loss
hardly depends on which rows are looked at: it is taken from a draw of them, with the solution there as a
start, and a few gradients of all rows lead from it to the solution of all rows (Roosta-Khorasani and Mahoney
2019, « Sub-sampled Newton methods », Mathematical Programming 174). Where the draw misleads, the curvature of
all rows is computed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["logistic"]

_DRAWN = 16_000
"""Rows that give the start and the curvature: a hundred columns need no more."""

_MOST, _HALVINGS = 200, 30
_BLOCK = 16_384
_LEAST_GAIN = 0.3
"""What a step must leave of the gradient at most, else the curvature of all rows is computed."""


def logistic(
    columns: NDArray[Any],
    labels: NDArray[np.float64],
    *,
    penalty: float,
    weights: NDArray[np.float64] | None = None,
    tolerance: float = 1e-4,
    seed: int = 0,
) -> NDArray[np.float64]:
    """Return the coefficients, then the intercept, that minimise the mean log loss plus a ridge penalty.

    Parameters
    ----------
    columns
        Shape ``(n, p)``, nothing missing; float32 is kept as it is.
    labels
        0 or 1, shape ``(n,)``.
    penalty
        The loss is ``mean(log loss) + penalty / 2 × Σ coefficients²``; the intercept is free.
    weights
        Weight of each row in the mean.
    tolerance
        Greatest absolute derivative at which to stop.

    Examples
    --------
    >>> import numpy as np
    >>> found = logistic(np.array([[-1.0], [-1.0], [1.0], [1.0]]), np.array([0.0, 1, 1, 1]), penalty=0.1)
    >>> found.round(2).tolist()
    [0.94, 1.32]
    """
    import numpy as np

    found = np.zeros(columns.shape[1] + 1)
    found[-1] = _log_odds(labels, weights)
    whole = _Loss(columns, labels, weights, penalty)
    if labels.size < 4 * _DRAWN:
        return _descend(whole, found, tolerance, None)
    drawn = np.sort(np.random.default_rng(seed).permutation(labels.size)[:_DRAWN])
    some = _Loss(columns[drawn], labels[drawn], None if weights is None else weights[drawn], penalty)
    start = _descend(some, found, tolerance, None)
    return _descend(whole, start, tolerance, some.curvature(start))


def _log_odds(labels: NDArray[np.float64], weights: NDArray[np.float64] | None) -> float:
    import numpy as np

    rate = float(np.clip(np.average(labels, weights=weights), 1e-6, 1 - 1e-6))
    return float(np.log(rate / (1 - rate)))


@dataclass(frozen=True, slots=True)
class _Loss:
    """The penalised loss of some rows, block by block so that each stays in the cache."""

    columns: NDArray[Any]
    labels: NDArray[np.float64]
    weights: NDArray[np.float64] | None
    penalty: float

    def _shares(self, block: slice) -> NDArray[np.float64] | float:
        if self.weights is None:
            return 1.0 / self.labels.size
        return self.weights[block] / float(self.weights.sum())

    def gradient(self, at: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return the loss and its derivatives."""
        import numpy as np

        slopes = at[:-1].astype(self.columns.dtype)
        loss, found = 0.0, np.zeros(at.size)
        for begin in range(0, self.labels.size, _BLOCK):
            block = slice(begin, begin + _BLOCK)
            rows, labels, shares = self.columns[block], self.labels[block], self._shares(block)
            margin = (rows @ slopes).astype(np.float64) + at[-1]
            # log(1 + e^m) without overflow.
            loss += float(np.sum(shares * (np.logaddexp(0.0, margin) - labels * margin)))
            gap = shares * (1 / (1 + np.exp(-margin)) - labels)
            found[:-1] += gap.astype(rows.dtype) @ rows
            found[-1] += gap.sum()
        found[:-1] += self.penalty * at[:-1]
        return loss + self.penalty / 2 * float(at[:-1] @ at[:-1]), found

    def curvature(self, at: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the matrix of second derivatives."""
        import numpy as np

        slopes = at[:-1].astype(self.columns.dtype)
        found = np.zeros((at.size, at.size))
        for begin in range(0, self.labels.size, _BLOCK):
            block = slice(begin, begin + _BLOCK)
            rows = self.columns[block]
            risk = 1 / (1 + np.exp(-((rows @ slopes).astype(np.float64) + at[-1])))
            spread = self._shares(block) * risk * (1 - risk)
            bent = rows * np.sqrt(spread).astype(rows.dtype)[:, None]
            found[:-1, :-1] += bent.T @ bent
            found[:-1, -1] += spread.astype(rows.dtype) @ rows
            found[-1, -1] += spread.sum()
        found[-1, :-1] = found[:-1, -1]
        found[np.arange(at.size - 1), np.arange(at.size - 1)] += self.penalty
        return found


def _descend(
    loss: _Loss, at: NDArray[np.float64], tolerance: float, curvature: NDArray[np.float64] | None
) -> NDArray[np.float64]:
    """Follow Newton's steps to the least loss, with a given curvature as long as it serves."""
    import numpy as np

    value, slope = loss.gradient(at)
    for _ in range(_MOST):
        steep = float(np.abs(slope).max())
        if steep < tolerance:
            break
        step = _solve(loss.curvature(at) if curvature is None else curvature, slope)
        size = 1.0
        after = loss.gradient(at - step)
        for _ in range(_HALVINGS):
            # Rounding may raise the loss by a hair at its bottom.
            if after[0] <= value + 1e-7 * abs(value):
                break
            size /= 2
            after = loss.gradient(at - size * step)
        at = at - size * step
        value, slope = after
        if curvature is not None and (size < 1 or np.abs(slope).max() > _LEAST_GAIN * steep):
            curvature = None
    return at


def _solve(curvature: NDArray[np.float64], slope: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Newton's step; columns that repeat each other are told apart by next to nothing."""
    import numpy as np

    size = np.arange(slope.size)
    steady = curvature.copy()
    steady[size, size] += 1e-9 * max(1e-9, float(np.trace(curvature)) / slope.size)
    return np.asarray(np.linalg.solve(steady, slope), dtype=np.float64)

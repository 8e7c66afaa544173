"""The empirical-Bayes shrinker of report counts: EBGM and its lower limit EB05.

DuMouchel, "Bayesian data mining in large frequency tables, with an application to the FDA spontaneous
reporting system", The American Statistician 53, 1999. The ratio of each pair has a prior, a mixture of two
gamma laws, fitted on all pairs; a ratio that rests on few reports is drawn towards the others.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Prior", "Shrunk", "fit_prior", "negative_log_likelihood", "shrink"]

_STARTS = (
    (0.2, 0.06, 1.4, 1.8, 0.1),
    (0.1, 0.1, 10.0, 10.0, 0.2),
    (2.0, 0.3, 2.0, 2.0, 0.067),
)
_LEAST, _MOST = 1e-3, 60.0
"""Bounds of shapes and rates. Without them the likelihood has a degenerate optimum: one law that concentrates
on a point, with shape and rate that grow for ever."""


@dataclass(frozen=True, slots=True)
class Prior:
    """Mixture of two gamma laws of the ratio: ``share`` of the first, shapes and rates.

    ``loss`` is the negative log-likelihood at the optimum.
    """

    shape1: float
    rate1: float
    shape2: float
    rate2: float
    share: float
    loss: float = float("nan")

    @property
    def parameters(self) -> tuple[float, float, float, float, float]:
        """Return shapes, rates and share, as the optimiser and a stored model hold them."""
        return (self.shape1, self.rate1, self.shape2, self.rate2, self.share)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shrunk:
    """Posterior of the ratio of each pair, arrays of shape (k,).

    Parameters
    ----------
    mean
        Geometric mean: EBGM.
    low, high
        5th and 95th centiles: EB05 and EB95.
    beyond
        Probability that the ratio exceeds the level that was asked.
    """

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    beyond: NDArray[np.float64]


def negative_log_likelihood(
    parameters: tuple[float, ...] | NDArray[np.float64],
    count: NDArray[np.float64],
    expected: NDArray[np.float64],
    weight: NDArray[np.float64] | None = None,
) -> float:
    """Return the loss of a prior, of pairs that were reported at least once.

    Each law is that of counts of 1 or more, as DuMouchel and Pregibon write it ("Empirical Bayes screening
    for multi-item associations", KDD 2001).

    Parameters
    ----------
    parameters
        Shape and rate of both laws, and the share of the first.
    count, expected
        Reports seen and expected without association, of shape (k,); counts are at least 1.
    weight
        Number of pairs that each entry stands for; 1 when not given.
    """
    import numpy as np

    each = np.ones(len(count)) if weight is None else weight
    return _loss(np.asarray(parameters, np.float64), count, expected, each)[0]


def _loss(
    parameters: NDArray[np.float64],
    count: NDArray[np.float64],
    expected: NDArray[np.float64],
    weight: NDArray[np.float64],
) -> tuple[float, NDArray[np.float64]]:
    """Return the loss and its gradient by the logarithms of shapes and rates and the logit of the share."""
    import numpy as np
    from scipy.special import digamma, expit

    share = parameters[4]
    logs, slopes = [], []
    for shape, rate in (parameters[:2], parameters[2:4]):
        seen, zero = _law(count, expected, shape, rate)
        logs.append(seen - np.log(-np.expm1(zero)))
        held = 1 + 1 / np.expm1(-zero)
        by_shape = digamma(shape + count) - digamma(shape) - held * np.log1p(expected / rate)
        by_rate = (held * shape * expected / rate - count) / (rate + expected)
        slopes += [shape * by_shape, rate * by_rate]
    odds = np.log(share) - np.log1p(-share)
    first = expit(odds + logs[0] - logs[1])
    value = weight @ np.logaddexp(np.log(share) + logs[0], np.log1p(-share) + logs[1])
    gradient = [weight @ (first * one) for one in slopes[:2]]
    gradient += [weight @ ((1 - first) * one) for one in slopes[2:]]
    gradient.append(weight @ (first - share))
    return -float(value), -np.array(gradient)


def _law(
    count: NDArray[np.float64], expected: NDArray[np.float64], shape: float, rate: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the logarithms of the negative binomial at the counts and at 0."""
    import numpy as np
    from scipy.special import gammaln

    zero = -shape * np.log1p(expected / rate)
    seen = gammaln(shape + count) - gammaln(shape) - gammaln(count + 1)
    return seen + count * (np.log(expected) - np.log(rate + expected)) + zero, zero


def fit_prior(count: NDArray[np.float64], expected: NDArray[np.float64]) -> Prior:
    """Fit the prior on the pairs reported at least once, within bounds, from several starts.

    Pairs that have the same count and expectation are counted once with their number.

    Raises
    ------
    ValueError
        If there is no pair.

    Examples
    --------
    >>> import numpy as np
    >>> prior = fit_prior(np.array([1.0, 1, 2, 9]), np.array([1.0, 0.8, 1.9, 1.1]))
    >>> 0 < prior.share < 1
    True
    """
    import numpy as np
    from scipy.optimize import minimize
    from scipy.special import expit

    if not len(count):
        raise ValueError("no pair to learn from")
    pairs, number = np.unique(count + 1j * expected, return_counts=True)
    counts, expectations, weights = pairs.real.copy(), pairs.imag.copy(), number.astype(np.float64)

    def loss(free: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        return _loss(np.append(np.exp(free[:4]), expit(free[4])), counts, expectations, weights)

    bounds = [(np.log(_LEAST), np.log(_MOST))] * 4 + [(-7.0, 7.0)]
    tries = [
        minimize(
            loss,
            np.append(np.log(start[:4]), np.log(start[4] / (1 - start[4]))),
            jac=True,
            method="L-BFGS-B",
            bounds=bounds,
            options={"ftol": 1e-13, "gtol": 1e-6, "maxiter": 500},
        )
        for start in _STARTS
    ]
    best = min(tries, key=lambda one: float(one.fun))
    shape1, rate1, shape2, rate2 = np.exp(best.x[:4]).tolist()
    return Prior(shape1, rate1, shape2, rate2, float(expit(best.x[4])), loss=float(best.fun))


def shrink(
    count: NDArray[np.float64], expected: NDArray[np.float64], prior: Prior, *, level: float = 2.0
) -> Shrunk:
    """Return the posterior of each pair's ratio.

    Parameters
    ----------
    level
        Ratio whose exceedance probability is wanted.
    """
    import numpy as np
    from scipy.special import digamma, expit, gammaincc

    log1, _ = _law(count, expected, prior.shape1, prior.rate1)
    log2, _ = _law(count, expected, prior.shape2, prior.rate2)
    share = expit(np.log(prior.share) - np.log1p(-prior.share) + log1 - log2)
    shape1, rate1 = prior.shape1 + count, prior.rate1 + expected
    shape2, rate2 = prior.shape2 + count, prior.rate2 + expected
    mean = np.exp(share * (digamma(shape1) - np.log(rate1)) + (1 - share) * (digamma(shape2) - np.log(rate2)))

    def above(ratio: NDArray[np.float64] | float) -> NDArray[np.float64]:
        found: NDArray[np.float64] = share * gammaincc(shape1, rate1 * ratio) + (1 - share) * gammaincc(
            shape2, rate2 * ratio
        )
        return found

    def centile(at: float) -> NDArray[np.float64]:
        low, high = np.full(len(count), -12.0), np.full(len(count), 14.0)
        for _ in range(48):
            middle = (low + high) / 2
            under = 1 - above(np.exp(middle)) < at
            low, high = np.where(under, middle, low), np.where(under, high, middle)
        return np.asarray(np.exp((low + high) / 2), np.float64)

    return Shrunk(mean=mean, low=centile(0.05), high=centile(0.95), beyond=above(level))

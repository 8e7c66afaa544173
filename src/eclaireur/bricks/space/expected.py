"""How many to expect in each cell, and where there are more or fewer than that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.core.errors import BadValueError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["MIN_CELLS", "Expected", "ExpectedCounts", "deviance"]

MIN_CELLS = 30
"""Cells under which nothing is said: « trop peu pour conclure »."""

_STEPS, _CLOSE = 100, 1e-10
_DRAWS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What is expected in cells.

    Parameters
    ----------
    mean
        Expected counts.
    low, high
        Interval of a new count at the level asked for: chance and the doubt on the coefficients.
    """

    mean: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpectedCounts:
    """Negative-binomial regression of counts; the Poisson law is the case without dispersion.

    ``log E(count) = log(exposure) + intercept + features · coefficients`` and
    ``variance = mean + dispersion × mean²`` (NB2: Cameron and Trivedi 2013, § 3.3).

    Parameters
    ----------
    coefficients
        The intercept, then one for each feature. ``exp`` of it is the ratio of counts for one unit more.
    covariance
        Of the coefficients.
    dispersion
        0 for the Poisson law.

    Examples
    --------
    >>> import numpy as np
    >>> draw = np.random.default_rng(0)
    >>> people = draw.uniform(500, 5000, 200)
    >>> shops = draw.poisson(people / 1000)
    >>> model = ExpectedCounts.fit(shops, people)
    >>> found = model.expect(np.array([2000.0]))
    >>> found.mean.round(1).tolist(), found.low.tolist(), found.high.tolist()
    ([2.1], [0.0], [5.0])
    """

    coefficients: NDArray[np.float64]
    covariance: NDArray[np.float64]
    dispersion: float

    @classmethod
    def fit(
        cls,
        counts: NDArray[Any],
        exposure: NDArray[np.float64],
        features: NDArray[np.float64] | None = None,
    ) -> ExpectedCounts:
        """Fit the means by reweighted least squares, the dispersion by maximum likelihood.

        Parameters
        ----------
        counts
            Whole numbers, zero or more.
        exposure
            What counts are proportional to, above zero: inhabitants, households.
        features
            Shape ``(n, features)``, or None.

        Raises
        ------
        BadValueError
            Fewer than 30 cells, all counts at zero, a missing, negative or fractional count, an exposure that
            is not above zero, or a feature that repeats the others.
        """
        import numpy as np

        counts, exposure = np.asarray(counts, dtype=float), np.asarray(exposure, dtype=float)
        design = _design(exposure, features)
        _checked(counts, exposure, design)
        beta = _coefficients(counts, exposure, design, 0.0)
        dispersion = 0.0
        for _ in range(5):
            mean = exposure * np.exp(design @ beta)
            new = _dispersion(counts, mean)
            beta = _coefficients(counts, exposure, design, new)
            done, dispersion = abs(new - dispersion) <= 1e-6 * max(new, 1e-9), new
            if done:
                break
        mean = exposure * np.exp(design @ beta)
        weight = mean / (1 + dispersion * mean)
        information = (design * weight[:, None]).T @ design
        covariance = np.asarray(np.linalg.inv(information), dtype=np.float64)
        return cls(coefficients=beta, covariance=covariance, dispersion=dispersion)

    def expect(
        self,
        exposure: NDArray[np.float64],
        features: NDArray[np.float64] | None = None,
        *,
        level: float = 0.95,
        seed: int = 0,
    ) -> Expected:
        """Return expected counts and the interval of a new count, by simulation.

        Raises
        ------
        BadValueError
            Other features than those of the fit.
        """
        import numpy as np

        exposure = np.asarray(exposure, dtype=float)
        design = _design(exposure, features)
        if design.shape[1] != len(self.coefficients):
            raise BadValueError(
                f"{design.shape[1] - 1} colonnes données, {len(self.coefficients) - 1} sont attendues.",
                fix="Donnez les mêmes colonnes que pour l’apprentissage.",
            )
        mean = exposure * np.exp(design @ self.coefficients)
        draw = np.random.default_rng(seed)
        beta = draw.multivariate_normal(self.coefficients, self.covariance, size=_DRAWS, method="cholesky")
        low, high = np.empty(len(mean)), np.empty(len(mean))
        tail = (1 - level) / 2
        # One block of cells at a time: draws × cells would not fit for a whole country.
        for begin in range(0, len(mean), 4096):
            block = slice(begin, begin + 4096)
            means = exposure[block] * np.exp(beta @ design[block].T)
            if self.dispersion:
                means = means * draw.gamma(1 / self.dispersion, self.dispersion, means.shape)
            made = draw.poisson(np.minimum(means, 1e15))
            low[block] = np.quantile(made, tail, axis=0, method="inverted_cdf")
            high[block] = np.quantile(made, 1 - tail, axis=0, method="inverted_cdf")
        return Expected(mean=mean, low=low, high=high)


def deviance(counts: NDArray[Any], mean: NDArray[np.float64]) -> float:
    """Return the mean Poisson deviance: 0 when every count is the one expected.

    >>> import numpy as np
    >>> deviance(np.array([2.0, 0.0]), np.array([2.0, 1.0]))
    1.0
    """
    import numpy as np
    from scipy.special import xlogy

    return float(2 * np.mean(xlogy(counts, counts / mean) - counts + mean))


def _design(exposure: NDArray[np.float64], features: NDArray[np.float64] | None) -> NDArray[np.float64]:
    import numpy as np

    ones = np.ones((len(exposure), 1))
    if features is None:
        return ones
    if features.ndim != 2 or len(features) != len(exposure):
        raise BadValueError(
            "Les caractéristiques n’ont pas une ligne pour chaque case.", fix="Donnez une ligne par case."
        )
    return np.hstack([ones, features])


def _coefficients(
    counts: NDArray[np.float64], exposure: NDArray[np.float64], design: NDArray[np.float64], dispersion: float
) -> NDArray[np.float64]:
    """Fit the mean for a known dispersion (McCullagh and Nelder 1989, § 2.5)."""
    import numpy as np

    beta = np.zeros(design.shape[1])
    beta[0] = np.log(counts.sum() / exposure.sum())
    for _ in range(_STEPS):
        mean = exposure * np.exp(np.clip(design @ beta, -50, 50))
        weight = mean / (1 + dispersion * mean)
        step = np.linalg.solve(
            (design * weight[:, None]).T @ design, design.T @ (weight * (counts - mean) / mean)
        )
        # A step of more than one on some line would overshoot, since the mean is an exponential.
        beta = beta + step * min(1.0, 1 / max(1e-12, float(abs(design @ step).max())))
        if float(abs(step).max()) < _CLOSE * (1 + float(abs(beta).max())):
            break
    return beta


def _dispersion(counts: NDArray[np.float64], mean: NDArray[np.float64]) -> float:
    """Return the likeliest dispersion, 0 when counts vary no more than chance: Poisson is then enough."""
    import numpy as np
    from scipy.optimize import minimize_scalar

    def cost(log_dispersion: float) -> float:
        return -_log_likelihood(counts, mean, float(np.exp(log_dispersion)))

    best = minimize_scalar(cost, bounds=(-14, 4), method="bounded")
    return float(np.exp(best.x)) if -best.fun > _log_likelihood(counts, mean, 0.0) + 1e-6 else 0.0


def _log_likelihood(counts: NDArray[np.float64], mean: NDArray[np.float64], dispersion: float) -> float:
    """Return the log-likelihood, up to the factorials that no parameter moves."""
    import numpy as np
    from scipy.special import gammaln

    if not dispersion:
        return float((counts * np.log(mean) - mean).sum())
    size = 1 / dispersion
    return float(
        (
            gammaln(counts + size)
            - gammaln(size)
            - counts * np.log(size)
            + counts * np.log(mean)
            - (counts + size) * np.log1p(dispersion * mean)
        ).sum()
    )


def _checked(counts: NDArray[np.float64], exposure: NDArray[np.float64], design: NDArray[np.float64]) -> None:
    import numpy as np

    if len(counts) != len(exposure):
        raise BadValueError(
            f"{len(counts)} effectifs pour {len(exposure)} cases.", fix="Donnez un effectif pour chaque case."
        )
    if len(counts) < MIN_CELLS:
        raise BadValueError(
            f"Trop peu pour conclure\u00a0: {len(counts)} cases, il en faut au moins {MIN_CELLS}.",
            fix="Prenez un territoire plus large ou des cases plus petites.",
        )
    if not (np.isfinite(counts).all() and (counts >= 0).all() and (counts == np.round(counts)).all()):
        raise BadValueError(
            "Un effectif manque, est négatif ou n’est pas un nombre entier.",
            fix="Donnez des nombres entiers.",
        )
    if not (np.isfinite(exposure).all() and (exposure > 0).all() and np.isfinite(design).all()):
        raise BadValueError(
            "Une population ou une caractéristique manque, ou une population n’est pas positive.",
            fix="Retirez les cases sans habitant : rien n’y est attendu.",
        )
    if not counts.any():
        raise BadValueError(
            "Tous les effectifs sont nuls\u00a0: trop peu pour conclure.",
            fix="Prenez un territoire plus large.",
        )
    if np.linalg.matrix_rank(design) < design.shape[1]:
        raise BadValueError(
            "Une caractéristique est constante ou répète les autres.", fix="Retirez-la de la liste."
        )

"""Source profiles: positive matrix factorisation with uncertainties (Paatero and Tapper, 1994).

Concentrations are the product of contributions by profiles, both positive, fitted by least squares of
residuals over their uncertainties. Bands come from a bootstrap of dates in blocks, and from displacements of
one value of a profile as far as the fit allows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eclaireur.core.errors import BadValueError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "Bands",
    "Factors",
    "bootstrap",
    "contributions_of",
    "criteria",
    "displaced",
    "fit",
    "matched",
]

_STEPS = 1500
_EVERY = 20
_ENOUGH = 2e-5
_TINY = 1e-12
_REFITS = 150
_RISE = 4.0
"""Rise of the objective that a displaced value may cause: 95 % for one parameter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Factors:
    """Contributions (dates × factors), profiles (factors × species, each of sum 1), and the objective."""

    contributions: NDArray[np.float64]
    profiles: NDArray[np.float64]
    objective: float
    expected: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bands:
    """Quantiles of profiles over the bootstrap, and the mean correlation of each factor with its base.

    ``draws`` are the profiles themselves: draw × factor × species.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    stability: NDArray[np.float64]
    draws: NDArray[np.float64]


def fit(
    values: NDArray[np.float64],
    uncertainty: NDArray[np.float64],
    count: int,
    *,
    starts: int = 1,
    seed: int = 0,
    profiles: NDArray[np.float64] | None = None,
) -> Factors:
    """Fit a number of factors; the best of several random starts, or from given profiles.

    Raises
    ------
    BadValueError
        If an uncertainty is not positive, or sizes differ.
    """
    import numpy as np

    if values.shape != uncertainty.shape:
        raise BadValueError("concentrations et incertitudes n'ont pas la même taille.")
    known = np.isfinite(values) & np.isfinite(uncertainty)
    if not (uncertainty[known] > 0).all():
        raise BadValueError(
            "une incertitude est nulle ou négative.", fix="Donnez une incertitude positive à chaque mesure."
        )
    weight = np.where(known, 1 / np.where(known, uncertainty, 1.0) ** 2, 0.0)
    filled = np.where(known, np.maximum(values, 0.0), 0.0)
    best: Factors | None = None
    for start in range(starts):
        draw = np.random.default_rng([seed, start])
        made = _descend(filled, weight, count, draw, profiles)
        if best is None or made.objective < best.objective:
            best = made
    assert best is not None  # noqa: S101 - starts is at least 1
    return best


def _descend(
    values: NDArray[np.float64],
    weight: NDArray[np.float64],
    count: int,
    draw: np.random.Generator,
    profiles: NDArray[np.float64] | None,
) -> Factors:
    """Update contributions then profiles by multiplication: the objective never rises."""
    import numpy as np

    rows, columns = values.shape
    scale = np.sqrt((values**2).mean(axis=0)) + _TINY
    f = draw.uniform(0.2, 1, (count, columns)) * scale if profiles is None else profiles + 1e-6 * scale
    g = draw.uniform(0.2, 1, (rows, count)) * (values / scale).mean() / (f / scale).mean()
    heavy = weight * values
    last = np.inf
    for step in range(_STEPS):
        g *= (heavy @ f.T) / ((weight * (g @ f)) @ f.T + _TINY)
        f *= (g.T @ heavy) / (g.T @ (weight * (g @ f)) + _TINY)
        if step % _EVERY == _EVERY - 1:
            now = float((weight * (values - g @ f) ** 2).sum())
            if last - now < _ENOUGH * now:
                break
            last = now
    total = f.sum(axis=1) + _TINY
    objective = float((weight * (values - g @ f) ** 2).sum())
    expected = float((weight > 0).sum() - count * (rows + columns))
    return Factors(
        contributions=g * total, profiles=f / total[:, None], objective=objective, expected=max(expected, 1.0)
    )


def matched(
    base: NDArray[np.float64], other: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Match the factors of a fit with those of a base, each once; and return their correlations."""
    import numpy as np
    from scipy.optimize import linear_sum_assignment

    size = len(base)
    level = np.nan_to_num(np.corrcoef(base, other)[:size, size:])
    _, order = linear_sum_assignment(-level)
    return order.astype(np.int64), level[np.arange(size), order]


def bootstrap(
    values: NDArray[np.float64],
    uncertainty: NDArray[np.float64],
    base: Factors,
    *,
    draws: int = 50,
    block: int = 5,
    seed: int = 0,
) -> Bands:
    """Fit again on dates drawn in blocks, from the base profiles; factors are matched with the base."""
    import numpy as np

    rows = len(values)
    draw = np.random.default_rng(seed)
    profiles, levels = [], []
    for number in range(draws):
        begin = draw.integers(0, max(rows - block + 1, 1), -(-rows // block))
        taken = (begin[:, None] + np.arange(block)).ravel()[:rows] % rows
        count = len(base.profiles)
        made = fit(values[taken], uncertainty[taken], count, seed=seed + number, profiles=base.profiles)
        order, level = matched(base.profiles, made.profiles)
        profiles.append(made.profiles[order])
        levels.append(level)
    every = np.array(profiles)
    low, high = np.quantile(every, [0.05, 0.95], axis=0)
    return Bands(low=low, high=high, stability=np.array(levels).mean(axis=0), draws=every)


def contributions_of(
    values: NDArray[np.float64], uncertainty: NDArray[np.float64], profiles: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the contributions (dates × factors) that fit concentrations best under given profiles."""
    import numpy as np

    known = np.isfinite(values) & np.isfinite(uncertainty)
    weight = np.where(known, 1 / np.where(known, uncertainty, 1.0) ** 2, 0.0)
    heavy = weight * np.where(known, np.maximum(values, 0.0), 0.0)
    g = np.full((len(values), len(profiles)), 1e-6)
    g += (heavy @ profiles.T) / (weight @ (profiles**2).T + _TINY)
    for _ in range(_REFITS):
        g *= (heavy @ profiles.T) / ((weight * (g @ profiles)) @ profiles.T + _TINY)
    return g


def displaced(
    values: NDArray[np.float64], uncertainty: NDArray[np.float64], base: Factors, factor: int, species: int
) -> tuple[float, float]:
    """Return how far one value of a profile moves before the objective rises by 4, contributions refitted."""
    import numpy as np

    known = np.isfinite(values) & np.isfinite(uncertainty)
    weight = np.where(known, 1 / np.where(known, uncertainty, 1.0) ** 2, 0.0)
    filled = np.where(known, np.maximum(values, 0.0), 0.0)
    heavy = weight * filled

    def objective(value: float) -> float:
        f = base.profiles.copy()
        f[factor, species] = value
        g = base.contributions.copy() + _TINY
        for _ in range(15):
            g *= (heavy @ f.T) / ((weight * (g @ f)) @ f.T + _TINY)
        return float((weight * (filled - g @ f) ** 2).sum())

    middle = float(base.profiles[factor, species])
    floor = objective(middle) + _RISE
    low = 0.0 if objective(0.0) <= floor else _edge(objective, 0.0, middle, floor)
    far = max(2 * middle, 1e-4)
    while far < 1 and objective(far) <= floor:
        far *= 2
    high = 1.0 if far >= 1 and objective(1.0) <= floor else _edge(objective, min(far, 1.0), middle, floor)
    return low, high


def _edge(objective: object, outside: float, inside: float, floor: float) -> float:
    """Return by halving where the objective crosses a level."""
    for _ in range(12):
        middle = (outside + inside) / 2
        if objective(middle) <= floor:  # type: ignore[operator]
            inside = middle
        else:
            outside = middle
    return inside


def criteria(
    values: NDArray[np.float64],
    uncertainty: NDArray[np.float64],
    counts: range,
    *,
    starts: int = 3,
    draws: int = 10,
    seed: int = 0,
) -> list[dict[str, float]]:
    """Return for each number of factors what helps to choose it.

    ``ratio`` is the objective over what is expected, ``drop`` its relative fall from one factor fewer,
    ``worst`` the largest mean scaled residual of a species, ``stability`` the least of the bootstrap.
    """
    import numpy as np

    found: list[dict[str, float]] = []
    last = np.nan
    for count in counts:
        made = fit(values, uncertainty, count, starts=starts, seed=seed)
        residual = (values - made.contributions @ made.profiles) / uncertainty
        bands = bootstrap(values, uncertainty, made, draws=draws, seed=seed)
        found.append(
            {
                "factors": float(count),
                "ratio": made.objective / made.expected,
                "drop": 1 - made.objective / last,
                "worst": float(np.abs(np.nanmean(residual, axis=0)).max()),
                "stability": float(bands.stability.min()),
            }
        )
        last = made.objective
    return found

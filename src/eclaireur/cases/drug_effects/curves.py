"""Effect of several drugs by day since the exposure, without choosing windows: ConvSCCS.

Morel, Bacry, Gaïffas, Guilloux and Leroy, "ConvSCCS: convolutional self-controlled case series model for
lagged adverse event detection", Biostatistics 21, 2020. Each drug has a curve, constant by pieces: the
penalty is the total variation of the curve, and a group penalty takes that of a drug without effect to zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eclaireur.cases.drug_effects.lagged import likelihood_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eclaireur.cases.drug_effects.histories import Histories
    from eclaireur.cases.drug_effects.lagged import Likelihood, Weighted

__all__ = [
    "Curves",
    "bootstrap_curves",
    "chosen_strength",
    "fit_curves",
    "total_variation",
]

_ROUNDS = 300
_TOLERANCE = 1e-8
_STEP = 64.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """Logarithms of relative incidence by drug and day since the exposure, of shape (drugs, lags).

    ``loss`` is minus the conditional log-likelihood for each event, without penalty. ``low`` and ``high`` are
    the 95 % limits of a bootstrap of persons when there was one.
    """

    values: NDArray[np.float64]
    loss: float
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None


def fit_curves(
    likelihood: Likelihood, *, variation: float, group: float = 0.0, start: NDArray[np.float64] | None = None
) -> Curves:
    """Minimise the penalised likelihood by an accelerated proximal descent (FISTA, with restarts).

    Parameters
    ----------
    likelihood
        What `lagged.likelihood_of` prepares.
    variation
        Strength of the total variation of each curve.
    group
        Strength of the group penalty, multiplied by √lags.
    start
        Curves from which to begin, of shape (drugs, lags).
    """
    return _descend(likelihood.weighted(), variation, group, start)


def _descend(
    weighted: Weighted, variation: float, group: float, start: NDArray[np.float64] | None, step: float = _STEP
) -> Curves:
    import numpy as np

    shape = (weighted.of.drugs, weighted.of.lags)
    now = np.zeros(weighted.of.size) if start is None else start.ravel().copy()
    ahead, momentum = now.copy(), 1.0
    best, loss = np.inf, weighted.at(now).value
    for _ in range(_ROUNDS):
        point = weighted.at(ahead)
        value, slope = point.value, weighted.slope(point)
        while True:
            moved = _prox((ahead - step * slope).reshape(shape), step * variation, step * group).ravel()
            change = moved - ahead
            after = weighted.at(moved).value
            if after <= value + slope @ change + change @ change / (2 * step) + 1e-12:
                break
            step /= 2
        objective = after + _penalty(moved.reshape(shape), variation, group)
        if objective > best:
            # The momentum overshot: begin again from the last point.
            if momentum == 1.0:
                break
            ahead, momentum = now.copy(), 1.0
            continue
        following = (1 + np.sqrt(1 + 4 * momentum**2)) / 2
        ahead = moved + (momentum - 1) / following * (moved - now)
        done = best - objective < _TOLERANCE and np.abs(moved - now).max() < 1e-3
        now, momentum, best, loss = moved, following, objective, after
        step *= 1.1
        if done:
            break
    return Curves(values=now.reshape(shape), loss=loss)


def _penalty(curves: NDArray[np.float64], variation: float, group: float) -> float:
    import numpy as np

    size = np.sqrt(curves.shape[1])
    return float(
        variation * np.abs(np.diff(curves, axis=1)).sum()
        + group * size * np.linalg.norm(curves, axis=1).sum()
    )


def _prox(curves: NDArray[np.float64], variation: float, group: float) -> NDArray[np.float64]:
    """Return the proximal point: the total variation first, then the group, which is exact for these two."""
    import numpy as np

    found = np.array([total_variation(curve, variation) for curve in curves])
    norms = np.linalg.norm(found, axis=1)
    kept = np.maximum(1 - group * np.sqrt(curves.shape[1]) / np.maximum(norms, 1e-300), 0)
    return np.asarray(found * kept[:, None], np.float64)


def total_variation(values: NDArray[np.float64], strength: float) -> NDArray[np.float64]:
    """Return the closest curve under a total-variation penalty, exact.

    Condat, "A direct algorithm for 1-D total variation denoising", IEEE Signal Processing Letters 20, 2013.
    A level is carried from left to right with the least and the most that it may be; when a sum leaves its
    bounds, the curve jumps where it last could. Plain numbers: curves are short, and a step is a few sums.
    """
    import numpy as np

    if strength <= 0 or len(values) < 2:
        return values.copy()
    given: list[float] = values.tolist()
    found: list[float] = []
    end, at = len(given) - 1, 0
    last_low = last_high = 0
    low, high = given[0] - strength, given[0] + strength
    sum_low, sum_high = strength, -strength
    while True:
        begun = len(found)
        if at == end:
            if sum_low < 0:
                found += [low] * (last_low - begun + 1)
                at = last_low = last_low + 1
                low, sum_low = given[at], strength
                sum_high = low + strength - high
            elif sum_high > 0:
                found += [high] * (last_high - begun + 1)
                at = last_high = last_high + 1
                high, sum_high = given[at], -strength
                sum_low = high - strength - low
            else:
                found += [low + sum_low / (at - begun + 1)] * (at - begun + 1)
                return np.array(found)
            continue
        sum_low += given[at + 1] - low
        sum_high += given[at + 1] - high
        if sum_low < -strength:
            found += [low] * (last_low - begun + 1)
            at = last_high = last_low = last_low + 1
            low = given[at]
            high, sum_low, sum_high = low + 2 * strength, strength, -strength
        elif sum_high > strength:
            found += [high] * (last_high - begun + 1)
            at = last_low = last_high = last_high + 1
            high = given[at]
            low, sum_low, sum_high = high - 2 * strength, strength, -strength
        else:
            at += 1
            if sum_low >= strength:
                last_low = at
                low += (sum_low - strength) / (at - begun + 1)
                sum_low = strength
            if sum_high <= -strength:
                last_high = at
                high += (sum_high + strength) / (at - begun + 1)
                sum_high = -strength


def chosen_strength(
    histories: Histories,
    *,
    lags: int,
    strengths: tuple[tuple[float, float], ...],
    folds: int = 3,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the strengths (variation, group) whose curves lose the least on persons left out."""
    import numpy as np

    whole = likelihood_of(histories, lags=lags)
    places = np.random.default_rng(seed).permutation(len(histories.persons))
    losses = np.zeros(len(strengths))
    for fold in range(folds):
        out = np.zeros(len(places))
        out[places[fold::folds]] = 1.0
        inside, outside = whole.weighted(1.0 - out), whole.weighted(out)
        start = None
        for at, (variation, group) in enumerate(strengths):
            start = _descend(inside, variation, group, start).values
            losses[at] += outside.at(start.ravel()).value
    return strengths[int(losses.argmin())]


def bootstrap_curves(
    histories: Histories, *, lags: int, variation: float, group: float, draws: int = 200, seed: int = 0
) -> Curves:
    """Return the curves with the 95 % limits of a bootstrap of persons.

    A person is drawn with the whole of its observation, so that its censoring is drawn too.
    """
    import numpy as np

    whole = likelihood_of(histories, lags=lags)
    made = fit_curves(whole, variation=variation, group=group)
    draw = np.random.default_rng(seed)
    n = len(histories.persons)
    found = []
    for _ in range(draws):
        times = np.bincount(draw.integers(0, n, n), minlength=n).astype(np.float64)
        found.append(_descend(whole.weighted(times), variation, group, made.values).values)
    low, high = np.quantile(found, [0.025, 0.975], axis=0)
    return Curves(values=made.values, loss=made.loss, low=np.asarray(low), high=np.asarray(high))

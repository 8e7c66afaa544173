"""Effect of several drugs by day since the exposure, without choosing windows: ConvSCCS.

Morel, Bacry, Gaïffas, Guilloux and Leroy, "ConvSCCS: convolutional self-controlled case series model for
lagged adverse event detection", Biostatistics 21, 2020. Each drug has a curve, constant by pieces: the
penalty is the total variation of the curve, and a group penalty takes that of a drug without effect to zero.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from eclaireur.cases.drug_effects.lagged import Likelihood, likelihood_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eclaireur.cases.drug_effects.histories import Histories
    from eclaireur.cases.drug_effects.lagged import Summed
    from eclaireur.cases.drug_effects.terms import Terms

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
_CURVED = 4 * _STEP
_TOLD = 1e-9


@dataclass(frozen=True, slots=True, kw_only=True)
class Curves:
    """Logarithms of relative incidence by drug and day since the exposure, of shape (drugs, lags).

    ``loss`` is minus the conditional log-likelihood for each event, without penalty; ``terms`` are the
    coefficients of age and season, in the order of `terms.Terms.names`. ``low`` and ``high`` are
    the 95 % limits of a bootstrap of persons when there was one.
    """

    values: NDArray[np.float64]
    loss: float
    terms: NDArray[np.float64]
    low: NDArray[np.float64] | None = None
    high: NDArray[np.float64] | None = None


def fit_curves(
    likelihood: Likelihood | Summed, *, variation: float, group: float = 0.0, start: Curves | None = None
) -> Curves:
    """Minimise the penalised likelihood by an accelerated proximal descent (FISTA, with restarts).

    Parameters
    ----------
    likelihood
        What `lagged.likelihood_of` prepares, or `spread.spread_curves` on an engine. Its terms of age and
        season are fitted with the curves, without penalty.
    variation
        Strength of the total variation of each curve.
    group
        Strength of the group penalty, multiplied by √lags.
    start
        Curves from which to begin.
    """
    sums = likelihood.weighted() if isinstance(likelihood, Likelihood) else likelihood
    return _descend(sums, variation, group, start)


def _descend(sums: Summed, variation: float, group: float, start: Curves | None) -> Curves:
    import numpy as np

    shape = (sums.drugs, sums.lags)
    scaled = _Scaled(sums)
    size = scaled.size
    now = scaled.point(start)
    ahead, momentum, step = now.copy(), 1.0, _STEP
    best, loss = np.inf, scaled.value(now)
    for _ in range(_ROUNDS):
        value, slope = scaled.slopes(ahead)
        while True:
            moved = ahead - step * slope
            moved[:size] = _prox(moved[:size].reshape(shape), step * variation, step * group).ravel()
            change = moved - ahead
            after = scaled.value(moved)
            if after <= value + float((slope * change).sum()) + float((change**2).sum()) / (2 * step) + 1e-12:
                break
            step /= 2
        objective = after + _penalty(moved[:size].reshape(shape), variation, group)
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
    return Curves(values=now[:size].reshape(shape), loss=loss, terms=scaled.placed(now)[size:])


class _Scaled:
    """A likelihood whose terms are made as curved as a day of a curve, so that one step suits both.

    Directions that the data do not tell apart (age and season of persons born on one day) are left at 0.
    """

    def __init__(self, sums: Summed) -> None:
        import numpy as np

        self.sums, self.size = sums, sums.drugs * sums.lags
        self.scale = np.zeros((0, 0))
        if sums.terms.names:
            lengths, axes = np.linalg.eigh(sums.curvature())
            told = lengths > _TOLD * lengths[-1]
            self.scale = axes[:, told] / np.sqrt(lengths[told] * _CURVED)

    def placed(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return curves and terms of a point of the descent."""
        import numpy as np

        if not len(self.scale):
            return values
        return np.concatenate([values[: self.size], np.einsum("qr,r->q", self.scale, values[self.size :])])

    def point(self, start: Curves | None) -> NDArray[np.float64]:
        """Return the point of the descent of some curves; of none when not given."""
        import numpy as np

        found = np.zeros(self.size + self.scale.shape[1])
        if start is not None:
            found[: self.size] = start.values.ravel()
            if len(self.scale):
                found[self.size :] = np.linalg.lstsq(self.scale, start.terms, rcond=None)[0]
        return found

    def value(self, values: NDArray[np.float64]) -> float:
        return self.sums.value(self.placed(values))

    def slopes(self, values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        import numpy as np

        value, slope = self.sums.slopes(self.placed(values))
        if len(self.scale):
            terms = np.einsum("qr,q->r", self.scale, slope[self.size :])
            slope = np.concatenate([slope[: self.size], terms])
        return value, slope


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
    terms: Terms | None = None,
    folds: int = 3,
    seed: int = 0,
) -> tuple[float, float]:
    """Return the strengths (variation, group) whose curves lose the least on persons left out."""
    import numpy as np

    whole = likelihood_of(histories, lags=lags, terms=terms)
    places = np.random.default_rng(seed).permutation(len(histories.persons))
    losses = np.zeros(len(strengths))
    for fold in range(folds):
        out = np.zeros(len(places))
        out[places[fold::folds]] = 1.0
        inside, outside = whole.weighted(1.0 - out), whole.weighted(out)
        start = None
        for at, (variation, group) in enumerate(strengths):
            start = _descend(inside, variation, group, start)
            losses[at] += outside.value(np.concatenate([start.values.ravel(), start.terms]))
    return strengths[int(losses.argmin())]


def bootstrap_curves(
    histories: Histories,
    *,
    lags: int,
    variation: float,
    group: float,
    terms: Terms | None = None,
    draws: int = 200,
    seed: int = 0,
) -> Curves:
    """Return the curves with the 95 % limits of a bootstrap of persons.

    A person is drawn with the whole of its observation, so that its censoring is drawn too.
    """
    import numpy as np

    whole = likelihood_of(histories, lags=lags, terms=terms)
    made = fit_curves(whole, variation=variation, group=group)
    draw = np.random.default_rng(seed)
    n = len(histories.persons)
    found = []
    for _ in range(draws):
        times = np.bincount(draw.integers(0, n, n), minlength=n).astype(np.float64)
        found.append(_descend(whole.weighted(times), variation, group, made).values)
    low, high = np.quantile(found, [0.025, 0.975], axis=0)
    return replace(made, low=np.asarray(low), high=np.asarray(high))

"""Effect of several drugs by day since the exposure, without choosing windows: ConvSCCS.

Morel, Bacry, Gaïffas, Guilloux and Leroy, "ConvSCCS: convolutional self-controlled case series model for
lagged adverse event detection", Biostatistics 21, 2020. Each drug has a curve, constant by pieces: the
penalty is the total variation of the curve, and a group penalty takes that of a drug without effect to zero.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eclaireur.cases.drug_effects.histories import Histories

__all__ = [
    "Curves",
    "Prepared",
    "bootstrap_curves",
    "chosen_strength",
    "fit_curves",
    "loss_of",
    "prepare",
    "total_variation",
]

_ROUNDS = 300
_TOLERANCE = 1e-8
_STEP = 64.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """Histories as what a step of the descent needs: for each exposure, its first day seen and its last.

    Parameters
    ----------
    person, day
        Of each exposure, in days since the first of the study, of shape (k,).
    drug
        Its place among the drugs, of shape (k,).
    start, end
        Days observed of each person, ``end`` excluded, of shape (n,).
    event_person, event_day
        Of each event, of shape (m,).
    drugs
        Number of drugs.
    lags
        Days of each curve, from the day of the exposure.
    """

    person: NDArray[np.int64]
    day: NDArray[np.int64]
    drug: NDArray[np.int64]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    event_person: NDArray[np.int64]
    event_day: NDArray[np.int64]
    drugs: int
    lags: int


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


def prepare(histories: Histories, *, lags: int) -> Prepared:
    """Keep what curves of ``lags`` days need of histories.

    Exposures of one drug that are closer than ``lags`` days add up, as in the paper.
    """
    import numpy as np

    low = int(histories.start.min())
    seen = (histories.dose_day + lags > histories.start[histories.dose_person]) & (
        histories.dose_day <= histories.end[histories.dose_person]
    )
    order = np.lexsort((histories.dose_day[seen], histories.dose_person[seen]))
    return Prepared(
        person=histories.dose_person[seen][order],
        day=histories.dose_day[seen][order] - low,
        drug=histories.dose_drug[seen][order],
        start=histories.start - low,
        end=histories.end + 1 - low,
        event_person=histories.event_person,
        event_day=histories.event_day - low,
        drugs=len(histories.drugs),
        lags=lags,
    )


@dataclass(frozen=True, slots=True)
class _Cells:
    """Days of persons on which some drug acts, each with the places of the curves that act.

    A day of exposure is one cell; the days without any only count, since their rate is 1.
    """

    owner: NDArray[np.int64]
    places: NDArray[np.int64]
    entry: NDArray[np.int64]
    free: NDArray[np.float64]
    seen: NDArray[np.float64]
    weight: NDArray[np.float64]
    size: int


def _cells(prepared: Prepared) -> _Cells:
    import numpy as np

    lags = prepared.lags
    last = int(prepared.end.max()) + lags
    day = (prepared.day[:, None] + np.arange(lags)).ravel()
    owner = np.repeat(prepared.person, lags)
    place = (prepared.drug[:, None] * lags + np.arange(lags)).ravel()
    inside = (day >= prepared.start[owner]) & (day < prepared.end[owner])
    keys, entry = np.unique(owner[inside] * last + day[inside], return_inverse=True)
    n = len(prepared.start)
    events = np.bincount(prepared.event_person, minlength=n).astype(np.float64)
    at = np.searchsorted(keys, prepared.event_person * last + prepared.event_day)
    hit = (at < len(keys)) & (
        keys[np.minimum(at, len(keys) - 1)] == prepared.event_person * last + prepared.event_day
    )
    counts = np.bincount(at[hit], minlength=len(keys)).astype(np.float64)
    held = keys // last
    observed = (prepared.end - prepared.start).astype(np.float64)
    places = place[inside]
    return _Cells(
        owner=held,
        places=places,
        entry=entry,
        free=observed - np.bincount(held, minlength=n),
        seen=np.bincount(places, counts[entry], prepared.drugs * lags).astype(np.float64),
        weight=events,
        size=prepared.drugs * lags,
    )


@dataclass(frozen=True, slots=True)
class _Point:
    """The loss at a point, with what its gradient reuses."""

    value: float
    risk: NDArray[np.float64]
    total: NDArray[np.float64]


def _loss(cells: _Cells, values: NDArray[np.float64]) -> _Point:
    """Return minus the log-likelihood for each event, of a flat vector of curves."""
    import numpy as np

    risk = np.exp(np.bincount(cells.entry, values[cells.places], len(cells.owner)))
    total = cells.free + np.bincount(cells.owner, risk, len(cells.free))
    value = (cells.weight @ np.log(total) - cells.seen @ values) / cells.weight.sum()
    return _Point(float(value), risk, total)


def _slope(cells: _Cells, point: _Point) -> NDArray[np.float64]:
    import numpy as np

    share = point.risk * (cells.weight / point.total)[cells.owner]
    found = np.bincount(cells.places, share[cells.entry], cells.size) - cells.seen
    return np.asarray(found / cells.weight.sum(), np.float64)


def loss_of(prepared: Prepared, values: NDArray[np.float64]) -> float:
    """Return minus the conditional log-likelihood for each event of curves of shape (drugs, lags)."""
    return _loss(_cells(prepared), values.ravel()).value


def fit_curves(
    prepared: Prepared, *, variation: float, group: float = 0.0, start: NDArray[np.float64] | None = None
) -> Curves:
    """Minimise the penalised likelihood by an accelerated proximal descent (FISTA, with restarts).

    Parameters
    ----------
    variation
        Strength of the total variation of each curve.
    group
        Strength of the group penalty, multiplied by √lags.
    start
        Curves from which to begin, of shape (drugs, lags).
    """
    return _descend(_cells(prepared), prepared, variation, group, start)


def _descend(
    cells: _Cells,
    prepared: Prepared,
    variation: float,
    group: float,
    start: NDArray[np.float64] | None,
) -> Curves:
    import numpy as np

    shape = (prepared.drugs, prepared.lags)
    now = np.zeros(cells.size) if start is None else start.ravel().copy()
    ahead, momentum, step = now.copy(), 1.0, _STEP
    best = np.inf
    for _ in range(_ROUNDS):
        point = _loss(cells, ahead)
        value, slope = point.value, _slope(cells, point)
        while True:
            moved = _prox((ahead - step * slope).reshape(shape), step * variation, step * group).ravel()
            change = moved - ahead
            after = _loss(cells, moved).value
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
        now, momentum, best = moved, following, objective
        step *= 1.1
        if done:
            break
    return Curves(values=now.reshape(shape), loss=_loss(cells, now).value)


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
    """Return the closest curve under a total-variation penalty: the taut string, exact.

    Davies and Kovac, "Local extremes, runs, strings and multiresolution", Annals of Statistics 29, 2001: the
    shortest path between the running sums minus and plus the strength, whose slopes are the values.
    """
    import numpy as np

    n = len(values)
    if strength <= 0 or n < 2:
        return values.copy()
    sums = np.concatenate([[0.0], np.cumsum(values)])
    low, high = sums - strength, sums + strength
    low[0] = high[0] = 0.0
    low[n] = high[n] = sums[n]
    found = np.empty(n)
    at, height = 0, 0.0
    while at < n:
        gaps = np.arange(1, n - at + 1)
        up = np.minimum.accumulate((high[at + 1 :] - height) / gaps)
        down = np.maximum.accumulate((low[at + 1 :] - height) / gaps)
        crossed = np.flatnonzero(down > up)
        if not len(crossed):
            found[at:] = (sums[n] - height) / (n - at)
            break
        first = int(crossed[0])
        # The bound that stayed behind is where the string bends.
        bent_low = down[first] > down[first - 1]
        slopes = (high[at + 1 :] if bent_low else low[at + 1 :])[:first] - height
        slopes = slopes / gaps[:first]
        limit = up[first - 1] if bent_low else down[first - 1]
        turn = int(np.flatnonzero(slopes == limit)[-1]) + 1
        found[at : at + turn] = limit
        height = float(high[at + turn] if bent_low else low[at + turn])
        at += turn
    return found


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

    places = np.random.default_rng(seed).permutation(len(histories.persons))
    losses = np.zeros(len(strengths))
    for fold in range(folds):
        out = np.zeros(len(places), bool)
        out[places[fold::folds]] = True
        inside, outside = (prepare(histories.drawn(np.flatnonzero(one)), lags=lags) for one in (~out, out))
        cells, away = _cells(inside), _cells(outside)
        start = None
        for at, (variation, group) in enumerate(strengths):
            start = _descend(cells, inside, variation, group, start).values
            losses[at] += _loss(away, start.ravel()).value
    return strengths[int(losses.argmin())]


def bootstrap_curves(
    histories: Histories, *, lags: int, variation: float, group: float, draws: int = 200, seed: int = 0
) -> Curves:
    """Return the curves with the 95 % limits of a bootstrap of persons.

    A person is drawn with the whole of its observation, so that its censoring is drawn too.
    """
    import numpy as np

    made = fit_curves(prepare(histories, lags=lags), variation=variation, group=group)
    draw = np.random.default_rng(seed)
    n = len(histories.persons)
    found = []
    for _ in range(draws):
        drawn = prepare(histories.drawn(draw.integers(0, n, n)), lags=lags)
        found.append(fit_curves(drawn, variation=variation, group=group, start=made.values).values)
    low, high = np.quantile(found, [0.025, 0.975], axis=0)
    return Curves(values=made.values, loss=made.loss, low=np.asarray(low), high=np.asarray(high))

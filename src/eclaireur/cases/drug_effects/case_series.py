"""The self-controlled case series: cases only, each compared with itself.

Farrington, "Relative incidence estimation from case series for vaccine safety evaluation", Biometrics 51,
1995: a Poisson model conditional on each person's number of events, so that all that is constant in a person
goes away.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from eclaireur.cases.drug_effects.windows import Design, Window

__all__ = [
    "Effect",
    "Fit",
    "Slopes",
    "Sums",
    "conditional",
    "fit",
    "fit_sums",
    "newton",
    "person_sums",
    "slopes_at",
    "whole",
]

Slopes = tuple[float, "NDArray[np.float64]", "NDArray[np.float64]"]
"""The conditional log-likelihood, its gradient and its information."""

_Z = 1.959963984540054
_DROP = 1.9207294103470213
_STEPS = 60
_SEPARATED = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Relative incidence in a window, with its 95 % interval and the events seen inside.

    The interval is Wald's on the logarithm; with no event inside, from 0 to the limit of the profile
    likelihood; with all inside (an infinite ratio), from its limit, and ``error`` is what that limit implies.
    """

    name: str
    ratio: float
    low: float
    high: float
    events: int
    log_ratio: float
    error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A fitted case series.

    Parameters
    ----------
    effects
        One a window, in their order.
    log_likelihood
        At the maximum, of the days of the events: two designs of the same cases can be compared.
    coefficients
        Of every column, of shape (p,); −∞ where no event fell.
    """

    effects: tuple[Effect, ...]
    log_likelihood: float
    coefficients: NDArray[np.float64]
    persons: int
    events: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Sums:
    """What Newton's method needs of a design: sums over persons, wherever they are computed.

    Parameters
    ----------
    slopes
        Of all coefficients, of shape (p,), and the places of the free ones: the log-likelihood, and its
        gradient and information in the free ones. A coefficient of −∞ takes its intervals away.
    inside
        Events in each column, of shape (p,).
    exposed
        Sum over events of the logarithm of the days of their interval.
    """

    windows: tuple[Window, ...]
    slopes: Callable[[NDArray[np.float64], NDArray[np.int64]], Slopes]
    inside: NDArray[np.float64]
    exposed: float
    persons: int
    events: int


def fit(design: Design) -> Fit:
    """Maximise the conditional likelihood by Newton's method.

    Examples
    --------
    See ``docs/cases/drug_effects.md``: from rows to relative incidences in four lines.
    """
    return fit_sums(whole(design))


def whole(design: Design) -> Sums:
    """Return the sums of a design that this process holds whole."""
    return Sums(
        windows=design.windows,
        slopes=partial(slopes_at, design),
        inside=design.events @ design.columns,
        exposed=float(design.events @ design.log_days),
        persons=len(design.first),
        events=int(design.events.sum()),
    )


def fit_sums(sums: Sums) -> Fit:
    """Maximise a conditional likelihood that is known by its sums."""
    import numpy as np

    size = len(sums.inside)
    free = np.flatnonzero(sums.inside > 0)
    # No event in a group: its rate is 0 at the maximum, so its intervals weigh nothing.
    coefficients = np.where(sums.inside > 0, 0.0, -np.inf)
    coefficients[free], value, information = _best(sums, coefficients, free)
    error = np.full(size, np.inf)
    error[free] = np.sqrt(np.diag(np.linalg.pinv(information)))
    effects = []
    for at, window in enumerate(sums.windows):
        ratio = float(np.exp(coefficients[at]))
        if sums.inside[at] and error[at] > _SEPARATED:
            low, high, ratio = _lowest(sums, at, free, value), float("inf"), float("inf")
            error[at] = (coefficients[at] - np.log(max(low, 1e-9))) / _Z
        elif sums.inside[at]:
            bounds = np.exp(coefficients[at] + _Z * error[at] * np.array([-1.0, 1.0]))
            low, high = float(bounds[0]), float(bounds[1])
        else:
            low, high = 0.0, _highest(sums, at, free, value)
        effects.append(
            Effect(
                name=window.name,
                ratio=ratio,
                low=low,
                high=high,
                events=int(sums.inside[at]),
                log_ratio=float(coefficients[at]),
                error=float(error[at]),
            )
        )
    return Fit(
        effects=tuple(effects),
        log_likelihood=value - sums.exposed,
        coefficients=coefficients,
        persons=sums.persons,
        events=sums.events,
    )


def _best(
    sums: Sums, fixed: NDArray[np.float64], free: NDArray[np.int64]
) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
    """Return the maximum in the free coefficients, the others as they are."""

    def slopes(beta: NDArray[np.float64]) -> Slopes:
        coefficients = fixed.copy()
        coefficients[free] = beta
        return sums.slopes(coefficients, free)

    return newton(slopes, len(free))


def newton(
    slopes: Callable[[NDArray[np.float64]], Slopes], size: int
) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
    """Return the maximum, its value and the information there; steps are halved until the value grows."""
    import numpy as np

    beta = np.zeros(size)
    value, slope, information = slopes(beta)
    for _ in range(_STEPS):
        step = np.linalg.lstsq(information, slope, rcond=None)[0]
        if float(step @ slope) < 1e-12:
            break
        length = 1.0
        while True:
            trial = slopes(beta + length * step)
            if trial[0] >= value or length < 1e-6:
                break
            length /= 2
        beta = beta + length * step
        value, slope, information = trial
    return beta, value, information


def conditional(
    design: Design, rate: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Return the log-likelihood, each interval's share of its person's risk, and the events of each person.

    Parameters
    ----------
    rate
        Logarithm of the expected events of each interval, up to a constant of the person, of shape (t,).
    """
    import numpy as np

    first = design.first
    sizes = np.diff(np.append(first, len(rate)))
    top = np.maximum.reduceat(rate, first)
    weight = np.exp(rate - np.repeat(top, sizes))
    total = np.add.reduceat(weight, first)
    counts = np.add.reduceat(design.events, first)
    seen = design.events > 0
    value = float(design.events[seen] @ rate[seen] - counts @ (np.log(total) + top))
    return value, weight / np.repeat(total, sizes), counts


def person_sums(design: Design, weights: NDArray[np.float64], columns: csr_array) -> NDArray[np.float64]:
    """Return the weighted sum of columns over the intervals of each person, of shape (n, p)."""
    import numpy as np
    from scipy.sparse import csr_array

    size = len(weights)
    ends = np.append(design.first, size)
    found: NDArray[np.float64] = (
        csr_array((weights, np.arange(size), ends), shape=(len(design.first), size)) @ columns
    ).toarray()
    return found


def slopes_at(design: Design, coefficients: NDArray[np.float64], free: NDArray[np.int64]) -> Slopes:
    """Return what `Sums.slopes` says, of one design."""
    import numpy as np

    gone = np.isneginf(coefficients)
    rate = design.log_days + design.columns @ np.where(gone, 0.0, coefficients)
    if gone.any():
        rate[design.columns @ gone.astype(np.float64) > 0] = -np.inf
    value, share, counts = conditional(design, rate)
    columns = design.columns if len(free) == len(coefficients) else design.columns[:, free]
    sizes = np.diff(np.append(design.first, len(rate)))
    expected = share * np.repeat(counts, sizes)
    means = person_sums(design, share, columns)
    slope = (design.events - expected) @ columns
    weighed = columns.copy()
    weighed.data *= np.repeat(expected, np.diff(columns.indptr))
    information = (columns.T @ weighed).toarray() - means.T @ (counts[:, None] * means)
    return value, slope, information


def _lowest(sums: Sums, column: int, free: NDArray[np.int64], best: float) -> float:
    """Return the smallest ratio that the likelihood allows (95 %) to a window that holds every event."""
    import numpy as np
    from scipy.optimize import brentq

    fixed = np.where(sums.inside > 0, 0.0, -np.inf)
    others = free[free != column]

    def lost(log_ratio: float) -> float:
        fixed[column] = log_ratio
        return best - _best(sums, fixed, others)[1] - _DROP

    low = 1.0
    while lost(low) < 0:
        low -= 1.5
        if low < -12:
            return 0.0
    high = low + 1.5
    while lost(high) > 0:
        high += 1.5
        if high > 30:
            return float(np.exp(high))
    return float(np.exp(brentq(lost, low, high, xtol=1e-4)))


def _highest(sums: Sums, column: int, free: NDArray[np.int64], best: float) -> float:
    """Return the largest ratio of a window without event that the likelihood still allows (95 %)."""
    import numpy as np
    from scipy.optimize import brentq

    fixed = np.where(sums.inside > 0, 0.0, -np.inf)

    def lost(log_ratio: float) -> float:
        fixed[column] = log_ratio
        return best - _best(sums, fixed, free)[1] - _DROP

    high = 1.0
    while lost(high) < 0:
        high += 1.5
        if high > 12:
            return float("inf")
    return float(np.exp(brentq(lost, high - 20, high, xtol=1e-4)))

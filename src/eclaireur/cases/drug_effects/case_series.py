"""The self-controlled case series: cases only, each compared with itself.

Farrington, "Relative incidence estimation from case series for vaccine safety evaluation", Biometrics 51,
1995: a Poisson model conditional on each person's number of events, so that all that is constant in a person
goes away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eclaireur.cases.drug_effects.windows import Design

__all__ = ["Effect", "Fit", "conditional", "fit", "newton"]

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


def fit(design: Design) -> Fit:
    """Maximise the conditional likelihood by Newton's method.

    Examples
    --------
    See ``docs/cases/drug_effects.md``: from rows to relative incidences in four lines.
    """
    import numpy as np

    inside = design.events @ design.columns
    active = inside > 0
    free = np.flatnonzero(active)
    empty = np.flatnonzero(~active)
    # No event in a group: its rate is 0 at the maximum, so its intervals weigh nothing.
    alive = ~(design.columns[:, empty] > 0).any(axis=1) if len(empty) else np.ones(len(design.events), bool)
    offset = np.where(alive, design.log_days, -np.inf)
    beta, value, information = newton(design, design.columns[:, free], offset)
    errors = np.sqrt(np.diag(np.linalg.pinv(information)))
    coefficients = np.full(design.columns.shape[1], -np.inf)
    coefficients[free] = beta
    error = np.full(design.columns.shape[1], np.inf)
    error[free] = errors
    effects = []
    for at, window in enumerate(design.windows):
        ratio = float(np.exp(coefficients[at]))
        if active[at] and error[at] > _SEPARATED:
            low, high, ratio = _lowest(design, at, free, offset, value), float("inf"), float("inf")
            error[at] = (coefficients[at] - np.log(max(low, 1e-9))) / _Z
        elif active[at]:
            bounds = np.exp(coefficients[at] + _Z * error[at] * np.array([-1.0, 1.0]))
            low, high = float(bounds[0]), float(bounds[1])
        else:
            low, high = 0.0, _highest(design, at, value)
        effects.append(
            Effect(
                name=window.name,
                ratio=ratio,
                low=low,
                high=high,
                events=int(inside[at]),
                log_ratio=float(coefficients[at]),
                error=float(error[at]),
            )
        )
    return Fit(
        effects=tuple(effects),
        log_likelihood=value - float(design.events @ design.log_days),
        coefficients=coefficients,
        persons=len(design.first),
        events=int(design.events.sum()),
    )


def newton(
    design: Design, columns: NDArray[np.float64], offset: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float, NDArray[np.float64]]:
    """Return the maximum, its value and the information there; steps are halved until the value grows."""
    import numpy as np

    beta = np.zeros(columns.shape[1])
    value, slope, information = _slopes(design, columns, offset, beta)
    for _ in range(_STEPS):
        step = np.linalg.lstsq(information, slope, rcond=None)[0]
        if float(step @ slope) < 1e-12:
            break
        size = 1.0
        while True:
            trial = _slopes(design, columns, offset, beta + size * step)
            if trial[0] >= value or size < 1e-6:
                break
            size /= 2
        beta = beta + size * step
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


def _slopes(
    design: Design, columns: NDArray[np.float64], offset: NDArray[np.float64], beta: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64], NDArray[np.float64]]:
    """Return the conditional log-likelihood, its gradient and its information."""
    import numpy as np

    value, share, counts = conditional(design, offset + columns @ beta)
    sizes = np.diff(np.append(design.first, len(offset)))
    expected = share * np.repeat(counts, sizes)
    means = np.add.reduceat(share[:, None] * columns, design.first, axis=0)
    slope = design.events @ columns - expected @ columns
    information = columns.T @ (expected[:, None] * columns) - means.T @ (counts[:, None] * means)
    return value, slope, information


def _lowest(
    design: Design, column: int, free: NDArray[np.int64], offset: NDArray[np.float64], best: float
) -> float:
    """Return the smallest ratio that the likelihood allows (95 %) to a window that holds every event."""
    import numpy as np
    from scipy.optimize import brentq

    others = design.columns[:, free[free != column]]

    def lost(log_ratio: float) -> float:
        return best - newton(design, others, offset + log_ratio * design.columns[:, column])[1] - _DROP

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


def _highest(design: Design, column: int, best: float) -> float:
    """Return the largest ratio of a window without event that the likelihood still allows (95 %)."""
    import numpy as np
    from scipy.optimize import brentq

    inside = design.events @ design.columns
    free = np.flatnonzero(inside > 0)
    others = [at for at in np.flatnonzero(inside == 0) if at != column]
    alive = ~(design.columns[:, others] > 0).any(axis=1)
    base = np.where(alive, design.log_days, -np.inf)

    def lost(log_ratio: float) -> float:
        value = newton(design, design.columns[:, free], base + log_ratio * design.columns[:, column])[1]
        return best - value - _DROP

    high = 1.0
    while lost(high) < 0:
        high += 1.5
        if high > 12:
            return float("inf")
    return float(np.exp(brentq(lost, high - 20, high, xtol=1e-4)))

"""What a case series supposes, checked on its own data; its power; and calibration on negative controls."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eclaireur.cases.drug_effects.case_series import Effect, fit
from eclaireur.cases.drug_effects.windows import Window, after_exposure, design

if TYPE_CHECKING:
    from eclaireur.cases.drug_effects.histories import Histories

__all__ = [
    "Check",
    "SystematicError",
    "before_exposure",
    "calibrated",
    "power",
    "systematic_error",
    "truncation",
]

_Z = 1.959963984540054
_NEAR = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """A ratio that should be near 1, with its 95 % interval; ``suspect`` when the interval excludes 1."""

    name: str
    ratio: float
    low: float
    high: float
    events: int

    @property
    def suspect(self) -> bool:
        """Tell whether the assumption looks broken."""
        return self.low > 1 or self.high < 1


def before_exposure(
    histories: Histories, *, days: int = 14, after: int = 42, ages: Sequence[int] = ()
) -> tuple[Check, ...]:
    """Compare the days before each exposure with the others: an event that changes exposure shows there.

    A ratio below 1: exposure is delayed or prevented by the event. Above 1: it is a reason to be exposed.
    """
    windows = [Window(drug=drug, first=-days, last=-1) for drug in histories.drugs]
    windows += after_exposure(histories, last=after)
    made = fit(design(histories, windows, ages=ages))
    return tuple(_check(effect) for effect in made.effects[: len(histories.drugs)])


def _check(effect: Effect) -> Check:
    return Check(name=effect.name, ratio=effect.ratio, low=effect.low, high=effect.high, events=effect.events)


def truncation(histories: Histories, *, days: int = _NEAR) -> Check:
    """Compare the last days of observation with the others: an event that ends observation shows there.

    Events of the last ``days`` days beside those expected if each person's were uniform; an exact Poisson
    interval. Persons observed to the latest end of all are left out: their end is that of the study.
    """
    import numpy as np
    from scipy.stats import chi2

    person, day = histories.event_person, histories.event_day
    early = histories.end[person] < histories.end.max()
    length = (histories.end - histories.start + 1)[person]
    expected = float((np.minimum(days, length) / length)[early].sum())
    seen = int((early & (histories.end[person] - day < days)).sum())
    low = float(chi2.ppf(0.025, 2 * seen) / 2) if seen else 0.0
    high = float(chi2.ppf(0.975, 2 * seen + 2) / 2)
    if not expected:
        return Check(name="fin d'observation", ratio=1.0, low=0.0, high=math.inf, events=0)
    return Check(
        name="fin d'observation",
        ratio=seen / expected,
        low=low / expected,
        high=high / expected,
        events=seen,
    )


def power(events: int, ratio: float, share: float) -> float:
    """Return the chance that a two-sided test at 5 % sees a relative incidence.

    Musonda, Farrington and Whitaker, "Sample sizes for self-controlled case series studies", Statistics in
    Medicine 25, 2006: signed root of the likelihood ratio, without age.

    Parameters
    ----------
    events
        Events of exposed persons.
    ratio
        The relative incidence, other than 1.
    share
        Share of observation that lies in the window, in ]0, 1[.

    Examples
    --------
    >>> round(power(100, 2.0, 0.1), 2)
    0.68
    """
    at_risk = ratio * share + 1 - share
    inside = ratio * share / at_risk
    information = 2 * (inside * math.log(ratio) - math.log(at_risk))
    spread = math.log(ratio) ** 2 / information * inside * (1 - inside)
    z = (math.sqrt(events * information) - _Z) / math.sqrt(spread)
    return 0.5 * math.erfc(-z / math.sqrt(2))


@dataclass(frozen=True, slots=True)
class SystematicError:
    """Normal law of the error on the logarithm of a ratio, beyond chance."""

    mean: float
    spread: float


def systematic_error(log_ratios: Sequence[float], errors: Sequence[float]) -> SystematicError:
    """Fit the error of a design on negative controls, exposures known to do nothing.

    Schuemie, Ryan, DuMouchel, Suchard and Madigan, "Interpreting observational studies: why empirical
    calibration is needed to correct p-values", Statistics in Medicine 33, 2014.

    Raises
    ------
    ValueError
        If there are fewer than five controls.
    """
    import numpy as np
    from scipy.optimize import minimize

    if len(log_ratios) < 5:
        raise ValueError("five negative controls at least are needed")
    found, noise = np.asarray(log_ratios, np.float64), np.asarray(errors, np.float64)

    def loss(free: tuple[float, float]) -> float:
        variance = noise**2 + math.exp(2 * free[1])
        return float((np.log(variance) + (found - free[0]) ** 2 / variance).sum() / 2)

    best = min(
        (minimize(loss, (found.mean(), at), bounds=[(-5, 5), (-8, 2)]) for at in (-3.0, -1.0)),
        key=lambda one: float(one.fun),
    )
    return SystematicError(float(best.x[0]), math.exp(float(best.x[1])))


def calibrated(effect: Effect, error: SystematicError) -> Check:
    """Return an effect whose interval also covers the error seen on negative controls."""
    middle = effect.log_ratio - error.mean
    half = _Z * math.hypot(effect.error, error.spread)
    return Check(
        name=effect.name,
        ratio=math.exp(middle),
        low=math.exp(middle - half),
        high=math.exp(middle + half),
        events=effect.events,
    )

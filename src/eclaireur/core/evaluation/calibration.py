"""Whether a stated risk is the risk that is then observed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from eclaireur.core.evaluation.intervals import wilson
from eclaireur.core.evaluation.order import Order

__all__ = ["Bin", "brier", "calibration_error", "reliability"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """One bin of a reliability table: mean stated risk, observed share and its Wilson interval."""

    stated: float
    observed: float
    low: float
    high: float
    n: int


def brier(labels: Any, scores: Any, weights: Any = None) -> float:
    """Return the mean squared difference between stated risk and outcome (Brier 1950).

    >>> brier([1, 0], [1.0, 0.5])
    0.125
    """
    return Order(labels, scores).brier(weights)


def calibration_error(labels: Any, scores: Any, weights: Any = None) -> float:
    """Return the mean gap between stated and observed risk over ten bins of equal count.

    The expected calibration error with equal-mass bins (Nguyen & O'Connor 2015): the mean over
    rows of |mean stated − share observed| of their bin.
    """
    return Order(labels, scores).calibration_error(weights)


def reliability(labels: Any, scores: Any) -> tuple[Bin, ...]:
    """Return stated and observed risk by bin of equal count, lowest risk first."""
    order = Order(labels, scores)
    found = []
    for code in sorted(set(order.bins.tolist())):
        inside = order.bins == code
        n = int(inside.sum())
        positives = float(order.truth[inside].sum())
        low, high = wilson(positives, n)
        stated = float(order.score[inside].mean())
        found.append(Bin(stated=stated, observed=positives / n, low=low, high=high, n=n))
    return tuple(found)

"""A figure with the interval of its bootstrap draws, as a metric: one way for every case."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from eclaireur.core.evaluation.calibration import brier, calibration_error
from eclaireur.core.evaluation.intervals import bootstrap, percentiles
from eclaireur.core.types import Metric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["MEAN_RATE", "interval_metric", "mean_metric", "stated_metric", "stated_metrics", "usable"]

MEAN_RATE = "taux moyen"
"""The plain forecast beside stated chances: everybody at the mean rate."""


def interval_metric(
    name: str,
    value: float,
    drawn: NDArray[np.float64],
    *,
    n: int,
    baseline: str | None = None,
    baseline_value: float | None = None,
) -> Metric:
    """Return a figure with the 95 % percentile interval of its draws; None where it could not be computed.

    A percentile interval of a bounded or biased figure may miss the figure itself: it is widened to it.

    Parameters
    ----------
    drawn
        The same figure under each line of `intervals.bootstrap_weights`.

    Examples
    --------
    >>> import numpy as np
    >>> one = interval_metric("share", 1.0, np.array([0.8, 0.9]), n=10)
    >>> (one.value, one.high)
    (1.0, 1.0)
    """
    low, high = percentiles(drawn)
    if not math.isnan(value) and not math.isnan(low):
        low, high = min(low, value), max(high, value)
    return Metric(
        name=name,
        value=usable(value),
        low=usable(low),
        high=usable(high),
        n=n,
        baseline=baseline or None,
        baseline_value=None if baseline_value is None else usable(baseline_value),
    )


def mean_metric(
    name: str,
    values: NDArray[Any],
    weights: NDArray[np.float64],
    *,
    baseline: str | None = None,
    beside: NDArray[Any] | None = None,
) -> Metric:
    """Return the mean of a value a row, with its interval and the mean of a baseline's values.

    >>> import numpy as np
    >>> mean_metric("hit", np.array([1.0, 0.0]), np.ones((5, 2))).value
    0.5
    """
    return interval_metric(
        name,
        float(values.mean()),
        (weights @ values) / weights.sum(axis=1),
        n=len(values),
        baseline=baseline,
        baseline_value=None if beside is None else float(beside.mean()),
    )


def stated_metric(
    name: str,
    figure: Callable[..., float],
    truth: NDArray[Any],
    chances: NDArray[np.float64],
    weights: NDArray[np.float64],
    known: float,
) -> Metric:
    """Return a figure of stated chances beside that of one rate for all.

    Parameters
    ----------
    figure
        Takes truth, chances and weights, as `calibration.brier` does.
    known
        The rate that was known before: that of what was learnt from.
    """
    import numpy as np

    return interval_metric(
        name,
        figure(truth, chances),
        bootstrap(lambda weight: figure(truth, chances, weight), weights),
        n=len(truth),
        baseline=MEAN_RATE,
        baseline_value=figure(truth, np.full(len(truth), known)),
    )


def stated_metrics(
    truth: NDArray[Any], chances: NDArray[np.float64], weights: NDArray[np.float64], known: float
) -> tuple[Metric, Metric]:
    """Return the Brier score and the calibration error of stated chances; see `stated_metric`."""
    return (
        stated_metric("brier", brier, truth, chances, weights, known),
        stated_metric("calibration_error", calibration_error, truth, chances, weights, known),
    )


def usable(value: float) -> float | None:
    """Return a figure, or None when it could not be computed."""
    return None if math.isnan(value) else float(value)

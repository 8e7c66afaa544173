"""Two orders of the same rows: the difference with a paired interval."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from eclaireur.core.errors import BadValueError
from eclaireur.core.evaluation.arrays import group_codes
from eclaireur.core.evaluation.intervals import bootstrap_weights, percentiles
from eclaireur.core.evaluation.metrics import interval_metric, usable
from eclaireur.core.evaluation.order import Order
from eclaireur.core.evaluation.panel import Panel
from eclaireur.core.types import Metric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "FIGURES",
    "Figure",
    "Ranking",
    "auc_metric",
    "comparison",
    "figure_named",
    "gain",
    "measured",
]

Ranking = Order | Panel
"""One order, or the orders of several periods."""

Figure = Callable[[Any, Any], Any]
"""What a ranking and weights give: a number, or one a draw (`Panel`)."""

FIGURES: dict[str, Figure] = {
    "auc": lambda order, weights: order.auc(weights),
    "auc_within_observer": lambda order, weights: order.auc_within(weights),
    "lift_top_5pct": lambda order, weights: order.lift_top(0.05, weights),
    "average_precision": lambda order, weights: order.average_precision(weights),
    "precision_at_100": lambda order, weights: order.precision_at(100, weights),
    "days_earlier": lambda order, weights: order.days_earlier(weights),
    "first_half_share": lambda order, weights: order.first_half_share(weights),
    "brier": lambda order, weights: order.brier(weights),
    "calibration_error": lambda order, weights: order.calibration_error(weights),
}
"""Every figure by its name; all but the last two only look at the order."""


def figure_named(name: str, k: int | None = None) -> Figure:
    """Return a figure by its name; ``precision_at_k`` and ``recall_at_k`` take their ``k`` apart.

    Raises
    ------
    BadValueError
        If there is no such figure, or ``k`` is missing or below 1.
    """
    if name in {"precision_at_k", "recall_at_k"}:
        if k is None or k < 1:
            raise BadValueError(f"« {name} » demande un nombre de places d'au moins 1.")
        if name == "precision_at_k":
            return lambda order, weights: order.precision_at(k, weights)
        return lambda order, weights: order.recall_at(k, weights)
    if name not in FIGURES:
        raise BadValueError(f"mesure inconnue : « {name} ».", fix=f"Connues : {', '.join(FIGURES)}.")
    return FIGURES[name]


def _redrawn(name: str, order: Ranking, weights: NDArray[np.float64], k: int | None) -> NDArray[np.float64]:
    """Return a figure under each line of bootstrap weights; see `Panel.redrawn`."""
    import numpy as np

    figure = figure_named(name, k)
    if isinstance(order, Panel):
        return order.redrawn((name, k), figure, weights)
    return np.array([figure(order, line) for line in weights])


def measured(
    name: str,
    order: Ranking,
    weights: NDArray[np.float64],
    *,
    baseline: str | None = None,
    baseline_value: float | None = None,
    k: int | None = None,
) -> Metric:
    """Return a figure with its bootstrap interval and a baseline's value beside it.

    Parameters
    ----------
    weights
        Bootstrap weights, one line per draw (`intervals.bootstrap_weights`).
    k
        Places of ``precision_at_k`` and ``recall_at_k``.
    """
    figure = figure_named(name, k)
    return interval_metric(
        name,
        figure(order, None),
        _redrawn(name, order, weights, k),
        n=order.size,
        baseline=baseline,
        baseline_value=baseline_value,
    )


def gain(
    name: str,
    order: Ranking,
    baseline: Ranking,
    weights: NDArray[np.float64],
    *,
    baseline_name: str,
    k: int | None = None,
) -> Metric:
    """Return the figure of an order minus that of a baseline on the same rows, with a paired interval."""
    figure = figure_named(name, k)
    reference = figure(baseline, None)
    value = figure(order, None) - reference
    low, high = percentiles(_redrawn(name, order, weights, k) - _redrawn(name, baseline, weights, k))
    return Metric(
        name=f"{name}_gain",
        value=usable(value),
        low=usable(low),
        high=usable(high),
        n=order.size,
        baseline=baseline_name,
        baseline_value=usable(reference),
    )


def auc_metric(labels: Any, scores: Any, *, baseline: str, baseline_scores: Any, seed: int = 0) -> Metric:
    """Return the area under the curve of scores with its interval, beside that of a baseline."""
    order = Panel(labels, scores)
    weights = bootstrap_weights(order.size, seed=seed)
    value = usable(Order(labels, baseline_scores).auc())
    return measured("auc", order, weights, baseline=baseline, baseline_value=value)


def comparison(
    labels: Any,
    challenger: Any,
    champion: Any,
    *,
    champion_name: str,
    observer: Sequence[Any],
    subjects: Sequence[Any],
    seed: int,
) -> tuple[Metric, ...]:
    """Measure a challenger and a champion on the same rows.

    Parameters
    ----------
    subjects
        Subject of each row: the bootstrap draws subjects, so that a subject's rows come together.

    Returns
    -------
    tuple of Metric
        For each figure, the challenger's value with the champion's as baseline, then the gain.
    """
    groups = group_codes(observer)
    new, old = Panel(labels, challenger, groups=groups), Panel(labels, champion, groups=groups)
    weights = bootstrap_weights(new.size, seed=seed, clusters=group_codes(subjects))
    metrics: list[Metric] = []
    for name in ("auc", "auc_within_observer", "lift_top_5pct", "precision_at_100", "brier"):
        reference = usable(FIGURES[name](old, None))
        if reference is None:
            continue
        metrics.append(measured(name, new, weights, baseline=champion_name, baseline_value=reference))
        metrics.append(gain(name, new, old, weights, baseline_name=champion_name))
    return tuple(metrics)

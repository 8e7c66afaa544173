"""The figures of a ranking case in one go, and the JSON form that programs read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eclaireur.core.evaluation.arrays import group_codes
from eclaireur.core.evaluation.compare import FIGURES, figure_named, gain, measured
from eclaireur.core.evaluation.intervals import bootstrap_weights
from eclaireur.core.evaluation.metrics import usable
from eclaireur.core.evaluation.panel import Panel
from eclaireur.core.types import Evaluation, EvaluationBlock, Metric, SubgroupMetric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "block_from_json",
    "block_to_json",
    "evaluation_json",
    "metric_from_json",
    "metric_to_json",
    "ranking_metrics",
]

_ORDER_FIGURES = (
    "auc",
    "auc_within_observer",
    "lift_top_5pct",
    "average_precision",
    "precision_at_100",
    "precision_at_k",
    "recall_at_k",
)
_CALENDAR = "calendrier réel"


def ranking_metrics(
    labels: Any,
    scores: Any,
    *,
    days: Any,
    observer: Sequence[Any],
    subjects: Sequence[Any],
    baselines: Mapping[str, Any],
    nuisance: Mapping[str, Any] | None = None,
    base_rate: Any,
    periods: Any = None,
    k: int = 100,
    seed: int,
) -> tuple[Metric, ...]:
    """Return every figure of a calibrated ranking, each with its interval and a baseline.

    Parameters
    ----------
    labels, scores
        Outcomes in {0, 1} and stated risks, shape ``(n,)``.
    days
        Day of each row, as a number.
    observer
        Who measured each row, None where it is not known.
    subjects
        Subject of each row: the bootstrap draws subjects, so that a subject's rows come together.
    baselines
        Name in French → scores of a rule that could make the same list.
    nuisance
        Name → scores that no list may use (the observer's own rate), shown as gains only.
    base_rate
        Share known before each row: the baseline of stated risks.
    periods
        Code of the period in which each row is ranked (see `Panel`); None for one period.
    k
        Places of each period: of ``precision_at_k`` and ``recall_at_k``.

    Returns
    -------
    tuple of Metric
        Each figure beside the strongest baseline, then the gains over every baseline.
    """
    import numpy as np

    groups = group_codes(observer)
    _, clusters = np.unique(np.array([str(subject) for subject in subjects]), return_inverse=True)

    def order(values: Any) -> Panel:
        return Panel(labels, values, groups=groups, days=days, periods=periods)

    model = order(scores)
    weights = bootstrap_weights(model.size, seed=seed, clusters=clusters)
    rules = {name: order(values) for name, values in baselines.items()}
    metrics = [_beside_best(name, model, rules, weights, k) for name in _ORDER_FIGURES]
    metrics += _calendar_metrics(model, order(-np.asarray(days, dtype=np.float64)), weights)
    rate = order(base_rate)
    for name in ("brier", "calibration_error"):
        reference = usable(FIGURES[name](rate, None))
        metrics.append(measured(name, model, weights, baseline="taux moyen connu", baseline_value=reference))
    others = rules | {name: order(values) for name, values in (nuisance or {}).items()}
    metrics += [
        gain(name, model, other, weights, baseline_name=label)
        for name in ("auc", "auc_within_observer", "lift_top_5pct")
        for label, other in others.items()
    ]
    return tuple(metrics)


def _beside_best(
    name: str, model: Panel, rules: Mapping[str, Panel], weights: NDArray[np.float64], k: int
) -> Metric:
    values = {label: usable(figure_named(name, k)(rule, None)) for label, rule in rules.items()}
    known = {label: value for label, value in values.items() if value is not None}
    best = max(known, key=lambda label: known[label]) if known else None
    return measured(name, model, weights, baseline=best, baseline_value=known[best] if best else None, k=k)


def _calendar_metrics(model: Panel, usual: Panel, weights: NDArray[np.float64]) -> list[Metric]:
    return [
        measured("days_earlier", model, weights, baseline=_CALENDAR, baseline_value=0.0),
        measured(
            "first_half_share",
            model,
            weights,
            baseline=_CALENDAR,
            baseline_value=usable(usual.first_half_share()),
        ),
    ]


def metric_to_json(metric: Metric) -> dict[str, Any]:
    """Return a metric as a JSON object."""
    return {
        "name": metric.name,
        "value": metric.value,
        "low": metric.low,
        "high": metric.high,
        "n": metric.n,
        "baseline": metric.baseline,
        "baseline_value": metric.baseline_value,
    }


def metric_from_json(row: Mapping[str, Any]) -> Metric:
    """Read what `metric_to_json` wrote."""
    return Metric(**row)


def block_to_json(block: EvaluationBlock) -> dict[str, Any]:
    """Return a block as a JSON object."""
    return {
        "data_set": block.data_set,
        "split": block.split,
        "metrics": [metric_to_json(metric) for metric in block.metrics],
        "run": block.run,
        "subgroups": [
            {"attribute": row.attribute, "group": row.group, **metric_to_json(row.metric)}
            for row in block.subgroups
        ],
        "notes": list(block.notes),
    }


def block_from_json(row: Mapping[str, Any]) -> EvaluationBlock:
    """Read what `block_to_json` wrote."""
    subgroups = [dict(one) for one in row["subgroups"]]
    return EvaluationBlock(
        data_set=row["data_set"],
        split=row["split"],
        metrics=tuple(metric_from_json(metric) for metric in row["metrics"]),
        run=row["run"],
        subgroups=tuple(
            SubgroupMetric(attribute=one.pop("attribute"), group=one.pop("group"), metric=Metric(**one))
            for one in subgroups
        ),
        notes=tuple(row["notes"]),
    )


def evaluation_json(evaluation: Evaluation) -> dict[str, Any]:
    """Return an evaluation in the documented form: case, then blocks with their metrics."""
    return {"case": evaluation.case, "blocks": [block_to_json(block) for block in evaluation.blocks]}

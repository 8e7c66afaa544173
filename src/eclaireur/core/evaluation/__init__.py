"""How well a case does: figures with an interval, a count and the plain baseline beside them."""

from __future__ import annotations

from eclaireur.core.evaluation.arrays import group_codes
from eclaireur.core.evaluation.calibration import brier, calibration_error, reliability
from eclaireur.core.evaluation.compare import auc_metric, comparison, figure_named, gain, measured
from eclaireur.core.evaluation.counts import count_metrics, loss_metrics, poisson_deviance, skill
from eclaireur.core.evaluation.intervals import MIN_GROUP, bootstrap_weights, newcombe, wilson
from eclaireur.core.evaluation.metrics import interval_metric, mean_metric, stated_metric, stated_metrics
from eclaireur.core.evaluation.panel import Panel
from eclaireur.core.evaluation.ranking import (
    auc,
    auc_within,
    labelled_in_k,
    lift_top,
    precision_at,
    precision_bounds,
)
from eclaireur.core.evaluation.report import (
    block_from_json,
    block_to_json,
    evaluation_json,
    metric_from_json,
    metric_to_json,
    ranking_metrics,
)
from eclaireur.core.evaluation.schedule import days_earlier, first_half_share
from eclaireur.core.evaluation.splits import Split, rolling_origins
from eclaireur.core.evaluation.subgroups import subgroup_table

__all__ = [
    "MIN_GROUP",
    "Panel",
    "Split",
    "auc",
    "auc_metric",
    "auc_within",
    "block_from_json",
    "block_to_json",
    "bootstrap_weights",
    "brier",
    "calibration_error",
    "comparison",
    "count_metrics",
    "days_earlier",
    "evaluation_json",
    "figure_named",
    "first_half_share",
    "gain",
    "group_codes",
    "interval_metric",
    "labelled_in_k",
    "lift_top",
    "loss_metrics",
    "mean_metric",
    "measured",
    "metric_from_json",
    "metric_to_json",
    "newcombe",
    "poisson_deviance",
    "precision_at",
    "precision_bounds",
    "ranking_metrics",
    "reliability",
    "rolling_origins",
    "skill",
    "stated_metric",
    "stated_metrics",
    "subgroup_table",
    "wilson",
]

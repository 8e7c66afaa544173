"""Measured figures in French: what a metric is called, and the tables that show an evaluation."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eclaireur.core.view import Column, Table

if TYPE_CHECKING:
    from eclaireur.core.types import EvaluationBlock, Metric

__all__ = ["TOO_FEW", "block_tables", "metric_interval", "metric_word"]

TOO_FEW = "trop peu pour conclure"
"""What stands for the figure of a group that is too small."""

_WORDS = {
    "auc": "ordre juste (AUC)",
    "auc_within_observer": "ordre juste, à inspecteur égal",
    "lift_top_5pct": "lift des 5 % premiers",
    "average_precision": "précision moyenne",
    "precision_at_k": "trouvés parmi les k premiers",
    "recall_at_k": "part de tous trouvée parmi les k premiers",
    "labelled_share_in_k": "résultats connus parmi les k premiers",
    "precision_at_k_bounds": "bornes de la précision, résultats inconnus compris",
    "deviance": "déviance",
    "mean_absolute_error": "erreur absolue moyenne",
    "skill_over_baseline": "part de l'erreur de la référence évitée",
    "interval_coverage": "valeurs dans leur intervalle",
    "precision_at_100": "trouvés parmi les 100 premiers",
    "labelled_in_100": "résultats connus parmi les 100 premiers",
    "days_earlier": "jours gagnés",
    "first_half_share": "trouvés dans la première moitié",
    "brier": "écart quadratique (Brier)",
    "calibration_error": "écart de calibrage",
    "auc_published_in_sample": "score publié, sur ses propres données",
    "base_rate": "taux de défavorables",
    "selection_rate": "part retenue",
    "precision_selected": "défavorables parmi les retenus",
    "selection_ratio": "rapport de sélection aux autres",
    "false_positive_gap": "écart de retenus à tort",
    "false_negative_gap": "écart de manqués",
    "calibration_gap": "risque annoncé − observé",
}


def metric_word(name: str) -> str:
    """Say a metric in French; the codes stay in the JSON output."""
    if name.endswith("_gain"):
        return f"gain : {_WORDS.get(name.removesuffix('_gain'), name)}"
    return _WORDS.get(name, name)


def metric_interval(metric: Metric) -> str:
    """Write an interval in French; a dash when there is none."""
    from eclaireur.core import french

    if metric.low is None or metric.high is None:
        return "–"
    return f"{french.number(metric.low, 3)} à {french.number(metric.high, 3)}"


def block_tables(block: EvaluationBlock) -> list[Table]:
    """Return the figures of a data set, then one table for each way of cutting it into groups."""
    return [_block_table(block), *_subgroup_tables(block)]


def _block_table(block: EvaluationBlock) -> Table:
    columns = (
        Column(key="name", title="Mesure"),
        Column(key="value", title="Valeur", align="right"),
        Column(key="interval", title="Intervalle à 95 %", align="right"),
        Column(key="baseline", title="Référence"),
        Column(key="baseline_value", title="Sa valeur", align="right"),
        Column(key="n", title="n", align="right"),
    )
    rows = [
        {
            "name": metric_word(metric.name),
            "value": metric.value,
            "interval": metric_interval(metric),
            "baseline": metric.baseline,
            "baseline_value": metric.baseline_value,
            "n": metric.n,
        }
        for metric in block.metrics
    ]
    return Table(
        title=f"{block.data_set}, {block.split} (calcul {block.run})",
        columns=columns,
        rows=rows,
        note=" ".join(block.notes),
    )


def _subgroup_tables(block: EvaluationBlock) -> list[Table]:
    from eclaireur.core import french

    tables = []
    for attribute in dict.fromkeys(row.attribute for row in block.subgroups):
        rows: dict[str, dict[str, Any]] = {}
        names: dict[str, None] = {}
        for row in block.subgroups:
            if row.attribute == attribute:
                cell = rows.setdefault(row.group, {"group": row.group, "n": row.metric.n})
                value = row.metric.value
                cell[row.metric.name] = TOO_FEW if value is None else french.number(value, 3)
                names[row.metric.name] = None
        columns = (
            Column(key="group", title="Groupe"),
            Column(key="n", title="n", align="right"),
            *(Column(key=name, title=metric_word(name), align="right") for name in names),
        )
        tables.append(Table(title=f"Par {attribute}", columns=columns, rows=list(rows.values())))
    return tables

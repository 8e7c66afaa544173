"""Figures: published effects found again, signals that later reports confirm."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from eclaireur.cases.drug_effects import model as modelling
from eclaireur.cases.drug_effects.judging import LEVEL, series
from eclaireur.cases.drug_effects.published import STUDIES, fit_study
from eclaireur.cases.drug_effects.reports_table import count_pairs
from eclaireur.cases.drug_effects.shrinker import fit_prior, shrink
from eclaireur.core import evaluation, french
from eclaireur.core.types import EvaluationBlock, Metric, SubgroupMetric

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.cases.drug_effects.shrinker import Prior
    from eclaireur.core.case import Progress, Records

__all__ = ["evaluate"]

_CRUDE = "sans ajuster sur l'âge"
_CUTS = (3, 10)
_SIZES = ("1 ou 2", "3 à 9", "10 et plus")
"""Numbers of reports of a pair, cut at `_CUTS`."""


def evaluate(source: str, records: Records, *, seed: int, progress: Progress) -> tuple[EvaluationBlock, ...]:
    """Return one block for series of cases, one for reports and one for their later half."""
    found: list[EvaluationBlock] = []
    if records["histories"].num_rows:
        progress(0, 2, "Séries de cas")
        found.append(_cases(source, records["histories"]))
    if records["reports"].num_rows:
        progress(1, 2, "Déclarations")
        found.append(_fitted(source, records["reports"]))
        later = _later(source, records, seed)
        found += [later] if later is not None else []
    return tuple(found)


def _cases(source: str, table: pa.Table) -> EvaluationBlock:
    """Give each published window beside its crude ratio; the windows of a user's table under plain names."""
    rows = table.to_pylist()
    metrics: list[Metric] = []
    notes: list[str] = []
    for study in STUDIES:
        some = [row for row in rows if row["study"] == study.name]
        if not some:
            continue
        made, histories = fit_study(study, some)
        crude, _ = fit_study(study, some, adjusted=False)
        for name, (at, answer) in study.answers.items():
            effect = made.effects[at]
            metrics.append(
                _metric(
                    name,
                    effect.ratio,
                    effect.low,
                    effect.high,
                    len(histories.event_day),
                    crude.effects[at].ratio,
                )
            )
            limits = (
                "" if math.isnan(answer.low) else f" ({answer.low:.2f} à {answer.high:.2f})".replace(".", ",")
            )
            notes.append(f"{name} : publié {french.number(answer.ratio, 2)}{limits}, {study.origin}.")
    if not metrics:
        for at, (event, effect, _, histories) in enumerate(series(rows), start=1):
            metrics.append(
                _metric(f"ri_{at}", effect.ratio, effect.low, effect.high, len(histories.event_day), 1.0)
            )
            notes.append(f"ri_{at} : {effect.name}, {event} ; repère : aucun effet.")
    return EvaluationBlock(
        data_set=source,
        split="chaque cas comparé à lui-même ; aucun apprentissage",
        metrics=tuple(metrics),
        run="",
        notes=tuple(notes),
    )


def _metric(name: str, value: float, low: float, high: float, n: int, crude: float) -> Metric:
    return Metric(
        name=name,
        value=value if math.isfinite(value) else None,
        low=low if math.isfinite(low) else None,
        high=high if math.isfinite(high) else None,
        n=n,
        baseline=_CRUDE,
        baseline_value=crude,
    )


def _fitted(source: str, reports: pa.Table) -> EvaluationBlock:
    """Give the strongest pair of all reports, beside its plain ratio."""
    pairs = count_pairs(reports)
    prior = fit_prior(pairs.count, pairs.expected)
    shrunk = shrink(pairs.count, pairs.expected, prior)
    top = int(shrunk.mean.argmax())
    metric = Metric(
        name="ebgm_caers_top" if source == "caers" else "ebgm_top",
        value=float(shrunk.mean[top]),
        low=float(shrunk.low[top]),
        high=float(shrunk.high[top]),
        n=int(pairs.count[top]),
        baseline="vu sur attendu",
        baseline_value=float(pairs.count[top] / pairs.expected[top]),
    )
    loss = Metric(name="negative_log_likelihood", value=prior.loss, low=None, high=None, n=len(pairs.drug))
    return EvaluationBlock(
        data_set=source,
        split="toutes les déclarations ; intervalle de EB05 à EB95",
        metrics=(metric, loss),
        run="",
        notes=(f"Couple le plus fort : {pairs.drug[top]} × {pairs.event[top]}.",),
    )


def _later(source: str, records: Records, seed: int) -> EvaluationBlock | None:
    """Judge pairs on the first half of the reports, and look at the second."""
    import numpy as np

    examples = modelling.examples(records)
    labels = examples["label"].to_numpy()
    if len(set(labels.tolist())) < 2:
        return None
    first, _, cut = modelling.halves(records["reports"])
    pairs = count_pairs(first)
    prior = fit_prior(pairs.count, pairs.expected)
    scores = shrink(pairs.count, pairs.expected, prior, level=LEVEL).beyond
    rate = np.full(len(labels), labels.mean())
    metrics = evaluation.ranking_metrics(
        labels,
        scores,
        days=np.zeros(len(labels), np.int64),
        observer=[None] * len(labels),
        subjects=examples["subject"].to_pylist(),
        baselines={"vu sur attendu": pairs.count / pairs.expected, "nombre de déclarations": pairs.count},
        base_rate=rate,
        seed=seed,
    )
    groups = _by_group(records["reports"], prior)
    dated = len(set(records["reports"]["observed"].to_pylist())) > 1
    how = f"du {french.day(cut)} et après" if dated else "de numéro plus grand"
    return EvaluationBlock(
        data_set=source,
        split=f"jugé sur la première moitié, confirmé par les déclarations {how}",
        metrics=tuple(
            one
            for one in metrics
            if one.name not in {"days_earlier", "first_half_share", "brier", "calibration_error"}
        ),
        run="",
        notes=(
            f"Confirmé : au moins {LEVEL:.0f} fois les déclarations attendues, et 3.",
            "Par groupe : chaque strate est jugée et confirmée par ses propres déclarations.",
        ),
        subgroups=groups,
    )


def _by_group(reports: pa.Table, prior: Prior) -> tuple[SubgroupMetric, ...]:
    """Return the same figures for each stratum (the sex, for instance), and by number of reports.

    The prior is that of all strata together, as the model's is: does it serve them alike?
    """
    import numpy as np
    import pyarrow.compute as pc

    first, second, _ = modelling.halves(reports)
    strata = sorted({one or "" for one in first["stratum"].to_pylist()})
    truth: list[float] = []
    scores: list[float] = []
    groups: dict[str, list[str]] = {"strate": [], "déclarations": []}
    for name in strata:
        early, late = (
            half.filter(pc.equal(pc.fill_null(half["stratum"], ""), name)) for half in (first, second)
        )
        pairs = count_pairs(early)
        later = modelling.excess(count_pairs(late))
        truth += [float(later.get(pair, False)) for pair in zip(pairs.drug, pairs.event, strict=True)]
        scores += shrink(pairs.count, pairs.expected, prior, level=LEVEL).beyond.tolist()
        groups["strate"] += [name or "inconnue"] * len(pairs.drug)
        places = np.searchsorted(np.array(_CUTS), pairs.count, side="right").tolist()
        groups["déclarations"] += [_SIZES[at] for at in places]
    return evaluation.subgroup_table(truth, scores, groups)

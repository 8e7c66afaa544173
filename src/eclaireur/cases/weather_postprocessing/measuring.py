"""Figures on held-out days: CRPS beside plain forecasts, Brier score, coverage, each with an interval."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from eclaireur.cases.weather_postprocessing import model as modelling
from eclaireur.cases.weather_postprocessing.documented import RAIN, THRESHOLDS, event_words
from eclaireur.cases.weather_postprocessing.panel import panel_of, variables
from eclaireur.cases.weather_postprocessing.rolling import Held, held_out
from eclaireur.cases.weather_postprocessing.sheet import day_of
from eclaireur.cases.weather_postprocessing.verify import (
    block_length,
    block_weights,
    coverage,
    crps_ensemble,
    crps_parts,
    crps_quantiles,
)
from eclaireur.core import evaluation, french
from eclaireur.core.types import EvaluationBlock, Metric, SubgroupMetric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eclaireur.core.case import Progress, Records

__all__ = ["DESIGN_NAMES", "FORECASTS", "evaluate", "held_of", "scores_of"]

_SHARE = {True: 1 / 3, False: 1 / 2}
_YEAR = 365
_FINE = 199
FORECASTS = {
    "raw": "ensemble brut",
    "climatology": "climatologie",
    "emos": "EMOS simple",
    "corrected_mean": "moyenne corrigée",
    "local_emos": "EMOS par station",
    "forest": "forêt de quantiles",
}
"""Forecasts that ours is compared with, in French."""
_SEASONS = ("hiver", "printemps", "été", "automne")
DESIGN_NAMES = {
    "plain": "simple",
    "season": "saison",
    "year": "saison et veille",
    "seasons": "saisons et veille",
    "recent": "saisons et erreurs récentes",
    "corrected": "moyenne corrigée",
    "pooled": "stations ensemble",
    "pooled fresh": "stations ensemble, erreurs récentes",
    "pooled seasons": "stations ensemble, saisons",
}
"""Designs in French."""


def evaluate(source: str, records: Records, *, seed: int, progress: Progress) -> tuple[EvaluationBlock, ...]:
    """Return one block a variable."""
    blocks = []
    for variable in variables(records):
        held = held_of(records, variable, seed=seed, progress=progress)
        if held is not None:
            blocks.append(_block(source, held, seed))
    return tuple(blocks)


def held_of(
    records: Records, variable: str, *, seed: int, progress: Progress, compare: bool = True
) -> Held | None:
    """Forecast the held-out days of a variable: the last third of years, the last half of less than one."""
    panel = panel_of(records, variable)
    if not panel.verified.any():
        return None
    span = int(panel.day.max() - panel.day.min())
    return held_out(panel, seed=seed, share=_SHARE[span > 2 * _YEAR], progress=progress, compare=compare)


def scores_of(held: Held) -> dict[str, NDArray[np.float64]]:
    """Return the CRPS of each row by forecast: ``ours``, ``raw`` and the baselines."""
    observed = held.panel.observed
    found = {"ours": held.law.crps(observed), "raw": crps_ensemble(held.panel.members, observed)}
    found |= {name: law.crps(observed) for name, law in held.laws.items()}
    return found | {name: crps_quantiles(rows, observed) for name, rows in held.quantiles.items()}


def _block(source: str, held: Held, seed: int) -> EvaluationBlock:
    panel = held.panel
    weights = block_weights(panel.day, seed=seed)
    scores = scores_of(held)
    best = min((name for name in scores if name != "ours"), key=lambda name: float(scores[name].mean()))
    metrics = [_mean("crps", scores["ours"], weights, best, scores[best])]
    for name, values in scores.items():
        if name != "ours":
            metrics.append(_mean(f"crps_{name}", values, weights))
            metrics.append(
                _mean(f"crps_gain_over_{name}", values - scores["ours"], weights, FORECASTS[name], 0 * values)
            )
    metrics += [_skill(f"crps_skill_over_{name}", scores, name, weights) for name in ("raw", "climatology")]
    metrics += _event(held, weights)
    inside = coverage(held.law, panel.observed)
    metrics.append(_mean("coverage_80", inside, weights, "attendu", 0 * inside + 0.8))
    wide = held.law.quantiles((0.1, 0.9))
    raw = _raw_width(held)
    metrics.append(_mean("width_80", wide[:, 1] - wide[:, 0], weights, "raw", raw))
    parts = crps_parts(held.law, panel.observed)
    metrics += [
        Metric(name=f"crps_{name}", value=getattr(parts, name), low=None, high=None, n=panel.size)
        for name in ("reliability", "resolution", "uncertainty")
    ]
    if panel.variable == RAIN:
        metrics += _millimetres(held, weights)
    first, last = day_of(int(panel.day.min())), day_of(int(panel.day.max()))
    return EvaluationBlock(
        data_set=source,
        split=(
            f"calé sur le passé, vérifié du {french.day(first)} au {french.day(last)} ; "
            "modèles ajustés de nouveau à chaque sixième de la période"
        ),
        metrics=tuple(metrics),
        run="",
        subgroups=_seasons(held, scores),
        notes=_notes(held),
    )


def _mean(
    name: str,
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
    baseline: str = "",
    beside: NDArray[np.float64] | None = None,
) -> Metric:
    named = FORECASTS.get(baseline, baseline)
    return evaluation.mean_metric(name, values, weights, baseline=named, beside=beside)


def _skill(
    name: str, scores: Mapping[str, NDArray[np.float64]], other: str, weights: NDArray[np.float64]
) -> Metric:
    """Return the share of another forecast's score that is saved."""
    ours, theirs = scores["ours"], scores[other]
    return evaluation.interval_metric(
        name,
        1 - float(ours.mean() / theirs.mean()),
        1 - (weights @ ours) / (weights @ theirs),
        n=len(ours),
        baseline=FORECASTS[other],
        baseline_value=0.0,
    )


def _event(held: Held, weights: NDArray[np.float64]) -> list[Metric]:
    """Return the Brier score of the event beside the best of the raw share and of what is usual."""
    import numpy as np

    panel = held.panel
    threshold = THRESHOLDS[panel.variable]
    truth = modelling.happened(panel.variable, threshold, panel.observed)
    chance = modelling.chance_of(panel.variable, threshold, held.law)
    usual = modelling.happened(panel.variable, threshold, held.quantiles["climatology"]).mean(axis=1)
    raw = modelling.raw_chance_of(panel.variable, threshold, panel.members)
    beside = {"raw": (raw - truth) ** 2, "climatology": (usual - truth) ** 2}
    best = min(beside, key=lambda name: float(beside[name].mean()))
    found = [_mean("brier", (chance - truth) ** 2, weights, best, beside[best])]
    found += [_mean(f"brier_{name}", values, weights) for name, values in beside.items()]
    found.append(
        evaluation.interval_metric(
            "calibration_error",
            evaluation.calibration_error(truth, chance),
            np.array([evaluation.calibration_error(truth, chance, line) for line in weights[:200]]),
            n=panel.size,
            baseline=FORECASTS["raw"],
            baseline_value=evaluation.calibration_error(truth, raw),
        )
    )
    return found


def _raw_width(held: Held) -> NDArray[np.float64]:
    import numpy as np

    low, high = np.nanquantile(held.panel.members, [0.1, 0.9], axis=1)
    return np.asarray(high - low)


def _millimetres(held: Held, weights: NDArray[np.float64]) -> list[Metric]:
    import numpy as np

    levels = (np.arange(_FINE) + 0.5) / _FINE
    observed = held.panel.observed**2
    ours = crps_quantiles(held.law.quantiles(levels) ** 2, observed)
    others = {"raw": crps_ensemble(held.panel.members**2, observed)}
    others |= {name: crps_quantiles(law.quantiles(levels) ** 2, observed) for name, law in held.laws.items()}
    others |= {name: crps_quantiles(rows**2, observed) for name, rows in held.quantiles.items()}
    best = min(others, key=lambda name: float(others[name].mean()))
    return [
        _mean("crps_mm", ours, weights, best, others[best]),
        *(_mean(f"crps_mm_{name}", values, weights) for name, values in others.items()),
        *(
            _mean(f"crps_mm_gain_over_{name}", values - ours, weights, name, 0 * ours)
            for name, values in others.items()
        ),
    ]


def _seasons(held: Held, scores: Mapping[str, NDArray[np.float64]]) -> tuple[SubgroupMetric, ...]:
    import numpy as np

    months = np.array([day_of(day).month for day in held.panel.day.tolist()])
    found = []
    for at, name in enumerate(_SEASONS):
        rows = (months % 12) // 3 == at
        n = int(rows.sum())
        enough = n >= evaluation.MIN_GROUP
        metric = Metric(
            name="crps",
            value=float(scores["ours"][rows].mean()) if enough else None,
            low=None,
            high=None,
            n=n,
            baseline=FORECASTS["raw"],
            baseline_value=float(scores["raw"][rows].mean()) if enough else None,
        )
        found.append(SubgroupMetric(attribute="saison", group=name, metric=metric))
    return tuple(found)


def _notes(held: Held) -> tuple[str, ...]:
    panel = held.panel
    scale = "de la racine carrée de la pluie (mm)" if panel.variable == RAIN else "en °C"
    said = ", ".join(
        f"{DESIGN_NAMES[name]} {french.percent(share)}"
        for name, share in held.weights.items()
        if share >= 0.01
    )
    days = french.count(block_length(panel.day), "jour")
    return (
        f"CRPS {scale} ; plus bas est meilleur.",
        f"Événement du score de Brier : {event_words(panel.variable, THRESHOLDS[panel.variable])}.",
        f"Poids des modèles, choisis à l’intérieur de l’apprentissage : {said}.",
        f"Intervalles à 95 % par tirage de blocs ({days} chacun), toutes stations ensemble.",
    )

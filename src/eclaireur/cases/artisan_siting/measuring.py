"""How well survival is told on later openings, and shops expected in areas kept out, beside plain rules."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING

from eclaireur.bricks.space.expected import ExpectedCounts
from eclaireur.cases.artisan_siting import model as modelling
from eclaireur.cases.artisan_siting.siting import potential
from eclaireur.core.errors import EmptyTableError
from eclaireur.core.evaluation import Panel, bootstrap_weights, interval_metric, subgroup_table
from eclaireur.core.evaluation.compare import measured
from eclaireur.core.evaluation.intervals import percentiles
from eclaireur.core.types import EvaluationBlock, Metric

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from eclaireur.cases.artisan_siting.ground import Ground

__all__ = ["POPULATION", "RATE", "deviance_metrics", "evaluate", "fold_means"]

RATE = "taux de survie du métier"
POPULATION = "nombre proportionnel à la population"
_YEARS = 4
_TOP = 0.2


def evaluate(
    source: str, ground: Ground, examples: pa.Table, day: date, *, seed: int
) -> tuple[EvaluationBlock, ...]:
    """Return the block of survival, then that of counts."""
    return (_survival(source, ground, examples, seed), _counts(source, ground, day, seed))


def _survival(source: str, ground: Ground, examples: pa.Table, seed: int) -> EvaluationBlock:
    import numpy as np

    ordered = examples.sort_by([("as_of", "ascending"), ("example", "ascending")])
    days = ordered["as_of"].to_numpy().astype("datetime64[D]")
    known = ordered["known"].to_numpy().astype("datetime64[D]")
    labels = ordered["label"].to_numpy()
    trades = ordered["trade"].to_pylist()
    columns = modelling.columns_for(ground, ordered["at"].to_pylist(), trades, ordered["as_of"].to_pylist())
    last = int(str(days.max())[:4]) if len(days) else 0
    kept: list[NDArray[np.int64]] = []
    scores: list[NDArray[np.float64]] = []
    rates: list[NDArray[np.float64]] = []
    for year in range(last - _YEARS + 1, last + 1):
        start, end = np.datetime64(f"{year}-01-01"), np.datetime64(f"{year + 1}-01-01")
        past, now = np.flatnonzero(known < start), np.flatnonzero((days >= start) & (days < end))
        if len(past) < 60 or not len(now) or not 0 < labels[past].sum() < len(past):
            continue
        model = modelling.fit(columns[past], [trades[at] for at in past], labels[past])
        scores.append(model.chance(columns[now], [trades[at] for at in now]))
        rates.append(_rates([trades[at] for at in past], labels[past], [trades[at] for at in now]))
        kept.append(now)
    if not kept:
        raise EmptyTableError("trop peu d'ouvertures suivies trois ans pour mesurer.")
    rows = np.concatenate(kept)
    periods = np.repeat(np.arange(len(kept)), [len(one) for one in kept])
    told, truth = np.concatenate(scores), labels[rows]
    panel = Panel(truth, told, periods=periods)
    plain = Panel(truth, np.concatenate(rates), periods=periods)
    weights = bootstrap_weights(len(rows), seed=seed)
    metrics = [
        measured(name, panel, weights, baseline=RATE, baseline_value=value)
        for name, value in (
            ("auc", plain.auc()),
            ("brier", plain.brier()),
            ("calibration_error", plain.calibration_error()),
        )
    ]
    metrics += _ranks(truth, told, np.concatenate(rates), weights)
    groups = {
        "métier": [trades[at] for at in rows],
        "secteur": [ground.communes["area"][int(ordered["at"][at].as_py())].as_py() for at in rows.tolist()],
    }
    made = ("les ouvertures sont simulées : ces figures ne disent rien de la réalité",)
    return EvaluationBlock(
        data_set=f"{source}, survie",
        split=f"{len(kept)} dernières années d'ouvertures ; chacune jugée par ce qui était connu à son début",
        metrics=tuple(metrics),
        run="",
        subgroups=subgroup_table(truth, told, groups, share=_TOP),
        notes=("precision_at_k, recall_at_k : premier cinquième", *(made if source == "sample" else ())),
    )


def _rates(past: Sequence[str], labels: NDArray[np.float64], asked: Sequence[str]) -> NDArray[np.float64]:
    import numpy as np

    mean = float(labels.mean())
    known = {trade: float(labels[[one == trade for one in past]].mean()) for trade in sorted(set(past))}
    return np.array([known.get(trade, mean) for trade in asked])


def _ranks(
    truth: NDArray[np.float64],
    told: NDArray[np.float64],
    rule: NDArray[np.float64],
    weights: NDArray[np.float64],
) -> list[Metric]:
    import numpy as np
    from sklearn.metrics import average_precision_score

    def precision(scores: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
        return float(average_precision_score(truth, scores, sample_weight=weight))

    def top(scores: NDArray[np.float64], weight: NDArray[np.float64], *, of_all: bool) -> float:
        first = np.argsort(-scores, kind="stable")[: max(1, round(_TOP * len(scores)))]
        under = float((weight * truth).sum()) if of_all else float(weight[first].sum())
        return float((weight * truth)[first].sum() / max(under, 1e-12))

    plain = np.ones(len(truth))
    figures: dict[str, Callable[[NDArray[np.float64], NDArray[np.float64]], float]] = {
        "average_precision": precision,
        "precision_at_k": lambda scores, weight: top(scores, weight, of_all=False),
        "recall_at_k": lambda scores, weight: top(scores, weight, of_all=True),
    }
    found = []
    for name, figure in figures.items():
        found.append(
            interval_metric(
                name,
                figure(told, plain),
                np.array([figure(told, one) for one in weights[:200]]),
                n=len(truth),
                baseline=RATE,
                baseline_value=figure(rule, plain),
            )
        )
    return found


def _counts(source: str, ground: Ground, day: date, seed: int) -> EvaluationBlock:
    """Expect shops of each area from the others: all trades together."""
    import numpy as np

    areas = np.array([area or "inconnu" for area in ground.communes["area"].to_pylist()])
    features = potential(ground)
    actual, model, plain = [], [], []
    for trade in ground.trades:
        counts = ground.stock(trade, day).open
        told, rule = fold_means(counts, ground.people, features, areas)
        actual.append(counts)
        model.append(told)
        plain.append(rule)
    metrics = deviance_metrics(
        np.concatenate(actual),
        np.concatenate(model),
        np.concatenate(plain),
        np.tile(np.arange(len(areas)), len(ground.trades)),
        baseline=POPULATION,
        seed=seed,
    )
    return EvaluationBlock(
        data_set=f"{source}, nombre de commerces",
        split="chaque secteur attendu par un modèle appris sur les autres",
        metrics=metrics,
        run="",
        notes=("deviance : déviance de Poisson moyenne par commune et métier ; tirages de communes",),
    )


def fold_means(
    counts: NDArray[np.float64],
    exposure: NDArray[np.float64],
    features: NDArray[np.float64],
    folds: NDArray[np.str_],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what the count model and the plain rate expect in each fold, learnt on the others."""
    import numpy as np

    model, plain = np.zeros(len(counts)), np.zeros(len(counts))
    for fold in np.unique(folds):
        inside = folds == fold
        fitted = ExpectedCounts.fit(counts[~inside], exposure[~inside], features[~inside])
        design = np.hstack([np.ones((int(inside.sum()), 1)), features[inside]])
        model[inside] = exposure[inside] * np.exp(design @ fitted.coefficients)
        plain[inside] = exposure[inside] * counts[~inside].sum() / exposure[~inside].sum()
    return model, plain


def deviance_metrics(
    counts: NDArray[np.float64],
    model: NDArray[np.float64],
    plain: NDArray[np.float64],
    clusters: NDArray[np.int64],
    *,
    baseline: str,
    seed: int,
) -> tuple[Metric, ...]:
    """Return ``deviance`` and ``skill_over_baseline`` with intervals by bootstrap of clusters."""
    from scipy.special import xlogy

    def each(mean: NDArray[np.float64]) -> NDArray[np.float64]:
        found: NDArray[np.float64] = 2 * (xlogy(counts, counts / mean) - counts + mean)
        return found

    own, rule = each(model), each(plain)
    weights = bootstrap_weights(len(counts), seed=seed, clusters=clusters)
    total = weights.sum(axis=1)
    low, high = percentiles(weights @ own / total)
    least, most = percentiles(1 - (weights @ own) / (weights @ rule))
    skill = 1 - float(own.mean() / rule.mean())
    return (
        Metric(
            name="deviance",
            value=float(own.mean()),
            low=low,
            high=high,
            n=len(counts),
            baseline=baseline,
            baseline_value=float(rule.mean()),
        ),
        Metric(
            name="skill_over_baseline",
            value=skill,
            low=min(least, skill),
            high=max(most, skill),
            n=len(counts),
            baseline=baseline,
            baseline_value=0.0,
        ),
    )

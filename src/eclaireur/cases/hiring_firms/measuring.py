"""How well hirings are expected on half-years that no model had seen, beside a line by département."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eclaireur.bricks.space.expected import deviance
from eclaireur.cases.hiring_firms import exposure, gates, model as modelling, reports
from eclaireur.cases.hiring_firms.features import FEATURES, matrix, rows_for
from eclaireur.core import french
from eclaireur.core.errors import EmptyTableError
from eclaireur.core.evaluation import Panel, bootstrap_weights, interval_metric, subgroup_table
from eclaireur.core.evaluation.compare import measured
from eclaireur.core.evaluation.intervals import percentiles
from eclaireur.core.types import EvaluationBlock, Metric

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from eclaireur.core.case import Progress, Records

__all__ = ["BASELINE", "Held", "evaluate", "held_out", "linear"]

BASELINE = "régression linéaire par département"
_HELD = 3
_TOP = 0.1
_FLOORS = (0.02, 0.05, 0.1, 0.2, 0.4)
_DRAWS, _LARGE = 200, 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Held-out rows: hirings, what each rule expects, the chance stated, and whose they are."""

    rows: pa.Table
    periods: NDArray[np.int64]
    counts: NDArray[np.float64]
    model: NDArray[np.float64]
    linear: NDArray[np.float64]
    chance: NDArray[np.float64]
    rate: NDArray[np.float64]
    last: modelling.Model


def held_out(records: Records, examples: pa.Table, *, seed: int, progress: Progress) -> Held:
    """Play the last half-years one by one: learn from those before, expect the next.

    Raises
    ------
    EmptyTableError
        If there are fewer than three half-years before the first that is held out.
    """
    import numpy as np

    starts = examples["start"].to_numpy().astype("datetime64[D]")
    spans = np.unique(starts)
    if len(spans) < _HELD + 3:
        raise EmptyTableError(
            f"{len(spans)} semestres connus : trop peu pour mesurer.",
            fix=f"Il en faut au moins {_HELD + 4}.",
        )
    rows = rows_for(records["establishments"], examples["subject"], examples["as_of"])
    columns = matrix(rows, records)
    counts = examples["count"].to_numpy().astype(float)
    part = examples["exposure"].to_numpy()
    areas = np.array([area or "inconnu" for area in rows["area"].to_pylist()])
    kept: list[NDArray[np.int64]] = []
    found: dict[str, list[NDArray[np.float64]]] = {"model": [], "linear": [], "chance": [], "rate": []}
    for done, span in enumerate(spans[-_HELD:]):
        progress(done, _HELD, f"Semestre du {french.day(span.item())}")
        past, now = starts < span, starts == span
        model = modelling.fit(columns[past], counts[past], part[past], starts[past], seed=seed)
        mean = part[now] * model.expected(columns[now])
        kept.append(np.flatnonzero(now))
        found["model"].append(mean)
        found["chance"].append(model.calibration.apply(model.chance(mean)))
        found["linear"].append(
            linear(columns[past], counts[past], areas[past], columns[now], areas[now]) * part[now]
        )
        found["rate"].append(np.full(int(now.sum()), float((counts[past] > 0).mean())))
    order = np.concatenate(kept)
    return Held(
        rows=rows.take(order),
        periods=np.repeat(np.arange(_HELD), [len(one) for one in kept]),
        counts=counts[order],
        last=model,
        **{name: np.concatenate(values) for name, values in found.items()},
    )


def linear(
    columns: NDArray[np.float64],
    counts: NDArray[np.float64],
    areas: NDArray[np.str_],
    asked: NDArray[np.float64],
    where: NDArray[np.str_],
) -> NDArray[np.float64]:
    """Expect hirings by a linear regression on past counts and workforce, one for each area.

    Counts cannot be negative: the floor of what it expects is the one that suits the past best.
    """
    import numpy as np
    from sklearn.linear_model import LinearRegression

    names = [feature.name for feature in FEATURES]
    used = [names.index(name) for name in ("past", "last", "year", "same_season", "staff")]

    def seen(values: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.nan_to_num(np.expm1(values[:, used]))

    fitted, told = np.zeros(len(columns)), np.zeros(len(asked))
    for area in np.unique(np.concatenate([areas, where])):
        inside, wanted = areas == area, where == area
        learnt = inside if inside.sum() >= len(used) * 10 else np.ones(len(areas), dtype=bool)
        line = LinearRegression().fit(seen(columns[learnt]), counts[learnt])
        if inside.any():
            fitted[inside] = line.predict(seen(columns[inside]))
        if wanted.any():
            told[wanted] = line.predict(seen(asked[wanted]))
    floor = min(_FLOORS, key=lambda one: deviance(counts, np.maximum(fitted, one)))
    return np.maximum(told, floor)


def evaluate(
    source: str, records: Records, examples: pa.Table, *, seed: int, progress: Progress
) -> EvaluationBlock:
    """Return deviance, ranks, chances and exposure, each beside its baseline, with intervals by firm."""
    import numpy as np

    held = held_out(records, examples, seed=seed, progress=progress)
    size = len(held.counts)
    _, firms = np.unique(np.array(held.rows["subject"].to_pylist()), return_inverse=True)
    weights = bootstrap_weights(size, seed=seed, clusters=firms, draws=_DRAWS if size > _LARGE else 500)
    hired = (held.counts > 0).astype(float)
    metrics = [*_deviances(held, weights), *_ranks(held, hired, weights)]
    told = Panel(hired, held.chance, periods=held.periods)
    rate = Panel(hired, held.rate, periods=held.periods)
    for name, figure in (("brier", rate.brier()), ("calibration_error", rate.calibration_error())):
        metrics.append(measured(name, told, weights, baseline="taux moyen connu", baseline_value=figure))
    metrics.append(_views(records, held.last, seed))
    groups = {
        "territoire": held.rows["area"].to_pylist(),
        "tranche d'effectif": held.rows["band"].to_pylist(),
    }
    made = "les recrutements sont simulés : ces figures ne disent rien de la réalité"
    return EvaluationBlock(
        data_set=source,
        split=f"{_HELD} derniers semestres, chacun attendu par un modèle appris sur ceux d'avant",
        metrics=tuple(metrics),
        run="",
        subgroups=subgroup_table(hired, held.chance, groups, share=_TOP),
        notes=(
            "deviance : déviance de Poisson moyenne, la plus petite est la meilleure",
            f"precision_at_k : part qui a recruté parmi les premiers {french.percent(_TOP)} du semestre",
            "recall_at_k : part de toutes les embauches que font ces premiers",
            "views_share_top_1pct : recherches fictives d'une journée ; intervalle sur vingt journées",
            *((made,) if source in {"sample", "metz"} else ()),
        ),
    )


def _deviances(held: Held, weights: NDArray[np.float64]) -> list[Metric]:
    import numpy as np
    from scipy.special import xlogy

    def each(mean: NDArray[np.float64]) -> NDArray[np.float64]:
        found = 2 * (xlogy(held.counts, held.counts / mean) - held.counts + mean)
        return np.asarray(found, dtype=np.float64)

    size = len(held.counts)
    own, rule = each(held.model), each(held.linear)
    total = weights.sum(axis=1)
    drawn, drawn_rule = weights @ own / total, weights @ rule / total
    low, high = percentiles(drawn)
    skill = 1 - float(own.mean() / rule.mean())
    least, most = percentiles(1 - drawn / drawn_rule)
    return [
        Metric(
            name="deviance",
            value=float(own.mean()),
            low=low,
            high=high,
            n=size,
            baseline=BASELINE,
            baseline_value=float(rule.mean()),
        ),
        Metric(
            name="skill_over_baseline",
            value=skill,
            low=min(least, skill),
            high=max(most, skill),
            n=size,
            baseline=BASELINE,
            baseline_value=0.0,
        ),
        Metric(
            name="hirings_ratio",
            value=float(held.model.sum() / held.counts.sum()),
            low=percentiles(weights @ held.model / np.maximum(weights @ held.counts, 1.0))[0],
            high=percentiles(weights @ held.model / np.maximum(weights @ held.counts, 1.0))[1],
            n=size,
            baseline=BASELINE,
            baseline_value=float(held.linear.sum() / held.counts.sum()),
        ),
    ]


def _ranks(held: Held, hired: NDArray[np.float64], weights: NDArray[np.float64]) -> list[Metric]:
    import numpy as np

    orders = {
        name: [
            rows[np.argsort(-score[rows], kind="stable")]
            for rows in (np.flatnonzero(held.periods == period) for period in range(_HELD))
        ]
        for name, score in (("model", held.model), ("linear", held.linear))
    }
    figures: dict[str, Callable[[NDArray[np.float64], list[NDArray[np.int64]]], NDArray[np.float64]]] = {
        "average_precision": lambda weight, order: _average_precision(hired, weight, order),
        "precision_at_k": lambda weight, order: _at_top(hired, weight, order, of_all=False),
        "recall_at_k": lambda weight, order: _at_top(held.counts, weight, order, of_all=True),
    }
    plain = np.ones((1, len(hired)))
    found = []
    for name, figure in figures.items():
        found.append(
            interval_metric(
                name,
                float(figure(plain, orders["model"])[0]),
                figure(weights, orders["model"]),
                n=len(hired),
                baseline=BASELINE,
                baseline_value=float(figure(plain, orders["linear"])[0]),
            )
        )
    return found


def _average_precision(
    hired: NDArray[np.float64], weights: NDArray[np.float64], orders: list[NDArray[np.int64]]
) -> NDArray[np.float64]:
    """Return the mean precision at each positive, averaged over periods, for each line of weights."""
    import numpy as np

    found = np.zeros(len(weights))
    for rows in orders:
        weight = weights[:, rows]
        positive = weight * hired[rows]
        precision = np.cumsum(positive, axis=1) / np.maximum(np.cumsum(weight, axis=1), 1e-12)
        found += (positive * precision).sum(axis=1) / np.maximum(positive.sum(axis=1), 1e-12)
    return found / len(orders)


def _at_top(
    values: NDArray[np.float64],
    weights: NDArray[np.float64],
    orders: list[NDArray[np.int64]],
    *,
    of_all: bool,
) -> NDArray[np.float64]:
    """Return the mean of values among the first tenth of each period, or their part of the sum of all."""
    import numpy as np

    first = [rows[: max(1, round(_TOP * len(rows)))] for rows in orders]
    top = sum(weights[:, rows] @ values[rows] for rows in first)
    under = (
        sum(weights[:, rows] @ values[rows] for rows in orders)
        if of_all
        else sum(weights[:, rows].sum(axis=1) for rows in first)
    )
    return np.asarray(top / np.maximum(under, 1e-12), dtype=np.float64)


def _views(records: Records, model: modelling.Model, seed: int) -> Metric:
    """Return what the most seen firms have of a day's views; days drawn anew give the interval."""
    import numpy as np

    now = gates.today(records, model)
    weights, searches = reports.search_kinds(records, now, seed=seed)
    plain = exposure.top_share(exposure.played(weights, searches, seed=seed, shuffled=False))
    days = [
        exposure.top_share(
            exposure.played(weights, np.random.default_rng(day).choice(searches, len(searches)), seed=day)
        )
        for day in range(_DAYS)
    ]
    low, high = percentiles(np.array(days))
    return Metric(
        name="views_share_top_1pct",
        value=float(np.mean(days)),
        low=low,
        high=high,
        n=now.rows.num_rows,
        baseline="classement sans tirage ni plafond",
        baseline_value=plain,
    )


_DAYS = 20
"""Days played: the searches of each are drawn anew."""

"""How well the ranking does, on months that no model had seen, beside what a service does without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.predict.asof import Last, Own, build
from eclaireur.bricks.predict.audit import Audit, audit, top
from eclaireur.cases.restaurant_risk.columns import PRIOR, adjusted, matrix, rows_for
from eclaireur.cases.restaurant_risk.features import FEATURES
from eclaireur.cases.restaurant_risk.model import train_examples
from eclaireur.core import evaluation, french
from eclaireur.core.card import SourceCard
from eclaireur.core.case import Progress, Records
from eclaireur.core.catalog import find_card
from eclaireur.core.engine import map_parts
from eclaireur.core.errors import EmptyTableError
from eclaireur.core.evaluation import Split
from eclaireur.core.types import EvaluationBlock, Metric

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = [
    "WHOLE",
    "Held",
    "Origin",
    "Variant",
    "audited",
    "evaluate",
    "groups_of",
    "held_out",
    "horizon",
    "observers",
    "play",
    "rank_only",
]

_FIRST = timedelta(days=365)
_STEP = timedelta(days=91)
_GAP = timedelta(days=7)
_STRENGTH = 3.0
_K = 100
_STATED = {"brier", "calibration_error"}


@dataclass(frozen=True, kw_only=True)
class Variant:
    """What is taken away from the model, to measure what it brings.

    Parameters
    ----------
    observer
        False: the model is fitted, and history taken, as if every inspector were alike.
    without
        Themes of features (`features.FEATURES`) that are hidden.
    """

    observer: bool = True
    without: frozenset[str] = frozenset()


WHOLE = Variant()
"""The model as it is."""


@dataclass(frozen=True)
class Origin:
    """One origin to play, whole: it may run in another process or on another machine."""

    past: pa.Table
    columns: NDArray[np.float64]
    asked: NDArray[np.float64]
    as_of: date
    seed: int


def play(origin: Origin) -> tuple[dict[str, NDArray[np.float64]], bool]:
    """Learn from the past of an origin and score what was asked of it; tell if its risks hold."""
    model = train_examples(origin.past, origin.columns, as_of=origin.as_of, seed=origin.seed)
    straight, trees = model.blend.parts(origin.asked)
    return {"modèle": model.stated(origin.asked), "linéaire": straight, "arbres": trees}, model.calibrated


@dataclass(frozen=True)
class Held:
    """Held-out rows of every origin, with the score of each rule.

    ``scores`` has the model as ``modèle``, its two parts, the rules it must beat, the observer's own
    rate and the base rate, all as known at each row's date.
    """

    rows: pa.Table
    periods: NDArray[np.int64]
    labels: NDArray[np.float64]
    scores: Mapping[str, NDArray[np.float64]]
    splits: tuple[Split, ...]
    calibrated: tuple[bool, ...]


def held_out(
    records: Records,
    examples: pa.Table,
    *,
    last: date,
    seed: int,
    engine: Executor,
    progress: Progress,
    variant: Variant = WHOLE,
    most: int | None = None,
) -> Held:
    """Play the rolling origins: at each, learn from what was known a week before, score what follows.

    Parameters
    ----------
    last
        Last day that may be measured.
    variant
        What to take away from the model; nothing by default.
    most
        Only the last origins, that many; None for all.

    Raises
    ------
    EmptyTableError
        If the history is too short for one origin.
    """
    import numpy as np

    tables = adjusted(records, observer=variant.observer)
    days = examples["as_of"].to_numpy().astype("datetime64[D]")
    known = examples["known"].to_numpy().astype("datetime64[D]")
    first = days.min().item() + _FIRST
    if first >= last:
        raise EmptyTableError(
            "l'historique est trop court pour mesurer le ciblage.",
            fix="Il faut plus d'un an de contrôles.",
        )
    progress(0, 1, "Variables connues à la date de chaque contrôle")
    rows = rows_for(tables, examples["subject"], examples["as_of"], examples["example"])
    columns = matrix(rows, tables)
    columns[:, [feature.theme in variant.without for feature in FEATURES]] = np.nan
    learnt = examples if variant.observer else _without_observers(examples)
    labels = examples["label"].to_numpy()
    measured = _in_scope(records, examples)
    splits = evaluation.rolling_origins(first, last, step=_STEP, gap=_GAP)
    splits = splits if most is None else splits[-most:]
    kept: list[NDArray[np.int64]] = []
    origins: list[Origin] = []
    for split in splits:
        past = known < np.datetime64(split.known_before)
        test = (days >= np.datetime64(split.start)) & (days < np.datetime64(split.end)) & measured
        if test.any():
            kept.append(np.flatnonzero(test))
            origins.append(
                Origin(
                    past=learnt.filter(past).combine_chunks(),
                    columns=columns[past],
                    asked=columns[test],
                    as_of=split.known_before,
                    seed=seed,
                )
            )
    played = list(map_parts(engine, play, origins, progress=progress))
    index = np.concatenate(kept)
    scores = {name: np.concatenate([one[name] for one, _ in played]) for name in played[0][0]}
    scores |= _rules(tables, examples, index)
    periods = np.repeat(np.arange(len(kept)), [rows_of.size for rows_of in kept])
    return Held(
        rows=rows.take(index),
        periods=periods,
        labels=labels[index],
        scores=scores,
        splits=splits,
        calibrated=tuple(holds for _, holds in played),
    )


def _without_observers(examples: pa.Table) -> pa.Table:
    import pyarrow as pa

    index = examples.schema.get_field_index("observer")
    return examples.set_column(index, "observer", pa.nulls(examples.num_rows, pa.string()))


def _in_scope(records: Records, examples: pa.Table) -> NDArray[np.bool_]:
    """Rows that the source says may be measured."""
    import numpy as np

    inspections = records["inspections"]
    scope = dict(zip(inspections["inspection"].to_pylist(), inspections["in_scope"].to_pylist(), strict=True))
    return np.array([bool(scope[key]) for key in examples["example"].to_pylist()])


def _rules(
    tables: Mapping[str, pa.Table], examples: pa.Table, index: NDArray[np.int64]
) -> dict[str, NDArray[np.float64]]:
    """Score held-out rows by the plain rules, all as of their dates."""
    import numpy as np
    import pyarrow.compute as pc

    rows = rows_for(tables, examples["subject"], examples["as_of"]).take(index)
    past = build(
        rows,
        tables,
        [
            Own(name="n", table="inspections", how="count"),
            Own(name="bad", table="inspections", how="sum", column="label"),
            Last(name="last", table="inspections", column="label"),
        ],
    )
    inspections = tables["inspections"]
    where = pc.index_in(examples["example"].take(index), value_set=inspections["inspection"].combine_chunks())
    own = inspections.take(where)
    base = own["base_rate"].to_numpy()
    n, bad = np.nan_to_num(past["n"].to_numpy()), np.nan_to_num(past["bad"].to_numpy())
    last = past["last"].to_numpy()
    return {
        "dernier résultat": np.where(np.isnan(last), base, last),
        "taux passé de l'établissement": (bad + _STRENGTH * PRIOR) / (n + _STRENGTH),
        "taux passé de l'inspecteur": own["observer_rate"].to_numpy(),
        "taux moyen": base,
        "passé": n,
    }


def evaluate(
    source: str, records: Records, examples: pa.Table, *, seed: int, engine: Executor, progress: Progress
) -> tuple[EvaluationBlock, ...]:
    """Return the measures of a source: the whole ranking, then what each part of it brings."""
    last, ranks = horizon(source, examples), rank_only(source)
    held = held_out(records, examples, last=last, seed=seed, engine=engine, progress=progress)
    observer = observers(records, held.rows)
    days = held.rows["as_of"].cast("int32").to_numpy().astype(float)
    metrics = evaluation.ranking_metrics(
        held.labels,
        held.scores["modèle"],
        days=days,
        observer=observer,
        subjects=held.rows["subject"].to_pylist(),
        baselines={name: held.scores[name] for name in ("dernier résultat", "taux passé de l'établissement")}
        | {"taux moyen": held.scores["taux moyen"]},
        nuisance=(
            {"taux passé de l'inspecteur": held.scores["taux passé de l'inspecteur"]} if any(observer) else {}
        ),
        base_rate=held.scores["taux moyen"],
        periods=held.periods,
        seed=seed,
    )
    split = (
        f"{len(held.splits)} origines de {_STEP.days} jours, du {french.day(held.splits[0].start)} "
        f"au {french.day(last)}"
    )
    shown = [*metrics, _labelled(held), *_published(records, held)]
    if ranks:
        shown = [metric for metric in shown if metric.name not in _STATED]
    return (
        EvaluationBlock(
            data_set=source,
            split=split,
            metrics=tuple(metric for metric in shown if metric.value is not None),
            run="",
            subgroups=(
                *evaluation.subgroup_table(held.labels, held.scores["modèle"], groups_of(held)),
                *audited(held, ranks=bool(ranks)).gap_metrics(),
            ),
            notes=_notes(records, held, ranks),
        ),
        _parts(source, split, held, observer, days, seed),
    )


def _declared(source: str) -> SourceCard | None:
    """Return what the card says of a source; None for the user's own files."""
    found = [one for one in find_card("restaurant_risk").sources if one.name == source]
    return found[0] if found else None


def horizon(source: str, examples: pa.Table) -> date:
    """Return the last day that may be measured: the card's, else that of the last example."""
    import pyarrow.compute as pc

    declared = _declared(source)
    latest: date = pc.max(examples["as_of"]).as_py()
    return date.fromisoformat(declared.horizon) if declared and declared.horizon else latest


def rank_only(source: str) -> str:
    """Return why the rates of a source are not risks, as its card says; empty when they are."""
    declared = _declared(source)
    return declared.rank_only if declared else ""


def observers(records: Records, rows: pa.Table) -> list[str | None]:
    """Return who measured each row, None where it is not known."""
    inspections = records["inspections"]
    found = dict(zip(inspections["inspection"].to_pylist(), inspections["observer"].to_pylist(), strict=True))
    return [found.get(key) for key in rows["inspection"].to_pylist()]


def _labelled(held: Held) -> Metric:
    labelled = evaluation.labelled_in_k(held.labels, held.scores["modèle"], _K)
    return Metric(name="labelled_in_100", value=labelled, low=None, high=None, n=held.labels.size)


def _published(records: Records, held: Held) -> list[Metric]:
    """The city's own score, learnt from these very rows: shown, never a baseline."""
    import numpy as np

    if "published_scores" not in records:
        return []
    table = records["published_scores"]
    found = dict(zip(table["inspection"].to_pylist(), table["score"].to_pylist(), strict=True))
    scores = np.array([found.get(key, np.nan) for key in held.rows["inspection"].to_pylist()])
    kept = ~np.isnan(scores)
    value = evaluation.auc(held.labels[kept], scores[kept])
    return [Metric(name="auc_published_in_sample", value=value, low=None, high=None, n=int(kept.sum()))]


def groups_of(held: Held) -> dict[str, list[Any]]:
    """Return the area, the activity and the length of history of each held-out row."""
    count = held.scores["passé"].tolist()
    return {
        "secteur": held.rows["area"].to_pylist(),
        "activité": held.rows["activity"].to_pylist(),
        "historique": [
            "jamais contrôlé" if n == 0 else "un contrôle connu" if n == 1 else "deux contrôles ou plus"
            for n in count
        ],
    }


def audited(held: Held, *, ranks: bool, share: float = 0.05) -> Audit:
    """Audit the first ``share`` of each origin by area, activity and history.

    Stated risks are compared with what was observed, unless scores are only ``ranks``.
    """
    import numpy as np

    score = held.scores["modèle"]
    selected = np.zeros(score.size)
    for period in np.unique(held.periods):
        at = held.periods == period
        selected[at] = top(score[at], share)
    return audit(held.labels, selected, groups_of(held), scores=None if ranks else score)


def _notes(records: Records, held: Held, ranks: str) -> tuple[str, ...]:
    notes = [
        "Chaque origine n'apprend que de ce qui était connu une semaine avant elle.",
        "precision_at_k, recall_at_k : les 100 premiers de chaque origine.",
    ]
    weak = held.calibrated.count(False)
    if ranks:
        notes.append(f"{ranks} Seul le rang est montré.")
    elif weak:
        notes.append(
            f"À {french.count(weak, 'origine')} sur {len(held.calibrated)}, "
            "le risque ne se vérifiait pas dans le temps : "
            "seul le rang est montré."
        )
    if "published_scores" in records:
        notes.append(
            "auc_published_in_sample est le score de la ville, appris sur ces mêmes lignes : "
            "à ne pas comparer."
        )
    return tuple(notes)


def _parts(
    source: str, split: str, held: Held, observer: list[str | None], days: NDArray[np.float64], seed: int
) -> EvaluationBlock:
    """What each part of the model brings, against the whole."""
    groups = evaluation.group_codes(observer)

    def order(name: str) -> evaluation.Panel:
        return evaluation.Panel(
            held.labels, held.scores[name], groups=groups, days=days, periods=held.periods
        )

    clusters = evaluation.group_codes(held.rows["subject"].to_pylist())
    weights = evaluation.bootstrap_weights(held.labels.size, seed=seed, clusters=clusters)
    metrics = [
        evaluation.gain(name, order("modèle"), order(part), weights, baseline_name=said)
        for part, said in (("linéaire", "partie linéaire seule"), ("arbres", "arbres seuls"))
        for name in ("auc", "auc_within_observer", "lift_top_5pct")
    ]
    return EvaluationBlock(
        data_set=source,
        split=f"parts : {split}",
        metrics=tuple(m for m in metrics if m.value is not None),
        run="",
    )

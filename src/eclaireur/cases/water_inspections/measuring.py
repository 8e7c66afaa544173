"""How well the ranking does, on time (and beaches) that no model had seen, beside what a service has now."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.cases.water_inspections import figures, folds
from eclaireur.cases.water_inspections.columns import matrix, prepared, rows_for
from eclaireur.cases.water_inspections.features import features_of
from eclaireur.cases.water_inspections.model import train_examples
from eclaireur.cases.water_inspections.programmes import Programme, programme_of
from eclaireur.core import evaluation, french
from eclaireur.core.case import Progress, Records
from eclaireur.core.engine import map_parts
from eclaireur.core.types import EvaluationBlock

if TYPE_CHECKING:
    from concurrent.futures import Executor
    from datetime import date

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["MORNING", "NOON", "Held", "Variant", "evaluate", "held_out"]

_RAPID = ("rapid_near", "rapid_mean", "rapid_max")


@dataclass(frozen=True, kw_only=True)
class Variant:
    """What is hidden from the model, to measure what it brings: names of `features`."""

    name: str
    without: frozenset[str] = frozenset()


NOON = Variant(name="à midi, tests rapides connus")
"""A list of beaches made once the rapid tests of the morning are read."""

MORNING = Variant(name="le matin, sans les tests rapides", without=frozenset(_RAPID))
"""A list made before them."""

_WHOLE = Variant(name="")


@dataclass(frozen=True)
class _Part:
    """One fold to play, whole: it may run in another process or on another machine."""

    past: pa.Table
    columns: NDArray[np.float64]
    asked: NDArray[np.float64]
    parameter: Programme
    as_of: date
    seed: int


def _play(part: _Part) -> tuple[NDArray[np.float64], NDArray[np.float64], bool]:
    """Learn from the rows of a fold and score what was asked of it; tell if its risks hold."""
    import numpy as np

    model = train_examples(part.past, part.columns, part.parameter, as_of=part.as_of, seed=part.seed)
    score = model.first.stated(part.asked)
    high = np.full(score.shape, np.nan)
    if model.high is not None:
        high = np.minimum(model.high.stated(part.asked), score)
    return score, high, model.calibrated


@dataclass(frozen=True)
class Held:
    """Held-out rows with the score of the model (over each limit) and of each plain rule.

    ``shares`` (and ``shares_high``) are rules that state a risk over the first limit (and the second).
    ``periods`` codes what a plan is made for: a month, or the season; ``clusters`` what is drawn together for
    intervals.
    """

    rows: pa.Table
    periods: NDArray[np.int64]
    clusters: NDArray[np.int64]
    labels: NDArray[np.float64]
    high: NDArray[np.float64]
    score: NDArray[np.float64]
    score_high: NDArray[np.float64]
    rules: Mapping[str, NDArray[np.float64]]
    shares: Mapping[str, NDArray[np.float64]]
    shares_high: Mapping[str, NDArray[np.float64]]
    split: str
    calibrated: tuple[bool, ...]


def held_out(
    records: Records,
    examples: pa.Table,
    cut: Callable[[pa.Table, Programme], folds.Folds],
    *,
    seed: int,
    engine: Executor,
    progress: Progress,
    variant: Variant = _WHOLE,
) -> Held:
    """Play the folds: at each, learn from what it may learn from, and score what it holds out.

    Raises
    ------
    EmptyTableError
        If the history is too short for one fold.
    """
    import numpy as np

    tables = prepared(records)
    programme = programme_of(tables)
    progress(0, 1, "Variables connues à la date de chaque mesure")
    rows = rows_for(tables, examples["subject"], examples["as_of"])
    also = ("month_last",) if programme.monthly else ()
    columns = matrix(rows, tables, also=also)
    model_names = [one.name for one in features_of(programme)]
    names = [*model_names, *also]
    seen = columns[:, : len(model_names)].copy()
    seen[:, [name in variant.without for name in model_names]] = np.nan
    made = cut(examples, programme)
    parts = [
        _Part(
            past=examples.filter(one.learns).combine_chunks(),
            columns=seen[one.learns],
            asked=seen[one.asks],
            parameter=programme,
            as_of=one.as_of,
            seed=seed,
        )
        for one in made.folds
    ]
    played = list(map_parts(engine, _play, parts, progress=progress))
    index = np.concatenate([np.flatnonzero(one.asks) for one in made.folds])
    order = np.argsort(index, kind="stable")
    index = index[order]
    days = examples["as_of"].to_numpy().astype("datetime64[D]")[index]
    held = examples.take(index)
    return Held(
        rows=rows.take(index),
        periods=_codes(days.astype("datetime64[M]")) if programme.monthly else np.zeros(index.size, np.int64),
        # Beaches of one day share its rain and its wind; stations keep theirs for years.
        clusters=_codes(np.array(held["subject"].to_pylist())) if programme.monthly else _codes(days),
        labels=held["label"].to_numpy(),
        high=held["high"].to_numpy().astype(np.float64),
        score=np.concatenate([one for one, _, _ in played])[order],
        score_high=np.concatenate([one for _, one, _ in played])[order],
        rules=_rules(columns[index], names, programme),
        shares=_shares(columns[index], names, programme),
        shares_high={"taux passé de la station": _known(columns[index][:, names.index("high_share")], 0.01)}
        if programme.monthly
        else {},
        split=made.split,
        calibrated=tuple(holds for _, _, holds in played),
    )


def _codes(values: NDArray[Any]) -> NDArray[np.int64]:
    import numpy as np

    _, codes = np.unique(values, return_inverse=True)
    return codes.astype(np.int64)


def _rules(
    columns: NDArray[np.float64], names: list[str], programme: Programme
) -> dict[str, NDArray[np.float64]]:
    """Score held-out rows by the plain rules, all as of their dates."""
    import numpy as np

    def one(name: str) -> NDArray[np.float64]:
        return columns[:, names.index(name)]

    def first(*names: str) -> NDArray[np.float64]:
        found = one(names[0])
        for name in names[1:]:
            found = np.where(np.isnan(found), one(name), found)
        return np.nan_to_num(found, nan=-10.0)

    if programme.monthly:
        return {
            "comme l'an dernier": first("month_last", "past_level"),
            "climatologie de la station": one("month_over"),
            "dernière mesure": first("last_level"),
        }
    return {
        "modèle en service": first("forecast"),
        "dernière mesure": first("last_level"),
        "taux passé de la plage": _known(one("over_share"), 0.08),
        "moyenne des tests rapides": np.where(
            np.isnan(one("rapid_mean")), _known(one("over_share"), 0.08) - 10.0, one("rapid_mean")
        ),
    }


def _known(share: NDArray[np.float64], usual: float) -> NDArray[np.float64]:
    """Put a usual share where nothing is known of a place."""
    import numpy as np

    return np.where(np.isnan(share), usual, share)


def _shares(
    columns: NDArray[np.float64], names: list[str], programme: Programme
) -> dict[str, NDArray[np.float64]]:
    """Return the plain rules that state a risk, the most serious first."""
    import numpy as np

    def one(name: str) -> NDArray[np.float64]:
        return columns[:, names.index(name)]

    if not programme.monthly:
        return {"taux passé de la plage": _known(one("over_share"), 0.08)}
    last = one("month_last")
    return {
        "climatologie de la station": one("month_over"),
        "comme l'an dernier, oui ou non": np.where(
            np.isnan(last), one("month_over"), (last > 0).astype(np.float64)
        ),
    }


def evaluate(
    source: str, records: Records, examples: pa.Table, *, seed: int, engine: Executor, progress: Progress
) -> tuple[EvaluationBlock, ...]:
    """Return the measures of a source: a block for each limit, or for each way to hold out."""
    programme = programme_of(records)

    def play(cut: Callable[[pa.Table, Programme], folds.Folds], variant: Variant = _WHOLE) -> Held:
        return held_out(records, examples, cut, seed=seed, engine=engine, progress=progress, variant=variant)

    if not programme.monthly:
        tried = ((folds.forward, NOON), (folds.by_day_and_place, NOON), (folds.forward, MORNING))
        return tuple(_beach_block(source, play(cut, variant), variant, seed) for cut, variant in tried)
    held = play(folds.forward)
    return tuple(_nitrate_blocks(source, held, programme, seed))


def _nitrate_blocks(source: str, held: Held, programme: Programme, seed: int) -> list[EvaluationBlock]:
    import numpy as np

    weights = evaluation.bootstrap_weights(held.labels.size, seed=seed, clusters=held.clusters)
    found = figures.Sample(held.labels, held.periods, weights)
    weak = held.calibrated.count(False)
    notes = ["Chaque origine n'apprend que de ce qui était connu avant elle."]
    if weak:
        notes.append(
            f"À {french.count(weak, 'origine')} sur {len(held.calibrated)}, le risque ne se vérifiait pas "
            "dans le temps : seul le rang est montré."
        )
    blocks = [
        EvaluationBlock(
            data_set=source,
            split=f"{programme.label()} : {held.split}",
            metrics=figures.all_of(found, held.score, held.rules, held.shares, k=figures.BY_MONTH),
            run="",
            subgroups=evaluation.subgroup_table(held.labels, held.score, _groups(held)),
            notes=(*notes, _k_note(figures.BY_MONTH, "mois")),
        )
    ]
    told = ~np.isnan(held.score_high)
    if len(programme.thresholds) > 1 and told.any() and np.nansum(held.high[told]) > 0:
        limit = f"plus de {programme.said(programme.thresholds[1])}"
        some = figures.Sample(held.high[told], held.periods[told], weights[:, told])
        blocks.append(
            EvaluationBlock(
                data_set=source,
                split=f"{limit} : {held.split}",
                metrics=figures.all_of(
                    some,
                    held.score_high[told],
                    {name: values[told] for name, values in held.rules.items()},
                    {name: values[told] for name, values in held.shares_high.items()},
                    k=figures.BY_MONTH,
                ),
                run="",
                notes=(
                    f"{int(held.high[told].sum())} dépassements sur {int(told.sum())} : intervalles larges.",
                    _k_note(figures.BY_MONTH, "mois"),
                ),
            )
        )
    return blocks


def _k_note(k: int, period: str) -> str:
    return f"k = {k} : les {k} premières stations mesurées de chaque {period}."


def _beach_block(source: str, held: Held, variant: Variant, seed: int) -> EvaluationBlock:
    """Measure with as many alerts as the model in use gave on the same rows."""
    in_use = held.rules["modèle en service"] > 0
    alerts = int(in_use.sum())
    right = int(held.labels[in_use].sum())
    weights = evaluation.bootstrap_weights(held.labels.size, seed=seed, clusters=held.clusters)
    found = figures.Sample(held.labels, held.periods, weights)
    rules = dict(held.rules)
    if variant.without:
        rules.pop("moyenne des tests rapides")
    days = len(set(held.rows["as_of"].filter(found.top(held.score, alerts)).to_pylist()))
    return EvaluationBlock(
        data_set=source,
        split=f"{variant.name} : {held.split}",
        metrics=figures.all_of(found, held.score, rules, held.shares, k=alerts),
        run="",
        subgroups=evaluation.subgroup_table(held.labels, held.score, _groups(held)),
        notes=(
            (
                f"k = {alerts} : autant d'alertes que le modèle en service, qui en a {right} de justes "
                f"sur {int(held.labels.sum())} dépassements."
            ),
            f"Ces alertes du modèle tombent sur {french.count(days, 'jour')} : intervalles par jour.",
            "Un zéro du week-end est une absence de prélèvement : il compte comme non dépassé.",
        ),
    )


def _groups(held: Held) -> dict[str, list[Any]]:
    months = [day.month for day in held.rows["as_of"].to_pylist()]
    return {
        "bassin": held.rows["area"].to_pylist(),
        "saison": [
            "octobre à mars" if month >= 10 or month <= 3 else "avril à septembre" for month in months
        ],
    }

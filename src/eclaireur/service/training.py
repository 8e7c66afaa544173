"""Models of a case: train, know the one in service, compare, promote. A person decides."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.core.errors import BadValueError, EmptyTableError, NotFoundError, RefusedError
from eclaireur.core.types import Metric, ModelCard
from eclaireur.service import work as working

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.core.case import Fitted
    from eclaireur.core.journal import Entry
    from eclaireur.core.types import Run
    from eclaireur.service.work import RecordsRun, Work

__all__ = [
    "HOLD_OUT",
    "Comparison",
    "InService",
    "compare",
    "ensure_model",
    "in_service",
    "in_service_as",
    "models",
    "promote",
    "services",
    "train",
]

HOLD_OUT = timedelta(days=90)
"""Outcomes of the last quarter are left out of a challenger, to compare it with the champion."""

_PROMOTED, _FIRST = "promotion", "first_service"


@dataclass(frozen=True, slots=True, kw_only=True)
class InService:
    """The model that makes today's signals, and who put it there."""

    card: ModelCard
    by: str
    since: date
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Champion and challenger measured on the same held-out outcomes.

    ``metrics`` carry the challenger's value and, as baseline, the champion's; names that end in
    ``_gain`` are differences with a paired interval.
    """

    champion: ModelCard
    challenger: ModelCard
    window: tuple[date, date]
    n: int
    positives: int
    metrics: tuple[Metric, ...]
    run: str


def models(work: Work, source: str) -> tuple[ModelCard, ...]:
    """Return the cards of the models trained on a source, oldest first."""
    return tuple(card for card in work.workspace.registry.cards(work.card.name) if card.source == source)


def in_service(work: Work, source: str) -> InService | None:
    """Return the model in service for a source, or None before the first."""
    entries = _services(work, source)
    return _installed(work, entries[-1]) if entries else None


def in_service_as(work: Work, source: str, number: int) -> InService:
    """Return who put a model in service, the last time it was.

    Raises
    ------
    NotFoundError
        If it never was.
    """
    entries = [entry for entry in _services(work, source) if entry.data["number"] == number]
    if not entries:
        raise NotFoundError(
            f"le modèle n° {number} n'a jamais été en service pour la source « {source} ».",
            fix=f"Lancez : ./eclaireur run {work.card.name} --source {source}",
        )
    return _installed(work, entries[-1])


def services(work: Work, source: str) -> tuple[InService, ...]:
    """Return each time that a model of a source was put in service, oldest first."""
    return tuple(_installed(work, entry) for entry in _services(work, source))


def _services(work: Work, source: str) -> list[Entry]:
    """Return the journal's entries that put a model of a source in service, oldest first."""
    return [
        entry
        for entry in work.workspace.journal.entries(case=work.card.name)
        if entry.kind in {_PROMOTED, _FIRST} and entry.data["source"] == source
    ]


def _installed(work: Work, entry: Entry) -> InService:
    card = work.workspace.registry.card(work.card.name, entry.data["number"], expect=entry.data["seal"])
    return InService(card=card, by=entry.actor, since=entry.time.date(), reason=entry.data["reason"])


def train(work: Work, source: str, *, until: date | None = None) -> ModelCard:
    """Train a challenger on what was known at ``until`` (by default, a quarter before the last data).

    Raises
    ------
    EmptyTableError
        If no outcome was known by then.
    """
    records = working.ensure_records(work, source)
    examples = work.case.examples(records.tables)
    as_of = until or work.case.data_date(records.tables) - HOLD_OUT
    return _train(work, records, examples, as_of, source)


def ensure_model(work: Work, records: RecordsRun, source: str) -> InService:
    """Return the model in service; train and install a first one when there is none.

    The first model replaces nobody's choice: it is journalled as such. Any other waits for a
    person (`promote`).
    """
    current = in_service(work, source)
    if current is not None:
        return current
    examples = work.case.examples(records.tables)
    as_of = work.case.data_date(records.tables) + timedelta(days=1)
    card = _train(work, records, examples, as_of, source)
    _install(work, card, _FIRST, by="Éclaireur (premier modèle)", reason="aucun modèle n'était en service")
    installed = in_service(work, source)
    if installed is None:
        raise NotFoundError("le premier modèle n'a pas pu être mis en service.", fix="Relancez la commande.")
    return installed


def _train(work: Work, records: RecordsRun, examples: pa.Table, as_of: date, source: str) -> ModelCard:
    if not examples.num_rows:
        raise EmptyTableError(
            f"aucun résultat connu au {as_of:%d/%m/%Y} : impossible d'entraîner un modèle.",
            fix="Choisissez une date plus tardive, ou importez des résultats.",
        )
    run = work.run("train", config={"until": as_of.isoformat(), "source": source}, inputs=(records.run.id,))
    for card in models(work, source):
        if card.run == run.id:
            return card
    fitted = _fitted(work, records, examples, as_of, run)
    card = replace(
        fitted.card,
        case=work.card.name,
        number=0,
        run=run.id,
        source=source,
        as_of=as_of,
        created=work.workspace.clock(),
        limits=work.card.limits,
    )
    return work.workspace.registry.save(card, fitted.artefacts)


def _fitted(work: Work, records: RecordsRun, examples: pa.Table, as_of: date, run: Run) -> Fitted:
    """Train as a run, so that its CPU seconds are kept; the registry keeps the model itself."""
    made: list[Fitted] = []

    def fit(folder: Path) -> None:
        made.append(
            work.case.train(records.tables, examples, as_of=as_of, seed=work.seed, progress=work.progress)
        )
        (folder / "trained.json").write_text(
            json.dumps({"examples": examples.num_rows, "artefacts": sorted(made[0].artefacts)}),
            encoding="utf-8",
        )

    work.workspace.runs.do(run, fit)
    if made:
        return made[0]
    # It was trained once and the model was never stored: a process killed between the two.
    return work.case.train(records.tables, examples, as_of=as_of, seed=work.seed, progress=work.progress)


def compare(work: Work, source: str, *, challenger: int | None = None) -> Comparison:
    """Measure the challenger (by default the newest model) and the model in service on the same rows.

    The rows are the outcomes that neither model could have learnt from: those later than both.

    Raises
    ------
    NotFoundError
        If there is no model in service, or no other model.
    EmptyTableError
        If no outcome is later than both models, or all are alike.
    """
    champion = in_service(work, source)
    if champion is None:
        raise NotFoundError(
            f"aucun modèle en service pour la source « {source} ».",
            fix=f"Lancez d'abord : ./eclaireur run {work.card.name} --source {source}",
        )
    other = _challenger(work, source, champion.card, challenger)
    records = working.records(work, source)
    start = max(champion.card.as_of, other.as_of)
    run = work.run(
        "compare",
        config={"champion": champion.card.number, "challenger": other.number, "from": start.isoformat()},
        inputs=(
            records.run.id,
            work.workspace.registry.seal(champion.card),
            work.workspace.registry.seal(other),
        ),
    )
    from eclaireur.service import comparing, gating

    result = comparing.measure(work, records, champion.card, other, start=start, run=run)
    gating.measure_gate(work, records, champion.card, other, compared=result.run)
    return result


def _challenger(work: Work, source: str, champion: ModelCard, number: int | None) -> ModelCard:
    if number is not None:
        card = work.workspace.registry.card(work.card.name, number)
        if card.source != source:
            raise NotFoundError(
                f"le modèle n° {number} a été entraîné sur la source « {card.source} ».",
                fix=f"Ajoutez --source {card.source}.",
            )
        return card
    others = [card for card in models(work, source) if card.number != champion.number]
    if not others:
        raise NotFoundError(
            "aucun autre modèle à comparer.", fix=f"Lancez d'abord : ./eclaireur train {work.card.name}"
        )
    return others[-1]


def promote(work: Work, source: str, number: int, *, by: str, reason: str) -> InService:
    """Put a model in service. A named person answers for it, with a reason; both are journalled.

    A model that was never in service must have been compared with the one it replaces, and its gate must be
    green or passed over by two people (`gating`). Going back to one that was in service is free: it is how a
    fault is undone.

    Raises
    ------
    BadValueError
        If the name or the reason is empty.
    RefusedError
        If no comparison with the model in service was made, or its gate is red.
    """
    if len(by.split()) < 2:
        raise BadValueError(
            "une mise en service demande le prénom et le nom de la personne qui en répond.",
            fix="Ajoutez --by « Prénom Nom ».",
        )
    if not reason.strip():
        raise BadValueError("une mise en service demande une raison.", fix="Ajoutez --reason « … ».")
    card = work.workspace.registry.card(work.card.name, number)
    if card.source != source:
        raise RefusedError(
            f"le modèle n° {number} a été entraîné sur la source « {card.source} », pas « {source} ».",
            fix=f"Ajoutez --source {card.source}.",
        )
    current = in_service(work, source)
    if current is not None and current.card.number == number:
        return current
    if current is not None and not _was_in_service(work, card) and not _compared(work, current.card, card):
        raise RefusedError(
            f"le modèle n° {number} n'a pas été comparé au modèle en service (n° {current.card.number}).",
            fix=f"Lancez d'abord : ./eclaireur compare {work.card.name} --challenger {number}",
        )
    if current is not None and not _was_in_service(work, card):
        from eclaireur.service import gating

        gating.require_open(work, card)
    _install(work, card, _PROMOTED, by=by, reason=reason)
    installed = in_service(work, source)
    if installed is None:
        raise NotFoundError("la mise en service n'a pas été enregistrée.", fix="Relancez la commande.")
    return installed


def _install(work: Work, card: ModelCard, kind: str, *, by: str, reason: str) -> None:
    data = {
        "source": card.source,
        "number": card.number,
        "seal": work.workspace.registry.seal(card),
        "reason": reason,
    }
    work.workspace.journal.append(kind, case=work.card.name, actor=by, data=data)


def _was_in_service(work: Work, card: ModelCard) -> bool:
    return any(entry.data["number"] == card.number for entry in _services(work, card.source))


def _compared(work: Work, champion: ModelCard, challenger: ModelCard) -> bool:
    return any(
        run.config["champion"] == champion.number and run.config["challenger"] == challenger.number
        for run in work.workspace.runs.history(work.card.name, "compare")
    )

"""Parts of the *fiche algorithme*: what is known of a case at a moment, and the blocks that tell it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from eclaireur.core import french
from eclaireur.core.errors import EclaireurError, NotFoundError
from eclaireur.core.evaluation import block_from_json
from eclaireur.core.view import Block, Column, Facts, Table
from eclaireur.service import gating, training, work as working
from eclaireur.service.measured import block_tables
from eclaireur.service.membership import Attack, last_attack

if TYPE_CHECKING:
    from eclaireur.core.card import Card
    from eclaireur.core.types import EvaluationBlock, Run
    from eclaireur.service.training import InService
    from eclaireur.service.work import Work

__all__ = [
    "WATTS",
    "Known",
    "columns",
    "contests",
    "count_contests",
    "data",
    "energy",
    "figures",
    "know",
    "may_name_people",
    "operations",
    "watt_hours",
]

WATTS = 15.0
"""Power of one busy core, cooling included, when the administration declared none."""

_BRICKS = {
    "predict": "apprentissage sur des résultats passés (prédiction d’un risque)",
    "explain": "décomposition de chaque indice en raisons",
    "semantic": "comparaison de textes par leurs mots et leur sens",
    "anomaly": "repérage de valeurs ou de séries inhabituelles",
    "space": "calculs de distance et de couverture du territoire",
    "vision": "lecture d’images",
    "speech": "transcription de la parole",
}
_STAGES = ("records", "train", "signals", "evaluate")
_SHOWN = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known of a case and a source at a moment."""

    work: Work
    card: Card
    source: str
    declared: Mapping[str, str]
    model: InService | None
    signals: Run | None
    evaluation: tuple[EvaluationBlock, ...]
    evaluated: Run | None
    decisions: int
    contested: Mapping[str, int]
    attacked: Attack | None
    seconds: Mapping[str, float]


def know(
    work: Work, source: str, said: Mapping[str, str], *, contests: Mapping[str, int] | None = None
) -> Known:
    """Gather what is known; nothing is computed, fetched or trained."""
    runs = work.workspace.runs
    history = {stage: runs.history(work.card.name, stage) for stage in _STAGES}
    named = {
        stage: [run for run in found if run.config.get("source") == source]
        for stage, found in history.items()
    }
    evaluated = named["evaluate"][-1] if named["evaluate"] else None
    return Known(
        work=work,
        card=work.card,
        source=source,
        declared=said,
        model=training.in_service(work, source),
        signals=named["signals"][-1] if named["signals"] else None,
        evaluation=_evaluation(work, evaluated),
        evaluated=evaluated,
        decisions=_decisions(work),
        contested=count_contests(work) if contests is None else contests,
        attacked=last_attack(work, source),
        seconds={stage: runs.cpu_seconds(found[-1]) for stage, found in named.items() if found},
    )


def _evaluation(work: Work, run: Run | None) -> tuple[EvaluationBlock, ...]:
    if run is None:
        return ()
    folder = work.workspace.lake.folder(work.workspace.runs.address(run))
    rows = json.loads((folder / "evaluation.json").read_text(encoding="utf-8"))
    return tuple(block_from_json(row) for row in rows)


def _decisions(work: Work) -> int:
    """Count the verdicts of the last year that nobody took back."""
    since: datetime = work.workspace.clock() - timedelta(days=365)
    standing: set[int] = set()
    for entry in work.workspace.journal.entries({"decision", "undo"}, case=work.card.name):
        if entry.kind == "undo":
            standing.discard(entry.data["undoes"])
        elif entry.time >= since:
            standing.add(entry.seq)
    return len(standing)


def count_contests(work: Work) -> dict[str, int]:
    """Count in the journal the contests received, answered, and those that changed something."""
    found: Counter[str] = Counter()
    for entry in work.workspace.journal.entries({"contest", "contest_reply"}, case=work.card.name):
        if entry.kind == "contest":
            found["received"] += 1
        else:
            found["answered"] += 1
            found["changed"] += bool(entry.data.get("changed"))
    return {name: found[name] for name in ("received", "answered", "changed")}


def may_name_people(known: Known) -> bool:
    """Tell whether the source may name people; what an administration connected is taken to."""
    return known.source == working.CONNECTED or known.card.source(known.source).personal


def columns(*pairs: tuple[str, str]) -> tuple[Column, ...]:
    """Return columns of text from their keys and titles."""
    return tuple(Column(key=key, title=title) for key, title in pairs)


def data(known: Known, *, expert: bool) -> Iterator[Block]:
    """Give the sources with their licence and date and, for an expert, every column that is read."""
    rows = []
    for one in known.card.sources:
        taken = working.taken(known.work, one.name)
        rows.append(
            {
                "title": one.title,
                "origin": one.origin,
                "licence": one.licence,
                "personal": "oui" if one.personal else "non",
                "taken": french.day(taken[-1].taken) if taken else "pas lue ici",
            }
        )
    yield Table(
        title="Données et sources",
        columns=columns(
            ("title", "Source"),
            ("origin", "Origine"),
            ("licence", "Licence"),
            ("personal", "Peut nommer des personnes"),
            ("taken", "Lue le"),
        ),
        rows=rows,
    )
    used = [
        {"table": table.title, "fields": ", ".join(one.title for one in table.fields)}
        for table in known.card.inputs
        if table.name != "candidates"
    ]
    if expert and used:
        yield Table(
            title="Colonnes lues", columns=columns(("table", "Table"), ("fields", "Colonnes")), rows=used
        )


def operations(known: Known, *, expert: bool, hidden: bool) -> Iterator[Block]:
    """Give what is done with the data, the model in service and, unless hidden, what weighs in it."""
    steps = [_BRICKS[one] for one in known.card.bricks if one in _BRICKS] or ["règles écrites dans le code"]
    facts = [("Opérations", " ; ".join(steps))]
    if known.model is not None:
        model = known.model
        facts += [
            ("Modèle", f"n° {model.card.number}, {model.card.kind}"),
            ("En service", f"depuis le {french.day(model.since)}, par {model.by} : {model.reason}"),
            (
                "Appris sur",
                (
                    f"{french.count(model.card.examples, 'exemple')}, dont "
                    f"{french.count(model.card.positives, 'cas')} de « {known.card.label} », "
                    f"connus au {french.day(model.card.as_of)}"
                ),
            ),
        ]
        if expert:
            registry = known.work.workspace.registry
            facts += [
                ("Empreinte du modèle", registry.seal(model.card)),
                ("Calcul d’apprentissage", model.card.run),
                ("Empreinte des exemples", model.card.examples_sha256),
            ]
    if expert and known.signals is not None:
        facts += [
            ("Dernier calcul d’indices", known.signals.id),
            ("Version du code", known.signals.code),
        ]
    if known.attacked is not None:
        facts.append(("Essai d’inférence d’appartenance", _attacked(known.attacked)))
    yield Facts(title="Opérations et modèle", pairs=tuple(facts))
    gate = gating.gate_of(known.work, known.model.card) if known.model is not None else None
    if gate is not None:
        yield from gating.gate_blocks(gate)
    if hidden:
        return
    yield from _weights(known, expert=expert)
    if expert and known.model is not None:
        yield from _settings(known.model)


def _attacked(found: Attack) -> str:
    said = "réussi" if found.passes else "échoué : le modèle en dit trop sur les personnes de ses exemples"
    return (
        f"{said} ; AUC {french.number(found.auc, 3)} ({french.number(found.auc_low, 3)} à "
        f"{french.number(found.auc_high, 3)}), {french.percent(found.found, 1)} retrouvées pour 1 % de "
        f"fausses alertes, sur {french.count(found.members, 'exemple')}"
    )


def _settings(model: InService) -> Iterator[Block]:
    if model.card.thresholds:
        yield Facts(
            title="Seuils",
            pairs=tuple((name, french.number(value, 4)) for name, value in model.card.thresholds.items()),
        )
    rows = [{"file": name, "hash": digest} for name, digest in model.card.artefacts.items()]
    yield Table(
        title="Fichiers du modèle", columns=columns(("file", "Fichier"), ("hash", "SHA-256")), rows=rows
    )


def _weights(known: Known, *, expert: bool) -> Iterator[Block]:
    """Give how much each theme, or each variable, weighs in the reasons of the last calculation."""
    if known.signals is None:
        return
    lake, runs = known.work.workspace.lake, known.work.workspace.runs
    try:
        column = lake.table(runs.address(known.signals), "signals", columns=["reasons"])["reasons"]
    except (EclaireurError, NotFoundError):
        return
    total: Counter[str] = Counter()
    times: Counter[str] = Counter()
    for reasons in column.to_pylist():
        for one in reasons or ():
            name = (one["feature"] if expert else one["theme"]) or one["theme"] or "autre"
            total[name] += abs(one["weight"] or 0.0)
            times[name] += 1
    weight = sum(total.values())
    if not weight:
        return
    rows: list[dict[str, Any]] = [
        {"name": name, "share": french.percent(value / weight), "times": french.number(times[name])}
        for name, value in total.most_common(_SHOWN)
    ]
    yield Table(
        title="Ce qui pèse dans les indices",
        columns=(
            *columns(("name", "Variable" if expert else "Thème")),
            Column(key="share", title="Part du poids", align="right"),
            Column(key="times", title="Raisons données", align="right"),
        ),
        rows=rows,
        note="Part de la somme des poids, sans leur signe, de toutes les raisons du dernier calcul.",
    )


def figures(known: Known) -> Iterator[Block]:
    """Give the figures of the last evaluation, by group too, each with its interval and its reference."""
    stale = ""
    if known.evaluated is not None and known.signals is not None:
        same = known.evaluated.code == known.signals.code
        stale = "" if same else " Mesuré avec une version du code autre que celle du dernier calcul."
    for block in known.evaluation:
        first, *others = block_tables(block)
        yield replace(first, title=f"Figures mesurées : {first.title}", note=f"{first.note}{stale}".strip())
        yield from others


def contests(known: Known) -> tuple[tuple[str, str], ...]:
    """Return how many contests were received, answered, and changed something."""
    count = known.contested
    return (
        (
            "Contestations",
            (
                f"{french.count(count['received'], 'reçue')}, {french.count(count['answered'], 'traitée')}, "
                f"{french.count(count['changed'], 'suivie', 'suivies')} d’un changement"
            ),
        ),
    )


def energy(known: Known) -> tuple[tuple[str, str], ...]:
    """Return what the last calculations took: CPU seconds measured, energy estimated."""
    seconds = sum(known.seconds.values())
    if not seconds:
        return (("Énergie", "aucun calcul mesuré ici"),)
    spent = watt_hours(seconds, known.declared.get("watts", ""))
    words = {
        "records": "lecture",
        "train": "apprentissage",
        "signals": "indices",
        "evaluate": "évaluation",
    }
    told = ", ".join(f"{words[name]} {french.number(one)} s" for name, one in known.seconds.items())
    return (
        ("Énergie", f"environ {french.number(spent, 2)} Wh pour une fois chaque étape"),
        ("Temps de processeur mesuré", told),
    )


def watt_hours(seconds: float, watts: str = "") -> float:
    """Return the energy of CPU seconds, in watt-hours, from the power of one busy core.

    >>> watt_hours(3600), watt_hours(3600, "20")
    (15.0, 20.0)
    """
    return seconds * (float(watts) if watts else WATTS) / 3600

"""The project of a case, for who leads it: what was done and when, what the trial shows, what it costs.

Dates come from snapshots, models, runs and the journal; figures from the last evaluation and from verdicts;
what only people know from `declaring`. The same blocks are the page and the dossier that two people sign.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from datetime import date
from typing import TYPE_CHECKING

from eclaireur.core import french
from eclaireur.core.notes import JOB_IMPACT, PROTOCOL, Note, read_note
from eclaireur.core.view import Block, Column, Facts, Table
from eclaireur.service import gating, sheet_parts as parts, training, work as working
from eclaireur.service.automation_bias import bias_blocks, measure_bias, trial_blocks
from eclaireur.service.declaring import declared
from eclaireur.service.deploying import Decided, decided
from eclaireur.service.usefulness import usefulness_block
from eclaireur.service.watching import watch_block

if TYPE_CHECKING:
    from eclaireur.service.sheet_parts import Known
    from eclaireur.service.work import Work

__all__ = ["annex_index", "dossier", "gates", "method", "sample_size", "signed_block", "versions"]

_QUANTILES = {0.8: 0.8416212335729143, 0.9: 1.2815515655446004}
_Z = 1.959963984540054


def sample_size(before: float, after: float, *, power: float = 0.8) -> int:
    """Return how many files each of two groups needs to tell two shares apart.

    Two-sided test of two proportions at 5 %, without continuity correction (Fleiss, *Statistical Methods
    for Rates and Proportions*, 1981, 3.14).

    Parameters
    ----------
    before, after
        Shares in [0, 1] without and with the treatment; they differ.
    power
        Chance to see the difference when there is one: 0.8 or 0.9.

    Examples
    --------
    >>> sample_size(0.10, 0.20), sample_size(0.10, 0.20, power=0.9)
    (199, 266)
    """
    pooled = (before + after) / 2
    spread = _Z * math.sqrt(2 * pooled * (1 - pooled))
    spread += _QUANTILES[power] * math.sqrt(before * (1 - before) + after * (1 - after))
    return math.ceil((spread / (before - after)) ** 2 - 1e-9)


def dossier(work: Work, source: str, *, contests: Mapping[str, int] | None = None) -> tuple[Block, ...]:
    """Return the dossier of a case: all that is read before deciding."""
    known = parts.know(work, source, declared(work.workspace, work.card), contests=contests)
    return tuple(_blocks(known))


def _blocks(known: Known) -> Iterator[Block]:
    yield _steps(method(known))
    yield Facts(
        title="But et limites",
        pairs=(("Finalité", known.card.law.purpose), ("Limites", " ".join(known.card.limits))),
    )
    yield _choices(known)
    yield _note(known, JOB_IMPACT)
    yield _note(known, PROTOCOL)
    yield from parts.figures(known)
    yield versions(known)
    yield from gates(known)
    yield from bias_blocks(measure_bias(known.work))
    yield from trial_blocks(known.work)
    yield usefulness_block(known.work)
    yield _saved(known)
    yield Facts(title="Coût et énergie", pairs=(_said(known, "budget"), *parts.energy(known)))
    yield Facts(title="Contestations", pairs=parts.contests(known))
    yield watch_block(known.work, known.source)
    yield annex_index(known)


def method(known: Known) -> tuple[tuple[str, date | None, str], ...]:
    """Return the steps of the method: title, day on which it was first done or None, what shows it."""
    work = known.work
    taken = working.taken(work, known.source)
    models = training.models(work, known.source)
    verdicts = work.workspace.journal.entries("decision", case=work.card.name)
    first = next((entry.time.date() for entry in verdicts), None)
    made = decided(work)
    return (
        (
            "Données repérées",
            taken[0].taken.date() if taken else None,
            french.count(len(taken), "version lue", "versions lues"),
        ),
        (
            "Prototype",
            models[0].created.date() if models else None,
            french.count(len(models), "modèle"),
        ),
        ("Essai par les agents", first, f"{french.count(known.decisions, 'avis', 'avis')} en un an"),
        (
            "Évaluation",
            _day_of(known) if known.evaluated else None,
            f"calcul {known.evaluated.id}" if known.evaluated else "à lancer : ./eclaireur evaluate",
        ),
        (
            "Décision",
            made.signed[-1].at.date() if made.signed else None,
            made.choice.french if made.choice else "à signer par deux personnes",
        ),
    )


def _day_of(known: Known) -> date | None:
    if known.evaluated is None:
        return None
    noted = known.work.workspace.lake.dated_notes(f"runs/{known.card.name}/evaluate")
    days = [at.date() for at, text in noted if text == known.evaluated.id]
    return days[0] if days else None


def _steps(rows: tuple[tuple[str, date | None, str], ...]) -> Block:
    columns = (
        Column(key="step", title="Étape"),
        Column(key="done", title="Faite"),
        Column(key="day", title="Le", kind="date"),
        Column(key="what", title="Ce qui le montre"),
    )
    return Table(
        title="La méthode, étape par étape",
        columns=columns,
        rows=[
            {"step": step, "done": "oui" if day else "non", "day": day, "what": what}
            for step, day, what in rows
        ],
    )


def versions(known: Known) -> Table:
    """Return every model of the source: what it learnt from, what the gate says, who put it in service."""
    current = known.model.card.number if known.model else None
    services = {one.card.number: one for one in training.services(known.work, known.source)}
    rows = []
    for card in training.models(known.work, known.source):
        gate, put = gating.gate_of(known.work, card), services.get(card.number)
        since = f"depuis le {french.day(put.since)}, par {put.by}" if put else "jamais mis en service"
        rows.append(
            {
                "model": f"n° {card.number}{' (en service)' if card.number == current else ''}",
                "learnt": f"{french.count(card.examples, 'exemple')}, connus au {french.day(card.as_of)}",
                "gate": gate.french if gate else "pas mesuré",
                "service": since,
                "why": put.reason if put else "",
            }
        )
    return Table(
        title="Modèles, version par version",
        columns=parts.columns(
            ("model", "Modèle"),
            ("learnt", "Appris sur"),
            ("gate", "Contrôles"),
            ("service", "Mise en service"),
            ("why", "Raison"),
        ),
        rows=rows,
    )


def gates(known: Known) -> Iterator[Block]:
    """Give what was checked of the model in service and of the newest one."""
    cards = training.models(known.work, known.source)[-1:]
    if known.model is not None and known.model.card not in cards:
        cards = (known.model.card, *cards)
    for card in cards:
        gate = gating.gate_of(known.work, card)
        if gate is not None:
            yield from gating.gate_blocks(gate)


def _said(known: Known, name: str) -> tuple[str, str]:
    from eclaireur.service.declaring import ASKED

    asked = next(one for one in ASKED if one.name == name)
    return asked.title, known.declared.get(name) or f"À remplir par {asked.who}"


def _choices(known: Known) -> Block:
    return Facts(
        title="Effets et choix",
        pairs=(
            _said(known, "alternatives"),
            _said(known, "risks"),
            _said(known, "training"),
        ),
    )


def _note(known: Known, note: Note) -> Block:
    """Return a note of the case, as it is beside its card: a signature keeps the words that were read."""
    path = known.card.folder / note.file
    if not path.is_file():
        return Facts(title=note.title, pairs=(("État", "pas encore écrite pour ce cas d’usage"),))
    sections = read_note(french.spaced(path.read_text(encoding="utf-8")))
    return Facts(title=note.title, pairs=tuple((one.heading, one.text) for one in sections))


def _saved(known: Known) -> Block:
    """Say the hours and euros saved in a year, from declared times; nothing is guessed."""
    said = known.declared
    if not all(said.get(name) for name in ("minutes_before", "minutes_after", "decisions")):
        told = "À déclarer : minutes par dossier avant et avec le traitement, décisions par an."
        return Facts(title="Temps gagné", pairs=(("En un an", told),))
    minutes = float(said["minutes_before"]) - float(said["minutes_after"])
    hours = minutes * float(said["decisions"]) / 60
    pairs = [("Par dossier", f"{french.signed(minutes, 1)} minutes"), ("En un an", _hours(hours))]
    if said.get("hourly"):
        euros = hours * float(said["hourly"])
        pairs.append(("Valeur", f"{french.signed(euros)} € par an, aux coûts déclarés"))
    return Facts(title="Temps gagné", pairs=tuple(pairs))


def _hours(hours: float) -> str:
    return f"{french.signed(hours)} heures, aux temps déclarés"


def annex_index(known: Known) -> Table:
    """Return the index of the technical documentation of the AI Act, annex IV, with what is missing."""
    said, model = known.declared, known.model
    rows = (
        ("1. Description générale", "fiche algorithme", bool(said.get("context"))),
        ("2. Éléments et développement", "fiche du modèle, exemples, variables", model is not None),
        ("2 d. Données", "sources, licences, empreintes", bool(known.card.sources)),
        ("2 e. Contrôle humain", "avis d’agents, mesure du biais d’automatisation", known.decisions > 0),
        ("2 g. Validation et essais", "évaluation par groupe, avec intervalles", bool(known.evaluation)),
        ("2 h. Cybersécurité", "dossier docs/security du logiciel", False),
        ("3. Suivi et limites", "limites de la fiche, suspension", bool(known.card.limits)),
        ("4. Choix des mesures de performance", "docs du cas", bool(known.evaluation)),
        ("5. Gestion des risques", "risques déclarés", bool(said.get("risks"))),
        ("6. Changements", "journal des mises en service", model is not None),
        ("7. Normes appliquées", "à écrire par l’administration", False),
        ("8. Déclaration UE de conformité", "à écrire par l’administration", False),
        ("9. Surveillance après mise en service", "contestations, dérive, votes", known.decisions > 0),
    )
    return Table(
        title="Règlement IA, annexe IV : où est chaque pièce",
        columns=parts.columns(("part", "Pièce"), ("where", "Où"), ("state", "État")),
        rows=[
            {"part": part, "where": where, "state": "là" if there else "manque"}
            for part, where, there in rows
        ],
        note="Index de travail : il ne dit pas que le cas d’usage est à haut risque, ni conforme.",
    )


def signed_block(made: Decided) -> Block:
    """Return who signed what, as a block to put before the dossier."""
    rows = [
        {
            "at": french.moment(one.at),
            "by": one.by,
            "choice": one.choice.french,
            "reason": one.reason,
            "dossier": one.dossier[:16],
        }
        for one in (*made.signed, *((made.waiting,) if made.waiting else ()))
    ]
    return Table(
        title=f"Décision : {made.choice.french}" if made.choice else "Décision : pas encore prise",
        columns=parts.columns(
            ("at", "Quand (temps universel)"),
            ("by", "Qui"),
            ("choice", "Choix"),
            ("reason", "Raison"),
            ("dossier", "Dossier lu"),
        ),
        rows=rows,
        note="Deux personnes signent le même choix sur le même dossier.",
    )

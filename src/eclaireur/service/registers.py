"""Registers of an installation, for who inspects it: algorithms, personal data, incidents, changes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from eclaireur.core import french
from eclaireur.core.catalog import cards
from eclaireur.core.errors import BadValueError
from eclaireur.core.mention import SHORT
from eclaireur.core.view import Column, Table
from eclaireur.service.declaring import keep_months

if TYPE_CHECKING:
    from collections.abc import Collection

    from eclaireur.core.card import Card
    from eclaireur.core.workspace import Workspace

__all__ = ["REGISTERS", "register_of"]

REGISTERS: Mapping[str, str] = {
    "algorithms": "Algorithmes",
    "processing": "Traitements de données personnelles",
    "incidents": "Suspensions et reprises",
    "models": "Mises en service et décisions",
    "overrides": "Contrôles passés outre",
    "erasures": "Effacements de données personnelles",
}
"""Registers: name → French title."""


def register_of(workspace: Workspace, name: str, names: Collection[str]) -> Table:
    """Return a register as a table.

    Parameters
    ----------
    name
        One of `REGISTERS`.
    names
        Cases to tell: those within reach of who asks.

    Raises
    ------
    BadValueError
        If there is no such register.
    """
    if name not in REGISTERS:
        raise BadValueError(f"registre inconnu : « {name} ».", fix=f"Registres : {', '.join(REGISTERS)}.")
    chosen = [card for card in cards() if card.name in names]
    titles, rows = _MAKERS[name](workspace, chosen)
    columns = tuple(Column(key=key, title=title) for key, title in titles.items())
    return Table(title=REGISTERS[name], columns=columns, rows=rows, note=SHORT)


_Made = tuple[dict[str, str], list[dict[str, Any]]]


def _algorithms(_: Workspace, chosen: list[Card]) -> _Made:
    titles = {
        "case": "Cas d’usage",
        "administration": "Administration",
        "purpose": "Finalité",
        "basis": "Base légale",
        "ai_act": "Règlement IA",
        "level": "Niveau de qualité",
    }
    levels = {"": "pas encore évalué", "bronze": "bronze", "silver": "argent", "gold": "or"}
    rows = [
        {
            "case": card.title,
            "administration": card.administration,
            "purpose": card.law.purpose,
            "basis": card.law.legal_basis,
            "ai_act": card.law.ai_act,
            "level": levels[card.level],
        }
        for card in chosen
    ]
    return titles, rows


def _processing(workspace: Workspace, chosen: list[Card]) -> _Made:
    titles = {
        "case": "Cas d’usage",
        "purpose": "Finalité",
        "basis": "Base légale",
        "data": "Données personnelles",
        "kept": "Conservation",
        "aipd": "Analyse d’impact",
        "sources": "Sources qui peuvent nommer des personnes",
    }
    rows = [
        {
            "case": card.title,
            "purpose": card.law.purpose,
            "basis": card.law.legal_basis,
            "data": card.law.personal_data,
            "kept": f"{keep_months(workspace, card)} mois",
            "aipd": card.law.aipd,
            "sources": ", ".join(one.title for one in card.sources if one.personal) or "aucune",
        }
        for card in chosen
    ]
    return titles, rows


def _incidents(workspace: Workspace, chosen: list[Card]) -> _Made:
    return _lines(workspace, chosen, {"stop": "suspendu", "resume": "repris"})


def _models(workspace: Workspace, chosen: list[Card]) -> _Made:
    kinds = {
        "first_service": "premier modèle en service",
        "promotion": "modèle mis en service",
        "deployment": "décision de déploiement signée",
        "sheet_published": "fiche publiée",
        "sheet_withdrawn": "fiche retirée",
    }
    return _lines(workspace, chosen, kinds)


def _overrides(workspace: Workspace, chosen: list[Card]) -> _Made:
    titles, rows = _lines(workspace, chosen, {"gate_override": "contrôle rouge passé outre"})
    checks = {
        entry.seq: " ".join(entry.data["checks"]) for entry in workspace.journal.entries("gate_override")
    }
    return titles | {"checks": "Constats"}, [row | {"checks": checks[row["line"]]} for row in rows]


def _erasures(workspace: Workspace, chosen: list[Card]) -> _Made:
    kinds = {"erasure": "personne effacée à sa demande", "retention": "effacé au terme de la durée"}
    titles, rows = _lines(workspace, chosen, kinds)
    counts = {entry.seq: _counts(entry.data) for entry in workspace.journal.entries(set(kinds))}
    return titles | {"count": "Combien"}, [row | {"count": counts[row["line"]]} for row in rows]


def _counts(data: Mapping[str, Any]) -> str:
    if "gone" in data:
        told = [f"{name} : {french.number(count)}" for name, count in sorted(data["gone"].items())]
        return " ; ".join(told) or "rien"
    return f"{french.count(data['places'], 'endroit')}, {french.count(data['rows'], 'ligne')}"


def _lines(workspace: Workspace, chosen: list[Card], kinds: Mapping[str, str]) -> _Made:
    """Return lines of the journal, oldest first."""
    by_name = {card.name: card.title for card in chosen}
    titles = {
        "at": "Quand (temps universel)",
        "case": "Cas d’usage",
        "what": "Quoi",
        "which": "Lequel",
        "who": "Qui",
        "why": "Raison",
        "line": "Ligne du journal",
    }
    rows = [
        {
            "at": french.moment(entry.time),
            "case": by_name[entry.case],
            "what": kinds[entry.kind],
            "which": _which(entry.data),
            "who": entry.actor,
            "why": str(entry.data.get("reason", "")),
            "line": entry.seq,
        }
        for entry in workspace.journal.entries(set(kinds))
        if entry.case in by_name
    ]
    return titles, rows


def _which(data: Mapping[str, Any]) -> str:
    if "number" in data:
        return f"n° {data['number']}"
    return str(data.get("choice", ""))


_MAKERS: dict[str, Callable[[Workspace, list[Card]], _Made]] = {
    "algorithms": _algorithms,
    "processing": _processing,
    "incidents": _incidents,
    "models": _models,
    "overrides": _overrides,
    "erasures": _erasures,
}

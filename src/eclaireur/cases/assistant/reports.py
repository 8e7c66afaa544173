"""Reports: an answer on paper, and the sheet with which an adviser prepares an appointment."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from eclaireur.bricks.semantic.outline import sentences
from eclaireur.cases.assistant.answers import find
from eclaireur.core.errors import BadValueError
from eclaireur.core.view import Block, Citations, Column, Facts, FormField, Table

if TYPE_CHECKING:
    from eclaireur.bricks.intake.knowledge import Sheet
    from eclaireur.cases.assistant.base import Base
    from eclaireur.cases.assistant.model import Model

__all__ = ["ASKS", "TITLES", "made"]

TITLES = {"appointment": "Préparer un rendez-vous", "answer": "Réponse et ses sources"}

_QUESTION = FormField(
    name="about", title="Question", kind="text", help="Avec les mots de la personne, en une phrase."
)
ASKS = {"appointment": (_QUESTION,), "answer": (_QUESTION,)}

_BRING = re.compile(
    r"(?i)\b(?:apport\w+|fourni\w+|présent(?:ez|er)|joind\w+|joint\w*|pièces?\b|justificatif|photo|acte de|"
    r"copie|formulaire|carte grise|attestation|relevé|avis d'imp)"
)
_STEP = re.compile(
    r"(?i)\b(?:adress\w+|dépos\w+|prenez|prendre rendez-vous|demand(?:ez|er)|envo\w+|rempli\w+|inscri\w+|"
    r"déclar\w+|signal\w+|rendez-vous|saisi\w+|faites|contact\w+|auprès|en ligne|délai|dans les|avant le)"
)
_MOST = 8


def made(name: str, base: Base, model: Model, *, about: str) -> tuple[Block, ...]:
    """Return a report on a question.

    Raises
    ------
    BadValueError
        If there is no question.
    """
    if not about.strip():
        raise BadValueError("ce rapport demande une question.", fix="Écrivez-la en une phrase.")
    found = find(base, model, about, today=date.today())  # noqa: DTZ011 - the age of a source, in days
    answer = found.answer
    said = answer.withheld or " ".join(one.text for one in answer.sentences)
    facts = Facts(
        title="Réponse" if name == "answer" else "En bref",
        pairs=(("Question", found.question), ("Les sources disent", said), *_told(answer.cautions)),
    )
    sources = answer.citations or answer.offers
    title = "Sources" if answer.citations else "Fiches les plus proches"
    blocks: list[Block] = [facts]
    if name == "appointment" and answer.citations:
        sheet = base.sheets[found.ranked[0].place]
        blocks += _prepared(sheet)
    if sources:
        blocks.append(Citations(title=title, citations=tuple(sources)))
    if answer.citations and answer.offers:
        blocks.append(Citations(title="Voir aussi", citations=answer.offers))
    return tuple(blocks)


def _told(cautions: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    return tuple(("À noter", one) for one in cautions)


def _prepared(sheet: Sheet) -> list[Block]:
    """Return what to bring and what to do: sentences of the sheet that say so, in its order."""
    lines = [sheet.text[start:end] for start, end in sentences(sheet.text)]
    bring = [line for line in lines if _BRING.search(line)][:_MOST]
    steps = [line for line in lines if _STEP.search(line) and line not in bring][:_MOST]
    return [
        Table(
            title=title,
            columns=(Column(key="said", title="Ce que dit la fiche"),),
            rows=[{"said": line} for line in found],
            note=f"Phrases de « {sheet.title} », dans leur ordre.",
        )
        for title, found in (("Documents à apporter", bring), ("Démarches", steps))
        if found
    ]

"""Reports: an answer on paper, and the sheet with which an adviser prepares an appointment."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

from eclaireur.bricks.intake.knowledge import changes
from eclaireur.bricks.semantic.outline import sentences
from eclaireur.cases.assistant import measuring
from eclaireur.cases.assistant.answers import find
from eclaireur.cases.assistant.base import sheet_of
from eclaireur.cases.assistant.reading import connected_sheet
from eclaireur.core import french
from eclaireur.core.errors import BadValueError
from eclaireur.core.view import Block, Chart, Citations, Column, Facts, FormField, Series, Table

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.bricks.intake.knowledge import Sheet
    from eclaireur.cases.assistant.base import Base
    from eclaireur.cases.assistant.memory import Memory
    from eclaireur.cases.assistant.model import Model
    from eclaireur.core.case import Progress

__all__ = ["ASKS", "READS", "TITLES", "caution", "made"]

TITLES = {
    "appointment": "Préparer un rendez-vous",
    "answer": "Réponse et ses sources",
    "changes": "Ce qui change avec de nouvelles fiches",
    "caution": "Répondre ou se taire : ce que coûte chaque prudence",
}
READS = {"changes": "sheets"}

_QUESTION = FormField(
    name="about", title="Question", kind="text", help="Avec les mots de la personne, en une phrase."
)
_SHEETS = FormField(
    name="table",
    title="Nouvelles fiches",
    kind="file",
    help="Le même tableau que les fiches en service.",
)
ASKS = {"appointment": (_QUESTION,), "answer": (_QUESTION,), "changes": (_SHEETS,)}

_BRING = re.compile(
    r"(?i)\b(?:apport\w+|fourni\w+|présent(?:ez|er)|joind\w+|joint\w*|pièces?\b|justificatif|photo|acte de|"
    r"copie|formulaire|carte grise|attestation|relevé|avis d'imp)"
)
_STEP = re.compile(
    r"(?i)\b(?:adress\w+|dépos\w+|prenez|prendre rendez-vous|demand(?:ez|er)|envo\w+|rempli\w+|inscri\w+|"
    r"déclar\w+|signal\w+|rendez-vous|saisi\w+|faites|contact\w+|auprès|en ligne|délai|dans les|avant le)"
)
_MOST = 8


def made(
    name: str, base: Base, model: Model, *, about: str, table: pa.Table | None, memory: Memory | None = None
) -> tuple[Block, ...]:
    """Return a report on a question, or on a table of sheets that would replace those in service.

    Raises
    ------
    BadValueError
        If there is no question, or no table.
    """
    if name == "changes":
        return _changes(base, table)
    if not about.strip():
        raise BadValueError("ce rapport demande une question.", fix="Écrivez-la en une phrase.")
    today = date.today()  # noqa: DTZ011 - the age of a source, in days
    found = find(base, model, about, memory=memory, today=today)
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


def caution(sheets: pa.Table, questions: pa.Table, *, seed: int, progress: Progress) -> tuple[Block, ...]:
    """Draw the share of wrong answers by the share of questions that are answered (see `measuring.curve`).

    Raises
    ------
    EmptyTableError
        If too few questions are labelled.
    """
    found = measuring.curve(sheets, questions, seed=seed, progress=progress)
    share = tuple(100 * one for one in found["share"])
    named = (("chance annoncée", found["ours"]), ("mots de la question retrouvés", found["plain"]))
    rows = [
        {"share": french.percent(at), "ours": french.percent(ours), "plain": french.percent(plain)}
        for at, ours, plain in zip(found["share"], found["ours"], found["plain"], strict=True)
    ]
    half = rows[len(rows) // 2 - 1]
    told = f"la moitié des questions, les plus sûres : {half['ours']} de réponses fausses"
    titles = (("share", "Questions répondues"), ("ours", named[0][0]), ("plain", named[1][0]))
    return (
        Chart(
            title=f"Répondre à {told}",
            form="line",
            x_title="Questions qui ont une réponse, les plus sûres d’abord, en %",
            y_title="Réponses fausses parmi elles, en %",
            series=tuple(
                Series(name=name, x=share, y=tuple(100 * one for one in risk)) for name, risk in named
            ),
            text=f"Pour la moitié des questions : {half['ours']} de réponses fausses par la chance annoncée, "
            f"{half['plain']} par les mots retrouvés. Le tableau donne les autres parts.",
        ),
        Table(
            title="Réponses fausses, selon la part de questions répondues",
            columns=tuple(Column(key=key, title=title) for key, title in titles),
            rows=rows,
            note="Chaque question est posée deux fois, avec sa fiche puis sans elle : tout répondre est donc "
            "faux une fois sur deux au moins. Les choix n’ont pas vu ces questions.",
        ),
    )


def _changes(base: Base, table: pa.Table | None) -> tuple[Block, ...]:
    """Say which sheets come, go, or say something else; nothing is replaced."""
    if table is None:
        raise BadValueError("ce rapport demande un fichier de fiches.", fix="Donnez le tableau des fiches.")
    after = [sheet_of(connected_sheet(row)) for row in table.to_pylist()]
    found = changes(base.sheets, after)
    titles = {one.id: one.title for one in (*base.sheets, *after)}
    kinds = (("nouvelle", found.added), ("retirée", found.removed), ("modifiée", found.changed))
    facts = Facts(
        title="En bref",
        pairs=(
            ("Fiches en service", french.number(len(base.sheets))),
            *((f"Fiches {kind}s", french.number(len(names))) for kind, names in kinds),
        ),
    )
    rows = [{"what": kind, "id": name, "title": titles[name]} for kind, names in kinds for name in names]
    columns = (("what", "Changement"), ("id", "Fiche"), ("title", "Titre"))
    listed = Table(
        title="Fiches qui changent",
        columns=tuple(Column(key=key, title=title) for key, title in columns),
        rows=rows,
        note="Rien n’est remplacé : reliez ce fichier au cas pour le mettre en service.",
    )
    return facts, listed


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

"""The *fiche algorithme* of a case, public and expert, made from what the product knows at that moment.

Nothing of it is typed twice: the card says purpose, data, limits and law; the journal, who put the model in
service and how many decisions were made; the registry, the model; the lake, the measured figures; and
`declaring`, what only the administration knows. A part that nobody filled blocks the publication.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.core import french
from eclaireur.core.errors import BadValueError, RefusedError
from eclaireur.core.files import write_atomically
from eclaireur.core.mention import mentions, rights
from eclaireur.core.view import Block, Facts, Table
from eclaireur.core.view_json import to_plain
from eclaireur.service import gating, sheet_parts as parts
from eclaireur.service.declaring import ASKED, declared

if TYPE_CHECKING:
    from eclaireur.service.sheet_parts import Known
    from eclaireur.service.work import Work

__all__ = ["FORMS", "LEVELS", "AlgorithmSheet", "Missing", "make_sheet", "require_complete", "write_sheet"]

LEVELS = ("public", "expert")
FORMS = ("html", "odt", "pdf", "json")
"""Forms in which a sheet is written."""

_FORMAT = 1
_AUTOMATION = (
    "Aucune décision n’est automatique. Le traitement propose un ordre et dit ses raisons ; "
    "un agent nommé suit, écarte ou répond autrement, et l’écrit."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Missing:
    """A part that is empty: its French title, and who can fill it."""

    title: str
    who: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AlgorithmSheet:
    """A sheet: what it says, in blocks, and what it lacks.

    ``secret`` is why rules are kept secret, empty when they are not: the public sheet then gives neither
    variable, weight nor threshold.
    """

    case: str
    title: str
    level: str
    day: date
    blocks: tuple[Block, ...]
    mentions: Mapping[str, str]
    missing: tuple[Missing, ...]
    secret: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the sheet as a JSON object; its blocks as `core.view_json` writes them."""
        return {
            "format": _FORMAT,
            "case": self.case,
            "title": self.title,
            "level": self.level,
            "day": self.day.isoformat(),
            "secret": bool(self.secret),
            "complete": not self.missing,
            "missing": [{"title": one.title, "who": one.who} for one in self.missing],
            "blocks": to_plain(self.blocks),
            "mentions": dict(self.mentions),
        }


def make_sheet(
    work: Work, source: str, level: str = "public", *, contests: Mapping[str, int] | None = None
) -> AlgorithmSheet:
    """Make the sheet of a case from what is known now.

    Parameters
    ----------
    source
        Source whose model and figures are told.
    level
        ``public``, or ``expert`` with variables, weights, thresholds and hashes.
    contests
        How many contests were received, answered, and changed something (`parts.contests`); None to count
        them in the journal.

    Raises
    ------
    BadValueError
        If the level does not exist.
    """
    if level not in LEVELS:
        raise BadValueError(f"niveau inconnu : « {level} ».", fix=f"Choisissez parmi {', '.join(LEVELS)}.")
    known = parts.know(work, source, declared(work.workspace, work.card), contests=contests)
    secret = known.declared.get("secret", "")
    return AlgorithmSheet(
        case=work.card.name,
        title=f"Fiche algorithme : {work.card.title}",
        level=level,
        day=work.workspace.clock().date(),
        blocks=tuple(_blocks(known, level, hidden=bool(secret) and level == "public")),
        mentions=mentions(work.card, known.declared.get("contact", "")),
        missing=tuple(_missing(known)),
        secret=secret,
    )


def require_complete(sheet: AlgorithmSheet) -> None:
    """Refuse to publish a sheet that lacks something.

    Raises
    ------
    RefusedError
        Names what is empty and who can fill it.
    """
    if sheet.missing:
        named = " ; ".join(f"{one.title} (à remplir par {one.who})" for one in sheet.missing)
        raise RefusedError(f"la fiche ne peut pas être publiée, il manque : {named}.", fix="Complétez-la.")


def _missing(known: Known) -> Iterator[Missing]:
    for asked in ASKED:
        if not asked.optional and not known.declared.get(asked.name):
            yield Missing(title=asked.title, who=asked.who)
    law = known.card.law
    for title, text in (
        ("Finalité", law.purpose),
        ("Base légale", law.legal_basis),
        ("Données personnelles", law.personal_data),
        ("Limites", " ".join(known.card.limits)),
        ("Recours", law.appeal),
    ):
        if not text.strip():
            yield Missing(title=title, who="l’équipe qui développe le cas d’usage")
    if known.model is None:
        yield Missing(title="Modèle en service", who="l’équipe data, par : ./eclaireur run")
    if parts.may_name_people(known) and (known.attacked is None or not known.attacked.passes):
        yield Missing(
            title="Essai d’inférence d’appartenance réussi", who="l’équipe data, par : ./eclaireur membership"
        )
    gate = gating.gate_of(known.work, known.model.card) if known.model is not None else None
    if gate is not None and not gate.open:
        yield Missing(
            title=f"Contrôles du modèle n° {gate.number}",
            who="l’équipe data, ou deux personnes qui passent outre sur la page du projet",
        )
    if not known.evaluation:
        yield Missing(title="Qualité mesurée", who="l’équipe data, par : ./eclaireur evaluate")


def _blocks(known: Known, level: str, *, hidden: bool) -> Iterator[Block]:
    card, said = known.card, known.declared
    expert = level == "expert"
    yield Facts(
        title="Qui s’en sert",
        pairs=(
            ("Administration", card.administration),
            *_said(said, "service", "contact"),
            ("Agents concernés", card.users),
        ),
    )
    yield Facts(
        title="Pourquoi et quand",
        pairs=(
            *_said(said, "context"),
            ("Finalité", card.law.purpose),
            *_said(said, "moment"),
            ("Part de l’automatisme", _AUTOMATION),
            ("Base légale", card.law.legal_basis),
            *_said(said, "decisions"),
            ("Avis d’agents écrits en un an", french.number(known.decisions)),
        ),
    )
    yield from parts.data(known, expert=expert)
    yield from parts.operations(known, expert=expert, hidden=hidden)
    yield from parts.figures(known)
    yield Table(
        title="Limites",
        columns=parts.columns(("limit", "Ce qu’il faut savoir")),
        rows=[{"limit": one} for one in card.limits],
    )
    yield Facts(
        title="Vos droits",
        pairs=(
            ("Demander une explication", rights(card, said.get("contact", ""))),
            ("Contester", card.law.appeal),
            *_said(said, "appeal"),
            *parts.contests(known),
        ),
    )
    yield Facts(
        title="Droit et données personnelles",
        pairs=(
            ("Données personnelles", card.law.personal_data),
            ("Règlement européen sur l’IA, d’après la fiche", card.law.ai_act),
            *_said(said, "ai_act"),
            ("Analyse d’impact, d’après la fiche", card.law.aipd),
            *_said(said, "aipd"),
        ),
    )
    yield Facts(title="Moyens", pairs=(*_said(said, "budget"), *parts.energy(known)))
    if said.get("secret"):
        reason = said["secret"] if expert else "motif conservé par l’administration"
        yield Facts(
            title="Secret",
            pairs=(
                (
                    "Règles non publiées",
                    (
                        "Variables, poids et seuils ne sont pas publiés : le faire nuirait à la recherche "
                        f"d’infractions (article L. 311-5, 2°) ; {reason}."
                    ),
                ),
            ),
        )


def _said(said: Mapping[str, str], *names: str) -> tuple[tuple[str, str], ...]:
    titles = {one.name: one for one in ASKED}
    rows = []
    for name in names:
        asked, text = titles[name], said.get(name, "")
        written = french.number(float(text)) if asked.number and text else text
        rows.append((asked.title, written or f"À remplir par {asked.who}"))
    return tuple(rows)


def write_sheet(sheet: AlgorithmSheet, output: Path) -> None:
    """Write a sheet as ``.html``, ``.odt``, ``.pdf`` or ``.json``, whole or not at all.

    Raises
    ------
    BadValueError
        If the file name ends otherwise.
    """
    form = output.suffix.lower().lstrip(".")
    if form not in FORMS:
        raise BadValueError(
            f"forme de fiche inconnue : « {output.suffix} ».",
            file=str(output),
            fix=f"Choisissez un nom qui finit par {', '.join(f'.{one}' for one in FORMS)}.",
        )
    write_atomically(output, lambda target: _write(sheet, form, target))


def _write(sheet: AlgorithmSheet, form: str, target: Path) -> None:
    if form == "json":
        target.write_text(json.dumps(sheet.to_json(), ensure_ascii=False, indent=1), encoding="utf-8")
    elif form == "pdf":
        from eclaireur.core.pdf import write_pdf

        write_pdf(sheet.blocks, target, title=sheet.title, mentions=sheet.mentions, day=sheet.day)
    elif form == "odt":
        from eclaireur.core.odt import write_odt

        write_odt(sheet.blocks, target, title=sheet.title, mentions=sheet.mentions)
    else:
        from eclaireur.core.html import write_html

        write_html(sheet.blocks, target, title=sheet.title, mentions=sheet.mentions)

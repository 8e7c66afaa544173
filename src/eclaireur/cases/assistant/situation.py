"""What a person declares of its situation, never kept, and the office to turn to.

A status or a département hides nothing: sheets that name the status come before, those that name another one
come after, and the answer says that this was done.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.intake.answering import content_keys
from eclaireur.bricks.semantic.normalise import keys
from eclaireur.core.errors import BadValueError
from eclaireur.core.view import Citation, FormField

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.bricks.intake.knowledge import Sheet
    from eclaireur.cases.assistant.base import Ranked

__all__ = ["FIELDS", "Situation", "office_for", "preferred"]

_NAMED, _OTHER = 1.2, 0.8
_STATUSES: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "salarie": ("salarié", ("salarié", "salariée")),
    "independant": ("indépendant", ("indépendant", "micro-entrepreneur", "artisan", "commerçant")),
    "demandeur_emploi": ("demandeur d’emploi", ("demandeur d'emploi", "chômeur", "chômage")),
    "etudiant": ("étudiant", ("étudiant", "étudiante")),
    "retraite": ("retraité", ("retraité", "retraitée", "retraite")),
    "agent_public": ("agent public", ("agent public", "fonctionnaire")),
    "parent": ("parent", ("parent", "enfant")),
    "etranger": ("étranger", ("étranger", "étrangère", "titre de séjour")),
    "handicap": ("en situation de handicap", ("handicap", "handicapé", "handicapée")),
}
"""Code → what is shown, and the words, or words that follow each other, by which a sheet names it."""

FIELDS = (
    FormField(
        name="audience",
        title="Vous êtes",
        kind="choice",
        help="Les fiches de ce public répondent ; une autre est proposée à défaut. Ce choix n’est pas gardé.",
        choices=(
            ("", "tous les publics"),
            ("particuliers", "un particulier"),
            ("professionnels", "un professionnel"),
            ("associations", "une association"),
        ),
    ),
    FormField(
        name="status",
        title="Situation",
        kind="choice",
        help="Les fiches qui la nomment viennent avant les autres ; aucune n’est cachée.",
        choices=(("", "non dite"), *((code, shown) for code, (shown, _) in _STATUSES.items())),
        optional=True,
    ),
    FormField(
        name="department",
        title="Département",
        kind="text",
        help="Numéro, par exemple 57 : pour proposer le bon guichet.",
        optional=True,
    ),
)
"""What a person may declare (`core.intake`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """What was declared; empty where nothing was."""

    audience: str = ""
    status: str = ""
    department: str = ""

    @classmethod
    def read(cls, given: Mapping[str, str]) -> Situation:
        """Read what the desk or a program sends; a status that does not exist counts for none.

        Raises
        ------
        BadValueError
            If the département is none.
        """
        status = given.get("status", "")
        return cls(
            audience=given.get("audience", ""),
            status=status if status in _STATUSES else "",
            department=_department(given.get("department", "")),
        )


def preferred(
    ranked: Sequence[Ranked], sheets: Sequence[Sheet], situation: Situation
) -> tuple[list[Ranked], str]:
    """Return candidates, those that name the status before, and what to say if the first is another."""
    if not situation.status or not ranked:
        return list(ranked), ""
    shown, _ = _STATUSES[situation.status]
    moved = []
    for one in ranked:
        named = _named(sheets[one.place])
        factor = _NAMED if situation.status in named else _OTHER if named else 1.0
        moved.append(replace(one, score=one.score * factor))
    moved.sort(key=lambda one: -one.score)
    changed = moved[0].place != ranked[0].place
    return moved, f"Les fiches pour « {shown} » sont mises devant, comme déclaré." if changed else ""


def _named(sheet: Sheet) -> set[str]:
    text = f" {keys(f'{sheet.title} {sheet.path}')}"
    return {code for code, (_, said) in _STATUSES.items() if any(f" {keys(one)}" in text for one in said)}


def _department(text: str) -> str:
    """Return the number of a département, from its number or a postal code; empty for nothing.

    Raises
    ------
    BadValueError
        If it is neither.
    """
    given = "".join(text.upper().split())
    if not given:
        return ""
    if re.fullmatch(r"\d{5}", given):
        given = given[:3] if given.startswith(("97", "98")) else given[:2]
    if not re.fullmatch(r"0?[1-9]\d?|0?2[AB]|9[78]\d", given):
        raise BadValueError(
            f"« {text.strip()[:40]} » n'est pas un numéro de département.",
            fix="Écrivez-le ainsi : 57, 2A ou 974.",
        )
    return given.removeprefix("0")


def office_for(
    offices: pa.Table | None, question: str, sheets: Iterable[Sheet], situation: Situation
) -> Citation | None:
    """Return the office to turn to: that which deals with most of what is asked, in the département declared.

    Parameters
    ----------
    offices
        ``name``, ``deals_with``, ``department``, ``address``, ``phone``, ``hours``, ``url``.
    sheets
        The nearest sheets: their titles and paths say what the question is about.

    Returns
    -------
    Citation or None
        None when no office deals with it, and none is general (``deals_with`` empty).
    """
    if offices is None or not offices.num_rows:
        return None
    asked = set(content_keys(question))
    near = set(keys(" ".join(f"{one.title} {one.path}" for one in sheets)).split())
    best: tuple[float, dict[str, Any]] | None = None
    for row in offices.to_pylist():
        place = (row["department"] or "").strip().upper().removeprefix("0")
        if situation.department and place and place != situation.department:
            continue
        dealt = set(keys(row["deals_with"] or "").split())
        worth = 2.0 * len(asked & dealt) + len(near & dealt) if dealt else 0.5
        worth += 0.25 * bool(situation.department and place == situation.department)
        if worth >= 0.5 and (best is None or worth > best[0]):
            best = worth, row
    if best is None:
        return None
    row = best[1]
    told = [row[name] for name in ("address", "phone", "hours") if row[name]]
    return Citation(
        title=f"Où s’adresser : {row['name']}",
        passage=" · ".join(told),
        origin="Guichets de l’administration",
        address=row["url"] or "",
    )

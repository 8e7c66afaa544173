"""What a person declares of its situation, never kept, and the office to turn to.

A status or a département hides nothing: sheets that name the status come before, those that name another one
come after, and the answer says that this was done.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.intake.answering import content_keys
from eclaireur.bricks.semantic.normalise import keys
from eclaireur.core.view import Citation, FormField

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.bricks.intake.knowledge import Sheet
    from eclaireur.cases.assistant.base import Ranked

__all__ = ["FIELDS", "Situation", "office_for", "preferred"]

_NAMED, _OTHER = 1.2, 0.8
_STATUSES: Mapping[str, tuple[str, str]] = {
    "salarie": ("salarié", "salarié salariée"),
    "independant": ("indépendant", "indépendant indépendante micro-entrepreneur artisan commerçant"),
    "demandeur_emploi": ("demandeur d’emploi", "chômeur chômage demandeur d’emploi"),
    "etudiant": ("étudiant", "étudiant étudiante université"),
    "retraite": ("retraité", "retraité retraitée retraite"),
    "agent_public": ("agent public", "fonctionnaire agent public"),
    "parent": ("parent", "parent parents enfant enfants"),
    "etranger": ("étranger", "étranger étrangère séjour"),
    "handicap": ("en situation de handicap", "handicap handicapé handicapée"),
}
"""Code → what is shown, and the words by which a sheet names it."""

FIELDS = (
    FormField(
        name="audience",
        title="Vous êtes",
        kind="choice",
        help="Seules les fiches de ce public sont cherchées. Ce choix n’est pas gardé.",
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
        """Read what the desk or a program sends; a status that does not exist counts for none."""
        status = given.get("status", "")
        return cls(
            audience=given.get("audience", ""),
            status=status if status in _STATUSES else "",
            department=given.get("department", "").strip().upper().removeprefix("0")[:3],
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
    words = set(keys(f"{sheet.title} {sheet.path}").split())
    return {code for code, (_, said) in _STATUSES.items() if words & set(keys(said).split())}


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

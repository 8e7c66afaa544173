"""What a person decides of a calculation of the workbench: of the whole, or of one of its lines.

The path is that of lists: a dossier, one line of the journal, the reasons of the card, the same undoing. No
rank is hidden before it, since whoever asked for a calculation reads it; so it counts in no automation bias.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from eclaireur.core.errors import BadValueError
from eclaireur.core.subjects import Subject
from eclaireur.core.types import Origin, Verdict
from eclaireur.core.view import Table
from eclaireur.desk.decisions import check_reason, undo
from eclaireur.desk.models import Decision, Dossier
from eclaireur.desk.recording import Act, record, said
from eclaireur.service.feedback import result_entry

if TYPE_CHECKING:
    from eclaireur.desk.bench import Calculation
    from eclaireur.desk.models import User

__all__ = ["Given", "given", "judge", "places", "take_back"]

_WHOLE = "tout le résultat"
_LONGEST = 120
_MOST_TEXT = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """A verdict that stands: on what, and in words."""

    decision: Decision
    about: str
    verdict: str
    reason: str
    text: str
    own: bool


def places(found: Calculation) -> dict[str, str]:
    """Return what can be judged apart, by key: the whole, the scored lines of a file, the rows of tables."""
    made = {"": _WHOLE}
    if found.scores:
        table = found.kept.table
        for row in table.select(["line", "score", "rank"]).sort_by("rank").to_pylist():
            if row["score"] is not None:
                made[str(row["line"])] = f"ligne {row['line']} du fichier, rang {row['rank']}"
        return made
    for at, block in enumerate(found.blocks):
        if isinstance(block, Table):
            for number, row in enumerate(block.rows, start=1):
                words = [str(row[one.key]) for one in block.columns if isinstance(row.get(one.key), str)]
                told = " · ".join(words[:2]) or f"ligne {number}"
                made[f"{at}.{number}"] = f"{block.title} : {told}"[:_LONGEST]
    return made


def judge(
    user: User,
    found: Calculation,
    verdict: Verdict,
    *,
    place: str = "",
    reason_code: str = "",
    text: str = "",
) -> Decision:
    """Record a verdict on a calculation: follow, set aside with a reason, or other.

    Raises
    ------
    BadValueError
        If what is judged is not there, setting aside has no reason, or the text is too long.
    """
    offered = places(found)
    if place not in offered:
        raise BadValueError(
            "cette ligne n'est pas dans le résultat.", fix="Choisissez-la dans la liste.", column="place"
        )
    if verdict is Verdict.SET_ASIDE:
        check_reason(found.card.procedure, reason_code, text)
    if len(text) > _MOST_TEXT:
        raise BadValueError(
            f"la précision dépasse {_MOST_TEXT} caractères.", fix="Raccourcissez-la.", column="text"
        )
    today = timezone.localdate()
    subject = _subject(found, place)
    entry = result_entry(
        str(found.job.arguments.get("source") or ""),
        subject,
        observed=today,
        known=today + timedelta(days=1),
        label=None,
        value=verdict.value,
        observer=user.login,
        propensity=None,
    )
    code = reason_code if verdict is Verdict.SET_ASIDE else ""
    with transaction.atomic():
        dossier, _ = Dossier.objects.get_or_create(
            case=found.card.name,
            subject=str(subject),
            service=found.job.service,
            training=False,
            defaults={"name": f"{found.job.title} : {offered[place]}"[:300]},
        )
        act = Act(
            dossier=dossier,
            kind=str(Origin.DECISION),
            value=verdict.value,
            reason_code=code,
            data={
                **entry["data"],
                "verdict": verdict.value,
                "reason_code": code,
                "what": "calculation",
                "method": found.method,
                "run": found.run,
                "place": place,
            },
            personal={**entry["personal"], "reason": text},
        )
        return record(user, [act])[0]


def given(user: User, found: Calculation) -> list[Given]:
    """Return the verdicts that stand on a calculation, newest first; ``own`` are those of a person."""
    offered = places(found)
    titles = {one.code: one.title for one in found.card.procedure.wrong_target}
    return [
        Given(
            decision=one,
            about=offered.get(one.dossier.key.partition("@")[2], _WHOLE),
            verdict=Verdict(one.value).french,
            reason=titles.get(one.reason_code, ""),
            text=str(said(one).get("reason") or ""),
            own=one.user_id == user.pk,
        )
        for one in _standing(found)
    ]


def take_back(user: User, found: Calculation, seq: str) -> None:
    """Undo one's own verdict on a calculation, by a new line of the journal.

    Raises
    ------
    BadValueError
        If it is not there any more, is another person's, or something was decided since.
    """
    made = next((one for one in _standing(found) if str(one.pk) == seq and one.user_id == user.pk), None)
    if made is None:
        raise BadValueError("cette décision n'est pas la vôtre, ou ne tient plus.", fix="Rechargez la page.")
    undo(user, made)


def _standing(found: Calculation) -> list[Decision]:
    whole = str(_subject(found, ""))
    return list(
        Decision.objects.filter(
            dossier__case=found.card.name,
            dossier__service=found.job.service,
            dossier__training=False,
            dossier__subject__startswith=whole,
            kind=str(Origin.DECISION),
            undone_by=None,
        ).select_related("dossier", "user")
    )


def _subject(found: Calculation, place: str) -> Subject:
    # The journal refuses a subject among public values, where the run is: its key is never the run alone.
    return Subject("document", f"{found.run}@{place}")

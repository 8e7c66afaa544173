"""What people decide of a subject: one function for each act, the journal first, all or nothing.

Each act is one transaction: the dossier's row is held, the journal takes its line, and the rows that
screens read follow. What a person writes is sealed under the subject's key; rows keep the line's number.
In training mode the same acts are journalled as exercises: nothing learns from them, nothing counts them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from eclaireur.core.catalog import find_card
from eclaireur.core.errors import BadValueError
from eclaireur.core.subjects import Subject
from eclaireur.core.types import Origin, Verdict
from eclaireur.desk.hiding import target_is_hidden
from eclaireur.desk.models import Comment, Decision, Dossier, Letter, Vote
from eclaireur.desk.recording import (
    Act,
    journal_acts,
    last_standing,
    mark,
    record,
    target_of,
    verdict_of,
)
from eclaireur.service.feedback import UNDO, result_entry
from eclaireur.service.usefulness import KIND as VOTE

if TYPE_CHECKING:
    from eclaireur.core.procedure import Procedure
    from eclaireur.desk.models import Target, User

__all__ = [
    "assign",
    "check_reason",
    "comment",
    "decide",
    "move",
    "report_missed",
    "set_aside",
    "undo",
    "vote",
    "write_letter",
]


def decide(
    user: User,
    dossier: Dossier,
    target: Target,
    verdict: Verdict,
    *,
    reason_code: str = "",
    text: str = "",
    seen: int | None = None,
) -> Decision:
    """Record a verdict on a signal: follow, set aside with a reason, or other.

    Parameters
    ----------
    seen
        Version of the dossier that the person read; None to decide whatever happened since.

    Raises
    ------
    BadValueError
        If setting aside has no reason.
    OvertakenError
        If somebody else decided since.
    """
    procedure = find_card(dossier.case).procedure
    if verdict is Verdict.SET_ASIDE:
        check_reason(procedure, reason_code, text)
    change: dict[str, Any] = {}
    if verdict is Verdict.FOLLOW:
        change = _step(procedure, procedure.first.code)
    elif verdict is Verdict.SET_ASIDE:
        change = {"status": "", "due": None}
    act = _verdict_act(user, dossier, target, verdict, reason_code, text, change)
    return record(user, [act], seen={dossier.pk: seen})[0]


def set_aside(user: User, dossiers: Sequence[Dossier], reason_code: str, text: str = "") -> list[Decision]:
    """Set several signals aside for one reason, all or none.

    Raises
    ------
    BadValueError
        If the reason is missing, or no calculation speaks of one of them.
    """
    with transaction.atomic():
        made = []
        for dossier in dossiers:
            target = target_of(dossier)
            if target is None:
                raise BadValueError(
                    f"aucun calcul ne parle de {dossier}.", fix="Enlevez-le de votre choix, puis recommencez."
                )
            made.append(decide(user, dossier, target, Verdict.SET_ASIDE, reason_code=reason_code, text=text))
    return made


def _verdict_act(
    user: User,
    dossier: Dossier,
    target: Target,
    verdict: Verdict,
    reason_code: str,
    text: str,
    change: Mapping[str, Any],
) -> Act:
    today = timezone.localdate()
    entry = result_entry(
        target.edition.source,
        Subject.parse(dossier.subject),
        observed=today,
        known=today + timedelta(days=1),
        label=None,
        value=verdict.value,
        observer=user.login,
        propensity=_propensity(target),
    )
    return Act(
        dossier=dossier,
        target=target,
        verdict=verdict.value,
        kind=str(Origin.DECISION),
        value=verdict.value,
        reason_code=reason_code,
        data={
            **entry["data"],
            "verdict": verdict.value,
            "reason_code": reason_code,
            "signal_run": target.edition.run,
            "snapshot": target.edition.snapshot,
            "model": target.edition.model,
            "score": target.score,
            "blind": target_is_hidden(target),
            "drawn": _drawn(target),
        },
        personal={**entry["personal"], "reason": text},
        change=change,
    )


def check_reason(procedure: Procedure, code: str, text: str) -> None:
    """Refuse to set aside without a reason of the procedure; « other » asks for a sentence."""
    if code not in {choice.code for choice in procedure.wrong_target}:
        raise BadValueError(
            "écarter demande une raison.", fix="Choisissez-la dans la liste.", column="reason_code"
        )
    if code == "other" and not text.strip():
        raise BadValueError(
            "« autre raison » demande une phrase.", fix="Écrivez-la en une phrase.", column="text"
        )


def move(
    user: User,
    dossiers: Sequence[Dossier],
    status: str,
    *,
    due: date | None = None,
    outcome: str = "",
    on: date | None = None,
    text: str = "",
    seen: Mapping[int, int | None] | None = None,
) -> list[Decision]:
    """Bring dossiers to a step of the procedure, with a deadline, and a result when the step asks.

    Parameters
    ----------
    due
        Deadline; by default the one that the card gives for the step.
    outcome, on
        Code of what was found, and the day of the control; they become a training example.

    Raises
    ------
    BadValueError
        If the step cannot follow, or the result or its day is missing or wrong.
    """
    acts = []
    for dossier in dossiers:
        procedure = find_card(dossier.case).procedure
        step = procedure.status(status)
        if dossier.status and step not in procedure.following(dossier.status):
            current = procedure.status(dossier.status).title
            raise BadValueError(
                f"« {step.title} » ne peut pas suivre « {current} » ({dossier}).",
                fix="Choisissez une autre étape.",
                column="status",
            )
        change = _step(procedure, status)
        if due is not None:
            change["due"] = due
        data: dict[str, Any] = {"status": status, "due": change["due"].isoformat() if change["due"] else None}
        kind, personal = "status", {"text": text}
        if step.result:
            kind = str(Origin.OUTCOME)
            entry = _outcome(user, dossier, procedure, outcome, on)
            data, personal = {**entry["data"], **data}, {**entry["personal"], **personal}
        acts.append(
            Act(
                dossier=dossier,
                kind=kind,
                value=status,
                data=data,
                personal=personal,
                change=change,
                # Who acts on a line that nobody judged has followed it.
                verdict=verdict_of(dossier) or Verdict.FOLLOW.value,
            )
        )
    return record(user, acts, seen=seen)


def _outcome(
    user: User, dossier: Dossier, procedure: Procedure, outcome: str, on: date | None
) -> dict[str, Any]:
    if outcome not in {choice.code for choice in procedure.outcomes}:
        raise BadValueError(
            "cette étape demande le résultat du contrôle.", fix="Choisissez-le.", column="outcome"
        )
    day, today = on or timezone.localdate(), timezone.localdate()
    if day > today:
        raise BadValueError(
            f"la date du contrôle est dans l'avenir : {day:%d/%m/%Y}.",
            fix="Corrigez la date.",
            column="on",
        )
    target = target_of(dossier)
    return result_entry(
        target.edition.source if target else "",
        Subject.parse(dossier.subject),
        observed=day,
        known=max(day + timedelta(days=1), today),
        label=float(outcome),
        value=outcome,
        observer=user.login,
        propensity=_propensity(target) if target else None,
    )


def assign(user: User, dossiers: Sequence[Dossier], to: User | None) -> list[Decision]:
    """Give dossiers to a person, or to nobody."""
    return record(
        user,
        [
            Act(
                dossier=dossier,
                kind="assignment",
                value=to.login if to else "",
                data={"to": to.login if to else None},
                change={"assigned_to_id": to.pk if to else None},
            )
            for dossier in dossiers
        ],
    )


def comment(user: User, dossier: Dossier, text: str) -> Comment:
    """Add a comment, sealed in the journal.

    Raises
    ------
    BadValueError
        If it is empty or too long.
    """
    written = _text(text, "un commentaire")
    with transaction.atomic():
        act = Act(dossier=dossier, kind="comment", value="", personal={"text": written})
        seq = journal_acts(user, [act])[0]
        return Comment.objects.create(seq=seq, dossier=dossier, user=user)


def write_letter(user: User, dossier: Dossier, template: str, text: str) -> Letter:
    """Keep a letter as it was written, sealed in the journal.

    Raises
    ------
    NotFoundError
        If the card has no such template.
    BadValueError
        If it is empty or too long.
    """
    find_card(dossier.case).procedure.letter(template)
    written = _text(text, "une lettre")
    with transaction.atomic():
        act = Act(
            dossier=dossier,
            kind="letter",
            value=template,
            data={"template": template},
            personal={"text": written},
        )
        seq = journal_acts(user, [act])[0]
        return Letter.objects.create(seq=seq, dossier=dossier, template=template, user=user)


def vote(user: User, dossier: Dossier, target: Target, *, useful: bool, text: str = "") -> Vote:
    """Say whether a suggestion was useful; it decides nothing, and a new vote takes the place of the last.

    Raises
    ------
    BadValueError
        If its rank is still hidden, or the reason is too long.
    """
    if target_is_hidden(target):
        raise BadValueError(
            "ce qui n'est pas encore montré ne peut pas être jugé utile.", fix="Donnez d'abord votre avis."
        )
    if len(text) > 2000:
        raise BadValueError("une raison a 2 000 caractères au plus.", fix="Raccourcissez-la.", column="why")
    data = {"useful": useful, "signal_run": target.edition.run, "model": target.edition.model}
    act = Act(
        dossier=dossier, kind=VOTE, value="", data=data, personal={"reason": text.strip()} if text else {}
    )
    with transaction.atomic():
        seq = journal_acts(user, [act])[0]
        made, _ = Vote.objects.update_or_create(
            dossier=dossier,
            edition=target.edition,
            user=user,
            defaults={
                "case": dossier.case,
                "area": dossier.area,
                "service": dossier.service,
                "useful": useful,
                "at": timezone.now(),
                "seq": seq,
            },
        )
    return made


def report_missed(user: User, dossier: Dossier, text: str) -> Decision:
    """Say that the calculation missed a subject: it joins what is to be dealt with.

    Raises
    ------
    BadValueError
        If no reason is given.
    """
    written = _text(text, "un signalement")
    procedure = find_card(dossier.case).procedure
    act = Act(
        dossier=dossier,
        kind="missed",
        value="missed",
        personal={"text": written},
        change=_step(procedure, procedure.first.code),
    )
    return record(user, [act])[0]


def undo(user: User, decision: Decision) -> Decision:
    """Take a decision back by a new one: the dossier is again as it was before.

    Raises
    ------
    BadValueError
        If it was undone already, or something was decided since.
    """
    with transaction.atomic():
        last = last_standing(decision.dossier)
        if last is None or last.pk != decision.pk:
            raise BadValueError(
                "une autre décision a été prise depuis : celle-ci ne peut plus être annulée.",
                fix="Annulez d'abord la plus récente.",
            )
        before = dict(decision.before)
        if before.get("due"):
            before["due"] = date.fromisoformat(before["due"])
        verdict = before.pop("verdict", None)
        act = Act(
            dossier=decision.dossier,
            kind=UNDO,
            value=decision.kind,
            data={"undoes": decision.seq},
            change=before,
        )
        made = record(user, [act])[0]
        Decision.objects.filter(pk=decision.pk).update(undone_by=made)
        if verdict is not None:
            mark(decision.dossier, verdict)
    return made


def _propensity(target: Target) -> float | None:
    """Chance that the target had to be in its open list; None when it is in none."""
    return target.items.filter(worklist__closed=None).values_list("propensity", flat=True).first()


def _drawn(target: Target) -> str | None:
    """How the target came into its open list; None when it is in none."""
    return target.items.filter(worklist__closed=None).values_list("drawn", flat=True).first()


def _step(procedure: Procedure, status: str) -> dict[str, Any]:
    days = procedure.status(status).days
    return {"status": status, "due": timezone.localdate() + timedelta(days=days) if days else None}


def _text(text: str, what: str) -> str:
    written = text.strip()
    if not written or len(written) > 20_000:
        raise BadValueError(
            f"{what} demande un texte, de 20 000 caractères au plus.",
            fix="Complétez ou raccourcissez le texte.",
            column="text",
        )
    return written

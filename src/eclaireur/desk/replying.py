"""What a person does with a message: route it, refuse its draft, answer, file it, see what was masked.

One function for each act, the journal first, all or nothing (`recording.record`). What a person writes is
sealed in the journal; rows keep the line's number. An answer is decided here and leaves by `outbox`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from eclaireur.core.errors import BadValueError
from eclaireur.core.subjects import Subject
from eclaireur.core.types import Origin
from eclaireur.desk import jobs
from eclaireur.desk.models import Dossier, Mail, MailStatus, Outgoing
from eclaireur.desk.place import workspace
from eclaireur.desk.recording import Act, record
from eclaireur.service.feedback import result_entry

if TYPE_CHECKING:
    from eclaireur.desk.models import User

__all__ = [
    "REFUSALS",
    "Piece",
    "changed_share",
    "draft_text",
    "file_away",
    "pieces_of",
    "refuse",
    "reroute",
    "send",
    "unmask",
]

REFUSALS: Mapping[str, str] = {
    "wrong": "Une phrase est fausse",
    "stale": "Une source n’est plus à jour",
    "beside": "À côté de la question",
    "partial": "Incomplet",
    "tone": "Ton qui ne convient pas",
    "other": "Autre raison",
}
"""Why a draft is refused: code → what an agent reads."""

_LONGEST = 20_000
_WORD = re.compile(r"\w+|[^\w\s]")


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a written answer: a sentence of the draft with its sources, or the agent's own words."""

    text: str
    sources: tuple[int, ...] = ()
    form: bool = False
    own: bool = False


def draft_text(draft: Mapping[str, Any]) -> str:
    """Return a draft as a person starts to edit it: one sentence a line.

    >>> draft_text({"sentences": [{"text": "Bonjour,"}, {"text": "C'est gratuit."}]})
    "Bonjour,\\nC'est gratuit."
    """
    return "\n".join(one["text"] for one in draft["sentences"])


def pieces_of(text: str, draft: Mapping[str, Any] | None) -> list[Piece]:
    """Cut a written answer into what comes word for word from the draft and what is the agent's.

    >>> draft = {"sentences": [{"text": "C'est gratuit.", "sources": [1], "form": False}]}
    >>> [(one.text, one.sources, one.own) for one in pieces_of("C'est gratuit. À bientôt.", draft)]
    [("C'est gratuit.", (1,), False), ('À bientôt.', (), True)]
    """
    found: list[Piece] = []
    left = text
    for one in (draft or {}).get("sentences", ()):
        before, same, after = left.partition(one["text"])
        if not same:
            continue
        found += _own(before)
        found.append(Piece(one["text"], tuple(one["sources"]), bool(one["form"])))
        left = after
    return found + _own(left)


def _own(text: str) -> list[Piece]:
    return [Piece(line.strip(), own=True) for line in text.splitlines() if line.strip()]


def changed_share(draft: str, text: str) -> float:
    """Return the share of words that were changed, added or taken away: 0 as it was, 1 all anew.

    >>> changed_share("C'est gratuit.", "C'est gratuit."), changed_share("oui", "non")
    (0.0, 1.0)
    """
    before, after = _WORD.findall(draft), _WORD.findall(text)
    if not before and not after:
        return 0.0
    steps = SequenceMatcher(None, before, after, autojunk=False).get_opcodes()
    changed = sum(max(b - a, d - c) for kind, a, b, c, d in steps if kind != "equal")
    return min(changed / max(len(before), len(after)), 1.0)


def reroute(user: User, mail: Mail, route: str, title: str, *, seen: int | None = None) -> None:
    """Say where a message goes. It is a result that training may learn from.

    Raises
    ------
    BadValueError
        If no place is given.
    OvertakenError
        If somebody acted on it since this page was read.
    """
    if not route:
        raise BadValueError(
            "aucun service n'a été choisi.", fix="Choisissez-le dans la liste.", column="route"
        )
    _check_open(mail)
    today = timezone.localdate()
    entry = result_entry(
        mail.source,
        Subject.parse(mail.dossier.subject),
        observed=today,
        known=today + timedelta(days=1),
        label=1.0,
        value=route,
        observer=user.login,
        propensity=None,
    )
    act = Act(
        dossier=mail.dossier,
        kind=str(Origin.DECISION),
        value=route[:40],
        data={
            **entry["data"],
            "verdict": "route",
            "proposed": mail.route,
            "confidence": mail.confidence,
            "model": mail.model,
        },
        personal=entry["personal"],
    )
    with transaction.atomic():
        record(user, [act], seen={mail.dossier_id: seen})
        _change(mail, route=route, route_title=title, decided=True, abstains=False, status=MailStatus.ROUTED)


def refuse(user: User, mail: Mail, code: str, text: str = "", *, seen: int | None = None) -> None:
    """Refuse the draft of a message, with a reason.

    Raises
    ------
    BadValueError
        If the reason is missing, or there is no draft.
    OvertakenError
        As `reroute`.
    """
    _check_open(mail)
    if not mail.drafted or mail.refusal:
        raise BadValueError("il n'y a pas de brouillon à refuser.", fix="Rechargez la page.")
    if code not in REFUSALS:
        raise BadValueError(
            "refuser un brouillon demande une raison.", fix="Choisissez-la dans la liste.", column="code"
        )
    if code == "other" and not text.strip():
        raise BadValueError(
            "« autre raison » demande une phrase.", fix="Écrivez-la en une phrase.", column="text"
        )
    act = Act(
        dossier=mail.dossier,
        kind="draft",
        value="refused",
        reason_code=code,
        data={"reason_code": code, "model": mail.model},
        personal={"reason": text.strip()[:2000]},
    )
    with transaction.atomic():
        record(user, [act], seen={mail.dossier_id: seen})
        _change(mail, refusal=code)


def send(
    user: User, mail: Mail, text: str, key: UUID, *, draft: Mapping[str, Any] | None, seen: int | None = None
) -> Outgoing:
    """Decide an answer: journalled, and put in the outbox in the same transaction. It leaves by a task.

    Parameters
    ----------
    key
        Of the form. The same one sent again is the same answer: nothing is written twice.
    draft
        What was proposed and not refused; None when the agent wrote alone.

    Raises
    ------
    BadValueError
        If it is empty or too long.
    OvertakenError
        As `reroute`.
    """
    written = "\n".join(line.rstrip() for line in text.replace("\r\n", "\n").strip().split("\n"))
    if not written or len(written) > _LONGEST:
        raise BadValueError(
            "une réponse demande un texte, de 20 000 caractères au plus.",
            fix="Complétez ou raccourcissez le texte.",
            column="text",
        )
    pieces = pieces_of(written, draft)
    kept = [one for one in pieces if one.sources]
    share = changed_share(draft_text(draft), written) if draft else None
    with transaction.atomic():
        Dossier.objects.select_for_update().get(pk=mail.dossier_id)  # the same form twice at once waits here
        known: Outgoing | None = Outgoing.objects.filter(key=key, dossier=mail.dossier_id).first()
        if known is not None:
            return known
        _check_open(mail)
        act = Act(
            dossier=mail.dossier,
            kind="answer",
            value="sent",
            data={
                "assisted": bool(kept),
                "share": share,
                "generated": bool(kept and draft and draft.get("generated")),
                "model": mail.model,
            },
            personal={"text": written, "sources": sorted({n for one in kept for n in one.sources})},
        )
        (made,) = record(user, [act], seen={mail.dossier_id: seen})
        outgoing = Outgoing.objects.create(
            key=key,
            seq=made.seq,
            dossier=mail.dossier,
            user=user,
            case=mail.case,
            area=mail.area,
            service=mail.service,
        )
        _change(mail, status=MailStatus.ANSWERED, ended=timezone.now(), share=share, assisted=bool(kept))
        _start(outgoing)
    return outgoing


def _start(outgoing: Outgoing) -> None:
    jobs.start(
        "send",
        user=outgoing.user,
        case=outgoing.case,
        area=outgoing.area,
        service=outgoing.service,
        arguments={"outgoing": outgoing.pk},
    )


def file_away(user: User, mail: Mail, text: str, *, seen: int | None = None) -> None:
    """File a message that calls for no answer, with a reason.

    Raises
    ------
    BadValueError
        If no reason is given.
    OvertakenError
        As `reroute`.
    """
    reason = text.strip()
    if not reason or len(reason) > 300:
        raise BadValueError(
            "classer sans répondre demande une raison, de 300 caractères au plus.",
            fix="Écrivez-la en une phrase.",
            column="text",
        )
    _check_open(mail)
    act = Act(dossier=mail.dossier, kind="filed", value="filed", personal={"reason": reason})
    with transaction.atomic():
        record(user, [act], seen={mail.dossier_id: seen})
        _change(mail, status=MailStatus.CLOSED, ended=timezone.now())


def unmask(user: User, mail: Mail) -> None:
    """Journal that a person asks to see the personal data of a message."""
    workspace().journal.append(
        "unmask",
        case=mail.case,
        actor=user.full_name,
        data={"login": user.login},
        subject=Subject.parse(mail.dossier.subject),
        personal={"message": mail.message},
    )


def _check_open(mail: Mail) -> None:
    mail.refresh_from_db(fields=["status"])
    if mail.status not in {MailStatus.NEW, MailStatus.ROUTED}:
        raise BadValueError(
            f"ce message est déjà {mail.get_status_display()}.", fix="Rechargez la page pour voir sa suite."
        )


def _change(mail: Mail, **columns: Any) -> None:
    for name, value in columns.items():
        setattr(mail, name, value)
    mail.save(update_fields=list(columns))

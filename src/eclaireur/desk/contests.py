"""Contests: what a person writes, who answers, what it changes. Never the agent who decided first.

The words of the person and how to reach them are sealed in the journal under the contest's own pseudonym,
to be erased apart from the dossier. Rows hold when, which dossier, who answers and what came of it.
Whether an identifier is known here is never told to who sends it.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django.utils.crypto import salted_hmac

from eclaireur.core.catalog import find_card
from eclaireur.core.errors import BadValueError, EclaireurError, NotFoundError, WorkFailedError
from eclaireur.core.mention import one_line
from eclaireur.core.subjects import Subject
from eclaireur.core.types import Verdict
from eclaireur.desk import decisions
from eclaireur.desk.models import Contest, Decision, Dossier, Edition
from eclaireur.desk.place import work_on, workspace
from eclaireur.desk.recording import target_of
from eclaireur.service.declaring import contact_of

if TYPE_CHECKING:
    from eclaireur.desk.models import User

__all__ = [
    "DELAY",
    "LONGEST",
    "Reply",
    "deciders",
    "follow",
    "months_after",
    "reply",
    "said_of",
    "send",
    "take",
]

DELAY = 2
"""Months in which an administration answers; its silence is a refusal afterwards."""

LONGEST = 5000
_FROM_ONE, _FROM_ALL = 5, 300
_OVER = timedelta(hours=1)
_SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
_JUDGING = ("decision", "outcome", "status", "missed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """What the second agent answers: the words for the person, and the new verdict when one changes."""

    text: str
    verdict: Verdict | None = None
    reason_code: str = ""


def send(case: str, typed: Mapping[str, str], *, address: str) -> Contest:
    """Receive a contest from the public form.

    Parameters
    ----------
    typed
        ``about`` (an identifier or the number of a letter), ``name``, ``contact`` and ``text``.
    address
        Network address of the sender, of which only a hash keyed by the day is kept.

    Raises
    ------
    BadValueError
        If something is missing or too long.
    WorkFailedError
        If too many come from this network, or from everywhere.
    """
    written = {name: typed.get(name, "").strip() for name in ("about", "name", "contact", "text")}
    _check(written)
    now = timezone.now()
    sender = salted_hmac(
        "eclaireur.desk.contests", f"{now:%Y-%m-%d} {address}", algorithm="sha256"
    ).hexdigest()
    _slow_down(sender)
    dossier = _dossier(case, written["about"])
    reference = _new_reference()
    with transaction.atomic():
        entry = workspace().journal.append(
            "contest",
            case=case,
            actor="public",
            data={"known": dossier is not None},
            subject=Subject("pseudonym", reference),
            personal=written,
        )
        return Contest.objects.create(
            case=case,
            area=dossier.area if dossier else "",
            service=dossier.service if dossier else "",
            reference=reference,
            dossier=dossier,
            received=now,
            due=months_after(timezone.localdate(now), DELAY),
            seq=entry.seq,
            sender=sender,
        )


def _check(written: Mapping[str, str]) -> None:
    asked = {
        "about": ("dites de quel dossier il s’agit", 200),
        "name": ("dites votre nom", 200),
        "contact": ("dites où vous répondre", 300),
        "text": ("dites ce que vous contestez", LONGEST),
    }
    for name, (words, most) in asked.items():
        if not written[name]:
            raise BadValueError(f"{words}.", fix="Remplissez ce champ.", column=name)
        if len(written[name]) > most:
            raise BadValueError(f"{most} caractères au plus.", fix="Raccourcissez.", column=name)


def _slow_down(sender: str) -> None:
    since = timezone.now() - _OVER
    recent = Contest.objects.filter(received__gte=since)
    if recent.filter(sender=sender).count() >= _FROM_ONE or recent.count() >= _FROM_ALL:
        raise WorkFailedError(
            "trop de contestations en une heure.", fix="Réessayez dans une heure, ou écrivez au service."
        )


def _dossier(case: str, about: str) -> Dossier | None:
    try:
        subject = work_on(case).case.identify(about)
    except EclaireurError:
        return None
    found = list(Dossier.objects.filter(case=case, subject=str(subject), training=False)[:2])
    return found[0] if len(found) == 1 else None


def _new_reference() -> str:
    """Draw a reference that can be read aloud: 16 signs of 31, 79 bits."""
    text = "".join(secrets.choice(_SIGNS) for _ in range(16))
    return "-".join(text[at : at + 4] for at in range(0, 16, 4))


def months_after(day: date, months: int) -> date:
    """Return the same day some months later, or the last of that month.

    >>> months_after(date(2026, 12, 31), 2)
    datetime.date(2027, 2, 28)
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = (date(year + (month == 11), (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last))


def follow(reference: str) -> Contest:
    """Return a contest by what its sender was given.

    Raises
    ------
    NotFoundError
        If there is none.
    """
    compact = "".join(char for char in reference.upper() if char in _SIGNS)
    written = "-".join(compact[at : at + 4] for at in range(0, len(compact), 4))
    found: Contest | None = Contest.objects.filter(reference=written).first()
    if found is None:
        raise NotFoundError("aucune contestation sous cette référence.", fix="Vérifiez la référence.")
    return found


def said_of(contest: Contest) -> dict[str, Any]:
    """Return what was written: by the person, and in reply; empty once erased."""
    journal = workspace().journal
    said: dict[str, Any] = dict(journal.reveal(journal.entry(contest.seq)) or {})
    if contest.reply_seq is not None:
        said["reply"] = (journal.reveal(journal.entry(contest.reply_seq)) or {}).get("reply", "")
    return said


def deciders(contest: Contest) -> set[int]:
    """Return the people who judged the dossier before: none of them may answer."""
    if contest.dossier_id is None:
        return set()
    rows = Decision.objects.filter(dossier=contest.dossier_id, kind__in=_JUDGING)
    return set(rows.values_list("user", flat=True))


def take(user: User, contest: Contest) -> None:
    """Take a contest to answer it; from now on the score of its dossier is hidden.

    Raises
    ------
    BadValueError
        If it is answered, another agent has it, or the person judged the dossier before.
    """
    with transaction.atomic():
        held: Contest = Contest.objects.select_for_update().get(pk=contest.pk)
        if held.answered or (held.taken_by_id not in {None, user.pk}):
            raise BadValueError("une autre personne s’en occupe déjà.", fix="Choisissez-en une autre.")
        if user.pk in deciders(held):
            raise BadValueError(
                "vous avez déjà jugé ce dossier : une contestation est examinée par quelqu’un d’autre.",
                fix="Demandez à un collègue de la prendre.",
            )
        if held.taken_by_id is None:
            workspace().journal.append(
                "contest_taken",
                case=held.case,
                actor=user.full_name,
                data={"contest": held.seq, "login": user.login},
            )
        held.taken_by = user
        held.save(update_fields=["taken_by"])
        _pages_changed(held.case)


def reply(user: User, contest: Contest, answer: Reply) -> Contest:
    """Answer a contest, and change the record when the answer says so.

    Raises
    ------
    BadValueError
        If the person has not taken it, judged the dossier since, wrote nothing, or no verdict can be given.
    """
    text = answer.text.strip()
    if not text or len(text) > LONGEST:
        raise BadValueError(
            f"une réponse demande un texte, de {LONGEST} caractères au plus.",
            fix="Écrivez-la.",
            column="text",
        )
    with transaction.atomic():
        held: Contest = Contest.objects.select_for_update().get(pk=contest.pk)
        if held.answered or held.taken_by_id != user.pk:
            raise BadValueError("cette contestation n’est pas la vôtre.", fix="Prenez-la d’abord.")
        decision = _changed(user, held, answer) if answer.verdict is not None else None
        entry = workspace().journal.append(
            "contest_reply",
            case=held.case,
            actor=user.full_name,
            data={
                "contest": held.seq,
                "changed": decision is not None,
                "decision": decision.seq if decision else None,
                "login": user.login,
            },
            subject=Subject("pseudonym", held.reference),
            personal={"reply": _written(held.case, text)},
        )
        held.reply_seq, held.answered, held.changed = entry.seq, timezone.now(), decision is not None
        held.save(update_fields=["reply_seq", "answered", "changed"])
        _pages_changed(held.case)
    return held


def _changed(user: User, contest: Contest, answer: Reply) -> Decision:
    dossier = contest.dossier
    target = target_of(dossier) if dossier is not None else None
    if dossier is None or target is None or answer.verdict is None:
        raise BadValueError(
            "aucun avis ne peut être changé : ce dossier n’est pas connu, ou aucun calcul n’en parle.",
            fix="Répondez sans changer d’avis.",
            column="verdict",
        )
    return decisions.decide(
        user, dossier, target, answer.verdict, reason_code=answer.reason_code, text="suite d’une contestation"
    )


def _written(case: str, text: str) -> str:
    card = find_card(case)
    return f"{text}\n\n{one_line(card, contact_of(workspace(), card))}"


def _pages_changed(case: str) -> None:
    """Pages are kept under the version of their edition: a score hides, or shows again, at once."""
    Edition.objects.filter(case=case).update(version=F("version") + 1)

"""The sessions that a person has open: seen and closed without ever showing a session's key."""

from __future__ import annotations

import hmac
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from django.utils import timezone
from django.utils.crypto import salted_hmac

from eclaireur.desk.models import Session

if TYPE_CHECKING:
    from eclaireur.desk.models import User

__all__ = ["OpenSession", "close_others", "close_session", "open_sessions"]


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenSession:
    """One session, as its owner sees it. ``reference`` names it on the page."""

    reference: str
    device: str
    address: str
    opened: datetime
    seen: datetime
    mine: bool


def open_sessions(user: User, current: str | None) -> list[OpenSession]:
    """Return the sessions of a person, the one that asks first, then the last used."""
    found = [
        OpenSession(
            reference=_reference(row),
            device=row.device,
            address=row.address,
            opened=row.opened,
            seen=row.seen,
            mine=row.pk == current,
        )
        for row in _rows(user)
    ]
    return sorted(found, key=lambda one: (one.mine, one.seen), reverse=True)


def close_session(user: User, reference: str) -> bool:
    """Close one session of a person; tell whether there was one."""
    for row in _rows(user):
        if hmac.compare_digest(_reference(row).encode(), reference.encode()):
            row.delete()
            return True
    return False


def close_others(user: User, current: str | None) -> int:
    """Close all sessions of a person but the one that asks; return how many."""
    return Session.objects.filter(user=user).exclude(pk=current or "").delete()[0]


def _rows(user: User) -> list[Session]:
    return list(Session.objects.filter(user=user, expire_date__gt=timezone.now()))


def _reference(row: Session) -> str:
    return salted_hmac("eclaireur.desk.session", row.pk, algorithm="sha256").hexdigest()[:24]

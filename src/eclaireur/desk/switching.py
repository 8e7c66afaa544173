"""The stop button of a case: suspended, its ranks are shown nowhere and nothing new is computed or drawn.

Pages read the switch at each request. Tasks of the case are cancelled in the same transaction: one that does
not hear it is killed within five seconds, and no task can publish any more (`jobs.context`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from eclaireur.core.errors import BadValueError, RefusedError
from eclaireur.desk.jobs.queue import halt
from eclaireur.desk.models import Switch
from eclaireur.desk.place import workspace

if TYPE_CHECKING:
    from eclaireur.desk.models import User

__all__ = ["refuse_if_stopped", "stopped", "switch"]


def stopped(case: str) -> Switch | None:
    """Return the switch of a case that is suspended, else None. Read anew each time: all processes obey."""
    return Switch.objects.filter(case=case, stopped=True).select_related("user").first()


def switch(user: User, case: str, *, stop: bool, reason: str) -> Switch:
    """Suspend a case, or take it up again, with a reason; both are journalled.

    Raises
    ------
    BadValueError
        If no reason is given.
    """
    written = reason.strip()
    if not written or len(written) > 300:
        raise BadValueError(
            "suspendre ou reprendre demande une raison, de 300 caractères au plus.",
            fix="Écrivez-la en une phrase.",
            column="reason",
        )
    with transaction.atomic():
        workspace().journal.append(
            "stop" if stop else "resume",
            case=case,
            actor=user.full_name,
            data={"reason": written, "login": user.login},
        )
        if stop:
            halt(case, f"Cas d’usage suspendu par {user.full_name}")
        row, _ = Switch.objects.update_or_create(
            case=case, defaults={"stopped": stop, "reason": written, "user": user, "at": timezone.now()}
        )
    return row


def refuse_if_stopped(case: str) -> None:
    """Refuse what a suspended case no longer does.

    Raises
    ------
    RefusedError
        If the case is suspended.
    """
    row = stopped(case)
    if row is not None:
        raise RefusedError(
            f"ce cas d'usage est suspendu depuis le {timezone.localtime(row.at):%d/%m/%Y} "
            f"par {row.user.full_name} : {row.reason}.",
            fix="Une personne responsable peut le reprendre.",
        )

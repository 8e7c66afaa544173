"""The queue of tasks: started, cancelled, taken, kept alive, given back, taken back.

The queue is django-tasks': one row for each task that is still to do, under the same identifier as its
`Job`, made and deleted with it in one transaction. What django-tasks lacks lies in the `Job`: who holds
it, until when, for which time.

Wherever both rows are locked, the `Job` is first: no two transactions wait for each other. Leases are
told by the database's clock, the one that all hosts share.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone
from django_tasks import TaskResultStatus, task
from django_tasks_db.models import DBTaskResult

from eclaireur.core.errors import BadValueError, WorkFailedError
from eclaireur.desk.jobs.kinds import find
from eclaireur.desk.models import Job, JobState

if TYPE_CHECKING:
    from django.db.models import QuerySet
    from django.db.models.expressions import CombinedExpression

    from eclaireur.desk.models import User

__all__ = ["ACTIVE", "beat", "cancel", "carry", "claim", "end", "give_back", "halt", "held", "reap", "start"]

ACTIVE = (JobState.WAITING, JobState.RUNNING)
"""States of a task that is not over."""

_QUEUE = "desk"
_AHEAD = 16
_NOTHING: Mapping[str, Any] = MappingProxyType({})


@task(queue_name=_QUEUE)
def carry() -> None:
    """Stand in the queue for a `Job`. Only `worker` may carry it: the library's own takes nothing back."""
    raise WorkFailedError("cette file est celle du bureau.", fix="Lancez : ./eclaireur serve")


def start(
    kind: str,
    *,
    user: User | None,
    case: str,
    area: str = "",
    service: str = "",
    title: str = "",
    arguments: Mapping[str, Any] = _NOTHING,
) -> Job:
    """Ask for a task: its row and its place in the queue, in one transaction.

    A task that asks the same and has not begun is returned instead of a second one. Who may start what is
    the caller's to check (`access.Action.COMPUTE`).

    Raises
    ------
    NotFoundError
        If there is no such kind.
    """
    known = find(kind)
    place = {"case": case, "area": area, "service": service}
    with transaction.atomic():
        waiting: Job | None = (
            Job.objects.select_for_update()
            .filter(kind=kind, arguments=dict(arguments), state=JobState.WAITING, **place)
            .first()
        )
        if waiting is not None:
            return waiting
        queued = carry.enqueue()
        made: Job = Job.objects.create(
            pk=UUID(queued.id),
            kind=kind,
            title=(title or known.title)[:200],
            arguments=dict(arguments),
            user=user,
            **place,
        )
    return made


def cancel(user: User, job: Job) -> Job:
    """Cancel a task: at once when it waits; else its body is asked, and stops at its next sign of progress.

    Raises
    ------
    BadValueError
        If it is over.
    """
    with transaction.atomic():
        row: Job = Job.objects.select_for_update().get(pk=job.pk)
        if row.state not in ACTIVE:
            raise BadValueError(
                f"cette tâche est déjà {row.get_state_display()}.", fix="Il n'y a rien à annuler."
            )
        row.cancel_asked = True
        row.message = f"Annulation demandée par {user.full_name}"[:300]
        if row.state == JobState.WAITING:
            row.state, row.finished = JobState.CANCELLED, timezone.now()
            DBTaskResult.objects.filter(pk=row.pk).delete()
        row.save(update_fields=["cancel_asked", "message", "state", "finished"])
    return row


def halt(case: str, message: str) -> int:
    """Cancel every task of a case that is suspended; return how many were waiting or at work."""
    with transaction.atomic():
        rows = Job.objects.select_for_update().filter(case=case, state__in=ACTIVE)
        waiting = list(rows.filter(state=JobState.WAITING).values_list("pk", flat=True))
        halted = rows.update(cancel_asked=True, message=message[:300])
        Job.objects.filter(pk__in=waiting).update(state=JobState.CANCELLED, finished=timezone.now())
        DBTaskResult.objects.filter(pk__in=waiting).delete()
    return halted


def held(job: UUID, token: int) -> QuerySet[Job]:
    """Return the row of a task while the holder of this token still holds it, else no row."""
    rows: QuerySet[Job] = Job.objects.filter(pk=job, token=token, state=JobState.RUNNING)
    return rows


def _until(lease: float) -> CombinedExpression:
    return Now() + timedelta(seconds=lease)


def claim(worker: str, *, lease: float) -> Job | None:
    """Take the next task, for a new time and under a new token; None when nothing waits."""
    ready = DBTaskResult.objects.ready().filter(queue_name=_QUEUE)
    for pk in list(ready.values_list("pk", flat=True)[:_AHEAD]):
        with transaction.atomic():
            job = Job.objects.select_for_update(skip_locked=True).filter(pk=pk, state=JobState.WAITING)
            row = None
            if job.first() is not None:
                row = (
                    DBTaskResult.objects.select_for_update()
                    .filter(pk=pk, status=TaskResultStatus.READY)
                    .first()
                )
            if row is None:
                continue
            row.claim(worker[:64])
            Job.objects.filter(pk=pk).update(
                state=JobState.RUNNING,
                token=F("token") + 1,
                attempts=F("attempts") + 1,
                lease=_until(lease),
                worker=worker[:120],
                started=timezone.now(),
                done=0,
                total=0,
                message="",
            )
        taken: Job = Job.objects.get(pk=pk)
        return taken
    return None


def beat(job: UUID, token: int, *, lease: float) -> bool:
    """Give a sign of life; False when the task is over, or somebody else's."""
    return bool(held(job, token).update(lease=_until(lease)))


def end(job: UUID, token: int, state: JobState, *, error: str = "") -> bool:
    """Write how a task ended, unless it is somebody else's by now; tell whether it was written."""
    with transaction.atomic():
        changed = held(job, token).update(state=state, error=error, finished=timezone.now(), lease=None)
        if changed:
            DBTaskResult.objects.filter(pk=job).delete()
    return bool(changed)


def give_back(
    job: UUID, token: int, *, reason: str = "", deaths: int = 0, expired: bool = False
) -> JobState | None:
    """Put a task back in the queue, or set it aside when it has killed too many processes.

    Parameters
    ----------
    reason
        Why its process died, in French.
    deaths
        From how many deaths it is set aside. 0 when its process was ended in order: that does not count.
    expired
        Only if its lease has run out.

    Returns
    -------
    JobState or None
        Its new state; None when it was not the holder's any more, or somebody is just writing it.
    """
    rows = held(job, token).filter(lease__lt=Now()) if expired else held(job, token)
    with transaction.atomic():
        row = rows.select_for_update(skip_locked=expired).first()
        if row is None:
            return None
        row.lease = None
        if row.cancel_asked:
            row.state, row.finished = JobState.CANCELLED, timezone.now()
        elif deaths and row.attempts >= deaths:
            row.state, row.finished = JobState.ASIDE, timezone.now()
            row.error = (
                f"Cette tâche a fait tomber {row.attempts} fois le programme qui la portait : elle est mise "
                f"de côté. La dernière fois, {reason}. Vérifiez ses données et la mémoire de la machine, "
                "puis relancez-la."
            )
        else:
            row.state = JobState.WAITING
            row.message = "Reprise après un arrêt" if deaths else ""
            row.attempts -= 0 if deaths else 1
        row.save(update_fields=["lease", "state", "finished", "error", "message", "attempts"])
        queued = DBTaskResult.objects.filter(pk=job)
        if row.state == JobState.WAITING:
            queued.update(status=TaskResultStatus.READY)
        else:
            queued.delete()
    return JobState(row.state)


def reap(*, deaths: int) -> int:
    """Take back the tasks whose worker gives no sign of life; return how many.

    Any worker does it for all: the one that is silent cannot.
    """
    silent = Job.objects.filter(state=JobState.RUNNING, lease__lt=Now())
    return sum(
        give_back(pk, token, reason="sa machine n'a plus donné signe de vie", deaths=deaths, expired=True)
        is not None
        for pk, token in list(silent.values_list("pk", "token"))
    )

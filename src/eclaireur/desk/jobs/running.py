"""One task from its body's first line to its end, in the process that carries it."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from django.db import Error

from eclaireur.core.errors import EclaireurError
from eclaireur.desk.jobs.context import CancelledError, Context, LostError
from eclaireur.desk.jobs.kinds import find
from eclaireur.desk.jobs.queue import end
from eclaireur.desk.models import Job, JobState
from eclaireur.desk.outages import outage

if TYPE_CHECKING:
    from uuid import UUID

__all__ = ["run"]

_LOG = logging.getLogger(__name__)
_UNEXPECTED = (
    "Une erreur imprévue a arrêté cette tâche. Rien n'a été publié. Réessayez ; si elle se répète, "
    "donnez ce numéro à votre administrateur : {job}."
)


def run(job: UUID, token: int, *, pace: float = 1.0) -> None:
    """Do a task that was taken under ``token``, and write how it ended.

    What Éclaireur refuses on purpose would be refused again: it is told, and not tried again. So is a
    fault of the program, whose trace goes to the log.

    Raises
    ------
    django.db.Error, MemoryError
        What the same task may not meet the next time: its process ends, and it is given back.
    """
    row: Job = Job.objects.get(pk=job)
    if row.token != token:
        return
    context = Context(row, pace=pace)
    try:
        result = find(row.kind).body(context, row.arguments)
        if not context.published:
            with context.publishing():
                pass
        Job.objects.filter(pk=job, token=token).update(result=dict(result))
    except LostError:
        _LOG.warning("La tâche %s n'est plus à ce processus : rien n'en est écrit.", job)
    except CancelledError:
        end(job, token, JobState.CANCELLED)
    except EclaireurError as error:
        end(job, token, JobState.FAILED, error=f"{str(error)[:1].upper()}{str(error)[1:]}")
    except (Error, MemoryError):
        raise
    except Exception as error:  # noqa: BLE001 (a body is a case's code: it may raise anything)
        _LOG.exception("La tâche %s s'est arrêtée.", job)
        found = outage(error)
        said = f"{str(found)[:1].upper()}{str(found)[1:]}" if found else _UNEXPECTED.format(job=job)
        end(job, token, JobState.FAILED, error=said)

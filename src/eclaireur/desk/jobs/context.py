"""What the body of a task is given: to say how far it is, to know when to stop, to publish once."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from django.db import transaction

from eclaireur.desk.jobs.queue import end, held
from eclaireur.desk.models import JobState

if TYPE_CHECKING:
    from eclaireur.desk.models import Job

__all__ = ["CancelledError", "Context", "LostError"]


class CancelledError(Exception):
    """Somebody asked that the task stop."""


class LostError(Exception):
    """The task is over, or another worker's: nothing of it may be written from here."""


class Context:
    """A task at work, for the time that its token names.

    Parameters
    ----------
    job
        Its row, as it was taken.
    pace
        Seconds between two writings of its progress.
    """

    def __init__(self, job: Job, *, pace: float = 1.0) -> None:
        self.case: str = job.case
        self.area: str = job.area
        self.service: str = job.service
        self.published = False
        self._job = job.pk
        self._token = job.token
        self._pace = pace
        self._due = 0.0

    def progress(self, done: int, total: int, message: str, /) -> None:
        """Say how far the work is (`core.case.Progress`): written once a second at most.

        Raises
        ------
        CancelledError, LostError
            As `check`.
        """
        now = time.monotonic()
        if now < self._due:
            return
        self._due = now + self._pace
        rows = held(self._job, self._token).filter(cancel_asked=False)
        if not rows.update(done=done, total=total, message=message[:300]):
            self.check()

    def check(self) -> None:
        """Stop here if the task must not go on.

        Raises
        ------
        CancelledError
            If that was asked.
        LostError
            If the task is not this process's any more.
        """
        asked = held(self._job, self._token).values_list("cancel_asked", flat=True).first()
        if asked is None:
            raise LostError
        if asked:
            raise CancelledError

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Write, in one transaction, something that nobody sees yet, while the task is surely this process's.

        The row is locked and the token compared first. A process that slept through its lease, and whose
        task was given to another, is stopped here.

        Raises
        ------
        CancelledError, LostError
            As `check`.
        """
        with transaction.atomic():
            list(held(self._job, self._token).select_for_update())
            self.check()
            yield

    @contextmanager
    def publishing(self) -> Iterator[None]:
        """Do the effect of the task and mark it done, in one transaction: both happen, once, or neither.

        Raises
        ------
        CancelledError, LostError
            As `check`.
        """
        with self.writing():
            yield
            if not end(self._job, self._token, JobState.DONE):
                raise LostError
        self.published = True

"""Carries the tasks of the desk: takes one, gives signs of life while its process works, takes back the lost.

`serve` starts it (`desk.serving`), and again when it dies. It does no calculation: it stays small, has one
thread, and forks for each task, which so starts in milliseconds and can kill only its own process.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from django.db import Error, close_old_connections, connections

from eclaireur.desk import readings, retaining, uploads
from eclaireur.desk.jobs import queue
from eclaireur.desk.jobs.process import Process
from eclaireur.desk.jobs.running import run
from eclaireur.desk.jobs.times import Times
from eclaireur.desk.switching import stopped as suspended

if TYPE_CHECKING:
    from types import FrameType

    from eclaireur.desk.models import Job

__all__ = ["run_worker"]

_LOG = logging.getLogger(__name__)
_HOUR = 3600.0


def run_worker(stop: threading.Event | None = None, *, times: Times | None = None) -> None:
    """Carry tasks until SIGTERM, Ctrl+C or ``stop``; the task at work is handed back first.

    Parameters
    ----------
    stop
        Ends the worker too. Signals are listened to only in the main thread.
    times
        By default those of `Times`.
    """
    asked: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(number)

    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        _Worker(times or Times(), lambda: bool(asked) or (stop is not None and stop.is_set())).work()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Worker:
    """One worker: its name, its times, and what tells it to stop."""

    def __init__(self, times: Times, stopped: Callable[[], bool]) -> None:
        self._times = times
        self._stopped = stopped
        self._name = f"{socket.gethostname()}:{os.getpid()}"
        self._reap_due = 0.0
        self._sweep_due = 0.0

    def work(self) -> None:
        """Carry one task after the other. A database that is away for a while is waited for."""
        while not self._stopped():
            try:
                close_old_connections()
                self._reap()
                job = queue.claim(self._name, lease=self._times.lease)
                if job is not None:
                    self._carry(job)
                    continue
            except Error as error:
                _LOG.warning("La base de données n'a pas répondu aux tâches : %s", error)
                connections.close_all()
            self._sleep(self._times.idle)
        connections.close_all()

    def _sleep(self, seconds: float) -> None:
        """Sleep, in short steps: a signal sets a list, it wakes nobody."""
        limit = time.monotonic() + seconds
        while not self._stopped() and (left := limit - time.monotonic()) > 0:
            time.sleep(min(left, 2 * self._times.tick))

    def _reap(self) -> None:
        if time.monotonic() >= self._reap_due:
            self._reap_due = time.monotonic() + self._times.reap
            queue.reap(deaths=self._times.deaths)
            with contextlib.suppress(OSError):  # a disk that is away must not end the worker
                readings.sweep()
                if time.monotonic() >= self._sweep_due:
                    self._sweep_due = time.monotonic() + _HOUR
                    uploads.sweep()
            if self._times.nightly:
                retaining.ask_of_the_night()

    def _carry(self, job: Job) -> None:
        """Have a process do the task, and see to it that the task is somebody's when that process is gone."""
        times = self._times
        connections.close_all()  # a connection is never shared with the process that is forked
        process = Process.start(lambda: run(job.pk, job.token, pace=times.pace))
        try:
            in_order = self._watch(job, process)
        finally:
            process.kill()
        reason, deaths = process.reason, times.deaths if in_order else 0
        try:
            queue.give_back(job.pk, job.token, reason=reason, deaths=deaths)
        except Error as error:  # its lease runs out, and `reap` takes it back
            _LOG.warning("La tâche %s n'a pas pu être rendue : %s", job.pk, error)
            connections.close_all()

    def _watch(self, job: Job, process: Process) -> bool:
        """Wait for the process, giving signs of life; False when this worker must stop before it."""
        times = self._times
        now = time.monotonic()
        beat_due, look_due, limit = now + times.beat, now + times.look, float("inf")
        while process.alive():
            if self._stopped():
                return False
            now = time.monotonic()
            if now >= limit:
                return True
            try:
                if now >= beat_due:
                    beat_due = now + times.beat
                    queue.beat(job.pk, job.token, lease=times.lease)
                    self._reap()
                if now >= look_due:
                    look_due = now + times.look
                    asked = queue.held(job.pk, job.token).values_list("cancel_asked", flat=True).first()
                    if asked in {None, True} and limit == float("inf"):
                        limit = now + (times.halt if suspended(job.case) else times.grace)
            except Error as error:
                _LOG.warning("La base de données n'a pas répondu aux tâches : %s", error)
                connections.close_all()
                beat_due = now + times.look
            time.sleep(times.tick)
        return True

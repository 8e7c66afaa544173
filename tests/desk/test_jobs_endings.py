"""How a task that could not go on ends: what the person reads, what the log keeps."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from eclaireur.desk.jobs import kinds, queue, start
from eclaireur.desk.jobs.context import Context
from eclaireur.desk.jobs.running import run
from eclaireur.desk.models import Job, JobState
from eclaireur.desk.outages import outage
from tests.desk.conftest import CASE, Desk

Done = Callable[[Callable[[Context], Any]], Job]


@pytest.fixture
def done(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Done:
    """Run a task of this work, as the only one."""

    def carry(work: Callable[[Context], Any]) -> Job:
        monkeypatch.setitem(
            kinds._KINDS, "essai", kinds.Kind("essai", "Essai", lambda one, _: work(one) or {})
        )
        start("essai", user=desk.manager, case=CASE, area=desk.area, service="Hygiène")
        job = queue.claim("here", lease=40)
        assert job is not None
        run(job.pk, job.token)
        found: Job = Job.objects.get(pk=job.pk)
        return found

    return carry


def test_a_fault_of_the_program_gives_its_number_to_the_person_and_to_the_log(
    done: Done, caplog: pytest.LogCaptureFixture
) -> None:
    job = done(lambda _: 1 // 0)

    assert job.state == JobState.FAILED
    assert job.error == (
        "Une erreur imprévue a arrêté cette tâche. Rien n'a été publié. Réessayez ; si elle se répète, "
        f"donnez ce numéro à votre administrateur : {job.pk}."
    )
    assert caplog.messages[-1] == f"La tâche {job.pk} s'est arrêtée."


def test_a_full_disk_is_told_as_such(done: Done) -> None:
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    def work(_: Context) -> None:
        raise full

    said = str(outage(full))
    assert done(work).error == said[0].upper() + said[1:]


def test_a_task_lost_meanwhile_is_left_to_its_holder(done: Done, caplog: pytest.LogCaptureFixture) -> None:
    def work(_: Context) -> None:
        Job.objects.update(lease=timezone.now() - timedelta(seconds=1))
        queue.reap(deaths=3)

    job = done(work)

    assert (job.state, job.error, job.result) == (JobState.WAITING, "", {})
    assert caplog.messages[-1] == f"La tâche {job.pk} n'est plus à ce processus : rien n'en est écrit."


def test_a_task_knows_its_place_and_says_how_far_it_is(done: Done, desk: Desk) -> None:
    def work(one: Context) -> None:
        assert (one.case, one.area, one.service, one.published) == (CASE, desk.area, "Hygiène", False)
        one.progress(2, 3, "m" * 400)

    job = done(work)

    assert (job.state, job.done, job.total, job.message) == (JobState.DONE, 2, 3, "m" * 300)

"""Tasks, step by step: taken, kept, lost, given back; an effect that happens once; how each ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import OperationalError
from django.utils import timezone
from django_tasks import TaskResultStatus
from django_tasks_db.models import DBTaskResult

from eclaireur.core.errors import BadValueError, NotFoundError
from eclaireur.desk.jobs import cancel, kinds, queue, start
from eclaireur.desk.jobs.context import CancelledError, Context, LostError
from eclaireur.desk.jobs.running import run
from eclaireur.desk.jobs.times import Times
from eclaireur.desk.models import Edition, Job, JobState, Switch, Worklist
from eclaireur.desk.publishing import publish
from eclaireur.desk.switching import switch
from tests.desk.conftest import CASE, Desk

Does = Callable[[Callable[[Context], Any]], None]

LEASE = 40.0
OTHER = "a_case"


@pytest.fixture
def does(monkeypatch: pytest.MonkeyPatch) -> Does:
    """Say what the tasks of kind « essai » do."""

    def declare(work: Callable[[Context], Any]) -> None:
        def body(context: Context, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
            return work(context) or {}

        monkeypatch.setitem(kinds._KINDS, "essai", kinds.Kind("essai", "Essai", body))

    declare(lambda _: None)
    return declare


def begin(desk: Desk, **more: Any) -> Job:
    return start("essai", user=desk.manager, case=CASE, **more)


def taken() -> Job:
    job = queue.claim("here", lease=LEASE)
    assert job is not None
    return job


def effect(desk: Desk) -> None:
    """Do something that would happen twice if it were done twice."""
    Switch.objects.create(case=OTHER, stopped=False, reason="essai", user=desk.manager)


def silence(job: Job) -> None:
    """Let the lease of a task run out."""
    Job.objects.filter(pk=job.pk).update(lease=timezone.now() - timedelta(seconds=1))


def now(job: Job) -> Job:
    found: Job = Job.objects.get(pk=job.pk)
    return found


def test_a_task_is_taken_done_and_leaves_the_queue(desk: Desk, does: Does) -> None:
    does(lambda _: {"n": 3})
    other = Job.objects.create(pk=UUID(int=1), kind="essai", case=CASE, token=1, state=JobState.DONE)
    job = begin(desk)
    assert (job.state, job.title, DBTaskResult.objects.count()) == (JobState.WAITING, "Essai", 1)

    held = taken()
    assert (held.pk, held.state, held.attempts, held.token) == (job.pk, JobState.RUNNING, 1, 1)
    assert queue.claim("there", lease=LEASE) is None
    run(held.pk, held.token)

    assert (now(job).state, now(job).result) == (JobState.DONE, {"n": 3})
    assert now(other).result == other.result
    assert DBTaskResult.objects.count() == 0


def test_the_same_task_asked_twice_before_it_begins_is_one(desk: Desk, does: Does) -> None:
    first = begin(desk, arguments={"source": "a"})

    assert begin(desk, arguments={"source": "a"}).pk == first.pk
    assert begin(desk, arguments={"source": "b"}).pk != first.pk
    taken()
    assert begin(desk, arguments={"source": "a"}).pk != first.pk, "what has begun may not see the newest data"


def test_a_kind_that_does_not_exist_is_refused_and_leaves_nothing(desk: Desk) -> None:
    with pytest.raises(NotFoundError, match="nulle"):
        start("nulle", user=desk.manager, case=CASE)

    assert not DBTaskResult.objects.exists()


def test_a_silent_task_is_taken_back_within_a_minute_and_not_before(desk: Desk, does: Does) -> None:
    begin(desk)
    job = taken()
    assert queue.reap(deaths=3) == 0

    silence(job)
    assert queue.reap(deaths=3) == 1

    assert taken().token == job.token + 1
    assert Times().lease + Times().reap < 60
    assert Times().lease > 2 * Times().beat


def left(job: Job) -> float:
    """Seconds until the lease of a task runs out."""
    lease = now(job).lease
    assert lease is not None
    return (lease - timezone.now()).total_seconds()


def test_a_lease_lasts_what_is_asked_from_the_last_sign_on(desk: Desk, does: Does) -> None:
    begin(desk)
    job = taken()
    assert LEASE - 5 < left(job) <= LEASE

    assert queue.beat(job.pk, job.token, lease=90)
    assert 85 < left(job) <= 90
    assert queue.give_back(job.pk, job.token, deaths=3, expired=True) is None
    assert now(job).state == JobState.RUNNING


def test_a_task_that_gives_a_sign_while_it_is_taken_back_is_kept(
    desk: Desk, does: Does, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(desk, arguments={"n": 1})
    begin(desk, arguments={"n": 2})
    awake, silent = taken(), taken()
    assert queue.beat(silent.pk, silent.token, lease=90)
    assert (left(awake) < 45, left(silent) > 85) == (True, True)
    silence(awake)
    silence(silent)
    give_back = queue.give_back

    def late(pk: Any, token: int, **more: Any) -> JobState | None:
        if pk == awake.pk:
            queue.beat(pk, token, lease=LEASE)
        return give_back(pk, token, **more)

    monkeypatch.setattr(queue, "give_back", late)
    assert queue.reap(deaths=3) == 1
    assert (now(awake).state, now(silent).state) == (JobState.RUNNING, JobState.WAITING)


def test_a_task_that_silences_three_machines_is_set_aside_and_says_what_to_do(desk: Desk, does: Does) -> None:
    job = begin(desk)
    for message in ("Reprise après un arrêt", "Reprise après un arrêt", ""):
        silence(taken())
        assert queue.reap(deaths=3) == 1
        assert (now(job).message, now(job).lease) == (message, None)

    assert (now(job).state, now(job).finished is None) == (JobState.ASIDE, False)
    assert now(job).error == (
        "Cette tâche a fait tomber 3 fois le programme qui la portait : elle est mise de côté. La dernière "
        "fois, sa machine n'a plus donné signe de vie. Vérifiez ses données et la mémoire de la machine, "
        "puis relancez-la."
    )


def test_what_happens_to_a_task_does_not_happen_to_another_under_the_same_token(
    desk: Desk, does: Does
) -> None:
    begin(desk, arguments={"n": 1})
    begin(desk, arguments={"n": 2})
    one, other = taken(), taken()
    assert one.token == other.token

    assert queue.end(one.pk, one.token, JobState.DONE)
    assert (now(one).lease, now(one).error, now(one).finished is None) == (None, "", False)
    assert now(other).state == JobState.RUNNING
    assert list(DBTaskResult.objects.values_list("pk", flat=True)) == [other.pk]
    assert queue.give_back(other.pk, other.token) == JobState.WAITING
    assert (now(other).message, now(one).state) == ("", JobState.DONE)


def test_a_place_in_the_queue_whose_task_is_over_is_passed_by(desk: Desk, does: Does) -> None:
    over, waits = begin(desk, arguments={"n": 1}), begin(desk, arguments={"n": 2})
    Job.objects.filter(pk=over.pk).update(state=JobState.FAILED)
    Job.objects.filter(pk=waits.pk).update(done=3, total=4, message="Ligne 3")

    job = queue.claim("w" * 200, lease=LEASE)
    assert job is not None
    assert (job.pk, job.worker) == (waits.pk, "w" * 120)
    assert (job.done, job.total, job.message, job.started is None) == (0, 0, "", False)
    assert DBTaskResult.objects.get(pk=waits.pk).worker_ids == ["w" * 64]
    places = dict(DBTaskResult.objects.values_list("pk", "status"))
    assert places == {over.pk: TaskResultStatus.READY, waits.pk: TaskResultStatus.RUNNING}
    assert now(over).state == JobState.FAILED


def test_a_task_keeps_where_it_is_for_whom_and_a_title_that_fits(desk: Desk, does: Does) -> None:
    where = {"area": "Nord", "service": "Hygiène"}
    job = now(begin(desk, title="t" * 300, **where))
    assert (job.user, job.case, job.area, job.service) == (desk.manager, CASE, "Nord", "Hygiène")
    assert (job.title, dict(job.arguments)) == ("t" * 200, {})
    assert begin(desk, **where).pk == job.pk
    assert len({job.pk, begin(desk, area="Nord").pk, begin(desk, service="Hygiène").pk}) == 3


def test_a_sign_of_life_keeps_a_task_only_for_its_holder(desk: Desk, does: Does) -> None:
    begin(desk)
    job = taken()
    silence(job)

    assert queue.beat(job.pk, job.token, lease=LEASE)
    assert queue.reap(deaths=3) == 0
    silence(job)
    queue.reap(deaths=3)
    assert not queue.beat(job.pk, job.token, lease=LEASE)
    again = taken()
    assert not queue.beat(job.pk, job.token, lease=LEASE)
    assert queue.beat(again.pk, again.token, lease=LEASE)


def test_a_process_that_slept_through_its_lease_publishes_nothing(desk: Desk, does: Does) -> None:
    begin(desk)
    job = taken()
    zombie = Context(job)
    silence(job)
    queue.reap(deaths=3)

    with pytest.raises(LostError), zombie.publishing():
        effect(desk)
    other = taken()
    with pytest.raises(LostError), zombie.publishing():
        effect(desk)
    with pytest.raises(LostError):
        zombie.progress(1, 2, "Encore")
    with Context(other).publishing():
        effect(desk)
    with pytest.raises(LostError), zombie.publishing():
        effect(desk)

    assert Switch.objects.filter(case=OTHER).count() == 1
    assert now(job).state == JobState.DONE


def test_a_late_end_of_a_lost_task_changes_nothing(desk: Desk, does: Does) -> None:
    begin(desk)
    job = taken()
    silence(job)
    queue.reap(deaths=3)
    other = taken()

    assert not queue.end(job.pk, job.token, JobState.FAILED, error="trop tard")
    assert queue.give_back(job.pk, job.token, deaths=1) is None
    assert (now(job).state, now(job).token, now(job).error) == (JobState.RUNNING, other.token, "")


def test_an_effect_that_fails_half_way_is_undone_and_the_task_is_not_done(desk: Desk, does: Does) -> None:
    def work(context: Context) -> None:
        with context.publishing():
            effect(desk)
            raise BadValueError("le fichier manque.", fix="Envoyez-le.")

    does(work)
    begin(desk)
    job = taken()
    run(job.pk, job.token)

    assert not Switch.objects.filter(case=OTHER).exists()
    assert (now(job).state, now(job).error) == (JobState.FAILED, "Le fichier manque. Envoyez-le.")


def test_a_fault_of_the_program_is_told_plainly_and_its_trace_goes_to_the_log(
    desk: Desk, does: Does, caplog: pytest.LogCaptureFixture
) -> None:
    does(lambda _: 1 // 0)
    begin(desk)
    job = taken()
    run(job.pk, job.token)

    assert now(job).state == JobState.FAILED
    assert "imprévue" in now(job).error
    assert "Zero" not in now(job).error
    assert "ZeroDivisionError" in caplog.text


@pytest.mark.parametrize("fault", [OperationalError("away"), MemoryError()])
def test_what_may_go_better_next_time_ends_the_process_and_not_the_task(
    desk: Desk, does: Does, fault: Exception
) -> None:
    def work(context: Context) -> None:
        raise fault

    does(work)
    begin(desk)
    job = taken()

    with pytest.raises(type(fault)):
        run(job.pk, job.token)
    assert now(job).state == JobState.RUNNING
    assert queue.give_back(job.pk, job.token, reason="la base manquait", deaths=3) == JobState.WAITING
    assert taken().attempts == 2


def test_the_third_death_sets_a_task_aside_with_its_reason(desk: Desk, does: Does) -> None:
    job = begin(desk)
    for expected in (JobState.WAITING, JobState.WAITING, JobState.ASIDE):
        held = taken()
        found = queue.give_back(held.pk, held.token, reason="son processus a été tué", deaths=3)
        assert found == expected

    assert "3 fois" in now(job).error
    assert "son processus a été tué" in now(job).error
    assert queue.claim("here", lease=LEASE) is None


def test_a_worker_that_stops_in_order_does_not_count_against_its_task(desk: Desk, does: Does) -> None:
    begin(desk)
    for _ in range(5):
        held = taken()
        assert held.attempts == 1
        assert queue.give_back(held.pk, held.token) == JobState.WAITING


def test_a_task_that_waits_is_cancelled_at_once(desk: Desk, does: Does) -> None:
    job = cancel(desk.manager, begin(desk))

    assert (job.state, job.message) == (JobState.CANCELLED, "Annulation demandée par Rosa Lebrun")
    assert now(job).finished is not None
    assert not DBTaskResult.objects.exists()
    assert queue.claim("here", lease=LEASE) is None
    with pytest.raises(BadValueError) as caught:
        cancel(desk.manager, job)
    assert str(caught.value) == "cette tâche est déjà annulée. Il n'y a rien à annuler."


@pytest.mark.parametrize("way", ["progress", "check", "publishing"])
def test_a_task_at_work_stops_at_its_next_sign_and_has_no_effect(desk: Desk, does: Does, way: str) -> None:
    def work(context: Context) -> None:
        cancel(desk.manager, job)
        if way == "progress":
            context.progress(1, 2, "Moitié")
        elif way == "check":
            context.check()
        with context.publishing():
            effect(desk)

    does(work)
    job = begin(desk)
    held = taken()
    run(held.pk, held.token)

    assert now(job).state == JobState.CANCELLED
    assert not Switch.objects.filter(case=OTHER).exists()
    assert not DBTaskResult.objects.exists()


def test_a_cancelled_task_whose_process_died_is_not_tried_again(desk: Desk, does: Does) -> None:
    begin(desk)
    job = taken()
    cancel(desk.manager, job)

    assert queue.give_back(job.pk, job.token, reason="x", deaths=3) == JobState.CANCELLED
    assert queue.claim("here", lease=LEASE) is None


def test_progress_is_written_once_a_second_however_often_it_is_said(
    desk: Desk, does: Does, django_assert_num_queries: Any
) -> None:
    begin(desk)
    context = Context(taken(), pace=60)

    with django_assert_num_queries(1):
        for step in range(1000):
            context.progress(step, 1000, f"Ligne {step}")
    job = Job.objects.get(kind="essai")
    assert (job.done, job.total, job.message) == (0, 1000, "Ligne 0")


def test_publishing_as_a_task_shows_the_edition_and_ends_the_task_together(desk: Desk) -> None:
    Edition.objects.filter(pk=desk.edition.pk).update(current=False)
    start("publish", user=desk.manager, case=CASE, arguments={"source": "sample"})
    job = taken()
    run(job.pk, job.token)

    edition = Edition.objects.get(case=CASE, training=False, current=True)
    assert (now(job).state, now(job).result["edition"]) == (JobState.DONE, edition.pk)
    assert edition.targets.count() == edition.size


def test_opening_the_training_desk_draws_its_list_once(desk: Desk) -> None:
    for _ in range(2):
        start("training", user=desk.agent, case=CASE)
        job = taken()
        run(job.pk, job.token)
        assert now(job).state == JobState.DONE

    worklist = Worklist.objects.get(edition__training=True)
    assert worklist.items.count() == 20
    assert worklist.edition.current


def test_a_process_that_lost_its_task_writes_no_row_of_an_edition(desk: Desk, does: Does) -> None:
    begin(desk)
    job = taken()
    context = Context(job)
    silence(job)
    queue.reap(deaths=3)

    with pytest.raises(LostError):
        publish(CASE, "sample", training=True, writing=context.writing, finishing=context.publishing)
    assert not Edition.objects.filter(training=True).exists()


def test_a_suspended_case_computes_nothing(desk: Desk) -> None:
    Switch.objects.create(case=CASE, stopped=True, reason="contrôle en cours", user=desk.manager)
    start("train", user=desk.manager, case=CASE, arguments={"source": "sample"})
    job = taken()
    run(job.pk, job.token)

    assert now(job).state == JobState.FAILED
    assert "suspendu" in now(job).error


def test_suspending_a_case_halts_its_tasks_and_lets_none_publish(desk: Desk) -> None:
    running, waiting = (
        start(kind, user=desk.manager, case=CASE, arguments={}) for kind in ("train", "evaluate")
    )
    job = queue.claim("essai", lease=40)
    assert job is not None
    other = start("train", user=desk.manager, case="another", arguments={})
    chosen, idle = (running, waiting) if job.pk == running.pk else (waiting, running)
    over = start("compare", user=desk.manager, case=CASE, arguments={})
    Job.objects.filter(pk=over.pk).update(state=JobState.DONE)
    switch(desk.manager, CASE, stop=True, reason="taux en baisse")

    assert (now(idle).state, now(chosen).cancel_asked) == (JobState.CANCELLED, True)
    assert (now(idle).finished is None, now(chosen).finished is None) == (False, True)
    assert (now(over).state, now(over).cancel_asked) == (JobState.DONE, False)
    assert not DBTaskResult.objects.filter(pk=idle.pk).exists()
    assert DBTaskResult.objects.filter(pk__in=[chosen.pk, other.pk]).count() == 2
    assert now(other).state == JobState.WAITING
    with pytest.raises(CancelledError), Context(now(chosen)).publishing():
        pass
    assert "suspendu par" in now(chosen).message
    assert queue.halt("another", "m" * 400) == 1
    assert now(other).message == "m" * 300

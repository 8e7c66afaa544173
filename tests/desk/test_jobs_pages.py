"""Pages of tasks: what each person sees, starts, cancels and starts again; how they refresh."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import resolve

from eclaireur.desk.jobs import kinds, queue, start
from eclaireur.desk.models import Grant, Job, JobState, Role, Switch, User
from tests.desk.conftest import CASE, Desk

pytestmark = pytest.mark.one_database

SignIn = Callable[[User], Client]


def begin(user: User, *, service: str = "", title: str = "Calcul d'essai") -> Job:
    return start(
        "publish", user=user, case=CASE, service=service, title=title, arguments={"source": "sample"}
    )


def running(job: Job, *, done: int = 0, total: int = 0, message: str = "") -> Job:
    held = queue.claim("here", lease=60)
    assert held is not None
    assert held.pk == job.pk
    Job.objects.filter(pk=job.pk).update(done=done, total=total, message=message)
    return held


def text(client: Client, path: str, **headers: str) -> str:
    answer = client.get(path, headers=headers)
    assert answer.status_code == 200
    return answer.content.decode()


def test_without_a_task_the_page_says_what_to_do(desk: Desk, sign_in: SignIn) -> None:
    assert "Aucune tâche" in text(sign_in(desk.manager), "/taches/")


def test_a_task_under_way_shows_its_step_and_how_far_it_is(desk: Desk, sign_in: SignIn) -> None:
    job = running(begin(desk.manager), done=30, total=120, message="Mise en place de la liste")
    client = sign_in(desk.scientist)

    for path in ("/taches/", f"/taches/{job.pk}/"):
        shown = text(client, path)
        assert "Mise en place de la liste : 25" in shown
        assert 'value="30" max="120"' in shown
        assert "Rosa Lebrun" in shown
        assert 'role="status"' in shown
        assert '<noscript><meta http-equiv="refresh"' in shown


def test_tasks_outside_the_perimeter_do_not_exist(desk: Desk, sign_in: SignIn) -> None:
    job = begin(desk.manager)

    for person in (desk.stranger, desk.administrator, desk.agent):
        client = sign_in(person)
        assert str(job.pk) not in text(client, "/taches/")
        assert client.get(f"/taches/{job.pk}/").status_code == 404
        assert client.post(f"/taches/{job.pk}/annuler/").status_code == 404
        assert client.post(f"/taches/{job.pk}/relancer/").status_code == 404
        assert client.post(f"/{CASE}/calculer/").status_code == 404
    for person in (desk.stranger, desk.administrator):
        assert sign_in(person).post(f"/{CASE}/entrainement/ouvrir/").status_code == 404
    assert Job.objects.count() == 1
    assert Job.objects.get().state == JobState.WAITING


def test_who_sees_a_task_without_computing_cannot_cancel_it(desk: Desk, sign_in: SignIn) -> None:
    Grant.objects.create(user=desk.stranger, role=Role.AGENT, case=CASE)
    job = begin(desk.manager)
    client = sign_in(desk.stranger)

    assert "Annuler" not in text(client, f"/taches/{job.pk}/")
    assert client.post(f"/taches/{job.pk}/annuler/").status_code == 404
    assert Job.objects.get().state == JobState.WAITING


def test_nobody_who_is_not_signed_in_sees_tasks(client: Client, db: None) -> None:
    assert client.get("/taches/")["Location"].startswith("/connexion/")
    assert client.get("/taches/", headers={"HX-Request": "true"}).status_code == 401


def test_a_refresh_gives_only_what_changed(desk: Desk, sign_in: SignIn) -> None:
    job = running(begin(desk.manager), done=1, total=10, message="Lecture")
    client = sign_in(desk.manager)
    for path in ("/taches/", f"/taches/{job.pk}/"):
        found = re.search(r'hx-get="([^"]+)"', text(client, path))
        assert found
        same = found[1]

        assert client.get(same, headers={"HX-Request": "true"}).status_code == 204
        Job.objects.filter(pk=job.pk).update(done=Job.objects.get().done + 1)
        part = text(client, same, **{"HX-Request": "true"})
        assert "<html" not in part
        assert 'hx-swap-oob="innerHTML:#annonce"' in part
        assert "csrfmiddlewaretoken" in part


def test_a_task_that_is_over_no_longer_refreshes(desk: Desk, sign_in: SignIn) -> None:
    job = running(begin(desk.manager))
    queue.end(job.pk, job.token, JobState.DONE)

    shown = text(sign_in(desk.manager), f"/taches/{job.pk}/")
    assert "hx-get" not in shown.partition("<main")[2]
    assert "noscript" not in shown
    assert f"/{CASE}/?portee=classement" in shown


def test_a_failure_says_why_and_can_be_tried_again(desk: Desk, sign_in: SignIn) -> None:
    job = running(begin(desk.manager))
    queue.end(job.pk, job.token, JobState.FAILED, error="Le fichier <b>est</b> vide. Envoyez-en un autre.")
    client = sign_in(desk.manager)

    assert "Le fichier &lt;b&gt;est&lt;/b&gt; vide." in text(client, f"/taches/{job.pk}/")
    where = client.post(f"/taches/{job.pk}/relancer/")["Location"]
    again = Job.objects.exclude(pk=job.pk).get()
    assert where == f"/taches/{again.pk}/"
    assert (again.kind, again.arguments, again.state) == ("publish", {"source": "sample"}, JobState.WAITING)


@pytest.mark.parametrize("state", [JobState.DONE, JobState.WAITING])
def test_what_succeeded_or_is_under_way_is_not_started_again(
    desk: Desk, sign_in: SignIn, state: JobState
) -> None:
    job = begin(desk.manager)
    Job.objects.filter(pk=job.pk).update(state=state)

    assert sign_in(desk.manager).post(f"/taches/{job.pk}/relancer/").status_code == 404


def test_cancelling_says_what_happens(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.manager)
    job = begin(desk.manager)
    assert "Tâche annulée." in client.post(f"/taches/{job.pk}/annuler/", follow=True).content.decode()
    assert "déjà annulée" in client.post(f"/taches/{job.pk}/annuler/", follow=True).content.decode()

    other = running(begin(desk.manager))
    shown = client.post(f"/taches/{other.pk}/annuler/", follow=True).content.decode()
    assert "la tâche s&#x27;arrête" in shown
    assert "annulation demandée" in shown
    assert 'id="annuler"' not in shown


@pytest.mark.parametrize("kind", ["publish", "train", "evaluate"])
def test_each_calculation_starts_from_the_case(desk: Desk, sign_in: SignIn, kind: str) -> None:
    answer = sign_in(desk.scientist).post(f"/{CASE}/calculer/", {"kind": kind, "source": "sample"})

    job = Job.objects.get()
    assert answer["Location"] == f"/taches/{job.pk}/"
    assert (job.kind, job.case, job.user, job.arguments) == (kind, CASE, desk.scientist, {"source": "sample"})
    assert job.title == kinds.find(kind).title


@pytest.mark.parametrize("asked", [{"kind": "delete"}, {"source": "../../etc"}, {"kind": ""}])
def test_a_calculation_that_does_not_exist_is_refused(
    desk: Desk, sign_in: SignIn, asked: dict[str, str]
) -> None:
    answer = sign_in(desk.manager).post(f"/{CASE}/calculer/", asked)

    assert answer.status_code == 400
    assert not Job.objects.exists()


def test_a_suspended_case_starts_nothing(desk: Desk, sign_in: SignIn) -> None:
    Switch.objects.create(case=CASE, stopped=True, reason="contrôle", user=desk.manager)
    client = sign_in(desk.manager)

    for path in (f"/{CASE}/calculer/", f"/{CASE}/entrainement/ouvrir/"):
        answer = client.post(path)
        assert answer.status_code == 400
        assert "suspendu" in answer.content.decode()
    assert not Job.objects.exists()


def test_a_manager_of_one_service_computes_for_that_service_alone(desk: Desk, sign_in: SignIn) -> None:
    Grant.objects.create(user=desk.stranger, role=Role.MANAGER, case=CASE, service="Nord")
    client = sign_in(desk.stranger)

    assert client.post(f"/{CASE}/calculer/", {"service": "Sud"}).status_code == 404
    assert client.post(f"/{CASE}/calculer/", {"service": ""}).status_code == 404
    assert client.post(f"/{CASE}/calculer/").status_code == 302
    assert Job.objects.get().service == "Nord"


def test_a_calculation_is_asked_by_a_form_and_by_nothing_else(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.manager)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(desk.manager)
    job = begin(desk.manager)

    for path in (f"/{CASE}/calculer/", f"/{CASE}/entrainement/ouvrir/", f"/taches/{job.pk}/annuler/"):
        assert client.get(path).status_code == 405
        assert strict.post(path).status_code == 403


def test_the_training_desk_opens_from_the_sample_beside_the_real_list(desk: Desk, sign_in: SignIn) -> None:
    sign_in(desk.agent).post(f"/{CASE}/entrainement/ouvrir/")

    job = Job.objects.get()
    assert (job.kind, job.service) == ("training", "")
    running(job)
    queue.end(job.pk, 1, JobState.DONE)
    assert f"/{CASE}/entrainement/" in text(sign_in(desk.agent), f"/taches/{job.pk}/")


@pytest.mark.parametrize(
    ("path", "view"),
    [
        ("/taches/", "jobs"),
        (f"/taches/{uuid.UUID(int=7)}/", "job"),
        (f"/{CASE}/calculer/", "compute"),
        (f"/{CASE}/entrainement/ouvrir/", "open_training"),
    ],
)
def test_no_other_room_hides_the_addresses_of_tasks(path: str, view: str) -> None:
    found = resolve(path).func

    assert (found.__module__, found.__name__) == ("eclaireur.desk.pages.jobs", view)

"""The training desk: the same desk on the sample, for everyone in the case, where nothing counts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from eclaireur.desk.access import Action, Perimeter, Reach
from eclaireur.desk.models import Decision, Dossier, Grant, Item, JournalLine, Role, Target, User, Worklist
from eclaireur.desk.place import workspace
from eclaireur.desk.publishing import draw_list, publish

from .conftest import CASE, Desk

pytestmark = pytest.mark.one_database

SignIn = Callable[[User], Client]


@pytest.fixture
def exercises(desk: Desk) -> Worklist:
    edition = publish(CASE, "sample", training=True)
    return draw_list(edition, capacity=20, random_share=0.1, title="Liste d'entraînement")


def test_roles_hold_in_the_whole_case_and_in_no_other() -> None:
    reach = Reach((Perimeter("agent", CASE, "Nord"), Perimeter("manager", "other", "Sud")))

    training = reach.in_training(CASE)

    assert training.may(Action.DECIDE, CASE, "Sud", "any")
    assert not training.may(Action.ASSIGN, CASE, "Sud")
    assert not training.may(Action.SEE, "other", "Sud")


def test_an_agent_of_one_area_trains_on_every_line(desk: Desk, exercises: Worklist, sign_in: SignIn) -> None:
    client = sign_in(desk.agent)
    elsewhere = exercises.items.exclude(area=desk.area).select_related("target__dossier")[0].target.dossier

    assert elsewhere.name in client.get(f"/{CASE}/entrainement/").content.decode()
    assert client.get(f"/{CASE}/dossiers/{elsewhere.pk}/").status_code == 200
    assert sign_in(desk.stranger).get(f"/{CASE}/dossiers/{elsewhere.pk}/").status_code == 404
    assert sign_in(desk.stranger).get(f"/{CASE}/entrainement/").status_code == 404


def test_training_shows_in_none_of_the_real_pages(desk: Desk, exercises: Worklist, sign_in: SignIn) -> None:
    before = sign_in(desk.manager).get(f"/{CASE}/").content
    Dossier.objects.filter(training=True).update(name="Exemple pour apprendre")
    Target.objects.filter(edition__training=True).update(name="Exemple pour apprendre")

    client = sign_in(desk.manager)

    for path in (
        f"/{CASE}/",
        f"/{CASE}/?portee=classement",
        f"/{CASE}/?portee=suivi",
        "/",
        "/recherche/?q=Exemple",
    ):
        assert "Exemple pour apprendre" not in client.get(path).content.decode()
    assert exercises.title.encode() not in before


def test_what_is_decided_there_is_an_exercise_and_counts_for_nothing(
    desk: Desk, exercises: Worklist, sign_in: SignIn
) -> None:
    item = exercises.items.select_related("target__dossier")[0]
    real = Item.objects.filter(worklist__edition__training=False, verdict="").count()
    lines = JournalLine.objects.count()

    answer = sign_in(desk.agent).post(
        f"/{CASE}/dossiers/{item.target.dossier_id}/avis/", {"verdict": "follow", "text": "vu en formation"}
    )

    assert answer.status_code == 302
    item.refresh_from_db()
    assert item.verdict == "follow"
    assert Item.objects.filter(worklist__edition__training=False, verdict="").count() == real
    written = [entry for entry in workspace().journal.entries() if entry.seq >= lines]
    assert {entry.kind for entry in written[-1:]} == {"exercise"}
    assert Decision.objects.get().dossier.training


def test_bulk_acts_reach_training_lines_of_the_case_and_no_real_line_outside(
    desk: Desk, exercises: Worklist, sign_in: SignIn
) -> None:
    exercise = exercises.items.exclude(area=desk.area)[0].target.dossier_id
    outside = desk.worklist.items.filter(area=desk.other_area)[0].target.dossier_id

    sign_in(desk.agent).post(
        f"/{CASE}/lot/",
        {"act": "set_aside", "reason_code": "closed", "dossier": [exercise, outside]},
    )

    assert list(Decision.objects.values_list("dossier", flat=True)) == [exercise]


def test_whoever_sees_the_case_may_open_it_and_nobody_else(desk: Desk, sign_in: SignIn) -> None:
    Grant.objects.create(user=desk.stranger, role=Role.ADMINISTRATOR, case=CASE)

    assert sign_in(desk.stranger).post(f"/{CASE}/entrainement/ouvrir/").status_code == 404
    assert "Préparer l’entraînement" in sign_in(desk.agent).get(f"/{CASE}/entrainement/").content.decode()
    assert sign_in(desk.agent).post(f"/{CASE}/entrainement/ouvrir/").status_code == 302

"""Contests: sent without an account, answered by somebody else, the score hidden, the record changed."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from eclaireur.core.errors import BadValueError, NotFoundError
from eclaireur.core.mention import MARK
from eclaireur.core.subjects import Subject
from eclaireur.core.types import Verdict
from eclaireur.desk import contests, decisions
from eclaireur.desk.contests import Reply
from eclaireur.desk.hiding import target_is_hidden
from eclaireur.desk.models import Contest, Dossier, Grant, Role, User
from eclaireur.desk.place import workspace
from tests.desk.conftest import CASE, Desk

pytestmark = pytest.mark.django_db

Enter = Callable[[User], Client]
WORDS = "Je n’ai jamais eu de manquement, dit Zoé Quint."


@pytest.fixture
def second(desk: Desk) -> User:
    """Another agent of the first one's territory."""
    user = User.objects.get(login="etranger")
    Grant.objects.create(user=user, role=Role.AGENT, case=CASE, area=desk.area)
    return user


def _judged(desk: Desk) -> Dossier:
    """A dossier of no open list whose score shows, judged by the first agent."""
    listed = desk.worklist.items.values("target__dossier")
    target = desk.edition.targets.filter(area=desk.area).exclude(dossier__in=listed).order_by("pk")[0]
    decisions.decide(desk.agent, target.dossier, target, Verdict.FOLLOW)
    target.dossier.refresh_from_db()
    assert not target_is_hidden(target)
    dossier: Dossier = target.dossier
    return dossier


def _typed(about: str = "inconnu", **changes: str) -> dict[str, str]:
    return {"about": about, "name": "Zoé Quint", "contact": "zoe@exemple.fr", "text": WORDS, **changes}


def _sent(dossier: Dossier) -> Contest:
    return contests.send(CASE, _typed(dossier.key), address="192.0.2.1")


def test_the_whole_way_through_the_pages(desk: Desk, second: User, sign_in: Enter) -> None:
    dossier = _judged(desk)
    public, first, other = Client(), sign_in(desk.agent), sign_in(second)
    sent = public.post("/contester/", {"case": CASE, **_typed(dossier.key)})
    row = Contest.objects.get()
    assert sent.status_code == 200
    assert row.reference in sent.content.decode()
    assert dossier.name not in sent.content.decode()

    page = f"/{CASE}/contestations/{row.pk}/"
    assert WORDS in other.get(page).content.decode()
    assert row.reference in other.get(f"/{CASE}/contestations/").content.decode()
    refused = first.post(page, {"act": "take"})
    assert (refused.status_code, "quelqu’un d’autre" in refused.content.decode()) == (422, True)
    assert other.post(page, {"act": "take"}).status_code == 302

    sheet = other.get(f"/{CASE}/dossiers/{dossier.pk}/").content.decode()
    assert "Le rang et le risque apparaîtront après votre avis" in sheet
    assert "poids :" not in other.get(page).content.decode()
    assert dossier.name not in other.get(f"/{CASE}/?portee=classement&q={dossier.key}").content.decode()

    said = {"act": "reply", "text": "Vous avez raison.", "verdict": "set_aside", "reason_code": "wrong_data"}
    assert other.post(page, said).status_code == 302
    dossier.refresh_from_db()
    row.refresh_from_db()
    assert (dossier.status, row.changed, row.answered is not None) == ("", True, True)
    assert "rang" in other.get(f"/{CASE}/dossiers/{dossier.pk}/").content.decode()

    told = public.post("/contester/suivi/", {"reference": row.reference.lower().replace("-", " ")})
    assert "Vous avez raison." in told.content.decode()
    assert MARK in told.content.decode()
    assert "la décision a changé" in told.content.decode()
    assert public.post("/contester/suivi/", {"reference": "AAAA-AAAA-AAAA-AAAA"}).status_code == 404


def test_what_a_person_wrote_is_sealed_and_can_be_erased(desk: Desk, second: User) -> None:
    dossier = _judged(desk)
    row = _sent(dossier)
    contests.take(second, row)
    contests.reply(second, row, Reply(text="Réponse à Zoé Quint."))
    row.refresh_from_db()
    journal = workspace().journal
    lines = [
        entry.line() for entry in journal.entries({"contest", "contest_taken", "contest_reply"}, case=CASE)
    ]
    assert len(lines) == 3
    assert not any("Zoé" in line or row.reference in line or dossier.key in line for line in lines)
    assert contests.said_of(row)["name"] == "Zoé Quint"
    journal.forget(Subject("pseudonym", row.reference), actor="Ada", reason="demande de la personne")
    assert contests.said_of(row).get("name", "") == ""


def test_a_maintained_decision_changes_nothing(desk: Desk, second: User) -> None:
    dossier = _judged(desk)
    version = dossier.version
    row = _sent(dossier)
    contests.take(second, row)
    contests.reply(second, row, Reply(text="Le contrôle est maintenu."))
    dossier.refresh_from_db()
    row.refresh_from_db()
    assert (dossier.version, row.changed) == (version, False)
    assert MARK in contests.said_of(row)["reply"]


def test_only_the_other_agent_answers_and_once(desk: Desk, second: User) -> None:
    row = _sent(_judged(desk))
    with pytest.raises(BadValueError, match="pas la vôtre"):
        contests.reply(second, row, Reply(text="Sans l’avoir prise."))
    contests.take(second, row)
    with pytest.raises(BadValueError, match="une autre personne"):
        contests.take(desk.manager, row)
    with pytest.raises(BadValueError, match="texte"):
        contests.reply(second, row, Reply(text=" "))
    with pytest.raises(BadValueError, match="raison"):
        contests.reply(second, row, Reply(text="Changé.", verdict=Verdict.SET_ASIDE))
    contests.reply(second, row, Reply(text="Fin."))
    with pytest.raises(BadValueError, match="pas la vôtre"):
        contests.reply(second, row, Reply(text="Encore."))


def test_a_contest_on_nothing_known_waits_for_who_sees_the_whole_case(
    desk: Desk, second: User, sign_in: Enter
) -> None:
    row = contests.send(CASE, _typed("n’importe quoi"), address="192.0.2.1")
    assert row.dossier is None
    page = f"/{CASE}/contestations/{row.pk}/"
    assert sign_in(second).get(page).status_code == 404
    manager = sign_in(desk.manager)
    assert manager.get(page).status_code == 200
    contests.take(desk.manager, row)
    with pytest.raises(BadValueError, match="aucun avis"):
        contests.reply(desk.manager, row, Reply(text="Changé.", verdict=Verdict.FOLLOW))


def test_known_and_unknown_identifiers_are_answered_alike(desk: Desk) -> None:
    known = desk.edition.targets.filter(area=desk.area)[0].dossier
    pages = []
    for about in (known.key, "00000000000000"):
        answer = Client().post("/contester/", {"case": CASE, **_typed(about)})
        row = Contest.objects.latest("pk")
        main = answer.content.decode().partition("<main")[2].partition("</main>")[0]
        pages.append(re.sub(r"\d\d\D{1,4}h\D{1,3}\d\d", "", main).replace(row.reference, "R"))
    assert pages[0] == pages[1]


def test_the_form_is_checked_slowed_down_and_guarded() -> None:
    client = Client()
    for name in ("about", "name", "contact", "text"):
        answer = client.post("/contester/", {"case": CASE, **_typed(**{name: " "})})
        assert (answer.status_code, Contest.objects.count()) == (422, 0)
    assert client.post("/contester/", {"case": "nulle_part", **_typed()}).status_code == 422
    assert client.post("/contester/", {"case": CASE, **_typed(text="a" * 6000)}).status_code == 422
    for _ in range(5):
        assert client.post("/contester/", {"case": CASE, **_typed()}).status_code == 200
    answer = client.post("/contester/", {"case": CASE, **_typed()})
    assert (answer.status_code, answer["Retry-After"], Contest.objects.count()) == (429, "3600", 5)
    elsewhere = client.post("/contester/", {"case": CASE, **_typed()}, REMOTE_ADDR="198.51.100.9")
    assert elsewhere.status_code == 200
    strict = Client(enforce_csrf_checks=True)
    assert strict.post("/contester/", {"case": CASE, **_typed()}).status_code == 403
    assert "192.0.2" not in " ".join(Contest.objects.values_list("sender", flat=True))


def test_the_clock_runs_two_months(desk: Desk, sign_in: Enter) -> None:
    assert contests.months_after(date(2026, 12, 31), 2) == date(2027, 2, 28)
    assert contests.months_after(date(2027, 12, 31), 2) == date(2028, 2, 29)
    assert contests.months_after(date(2026, 10, 15), 2) == date(2026, 12, 15)
    row = _sent(_judged(desk))
    assert row.due == contests.months_after(timezone.localdate(), 2)
    Contest.objects.filter(pk=row.pk).update(due=timezone.localdate() - timedelta(days=1))
    assert "en retard depuis" in sign_in(desk.manager).get(f"/{CASE}/contestations/").content.decode()
    told = Client().post("/contester/suivi/", {"reference": row.reference}).content.decode()
    assert "le silence vaut refus" in told


def test_no_reference_is_found_by_nothing() -> None:
    with pytest.raises(NotFoundError):
        contests.follow("")

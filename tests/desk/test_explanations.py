"""The explanation of a verdict on the desk: its page, its files, and when it must wait."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from eclaireur.core.mention import MARK
from eclaireur.core.types import Verdict
from eclaireur.desk import contests, decisions
from eclaireur.desk.models import Decision, Target, User
from eclaireur.desk.place import workspace
from tests.desk.conftest import CASE, Desk

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

Enter = Callable[[User], Client]


@pytest.fixture
def judged(desk: Desk) -> Decision:
    listed = desk.worklist.items.values("target__dossier")
    target = desk.edition.targets.filter(area=desk.area).exclude(dossier__in=listed).order_by("pk")[0]
    return decisions.decide(
        desk.agent, target.dossier, target, Verdict.SET_ASIDE, reason_code="closed", text="rideau baissé"
    )


def _page(decision: Decision) -> str:
    return f"/{CASE}/dossiers/{decision.dossier_id}/explication/{decision.pk}/"


def test_a_verdict_is_explained_on_a_page_and_as_files(judged: Decision, desk: Desk, sign_in: Enter) -> None:
    client = sign_in(desk.agent)
    assert _page(judged) in client.get(f"/{CASE}/dossiers/{judged.dossier_id}/").content.decode()
    page = client.get(_page(judged)).content.decode()
    target = Target.objects.get(signal=judged.signal)
    reasons = getattr(target, "reasons").content  # noqa: B009 (a reverse relation)
    for told in (MARK, "rideau baissé", desk.agent.full_name, "De quoi ce résultat est fait"):
        assert told in page, told
    assert all(one["feature"] in page for one in reasons)
    for form, start in (("pdf", b"%PDF"), ("odt", b"PK")):
        answer = client.get(f"{_page(judged)}explication.{form}")
        assert answer.content.startswith(start)
        assert "attachment" in answer["Content-Disposition"]
    taken = list(workspace().journal.entries("explanation", case=CASE))
    assert [(one.actor, one.data["of"]) for one in taken] == [(desk.agent.full_name, judged.pk)] * 2


def test_it_waits_while_the_score_is_hidden(judged: Decision, desk: Desk, sign_in: Enter) -> None:
    row = contests.send(
        CASE,
        {"about": judged.dossier.key, "name": "Zoé", "contact": "zoe@exemple.fr", "text": "Faux."},
        address="192.0.2.7",
    )
    contests.take(desk.manager, row)
    client = sign_in(desk.agent)
    page = client.get(_page(judged)).content.decode()
    assert "sera lisible ensuite" in page
    assert not any(words in page for words in ("risque estimé", "Pourquoi ce résultat", " sur 2"))
    assert client.get(f"{_page(judged)}explication.pdf").status_code == 404


def test_what_was_seen_before_judging_is_journalled(judged: Decision, desk: Desk, sign_in: Enter) -> None:
    listed = desk.worklist.items.select_related("target__dossier").filter(area=desk.area)[0]
    blind = decisions.decide(desk.agent, listed.target.dossier, listed.target, Verdict.FOLLOW)
    journal = workspace().journal
    found = [journal.entry(one.pk).data for one in (judged, blind)]
    assert [(one["blind"], one["drawn"]) for one in found] == [(False, None), (True, listed.drawn)]
    page = sign_in(desk.manager).get(f"/{CASE}/humain/").content.decode()
    assert "trop peu pour conclure" in page.lower()
    assert sign_in(desk.agent).get(f"/{CASE}/humain/").status_code == 404


def test_only_a_verdict_of_this_dossier_within_reach(judged: Decision, desk: Desk, sign_in: Enter) -> None:
    other = desk.edition.targets.exclude(area=desk.area).order_by("pk")[0].dossier
    manager = sign_in(desk.manager)
    assert manager.get(f"/{CASE}/dossiers/{other.pk}/explication/{judged.pk}/").status_code == 404
    assert manager.get(f"/{CASE}/dossiers/{judged.dossier_id}/explication/1/").status_code == 404
    assert sign_in(desk.stranger).get(_page(judged)).status_code == 404

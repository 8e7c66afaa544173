"""Votes on suggestions: one key, no decision, within one's perimeter, counted once a person."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from eclaireur.core.view import Facts
from eclaireur.desk.models import Decision, Dossier, User, Vote
from eclaireur.desk.place import work_on, workspace
from eclaireur.service.usefulness import KIND, count_votes, usefulness_block
from tests.desk.conftest import CASE, Desk

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

Enter = Callable[[User], Client]


def test_a_vote_is_counted_once_a_person_and_decides_nothing(desk: Desk, sign_in: Enter) -> None:
    free = desk.edition.targets.filter(items=None)
    mine, other = free.filter(area=desk.area)[0], free.filter(area=desk.other_area)[0]
    agent, manager = sign_in(desk.agent), sign_in(desk.manager)
    path = f"/{CASE}/dossiers/{mine.dossier_id}/utile/"
    before = Dossier.objects.values().get(pk=mine.dossier_id)
    assert agent.post(path, {"useful": "no"}).status_code == 302
    assert agent.post(path, {"useful": "yes", "why": "vu sur place"}).status_code == 302
    assert manager.post(path, {"useful": "no"}).status_code == 302
    assert agent.post(path, {"useful": "peut-être"}).status_code == 422
    assert agent.post(path, {"useful": "yes", "why": "x" * 2001}).status_code == 422
    assert agent.post(f"/{CASE}/dossiers/{other.dossier_id}/utile/", {"useful": "yes"}).status_code == 404
    assert sign_in(desk.scientist).post(path, {"useful": "yes"}).status_code == 404

    assert sorted(Vote.objects.values_list("user__login", "useful")) == [
        ("agent", True),
        ("responsable", False),
    ]
    entries = list(workspace().journal.entries(KIND, case=CASE))
    assert count_votes(entries) == (1, 2)
    assert "vu sur place" not in str(entries[1].data)
    assert (workspace().journal.reveal(entries[1]) or {})["reason"] == "vu sur place"
    assert not Decision.objects.exists()
    assert Dossier.objects.values().get(pk=mine.dossier_id) == before
    page = agent.get(f"/{CASE}/dossiers/{mine.dossier_id}/").content.decode()
    assert "Noté" in page
    assert 'data-act="useful" aria-pressed="true"' in page


def test_what_is_hidden_cannot_be_judged_useful(desk: Desk, sign_in: Enter) -> None:
    item = desk.worklist.items.filter(area=desk.area).select_related("target")[0]
    path = f"/{CASE}/dossiers/{item.target.dossier_id}/"
    agent = sign_in(desk.agent)
    assert 'data-act="useful"' not in agent.get(path).content.decode()
    assert agent.post(f"{path}utile/", {"useful": "yes"}).status_code == 422
    assert not Vote.objects.exists()


def test_the_project_says_a_share_only_from_enough_votes(desk: Desk) -> None:
    work = work_on(CASE)
    for at in range(30):
        block = usefulness_block(work)
        assert isinstance(block, Facts)
        assert dict(block.pairs)["Jugés utiles"] == "trop peu pour conclure"
        data = {"useful": at % 3 > 0, "signal_run": "r", "model": 1, "login": f"agent{at}"}
        work.workspace.journal.append(KIND, case=CASE, actor="Ada Martin", data=data)
    shown = dict(usefulness_block(work).pairs)  # type: ignore[union-attr]
    assert shown["Votes"] == "30"
    assert shown["Jugés utiles"].startswith("67")

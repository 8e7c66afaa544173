"""What waits is counted from what was judged: a long list is not read again at each verdict."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from eclaireur.core.types import Verdict
from eclaireur.desk import decisions
from eclaireur.desk.access import reach_of
from eclaireur.desk.models import Item
from eclaireur.desk.waiting import size, waiting
from tests.desk.conftest import CASE, Desk

pytestmark = pytest.mark.one_database

if TYPE_CHECKING:
    from django.test import Client


def _expected(desk: Desk, **within: str) -> int:
    return Item.objects.filter(worklist=desk.worklist, verdict="", **within).count()


def test_each_person_is_told_what_waits_in_their_perimeter(desk: Desk) -> None:
    assert waiting(reach_of(desk.manager)) == {CASE: _expected(desk)}
    assert waiting(reach_of(desk.agent)) == {CASE: _expected(desk, area=desk.area)}
    assert waiting(reach_of(desk.stranger)) == {}


def test_a_verdict_leaves_one_line_less_and_taking_it_back_one_more(desk: Desk) -> None:
    before, item = waiting(reach_of(desk.manager)), desk.worklist.items.filter(area=desk.area)[0]

    made = decisions.decide(desk.agent, item.target.dossier, item.target, Verdict.FOLLOW)
    assert waiting(reach_of(desk.manager)) == {CASE: before[CASE] - 1}

    decisions.undo(desk.agent, made)
    assert waiting(reach_of(desk.manager)) == before


def test_a_case_whose_lists_are_all_judged_is_not_named(desk: Desk) -> None:
    desk.worklist.items.update(verdict="follow")
    assert waiting(reach_of(desk.manager)) == {}


@pytest.mark.parametrize("filters", ["", "?avis=-"])
def test_a_page_after_a_verdict_says_the_same_size_without_counting_all_lines_again(
    desk: Desk, client: Client, filters: str
) -> None:
    client.force_login(desk.manager)
    whole = client.get(f"/{CASE}/").content.decode()
    assert f"sur {desk.worklist.items.count()} lignes" in whole
    item = desk.worklist.items.filter(area=desk.area)[0]
    decisions.decide(desk.agent, item.target.dossier, item.target, Verdict.FOLLOW)

    with CaptureQueriesContext(connection) as asked:
        page = client.get(f"/{CASE}/{filters}").content.decode()

    left = _expected(desk) if filters else size(reach_of(desk.manager), CASE, desk.worklist.pk)
    assert f"sur {left} lignes" in page
    counts = [one["sql"] for one in asked.captured_queries if "COUNT(*)" in one["sql"]]
    assert all("verdict" in sql for sql in counts)

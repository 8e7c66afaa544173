"""Prepared queries give what Django's own give, for other values than those they were made with."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.models import Count, Max, QuerySet, Sum
from django.test.utils import CaptureQueriesContext

from eclaireur.desk.models import Edition, Grant, Session, Switch, User
from eclaireur.desk.prepared import Prepared
from tests.desk.conftest import Desk

GRANTS = ("role", "case", "area", "service")


def test_rows_are_the_instances_that_the_queryset_gives(desk: Desk) -> None:
    by_login = Prepared(lambda: User.objects.filter(login="?login"), "?login")

    for user in User.objects.all():
        (found,) = by_login.rows(user.login)
        assert found == user
        assert {name: getattr(found, name) for name in vars(user) if name != "_state"} == {
            name: value for name, value in vars(user).items() if name != "_state"
        }, "dates, JSON and booleans are converted"
    assert by_login.rows("personne") == []


def test_values_follow_what_is_written_meanwhile(desk: Desk) -> None:
    grants = Prepared(lambda: Grant.objects.filter(user_id=-1).order_by("pk").values_list(*GRANTS), -1)
    assert grants.values(desk.agent.pk) == list(desk.agent.grants.order_by("pk").values_list(*GRANTS))

    desk.agent.grants.all().delete()

    assert grants.values(desk.agent.pk) == []


def test_a_query_without_values_may_group_and_hold_dates(desk: Desk) -> None:
    versions = Edition.objects.order_by("case").values("case")
    asked = versions.annotate(changes=Sum("version"), last=Max("pk"), n=Count("pk"))
    assert Prepared(lambda: asked).values() == [tuple(row.values()) for row in asked]

    Switch.objects.create(case="restaurant_risk", stopped=True, reason="essai", user=desk.manager)
    switches = Switch.objects.order_by("pk").values_list("case", "stopped", "at")
    assert Prepared(lambda: switches).values() == list(switches)


def test_a_value_is_never_read_as_a_query(desk: Desk) -> None:
    by_key = Prepared(lambda: Session.objects.filter(session_key="?key"), "?key")

    assert by_key.rows("' OR 1=1 --") == []


def test_a_value_too_many_or_too_few_is_refused(desk: Desk) -> None:
    by_login = Prepared(lambda: User.objects.filter(login="?login"), "?login")

    with pytest.raises(ValueError, match="zip"):
        by_login.rows()


def test_the_text_is_made_once(desk: Desk) -> None:
    made = []

    def by_login() -> QuerySet[User]:
        made.append(1)
        return User.objects.filter(login="?login")

    prepared = Prepared(by_login, "?login")
    with CaptureQueriesContext(connection) as asked:
        for _ in range(3):
            prepared.rows("agent")

    assert len(made) == 1
    assert len(asked) == 3

"""The filter of a perimeter and its answer for one row agree, on the database and for any grants."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.django import TestCase

from eclaireur.desk.access import ROLES, SCOPES, Action, Perimeter, Reach, nobody, reach_of
from eclaireur.desk.models import ApiKey, Dossier, Grant, Role, User
from tests.desk.conftest import Desk

CASES = ("restaurant_risk", "other_case")
# Names that a filter, an address or a key made of separators could confuse.
AREAS = ("", "Nord", "nord", "Nord/", "Nord|agent", "%", "N_rd", "'; --")
SERVICES = ("", "Hygiène", "hygiène", "Nord")

perimeters = st.builds(
    Perimeter,
    role=st.sampled_from([str(role) for role in Role]),
    case=st.sampled_from(("", *CASES)),
    area=st.sampled_from(AREAS),
    service=st.sampled_from(SERVICES),
)
limits = st.none() | st.frozensets(st.sampled_from(Action))
reaches = st.builds(Reach, st.lists(perimeters, max_size=4).map(tuple), limits)
rows = st.tuples(st.sampled_from(CASES), st.sampled_from(AREAS), st.sampled_from(SERVICES))


class TestRows(TestCase):
    """On the database: what the filter returns is what `Reach.may` allows, row by row."""

    @settings(max_examples=60)
    @given(reach=reaches, places=st.lists(rows, min_size=1, max_size=12), action=st.sampled_from(Action))
    def test_the_filter_returns_the_rows_that_may_be_acted_on(
        self, reach: Reach, places: list[tuple[str, str, str]], action: Action
    ) -> None:
        Dossier.objects.bulk_create(
            Dossier(case=case, area=area, service=service, subject=f"station:t{number}")
            for number, (case, area, service) in enumerate(places)
        )
        mine = Dossier.objects.filter(subject__startswith="station:t")

        found = set(mine.filter(reach.rows(action)).values_list("subject", flat=True))

        expected = {f"station:t{number}" for number, place in enumerate(places) if reach.may(action, *place)}
        assert found == expected
        if action is Action.SEE:
            assert set(mine.within(reach).values_list("subject", flat=True)) == expected


@given(one=reaches, other=reaches)
def test_two_reaches_share_a_key_only_when_they_allow_the_same(one: Reach, other: Reach) -> None:
    same = set(one.perimeters) == set(other.perimeters) and one.only == other.only

    assert (one.key == other.key) == same


def test_a_territory_with_a_separator_in_its_name_is_not_another_perimeter() -> None:
    """Found by hand: pages were cached under a key in which these two were one."""
    assert Reach((Perimeter("agent", "x", "a", "b/"),)).key != Reach((Perimeter("agent", "x", "a/b"),)).key


@given(reach=reaches, place=rows)
def test_what_is_allowed_on_a_row_is_allowed_somewhere_in_its_case(
    reach: Reach, place: tuple[str, str, str]
) -> None:
    for action in Action:
        if reach.may(action, *place):
            assert reach.may_somewhere(action, place[0])
            assert reach.may_somewhere(action)
        if reach.may_everywhere(action, place[0], place[2]):
            assert reach.may(action, *place)


@given(reach=reaches, action=st.sampled_from(Action), case=st.sampled_from(CASES))
def test_what_is_said_of_a_whole_case_is_what_each_row_says(reach: Reach, action: Action, case: str) -> None:
    """A place that no grant names is reached only by who reaches all of them."""
    areas, services = (*AREAS[1:], "Autre lieu"), (*SERVICES[1:], "Autre service")

    def may(area: str, service: str, where: str = case) -> bool:
        return reach.may(action, where, area, service)

    somewhere = {
        name for name in (*CASES, "un autre cas") for at in areas for by in services if may(at, by, name)
    }
    assert reach.may_somewhere(action, case) == (case in somewhere)
    assert reach.may_somewhere(action) == bool(somewhere)
    assert [reach.may_everywhere(action, case, by) for by in services] == [
        may(areas[-1], by) for by in services
    ]
    assert reach.may_everywhere(action, case) == may(areas[-1], services[-1])

    found = reach.areas(action, case)
    assert (found is None) == may(areas[-1], services[-1])
    assert [found is None or at in found for at in areas] == [may(at, services[-1]) for at in areas]

    held = reach.services(action, case)
    assert list(held) == sorted(set(held))
    assert ("" in held) == any(may(at, services[-1]) for at in areas)
    assert {by for by in services if by in held or "" in held} == {
        by for by in services for at in areas if may(at, by)
    }

    trained = reach.in_training(case)
    assert [trained.may(action, name, areas[-1], services[-1]) for name in (case, "un autre cas")] == [
        case in somewhere,
        False,
    ]
    if action is Action.SEE:
        assert reach.cases(CASES) == tuple(name for name in CASES if name in somewhere)


def test_nobody_sees_nothing(desk: Desk) -> None:
    assert Dossier.objects.exists()
    assert not Dossier.objects.within(nobody).exists()


def test_an_administrator_manages_and_sees_no_row(desk: Desk) -> None:
    reach = reach_of(desk.administrator)

    assert reach.may(Action.MANAGE, "")
    assert not Dossier.objects.within(reach).exists()


@pytest.mark.parametrize("scope", SCOPES)
def test_a_key_does_what_its_scopes_say_and_its_grants_allow(desk: Desk, scope: str) -> None:
    key = ApiKey.objects.create(
        name="essai", prefix="0" * 8, hash="", scopes=[scope], created_by=desk.manager
    )
    Grant.objects.create(key=key, role=Role.MANAGER, case="restaurant_risk", area=desk.area)

    reach = reach_of(key)

    allowed = {action for action in Action if reach.may(action, "restaurant_risk", desk.area)}
    assert allowed == SCOPES[scope]
    assert not any(reach.may(action, "restaurant_risk", desk.other_area) for action in Action)


def test_a_scope_gives_no_more_than_the_role(desk: Desk) -> None:
    key = ApiKey.objects.create(
        name="essai", prefix="0" * 8, hash="", scopes=["read", "compute", "unknown"], created_by=desk.manager
    )
    Grant.objects.create(key=key, role=Role.AGENT)

    assert not reach_of(key).may_somewhere(Action.COMPUTE)


def test_each_role_is_defined() -> None:
    assert set(ROLES) == {str(role) for role in Role}
    assert not User(login="x", full_name="X").is_anonymous

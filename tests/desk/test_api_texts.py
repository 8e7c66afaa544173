"""Texts by the API: searched within the caller's territories; reports for who sees everything."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.utils import timezone

from eclaireur.bricks.semantic.index import Document
from eclaireur.core.view import Column, Table
from eclaireur.desk.access import Perimeter
from eclaireur.desk.accounts.keys import make_key
from eclaireur.desk.models import Job, JobState
from eclaireur.desk.place import workspace

if TYPE_CHECKING:
    from tests.desk.conftest import Desk

CASE = "inspection_letters"
V1 = f"/api/v1/cas/{CASE}"

_Asks = Callable[..., Client]


@pytest.fixture
def asks(desk: Desk) -> _Asks:
    """Return a client that shows the key of a program."""

    def make(*, area: str = "", case: str = CASE) -> Client:
        _, token = make_key(
            desk.manager,
            "Essai",
            scopes=("read",),
            expires=timezone.now() + timedelta(days=1),
            perimeter=Perimeter("agent", case, area),
        )
        return Client(headers={"Authorization": f"Bearer {token}"})

    return make


@pytest.fixture
def index(desk_workspace: None) -> None:
    """An index of three letters, of which two have a territory."""
    from eclaireur.service import searching

    letters = [
        Document(
            id=str(number),
            title=f"Lettre {number}",
            body=body,
            day=date(2021, number, 1),
            facets={"site": (site,)},
            perimeters=perimeters,
        )
        for number, body, site, perimeters in (
            (1, "Une fuite d'huile sous la pompe.", "Chooz", ("Nord",)),
            (2, "Une fuite d'eau.", "Cattenom", ("Est",)),
            (3, "Fuite sans territoire.", "Civaux", ()),
        )
    ]
    searching.build(workspace(), CASE, letters, ("site",))


def error_of(response: Any, status: int) -> dict[str, Any]:
    assert response.status_code == status, response.content
    error: dict[str, Any] = response.json()["error"]
    assert error["message"]
    return error


def test_a_search_gives_passages_counts_and_reasons(asks: _Asks, index: None) -> None:
    found = asks().get(
        f"{V1}/recherche", {"q": "fuite", "facette": "site", "mois": "true", "pourquoi": "true"}
    )

    assert found.status_code == 200, found.content
    body = found.json()
    assert body["total"] == 3
    assert {one["value"] for one in body["facets"]["site"]} == {"Chooz", "Cattenom", "Civaux"}
    assert [one["month"] for one in body["months"]] == ["2021-01", "2021-02", "2021-03"]
    first = body["hits"][0]
    passage = first["passages"][0]
    start, end = passage["marks"][0]
    assert passage["text"][start - passage["start"] : end - passage["start"]].casefold() == "fuite"
    assert first["why"][0]["field"] == "body"


def test_what_lies_outside_the_perimeter_is_neither_shown_nor_counted(asks: _Asks, index: None) -> None:
    found = asks(area="Nord").get(f"{V1}/recherche", {"q": "fuite", "facette": "site", "mois": "true"}).json()

    assert [one["id"] for one in found["hits"]] == ["1"]
    assert found["total"] == 1
    assert found["facets"]["site"] == [{"value": "Chooz", "count": 1}]
    assert found["months"] == [{"month": "2021-01", "count": 1}]


def test_the_texts_of_another_case_do_not_exist(asks: _Asks, index: None) -> None:
    error_of(asks(case="restaurant_risk").get(f"{V1}/recherche", {"q": "fuite"}), 404)
    error_of(Client().get(f"{V1}/recherche", {"q": "fuite"}), 401)


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"q": "fuite", "filtre": "site"}, 422),
        ({"q": "fuite", "facette": "auteur"}, 422),
        ({"q": "f" * 5001}, 422),
        ({"q": "fuite", "limit": "0"}, 422),
        ({"q": "fuite", "depuis": "hier"}, 422),
        ({"query": "fuite"}, 422),
    ],
)
def test_a_wrong_question_is_refused_in_french(
    asks: _Asks, index: None, asked: dict[str, str], status: int
) -> None:
    error_of(asks().get(f"{V1}/recherche", asked), status)


def test_a_filter_and_days_bound_a_search(asks: _Asks, index: None) -> None:
    client = asks()
    assert [
        one["id"]
        for one in client.get(f"{V1}/recherche", {"q": "fuite", "filtre": "site=Chooz"}).json()["hits"]
    ] == ["1"]
    days = {"q": "fuite", "depuis": "2021-02-01", "jusque": "2021-02-28", "mots": "true"}
    assert [one["id"] for one in client.get(f"{V1}/recherche", days).json()["hits"]] == ["2"]


def test_a_case_that_is_not_indexed_says_how_to(asks: _Asks) -> None:
    error = error_of(
        asks(case="similar_decisions").get("/api/v1/cas/similar_decisions/recherche", {"q": "x"}), 404
    )
    assert "index build similar_decisions" in error["fix"]


def test_reports_are_listed_for_who_sees_every_territory(asks: _Asks) -> None:
    listed = asks().get(f"{V1}/rapports").json()
    assert {"name", "title", "asks"} == set(listed[0])
    assert asks(area="Nord").get(f"{V1}/rapports").json() == []


def test_a_report_is_a_task_then_its_blocks(asks: _Asks, monkeypatch: pytest.MonkeyPatch) -> None:
    from eclaireur.service import reporting

    client = asks()
    (name,) = [one["name"] for one in client.get(f"{V1}/rapports").json() if not one["asks"]][:1]
    asked = client.post(f"{V1}/rapports", {"report": name}, content_type="application/json")
    assert asked.status_code == 202, asked.content
    number = asked.json()["id"]
    error_of(client.get(f"{V1}/rapports/{number}"), 409)

    table = Table(title="T", columns=(Column(key="d", title="Jour"),), rows=[{"d": date(2021, 3, 1)}])
    Job.objects.filter(pk=number).update(state=JobState.DONE, result={"run": "x"})
    monkeypatch.setattr(reporting, "kept_report", lambda *_: ((table,), {"Licence": "LO"}))
    found = client.get(f"{V1}/rapports/{number}").json()
    assert (found["name"], found["mentions"]) == (name, {"Licence": "LO"})
    assert found["blocks"][0]["block"] == "Table"
    assert found["blocks"][0]["rows"] == [{"d": "2021-03-01"}]
    error_of(asks(area="Nord").get(f"{V1}/rapports/{number}"), 404)
    error_of(asks(case="similar_decisions").get(f"/api/v1/cas/similar_decisions/rapports/{number}"), 404)


def test_a_report_that_cannot_be_made_is_refused_in_french(asks: _Asks) -> None:
    client = asks()
    offers = {tuple(one["asks"]): one["name"] for one in client.get(f"{V1}/rapports").json()}

    def status(status: int, **body: str) -> None:
        error_of(client.post(f"{V1}/rapports", body, content_type="application/json"), status)

    status(404, report="absent")
    status(422, report=offers[("about",)])
    status(422, report=offers[()], about="Chooz")
    status(422, report=offers[("table",)])
    body = {"report": offers[()]}
    error_of(asks(area="Nord").post(f"{V1}/rapports", body, content_type="application/json"), 404)

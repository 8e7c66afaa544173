"""The API: who is let in, what each sees, and the one shape of its errors."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client
from django.utils import timezone

from eclaireur import __version__
from eclaireur.desk import overload
from eclaireur.desk.access import Perimeter
from eclaireur.desk.accounts.keys import make_key, revoke_key
from eclaireur.desk.models import Item, Switch, Target, User
from eclaireur.desk.serving import _THREADS

if TYPE_CHECKING:
    from tests.desk.conftest import Desk

CASE = "restaurant_risk"
V1 = "/api/v1"

Asks = Callable[..., Client]


@pytest.fixture
def asks(desk: Desk) -> Asks:
    """Return a client that shows the key of a program."""

    def make(*scopes: str, area: str = "", case: str = CASE) -> Client:
        _, token = make_key(
            desk.manager,
            "Essai",
            scopes=scopes,
            expires=timezone.now() + timedelta(days=1),
            perimeter=Perimeter("agent", case, area),
        )
        return Client(headers={"Authorization": f"Bearer {token}"})

    return make


def error_of(response: Any, status: int) -> dict[str, Any]:
    """The error of an answer, whose shape is checked."""
    assert response.status_code == status, response.content
    assert response["Content-Type"].startswith("application/json")
    body = response.json()
    assert set(body) == {"error"}
    error: dict[str, Any] = body["error"]
    assert set(error) == {"type", "message", "fix", "field", "file", "line"}
    assert error["message"]
    return error


def test_health_needs_no_key_and_tells_its_version_to_who_is_signed_in(
    desk: Desk, sign_in: Callable[[User], Client]
) -> None:
    response = Client().get(f"{V1}/sante")

    assert response.status_code == 200
    assert response.json() == {"status": "ok", "version": ""}
    assert sign_in(desk.agent).get(f"{V1}/sante").json()["version"] == __version__


def test_health_says_503_when_the_database_does_not_answer(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError, connection

    def broken() -> None:
        raise OperationalError("gone")

    with monkeypatch.context() as broken_base:
        broken_base.setattr(connection, "cursor", broken)
        response = Client().get(f"{V1}/sante")

    assert error_of(response, 503)["type"] == "unavailable"
    assert response["Retry-After"] == "30"


def test_nobody_reads_without_a_key_or_a_session(db: None) -> None:
    response = Client().get(f"{V1}/cas")

    assert error_of(response, 401)["type"] == "unauthenticated"
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_a_bad_key_does_not_fall_back_on_the_session(desk: Desk, sign_in: Callable[[User], Client]) -> None:
    client = sign_in(desk.manager)

    assert client.get(f"{V1}/cas").status_code == 200
    error_of(client.get(f"{V1}/cas", headers={"Authorization": "Bearer ecl_00000000_x"}), 401)


def test_a_revoked_key_is_refused(desk: Desk) -> None:
    key, token = make_key(
        desk.manager,
        "Essai",
        scopes=("read",),
        expires=timezone.now() + timedelta(days=1),
        perimeter=Perimeter(""),
    )
    client = Client(headers={"Authorization": f"Bearer {token}"})
    assert client.get(f"{V1}/cas").status_code == 200

    revoke_key(desk.manager, key)

    error_of(client.get(f"{V1}/cas"), 401)


def test_a_key_needs_the_scope_of_the_route(desk: Desk, asks: Asks) -> None:
    response = asks("read").get(f"{V1}/listes/{desk.worklist.pk}/export/csv")

    assert error_of(response, 403)["type"] == "missing_scope"


def test_the_cases_of_a_caller_are_those_of_its_perimeter(desk: Desk, asks: Asks) -> None:
    assert [one["name"] for one in asks("read").get(f"{V1}/cas").json()] == [CASE]
    assert asks("read", case="another_case").get(f"{V1}/cas").json() == []
    error_of(asks("read", case="another_case").get(f"{V1}/cas/{CASE}"), 404)


def test_figures_count_only_what_the_caller_sees(desk: Desk, asks: Asks) -> None:
    figures = asks("read", area=desk.area).get(f"{V1}/cas/{CASE}").json()["figures"]

    assert figures["lines"] == Item.objects.filter(area=desk.area).count()
    assert 0 < figures["lines"] < Item.objects.count()


@pytest.mark.parametrize(
    ("path", "status", "kind"),
    [
        ("/api/", 404, "not_found"),
        ("/api/v1/inconnu", 404, "not_found"),
        ("/api/v2/cas", 404, "not_found"),
        (f"{V1}/cas/Majuscule", 422, "invalid"),
        (f"{V1}/listes/x", 422, "invalid"),
        (f"{V1}/listes/99999999999999999999", 422, "invalid"),
        (f"{V1}/listes/999999999", 404, "not_found"),
        (f"{V1}/cas/{CASE}/editions?limit=0", 422, "invalid"),
        (f"{V1}/dossiers?echeance_avant=demain", 422, "invalid"),
    ],
)
def test_every_error_has_the_one_shape(asks: Asks, path: str, status: int, kind: str) -> None:
    assert error_of(asks("read").get(path), status)["type"] == kind


def test_an_unknown_filter_is_refused_not_left_out(asks: Asks) -> None:
    error = error_of(asks("read").get(f"{V1}/dossiers?secteurs=Nord"), 422)

    assert error["field"] == "secteurs"
    assert "secteur" in error["fix"]


def test_another_method_says_which_are_possible(asks: Asks) -> None:
    response = asks("read").delete(f"{V1}/cas")

    assert error_of(response, 405)["type"] == "method_not_allowed"
    assert response["Allow"] == "GET"


def test_a_host_that_is_not_ours_gets_the_one_shape(db: None) -> None:
    error_of(Client().get(f"{V1}/sante", headers={"Host": "ailleurs.example"}), 400)


def test_a_request_that_is_too_large_gets_the_one_shape(db: None, settings: Any) -> None:
    settings.UPLOAD_LIMIT = 0
    response = Client().post(f"{V1}/sante", b"x" * (2**20 + 1), content_type="application/json")

    assert error_of(response, 413)["type"] == "too_large"


def test_a_fault_of_ours_gets_the_one_shape(asks: Asks, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    client = asks("read")
    client.raise_request_exception = False
    monkeypatch.setattr("eclaireur.desk.api.routes.cases.stopped", broken)

    assert error_of(client.get(f"{V1}/cas"), 500)["type"] == "server_error"


def test_pages_follow_each_other_without_a_gap(desk: Desk, asks: Asks) -> None:
    client, seen = asks("read"), []
    address = f"{V1}/listes/{desk.worklist.pk}/lignes?limit=7"
    while address:
        page = client.get(address).json()
        seen += [line["dossier"] for line in page["items"]]
        address = page["next"]

    assert len(seen) == len(set(seen)) == page["total"] == desk.worklist.items.count()


def test_lines_to_judge_show_neither_rank_nor_score_nor_drawing(desk: Desk, asks: Asks) -> None:
    page = asks("read").get(f"{V1}/listes/{desk.worklist.pk}/lignes?limit=500").json()

    assert all(line["hidden"] for line in page["items"])
    assert {line[name] for line in page["items"] for name in ("rank", "score", "low", "high")} == {None}
    assert {line["drawn"] for line in page["items"]} == {""}


def test_the_indices_of_a_calculation_leave_out_lines_to_judge(desk: Desk, asks: Asks) -> None:
    page = asks("read").get(f"{V1}/editions/{desk.edition.pk}/indices?limit=500").json()
    listed = set(desk.worklist.items.values_list("target__dossier", flat=True))

    assert page["total"] == desk.edition.size - len(listed)
    assert listed.isdisjoint(one["dossier"] for one in page["items"])
    assert [one["rank"] for one in page["items"]] == sorted(one["rank"] for one in page["items"])
    assert all(one["reasons"] for one in page["items"])


def test_a_suspended_case_gives_no_rank_and_no_reason(desk: Desk, asks: Asks) -> None:
    Switch.objects.create(case=CASE, stopped=True, reason="Panne", user=desk.manager)
    client = asks("read")

    error_of(client.get(f"{V1}/editions/{desk.edition.pk}/indices"), 409)
    error_of(client.get(f"{V1}/cas/{CASE}/classement"), 409)
    lines = client.get(f"{V1}/listes/{desk.worklist.pk}/lignes").json()["items"]
    assert {tuple(line["why"]) for line in lines} == {()}
    assert client.get(f"{V1}/dossiers/{lines[0]['dossier']}").json()["signal"] is None


def test_filters_are_those_of_the_pages(desk: Desk, asks: Asks) -> None:
    client = asks("read")
    base = f"{V1}/listes/{desk.worklist.pk}/lignes"
    wanted = desk.worklist.items.filter(area=desk.area).count()

    assert client.get(base, {"secteur": desk.area}).json()["total"] == wanted
    assert client.get(base, {"avis": "follow"}).json()["total"] == 0
    assert client.get(base, {"assigne": "-"}).json()["total"] == desk.worklist.items.count()


def test_a_dossier_to_judge_says_why_but_not_how_much(desk: Desk, asks: Asks) -> None:
    item = desk.worklist.items.first()
    assert item is not None
    found = asks("read").get(f"{V1}/dossiers/{item.target.dossier_id}").json()

    assert found["worklist"] == desk.worklist.pk
    assert found["signal"]["hidden"]
    assert found["signal"]["rank"] is None
    assert {one["weight"] for one in found["signal"]["reasons"]} == {None}


def test_a_dossier_elsewhere_does_not_exist(desk: Desk, asks: Asks) -> None:
    other = Target.objects.filter(edition=desk.edition, area=desk.other_area).first()
    assert other is not None
    client = asks("read", area=desk.area)

    for path in (f"dossiers/{other.dossier_id}", f"dossiers/{other.dossier_id}/historique"):
        error_of(client.get(f"{V1}/{path}"), 404)


def test_heavy_requests_leave_a_thread_to_pages(settings: Any) -> None:
    assert settings.HEAVY_AT_ONCE < _THREADS


def test_a_key_that_asks_too_much_is_told_how_long_to_wait(
    asks: Asks, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.API_PER_MINUTE = 2
    monkeypatch.setattr("eclaireur.desk.api.auth.keys_asking", overload.Windows(clock=lambda: 10.0))
    client = asks("read")

    assert [client.get(f"{V1}/cas").status_code for _ in range(2)] == [200, 200]
    response = client.get(f"{V1}/cas")
    assert error_of(response, 429)["type"] == "too_many_requests"
    assert response["Retry-After"] == "50"
    assert asks("read").get(f"{V1}/cas").status_code == 200, "another key is counted apart"


def test_a_saturated_process_refuses_heavy_requests_and_serves_pages(
    desk: Desk, sign_in: Callable[[User], Client], settings: Any
) -> None:
    settings.HEAVY_AT_ONCE = 0
    client = sign_in(desk.manager)

    response = client.get(f"{V1}/cas")
    assert error_of(response, 503)["type"] == "overloaded"
    assert response["Retry-After"] == "2"
    assert client.get(f"{V1}/sante").status_code == 200
    assert client.get("/").status_code == 200
    heavy = client.get(f"/{CASE}/listes/{desk.worklist.pk}/export.csv")
    assert (heavy.status_code, heavy["Retry-After"]) == (503, "2")


def test_the_page_of_the_api_shows_every_route_and_loads_nothing_from_elsewhere(db: None) -> None:
    response = Client().get(f"{V1}/")
    page = response.content.decode()

    assert response.status_code == 200
    for path, methods in Client().get(f"{V1}/openapi.json").json()["paths"].items():
        for method in methods:
            assert f"<code>{method.upper()} {path}</code>" in page
    assert "http://" not in page
    assert "https://" not in page
    assert "<script>" not in page
    assert " style=" not in page


def test_every_route_is_described_in_full(db: None) -> None:
    found = Client().get(f"{V1}/openapi.json").json()

    for path, methods in found["paths"].items():
        for method, one in methods.items():
            where = f"{method} {path}"
            assert one["description"], where
            assert one["summary"], where
            assert all(given["description"] for given in one["parameters"]), where
            assert {"400", "422", "500", "503"} <= set(one["responses"]), where
            if path != f"{V1}/sante":
                assert {"401", "403", "429"} <= set(one["responses"]), where
                assert len(one["security"]) == 2, where
            if "{" in path:
                assert "404" in one["responses"], where
            content = one.get("requestBody", {}).get("content", {})
            if method == "post" and "multipart/form-data" not in content and content:
                body = content["application/json"]["schema"]
                shape = found["components"]["schemas"][body["$ref"].rpartition("/")[2]]
                assert shape["examples"], where
    assert set(found["components"]["securitySchemes"]) == {"Key", "OpenSession"}


def test_every_route_is_in_the_documentation(db: None, root: Path) -> None:
    told = (root / "docs" / "desk_api.md").read_text(encoding="utf-8")

    for path, methods in Client().get(f"{V1}/openapi.json").json()["paths"].items():
        for method in methods:
            assert f"{method.upper()} {path.removeprefix(V1)}`" in told or f"{V1}/sante" in path

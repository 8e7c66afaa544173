"""What programs and people decide through the API: the same acts as on pages, each once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from eclaireur.desk.access import Perimeter
from eclaireur.desk.accounts.keys import make_key
from eclaireur.desk.models import Comment, Decision, Dossier, Export, Item, Job, SentOnce, User
from eclaireur.desk.place import workspace
from tests.desk.conftest import CASE, Desk

V1 = "/api/v1"

Asks = Callable[..., Client]


@pytest.fixture
def asks(desk: Desk) -> Asks:
    """Return a client that shows the key of a program."""

    def make(*scopes: str, area: str = "") -> Client:
        _, token = make_key(
            desk.manager,
            "Logiciel métier",
            scopes=scopes,
            expires=timezone.now() + timedelta(days=1),
            perimeter=Perimeter("", CASE, area),
        )
        return Client(headers={"Authorization": f"Bearer {token}"})

    return make


@pytest.fixture
def dossier(desk: Desk) -> Dossier:
    """A dossier of the open list, in the first area."""
    item = desk.worklist.items.filter(area=desk.area).first()
    assert item is not None
    found: Dossier = item.target.dossier
    return found


def send(client: Client, path: str, body: dict[str, Any], **headers: str) -> Any:
    return client.post(f"{V1}/{path}", body, content_type="application/json", headers=headers)


def test_a_verdict_is_recorded_and_shows_the_rank(asks: Asks, dossier: Dossier) -> None:
    response = send(asks("decide"), f"dossiers/{dossier.pk}/avis", {"verdict": "follow", "seen": 0})

    assert response.status_code == 201
    made = response.json()
    assert made["dossier"]["verdict"] == "follow"
    assert made["dossier"]["version"] == 1
    assert made["dossier"]["signal"]["rank"] >= 1
    assert Decision.objects.get().seq == made["seq"]


def test_the_journal_says_that_a_program_decided(asks: Asks, dossier: Dossier, desk: Desk) -> None:
    made = send(asks("decide"), f"dossiers/{dossier.pk}/avis", {"verdict": "follow"}).json()
    line = list(workspace().journal.entries())[-1]

    assert line.kind == "api_key"
    assert line.actor.startswith("Logiciel métier")
    assert line.data == {"act": "decide", "login": desk.manager.login, "line": made["seq"]}


def test_a_verdict_on_an_older_version_is_told_and_not_written(asks: Asks, dossier: Dossier) -> None:
    client = asks("decide")
    send(client, f"dossiers/{dossier.pk}/avis", {"verdict": "follow", "seen": 0})

    late = send(client, f"dossiers/{dossier.pk}/avis", {"verdict": "other", "seen": 0})

    assert late.status_code == 409
    assert late.json()["error"]["type"] == "overtaken"
    assert "Rosa Lebrun" in late.json()["error"]["message"]
    assert Decision.objects.count() == 1


def test_setting_aside_without_a_reason_names_the_field(asks: Asks, dossier: Dossier) -> None:
    response = send(asks("decide"), f"dossiers/{dossier.pk}/avis", {"verdict": "set_aside"})

    assert response.status_code == 422
    assert response.json()["error"]["field"] == "reason_code"


def test_steps_follow_the_procedure_of_the_card(asks: Asks, dossier: Dossier) -> None:
    client = asks("decide")
    step = client.get(f"{V1}/dossiers/{dossier.pk}").json()["following"][0]

    asked = {"status": step, "due": "2027-01-31", "outcome": "0"}

    done = send(client, f"dossiers/{dossier.pk}/etape", asked)
    unknown = send(client, f"dossiers/{dossier.pk}/etape", {"status": "inconnue"})

    assert (done.json()["dossier"]["status"], done.json()["dossier"]["due"]) == (step, "2027-01-31")
    assert (unknown.status_code, unknown.json()["error"]["field"]) == (422, "status")


def test_a_comment_is_read_in_the_history(asks: Asks, dossier: Dossier) -> None:
    client = asks("decide")
    made = send(client, f"dossiers/{dossier.pk}/commentaires", {"text": "Le gérant a changé."}).json()

    line = client.get(f"{V1}/dossiers/{dossier.pk}/historique").json()[0]

    assert (line["seq"], line["kind"], line["text"]) == (made["seq"], "comment", "Le gérant a changé.")
    assert line["by"] == "Rosa Lebrun"


def test_undoing_restores_the_dossier(asks: Asks, dossier: Dossier) -> None:
    client = asks("decide")
    seq = send(client, f"dossiers/{dossier.pk}/avis", {"verdict": "other"}).json()["seq"]

    undone = send(client, f"dossiers/{dossier.pk}/annulation", {"seq": seq})
    again = send(client, f"dossiers/{dossier.pk}/annulation", {"seq": seq})

    assert undone.json()["dossier"]["verdict"] == ""
    assert undone.json()["dossier"]["signal"]["rank"] is None
    assert again.status_code == 422


def test_a_request_sent_twice_under_one_key_is_carried_out_once(asks: Asks, dossier: Dossier) -> None:
    client, path = asks("decide"), f"dossiers/{dossier.pk}/commentaires"
    first = send(client, path, {"text": "Vu."}, **{"Idempotency-Key": "a-1"})
    second = send(client, path, {"text": "Vu."}, **{"Idempotency-Key": "a-1"})
    other = send(client, path, {"text": "Revu."}, **{"Idempotency-Key": "a-1"})

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["seq"] == second.json()["seq"]
    assert (other.status_code, other.json()["error"]["field"]) == (422, "Idempotency-Key")
    assert Comment.objects.count() == 1


def test_the_key_of_a_request_is_its_holders_alone(asks: Asks, dossier: Dossier) -> None:
    path = f"dossiers/{dossier.pk}/commentaires"
    for client in (asks("decide"), asks("decide")):
        assert send(client, path, {"text": "Vu."}, **{"Idempotency-Key": "a-1"}).status_code == 201

    assert Comment.objects.count() == 2


def test_a_refused_request_leaves_its_key_free(asks: Asks, dossier: Dossier) -> None:
    client, path = asks("decide"), f"dossiers/{dossier.pk}/avis"
    headers = {"Idempotency-Key": "a-1"}

    assert send(client, path, {"verdict": "set_aside"}, **headers).status_code == 422
    assert not SentOnce.objects.exists()
    assert send(client, path, {"verdict": "follow"}, **headers).status_code == 201


def test_a_dossier_of_another_area_cannot_be_decided(asks: Asks, dossier: Dossier, desk: Desk) -> None:
    client = asks("decide", area=desk.other_area)

    assert send(client, f"dossiers/{dossier.pk}/avis", {"verdict": "follow"}).status_code == 404
    assert not Decision.objects.exists()


def test_who_sees_without_deciding_gets_404(
    desk: Desk, dossier: Dossier, sign_in: Callable[[User], Client]
) -> None:
    client = sign_in(desk.scientist)

    assert client.get(f"{V1}/dossiers/{dossier.pk}").status_code == 200
    assert send(client, f"dossiers/{dossier.pk}/avis", {"verdict": "follow"}).status_code == 404


def test_a_session_writes_only_with_the_token_of_our_pages(desk: Desk, dossier: Dossier) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(desk.agent)
    path = f"dossiers/{dossier.pk}/commentaires"

    refused = send(client, path, {"text": "Vu."})
    client.get(f"/{CASE}/")
    token = client.cookies["csrftoken"].value
    taken = send(client, path, {"text": "Vu."}, **{"X-CSRFToken": token})

    error = refused.json()["error"]
    assert (refused.status_code, error["type"]) == (403, "missing_token")
    assert error["message"] == "cette page est restée ouverte trop longtemps."
    assert error["fix"] == "Rien n'a été enregistré. Rechargez-la, puis recommencez."
    assert taken.status_code == 201


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ("pas du JSON", 400, None),
        ("[]", 422, "body"),
        ("{}", 422, "verdict"),
        ('{"verdict": "peut-être"}', 422, "verdict"),
        ('{"verdict": "follow", "autre": 1}', 422, "autre"),
        ('{"verdict": "follow", "text": "\\u0000"}', 422, "text"),
        ('{"verdict": "follow", "text": "\\ud800"}', 422, "text"),
        ('{"verdict": "follow", "seen": -1}', 422, "seen"),
    ],
)
def test_a_wrong_body_names_what_is_wrong(
    asks: Asks, dossier: Dossier, body: str, status: int, field: str | None
) -> None:
    response = asks("decide").post(f"{V1}/dossiers/{dossier.pk}/avis", body, content_type="application/json")

    assert (response.status_code, response.json()["error"]["field"]) == (status, field)


@pytest.mark.parametrize("form", ["csv", "xlsx", "ods", "pdf", "geojson", "gpkg"])
def test_a_list_leaves_as_a_file_and_is_logged(asks: Asks, desk: Desk, form: str) -> None:
    response = asks("export", area=desk.area).get(f"{V1}/listes/{desk.worklist.pk}/export/{form}")

    assert response.status_code == 200
    assert response["Content-Disposition"].startswith("attachment")
    export = Export.objects.get()
    assert (export.form, export.rows) == (form, Item.objects.filter(area=desk.area).count())
    assert export.key is not None


def test_a_calculation_is_asked_for_once_and_cancelled(asks: Asks) -> None:
    client, asked = asks("compute"), {"kind": "publish", "case": CASE, "source": "sample"}
    first, second = send(client, "taches", asked), send(client, "taches", asked)

    assert (first.status_code, first.json()["state"]) == (202, "waiting")
    assert first.json()["id"] == second.json()["id"]
    assert client.get(f"{V1}/taches").json()["total"] == 1
    path = f"taches/{first.json()['id']}"
    assert client.get(f"{V1}/{path}").json()["kind"] == "publish"
    assert send(client, f"{path}/annulation", {}).json()["state"] == "cancelled"
    assert send(client, f"{path}/annulation", {}).status_code == 422


def test_only_who_computes_everywhere_asks_for_a_calculation(asks: Asks, desk: Desk) -> None:
    asked = {"kind": "publish", "case": CASE}

    assert send(asks("compute", area=desk.area), "taches", asked).status_code == 404
    assert send(asks("decide"), "taches", asked).status_code == 403
    wrong = send(asks("compute"), "taches", {**asked, "source": "ailleurs"})
    assert (wrong.status_code, wrong.json()["error"]["field"]) == (422, "source")
    assert not Job.objects.exists()

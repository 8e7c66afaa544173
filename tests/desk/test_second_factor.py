"""The second factor: added with proof, asked at each way in, once a code, and taken away by who may."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from eclaireur.core.errors import WorkFailedError
from eclaireur.desk.accounts import acts, links, second
from eclaireur.desk.accounts.asked import second_factor_setting
from eclaireur.desk.models import JournalLine, SecondFactor, Session, User
from tests.desk.conftest import CASE, PASSWORD, Desk

SignIn = Callable[[User], Client]
NEW = "quatre mots sans rapport"
PAGE = "/compte/second-facteur/"


class Clock:
    """Seconds that go by when a test says so."""

    now = 1_800_000_000.0

    def time(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(second, "time", made)
    return made


def code_of(secret: str, clock: Clock, later: int = 0) -> str:
    return second._totp(secret).generate(int(clock.now) + later).decode()  # what an application computes


def given(user: User, clock: Clock) -> tuple[str, list[str]]:
    """Give a person a factor; return its secret and its spare codes."""
    secret = second.new_secret()
    spare = second.add(user, secret, code_of(secret, clock), None)
    clock.now += 60
    return secret, spare


def enter(client: Client, login: str, **more: str) -> Any:
    return client.post("/connexion/", {"login": login, "password": PASSWORD, **more})


def test_i_add_a_factor_by_proving_it_and_am_then_asked_for_it(
    desk: Desk, sign_in: SignIn, clock: Clock
) -> None:
    client, elsewhere = sign_in(desk.agent), sign_in(desk.agent)
    page = client.get(PAGE).content.decode()
    secret = re.search(r"<code>([A-Z2-7 ]+)</code>", page)
    assert secret is not None
    key = secret[1].replace(" ", "")
    assert "data:image/svg+xml" in page

    wrong = client.post(PAGE, {"code": "000000", "current": PASSWORD})
    assert (wrong.status_code, "pas celui du moment" in wrong.content.decode()) == (422, True)
    assert key in wrong.content.decode().replace(" ", ""), "the picture that was scanned stays"
    stolen = client.post(PAGE, {"code": code_of(key, clock), "current": "un autre mot de passe"})
    assert stolen.status_code == 422
    assert not second.has(desk.agent)

    added = client.post(PAGE, {"code": code_of(key, clock), "current": PASSWORD})
    assert len(re.findall(r"<code>[0-9a-f]{4}-[0-9a-f]{4}</code>", added.content.decode())) == second.SPARE
    assert elsewhere.get("/compte/").status_code == 302, "other sessions end"
    assert client.get("/compte/").status_code == 200
    assert "✓ actif" in client.get(PAGE).content.decode()
    assert key not in client.get(PAGE).content.decode()

    clock.now += 60
    here = Client()
    sent = enter(here, "agent", next=f"/{CASE}/")
    assert sent.headers["Location"] == "/connexion/code/"
    assert here.get("/compte/").status_code == 302, "the password alone opens nothing"
    assert not Session.objects.filter(user=desk.agent, pk=here.session.session_key).exists()
    done = here.post("/connexion/code/", {"code": f" {code_of(key, clock)} "})
    assert done.headers["Location"] == f"/{CASE}/"
    assert here.get("/compte/").status_code == 200
    assert here.get("/connexion/code/").headers["Location"] == "/connexion/"


def test_a_code_serves_once_and_near_its_time(desk: Desk, clock: Clock) -> None:
    secret, _ = given(desk.agent, clock)

    assert not second.accept(desk.agent, code_of(secret, clock, -90))
    assert not second.accept(desk.agent, code_of(secret, clock, 90))
    assert second.accept(desk.agent, code_of(secret, clock))
    assert not second.accept(desk.agent, code_of(secret, clock)), "seen over a shoulder, it opens nothing"
    assert not second.accept(desk.agent, code_of(secret, clock, -30)), "nor does one before it"
    assert second.accept(desk.agent, code_of(secret, clock, 30)), "a telephone that is half a minute fast"
    assert not second.accept(desk.manager, code_of(secret, clock, 30))


def test_spare_codes_serve_once_and_are_nowhere_in_clear(desk: Desk, clock: Clock) -> None:
    secret, spare = given(desk.agent, clock)

    assert second.accept(desk.agent, spare[3].upper())
    assert not second.accept(desk.agent, spare[3])
    assert "spare code" in JournalLine.objects.order_by("-seq")[0].line
    row = SecondFactor.objects.get()
    assert len(row.spare) == second.SPARE - 1
    held = f"{row.sealed}{row.spare}{[one.line for one in JournalLine.objects.all()]}"
    assert [one for one in (secret, *spare) if one in held] == []

    SecondFactor.objects.filter(user=desk.agent).update(sealed=SecondFactor.objects.get().sealed)
    other = SecondFactor.objects.create(user=desk.manager, sealed=row.sealed)
    with pytest.raises(WorkFailedError):
        second.accept(desk.manager, code_of(secret, clock))  # moved to another account, it does not open
    other.delete()


def test_a_secret_of_the_desk_that_changed_is_told(desk: Desk, clock: Clock, settings: Any) -> None:
    secret, _ = given(desk.agent, clock)
    settings.SECRET_KEY = "un autre secret, aussi long que l'exige le bureau"

    client = Client()
    enter(client, "agent")
    answer = client.post("/connexion/code/", {"code": code_of(secret, clock)})

    assert (answer.status_code, "le secret du bureau a changé" in answer.content.decode()) == (503, True)
    assert client.get("/compte/").status_code == 302


def test_guessing_codes_is_slowed_down_even_with_the_password(desk: Desk, clock: Clock) -> None:
    secret, _ = given(desk.agent, clock)
    client = Client()
    enter(client, "agent")
    for _ in range(5):
        assert client.post("/connexion/code/", {"code": "123456"}).status_code == 422
    enter(client, "agent")  # the right password does not buy new tries
    answer = client.post("/connexion/code/", {"code": code_of(secret, clock)})
    assert answer.status_code == 429
    assert int(answer["Retry-After"]) > 0
    assert client.post("/connexion/code/", {"code": ""}).status_code == 422


def test_the_wait_for_a_code_ends(desk: Desk, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    secret, _ = given(desk.agent, clock)
    client = Client()
    enter(client, "agent")
    desk.agent.set_password(NEW)
    desk.agent.save()
    sent = client.post("/connexion/code/", {"code": code_of(secret, clock)})
    assert sent.headers["Location"] == "/connexion/", "the password changed meanwhile"
    assert Client().get("/connexion/code/").headers["Location"] == "/connexion/"

    again = Client()
    again.post("/connexion/", {"login": "agent", "password": NEW})
    session = again.session
    session["awaited"] = {**session["awaited"], "since": "2026-01-01T00:00:00+00:00"}
    session.save()
    assert (
        again.post("/connexion/code/", {"code": code_of(secret, clock)}).headers["Location"] == "/connexion/"
    )


def test_a_link_does_not_pass_over_the_factor(desk: Desk, clock: Clock) -> None:
    given(desk.agent, clock)
    client = Client()
    sent = client.post(links.new_link(desk.agent), {"password": NEW, "again": NEW})
    assert sent.headers["Location"] == "/connexion/code/"
    assert client.get("/compte/").status_code == 302


def test_who_must_have_a_second_factor_sees_nothing_else_before(
    desk: Desk, sign_in: SignIn, clock: Clock, settings: Any
) -> None:
    administrator, agent = sign_in(desk.administrator), sign_in(desk.agent)
    settings.SECOND_FACTOR = "administrators"
    assert administrator.get("/administration/").headers["Location"] == PAGE
    refused = administrator.get("/api/v1/cas")
    assert (refused.status_code, "second facteur" in refused.json()["error"]["message"]) == (403, True)
    assert "demande un second facteur" in administrator.get(PAGE).content.decode()
    assert administrator.post("/deconnexion/").status_code == 302
    assert agent.get("/compte/").status_code == 200

    settings.SECOND_FACTOR = "all"
    assert agent.get(f"/{CASE}/").headers["Location"] == PAGE
    page = agent.get(PAGE).content.decode()
    found = re.search(r"<code>([A-Z2-7 ]+)</code>", page)
    assert found is not None
    key = found[1].replace(" ", "")
    agent.post(PAGE, {"code": code_of(key, clock), "current": PASSWORD})
    assert agent.get(f"/{CASE}/").status_code == 200
    clock.now += 60
    kept = agent.post(PAGE, {"code": code_of(key, clock), "current": PASSWORD})
    assert (kept.status_code, second.has(desk.agent)) == (422, True), "it may not be removed"


def test_a_factor_goes_by_its_owner_or_by_an_administrator(desk: Desk, sign_in: SignIn, clock: Clock) -> None:
    secret, _ = given(desk.agent, clock)
    client = sign_in(desk.agent)
    assert client.post(PAGE, {"code": "000000", "current": PASSWORD}).status_code == 422
    assert client.post(PAGE, {"code": code_of(secret, clock), "current": PASSWORD}).status_code == 302
    assert not second.has(desk.agent)

    secret, _ = given(desk.agent, clock)
    client = sign_in(desk.agent)
    for _ in range(5):
        assert client.post(PAGE, {"code": "000000", "current": PASSWORD}).status_code == 422
    slowed = client.post(PAGE, {"code": code_of(secret, clock), "current": PASSWORD})
    assert (slowed.status_code, int(slowed["Retry-After"]) > 0, second.has(desk.agent)) == (429, True, True)
    second.remove(desk.agent, desk.agent)

    given(desk.agent, clock)
    client, administrator = sign_in(desk.agent), sign_in(desk.administrator)
    at = f"/administration/comptes/{desk.agent.pk}/"
    assert "Retirer le second facteur" in administrator.get(at).content.decode()
    administrator.post(f"{at}etat/", {"act": "factor"})
    assert not second.has(desk.agent)
    assert client.get("/compte/").status_code == 302, "its sessions end"
    assert "second factor removed" in JournalLine.objects.order_by("-seq")[0].line

    given(desk.administrator, clock)
    acts.send_link_from_host(desk.administrator.login)
    assert second.has(desk.administrator)
    acts.send_link_from_host(desk.administrator.login, second_factor=True)
    assert not second.has(desk.administrator)


def test_a_setting_that_means_nothing_is_refused() -> None:
    with pytest.raises(Exception, match="second facteur"):
        second_factor_setting("tous")

"""Signing in, throttling, sessions, one-time links and one's own account."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from django.test import Client
from django.utils import timezone

from eclaireur.desk import overload
from eclaireur.desk.accounts import links, throttling
from eclaireur.desk.accounts.entering import address_of, device_of
from eclaireur.desk.accounts.events import LOGGER
from eclaireur.desk.accounts.passwords import Argon2id
from eclaireur.desk.hosting import hosting_settings
from eclaireur.desk.models import Attempt, Grant, JournalLine, Role, Session, SetupLink, User
from tests.desk.conftest import ARGON2, CASE, PASSWORD, Desk

SignIn = Callable[[User], Client]
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
NEW = "quatre mots sans rapport"


def enter(client: Client, login: str, password: str = PASSWORD, **more: str) -> Any:
    return client.post("/connexion/", {"login": login, "password": password, **more})


def last_entry() -> str:
    line: str = JournalLine.objects.order_by("-seq")[0].line
    return line


def test_a_person_signs_in_and_comes_back_to_the_page_that_was_asked(desk: Desk) -> None:
    client = Client(headers={"User-Agent": FIREFOX})
    target = f"/{CASE}/?tri=nom"

    sent = client.get(target)
    assert sent.headers["Location"] == f"/connexion/?next={quote(target, safe='/')}"
    page = client.get(sent.headers["Location"]).content.decode()
    assert f'value="{target}"' in page
    answer = enter(client, " Agent ", next=target)

    assert (answer.status_code, answer.headers["Location"]) == (302, target)
    row = Session.objects.get(user=desk.agent)
    assert (row.device, row.address) == ("Firefox sur Linux", "127.0.0.1")
    assert client.get("/connexion/").headers["Location"] == "/"


@pytest.mark.parametrize(
    "target",
    ["https://evil.example/", "//evil.example", "javascript:alert(1)", "\\\\evil.example", "compte/"],
)
def test_signing_in_leads_nowhere_else(desk: Desk, target: str) -> None:
    assert enter(Client(), "agent", next=target).headers["Location"] == "/"


def test_the_session_key_changes_at_sign_in(desk: Desk) -> None:
    client = Client()
    client.get("/connexion/")
    session = client.session
    session["before"] = 1
    session.save()
    client.cookies["sessionid"] = str(session.session_key)
    before = session.session_key

    enter(client, "agent")

    assert client.cookies["sessionid"].value != before
    assert not Session.objects.filter(pk=before).exists()


def test_a_wrong_password_a_closed_account_and_an_unknown_login_are_told_alike(desk: Desk) -> None:
    User.objects.filter(login="etranger").update(is_active=False)
    invited = User.objects.create_user("invite", "Ines Vidal")

    answers = [
        enter(Client(), login, password)
        for login, password in (
            ("agent", "pas le bon mot"),
            ("etranger", PASSWORD),
            ("personne", PASSWORD),
            (invited.login, PASSWORD),
        )
    ]

    assert {answer.status_code for answer in answers} == {422}
    varying = re.compile(r'value="[^"]*"|[A-Za-z0-9]{64}')  # what was typed, and the token of each form
    words = {varying.sub("", answer.content.decode()) for answer in answers}
    assert len(words) == 1
    assert "Identifiant ou mot de passe incorrect." in words.pop()
    assert 'value="agent"' in answers[0].content.decode(), "what was typed is kept"
    assert b"pas le bon mot" not in answers[0].content, "but not the password"


def test_an_unknown_login_costs_as_many_hashes_as_a_known_one(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[str] = []

    def counted(name: str) -> Callable[..., Any]:
        before = getattr(Argon2id, name)

        def count(*told: Any) -> Any:
            hashed.append(name)
            return before(*told)

        return count

    for name in ("encode", "verify"):
        monkeypatch.setattr(Argon2id, name, counted(name))
    User.objects.create_user("invite", "Ines Vidal")

    counts = []
    for login in ("agent", "personne", "invite"):
        hashed.clear()
        enter(Client(), login, "pas le bon mot")
        counts.append(len(hashed))

    assert counts == [1, 1, 1]


def test_passwords_are_kept_as_argon2id(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, cost in ARGON2.items():
        monkeypatch.setattr(Argon2id, name, cost)
    desk.agent.set_password(PASSWORD)
    assert desk.agent.password.startswith("argon2$argon2id$v=19$m=65536,t=3,p=4$")


def test_five_failures_make_a_login_wait_longer_and_longer(desk: Desk) -> None:
    client = Client()
    for _ in range(5):
        assert enter(client, "agent", "pas le bon mot").status_code == 422

    answer = enter(client, "agent")

    assert answer.status_code == 429, "even with the right password"
    assert 10 <= int(answer.headers["Retry-After"]) <= 30
    assert "Attendez" in answer.content.decode()
    assert enter(client, "responsable").status_code == 302, "another login is not held"

    waits = []
    for _ in range(7):
        Attempt.objects.update(at=timezone.now() - timedelta(minutes=15))
        assert enter(Client(), "agent", "pas le bon mot").status_code == 422
        waits.append(int(enter(Client(), "agent").headers["Retry-After"]))
    told = [60, 120, 240, 480, 900, 900, 900]  # fifteen minutes at most
    # Seconds go by between a failure and the next try, more of them on a busy machine.
    assert all(whole - 30 <= wait <= whole for wait, whole in zip(waits, told, strict=True)), waits


def test_what_is_refused_for_coming_too_soon_does_not_make_the_wait_longer(desk: Desk) -> None:
    for _ in range(5):
        enter(Client(), "agent", "pas le bon mot")

    seconds = [int(enter(Client(), "agent").headers["Retry-After"]) for _ in range(6)]

    assert max(seconds) <= 30
    assert Attempt.objects.count() == 5


def test_the_wait_ends_and_a_success_forgets_the_failures(desk: Desk) -> None:
    for _ in range(5):
        enter(Client(), "agent", "pas le bon mot")
    Attempt.objects.update(at=timezone.now() - timedelta(seconds=31))

    assert enter(Client(), "agent").status_code == 302
    assert enter(Client(), "agent", "pas le bon mot").status_code == 422
    assert enter(Client(), "agent").status_code == 302
    assert Attempt.objects.count() == 6, "administrators still read them"


def test_an_unknown_login_waits_too_and_is_not_written(desk: Desk) -> None:
    typed = "mon mot de passe secret"
    for _ in range(5):
        enter(Client(), typed, "x")

    assert enter(Client(), typed, "x").status_code == 429
    assert all(row.login.startswith(throttling.MARK) for row in Attempt.objects.all())


def test_an_address_that_tries_many_logins_waits(desk: Desk) -> None:
    for number in range(30):
        throttling.begin(f"login{number}", "203.0.113.7")

    with pytest.raises(throttling.Waiting):
        throttling.begin("agent", "203.0.113.7")
    throttling.begin("agent", "203.0.113.8")


def test_a_subscriber_of_ipv6_is_one_address(desk: Desk) -> None:
    for number in range(30):
        throttling.begin(f"login{number}", f"2001:db8:1:1::{number:x}")

    with pytest.raises(throttling.Waiting):
        throttling.begin("agent", "2001:db8:1:1:ffff::1")
    throttling.begin("agent", "2001:db8:1:2::1")


def test_tries_at_the_same_moment_do_not_slip_through_together(desk: Desk) -> None:
    """Each is written down before its password is looked at: those under way count as failures."""
    under_way = [throttling.begin("agent", "") for _ in range(5)]

    with pytest.raises(throttling.Waiting):
        throttling.begin("agent", "")
    for one in under_way:
        throttling.succeed(one)
    throttling.begin("agent", "")


def test_behind_https_the_address_is_the_one_that_the_proxy_saw(rf: Any, settings: Any) -> None:
    claimed = {"HTTP_X_FORWARDED_FOR": "10.0.0.1, 203.0.113.7", "REMOTE_ADDR": "127.0.0.1"}

    assert address_of(rf.get("/", **claimed)) == "127.0.0.1"
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    assert address_of(rf.get("/", **claimed)) == "203.0.113.7"
    assert address_of(rf.get("/", REMOTE_ADDR="127.0.0.1")) == "", "a proxy's own address throttles nobody"
    assert address_of(rf.get("/", HTTP_X_FORWARDED_FOR="<script>")) == ""


def test_an_unknown_device_is_told_as_such(rf: Any) -> None:
    assert device_of(rf.get("/", headers={"User-Agent": "<script>alert(1)</script>"})) == "navigateur inconnu"


def test_old_failures_are_forgotten(desk: Desk) -> None:
    Attempt.objects.create(login="agent", address="", at=timezone.now() - throttling.KEPT - timedelta(days=1))

    enter(Client(), "agent", "pas le bon mot")

    assert Attempt.objects.count() == 1


def test_a_session_ends_twelve_hours_after_it_opened_however_much_it_is_used(
    desk: Desk, sign_in: SignIn
) -> None:
    client = sign_in(desk.agent)
    row = Session.objects.get(user=desk.agent)
    assert timedelta(hours=11, minutes=59) < row.expire_date - timezone.now() <= timedelta(hours=12)

    client.get("/compte/")
    session = client.session
    session["used"] = 1
    session.save()

    later = Session.objects.get(user=desk.agent)
    assert (later.expire_date, later.opened) == (row.expire_date, row.opened)
    Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
    assert client.get("/compte/").status_code == 302
    sign_in(desk.manager)
    assert not Session.objects.filter(user=desk.agent).exists(), "swept at the next sign-in"


def test_a_session_that_nobody_uses_for_two_hours_is_over(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.agent)
    for unused, status in ((timedelta(hours=1, minutes=59), 200), (timedelta(hours=2, minutes=1), 302)):
        Session.objects.filter(user=desk.agent).update(seen=timezone.now() - unused)
        assert client.get("/compte/").status_code == status


def test_signing_out_clears_what_the_browser_kept(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.agent)
    assert client.post("/deconnexion/")["Clear-Site-Data"] == '"cache", "storage"'


def test_behind_https_every_cookie_is_of_this_host_alone(desk: Desk, settings: Any) -> None:
    hosting = hosting_settings("https://testserver", "")
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = hosting.https
    settings.SESSION_COOKIE_NAME = f"{hosting.cookies}sessionid"
    settings.CSRF_COOKIE_NAME = f"{hosting.cookies}csrftoken"
    settings.THEME_COOKIE = f"{hosting.cookies}theme"
    client = Client()

    client.get("/connexion/", secure=True)
    client.post("/connexion/", {"login": "agent", "password": PASSWORD}, secure=True)
    client.post("/compte/affichage/", {"theme": "dark"}, secure=True)

    assert set(client.cookies) == {"__Host-sessionid", "__Host-csrftoken", "__Host-theme"}
    for cookie in client.cookies.values():
        assert (cookie["path"], cookie["domain"]) == ("/", "")
        assert cookie["secure"]
        assert cookie["samesite"] == "Lax"
        assert bool(cookie["httponly"]) is (cookie.key != "__Host-theme")  # which a script writes
    page = client.get("/compte/", secure=True).content.decode()
    assert "Affichage enregistré" in page
    assert 'data-theme="dark"' in page


def test_what_a_signed_in_person_reads_is_stored_nowhere(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.agent)
    for path in ("/", "/compte/", f"/{CASE}/", f"/{CASE}/?tri=nom", "/api/v1/cas", "/rien/"):
        assert "no-store" in client.get(path)["Cache-Control"], path
    assert "no-store" in Client().get("/api/v1/cas", headers={"Authorization": "Bearer x"})["Cache-Control"]
    assert "no-store" not in Client().get("/fiches/")["Cache-Control"]


@pytest.mark.parametrize("method", ["TRACE", "TRACK", "CONNECT"])
def test_a_method_that_sends_back_what_was_asked_is_refused(method: str) -> None:
    answer = Client().generic(method, "/compte/", headers={"Cookie": "sessionid=secret"})
    assert answer.status_code == 405
    assert "TRACE" not in answer["Allow"]
    assert b"secret" not in answer.content


def test_the_log_tells_who_entered_who_failed_and_what_was_refused(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[str] = []
    handler = logging.getLogger(LOGGER).handlers[0]
    monkeypatch.setattr(handler, "emit", lambda record: lines.append(handler.format(record)))
    client = Client()

    enter(client, "agent")
    client.get(f"/{CASE}/dossiers/999999/?secret=1")
    client.post("/deconnexion/")
    enter(client, "agent", "faux\n{}")
    enter(client, "mon mot de passe tapé là")
    client.get("/api/v1/cas")
    client.get("/rien-du-tout/")

    told = [json.loads(line) for line in lines]
    assert [(one["event"], one["who"][:5], one.get("why", "")) for one in told] == [
        ("entered", "agent", ""),
        ("refused", "agent", "out of reach"),
        ("left", "agent", ""),
        ("failed", "agent", ""),
        ("failed", told[4]["who"][:5], ""),
        ("refused", "", "unknown"),
    ]
    assert told[4]["who"].startswith(throttling.MARK)
    assert all(one["time"].endswith("+00:00") and one["address"] == "127.0.0.1" for one in told)
    assert told[0]["way"] == "PasswordBackend"
    assert told[1]["path"] == f"/{CASE}/dossiers/999999/"
    assert not any(
        "secret" in line or "faux" in line or "mot de passe" in line or "\n" in line for line in lines
    )


def test_a_person_who_writes_faster_than_anyone_is_told_to_wait(
    desk: Desk, sign_in: SignIn, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WRITES_PER_MINUTE = 2
    monkeypatch.setattr(overload, "people_writing", overload.Windows(clock=lambda: 10.0))
    client = sign_in(desk.agent)

    assert [client.post("/compte/affichage/").status_code for _ in range(2)] == [302, 302]
    answer = client.post("/compte/affichage/")
    assert (answer.status_code, answer["Retry-After"]) == (429, "50")
    assert "trop de demandes" in answer.content.decode()
    assert client.post("/api/v1/taches", {}, content_type="application/json").status_code == 429
    assert client.get("/compte/").status_code == 200
    assert sign_in(desk.manager).post("/compte/affichage/").status_code == 302


def test_each_header_that_the_desk_sends_is_documented(desk: Desk, sign_in: SignIn, root: Path) -> None:
    client = sign_in(desk.agent)
    sent = {*client.get("/compte/", secure=True).headers, *client.post("/deconnexion/", secure=True).headers}
    plain = {
        "Content-Type",
        "Content-Length",
        "Content-Language",
        "Location",
        "Vary",
        "Expires",
    }
    page = (root / "docs" / "security" / "protections.md").read_text(encoding="utf-8")
    assert len(sent - plain) >= 6
    assert {name for name in sent - plain if f"| `{name}` |" not in page} == set()


def test_the_list_of_sessions_says_when_each_was_last_used(
    desk: Desk, sign_in: SignIn, django_assert_num_queries: Any
) -> None:
    client = sign_in(desk.agent)
    Session.objects.update(seen=timezone.now() - timedelta(hours=1))

    client.get("/compte/")

    assert timezone.now() - Session.objects.get(user=desk.agent).seen < timedelta(minutes=1)
    with django_assert_num_queries(1):
        client.session.get("opened")


def test_i_see_and_close_my_sessions_and_nobody_else_s(desk: Desk, sign_in: SignIn) -> None:
    here, there, other = sign_in(desk.agent), sign_in(desk.agent), sign_in(desk.manager)
    page = here.get("/compte/").content.decode()
    references = re.findall(r'name="session" value="([^"]+)"', page)
    assert len(references) == 1, "the one that asks is not offered"
    assert str(there.cookies["sessionid"].value) not in page
    theirs = re.findall(
        r'name="session" value="([^"]+)"', sign_in(desk.manager).get("/compte/").content.decode()
    )

    mine = {"current": PASSWORD}
    here.post("/compte/sessions/", {"session": theirs[0], **mine})
    assert other.get("/compte/").status_code == 200
    for without in ({}, {"current": "faux"}, {"current": ""}):
        refused = here.post("/compte/sessions/", {"session": references[0], **without})
        assert refused.status_code == 422
        assert "pas votre mot de passe actuel" in refused.content.decode()
    assert there.get("/compte/").status_code == 200, "an open screen closes nothing"
    here.post("/compte/sessions/", {"session": references[0], **mine})
    assert there.get("/compte/").status_code == 302

    again = sign_in(desk.agent)
    here.post("/compte/sessions/", {"others": "1", **mine})
    assert again.get("/compte/").status_code == 302
    assert here.get("/compte/").status_code == 200


def test_signing_out_ends_the_session_by_a_form_only(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.agent)

    assert client.get("/deconnexion/").status_code == 405
    assert client.post("/deconnexion/", follow=True).status_code == 200

    assert client.get("/compte/").status_code == 302
    assert not Session.objects.filter(user=desk.agent).exists()


def test_i_change_my_password_and_my_other_sessions_end(desk: Desk, sign_in: SignIn) -> None:
    here, there = sign_in(desk.agent), sign_in(desk.agent)
    form = {"current": PASSWORD, "password": NEW, "again": NEW}

    wrong = here.post("/compte/mot-de-passe/", {**form, "current": "autre chose"})
    assert wrong.status_code == 422
    assert "pas votre mot de passe actuel" in wrong.content.decode()
    assert here.post("/compte/mot-de-passe/", form).status_code == 302

    assert here.get("/compte/").status_code == 200
    assert there.get("/compte/").status_code == 302
    assert enter(Client(), "agent").status_code == 422
    assert enter(Client(), "agent", NEW).status_code == 302
    assert '"act":"password"' in last_entry()
    assert NEW not in last_entry()


def test_guessing_the_current_password_from_an_open_session_is_slowed_down(
    desk: Desk, sign_in: SignIn
) -> None:
    client = sign_in(desk.agent)
    form = {"current": "x", "password": NEW, "again": NEW}
    for _ in range(5):
        client.post("/compte/mot-de-passe/", form)

    assert client.post("/compte/mot-de-passe/", {**form, "current": PASSWORD}).status_code == 429


@pytest.mark.parametrize(
    ("password", "again", "said"),
    [
        ("onzelettres", "onzelettres", "au minimum 12"),
        ("abababababababab", "abababababababab", "trop peu de caractères"),
        ("749302857163920", "749302857163920", "numérique"),
        ("ada martin 2026", "ada martin 2026", "trop semblable"),
        ("administrator", "administrator", "trop courant"),
        ("Éclaireur-2026!!", "Éclaireur-2026!!", "mots d’ici"),
        ("Ecl@ireur-B0njour!", "Ecl@ireur-B0njour!", "mots d’ici"),
        ("le mot de passe 33", "le mot de passe 33", "mots d’ici"),
        ("MARTIN2026Bureau!", "MARTIN2026Bureau!", "mots d’ici"),
        (NEW, "autre chose en tout", "différents"),
        ("x" * 600, "x" * 600, "512"),
    ],
)
def test_a_password_that_is_easy_to_guess_is_refused(
    desk: Desk, sign_in: SignIn, password: str, again: str, said: str
) -> None:
    client = sign_in(desk.agent)

    answer = client.post("/compte/mot-de-passe/", {"current": PASSWORD, "password": password, "again": again})

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert enter(Client(), "agent").status_code == 302


def test_i_keep_how_i_like_the_desk(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.agent)
    codes = re.findall(r'name="column" value="([^"]+)" checked', client.get("/compte/").content.decode())
    assert len(codes) > 1

    client.post("/compte/affichage/", {"theme": "dark", "column": [codes[0], "inconnue"]})

    page = client.get("/compte/").content.decode()
    assert 'data-theme="dark"' in page
    assert re.findall(r'name="column" value="([^"]+)" checked', page) == [codes[0]]
    client.post("/compte/affichage/", {"theme": "", "column": codes})
    assert "data-theme=" not in client.get("/compte/").content.decode()


def test_an_account_without_rights_still_signs_out(desk: Desk, sign_in: SignIn) -> None:
    page = sign_in(desk.stranger).get("/compte/").content.decode()

    assert "Aucun droit ne vous est donné" in page
    assert 'action="/deconnexion/"' in page


def test_a_form_of_a_lost_session_saves_nothing_and_gives_back_what_was_typed(desk: Desk) -> None:
    typed = "Cuisine revue le 12, <b>bon</b> accueil."

    answer = Client().post(
        "/compte/affichage/",
        {"text": typed, "current": "mon vieux mot de passe", "theme": "dark"},
        headers={"Referer": f"http://testserver/{CASE}/?tri=nom"},
    )

    page = answer.content.decode()
    assert answer.status_code == 401
    assert "rien n’a été enregistré" in page
    assert "Cuisine revue le 12, &lt;b&gt;bon&lt;/b&gt; accueil." in page
    assert "mon vieux" not in page
    assert f"/connexion/?next=%2F{CASE}%2F%3Ftri%3Dnom" in page


def test_a_fragment_of_a_lost_session_keeps_the_page_or_brings_it_back(desk: Desk) -> None:
    htmx = {"HX-Request": "true"}

    asked, sent = Client().get("/", headers=htmx), Client().post("/compte/affichage/", headers=htmx)

    assert (asked.status_code, asked.headers.get("HX-Refresh")) == (401, "true")
    assert (sent.status_code, sent.headers.get("HX-Refresh")) == (403, None)


def test_a_lost_session_never_leads_to_another_site(desk: Desk) -> None:
    answer = Client().post("/compte/affichage/", headers={"Referer": "https://evil.example/x"})

    assert "/connexion/?next=%2F&quot;" in answer.content.decode().replace('"', "&quot;")


def first(**changes: str) -> dict[str, str]:
    return {
        "login": "Alice.Blanc",
        "full_name": "Alice Blanc",
        "password": NEW,
        "again": NEW,
        "manager": "on",
        **changes,
    }


@pytest.mark.django_db
def test_the_first_administrator_enters_by_a_link_that_serves_once() -> None:
    former, link = links.first_administrator_link(), links.first_administrator_link()
    client = Client()
    assert client.get(former).status_code == 410, "each link replaces the one before"
    assert client.get(link).status_code == client.get(link).status_code == 200, "reading uses nothing up"
    assert client.post(link, first(again="x")).status_code == 422

    answer = client.post(link, first())

    assert (answer.status_code, answer.headers["Location"]) == (302, "/")
    user = User.objects.get(login="alice.blanc")
    assert {grant.role for grant in user.grants.all()} == {Role.ADMINISTRATOR, Role.MANAGER}
    assert client.get("/administration/").status_code == 200
    assert '"act":"first"' in last_entry()
    assert links.first_administrator_link() == ""
    assert Client().post(link, first(login="autre")).status_code == 410


@pytest.mark.django_db
def test_the_link_of_the_first_administrator_dies_with_another_administrator(desk: Desk) -> None:
    Grant.objects.filter(role=Role.ADMINISTRATOR).delete()
    link = links.first_administrator_link()
    row = links.find_link(link.split("/")[2])
    Grant.objects.create(user=desk.administrator, role=Role.ADMINISTRATOR)
    lines = JournalLine.objects.count()

    assert Client().post(link, first()).status_code == 410
    with pytest.raises(links.LinkSpentError):
        links.make_first_administrator(row, "autre", "Autre", NEW, manager=False)
    assert JournalLine.objects.count() == lines
    assert not User.objects.filter(login="autre").exists()


def test_an_administrator_without_a_way_in_does_not_count(desk: Desk) -> None:
    assert links.first_administrator_link() == ""

    desk.administrator.set_unusable_password()
    desk.administrator.save()

    assert links.first_administrator_link()


def test_a_reset_link_gives_a_password_once_and_ends_sessions_and_waits(desk: Desk, sign_in: SignIn) -> None:
    before = sign_in(desk.agent)
    for _ in range(5):
        enter(Client(), "agent", "pas le bon mot")
    link = links.new_link(desk.agent)
    assert "Ada Martin" in Client().get(link).content.decode()

    answer = Client().post(link, {"password": NEW, "again": NEW})

    assert answer.status_code == 302
    assert before.get("/compte/").status_code == 302
    assert enter(Client(), "agent", NEW).status_code == 302
    assert (
        Client().post(link, {"password": "un autre long mot", "again": "un autre long mot"}).status_code
        == 410
    )
    assert link.split("/")[2] not in str(list(SetupLink.objects.values()))


def test_a_link_ends_after_a_day_and_with_its_account(desk: Desk) -> None:
    old, closed = links.new_link(desk.agent), links.new_link(desk.stranger)
    SetupLink.objects.filter(user=desk.agent).update(expires=timezone.now())
    User.objects.filter(pk=desk.stranger.pk).update(is_active=False)

    assert [Client().get(link).status_code for link in (old, closed, "/acces/x/")] == [410, 410, 410]


def test_of_two_forms_sent_at_once_one_sets_the_password(desk: Desk) -> None:
    link = links.find_link(links.new_link(desk.agent).split("/")[2])

    links.choose_password(link, NEW)

    with pytest.raises(links.LinkSpentError):
        links.choose_password(link, "un tout autre mot de passe")
    assert User.objects.get(pk=desk.agent.pk).check_password(NEW)


def test_the_way_into_the_demonstration_sets_no_password(desk: Desk) -> None:
    """Both kinds of link share a table."""
    from eclaireur.desk.demo import way_in

    token = way_in(desk.agent).split("/")[2]

    assert [Client().get(f"/acces/{one}/").status_code for one in (token, f"demo:{token}")] == [410, 410]

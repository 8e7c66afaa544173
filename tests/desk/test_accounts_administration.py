"""Accounts and rights: each act is journalled, none leaves the desk without an administrator."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from eclaireur.core.errors import BadValueError, NotFoundError, RefusedError
from eclaireur.desk.access import Action, Perimeter, reach_of
from eclaireur.desk.accounts import acts, links
from eclaireur.desk.accounts.demo import make_demo_accounts
from eclaireur.desk.models import Attempt, Grant, JournalLine, Role, Session, User
from eclaireur.desk.pages import administration
from eclaireur.desk.place import workspace
from tests.desk.conftest import CASE, PASSWORD, Desk

if TYPE_CHECKING:
    from django.urls import URLPattern

SignIn = Callable[[User], Client]
HOME = "/administration/"


def of(user: User, more: str = "") -> str:
    return f"{HOME}comptes/{user.pk}/{more}"


def written(kind: str) -> list[dict[str, Any]]:
    entries = [
        json.loads(line) for line in JournalLine.objects.order_by("seq").values_list("line", flat=True)
    ]
    return [entry for entry in entries if entry["kind"] == kind]


def right(**changes: str) -> dict[str, str]:
    return {"role": "agent", "case": CASE, "area": "", "service": "", **changes}


@pytest.mark.parametrize("route", administration.urlpatterns, ids=lambda route: str(route.pattern))
def test_for_anyone_else_the_page_does_not_exist(desk: Desk, sign_in: SignIn, route: URLPattern) -> None:
    address = "/" + re.sub(r"<[^>]+>", "1", str(route.pattern))
    Grant.objects.create(user=desk.stranger, role=Role.ADMINISTRATOR, case=CASE)

    for user in (desk.agent, desk.manager, desk.scientist, desk.stranger):
        client = sign_in(user)
        assert client.get(address).status_code in {404, 405}
        assert client.post(address).status_code in {404, 405}
    assert Client().get(address).status_code in {302, 405}


def test_an_account_is_made_invited_and_enters(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.administrator)
    form = {"login": "Ines.Vidal", "full_name": "Ines Vidal", "email": "ines@exemple.fr"}

    page = client.post(f"{HOME}comptes/ajouter/", form).content.decode()

    link = re.search(r'id="lien" readonly value="http://testserver(/acces/[^"]+)"', page)
    assert link
    user = User.objects.get(login="ines.vidal")
    assert "invité" in client.get(of(user)).content.decode()
    assert link[1] not in client.get(of(user)).content.decode(), "it is shown once"
    new = "quatre mots sans rapport"
    assert Client().post(link[1], {"password": new, "again": new}).status_code == 302
    assert [(one["actor"], one["data"]["act"]) for one in written("account")[-3:]] == [
        ("Alice Blanc", "create"),
        ("Alice Blanc", "link"),
        ("Ines Vidal", "password"),
    ]
    assert client.post(f"{HOME}comptes/ajouter/", form).status_code == 422
    assert "déjà pris" in client.post(f"{HOME}comptes/ajouter/", form).content.decode()


def test_two_administrators_who_take_the_same_login_are_told(desk: Desk) -> None:
    acts.create_account(desk.administrator, "ines", "Ines Vidal")
    lines = JournalLine.objects.count()

    with pytest.raises(BadValueError, match="déjà pris"):
        acts.create_account(desk.administrator, "ines", "Une autre")
    assert JournalLine.objects.count() == lines


def test_a_right_is_given_and_taken_back_at_once_and_both_are_written(desk: Desk, sign_in: SignIn) -> None:
    admin, theirs = sign_in(desk.administrator), sign_in(desk.stranger)
    assert theirs.get(f"/{CASE}/").status_code == 404

    admin.post(of(desk.stranger, "droits/"), right(area=desk.area))
    assert theirs.get(f"/{CASE}/").status_code == 200
    grant = desk.stranger.grants.get()
    assert (grant.role, grant.case, grant.area) == ("agent", CASE, desk.area)
    admin.post(of(desk.stranger, f"droits/{grant.pk}/retirer/"))
    assert theirs.get(f"/{CASE}/").status_code == 404

    given, taken = written("grant")[-2:]
    assert given["actor"] == taken["actor"] == "Alice Blanc"
    assert (given["case"], given["data"]["area"], given["data"]["account"]) == (CASE, desk.area, "etranger")
    assert (given["data"]["act"], taken["data"]["act"]) == ("give", "take_back")
    assert not given["data"]["own"]


def test_a_right_that_cannot_be_journalled_is_not_given(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError

    monkeypatch.setattr(type(workspace().journal), "append", full)

    with pytest.raises(OSError):
        acts.give(desk.administrator, desk.stranger, Perimeter("agent", CASE))
    assert not desk.stranger.grants.exists()


def test_a_right_given_to_oneself_is_marked_in_the_journal(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.administrator)
    assert "votre propre compte" in client.get(of(desk.administrator)).content.decode()

    client.post(of(desk.administrator, "droits/"), right(role="manager"))

    assert reach_of(desk.administrator).may(Action.SEE, CASE)
    assert written("grant")[-1]["data"]["own"] is True


@pytest.mark.parametrize(
    ("form", "said"),
    [
        ({"area": "Terrritoire"}, "Aucune liste ne le connaît"),
        ({"service": "Inconnu"}, "Aucune liste ne le connaît"),
        ({"role": "administrator"}, "Un administrateur gère tous les comptes"),
        ({"role": "root"}, "Sélectionnez un choix valide"),
        ({"case": "nulle_part"}, "Sélectionnez un choix valide"),
    ],
)
def test_a_right_that_would_show_nothing_or_make_no_sense_is_refused(
    desk: Desk, sign_in: SignIn, form: Mapping[str, str], said: str
) -> None:
    answer = sign_in(desk.administrator).post(of(desk.stranger, "droits/"), right(**form))

    assert answer.status_code == 422
    assert said in answer.content.decode()
    assert not desk.stranger.grants.exists()


def test_a_territory_to_come_is_accepted_when_confirmed_and_a_right_is_given_once(
    desk: Desk, sign_in: SignIn
) -> None:
    client = sign_in(desk.administrator)
    form = right(area="Territoire à venir", unknown="on")

    assert client.post(of(desk.stranger, "droits/"), form).status_code == 302
    assert "Ce droit est déjà donné" in client.post(of(desk.stranger, "droits/"), form).content.decode()
    assert desk.stranger.grants.count() == 1


def test_a_closed_account_loses_its_sessions_and_links_and_keeps_its_rights(
    desk: Desk, sign_in: SignIn
) -> None:
    admin, theirs = sign_in(desk.administrator), sign_in(desk.agent)
    link = links.new_link(desk.agent)

    admin.post(of(desk.agent, "etat/"), {"act": "close"})

    assert theirs.get("/compte/").status_code == 302
    assert not Session.objects.filter(user=desk.agent).exists()
    assert Client().get(link).status_code == 410
    assert Client().post("/connexion/", {"login": "agent", "password": PASSWORD}).status_code == 422
    refused = admin.post(of(desk.agent, "etat/"), {"act": "link"})
    assert "ce compte est fermé" in refused.content.decode().lower()
    admin.post(of(desk.agent, "etat/"), {"act": "open"})
    assert Client().post("/connexion/", {"login": "agent", "password": PASSWORD}).status_code == 302
    assert desk.agent.grants.count() == 1
    assert [one["data"]["act"] for one in written("account")[-2:]] == ["close", "open"]


def test_the_machine_lets_in_an_administrator_who_is_locked_out_and_the_journal_tells_it(desk: Desk) -> None:
    link = acts.send_link_from_host(desk.administrator.login)

    assert Client().get(link).status_code == 200
    data = written("account")[-1]["data"]
    assert (data["act"], data["account"], data["host"]) == ("link", desk.administrator.login, True)
    with pytest.raises(NotFoundError, match="aucun compte") as told:
        acts.send_link_from_host("personne")
    assert desk.administrator.login in str(told.value.fix)
    User.objects.filter(pk=desk.agent.pk).update(is_active=False)
    with pytest.raises(RefusedError, match="fermé"):
        acts.send_link_from_host(desk.agent.login)


@pytest.mark.parametrize("act", ["close", "take_back"])
def test_the_last_administrator_stays(desk: Desk, sign_in: SignIn, act: str) -> None:
    client, lines = sign_in(desk.administrator), JournalLine.objects.count()
    grant = desk.administrator.grants.get()
    # Invited, without a password yet: nobody could enter as she.
    acts.give(desk.administrator, User.objects.create_user("ines", "Ines Vidal"), Perimeter("administrator"))

    if act == "close":
        answer = client.post(of(desk.administrator, "etat/"), {"act": "close"})
    else:
        answer = client.post(of(desk.administrator, f"droits/{grant.pk}/retirer/"))

    assert answer.status_code == 422
    assert "dernier administrateur" in answer.content.decode()
    assert client.get(HOME).status_code == 200
    assert JournalLine.objects.count() == lines + 1, "what was undone is not written"


def test_an_administrator_leaves_when_another_can_enter(desk: Desk, sign_in: SignIn) -> None:
    acts.give(desk.administrator, desk.manager, Perimeter("administrator"))

    assert (
        sign_in(desk.administrator).post(of(desk.administrator, "etat/"), {"act": "close"}).status_code == 302
    )
    assert not User.objects.get(pk=desk.administrator.pk).is_active
    assert not Session.objects.filter(user=desk.administrator).exists(), "and stays closed"


def test_a_name_is_corrected_and_the_former_is_written(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.administrator)

    assert client.post(of(desk.agent, "fiche/"), {"full_name": "", "email": "x"}).status_code == 422
    client.post(of(desk.agent, "fiche/"), {"full_name": "Ada Martin-Roux", "email": ""})

    assert User.objects.get(pk=desk.agent.pk).full_name == "Ada Martin-Roux"
    assert written("account")[-1]["data"]["before"] == "Ada Martin"


def test_failed_sign_ins_are_shown_without_what_may_be_a_password(desk: Desk, sign_in: SignIn) -> None:
    for login in ("agent", "mon mot de passe secret"):
        Client().post("/connexion/", {"login": login, "password": "x"})

    page = sign_in(desk.administrator).get(f"{HOME}connexions/").content.decode()

    assert Attempt.objects.count() == 2
    assert "<td>agent</td><td>127.0.0.1</td>" in page
    assert "aucun compte ne porte" in page
    assert "secret" not in page


def test_what_is_typed_in_a_name_is_shown_as_text(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.administrator)
    hostile = "<img src=x onerror=alert(1)>"
    user = acts.create_account(desk.administrator, "ines", hostile)
    acts.give(desk.administrator, user, Perimeter("agent", CASE, hostile, hostile))

    for address in (HOME, of(user)):
        assert hostile not in client.get(address).content.decode()


def test_the_accounts_of_the_demonstration_are_made_once_and_only_there(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RefusedError, match="démonstration"):
        make_demo_accounts()

    for user in User.objects.all():
        User.objects.filter(pk=user.pk).update(login=f"autre-{user.pk}")
    monkeypatch.setattr("eclaireur.desk.accounts.demo.holds_demo", lambda home: home == workspace().home)
    made, again = make_demo_accounts(), make_demo_accounts()

    assert [one.full_name for one in made] == ["Ada Martin", "Rosa Lebrun", "Samir Petit", "Alice Blanc"]
    assert again == ()
    assert len({one.password for one in made}) == 4
    assert all(len(one.password) >= 12 and one.password not in repr(one) for one in made)
    agent = User.objects.get(login="agent").grants.get(case=CASE)
    largest = max(
        {item.area for item in desk.worklist.items.all()},
        key=lambda area: desk.worklist.items.filter(area=area).count(),
    )
    assert (
        desk.worklist.items.filter(area=agent.area).count()
        == desk.worklist.items.filter(area=largest).count()
    )
    assert User.objects.get(login="responsable").grants.get(case=CASE).area == ""
    assert {one.case for one in User.objects.get(login="agent").grants.all()} >= {"inspection_letters", CASE}
    assert User.objects.get(login="administrateur").grants.get().role == Role.ADMINISTRATOR

"""Keys of programs: told once, kept as a hash, refused when old or revoked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from eclaireur.core.errors import BadValueError
from eclaireur.desk.access import Action, Perimeter, reach_of
from eclaireur.desk.accounts.acts import close_account, open_account
from eclaireur.desk.accounts.keys import DAYS, find, make_key, revoke_key
from eclaireur.desk.models import ApiKey, JournalLine, Role, User
from tests.desk.conftest import CASE, Desk

SignIn = Callable[[User], Client]
HERE = "/administration/cles/"
TOO_LONG = "colonne « expires » : une clé sert deux ans au plus. Choisissez une date de fin plus proche."


def make(desk: Desk, **changes: Any) -> tuple[ApiKey, str]:
    wanted = {
        "scopes": ["read"],
        "expires": timezone.now() + timedelta(days=30),
        "perimeter": Perimeter("", CASE, desk.area),
        **changes,
    }
    return make_key(desk.administrator, "Entrepôt", **wanted)


def test_a_key_is_made_shown_once_used_and_revoked(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.administrator)
    end = timezone.localdate() + timedelta(days=90)
    form = {"name": "Entrepôt", "scopes": ["export"], "case": CASE, "area": desk.area, "expires": f"{end}"}

    page = client.post(HERE, form).content.decode()

    found = re.search(r'id="cle" readonly value="(ecl_[0-9a-f]{8}_[A-Za-z0-9_-]{43})"', page)
    assert found
    token, secret = found[1], found[1].split("_", 2)[2]
    assert secret not in client.get(HERE).content.decode()
    assert secret not in str(list(ApiKey.objects.values()))
    assert secret not in JournalLine.objects.order_by("-seq")[0].line
    key = find(token)
    assert key is not None
    assert key.scopes == ["read", "export"], "reading goes with everything"
    reach = reach_of(key)
    assert {one for one in Action if reach.may(one, CASE, desk.area)} == {Action.SEE, Action.EXPORT}
    assert not reach.may(Action.SEE, CASE, desk.other_area)
    assert key.expires is not None
    assert timezone.localtime(key.expires).date() == end

    client.post(f"{HERE}{key.pk}/revoquer/")
    assert find(token) is None
    acts = [line for line in JournalLine.objects.values_list("line", flat=True) if '"kind":"api_key"' in line]
    assert len(acts) == 2


def test_a_key_that_is_too_old_altered_or_unknown_is_nobody_s(desk: Desk) -> None:
    key, token = make(desk)
    assert find(token) is not None
    other = make(desk)[1]

    mixed = token[:13] + other[13:]
    for wrong in (
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        mixed,
        token + "x",
        "",
        "ecl__",
        f" {token}",
    ):
        assert find(wrong) is None
    ApiKey.objects.filter(pk=key.pk).update(expires=timezone.now())
    assert find(token) is None


def test_a_key_stops_with_the_account_that_answers_for_it(desk: Desk, sign_in: SignIn) -> None:
    key, token = make(desk)
    ApiKey.objects.filter(pk=key.pk).update(created_by=desk.manager)

    close_account(desk.administrator, desk.manager)
    assert find(token) is None
    assert "■ compte fermé" in sign_in(desk.administrator).get(HERE).content.decode()

    open_account(desk.administrator, desk.manager)
    assert find(token) is not None


def test_when_a_key_was_last_used_is_written_once_a_minute(
    desk: Desk, django_assert_num_queries: Callable[[int], Any]
) -> None:
    key, token = make(desk)

    with django_assert_num_queries(2):
        find(token)
    with django_assert_num_queries(1):
        find(token)
    ApiKey.objects.filter(pk=key.pk).update(last_used=timezone.now() - timedelta(minutes=2))
    with django_assert_num_queries(2):
        find(token)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"scopes": ["read", "manage", "all"]}, "colonne « scopes » : droit inconnu : all, manage."),
        ({"days": 731}, TOO_LONG),
        ({"days": -1}, TOO_LONG),
    ],
)
def test_a_key_beyond_what_keys_may_do_is_refused(desk: Desk, changes: dict[str, Any], said: str) -> None:
    if "days" in changes:
        changes = {"expires": timezone.now() + timedelta(days=changes["days"])}

    with pytest.raises(BadValueError) as caught:
        make(desk, **changes)
    assert str(caught.value) == said
    assert not ApiKey.objects.exists()
    assert make(desk, expires=timezone.now() + timedelta(days=DAYS))[0].pk


def test_what_a_key_may_do_is_written_with_who_made_and_revoked_it(desk: Desk) -> None:
    end = timezone.now() + timedelta(days=30)
    where = {"case": CASE, "area": desk.area, "service": "Hygiène"}
    key, _ = make_key(
        desk.manager, " Entrepôt ", scopes=["decide"], expires=end, perimeter=Perimeter("", *where.values())
    )
    wide, _ = make(desk, scopes=["compute"])
    revoke_key(desk.administrator, key)

    assert (key.name, key.scopes, key.created_by, key.revoked) == (
        "Entrepôt",
        ["read", "decide"],
        desk.manager,
        None,
    )
    assert ApiKey.objects.get(pk=wide.pk).revoked is None
    grant, other = key.grants.get(), wide.grants.get()
    assert (grant.role, other.role) == (Role.AGENT, Role.MANAGER)
    assert {name: getattr(grant, name) for name in where} == where
    who = {"prefix": key.prefix, "name": "Entrepôt"}
    made, _, ended = [
        (line["case"], line["actor"], line["data"])
        for line in map(json.loads, JournalLine.objects.order_by("seq").values_list("line", flat=True))
        if line["kind"] == "api_key"
    ]
    data = {"act": "create", "login": "responsable", "scopes": ["read", "decide"], "expires": end.isoformat()}
    assert made == (CASE, "Rosa Lebrun", {**data, **who, **where})
    assert ended == ("", "Alice Blanc", {"act": "revoke", "login": "administrateur", **who})


def test_a_program_that_is_refused_is_told_why_in_the_header_too(desk: Desk) -> None:
    _, token = make(desk)
    here = f"/api/v1/listes/{desk.worklist.pk}/export/csv"

    def ask(shown: str) -> tuple[int, str, dict[str, str]]:
        answer = Client().get(here, headers={"Authorization": f"Bearer {shown}"})
        return answer.status_code, answer["WWW-Authenticate"], answer.json()["error"]

    assert ask(f"{token}x")[:2] == (401, 'Bearer realm="eclaireur", error="invalid_token"')
    status, header, error = ask(f" {token} ")
    assert (status, header) == (403, 'Bearer realm="eclaireur", error="insufficient_scope", scope="export"')
    assert (error["message"], error["fix"]) == (
        "cette clé n'a pas le droit « export ».",
        "Demandez à votre administrateur une clé qui l'a.",
    )


def test_a_form_that_is_wrong_keeps_what_was_typed(desk: Desk, sign_in: SignIn) -> None:
    answer = sign_in(desk.administrator).post(
        HERE, {"name": "Entrepôt", "area": "Nulle part", "expires": "x"}
    )

    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'value="Entrepôt"' in page
    assert 'value="Nulle part"' in page
    assert "Aucune liste ne le connaît" in page


def test_revoking_twice_keeps_the_first_date(desk: Desk) -> None:
    key, _ = make(desk)
    revoke_key(desk.administrator, key)
    first = ApiKey.objects.get(pk=key.pk).revoked

    revoke_key(desk.administrator, key)

    assert ApiKey.objects.get(pk=key.pk).revoked == first

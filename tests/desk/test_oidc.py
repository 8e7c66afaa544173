"""Signing in with a provider of identities: the good way, and each way in which it must fail."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.contrib.auth import BACKEND_SESSION_KEY
from django.test import Client
from django.utils import timezone

from eclaireur.core.config import Settings
from eclaireur.core.errors import ConfigError, ExtraMissingError
from eclaireur.desk.accounts import acts, links, provider as providing
from eclaireur.desk.accounts.provider import Identity, identity_settings
from eclaireur.desk.models import JournalLine, Session, SetupLink, User
from tests.desk.conftest import PASSWORD, Desk
from tests.desk.oidc_server import CLIENT, SECRET, Provider, provider

pytestmark = pytest.mark.one_database

SignIn = Callable[[User], Client]
GO, BACK = "/connexion/identite/", "/connexion/identite/retour/"
BACKENDS = ["django.contrib.auth.backends.ModelBackend", "eclaireur.desk.accounts.oidc.IdentityBackend"]


@pytest.fixture
def op(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Provider]:
    """A provider on loopback, which the desk is set to trust."""
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with provider() as found:
        settings.IDENTITY = Identity(issuer=found.issuer, client=CLIENT, secret=SECRET)
        settings.AUTHENTICATION_BACKENDS = BACKENDS
        yield found
    providing._known.clear()


@pytest.fixture
def ada(desk: Desk, op: Provider) -> User:
    """The agent, whose account is tied to the identity of the provider's person."""
    acts.bind_identity(desk.agent, f"{op.issuer} {op.person['sub']}")
    return desk.agent


def start(client: Client, query: str = "") -> str:
    answer = client.get(f"{GO}{query}")
    assert answer.status_code == 302
    return answer.headers["Location"]


def come_back(client: Client, op: Provider, query: str = "", **changes: str) -> Any:
    return client.get(BACK, {**op.authorize(start(client, query)), **changes})


def who(client: Client) -> str:
    found = client.session.get("_auth_user_id")
    return User.objects.get(pk=found).login if found else ""


def refused(answer: Any, words: str = "pas pu être vérifiée") -> bool:
    return answer.status_code == 403 and words in answer.content.decode().replace("&#x27;", "'")


def test_a_person_enters_with_her_identity_and_lands_where_she_wanted(ada: User, op: Provider) -> None:
    client = Client()
    assert "Se connecter avec ProConnect" in client.get("/connexion/").content.decode()
    address = start(client, "?next=/compte/")
    before = client.session.session_key
    asked = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    assert address.startswith(f"{op.issuer}/authorize?")
    assert (asked["response_type"], asked["client_id"]) == ("code", CLIENT)
    assert asked["scope"] == "openid given_name usual_name email siret", "what ProConnect offers"
    assert asked["code_challenge_method"] == "S256"
    assert asked["redirect_uri"] == f"http://testserver{BACK}"
    assert min(len(asked[name]) for name in ("state", "nonce", "code_challenge")) >= 32

    answer = client.get(BACK, op.authorize(address))

    assert (answer.status_code, answer.headers["Location"]) == (302, "/compte/")
    assert who(client) == "agent"
    assert client.session.session_key != before, "under a new session key"
    assert client.session[BACKEND_SESSION_KEY] == BACKENDS[1]
    assert client.get("/compte/").status_code == 200


def test_only_an_act_of_the_person_begins_a_sign_in_and_it_lasts_as_any_other(
    ada: User, op: Provider
) -> None:
    for other in ("cross-site", "same-site"):
        sent = Client().get("/connexion/identite/", headers={"Sec-Fetch-Site": other})
        assert (sent.status_code, sent["Location"]) == (302, "/connexion/")
    assert (
        op.issuer
        in Client().get("/connexion/identite/", headers={"Sec-Fetch-Site": "same-origin"})["Location"]
    )

    client = Client()
    come_back(client, op)
    session = Session.objects.get(user=ada)
    assert timedelta(hours=11) < session.expire_date - timezone.now() <= timedelta(hours=12)
    Session.objects.filter(user=ada).update(seen=timezone.now() - timedelta(hours=3))
    assert client.get("/compte/").status_code == 302, "the provider is asked again"


def test_user_information_in_json_serves_too(ada: User, op: Provider) -> None:
    op.signed_info = False
    client = Client()

    assert come_back(client, op).status_code == 302
    assert who(client) == "agent"


def test_elsewhere_is_no_place_to_land(ada: User, op: Provider) -> None:
    answer = come_back(Client(), op, "?next=https://evil.example/")

    assert answer.headers["Location"] == "/"


def unsigned(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, "", algorithm="none", headers={"kid": "one"})


def by_another(claims: dict[str, Any]) -> str:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": "one"})


def by_the_secret(claims: dict[str, Any]) -> str:
    return jwt.encode(claims, SECRET, algorithm="HS256", headers={"kid": "one"})


def nonsense(_: dict[str, Any]) -> str:
    return "x.y.z"


def nothing(_: dict[str, Any]) -> None:
    return None


def _change(**values: Any) -> Callable[[dict[str, Any]], None]:
    def change(claims: dict[str, Any]) -> None:
        claims.update(values)
        for name in [name for name, value in values.items() if value is None]:
            del claims[name]

    return change


@pytest.mark.parametrize(
    "change",
    [
        _change(nonce="another"),
        _change(nonce=None),
        _change(iss="https://evil.example"),
        _change(iss=None),
        _change(aud="another-client"),
        _change(aud=None),
        _change(aud=[CLIENT, "another-client"]),
        _change(aud=[CLIENT, "another-client"], azp="another-client"),
        _change(azp="another-client"),
        _change(exp=int(time.time()) - 3600),
        _change(exp=None),
        _change(iat=int(time.time()) + 3600),
        _change(sub=None),
        _change(sub="somebody-else"),
    ],
    ids=[
        "another nonce",
        "no nonce",
        "another issuer",
        "no issuer",
        "another audience",
        "no audience",
        "two audiences without azp",
        "two audiences, azp of the other",
        "azp of another",
        "expired",
        "no expiry",
        "from the future",
        "no subject",
        "not the person of the user information",
    ],
)
def test_a_token_that_does_not_hold_is_refused(ada: User, op: Provider, change: Any) -> None:
    op.change_token = change
    client = Client()

    assert refused(come_back(client, op))
    assert who(client) == ""


def test_two_audiences_hold_when_the_token_was_made_for_us(ada: User, op: Provider) -> None:
    op.change_token = _change(aud=[CLIENT, "another-client"], azp=CLIENT)
    client = Client()

    assert come_back(client, op).status_code == 302
    assert who(client) == "agent"


@pytest.mark.parametrize("sign", [unsigned, by_another, by_the_secret, nonsense, nothing])
def test_a_token_that_is_not_signed_by_the_provider_is_refused(ada: User, op: Provider, sign: Any) -> None:
    op.sign = sign
    client = Client()

    assert refused(come_back(client, op))
    assert who(client) == ""


def test_the_public_key_is_not_taken_for_a_shared_secret(ada: User, op: Provider) -> None:
    """The classic confusion of algorithms: HS256 under the public key, which everybody has."""
    public = op.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )

    def sign(claims: dict[str, Any]) -> str:
        def part(content: bytes) -> bytes:
            return base64.urlsafe_b64encode(content).rstrip(b"=")

        head = part(json.dumps({"alg": "HS256", "typ": "JWT", "kid": "one"}).encode())
        body = head + b"." + part(json.dumps(claims).encode())
        return (body + b"." + part(hmac.new(public, body, hashlib.sha256).digest())).decode()

    op.sign = sign

    assert refused(come_back(Client(), op))


def test_a_key_that_the_provider_does_not_publish_is_refused(ada: User, op: Provider) -> None:
    op.sign = lambda claims: jwt.encode(claims, op.key, algorithm="RS256", headers={"kid": "two"})
    assert refused(come_back(Client(), op))

    op.sign = lambda claims: jwt.encode(claims, op.key, algorithm="RS256")
    assert refused(come_back(Client(), op)), "a token that names no key"


@pytest.mark.parametrize(
    "change",
    [_change(sub="somebody-else"), _change(aud="another-client"), _change(iss="https://evil.example")],
    ids=["another person", "another audience", "another issuer"],
)
def test_signed_user_information_must_be_of_the_same_person_and_for_us(
    ada: User, op: Provider, change: Any
) -> None:
    op.change_info = change
    client = Client()

    assert refused(come_back(client, op))
    assert who(client) == ""


def test_an_answer_serves_once_and_in_the_browser_that_asked(ada: User, op: Provider) -> None:
    client = Client()
    brought = op.authorize(start(client))

    assert refused(Client().get(BACK, brought)), "in another browser"
    assert client.get(BACK, brought).status_code == 302
    client.post("/deconnexion/")
    assert refused(client.get(BACK, brought)), "a second time"


def test_a_state_that_was_replayed_is_refused_even_with_a_new_code(ada: User, op: Provider) -> None:
    client = Client()
    address = start(client)
    assert client.get(BACK, op.authorize(address)).status_code == 302

    assert refused(client.get(BACK, op.authorize(address)))


def test_an_answer_that_comes_after_ten_minutes_is_refused(ada: User, op: Provider) -> None:
    client = Client()
    brought = op.authorize(start(client))
    session = client.session
    session["oidc_states"][brought["state"]]["added_on"] -= 601
    session.save()

    assert refused(client.get(BACK, brought))


@pytest.mark.parametrize(
    "changes",
    [{"state": "another"}, {"code": "another"}, {"iss": "https://evil.example"}, {"error": "denied"}],
    ids=["state", "code", "issuer", "error"],
)
def test_an_answer_that_was_altered_is_refused(ada: User, op: Provider, changes: dict[str, str]) -> None:
    client = Client()

    assert refused(come_back(client, op, **changes))
    assert who(client) == ""


def test_an_address_that_anybody_types_does_not_sign_out(desk: Desk, sign_in: SignIn, op: Provider) -> None:
    client = sign_in(desk.agent)

    assert refused(client.get(BACK, {"error": "denied"}))
    assert refused(client.get(BACK))
    assert who(client) == "agent"


def test_an_unknown_identity_opens_nothing_even_with_the_address_of_an_account(
    desk: Desk, op: Provider
) -> None:
    User.objects.filter(pk=desk.agent.pk).update(email=op.person["email"])
    client = Client()

    answer = come_back(client, op)

    assert refused(answer, "aucun compte ne lui est relié")
    assert who(client) == ""
    assert User.objects.count() == 5


def test_an_unknown_identity_gets_an_account_without_rights_where_it_is_chosen(
    desk: Desk, op: Provider, settings: Any
) -> None:
    settings.IDENTITY = Identity(issuer=op.issuer, client=CLIENT, secret=SECRET, create=True)
    client = Client()

    come_back(client, op)

    user = User.objects.get(login=who(client))
    assert (user.full_name, user.login) == ("Ada Martin", "ada.martin@exemple.fr")
    assert not user.grants.exists()
    assert not user.has_usable_password()
    assert '"act":"create"' in JournalLine.objects.order_by("-seq")[0].line
    other = Client()
    op.person = {"sub": "second", "email": "ada.martin@exemple.fr"}
    come_back(other, op)
    assert who(other).startswith("identite-"), "the address is not the account"


def test_the_link_of_an_invitation_ties_the_identity_once(desk: Desk, op: Provider) -> None:
    link = links.new_link(desk.stranger)
    client = Client()
    assert f"{GO}?lien={link.split('/')[2]}" in client.get(link).content.decode()

    come_back(client, op, f"?lien={link.split('/')[2]}")

    assert who(client) == "etranger"
    assert SetupLink.objects.get().used is not None
    assert Client().get(link).status_code == 410
    assert '"act":"identity"' in JournalLine.objects.order_by("-seq")[0].line
    again = Client()
    come_back(again, op)
    assert who(again) == "etranger"


def test_an_identity_opens_one_account_only(ada: User, desk: Desk, op: Provider, sign_in: SignIn) -> None:
    link = links.new_link(desk.stranger)

    assert refused(come_back(Client(), op, f"?lien={link.split('/')[2]}"), "déjà reliée")
    assert SetupLink.objects.get().used is None
    client = sign_in(desk.manager)
    assert refused(come_back(client, op, "?relier=1"), "déjà reliée")
    assert who(client) == "responsable"


def test_a_spent_link_ties_nothing(desk: Desk, op: Provider) -> None:
    assert refused(come_back(Client(), op, "?lien=x"), "ne sert plus")
    assert not User.objects.exclude(subject="").exists()


def test_a_person_ties_her_own_account_and_an_administrator_unties_it(
    desk: Desk, op: Provider, sign_in: SignIn
) -> None:
    client = sign_in(desk.agent)
    assert "?relier=1" in client.get("/compte/").content.decode()
    answer = come_back(client, op, "?relier=1&next=/compte/")
    assert answer.headers["Location"] == "/compte/"
    assert User.objects.get(pk=desk.agent.pk).subject == f"{op.issuer} 7b5f-ada"

    admin = sign_in(desk.administrator)
    admin.post(f"/administration/comptes/{desk.agent.pk}/etat/", {"act": "detach"})

    assert client.get("/compte/").status_code == 302
    assert refused(come_back(Client(), op), "aucun compte")


def test_being_signed_in_ties_nothing_by_itself(desk: Desk, op: Provider, sign_in: SignIn) -> None:
    assert refused(come_back(sign_in(desk.agent), op), "aucun compte")
    assert User.objects.get(pk=desk.agent.pk).subject == ""


def test_a_closed_account_stays_closed(ada: User, desk: Desk, op: Provider) -> None:
    client = Client()
    come_back(client, op)
    assert client.get("/compte/").status_code == 200

    User.objects.filter(pk=ada.pk).update(is_active=False)

    assert client.get("/compte/").status_code == 302, "its open session too"
    assert refused(come_back(Client(), op), "ce compte est fermé".capitalize())


def test_another_administration_is_refused_where_they_are_named(
    ada: User, op: Provider, settings: Any
) -> None:
    settings.IDENTITY = Identity(
        issuer=op.issuer, client=CLIENT, secret=SECRET, sirets=frozenset({"11000201100044"})
    )
    assert refused(come_back(Client(), op), "pas ouvert à votre administration")

    op.person["siret"] = "11000201100044"
    assert come_back(Client(), op).status_code == 302


def test_a_level_of_assurance_is_asked_and_checked(ada: User, op: Provider, settings: Any) -> None:
    settings.IDENTITY = Identity(issuer=op.issuer, client=CLIENT, secret=SECRET, acr=("eidas2", "eidas3"))
    assert "acr_values=eidas2+eidas3" in start(Client())
    assert come_back(Client(), op).status_code == 302

    op.acr = "eidas1"
    assert refused(come_back(Client(), op), "double authentification")


def test_signing_out_proposes_to_leave_the_provider_too(ada: User, op: Provider) -> None:
    client = Client()
    come_back(client, op)

    page = client.post("/deconnexion/").content.decode()

    assert f"{op.issuer}/session/end?id_token_hint=ey" in page
    assert "post_logout_redirect_uri=http%3A%2F%2Ftestserver%2Fconnexion%2F" in page
    assert who(client) == ""


def test_a_session_by_password_leaves_without_the_provider(ada: User, op: Provider) -> None:
    client = Client()
    client.post("/connexion/", {"login": "agent", "password": PASSWORD})

    assert client.post("/deconnexion/").status_code == 302
    assert op.asked == [], "nothing is asked of the provider for a password"


def test_a_provider_that_is_out_is_told_and_passwords_still_serve(ada: User, op: Provider) -> None:
    op.down = True
    answer = Client().get(GO)
    assert answer.status_code == 503
    assert "ne répond pas" in answer.content.decode()
    assert "votre mot de passe" in answer.content.decode()
    client = Client()
    client.post("/connexion/", {"login": "agent", "password": PASSWORD})
    assert who(client) == "agent"


def test_a_provider_that_describes_itself_as_another_is_refused(ada: User, op: Provider) -> None:
    found = op.description()
    for change in ({"issuer": "https://evil.example"}, {"token_endpoint": "http://evil.example/token"}):
        providing._known.clear()
        op.description = lambda change=change: {**found, **change}  # type: ignore[method-assign,misc]
        assert "inattendue" in Client().get(GO).content.decode()


def test_without_a_provider_its_pages_do_not_exist(desk: Desk) -> None:
    assert [Client().get(one).status_code for one in (GO, BACK)] == [404, 404]
    assert "ProConnect" not in Client().get("/connexion/").content.decode()


def test_the_settings_of_a_provider_hold_together(monkeypatch: pytest.MonkeyPatch) -> None:
    whole: dict[str, Any] = {
        "oidc_issuer": "https://op.example",
        "oidc_client": "x",
        "oidc_secret": "not shown",
    }
    assert identity_settings(Settings()) is None
    found = identity_settings(Settings(**whole, oidc_acr="eidas2 eidas3", oidc_siret="1, 2"))
    assert found is not None
    assert (found.acr, found.sirets, found.create) == (("eidas2", "eidas3"), frozenset({"1", "2"}), False)
    assert "not shown" not in repr(found)
    for wrong in (
        {**whole, "oidc_secret": ""},
        {**whole, "oidc_issuer": "http://op.example"},
        {**whole, "oidc_create": "oui"},
    ):
        with pytest.raises(ConfigError):
            identity_settings(Settings(**wrong))
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(ExtraMissingError, match="install oidc"):
        identity_settings(Settings(**whole))

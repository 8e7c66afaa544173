"""Signing in with an OpenID Connect provider: mozilla-django-oidc, held to what the standard asks.

The library carries the flow: state, nonce, PKCE, the exchange of the code, the provider's keys. Here each
token is checked whole (issuer, audience, dates, algorithm: OpenID Connect Core 1.0, 3.1.3.7 and 5.3),
ProConnect's signed user information is read, and an identity opens the account that it was tied to: by its
``sub``, never by an address, which may be somebody else's one day.
"""

from __future__ import annotations

import hashlib
import secrets
import time
from typing import Any
from urllib.parse import urlencode

import jwt
import requests
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.core.exceptions import SuspiciousOperation
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from mozilla_django_oidc.auth import OIDCAuthenticationBackend  # type: ignore[import-untyped]
from mozilla_django_oidc.utils import import_from_settings  # type: ignore[import-untyped]
from mozilla_django_oidc.views import (  # type: ignore[import-untyped]
    OIDCAuthenticationCallbackView,
    OIDCAuthenticationRequestView,
)

from eclaireur.core.errors import RefusedError
from eclaireur.desk.accounts import acts
from eclaireur.desk.accounts.links import find_link, use_link
from eclaireur.desk.accounts.provider import TIMEOUT, Identity, discover, silent
from eclaireur.desk.models import User

__all__ = ["IdentityBackend", "IdentityRefusedError", "Return", "Start", "goodbye"]

_ALGORITHMS = ["RS256", "ES256"]
_SKEW = 60
_MINUTES = 10
_LINK, _MINE = "identity_link", "identity_account"


class IdentityRefusedError(RefusedError):
    """The provider's answer, or what it says of the person, does not open an account."""

    def __init__(
        self,
        message: str = "votre identité n'a pas pu être vérifiée.",
        fix: str = "Recommencez ; si cela persiste, prévenez votre administrateur.",
    ) -> None:
        super().__init__(message, fix=fix)

    def __reduce__(self) -> tuple[object, ...]:
        """Send the error to another process whole."""
        return type(self), (self.message, self.fix)


def _identity() -> Identity:
    found: Identity | None = settings.IDENTITY
    if found is None:
        raise IdentityRefusedError
    return found


def _setting(name: str, *default: Any) -> Any:
    """Answer the library's questions: from this installation's settings and the provider's description."""
    identity = _identity()
    fixed = {
        "OIDC_RP_CLIENT_ID": identity.client,
        "OIDC_RP_CLIENT_SECRET": identity.secret,
        "OIDC_RP_SIGN_ALGO": "RS256",  # asymmetric: the keys are fetched; `_claims` says which are taken
        "OIDC_USE_PKCE": True,
        "OIDC_USE_NONCE": True,
        "OIDC_STORE_ID_TOKEN": True,  # signing out at the provider shows it
        "OIDC_TIMEOUT": TIMEOUT,
        "OIDC_AUTHENTICATION_CALLBACK_URL": "identity_return",
        "OIDC_AUTH_REQUEST_EXTRA_PARAMS": {"acr_values": " ".join(identity.acr)} if identity.acr else {},
        "LOGIN_REDIRECT_URL": "/",
    }
    if name in fixed:
        return fixed[name]
    if name == "OIDC_RP_SCOPES" or name.startswith("OIDC_OP_"):
        found = discover(identity)
        asked = {
            "OIDC_RP_SCOPES": found.scopes,
            "OIDC_OP_AUTHORIZATION_ENDPOINT": found.authorization,
            "OIDC_OP_TOKEN_ENDPOINT": found.token,
            "OIDC_OP_USER_ENDPOINT": found.userinfo,
            "OIDC_OP_JWKS_ENDPOINT": found.keys,
        }
        if name in asked:
            return asked[name]
    return import_from_settings(name, *default)


class IdentityBackend(OIDCAuthenticationBackend):  # type: ignore[misc]
    """Opens the account of an identity."""

    get_settings = staticmethod(_setting)

    def __init__(self) -> None:
        # Signing in with a password passes through every backend: nothing may be asked of the provider here.
        self.UserModel = User

    def get_user(self, user_id: int) -> User | None:
        """Return the account of a session while it is open; the library would return a closed one too."""
        found: User | None = ModelBackend.get_user(self, user_id)
        return found

    def authenticate(self, request: HttpRequest | None, **kwargs: Any) -> User | None:
        """Exchange the code for tokens, check them, and return the account.

        Raises
        ------
        IdentityRefusedError
            If a token does not hold, or no account is tied to the identity.
        WorkFailedError
            If the provider does not answer.
        """
        if request is None or settings.IDENTITY is None or not kwargs.get("nonce"):
            return None
        super().__init__()
        try:
            found: User | None = super().authenticate(request, **kwargs)
        except (requests.ConnectionError, requests.Timeout) as error:
            raise silent(_identity()) from error
        except (
            jwt.PyJWTError,
            requests.RequestException,
            SuspiciousOperation,
            AttributeError,
            KeyError,
            TypeError,
            ValueError,
        ) as error:  # whatever else a provider sends in the place of tokens and keys
            raise IdentityRefusedError from error
        return found

    def get_payload_data(self, token: str, key: Any) -> dict[str, Any]:
        """Check an identity token whole and return its claims."""
        return self._claims(token, key, required=["exp", "iat", "iss", "aud", "sub"])

    def _claims(self, token: str, key: Any, *, required: list[str]) -> dict[str, Any]:
        identity = _identity()
        claims: dict[str, Any] = jwt.decode(
            token,
            key,
            algorithms=_ALGORITHMS,
            audience=identity.client,
            issuer=identity.issuer,
            leeway=_SKEW,
            options={"require": required},
        )
        many = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", None if many else identity.client) != identity.client:
            raise IdentityRefusedError
        return claims

    def get_userinfo(
        self,
        access_token: str,
        id_token: str,  # noqa: ARG002 (the library gives it)
        payload: dict[str, Any],
    ) -> dict[str, Any]:
        """Return what the provider says of the person: a signed token at ProConnect, JSON elsewhere."""
        answer = requests.get(
            self.OIDC_OP_USER_ENDPOINT,
            headers={"Authorization": f"Bearer {access_token}"},
            timeout=TIMEOUT,
            allow_redirects=False,
        )
        answer.raise_for_status()
        info: dict[str, Any]
        if answer.headers.get("content-type", "").lower().startswith("application/jwt"):
            key = self.retrieve_matching_jwk(answer.text)
            info = self._claims(answer.text, key, required=["iss", "aud", "sub"])
        else:
            info = answer.json()
        if info["sub"] != payload["sub"]:
            raise IdentityRefusedError  # Core 5.3.2: else it may be of somebody else
        return info

    def get_or_create_user(self, access_token: str, id_token: str, payload: dict[str, Any]) -> User:
        """Return the account tied to the identity, tie the one that waits for it, or refuse."""
        identity = _identity()
        if identity.acr and payload.get("acr") not in identity.acr:
            raise IdentityRefusedError(
                "cette connexion n'offre pas les garanties que le bureau demande.",
                "Reconnectez-vous avec une double authentification.",
            )
        info = self.get_userinfo(access_token, id_token, payload)
        if identity.sirets and str(info.get("siret", "")).replace(" ", "") not in identity.sirets:
            raise IdentityRefusedError(
                "ce bureau n'est pas ouvert à votre administration.",
                "Vérifiez l'administration choisie au moment de vous connecter.",
            )
        # With its issuer: `sub` is unique within one provider only.
        subject = f"{identity.issuer} {payload['sub']}"
        if len(subject) > 255:
            raise IdentityRefusedError
        return self._account(identity, subject, info)

    def _account(self, identity: Identity, subject: str, info: dict[str, Any]) -> User:
        known = User.objects.filter(subject=subject).first()
        waiting = self._tie(subject, known)
        if waiting is not None:
            return waiting
        if known is None and identity.create:
            return _newcomer(subject, info)
        if known is None:
            raise IdentityRefusedError(
                "votre identité est reconnue, mais aucun compte ne lui est relié.",
                "Demandez un lien à votre administrateur : sa page propose de vous connecter ainsi.",
            )
        if not known.is_active:
            raise IdentityRefusedError("ce compte est fermé.", "Adressez-vous à votre administrateur.")
        return known

    def _tie(self, subject: str, known: User | None) -> User | None:
        """Tie the identity to the account of the link, or of the person signed in, that began with it."""
        session = self.request.session
        token, mine = session.pop(_LINK, None), session.pop(_MINE, None)
        asking = self.request.user
        if token:
            link = find_link(token)
            user = link.user
        else:
            link = None
            user = asking if mine and asking.is_authenticated and asking.pk == mine else None
        if user is None:
            return None
        if known is not None and known.pk != user.pk:
            raise IdentityRefusedError(
                "cette identité est déjà reliée à un autre compte.",
                "Connectez-vous avec elle, ou demandez à votre administrateur de la détacher.",
            )
        with transaction.atomic():
            if link is not None:
                use_link(link)
            acts.bind_identity(user, subject)
        return User.objects.get(pk=user.pk)


def _newcomer(subject: str, info: dict[str, Any]) -> User:
    """Make an account that sees nothing until an administrator gives it rights."""
    names = (info.get("given_name"), info.get("usual_name") or info.get("family_name"))
    full_name = " ".join(str(name).strip() for name in names if name)[:150]
    email = str(info.get("email") or "")[:254]
    login = email.lower()[:150]
    if not login or User.objects.filter(login=login).exists():
        login = f"identite-{hashlib.sha256(subject.encode()).hexdigest()[:16]}"
    return acts.create_account(None, login, full_name or login, email, subject)


class Start(OIDCAuthenticationRequestView):  # type: ignore[misc]
    """Sends the browser to the provider, with a state, a nonce and a PKCE challenge of its own."""

    get_settings = staticmethod(_setting)

    def get(self, request: HttpRequest) -> HttpResponse:
        """Remember which account waits for the identity, if one does, and go."""
        for name in (_LINK, _MINE):
            request.session.pop(name, None)
        if request.GET.get("lien"):
            request.session[_LINK] = request.GET["lien"]
        elif request.GET.get("relier") and request.user.is_authenticated:
            request.session[_MINE] = request.user.pk
        answer: HttpResponse = super().get(request)
        return answer


class Return(OIDCAuthenticationCallbackView):  # type: ignore[misc]
    """Takes the provider's answer, once, within ten minutes, from the browser that asked."""

    get_settings = staticmethod(_setting)

    def get(self, request: HttpRequest) -> HttpResponse:
        """Sign in, or say why not."""
        states = request.session.get("oidc_states", {})
        state = request.GET.get("state", "")
        began = states.get(state, {}).get("added_on", 0)
        issuer = request.GET.get("iss", _identity().issuer)  # RFC 9207
        if request.GET.get("error") or time.time() - began > 60 * _MINUTES or issuer != _identity().issuer:
            states.pop(state, None)
            request.session["oidc_states"] = states
            raise IdentityRefusedError
        answer: HttpResponse = super().get(request)
        return answer

    def login_failure(self) -> HttpResponse:
        """Refuse: no account came out of the answer."""
        raise IdentityRefusedError


def goodbye(request: HttpRequest) -> str:
    """Return the address that ends the provider's own session; nothing when this session is not its own."""
    token = request.session.get("oidc_id_token")
    identity: Identity | None = settings.IDENTITY
    if not token or identity is None:
        return ""
    end = discover(identity).end_session
    values = {
        "id_token_hint": token,
        "post_logout_redirect_uri": request.build_absolute_uri("/connexion/"),
        "state": secrets.token_urlsafe(16),
    }
    return f"{end}{'&' if '?' in end else '?'}{urlencode(values)}" if end else ""

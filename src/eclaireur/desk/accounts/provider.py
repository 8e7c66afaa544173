"""The provider of identities: how it is set, and where it answers.

Nothing is asked of it before somebody signs in with it: without network the desk starts and passwords serve.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from eclaireur.core.errors import ConfigError, ExtraMissingError, WorkFailedError

if TYPE_CHECKING:
    from eclaireur.core.config import Settings

__all__ = ["TIMEOUT", "Endpoints", "Identity", "discover", "identity_settings", "silent"]

TIMEOUT = 10
"""Seconds that the provider has for each answer."""

_KEPT = 3600
_PROCONNECT = ("openid", "given_name", "usual_name", "email", "siret", "uid")
_COMMON = ("openid", "profile", "email")


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """An OpenID Connect provider, as this installation uses it."""

    issuer: str
    client: str
    secret: str = field(repr=False)
    name: str = "ProConnect"
    acr: tuple[str, ...] = ()
    sirets: frozenset[str] = frozenset()
    create: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoints:
    """Where the provider answers, from its own description."""

    authorization: str
    token: str
    userinfo: str
    keys: str
    end_session: str
    scopes: str


def identity_settings(settings: Settings) -> Identity | None:
    """Read how identities are provided; None when passwords alone serve.

    Raises
    ------
    ConfigError
        If a part is missing, or the provider would be reached without encryption.
    ExtraMissingError
        If the part of Éclaireur that talks to it is not installed.
    """
    given = (settings.oidc_issuer, settings.oidc_client, settings.oidc_secret)
    if not any(given):
        return None
    if not all(given):
        raise ConfigError(
            "la connexion par un fournisseur d'identité demande trois réglages.",
            fix="Définissez ensemble ECLAIREUR_OIDC_ISSUER, ECLAIREUR_OIDC_CLIENT et ECLAIREUR_OIDC_SECRET.",
        )
    if not _encrypted(settings.oidc_issuer):
        raise ConfigError(
            f"le fournisseur d'identité doit répondre en HTTPS : « {settings.oidc_issuer} ».",
            fix="Corrigez ECLAIREUR_OIDC_ISSUER.",
        )
    if settings.oidc_create not in {"yes", "no"}:
        raise ConfigError(
            f"valeur invalide pour ECLAIREUR_OIDC_CREATE : « {settings.oidc_create} ».",
            fix="Écrivez yes ou no.",
        )
    if importlib.util.find_spec("mozilla_django_oidc") is None:
        raise ExtraMissingError(
            "la connexion par un fournisseur d'identité demande une partie qui n'est pas installée.",
            fix="Lancez : ./eclaireur install oidc",
        )
    return Identity(
        issuer=settings.oidc_issuer,
        client=settings.oidc_client,
        secret=settings.oidc_secret,
        name=settings.oidc_name,
        acr=tuple(settings.oidc_acr.split()),
        sirets=frozenset(one.replace(" ", "") for one in settings.oidc_siret.split(",") if one.strip()),
        create=settings.oidc_create == "yes",
    )


_known: dict[str, tuple[float, Endpoints]] = {}


def discover(identity: Identity) -> Endpoints:
    """Return where the provider answers, asked at most once an hour in a process.

    OpenID Connect Discovery 1.0, section 4.3: the description must name the issuer that was asked.

    Raises
    ------
    WorkFailedError
        If it does not answer, or not as a provider does.
    """
    when, found = _known.get(identity.issuer, (0.0, None))
    if found is not None and time.monotonic() - when < _KEPT:
        return found
    found = _read(identity, _fetch(identity))
    _known[identity.issuer] = (time.monotonic(), found)
    return found


def silent(identity: Identity) -> WorkFailedError:
    """Return the error that says that the provider does not answer."""
    return WorkFailedError(
        f"{identity.name} ne répond pas.",
        fix="Réessayez dans un instant, ou connectez-vous avec votre mot de passe.",
    )


def _fetch(identity: Identity) -> dict[str, Any]:
    import requests

    try:
        answer = requests.get(
            f"{identity.issuer.rstrip('/')}/.well-known/openid-configuration",
            timeout=TIMEOUT,
            allow_redirects=False,
        )
        answer.raise_for_status()
        values = answer.json()
    except (requests.RequestException, ValueError) as error:
        raise silent(identity) from error
    if not isinstance(values, dict):
        raise silent(identity)
    return values


def _read(identity: Identity, values: dict[str, Any]) -> Endpoints:
    wanted = ("authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")
    addresses = [values.get(name) for name in wanted]
    end = values.get("end_session_endpoint", "")
    whole = all(isinstance(one, str) and _encrypted(one) for one in (*addresses, end or identity.issuer))
    if values.get("issuer") != identity.issuer or not whole:
        raise WorkFailedError(
            f"{identity.name} se décrit d'une façon inattendue.",
            fix="Votre administrateur doit vérifier ECLAIREUR_OIDC_ISSUER. Votre mot de passe sert toujours.",
        )
    offered = values.get("scopes_supported")
    scopes = [one for one in (*_PROCONNECT, "profile") if one in offered] if offered else _COMMON
    authorization, token, userinfo, keys = (str(one) for one in addresses)
    return Endpoints(
        authorization=authorization,
        token=token,
        userinfo=userinfo,
        keys=keys,
        end_session=str(end),
        scopes=" ".join(scopes),
    )


def _encrypted(address: str) -> bool:
    """Tell whether an address is HTTPS, or of this very machine, where tests and a local proxy answer."""
    parts = urlsplit(address)
    if parts.scheme == "https":
        return bool(parts.hostname)
    try:
        return parts.scheme == "http" and ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False

"""Who asks: a program by its key, or a person by the open session. Both the scope and the perimeter count."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.conf import settings
from django.http import HttpRequest
from ninja.security import APIKeyCookie, HttpBearer
from ninja.utils import check_csrf

from eclaireur.desk.access import reach_of
from eclaireur.desk.accounts.keys import find
from eclaireur.desk.api.errors import FailureError
from eclaireur.desk.overload import keys_asking

if TYPE_CHECKING:
    from eclaireur.desk.access import Reach
    from eclaireur.desk.models import ApiKey, User

__all__ = [
    "Caller",
    "Calling",
    "Key",
    "OpenSession",
    "needs",
]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. ``user`` answers for what is done: the person, or who made the key."""

    user: User
    reach: Reach
    key: ApiKey | None = None

    @property
    def program(self) -> str:
        """Name of the program, for the journal; empty for a person."""
        return str(self.key) if self.key else ""

    @property
    def holder(self) -> User | ApiKey:
        """Who takes a file away."""
        return self.key or self.user


class Calling(HttpRequest):
    """A request whose caller is known."""

    auth: Caller


class Key(HttpBearer):
    """Lets in a program that shows its key, when the key has the scope."""

    openapi_description = "La clé d'un programme, telle qu'elle a été donnée : ecl_…"

    def __init__(self, scope: str) -> None:
        super().__init__()
        self.scope = scope

    def authenticate(self, request: HttpRequest, token: str) -> Caller:  # noqa: ARG002 (the framework's)
        """Return the caller, or say why it is refused: a bad key never falls back on a session."""
        key = find(token.strip())
        if key is None:
            raise FailureError(
                401, headers={"WWW-Authenticate": 'Bearer realm="eclaireur", error="invalid_token"'}
            )
        wait = keys_asking.count(key.pk, most=settings.API_PER_MINUTE)
        if wait:
            raise FailureError(429, headers={"Retry-After": str(wait)})
        if self.scope not in key.scopes:
            raise FailureError(
                403,
                f"cette clé n'a pas le droit « {self.scope} ».",
                kind="missing_scope",
                fix="Demandez à votre administrateur une clé qui l'a.",
                headers={
                    "WWW-Authenticate": f'Bearer realm="eclaireur", error="insufficient_scope", '
                    f'scope="{self.scope}"'
                },
            )
        return Caller(key.created_by, reach_of(key), key)


class OpenSession(APIKeyCookie):
    """Lets in a person who is signed in; what changes something needs the token of our pages."""

    param_name = settings.SESSION_COOKIE_NAME
    openapi_description = "La session d'une personne connectée ; écrire demande aussi l'en-tête X-CSRFToken."

    def _get_key(self, request: HttpRequest) -> str | None:
        return request.COOKIES.get(self.param_name)

    def authenticate(self, request: HttpRequest, key: str | None) -> Caller | None:  # noqa: ARG002 (the framework's)
        """Return the caller, or None when nobody is signed in."""
        if not request.user.is_authenticated or not request.user.is_active:
            return None
        if check_csrf(request) is not None:
            raise FailureError(
                403,
                "cette page est restée ouverte trop longtemps.",
                kind="missing_token",
                fix="Rien n'a été enregistré. Rechargez-la, puis recommencez.",
            )
        return Caller(request.user, reach_of(request.user))


def needs(scope: str) -> list[Key | OpenSession]:
    """Return who may ask for what a scope covers."""
    return [Key(scope), OpenSession()]

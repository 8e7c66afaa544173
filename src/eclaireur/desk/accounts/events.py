"""What the log of the service tells of security: who entered, who failed to, and what was refused to whom.

One JSON object a line, on the standard error that the service manager collects: nobody writes a line of it
by what they type. The journal tells what was decided and given; this log, what was tried. It holds no
password, no question of an address, and no login that no account has, which may be a password typed in the
wrong field.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from django.contrib.auth import BACKEND_SESSION_KEY

from eclaireur.desk.accounts import throttling
from eclaireur.desk.accounts.entering import address_of

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

__all__ = ["LOGGER", "entered", "failed", "left", "tell", "tell_refusals"]

LOGGER = "eclaireur.security"

_LOG = logging.getLogger(LOGGER)
_REFUSED = {401: "unknown", 403: "forbidden", 404: "out of reach", 405: "method", 429: "too often"}
_LONGEST = 200


def tell(event: str, request: HttpRequest | None, **more: Any) -> None:
    """Write one event: when, what, from where, and what else is known."""
    line = {"time": datetime.now(UTC).isoformat(timespec="milliseconds"), "event": event}
    if request is not None:
        line["address"] = address_of(request)
    _LOG.info("%s", json.dumps({**line, **more}, ensure_ascii=True))


def entered(sender: Any, request: HttpRequest, user: Any, **_: Any) -> None:
    """Tell that somebody entered, and how."""
    way = str(request.session.get(BACKEND_SESSION_KEY, "")).rpartition(".")[2]
    tell("entered", request, who=user.login, way=way)


def left(sender: Any, request: HttpRequest, user: Any, **_: Any) -> None:
    """Tell that somebody left."""
    if user is not None:
        tell("left", request, who=user.login)


def failed(sender: Any, credentials: dict[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """Tell that somebody failed to enter; a login that no account has is told by its keyed hash."""
    tell("failed", request, who=throttling.name_of(str(credentials.get("username", ""))))


def tell_refusals(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Tell what was refused; a page that does not exist only when somebody signed in asks for it.

    What lies outside a reach is answered as what does not exist: both are told alike here too.
    """

    def answer(request: HttpRequest) -> HttpResponse:
        response = get_response(request)
        event = _REFUSED.get(response.status_code)
        if event is None:
            return response
        who = request.user.login if request.user.is_authenticated else ""
        if who or response.status_code != 404:
            path = request.path_info[:_LONGEST]
            tell("refused", request, who=who, why=event, method=request.method, path=path)
        return response

    return answer

"""Pages for what went wrong: what happened, what is safe, what to do."""

from __future__ import annotations

import logging
import sys

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from eclaireur.core.errors import EclaireurError
from eclaireur.desk.outages import RETRY, outage

__all__ = ["bad_request", "forbidden", "not_found", "server_error", "unavailable"]

_LOG = logging.getLogger(__name__)


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer a request that cannot be understood."""
    return _say(request, 400, "la demande est mal formée.", "Revenez à la page précédente, puis recommencez.")


def forbidden(request: HttpRequest, exception: Exception | None = None, reason: str = "") -> HttpResponse:
    """Answer a form without its token: a session that ended, or a page kept open too long."""
    return _say(
        request,
        403,
        "cette page est restée ouverte trop longtemps, ou votre session a pris fin.",
        "Rien n'a été enregistré. Rechargez la page, puis recommencez.",
    )


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer for what does not exist, or lies outside the perimeter of who asks: the same words."""
    return _say(
        request,
        404,
        "cette page n'existe pas, ou elle est hors de votre périmètre.",
        "Vérifiez l'adresse, ou demandez un droit à votre administrateur.",
    )


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer for a fault of ours, or for what the machine lacked outside of any page."""
    return unavailable(request, sys.exception()) or _say(
        request,
        500,
        "le bureau a rencontré une erreur.",
        "Vos décisions enregistrées sont sauves. Réessayez ; si cela persiste, prévenez l'administrateur.",
    )


def unavailable(request: HttpRequest, exception: BaseException | None) -> HttpResponse | None:
    """Name what the machine lacks, with 503; None when the error does not come from it."""
    found = outage(exception)
    if found is None:
        return None
    _LOG.warning("%s : %s (%s)", request.path_info, found.message, exception)
    response = _say(request, 503, found.message, found.fix)
    response["Retry-After"] = str(RETRY)
    return response


def _say(request: HttpRequest, status: int, message: str, fix: str) -> HttpResponse:
    error = EclaireurError(message, fix=fix)
    return render(request, "desk/error.html", {"error": error, "status": status}, status=status)

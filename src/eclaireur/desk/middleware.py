"""What every answer goes through: safe headers, errors in French, who is asking."""

from __future__ import annotations

from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from eclaireur.core.errors import EclaireurError, NotFoundError, WorkFailedError
from eclaireur.desk.access import nobody, reach_of
from eclaireur.desk.accounts.entering import CODED, PASSWORD
from eclaireur.desk.accounts.second import asked_of
from eclaireur.desk.api.errors import PREFIX, answer_error
from eclaireur.desk.pages.errors import unavailable

__all__ = ["POLICY", "Handler", "french_errors", "safe_headers", "signed_in", "with_second_factor"]

Handler = Callable[[HttpRequest], HttpResponse]

POLICY = "; ".join(  # noqa: FLY002 (a directive a line)
    [
        "default-src 'none'",
        "object-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data: blob:",  # the map draws its tiles as blobs
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ]
)
"""Nothing from elsewhere, no inline script or style."""


def safe_headers(get_response: Handler) -> Handler:
    """Add the content security policy, and keep private pages out of every cache."""

    def answer(request: HttpRequest) -> HttpResponse:
        if request.method in _ECHOES:
            return _refused(request)
        response = get_response(request)
        response.setdefault("Content-Security-Policy", POLICY)
        response.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        # Who is signed in leaves nothing on the disk of a machine that others use.
        response.setdefault(
            "Cache-Control", "private, no-store" if _personal(request) else "private, no-cache"
        )
        return response

    return answer


_ECHOES = {"TRACE", "TRACK", "CONNECT"}
"""Methods that send back what was asked, cookies included, or ask for another machine: for nobody."""


def _refused(request: HttpRequest) -> HttpResponse:
    response = HttpResponse("Méthode refusée.\n", content_type="text/plain; charset=utf-8", status=405)
    response["Allow"] = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"
    response["Content-Security-Policy"] = POLICY
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _personal(request: HttpRequest) -> bool:
    """Tell whether a request shows a session or a key, without asking the database, which may be down."""
    return settings.SESSION_COOKIE_NAME in request.COOKIES or "Authorization" in request.headers


def french_errors(get_response: Handler) -> Handler:
    """Turn an error that Éclaireur raises on purpose, or that the machine causes, into a page in words."""

    def answer(request: HttpRequest) -> HttpResponse:
        return get_response(request)

    def process_exception(request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, EclaireurError):
            return unavailable(request, exception)
        status = (
            404
            if isinstance(exception, NotFoundError)
            else 503
            if isinstance(exception, WorkFailedError)
            else 400
        )
        return render(request, "desk/error.html", {"error": exception, "status": status}, status=status)

    answer.process_exception = process_exception  # type: ignore[attr-defined]
    return answer


def signed_in(get_response: Handler) -> Handler:
    """Read once what the person who asks may see: ``request.reach``."""

    def answer(request: HttpRequest) -> HttpResponse:
        user = request.user
        request.reach = reach_of(user) if user.is_authenticated and user.is_active else nobody  # type: ignore[attr-defined]
        return get_response(request)

    return answer


_ALWAYS = ("/compte/second-facteur/", "/connexion/", "/deconnexion/", "/static/")


def with_second_factor(get_response: Handler) -> Handler:
    """Lead who must have a second factor, and entered by a password alone, to the page that adds one."""

    def answer(request: HttpRequest) -> HttpResponse:
        if settings.SECOND_FACTOR == "chosen" or not request.user.is_authenticated:
            return get_response(request)
        session = request.session
        other_way = session.get(BACKEND_SESSION_KEY) != PASSWORD  # the provider answers for its own factors
        if session.get(CODED) or other_way or request.path.startswith(_ALWAYS) or not asked_of(request.user):
            return get_response(request)
        if request.path.startswith(PREFIX):
            message, fix = "un second facteur est demandé à ce compte.", "Ajoutez-le dans « Mon compte »."
            return answer_error(403, message=message, fix=fix)
        return HttpResponseRedirect(_ALWAYS[0])

    return answer

"""A form that arrives after its session ended: nothing is saved, what was typed is given back."""

from __future__ import annotations

from urllib.parse import urlencode, urlsplit

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from eclaireur.desk.accounts.entering import safe_next

__all__ = ["session_lost"]

_SHORTEST = 12


def session_lost(request: HttpRequest) -> HttpResponse:
    """Say that nothing was saved, show the sentences that were typed, and lead back to the page of the form.

    In a fragment's stead, 403: the page stays as it is, with what was typed, and says so (desk.js).
    """
    if request.headers.get("HX-Request"):
        return HttpResponse(status=403)
    context = {"back": f"/connexion/?{urlencode({'next': _page(request)})}", "typed": _typed(request)}
    return render(request, "desk/account_lost.html", context, status=401)


def _page(request: HttpRequest) -> str:
    parts = urlsplit(request.headers.get("Referer", ""))
    if parts.netloc != request.get_host():
        return "/"
    return safe_next(request, f"{parts.path}?{parts.query}" if parts.query else parts.path)


def _typed(request: HttpRequest) -> list[str]:
    """Return what a person wrote, as far as it is a sentence: codes and secrets are not."""
    found = [
        value
        for name, values in request.POST.lists()
        if name != "csrfmiddlewaretoken" and "password" not in name and name not in {"again", "current"}
        for value in values
    ]
    return [str(value) for value in found if len(value) >= _SHORTEST and " " in value]

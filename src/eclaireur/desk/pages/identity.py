"""Signing in with ProConnect, or another OpenID Connect provider, where the installation has one."""

from __future__ import annotations

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from eclaireur.core.errors import RefusedError

__all__ = ["come_back", "go", "urlpatterns"]


@never_cache
@require_GET
def go(request: HttpRequest) -> HttpResponse:
    """Send the browser to the provider, from our page or a typed address: no other site signs in."""
    _provided()
    if request.headers.get("Sec-Fetch-Site", "none") in {"cross-site", "same-site"}:
        return HttpResponseRedirect("/connexion/")
    from eclaireur.desk.accounts.oidc import Start

    answer: HttpResponse = Start.as_view()(request)
    return answer


@never_cache
@require_GET
def come_back(request: HttpRequest) -> HttpResponse:
    """Take the provider's answer: sign in, or say why not."""
    _provided()
    from eclaireur.desk.accounts.oidc import Return

    try:
        answer: HttpResponse = Return.as_view()(request)
    except RefusedError as error:
        context = {"error": error, "identity": settings.IDENTITY}
        return render(request, "desk/account_identity.html", context, status=403)
    return answer


def _provided() -> None:
    if settings.IDENTITY is None:
        raise Http404


urlpatterns = [
    path("connexion/identite/", go),
    path("connexion/identite/retour/", come_back, name="identity_return"),
]

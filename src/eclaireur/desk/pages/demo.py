"""The way into the demonstration: a link that signs its agent in once. It exists in no other workspace."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_GET

from eclaireur.desk.accounts.entering import enter as enter_as
from eclaireur.desk.demo import CASE, once
from eclaireur.desk.models import Grant, SetupLink, Worklist
from eclaireur.desk.place import workspace
from eclaireur.desk.start import holds_demo

__all__ = ["enter", "urlpatterns"]


@require_GET
def enter(request: HttpRequest, token: str) -> HttpResponse:
    """Sign in, once, and show the list; a link that served leads to the sign-in page."""
    if not holds_demo(workspace().home):
        raise Http404
    now = timezone.now()
    links = SetupLink.objects.filter(hash=once(token), used=None, expires__gt=now, user__is_active=True)
    link = links.select_related("user").first()
    # The update chooses: of two clicks at once, one enters.
    if link is None or link.user is None or not links.update(used=now):
        return redirect("/connexion/")
    enter_as(request, link.user)
    cases = Grant.objects.filter(user=link.user).values("case")
    lists = Worklist.objects.filter(case__in=cases, closed=None, edition__training=False)
    newest = lists.order_by("-pk").first()
    return redirect(f"/{newest.case if newest else CASE}/")


urlpatterns = [path("demonstration/<str:token>/", enter)]

"""The statement of accessibility, to anybody."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_GET

from eclaireur.desk.accessibility import EXAMINED, statement
from eclaireur.desk.place import workspace

__all__ = ["accessibility", "urlpatterns"]


@require_GET
def accessibility(request: HttpRequest) -> HttpResponse:
    """Show what the law asks to be said, and the grid behind it."""
    settings = workspace().settings
    context = {
        "told": statement(),
        "examined": EXAMINED,
        "administration": settings.administration,
        "contact": settings.accessibility_contact,
    }
    return render(request, "desk/accessibility.html", context)


urlpatterns = [path("accessibilite/", accessibility)]

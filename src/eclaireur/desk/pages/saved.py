"""The searches that a person keeps: what is new in each since it was last read."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path

from eclaireur.core.errors import BadValueError, ExtraMissingError, NotFoundError
from eclaireur.desk.asking import Asking, page
from eclaireur.desk.finding import Asked
from eclaireur.desk.models import SavedSearch
from eclaireur.desk.pages.reader import frame
from eclaireur.desk.saved_searches import MOST, forget, mark_read, news, save

if TYPE_CHECKING:
    from eclaireur.core.card import Card

__all__ = ["saved", "urlpatterns"]

_SHOWN = 10


@page
def saved(request: Asking, case: str) -> HttpResponse:
    """List the searches that are kept; on sending, keep one more, note one as read, or forget one."""
    context = frame(request, case)
    error: BadValueError | None = None
    if request.method == "POST":
        try:
            return _act(request, context["case"])
        except BadValueError as found:
            error = found
    try:
        rows = news(request.user, context["case"], request.reach)
    except (NotFoundError, ExtraMissingError):
        rows = []
    context |= {"error": error, "rows": rows, "most": MOST, "shown": _SHOWN}
    return render(request, "desk/saved.html", context, status=422 if error else 200)


def _act(request: Asking, card: Card) -> HttpResponse:
    asked = request.POST
    here = f"/{card.name}/recherches/"
    if asked.get("act") == "save":
        wanted = Asked.read(asked, card.index.facets if card.index else ())
        made = save(request.user, card, request.reach, asked.get("title", ""), wanted)
        messages.success(request, f"Recherche « {made.title} » gardée.")
        return HttpResponseRedirect(here)
    number = asked.get("search", "")
    rows = SavedSearch.objects.filter(user=request.user, case=card.name)
    row = rows.filter(pk=int(number)).first() if number.isdecimal() and len(number) < 19 else None
    if row is None:
        raise Http404
    if asked.get("act") == "forget":
        forget(row)
        messages.success(request, f"Recherche « {row.title} » oubliée.")
    elif asked.get("act") == "read":
        mark_read(card, request.reach, row)
    else:
        raise BadValueError("cette action n'existe pas.", fix="Utilisez les boutons de la page.")
    return HttpResponseRedirect(here)


urlpatterns = [path("<reader:case>/recherches/", saved)]

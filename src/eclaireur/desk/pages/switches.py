"""Suspend a case, or take it up again."""

from __future__ import annotations

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path

from eclaireur.core.errors import BadValueError
from eclaireur.desk.access import Action
from eclaireur.desk.asking import Asking, card_within, page
from eclaireur.desk.switching import stopped, switch as turn

__all__ = ["switch", "urlpatterns"]


@page
def switch(request: Asking, case: str) -> HttpResponse:
    """Ask the reason, then suspend the case or take it up again, in every process at once."""
    card = card_within(request, case)
    if not request.reach.may_everywhere(Action.STOP, case):
        raise Http404
    row, error = stopped(case), None
    if request.method == "POST":
        try:
            turn(request.user, case, stop=row is None, reason=request.POST.get("reason", ""))
        except BadValueError as found:
            error = found
        else:
            messages.success(request, "Cas d’usage repris." if row else "Cas d’usage suspendu.")
            return HttpResponseRedirect(f"/{case}/")
    context = {"case": card, "switch": row, "error": error, "typed": request.POST.get("reason", "")}
    return render(request, "desk/switch.html", context, status=422 if error else 200)


urlpatterns = [path("<case:case>/suspendre/", switch)]

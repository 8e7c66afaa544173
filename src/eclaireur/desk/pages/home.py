"""The first page: my cases, what waits for me, how old the data are, what is suspended."""

from __future__ import annotations

from typing import Any

from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_GET

from eclaireur.core.card import Card, Desk
from eclaireur.desk.access import Action
from eclaireur.desk.asking import Asking, page
from eclaireur.desk.listing import current_edition, open_worklists
from eclaireur.desk.models import Dossier, Item
from eclaireur.desk.pages.intake import intake_state
from eclaireur.desk.pages.lists import truth
from eclaireur.desk.pages.reader import read_state
from eclaireur.desk.pages.workbench import bench_state
from eclaireur.desk.served import served_cards
from eclaireur.desk.switching import stopped

__all__ = ["home", "urlpatterns"]

_SOON = 20


@require_GET
@page
def home(request: Asking) -> HttpResponse:
    """Show what waits, case by case, then the dossiers whose deadline comes first."""
    mine = [card for card in served_cards() if request.reach.cases([card.name])]
    context = {"cases": [_case(request, card) for card in mine], "soon": _soon(request)}
    return render(request, "desk/home.html", context)


def _case(request: Asking, card: Card) -> dict[str, Any]:
    if card.desk is Desk.READER:
        return {"card": card, "reads": True, **read_state(request, card)}
    if card.desk is Desk.WORKBENCH:
        return {"card": card, "benched": True, **bench_state(request, card)}
    if card.desk is Desk.INTAKE:
        return {"card": card, "receives": True, **intake_state(request, card)}
    reach = request.reach
    rows = Item.objects.within(reach).filter(
        case=card.name, worklist__closed=None, worklist__edition__training=False
    )
    dossiers = Dossier.objects.within(reach).filter(case=card.name, training=False).exclude(status="")
    today = timezone.localdate()
    return {
        "card": card,
        "lists": open_worklists(reach, card.name).count(),
        "total": rows.count(),
        "waiting": rows.filter(verdict="").count(),
        "mine": dossiers.filter(assigned_to=request.user).count(),
        "late": dossiers.filter(due__lt=today).count(),
        "switch": stopped(card.name),
        "connects": reach.may_somewhere(Action.CONNECT, card.name),
        "draws": reach.may_somewhere(Action.DRAW, card.name),
        **truth(current_edition(reach, card.name)),
    }


def _soon(request: Asking) -> list[Dossier]:
    """Return the dossiers with the nearest deadlines: the person's own first, then nobody's."""
    rows = (
        Dossier.objects.within(request.reach)
        .filter(Q(assigned_to=request.user) | Q(assigned_to=None), training=False)
        .exclude(due=None)
        .select_related("assigned_to")
        .order_by("due", "name")
    )
    return list(rows[:_SOON])


urlpatterns = [path("", home)]

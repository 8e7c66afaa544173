"""The reader desk: search the documents of a case, filter, count, and open one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_GET

from eclaireur.core.card import Desk
from eclaireur.core.errors import BadValueError, ExtraMissingError, NotFoundError
from eclaireur.desk.access import Action
from eclaireur.desk.asking import Asking, card_within, page
from eclaireur.desk.finding import Asked, Results, ends_of, titles_begun
from eclaireur.desk.jobs.queue import ACTIVE
from eclaireur.desk.models import Job, SavedSearch
from eclaireur.desk.place import work_on, workspace
from eclaireur.desk.switching import stopped
from eclaireur.service.annotating import annotates
from eclaireur.service.indexing import index_origin

if TYPE_CHECKING:
    from eclaireur.core.card import Card

__all__ = ["complete", "desk", "frame", "read_state", "urlpatterns"]


def frame(request: Asking, case: str) -> dict[str, Any]:
    """Return what every page of a reader case shows: the case, its index, whether it is suspended."""
    card = card_within(request, case, Desk.READER)
    return {"case": card, "origin": index_origin(workspace(), case), "switch": stopped(case)}


def read_state(request: Asking, card: Card) -> dict[str, Any]:
    """Return what the first page says of a reader case: its index, or how it comes."""
    return {
        "origin": index_origin(workspace(), card.name),
        "switch": stopped(card.name),
        "annotates": request.reach.may_somewhere(Action.DECIDE, card.name) and annotates(work_on(card.name)),
        "kept": SavedSearch.objects.filter(user=request.user, case=card.name).count(),
        "computes": request.reach.may_everywhere(Action.COMPUTE, card.name),
    }


@page
def desk(request: Asking, case: str) -> HttpResponse:
    """Search a case. A long question comes by a form, since an address is bounded; the answer is the same."""
    context = frame(request, case)
    card = context["case"]
    given = request.POST if request.method == "POST" else request.GET
    asked = Asked.read(given, card.index.facets if card.index else ())
    context |= {
        "asked": asked,
        "can_compute": request.reach.may_everywhere(Action.COMPUTE, case),
        "can_connect": request.reach.may_everywhere(Action.CONNECT, case),
        "can_stop": request.reach.may_everywhere(Action.STOP, case),
    }
    status = 200
    try:
        context["results"] = Results(card, request.reach, asked)
    except NotFoundError:
        context["absent"] = True
        context["preparing"] = Job.objects.filter(case=case, kind="index", state__in=ACTIVE).first()
    except ExtraMissingError as error:
        context["missing"] = error
        status = 503
    except BadValueError as error:
        context["error"] = error
        status = 422
    return render(request, "desk/reader.html", context, status=status)


@require_GET
@page
def complete(request: Asking, case: str) -> JsonResponse:
    """Give the words that may end the last one typed, and whole titles; none of what cannot be read."""
    card = card_within(request, case, Desk.READER)
    asked = Asked.read(request.GET, card.index.facets if card.index else ())
    try:
        words, titles = ends_of(card, request.reach, asked), titles_begun(card, request.reach, asked)
    except (NotFoundError, ExtraMissingError, BadValueError):
        words, titles = [], []
    return JsonResponse(
        {"words": words, "titles": [{"title": title, "address": address} for title, address in titles]}
    )


urlpatterns = [path("<reader:case>/", desk), path("<reader:case>/completer/", complete)]

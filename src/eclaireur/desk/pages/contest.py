"""Contests: the form that anybody may send, how it is followed, and where agents answer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_GET

from eclaireur.core.card import Desk
from eclaireur.core.catalog import find_card
from eclaireur.core.errors import BadValueError, NotFoundError, WorkFailedError
from eclaireur.core.mention import mentions
from eclaireur.core.types import Verdict
from eclaireur.desk import contests
from eclaireur.desk.access import Action
from eclaireur.desk.accounts.entering import address_of
from eclaireur.desk.asking import Asking, card_within, page
from eclaireur.desk.blocks import render_blocks
from eclaireur.desk.models import Contest
from eclaireur.desk.place import workspace
from eclaireur.desk.served import served_cards
from eclaireur.desk.sheets import open_sheet
from eclaireur.desk.switching import stopped
from eclaireur.service.declaring import contact_of

if TYPE_CHECKING:
    from eclaireur.core.card import Card

__all__ = ["answer", "contest", "followed", "received", "urlpatterns"]

_PAGE = 50


def contest(request: HttpRequest) -> HttpResponse:
    """Let anybody contest, without an account; what is known of an identifier is never told."""
    cards = _cards()
    chosen = request.POST.get("case") or request.GET.get("cas", "")
    error: BadValueError | WorkFailedError | None = None
    if request.method == "POST":
        try:
            _check_case(chosen, cards)
            made = contests.send(chosen, request.POST.dict(), address=address_of(request))
        except (BadValueError, WorkFailedError) as found:
            error = found
        else:
            return render(request, "desk/contest_sent.html", {"contest": made, "card": find_card(chosen)})
    context = {
        "cards": cards,
        "chosen": chosen,
        "typed": request.POST,
        "error": error,
        "longest": contests.LONGEST,
    }
    status = 200 if error is None else 422 if isinstance(error, BadValueError) else 429
    answered = render(request, "desk/contest.html", context, status=status)
    if status == 429:
        answered["Retry-After"] = "3600"
    return answered


def _check_case(chosen: str, cards: list[Card]) -> None:
    if chosen not in {card.name for card in cards}:
        raise BadValueError("choisissez la démarche.", fix="Choisissez-la.", column="case")


def _cards() -> list[Card]:
    return [card for card in served_cards() if card.desk is Desk.TARGET]


def followed(request: HttpRequest) -> HttpResponse:
    """Show where a contest is to who has its reference, typed in a form so that no address holds it."""
    found: Contest | None = None
    error: NotFoundError | None = None
    context: dict[str, Any] = {"typed": request.POST.get("reference", "")[:40]}
    if request.method == "POST":
        try:
            found = contests.follow(context["typed"])
        except NotFoundError as missing:
            error = missing
        else:
            card = find_card(found.case)
            said = contests.said_of(found)
            context |= {
                "card": card,
                "reply": said.get("reply", ""),
                "mentions": mentions(card, contact_of(workspace(), card)).items(),
            }
    context |= {"contest": found, "error": error, "late": bool(found and _late(found))}
    return render(request, "desk/contest_followed.html", context, status=404 if error else 200)


def _late(row: Contest) -> bool:
    return row.answered is None and row.due < timezone.localdate()


@require_GET
@page
def received(request: Asking, case: str) -> HttpResponse:
    """List the contests of a case within reach, those to answer first."""
    card = card_within(request, case)
    if not request.reach.may_somewhere(Action.DECIDE, case):
        raise Http404
    rows = (
        Contest.objects.filter(request.reach.rows(Action.DECIDE), case=case)
        .select_related("dossier", "taken_by")
        .order_by("answered", "due", "pk")
    )
    waiting = rows.filter(answered=None)
    shown = Paginator(rows, _PAGE).get_page(request.GET.get("page"))
    context = {
        "case": card,
        "rows": [(row, _late(row)) for row in shown],
        "shown": shown,
        "waiting": waiting.count(),
        "late": waiting.filter(due__lt=timezone.localdate()).count(),
    }
    return render(request, "desk/contests.html", context)


@page
def answer(request: Asking, case: str, pk: int) -> HttpResponse:
    """Show a contest with its dossier, the score hidden; take it, then answer it."""
    card = card_within(request, case)
    rows = Contest.objects.filter(request.reach.rows(Action.DECIDE), case=case)
    row = get_object_or_404(rows.select_related("dossier", "taken_by"), pk=pk)
    error: BadValueError | None = None
    if request.method == "POST":
        try:
            _act(request, row)
        except BadValueError as found:
            error = found
        else:
            return HttpResponseRedirect(f"/{case}/contestations/{pk}/")
    context = {
        "case": card,
        "contest": row,
        "late": _late(row),
        "said": contests.said_of(row),
        "barred": request.user.pk in contests.deciders(row),
        "blocks": _blocks(request, card, row),
        "verdicts": [(one.value, one.french) for one in Verdict],
        "procedure": card.procedure,
        "error": error,
        "typed": request.POST,
    }
    return render(request, "desk/contest_answer.html", context, status=422 if error else 200)


def _blocks(request: Asking, card: Card, row: Contest) -> str:
    """Return what the dossier holds, without score, weights or past ranks; nothing for one out of sight."""
    if row.dossier_id is None:
        return ""
    try:
        shown = open_sheet(card, request.reach, row.dossier_id)
    except NotFoundError:
        return ""
    shown.hidden = True
    return render_blocks(shown.blocks(stopped=stopped(card.name) is not None), weights=False)


def _act(request: Asking, row: Contest) -> None:
    if request.POST.get("act") == "take":
        contests.take(request.user, row)
        return
    code = request.POST.get("verdict", "")
    try:
        verdict = Verdict(code) if code else None
    except ValueError as wrong:
        raise BadValueError("cet avis n'existe pas.", fix="Choisissez-en un.", column="verdict") from wrong
    said = contests.Reply(
        text=request.POST.get("text", ""),
        verdict=verdict,
        reason_code=request.POST.get("reason_code", ""),
    )
    contests.reply(request.user, row, said)
    messages.success(request, "Réponse enregistrée.")


urlpatterns = [
    path("contester/", contest),
    path("contester/suivi/", followed),
    path("<case:case>/contestations/", received),
    path("<case:case>/contestations/<int:pk>/", answer),
]

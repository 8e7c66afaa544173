"""Draw a list under a capacity: what it reaches, what it costs, which areas lose, then the list itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.db.models import Count, Exists, OuterRef, Sum
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from eclaireur.core.card import Desk
from eclaireur.core.errors import BadValueError
from eclaireur.desk.access import Action
from eclaireur.desk.asking import Asking, card_within, page
from eclaireur.desk.listing import current_edition, open_worklists
from eclaireur.desk.models import Edition, Item, Target, Worklist
from eclaireur.desk.pages.lists import truth
from eclaireur.desk.publishing import draw_list, touch
from eclaireur.desk.switching import refuse_if_stopped, stopped

if TYPE_CHECKING:
    from django.http import QueryDict

    from eclaireur.core.card import Card

__all__ = ["close", "draw", "preview", "urlpatterns"]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the form asks: capacity, share at random, areas."""

    capacity: int
    random_share: float
    areas: tuple[str, ...]


def _read(asked: QueryDict) -> _Asked:
    capacity, share = asked.get("capacity", "40"), asked.get("random", "10").replace(",", ".")
    if not capacity.isdecimal() or not 1 <= int(capacity) <= 100_000:
        raise BadValueError(
            "le nombre de contrôles possibles doit être un nombre entier, de 1 à 100 000.",
            fix="Corrigez-le.",
            column="capacity",
        )
    try:
        percent = float(share)
    except ValueError:
        percent = -1.0
    if not 0 <= percent <= 50:
        raise BadValueError(
            "la part tirée au hasard va de 0 à 50 %.", fix="Écrivez 10 pour un dixième.", column="random"
        )
    areas = tuple(sorted(set(asked.getlist("area"))))
    return _Asked(capacity=int(capacity), random_share=percent / 100, areas=areas)


def _edition(request: Asking, card: Card) -> Edition:
    edition = current_edition(request.reach, card.name)
    if edition is None or not request.reach.may_somewhere(Action.DRAW, card.name):
        raise Http404
    return edition


def _areas(request: Asking, edition: Edition) -> list[str]:
    """Return the areas from which the person may draw."""
    rows = Target.objects.filter(request.reach.rows(Action.DRAW), edition=edition)
    return list(rows.order_by("area").values_list("area", flat=True).distinct())


@page
def draw(request: Asking, case: str) -> HttpResponse:
    """Show what a capacity would reach; on sending, draw the list and open it."""
    card = card_within(request, case, Desk.TARGET)
    edition = _edition(request, card)
    areas = _areas(request, edition)
    error, asked = None, _Asked(capacity=40, random_share=0.1, areas=())
    if request.method == "POST":
        try:
            asked = _read(request.POST)
            worklist = _draw(request, edition, asked, areas)
        except BadValueError as found:
            error = found
        else:
            messages.success(request, f"Liste tirée : {worklist.items.count()} lignes à traiter.")
            return HttpResponseRedirect(f"/{case}/?liste={worklist.pk}")
    context = {
        "case": card,
        "areas": areas,
        "asked": asked,
        "typed": request.POST,
        "error": error,
        "reached": _reached(request, card, edition, asked, areas),
        "open": open_worklists(request.reach, case),
        "title": request.POST.get("title") or _title(),
        "switch": stopped(case),
        "percent": f"{100 * asked.random_share:g}",
        **truth(edition),
    }
    return render(request, "desk/draw.html", context, status=422 if error else 200)


def _title() -> str:
    from django.utils.formats import date_format

    return f"Liste de {date_format(timezone.localdate(), 'F Y')}"


def _draw(request: Asking, edition: Edition, asked: _Asked, areas: list[str]) -> Worklist:
    refuse_if_stopped(edition.case)
    chosen = _chosen(asked, areas)
    title = request.POST.get("title", "").strip()[:200] or _title()
    everywhere = request.reach.may_everywhere(Action.DRAW, edition.case, edition.service)
    return draw_list(
        edition,
        capacity=asked.capacity,
        random_share=asked.random_share,
        title=title,
        user=request.user,
        areas=() if everywhere and not asked.areas else chosen,
    )


def _chosen(asked: _Asked, areas: list[str]) -> list[str]:
    unknown = [area for area in asked.areas if area not in areas]
    if unknown:
        raise BadValueError(
            "un secteur choisi est hors de votre périmètre.",
            fix="Choisissez parmi les vôtres.",
            column="area",
        )
    return list(asked.areas) or areas


@require_GET
@page
def preview(request: Asking, case: str) -> HttpResponse:
    """Return what a capacity would reach, as the slider moves."""
    card = card_within(request, case, Desk.TARGET)
    edition = _edition(request, card)
    try:
        asked = _read(request.GET)
        reached = _reached(request, card, edition, asked, _areas(request, edition))
    except BadValueError as error:
        return render(request, "desk/parts/reached.html", {"case": card, "error": error}, status=422)
    return render(request, "desk/parts/reached.html", {"case": card, "reached": reached, "edition": edition})


def _reached(
    request: Asking, card: Card, edition: Edition, asked: _Asked, areas: list[str]
) -> dict[str, Any]:
    """Count what the model's best under a capacity would reach, beside the same number drawn at random."""
    free = Target.objects.filter(
        request.reach.rows(Action.DRAW), edition=edition, area__in=_chosen(asked, areas)
    ).exclude(Exists(Item.objects.filter(target__dossier=OuterRef("dossier"), worklist__closed=None)))
    total = free.aggregate(n=Count("pk"), expected=Sum("score"))
    size, everything = total["n"], total["expected"] or 0.0
    places = min(asked.capacity, size)
    by_model = places - round(places * asked.random_share)
    best = free.order_by("rank", "pk").values_list("score", "area")[:by_model]
    scores = list(best)
    left = max(size - by_model, 1)
    rest = everything - sum(score for score, _ in scores)
    expected = sum(score for score, _ in scores) + (places - by_model) * rest / left
    listed: dict[str, int] = {}
    for _, area in scores:
        listed[area] = listed.get(area, 0) + 1
    known = free.order_by().values("area").annotate(n=Count("pk")).order_by("area")
    return {
        "places": places,
        "size": size,
        "calibrated": edition.calibrated,
        "expected": expected,
        "share": expected / everything if everything else None,
        "chance": places * everything / size if size else 0.0,
        "hours": places * card.procedure.hours,
        "areas": [
            {"name": row["area"], "n": row["n"], "listed": listed.get(row["area"], 0)} for row in known
        ],
        "without": [row["area"] for row in known if not listed.get(row["area"])],
    }


@require_POST
@page
def close(request: Asking, case: str, pk: int) -> HttpResponse:
    """Close a list: its lines without a verdict are free to be drawn again."""
    card_within(request, case, Desk.TARGET)
    row = open_worklists(request.reach, case).filter(pk=pk).first()
    if row is None or not _may_close(request, row):
        raise Http404
    row.closed = timezone.now()
    row.save(update_fields=["closed"])
    touch(row.edition)
    messages.success(request, f"« {row.title} » est fermée.")
    return HttpResponseRedirect(f"/{case}/tirage/")


def _may_close(request: Asking, row: Worklist) -> bool:
    """Tell whether every line of a list lies where the person draws."""
    mine = Item.objects.filter(request.reach.rows(Action.DRAW), worklist=row).count()
    return mine == row.items.count()


urlpatterns = [
    path("<case:case>/tirage/", draw),
    path("<case:case>/tirage/apercu/", preview),
    path("<case:case>/listes/<int:pk>/fermer/", close),
]

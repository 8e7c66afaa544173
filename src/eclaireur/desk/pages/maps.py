"""What the map asks: the lines of a list as points, and the background behind them."""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from django.core.cache import cache
from django.http import Http404, HttpResponse
from django.urls import path
from django.views.decorators.http import require_GET

from eclaireur.core.card import Desk
from eclaireur.core.errors import NotFoundError
from eclaireur.desk import maps
from eclaireur.desk.asking import Asking, card_within, page
from eclaireur.desk.listing import Listing, Query, current_edition
from eclaireur.desk.place import work_on
from eclaireur.service.work import default_source, records

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["behind", "landmarks", "of_list", "of_ranking", "urlpatterns"]

_KEPT = 3600  # seconds


@require_GET
@page
def of_list(request: Asking, case: str, pk: int, *, training: bool = False) -> HttpResponse:
    """Return the lines of an open list that the filters of the address leave."""
    listing = _listing(request, case, training=training, portee="liste", liste=str(pk))
    if listing.worklist is None or listing.worklist.pk != pk:
        raise Http404
    return _geojson(maps.of_listing(listing))


@require_GET
@page
def of_ranking(request: Asking, case: str, *, training: bool = False) -> HttpResponse:
    """Return the whole ranking, or the dossiers under way with ``portee=suivi``, filtered alike."""
    scope = "suivi" if request.GET.get("portee") == "suivi" else "classement"
    return _geojson(maps.of_listing(_listing(request, case, training=training, portee=scope)))


@require_GET
@page
def behind(request: Asking, case: str, *, training: bool = False) -> HttpResponse:
    """Return the outlines and names of the areas; kept for each edition and reach."""
    card = card_within(request, case, Desk.TARGET)
    reach = request.reach.in_training(case) if training else request.reach
    edition = current_edition(reach, case, training=training)
    if edition is None:
        raise Http404
    key = f"background|{edition.pk}|{hashlib.sha256(reach.key.encode()).hexdigest()}"
    kept: dict[str, Any] | None = cache.get(key)
    if kept is None:
        kept = maps.background(card, edition, reach)
        cache.set(key, kept, _KEPT)
    return _geojson(kept)


@require_GET
@page
def landmarks(request: Asking, case: str) -> HttpResponse:
    """Return the places of a case that it names itself, for who sees all of it; an empty map elsewhere."""
    from eclaireur.desk.bench import service_within

    card_within(request, case)
    service_within(request, case)
    work = work_on(case)
    own = getattr(work.case, "places", None)
    if own is None:
        raise Http404
    try:
        found = records(work, default_source(work))
    except NotFoundError:
        return _geojson(maps.landmarks(()))  # nothing was fetched yet
    key = f"landmarks|{case}|{found.run.id}"
    kept: dict[str, Any] | None = cache.get(key)
    if kept is None:
        kept = maps.landmarks(own(found.tables))
        cache.set(key, kept, _KEPT)
    return _geojson(kept)


def _listing(request: Asking, case: str, *, training: bool, **forced: str) -> Listing:
    card = card_within(request, case, Desk.TARGET)
    query = Query.read({**request.GET.dict(), **forced})
    return Listing(card, request.reach, query, training=training)


def _geojson(content: Mapping[str, Any]) -> HttpResponse:
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    return HttpResponse(text, content_type="application/geo+json; charset=utf-8")


urlpatterns = [
    path("<case:case>/listes/<int:pk>/carte.geojson", of_list),
    path("<case:case>/classement/carte.geojson", of_ranking),
    path("<case:case>/fond.geojson", behind),
    path("<case:case>/lieux.geojson", landmarks),
    path("<case:case>/entrainement/listes/<int:pk>/carte.geojson", of_list, {"training": True}),
    path("<case:case>/entrainement/classement/carte.geojson", of_ranking, {"training": True}),
    path("<case:case>/entrainement/fond.geojson", behind, {"training": True}),
]

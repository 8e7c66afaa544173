"""The page of a subject: what every case says of one establishment, commune or station, and the search."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from django.db.models import Q
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_GET

from eclaireur.core.catalog import find_card
from eclaireur.core.errors import BadValueError
from eclaireur.core.subjects import KINDS, Subject
from eclaireur.desk.asking import Asking, page
from eclaireur.desk.blocks import render_blocks
from eclaireur.desk.models import Dossier
from eclaireur.desk.sheets import open_sheet
from eclaireur.desk.switching import stopped

__all__ = ["search", "subject", "urlpatterns"]

_MOST = 50


@require_GET
@page
def subject(request: Asking, kind: str, key: str) -> HttpResponse:
    """Gather, within reach, the signals, decisions and facts of every case on one subject."""
    try:
        asked = Subject(kind, key)
    except BadValueError as error:
        raise Http404 from error
    rows = (
        Dossier.objects.within(request.reach)
        .filter(subject=str(asked), training=False)
        .order_by("case", "pk")
    )
    found = [_case(request, row) for row in rows]
    if not found:
        raise Http404
    context = {"subject": asked, "kind": KINDS[kind].french, "found": found, "name": found[0]["dossier"].name}
    return render(request, "desk/subject.html", context)


def _case(request: Asking, dossier: Dossier) -> dict[str, Any]:
    card = find_card(dossier.case)
    sheet = open_sheet(card, request.reach, dossier.pk)
    switch = stopped(dossier.case)
    blocks = sheet.blocks(stopped=switch is not None)
    return {
        "card": card,
        "dossier": dossier,
        "sheet": sheet,
        "score": "" if switch else sheet.score_in_words(),
        "blocks": render_blocks(blocks, weights=not sheet.hidden),
        "history": sheet.history(),
        "switch": switch,
    }


@require_GET
@page
def search(request: Asking) -> HttpResponse:
    """Find dossiers by name or identifier, in every case within reach."""
    text = request.GET.get("q", "").strip()[:200]
    rows: list[Dossier] = []
    if text:
        compact = text.replace(" ", "")
        named = Q(name__icontains=text) | Q(subject__icontains=f":{compact}")
        found = Dossier.objects.within(request.reach).filter(named, training=False).order_by("name")
        rows = list(found[: _MOST + 1])
        if len({row.subject for row in rows}) == 1 and rows[0].key == compact:
            kind = rows[0].subject.partition(":")[0]
            return HttpResponseRedirect(f"/sujets/{kind}/{quote(rows[0].key, safe='')}/")
    context = {"find": text, "rows": rows[:_MOST], "more": len(rows) > _MOST, "most": _MOST}
    return render(request, "desk/search.html", context)


urlpatterns = [
    path("sujets/<slug:kind>/<path:key>/", subject),
    path("recherche/", search),
]

"""One document of a reader case: its text, its sections and labels, what is known of it; two compared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.http import HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_GET

from eclaireur.bricks.semantic.highlight import passages
from eclaireur.bricks.semantic.query import leaves, read_query
from eclaireur.core.errors import BadValueError
from eclaireur.core.view import Diff, SpanText
from eclaireur.desk import spans
from eclaireur.desk.access import Action
from eclaireur.desk.annotations import place_of
from eclaireur.desk.asking import Asking, page
from eclaireur.desk.blocks import render_blocks
from eclaireur.desk.documents import known_of, labelled, proposals_of, text_of
from eclaireur.desk.finding import document_within, pieces
from eclaireur.desk.pages.reader import frame
from eclaireur.desk.place import workspace
from eclaireur.service import originals, searching
from eclaireur.service.alike import alike
from eclaireur.service.named import named_blocks

if TYPE_CHECKING:
    from eclaireur.bricks.semantic.index import Document

__all__ = ["compare", "document", "urlpatterns"]

_LONGEST_ID = 500


@require_GET
@page
def document(request: Asking, case: str) -> HttpResponse:
    """Show a document within reach: 404 for any other."""
    context = frame(request, case)
    card, origin = context["case"], context["origin"]
    name = request.GET.get("id", "")[:_LONGEST_ID]
    found = document_within(card, request.reach, name)
    known = known_of(case, origin, name)
    proposals = None if context["switch"] else proposals_of(case, origin)
    labels = proposals.by_document.get(name, ()) if proposals else ()
    text = labelled(text_of(found, known), labels, dict(proposals.labels) if proposals else {})
    words = spans.mine(request.user, request.reach, case, name) if proposals else []
    given = [one for one in labels if one.labels]
    context |= {
        "document": found,
        "title": found.title or found.id,
        "text": render_blocks([replace(text, title="")]),
        "parts": [(f"partie-0-{at}", one.label) for at, one in enumerate(m for m in text.marks if m.part)],
        "panel": render_blocks(
            [*(one for one in known if not isinstance(one, SpanText)), *named_blocks(found.body)]
        ),
        "sure": sum(one.sure for one in given),
        "unsure": sum(not one.sure for one in given),
        "words": (
            spans.told(text.text, words, proposals.labels, spans.in_place(words, {name: text.text}))
            if proposals
            else []
        ),
        "annotate": urlencode({"document": name}),
        "self": urlencode({"id": name}),
        "original": originals.find(workspace(), case, found.id),
        "can_attach": request.reach.may_everywhere(Action.CONNECT, case),
        "asking": urlencode(
            {"id": name} | ({"q": asked} if (asked := request.GET.get("q", "")[:500]) else {})
        ),
        "can_annotate": bool(given) and request.reach.may_somewhere(Action.DECIDE, case),
        "can_label": bool(proposals) and place_of(card, request.reach, found, Action.DECIDE) is not None,
        "alike": [
            (one, urlencode({"id": one.id}), urlencode({"gauche": name, "droite": one.id}))
            for one in alike(
                searching.opened(workspace(), case), found, request.reach.areas(Action.SEE, case)
            )
        ],
        **_found_in(found, request.GET.get("q", "")[:_LONGEST_ID]),
    }
    return render(request, "desk/document.html", context)


def _found_in(found: Document, query: str) -> dict[str, Any]:
    """Return the passages that answer the question from which the person came."""
    try:
        asked = list(dict.fromkeys(leaves(read_query(query).tree)))
    except BadValueError:
        asked = []
    shown = [pieces(found.body, one) for one in passages(found.body, asked)] if asked else []
    return {"query": query if asked else "", "passages": shown, "back": urlencode({"q": query})}


@require_GET
@page
def compare(request: Asking, case: str) -> HttpResponse:
    """Show what differs between two documents within reach."""
    context = frame(request, case)
    one, other = (
        document_within(context["case"], request.reach, request.GET.get(side, "")[:_LONGEST_ID])
        for side in ("gauche", "droite")
    )
    block = Diff(
        title="",
        left_title=one.title or one.id,
        right_title=other.title or other.id,
        left=one.body,
        right=other.body,
    )
    context |= {
        "one": one,
        "other": other,
        "links": [(found.title or found.id, urlencode({"id": found.id})) for found in (one, other)],
        "shown": render_blocks([block]),
    }
    return render(request, "desk/compare.html", context)


urlpatterns = [
    path("<reader:case>/document/", document),
    path("<reader:case>/comparer/", compare),
]

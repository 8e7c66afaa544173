"""Labels on words of a document: selected by mouse or keys, or named by the first and last of them."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlencode

from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path

from eclaireur.core.errors import BadValueError
from eclaireur.desk import spans
from eclaireur.desk.access import Action
from eclaireur.desk.annotations import annotate, place_of, take_back, take_out_span
from eclaireur.desk.asking import Asking, page
from eclaireur.desk.documents import known_of, proposals_of, text_of
from eclaireur.desk.finding import document_within
from eclaireur.desk.pages.reader import frame
from eclaireur.desk.switching import refuse_if_stopped

if TYPE_CHECKING:
    from eclaireur.core.card import Card
    from eclaireur.service.annotating import Proposals

__all__ = ["label_words", "urlpatterns"]

_LONGEST_ID = 500
_KEYS = "123456789abcdefghijklmnopqrsvwxy"
"""Of labels, in order: not ``t``, ``u`` and ``z``, which lead to the text, hesitate and undo."""


@page
def label_words(request: Asking, case: str) -> HttpResponse:
    """Show the text of a document to label its words; on sending, record and show it again there."""
    context = frame(request, case)
    card, proposals = context["case"], proposals_of(case, context["origin"])
    given = request.POST if request.method == "POST" else request.GET
    name = given.get("id", "")[:_LONGEST_ID]
    found = document_within(card, request.reach, name)
    place = place_of(card, request.reach, found, Action.DECIDE)
    if place is None:
        raise Http404
    if proposals is None:
        return render(request, "desk/annotate_none.html", context)
    text = text_of(found, known_of(case, context["origin"], name)).text
    error: BadValueError | None = None
    if request.method == "POST":
        refuse_if_stopped(case)
        try:
            places = _act(request, card, place, proposals, name, text)
            if isinstance(places, HttpResponse):
                return places
            context |= {"places": [(one, f"{one.start}-{one.end}") for one in places if len(places) > 1]}
            context |= {"chosen": places[0] if len(places) == 1 else None}
        except BadValueError as wrong:
            error = wrong
    rows = spans.mine(request.user, request.reach, case, name)
    there = spans.in_place(rows, {name: text})
    done = request.GET.get("fait", "").partition("-")
    context |= {
        "error": error,
        "document": found,
        "title": found.title or found.id,
        "typed": request.POST,
        "back": urlencode({"id": name}),
        "pieces": spans.pieces(text, [row for row in rows if row.decision_id in there], proposals.labels),
        "rows": spans.told(text, rows, proposals.labels, there),
        "choices": [
            (_KEYS[at : at + 1], code, title.partition(" (")[0], title.partition(" (")[2].removesuffix(")"))
            for at, (code, title) in enumerate(proposals.labels.items())
        ],
        "label_name": proposals.labels.get(request.POST.get("label", ""), "").partition(" (")[0],
        "caret": done[2] if done[2].isascii() and done[2].isdecimal() else "",
    }
    return render(request, "desk/spans.html", context, status=422 if error else 200)


def _act(
    request: Asking, card: Card, place: tuple[str, str], proposals: Proposals, name: str, text: str
) -> HttpResponse | list[spans.Span]:
    """Do what a form asks: where to go next, or the places that it names when they are not labelled yet."""
    asked = request.POST
    match asked.get("act", ""):
        case "undo":
            taken = take_back(request.user, request.reach, card.name, spans_of=name)
            if taken is None:
                raise BadValueError("rien à annuler.", fix="Vous n'avez rien étiqueté dans ce texte.")
            return _there(card, name, taken.start, taken.end)
        case "remove":
            start, end = _key(asked.get("key", ""))
            take_out_span(request.user, request.reach, card.name, name, start, end)
            return _there(card, name, start, end)
        case "label":
            found = _asked(request, text)
            if len(found) > 1 or "label" not in asked:
                return found
            chosen = found[0]
            passage = spans.passage_of(name, text, chosen.start, chosen.end)
            labels = [asked.get("label", "")]
            unsure = bool(asked.get("unsure"))
            annotate(request.user, card, place, passage, proposals, labels, span=True, unsure=unsure)
            return _there(card, name, chosen.start, chosen.end)
    raise BadValueError("cette action n'existe pas.", fix="Utilisez les boutons de la page.")


def _asked(request: Asking, text: str) -> list[spans.Span]:
    """Return the passage that a form names: chosen among several, said by its words, or selected."""
    asked = request.POST
    if asked.get("place"):
        start, end = _key(asked["place"])
        return [spans.selected(text, str(start), str(end), text[start:end])]
    if asked.get("de", "").strip() or not asked.get("start"):
        return spans.between(text, asked.get("de", ""), asked.get("a", ""))
    return [spans.selected(text, asked["start"], asked.get("end", ""), asked.get("said", ""))]


def _key(key: str) -> tuple[int, int]:
    start, _, end = key.partition("-")
    if not all(one.isascii() and one.isdecimal() and len(one) < 10 for one in (start, end)):
        raise BadValueError("ce passage n'est pas dans le texte.", fix="Choisissez-le de nouveau.")
    return int(start), int(end)


def _there(card: Card, name: str, start: int, end: int) -> HttpResponseRedirect:
    asking = urlencode({"id": name, "fait": f"{start}-{end}"})
    return HttpResponseRedirect(f"/{card.name}/annoter/texte/?{asking}#mot-{start}")


urlpatterns = [path("<reader:case>/annoter/texte/", label_words)]

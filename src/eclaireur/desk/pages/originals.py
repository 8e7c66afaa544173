"""The pages of the PDF from which a document came, with what was found, labelled and cited on each."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_GET, require_POST

from eclaireur.bricks.semantic.normalise import keys
from eclaireur.bricks.semantic.query import leaves, read_query
from eclaireur.core.errors import BadValueError, FileRefusedError
from eclaireur.desk.access import Action
from eclaireur.desk.asking import Asking, page
from eclaireur.desk.documents import proposals_of
from eclaireur.desk.finding import document_within
from eclaireur.desk.joining import MOST, join, lent
from eclaireur.desk.pages.reader import frame
from eclaireur.desk.place import workspace
from eclaireur.service import originals
from eclaireur.sources.documents import draw_page
from eclaireur.sources.held import held_reader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eclaireur.bricks.semantic.index import Document
    from eclaireur.bricks.semantic.query import Leaf
    from eclaireur.service.annotating import Proposals
    from eclaireur.service.originals import Original, Shown

__all__ = ["attach", "page_saying", "picture", "several", "show", "urlpatterns"]

_LONGEST_ID = 500
_WIDE = {"100": 1000, "150": 1500, "200": 2000}
_KINDS = {
    "found": "Vos mots",
    "label": "Étiquettes",
    "unsure": "Étiquettes incertaines",
    "cited": "Textes cités",
}
_MOST = 60


def _kept(request: Asking, case: str) -> tuple[dict[str, Any], Any, Original]:
    context = frame(request, case)
    found = document_within(context["case"], request.reach, request.GET.get("id", "")[:_LONGEST_ID])
    original = originals.find(workspace(), case, found.id)
    if original is None:
        raise Http404
    return context, found, original


def _number(request: Asking, original: Original) -> int:
    given = request.GET.get("n", "1")
    number = int(given) if given.isascii() and given.isdecimal() and len(given) < 6 else 0
    if not 1 <= number <= len(original.pages):
        raise Http404
    return number


def _passage(found: Document, given: str) -> str:
    """Return the characters of a document that an address names, as « 120-380 »; nothing for any other."""
    start, _, end = given.partition("-")
    numbers = all(one.isascii() and one.isdecimal() and len(one) < 10 for one in (start, end))
    return found.body[int(start) : int(end)] if numbers else ""


def page_saying(original: Original, said: str, among: Sequence[int] = ()) -> int:
    """Return the page that says most of a passage, word after word: a text is not cut as its PDF is.

    Parameters
    ----------
    among
        Pages to look at; all by default.
    """
    wanted = _neighbours(said)

    def common(number: int) -> int:
        return len(wanted & _neighbours(original.text_of(number)))

    return max(among or range(1, len(original.pages) + 1), key=common)


def _neighbours(text: str) -> set[tuple[str, str]]:
    """Return the words of a text, and the pairs of those that follow each other."""
    words = keys(text).split()
    return {*pairwise(words), *(("", word) for word in words)}


def _asked(query: str) -> list[Leaf]:
    try:
        return list(dict.fromkeys(leaves(read_query(query).tree))) if query.strip() else []
    except BadValueError:
        return []


@require_GET
@page
def show(request: Asking, case: str) -> HttpResponse:
    """Show a page; without a number, that of a passage, or the first that holds what is looked for."""
    context, found, original = _kept(request, case)
    query = request.GET.get("q", "")[:_LONGEST_ID]
    asked = _asked(query)
    holding = list(original.pages_with(asked))
    if "n" in request.GET:
        number = _number(request, original)
    else:
        said = _passage(found, request.GET.get("p", ""))
        number = page_saying(original, said, holding) if said else next(iter(holding), 1)
    proposals = None if context["switch"] else proposals_of(case, context["origin"])
    shown = original.shown(number, asked, _labels(proposals, found.id) if proposals else ())
    zoom = request.GET.get("z", "100")
    zoom = zoom if zoom in _WIDE else "100"

    def address(to: int | None, **changes: str) -> str:
        if to is None:
            return ""
        asking = {"id": found.id, "n": str(to), "q": query, "z": zoom} | changes
        return urlencode(
            {name: value for name, value in asking.items() if value and (name, value) != ("z", "100")}
        )

    sheet = original.pages[number - 1]
    context |= {
        "document": found,
        "title": found.title or found.id,
        "query": query if asked else "",
        "number": number,
        "count": len(original.pages),
        "wide": f"{sheet.width:.2f}",
        "high": f"{sheet.height:.2f}",
        "zoom": zoom,
        "zooms": [(one, address(number, z=one)) for one in _WIDE],
        "picture": urlencode({"id": found.id, "n": number, "z": zoom, "v": original.sha256[:12]}),
        "boxes": [
            (
                one.kind,
                f"{box.x0:.2f}",
                f"{box.y0:.2f}",
                f"{box.x1 - box.x0:.2f}",
                f"{box.y1 - box.y0:.2f}",
                _said(one),
            )
            for one in shown
            for box in one.boxes
        ],
        "groups": _groups(shown),
        "holding": len(holding),
        "before": address(number - 1 if number > 1 else None),
        "after": address(number + 1 if number < len(original.pages) else None),
        "found_before": address(max((one for one in holding if one < number), default=None)),
        "found_after": address(min((one for one in holding if one > number), default=None)),
        "text": original.text_of(number),
        "recognised": sheet.recognised,
        "back": urlencode({"id": found.id} | ({"q": query} if query else {})),
    }
    return render(request, "desk/original.html", context)


def _labels(proposals: Proposals, document: str) -> list[tuple[str, str, bool]]:
    return [
        (one.text, proposals.labels.get(one.labels[0], one.labels[0]).partition(" (")[0], one.sure)
        for one in proposals.by_document.get(document, ())
        if one.labels
    ]


def _said(one: Shown) -> str:
    return one.label or one.text


def _groups(shown: list[Shown]) -> list[tuple[str, str, list[str], int]]:
    """Return what is on the page in words, by kind: its class, title, what it says, how many are left out."""
    found = []
    for kind, title in _KINDS.items():
        said = list(
            dict.fromkeys(
                f"{one.label} : « {one.text} »"
                if one.label and one.kind != "cited"
                else one.label or one.text
                for one in shown
                if one.kind == kind
            )
        )
        if said:
            found.append((kind, title, said[:_MOST], len(said[_MOST:])))
    return found


@require_GET
@page
def picture(request: Asking, case: str) -> HttpResponse:
    """Give a page as a picture."""
    _, _, original = _kept(request, case)
    number = _number(request, original)
    width = _WIDE.get(request.GET.get("z", "100"), _WIDE["100"])
    with held_reader() as reader:
        drawn = draw_page(original.path, number, width=width, reader=reader)
    return HttpResponse(drawn, content_type="image/png")


@require_POST
@page
def attach(request: Asking, case: str) -> HttpResponse:
    """Keep the PDF of a document, or take it out."""
    context = frame(request, case)
    card = context["case"]
    found = document_within(card, request.reach, request.POST.get("id", "")[:_LONGEST_ID])
    if not request.reach.may_everywhere(Action.CONNECT, case):
        raise Http404
    here = f"/{case}/document/?{urlencode({'id': found.id})}"
    if request.POST.get("act") == "forget":
        originals.forget(workspace(), case, found.id)
        _journal(request, case, "original_removed", found.id)
        messages.success(request, "Le PDF d’origine n’est plus gardé.")
        return HttpResponseRedirect(here)
    sent = request.FILES.get("file")
    if sent is None:
        messages.error(request, "Aucun fichier n’a été choisi.")
        return HttpResponseRedirect(here)
    try:
        with lent(sent) as file, held_reader() as reader:
            kept = originals.keep(workspace(), case, found.id, file, reader=reader, recognise=False)
    except FileRefusedError as error:
        messages.error(request, f"Le fichier est refusé : {error.message} {error.fix}")
        return HttpResponseRedirect(here)
    _journal(request, case, "original_kept", found.id, sha256=kept.sha256)
    messages.success(
        request, f"PDF de {len(kept.pages)} pages gardé." if len(kept.pages) > 1 else "PDF gardé."
    )
    return HttpResponseRedirect(here)


@page
def several(request: Asking, case: str) -> HttpResponse:
    """Keep several PDFs at once, each with its document, and tell of each in a line."""
    context = frame(request, case)
    if not request.reach.may_everywhere(Action.CONNECT, case) or context["origin"] is None:
        raise Http404
    context |= {"most": MOST, "limit": settings.UPLOAD_LIMIT}
    lines = []
    files = request.FILES.getlist("files")
    if request.method == "POST" and not files:
        context["error"] = BadValueError(
            "aucun fichier n'a été choisi.", fix="Choisissez-en un ou plusieurs."
        )
    elif request.method == "POST":
        with held_reader() as reader:
            for one in join(context["case"], request.reach, files, reader=reader):
                if one.document is not None and one.kept is not None:
                    _journal(request, case, "original_kept", one.document.id, sha256=one.kept.sha256)
                lines.append((one, urlencode({"id": one.document.id}) if one.document else ""))
    context |= {"lines": lines, "done": sum(one.document is not None for one, _ in lines)}
    return render(request, "desk/originals.html", context, status=422 if "error" in context else 200)


def _journal(request: Asking, case: str, kind: str, name: str, **data: str) -> None:
    workspace().journal.append(
        kind,
        case=case,
        actor=request.user.full_name,
        # A number may lead to somebody: the line says which document by the hash under which its file is.
        data={"login": request.user.login, "document": originals.key_of(name), **data},
    )


urlpatterns = [
    path("<reader:case>/document/page/", show),
    path("<reader:case>/document/page.png", picture),
    path("<reader:case>/document/original/", attach),
    path("<reader:case>/originaux/", several),
]

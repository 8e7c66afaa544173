"""Annotation by keyboard: five minutes of sure and unsure passages, what was done, how far people agree."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.utils import timezone
from django.views.decorators.http import require_GET

from eclaireur.core import french
from eclaireur.core.errors import BadValueError, FileRefusedError
from eclaireur.core.export import Column, write_rows
from eclaireur.desk.access import Action
from eclaireur.desk.annotation_import import bring
from eclaireur.desk.annotations import (
    agreement,
    annotate as record_annotation,
    disagreements,
    place_of,
    standing,
    take_back,
    take_back_import,
)
from eclaireur.desk.asking import Asking, page
from eclaireur.desk.documents import known_of, proposals_of, text_of
from eclaireur.desk.finding import document_within, documents_of
from eclaireur.desk.models import AnnotationFile
from eclaireur.desk.pages.reader import frame
from eclaireur.desk.pages.reports import attached
from eclaireur.desk.place import workspace
from eclaireur.desk.spans import in_place
from eclaireur.desk.switching import refuse_if_stopped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eclaireur.core.card import Card
    from eclaireur.desk.models import Annotation
    from eclaireur.service.annotating import Passage, Proposals
    from eclaireur.service.indexing import Origin

__all__ = ["annotate", "refusals", "take", "urlpatterns"]

_AROUND = 240
_SHOWN = 30
_IMPORTED = "annotations-imported:"
_FORMS = {"json": "application/json", "zip": "application/zip"}


class _Session:
    """The passages of five minutes, kept with the person's sign-in until they are done or left."""

    def __init__(self, request: Asking, case: str) -> None:
        self._held = request.session
        self._name = f"annotation:{case}"
        self.data: dict[str, Any] = request.session.get(self._name, {})

    @property
    def keys(self) -> list[str]:
        """Passages of the session, in order."""
        return list(self.data.get("keys", []))

    @property
    def at(self) -> int:
        """How many are behind."""
        return int(self.data.get("at", 0))

    @property
    def current(self) -> str:
        """The passage to look at now; empty when there is none left."""
        return self.keys[self.at] if self.at < len(self.keys) else ""

    def start(self, keys: Sequence[str]) -> None:
        """Begin with some passages."""
        self._keep({"keys": list(keys), "at": 0, "began": timezone.now().isoformat()})

    def move(self, step: int) -> None:
        """Go on, or back after an undo."""
        if self.data:
            self._keep({**self.data, "at": min(max(self.at + step, 0), len(self.keys))})

    def leave(self) -> None:
        """End it."""
        self.data = {}
        self._held.pop(self._name, None)

    def _keep(self, data: dict[str, Any]) -> None:
        self.data = data
        self._held[self._name] = data


@page
def annotate(request: Asking, case: str) -> HttpResponse:
    """Show the passage to annotate, or what was done; on sending, record and go on to the next."""
    context = frame(request, case)
    card, proposals = context["case"], proposals_of(case, context["origin"])
    if not request.reach.may_somewhere(Action.DECIDE, case):
        raise Http404
    if proposals is None:
        return render(request, "desk/annotate_none.html", context)
    session = _Session(request, case)
    error: BadValueError | FileRefusedError | None = None
    if request.method == "POST":
        refuse_if_stopped(case)
        try:
            return HttpResponseRedirect(_act(request, card, proposals, session, context["origin"]))
        except (BadValueError, FileRefusedError) as found:
            error = found
    wanted = request.GET.get("phrase", "")[:600]
    passage = proposals.find(wanted or session.current)
    context |= {"error": error, "labels": proposals.labels, "switch": context["switch"]}
    if passage is not None and not context["switch"]:
        context |= _shown(request, card, context["origin"], proposals, passage, alone=bool(wanted))
        context |= {"session": session, "number": session.at + 1, "typed": request.POST}
        return render(request, "desk/annotate.html", context, status=422 if error else 200)
    if wanted:
        raise Http404
    context |= _done(request, card, proposals, session)
    return render(request, "desk/annotations.html", context, status=422 if error else 200)


def _act(request: Asking, card: Card, proposals: Proposals, session: _Session, origin: Origin) -> str:
    """Do what a form asks, and return where to go next."""
    here = f"/{card.name}/annoter/"
    asked = request.POST
    match asked.get("act", ""):
        case "start":
            session.start([one.key for one in _chosen(request, card, proposals, asked.get("document", ""))])
            if not session.keys:
                session.leave()
                raise BadValueError("il ne reste rien à annoter ici.", fix="Choisissez un autre document.")
        case "leave":
            session.leave()
        case "skip":
            session.move(1)
        case "undo":
            taken = take_back(request.user, request.reach, card.name)
            if taken is None:
                raise BadValueError("rien à annuler.", fix="Vous n'avez encore rien annoté.")
            if taken.key in session.keys:
                session.move(session.keys.index(taken.key) - session.at)
            else:
                return f"{here}?{urlencode({'phrase': taken.key})}"
        case "save" | "none" | "unsure" as act:
            _record(request, card, proposals, session, act)
        case "import":
            _bring(request, card, proposals, origin)
        case "undo_import":
            _take_out(request, card)
        case _:
            raise BadValueError("cette action n'existe pas.", fix="Utilisez les boutons de la page.")
    return here


def _chosen(request: Asking, card: Card, proposals: Proposals, document: str) -> list[Passage]:
    """Return the passages of a new session: within reach, and not those that the person annotated."""
    done = [row.key for row in standing(request.reach, card.name, request.user) if not row.span]
    areas = request.reach.areas(Action.SEE, card.name)
    names = [document] if document else None
    if areas is not None:
        names = list(documents_of(card, request.reach, names or list(proposals.by_document)))
    return proposals.session(done, names)


def _record(request: Asking, card: Card, proposals: Proposals, session: _Session, act: str) -> None:
    passage = proposals.find(request.POST.get("passage", "")[:600])
    if passage is None:
        raise BadValueError(
            "cette phrase n'est plus dans les documents.", fix="Passez à la suivante : ils ont été relus."
        )
    document = document_within(card, request.reach, passage.document)
    place = place_of(card, request.reach, document, Action.DECIDE)
    if place is None:
        raise Http404
    labels = [] if act == "none" else request.POST.getlist("label")
    if act == "save" and not labels:
        raise BadValueError(
            "aucune étiquette n'est cochée.", fix="Cochez-en une, ou dites « Aucune étiquette »."
        )
    record_annotation(request.user, card, place, passage, proposals, labels, unsure=act == "unsure")
    if session.current == passage.key:
        session.move(1)


def _bring(request: Asking, card: Card, proposals: Proposals, origin: Origin) -> None:
    """Record what a file of another tool says; the next page tells what was left out, and why."""
    sent = request.FILES.get("file")
    if sent is None:
        raise BadValueError("aucun fichier n'a été choisi.", fix="Choisissez un fichier JSON ou ZIP.")
    found = bring(
        request.user,
        card,
        request.reach,
        origin,
        proposals,
        sent.name or "",
        sent.read(),
        widen=request.POST.get("parts") == "widen",
        renew=bool(request.POST.get("renew")),
    )
    left = found["refused"]
    request.session[_IMPORTED + card.name] = found | {"refused": left[:_SHOWN], "more": len(left[_SHOWN:])}


def _take_out(request: Asking, card: Card) -> None:
    count = take_back_import(request.user, request.reach, card.name)
    if not count:
        raise BadValueError("aucun fichier importé à retirer.", fix="Vous n'en avez importé aucun.")
    said = french.count(count, "annotation importée retirée", "annotations importées retirées")
    messages.success(request, f"{said}.")


def _shown(
    request: Asking, card: Card, origin: Origin, proposals: Proposals, passage: Passage, *, alone: bool
) -> dict[str, Any]:
    """Return what the page of one passage shows; 404 when its document is out of reach."""
    found = document_within(card, request.reach, passage.document)
    text = text_of(found, known_of(card.name, origin, passage.document)).text
    start, end = passage.start, passage.end
    return {
        "passage": passage,
        "alone": alone,
        "document": found,
        "address": urlencode({"id": found.id}),
        "before": text[max(start - _AROUND, 0) : start],
        "said": text[start:end],
        "after": text[end : end + _AROUND],
        "choices": [
            (at, code, title, code in passage.labels)
            for at, (code, title) in enumerate(proposals.labels.items(), start=1)
        ],
    }


def _done(request: Asking, card: Card, proposals: Proposals, session: _Session) -> dict[str, Any]:
    """Return what was annotated, by whom, how far people agree, and how the last session ended."""
    rows = standing(request.reach, card.name)
    mine = [row for row in rows if row.user_id == request.user.pk and not (row.batch or row.span)]
    people: dict[str, list[int]] = {}
    for row in rows:
        people.setdefault(row.who, [0, 0])[row.span] += 1
    ended = None
    if session.keys and not session.current:
        last = [row for row in mine if row.key in set(session.keys)]
        ended = {
            "total": len(session.keys),
            "done": len(last),
            "kinds": [(kind, *_followed(last, sure=kind == "sûres")) for kind in ("sûres", "incertaines")],
        }
        session.leave()
    document = request.GET.get("document", "")[:500]
    return {
        "only": document,
        "mine": len(mine),
        "people": sorted(people.items(), key=lambda one: (-sum(one[1]), one[0])),
        "spans": any(row.span for row in rows),
        "passages": sum(bool(one.labels) for one in proposals.passages),
        "followed": [(kind, *_followed(rows, sure=kind == "sûres")) for kind in ("sûres", "incertaines")],
        "agreement": agreement(rows),
        "differences": [
            one | {"text": found.text, "address": urlencode({"phrase": one["key"]})}
            for one in disagreements(rows, proposals.labels)[:_SHOWN]
            if (found := proposals.find(one["key"])) is not None
        ],
        "ended": ended,
        "imported": request.session.pop(_IMPORTED + card.name, None),
        "left_out": AnnotationFile.objects.filter(user=request.user, case=card.name)
        .exclude(refused=[])
        .first(),
        "can_undo_import": any(row.batch and row.user_id == request.user.pk for row in rows),
        "can_export": bool(rows) and request.reach.may_somewhere(Action.EXPORT, card.name),
    }


def _followed(rows: Sequence[Annotation], *, sure: bool) -> tuple[int, int]:
    """Return how many proposals of a kind people kept as they were, and of how many."""
    kind = [row for row in rows if row.sure_model == sure and not (row.unsure or row.span)]
    return sum(sorted(row.labels) == sorted(row.proposed) for row in kind), len(kind)


@require_GET
@page
def refusals(request: Asking, case: str) -> HttpResponse:
    """Give every line that the last file of the person left out, as a table."""
    card = frame(request, case)["case"]
    found = AnnotationFile.objects.filter(user=request.user, case=case).first()
    if found is None or not request.reach.may_somewhere(Action.DECIDE, case):
        raise Http404
    columns = [
        Column(title, [row[at] for row in found.refused]) for at, title in enumerate(("Où", "Pourquoi"))
    ]
    with tempfile.TemporaryDirectory() as folder:
        target = Path(folder) / "refus.csv"
        write_rows(columns, target, title=card.title, mentions={"Fichier": found.name})
        content = target.read_bytes()
    return attached(content, f"{case}-annotations-non-reprises.csv", "text/csv; charset=utf-8")


@require_GET
@page
def take(request: Asking, case: str, form: str) -> HttpResponse:
    """Give the annotations within reach as a file; a line of the journal says who took them."""
    from eclaireur.desk.annotation_files import brat, label_studio

    context = frame(request, case)
    card, origin = context["case"], context["origin"]
    proposals = proposals_of(case, origin)
    if proposals is None or not request.reach.may_somewhere(Action.EXPORT, case):
        raise Http404
    found = documents_of(card, request.reach, [row.document for row in standing(request.reach, case)])
    rows = [
        row
        for row in standing(request.reach, case)
        if row.document in found and request.reach.may(Action.EXPORT, case, row.area, row.service)
    ]
    texts = {
        name: text_of(one, known_of(case, origin, name)).text
        for name, one in found.items()
        if any(row.document == name for row in rows)
    }
    there = in_place([row for row in rows if row.span], texts)
    rows = [row for row in rows if not row.span or row.decision_id in there]
    content = label_studio(rows, texts) if form == "json" else brat(rows, texts, proposals.labels)
    workspace().journal.append(
        "export",
        case=case,
        actor=request.user.full_name,
        data={"login": request.user.login, "what": "annotations", "form": form, "items": len(rows)},
    )
    return attached(content, f"{case}-annotations.{form}", _FORMS[form])


urlpatterns = [
    path("<reader:case>/annoter/", annotate),
    path("<reader:case>/annoter/non-reprises.csv", refusals),
    *(path(f"<reader:case>/annoter/annotations.{form}", take, {"form": form}) for form in _FORMS),
]

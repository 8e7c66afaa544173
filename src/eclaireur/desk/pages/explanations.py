"""The explanation of a past verdict, for the person concerned: on a page, as PDF or as a text to complete."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_GET

from eclaireur.core.errors import NotFoundError
from eclaireur.desk.asking import Asking, card_within, page
from eclaireur.desk.blocks import render_blocks
from eclaireur.desk.exports import attached
from eclaireur.desk.place import work_on, workspace
from eclaireur.desk.sheets import open_sheet
from eclaireur.service.explaining import explain_entry
from eclaireur.service.reporting import write_report

if TYPE_CHECKING:
    from eclaireur.desk.sheets import Sheet
    from eclaireur.service.explaining import Explained

__all__ = ["FORMS", "explanation", "explanation_file", "urlpatterns"]

FORMS = ("pdf", "odt")


@require_GET
@page
def explanation(request: Asking, case: str, pk: int, number: int) -> HttpResponse:
    """Explain a verdict as it was given; not while the score of its dossier is hidden."""
    card = card_within(request, case)
    shown, told = _explained(request, case, pk, number)
    context = {
        "case": card,
        "dossier": shown.dossier,
        "told": told,
        "blocks": "" if told is None else render_blocks(told.blocks),
        "number": number,
        "forms": FORMS,
    }
    return render(request, "desk/explanation.html", context)


@require_GET
@page
def explanation_file(request: Asking, case: str, pk: int, number: int, form: str) -> HttpResponse:
    """Give the same explanation as a file; who took it is in the journal."""
    card_within(request, case)
    shown, told = _explained(request, case, pk, number)
    if told is None:
        raise Http404
    name = f"explication-{shown.dossier.key}-{number}.{form}"
    with tempfile.TemporaryDirectory(prefix="eclaireur-explication-") as folder:
        target = Path(folder) / f"explication.{form}"
        write_report(told.blocks, target, title=told.title, mentions=told.mentions)
        content = target.read_bytes()
    workspace().journal.append(
        "explanation",
        case=case,
        actor=request.user.full_name,
        data={"of": number, "form": form, "login": request.user.login},
    )
    kind = "application/pdf" if form == "pdf" else "application/vnd.oasis.opendocument.text"
    return attached(content, name, kind)


def _explained(request: Asking, case: str, pk: int, number: int) -> tuple[Sheet, Explained | None]:
    """Return the dossier and the explanation of one of its verdicts; None while its score is hidden."""
    try:
        shown = open_sheet(card_within(request, case), request.reach, pk)
    except NotFoundError as error:
        raise Http404 from error
    row = shown.dossier.decisions.filter(pk=number, kind="decision").first()
    if row is None or shown.dossier.training:
        raise Http404
    return shown, None if shown.hidden else explain_entry(work_on(case), number)


urlpatterns = [
    path("<case:case>/dossiers/<int:pk>/explication/<int:number>/", explanation),
    *(
        path(
            f"<case:case>/dossiers/<int:pk>/explication/<int:number>/explication.{form}",
            explanation_file,
            {"form": form},
        )
        for form in FORMS
    ),
]

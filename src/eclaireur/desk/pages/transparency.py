"""Sheets of algorithms: those that anybody may read, and the page where people prepare and publish one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.views.decorators.http import require_GET

from eclaireur.core.errors import BadValueError, NotFoundError, RefusedError
from eclaireur.desk.access import Action
from eclaireur.desk.asking import Asking, card_within, page
from eclaireur.desk.blocks import render_blocks
from eclaireur.desk.exports import attached, file_of
from eclaireur.desk.models import PublishedSheet
from eclaireur.desk.place import work_on
from eclaireur.desk.public_sheets import (
    counted,
    draft_sheet,
    publish_sheet,
    published_sheets,
    sheet_of,
    shown_sheet,
    withdraw_sheet,
)
from eclaireur.service.algorithm_sheet import FORMS, LEVELS, write_sheet
from eclaireur.service.declaring import ASKED, declare, declared

if TYPE_CHECKING:
    from eclaireur.core.card import Card
    from eclaireur.service.algorithm_sheet import AlgorithmSheet

__all__ = ["draft", "draft_file", "published", "published_file", "published_list", "urlpatterns"]

_KINDS = {
    "html": "text/html; charset=utf-8",
    "odt": "application/vnd.oasis.opendocument.text",
    "pdf": "application/pdf",
    "json": "application/json",
}


@require_GET
def published_list(request: HttpRequest) -> HttpResponse:
    """List the published sheets, to anybody."""
    return render(request, "desk/public_sheets.html", {"rows": published_sheets()})


@require_GET
def published(request: HttpRequest, case: str) -> HttpResponse:
    """Show a published sheet, to anybody."""
    try:
        row, blocks = shown_sheet(case)
    except NotFoundError as error:
        raise Http404(str(error)) from error
    context = {
        "row": row,
        "title": row.content["title"],
        "mentions": row.content["mentions"].items(),
        "blocks": render_blocks(blocks),
        "counted": counted(case),
        "forms": FORMS,
    }
    return render(request, "desk/public_sheet.html", context)


@require_GET
def published_file(request: HttpRequest, case: str, form: str) -> HttpResponse:
    """Give a published sheet as a file, to anybody."""
    try:
        row, blocks = shown_sheet(case)
    except NotFoundError as error:
        raise Http404(str(error)) from error
    return _file(sheet_of(row, blocks, row.at.date()), form)


def _file(sheet: AlgorithmSheet, form: str) -> HttpResponse:
    name = f"fiche-{sheet.case}-{sheet.level}.{form}"
    return attached(file_of(name, lambda target: write_sheet(sheet, target)), name, _KINDS[form])


@page
def draft(request: Asking, case: str) -> HttpResponse:
    """Show the sheet as it would be published now, what it lacks, and the form of what people declare."""
    card = card_within(request, case)
    may = request.reach.may_everywhere(Action.ANSWER, case)
    error: BadValueError | None = None
    if request.method == "POST":
        if not may:
            raise Http404
        try:
            _act(request, card)
        except BadValueError as found:
            error = found
        else:
            return HttpResponseRedirect(f"/{case}/fiche/")
    level = request.GET.get("niveau", "public")
    sheet = draft_sheet(case, level if level in LEVELS else "public")
    said = declared(work_on(case).workspace, card)
    typed = request.POST if error else said
    context = {
        "case": card,
        "sheet": sheet,
        "blocks": render_blocks(sheet.blocks),
        "levels": LEVELS,
        "forms": FORMS,
        "may": may,
        "asked": [(one, typed.get(one.name, ""), one.name in said) for one in ASKED],
        "published": PublishedSheet.objects.filter(case=case).select_related("user").first(),
        "error": error,
    }
    return render(request, "desk/draft_sheet.html", context, status=422 if error else 200)


def _act(request: Asking, card: Card) -> None:
    match request.POST.get("act", ""):
        case "declare":
            values = {one.name: request.POST[one.name] for one in ASKED if one.name in request.POST}
            declare(work_on(card.name), values, by=request.user.full_name)
            messages.success(request, "Déclarations enregistrées.")
        case "publish":
            try:
                publish_sheet(request.user, card.name)
            except RefusedError as refused:
                raise BadValueError(refused.message, fix=refused.fix) from refused
            messages.success(request, "Fiche publiée.")
        case "withdraw":
            withdraw_sheet(request.user, card.name)
            messages.success(request, "Fiche retirée.")
        case _:
            raise BadValueError("cette action n'existe pas.", fix="Rechargez la page.")


@require_GET
@page
def draft_file(request: Asking, case: str, form: str) -> HttpResponse:
    """Give the sheet as it is now, at the level asked, as a file."""
    card_within(request, case)
    level = request.GET.get("niveau", "public")
    return _file(draft_sheet(case, level if level in LEVELS else "public"), form)


urlpatterns = [
    path("fiches/", published_list),
    path("fiches/<case:case>/", published),
    *(path(f"fiches/<case:case>/fiche.{form}", published_file, {"form": form}) for form in FORMS),
    path("<case:case>/fiche/", draft),
    *(path(f"<case:case>/fiche/fiche.{form}", draft_file, {"form": form}) for form in FORMS),
]

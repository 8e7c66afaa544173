"""Connect one's own data in the browser: send a file, say which column is which, compute the first list.

A mapping belongs to a case in the workspace, for all its services and territories. So only who may connect
in the whole case comes here.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.http import FileResponse, Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.views.decorators.http import require_GET, require_POST

from eclaireur.core.card import Desk
from eclaireur.core.errors import BadValueError, FileRefusedError
from eclaireur.desk import uploads
from eclaireur.desk.access import Action
from eclaireur.desk.asking import Asking, card_within, page
from eclaireur.desk.models import Job, JobState, Upload
from eclaireur.desk.place import work_on
from eclaireur.desk.switching import refuse_if_stopped
from eclaireur.service import connect as connecting, work as working
from eclaireur.service.previewing import SCORED_OR_RETURNED
from eclaireur.sources.mapping import Mapping

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from eclaireur.core.card import Card
    from eclaireur.core.fields import InputTable

__all__ = ["columns", "compute", "computing", "connect", "download", "urlpatterns"]

_SHOWN = 20


def _card(request: Asking, case: str) -> Card:
    card = card_within(request, case)
    if not request.reach.may_everywhere(Action.CONNECT, case):
        raise Http404
    return card


def _uploads(request: Asking) -> QuerySet[Upload]:
    found: QuerySet[Upload] = Upload.objects.filter(request.reach.rows(Action.CONNECT)).exclude(
        table=uploads.FOR_REPORT
    )
    return found


def _tables(card: Card) -> tuple[InputTable, ...]:
    return tuple(table for table in card.inputs if table.name not in SCORED_OR_RETURNED)


@page
def connect(request: Asking, case: str) -> HttpResponse:
    """Show what is connected and what is missing; receive a file."""
    card = _card(request, case)
    error, status = None, 200
    if request.method == "POST":
        try:
            return _receive(request, card)
        except (BadValueError, FileRefusedError) as found:
            error, status = found, 422
    work = work_on(case)
    mine = list(_uploads(request).filter(case=case).select_related("user").order_by("-at")[:_SHOWN])
    used = {one.table: one for one in reversed(mine) if one.state == uploads.CONNECTED}
    saved = connecting.connected(work)
    context = {
        "case": card,
        "tables": [(one, one.name in saved, used.get(one.name), _asked(one)) for one in _tables(card)],
        "missing": connecting.still_missing(work),
        "ready": bool(saved) and not connecting.still_missing(work),
        "uploads": mine,
        "error": error,
        "wanted": request.POST.get("table", ""),
        "limit": settings.UPLOAD_LIMIT,
        "can_compute": request.reach.may_everywhere(Action.COMPUTE, case),
    }
    return render(request, "desk/connect.html", context, status=status)


def _asked(table: InputTable) -> str:
    """Name the fields that a table cannot do without."""
    return ", ".join(field.title[:1].lower() + field.title[1:] for field in table.fields if field.required)


def _receive(request: Asking, card: Card) -> HttpResponse:
    sent = request.FILES.get("file")
    if sent is None:
        raise BadValueError("aucun fichier n'a été choisi.", fix="Choisissez un fichier, puis envoyez-le.")
    table = request.POST.get("table", "")
    if table and all(one.name != table for one in _tables(card)):
        raise BadValueError("cette table n'existe pas.", fix="Choisissez-la dans la liste.")
    upload = uploads.receive(request.user, card.name, sent)
    found = uploads.read(upload, table=table)
    upload.table = found["table"]
    upload.save(update_fields=["table"])
    return HttpResponseRedirect(f"/{card.name}/connecter/{upload.pk}/")


@page
def columns(request: Asking, case: str, pk: int) -> HttpResponse:
    """Show which column gives which field, with the first rows and every error; check again, or save."""
    card = _card(request, case)
    upload = get_object_or_404(_uploads(request), case=case, pk=pk)
    if upload.state == uploads.REFUSED:
        messages.error(request, f"{upload.name} : refusé. {upload.reason}")
        return HttpResponseRedirect(f"/{case}/connecter/")
    table = _chosen_table(request, card, upload)
    chosen = _saved(card, upload, table.name)
    if request.method == "POST" and request.POST.get("act") != "table":
        names = [field.name for field in table.loaded]
        chosen = {name: request.POST[f"c-{name}"] for name in names if request.POST.get(f"c-{name}")}
    try:
        found = uploads.read(upload, table=table.name, columns=chosen)
    except FileRefusedError as error:
        messages.error(request, f"{upload.name} : refusé. {error.message} {error.fix}")
        return HttpResponseRedirect(f"/{case}/connecter/")
    saving = request.method == "POST" and request.POST.get("act") == "save"
    if saving and not found["errors"]:
        _save(card, upload, table.name, found["columns"])
        messages.success(request, f"{upload.name} : connecté à la table « {table.title} ».")
        return HttpResponseRedirect(f"/{case}/connecter/")
    context = {
        "case": card,
        "upload": upload,
        "tables": _tables(card),
        "table": table,
        "found": found,
        "fields": _fields(table, found),
        "shown": [field for field in table.loaded if field.name in found["columns"]],
        "rows": [
            [row.get(field.name, "") for field in table.loaded if field.name in found["columns"]]
            for row in found["rows"]
        ],
        "general": [one for one in found["errors"] if not one["field"]],
        "saving": saving,
    }
    return render(request, "desk/connect_columns.html", context, status=422 if saving else 200)


def _chosen_table(request: Asking, card: Card, upload: Upload) -> InputTable:
    wanted = request.POST.get("table") or upload.table
    for table in _tables(card):
        if table.name == wanted:
            return table
    raise Http404


def _saved(card: Card, upload: Upload, table: str) -> dict[str, str] | None:
    """Return the columns that were saved for this very file, or nothing: then the headings propose."""
    saved = connecting.connected(work_on(card.name)).get(table)
    if upload.state != uploads.CONNECTED or upload.table != table or saved is None:
        return None
    return dict(Mapping.from_toml(saved.read_text(encoding="utf-8")).columns)


def _fields(table: InputTable, found: dict[str, Any]) -> list[dict[str, Any]]:
    errors = {one["field"]: one for one in reversed(found["errors"]) if one["field"]}
    return [
        {"field": field, "heading": found["columns"].get(field.name, ""), "error": errors.get(field.name)}
        for field in table.loaded
    ]


def _save(card: Card, upload: Upload, table: str, chosen: dict[str, str]) -> None:
    from pathlib import Path

    with transaction.atomic():
        Upload.objects.filter(case=card.name, table=table, state=uploads.CONNECTED).exclude(
            pk=upload.pk
        ).update(state=uploads.REPLACED)
        upload.table, upload.state = table, uploads.CONNECTED
        upload.save(update_fields=["table", "state"])
        connecting.save_mapping(
            work_on(card.name), Mapping(table=table, columns=chosen), Path(upload.file.path)
        )


@require_POST
@page
def compute(request: Asking, case: str) -> HttpResponse:
    """Start the calculation of the connected data, as a task that can be left and found again."""
    card = _card(request, case)
    if not request.reach.may_everywhere(Action.COMPUTE, case):
        raise Http404
    refuse_if_stopped(case)
    missing = connecting.still_missing(work_on(case))
    if missing:
        messages.error(request, f"Il reste à connecter la table « {missing[0].title} ».")
        return HttpResponseRedirect(f"/{case}/connecter/")
    from eclaireur.desk import jobs

    job = jobs.start(
        {Desk.READER: "index", Desk.INTAKE: "sort"}.get(card.desk, "publish"),
        user=request.user,
        case=case,
        service="",
        title=f"Calcul des données connectées : {card.title}"[:200],
        arguments={"source": working.CONNECTED},
    )
    return HttpResponseRedirect(f"/{case}/connecter/calcul/{job.pk}/")


@require_GET
@page
def computing(request: Asking, case: str, pk: UUID) -> HttpResponse:
    """Show how far the calculation is; when it is done, lead to the draw of the first list."""
    card = _card(request, case)
    job = get_object_or_404(Job.objects.filter(request.reach.rows(Action.CONNECT)), case=case, pk=pk)
    context = {
        "case": card,
        "job": job,
        "done": job.state == JobState.DONE,
        "waiting": job.state in {JobState.WAITING, JobState.RUNNING},
    }
    return render(request, "desk/connect_wait.html", context)


@require_GET
@page
def download(request: Asking, pk: int) -> FileResponse:
    """Give a file back to who may connect data, always as an attachment of no known type."""
    upload = get_object_or_404(_uploads(request).exclude(file=""), pk=pk)
    response = FileResponse(
        upload.file.open("rb"),
        as_attachment=True,
        filename=upload.name,
        content_type="application/octet-stream",
    )
    response["X-Content-Type-Options"] = "nosniff"
    return response


urlpatterns = [
    path("fichiers/<int:pk>/", download),
    path("<case:case>/connecter/", connect),
    path("<case:case>/connecter/calculer/", compute),
    path("<case:case>/connecter/calcul/<uuid:pk>/", computing),
    path("<case:case>/connecter/<int:pk>/", columns),
]

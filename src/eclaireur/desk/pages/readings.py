"""Have any file read: send it, or give its address, and see what it holds and what is wrong with it.

For whoever may connect data to a case. A quick reading is done while the page waits; a scanned document, a
large file or an address is a task. See `readings` for what becomes of the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.core.files import File
from django.http import FileResponse, Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path
from django.utils.safestring import mark_safe
from django.views.decorators.http import require_GET, require_POST

from eclaireur.core.errors import BadValueError
from eclaireur.desk import jobs, readings, uploads
from eclaireur.desk.asking import Asking, connectable, page
from eclaireur.desk.models import Job, JobState
from eclaireur.desk.readings import Lecture

if TYPE_CHECKING:
    from eclaireur.core.card import Card

__all__ = ["connect", "forget", "lecture", "read", "take", "urlpatterns"]

_LONGEST = 2000
_WAITING = frozenset({JobState.WAITING, JobState.RUNNING})
_MARKS = {"lu": ("good", "✓"), "lu avec réserves": ("warn", "▲"), "refusé": ("stop", "■")}


def _cards(request: Asking) -> tuple[Card, ...]:
    cards = connectable(request)
    if not cards:
        raise Http404
    return cards


@page
def read(request: Asking) -> HttpResponse:
    """Ask for a file; read it, or hand it to a task."""
    _cards(request)
    error = None
    if request.method == "POST":
        try:
            return _receive(request)
        except BadValueError as found:
            error = found
    context = {
        "error": error,
        "limit": settings.UPLOAD_LIMIT,
        "addresses": settings.READ_ADDRESSES,
        "minutes": readings.KEPT // 60,
        "typed": request.POST,
    }
    return render(request, "desk/read.html", context, status=200 if error is None else 422)


def _receive(request: Asking) -> HttpResponse:
    from eclaireur.desk.reading_files import read_at_once
    from eclaireur.sources.held import held_reader

    sent = request.FILES.get("file")
    address = request.POST.get("address", "").strip() if settings.READ_ADDRESSES else ""
    if sent is None and not address:
        fix = "Choisissez un fichier, puis envoyez-le."
        raise BadValueError("aucun fichier n'a été choisi.", fix=fix)
    if sent is not None and address:
        raise BadValueError("un fichier et une adresse à la fois.", fix="Donnez l'un ou l'autre.")
    if len(address) > _LONGEST or (address and not address.startswith(("https://", "http://", "datagouv:"))):
        raise BadValueError(
            "cette adresse n'est pas comprise.", fix="Attendu : https://… ou datagouv:JEU[/RESSOURCE]."
        )
    form = request.POST.get("form", "")
    found = readings.receive(
        request.user,
        sent,
        sheet=request.POST.get("sheet", "").strip()[:200],
        form=form if form in readings.FORMS else "",
        keep=bool(request.POST.get("keep")),
        address=address,
    )
    done = False
    try:
        if not found.heavy:
            with held_reader() as reader:
                done = read_at_once(found, reader)
        if not done:
            job = jobs.start("read", user=request.user, case="", arguments={"lecture": str(found.pk)})
            found.handed(str(job.pk))
    except BaseException:
        found.forget()
        raise
    return HttpResponseRedirect(f"/lire/{found.pk}/")


def _found(request: Asking, pk: UUID) -> Lecture:
    _cards(request)
    found = readings.find(pk, request.user)
    if found is None:
        raise Http404
    return found


@require_GET
@page
def lecture(request: Asking, pk: UUID) -> HttpResponse:
    """Show what a file holds, or how far its reading is."""
    try:
        found = _found(request, pk)
    except Http404:
        if not connectable(request):
            raise
        return render(request, "desk/read_gone.html", {"minutes": readings.KEPT // 60}, status=410)
    said = found.said
    job = None if said or not found.job else Job.objects.filter(pk=found.job).first()
    context: dict[str, Any] = {
        "lecture": found,
        "name": found.asked.name or found.asked.address,
        "said": said,
        "job": job,
        "waiting": job is not None and job.state in _WAITING,
    }
    if said is not None:
        context |= {
            "mark": _MARKS[said["outcome"]],
            "blocks": mark_safe(found.shown),  # noqa: S308 (our own rendering, kept for an hour)
            "files": [(name, readings.FILES[name]) for name in said["files"]],
            "cards": _cards(request) if said["table"] else (),
            "kept": found.sent is not None,
        }
    return render(request, "desk/lecture.html", context)


@require_GET
@page
def take(request: Asking, pk: UUID, name: str) -> FileResponse:
    """Give what the reading wrote: the report for the producer, the values to correct, the text."""
    found = _found(request, pk)
    if name not in readings.FILES or found.said is None or name not in found.said["files"]:
        raise Http404
    response = FileResponse(
        (found.folder / name).open("rb"),
        as_attachment=True,
        filename=f"{found.asked.name} - {name}",
        content_type="application/octet-stream",
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


@require_POST
@page
def connect(request: Asking, pk: UUID) -> HttpResponse:
    """Go on with a table: keep its file for a case, and say which column is which."""
    found = _found(request, pk)
    case, sent = request.POST.get("case", ""), found.sent
    if all(card.name != case for card in _cards(request)):
        raise Http404
    if sent is None or not (found.said or {}).get("table"):
        messages.error(request, "Ce fichier n’est plus là. Envoyez-le de nouveau.")
        return HttpResponseRedirect(f"/{case}/connecter/")
    with sent.open("rb") as stream:
        upload = uploads.receive(request.user, case, File(stream, name=found.asked.name))
    found.forget()
    return HttpResponseRedirect(f"/{case}/connecter/{upload.pk}/")


@require_POST
@page
def forget(request: Asking, pk: UUID) -> HttpResponse:
    """Delete at once the file and all that was read of it; stop the task that reads it."""
    found = _found(request, pk)
    job = Job.objects.filter(pk=found.job, state__in=_WAITING).first() if found.job else None
    if job is not None:
        jobs.cancel(request.user, job)
    found.forget()
    messages.success(request, "Le fichier et ce qui en a été lu sont effacés.")
    return HttpResponseRedirect("/lire/")


urlpatterns = [
    path("lire/", read),
    path("lire/<uuid:pk>/", lecture),
    path("lire/<uuid:pk>/effacer/", forget),
    path("lire/<uuid:pk>/connecter/", connect),
    path("lire/<uuid:pk>/<str:name>", take),
]

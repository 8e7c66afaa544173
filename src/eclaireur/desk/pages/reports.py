"""Reports of a case, whatever its desk: asked for, made as a task, shown, and taken away as a file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import path
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_GET

from eclaireur.core.errors import BadValueError, FileRefusedError, NotFoundError
from eclaireur.core.view import Form, Table
from eclaireur.desk import jobs as tasks
from eclaireur.desk.access import Action
from eclaireur.desk.asking import Asking, card_within, page
from eclaireur.desk.blocks import render_blocks
from eclaireur.desk.jobs.queue import ACTIVE
from eclaireur.desk.models import Job, JobState
from eclaireur.desk.parameters import Shown, arguments_of, earlier_files, fields_of, shown_fields
from eclaireur.desk.place import work_on
from eclaireur.desk.switching import refuse_if_stopped
from eclaireur.service import reporting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from eclaireur.core.card import Card
    from eclaireur.service.work import Work

__all__ = ["attached", "report", "reports", "service_of", "take", "urlpatterns"]

_KIND = "report"
_FORMS = {
    "pdf": "application/pdf",
    "odt": "application/vnd.oasis.opendocument.text",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "csv": "text/csv; charset=utf-8",
}
_WHOLE = ("pdf", "odt")
"""Forms that hold every block; the others hold the first table."""
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class _Offer:
    """A report that can be asked for: what it needs, what was typed, and the last ones made."""

    name: str
    title: str
    fields: tuple[Shown, ...]
    made: tuple[Job, ...]
    error: BadValueError | FileRefusedError | None = None

    @property
    def sends(self) -> bool:
        """Whether a file goes with it."""
        return any(one.kind == "file" for one in self.fields)

    @property
    def draws(self) -> bool:
        """Whether a zone is drawn for it."""
        return any(one.kind == "zone" for one in self.fields)


def service_of(request: Asking, case: str) -> str:
    """Return a service of the person that sees the whole case: a report speaks of every territory."""
    for service in request.reach.services(Action.SEE, case):
        if request.reach.may_everywhere(Action.SEE, case, service):
            return service
    raise Http404


def _made(request: Asking, case: str) -> QuerySet[Job]:
    return Job.objects.within(request.reach).filter(case=case, kind=_KIND).select_related("user")


@page
def reports(request: Asking, case: str) -> HttpResponse:
    """List the reports of a case; on sending, start the one that was asked for."""
    card = card_within(request, case)
    service = service_of(request, case)
    work = work_on(case)
    titles = reporting.titles(work)
    error: BadValueError | FileRefusedError | None = None
    name = request.POST.get("report", "")
    if request.method == "POST":
        if name not in titles:
            raise Http404
        refuse_if_stopped(case)
        try:
            return _start(request, card, service, work, name)
        except (BadValueError, FileRefusedError) as found:
            error = found
    done = list(_made(request, case).order_by("-created")[:_LONGEST])
    files = earlier_files(request, case)
    offers = [
        _Offer(
            one,
            title,
            tuple(
                shown_fields(
                    fields_of(work, one),
                    end=one,
                    typed=request.POST.dict() if one == name else {},
                    error=error if one == name else None,
                    files=files,
                )
            ),
            tuple(job for job in done if job.arguments.get("report") == one)[:3],
            error if one == name else None,
        )
        for one, title in titles.items()
    ]
    context = {"case": card, "offers": offers, "draws": any(one.draws for one in offers)}
    return render(request, "desk/reports.html", context, status=422 if error else 200)


def _start(request: Asking, card: Card, service: str, work: Work, name: str) -> HttpResponse:
    arguments = arguments_of(request, card, work, name)
    title = reporting.titles(work)[name]
    shown = f"{title} : {arguments['about']}" if arguments.get("about") else title
    job = tasks.start(
        _KIND, user=request.user, case=card.name, service=service, title=shown, arguments=arguments
    )
    return HttpResponseRedirect(f"/{card.name}/rapports/{job.pk}/")


def _found(request: Asking, case: str, pk: UUID) -> Job:
    service_of(request, case)
    job: Job = get_object_or_404(_made(request, case), pk=pk)
    return job


@require_GET
@page
def report(request: Asking, case: str, pk: UUID) -> HttpResponse:
    """Show a report, or how far it is."""
    card = card_within(request, case)
    job = _found(request, case, pk)
    context: dict[str, Any] = {"case": card, "job": job, "going": job.state in ACTIVE}
    if job.state == JobState.DONE:
        try:
            blocks, mentions = reporting.kept_report(work_on(case), str(job.result.get("run", "")))
        except (NotFoundError, BadValueError):
            context["lost"] = True
        else:
            shown = [one for one in blocks if not isinstance(one, Form)]
            context |= {
                "blocks": render_blocks(shown),
                "mentions": mentions,
                "forms": [one for one in _FORMS if one in _WHOLE or _has_table(shown)],
            }
    return render(request, "desk/report.html", context)


def _has_table(blocks: list[Any]) -> bool:
    return any(isinstance(one, Table) for one in blocks)


@require_GET
@page
def take(request: Asking, case: str, pk: UUID, form: str) -> HttpResponse:
    """Give a report as a file: whole as PDF, its first table as a sheet."""
    from eclaireur.desk.exports import file_of

    card_within(request, case)
    job = _found(request, case, pk)
    if not request.reach.may_everywhere(Action.EXPORT, case, job.service) or job.state != JobState.DONE:
        raise Http404
    blocks, mentions = reporting.kept_report(work_on(case), str(job.result.get("run", "")))
    content = file_of(
        f"rapport.{form}",
        lambda target: reporting.write_report(blocks, target, title=job.title, mentions=mentions),
    )
    return attached(content, f"{case}-{job.arguments['report']}.{form}", _FORMS[form])


def attached(content: bytes, name: str, kind: str, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """Return bytes as an attachment that no shared cache keeps."""
    response = HttpResponse(content, content_type=kind, headers=dict(headers or {}))
    response["Content-Disposition"] = content_disposition_header(as_attachment=True, filename=name) or ""
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response


urlpatterns = [
    path("<case:case>/rapports/", reports),
    path("<case:case>/rapports/<uuid:pk>/", report),
    *(path(f"<case:case>/rapports/<uuid:pk>/rapport.{form}", take, {"form": form}) for form in _FORMS),
]

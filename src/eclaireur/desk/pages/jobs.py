"""Tasks: which are under way in my perimeter, how far, how they ended; start, cancel, start again."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.shortcuts import get_object_or_404, render
from django.template.loader import render_to_string
from django.urls import path
from django.views.decorators.http import require_GET, require_POST

from eclaireur.core import french
from eclaireur.core.card import Desk
from eclaireur.core.errors import BadValueError
from eclaireur.desk import jobs as tasks
from eclaireur.desk.access import Action
from eclaireur.desk.asking import Asking, card_within, page
from eclaireur.desk.jobs.queue import ACTIVE
from eclaireur.desk.models import Job, JobState
from eclaireur.desk.served import served_cards
from eclaireur.desk.switching import refuse_if_stopped
from eclaireur.service.work import CONNECTED

if TYPE_CHECKING:
    from eclaireur.core.card import Card

__all__ = ["again", "cancel", "compute", "follow", "job", "jobs", "open_training", "urlpatterns"]

_OVER = 50
_STARTED = ("publish", "index", "train", "evaluate")
_OWN = ("read", "score")
"""Kinds whose tasks are of a file that somebody sent: nobody else's business, whatever they may see."""
_MARKS = {
    JobState.DONE: ("good", "✓"),
    JobState.FAILED: ("stop", "■"),
    JobState.ASIDE: ("stop", "■"),
    JobState.CANCELLED: ("warn", "▲"),
}


@dataclass(frozen=True, slots=True)
class _Line:
    """A task as pages show it."""

    job: Job
    may: bool

    @property
    def active(self) -> bool:
        return self.job.state in ACTIVE

    @property
    def running(self) -> bool:
        return bool(self.job.state == JobState.RUNNING)

    @property
    def mark(self) -> tuple[str, str]:
        return _MARKS.get(JobState(self.job.state), ("", "…"))

    @property
    def share(self) -> float | None:
        """Part of the present step that is done; None when its length is not known."""
        return min(self.job.done / self.job.total, 1.0) if self.running and self.job.total else None

    @property
    def step(self) -> str:
        """What is being done, with how far, in one sentence."""
        if self.share is None:
            return self.job.message
        return f"{self.job.message or 'En cours'} : {french.percent(self.share)}"

    @property
    def again(self) -> bool:
        """Whether starting it anew makes sense."""
        return self.may and not self.active and self.job.state != JobState.DONE and self.job.kind != "read"

    @property
    def outcome(self) -> tuple[str, str, str]:
        """What came of it: a sentence, an address, and the words of the link."""
        job = self.job
        if job.state != JobState.DONE:
            return "", "", ""
        match job.kind:
            case "training":
                return "L'entraînement est ouvert.", f"/{job.case}/entrainement/", "S'entraîner"
            case "publish":
                return "Le classement est à jour.", f"/{job.case}/?portee=classement", "Voir le classement"
            case "report":
                room = "calculs" if self.benched else "rapports"
                return "Le rapport est établi.", f"/{job.case}/{room}/{job.pk}/", "Lire le rapport"
            case "score":
                return "Le fichier est analysé.", f"/{job.case}/calculs/{job.pk}/", "Voir le résultat"
            case "index":
                return "La recherche est prête.", f"/{job.case}/", "Chercher"
            case "sort":
                done = (
                    "Les messages sont triés." if job.result.get("messages") else "Les réponses sont prêtes."
                )
                return done, f"/{job.case}/", "Ouvrir le guichet"
            case "send":
                return "La réponse a quitté le bureau.", f"/{job.case}/envois/", "Voir les envois"
            case "train":
                number = job.result.get("model", "")
                return (
                    f"Le modèle n° {number} est entraîné. Une personne décide de sa mise en service.",
                    "",
                    "",
                )
            case "read":
                return "Le fichier est lu.", f"/lire/{job.arguments['lecture']}/", "Voir la lecture"
            case "evaluate":
                return "L'évaluation est faite.", "", ""
        return "", "", ""

    @property
    def benched(self) -> bool:
        """Whether its case is at the workbench."""
        return any(card.name == self.job.case and card.desk is Desk.WORKBENCH for card in served_cards())

    @property
    def seen(self) -> tuple[Any, ...]:
        """What changes on a screen when the task goes on."""
        job = self.job
        return (job.pk, job.state, job.done, job.total, job.message, job.attempts, job.cancel_asked)


def follow(request: Asking, job: Job) -> _Line:
    """Return a task as pages show it."""
    return _line(request, job)


def _line(request: Asking, job: Job) -> _Line:
    own = job.kind in _OWN  # only its own are found
    return _Line(job, own or request.reach.may(Action.COMPUTE, job.case, job.area, job.service))


def _seen(request: Asking) -> QuerySet[Job]:
    """Return the tasks of my perimeter, and those that anybody may ask for, when I did."""
    rows = request.reach.rows()
    mine = Q(kind__in=_OWN, user=request.user)
    if rows:  # else everything is within reach
        cases = request.reach.cases(card.name for card in served_cards())
        rows |= Q(kind="training", user=request.user, case__in=cases)
    return Job.objects.filter(mine | (rows & ~Q(kind__in=_OWN))).select_related("user")


def _found(request: Asking, pk: UUID) -> Job:
    job: Job = get_object_or_404(_seen(request), pk=pk)
    return job


def _lines(request: Asking) -> list[_Line]:
    rows = _seen(request).order_by("-created")
    active = rows.filter(state__in=ACTIVE)
    over = rows.exclude(state__in=ACTIVE)[:_OVER]
    return [_line(request, row) for row in (*active, *over)]


def _answer(request: Asking, name: str, lines: list[_Line], spoken: str) -> HttpResponse:
    """Answer with the page or, to what refreshes it, with its part that changes, if it has."""
    seen = hashlib.sha256(repr([line.seen for line in lines]).encode()).hexdigest()[:16]
    context = {
        "lines": lines,
        "line": lines[0] if lines else None,
        "seen": seen,
        "spoken": spoken,
        "going": any(line.active for line in lines),
        "part": f"desk/parts/{name}.html",
    }
    if not request.headers.get("HX-Request"):
        return render(request, f"desk/{name}.html", context)
    if request.GET.get("vu") == seen:
        return HttpResponse(status=204)
    # Without what the frame around the page would ask the database at each refresh.
    fragment = {**context, "fragment": True, "csrf_token": get_token(request)}
    return HttpResponse(render_to_string(f"desk/parts/{name}.html", fragment))


@require_GET
@page
def jobs(request: Asking) -> HttpResponse:
    """List the tasks of my perimeter: those under way, then the last that ended."""
    lines = _lines(request)
    running = sum(line.running for line in lines)
    waiting = sum(line.active for line in lines) - running
    spoken = f"{french.count(running, 'tâche')} en cours, {french.number(waiting)} en attente."
    return _answer(request, "jobs", lines, spoken)


@require_GET
@page
def job(request: Asking, pk: UUID) -> HttpResponse:
    """Show one task: how far it is, or how it ended and what to do next."""
    line = _line(request, _found(request, pk))
    # Spoken by tens: a screen reader is not to count each hundredth aloud.
    tens = f", {french.percent(int(line.share * 10) / 10)}" if line.share is not None else ""
    return _answer(request, "job", [line], f"Tâche {line.job.get_state_display()}{tens}.")


@require_POST
@page
def cancel(request: Asking, pk: UUID) -> HttpResponse:
    """Ask that a task stop."""
    row = _found(request, pk)
    if not _line(request, row).may:
        raise Http404
    try:
        row = tasks.cancel(request.user, row)
    except BadValueError as error:
        messages.warning(request, f"{error.message.capitalize()} {error.fix}")
    else:
        ended = row.state == JobState.CANCELLED
        messages.success(request, "Tâche annulée." if ended else "Annulation demandée : la tâche s'arrête.")
    return HttpResponseRedirect(f"/taches/{pk}/")


@require_POST
@page
def again(request: Asking, pk: UUID) -> HttpResponse:
    """Start anew, as a new task, one that failed, was cancelled or was set aside."""
    row = _found(request, pk)
    line = _line(request, row)
    if not line.again:
        raise Http404
    refuse_if_stopped(row.case)
    made = tasks.start(
        row.kind,
        user=request.user,
        case=row.case,
        area=row.area,
        service=row.service,
        title=row.title,
        arguments=row.arguments,
    )
    return HttpResponseRedirect(f"/taches/{made.pk}/")


_LONGEST = 120  # as the column


def _service(request: Asking, case: str) -> str:
    """Return the service for which to compute: the one asked, else the first of one's own."""
    own = request.reach.services(Action.COMPUTE, case)
    service = request.POST.get("service", own[0] if own else "")
    if len(service) > _LONGEST or not request.reach.may_everywhere(Action.COMPUTE, case, service):
        raise Http404
    return service


def _source(request: Asking, card: Card) -> dict[str, str]:
    source = request.POST.get("source", "")
    if source and source not in {CONNECTED, *(one.name for one in card.sources)}:
        raise BadValueError(f"la source « {source} » n'existe pas.", fix="Choisissez-la dans la liste.")
    return {"source": source} if source else {}


@require_POST
@page
def compute(request: Asking, case: str) -> HttpResponse:
    """Start a calculation of a case: its signals, a model, or its figures."""
    card = card_within(request, case)
    service = _service(request, case)
    kind = request.POST.get("kind", "index" if card.desk is Desk.READER else "publish")
    if kind not in _STARTED or (kind == "index" and card.index is None):
        raise BadValueError("ce calcul n'existe pas.", fix="Choisissez-le dans la page du cas d'usage.")
    refuse_if_stopped(case)
    made = tasks.start(kind, user=request.user, case=case, service=service, arguments=_source(request, card))
    return HttpResponseRedirect(f"/taches/{made.pk}/")


@require_POST
@page
def open_training(request: Asking, case: str) -> HttpResponse:
    """Start what opens the training desk, with the sample's list, for whoever sees the case."""
    card_within(request, case)
    refuse_if_stopped(case)
    made = tasks.start("training", user=request.user, case=case)
    return HttpResponseRedirect(f"/taches/{made.pk}/")


urlpatterns = [
    path("taches/", jobs),
    path("taches/<uuid:pk>/", job),
    path("taches/<uuid:pk>/annuler/", cancel),
    path("taches/<uuid:pk>/relancer/", again),
    path("<case:case>/calculer/", compute),
    path("<case:case>/entrainement/ouvrir/", open_training),
]

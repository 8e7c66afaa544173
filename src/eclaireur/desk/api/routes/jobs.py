"""Tasks: long work that is asked for here, and found again under its number."""

from __future__ import annotations

from typing import Any, Literal
from uuid import UUID

from django.db.models import QuerySet
from django.http import Http404
from ninja import Body, Path, Query, Router, Schema, Status
from pydantic import ConfigDict, Field

from eclaireur.core.errors import BadValueError
from eclaireur.desk.access import Action
from eclaireur.desk.api import shapes
from eclaireur.desk.api.auth import Calling, needs
from eclaireur.desk.api.paging import Case, Page, Paging, Place, Word, page_of
from eclaireur.desk.asking import card_within, required
from eclaireur.desk.models import Job
from eclaireur.desk.switching import refuse_if_stopped
from eclaireur.service.work import CONNECTED

__all__ = [
    "Asked",
    "Wanted",
    "cancel",
    "job",
    "jobs",
    "router",
    "start",
]

router = Router(tags=["Tâches"])


class Asked(Paging):
    """Filters of tasks."""

    cas: str = Field("", max_length=80, pattern=r"^[^\x00]*$", description="Nom d'un cas d'usage.")
    etat: Literal["", "waiting", "running", "done", "failed", "cancelled", "aside"] = Field(
        "", description="Seulement cet état."
    )


class Wanted(Schema):
    """Une tâche à faire."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"kind": "publish", "case": "restaurant_risk"}]}
    )

    kind: Literal["publish"] = Field(description="publish : calculer les indices et les publier.")
    case: Case
    service: Place = Field("", description="Service ; vide pour tous.")
    source: Word = Field("", description="Source ; vide pour celle par défaut.")


@router.get("/taches", response=Page[shapes.Job], auth=needs("read"), summary="Lister les tâches")
def jobs(request: Calling, asked: Query[Asked]) -> dict[str, Any]:
    """Les tâches de votre périmètre, de la plus récente à la plus ancienne."""
    rows = _seen(request)
    if asked.cas:
        rows = rows.filter(case=asked.cas)
    if asked.etat:
        rows = rows.filter(state=asked.etat)
    return page_of(request, asked, rows.order_by("-created", "pk"), list)


def _seen(request: Calling) -> QuerySet[Job]:
    # The reading of a file is a person's own, and shown on their page alone.
    found: QuerySet[Job] = Job.objects.within(request.auth.reach).exclude(kind="read")
    return found


@router.get("/taches/{pk}", response=shapes.Job, auth=needs("read"), summary="Suivre une tâche")
def job(request: Calling, pk: Path[UUID]) -> Job:
    """Où en est une tâche."""
    return _job(request, pk)


def _job(request: Calling, pk: UUID) -> Job:
    found = _seen(request).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


@router.post("/taches", response={202: shapes.Job}, auth=needs("compute"), summary="Demander une tâche")
def start(request: Calling, body: Body[Wanted]) -> Status[Job]:
    """La tâche est mise en file. La même, demandée avant d'avoir commencé, n'est faite qu'une fois."""
    from eclaireur.desk import jobs as tasks

    caller = request.auth
    card = card_within(caller, body.case)
    if not caller.reach.may_everywhere(Action.COMPUTE, card.name, body.service):
        raise Http404
    refuse_if_stopped(card.name)
    if body.source and body.source not in {CONNECTED, *(source.name for source in card.sources)}:
        raise BadValueError("cette source n'existe pas.", fix="La fiche du cas les nomme.", column="source")
    arguments = {"source": body.source} if body.source else {}
    made = tasks.start(body.kind, user=caller.user, case=card.name, service=body.service, arguments=arguments)
    return Status(202, made)


@router.post(
    "/taches/{pk}/annulation", response=shapes.Job, auth=needs("compute"), summary="Annuler une tâche"
)
def cancel(request: Calling, pk: Path[UUID]) -> Job:
    """Annule une tâche en attente ; demande à une tâche en cours de s'arrêter."""
    from eclaireur.desk import jobs as tasks

    row = _job(request, pk)
    required(request.auth, Action.COMPUTE, row.case, row.area, row.service)
    return tasks.cancel(request.auth.user, row)

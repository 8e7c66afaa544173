"""Dossiers: where each is, what a calculation says of it, and what became of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from django.db.models import F, Q
from django.http import Http404
from django.utils import timezone
from ninja import Path, Query, Router
from pydantic import Field

from eclaireur.core.catalog import find_card
from eclaireur.core.errors import NotFoundError
from eclaireur.desk.api import shapes
from eclaireur.desk.api.auth import Calling, needs
from eclaireur.desk.api.paging import Day, Id, Page, Paging, page_of
from eclaireur.desk.api.routes.cases import reasons_of
from eclaireur.desk.asking import card_within
from eclaireur.desk.models import Decision, Dossier
from eclaireur.desk.sheets import Sheet, open_sheet
from eclaireur.desk.switching import stopped

if TYPE_CHECKING:
    from eclaireur.desk.api.auth import Caller

__all__ = [
    "Asked",
    "dossier",
    "dossiers",
    "history",
    "open_dossier",
    "router",
    "shape",
]

router = Router(tags=["Dossiers"])

_TEXT = r"^[^\x00]*$"


class Asked(Paging):
    """Filters of dossiers."""

    cas: str = Field("", max_length=80, pattern=_TEXT, description="Nom d'un cas d'usage.")
    secteur: str = Field("", max_length=120, pattern=_TEXT, description="Seulement ce secteur.")
    etape: str = Field("", max_length=40, pattern=_TEXT, description="Code d'une étape.")
    assigne: str = Field("", max_length=150, pattern=_TEXT, description="Identifiant d'une personne.")
    sujet: str = Field("", max_length=220, pattern=_TEXT, description="Type et identifiant d'un sujet.")
    echeance_avant: Day = Field(
        default=cast("Any", None), description="Seulement les échéances plus proches que ce jour."
    )
    q: str = Field("", max_length=200, pattern=_TEXT, description="Partie d'un nom, ou identifiant entier.")


@router.get(
    "/dossiers", response=Page[shapes.DossierLine], auth=needs("read"), summary="Chercher des dossiers"
)
def dossiers(request: Calling, asked: Query[Asked]) -> dict[str, Any]:
    """Les dossiers de votre périmètre, tous cas d'usage confondus, par échéance."""
    rows = Dossier.objects.within(request.auth.reach).filter(_filter(asked), training=False)
    ordered = rows.select_related("assigned_to").order_by(F("due").asc(nulls_last=True), "name", "pk")
    return page_of(request, asked, ordered, lambda some: [_line(one) for one in some])


def _filter(asked: Asked) -> Q:
    wanted = {
        "case": asked.cas,
        "area": asked.secteur,
        "status": asked.etape,
        "assigned_to__login": asked.assigne,
        "subject": asked.sujet,
        "due__lt": asked.echeance_avant,
    }
    found = Q(**{name: value for name, value in wanted.items() if value})
    if asked.q:
        found &= Q(name__icontains=asked.q) | Q(subject__endswith=f":{asked.q.replace(' ', '')}")
    return found


def _line(dossier: Dossier) -> dict[str, Any]:
    titles = {step.code: step.title for step in find_card(dossier.case).procedure.statuses}
    return {
        "dossier": dossier.pk,
        "subject": dossier.subject,
        "name": str(dossier),
        "area": dossier.area,
        "case": dossier.case,
        "service": dossier.service,
        "status": dossier.status,
        "status_title": titles.get(dossier.status, dossier.status),
        "due": dossier.due,
        "late": bool(dossier.due and dossier.due < timezone.localdate()),
        "assigned_to": dossier.assigned_to.full_name if dossier.assigned_to else "",
        "version": dossier.version,
    }


@router.get("/dossiers/{pk}", response=shapes.Dossier, auth=needs("read"), summary="Lire un dossier")
def dossier(request: Calling, pk: Path[Id]) -> dict[str, Any]:
    """Étape, échéance, personne, et ce que dit le calcul. Rang et poids sont cachés jusqu'à l'avis."""
    return shape(open_dossier(request.auth, pk))


def open_dossier(caller: Caller, pk: int) -> Sheet:
    """Open a dossier within reach; else it does not exist."""
    row = Dossier.objects.within(caller.reach).filter(pk=pk, training=False).only("case").first()
    if row is None:
        raise Http404
    try:
        return open_sheet(card_within(caller, row.case), caller.reach, pk)
    except NotFoundError as error:
        raise Http404 from error


def shape(sheet: Sheet) -> dict[str, Any]:
    """Return a dossier as the API shows it."""
    row = sheet.dossier
    return {
        **_line(row),
        "verdict": sheet.verdict,
        "worklist": sheet.item.worklist_id if sheet.item else None,
        "following": [step.code for step in sheet.card.procedure.following(row.status)],
        "signal": None if stopped(row.case) else _signal(sheet),
    }


def _signal(sheet: Sheet) -> dict[str, Any] | None:
    target, edition = sheet.target, sheet.edition
    if target is None or edition is None:
        return None
    told = edition.calibrated and not sheet.hidden
    return {
        "edition": edition.pk,
        "hidden": sheet.hidden,
        "rank": None if sheet.hidden else target.rank,
        "score": target.score if told else None,
        "low": target.low if told else None,
        "high": target.high if told else None,
        "reasons": reasons_of(target, hidden=sheet.hidden),
    }


@router.get(
    "/dossiers/{pk}/historique",
    response=list[shapes.HistoryLine],
    auth=needs("read"),
    summary="Lire l'historique d'un dossier",
)
def history(request: Calling, pk: Path[Id]) -> list[dict[str, Any]]:
    """Avis, étapes, commentaires et lettres, du plus récent au plus ancien."""
    return [
        {
            "seq": line["row"].pk,
            "kind": line["kind"],
            "what": line["what"],
            "by": line["row"].user.full_name,
            "at": line["row"].at,
            "text": line.get("text", ""),
            "undone": isinstance(line["row"], Decision) and line["row"].undone_by_id is not None,
        }
        for line in open_dossier(request.auth, pk).history()
    ]

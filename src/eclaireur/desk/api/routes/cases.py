"""The cases that the caller sees: their cards, what waits in each, the calculations published."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404
from django.utils import timezone
from ninja import Path, Query, Router
from pydantic import Field

from eclaireur.desk.api import shapes
from eclaireur.desk.api.auth import Calling, needs
from eclaireur.desk.api.paging import Case, Id, Page, Paging, page_of
from eclaireur.desk.asking import card_within
from eclaireur.desk.hiding import hidden_targets
from eclaireur.desk.listing import current_edition, open_worklists
from eclaireur.desk.models import Dossier, Edition, Item, Target
from eclaireur.desk.served import served_cards
from eclaireur.desk.switching import refuse_if_stopped, stopped

if TYPE_CHECKING:
    from eclaireur.core.card import Card
    from eclaireur.core.procedure import Procedure
    from eclaireur.desk.access import Reach

__all__ = [
    "Indices",
    "card",
    "cases",
    "edition",
    "editions",
    "indices",
    "reasons_of",
    "router",
]

router = Router(tags=["Cas d'usage"])


@router.get("/cas", response=list[shapes.CaseLine], auth=needs("read"), summary="Lister les cas d'usage")
def cases(request: Calling) -> list[dict[str, Any]]:
    """Les cas d'usage de votre périmètre, avec ce qui est à faire dans chacun."""
    reach = request.auth.reach
    return [_line(card, reach) for card in served_cards() if reach.cases([card.name])]


@router.get(
    "/cas/{case}", response=shapes.CaseCard, auth=needs("read"), summary="Lire la fiche d'un cas d'usage"
)
def card(request: Calling, case: Path[Case]) -> dict[str, Any]:
    """La fiche : à qui il sert, sur quelles données, selon quel droit, avec quelles limites."""
    found = card_within(request.auth, case)
    return {
        **_line(found, request.auth.reach),
        "administration": found.administration,
        "users": found.users,
        "label": found.label,
        "limits": list(found.limits),
        "law": found.law,
        "sources": list(found.sources),
        "procedure": _procedure(found.procedure),
    }


def _line(card: Card, reach: Reach) -> dict[str, Any]:
    switch = stopped(card.name)
    return {
        "name": card.name,
        "title": card.title,
        "summary": card.summary,
        "desk": card.desk.value,
        "noun": card.noun,
        "nouns": card.nouns,
        "level": card.level,
        "suspended": {"since": switch.at, "by": switch.user.full_name, "reason": switch.reason}
        if switch
        else None,
        "figures": _figures(card.name, reach),
        "edition": current_edition(reach, card.name),
    }


def _figures(case: str, reach: Reach) -> dict[str, int]:
    lines = Item.objects.within(reach).filter(
        case=case, worklist__closed=None, worklist__edition__training=False
    )
    dossiers = Dossier.objects.within(reach).filter(case=case, training=False).exclude(status="")
    return {
        "lists": open_worklists(reach, case).count(),
        "lines": lines.count(),
        "waiting": lines.filter(verdict="").count(),
        "dossiers": dossiers.count(),
        "late": dossiers.filter(due__lt=timezone.localdate()).count(),
    }


def _procedure(procedure: Procedure) -> dict[str, Any]:
    return {
        "steps": [
            {
                "code": step.code,
                "title": step.title,
                "days": step.days,
                "after": list(step.after),
                "result": step.result,
                "final": step.final,
            }
            for step in procedure.statuses
        ],
        "wrong_target": list(procedure.wrong_target),
        "outcomes": list(procedure.outcomes),
        "letters": list(procedure.letters),
    }


def _editions(reach: Reach) -> QuerySet[Edition]:
    """Return the published calculations of which the caller sees at least one line."""
    seen = Target.objects.within(reach).filter(edition=OuterRef("pk"))
    return Edition.objects.filter(Exists(seen), ready=True, training=False)


@router.get(
    "/cas/{case}/editions",
    response=Page[shapes.Edition],
    auth=needs("read"),
    summary="Lister les calculs publiés",
)
def editions(request: Calling, case: Path[Case], asked: Query[Paging]) -> dict[str, Any]:
    """Les calculs publiés d'un cas d'usage, du plus récent au plus ancien."""
    card_within(request.auth, case)
    rows = _editions(request.auth.reach).filter(case=case).order_by("-published", "-pk")
    return page_of(request, asked, rows, list)


@router.get("/editions/{pk}", response=shapes.Edition, auth=needs("read"), summary="Lire un calcul publié")
def edition(request: Calling, pk: Path[Id]) -> Edition:
    """Les données, le modèle et la date d'un calcul."""
    return _edition(request, pk)


def _edition(request: Calling, pk: int) -> Edition:
    found = _editions(request.auth.reach).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


class Indices(Paging):
    """Filters of the indices of a calculation."""

    secteur: str = Field("", max_length=120, pattern=r"^[^\x00]*$", description="Seulement ce secteur.")
    sujet: str = Field(
        "",
        max_length=220,
        pattern=r"^[^\x00]*$",
        description="Seulement ce sujet.",
        examples=["siret:83283779300021"],
    )


@router.get(
    "/editions/{pk}/indices",
    response=Page[shapes.Indice],
    auth=needs("read"),
    summary="Lister les indices d'un calcul",
)
def indices(request: Calling, pk: Path[Id], asked: Query[Indices]) -> dict[str, Any]:
    """Les sujets par rang, avec toutes les raisons.

    Un sujet qui attend un avis dans une liste ouverte avec des lignes au hasard n'y est pas : son rang ferait
    deviner comment il a été tiré. Un cas d'usage suspendu ne donne pas d'indice : 409.
    """
    found = _edition(request, pk)
    refuse_if_stopped(found.case)
    rows = Target.objects.within(request.auth.reach).filter(edition=found).exclude(hidden_targets())
    if asked.secteur:
        rows = rows.filter(area=asked.secteur)
    if asked.sujet:
        rows = rows.filter(dossier__subject=asked.sujet)
    rows = rows.select_related("dossier", "reasons").order_by("rank", "pk")
    return page_of(request, asked, rows, lambda some: [_indice(found, one) for one in some])


def _indice(edition: Edition, target: Target) -> dict[str, Any]:
    told = edition.calibrated
    return {
        "dossier": target.dossier_id,
        "subject": target.dossier.subject,
        "name": target.name,
        "area": target.area,
        "rank": target.rank,
        "score": target.score if told else None,
        "low": target.low if told else None,
        "high": target.high if told else None,
        "last_seen": target.last_seen,
        "latitude": target.latitude,
        "longitude": target.longitude,
        "reasons": reasons_of(target),
    }


def reasons_of(target: Target, *, hidden: bool = False) -> list[dict[str, Any]]:
    """Return the reasons of a target; without their weights, and in alphabetical order, while hidden."""
    content: list[dict[str, Any]] = getattr(target, "reasons").content  # noqa: B009 (a reverse relation)
    rows = [
        {
            "theme": one["theme"] or "",
            "sentence": one["sentence"],
            "weight": None if hidden else one["weight"],
            "observed": one["observed"],
            "source": one["source"] or "",
        }
        for one in content
    ]
    return sorted(rows, key=lambda row: str(row["sentence"])) if hidden else rows

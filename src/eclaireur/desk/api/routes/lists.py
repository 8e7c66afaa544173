"""Worklists, their lines, the whole ranking and the follow-up, under the filters of the pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpResponse
from django.utils.http import content_disposition_header
from ninja import Path, Query, Router
from pydantic import Field

from eclaireur.desk.api import shapes
from eclaireur.desk.api.auth import Calling, needs
from eclaireur.desk.api.paging import Asked, Case, Id, Page, Paging, page_of
from eclaireur.desk.asking import card_within
from eclaireur.desk.exports import FORMS, take_list
from eclaireur.desk.hiding import hidden_targets
from eclaireur.desk.listing import Listing, Query as Filter, open_worklists
from eclaireur.desk.models import Dossier, Item, Target, Worklist
from eclaireur.desk.switching import refuse_if_stopped, stopped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eclaireur.desk.access import Reach

__all__ = [
    "Followed",
    "Lines",
    "Ranked",
    "Taken",
    "export",
    "followed",
    "lines",
    "ranking",
    "router",
    "worklist",
    "worklists",
]

router = Router(tags=["Listes"])

_TEXT = r"^[^\x00]*$"


class _Common(Asked):
    secteur: str = Field("", max_length=120, pattern=_TEXT, description="Seulement ce secteur.")
    etape: str = Field(
        "",
        max_length=40,
        pattern=_TEXT,
        description="Code d'une étape ; un tiret pour les lignes sans étape.",
    )
    assigne: str = Field(
        "", max_length=120, pattern=_TEXT, description="Identifiant d'une personne ; un tiret pour personne."
    )
    q: str = Field("", max_length=200, pattern=_TEXT, description="Partie d'un nom, ou identifiant entier.")


class Taken(_Common):
    """Filters of a file."""

    avis: Literal["", "-", "follow", "set_aside", "other"] = Field(
        "", description="Seulement cet avis ; un tiret pour les lignes en attente."
    )
    tri: Literal["", "nom", "secteur", "dernier", "echeance"] = Field(
        "", description="Ordre ; par défaut, l'ordre de travail."
    )


class Lines(Taken, Paging):
    """Filters of a worklist."""


class Ranked(_Common, Paging):
    """Filters of the whole ranking."""

    tri: Literal["", "nom", "secteur", "dernier", "echeance"] = Field(
        "", description="Ordre ; par défaut, le rang."
    )


class Followed(_Common, Paging):
    """Filters of the follow-up."""

    tri: Literal["", "nom", "secteur", "echeance"] = Field("", description="Ordre ; par défaut, l'échéance.")


@router.get(
    "/cas/{case}/listes",
    response=Page[shapes.Worklist],
    auth=needs("read"),
    summary="Lister les listes ouvertes",
)
def worklists(request: Calling, case: Path[Case], asked: Query[Paging]) -> dict[str, Any]:
    """Les listes ouvertes dont vous voyez au moins une ligne, de la plus récente à la plus ancienne."""
    card_within(request.auth, case)
    reach = request.auth.reach
    rows = open_worklists(reach, case).order_by("-opened", "-pk")
    return page_of(request, asked, rows, lambda some: _worklists(reach, some))


@router.get("/listes/{pk}", response=shapes.Worklist, auth=needs("read"), summary="Lire une liste ouverte")
def worklist(request: Calling, pk: Path[Id]) -> dict[str, Any]:
    """Une liste, et ce qui reste à juger dans votre périmètre."""
    return _worklists(request.auth.reach, [_worklist(request, pk)])[0]


def _worklist(request: Calling, pk: int) -> Worklist:
    row = Worklist.objects.filter(pk=pk).first()
    if row is None or not open_worklists(request.auth.reach, row.case).filter(pk=pk).exists():
        raise Http404
    found: Worklist = row
    return found


def _worklists(reach: Reach, rows: Sequence[Worklist]) -> list[dict[str, Any]]:
    counts = {
        row["worklist"]: row
        for row in Item.objects.within(reach)
        .filter(worklist__in=rows)
        .values("worklist")
        .annotate(lines=Count("pk"), waiting=Count("pk", filter=Q(verdict="")))
    }
    return [
        {
            "id": row.pk,
            "case": row.case,
            "service": row.service,
            "title": row.title,
            "edition": row.edition_id,
            "run": row.run,
            "capacity": row.capacity,
            "random_share": row.random_share,
            "opened": row.opened,
            "lines": counts[row.pk]["lines"],
            "waiting": counts[row.pk]["waiting"],
        }
        for row in rows
    ]


@router.get(
    "/listes/{pk}/lignes",
    response=Page[shapes.ListLine],
    auth=needs("read"),
    summary="Lister les lignes d'une liste",
)
def lines(request: Calling, pk: Path[Id], asked: Query[Lines]) -> dict[str, Any]:
    """Les lignes de votre périmètre, dans l'ordre de travail. Les filtres sont ceux des pages."""
    row = _worklist(request, pk)
    return _page(request, row.case, asked, portee="liste", liste=str(pk))


@router.get(
    "/cas/{case}/classement",
    response=Page[shapes.ListLine],
    auth=needs("read"),
    summary="Lister tout le classement",
)
def ranking(request: Calling, case: Path[Case], asked: Query[Ranked]) -> dict[str, Any]:
    """Tous les sujets du calcul en vigueur, par rang, sauf ceux qu'une liste doit encore faire juger.

    Un cas d'usage suspendu n'a plus de classement : 409.
    """
    card_within(request.auth, case)
    refuse_if_stopped(case)
    return _page(request, case, asked, portee="classement")


@router.get(
    "/cas/{case}/suivi", response=Page[shapes.ListLine], auth=needs("read"), summary="Lister les suites"
)
def followed(request: Calling, case: Path[Case], asked: Query[Followed]) -> dict[str, Any]:
    """Les dossiers qui ont une étape de la procédure, par échéance."""
    card_within(request.auth, case)
    return _page(request, case, asked, portee="suivi")


def _page(request: Calling, case: str, asked: Lines | Ranked | Followed, **scope: str) -> dict[str, Any]:
    card = card_within(request.auth, case)
    listing = Listing(card, request.auth.reach, Filter.read({**_chosen(asked), **scope}))
    silent = stopped(case) is not None
    return page_of(request, asked, listing.ordered(), lambda some: [*_lines(listing, some, silent=silent)])


def _chosen(asked: _Common) -> dict[str, str]:
    return {name: value for name, value in asked.dict().items() if isinstance(value, str)}


def _lines(listing: Listing, rows: Sequence[Any], *, silent: bool) -> list[dict[str, Any]]:
    """Return rows as the API shows them, without what must not be shown, whichever open list hides it."""
    hidden = _hidden(rows)
    made = []
    for row in rows:
        line = listing.line(row)
        dossier = (
            row if isinstance(row, Dossier) else row.target.dossier if isinstance(row, Item) else row.dossier
        )
        blind = line.hidden or dossier.pk in hidden
        shown = not blind and not silent
        made.append(
            {
                "dossier": line.dossier,
                "subject": dossier.subject,
                "name": line.name,
                "area": line.area,
                "position": line.position,
                "status": dossier.status,
                "status_title": line.status,
                "due": line.due,
                "late": line.late,
                "assigned_to": line.assigned,
                "verdict": line.verdict,
                "last_seen": line.last_seen,
                "why": [] if silent else list(line.why),
                "hidden": blind,
                "rank": line.rank if shown else None,
                "score": line.score if shown else None,
                "low": line.low if shown else None,
                "high": line.high if shown else None,
                "drawn": line.drawn if shown else "",
            }
        )
    return made


def _hidden(rows: Sequence[Any]) -> set[int]:
    """Return the dossiers, among those of list lines, whose rank another open list hides."""
    targets = [row.target_id for row in rows if isinstance(row, Item)]
    found: QuerySet[Target] = Target.objects.filter(hidden_targets(), pk__in=targets)
    return set(found.values_list("dossier", flat=True))


_FILES = {
    "responses": {
        200: {
            "description": "Le fichier, en pièce jointe.",
            "content": {kind.split(";")[0]: {} for kind in FORMS.values()},
        }
    }
}


@router.get(
    "/listes/{pk}/export/{form}",
    auth=needs("export"),
    summary="Emporter une liste en fichier",
    openapi_extra=_FILES,
)
def export(
    request: Calling,
    pk: Path[Id],
    form: Path[Literal["csv", "xlsx", "ods", "pdf", "geojson", "gpkg"]],
    asked: Query[Taken],
) -> HttpResponse:
    """Les lignes que laissent les filtres, toutes à la fois. Le journal note qui a emporté quoi."""
    row = _worklist(request, pk)
    caller = request.auth
    card = card_within(caller, row.case)
    taken = take_list(caller.holder, caller.reach, card, pk, form, asked=_chosen(asked))
    response = HttpResponse(taken.content, content_type=taken.kind)
    response["Content-Disposition"] = (
        content_disposition_header(as_attachment=True, filename=taken.name) or ""
    )
    response["X-Content-Type-Options"] = "nosniff"
    response["Cache-Control"] = "private, no-store"
    return response

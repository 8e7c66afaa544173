"""Texts of a case: searched within the caller's territories; and its reports."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, cast

from ninja import Path, Query, Router
from pydantic import Field, StringConstraints

from eclaireur.desk.access import Action
from eclaireur.desk.api import text_shapes
from eclaireur.desk.api.auth import Calling, needs
from eclaireur.desk.api.errors import FailureError
from eclaireur.desk.api.paging import Asked, Case, Day, Word
from eclaireur.desk.asking import card_within
from eclaireur.desk.place import work_on, workspace
from eclaireur.desk.switching import refuse_if_stopped

__all__ = ["About", "Searched", "report", "reports", "router", "search"]

router = Router(tags=["Textes"])

_TEXT = r"^[^\x00]*$"
_Name = Annotated[str, StringConstraints(max_length=40, pattern=r"^[a-z][a-z0-9_-]*$")]
_Values = Annotated[list[Word], Field(max_length=20)]


class Searched(Asked):
    """What is looked for."""

    q: str = Field(
        "",
        max_length=5000,
        pattern=_TEXT,
        description="Mots, « phrases », début*, mot~, ET, OU, SAUF, parenthèses.",
        examples=["fuite OU déversement"],
    )
    filtre: _Values = Field(
        [],
        description="Facette et valeur ; plusieurs valeurs d'une facette se valent.",
        examples=[["site=Chooz"]],
    )
    facette: _Values = Field([], description="Facettes à compter.")
    depuis: Day = Field(default=cast("Any", None), description="Premier jour.")
    jusque: Day = Field(default=cast("Any", None), description="Dernier jour.")
    mois: bool = Field(default=False, description="Compter par mois.")
    mots: bool = Field(default=False, description="Classer par les mots seuls, sans le sens.")
    pourquoi: bool = Field(default=False, description="Dire quels mots pèsent, dans quel champ.")
    limit: Annotated[int, Field(ge=1, le=100, description="Nombre de documents, 100 au plus.")] = 10


@router.get(
    "/cas/{case}/recherche",
    response=text_shapes.FoundTexts,
    auth=needs("read"),
    summary="Chercher dans les textes d'un cas d'usage",
)
def search(request: Calling, case: Path[Case], asked: Query[Searched]) -> dict[str, Any]:
    """Les documents de l'index qui porte le nom du cas d'usage.

    Votre périmètre fait partie de la question : ce qui est au-dehors n'est ni rendu ni compté. Un document
    sans territoire n'est vu que de qui voit tous les territoires.
    """
    from eclaireur.bricks.semantic.index import Search
    from eclaireur.service import searching
    from eclaireur.service.found import found_json, results

    card_within(request.auth, case)
    if case not in searching.names(workspace()):
        raise FailureError(
            404,
            "les textes de ce cas d'usage ne sont pas indexés.",
            fix=f"Demandez à votre administrateur : ./eclaireur index build {case}.",
        )
    wanted = Search(
        query=asked.q,
        filters=_filters(asked.filtre),
        since=asked.depuis,
        until=asked.jusque,
        perimeters=request.auth.reach.areas(Action.SEE, case),
        facets=tuple(asked.facette),
        months=asked.mois,
        limit=asked.limit,
    )
    found, index = searching.find(workspace(), case, wanted, hybrid=not asked.mots)
    return found_json(found, results(found, index, wanted, why=asked.pourquoi))


def _filters(given: list[str]) -> dict[str, list[str]]:
    kept: dict[str, list[str]] = {}
    for one in given:
        facet, _, value = one.partition("=")
        if not facet or not value:
            raise FailureError(
                422, f"filtre invalide : « {one} ».", fix="Écrivez-le ainsi : site=Chooz.", field="filtre"
            )
        kept.setdefault(facet, []).append(value)
    return kept


class About(Asked):
    """What a report is about."""

    sujet: str = Field(
        "",
        max_length=200,
        pattern=_TEXT,
        description="Ce dont parle le rapport, quand il le demande : un site, une commune.",
    )


@router.get(
    "/cas/{case}/rapports",
    response=list[text_shapes.ReportLine],
    auth=needs("read"),
    summary="Lister les rapports d'un cas d'usage",
)
def reports(request: Calling, case: Path[Case]) -> list[dict[str, str]]:
    """Leurs noms et leurs titres."""
    from eclaireur.service import reporting

    card_within(request.auth, case)
    return [{"name": name, "title": title} for name, title in reporting.titles(work_on(case)).items()]


@router.get(
    "/cas/{case}/rapports/{name}",
    response=text_shapes.Report,
    auth=needs("read"),
    summary="Lire un rapport d'un cas d'usage",
)
def report(request: Calling, case: Path[Case], name: Path[_Name], asked: Query[About]) -> dict[str, Any]:
    """Le rapport sur les dernières données lues, par le modèle en service.

    Un rapport parle de tous les territoires : il n'existe que pour qui les voit tous. Un cas d'usage
    suspendu, ou sans données ou modèle, n'en donne pas : 409.
    """
    from eclaireur.service import reporting, training, work as working

    card_within(request.auth, case)
    work = work_on(case)
    titles = reporting.titles(work)
    if name not in titles or not request.auth.reach.may_everywhere(Action.SEE, case):
        raise FailureError(404)
    refuse_if_stopped(case)
    source = working.default_source(work)
    if not working.taken(work, source) or training.in_service(work, source) is None:
        raise FailureError(
            409,
            "ce cas d'usage n'a pas encore de données lues ou de modèle en service.",
            fix="Lancez d'abord un calcul.",
        )
    blocks, mentions = reporting.report(work, source, name, about=asked.sujet)
    content = [{"block": type(block).__name__, **asdict(block)} for block in blocks]
    return {"name": name, "title": titles[name], "blocks": content, "mentions": mentions}

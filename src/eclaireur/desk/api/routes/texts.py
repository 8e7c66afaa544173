"""Texts of a case: searched within the caller's territories; and its reports."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, cast
from uuid import UUID

from django.http import Http404
from ninja import Body, Path, Query, Router, Schema, Status
from pydantic import ConfigDict, Field, StringConstraints

from eclaireur.core.errors import BadValueError, NotFoundError
from eclaireur.desk.access import Action
from eclaireur.desk.api import shapes, text_shapes
from eclaireur.desk.api.auth import Calling, needs
from eclaireur.desk.api.errors import FailureError
from eclaireur.desk.api.paging import Asked, Case, Day, Word
from eclaireur.desk.asking import card_within
from eclaireur.desk.models import Job, JobState
from eclaireur.desk.place import work_on, workspace
from eclaireur.desk.switching import refuse_if_stopped
from eclaireur.service import reporting

if TYPE_CHECKING:
    from eclaireur.service.work import Work

__all__ = ["ReportWanted", "Searched", "ask_report", "report", "reports", "router", "search"]

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


class ReportWanted(Schema):
    """Un rapport à faire."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"report": "site"}]})

    report: _Name = Field(description="Nom du rapport, tel que la liste le donne.")
    about: Word = Field("", description="Ce dont il parle, quand il le demande : un site, une commune.")


@router.get(
    "/cas/{case}/rapports",
    response=list[text_shapes.ReportLine],
    auth=needs("read"),
    summary="Lister les rapports d'un cas d'usage",
)
def reports(request: Calling, case: Path[Case]) -> list[dict[str, Any]]:
    """Leurs noms, leurs titres, et ce qu'ils demandent. Rien pour qui ne voit qu'un territoire."""
    card_within(request.auth, case)
    if _service_of(request, case) is None:
        return []
    work = work_on(case)
    return [
        {"name": name, "title": title, "asks": sorted(_asks(work, name) or ())}
        for name, title in reporting.titles(work).items()
    ]


def _asks(work: Work, name: str) -> set[str] | None:
    """Return what a report asks for: ``about``, ``table``; None when its case does not say."""
    fields = reporting.asks(work, name)
    return None if fields is None else {one.name for one in fields}


def _service_of(request: Calling, case: str) -> str | None:
    """Return a service of the caller that sees the whole case, since a report speaks of every territory."""
    reach = request.auth.reach
    found = (one for one in reach.services(Action.SEE, case) if reach.may_everywhere(Action.SEE, case, one))
    return next(found, None)


@router.post(
    "/cas/{case}/rapports",
    response={202: shapes.Job},
    auth=needs("read"),
    summary="Demander un rapport",
)
def ask_report(request: Calling, case: Path[Case], body: Body[ReportWanted]) -> Status[Any]:
    """Le rapport est une tâche, qui se suit à son numéro.

    Il parle de tous les territoires : il n'existe que pour qui les voit tous.
    """
    from eclaireur.desk import jobs as tasks

    card_within(request.auth, case)
    service = _service_of(request, case)
    work = work_on(case)
    titles, fields = reporting.titles(work), _asks(work, body.report)
    if service is None or body.report not in titles:
        raise Http404
    refuse_if_stopped(case)
    if fields is not None and "table" in fields:
        raise FailureError(
            422, "ce rapport demande un fichier.", fix="Demandez-le dans le bureau.", field="report"
        )
    about = body.about.strip()
    if fields is not None and ("about" in fields) != bool(about):
        said = "il manque ce dont parle le rapport." if "about" in fields else "ce rapport ne parle de rien."
        raise FailureError(422, said, fix="La liste des rapports dit ce que chacun demande.", field="about")
    title = f"{titles[body.report]} : {about}" if about else titles[body.report]
    arguments = {"report": body.report, **({"about": about} if about else {})}
    made = tasks.start(
        "report", user=request.auth.user, case=case, service=service, title=title, arguments=arguments
    )
    return Status(202, made)


@router.get(
    "/cas/{case}/rapports/{pk}",
    response=text_shapes.Report,
    auth=needs("read"),
    summary="Lire un rapport",
)
def report(request: Calling, case: Path[Case], pk: Path[UUID]) -> dict[str, Any]:
    """Ce qu'a donné la tâche d'un rapport ; 409 tant qu'elle n'est pas finie."""
    card_within(request.auth, case)
    job = Job.objects.within(request.auth.reach).filter(case=case, kind="report", pk=pk).first()
    if job is None or _service_of(request, case) is None:
        raise Http404
    if job.state != JobState.DONE:
        raise FailureError(409, "ce rapport n'est pas prêt.", fix="Suivez sa tâche, puis recommencez.")
    try:
        blocks, mentions = reporting.kept_report(work_on(case), str(job.result.get("run", "")))
    except (NotFoundError, BadValueError) as error:
        raise FailureError(404, "ce rapport n'est plus gardé.", fix="Demandez-le de nouveau.") from error
    content = [{"block": type(block).__name__, **asdict(block)} for block in blocks]
    return {"name": str(job.arguments["report"]), "title": job.title, "blocks": content, "mentions": mentions}

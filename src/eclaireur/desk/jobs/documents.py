"""Calculations of a case that are read, not ranked: its reports, and the index in which it is searched."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.core.errors import NotFoundError
from eclaireur.desk.jobs.computing import source_of, work_of
from eclaireur.desk.jobs.kinds import job

if TYPE_CHECKING:
    from eclaireur.desk.jobs.context import Context

__all__: list[str] = []


@job("report", "Rapport")
def _report(context: Context, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Make a report and keep it in the lake, where the same one is found again."""
    from eclaireur.service import reporting

    work = work_of(context)
    with ExitStack() as lent:
        files = {
            name: str(_lend(lent, context.case, pk)) for name, pk in dict(arguments.get("files", {})).items()
        }
        run = reporting.keep_report(
            work,
            source_of(work, arguments),
            str(arguments["report"]),
            about=str(arguments.get("about", "")),
            input_path=_lend(lent, context.case, arguments["upload"]) if arguments.get("upload") else None,
            settings={**dict(arguments.get("settings", {})), **files},
        )
    return {"run": run}


@job("score", "Analyse d'un fichier")
def _score(context: Context, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Score a file that was sent, and keep the result in the lake."""
    from eclaireur.service import scoring

    work = work_of(context)
    with ExitStack() as lent:
        path = _lend(lent, context.case, arguments["upload"])
        context.progress(0, 0, "Lecture du fichier")
        run = scoring.keep_score(work, source_of(work, arguments), input_path=path)
    return {"run": run}


def _lend(lent: ExitStack, case: str, pk: int) -> Path:
    from eclaireur.desk.models import Upload
    from eclaireur.desk.uploads import named

    upload = Upload.objects.filter(pk=pk, case=case).first()
    if upload is None or not upload.file:
        raise NotFoundError("le fichier envoyé n'est plus là.", fix="Envoyez-le de nouveau.")
    return lent.enter_context(named(upload))


@job("index", "Préparation de la recherche")
def _index(context: Context, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Index the documents of a case, and have ready the model that labels them."""
    from eclaireur.service import indexing

    work = work_of(context)
    count, notes = indexing.index_case(work, source_of(work, arguments))
    return {"documents": count, "notes": list(notes)}

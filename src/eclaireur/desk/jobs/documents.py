"""Calculations of a case that are read, not ranked: its reports, and the index in which it is searched."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.desk.jobs.computing import source_of, work_of
from eclaireur.desk.jobs.kinds import job

if TYPE_CHECKING:
    from eclaireur.desk.jobs.context import Context

__all__: list[str] = []


@job("report", "Rapport")
def _report(context: Context, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Make a report and keep it in the lake, where the same one is found again."""
    from eclaireur.desk.models import Upload
    from eclaireur.service import reporting

    work = work_of(context)
    upload = Upload.objects.filter(pk=arguments.get("upload") or 0, case=context.case).first()
    run = reporting.keep_report(
        work,
        source_of(work, arguments),
        str(arguments["report"]),
        about=str(arguments.get("about", "")),
        input_path=Path(upload.file.path) if upload is not None else None,
    )
    return {"run": run}


@job("index", "Préparation de la recherche")
def _index(context: Context, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Index the documents of a case, and have ready the model that labels them."""
    from eclaireur.service import indexing

    work = work_of(context)
    count, notes = indexing.index_case(work, source_of(work, arguments))
    return {"documents": count, "notes": list(notes)}

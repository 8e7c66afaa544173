"""The command about reports: report."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from eclaireur.cli.options import AsJson, CaseName, SourceName
from eclaireur.cli.screen import say, show, show_json
from eclaireur.core.view import Column, Table

__all__ = ["register"]


def register(app: App) -> None:
    """Add this command to the application."""
    app.command(_report, name="report", help="Montrer ou écrire un rapport du cas ; sans nom, les lister.")


def _report(
    case: CaseName,
    name: Annotated[str, Parameter(help="Nom du rapport.")] = "",
    /,
    *,
    source: SourceName = None,
    about: Annotated[str, Parameter(help="Ce dont parle le rapport : un site, par exemple.")] = "",
    input_path: Annotated[
        Path | None,
        Parameter(name="--input", help="Tableau que le rapport demande, par exemple des mots-clés."),
    ] = None,
    output: Annotated[
        Path | None,
        Parameter(help="Fichier à écrire : .pdf ou .odt, ou .xlsx, .ods, .csv pour le premier tableau."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    from dataclasses import asdict

    from eclaireur.cli.opening import at_work, chosen_source
    from eclaireur.service import reporting

    with at_work(case, quiet=as_json) as work:
        titles = reporting.titles(work)
        if not name:
            rows = [{"name": key, "title": title} for key, title in titles.items()]
            if as_json:
                show_json({"case": case, "reports": rows})
                return
            columns = (Column(key="name", title="Rapport"), Column(key="title", title="Titre"))
            show([Table(title="Rapports", columns=columns, rows=rows)])
            return
        blocks, mentions = reporting.report(
            work, chosen_source(work, source), name, about=about, input_path=input_path
        )
        if output is not None:
            reporting.write_report(blocks, output, title=titles[name], mentions=mentions)
    if as_json:
        content = [{"block": type(block).__name__, **asdict(block)} for block in blocks]
        show_json({"case": case, "report": name, "blocks": content, "mentions": mentions})
    elif output is not None:
        say(f"Rapport : {output}")
    else:
        show(blocks)

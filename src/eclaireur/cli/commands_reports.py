"""The command about reports: report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter

from eclaireur.cli.options import AsJson, CaseName, SourceName
from eclaireur.cli.screen import say, show, show_json
from eclaireur.core.errors import BadValueError
from eclaireur.core.view import Column, FormField, Table

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
    given: Annotated[
        list[str] | None,
        Parameter(name="--set", negative=(), help="Un paramètre du rapport : nom=valeur. Peut être répété."),
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
            rows: list[dict[str, Any]] = [
                {
                    "name": key,
                    "title": title,
                    "settings": [_field(one) for one in reporting.settings_of(work, key)],
                }
                for key, title in titles.items()
            ]
            if as_json:
                show_json({"case": case, "reports": rows})
                return
            rows = [row | {"settings": "\n".join(map(_line, row["settings"]))} for row in rows]
            columns = tuple(
                Column(key=key, title=heading)
                for key, heading in (
                    ("name", "Rapport"),
                    ("title", "Titre"),
                    ("settings", "Paramètres (--set)"),
                )
                if key != "settings" or any(row[key] for row in rows)
            )
            show([Table(title="Rapports", columns=columns, rows=rows)])
            return
        blocks, mentions = reporting.report(
            work,
            chosen_source(work, source),
            name,
            about=about,
            input_path=input_path,
            settings=_settings(given or ()),
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


def _settings(given: Sequence[str]) -> dict[str, str]:
    found = {}
    for one in given:
        name, sign, value = one.partition("=")
        if not sign or not name.strip():
            raise BadValueError(f"paramètre illisible : « {one} ».", fix="Écrivez : --set nom=valeur.")
        found[name.strip()] = value
    return found


def _field(one: FormField) -> dict[str, Any]:
    return {
        "name": one.name,
        "title": one.title,
        "kind": one.kind,
        "unit": one.unit,
        "default": one.default,
        "optional": one.optional,
        "choices": [list(pair) for pair in one.choices],
        "help": one.help,
    }


def _line(field: dict[str, Any]) -> str:
    default = f" = {field['default']}" if field["default"] else ""
    unit = f" {field['unit']}" if field["unit"] else ""
    return f"{field['name']}{default}{unit} : {field['title']}"

"""Commands that answer for a treatment: declare, fiche, membership."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from eclaireur.cli.options import AsJson, CaseName, SourceName
from eclaireur.cli.screen import say, show, show_json
from eclaireur.core.view import Column, Facts, Table

__all__ = ["register"]


def register(app: App) -> None:
    """Add these commands to the application."""
    app.command(_declare, name="declare", help="Dire d'un cas ce que seule l'administration sait.")
    app.command(_sheet, name="fiche", help="Montrer ou écrire la fiche algorithme d'un cas.")
    app.command(_membership, name="membership", help="Essayer de retrouver de qui un modèle a appris.")


def _declare(
    case: CaseName,
    values: Annotated[
        tuple[str, ...], Parameter(help="« nom=texte », répétable ; sans rien, montrer ce qui est déclaré.")
    ] = (),
    /,
    *,
    by: Annotated[str | None, Parameter(name="--by", help="Qui déclare.")] = None,
    as_json: AsJson = False,
) -> None:
    from eclaireur.cli.opening import at_work
    from eclaireur.core.errors import BadValueError
    from eclaireur.service.declaring import ASKED, declare, declared

    pairs = {}
    for text in values:
        name, equals, value = text.partition("=")
        if not equals:
            raise BadValueError(f"déclaration illisible : « {text} ».", fix="Écrivez « nom=texte ».")
        pairs[name.strip()] = value
    with at_work(case, quiet=True) as work:
        if pairs:
            said = declare(work, pairs, by=by or os.environ.get("USER") or "inconnu")
        else:
            said = declared(work.workspace, work.card)
    if as_json:
        show_json({"case": case, "declared": said})
        return
    columns = (
        Column(key="name", title="Nom"),
        Column(key="title", title="Quoi"),
        Column(key="text", title="Déclaré"),
        Column(key="who", title="Qui le sait"),
    )
    rows = [
        {"name": one.name, "title": one.title, "text": said.get(one.name, "–"), "who": one.who}
        for one in ASKED
    ]
    show([Table(title="Déclarations", columns=columns, rows=rows)])


def _sheet(
    case: CaseName,
    /,
    *,
    level: Annotated[str, Parameter(name="--level", help="« public » ou « expert ».")] = "public",
    output: Annotated[
        Path | None, Parameter(name="--output", help="Fichier à écrire : .html, .odt, .pdf ou .json.")
    ] = None,
    check: Annotated[
        bool, Parameter(negative="", help="Refuser une fiche incomplète, comme la publication.")
    ] = False,
    source: SourceName = None,
    as_json: AsJson = False,
) -> None:
    from eclaireur.cli.opening import at_work, chosen_source
    from eclaireur.service import algorithm_sheet as sheets

    with at_work(case, quiet=as_json) as work:
        made = sheets.make_sheet(work, chosen_source(work, source), level)
        if check:
            sheets.require_complete(made)
        if output is not None:
            sheets.write_sheet(made, output)
    if as_json:
        show_json(made.to_json())
        return
    if output is None:
        show([*made.blocks, Facts(title="Mentions", pairs=tuple(made.mentions.items()))])
    else:
        say(f"Fiche : {output}")
    for one in made.missing:
        say(f"Il manque : {one.title} (à remplir par {one.who}).")


def _membership(case: CaseName, /, *, source: SourceName = None, as_json: AsJson = False) -> int:
    from dataclasses import asdict

    from eclaireur.cli.opening import at_work, chosen_source
    from eclaireur.core import french
    from eclaireur.service.membership import attack

    with at_work(case, quiet=as_json) as work:
        found = attack(work, chosen_source(work, source))
    if as_json:
        show_json({"case": case, "passes": found.passes, **asdict(found)})
    else:
        say(
            f"AUC {french.number(found.auc, 3)} ({french.number(found.auc_low, 3)} à "
            f"{french.number(found.auc_high, 3)}) ; {french.percent(found.found, 1)} retrouvées pour 1 % de "
            "fausses alertes."
        )
        say("Essai réussi." if found.passes else "Essai échoué : ce modèle ne peut pas être publié.")
    return 0 if found.passes else 1

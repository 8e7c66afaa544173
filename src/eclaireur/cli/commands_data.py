"""Commands about cases and data: cases, connect, read, quality."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from eclaireur.cli.options import AsJson, CaseName, InputFile, SourceName
from eclaireur.cli.screen import say, show, show_json
from eclaireur.core.view import Column, Table

__all__ = ["register"]


def register(app: App) -> None:
    """Add these commands to the application."""
    app.command(_cases, name="cases", help="Lister les cas d'usage et leur niveau de preuve.")
    app.command(_connect, name="connect", help="Relier les colonnes de votre fichier aux champs d'un cas.")
    app.command(
        _read, name="read", help="Lire un fichier : ce qu'il contient, ce qui a été réparé, les doutes."
    )
    app.command(
        _quality, name="quality", help="Suivre la qualité des colonnes d'une source, copie après copie."
    )


def _cases(*, as_json: AsJson = False) -> None:
    from eclaireur.core.catalog import cards

    rows = [
        {
            "name": card.name,
            "title": card.title,
            "desk": card.desk.french,
            "level": card.level,
            "sources": [source.name for source in card.sources],
        }
        for card in cards()
    ]
    if as_json:
        show_json({"cases": rows})
        return
    columns = (
        Column(key="name", title="Cas"),
        Column(key="title", title="Titre"),
        Column(key="desk", title="Bureau"),
        Column(key="niveau", title="Niveau"),
        Column(key="sources", title="Sources"),
    )
    levels = {"": "–", "bronze": "bronze", "silver": "argent", "gold": "or"}
    shown = [
        {**row, "niveau": levels[str(row["level"])], "sources": ", ".join(row["sources"])} for row in rows
    ]
    show([Table(title="Cas d'usage", columns=columns, rows=shown)])


def _connect(
    case: CaseName,
    file: InputFile,
    /,
    *,
    table: Annotated[str | None, Parameter(help="Table du cas que ce fichier donne.")] = None,
    save: Annotated[
        bool, Parameter(name="--save", negative="--no-save", help="Enregistrer la correspondance.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    from eclaireur.cli.opening import at_work
    from eclaireur.service import connect

    with at_work(case, quiet=True) as work:
        proposal = connect.propose(work, file, table=table)
        path = connect.save(work, proposal, file) if save else None
        missing = connect.still_missing(work)
    fields = proposal.table.fields
    pairs = [(field.title, proposal.mapping.columns.get(field.name)) for field in fields]
    preview = proposal.documented.table.slice(0, 5)
    if as_json:
        show_json(
            {
                "case": case,
                "table": proposal.table.name,
                "columns": dict(proposal.mapping.columns),
                "rows": proposal.documented.table.num_rows,
                "saved": None if path is None else str(path),
                "missing": [table.name for table in missing],
            }
        )
        return
    filled = [field for field in fields if field.name in proposal.mapping.columns]
    show(
        [
            Table(
                title=f"{proposal.table.title} : champs du cas et colonnes du fichier",
                columns=(Column(key="field", title="Champ"), Column(key="column", title="Colonne")),
                rows=[{"field": title, "column": column or "– (absente)"} for title, column in pairs],
            ),
            Table(
                title=f"Aperçu (5 lignes sur {proposal.documented.table.num_rows})",
                columns=tuple(Column(key=field.name, title=field.title) for field in filled),
                rows=preview.to_pylist(),
            ),
        ]
    )
    if path is not None:
        say(f"Correspondance enregistrée : {path}")
        say("Une colonne est mal placée ? Corrigez ce fichier, il est court et lisible.")
    if missing:
        say(f"Il reste à connecter : {', '.join(f'{t.title} (--table {t.name})' for t in missing)}.")
    else:
        say(f"Pour calculer la liste : ./eclaireur run {case} --source connected")


def _read(
    file: Annotated[
        str, Parameter(help="Fichier à lire, ou adresse d'une table : sqlite:///…, postgresql://…")
    ],
    /,
    *,
    sheet: Annotated[
        str | None, Parameter(help="Feuille d'un classeur, ou couche géographique ; par défaut, la première.")
    ] = None,
    to: Annotated[
        Path | None,
        Parameter(
            name="--to",
            help="Écrire ce qui est lu : un tableau en .parquet (« parquet » : à côté, même nom), "
            "un document en .txt.",
        ),
    ] = None,
    report: Annotated[
        bool,
        Parameter(
            name="--report",
            negative="",
            help="Écrire un compte rendu à renvoyer au producteur : qualité des colonnes, lignes à corriger.",
        ),
    ] = False,
    corrections: Annotated[
        Path | None,
        Parameter(
            name="--corrections",
            help="Écrire les valeurs à corriger, avec leurs lignes, dans ce fichier .xlsx, .ods ou .csv.",
        ),
    ] = None,
    document: Annotated[
        bool,
        Parameter(
            name="--document", negative="", help="Lire comme un document ce qui passe pour un tableau."
        ),
    ] = False,
    seconds: Annotated[
        int, Parameter(name="--seconds", help="Temps accordé à un document, pages numérisées comprises.")
    ] = 25,
    as_json: AsJson = False,
) -> int:
    from eclaireur.cli.reading import read_one

    return read_one(
        file,
        sheet=sheet,
        to=to,
        report=report,
        corrections=corrections,
        document=document,
        seconds=seconds,
        as_json=as_json,
    )


def _quality(case: CaseName, /, *, source: SourceName = None, as_json: AsJson = False) -> None:
    from eclaireur.cli.opening import at_work, chosen_source
    from eclaireur.service.quality import deliveries, quality_json, show_quality

    with at_work(case, quiet=as_json) as work:
        found = deliveries(work, chosen_source(work, source))
    if as_json:
        show_json(quality_json(found))
    elif not found:
        say("Aucune copie de cette source n'est un tableau. Lisez-la d'abord : ./eclaireur fetch.")
    else:
        show(show_quality(found))

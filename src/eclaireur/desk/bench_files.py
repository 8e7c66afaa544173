"""Files of a calculation: each table and figure as a sheet, the whole in other forms, its notebook."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.core.export import Column, write_rows
from eclaireur.core.figures import lay_out
from eclaireur.core.svg import to_svg
from eclaireur.core.view import Chart, Facts, Funnel, Map, Table, Timeline
from eclaireur.desk.blocks import data_of
from eclaireur.desk.exports import file_of
from eclaireur.service import reporting, scored, scoring
from eclaireur.service.notebooks import Recipe, command_of, notebook
from eclaireur.service.work import default_source

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.core.view import Block
    from eclaireur.desk.bench import Calculation

__all__ = ["FORMS", "block_sheet", "command_line", "notebook_of", "whole"]

FORMS = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "ods": "application/vnd.oasis.opendocument.spreadsheet",
    "parquet": "application/vnd.apache.parquet",
    "pdf": "application/pdf",
    "odt": "application/vnd.oasis.opendocument.text",
    "zip": "application/zip",
}
"""Forms of a whole result, and the media type of each."""

_DATED = (1980, 1, 1, 0, 0, 0)


def whole(found: Calculation, form: str) -> bytes:
    """Return a whole result; as a sheet, every row of a scored file or the first table of a report."""
    match form:
        case "pdf" | "odt":
            return file_of(
                f"resultat.{form}",
                lambda target: reporting.write_report(
                    found.blocks, target, title=found.job.title, mentions=found.mentions
                ),
            )
        case "zip":
            return _archive(found)
        case "parquet":
            return file_of("resultat.parquet", lambda target: _write_parquet(_table_of(found), target))
    columns = _columns(found)
    return file_of(
        f"resultat.{form}",
        lambda target: write_rows(columns, target, mentions=found.mentions, title="Résultat"),
    )


def _columns(found: Calculation) -> list[Column]:
    if found.scores:
        return scored.sheet_columns(found.kept.table, scoring.titles(found.work))
    first = next((at for at, one in enumerate(found.blocks) if isinstance(one, Table)), None)
    if first is None:
        first = next((at for at, one in enumerate(found.blocks) if _sheet_table(one) is not None), 0)
    table = _sheet_table(found.blocks[first])
    return [] if table is None else _columns_of(table)


def _columns_of(table: Table) -> list[Column]:
    return [Column(one.title, [row.get(one.key) for row in table.rows]) for one in table.columns]


def _sheet_table(block: Block) -> Table | None:
    """Return the data of a block as a table; None for texts."""
    match block:
        case Table():
            return block
        case Chart():
            return data_of(block)
        case Timeline():
            rows: list[dict[str, Any]] = [
                {"day": one.day, "lane": one.lane, "text": one.text} for one in block.events
            ]
            return _plain(block.title, {"day": "Date", "lane": "Série", "text": "Événement"}, rows)
        case Funnel():
            rows = [{"step": name, "left": left} for name, left in block.steps]
            return _plain(block.title, {"step": "Étape", "left": "Restent"}, rows)
        case Map():
            rows = [
                {"label": one.label, "lat": one.latitude, "lon": one.longitude, "value": one.value}
                for one in block.places
            ]
            titles = {"label": "Lieu", "lat": "Latitude", "lon": "Longitude", "value": "Valeur"}
            return _plain(block.title, titles, rows)
        case Facts():
            rows = [{"name": name, "value": value} for name, value in block.pairs]
            return _plain(block.title, {"name": "Élément", "value": "Valeur"}, rows)
    return None


def _plain(title: str, titles: dict[str, str], rows: list[dict[str, Any]]) -> Table:
    from eclaireur.core import view

    columns = tuple(view.Column(key=key, title=heading) for key, heading in titles.items())
    return Table(title=title, columns=columns, rows=rows)


def block_sheet(found: Calculation, at: int) -> bytes | None:
    """Return the data of one block as CSV, whole even where the page cuts them; None for a text."""
    block = found.blocks[at]
    if found.scores and isinstance(block, Table):
        rows = scored.part(found.kept.table, block.title)
        columns = scored.sheet_columns(rows, scoring.titles(found.work))
    else:
        table = _sheet_table(block)
        if table is None:
            return None
        columns = _columns_of(table)
    return file_of("donnees.csv", lambda target: write_rows(columns, target, mentions=found.mentions))


def _table_of(found: Calculation) -> pa.Table:
    """Return the rows of a result for a program: as they were scored, or those of the first table."""
    import pyarrow as pa

    if found.scores:
        return found.kept.table
    made = {}
    for column in _columns(found):
        try:
            made[column.heading] = pa.array(column.values)
        except (pa.ArrowInvalid, pa.ArrowTypeError):  # words among numbers
            made[column.heading] = pa.array([None if one is None else str(one) for one in column.values])
    return pa.table(made)


def _write_parquet(table: pa.Table, target: Path) -> None:
    import pyarrow.parquet as pq

    pq.write_table(table, target, compression="zstd")


def _archive(found: Calculation) -> bytes:
    """Return everything: the document, the data of each table and figure, the figures, the notebook."""
    parts: dict[str, bytes] = {"resultat.pdf": whole(found, "pdf"), "carnet.ipynb": notebook_of(found)}
    for at, block in enumerate(found.blocks):
        sheet = block_sheet(found, at)
        if sheet is not None:
            parts[f"donnees/{at + 1:02}-{type(block).__name__.lower()}.csv"] = sheet
        if isinstance(block, Chart):
            parts[f"figures/{at + 1:02}.svg"] = to_svg(lay_out(block)).encode()
    if found.scores or any(isinstance(one, Table) for one in found.blocks):
        parts["resultat.parquet"] = whole(found, "parquet")
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            # The same result gives the same bytes: no hour of writing.
            archive.writestr(zipfile.ZipInfo(name, _DATED), content, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _recipe(found: Calculation) -> Recipe:
    given = found.job.arguments
    names = {"file": "input"} if found.scores else {}
    return Recipe(
        case=found.card.name,
        seed=found.work.seed,
        title=found.title,
        source=str(given.get("source") or default_source(found.work)),
        run=found.run,
        report="" if found.scores else found.method,
        about=str(given.get("about", "")),
        settings={key: str(text) for key, text in dict(given.get("settings", {})).items()},
        files={names.get(key, key): (_named(one.name), one.sha256) for key, one in found.files.items()},
        parameters=found.parameters,
        mentions=found.mentions,
    )


def _named(name: str) -> str:
    from eclaireur.desk.readings import plain_name

    return plain_name(name)


def notebook_of(found: Calculation) -> bytes:
    """Return the notebook that makes a calculation anew."""
    return notebook(found.work, _recipe(found)).encode()


def command_line(found: Calculation) -> str:
    """Return the command that makes a calculation anew; empty when its file is gone."""
    recipe = _recipe(found)
    return command_of(recipe) if recipe.report or recipe.files else ""

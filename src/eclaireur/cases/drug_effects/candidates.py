"""A file of histories to score, read row by row: what is wrong in one row sets aside its person, no other.

The shared reader refuses a file for its first wrong cell. Here a file of many persons is worth its good ones:
a row that cannot be read keeps its place, with what is wrong in it.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.cases.drug_effects.reading import FAULT
from eclaireur.core.catalog import find_card
from eclaireur.core.errors import EclaireurError, EmptyTableError
from eclaireur.sources import convert, mapping as mappings
from eclaireur.sources.held import read_held_or_refuse

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.core.fields import Field
    from eclaireur.sources.reading import Reading

__all__ = ["candidates"]


def candidates(path: Path) -> pa.Table:
    """Read a file in the documented format, with ``line`` and `FAULT` for each row.

    Raises
    ------
    InputError
        If the file cannot be read, is empty, lacks a column, or has no good row.
    """
    import pyarrow as pa

    declared = find_card("drug_effects").input_table("candidates")
    reading = read_held_or_refuse(path)
    if reading.table is None or not reading.table.num_rows:
        raise EmptyTableError(
            "le fichier ne contient aucune ligne de données.",
            file=path.name,
            fix="Vérifiez l'export, puis recommencez.",
        )
    chosen = mappings.propose(declared, reading)
    size = reading.table.num_rows
    lines = list(range(2, size + 2)) if reading.lines is None else reading.lines.tolist()
    faults: list[str | None] = [None] * size
    columns: dict[str, Any] = {}
    for one in declared.fields:
        heading = chosen.columns.get(one.name)
        if heading is None:
            if one.required:
                # The shared reader says which columns there are, and what to do.
                mappings.apply(chosen, declared, reading, today=date.max)
            columns[one.name] = pa.nulls(size, convert.arrow_type(one.kind))
        else:
            columns[one.name] = _typed(one, heading, reading, lines, faults)
    if all(faults):
        mappings.apply(chosen, declared, reading, today=date.max)
    columns |= {"line": pa.array(lines, pa.int64()), FAULT: pa.array(faults, pa.string())}
    return pa.table(columns)


def _typed(
    one: Field, heading: str, reading: Reading, lines: list[int], faults: list[str | None]
) -> pa.Array:
    """Convert a column through its distinct values; note what is wrong at its rows."""
    import pyarrow as pa

    cells = [(text or "").strip() for text in reading.table[heading].to_pylist()] if reading.table else []
    values: dict[str, Any] = {}
    wrong: dict[str, str] = {"": "la cellule est vide, une valeur est obligatoire."} if one.required else {}
    for text in set(cells) - {""}:
        try:
            values[text] = convert.value(one, text, date.max)
        except ValueError as error:
            wrong[text] = error.message if isinstance(error, EclaireurError) else str(error)
    for row, text in enumerate(cells):
        if text in wrong and faults[row] is None:
            faults[row] = f"{reading.file}, ligne {lines[row]}, colonne « {heading} » : {wrong[text]}"
    return pa.array([values.get(text) for text in cells], convert.arrow_type(one.kind))

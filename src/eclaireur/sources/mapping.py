"""Which of a file's columns give which of a case's fields, and the typed table that follows."""

from __future__ import annotations

import json
import re
import tomllib
import unicodedata
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

from eclaireur.core.errors import (
    BadValueError,
    ConfigError,
    DuplicateKeyError,
    EclaireurError,
    EmptyTableError,
    MissingColumnError,
)
from eclaireur.core.fields import Field, InputTable
from eclaireur.sources import convert
from eclaireur.sources.reading import Reading

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Mapping", "apply", "propose"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """Field name → the file's own heading.

    Parameters
    ----------
    table
        Input table that it fills.
    columns
        Only the fields that were found.
    fit
        Share of the required fields that were found, then of all of them, in [0, 1].
    unused
        Headings of the file that give no field.
    """

    table: str
    columns: ReadOnly[str, str]
    fit: float = 1.0
    unused: tuple[str, ...] = field(default=())

    def to_toml(self) -> str:
        """Write a short file that a person can correct."""
        lines = [f"table = {json.dumps(self.table)}", "", "[columns]"]
        lines += [
            f"{name} = {json.dumps(heading, ensure_ascii=False)}" for name, heading in self.columns.items()
        ]
        return "\n".join(lines) + "\n"

    @classmethod
    def from_toml(cls, text: str) -> Mapping:
        """Read what `to_toml` wrote, or a person corrected.

        Raises
        ------
        ConfigError
            If it is not such a file.
        """
        try:
            content = tomllib.loads(text)
            columns = {str(name): str(heading) for name, heading in content["columns"].items()}
            return cls(table=str(content["table"]), columns=columns)
        except (tomllib.TOMLDecodeError, KeyError, AttributeError) as error:
            raise ConfigError(
                f"correspondance illisible : {error}.", fix="Refaites-la avec : ./eclaireur connect"
            ) from error


def propose(table: InputTable, reading: Reading) -> Mapping:
    """Find which columns give the fields, by name, French title and synonyms; accents and signs aside.

    A column is used once. A field that finds none is left out: `apply` says so if it is required. A column
    that no purpose asks for stays in the file.
    """
    headings = [] if reading.table is None else reading.table.column_names
    free = {_plain(heading): heading for heading in reversed(headings)}
    columns: dict[str, str] = {}
    for one in table.loaded:
        for name in (one.name, one.title, *one.synonyms):
            found = free.pop(_plain(name), None)
            if found is not None:
                columns[one.name] = found
                break
    required = [one.name for one in table.fields if one.required]
    met = sum(name in columns for name in required) / max(len(required), 1)
    share = len(columns) / max(len(table.loaded), 1)
    unused = tuple(heading for heading in headings if heading not in columns.values())
    return Mapping(table=table.name, columns=columns, fit=0.9 * met + 0.1 * share, unused=unused)


def _plain(text: str) -> str:
    """Fold a heading: no accent, no case, no sign."""
    folded = unicodedata.normalize("NFKD", text.casefold())
    return re.sub(r"[^a-z0-9]", "", folded)


def apply(mapping: Mapping, table: InputTable, reading: Reading, *, today: date) -> pa.Table:
    """Return the table in the documented format: one typed column per field, absent ones null.

    Parameters
    ----------
    today
        A ``past`` date after this day is an error.

    Raises
    ------
    MissingColumnError, BadValueError, DuplicateKeyError, EmptyTableError
        With the file, the line and the file's own heading.
    """
    import pyarrow as pa

    if reading.table is None or not reading.table.num_rows:
        raise EmptyTableError(
            "le fichier ne contient aucune ligne de données.",
            file=reading.file,
            fix="Vérifiez l'export, puis recommencez.",
        )
    size = reading.table.num_rows
    columns: dict[str, pa.Array | pa.ChunkedArray] = {}
    for one in table.fields:
        heading = mapping.columns.get(one.name) if one.purpose else None
        if heading is None or heading not in reading.table.column_names:
            _absent(one, heading, reading)
            columns[one.name] = pa.nulls(size, convert.arrow_type(one.kind))
        else:
            columns[one.name] = _typed(one, heading, reading, today)
    typed = pa.table(columns)
    for one in table.fields:
        if one.not_before in columns:
            _in_order(typed, one, table, mapping, reading)
    _unique(typed, table, mapping, reading)
    return typed


def _absent(one: Field, heading: str | None, reading: Reading) -> None:
    if not one.required and heading is None:
        return
    present = reading.table.column_names if reading.table is not None else []
    wanted = f"« {heading or one.title} »"
    raise MissingColumnError(
        f"la colonne {wanted} est absente ; colonnes présentes : {', '.join(present)}.",
        file=reading.file,
        column=heading or one.title,
        fix=f"Ajoutez une colonne nommée « {one.title} » ou « {one.name} ».",
    )


def _typed(one: Field, heading: str, reading: Reading, today: date) -> pa.Array:
    """Convert a column through its distinct values, and name the first line that cannot be."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if reading.table is None:
        raise EmptyTableError("le fichier ne contient aucune donnée.", file=reading.file)
    cells = pc.utf8_trim_whitespace(reading.table[heading].combine_chunks())
    if isinstance(cells, pa.ChunkedArray):
        cells = cells.combine_chunks()
    cells = pc.if_else(pc.equal(cells, ""), pa.scalar(None, pa.string()), cells)
    if one.required and cells.null_count:
        row = pc.index(pc.is_null(cells), True).as_py()
        raise BadValueError(
            "la cellule est vide, une valeur est obligatoire.",
            file=reading.file,
            line=_line(reading, row),
            column=heading,
            fix="Complétez la cellule, ou retirez la ligne.",
        )
    coded = cells.dictionary_encode()
    values = []
    for position, text in enumerate(coded.dictionary.to_pylist()):
        try:
            values.append(convert.value(one, text, today))
        except ValueError as error:
            row = pc.index(coded.indices, position).as_py()
            message, fix = (
                (error.message, error.fix) if isinstance(error, EclaireurError) else (str(error), "")
            )
            raise BadValueError(
                message, file=reading.file, line=_line(reading, row), column=heading, fix=fix
            ) from error
    return pa.array(values, convert.arrow_type(one.kind)).take(coded.indices)


def _line(reading: Reading, row: int) -> int:
    return row + 2 if reading.lines is None else int(reading.lines[row])


def _in_order(typed: pa.Table, one: Field, table: InputTable, mapping: Mapping, reading: Reading) -> None:
    """Refuse a date that precedes the one it follows from, and name its first line."""
    import pyarrow.compute as pc

    early = pc.less(typed[one.name], typed[one.not_before])
    row = pc.index(early, True).as_py()
    if row < 0:
        return
    first = next(field.title for field in table.fields if field.name == one.not_before)
    found, other = typed[one.name][row].as_py(), typed[one.not_before][row].as_py()
    count = pc.sum(early).as_py()
    more = "" if count == 1 else f" ; {count} lignes sont dans ce cas"
    raise BadValueError(
        f"« {one.title} » ({found:%d/%m/%Y}) précède « {first} » ({other:%d/%m/%Y}){more}.",
        file=reading.file,
        line=_line(reading, row),
        column=mapping.columns.get(one.name, one.title),
        fix="Corrigez la date. Si la colonne ne dit pas cela, retirez-la de la correspondance.",
    )


def _unique(typed: pa.Table, table: InputTable, mapping: Mapping, reading: Reading) -> None:
    key = [name for name in table.key if name in mapping.columns]
    if not key or len(key) < len(table.key):
        return
    counted = typed.select(key).group_by(key).aggregate([([], "count_all")])
    if counted.num_rows == typed.num_rows:
        return
    seen: dict[tuple[object, ...], int] = {}
    for row, values in enumerate(zip(*(typed[name].to_pylist() for name in key), strict=True)):
        if values in seen:
            said = ", ".join(
                f"{value:%d/%m/%Y}" if isinstance(value, date) else str(value) for value in values
            )
            raise DuplicateKeyError(
                f"la clé « {said} » est déjà à la ligne {_line(reading, seen[values])}.",
                file=reading.file,
                line=_line(reading, row),
                column=" + ".join(mapping.columns[name] for name in key),
                fix="Gardez une seule de ces lignes.",
            )
        seen[values] = row

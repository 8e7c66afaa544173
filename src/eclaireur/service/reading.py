"""A file read for a person or a program: outcome, columns, repairs and doubts."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.core import french
from eclaireur.core.errors import BadValueError
from eclaireur.core.files import write_atomically
from eclaireur.core.view import Block, Column, Facts, Table

if TYPE_CHECKING:
    from eclaireur.sources.reading import Reading

__all__ = ["reading_json", "show_reading", "write_parquet"]

_KINDS = {
    "text": "texte",
    "date": "date",
    "number": "nombre",
    "integer": "nombre entier",
    "boolean": "oui / non",
    "datetime": "date et heure",
    "code": "code (texte)",
    "siret": "SIRET",
    "siren": "SIREN",
    "commune": "code INSEE",
    "postal_code": "code postal",
    "department": "code de département",
    "phone": "téléphone",
    "rpps": "RPPS",
    "finess": "FINESS",
}


def reading_json(reading: Reading) -> dict[str, Any]:
    """Return a reading as a JSON object."""
    return {
        "file": reading.file,
        "outcome": str(reading.outcome),
        "rows": 0 if reading.table is None else reading.table.num_rows,
        "columns": [
            {"name": column.name, "kind": column.kind, "unit": column.unit} for column in reading.columns
        ],
        "repairs": [
            {"kind": one.kind, "message": one.message, "lines": list(one.lines)} for one in reading.repairs
        ],
        "doubts": [
            {"kind": one.kind, "message": one.message, "column": one.column, "lines": list(one.lines)}
            for one in reading.doubts
        ],
        "reason": reading.reason,
        "fix": reading.fix,
    }


def show_reading(reading: Reading) -> tuple[Block, ...]:
    """Return a reading as view blocks."""
    if reading.table is None:
        pairs = (("Résultat", str(reading.outcome)), ("Raison", reading.reason), ("Que faire", reading.fix))
        return (Facts(title=reading.file, pairs=pairs),)
    rows = french.count(reading.table.num_rows, "ligne")
    columns = french.count(len(reading.columns), "colonne")
    head = Facts(
        title=reading.file, pairs=(("Résultat", str(reading.outcome)), ("Contenu", f"{rows}, {columns}"))
    )
    found = Table(
        title="Colonnes",
        columns=(Column(key="name", title="Colonne"), Column(key="kind", title="Contient")),
        rows=[
            {"name": one.name, "kind": f"{_KINDS.get(one.kind, one.kind)} {one.unit}".strip()}
            for one in reading.columns
        ],
    )
    notes = [("Réparé", one.message, one.lines) for one in reading.repairs]
    notes += [("Doute", one.message, one.lines) for one in reading.doubts]
    if not notes:
        return (head, found)
    said = Table(
        title="Réserves",
        columns=(
            Column(key="what", title=""),
            Column(key="message", title="Quoi"),
            Column(key="lines", title="Lignes"),
        ),
        rows=[
            {"what": what, "message": message, "lines": ", ".join(map(str, lines[:10]))}
            for what, message, lines in notes
        ],
    )
    return (head, found, said)


def write_parquet(reading: Reading, target: Path) -> None:
    """Write the table as it was read, its numbers and dates typed, whole or not at all.

    Raises
    ------
    BadValueError
        If the file name does not end in ``.parquet``.
    """
    import pyarrow.parquet as pq

    if target.suffix.lower() != ".parquet":
        raise BadValueError("le fichier à écrire doit finir par .parquet.", file=str(target))
    write_atomically(target, lambda path: pq.write_table(reading.typed, path, compression="zstd"))

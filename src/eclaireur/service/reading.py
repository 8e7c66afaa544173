"""A file read for a person or a program: outcome, columns, repairs and doubts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eclaireur.core import export, french
from eclaireur.core.case import Progress, quiet
from eclaireur.core.errors import BadValueError
from eclaireur.core.files import write_atomically
from eclaireur.core.view import Block, Column, Facts, Table
from eclaireur.sources.isolated import read_isolated
from eclaireur.sources.quality import quality
from eclaireur.sources.reading import Outcome, Reading
from eclaireur.sources.sql import Address, read_sql

__all__ = [
    "is_database",
    "parquet_target",
    "read_anything",
    "reading_json",
    "report_text",
    "show_reading",
    "write_corrections",
    "write_parquet",
]

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


def is_database(file: str) -> bool:
    """Tell the address of a table of a database from the name of a file."""
    return Address.known(file)


def parquet_target(file: str, to: Path | None) -> Path | None:
    """Say where the table is written: « parquet » alone is beside the file, with its name.

    Raises
    ------
    BadValueError
        If the name does not end in ``.parquet``.
    """
    if to is None:
        return None
    if str(to) == "parquet" and not Address.known(file):
        return Path(file).with_suffix(".parquet")
    if to.suffix.lower() != ".parquet":
        raise BadValueError("le fichier à écrire doit finir par .parquet.", file=str(to))
    return to


def read_anything(
    file: str, *, sheet: str | None = None, to: Path | None = None, progress: Progress = quiet
) -> Reading:
    """Read a file in a confined child, or a table of a database; write it to Parquet when that is asked.

    Raises
    ------
    EclaireurError
        If a database refuses, or the Parquet file cannot be written.
    """
    if Address.known(file):
        return read_sql(file, to=to, progress=lambda rows: progress(rows, 0, "Lecture de la base"))
    path = Path(file)
    size = path.stat().st_size if path.is_file() else 0
    reading = read_isolated(
        path, sheet=sheet, to=to, progress=lambda done: progress(min(done, size), size, "Lecture du fichier")
    )
    if to is not None and reading.table is not None:
        write_parquet(reading, to)
    return reading


def reading_json(reading: Reading) -> dict[str, Any]:
    """Return a reading as a JSON object."""
    return {
        "file": reading.file,
        "outcome": str(reading.outcome),
        "rows": reading.count,
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
        "isolation": "réduite" if reading.reduced else "complète",
    }


def _isolation(reading: Reading) -> tuple[tuple[str, str], ...]:
    if not reading.reduced:
        return ()
    return (("Isolation réduite", f"cette machine ne limite pas : {', '.join(reading.reduced)}"),)


def show_reading(reading: Reading) -> tuple[Block, ...]:
    """Return a reading as view blocks."""
    if reading.outcome is Outcome.REFUSE:
        pairs = (("Résultat", str(reading.outcome)), ("Raison", reading.reason), ("Que faire", reading.fix))
        return (Facts(title=reading.file, pairs=(*pairs, *_isolation(reading))),)
    rows = french.count(reading.count, "ligne")
    columns = french.count(len(reading.columns), "colonne")
    said = (("Résultat", str(reading.outcome)), ("Contenu", f"{rows}, {columns}"))
    head = Facts(title=reading.file, pairs=(*said, *_isolation(reading)))
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
    told = Table(
        title="Réserves",
        columns=(
            Column(key="what", title="Réserve"),
            Column(key="message", title="Quoi"),
            Column(key="lines", title="Lignes"),
        ),
        rows=[
            {"what": what, "message": message, "lines": ", ".join(map(str, lines[:10]))}
            for what, message, lines in notes
        ],
    )
    return (head, found, told)


def report_text(reading: Reading) -> str:
    """Write, as plain text to send back to who made the file, what it holds and what to correct in it."""
    lines = [f"Fichier : {reading.file}", f"Résultat : {reading.outcome}"]
    if reading.outcome is Outcome.REFUSE:
        return "\n".join([*lines, f"Raison : {reading.reason}", f"Que faire : {reading.fix}"])
    lines += [f"Lignes de données : {reading.count}", "", "Colonnes"]
    for one in quality(reading):
        parts = [
            f"{_KINDS.get(one.kind, one.kind)}",
            f"rempli à {french.percent(one.filled, 1)}",
            *([f"valide à {french.percent(one.valid, 1)}"] if one.filled else []),
            *([f"du {one.first} au {one.last}"] if one.first else []),
        ]
        lines.append(f"- {one.name} : {', '.join(parts)}")
    for title, notes in (
        ("À corriger ou à confirmer", reading.doubts),
        ("Réparé à la lecture", reading.repairs),
    ):
        if notes:
            lines += ["", title]
            lines += [f"- {note.message}{_where(note.lines)}" for note in notes]
    for doubt in reading.doubts:
        if doubt.column and doubt.lines:
            lines += ["", f"Valeurs de « {doubt.column} » : {doubt.message}"]
            lines += [
                f"  ligne {line} : {value}" for line, value in _values(reading, doubt.column, doubt.lines)
            ]
    return "\n".join(lines)


def _where(lines: tuple[int, ...]) -> str:
    if not lines:
        return ""
    shown = ", ".join(map(str, lines[:20]))
    word = "ligne" if len(lines) == 1 else "lignes"
    return f" ({word} {shown}{'…' if len(lines) > 20 else ''})"


def _values(reading: Reading, column: str, lines: tuple[int, ...]) -> list[tuple[int, str]]:
    """Return the text at each line of a column that is still in the table."""
    import numpy as np

    if reading.table is None or reading.lines is None or column not in reading.table.column_names:
        return []
    rows = np.searchsorted(reading.lines, lines)
    texts = reading.table[column].take(rows[rows < len(reading.lines)]).to_pylist()
    return [(line, text or "") for line, text in zip(lines, texts, strict=False)]


def write_corrections(reading: Reading, target: Path) -> int:
    """Write what to correct, one line for each value, to send back to who made the file; return how many.

    Parameters
    ----------
    target
        File that ends in ``.csv``, ``.xlsx`` or ``.ods``.

    Raises
    ------
    BadValueError
        If it ends otherwise or cannot be written.
    """
    rows: list[tuple[int | None, str, str, str, str]] = []
    for doubt in reading.doubts:
        found = _values(reading, doubt.column, doubt.lines) if doubt.column else []
        texts = dict(found)
        message = doubt.message.removeprefix(f"Colonne « {doubt.column} » : ")
        for line in doubt.lines or (None,):
            text = "" if line is None else texts.get(line, "")
            rows.append((line, doubt.column, text, message, _ASKED.get(doubt.kind, _CHECK)))
    headings = ("Ligne", "Colonne", "Valeur", "Constat", "À faire")
    columns = [
        export.Column(heading, [row[place] for row in rows], wrap=place == 3)
        for place, heading in enumerate(headings)
    ]
    mentions = {"Fichier": reading.file, "Lecture": str(reading.outcome)}
    export.write_rows(columns, target, mentions=mentions, title="À corriger")
    return len(rows)


_CHECK = "Vérifier la ligne, puis exporter de nouveau."
_ASKED = {
    "scientific": "Exporter la colonne au format texte : le tableur a perdu des chiffres.",
    "zeros": "Exporter la colonne au format texte : le tableur a perdu les zéros de tête.",
    "form": "Corriger la valeur, ou la vider.",
    "key": "Vérifier le numéro : sa clé est fausse.",
    "date": "Écrire la date sous la forme jj/mm/aaaa.",
    "number": "Écrire un nombre seul, sans unité ni remarque.",
    "lost": "Exporter de nouveau en UTF-8 : des accents sont perdus.",
    "total": "Retirer les lignes de total, ou les marquer.",
    "absent": "Laisser vide plutôt que d'écrire un mot.",
    "quote": "Fermer ou doubler les guillemets.",
    "separator": "Exporter avec un seul séparateur, le point-virgule.",
    "encoding": "Exporter en UTF-8.",
}


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

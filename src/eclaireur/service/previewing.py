"""A file that someone sent, read apart: in a child process with limits, that answers in JSON.

A file may be made to hang or to fill the memory of who opens it. So the process that serves pages never
opens one: it starts ``python -m eclaireur.service.previewing``, writes what it wants on its input, and
reads what the file holds, how its columns answer the case's fields, and each error, on its output.
Nothing is unpickled. The child has limits of memory and processor time, writes no file, opens no connection
and runs no program, where the host can enforce it (`sources.confinement`).
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.core import catalog, french
from eclaireur.core.errors import EclaireurError, EmptyTableError, FileRefusedError
from eclaireur.core.fields import FieldKind
from eclaireur.service.reading import reading_json
from eclaireur.sources import mapping as mappings, tables
from eclaireur.sources.confinement import confine, limit_processor
from eclaireur.sources.reading import Outcome

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.core.fields import InputTable
    from eclaireur.sources.reading import Reading

__all__ = ["SCORED_OR_RETURNED", "preview", "preview_apart"]

SCORED_OR_RETURNED = frozenset({"candidates", "outcomes"})
"""Tables that `connect` does not read: files to score, and results that come back."""

_SECONDS = 30
_MEMORY = 3 * 2**30
_ROWS = 5
_LONGEST = 200
_MOST_COLUMNS = 500
_MOST_NOTES = 50
_MOST_LINES = 20


def preview(
    path: Path,
    *,
    name: str,
    case: str,
    today: date,
    table: str = "",
    columns: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Read a file as one table of a case, whatever it holds.

    Parameters
    ----------
    path, name
        Where the file lies, and what its owner calls it: messages say that name.
    today
        A ``past`` date after this day is an error.
    table
        Table of the case; by default the one whose required fields the file answers best.
    columns
        Field → heading, chosen by a person; by default what the headings propose.

    Returns
    -------
    dict
        ``reading`` (`service.reading.reading_json`), ``table``, ``headings``, ``columns``, ``errors``
        (the first of each column, with field, line and column) and ``rows`` (the first five, as text by
        field). A file that is refused gives ``reading`` alone.
    """
    reading = replace(tables.read_table(path), file=name)
    if reading.table is not None and len(reading.table.column_names) > _MOST_COLUMNS:
        reading = replace(
            reading,
            outcome=Outcome.REFUSE,
            table=None,
            reason=f"ce tableau a plus de {_MOST_COLUMNS} colonnes.",
            fix="Gardez les colonnes utiles, puis renvoyez-le.",
        )
    if reading.table is None:
        return _cleaned({"reading": _short(reading)})
    card = catalog.find_card(case)
    own = [one for one in card.inputs if one.name not in SCORED_OR_RETURNED]
    declared = (
        card.input_table(table) if table else max(own, key=lambda one: mappings.propose(one, reading).fit)
    )
    mapping = mappings.propose(declared, reading)
    if columns is not None:
        mapping = replace(mapping, columns=_present(columns, declared, reading))
    typed, errors = _typed(mapping, declared, reading, today)
    rows = [
        {field.name: _said(typed[field.name][row]) for field in declared.fields if field.name in typed}
        for row in range(min(_ROWS, reading.table.num_rows))
    ]
    found = {
        "reading": _short(reading),
        "table": declared.name,
        "headings": reading.table.column_names,
        "columns": dict(mapping.columns),
        "errors": errors,
        "rows": rows,
    }
    return _cleaned(found)


def _present(columns: Mapping[str, str], declared: InputTable, reading: Reading) -> dict[str, str]:
    headings = set() if reading.table is None else set(reading.table.column_names)
    by_clean = {_clean(one): one for one in headings}
    named = {field.name for field in declared.fields}
    return {
        name: by_clean[heading] for name, heading in columns.items() if name in named and heading in by_clean
    }


def _typed(
    mapping: mappings.Mapping, declared: InputTable, reading: Reading, today: date
) -> tuple[dict[str, pa.ChunkedArray], list[dict[str, Any]]]:
    """Convert each column by itself, so that every wrong column is told at once; then check the key."""
    typed: dict[str, pa.ChunkedArray] = {}
    errors: list[dict[str, Any]] = []
    if reading.table is None or not reading.table.num_rows:
        empty = EmptyTableError("le fichier ne contient aucune ligne de données.", fix="Vérifiez l'export.")
        return typed, [_error(empty, "")]
    for field in declared.fields:
        heading = mapping.columns.get(field.name)
        alone = replace(declared, fields=(field,), key=())
        try:
            column = mappings.apply(mapping, alone, reading, today=today)[field.name]
        except EclaireurError as error:
            errors.append(_error(error, field.name))
            column = reading.table[heading] if heading else None
        if field.kind is FieldKind.CHOICE and heading:
            column = reading.table[heading]  # people know their words, not the codes that they stand for
        if heading is not None and column is not None:
            typed[field.name] = column
    if not errors:
        try:
            mappings.apply(mapping, declared, reading, today=today)
        except EclaireurError as error:
            named = [name for name, heading in mapping.columns.items() if heading == error.column]
            errors.append(_error(error, (named or [*declared.key, ""])[0]))
    return typed, errors


def _error(error: EclaireurError, field: str) -> dict[str, Any]:
    return {
        "field": field,
        "message": error.message[:1000],
        "fix": error.fix,
        "line": error.line,
        "column": error.column,
    }


def _said(cell: Any) -> str:
    value = cell.as_py()
    if value is None:
        return ""
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, date):
        return french.day(value)
    if isinstance(value, float):
        return f"{value:.10g}".replace(".", ",")
    return str(value)[:_LONGEST]


def _short(reading: Reading) -> dict[str, Any]:
    """Cut what has no bound: the answer of the child stays small whatever the file."""
    said = reading_json(reading)
    for kind in ("repairs", "doubts"):
        said[kind] = [
            {**one, "message": one["message"][:1000], "lines": one["lines"][:_MOST_LINES]}
            for one in said[kind][:_MOST_NOTES]
        ]
    said["columns"] = said["columns"][:_MOST_COLUMNS]
    return said


def _cleaned(found: dict[str, Any]) -> dict[str, Any]:
    cleaned: dict[str, Any] = _clean(found)
    return cleaned


def _clean(value: Any) -> Any:
    """Take away what no page or database can hold: control characters, halves of characters."""
    if isinstance(value, str):
        return re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "�", value.encode("utf-8", "replace").decode("utf-8"))
    if isinstance(value, dict):
        return {_clean(key): _clean(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_clean(one) for one in value]
    return value


def preview_apart(
    path: Path,
    *,
    name: str,
    case: str,
    today: date,
    table: str = "",
    columns: Mapping[str, str] | None = None,
    seconds: float = _SECONDS,
) -> dict[str, Any]:
    """Do as `preview`, in a child process that cannot harm this one.

    Raises
    ------
    FileRefusedError
        If the child went over its time or memory, or died.
    """
    import eclaireur

    asked = {
        "path": str(path.resolve()),
        "name": name,
        "case": case,
        "today": today.isoformat(),
        "table": table,
        "columns": None if columns is None else dict(columns),
    }
    # No secret of the installation goes to who reads a stranger's file.
    environment = {
        "PYTHONPATH": str(Path(eclaireur.__file__).parents[1]),
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    with tempfile.TemporaryDirectory(prefix="eclaireur-preview-") as folder:
        child = subprocess.Popen(
            [sys.executable, "-B", "-P", "-m", "eclaireur.service.previewing"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
        try:
            output, _ = child.communicate(json.dumps(asked).encode(), timeout=seconds)
        except subprocess.TimeoutExpired as error:
            os.killpg(child.pid, signal.SIGKILL)
            child.communicate()
            raise FileRefusedError(
                f"ce fichier n'a pas pu être lu en {seconds:g} secondes.", file=name, fix=_SMALLER
            ) from error
    if child.returncode or not output:
        raise FileRefusedError(
            "la lecture de ce fichier demande trop de mémoire ou échoue.", file=name, fix=_SMALLER
        )
    found: dict[str, Any] = json.loads(output)
    return found


_SMALLER = "Exportez-le de nouveau, en CSV, avec les seules colonnes utiles."


def _confine() -> None:
    """Take away all that reading one file does not need: what is read comes from a stranger."""
    import resource

    confine(Path.cwd(), memory=_MEMORY)
    limit_processor(_SECONDS)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def _main() -> int:
    asked = json.load(sys.stdin)
    _confine()
    found = preview(
        Path(asked["path"]),
        name=asked["name"],
        case=asked["case"],
        today=date.fromisoformat(asked["today"]),
        table=asked["table"],
        columns=asked["columns"],
    )
    sys.stdout.write(json.dumps(found))
    return 0


if __name__ == "__main__":
    sys.exit(_main())

"""Rows of a user's file to score: known stations, new ones, and what the file says of the morning."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.cases.water_inspections.documented import (
    identify,
    mornings_schema,
    stations_schema,
    subjects,
)
from eclaireur.core.case import Records
from eclaireur.core.errors import BadValueError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["published_days", "with_candidates"]

_PUBLISHED = {"Beach", "Date", "Prediction", "SwimStatus"}
_PLACE = ("name", "area", "river", "commune", "latitude", "longitude")


def published_days(path: Path) -> pa.Table | None:
    """Read a file in the shape that Chicago publishes, with days written month first; None for others.

    It is told by its headings, never by its dates: 05/06/2015 says nothing of the order. Readings in it are
    not looked at.

    Raises
    ------
    BadValueError
        If a day, a forecast or the name of a beach cannot be read.
    """
    import pyarrow as pa

    if path.suffix.lower() != ".csv":
        return None
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        reader = csv.DictReader(stream)
        if not set(reader.fieldnames or ()) >= _PUBLISHED:
            return None
        rows = [_published(row, path.name, line) for line, row in enumerate(reader, start=2)]
    if not rows:
        return None
    texts = ("subject", "name", "area", "river", "commune")
    numbers = ("latitude", "longitude", "forecast", "rapid")
    schema = pa.schema(
        [
            ("line", pa.int64()),
            ("date", pa.date32()),
            *((name, pa.string()) for name in texts),
            *((name, pa.float64()) for name in numbers),
        ]
    )
    return pa.Table.from_pylist(rows, schema=schema)


def _published(row: Mapping[str, str | None], file: str, line: int) -> dict[str, Any]:
    beach, day, said = (str(row.get(name) or "").strip() for name in ("Beach", "Date", "Prediction"))
    if not beach:
        raise BadValueError("la plage n'est pas nommée.", file=file, line=line, column="Beach")
    try:
        when = datetime.strptime(day, "%m/%d/%Y").date()
    except ValueError as error:
        raise BadValueError(
            f"« {day} » n'est pas une date de la forme mois/jour/année.",
            file=file,
            line=line,
            column="Date",
            fix="Corrigez la cellule.",
        ) from error
    try:
        forecast = float(said) if said else None
    except ValueError as error:
        raise BadValueError(
            f"« {said} » n'est pas un nombre.", file=file, line=line, column="Prediction"
        ) from error
    return {"line": line, "subject": beach, "date": when, "forecast": forecast}


def with_candidates(table: pa.Table, records: Records) -> tuple[pa.ChunkedArray, dict[str, pa.Table]]:
    """Return the subject of each row, and records that hold every one of them.

    What the records say of a station wins; the file speaks for those they do not hold. A forecast or a rapid
    test in the file replaces what the records have for the same station and day.

    Parameters
    ----------
    table
        In the documented format ``[inputs.candidates]``.
    """
    import pyarrow as pa

    keys = pa.chunked_array([subjects(table["subject"])])
    merged = dict(records)
    held = set(records["stations"]["subject"].to_pylist())
    rows = table.to_pylist()
    added = {}
    for key, row in zip(keys.to_pylist(), rows, strict=True):
        if key not in held and key not in added:
            plain = identify(row["subject"]).key
            added[key] = {"subject": key, **{name: row[name] for name in _PLACE}}
            added[key]["name"] = row["name"] or plain
    if added:
        extra = pa.Table.from_pylist(list(added.values()), schema=stations_schema())
        merged["stations"] = pa.concat_tables([records["stations"].cast(stations_schema()), extra])
    told = {
        (key, row["date"]): {
            "subject": key,
            "day": row["date"],
            "forecast": row["forecast"],
            "rapid": row["rapid"],
        }
        for key, row in zip(keys.to_pylist(), rows, strict=True)
        if row["forecast"] is not None or row["rapid"] is not None
    }
    if told:
        kept = records["mornings"].to_pylist() if "mornings" in records else []
        before = {(row["subject"], row["day"]): row for row in kept}
        for where, row in told.items():
            old = before.get(where, {})
            before[where] = {name: old.get(name) if value is None else value for name, value in row.items()}
        merged["mornings"] = pa.Table.from_pylist(list(before.values()), schema=mornings_schema())
    return keys, merged

"""Rows of a user's file to score: known stations, new ones, and what the file says of the morning."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eclaireur.cases.water_inspections.documented import (
    identify,
    mornings_schema,
    stations_schema,
    subjects,
)
from eclaireur.core.case import Records

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["with_candidates"]

_PLACE = ("name", "area", "river", "commune", "latitude", "longitude")


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

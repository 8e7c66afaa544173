"""Rows of a user's file to score: known establishments, and new ones as the file describes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from eclaireur.cases.restaurant_risk.documented import subjects as name_subjects
from eclaireur.core.case import Records

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["with_candidates"]


def with_candidates(table: pa.Table, records: Records) -> tuple[pa.ChunkedArray, dict[str, pa.Table]]:
    """Return the subject of each row, and records that hold every one of them.

    What the records say of an establishment wins; the file speaks for those they do not hold.

    Parameters
    ----------
    table
        In the documented format ``[inputs.candidates]``.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    named = name_subjects(table["subject"])
    places = records["establishments"]
    fresh = pc.invert(pc.is_in(named, value_set=places["subject"].combine_chunks()))
    added: dict[str, dict[str, Any]] = {}
    described = table.append_column("named", named).filter(fresh)
    for row in described.to_pylist():
        added.setdefault(
            row["named"],
            {
                "subject": row["named"],
                "name": row["name"] or row["named"].partition(":")[2],
                **{
                    name: row[name]
                    for name in ("activity", "risk_class", "postal_code", "area", "latitude", "longitude")
                },
            },
        )
    merged = dict(records)
    if added:
        extra = pa.Table.from_pylist(list(added.values()), schema=places.schema)
        merged["establishments"] = pa.concat_tables([places, extra])
    return pa.chunked_array([named]), merged

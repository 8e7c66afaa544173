"""Rows of a user's file to score: known establishments, new ones, and what the file measured there."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from eclaireur.cases.restaurant_risk.alimconfiance import departement
from eclaireur.cases.restaurant_risk.columns import CONTEXT
from eclaireur.cases.restaurant_risk.documented import subjects as name_subjects
from eclaireur.core.case import Records

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["with_candidates"]

_BOTH = re.compile(r"\(?(-?\d{1,3}(?:\.\d+)?)\s*,\s*(-?\d{1,3}(?:\.\d+)?)\)?")
_YEAR = 365.25


def with_candidates(table: pa.Table, records: Records) -> tuple[pa.Table, dict[str, pa.Table]]:
    """Return the rows to score, named, and records that hold every one of them.

    What the records say of an establishment wins; the file speaks for those they do not hold. What
    the file measured at a visit is used for that row only.

    Parameters
    ----------
    table
        In the documented format ``[inputs.candidates]``.

    Returns
    -------
    named
        ``subject``, ``date`` and ``inspection`` of each row, the last never null.
    records
        With the new establishments and the rows' own contexts.
    """
    import pyarrow as pa

    rows = table.to_pylist()
    named = name_subjects(table["subject"])
    numbers = [_number(row["inspection"], index) for index, row in enumerate(rows)]
    merged = dict(records)
    places = records["establishments"]
    held = set(places["subject"].to_pylist())
    added: dict[str, dict[str, Any]] = {}
    for subject, row in zip(named.to_pylist(), rows, strict=True):
        if subject not in held:
            added.setdefault(subject, _establishment(subject, row))
    if added:
        extra = pa.Table.from_pylist(list(added.values()), schema=places.schema)
        merged["establishments"] = pa.concat_tables([places, extra])
    measured = [_context(number, row) for number, row in zip(numbers, rows, strict=True) if _has_context(row)]
    if measured:
        merged["contexts"] = _with_contexts(records, measured)
    return pa.table({"subject": named, "date": table["date"], "inspection": pa.array(numbers)}), merged


def _number(written: str | None, index: int) -> str:
    """Return the number of a visit; a spreadsheet that took it for a measure wrote 269961.0."""
    if written is None:
        return f"ligne {index + 1}"
    whole, point, rest = written.rpartition(".")
    return whole if point and rest == "0" and whole.isdecimal() else written


def _area(subject: str, row: Mapping[str, Any]) -> str | None:
    """Return the area that the sources use: the département of a SIRET, else the postal code."""
    if row["area"] or not row["postal_code"]:
        return row["area"] or None
    code = str(row["postal_code"]).removesuffix(".0")
    return departement(code) if subject.startswith("siret:") else code


def _coordinates(row: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Return latitude and longitude, from their columns or from a cell that holds both."""
    both = _BOTH.fullmatch((row["place"] or "").strip())
    if both is None or None not in {row["latitude"], row["longitude"]}:
        return row["latitude"], row["longitude"]
    latitude, longitude = float(both[1]), float(both[2])
    inside = abs(latitude) <= 90 and abs(longitude) <= 180
    return (latitude, longitude) if inside else (None, None)


def _establishment(subject: str, row: Mapping[str, Any]) -> dict[str, Any]:
    age = row["age_years"]
    latitude, longitude = _coordinates(row)
    return {
        "subject": subject,
        "name": row["name"] or subject.partition(":")[2],
        # The published model table writes Grocery_Store where inspections have Grocery Store.
        "activity": row["activity"].replace("_", " ") if row["activity"] else None,
        "opened": None if age is None else row["date"] - timedelta(days=round(age * _YEAR)),
        "risk_class": row["risk_class"],
        "postal_code": row["postal_code"],
        "area": _area(subject, row),
        "latitude": latitude,
        "longitude": longitude,
    }


def _has_context(row: Mapping[str, Any]) -> bool:
    return any(row[name] is not None for name in CONTEXT)


def _context(number: str, row: Mapping[str, Any]) -> dict[str, Any]:
    found = {name: None if row[name] is None else float(row[name]) for name in CONTEXT}
    return {"inspection": number, "subject": None, "observed": None, **found}


def _with_contexts(records: Records, measured: list[dict[str, Any]]) -> pa.Table:
    """Add the rows' own measures; they win over those that were published for the same visit."""
    import pyarrow as pa
    import pyarrow.compute as pc

    fields = [("inspection", pa.string()), ("subject", pa.string()), ("observed", pa.date32())]
    schema = pa.schema([*fields, *((name, pa.float64()) for name in CONTEXT)])
    own = pa.Table.from_pylist(measured, schema=schema)
    if "contexts" not in records:
        return own
    published = records["contexts"].select(schema.names).cast(schema)
    replaced = pc.is_in(published["inspection"], value_set=own["inspection"].combine_chunks())
    kept = published.filter(pc.invert(replaced))
    return pa.concat_tables([kept, _completed(own, published)])


def _completed(own: pa.Table, published: pa.Table) -> pa.Table:
    """Fill what a row's own measures leave out with what was published for the same visit."""
    import pyarrow as pa
    import pyarrow.compute as pc

    where = pc.index_in(own["inspection"], value_set=published["inspection"].combine_chunks())
    other = published.take(where)
    columns = [pc.coalesce(own[name], other[name]) for name in own.column_names[1:]]
    return pa.table([own["inspection"], *columns], schema=own.schema)

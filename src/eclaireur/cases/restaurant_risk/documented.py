"""From the case's documented format to the tables it works on, and back from the field.

The working tables, whatever the source:

``establishments``
    subject, name, activity, risk_class, address, postal_code, commune, area, latitude, longitude,
    opened.
``inspections``
    inspection, subject, observed, known, label (1 bad, 0 not, null unlabelled), failed, critical,
    serious, minor, kind, result, observer, in_scope, propensity, origin.
``complaints``, ``weather``, ``reviews``
    As the card describes them, with ``observed`` and ``known`` dates.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from eclaireur.core.subjects import Subject, normalise_siret
from eclaireur.core.types import Origin

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["identify", "inspections_schema", "normalise", "subjects", "with_outcomes"]


def identify(text: str) -> Subject:
    """Return the subject that a user's identifier names: a valid SIRET, else an identifier as it is.

    ``kind:key`` is read as written. Digits that a spreadsheet turned into ``30790.0`` lose the
    ``.0``.

    >>> str(identify("832 837 793 00021")), str(identify("30790.0"))
    ('siret:83283779300021', 'establishment:30790')
    """
    text = text.strip()
    if re.match(r"(siret|establishment):", text):
        return Subject.parse(text)
    siret = normalise_siret(text)
    if siret is not None:
        return Subject("siret", siret)
    return Subject("establishment", re.sub(r"^(\d+)\.0$", r"\1", text))


def subjects(keys: pa.ChunkedArray) -> pa.Array:
    """Return the subject of each identifier of a column; each distinct value is read once."""
    import pyarrow as pa

    encoded = keys.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.unify_dictionaries().combine_chunks()
    names = pa.array([str(identify(key)) for key in encoded.dictionary.to_pylist()], pa.string())
    return names.take(encoded.indices)


def inspections_schema() -> pa.Schema:
    """Schema of the working table ``inspections``."""
    import pyarrow as pa

    return pa.schema(
        [
            ("inspection", pa.string()),
            ("subject", pa.string()),
            ("observed", pa.date32()),
            ("known", pa.date32()),
            ("label", pa.float64()),
            ("failed", pa.float64()),
            ("critical", pa.float64()),
            ("serious", pa.float64()),
            ("minor", pa.float64()),
            ("kind", pa.string()),
            ("result", pa.string()),
            ("observer", pa.string()),
            ("in_scope", pa.bool_()),
            ("propensity", pa.float64()),
            ("origin", pa.string()),
        ]
    )


def normalise(tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """Turn typed tables in the documented format into the working tables."""
    found = {"inspections": _inspections(tables["inspections"])}
    if "establishments" in tables:
        found["establishments"] = _establishments(tables["establishments"])
    else:
        found["establishments"] = _bare_establishments(found["inspections"])
    for name in ("complaints", "reviews"):
        if name in tables:
            found[name] = _dated(tables[name])
    if "weather" in tables:
        found["weather"] = tables["weather"].rename_columns({"date": "observed"})
    return found


def _next_day(days: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    return pc.add(days.cast(pa.int32()), pa.scalar(1, pa.int32())).cast(pa.date32())


def _inspections(table: pa.Table) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    size = table.num_rows
    label = table["result"].cast(pa.float64())
    subject = subjects(table["subject"])
    number = pc.binary_join_element_wise(subject, pc.strftime(table["date"], "%Y-%m-%d"), "@")
    columns = {
        "inspection": pc.coalesce(table["inspection"], number),
        "subject": subject,
        "observed": table["date"],
        "known": pc.coalesce(table["known"], _next_day(table["date"])),
        "label": label,
        "failed": label,
        "critical": table["critical"].cast(pa.float64()),
        "serious": table["serious"].cast(pa.float64()),
        "minor": table["minor"].cast(pa.float64()),
        "kind": table["kind"],
        "result": table["result"],
        "observer": table["observer"],
        "in_scope": pa.array([True] * size, pa.bool_()),
        "propensity": pa.nulls(size, pa.float64()),
        "origin": pa.array([str(Origin.OUTCOME)] * size, pa.string()),
    }
    schema = inspections_schema()
    return pa.table({name: columns[name] for name in schema.names}, schema=schema)


def _establishments(table: pa.Table) -> pa.Table:
    index = table.schema.get_field_index("subject")
    return table.set_column(index, "subject", subjects(table["subject"]))


def _bare_establishments(inspections: pa.Table) -> pa.Table:
    """Establishments known only by their inspections: an identifier and nothing else."""
    import pyarrow as pa

    unique = inspections["subject"].unique()
    texts = ("activity", "risk_class", "address", "postal_code", "commune", "area")
    size = len(unique)
    return pa.table(
        {
            "subject": unique,
            "name": pa.array([key.partition(":")[2] for key in unique.to_pylist()], pa.string()),
            **{name: pa.nulls(size, pa.string()) for name in texts},
            "latitude": pa.nulls(size, pa.float64()),
            "longitude": pa.nulls(size, pa.float64()),
            "opened": pa.nulls(size, pa.date32()),
        }
    )


def _dated(table: pa.Table) -> pa.Table:
    """Give a table its ``observed`` and ``known`` dates; what happens one day is known the next."""
    named = table.rename_columns({"date": "observed"})
    if "subject" in named.column_names:
        named = _establishments(named)
    return named.append_column("known", _next_day(named["observed"]))


def with_outcomes(tables: Mapping[str, pa.Table], outcomes: pa.Table | None) -> dict[str, pa.Table]:
    """Add results that came back from the field to the history.

    A result already in the history for the same subject and day stays: the later one is left out.
    """
    import pyarrow as pa

    found = dict(tables)
    found["inspections"] = _conform(tables["inspections"])
    if outcomes is None or not outcomes.num_rows:
        return found
    known = found["inspections"]
    seen = set(zip(known["subject"].to_pylist(), known["observed"].to_pylist(), strict=True))
    fresh = [row for row in outcomes.to_pylist() if (row["subject"], row["observed"]) not in seen]
    added = pa.Table.from_pylist(
        [
            {
                "inspection": row["outcome"],
                "subject": row["subject"],
                "observed": row["observed"],
                "known": row["known"],
                "label": row["label"],
                "failed": row["label"],
                "kind": None,
                "result": row["value"],
                "observer": row["observer"],
                "in_scope": True,
                "propensity": row["propensity"],
                "origin": row["origin"],
            }
            for row in fresh
        ],
        schema=inspections_schema(),
    )
    found["inspections"] = pa.concat_tables([known, added])
    return found


def _conform(inspections: pa.Table) -> pa.Table:
    """Give a source's inspections every column of the working schema, absent ones null."""
    import pyarrow as pa

    schema = inspections_schema()
    size = inspections.num_rows
    columns = []
    for field in schema:
        if field.name in inspections.column_names:
            columns.append(inspections[field.name].cast(field.type))
        elif field.name == "origin":
            columns.append(pa.array([str(Origin.OUTCOME)] * size, pa.string()))
        else:
            columns.append(pa.nulls(size, field.type))
    return pa.table(columns, schema=schema)

"""From the case's documented format to the tables it works on, and back from the field.

The working tables, whatever the source:

``stations``
    subject, name, area (what capacity is shared by), river, commune, latitude, longitude.
``measures``
    measure, subject, observed, known, parameter, value, level, over, over_high, propensity, origin: one row
    for each station and day. ``level`` is the natural logarithm of the value over the first limit, null
    where a sample was not really taken; ``over`` is 1 above the first limit, ``over_high`` above the second.
``mornings``
    subject, day, forecast, rapid: what is known the same morning, before anyone decides.
``controls``
    See `followup`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from eclaireur.cases.water_inspections.programmes import PROGRAMMES, Programme
from eclaireur.core.subjects import Subject
from eclaireur.core.types import Origin

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "identify",
    "measured",
    "measures_schema",
    "mornings_schema",
    "normalise",
    "stations_schema",
    "subjects",
    "with_outcomes",
]


def identify(text: str) -> Subject:
    """Return the station that a user names.

    Naïades codes have eight characters: a spreadsheet that took one for a number loses the leading zero and
    adds ``.0``; both are repaired.

    >>> str(identify("06011000")), str(identify("6011000.0")), str(identify("station:Montrose-Beach"))
    ('station:06011000', 'station:06011000', 'station:Montrose-Beach')
    """
    text = text.strip()
    if text.startswith("station:"):
        return Subject.parse(text)
    plain = re.sub(r"^(\d+)\.0$", r"\1", text)
    return Subject("station", f"0{plain}" if re.fullmatch(r"[1-9]\d{6}", plain) else plain)


def subjects(keys: pa.ChunkedArray) -> pa.Array:
    """Return the subject of each identifier of a column."""
    import pyarrow as pa

    read: dict[str, str] = {}
    found = []
    for key in keys.to_pylist():
        if key not in read:
            read[key] = str(identify(key))
        found.append(read[key])
    return pa.array(found, pa.string())


def stations_schema() -> pa.Schema:
    """Schema of ``stations``."""
    import pyarrow as pa

    texts = ("subject", "name", "area", "river", "commune")
    numbers = ("latitude", "longitude")
    return pa.schema([*((name, pa.string()) for name in texts), *((name, pa.float64()) for name in numbers)])


def measures_schema() -> pa.Schema:
    """Schema of ``measures``."""
    import pyarrow as pa

    return pa.schema(
        [
            ("measure", pa.string()),
            ("subject", pa.string()),
            ("observed", pa.date32()),
            ("known", pa.date32()),
            ("parameter", pa.string()),
            ("value", pa.float64()),
            ("level", pa.float64()),
            ("over", pa.float64()),
            ("over_high", pa.float64()),
            ("propensity", pa.float64()),
            ("origin", pa.string()),
        ]
    )


def mornings_schema() -> pa.Schema:
    """Schema of ``mornings``: a forecast in the programme's unit, and a rapid test where one was made."""
    import pyarrow as pa

    return pa.schema(
        [
            ("subject", pa.string()),
            ("day", pa.date32()),
            ("forecast", pa.float64()),
            ("rapid", pa.float64()),
        ]
    )


def measured(
    programme: Programme,
    rows: Mapping[str, Any],
    *,
    sampled: Any = None,
) -> pa.Table:
    """Return the working table of measurements, several of one station and day averaged into one.

    Parameters
    ----------
    rows
        Columns ``subject``, ``observed``, ``value`` and, where it is known, ``known`` (Arrow arrays).
    sampled
        False where the value stands for no sample: it keeps its label and gives no level.
    """
    import numpy as np
    import pyarrow as pa

    size = len(rows["subject"])
    known = rows.get("known", pa.nulls(size, pa.date32()))
    table = pa.table(
        {
            "subject": rows["subject"],
            "observed": rows["observed"],
            "known": known,
            "value": rows["value"],
            "sampled": pa.array([True] * size) if sampled is None else sampled,
        }
    )
    days = table.group_by(["subject", "observed"]).aggregate(
        [("value", "mean"), ("known", "max"), ("sampled", "max")]
    )
    days = days.sort_by([("observed", "ascending"), ("subject", "ascending")])
    value = days["value_mean"].to_numpy()
    level = np.log(np.maximum(value, programme.least) / programme.thresholds[0])
    level = np.where(days["sampled_max"].to_numpy(), level, np.nan)
    observed = days["observed"].to_pylist()
    late = timedelta(days=programme.delay)
    told = [
        day + late if known_on is None else max(known_on, day)
        for day, known_on in zip(observed, days["known_max"].to_pylist(), strict=True)
    ]
    count = days.num_rows
    high = value > programme.thresholds[-1] if len(programme.thresholds) > 1 else np.full(count, np.nan)
    columns = {
        "measure": pa.array(
            [f"{one}@{day}" for one, day in zip(days["subject"].to_pylist(), observed, strict=True)]
        ),
        "subject": days["subject"],
        "observed": days["observed"],
        "known": pa.array(told, pa.date32()),
        "parameter": pa.array([programme.parameter] * count),
        "value": value,
        "level": pa.array(level, pa.float64(), from_pandas=True),
        "over": (value > programme.thresholds[0]).astype(np.float64),
        "over_high": pa.array(high.astype(np.float64), pa.float64(), from_pandas=True),
        "propensity": pa.nulls(count, pa.float64()),
        "origin": pa.array([str(Origin.OUTCOME)] * count),
    }
    return pa.table({name: columns[name] for name in measures_schema().names}, schema=measures_schema())


def normalise(tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """Turn typed tables in the documented format into the working tables."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from eclaireur.cases.water_inspections import followup

    given = tables["measures"]
    parameters = pc.fill_null(given["parameter"], "nitrates")
    subject = subjects(given["subject"])
    parts = []
    for parameter in parameters.unique().to_pylist():
        kept = pc.equal(parameters, parameter)
        rows = given.filter(kept)
        columns = {
            "subject": subject.filter(kept.combine_chunks()),
            "observed": rows["date"],
            "known": rows["known"],
            "value": rows["value"].cast(pa.float64()),
        }
        parts.append(measured(PROGRAMMES[parameter], columns))
    found = {"measures": pa.concat_tables(parts)}
    found["stations"] = (
        _stations(tables["stations"]) if "stations" in tables else _bare(found["measures"]["subject"])
    )
    if "mornings" in tables:
        table = tables["mornings"]
        found["mornings"] = pa.table(
            [subjects(table["subject"]), table["date"], table["forecast"], table["rapid"]],
            names=mornings_schema().names,
        ).cast(mornings_schema())
    if "controls" in tables:
        found["controls"] = followup.normalise(tables["controls"])
    return found


def _stations(table: pa.Table) -> pa.Table:
    import pyarrow.compute as pc

    named = table.set_column(table.schema.get_field_index("subject"), "subject", subjects(table["subject"]))
    bare = pc.utf8_replace_slice(named["subject"], start=0, stop=len("station:"), replacement="")
    index = named.schema.get_field_index("name")
    named = named.set_column(index, "name", pc.coalesce(named["name"], bare))
    schema = stations_schema()
    return named.select(schema.names).cast(schema)


def _bare(keys: pa.ChunkedArray) -> pa.Table:
    """Stations known only by their measurements: an identifier and nothing else."""
    import pyarrow as pa

    rows = [{"subject": key, "name": key.partition(":")[2]} for key in sorted(keys.unique().to_pylist())]
    return pa.Table.from_pylist(rows, schema=stations_schema())


def with_outcomes(tables: Mapping[str, pa.Table], outcomes: pa.Table | None) -> dict[str, pa.Table]:
    """Add results that came back from the field to the history.

    A result already in the history for the same station and day stays: the later one is left out. A
    result says that the limit was exceeded or not; it has no value.
    """
    import pyarrow as pa

    from eclaireur.cases.water_inspections.programmes import programme_of

    found = dict(tables)
    if outcomes is None or not outcomes.num_rows:
        return found
    measures = tables["measures"]
    seen = set(zip(measures["subject"].to_pylist(), measures["observed"].to_pylist(), strict=True))
    parameter = programme_of(tables).parameter
    added = [
        {
            "measure": row["outcome"],
            "subject": row["subject"],
            "observed": row["observed"],
            "known": row["known"],
            "parameter": parameter,
            "over": row["label"],
            "propensity": row["propensity"],
            "origin": row["origin"],
        }
        for row in outcomes.to_pylist()
        if (row["subject"], row["observed"]) not in seen
    ]
    found["measures"] = pa.concat_tables([measures, pa.Table.from_pylist(added, schema=measures_schema())])
    return found

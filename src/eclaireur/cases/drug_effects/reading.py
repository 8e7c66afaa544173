"""Raw files of each source as two tables: ``histories`` and ``reports``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.cases.drug_effects.published import STUDIES, study_rows

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FAULT", "histories_schema", "numbered", "read", "reports_schema"]

FAULT = "fault"
"""Column of a file to score: what is wrong in a row, with its line; null when nothing is."""
_EPOCH = date(1970, 1, 1)
_UNDATED = date(2017, 1, 1)
_LATER = timedelta(days=30)
"""A case is known a month after its event: the time of an extraction."""


@cache
def histories_schema() -> pa.Schema:
    """Rows of the events model, in days from the day 0 of the person (``origin``, null when not dated).

    ``covers`` and ``quantity`` are those of purchases (`exposures.exposed`).
    ``study`` gathers rows that are analysed together; ``known`` is when the whole person was.
    """
    import pyarrow as pa

    return pa.schema(
        [
            ("study", pa.string()),
            ("person", pa.string()),
            ("category", pa.string()),
            ("value", pa.string()),
            ("start", pa.int64()),
            ("end", pa.int64()),
            ("origin", pa.int64()),
            ("covers", pa.int64()),
            ("quantity", pa.float64()),
            ("observed", pa.date32()),
            ("known", pa.date32()),
        ]
    )


@cache
def reports_schema() -> pa.Schema:
    """One row a pair of a report."""
    import pyarrow as pa

    return pa.schema(
        [
            ("report", pa.string()),
            ("drug", pa.string()),
            ("event", pa.string()),
            ("stratum", pa.string()),
            ("observed", pa.date32()),
            ("known", pa.date32()),
        ]
    )


def read(raw: Path) -> dict[str, pa.Table]:
    """Read every file of a snapshot by its name."""
    import pyarrow as pa
    import pyarrow.csv as pacsv
    import pyarrow.parquet as pq

    cases: list[dict[str, Any]] = []
    reports = reports_schema().empty_table()
    studies = {study.name: study for study in STUDIES}
    for path in sorted(raw.iterdir()):
        stem = path.name.partition(".")[0]
        if stem in studies:
            undated = {"study": stem, "observed": _UNDATED, "known": _UNDATED}
            cases += [row | undated for row in study_rows(studies[stem], path)]
        elif path.suffix == ".parquet" and stem == "histories":
            cases += _dated(pq.read_table(path).to_pylist())
        elif path.suffix == ".parquet" and stem == "reports":
            reports = _reports(pq.read_table(path).to_pylist())
        elif path.name.endswith(".csv.gz"):
            table = pacsv.read_csv(path)
            names = dict(zip(("report", "drug", "event", "stratum"), table.column_names, strict=False))
            rows = table.select(list(names.values())).rename_columns(list(names)).to_pylist()
            reports = _reports(rows)
    return {"histories": pa.Table.from_pylist(cases, schema=histories_schema()), "reports": reports}


def _reports(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    import pyarrow as pa

    made = [
        {
            "report": str(row["report"]),
            "drug": row["drug"],
            "event": row["event"],
            "stratum": row.get("stratum"),
            "observed": row.get("date") or _UNDATED,
            "known": row.get("date") or _UNDATED,
        }
        for row in rows
        if row["drug"] and row["event"]
    ]
    return pa.Table.from_pylist(made, schema=reports_schema())


def numbered(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Turn dates into days: of age when every birth is given, else of the calendar."""
    births = {str(row["person"]): row["start"] for row in rows if row["category"] == "birth"}
    of_age = set(births) >= {str(row["person"]) for row in rows}
    found = []
    for row in rows:
        if row["category"] == "birth":
            continue
        zero = births[str(row["person"])] if of_age else _EPOCH
        found.append(
            {
                "person": str(row["person"]),
                "category": row["category"],
                "value": row["value"] or "",
                "start": (row["start"] - zero).days,
                "end": None if row["end"] is None else (row["end"] - zero).days,
                "origin": (zero - _EPOCH).days,
                "covers": row.get("covers"),
                "quantity": row.get("quantity"),
            }
        )
    return found


def _dated(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Add when each person was known: a month after the last event."""
    last: dict[str, date] = {}
    for row in rows:
        person = str(row["person"])
        if row["category"] == "event":
            last[person] = max(last.get(person, row["start"]), row["start"])
    found = []
    for row in numbered(rows):
        day = last.get(row["person"], _UNDATED)
        found.append(row | {"study": "", "observed": day, "known": day + _LATER})
    return found

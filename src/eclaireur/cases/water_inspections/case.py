"""Ranks monitoring stations by their risk of exceeding a limit, with reasons in French."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.cases.water_inspections import documented, measuring, model as modelling, reports
from eclaireur.cases.water_inspections.candidates import published_days, with_candidates
from eclaireur.cases.water_inspections.columns import prepared, rows_for
from eclaireur.cases.water_inspections.documented import identify
from eclaireur.cases.water_inspections.programmes import Programme, programme_of
from eclaireur.cases.water_inspections.sheet import sheet
from eclaireur.core.case import Artefact, Fitted, Progress, Records
from eclaireur.core.tables import signals_schema

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import pyarrow as pa

    from eclaireur.core.types import EvaluationBlock, ModelCard
    from eclaireur.core.view import Block

__all__ = [
    "NAME",
    "REPORTS",
    "REPORT_ASKS",
    "data_date",
    "evaluate",
    "examples",
    "fetch",
    "identify",
    "predict",
    "read_candidates",
    "records",
    "report",
    "score",
    "sheet",
    "signals",
    "train",
]

NAME = "water_inspections"
REPORTS = reports.REPORTS
REPORT_ASKS = reports.ASKS


def fetch(source: str, into: Path, *, seed: int, progress: Progress) -> None:
    """Write the raw files of the generated sample."""
    from eclaireur.cases.water_inspections import sample

    sample.write(into, seed=seed, progress=progress)


def records(source: str, raw: Path, *, outcomes: pa.Table | None, progress: Progress) -> Records:
    """Read a source's raw files into the working tables (see `documented`)."""
    return documented.with_outcomes(_read(source, raw, progress), outcomes)


def _read(source: str, raw: Path, progress: Progress) -> dict[str, pa.Table]:
    import pyarrow.parquet as pq

    from eclaireur.cases.water_inspections import beaches, naiades, sample

    if source == "connected":
        return documented.normalise(
            {path.stem: pq.read_table(path) for path in sorted(raw.glob("*.parquet"))}
        )
    readers = {"nitrates": naiades.records, "beaches": beaches.records, "sample": sample.records}
    return readers[source](raw, progress=progress)


def examples(records: Records) -> pa.Table:
    """Return every station and period (month or day) that was measured, seen from its first day.

    ``label`` is 1 when one measurement at least exceeded the first limit; ``high`` the same for the second,
    null where the programme has none; ``level`` the highest level of the period, null where none was sampled.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    programme = programme_of(records)
    measures = records["measures"]
    measures = measures.filter(pc.is_valid(measures["over"]))
    starts = pa.array([programme.period(day) for day in measures["observed"].to_pylist()], pa.date32())
    table = measures.append_column("as_of", starts)
    table = table.append_column("weight", pc.divide(1.0, pc.fill_null(table["propensity"], 1.0)))
    found = table.group_by(["subject", "as_of"]).aggregate(
        [
            ("known", "max"),
            ("over", "max"),
            ("over_high", "max"),
            ("weight", "max"),
            ("origin", "min"),  # of a period of which a verdict is known, « decision » is told
            ("level", "max"),
        ]
    )
    size = found.num_rows
    keys = zip(found["subject"].to_pylist(), found["as_of"].to_pylist(), strict=True)
    columns = {
        "example": pa.array([f"{subject}@{day}" for subject, day in keys]),
        "subject": found["subject"],
        "as_of": found["as_of"],
        "known": found["known_max"],
        "label": found["over_max"],
        "observer": pa.nulls(size, pa.string()),
        "weight": found["weight_max"],
        "origin": found["origin_min"],
        "high": found["over_high_max"],
        "level": found["level_max"],
    }
    return pa.table(columns).sort_by([("as_of", "ascending"), ("example", "ascending")])


def data_date(records: Records) -> date:
    """Return the last day of the last period that was measured: signals are for the period after."""
    import pyarrow.compute as pc

    programme = programme_of(records)
    latest: date = pc.max(records["measures"]["observed"]).as_py()
    if not programme.monthly:
        return latest
    following = (latest.replace(day=1) + timedelta(days=32)).replace(day=1)
    return following - timedelta(days=1)


def train(records: Records, examples: pa.Table, *, as_of: date, seed: int, progress: Progress) -> Fitted:
    """Fit the models on the examples known before ``as_of``."""
    return modelling.train(prepared(records), examples, case=NAME, as_of=as_of, seed=seed, progress=progress)


def signals(
    records: Records, card: ModelCard, artefact: Artefact, *, as_of: date, progress: Progress
) -> pa.Table:
    """Score every station that was measured before a date, for the period that holds this date."""
    import pyarrow as pa

    tables = prepared(records)
    programme = programme_of(tables)
    last = reports.last_measures(tables, as_of)
    subjects = pa.chunked_array([pa.array(sorted(last), pa.string())])
    size = len(subjects)
    days = pa.chunked_array([pa.array([as_of] * size, pa.date32())])
    rows = rows_for(tables, subjects, days)
    progress(0, 2, "Calcul des risques")
    loaded = modelling.load(artefact)
    judged = modelling.judge(loaded, rows, tables)
    progress(1, 2, "Raisons de chaque risque")
    seen: list[date | None] = [last[key] for key in subjects.to_pylist()]
    told = modelling.explained(loaded, judged, seen)
    progress(2, 2, "Risques calculés")
    columns: dict[str, Any] = {
        "record": subjects,
        "subject": subjects,
        "name": rows["name"],
        "area": rows["area"],
        "label": pa.array([programme.label()] * size),
        "score": judged.score,
        "low": pa.array(judged.low, from_pandas=True),
        "high": pa.array(judged.upper, from_pandas=True),
        "calibrated": pa.array([loaded.calibrated] * size),
        "as_of": days,
        "last_seen": pa.array(reports.last_controls(tables, subjects.to_pylist(), as_of, last), pa.date32()),
        "latitude": rows["latitude"],
        "longitude": rows["longitude"],
        "reasons": told,
    }
    schema = signals_schema()
    return pa.table(
        [columns[field.name] if field.name in columns else pa.nulls(size, field.type) for field in schema],
        names=schema.names,
    ).cast(schema)


def predict(examples: pa.Table, records: Records, card: ModelCard, artefact: Artefact) -> Sequence[float]:
    """Score examples, each as known at its own date."""
    tables = prepared(records)
    rows = rows_for(tables, examples["subject"], examples["as_of"])
    found: list[float] = modelling.judge(modelling.load(artefact), rows, tables).score.tolist()
    return found


def read_candidates(path: Path) -> pa.Table | None:
    """Read a file to score in the shape that Chicago publishes; None for any other: it is a table."""
    return published_days(path)


def score(
    table: pa.Table, records: Records, card: ModelCard, artefact: Artefact, *, progress: Progress
) -> pa.Table:
    """Score the rows of a user's file, each as of its own date, in their order.

    A station that the records do not hold is scored on what the file says of its place.
    """
    import pyarrow as pa

    keys, known = with_candidates(table, records)
    tables = prepared(known)
    programme = programme_of(tables)
    rows = rows_for(tables, keys, table["date"])
    loaded = modelling.load(artefact)
    progress(0, 2, "Calcul des risques")
    judged = modelling.judge(loaded, rows, tables)
    progress(1, 2, "Raisons de chaque risque")
    told = modelling.explained(loaded, judged, [None] * table.num_rows)
    progress(2, 2, "Lignes classées")
    rank = [0] * table.num_rows
    for position, index in enumerate((-judged.score).argsort(kind="stable").tolist(), start=1):
        rank[index] = position
    return pa.table(
        {
            "subject": keys,
            "as_of": table["date"],
            "period": _periods(programme, table["date"]),
            "limit": pa.array([programme.thresholds[0]] * table.num_rows),
            "score": judged.score,
            "low": pa.array(judged.low, from_pandas=True),
            "high": pa.array(judged.upper, from_pandas=True),
            "calibrated": pa.array([loaded.calibrated] * table.num_rows),
            "rank": pa.array(rank, pa.int32()),
            "score_high": pa.array(judged.high, from_pandas=True),
            "reasons": told,
        }
    )


def _periods(programme: Programme, days: pa.ChunkedArray) -> pa.Array:
    import pyarrow as pa

    return pa.array([programme.period(day) for day in days.to_pylist()], pa.date32())


def evaluate(
    source: str, records: Records, *, seed: int, engine: Executor, progress: Progress
) -> tuple[EvaluationBlock, ...]:
    """Measure on held-out time (see `measuring`)."""
    return measuring.evaluate(source, records, examples(records), seed=seed, engine=engine, progress=progress)


def report(
    name: str,
    records: Records,
    card: ModelCard,
    artefact: Artefact,
    *,
    about: str,
    table: pa.Table | None,
    seed: int,
    progress: Progress,
) -> tuple[Block, ...]:
    """Make a report (see `reports`)."""
    return reports.report(name, records, artefact, about=about, as_of=data_date(records) + timedelta(days=1))

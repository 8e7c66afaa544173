"""Ranks food establishments by their risk of a bad inspection, with reasons in French."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.cases.restaurant_risk import documented, measuring, model as modelling, reports
from eclaireur.cases.restaurant_risk.columns import adjusted, rows_for
from eclaireur.cases.restaurant_risk.documented import identify
from eclaireur.cases.restaurant_risk.sheet import sheet
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
    "records",
    "report",
    "score",
    "sheet",
    "signals",
    "train",
]

NAME = "restaurant_risk"
_LABEL = "contrôle défavorable"


def fetch(source: str, into: Path, *, seed: int, progress: Progress) -> None:
    """Write the raw files of the generated sample."""
    from eclaireur.cases.restaurant_risk import sample

    sample.write(into, seed=seed, progress=progress)


def records(source: str, raw: Path, *, outcomes: pa.Table | None, progress: Progress) -> Records:
    """Read a source's raw files into the working tables (see `documented`)."""
    return documented.with_outcomes(_read(source, raw, progress), outcomes)


def _read(source: str, raw: Path, progress: Progress) -> dict[str, pa.Table]:
    import pyarrow.parquet as pq

    from eclaireur.cases.restaurant_risk import chicago, france, sample

    if source == "connected":
        return documented.normalise(
            {path.stem: pq.read_table(path) for path in sorted(raw.glob("*.parquet"))}
        )
    readers = {"chicago": chicago.records, "france": france.records, "sample": sample.records}
    return readers[source](raw, progress=progress)


def examples(records: Records) -> pa.Table:
    """Return every inspection with a known label, seen from its own day."""
    import pyarrow as pa
    import pyarrow.compute as pc

    inspections = records["inspections"]
    labelled = inspections.filter(pc.is_valid(inspections["label"]))
    weight = pc.divide(1.0, pc.fill_null(labelled["propensity"], 1.0))
    columns = {
        "example": labelled["inspection"],
        "subject": labelled["subject"],
        "as_of": labelled["observed"],
        "known": labelled["known"],
        "label": labelled["label"],
        "observer": labelled["observer"],
        "weight": weight,
        "origin": labelled["origin"],
    }
    table = pa.table(columns)
    return table.sort_by([("as_of", "ascending"), ("example", "ascending")])


def data_date(records: Records) -> date:
    """Return the day of the last inspection."""
    import pyarrow.compute as pc

    latest: date = pc.max(records["inspections"]["observed"]).as_py()
    return latest


def train(records: Records, examples: pa.Table, *, as_of: date, seed: int, progress: Progress) -> Fitted:
    """Fit the model on the examples known before ``as_of``."""
    return modelling.train(adjusted(records), examples, case=NAME, as_of=as_of, seed=seed, progress=progress)


def signals(
    records: Records, card: ModelCard, artefact: Artefact, *, as_of: date, progress: Progress
) -> pa.Table:
    """Score every establishment that was ever known before a date."""
    import pyarrow as pa

    tables = adjusted(records)
    subjects = _current(tables, as_of)
    days = pa.chunked_array([pa.array([as_of] * len(subjects), pa.date32())])
    rows = rows_for(tables, subjects, days)
    progress(0, 2, "Calcul des indices")
    loaded = modelling.load(artefact)
    judged = modelling.judge(loaded, rows, tables)
    progress(1, 2, "Raisons de chaque indice")
    last = _last_inspections(tables, subjects, as_of)
    told = modelling.explained(loaded, judged, last)
    progress(2, 2, "Indices calculés")
    size = len(subjects)
    columns: dict[str, Any] = {
        "record": subjects,
        "subject": subjects,
        "name": rows["name"],
        "area": rows["area"],
        "label": pa.array([_LABEL] * size),
        "score": judged.score,
        "low": pa.array(judged.low, from_pandas=True),
        "high": pa.array(judged.high, from_pandas=True),
        "calibrated": pa.array([loaded.calibrated] * size),
        "as_of": days,
        "last_seen": pa.array(last, pa.date32()),
        "latitude": rows["latitude"],
        "longitude": rows["longitude"],
        "reasons": told,
    }
    schema = signals_schema()
    return pa.table(
        [columns[field.name] if field.name in columns else pa.nulls(size, field.type) for field in schema],
        names=schema.names,
    ).cast(schema)


def _current(tables: Records, as_of: date) -> pa.ChunkedArray:
    """Return the establishments open, or already inspected, before a date."""
    import pyarrow as pa
    import pyarrow.compute as pc

    day = pa.scalar(as_of, pa.date32())
    inspections, places = tables["inspections"], tables["establishments"]
    seen = inspections.filter(pc.less(inspections["known"], day))["subject"].unique()
    known = pc.or_(
        pc.is_in(places["subject"], value_set=seen), pc.fill_null(pc.less(places["opened"], day), False)
    )
    return places.filter(known).sort_by("subject")["subject"]


def _last_inspections(tables: Records, subjects: pa.ChunkedArray, as_of: date) -> list[date | None]:
    import pyarrow as pa
    import pyarrow.compute as pc

    inspections = tables["inspections"]
    past = inspections.filter(pc.less(inspections["known"], pa.scalar(as_of, pa.date32())))
    last = past.group_by("subject").aggregate([("observed", "max")])
    found = dict(zip(last["subject"].to_pylist(), last["observed_max"].to_pylist(), strict=True))
    return [found.get(subject) for subject in subjects.to_pylist()]


def predict(examples: pa.Table, records: Records, card: ModelCard, artefact: Artefact) -> Sequence[float]:
    """Score examples, each as known at its own date."""
    tables = adjusted(records)
    rows = rows_for(tables, examples["subject"], examples["as_of"], examples["example"])
    found: list[float] = modelling.judge(modelling.load(artefact), rows, tables).score.tolist()
    return found


def score(
    table: pa.Table, records: Records, card: ModelCard, artefact: Artefact, *, progress: Progress
) -> pa.Table:
    """Score the rows of a user's file, each as of its own date, in their order.

    An establishment that the records do not hold is scored on what the file says of it.
    """
    import pyarrow as pa

    from eclaireur.cases.restaurant_risk.candidates import with_candidates

    asked, known = with_candidates(table, records)
    tables = adjusted(known)
    rows = rows_for(tables, asked["subject"], asked["date"], asked["inspection"])
    loaded = modelling.load(artefact)
    progress(1, 2, "Calcul des indices")
    judged = modelling.judge(loaded, rows, tables)
    told = modelling.explained(loaded, judged, [None] * table.num_rows)
    progress(2, 2, "Lignes classées")
    order = (-judged.score).argsort(kind="stable")
    rank = [0] * table.num_rows
    for position, index in enumerate(order.tolist(), start=1):
        rank[index] = position
    return pa.table(
        {
            "inspection": table["inspection"],
            "subject": asked["subject"],
            "as_of": table["date"],
            "score": judged.score,
            "low": pa.array(judged.low, from_pandas=True),
            "high": pa.array(judged.high, from_pandas=True),
            "calibrated": pa.array([loaded.calibrated] * table.num_rows),
            "rank": pa.array(rank, pa.int32()),
            "reasons": told,
        }
    )


def evaluate(
    source: str, records: Records, *, seed: int, engine: Executor, progress: Progress
) -> tuple[EvaluationBlock, ...]:
    """Measure on rolling origins (see `measuring`)."""
    return measuring.evaluate(source, records, examples(records), seed=seed, engine=engine, progress=progress)


REPORT_ASKS = reports.ASKS
REPORTS = reports.TITLES
"""Reports by name, with their French titles (see `service.reporting`)."""


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
    """Return a report as view blocks (see `reports`)."""
    return reports.made(
        name,
        reports.Asked(
            records=records,
            examples=examples(records),
            card=card,
            model=modelling.load(artefact),
            current=_current,
            latest=data_date(records),
            about=about,
            seed=seed,
            progress=progress,
        ),
    )

"""Ranks firms by their chance of hiring in the half-year, with reasons in French."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.cases.hiring_firms import measuring, model as modelling, reports
from eclaireur.cases.hiring_firms.features import open_rows, rows_for
from eclaireur.cases.hiring_firms.tables import activity, end_of, identify, normalise
from eclaireur.core import french
from eclaireur.core.case import Artefact, Fitted, Progress, Records
from eclaireur.core.errors import BadValueError, UnknownSubjectError
from eclaireur.core.tables import examples_schema, outcomes_schema, signals_schema
from eclaireur.core.types import Origin
from eclaireur.core.view import Block, Event, Facts, Map, Place, Timeline

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import pyarrow as pa

    from eclaireur.core.subjects import Subject
    from eclaireur.core.types import EvaluationBlock, ModelCard

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

NAME = "hiring_firms"
_LABEL = "recrute dans le semestre"


def fetch(source: str, into: Path, *, seed: int, progress: Progress) -> None:
    """Write the files of the generated sample."""
    from eclaireur.cases.hiring_firms import sample

    sample.write(into, seed=seed)


def records(source: str, raw: Path, *, outcomes: pa.Table | None, progress: Progress) -> Records:
    """Read a source into the working tables (see `tables`), and what agents answered, as ``outcomes``.

    Who asked to leave is left out.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    if source == "metz":
        from eclaireur.cases.hiring_firms import metz

        found = normalise(metz.tables(raw))
    else:
        found = normalise({path.stem: pq.read_table(path) for path in sorted(raw.glob("*.parquet"))})
    empty = pa.Table.from_pylist([], schema=outcomes_schema())
    return {**found, "outcomes": empty if outcomes is None else outcomes}


def examples(records: Records) -> pa.Table:
    """Return each half-year of each firm, seen from its first day or the day the firm opened.

    The label is 1 when the firm hired; ``count`` and ``exposure`` are what the model learns from. The first
    half-year of the data has no past and is left out. What agents answered is in `_answered`.
    """
    import pyarrow as pa

    hirings = records["hirings"]
    rows = rows_for(records["establishments"], hirings["subject"], hirings["start"])
    begun = min(hirings["start"].to_pylist(), default=None)
    found: list[dict[str, Any]] = []
    for row, opened in zip(hirings.to_pylist(), rows["opened"].to_pylist(), strict=True):
        seen = max(row["start"], opened) if opened else row["start"]
        if row["start"] == begun or seen > row["observed"]:
            continue
        found.append(
            {
                **_example(row["subject"], row["start"], seen, row["count"]),
                "known": row["known"],
                "exposure": _part(row["start"], seen, row["observed"]),
            }
        )
    found += _answered(records)
    more = [("start", pa.date32()), ("count", pa.int64()), ("exposure", pa.float64())]
    return pa.Table.from_pylist(found, schema=pa.schema([*examples_schema(), *map(_field, more)]))


def _answered(records: Records) -> list[dict[str, Any]]:
    """Return what agents learnt of half-years that are not counted yet.

    Where the half-year is counted the count stays: employers declare each hiring. A firm that hired did so
    once at least in its whole half-year, whichever day it was asked: counted on the days until then alone,
    the answer would make its rate too high. One that did not hire says so of the days until then only.
    """
    counted = {(row["subject"], row["start"]) for row in records["hirings"].to_pylist()}
    latest: dict[tuple[str, date], dict[str, Any]] = {}
    answers = records["outcomes"].to_pylist() if "outcomes" in records else []
    for row in sorted(answers, key=lambda row: (row["known"], row["outcome"])):
        day = row["observed"]
        start = date(day.year, 1 if day.month <= 6 else 7, 1)
        if (row["subject"], start) not in counted:
            latest[row["subject"], start] = row
    places = dict(
        zip(
            records["establishments"]["subject"].to_pylist(),
            records["establishments"]["opened"].to_pylist(),
            strict=True,
        )
    )
    found = []
    for (subject, start), row in latest.items():
        if subject not in places:
            continue
        seen = max(start, places[subject] or start)
        last = end_of(start) if row["label"] else row["observed"]
        if seen > last:
            continue
        found.append(
            {
                **_example(subject, start, seen, int(bool(row["label"]))),
                "known": max(row["known"], seen),
                "observer": row["observer"],
                "origin": row["origin"] or str(Origin.OUTCOME),
                "exposure": _part(start, seen, last),
            }
        )
    return found


def _example(subject: str, start: date, seen: date, count: int) -> dict[str, Any]:
    return {
        "example": f"{subject}@{start}",
        "subject": subject,
        "as_of": seen,
        "label": float(count > 0),
        "observer": None,
        "weight": 1.0,
        "origin": str(Origin.OUTCOME),
        "start": start,
        "count": count,
    }


def _part(start: date, seen: date, last: date) -> float:
    """Return the share of a half-year that two days bound."""
    return ((last - seen).days + 1) / ((end_of(start) - start).days + 1)


def _field(pair: tuple[str, pa.DataType]) -> pa.Field:
    import pyarrow as pa

    return pa.field(*pair)


def data_date(records: Records) -> date:
    """Return the last day of the last half-year known."""
    import pyarrow.compute as pc

    latest: date = pc.max(records["hirings"]["observed"]).as_py()
    return latest


def train(records: Records, examples: pa.Table, *, as_of: date, seed: int, progress: Progress) -> Fitted:
    """Fit the count model on the half-years known before ``as_of``."""
    progress(0, 1, "Apprentissage des embauches par semestre")
    return modelling.train(records, examples, case=NAME, as_of=as_of, seed=seed)


def signals(
    records: Records, card: ModelCard, artefact: Artefact, *, as_of: date, progress: Progress
) -> pa.Table:
    """Score every firm open before a date, for the half-year that begins then."""
    import pyarrow as pa

    rows = open_rows(records["establishments"], as_of)
    subjects, days = rows["subject"], rows["as_of"]
    progress(0, 2, "Embauches attendues")
    loaded = modelling.load(artefact)
    judged = modelling.judge(loaded, rows, records)
    progress(1, 2, "Raisons de chaque indice")
    told = modelling.explained(loaded, judged)
    size = len(subjects)
    for reason, mean in zip(told, judged.expected.tolist(), strict=True):
        reason.insert(0, _expected(mean))
    columns: dict[str, Any] = {
        "record": subjects,
        "subject": subjects,
        "name": rows["name"],
        "area": rows["area"],
        "label": pa.array([_LABEL] * size),
        "score": judged.score,
        "low": pa.array(judged.low, from_pandas=True),
        "high": pa.array(judged.high, from_pandas=True),
        "calibrated": pa.array([loaded.calibration.holds] * size),
        "as_of": days,
        "latitude": rows["latitude"],
        "longitude": rows["longitude"],
        "reasons": told,
    }
    schema = signals_schema()
    return pa.table(
        [columns[field.name] if field.name in columns else pa.nulls(size, field.type) for field in schema],
        names=schema.names,
    ).cast(schema)


def _expected(mean: float) -> dict[str, Any]:
    """Return the figure that a chance does not say, as a reason without weight."""
    return {
        "kind": "feature",
        "theme": "attendu",
        "sentence": f"Embauches attendues dans le semestre : {french.number(mean, 1)}.",
        "weight": 0.0,
        "observed": None,
        "source": "modèle",
        "feature": "expected",
        "value": f"{mean:.6g}",
    }


def predict(examples: pa.Table, records: Records, card: ModelCard, artefact: Artefact) -> Sequence[float]:
    """Return the chance of hiring of examples, each as known at its own date."""
    rows = rows_for(records["establishments"], examples["subject"], examples["as_of"])
    found: list[float] = modelling.judge(modelling.load(artefact), rows, records).score.tolist()
    return found


def score(
    table: pa.Table, records: Records, card: ModelCard, artefact: Artefact, *, progress: Progress
) -> pa.Table:
    """Score the firms of a file, each as of its own date; one not in the records on what the file says.

    Raises
    ------
    BadValueError
        If a firm of the file asked to leave.
    """
    import pyarrow as pa

    names = [str(identify(text)) for text in table["subject"].to_pylist()]
    gone = set(names) & set(records["withdrawn"]["subject"].to_pylist())
    if gone:
        raise BadValueError(
            f"l'entreprise « {min(gone).partition(':')[2]} » a demandé à ne plus figurer.",
            column="subject",
            fix="Retirez-la du fichier.",
        )
    rows = rows_for(records["establishments"], pa.chunked_array([names], pa.string()), table["date"])
    rows = _completed(rows, table)
    loaded = modelling.load(artefact)
    judged = modelling.judge(loaded, rows, records)
    rank = [0] * table.num_rows
    for position, index in enumerate((-judged.score).argsort(kind="stable").tolist(), start=1):
        rank[index] = position
    return pa.table(
        {
            "subject": rows["subject"],
            "as_of": table["date"],
            "score": judged.score,
            "low": pa.array(judged.low, from_pandas=True),
            "high": pa.array(judged.high, from_pandas=True),
            "calibrated": pa.array([loaded.calibration.holds] * table.num_rows),
            "expected": judged.expected,
            "rank": pa.array(rank, pa.int32()),
            "reasons": modelling.explained(loaded, judged),
        }
    )


def _completed(rows: pa.Table, table: pa.Table) -> pa.Table:
    """Fill what the records do not know of a firm with what the file says of it."""
    import pyarrow as pa
    import pyarrow.compute as pc

    code = pa.array([activity(one) or None for one in table["naf"].to_pylist()], pa.string())
    said = {
        "naf": code,
        "division": pc.utf8_slice_codeunits(code, 0, 2),
        "band": table["band"],
        "area": table["area"],
    }
    for name, values in said.items():
        rows = rows.set_column(rows.schema.get_field_index(name), name, pc.coalesce(rows[name], values))
    return rows


def sheet(subject: Subject, records: Records) -> tuple[Block, ...]:
    """Return who a firm is, what it hired, and where it stands.

    Raises
    ------
    UnknownSubjectError
        If the records hold no such firm; the same is said of one that asked to leave.
    """
    import pyarrow.compute as pc

    places, hirings = records["establishments"], records["hirings"]
    rows = places.filter(pc.equal(places["subject"], str(subject))).to_pylist()
    if not rows:
        raise UnknownSubjectError(f"entreprise inconnue : « {subject.key} ».", fix="Vérifiez son SIRET.")
    row = rows[0]
    facts = Facts(
        title="Entreprise",
        pairs=(
            ("Nom", row["name"]),
            ("Activité (NAF)", row["naf"]),
            ("Tranche d'effectif", row["band"] or "inconnue"),
            ("Commune", row["commune_name"] or row["commune"]),
            *((("Créée le", french.day(row["opened"])),) if row["opened"] else ()),
        ),
    )
    past = hirings.filter(pc.equal(hirings["subject"], str(subject))).sort_by("observed").to_pylist()
    events = tuple(
        Event(
            day=one["observed"],
            lane="Embauches du semestre",
            text=french.count(one["count"], "embauche", "embauches"),
        )
        for one in past
    )
    history = Timeline(title="Historique", events=events)
    if row["latitude"] is None or row["longitude"] is None:
        return (facts, history)
    place = Place(label=row["name"], latitude=row["latitude"], longitude=row["longitude"])
    return (facts, history, Map(title="Sur la carte", places=(place,)))


REPORTS = reports.TITLES
"""Reports by name, with their French titles (see `service.reporting`)."""

REPORT_ASKS = reports.ASKS
"""What each of them asks for."""


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
    return reports.made(name, records, modelling.load(artefact), about=about, seed=seed)


def evaluate(
    source: str, records: Records, *, seed: int, engine: Executor, progress: Progress
) -> tuple[EvaluationBlock, ...]:
    """Measure on held-out half-years (see `measuring`)."""
    return (measuring.evaluate(source, records, examples(records), seed=seed, progress=progress),)

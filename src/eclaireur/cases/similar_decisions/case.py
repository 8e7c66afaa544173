"""Groups serial decisions, finds the closest ones, and routes a new application to its series."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.cases.similar_decisions import (
    measuring,
    model as modelling,
    proposing,
    reading,
    series,
)
from eclaireur.cases.similar_decisions.sheet import sheet
from eclaireur.core import french
from eclaireur.core.case import Artefact, Fitted, Progress, Records
from eclaireur.core.errors import BadValueError
from eclaireur.core.subjects import Subject
from eclaireur.core.tables import examples_schema, outcomes_schema, signals_schema
from eclaireur.core.types import Origin

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import pyarrow as pa

    from eclaireur.core.types import EvaluationBlock, ModelCard

__all__ = [
    "NAME",
    "data_date",
    "evaluate",
    "examples",
    "fetch",
    "identify",
    "labels",
    "predict",
    "proposals",
    "read_candidates",
    "records",
    "score",
    "sheet",
    "signals",
    "train",
]

NAME = "similar_decisions"
_LABEL = "appartient à une série"
_KEY = re.compile(r"(?P<numero>\S.*?)\s+(?:du\s+)?(?P<day>\d{4}-\d{2}-\d{2}|\d{2}/\d{2}/\d{4})")


def fetch(source: str, into: Path, *, seed: int, progress: Progress) -> None:
    """Write the raw files of the generated sample, in the form in which the court publishes."""
    from eclaireur.cases.similar_decisions import sample

    sample.write(into, seed=seed, progress=progress)


def records(source: str, raw: Path, *, outcomes: pa.Table | None, progress: Progress) -> Records:
    """Read decisions, and find the pairs that make series.

    Returns
    -------
    Records
        ``decisions`` (see `reading.schema`), ``pairs`` (see `series.pairs_table`) and ``outcomes``.
    """
    import pyarrow as pa

    decisions = reading.table(_rows(raw, progress))
    progress(0, 0, "Recherche des séries")
    empty = pa.Table.from_pylist([], schema=outcomes_schema())
    return {
        "decisions": decisions,
        "pairs": series.pairs_table(decisions),
        "outcomes": outcomes if outcomes is not None else empty,
    }


def _rows(raw: Path, progress: Progress) -> list[dict[str, Any]]:
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = []
    paths = sorted(path for path in raw.iterdir() if path.is_file())
    for done, path in enumerate(paths):
        if path.suffix == ".parquet":
            if path.stem == "decisions":
                rows += pq.read_table(path).to_pylist()
        elif path.suffix in reading.DOCUMENTS:
            rows.append(reading.decision_rows(path))
        else:
            rows += reading.from_lines(path)
        if done % 100 == 0:
            progress(done, len(paths), "Lecture des décisions")
    return rows


def read_candidates(path: Path) -> pa.Table | None:
    """Read a file of one decision to score; None when it is not of that form."""
    import pyarrow as pa

    if path.suffix.lower() not in reading.DOCUMENTS:
        return None
    return pa.Table.from_pylist([reading.decision_rows(path)], schema=reading.candidates_schema())


def identify(text: str) -> Subject:
    """Return the decision that a user names: ``405548 2021-11-24``, or with « du » and a French date.

    Raises
    ------
    BadValueError
        If the number or the date is missing.
    """
    plain = text.strip().removeprefix("document:")
    found = _KEY.fullmatch(plain)
    if found is None:
        raise BadValueError(
            f"décision inconnue : « {text} ».",
            fix="Donnez son numéro et sa date, par exemple « 405548 2021-11-24 ».",
        )
    day = found["day"]
    if "/" in day:
        day = "-".join(reversed(day.split("/")))
    return Subject("document", f"{found['numero']} {day}")


def examples(records: Records) -> pa.Table:
    """Return one example a decision: whether it was, on the evening of its day, in a series.

    What an agent answered since replaces what the texts say.
    """
    import pyarrow as pa

    decisions = records["decisions"]
    paired: dict[str, date] = {}
    for row in records["pairs"].select(["left", "right", "known"]).to_pylist():
        for name in (row["left"], row["right"]):
            paired[name] = min(paired.get(name, row["known"]), row["known"])
    rows = []
    for row in decisions.select(["subject", "observed"]).to_pylist():
        day = row["observed"]
        rows.append(_example(row["subject"], day, day, float(paired.get(row["subject"], date.max) <= day)))
    known = set(decisions["subject"].to_pylist())
    for row in records["outcomes"].to_pylist():
        subject, label = proposing.answered(row)
        if subject in known:
            one = _example(subject, row["observed"], row["known"], label)
            one |= {"observer": row["observer"], "origin": row["origin"] or str(Origin.OUTCOME)}
            one["weight"] = 1.0 / (row["propensity"] or 1.0)
            rows.append(one)
    latest = {row["subject"]: row for row in sorted(rows, key=lambda row: row["known"])}
    ordered = sorted(latest.values(), key=lambda row: (row["as_of"], row["example"]))
    return pa.Table.from_pylist(ordered, schema=examples_schema())


def _example(subject: str, day: date, known: date, label: float) -> dict[str, Any]:
    return {
        "example": f"{subject}@{day}",
        "subject": subject,
        "as_of": day,
        "known": max(known, day),
        "label": label,
        "observer": None,
        "weight": 1.0,
        "origin": str(Origin.OUTCOME),
    }


def data_date(records: Records) -> date:
    """Return the day of the last decision."""
    import pyarrow.compute as pc

    latest: date = pc.max(records["decisions"]["observed"]).as_py()
    return latest


def train(records: Records, examples: pa.Table, *, as_of: date, seed: int, progress: Progress) -> Fitted:
    """Fit the routing on the examples known before ``as_of``."""
    progress(0, 1, "Comparaison des décisions")
    return modelling.train(records["decisions"], examples, case=NAME, as_of=as_of)


def signals(
    records: Records, card: ModelCard, artefact: Artefact, *, as_of: date, progress: Progress
) -> pa.Table:
    """Score every decision known before a date, against the others known by then."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    decisions = records["decisions"]
    current = decisions.filter(pc.less(decisions["known"], pa.scalar(as_of, pa.date32())))
    size = current.num_rows
    progress(0, 2, "Comparaison des décisions")
    judged = modelling.judge(current, np.arange(size), [as_of] * size)
    route = modelling.load(artefact)
    progress(1, 2, "Raisons")
    days = current["observed"].to_pylist()
    columns: dict[str, Any] = {
        "record": current["subject"],
        "subject": current["subject"],
        "name": pa.array(
            [
                f"n° {number} du {french.day(day)}"
                for number, day in zip(current["numero"].to_pylist(), days, strict=True)
            ]
        ),
        "area": pc.fill_null(current["type_recours"], "type inconnu"),
        "label": pa.array([_LABEL] * size),
        "score": route.chances(judged.features),
        "calibrated": pa.array([True] * size),
        "as_of": pa.array([as_of] * size, pa.date32()),
        "reasons": pa.array(
            modelling.reasons(current, judged, route), signals_schema().field("reasons").type
        ),
    }
    schema = signals_schema()
    return pa.table(
        [columns[one.name] if one.name in columns else pa.nulls(size, one.type) for one in schema],
        names=schema.names,
    ).cast(schema)


def predict(examples: pa.Table, records: Records, card: ModelCard, artefact: Artefact) -> Sequence[float]:
    """Score examples, each against what was known at its own date."""
    return measuring.chances(records["decisions"], examples, modelling.load(artefact))


def score(
    table: pa.Table, records: Records, card: ModelCard, artefact: Artefact, *, progress: Progress
) -> pa.Table:
    """Route each decision or application of a file, in its order.

    A row is compared with the records and with the other rows of the file: a series may arrive whole.
    """
    import numpy as np
    import pyarrow as pa

    asked = reading.table_as_is(table.to_pylist())
    known = records["decisions"].select(asked.column_names)
    union = pa.concat_tables([asked, known])
    size = asked.num_rows
    positions = np.arange(size)
    progress(0, 2, "Recherche des séries")
    everything, own = reading.distinct(union)
    last = max(everything["known"].to_pylist()) + timedelta(days=1)
    pairs = series.pairs_table(everything)
    names = series.named(everything, series.groups_until(everything, pairs, last))
    progress(1, 2, "Comparaison des décisions")
    judged = modelling.judge(union, positions, asked["observed"].to_pylist())
    route = modelling.load(artefact)
    chances = route.chances(judged.features)
    rank = np.empty(size, np.int32)
    rank[np.argsort(-chances, kind="stable")] = np.arange(1, size + 1)
    numbers = union["numero"].to_pylist()
    closest = judged.near.position[:, 0].tolist()
    return pa.table(
        {
            "numero": asked["numero"],
            "subject": asked["subject"],
            "as_of": asked["observed"],
            "series": pa.array([names[own[at]] for at in range(size)], pa.string()),
            "similar": pa.array(_similar(asked, pairs), pa.string()),
            "nearest": pa.array([numbers[at] if at >= 0 else None for at in closest], pa.string()),
            "nearest_jaccard": judged.near.jaccard[:, 0],
            "score": chances,
            "calibrated": pa.array([True] * size),
            "rank": rank,
            "reasons": pa.array(
                modelling.reasons(union, judged, route), signals_schema().field("reasons").type
            ),
        }
    )


def _similar(asked: pa.Table, pairs: pa.Table) -> list[str | None]:
    """Return, for each row, the numbers of the decisions whose whole text is nearly the same."""
    others: dict[str, list[str]] = {}
    for row in pairs.to_pylist():
        others.setdefault(row["left"], []).append(row["right"])
        others.setdefault(row["right"], []).append(row["left"])
    plain = {name: " ".join(sorted(_number(one) for one in found)) for name, found in others.items()}
    return [plain.get(subject) for subject in asked["subject"].to_pylist()]


def _number(subject: str) -> str:
    return subject.removeprefix("document:").rpartition(" ")[0]


def proposals(records: Records, card: ModelCard, artefact: Artefact) -> pa.Table:
    """Propose for every decision whether it is in a series, for an agent to confirm (see `proposing`)."""
    return proposing.proposals(records["decisions"], modelling.load(artefact))


def labels(card: ModelCard, artefact: Artefact) -> dict[str, str]:
    """Return the two answers: code → what is shown."""
    return dict(proposing.LABELS)


def evaluate(
    source: str, records: Records, *, seed: int, engine: Executor, progress: Progress
) -> tuple[EvaluationBlock, ...]:
    """Measure series against the complete comparison, and routing on later decisions (see `measuring`)."""
    return measuring.evaluate(source, records, examples(records), seed=seed, progress=progress)

"""Proposes the topics of sentences of inspection letters, says why, and abstains when unsure."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic.labelling import Labeller
from eclaireur.cases.inspection_letters import letter_sheet, measuring, reading, reports
from eclaireur.cases.inspection_letters.answered import taught
from eclaireur.cases.inspection_letters.letter_sheet import letter_blocks
from eclaireur.core import french
from eclaireur.core.case import Artefact, Fitted, Progress, Records
from eclaireur.core.errors import UnknownSubjectError
from eclaireur.core.subjects import Subject
from eclaireur.core.tables import examples_schema, outcomes_schema, signals_schema
from eclaireur.core.types import ModelCard
from eclaireur.core.view import Block, Facts

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import pyarrow as pa

    from eclaireur.core.types import EvaluationBlock

__all__ = [
    "NAME",
    "REPORTS",
    "REPORT_ASKS",
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
    "report",
    "score",
    "sheet",
    "signals",
    "train",
]

NAME = "inspection_letters"
_UNDATED = "2020-12-10"


def fetch(source: str, into: Path, *, seed: int, progress: Progress) -> None:
    """Write the raw file of the generated sample."""
    from eclaireur.cases.inspection_letters import sample

    sample.write(into, seed=seed)


def records(source: str, raw: Path, *, outcomes: pa.Table | None, progress: Progress) -> Records:
    """Read ``sentences`` (text, labels, ``other``: another model's, dates), ``letters`` and ``places``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = []
    whole: list[dict[str, Any]] = []
    named: list[dict[str, Any]] = []
    beside = {"letters": whole, "places": named}
    for path in sorted(raw.iterdir()):
        into = beside.get(path.name.partition(".")[0], rows)
        if path.suffix == ".parquet":
            into += pq.read_table(path).to_pylist()
            continue
        with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
            into += [json.loads(line) for line in stream if line.strip()]
    names = ("subject", "sentence", "labels", "other", "observed", "known")
    kinds = (pa.string(), pa.string(), pa.list_(pa.string()), pa.list_(pa.string()), pa.date32(), pa.date32())
    found = [_row(number, row) for number, row in enumerate(rows, start=1)]
    return {
        "sentences": pa.Table.from_pylist(found, schema=pa.schema(zip(names, kinds, strict=True))),
        "letters": reading.table(whole),
        "outcomes": pa.Table.from_pylist([], schema=outcomes_schema()) if outcomes is None else outcomes,
        "places": reading.place_table(named),
    }


def read_candidates(path: Path) -> pa.Table | None:
    """Read a letter to score as its sentences; None when the file is no document."""
    return reading.candidates(path)


def _row(number: int, row: dict[str, Any]) -> dict[str, Any]:
    labels = row.get("labels") or []
    day = date.fromisoformat(str(row.get("date") or _UNDATED))
    return {
        "subject": f"document:phrase-{number:06d}",
        "sentence": str(row["sentence"]).strip(),
        "labels": labels.split() if isinstance(labels, str) else [str(one) for one in labels],
        "other": [str(one) for one in row.get("asn_bert_predictions") or []],
        "observed": day,
        "known": day,
    }


def identify(text: str) -> Subject:
    """Return the sentence that a user names by its number: ``phrase-000012`` or ``12``."""
    plain = text.strip().removeprefix("document:").removeprefix("phrase-")
    return Subject("document", f"phrase-{int(plain):06d}" if plain.isdecimal() else plain)


def examples(records: Records) -> pa.Table:
    """Return one example a sentence: whether it has a topic; the topics themselves are in the records.

    What an agent answered since replaces what was published (see `answered`).
    """
    import pyarrow as pa

    rows = [
        {
            "example": row["subject"],
            "subject": row["subject"],
            "as_of": row["observed"],
            "known": row["known"],
            "label": float(row["topic"]),
            "observer": row["observer"],
            "weight": 1.0,
            "origin": row["origin"],
        }
        for row in taught(records).values()
    ]
    return pa.Table.from_pylist(rows, schema=examples_schema())


def data_date(records: Records) -> date:
    """Return the day of the last letter."""
    import pyarrow.compute as pc

    latest: date = pc.max(records["sentences"]["observed"]).as_py()
    return latest


def train(records: Records, examples: pa.Table, *, as_of: date, seed: int, progress: Progress) -> Fitted:
    """Fit the labels on the sentences known before ``as_of``, with what agents answered by then."""
    known = {row["subject"] for row in examples.to_pylist() if row["known"] < as_of}
    rows = [row for name, row in taught(records).items() if name in known and row["taught"]]
    progress(0, 1, "Apprentissage des sujets")
    texts, labels = [row["sentence"] for row in rows], [row["labels"] for row in rows]
    model = Labeller.fit(
        texts, labels, groups=measuring.groups(texts), seed=seed, hints=[row["other"] for row in rows]
    )
    seen = [(row["subject"], row["sentence"], row["labels"], row["other"]) for row in rows]
    card = ModelCard(
        case=NAME,
        number=0,
        kind="ridge regression on stems and letters, then gradient boosting",
        created=datetime.now(UTC),
        run="",
        source="",
        examples_sha256=hashlib.sha256(repr(seen).encode()).hexdigest(),
        examples=len(rows),
        positives=sum(bool(row["labels"]) for row in rows),
        as_of=as_of,
        features=("stems", "letters", "other topics"),
        thresholds={"keep": model.keep, "cut": model.cut},
    )
    return Fitted(card=card, artefacts=model.dump())


def signals(
    records: Records, card: ModelCard, artefact: Artefact, *, as_of: date, progress: Progress
) -> pa.Table:
    """Propose a first topic for every sentence known before a date."""
    import pyarrow as pa

    rows = [row for row in records["sentences"].to_pylist() if row["known"] < as_of]
    told = _told(Labeller.read(artefact), [row["sentence"] for row in rows])
    made = [
        {
            "record": row["subject"],
            "subject": row["subject"],
            "name": row["sentence"][:120],
            "area": "",
            "as_of": as_of,
            "calibrated": True,
            **{key: one[key] for key in ("label", "score", "reasons")},
        }
        for row, one in zip(rows, told, strict=True)
    ]
    return pa.Table.from_pylist(made, schema=signals_schema())


def _told(model: Labeller, texts: Sequence[str]) -> list[dict[str, Any]]:
    import numpy as np

    scores = model.scored(texts)
    given = model.given(scores)
    best, chances, kept = model.sure(scores)
    why = model.why_each(texts, best.tolist(), count=3)
    found = []
    for at, told in enumerate(why):
        first = int(best[at])
        found.append(
            {
                "label": f"sujet {model.names[first]}" if kept[at] else "incertain",
                "first": model.names[first],
                "labels": " ".join(model.names[label] for label in np.flatnonzero(given[at])),
                "score": float(chances[at]),
                "kept": bool(kept[at]),
                "reasons": _reasons(model.names[first], told),
            }
        )
    return found


def _reasons(name: str, why: Sequence[tuple[str, float]]) -> list[dict[str, Any]]:
    said = [
        (term, weight, f"Le mot « {term} » {'annonce' if weight > 0 else 'éloigne'} le sujet {name}.")
        for term, weight in why
    ]
    said = said or [("", 0.0, "Aucun mot de cette phrase n'est connu du modèle.")]
    return [
        {
            "kind": "span",
            "theme": "mots de la phrase",
            "sentence": sentence,
            "weight": weight,
            "observed": None,
            "source": "phrase",
            "feature": term,
            "value": term,
        }
        for term, weight, sentence in said
    ]


def predict(examples: pa.Table, records: Records, card: ModelCard, artefact: Artefact) -> Sequence[float]:
    """Return, for each example, the chance that its first topic is right."""
    text = {name: row["sentence"] for name, row in taught(records).items()}
    model = Labeller.read(artefact)
    scores = model.scored([text[subject] for subject in examples["subject"].to_pylist()])
    found: list[float] = model.sure(scores)[1].tolist()
    return found


def score(
    table: pa.Table, records: Records, card: ModelCard, artefact: Artefact, *, progress: Progress
) -> pa.Table:
    """Label the sentences of a file, in their order."""
    import pyarrow as pa

    sentences = table["sentence"].to_pylist()
    told = _told(Labeller.read(artefact), sentences)
    order = sorted(range(len(told)), key=lambda at: -told[at]["score"])
    rank = {at: place for place, at in enumerate(order, start=1)}
    return pa.table(
        {
            "sentence": table["sentence"],
            "labels": [one["labels"] for one in told],
            "first": [one["first"] for one in told],
            "kept": [one["kept"] for one in told],
            "score": [one["score"] for one in told],
            "calibrated": [True] * len(told),
            "rank": pa.array([rank[at] for at in range(len(told))], pa.int32()),
            "reasons": pa.array([one["reasons"] for one in told], signals_schema().field("reasons").type),
        }
    )


def sheet(subject: Subject, records: Records) -> tuple[Block, ...]:
    """Return a letter, or a sentence with its date and the topics that were given to it.

    Raises
    ------
    UnknownSubjectError
        If the records hold no such letter or sentence.
    """
    for row in records["letters"].to_pylist():
        if row["number"] == subject.key:
            return letter_blocks(row, places=reading.places(records))
    for row in records["sentences"].to_pylist():
        if row["subject"] == str(subject):
            topics = ", ".join(row["labels"]) or "aucun"
            pairs = (
                ("Phrase", row["sentence"]),
                ("Lettre du", french.day(row["observed"])),
                ("Sujets", topics),
            )
            return (Facts(title=subject.key, pairs=pairs),)
    raise UnknownSubjectError(f"phrase inconnue : « {subject.key} ».", fix="Vérifiez son numéro.")


def proposals(records: Records, card: ModelCard, artefact: Artefact) -> pa.Table:
    """Propose topics for every sentence of every letter (`core.tables.proposals_schema`)."""
    return letter_sheet.proposals(records, Labeller.read(artefact))


def labels(card: ModelCard, artefact: Artefact) -> dict[str, str]:
    """Return the topics: code → what is shown, its most telling words, since no name was ever published."""
    model = Labeller.read(artefact)
    return {name: f"{name} ({', '.join(model.telling(at, count=3))})" for at, name in enumerate(model.names)}


REPORTS = reports.TITLES
"""Reports by name, with their French titles (see `service.reporting`)."""


REPORT_ASKS = reports.ASKS
"""What a report cannot do without (see `service.reporting`)."""


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
        name, records, Labeller.read(artefact), about=about, table=table, seed=seed, progress=progress
    )


def evaluate(
    source: str, records: Records, *, seed: int, engine: Executor, progress: Progress
) -> tuple[EvaluationBlock, ...]:
    """Measure on five folds by text (see `measuring`)."""
    return (measuring.evaluate(source, records["sentences"].to_pylist(), seed=seed, progress=progress),)

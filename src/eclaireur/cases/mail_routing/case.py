"""Says which service a message should go to, why, and leaves it to a person when unsure."""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.intake.duplicates import alike, campaigns
from eclaireur.cases.mail_routing import measuring, reading, reports, routing, sheets, trials
from eclaireur.cases.mail_routing.router import Router
from eclaireur.core.case import Artefact, Fitted, Progress, Records
from eclaireur.core.errors import BadValueError
from eclaireur.core.intake import Handling, Message, messages_schema
from eclaireur.core.subjects import Subject
from eclaireur.core.tables import examples_schema, outcomes_schema, signals_schema
from eclaireur.core.types import ModelCard, Origin
from eclaireur.core.view import Block

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import pyarrow as pa

    from eclaireur.core.types import EvaluationBlock

__all__ = [
    "NAME",
    "REPORTS",
    "REPORT_ASKS",
    "corrections",
    "data_date",
    "evaluate",
    "examples",
    "fetch",
    "handle",
    "identify",
    "messages",
    "predict",
    "read_candidates",
    "read_report_input",
    "records",
    "report",
    "score",
    "sheet",
    "signals",
    "train",
    "try_rules",
]

NAME = "mail_routing"
_ALIKE = ("id", "near", "same", "senders", "campaign")


def fetch(source: str, into: Path, *, seed: int, progress: Progress) -> None:
    """Write the raw files of the generated sample."""
    from eclaireur.cases.mail_routing import sample

    sample.write(into, seed=seed)


def records(source: str, raw: Path, *, outcomes: pa.Table | None, progress: Progress) -> Records:
    """Read messages, wherever they come from.

    Returns
    -------
    Records
        ``messages`` (see `reading.schema`), ``alike`` (copies and campaigns), ``rules`` and ``outcomes``.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows: list[dict[str, Any]] = []
    rules: list[str] = []
    sorted_as: dict[str, tuple[str, str]] = {}
    paths = sorted(path for path in raw.iterdir() if path.is_file())
    for done, path in enumerate(paths):
        progress(done, len(paths), "Lecture des messages")
        if path.suffix.lower() in reading.MAILS:
            rows += reading.mail_rows(path)
        elif path.name == "rules.parquet":
            rules += [str(one) for one in pq.read_table(path)["rule"].to_pylist()]
        elif path.suffix == ".parquet":
            rows += [{**row, "received": row.get("date")} for row in pq.read_table(path).to_pylist()]
        elif path.suffix == ".csv":
            sorted_as |= _sorted(path)
        else:
            rows += sheets.rows(path)
    whole = [reading.row_of(row) for row in rows]
    for row in whole:
        if row["id"] in sorted_as:
            row["service"], row["theme"] = sorted_as[row["id"]]
    table = reading.table(whole)
    empty = pa.Table.from_pylist([], schema=outcomes_schema())
    return {
        "messages": table,
        "alike": _alike(table),
        "rules": pa.table({"rule": pa.array(rules, pa.string())}),
        "outcomes": outcomes if outcomes is not None else empty,
    }


def _sorted(path: Path) -> dict[str, tuple[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return {row["id"]: (row["service"], row["theme"]) for row in csv.DictReader(stream, delimiter=";")}


def _alike(table: pa.Table) -> pa.Table:
    """Return, for each message, how many are nearly or exactly the same, and whether it is of a campaign."""
    import pyarrow as pa

    found = alike(table["text"].to_pylist())
    senders = table["sender"].to_pylist()
    near: dict[int, list[int]] = {}
    for at, first in enumerate(found.near):
        near.setdefault(first, []).append(at)
    same: dict[int, int] = {}
    for first in found.same:
        same[first] = same.get(first, 0) + 1
    members = {at for one in campaigns(found, senders, table["observed"].to_pylist()) for at in one.members}
    rows = [
        {
            "id": name,
            "near": len(near[found.near[at]]),
            "same": same[found.same[at]],
            "senders": len({senders[one].lower() for one in near[found.near[at]]}),
            "campaign": at in members,
            "known": day,
        }
        for at, (name, day) in enumerate(
            zip(table["id"].to_pylist(), table["known"].to_pylist(), strict=True)
        )
    ]
    kinds = (pa.string(), pa.int32(), pa.int32(), pa.int32(), pa.bool_())
    schema = pa.schema([*zip(_ALIKE, kinds, strict=True), ("known", pa.date32())])
    return pa.Table.from_pylist(rows, schema=schema)


def messages(records: Records) -> pa.Table:
    """Return the messages as the desk shows them (`core.intake.messages_schema`), oldest first."""
    table = records["messages"]
    named = table.drop_columns(["subject"]).rename_columns({"heading": "subject"})
    return named.select(messages_schema().names).cast(messages_schema())


def read_candidates(path: Path) -> pa.Table | None:
    """Read a mail file to score (EML, MSG, MBOX); None when the file is a table."""
    return reading.candidates(path)


def identify(text: str) -> Subject:
    """Return the message that a user names by its identifier.

    Raises
    ------
    BadValueError
        If nothing is given.
    """
    plain = text.strip().removeprefix("document:").strip("<>")
    if not plain:
        raise BadValueError("il manque l'identifiant du message.", fix="Copiez-le depuis la liste.")
    return Subject("document", plain)


def examples(records: Records) -> pa.Table:
    """Return one example a message: whether a person found it a service.

    What an agent answered since replaces it. An outcome whose value names a service corrects the message;
    the services are in the records.
    """
    import pyarrow as pa

    table = records["messages"]
    rows = {
        row["subject"]: _example(row["subject"], row["observed"], row["known"], bool(row["service"]))
        for row in table.select(["subject", "observed", "known", "service"]).to_pylist()
    }
    for row in sorted(records["outcomes"].to_pylist(), key=lambda row: (row["known"], row["outcome"])):
        if row["subject"] in rows:
            one = _example(row["subject"], row["observed"], row["known"], bool(row["label"]))
            rows[row["subject"]] = one | {
                "observer": row["observer"],
                "origin": row["origin"] or str(Origin.OUTCOME),
            }
    return pa.Table.from_pylist(list(rows.values()), schema=examples_schema())


def _example(subject: str, seen: date, known: date, label: bool) -> dict[str, Any]:  # noqa: FBT001 - a column
    return {
        "example": subject,
        "subject": subject,
        "as_of": seen,
        "known": max(seen, known),
        "label": float(label),
        "observer": None,
        "weight": 1.0,
        "origin": str(Origin.DECISION),
    }


def data_date(records: Records) -> date:
    """Return the day of the last message."""
    import pyarrow.compute as pc

    latest: date = pc.max(records["messages"]["observed"]).as_py()
    return latest


def train(records: Records, examples: pa.Table, *, as_of: date, seed: int, progress: Progress) -> Fitted:
    """Fit the services on the messages sorted before ``as_of``, corrected by what agents answered by then."""
    known = {row["subject"] for row in examples.to_pylist() if row["known"] < as_of}
    corrected = corrections(records, as_of)
    rows = [
        {**row, "service": corrected.get(row["subject"], row["service"])}
        for row in records["messages"].to_pylist()
        if row["subject"] in known
    ]
    taught = [row for row in rows if row["service"]]
    progress(0, 1, "Apprentissage des services")
    model = Router.fit(
        [row["text"] for row in taught],
        [row["service"] for row in taught],
        groups=measuring.groups(taught),
        seed=seed,
    )
    seen = [(row["subject"], row["text"], row["service"]) for row in rows]
    card = ModelCard(
        case=NAME,
        number=0,
        kind="ridge regression on stems and letters",
        created=datetime.now(UTC),
        run="",
        source="",
        examples_sha256=hashlib.sha256(repr(seen).encode()).hexdigest(),
        examples=len(rows),
        positives=len(taught),
        as_of=as_of,
        features=("stems", "letters"),
        thresholds={"keep": model.keep},
    )
    return Fitted(card=card, artefacts=model.dump())


def corrections(records: Records, as_of: date) -> dict[str, str]:
    """Return the services that agents gave since, by message: empty when it is only known to be wrong."""
    services = {name for name in records["messages"]["service"].unique().to_pylist() if name}
    found: dict[str, str] = {}
    for row in sorted(records["outcomes"].to_pylist(), key=lambda row: (row["known"], row["outcome"])):
        if row["known"] >= as_of:
            continue
        value = str(row["value"] or "")
        if row["label"] and value in services:
            found[row["subject"]] = value
        elif not row["label"]:
            found[row["subject"]] = ""
    return found


def signals(
    records: Records, card: ModelCard, artefact: Artefact, *, as_of: date, progress: Progress
) -> pa.Table:
    """Propose a service for every message known before a date."""
    import pyarrow as pa

    table = routing.day_before(as_of, records["messages"])
    rows = table.to_pylist()
    progress(0, 1, "Tri des messages")
    told = routing.said(routing.model_of(artefact), rows, rules=routing.rules_of(records), past=table)
    made = [
        {
            "record": row["subject"],
            "subject": row["subject"],
            "name": routing.preview(row["heading"], row["body"]),
            "area": row["area"],
            "as_of": as_of,
            "last_seen": row["observed"],
            "calibrated": True,
            "label": one.label,
            "score": one.routes[0].confidence,
            "reasons": _reasons(one),
        }
        for row, one in zip(rows, told, strict=True)
    ]
    return pa.Table.from_pylist(made, schema=signals_schema())


def _reasons(one: routing.Said) -> list[dict[str, Any]]:
    return [
        {
            "kind": "span",
            "theme": reason.theme,
            "sentence": reason.sentence,
            "weight": reason.weight,
            "observed": None,
            "source": reason.source or "message",
            "feature": reason.theme,
            "value": reason.sentence,
        }
        for reason in one.reasons
    ]


def predict(examples: pa.Table, records: Records, card: ModelCard, artefact: Artefact) -> Sequence[float]:
    """Return, for each example, the chance that its first service is right."""
    table = records["messages"]
    text = dict(zip(table["subject"].to_pylist(), table["text"].to_pylist(), strict=True))
    told = routing.model_of(artefact).told([text[subject] for subject in examples["subject"].to_pylist()])
    found: list[float] = told.chances[:, 0].tolist()
    return found


def score(
    table: pa.Table, records: Records, card: ModelCard, artefact: Artefact, *, progress: Progress
) -> pa.Table:
    """Route the messages of a file, in their order: none is left out, whatever its state."""
    import pyarrow as pa

    given = table.to_pylist()
    rows = [reading.row_of({**row, "received": row.get("received") or row.get("date")}) for row in given]
    progress(0, 1, "Tri des messages")
    told = routing.said(
        routing.model_of(artefact), rows, rules=routing.rules_of(records), past=records["messages"]
    )
    scores = [one.routes[0].confidence for one in told]
    order = sorted(range(len(told)), key=lambda at: -scores[at])
    rank = {at: place for place, at in enumerate(order, start=1)}
    return pa.table(
        {
            "id": pa.array([row["id"] for row in rows], pa.string()),
            "preview": pa.array([routing.preview(row["heading"], row["body"]) for row in rows], pa.string()),
            "service": pa.array([one.routes[0].name if one.kept else None for one in told], pa.string()),
            "first": pa.array([one.routes[0].name for one in told], pa.string()),
            "second": pa.array([one.routes[1].name if one.routes[1:] else None for one in told], pa.string()),
            "routed": pa.array([one.kept for one in told], pa.bool_()),
            "why_not": pa.array([row["state"] or one.why for row, one in zip(rows, told, strict=True)]),
            "language": pa.array([one.language for one in told], pa.string()),
            "score": pa.array(scores, pa.float64()),
            "calibrated": pa.array([True] * len(told), pa.bool_()),
            "rank": pa.array([rank[at] for at in range(len(told))], pa.int32()),
            "reasons": pa.array([_reasons(one) for one in told], signals_schema().field("reasons").type),
        }
    )


def sheet(subject: Subject, records: Records) -> tuple[Block, ...]:
    """Return a message with its parts, personal data masked, and what resembles it (see `sheets`)."""
    return sheets.sheet(subject, records)


def handle(message: Message, records: Records, card: ModelCard, artefact: Artefact) -> Handling:
    """Say all that is known of one message, before a person decides."""
    return routing.handle(message, records, artefact)


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
    model = routing.model_of(artefact)
    return reports.made(name, records, model, about=about, table=table, seed=seed, progress=progress)


def read_report_input(path: Path) -> pa.Table | None:
    """Read a file of rules; None when it is a table."""
    return trials.read_rules(path)


def try_rules(text: str, table: pa.Table) -> tuple[Block, ...]:
    """Say what rules would have done with past messages, before they act (see `trials`)."""
    return trials.try_rules(text, table)


def evaluate(
    source: str, records: Records, *, seed: int, engine: Executor, progress: Progress
) -> tuple[EvaluationBlock, ...]:
    """Measure on later messages, or on groups kept whole (see `measuring`)."""
    return measuring.evaluate(source, records["messages"].to_pylist(), seed=seed, progress=progress)

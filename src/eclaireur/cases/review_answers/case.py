"""Reads published experiences of public services, and drafts an answer made of its sources."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.cases.review_answers import handling, measuring, reading, reports
from eclaireur.cases.review_answers.drafting import text_of_answer
from eclaireur.cases.review_answers.handling import messages
from eclaireur.cases.review_answers.model import UNFAVOURABLE, Model
from eclaireur.cases.review_answers.reading import DIMENSIONS, text_of
from eclaireur.cases.review_answers.understanding import Understood, understand
from eclaireur.core import french
from eclaireur.core.case import Artefact, Fitted, Progress, Records
from eclaireur.core.errors import BadValueError, EmptyTableError, MissingColumnError, UnknownSubjectError
from eclaireur.core.intake import Handling, Message
from eclaireur.core.subjects import Subject
from eclaireur.core.tables import examples_schema, reason_type, signals_schema
from eclaireur.core.types import ModelCard, Origin
from eclaireur.core.view import Block, Citation, Citations, Facts, SpanText

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
    "handle",
    "identify",
    "messages",
    "predict",
    "records",
    "report",
    "score",
    "sheet",
    "signals",
    "train",
]

NAME = "review_answers"
_LABEL = "expérience défavorable"


def fetch(source: str, into: Path, *, seed: int, progress: Progress) -> None:
    """Write the raw files of the generated sample."""
    from eclaireur.cases.review_answers import sample

    sample.write(into, seed=seed)


def records(source: str, raw: Path, *, outcomes: pa.Table | None, progress: Progress) -> Records:
    """Read ``experiences``, ``sheets``, ``answers`` and the forms of ``tone`` (see `reading.schema`)."""
    progress(0, 1, "Lecture des expériences et des fiches")
    return reading.tables(raw)


def identify(text: str) -> Subject:
    """Return the experience that a user names by its number.

    Raises
    ------
    BadValueError
        If nothing is named.
    """
    plain = text.strip().removeprefix("document:")
    if not plain:
        raise BadValueError("aucune expérience nommée.", fix="Donnez son numéro, par exemple 100012.")
    return Subject("document", plain)


def examples(records: Records) -> pa.Table:
    """Return one example a rated experience: whether its author rated it unfavourably."""
    import pyarrow as pa

    rows = [
        {
            "example": row["subject"],
            "subject": row["subject"],
            "as_of": row["observed"],
            "known": row["known"],
            "label": float(row["rating"] == UNFAVOURABLE),
            "observer": None,
            "weight": 1.0,
            "origin": str(Origin.OUTCOME),
        }
        for row in records["experiences"].to_pylist()
        if row["rating"]
    ]
    return pa.Table.from_pylist(rows, schema=examples_schema())


def data_date(records: Records) -> date:
    """Return the day of the last experience."""
    import pyarrow.compute as pc

    latest: date | None = pc.max(records["experiences"]["observed"]).as_py()
    if latest is None:
        raise EmptyTableError("aucune expérience.", fix="Donnez au moins un fichier d'expériences.")
    return latest


def train(records: Records, examples: pa.Table, *, as_of: date, seed: int, progress: Progress) -> Fitted:
    """Fit the ratings and dimensions on the experiences known before ``as_of``."""
    known = {row["subject"] for row in examples.to_pylist() if row["known"] < as_of}
    rows = [row for row in records["experiences"].to_pylist() if row["subject"] in known and row["rating"]]
    progress(0, 1, "Apprentissage des ressentis")
    return Model.fit(rows, seed=seed).fitted(rows, case=NAME, as_of=as_of)


def signals(
    records: Records, card: ModelCard, artefact: Artefact, *, as_of: date, progress: Progress
) -> pa.Table:
    """Say of every experience known before a date how likely its author is to be unsatisfied, and why."""
    import pyarrow as pa

    rows = [row for row in records["experiences"].to_pylist() if row["known"] < as_of]
    progress(0, 1, "Lecture des expériences")
    told = understand([text_of(row) for row in rows], Model.read(artefact))
    made = [
        {
            "record": row["subject"],
            "subject": row["subject"],
            "name": _name(row, one),
            "area": row["area"],
            "label": _LABEL,
            "score": one.chances[0],
            "calibrated": True,
            "as_of": as_of,
            "reasons": _reasons(one),
        }
        for row, one in zip(rows, told, strict=True)
    ]
    return pa.Table.from_pylist(made, schema=signals_schema())


def _name(row: dict[str, Any], said: Understood) -> str:
    """Return the title without personal data, and the number: many titles are the same."""
    title = said.quote(0, len(row["title"])) if row["title"] and said.text.startswith(row["title"]) else ""
    return f"{title[:90] or 'Expérience'} (n° {Subject.parse(row['subject']).key})"


def _reasons(said: Understood) -> list[dict[str, Any]]:
    return [
        {
            "kind": "span",
            "theme": one.theme,
            "sentence": one.sentence,
            "weight": one.weight,
            "observed": None,
            "source": one.source,
            "feature": one.theme,
            "value": "",
        }
        for one in handling.reasons_of(said)
    ]


def predict(examples: pa.Table, records: Records, card: ModelCard, artefact: Artefact) -> Sequence[float]:
    """Return, for each example, the chance that its author is unsatisfied."""
    texts = {row["subject"]: text_of(row) for row in records["experiences"].to_pylist()}
    chances = Model.read(artefact).chances([texts[one] for one in examples["subject"].to_pylist()])
    found: list[float] = chances[:, 0].tolist()
    return found


def handle(message: Message, records: Records, card: ModelCard, artefact: Artefact) -> Handling:
    """Say what the machine says of a message, with a draft; a person decides."""
    return handling.handle(message, records, artefact)


def score(
    table: pa.Table, records: Records, card: ModelCard, artefact: Artefact, *, progress: Progress
) -> pa.Table:
    """Read the experiences of a file, in their order: rating, dimensions, themes, urgency, draft.

    A row without a text is kept: its draft is withheld, and says why.

    Raises
    ------
    MissingColumnError
        If no row has a text: the column was not recognised.
    """
    import pyarrow as pa

    rows = table.to_pylist()
    texts = [text_of(row) for row in rows]
    if not any(row.get("text") for row in rows):
        raise MissingColumnError(
            "colonne manquante : aucune ligne n'a de texte.",
            fix="Nommez la colonne du message « Description », « Texte » ou « Verbatim ».",
        )
    progress(0, len(rows), "Lecture des expériences")
    told = understand(texts, Model.read(artefact))
    means = handling.means_of(records)
    drafts = []
    for at, (row, said) in enumerate(zip(rows, told, strict=True)):
        day = reading.day_of(row.get("date")) or data_date(records)
        message = Message(
            id=f"document:{row.get('id') or at + 1}",
            thread="",
            received=datetime.combine(day, time(), tzinfo=UTC),
            sender="",
            subject=str(row.get("title") or ""),
            body=str(row.get("text") or ""),
        )
        drafts.append(handling.safe_draft(said, means, message))
    order = sorted(range(len(rows)), key=lambda at: (-told[at].urgency.level, -told[at].chances[0]))
    rank = {at: place for place, at in enumerate(order, start=1)}
    columns: dict[str, Any] = {
        "id": [str(row.get("id") or "") for row in rows],
        "sentiment": [one.rating for one in told],
        "sentiment_chance": [max(one.chances) if one.opinions else None for one in told],
        "urgency": [one.urgency.level for one in told],
        "urgent": [one.urgency.why for one in told],
        "themes": [" ; ".join(theme.theme for theme in one.themes) for one in told],
    }
    for column, name in DIMENSIONS.items():
        columns[column] = [
            next((one.polarity for one in said.dimensions if one.aspect == name), "") for said in told
        ]
    columns |= {
        "personal_data": [" ; ".join(sorted({mark.label for mark in one.personal})) for one in told],
        "draft": [text_of_answer(one) for one in drafts],
        "withheld": [one.withheld for one in drafts],
        "sources": [" ; ".join(_source(one) for one in made.citations) for made in drafts],
        "cautions": [" ; ".join(one.cautions) for one in drafts],
        "generated": [one.generated for one in drafts],
        "score": [one.chances[0] for one in told],
        "calibrated": [True] * len(rows),
        "rank": pa.array([rank[at] for at in range(len(rows))], pa.int32()),
        "reasons": pa.array([_reasons(one) for one in told], pa.list_(reason_type())),
    }
    return pa.table(columns)


def _source(one: Citation) -> str:
    return f"{one.title} ({one.address or one.origin})"


def sheet(subject: Subject, records: Records) -> tuple[Block, ...]:
    """Return an experience: what is known of it, its text without personal data, its answer.

    Raises
    ------
    UnknownSubjectError
        If the records hold no such experience.
    """
    from eclaireur.bricks.intake.personal import mask

    for row in records["experiences"].to_pylist():
        if row["subject"] == str(subject):
            pairs = (
                ("Numéro", subject.key),
                ("Publiée le", french.day(row["observed"])),
                ("Réseau", row["network"] or "inconnu"),
                ("Ressenti de l'auteur", row["rating"] or "non donné"),
                *((name, row[column]) for column, name in DIMENSIONS.items() if row[column]),
            )
            text = mask(text_of(row)) or "(message vide)"
            answers = [one for one in records["answers"].to_pylist() if one["subject"] == row["subject"]]
            blocks: list[Block] = [
                Facts(title=f"Expérience {subject.key}", pairs=pairs),
                SpanText(title="Message, données personnelles masquées", text=text),
            ]
            if answers:
                blocks.append(Citations(title="Réponse donnée", citations=tuple(map(_given, answers))))
            return tuple(blocks)
    raise UnknownSubjectError(f"expérience inconnue : « {subject.key} ».", fix="Vérifiez son numéro.")


def _given(row: dict[str, Any]) -> Citation:
    from eclaireur.bricks.intake.personal import mask

    return Citation(
        title=f"Réponse du {french.day(row['observed'])}",
        passage=mask(row["text"]),
        origin=f"réponse {row['id']}",
        observed=row["observed"],
    )


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
    return reports.made(name, records, Model.read(artefact), about=about, progress=progress)


def evaluate(
    source: str, records: Records, *, seed: int, engine: Executor, progress: Progress
) -> tuple[EvaluationBlock, ...]:
    """Measure on networks of services never learnt from (see `measuring`)."""
    return measuring.evaluate(source, records, seed=seed, progress=progress)

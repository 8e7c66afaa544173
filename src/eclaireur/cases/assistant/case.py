"""Answers a question with sentences of cited sheets, or says that the sources do not say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.language.client import configured
from eclaireur.cases.assistant import answers, measuring, model as modelling, reading
from eclaireur.cases.assistant.base import Base, base_of
from eclaireur.cases.assistant.generated import written
from eclaireur.cases.assistant.memory import Memory, memory_of, still_known
from eclaireur.cases.assistant.reports import ASKS, READS, TITLES, caution, made
from eclaireur.cases.assistant.situation import FIELDS, Situation
from eclaireur.core import french
from eclaireur.core.case import Artefact, Fitted, Progress, Records
from eclaireur.core.errors import BadValueError, RefusedError, UnknownSubjectError, WorkFailedError
from eclaireur.core.intake import Answer
from eclaireur.core.subjects import Subject
from eclaireur.core.tables import examples_schema, outcomes_schema, signals_schema
from eclaireur.core.types import Origin
from eclaireur.core.view import Block, Citation, Citations, Facts, SpanText

if TYPE_CHECKING:
    from concurrent.futures import Executor

    import pyarrow as pa

    from eclaireur.core.types import EvaluationBlock, ModelCard

__all__ = [
    "NAME",
    "REPORTS",
    "REPORT_ASKS",
    "REPORT_READS",
    "SETUPS",
    "SITUATION",
    "answer",
    "data_date",
    "evaluate",
    "examples",
    "fetch",
    "identify",
    "labelled",
    "predict",
    "read_candidates",
    "records",
    "report",
    "score",
    "sheet",
    "signals",
    "train",
]

NAME = "assistant"
_LABEL = "les fiches répondent"
_LISTED = 5

SITUATION = FIELDS
"""What a person may declare of its situation (`core.intake`)."""

SETUPS = {"": "Phrases des fiches", "written": "Texte d’un modèle de langue, vérifié phrase par phrase"}
"""Set-ups that a campaign may compare blind; without a server of language, both give sentences of sheets."""

REPORTS = TITLES
"""Reports by name, with their French titles (see `service.reporting`)."""

REPORT_READS = READS
"""Whose columns the file of a report has (see `service.reporting`)."""

REPORT_ASKS = ASKS
"""What a report cannot do without (see `service.reporting`)."""


def fetch(source: str, into: Path, *, seed: int, progress: Progress) -> None:
    """Write the raw files of the sample."""
    from eclaireur.cases.assistant import sample

    sample.write(into, seed=seed)


def records(source: str, raw: Path, *, outcomes: pa.Table | None, progress: Progress) -> Records:
    """Read ``sheets`` and ``questions`` (see `reading`), and what advisers answered, as ``outcomes``."""
    import pyarrow as pa

    progress(0, 1, "Lecture des fiches")
    empty = pa.Table.from_pylist([], schema=outcomes_schema())
    return {**reading.read(raw), "outcomes": empty if outcomes is None else outcomes}


def read_candidates(path: Path) -> pa.Table | None:
    """Read questions from JSON lines; None for a file of another form."""
    return reading.candidates_of(path)


def identify(text: str) -> Subject:
    """Return the question that a user names by its number.

    Raises
    ------
    BadValueError
        If nothing is named.
    """
    plain = text.strip().removeprefix("document:")
    if not plain:
        raise BadValueError("question inconnue.", fix="Donnez son numéro, comme dans la liste.")
    return Subject("document", plain)


def examples(records: Records) -> pa.Table:
    """Return one example a labelled question: whether the sheet that it is labelled with answers it.

    It does, until an adviser says that it does not (see `labelled`).
    """
    import pyarrow as pa

    rows = {
        row["subject"]: {
            "example": f"{row['subject']}@{row['observed']}",
            "subject": row["subject"],
            "as_of": row["observed"],
            "known": row["observed"],
            "label": 1.0,
            "observer": None,
            "weight": 1.0,
            "origin": str(Origin.OUTCOME),
        }
        for row in records["questions"].to_pylist()
    }
    for one in _answered(records):
        if one["subject"] in rows:
            rows[one["subject"]] |= {
                "known": max(one["known"], rows[one["subject"]]["as_of"]),
                "label": float(bool(one["label"])),
                "observer": one["observer"],
                "origin": one["origin"] or str(Origin.OUTCOME),
            }
    return pa.Table.from_pylist(list(rows.values()), schema=examples_schema())


def _answered(records: Records) -> list[dict[str, Any]]:
    rows = records["outcomes"].to_pylist() if "outcomes" in records else []
    return sorted(rows, key=lambda row: (row["known"], row["outcome"]))


def labelled(records: Records, day: date) -> pa.Table:
    """Return the questions known before a day, each with the sheet that advisers say answers it.

    A value that names a sheet replaces the label. A question whose sheet is said wrong, without another, is
    left out: which one answers is not known.
    """
    import pyarrow as pa

    table = _before(records["questions"], day)
    known = set(records["sheets"]["id"].to_pylist())
    told: dict[str, str | None] = {}
    for one in _answered(records):
        if one["known"] < day:
            named = one["value"] if one["value"] in known else ""
            told[one["subject"]] = (named or None) if one["label"] else ""
    rows = [
        row | {"expected": told.get(row["subject"]) or row["expected"]}
        for row in table.to_pylist()
        if told.get(row["subject"]) != ""
    ]
    return pa.Table.from_pylist(rows, schema=table.schema)


def data_date(records: Records) -> date:
    """Return the last day of which the sheets and questions speak."""
    import pyarrow.compute as pc

    days = [
        pc.max(records[name]["observed"]).as_py()
        for name in ("sheets", "questions")
        if records[name].num_rows
    ]
    latest: date = max(days)
    return latest


def _before(table: pa.Table, day: date) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc

    return table.filter(pc.less(table["observed"], pa.scalar(day, pa.date32())))


def train(records: Records, examples: pa.Table, *, as_of: date, seed: int, progress: Progress) -> Fitted:
    """Choose the weights of the ranking and fit the chance, on what was known before ``as_of``."""
    progress(0, 1, "Choix des poids")
    sheets, questions = _before(records["sheets"], as_of), labelled(records, as_of)
    return modelling.train(sheets, questions, case=NAME, as_of=as_of, seed=seed)


def signals(
    records: Records, card: ModelCard, artefact: Artefact, *, as_of: date, progress: Progress
) -> pa.Table:
    """Say, of the labelled questions known before a date, whether the sheets known by then answer."""
    import pyarrow as pa

    base = base_of(_before(records["sheets"], as_of))
    model = modelling.load(artefact)
    past = _before(records["questions"], as_of)
    memory = _memory(base, model, past)
    questions = past.to_pylist()[: modelling.MOST]
    rows = []
    for done, row in enumerate(questions):
        if done % 50 == 0:
            progress(done, len(questions), "Questions")
        found = answers.find(base, model, row["question"], memory=memory, itself=row["subject"])
        rows.append(
            {
                "record": row["subject"],
                "subject": row["subject"],
                "name": f"« {row['question']} » ({row['subject'].removeprefix('document:')})",
                "area": base.sheets[found.ranked[0].place].path if found.ranked else "",
                "label": _LABEL,
                "score": found.chance,
                "calibrated": model.calibrated,
                "as_of": as_of,
                "reasons": _reasons(base, model, found),
            }
        )
    return pa.Table.from_pylist(rows, schema=signals_schema())


def _memory(base: Base, model: modelling.Model, questions: pa.Table) -> Memory | None:
    """Return the questions that a model knows and a table still holds; None when it knows none."""
    return memory_of(base, model.known, questions, near=model.near or None) if model.known else None


def _memory_now(base: Base, model: modelling.Model, records: Records) -> Memory | None:
    """Return the memory as it is today: what advisers refuted or corrected since is heeded at once."""
    table = labelled(records, date.max)
    return _memory(base, replace(model, known=still_known(model.known, table)), table)


def _reasons(base: Base, model: modelling.Model, found: answers.Found) -> list[dict[str, Any]]:
    parts = dict(zip(modelling.FEATURES, model.chance.parts(found.features), strict=True))
    values = dict(zip(modelling.FEATURES, found.features, strict=True))
    title = base.sheets[found.ranked[0].place].title if found.ranked else ""
    if not found.ranked:
        told = [("covered", "Aucune fiche n’a un mot de la question.")]
    else:
        told = [
            (
                "covered",
                f"La fiche « {title} » a {french.percent(values['covered'])} des mots de la question.",
            ),
            ("covered_title", f"Son titre en a {french.percent(values['covered_title'])}."),
            ("ahead", f"Elle devance la suivante de {french.percent(max(values['ahead'], 0.0))}."),
        ]
        if found.recalled > 0:
            values["asked"], parts["asked"] = found.recalled, 0.0
            near = french.percent(found.recalled)
            told.append(("asked", f"Une question déjà posée, proche à {near}, y menait."))
    return [
        {
            "kind": "passage",
            "theme": "fiches",
            "sentence": sentence,
            "weight": parts[name],
            "observed": base.sheets[found.ranked[0].place].updated if found.ranked else None,
            "source": "fiches",
            "feature": name,
            "value": f"{values[name]:.3f}",
        }
        for name, sentence in sorted(told, key=lambda one: -abs(parts[one[0]]))
    ]


def predict(examples: pa.Table, records: Records, card: ModelCard, artefact: Artefact) -> Sequence[float]:
    """Return the chance of each example's question, with the sheets known at its day."""
    asked = {row["subject"]: row["question"] for row in records["questions"].to_pylist()}
    model = modelling.load(artefact)
    chances = []
    known_at: date | None = None
    base = memory = None
    rows = enumerate(examples.select(["subject", "as_of"]).to_pylist())
    # By day, so that the sheets known then are made into a base once, and one base is held.
    for at, row in sorted(rows, key=lambda one: one[1]["as_of"]):
        if base is None or row["as_of"] != known_at:
            known_at = row["as_of"]
            base = base_of(_before(records["sheets"], known_at))
            memory = _memory(base, model, _before(records["questions"], known_at))
        subject = row["subject"]
        found = answers.find(base, model, asked[subject], memory=memory, itself=subject)
        chances.append((at, found.chance))
    return [chance for _, chance in sorted(chances)]


def answer(
    question: str,
    situation: Mapping[str, str],
    records: Records,
    card: ModelCard,
    artefact: Artefact,
    setup: str = "",
) -> Answer:
    """Answer a question typed at the desk (`core.intake`).

    ``situation`` may also hold ``before``, the question before, and ``person``, whose budget is used.
    """
    base, model = base_of(records["sheets"]), modelling.load(artefact)
    found = answers.find(
        base,
        model,
        question,
        memory=_memory_now(base, model, records),
        situation=Situation.read(situation),
        offices=records.get("offices"),
        before=situation.get("before", ""),
        today=date.today(),  # noqa: DTZ011 - the age of a source, in days
    )
    language = configured() if setup == "written" else None
    if language is None or found.answer.withheld:
        return found.answer
    sheets = [base.sheets[one.place] for one in found.ranked]
    try:
        made = written(language, base, found.question, sheets, person=situation.get("person", ""))
        why = "Le texte du modèle de langue n’était pas assez porté par les sources : voici leurs phrases."
    except (WorkFailedError, RefusedError) as error:
        made, why = None, str(error)
    if made is None:
        return replace(found.answer, cautions=(*found.answer.cautions, why))
    return replace(made, offers=found.answer.offers, cautions=(*made.cautions, *found.answer.cautions))


def score(
    table: pa.Table, records: Records, card: ModelCard, artefact: Artefact, *, progress: Progress
) -> pa.Table:
    """Answer each question of a file: sentences, source, chance, and the best sheets in order."""
    import pyarrow as pa

    base, model = base_of(records["sheets"]), modelling.load(artefact)
    memory = _memory_now(base, model, records)
    rows = []
    for done, question in enumerate(table["question"].to_pylist()):
        if done % 50 == 0:
            progress(done, table.num_rows, "Questions")
        found = _found_or_said(base, model, question or "", memory)
        best = [base.sheets[one.place] for one in found.ranked[:_LISTED]]
        made = found.answer
        rows.append(
            {
                "question": question,
                "answer": " ".join(one.text for one in made.sentences),
                "withheld": made.withheld,
                "score": found.chance,
                "calibrated": model.calibrated,
                "sheet": best[0].id if best else None,
                "title": best[0].title if best else None,
                "url": best[0].url if best else None,
                "updated": best[0].updated if best else None,
                "sheets": [one.id for one in best],
                "titles": [one.title for one in best],
                "cautions": " ".join(made.cautions),
                "reasons": _reasons(base, model, found),
            }
        )
    text, texts = pa.string(), pa.list_(pa.string())
    kinds = {
        "score": pa.float64(),
        "calibrated": pa.bool_(),
        "updated": pa.date32(),
        "sheets": texts,
        "titles": texts,
        "reasons": signals_schema().field("reasons").type,
    }
    names = list(rows[0]) if rows else []
    schema = pa.schema([(name, kinds.get(name, text)) for name in names])
    return pa.Table.from_pylist(rows, schema=schema)


def _found_or_said(base: Base, model: modelling.Model, question: str, memory: Memory | None) -> answers.Found:
    """Answer a question; one that cannot be read is withheld with the reason, and the rest goes on."""
    try:
        return answers.find(base, model, question, memory=memory)
    except BadValueError as error:
        made = Answer(withheld=str(error))
        nothing = (0.0,) * len(modelling.FEATURES)
        return answers.Found(question=question, ranked=(), features=nothing, chance=0.0, answer=made)


def sheet(subject: Subject, records: Records) -> tuple[Block, ...]:
    """Return what is known of a labelled question: its words, and the sheet that answers it.

    Raises
    ------
    UnknownSubjectError
        If there is no such question.
    """
    rows = [row for row in records["questions"].to_pylist() if row["subject"] == str(subject)]
    if not rows:
        raise UnknownSubjectError(
            f"question inconnue : « {subject.key} ».", fix="Vérifiez son numéro dans la liste."
        )
    row = rows[0]
    found = next(one for one in records["sheets"].to_pylist() if one["id"] == row["expected"])
    facts = Facts(
        title="Question",
        pairs=(
            ("Numéro", subject.key),
            ("Question", row["question"]),
            ("Posée le", french.day(row["observed"])),
            ("Fiche attendue", found["title"]),
        ),
    )
    text = SpanText(title=found["title"], text=found["text"])
    source = Citation(
        title=found["title"],
        passage=found["text"][:300],
        origin=found["path"] or found["title"],
        observed=found["updated"],
        address=found["url"] or "",
    )
    return facts, text, Citations(title="Source", citations=(source,))


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
    if name == "caution":
        return caution(records["sheets"], records["questions"], seed=seed, progress=progress)
    base, model = base_of(records["sheets"]), modelling.load(artefact)
    memory = _memory_now(base, model, records)
    return made(name, base, model, about=about, table=table, memory=memory)


def evaluate(
    source: str, records: Records, *, seed: int, engine: Executor, progress: Progress
) -> tuple[EvaluationBlock, ...]:
    """Measure on questions and sheets that the choices have not seen (see `measuring`)."""
    return (
        measuring.evaluate(source, records["sheets"], records["questions"], seed=seed, progress=progress),
    )

"""What comes back from the field: outcomes and agents' decisions, from the journal to examples."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.core.errors import BadValueError, NotFoundError, UnknownSubjectError
from eclaireur.core.subjects import Subject
from eclaireur.core.tables import outcomes_schema
from eclaireur.core.types import Decision, Origin, Verdict
from eclaireur.service import pseudonyms

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.service.work import Work

__all__ = [
    "ANNOTATION",
    "UNDO",
    "Imported",
    "decide",
    "digest",
    "import_outcomes",
    "outcomes",
    "result_entry",
]

ANNOTATION = "annotation"
"""Kind of the journal's entry of the labels that a reader gives to a passage: it teaches as a decision."""

UNDO = "undo"
"""Kind of the journal's entry that takes an earlier one back; its data name it: ``{"undoes": 12}``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Imported:
    """What an import did. ``conflicts`` are rows that contradict an earlier result: not recorded."""

    added: int
    already_known: int
    conflicts: tuple[str, ...]
    drawn: int


def outcomes(work: Work, source: str) -> pa.Table:
    """Return the outcomes and valued decisions recorded for a source, oldest first.

    Personal values whose key was destroyed are gone: their rows are left out, and so are those that a
    later entry undoes.
    """
    import pyarrow as pa

    journal = work.workspace.journal
    rows: list[dict[str, Any]] = []
    found = list(journal.entries({Origin.OUTCOME, Origin.DECISION, ANNOTATION, UNDO}, case=work.card.name))
    undone = {entry.data["undoes"] for entry in found if entry.kind == UNDO}
    standing = [
        entry
        for entry in found
        if entry.kind != UNDO
        and entry.seq not in undone
        and entry.data.get("source") == source
        and entry.data.get("label") is not None
    ]
    for entry, hidden in zip(standing, journal.reveal_all(standing), strict=True):
        if hidden is None:
            continue
        rows.append(
            {
                # The entry's own hash names it: a hash of the subject would survive its erasure.
                "outcome": entry.hash[:16],
                "subject": hidden["subject"],
                "observed": date.fromisoformat(entry.data["observed"]),
                "known": date.fromisoformat(entry.data["known"]),
                "label": float(entry.data["label"]),
                "value": entry.data.get("value"),
                "observer": hidden.get("observer"),
                "propensity": entry.data.get("propensity"),
                "origin": str(Origin.DECISION if entry.kind == ANNOTATION else entry.kind),
            }
        )
    rows = _unveiled(work, source, rows)
    rows.sort(key=lambda row: (row["observed"], row["subject"], row["outcome"]))
    return pa.Table.from_pylist(rows, schema=outcomes_schema())


def _unveiled(work: Work, source: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Give their subjects back to the results of services that work on pseudonyms, to learn from them.

    A pseudonym that means none of the subjects of the newest calculation, as of one who was erased, is left.
    """
    veiled = {row["subject"] for row in rows if row["subject"].startswith(f"{pseudonyms.KIND}:")}
    if not veiled:
        return rows
    from eclaireur.service import signals

    try:
        known = signals.latest(work, source).table["subject"].to_pylist()
    except NotFoundError:
        known = []
    found = pseudonyms.known_as(work.workspace, work.card.name, veiled, known)
    named = [row | {"subject": found.get(row["subject"], row["subject"])} for row in rows]
    return [row for row in named if row["subject"] not in veiled]


def digest(table: pa.Table) -> str:
    """Return a hash of outcomes, which names them among the inputs of a run."""
    return hashlib.sha256(repr(table.to_pylist()).encode()).hexdigest()[:16]


def import_outcomes(work: Work, source: str, path: Path, *, actor: str) -> Imported:
    """Record the results of a file in the documented format ``[inputs.outcomes]`` of the case.

    The whole file is checked before the first line is written: a wrong file changes nothing. A row
    already recorded is skipped, so the same file can be imported twice; a row that contradicts an
    earlier result of the same subject and day is reported, and the earlier result stays.

    Raises
    ------
    InputError
        If the file, a column or a value is wrong.
    UnknownSubjectError
        If a row names a subject that is not in the records of the source.
    """
    from eclaireur.service import work as working
    from eclaireur.service.files import read_documented

    read = read_documented(work, "outcomes", path)
    known_subjects = _subjects(working.records(work, source).tables)
    recorded = {(row["subject"], row["observed"]): row["label"] for row in outcomes(work, source).to_pylist()}
    propensities = _propensities(work)
    entries, already, conflicts, drawn = [], 0, [], 0
    for row, line in zip(read.table.to_pylist(), read.lines, strict=True):
        subject = work.case.identify(row["subject"])
        if str(subject) not in known_subjects:
            raise UnknownSubjectError(
                f"{work.card.noun} inconnu : « {row['subject']} ».",
                file=path.name,
                line=line,
                column=read.column("subject"),
                fix=f"Ajoutez-le aux données de la source « {source} », ou retirez la ligne.",
            )
        label = float(row["result"])
        earlier = recorded.get((str(subject), row["date"]))
        if earlier is not None:
            if earlier == label:
                already += 1
            else:
                conflicts.append(f"ligne {line} : un autre résultat est déjà enregistré pour ce jour")
            continue
        recorded[(str(subject), row["date"])] = label
        known = row.get("known") or row["date"] + timedelta(days=1)
        if known < row["date"]:
            raise BadValueError(
                "le résultat est connu avant le contrôle.",
                file=path.name,
                line=line,
                column=read.column("known"),
                fix="Corrigez la date, ou videz la cellule.",
            )
        propensity = propensities.get(str(subject))
        drawn += propensity is not None
        entries.append(
            result_entry(
                source,
                subject,
                observed=row["date"],
                known=known,
                label=label,
                value=row["result"],
                observer=row.get("observer"),
                propensity=propensity,
            )
        )
    work.workspace.journal.append_many(
        [{"kind": str(Origin.OUTCOME), "case": work.card.name, "actor": actor, **entry} for entry in entries]
    )
    return Imported(added=len(entries), already_known=already, conflicts=tuple(conflicts), drawn=drawn)


def decide(
    work: Work,
    source: str,
    subject: Subject,
    verdict: Verdict,
    *,
    agent: str,
    reason: str = "",
    found: bool | None = None,
) -> Decision:
    """Record an agent's verdict on the current signal of a subject.

    Parameters
    ----------
    found
        What the agent observed, when the verdict includes it; only then is it a training example.

    Raises
    ------
    NotFoundError
        If the subject has no current signal.
    BadValueError
        If the subject is set aside without a reason.
    """
    from eclaireur.service import signals

    if verdict is Verdict.SET_ASIDE and not reason.strip():
        raise BadValueError("écarter demande une raison.", fix="Écrivez-la en une phrase.")
    current = signals.signal_of(work, source, subject)
    at = work.workspace.clock()
    entry = result_entry(
        source,
        subject,
        observed=at.date(),
        known=at.date() + timedelta(days=1),
        label=None if found is None else float(found),
        value=verdict.value,
        observer=agent,
        propensity=_propensities(work).get(str(subject)),
    )
    data = {
        **entry["data"],
        "verdict": verdict.value,
        "signal_run": current["run"],
        "model": current["model"],
        "score": current["score"],
    }
    written = work.workspace.journal.append(
        str(Origin.DECISION),
        case=work.card.name,
        actor=agent,
        data=data,
        subject=entry["subject"],
        personal={**entry["personal"], "reason": reason},
    )
    return Decision(
        id=str(written.seq),
        case=work.card.name,
        subject=subject,
        signal=current["signal"],
        verdict=verdict,
        agent=agent,
        at=at,
        reason=reason,
        value=None if found is None else str(int(found)),
        run=current["run"],
        model=current["model"],
    )


def result_entry(
    source: str,
    subject: Subject,
    *,
    observed: date,
    known: date,
    label: float | None,
    value: str,
    observer: str | None,
    propensity: float | None,
) -> dict[str, Any]:
    """Return the data and sealed values of an entry that may become a training example.

    Parameters
    ----------
    observed, known
        Day of the observation, and first day on which it could be used.
    label
        1.0 when what the case looks for was found, 0.0 when not, None when nobody looked.
    observer
        Who looked; sealed.
    propensity
        Chance that the subject had to be listed, when a list was drawn.
    """
    return {
        "data": {
            "source": source,
            "observed": observed.isoformat(),
            "known": known.isoformat(),
            "label": label,
            "value": value,
            "propensity": propensity,
        },
        "subject": subject,
        "personal": {"subject": str(subject), "observer": observer},
    }


def _subjects(tables: Mapping[str, pa.Table]) -> frozenset[str]:
    found: set[str] = set()
    for table in tables.values():
        if "subject" in table.column_names:
            found.update(_texts(table.column("subject").unique().to_pylist()))
    return frozenset(found)


def _texts(values: Iterable[Any]) -> Iterable[str]:
    return (str(value) for value in values if value is not None)


def _propensities(work: Work) -> dict[str, float]:
    """Propensity of each subject in the worklists drawn so far; the latest list wins."""
    lake = work.workspace.lake
    found: dict[str, float] = {}
    for run in work.workspace.runs.history(work.card.name, "worklist"):
        table = lake.table(work.workspace.runs.address(run), "worklist", columns=["subject", "propensity"])
        found.update(zip(table["subject"].to_pylist(), table["propensity"].to_pylist(), strict=True))
    return found

"""What a case has kept for longer than it may: erased each night, with a report in the journal.

The time is declared by the administration (``keep_months``), else the card's. What is in use stays however
old it is: the newest result of each stage, the newest snapshot of each source, and what a decision that is
itself within the time was made from, so that it can still be explained.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Protocol

from eclaireur.core.errors import NotFoundError
from eclaireur.core.subjects import Subject
from eclaireur.service.declaring import keep_months
from eclaireur.service.erasing import Trace, addresses

if TYPE_CHECKING:
    from eclaireur.service.work import Work

__all__ = ["RETENTION", "OldRows", "Retained", "retain"]

RETENTION = "retention"
"""Kind of the journal's line that reports a night."""

_MONTH = 30.4375
_BY = "Éclaireur (durée de conservation)"
_WHY = "durée de conservation atteinte"


class OldRows(Protocol):
    """The rows of a desk that may have been kept for too long."""

    def runs(self, limit: datetime, /) -> Collection[str]:
        """Return the runs of the signals that pages still show after ``limit``."""

    def old(self, limit: datetime, /, *, apply: bool) -> Collection[Trace]:
        """Tell, or erase, the rows of which nothing happened since ``limit``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Retained:
    """What went, or would go: ``limit`` is the day before which nothing is kept."""

    months: int
    limit: datetime
    gone: tuple[Trace, ...]
    applied: bool


def retain(work: Work, *, rows: OldRows | None = None, apply: bool = True) -> Retained:
    """Erase what a case kept for too long, and report it in the journal.

    Parameters
    ----------
    rows
        Rows of the desk, where there is one.
    apply
        Whether to erase, or only to tell.
    """
    months = keep_months(work.workspace, work.card)
    limit = work.workspace.clock() - timedelta(days=months * _MONTH)
    gone = list(rows.old(limit, apply=apply)) if rows is not None else []
    shown = rows.runs(limit) if rows is not None else ()
    gone += [*_lake(work, limit, shown, apply=apply), *_keys(work, limit, apply=apply)]
    if apply:
        counts: dict[str, int] = {}
        for one in gone:
            counts[one.kind] = counts.get(one.kind, 0) + max(one.rows, 1)
        data = {"months": months, "before": limit.date().isoformat(), "gone": counts}
        work.workspace.journal.append(RETENTION, case=work.card.name, actor=_BY, data=data)
    return Retained(months=months, limit=limit, gone=tuple(gone), applied=apply)


def _lake(work: Work, limit: datetime, shown: Collection[str], *, apply: bool) -> Iterator[Trace]:
    lake = work.workspace.lake
    needed = _needed(work, limit, shown)
    seen: dict[str, datetime] = {}
    newest: dict[str, str] = {}
    there = list(addresses(work.workspace, work.card))
    for address in there:
        prefix = address.rpartition("/")[0]
        if prefix not in newest:
            for at, text in lake.dated_notes(prefix):
                noted = f"{prefix}/{text.rpartition('/')[2]}"
                seen[noted] = at
                if noted in there:  # the newest may have been erased: the one before it is then in use
                    newest[prefix] = noted
        newest.setdefault(prefix, address)
    for address in there:
        if (
            seen.get(address, limit) >= limit
            or address in needed
            or address == newest[address.rpartition("/")[0]]
        ):
            continue
        if apply:
            lake.erase(address)
        yield Trace("résultats anciens" if address.startswith("runs/") else "données anciennes", address)


def _needed(work: Work, limit: datetime, shown: Collection[str]) -> set[str]:
    """Return the addresses from which what is still kept was made."""
    runs, case, found = work.workspace.runs, work.card.name, set[str]()
    signals = {
        str(entry.data["signal_run"])
        for entry in work.workspace.journal.entries(case=case)
        if entry.time >= limit and entry.data.get("signal_run")
    }
    latest = runs.latest(case, "signals")
    if latest is not None:
        signals.add(latest.id)
    for run in signals | set(shown):
        try:
            made = runs.read(case, "signals", run)
            read = runs.read(case, "records", made.inputs[0])
        except (NotFoundError, IndexError):
            continue
        found |= {runs.address(made), runs.address(read), read.inputs[0]}
    return found


def _keys(work: Work, limit: datetime, *, apply: bool) -> Iterator[Trace]:
    """Destroy the keys of the subjects of whom nothing was written since ``limit``."""
    journal = work.workspace.journal
    entries = [entry for entry in journal.entries(case=work.card.name) if entry.subject is not None]
    last: dict[str, datetime] = {}
    for entry, said in zip(entries, journal.reveal_all(entries), strict=True):
        if said and "subject" in said:
            last[str(said["subject"])] = entry.time
    count = 0
    for name, at in last.items():
        if at.astimezone(UTC) >= limit:
            continue
        count += 1
        if apply:
            journal.forget(Subject.parse(name), actor=_BY, reason=_WHY)
    if count:
        yield Trace("valeurs scellées du journal", "journal", count)

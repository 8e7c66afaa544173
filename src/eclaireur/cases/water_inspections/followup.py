"""What becomes of a control that found something: steps, deadlines and reminders, until its end.

Steps and their deadlines are those of the card's procedure, so that this table and the desk say the same. The
working table ``controls`` has one row for each act: control, subject, observed, known, step, result.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

from eclaireur.core.catalog import find_card

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["FollowUp", "controls_schema", "follow_ups", "normalise"]

_BAD = "1"
_ESCALATE = 2
"""Reminders left unanswered after which the next act is a formal notice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowUp:
    """Where a non-compliant control stands at a date.

    Parameters
    ----------
    step, since
        Code and day of its last act; a step of the card's procedure.
    deadline
        Last day given for this step, None where the procedure gives none.
    reminders
        Reminders sent so far.
    ended
        Day on which it was settled, None while it is open.
    late
        Days past the deadline at the date asked, 0 when in time or settled.
    action
        What to do next, in French; empty when there is nothing to do.
    """

    control: str
    subject: str
    opened: date
    step: str
    title: str
    since: date
    deadline: date | None
    reminders: int
    ended: date | None
    late: int
    action: str


def controls_schema() -> pa.Schema:
    """Schema of ``controls``."""
    import pyarrow as pa

    return pa.schema(
        [
            ("control", pa.string()),
            ("subject", pa.string()),
            ("observed", pa.date32()),
            ("known", pa.date32()),
            ("step", pa.string()),
            ("result", pa.string()),
        ]
    )


def normalise(table: pa.Table) -> pa.Table:
    """Turn acts in the documented format into the working table; an act is known the day after."""
    import pyarrow as pa

    from eclaireur.cases.water_inspections.documented import subjects

    following = pa.array([day + timedelta(days=1) for day in table["date"].to_pylist()], pa.date32())
    columns = [
        table["control"],
        subjects(table["subject"]),
        table["date"],
        following,
        table["step"],
        table["result"],
    ]
    return pa.table(columns, names=controls_schema().names).cast(controls_schema())


def follow_ups(records: Mapping[str, pa.Table], as_of: date) -> tuple[FollowUp, ...]:
    """Return the non-compliant controls known before a date, the latest in its deadline first.

    Open ones come first, the most overdue on top; then those that ended, the newest first.
    """
    if "controls" not in records:
        return ()
    rows = [row for row in records["controls"].to_pylist() if row["known"] < as_of]
    rows.sort(key=lambda row: (row["control"], row["observed"]))
    found = []
    for control, acts in groupby(rows, key=lambda row: str(row["control"])):
        known = list(acts)
        bad = [row for row in known if row["result"] == _BAD]
        if bad:
            found.append(_state(control, known, bad[0]["observed"], as_of))
    found.sort(key=lambda one: (one.ended is not None, -one.late, -_number(one.ended), one.control))
    return tuple(found)


def _number(day: date | None) -> int:
    return day.toordinal() if day else 0


def _state(control: str, acts: list[dict[str, Any]], opened: date, as_of: date) -> FollowUp:
    procedure = find_card("water_inspections").procedure
    last = acts[-1]
    status = procedure.status(last["step"])
    ended = last["observed"] if status.final else None
    deadline = last["observed"] + timedelta(days=status.days) if status.days else None
    late = max(0, (as_of - deadline).days) if deadline and not ended else 0
    reminders = sum(row["step"] == "reminder" for row in acts)
    return FollowUp(
        control=control,
        subject=str(last["subject"]),
        opened=opened,
        step=status.code,
        title=status.title,
        since=last["observed"],
        deadline=deadline,
        reminders=reminders,
        ended=ended,
        late=late,
        action="" if ended else _action(status.code, late, reminders),
    )


def _action(step: str, late: int, reminders: int) -> str:
    if step == "controlled":
        return "Écrire au responsable"
    if not late:
        return "Attendre la réponse"
    if step in {"letter", "reminder"}:
        return "Mettre en demeure" if reminders >= _ESCALATE else "Relancer"
    return "Recontrôler" if step in {"notice", "recheck"} else "Décider des suites"

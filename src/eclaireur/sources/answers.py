"""A reading as JSON between a confined child and its parent, which believes nothing it has not checked."""

from __future__ import annotations

from typing import Any

from eclaireur.sources.kinds import ColumnKind
from eclaireur.sources.reading import Column, Doubt, Outcome, Reading, Repair

__all__ = ["from_json", "tables_fit", "to_json"]

_LONGEST = 100_000
_MOST = 1_000_000
_KINDS = frozenset(map(str, ColumnKind))


def to_json(reading: Reading) -> dict[str, Any]:
    """Write all of a reading but its tables.

    Examples
    --------
    >>> reading = Reading(file="a.csv", outcome=Outcome.LU, columns=(Column(name="a"),))
    >>> from_json("a.csv", to_json(reading)) == reading
    True
    """
    return {
        "outcome": str(reading.outcome),
        "reason": reading.reason,
        "fix": reading.fix,
        "rows": reading.rows,
        "columns": [
            [one.name, one.kind, one.unit, one.filled, one.first, one.last] for one in reading.columns
        ],
        "repairs": [[one.kind, one.message, list(one.lines)] for one in reading.repairs],
        "doubts": [[one.kind, one.message, one.column, list(one.lines), one.count] for one in reading.doubts],
    }


def from_json(file: str, content: dict[str, Any]) -> Reading:
    """Read what `to_json` wrote.

    Raises
    ------
    ValueError
        If anything has not the type that it must.
    """
    outcome = Outcome(_text(content.get("outcome")))
    columns = []
    for one in _list(content.get("columns")):
        name, kind, unit, filled, first, last = _cells(one, 6)
        if kind not in _KINDS:
            raise ValueError(kind)
        columns.append(
            Column(
                name=_text(name),
                kind=kind,
                unit=_text(unit),
                filled=None if filled is None else _whole(filled),
                first=_text(first),
                last=_text(last),
            )
        )
    repairs, doubts = [], []
    for one in _list(content.get("repairs")):
        kind, message, lines = _cells(one, 3)
        repairs.append(Repair(kind=_text(kind), message=_text(message), lines=_lines(lines)))
    for one in _list(content.get("doubts")):
        kind, message, column, lines, count = _cells(one, 5)
        doubts.append(
            Doubt(
                kind=_text(kind),
                message=_text(message),
                column=_text(column),
                lines=_lines(lines),
                count=_whole(count),
            )
        )
    rows = content.get("rows")
    flawless = not repairs and not doubts
    if (outcome is Outcome.LU) != (flawless and outcome is not Outcome.REFUSE):
        raise ValueError(outcome)
    return Reading(
        file=file,
        outcome=outcome,
        reason=_text(content.get("reason")),
        fix=_text(content.get("fix")),
        columns=tuple(columns),
        repairs=tuple(repairs),
        doubts=tuple(doubts),
        rows=None if rows is None else _whole(rows),
    )


def tables_fit(reading: Reading, table: Any, typed: Any, lines: Any) -> bool:
    """Tell whether three Arrow tables are those that a reading describes."""
    import pyarrow as pa

    names = [one.name for one in reading.columns]
    plain = (pa.types.is_string, pa.types.is_integer, pa.types.is_floating, pa.types.is_boolean)
    kinds = (*plain, pa.types.is_date, pa.types.is_timestamp)
    return (
        table.column_names == typed.column_names == names
        and lines.column_names == ["line"]
        and lines.schema.types == [pa.int64()]
        and table.num_rows == typed.num_rows == lines.num_rows
        and all(pa.types.is_string(kind) for kind in table.schema.types)
        and all(any(test(kind) for test in kinds) for kind in typed.schema.types)
    )


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > _MOST:
        raise ValueError(type(value))
    return value


def _cells(value: Any, count: int) -> list[Any]:
    if len(_list(value)) != count:
        raise ValueError(value)
    return list(value)


def _text(value: Any) -> str:
    if not isinstance(value, str) or len(value) > _LONGEST:
        raise ValueError(type(value))
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**53:
        raise ValueError(value)
    return value


def _lines(value: Any) -> tuple[int, ...]:
    return tuple(_whole(one) for one in _list(value))

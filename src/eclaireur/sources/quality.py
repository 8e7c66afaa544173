"""How complete, valid and fresh each column of a reading is."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from eclaireur.core import french
from eclaireur.sources.reading import Reading

__all__ = ["Quality", "quality"]

_WRONG = {"form", "key", "zeros", "scientific", "date", "number", "lost"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Quality of one column.

    Parameters
    ----------
    filled
        Share of the rows that have a value, in [0, 1].
    valid
        Share of those whose value is what the column holds, in [0, 1].
    first, last
        Of a column of dates, the earliest and the latest, as ``dd/mm/yyyy``.
    """

    name: str
    kind: str
    filled: float
    valid: float
    first: str = ""
    last: str = ""


def quality(reading: Reading) -> tuple[Quality, ...]:
    """Measure each column of a table that was read.

    Examples
    --------
    >>> from pathlib import Path
    >>> import tempfile
    >>> from eclaireur.sources.tables import read_table
    >>> path = Path(tempfile.mkdtemp()) / "a.csv"
    >>> _ = path.write_text("SIRET;Le\\n83283779300021;01/02/2023\\n83283779300022;\\n")
    >>> [(one.filled, one.valid, one.last) for one in quality(read_table(path))]
    [(1.0, 0.5, ''), (0.5, 1.0, '01/02/2023')]
    """
    import pyarrow.compute as pc

    rows = reading.count
    found = []
    for column in reading.columns:
        typed = None if reading.typed is None else reading.typed[column.name]
        filled = (column.filled or 0) if typed is None else rows - typed.null_count
        wrong = sum(
            one.count or len(one.lines)
            for one in reading.doubts
            if one.column == column.name and one.kind in _WRONG
        )
        ends = (column.first, column.last)
        if typed is not None and column.kind in {"date", "datetime"} and filled:
            limits = pc.min_max(typed).as_py()
            ends = _day(limits["min"]), _day(limits["max"])
        found.append(
            Quality(
                name=column.name,
                kind=column.kind,
                filled=filled / rows if rows else 0.0,
                valid=max(0.0, 1 - wrong / filled) if filled else 1.0,
                first=ends[0],
                last=ends[1],
            )
        )
    return tuple(found)


def _day(value: date) -> str:
    return french.day(value)

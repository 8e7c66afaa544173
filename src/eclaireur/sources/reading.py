"""What reading a file gives: the data, what was repaired, what is doubtful, or why it is refused."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Column", "Doubt", "Outcome", "Reading", "Repair"]


class Outcome(StrEnum):
    """The three outcomes of reading a file, as agents see them."""

    LU = "lu"
    LU_AVEC_RESERVES = "lu avec réserves"
    REFUSE = "refusé"


@dataclass(frozen=True, slots=True, kw_only=True)
class Repair:
    """Something put right while reading, in French, with the lines it touched when it is about lines."""

    kind: str
    message: str
    lines: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """Something that cannot be put right without the producer: said, never guessed.

    Parameters
    ----------
    lines
        The first fifty lines that it touches.
    count
        Rows that it touches, when they are counted.
    """

    kind: str
    message: str
    column: str = ""
    lines: tuple[int, ...] = ()
    count: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column as it was found: its heading, what its values are, and their unit when all carry it.

    Parameters
    ----------
    filled, first, last
        Of a reading without its table: rows that have a value, and the earliest and latest day.
    """

    name: str
    kind: str = "text"
    unit: str = ""
    filled: int | None = None
    first: str = ""
    last: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The result of reading one table.

    Parameters
    ----------
    outcome
        One of the three.
    table
        Text columns, cells as written, empty cells null; None when refused.
    typed
        The same rows and columns, with numbers, dates, hours and yes or no typed where every value of the
        column is one; identifiers and all else stay text, without the spaces around; None when refused.
    lines
        Line of each row in the file, from 1 with the heading; shape ``(n,)``.
    reason, fix
        When refused: why, and what to do, in French.
    rows
        Rows of a large file that was read without holding its table; else None.
    reduced
        When read in a child process: what the host could not take away from it (*isolation réduite*).
    """

    file: str
    outcome: Outcome
    table: pa.Table | None = field(default=None, repr=False)
    typed: pa.Table | None = field(default=None, repr=False)
    columns: tuple[Column, ...] = ()
    repairs: tuple[Repair, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    lines: NDArray[np.int64] | None = field(default=None, repr=False)
    reason: str = ""
    fix: str = ""
    reduced: tuple[str, ...] = ()
    rows: int | None = None

    @property
    def count(self) -> int:
        """Rows of the table, held or not."""
        if self.rows is not None:
            return self.rows
        return 0 if self.table is None else int(self.table.num_rows)

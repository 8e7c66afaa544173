"""Rows of one width: what is too short is completed, what is too long is kept, and both are said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from eclaireur.sources.cells import SHOWN, left_aside, lines_said, trimmed_row, width_of
from eclaireur.sources.headings import Heading
from eclaireur.sources.reading import Doubt, Repair

__all__ = ["Framed", "Square"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Framed:
    """A heading, rows of its width, the line of each row, and what was repaired or is doubtful."""

    header: list[str]
    rows: list[list[str]]
    lines: list[int]
    repairs: tuple[Repair, ...] = ()
    doubts: tuple[Doubt, ...] = ()


class Square:
    """Gives every row the width of the heading: what is missing is empty, what is too much gets columns.

    Rows may come in several lots; `take` gives those that came since.
    """

    def __init__(self, head: Heading) -> None:
        self._head = head
        self._named = max(len(head.names), 1)
        self.width = self._named
        self.count = 0
        self._rows: list[list[str]] = []
        self._lines: list[int] = []
        self._short: list[int] = []
        self._long: list[int] = []
        self._repeated: list[int] = []

    def add(self, row: Sequence[str], line: int) -> None:
        """Take one row, unless it is the heading again."""
        again = self._head.row
        if again is not None and row[0] == again[0] and trimmed_row(row) == again:
            self._repeated.append(line)
            return
        cells = list(row)
        if len(cells) > self._named:
            cells = cells[: max(width_of(cells), self._named)]
        if len(cells) > self._named:
            self._long.append(line)
            self.width = max(self.width, len(cells))
        elif len(cells) < self._named:
            self._short.append(line)
        self._rows.append(cells)
        self._lines.append(line)
        self.count += 1

    def take(self) -> tuple[list[list[str]], list[int]]:
        """Return the rows that came since the last time, of one width, and their lines."""
        rows = [
            cells if len(cells) == self.width else cells + [""] * (self.width - len(cells))
            for cells in self._rows
        ]
        lines = self._lines
        self._rows, self._lines = [], []
        return rows, lines

    def said(self) -> tuple[list[Repair], list[Doubt]]:
        """Say what was done to rows."""
        repairs: list[Repair] = []
        doubts: list[Doubt] = []
        long = self._long
        if long and len(long) > 0.5 * self.count:
            # Most rows are wider than the heading: it lacks names, the rows are whole.
            message = f"L'en-tête nomme {self._named} colonnes, les lignes en ont {self.width}."
            doubts.append(Doubt(kind="heading", message=message))
            long = []
        for found, word, kind in ((self._short, "courte", "completées"), (long, "longue", "gardées")):
            if found:
                done = "complétée" if kind == "completées" else "gardée dans des colonnes ajoutées"
                plural = "s" if len(found) > 1 else ""
                done = done.replace("complétée", f"complétée{plural}").replace("gardée", f"gardée{plural}")
                message = f"{lines_said(len(found))} plus {word}{plural} que l'en-tête, {done}."
                repairs.append(Repair(kind="ragged", message=message, lines=tuple(found[:SHOWN])))
        if self._repeated:
            count = len(self._repeated)
            message = f"En-tête répété au milieu du tableau, {lines_said(count)} {left_aside(count)}."
            lines = tuple(self._repeated[:SHOWN])
            repairs.append(Repair(kind="header", message=message, lines=lines))
        return repairs, doubts

    def header(self) -> list[str]:
        """Return the names, an empty one for each column that was added."""
        return self._head.names + [""] * (self.width - len(self._head.names))

    def framed(self, repairs: Sequence[Repair]) -> Framed:
        """Return the table, after what was repaired before."""
        rows, lines = self.take()
        done, doubts = self.said()
        return Framed(
            header=self.header(),
            rows=rows,
            lines=lines,
            repairs=(*repairs, *done),
            doubts=(*self._head.doubts, *doubts),
        )

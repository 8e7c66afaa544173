"""Where the table is in a sheet or a text: its heading, its rows, and what stands before and after.

What is left aside is said with its lines; a row that does not have the heading's width is completed, said,
and never shifted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from eclaireur.core import french
from eclaireur.sources.reading import Doubt, Repair
from eclaireur.sources.values import number_of

__all__ = ["Framed", "Heading", "Square", "frame", "heading", "last_row"]

_SAMPLE = 200
_SHOWN = 50
_MOST_PREAMBLE = 60
_LONGEST = 80
_NUMBER = re.compile(
    r"[-+−(]?[\d\s\u00a0\u202f.,']*\d[\d\s\u00a0\u202f.,']*(e[-+]?\d+)?\)?\s?[%€]?", re.IGNORECASE
)
_DATE = re.compile(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}([ T].*)?|\d{4}-\d{1,2}-\d{1,2}([ T].*)?")
_YEAR = re.compile(r"(19|20)\d\d(\.0)?")
_TOTAL = re.compile(r"(sous[- ]?)?tota(l|ux)\b|ensemble$|somme$", re.IGNORECASE)
_NOTE = re.compile(
    r"[*(]|source|notes?\b|nota\b|n\.?b\.?\b|édit|extrait|export|imprim|fin\b|page\b|données|lecture|champ\b"
    r"|légende|mise? à jour|date\b|fait\b|©|--|chiffres|avertissement|attention|nombre de lignes|\d+ lignes",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Framed:
    """A heading, rows of its width, the line of each row, and what was repaired or is doubtful."""

    header: list[str]
    rows: list[list[str]]
    lines: list[int]
    repairs: tuple[Repair, ...] = ()
    doubts: tuple[Doubt, ...] = ()


def frame(rows: Sequence[Sequence[str]], lines: Sequence[int]) -> Framed:
    """Find the heading among rows, drop what stands before and after the table, square what is ragged.

    Parameters
    ----------
    rows, lines
        Rows that are not empty, at least one, and the line of each.

    Examples
    --------
    >>> found = frame([["Export", ""], ["Ville", "Prix"], ["Bourg", "1"], ["Nice", "2"]], [1, 3, 4, 5])
    >>> found.header, found.rows, found.lines, [repair.lines for repair in found.repairs]
    (['Ville', 'Prix'], [['Bourg', '1'], ['Nice', '2']], [4, 5], [(1,)])
    """
    head = heading(rows, lines)
    repairs = [*head.repairs]
    stop = last_row(rows, lines, head, repairs)
    square = Square(head)
    for index in range(head.first, stop):
        square.add(rows[index], lines[index])
    return square.framed(repairs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """The heading of a table, and what the first rows say of its columns.

    Parameters
    ----------
    names
        Of the columns.
    row
        The heading as it was written, by which it is known again further down; None without heading.
    first
        Index of the first row of data.
    full, shapes
        Usual width, and main shape of each column.
    """

    names: list[str]
    row: list[str] | None
    first: int
    full: int
    shapes: list[str]
    repairs: tuple[Repair, ...] = ()
    doubts: tuple[Doubt, ...] = ()


def heading(rows: Sequence[Sequence[str]], lines: Sequence[int]) -> Heading:
    """Find the heading among the first rows."""
    full = _usual_width(rows)
    start = _first_full(rows, full)
    start = _below_pairs(rows, start, full)
    body = rows[start + 1 : start + 1 + _SAMPLE]
    shapes = [_main_shape(body, column) for column in range(full)]
    start, named = _heading(rows, start, full, shapes)
    repairs: list[Repair] = []
    doubts: list[Doubt] = []
    if start:
        message = f"{_said(start)} avant le tableau, {_left(start)}."
        repairs.append(Repair(kind="preamble", message=message, lines=tuple(lines[:start])))
    first = start + named
    names = _trimmed(rows[start]) if named else [f"colonne {place}" for place in range(1, full + 1)]
    if not named:
        message = "La première ligne semble déjà contenir des données : les colonnes sont numérotées."
        doubts.append(Doubt(kind="heading", message=message, lines=(lines[start],)))
    elif first < len(rows) and _second_heading(rows, start):
        names = _two_levels(rows[start], rows[start + 1])
        message = "En-tête sur deux lignes, réunies."
        repairs.append(Repair(kind="header", message=message, lines=tuple(lines[start : start + 2])))
        first += 1
    return Heading(
        names=names,
        row=_trimmed(rows[start]) if named else None,
        first=first,
        full=full,
        shapes=shapes,
        repairs=tuple(repairs),
        doubts=tuple(doubts),
    )


def _said(count: int) -> str:
    return french.count(count, "ligne")


def _left(count: int) -> str:
    return "laissée de côté" if count == 1 else "laissées de côté"


def _width(row: Sequence[str]) -> int:
    """Cells up to the last that is not empty."""
    for index in range(len(row), 0, -1):
        cell = row[index - 1]
        if cell and not cell.isspace():
            return index
    return 0


def _filled(row: Sequence[str]) -> int:
    return sum(bool(cell and not cell.isspace()) for cell in row)


def _trimmed(row: Sequence[str]) -> list[str]:
    return list(row[: _width(row)])


def _usual_width(rows: Sequence[Sequence[str]]) -> int:
    """Width of most rows, up to the last cell that is ever filled among them."""
    sample = rows[:_SAMPLE]
    widths = Counter(_width(row) for row in sample)
    raw = Counter(len(row) for row in sample)
    usual = max(widths, key=lambda width: (widths[width] * (width > 1), width))
    # Sparse last columns: rows all have the same raw width, which counts when a cell is ever filled there.
    most, times = raw.most_common(1)[0]
    if times >= 0.6 * len(sample) and most > usual:
        reach = Counter(_width(row) for row in sample if len(row) == most)
        return max((width for width in reach if width <= most), default=usual)
    return usual


def _first_full(rows: Sequence[Sequence[str]], full: int) -> int:
    """Index of the first row that is as wide as the table, or nearly."""
    if full <= 1:
        return 0
    wanted = max(2, round(0.7 * full)) if full > 2 else full
    for index, row in enumerate(rows[:_MOST_PREAMBLE]):
        if _width(row) >= wanted and _filled(row) >= max(2, 0.5 * wanted):
            return index
    return 0


def _below_pairs(rows: Sequence[Sequence[str]], start: int, full: int) -> int:
    """Go down to a heading that is whole, when what stands above it is narrower, as « Période ; janvier »."""
    for index in range(start, min(start + 10, len(rows) - 1)):
        row = rows[index]
        if _width(row) < full:
            continue
        whole = index > start and _filled(row) == full and all(_shape(cell) == "t" for cell in row[:full])
        body = rows[index + 1 : index + 1 + _SAMPLE]
        typed = whole and any(_main_shape(body, column) in {"n", "d", "b"} for column in range(full))
        return index if typed else start
    return start


def _shape(cell: str) -> str:
    """Tell a number (n), a date (d), yes or no (b), an empty cell and text (t) apart."""
    text = cell.strip()
    if not text:
        return ""
    if len(text) > _LONGEST:
        return "t"
    if _DATE.fullmatch(text):
        return "d"
    if _NUMBER.fullmatch(text):
        return "n"
    return "b" if text.casefold() in {"oui", "non", "vrai", "faux", "true", "false"} else "t"


def _main_shape(rows: Sequence[Sequence[str]], column: int) -> str:
    """Shape of at least four filled cells in five, else text; empty when the column is."""
    counts = Counter(_shape(row[column]) for row in rows if column < len(row))
    counts.pop("", None)
    if not counts:
        return ""
    shape, times = counts.most_common(1)[0]
    return shape if times >= 0.8 * sum(counts.values()) else "t"


def _heading(rows: Sequence[Sequence[str]], start: int, full: int, shapes: Sequence[str]) -> tuple[int, bool]:
    """Return the index of the heading, or of the first row of data when there is no heading."""
    if _names(rows[start], shapes):
        return start, True
    for index in range(start + 1, min(start + 6, len(rows) - 1)):
        row = rows[index]
        if _width(row) < full - 1 or not _names(row, shapes) or any(_shape(cell) == "n" for cell in row):
            continue
        # Above a real heading stand narrow or untyped lines, never rows like those below it.
        if not any(_alike(rows[above], shapes) for above in range(start, index)):
            return index, True
    return start, False


def _alike(row: Sequence[str], shapes: Sequence[str]) -> bool:
    typed = [index for index, shape in enumerate(shapes) if shape in {"n", "d", "b"}]
    same = sum(index < len(row) and _shape(row[index]) == shapes[index] for index in typed)
    return bool(typed) and same >= 0.5 * len(typed)


def _names(row: Sequence[str], shapes: Sequence[str]) -> bool:
    """Tell whether cells are names: none has the shape of the values beneath it, but a year may."""
    filled = [(index, cell.strip()) for index, cell in enumerate(row) if cell.strip()]
    typed = [(index, cell) for index, cell in filled if _shape(cell) in {"n", "d", "b"}]
    if not typed:
        return True
    texts = [cell for _, cell in filled]
    if len(set(texts)) < len(texts):
        return False
    for index, cell in typed:
        beneath = shapes[index] if index < len(shapes) else ""
        other = beneath not in {"", _shape(cell)} and beneath != "t"
        if not other and not _YEAR.fullmatch(cell):
            return False
    return len(typed) < len(filled) or all(_YEAR.fullmatch(cell) for _, cell in typed)


def _second_heading(rows: Sequence[Sequence[str]], start: int) -> bool:
    """Tell whether the row under a heading with gaps names columns too."""
    top, below = rows[start], rows[start + 1]
    width = _width(below)
    gaps = [index for index in range(width) if index >= len(top) or not top[index].strip()]
    if not gaps or start + 2 >= len(rows):
        return False
    body = rows[start + 2 : start + 2 + _SAMPLE]
    typed = [index for index in range(width) if _main_shape(body, index) in {"n", "d", "b"}]
    named = [index for index in typed if below[index].strip() and _shape(below[index]) == "t"]
    return (
        len(typed) > 0
        and len(named) >= 0.5 * len(typed)
        and all(_shape(cell) in {"", "t"} or _YEAR.fullmatch(cell.strip()) for cell in below)
        and all(index < width and below[index].strip() for index in gaps)
    )


def _two_levels(top: Sequence[str], below: Sequence[str]) -> list[str]:
    names = []
    group = ""
    for index in range(max(_width(top), _width(below))):
        upper = top[index].strip() if index < len(top) else ""
        lower = below[index].strip() if index < len(below) else ""
        group = upper or group
        names.append(f"{group} {lower}".strip() if lower else upper)
    return names


def last_row(
    rows: Sequence[Sequence[str]],
    lines: Sequence[int],
    head: Heading,
    repairs: list[Repair],
    *,
    above: Sequence[float] = (),
) -> int:
    """Return the index after the last row of the table; notes and a proved total after it are said.

    Parameters
    ----------
    above
        Sums of the rows that are left out of ``rows``, for each column.
    """
    first, full, shapes = head.first, head.full, head.shapes
    stop = len(rows)
    while stop > first and _is_note(rows, lines, stop - 1, full, shapes):
        stop -= 1
    total = stop
    while total > first + 1 and _is_total(rows[first : total - 1], rows[total - 1], shapes, above):
        total -= 1
    if stop < len(rows):
        message = f"{_said(len(rows) - stop)} après le tableau, {_left(len(rows) - stop)}."
        repairs.append(Repair(kind="footer", message=message, lines=tuple(lines[stop:][:_SHOWN])))
    if total < stop:
        message = f"{_said(stop - total)} de total, {_left(stop - total)}."
        repairs.append(Repair(kind="total", message=message, lines=tuple(lines[total:stop])))
    return total


def _is_note(
    rows: Sequence[Sequence[str]], lines: Sequence[int], index: int, full: int, shapes: Sequence[str]
) -> bool:
    """Tell whether a last row is a remark: one filled cell, unlike the values of its column."""
    row = rows[index]
    if full < 2 or _filled(row) != 1:
        return False
    cell = next(cell for cell in row if cell.strip()).strip()
    if _TOTAL.match(cell):
        return False
    if not row[0].strip():
        return False
    above = max(rows[index - 1][0].count("\n"), rows[index - 1][0].count("\r")) if rows[index - 1] else 0
    apart = index > 0 and lines[index] - lines[index - 1] - above > 1
    if full == 2 and not apart and not _NOTE.match(cell):
        return False
    other = bool(shapes) and shapes[0] not in {"", "t", _shape(cell)}
    return apart or other or bool(_NOTE.match(cell)) or (len(row) == 1 and full > 2)


def _is_total(
    body: Sequence[Sequence[str]], row: Sequence[str], shapes: Sequence[str], above: Sequence[float] = ()
) -> bool:
    """Tell whether a last row is a total: it says so, and its sums hold or most of its cells are empty."""
    first = next((cell.strip() for cell in row if cell.strip()), "")
    if not _TOTAL.match(first) or len(body) < 2:
        return False
    if _filled(row) <= 0.5 * max(_filled(one) for one in body[:_SAMPLE]):
        return True
    sums = 0
    for column, cell in enumerate(row):
        if column < len(shapes) and shapes[column] == "n" and cell.strip():
            values = [number_of(one[column]) for one in body if column < len(one) and one[column].strip()]
            wanted = number_of(cell)
            known = [value for value in values if value is not None]
            before = above[column] if column < len(above) else 0.0
            if wanted is None or abs(before + sum(known) - wanted) > 0.01 + 1e-9 * abs(wanted):
                return False
            sums += 1
    return sums > 0


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
        if again is not None and row[0] == again[0] and _trimmed(row) == again:
            self._repeated.append(line)
            return
        cells = list(row)
        if len(cells) > self._named:
            cells = cells[: max(_width(cells), self._named)]
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
                message = f"{_said(len(found))} plus {word}{plural} que l'en-tête, {done}."
                repairs.append(Repair(kind="ragged", message=message, lines=tuple(found[:_SHOWN])))
        if self._repeated:
            count = len(self._repeated)
            message = f"En-tête répété au milieu du tableau, {_said(count)} {_left(count)}."
            lines = tuple(self._repeated[:_SHOWN])
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

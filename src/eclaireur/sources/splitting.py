"""Text cut into cells: the strict way where quotes hold, else line by line, each odd line said."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass, field

from eclaireur.sources.reading import Doubt, Repair

__all__ = ["Split", "separator_of", "split", "strict", "swallowed", "unspace"]

_USUAL = ("\t", ";", "|", ",")
_RARE = ("^", "~", "¦", "§", "#", "\x1f", "\x01", ":", "*", "!")
_SAMPLE = 200
_SAMPLE_CHARS = 500_000
_LONGEST_CELL = 40
_SHOWN = 50
_NUMBER_CUT = re.compile(r"\d,\d")
csv.field_size_limit(10_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Rows that are not empty, the line where each starts, and what was odd."""

    rows: list[list[str]]
    lines: list[int]
    repairs: list[Repair] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)


def separator_of(text: str) -> str:
    """Choose the separator that cuts the lines into the same number of cells, more than one; else ``""``.

    Examples
    --------
    >>> separator_of("a;b\\n1,5;2,5\\n3,0;4,0\\n")
    ';'
    >>> separator_of("nom\\nÉvreux\\n")
    ''
    """
    sample = text[:_SAMPLE_CHARS]
    for candidates in (_USUAL, _RARE):
        scores = {candidate: _regular(sample, candidate) for candidate in candidates if candidate in sample}
        best = max(scores, key=scores.__getitem__, default="")
        if best and scores[best] >= (0.3 if candidates is _USUAL else 0.95):
            return best
    return ""


def _regular(sample: str, separator: str) -> float:
    """Share of the lines that have the usual width, less what tells that the sign is not a separator."""
    rows = [row for row in _first_rows(sample, separator) if any(cell.strip() for cell in row)]
    widths = Counter(len(row) for row in rows if len(row) > 1)
    if not widths:
        return 0.0
    width, times = max(widths.items(), key=lambda item: (item[1] * min(item[0], 4), item[0]))
    score = times / len(rows)
    fitting = [row for row in rows if len(row) == width]
    others = [other for other in _USUAL if other not in {separator, ","}]
    # Cells that hold another separator, each as often as the next: they were not cut where they should be.
    for other in others:
        counts = {sum(cell.count(other) for cell in row) for row in fitting}
        if len(counts) == 1 and counts != {0}:
            score *= 0.6 if separator in "\t;" else 0.3
    if separator == ",":
        glued = sum(bool(_NUMBER_CUT.search(line)) for line in sample.splitlines()[:_SAMPLE])
        heading = fitting[0] == rows[0] or not any(char.isdigit() for cell in fitting[0] for char in cell)
        if glued > 0.5 * len(rows) and not heading:
            score *= 0.3
        prose = sum(cell.startswith(" ") for row in fitting for cell in row[1:])
        if prose > 0.5 * len(fitting) * (width - 1):
            score *= 0.6
    if separator in ":*!#" and width > 1 and not _clean_head(fitting[0]):
        score *= 0.5
    return score * (1 + min(width, 60) / 1000) * (1 + 0.01 * (separator in "\t;"))


def _clean_head(row: list[str]) -> bool:
    return all(cell.strip() and not cell[0].isspace() for cell in row)


def _first_rows(sample: str, separator: str) -> list[list[str]]:
    rows = []
    try:
        for row in csv.reader(io.StringIO(sample, newline=""), delimiter=separator):
            rows.append(row)
            if len(rows) >= _SAMPLE:
                break
    except csv.Error:
        pass
    return rows


def split(text: str, separator: str, *, offset: int = 0) -> Split:
    """Cut text into rows of cells.

    Parameters
    ----------
    offset
        Lines that stood before the text, to number what follows.
    """
    try:
        found = strict(text, separator, offset)
    except csv.Error:
        found = None
    if found is None and '\\"' in text:
        found = _escaped(text, separator, offset)
    if found is None:
        found = _tolerant(text, separator, offset)
    whole = _unwrapped(found, separator) or found
    _unspaced(whole)
    if len(whole.rows) > 2 and max(map(len, whole.rows)) == 1:
        where = tuple(
            line
            for row, line in zip(whole.rows, whole.lines, strict=True)
            if any(sign in row[0] for sign in _USUAL)
        )
        if len(where) > 0.5 * len(whole.rows):
            message = "Une seule colonne a été reconnue : le séparateur n'est pas sûr."
            whole.doubts.append(Doubt(kind="separator", message=message, lines=where[:_SHOWN]))
    inside = swallowed(whole, separator)
    if inside:
        message = "Des cellules contiennent des lignes entières du tableau : un guillemet manque peut-être."
        whole.doubts.append(Doubt(kind="quote", message=message, lines=inside[:_SHOWN]))
    return whole


def strict(text: str, separator: str, offset: int, *, escape: str | None = None) -> Split:
    """Cut text whose quotes hold; ``csv.Error`` when they do not. See `split`."""
    stream = io.StringIO(text, newline="")
    if escape:
        reader = csv.reader(stream, delimiter=separator, strict=True, escapechar=escape, doublequote=False)
    else:
        reader = csv.reader(stream, delimiter=separator, strict=True)
    rows, lines, line = [], [], 0
    for row in reader:
        start = line + 1 + offset
        line = reader.line_num
        if any(cell and not cell.isspace() for cell in row):
            rows.append(row)
            lines.append(start)
    return Split(rows=rows, lines=lines)


def _escaped(text: str, separator: str, offset: int) -> Split | None:
    """Try quotes that are escaped by a backslash, as MySQL writes them; kept when every row then fits."""
    try:
        found = strict(text, separator, offset, escape="\\")
    except csv.Error:
        return None
    if len({len(row) for row in found.rows}) != 1:
        return None
    message = "Guillemets précédés d'une barre oblique inverse, lus comme des guillemets."
    found.repairs.append(Repair(kind="quote", message=message))
    return found


def _tolerant(text: str, separator: str, offset: int) -> Split:
    """Cut line by line; a quote that is never closed is a sign like another, and its line is said."""
    physical = re.split(r"(?<=\n)|(?<=\r)(?!\n)", text)
    if physical and not physical[-1]:
        physical.pop()
    widths = Counter(len(_cut(line, separator)[0]) for line in physical[:2000] if line.strip())
    width = max(widths, key=lambda size: (widths[size], size), default=1)
    rows, lines, odd = [], [], []
    index = 0
    while index < len(physical):
        line, used = physical[index], 1
        cells, strange, opened = _cut(line, separator)
        if opened:
            joined = _joined(physical, index, separator, width)
            if joined is None:
                cells, strange = _cut(line, separator, literal=True)[0], True
            else:
                cells, used = joined
                strange = False
        if strange:
            odd.append(index + 1 + offset)
        if any(cell.strip() for cell in cells):
            rows.append(cells)
            lines.append(index + 1 + offset)
        index += used
    found = Split(rows=rows, lines=lines)
    if odd:
        message = "Guillemets mal fermés, lus comme des signes ordinaires ; vérifiez ces lignes."
        found.repairs.append(Repair(kind="quote", message=message, lines=tuple(odd[:_SHOWN])))
    return found


def _joined(physical: list[str], index: int, separator: str, width: int) -> tuple[list[str], int] | None:
    """Join the lines of one cell until its quote closes and the row has its width."""
    text = physical[index]
    for used in range(2, _LONGEST_CELL + 1):
        if index + used > len(physical):
            return None
        text += physical[index + used - 1]
        cells, strange, opened = _cut(text, separator)
        if not opened and not strange and len(cells) == width:
            return cells, used
    return None


def _cut(line: str, separator: str, *, literal: bool = False) -> tuple[list[str], bool, bool]:
    """Cut one line; return its cells, whether a quote was odd, and whether one stayed open."""
    line = line.rstrip("\r\n")
    cells: list[str] = []
    strange = False
    place = 0
    while True:
        if line.startswith('"', place):
            cell, end, odd = _quoted(line, place, separator)
            strange = strange or odd
            if end < 0 and not literal:
                return [*cells, cell], True, True
            if end >= 0:
                cells.append(cell)
                if end >= len(line):
                    return cells, strange, False
                place = end + 1
                continue
            strange = True
        end = line.find(separator, place)
        if end < 0:
            cells.append(line[place:])
            return cells, strange, False
        cells.append(line[place:end])
        place = end + 1


def _quoted(line: str, start: int, separator: str) -> tuple[str, int, bool]:
    """Read a quoted cell; return it, the place of the separator after it (−1: never closed), and oddness."""
    pieces: list[str] = []
    place = start + 1
    odd = False
    while True:
        end = line.find('"', place)
        if end < 0:
            return "".join([*pieces, line[place:]]), -1, odd
        if line.startswith('""', end):
            pieces.append(line[place : end + 1])
            place = end + 2
            continue
        after = end + 1
        while after < len(line) and line[after] == " ":
            after += 1
        if after >= len(line) or line[after] == separator:
            pieces.append(line[place:end])
            return "".join(pieces), after, odd
        odd = True
        pieces.append(line[place : end + 1])
        place = end + 1


def _unwrapped(found: Split, separator: str) -> Split | None:
    """Undo lines that were quoted whole, as a spreadsheet does to a file it did not understand."""
    rows = found.rows
    body = [row for row in rows if len(row) == 1]
    if len(rows) < 2 or len(body) < 0.8 * len(rows):
        return None
    inner = separator_of("\n".join(row[0] for row in body[:_SAMPLE]))
    if not inner or inner == separator or not any(inner in row[0] for row in body):
        inner = separator
    cut = [_cut(row[0], inner)[0] if len(row) == 1 else row for row in rows]
    widths = Counter(map(len, cut))
    width, times = widths.most_common(1)[0]
    if width < 2 or times < 0.8 * len(rows):
        return None
    message = "Lignes entières entre guillemets, ouvertes puis découpées."
    repairs = [*found.repairs, Repair(kind="quote", message=message)]
    return Split(rows=cut, lines=found.lines, repairs=repairs, doubts=found.doubts)


def _unspaced(found: Split) -> None:
    """Drop the space that follows each separator, where it follows all of them."""
    cells = [cell for row in found.rows[:_SAMPLE] for cell in row[1:] if cell.strip()]
    if len(cells) < 2 or not all(cell.startswith(" ") for cell in cells):
        return
    unspace(found.rows)
    found.repairs.append(Repair(kind="space", message="Espace après chaque séparateur, retirée."))


def unspace(rows: list[list[str]]) -> None:
    """Drop one space before each cell but the first."""
    for row in rows:
        row[1:] = [cell.removeprefix(" ") for cell in row[1:]]


def swallowed(found: Split, separator: str) -> tuple[int, ...]:
    """Return the lines of the rows of which a cell holds whole rows."""
    width = max((len(row) for row in found.rows[:_SAMPLE]), default=1)
    if width < 2:
        return ()
    return tuple(
        line
        for row, line in zip(found.rows, found.lines, strict=True)
        if any("\n" in cell and _holds_rows(cell, separator, width) for cell in row)
    )


def _holds_rows(cell: str, separator: str, width: int) -> bool:
    if width > 2:
        return cell.count(separator) >= width - 1
    return any(part.count(separator) == width - 1 for part in cell.split("\n"))

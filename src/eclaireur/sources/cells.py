"""What a row or a cell looks like, before anything is known of its table."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from eclaireur.core import french

__all__ = [
    "SAMPLE",
    "SHOWN",
    "filled_in",
    "left_aside",
    "lines_said",
    "main_shape",
    "shape_of",
    "trimmed_row",
    "width_of",
]

SAMPLE = 200
SHOWN = 50
_LONGEST = 80
_NUMBER = re.compile(
    r"[-+−(]?[\d\s\u00a0\u202f.,']*\d[\d\s\u00a0\u202f.,']*(e[-+]?\d+)?\)?\s?[%‰€]?", re.IGNORECASE
)
_DATE = re.compile(r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}([ T].*)?|\d{4}-\d{1,2}-\d{1,2}([ T].*)?")


def lines_said(count: int) -> str:
    """Say how many lines there are."""
    return french.count(count, "ligne")


def left_aside(count: int) -> str:
    """Say that so many lines are left aside."""
    return "laissée de côté" if count == 1 else "laissées de côté"


def width_of(row: Sequence[str]) -> int:
    """Cells up to the last that is not empty."""
    for index in range(len(row), 0, -1):
        cell = row[index - 1]
        if cell and not cell.isspace():
            return index
    return 0


def filled_in(row: Sequence[str]) -> int:
    """Count the cells that are not empty."""
    return sum(bool(cell and not cell.isspace()) for cell in row)


def trimmed_row(row: Sequence[str]) -> list[str]:
    """Give a row without the empty cells at its end."""
    return list(row[: width_of(row)])


def shape_of(cell: str) -> str:
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


def main_shape(rows: Sequence[Sequence[str]], column: int) -> str:
    """Shape of at least four filled cells in five, else text; empty when the column is."""
    counts = Counter(shape_of(row[column]) for row in rows if column < len(row))
    counts.pop("", None)
    if not counts:
        return ""
    shape, times = counts.most_common(1)[0]
    return shape if times >= 0.8 * sum(counts.values()) else "t"

"""The heading of a table: where it is among the first rows, and what stands before it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from eclaireur.sources.cells import (
    SAMPLE,
    filled_in,
    left_aside,
    lines_said,
    main_shape,
    shape_of,
    trimmed_row,
    width_of,
)
from eclaireur.sources.reading import Doubt, Repair

__all__ = ["Heading", "heading"]

_MOST_PREAMBLE = 60
_YEAR = re.compile(r"(19|20)\d\d(\.0)?")


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
    body = rows[start + 1 : start + 1 + SAMPLE]
    shapes = [main_shape(body, column) for column in range(full)]
    start, named = _heading(rows, start, full, shapes)
    repairs: list[Repair] = []
    doubts: list[Doubt] = []
    if start:
        message = f"{lines_said(start)} avant le tableau, {left_aside(start)}."
        repairs.append(Repair(kind="preamble", message=message, lines=tuple(lines[:start])))
    first = start + named
    names = trimmed_row(rows[start]) if named else [f"colonne {place}" for place in range(1, full + 1)]
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
        row=trimmed_row(rows[start]) if named else None,
        first=first,
        full=full,
        shapes=shapes,
        repairs=tuple(repairs),
        doubts=tuple(doubts),
    )


def _usual_width(rows: Sequence[Sequence[str]]) -> int:
    """Width of most rows, up to the last cell that is ever filled among them."""
    sample = rows[:SAMPLE]
    widths = Counter(width_of(row) for row in sample)
    raw = Counter(len(row) for row in sample)
    usual = max(widths, key=lambda width: (widths[width] * (width > 1), width))
    # Sparse last columns: rows all have the same raw width, which counts when a cell is ever filled there.
    most, times = raw.most_common(1)[0]
    if times >= 0.6 * len(sample) and most > usual:
        reach = Counter(width_of(row) for row in sample if len(row) == most)
        return max((width for width in reach if width <= most), default=usual)
    return usual


def _first_full(rows: Sequence[Sequence[str]], full: int) -> int:
    """Index of the first row that is as wide as the table, or nearly."""
    if full <= 1:
        return 0
    wanted = max(2, round(0.7 * full)) if full > 2 else full
    for index, row in enumerate(rows[:_MOST_PREAMBLE]):
        if width_of(row) >= wanted and filled_in(row) >= max(2, 0.5 * wanted):
            return index
    return 0


def _below_pairs(rows: Sequence[Sequence[str]], start: int, full: int) -> int:
    """Go down to a heading that is whole, when what stands above it is narrower, as « Période ; janvier »."""
    for index in range(start, min(start + 10, len(rows) - 1)):
        row = rows[index]
        if width_of(row) < full:
            continue
        whole = index > start and filled_in(row) == full and all(shape_of(cell) == "t" for cell in row[:full])
        body = rows[index + 1 : index + 1 + SAMPLE]
        typed = whole and any(main_shape(body, column) in {"n", "d", "b"} for column in range(full))
        return index if typed else start
    return start


def _heading(rows: Sequence[Sequence[str]], start: int, full: int, shapes: Sequence[str]) -> tuple[int, bool]:
    """Return the index of the heading, or of the first row of data when there is no heading."""
    if _names(rows[start], shapes):
        return start, True
    for index in range(start + 1, min(start + 6, len(rows) - 1)):
        row = rows[index]
        if width_of(row) < full - 1 or not _names(row, shapes) or any(shape_of(cell) == "n" for cell in row):
            continue
        # Above a real heading stand narrow or untyped lines, never rows like those below it.
        if not any(_alike(rows[above], shapes) for above in range(start, index)):
            return index, True
    return start, False


def _alike(row: Sequence[str], shapes: Sequence[str]) -> bool:
    typed = [index for index, shape in enumerate(shapes) if shape in {"n", "d", "b"}]
    same = sum(index < len(row) and shape_of(row[index]) == shapes[index] for index in typed)
    return bool(typed) and same >= 0.5 * len(typed)


def _names(row: Sequence[str], shapes: Sequence[str]) -> bool:
    """Tell whether cells are names: none has the shape of the values beneath it, but a year may."""
    filled = [(index, cell.strip()) for index, cell in enumerate(row) if cell.strip()]
    typed = [(index, cell) for index, cell in filled if shape_of(cell) in {"n", "d", "b"}]
    if not typed:
        return True
    texts = [cell for _, cell in filled]
    if len(set(texts)) < len(texts):
        return False
    for index, cell in typed:
        beneath = shapes[index] if index < len(shapes) else ""
        other = beneath not in {"", shape_of(cell)} and beneath != "t"
        if not other and not _YEAR.fullmatch(cell):
            return False
    return len(typed) < len(filled) or all(_YEAR.fullmatch(cell) for _, cell in typed)


def _second_heading(rows: Sequence[Sequence[str]], start: int) -> bool:
    """Tell whether the row under a heading with gaps names columns too."""
    top, below = rows[start], rows[start + 1]
    width = width_of(below)
    gaps = [index for index in range(width) if index >= len(top) or not top[index].strip()]
    if not gaps or start + 2 >= len(rows):
        return False
    body = rows[start + 2 : start + 2 + SAMPLE]
    typed = [index for index in range(width) if main_shape(body, index) in {"n", "d", "b"}]
    named = [index for index in typed if below[index].strip() and shape_of(below[index]) == "t"]
    return (
        len(typed) > 0
        and len(named) >= 0.5 * len(typed)
        and all(shape_of(cell) in {"", "t"} or _YEAR.fullmatch(cell.strip()) for cell in below)
        and all(index < width and below[index].strip() for index in gaps)
    )


def _two_levels(top: Sequence[str], below: Sequence[str]) -> list[str]:
    names = []
    group = ""
    for index in range(max(width_of(top), width_of(below))):
        upper = top[index].strip() if index < len(top) else ""
        lower = below[index].strip() if index < len(below) else ""
        group = upper or group
        names.append(f"{group} {lower}".strip() if lower else upper)
    return names

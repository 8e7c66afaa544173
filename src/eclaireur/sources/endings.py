"""The last rows of a table: notes and totals that stand after it."""

from __future__ import annotations

import re
from collections.abc import Sequence

from eclaireur.sources.cells import SAMPLE, SHOWN, filled_in, left_aside, lines_said, shape_of
from eclaireur.sources.headings import Heading
from eclaireur.sources.reading import Repair
from eclaireur.sources.values import number_of

__all__ = ["last_row"]

_TOTAL = re.compile(r"(sous[- ]?)?tota(l|ux)\b|ensemble$|somme$", re.IGNORECASE)
_NOTE = re.compile(
    r"[*(]|source|notes?\b|nota\b|n\.?b\.?\b|édit|extrait|export|imprim|fin\b|page\b|données|lecture|champ\b"
    r"|légende|mise? à jour|date\b|fait\b|©|--|chiffres|avertissement|attention|nombre de lignes|\d+ lignes",
    re.IGNORECASE,
)


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
        message = f"{lines_said(len(rows) - stop)} après le tableau, {left_aside(len(rows) - stop)}."
        repairs.append(Repair(kind="footer", message=message, lines=tuple(lines[stop:][:SHOWN])))
    if total < stop:
        message = f"{lines_said(stop - total)} de total, {left_aside(stop - total)}."
        repairs.append(Repair(kind="total", message=message, lines=tuple(lines[total:stop])))
    return total


def _is_note(
    rows: Sequence[Sequence[str]], lines: Sequence[int], index: int, full: int, shapes: Sequence[str]
) -> bool:
    """Tell whether a last row is a remark: one filled cell, unlike the values of its column."""
    row = rows[index]
    if full < 2 or filled_in(row) != 1:
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
    other = bool(shapes) and shapes[0] not in {"", "t", shape_of(cell)}
    return apart or other or bool(_NOTE.match(cell)) or (len(row) == 1 and full > 2)


def _is_total(
    body: Sequence[Sequence[str]], row: Sequence[str], shapes: Sequence[str], above: Sequence[float] = ()
) -> bool:
    """Tell whether a last row is a total: it says so, and its sums hold or most of its cells are empty."""
    first = next((cell.strip() for cell in row if cell.strip()), "")
    if not _TOTAL.match(first) or len(body) < 2:
        return False
    if filled_in(row) <= 0.5 * max(filled_in(one) for one in body[:SAMPLE]):
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

"""Where the table is in a sheet or a text: its heading, its rows, and what stands before and after.

What is left aside is said with its lines; a row that does not have the heading's width is completed, said,
and never shifted.
"""

from __future__ import annotations

from collections.abc import Sequence

from eclaireur.sources.endings import last_row
from eclaireur.sources.headings import heading
from eclaireur.sources.squaring import Framed, Square

__all__ = ["frame"]


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

"""Rows of a large sheet, batch after batch: the same reading as of a small one, in bounded memory.

The heading comes from the first rows, notes and totals from the last; those between are judged and typed as
they pass, as the blocks of a large text are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from eclaireur.sources.blocks import IrregularError
from eclaireur.sources.endings import last_row
from eclaireur.sources.feeding import Done, Feed, Sink, nothing
from eclaireur.sources.headings import heading
from eclaireur.sources.kinds import Decided
from eclaireur.sources.naming import distinct
from eclaireur.sources.squaring import Square
from eclaireur.sources.tally import TooVariedError

__all__ = ["Rows", "scan_rows"]

Rows = Callable[[], Iterator[tuple[int, list[str]]]]
"""Gives the rows that are not empty and the number of each, from the first."""

_ENDS = 300


class _WiderError(Exception):
    """A row has more cells than any before: everything starts again with that width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width


def scan_rows(
    open_rows: Rows,
    sink: Sink,
    *,
    restart: Callable[[], None],
    known: Sequence[Decided] = (),
    progress: Callable[[int], None] = nothing,
    batch: int = 20_000,
) -> Done:
    """Read rows from the first to the last.

    Parameters
    ----------
    sink
        Takes each batch.
    restart
        Called when all that ``sink`` took is void.
    known
        What each column holds, from a scan before; else it is guessed from the first batch.
    progress
        Called with the number of the row that is behind.
    batch
        Rows that are held at once.

    Raises
    ------
    IrregularError
        If only a reader that holds all the rows can read them.
    """
    width = 0
    while True:
        try:
            return _scanned(open_rows(), sink, known, progress, batch, width)
        except _WiderError as wider:
            width = wider.width
            restart()
        except TooVariedError as error:
            raise IrregularError from error


def _scanned(
    rows: Iterator[tuple[int, list[str]]],
    sink: Sink,
    known: Sequence[Decided],
    progress: Callable[[int], None],
    batch: int,
    width: int,
) -> Done:
    first = _some(rows, _ENDS)
    if len(first) < _ENDS:
        raise IrregularError
    numbers, start = [number for number, _ in first], [row for _, row in first]
    head = heading(start, numbers)
    square = Square(head)
    square.width = max(square.width, width)
    header, renamed = distinct(square.header())
    numeric = [name for name, shape in zip(header, head.shapes, strict=False) if shape == "n"]
    feed = Feed(header, sink, known=known, numeric=numeric, machine=True)
    for number, row in first[head.first :]:
        square.add(row, number)
    _put(feed, square, summed=False)
    last: list[tuple[int, list[str]]] = []
    while more := _some(rows, batch):
        # The end of each batch waits for the next: it may be the end of the sheet.
        last += more
        now, last = last[:-_ENDS], last[-_ENDS:]
        for number, row in now:
            square.add(row, number)
        _put(feed, square, summed=True)
        progress(more[-1][0])
    repairs = [*head.repairs]
    stop = last_row(
        [*start, *(row for _, row in last)],
        [*numbers, *(number for number, _ in last)],
        head,
        repairs,
        above=feed.sums(),
    )
    if stop < len(start) + min(1, len(last)):
        raise IrregularError
    for number, row in last[: stop - len(start)]:
        square.add(row, number)
    _put(feed, square, summed=False)
    ragged, doubts = square.said()
    return feed.done([*repairs, *ragged, *renamed], [*head.doubts, *doubts])


def _some(rows: Iterator[tuple[int, list[str]]], count: int) -> list[tuple[int, list[str]]]:
    return [found for _, found in zip(range(count), rows, strict=False)]


def _put(feed: Feed, square: Square, *, summed: bool) -> None:
    import numpy as np
    import pyarrow as pa

    rows, lines = square.take()
    if square.width > len(feed.names):
        raise _WiderError(square.width)
    if rows:
        columns = [
            pa.array([cell or None for cell in column], pa.string()) for column in zip(*rows, strict=True)
        ]
        feed.put(columns, np.array(lines, np.int64), summed=summed)

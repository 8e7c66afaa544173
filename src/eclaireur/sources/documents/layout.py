"""Puts the words of a page in the order in which a person reads them: lines, columns, tables.

Words become runs (pieces of a line without a wide gap). Where a gap between runs goes down the page between
long lines, the page has columns there, read one after the other between the lines that cross the gap;
where it goes down between short pieces that stand side by side, it is a table, read row by row.

References
----------
G. Nagy and S. Seth, « Hierarchical representation of optically scanned documents », ICPR 1984 (XY-cut).
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import median

__all__ = ["Block", "Run", "Word", "blocks", "runs"]

_MOST_DEPTH = 6
_WIDEST_SPACE = 0.9
_COLUMN_LINES = 4
_TABLE_ROWS = 2
_MOST_GUTTERS = 8


@dataclass(slots=True)
class Word:
    """A word on a page: its box in points from the top left, the size of its letters, and what hides it."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    size: float = 0.0
    confidence: float = float("nan")
    why: str = ""


@dataclass(slots=True)
class Run:
    """Words that follow each other on a line."""

    words: list[Word]
    x0: float
    y0: float
    x1: float
    y1: float

    @property
    def text(self) -> str:
        """The words with a space between."""
        return " ".join(word.text for word in self.words)

    @property
    def middle(self) -> float:
        """Height of the middle of the run."""
        return (self.y0 + self.y1) / 2

    def take(self, words: Iterable[Word]) -> None:
        """Add words at the end."""
        for word in words:
            self.words.append(word)
            self.x0, self.x1 = min(self.x0, word.x0), max(self.x1, word.x1)
            self.y0, self.y1 = min(self.y0, word.y0), max(self.y1, word.y1)


@dataclass(slots=True)
class Block:
    """Lines that are read together; of a table, each row is a list of cells.

    Parameters
    ----------
    lines
        Runs from the top to the bottom; of a table, all its cells.
    rows
        Cells by row; empty when the block is no table.
    left, right
        Edges of its column.
    """

    lines: list[Run]
    left: float
    right: float
    rows: list[list[Run]] = field(default_factory=list)


def _run(words: Sequence[Word]) -> Run:
    return Run(
        list(words),
        min(word.x0 for word in words),
        min(word.y0 for word in words),
        max(word.x1 for word in words),
        max(word.y1 for word in words),
    )


def _level(one: Word | Run, other: Word | Run) -> bool:
    """Tell whether two boxes are on the same line."""
    # Written out: this is asked tens of thousands of times.
    low = max(other.y0, one.y0)
    high = min(other.y1, one.y1)
    smaller, second = one.y1 - one.y0, other.y1 - other.y0
    return high - low > 0.5 * (min(second, smaller))


def _follows(last: Word | Run, after: Word | Run) -> bool:
    """Tell whether a box continues the line of another, a space apart."""
    return _level(last, after) and -0.3 <= (after.x0 - last.x1) / _height(last, after) <= _WIDEST_SPACE


def runs(words: Sequence[Word]) -> list[Run]:
    """Join words, in the order of the file, into runs; then join the runs that continue a line.

    Returns
    -------
    list of Run
        From the top to the bottom, then from left to right.
    """
    pieces: list[list[Word]] = []
    for word in words:
        last = pieces[-1][-1] if pieces else None
        if last is not None and last.y1 > word.y0 and _follows(last, word):
            pieces[-1].append(word)
        else:
            pieces.append([word])
    found = sorted((_run(piece) for piece in pieces), key=lambda run: (run.y0, run.x0))
    joined: list[Run] = []
    for run in found:
        for before in reversed(joined[-12:]):
            if before.y1 <= run.y0:
                continue
            if _follows(before, run):
                before.take(run.words)
                break
            if _follows(run, before):
                before.words[:0] = run.words
                before.x0 = run.x0
                before.y0, before.y1 = min(before.y0, run.y0), max(before.y1, run.y1)
                break
        else:
            joined.append(run)
    return joined


def _height(one: Word | Run, other: Word | Run) -> float:
    first, second = one.y1 - one.y0, other.y1 - other.y0
    tallest = max(second, first)
    return max(1.0, tallest)


def blocks(found: Sequence[Run]) -> list[Block]:
    """Put the runs of a page in reading order."""
    if not found:
        return []
    left, right = min(run.x0 for run in found), max(run.x1 for run in found)
    return _ordered(list(found), left, right, 0)


def _ordered(found: list[Run], left: float, right: float, depth: int) -> list[Block]:
    """Cut at the best gutter, if there is one; else read line by line, tables apart."""
    gutter = _gutter(found) if depth < _MOST_DEPTH else None
    if gutter is None:
        return _plain(found, left, right)
    crossing = sorted((run for run in found if run.x0 < gutter < run.x1), key=lambda run: run.middle)
    heights = [run.middle for run in crossing]
    bands: list[tuple[list[Run], list[Run]]] = [([], []) for _ in range(len(crossing) + 1)]
    for run in found:
        if not run.x0 < gutter < run.x1:
            band = bands[bisect_left(heights, run.middle)]
            band[run.x0 >= gutter].append(run)
    result: list[Block] = []
    whole: list[Run] = []
    for number, (first, second) in enumerate(bands):
        if len(first) >= 2 and len(second) >= 2:
            result += _plain(whole, left, right)
            whole = []
            edge = max((run.x1 for run in first), default=gutter)
            start = min((run.x0 for run in second), default=gutter)
            result += _ordered(first, left, edge, depth + 1) + _ordered(second, start, right, depth + 1)
        else:
            whole += first + second
        if number < len(crossing):
            whole.append(crossing[number])
    return result + _plain(whole, left, right)


def _gutter(found: Sequence[Run]) -> float | None:
    """Return the abscissa of the gap that goes down between long lines, with the most lines beside it."""
    if len(found) < 2 * _COLUMN_LINES:
        return None
    # A column begins at one abscissa: just before it, few places are to be tried.
    starts = Counter(
        round(after.x0) - 1.5
        for before, after in _side_by_side(found)
        if after.x0 - before.x1 > 0.8 * _height(before, after)
    )
    candidates = [place for place, _ in starts.most_common(_MOST_GUTTERS)]
    best: tuple[int, float] | None = None
    for place in sorted(candidates):
        first = [run for run in found if run.x1 <= place]
        second = [run for run in found if run.x0 >= place]
        if not (_prose(first) and _prose(second)):
            continue
        low, high = max(_top(first), _top(second)), min(_bottom(first), _bottom(second))
        beside = sum(low <= run.middle <= high for run in (*first, *second))
        across = sum(low <= run.middle <= high and run.x0 < place < run.x1 for run in found)
        # Of two gaps as good, the leftmost: what is on its right is cut again.
        if beside >= 2 * _COLUMN_LINES and across <= beside / 4 and (best is None or beside > best[0]):
            best = (beside, place)
    return None if best is None else best[1]


def _side_by_side(found: Sequence[Run]) -> list[tuple[Run, Run]]:
    """Return the neighbours on a line, among runs from the top to the bottom."""
    pairs = []
    for rank, run in enumerate(found):
        near = [other for other in found[max(rank - 8, 0) : rank + 9] if other is not run]
        after = [other for other in near if other.x0 >= run.x1 and _level(run, other)]
        if after:
            pairs.append((run, min(after, key=lambda other: other.x0)))
    return pairs


def _top(found: Sequence[Run]) -> float:
    return min(run.y0 for run in found)


def _bottom(found: Sequence[Run]) -> float:
    return max(run.y1 for run in found)


def _prose(found: Sequence[Run]) -> bool:
    """Tell whether runs are lines of columns: several words each, and most as wide as the widest."""
    if len(found) < _COLUMN_LINES:
        return False
    words = sum(len(run.words) for run in found) / len(found)
    wide = [run.x1 - run.x0 for run in found]
    return words >= 3 and median(wide) >= 0.6 * max(wide)


def _plain(found: Sequence[Run], left: float, right: float) -> list[Block]:
    """Read from the top to the bottom, rows of several cells as tables."""
    result: list[Block] = []
    table: list[list[Run]] = []
    for row in _rows(found):
        if len(row) > 1 and (not table or _aligned(table[-1], row)):
            table.append(row)
            continue
        result += _closed(table, left, right)
        table = [row] if len(row) > 1 else []
        if not table:
            _append(result, row[0], left, right)
    return result + _closed(table, left, right)


def _rows(found: Sequence[Run]) -> list[list[Run]]:
    rows: list[list[Run]] = []
    for run in sorted(found, key=lambda run: (run.middle, run.x0)):
        if rows and all(_level(other, run) for other in rows[-1]):
            rows[-1].append(run)
        else:
            rows.append([run])
    return [sorted(row, key=lambda run: run.x0) for row in rows]


def _aligned(above: Sequence[Run], below: Sequence[Run]) -> bool:
    """Tell whether two rows belong to one table: near, and a cell of each below or above one of the other."""
    height = max(run.y1 - run.y0 for run in (*above, *below))
    if _top(below) - _bottom(above) > 2.5 * height:
        return False
    facing = sum(any(run.x0 < other.x1 and other.x0 < run.x1 for other in above) for run in below)
    return facing >= min(len(above), len(below)) and facing >= 2


def _closed(table: list[list[Run]], left: float, right: float) -> list[Block]:
    """End a table; a single row of several pieces is a line with wide gaps."""
    if not table:
        return []
    cells = [run for row in table for run in row]
    if len(table) >= _TABLE_ROWS:
        return [Block(lines=cells, left=left, right=right, rows=table)]
    return [Block(lines=[_run([word for run in table[0] for word in run.words])], left=left, right=right)]


def _append(result: list[Block], run: Run, left: float, right: float) -> None:
    """Add a line to the last block when it is the next line of the same paragraph, else begin another."""
    if result and not result[-1].rows:
        last = result[-1].lines[-1]
        height = min(last.y1 - last.y0, run.y1 - run.y0)
        taller = max(last.y1 - last.y0, run.y1 - run.y0)
        if -0.5 * height < run.y0 - last.y1 <= 0.55 * height and taller < 1.25 * height:
            result[-1].lines.append(run)
            return
    result.append(Block(lines=[run], left=left, right=right))

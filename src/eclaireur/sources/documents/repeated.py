"""Tells headers, footers and page numbers from the text: they stand at the edge of the pages and come back.

A line is taken off only when it repeats at the same height on at least half of the pages (of one side, as
books have two), the number of the page in it aside, or when it is a page number that follows the pages.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence

from eclaireur.sources.documents.document import PartKind, Sheet
from eclaireur.sources.documents.layout import Run

__all__ = ["set_aside"]

_EDGE = 0.15
_LINES = 5
_SAME_HEIGHT = 6.0
_NUMBER = re.compile(
    r"[-–—]?\s*(?:p(?:age)?\.?\s*)?(\d{1,4})\s*(?:(?:/|sur|de)\s*\d{1,4})?\s*[-–—]?", re.IGNORECASE
)
_IN_LINE = re.compile(r"\bpage\s*:?\s*\d|\bp\.\s*\d|\d\s*(/|sur)\s*\d", re.IGNORECASE)
_TOTAL = re.compile(r"(?:p(?:age)?\.?\s*)?\d{1,4}\s*(?:/|sur)\s*\d{1,4}|page\s+\d{1,4}", re.IGNORECASE)


def set_aside(
    pages: Sequence[Sequence[Run]], sheets: Sequence[Sheet]
) -> list[tuple[list[Run], list[tuple[PartKind, Run]]]]:
    """Split the runs of each page into its text and what comes back at its edges."""
    edges = [_edges(runs, sheet) for runs, sheet in zip(pages, sheets, strict=True)]
    found: list[dict[int, PartKind]] = [{} for _ in pages]
    groups: dict[tuple[PartKind, str], list[tuple[int, Run]]] = defaultdict(list)
    numbers: dict[PartKind, list[tuple[int, Run, int]]] = defaultdict(list)
    for page, edge in enumerate(edges):
        for kind, run in edge:
            text = " ".join(run.text.split())
            numbering = _IN_LINE.search(text) is not None
            groups[kind, (re.sub(r"\d+", "0", text) if numbering else text).casefold()].append((page, run))
            number = _NUMBER.fullmatch(text)
            if number:
                numbers[kind].append((page, run, int(number[1]) - page))
            if kind is PartKind.FOOTER and _TOTAL.fullmatch(text):
                found[page][id(run)] = kind
    for (kind, _), members in groups.items():
        for page, run in _repeated(members, len(pages)):
            found[page][id(run)] = kind
    for kind, numbered in numbers.items():
        shifts = [shift for _, _, shift in numbered]
        for page, run, shift in numbered:
            if shifts.count(shift) >= 2 and shifts.count(shift) * 2 >= len(shifts):
                found[page][id(run)] = kind
    return [_split(runs, edge, kinds) for runs, edge, kinds in zip(pages, edges, found, strict=True)]


def _split(
    runs: Sequence[Run], edge: Sequence[tuple[PartKind, Run]], kinds: dict[int, PartKind]
) -> tuple[list[Run], list[tuple[PartKind, Run]]]:
    """Take off what comes back from the edge inwards, as far as the first line that does not."""
    gone: dict[int, PartKind] = {}
    for kind in (PartKind.HEADER, PartKind.FOOTER):
        lines = [run for side, run in edge if side is kind]
        limit = next((run for run in lines if id(run) not in kinds), None)
        for run in lines:
            beyond = limit is None or (
                run.y1 <= limit.y0 + 1 if kind is PartKind.HEADER else run.y0 >= limit.y1 - 1
            )
            if id(run) in kinds and (beyond or _NUMBER.fullmatch(run.text)):
                gone[id(run)] = kind
    return (
        [run for run in runs if id(run) not in gone],
        [(gone[id(run)], run) for run in runs if id(run) in gone],
    )


def _edges(runs: Sequence[Run], sheet: Sheet) -> list[tuple[PartKind, Run]]:
    """Return the first lines of a page that are near its top, and the last that are near its bottom."""
    down = sorted(runs, key=lambda run: run.y0)
    top = [(PartKind.HEADER, run) for run in down[: _LINES * 2] if run.y1 < _EDGE * sheet.height]
    low = [
        (PartKind.FOOTER, run) for run in reversed(down[-_LINES * 2 :]) if run.y0 > (1 - _EDGE) * sheet.height
    ]
    return top + low


def _repeated(members: list[tuple[int, Run]], pages: int) -> list[tuple[int, Run]]:
    """Return the lines of a group that are at its usual height, when they are on enough pages."""
    if len(members) < 2:
        return []
    heights = sorted(run.y0 for _, run in members)
    usual = heights[len(heights) // 2]
    same = [(page, run) for page, run in members if abs(run.y0 - usual) <= _SAME_HEIGHT]
    on = {page for page, _ in same}
    for side in (range(pages), range(0, pages, 2), range(1, pages, 2)):
        shown = on & set(side)
        if len(shown) >= 2 and len(shown) * 2 >= len(side):
            return same
    # A header that begins late, or changes with the chapter: on three pages that follow each other.
    return same if any({page, page + 1, page + 2} <= on for page in on) else []

"""How values of view blocks read, the same in the terminal, on a page and in a file."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from difflib import SequenceMatcher
from itertools import pairwise, zip_longest
from typing import Any

from eclaireur.core import french
from eclaireur.core.view import Mark, Reason, SpanText

__all__ = [
    "Pieces",
    "by_theme",
    "is_identifier",
    "origin",
    "parted",
    "pieces",
    "printable",
    "show",
    "side_by_side",
]

_IDENTIFIER = re.compile(r"(?=(?:[^0-9]*[0-9]){5})[0-9A-Za-z]+(?:[-_.][0-9A-Za-z]+)*")
_WORDS = re.compile(r"\s+|\w+|[^\w\s]")
_LONGEST_LINE = 2000
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]"
)


def show(value: Any, kind: str = "text") -> str:
    """Write a cell in French; ``kind`` ``share`` makes a percentage of a number in [0, 1].

    >>> show(0.314, "share"), show(None), show(True), show(date(2026, 11, 20))
    ('31\\xa0%', '–', 'oui', '20/11/2026')
    """
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return "–"
    if kind == "share":
        return french.percent(float(value))
    if isinstance(value, bool):
        return "oui" if value else "non"
    if isinstance(value, datetime):
        return french.moment(value)
    if isinstance(value, date):
        return french.day(value)
    if isinstance(value, int):
        return french.number(value)
    if isinstance(value, float):
        return french.number(value, 3 if abs(value) < 10 else 1)
    if isinstance(value, tuple | list):
        return "\n".join(show(one) for one in value)
    return str(value)


def printable(text: str) -> str:
    """Leave out what neither XML nor a page may hold: control characters and lone surrogates.

    >>> printable("a\\x00b\\tc")
    'ab\\tc'
    """
    return _UNPRINTABLE.sub("", text)


def is_identifier(text: str) -> bool:
    """Tell whether a value looks like an identifier, worth copying: one word with five digits or more.

    >>> is_identifier("80295478500028"), is_identifier("20/11/2026"), is_identifier("12 rue Haute")
    (True, False, False)
    """
    return _IDENTIFIER.fullmatch(text) is not None


def origin(reason: Reason) -> str:
    """Return where a reason comes from and its date; empty when neither is known."""
    known = [reason.source, french.day(reason.observed) if reason.observed else ""]
    return ", ".join(part for part in known if part)


def by_theme(reasons: Iterable[Reason]) -> dict[str, list[Reason]]:
    """Group reasons by theme, the theme of the strongest first."""
    groups: dict[str, list[Reason]] = {}
    for reason in sorted(reasons, key=lambda one: -abs(one.weight)):
        groups.setdefault(reason.theme, []).append(reason)
    return groups


def parted(reasons: Iterable[Reason]) -> tuple[tuple[str, str, list[Reason]], ...]:
    """Part reasons into what raises and what lowers: heading, arrow and reasons; none when empty."""
    kept = list(reasons)
    sides = (
        ("Ce qui augmente", "▲", [one for one in kept if one.weight > 0]),
        ("Ce qui diminue", "▼", [one for one in kept if one.weight < 0]),
    )
    return tuple(side for side in sides if side[2])


def pieces(block: SpanText) -> Iterator[tuple[str, tuple[Mark, ...]]]:
    """Cut a text where a mark begins or ends, and give each piece with the marks that cover it."""
    size = len(block.text)
    marks = [mark for mark in block.marks if max(mark.start, 0) < min(mark.end, size)]
    cuts = sorted({0, size, *(max(one.start, 0) for one in marks), *(min(one.end, size) for one in marks)})
    for start, end in pairwise(cuts):
        covering = tuple(one for one in marks if one.start <= start and one.end >= end)
        yield block.text[start:end], covering


Pieces = list[tuple[str, bool]]
"""A line cut in pieces, each with True where it differs."""


def side_by_side(left: str, right: str) -> Iterator[tuple[Pieces, Pieces]]:
    """Pair the lines of two texts, and cut each pair where its words differ.

    >>> list(side_by_side("un\\ndeux", "un\\ntrois"))
    [([('un', False)], [('un', False)]), ([('deux', True)], [('trois', True)])]
    """
    one, other = printable(left).splitlines(), printable(right).splitlines()
    for kind, a, b, c, d in SequenceMatcher(None, one, other).get_opcodes():
        for mine, its in zip_longest(one[a:b], other[c:d], fillvalue=""):
            if kind == "equal":
                yield [(mine, False)], [(its, False)]
            else:
                yield _words(mine, its)


def _words(left: str, right: str) -> tuple[Pieces, Pieces]:
    if max(len(left), len(right)) > _LONGEST_LINE:  # the comparison is quadratic
        return [(left, bool(left))], [(right, bool(right))]
    one, other = _WORDS.findall(left), _WORDS.findall(right)
    mine: Pieces = []
    its: Pieces = []
    for kind, a, b, c, d in SequenceMatcher(None, one, other, autojunk=False).get_opcodes():
        changed = kind != "equal"
        if b > a:
            mine.append(("".join(one[a:b]), changed))
        if d > c:
            its.append(("".join(other[c:d]), changed))
    return mine, its

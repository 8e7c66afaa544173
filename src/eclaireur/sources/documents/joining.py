"""Joins lines into text: words cut at the end of a line are made whole, and every piece keeps its box."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from eclaireur.core import french
from eclaireur.sources.documents.document import PartKind
from eclaireur.sources.documents.layout import Block, Run
from eclaireur.sources.documents.writing import Writer

__all__ = ["Joiner", "vocabulary"]

_HYPHENS = "-\u2010\u00ad"
_LETTERS = re.compile(r"[^\W\d_]+$")
_FIRST = re.compile(r"[^\W\d_]+")
_BULLET = re.compile(r"([•●○▪■□◦‣·\-–—*]|\(?([0-9]{1,2}|[a-zA-Z]|[ivx]{1,4})[.)°]|[0-9]+(\.[0-9]+)+\.?)$")
_ENDED = (".", "!", "?", ":", ";", "»", "…")
_AFTER = {"ci", "là", "moi", "toi", "lui", "nous", "vous", "même", "mêmes", "je", "tu", "y", "en", "ce"}
_AFTER_T = {"il", "ils", "elle", "elles", "on"}
_BEFORE = {"peut", "vice", "demi", "celui", "celle", "ceux", "celles", "avant", "après", "porte", "est"}
_AU = {"dessus", "dessous", "delà", "devant", "dehors", "dedans"}


def vocabulary(runs: Iterable[Run]) -> set[str]:
    """Return the words inside the lines, in small letters: they tell how one that is cut is written."""
    return {
        word.text.strip(".,;:()«»\"'’").lower()
        for run in runs
        for word in run.words[:-1]
        if len(word.text) > 3
    }


class Joiner:
    """Writes the blocks of each page one after the other.

    Parameters
    ----------
    words
        See `vocabulary`.
    """

    def __init__(self, writer: Writer, words: set[str]) -> None:
        self._writer = writer
        self._words = words
        self._rejoined = 0
        self._last: Run | None = None
        self._right = 0.0
        self._in_body = False

    def page(self, blocks: Sequence[Block], number: int) -> None:
        """Write the blocks of a page."""
        for rank, block in enumerate(blocks):
            if block.rows:
                self._table(block, number)
                continue
            for place, run in enumerate(block.lines):
                after = self._between(run, block, first=not place, new_page=not rank and not place)
                self._line(run, number, after)
            self._right = block.right

    def end(self) -> None:
        """Say what was done."""
        self._writer.end()
        if self._rejoined:
            said = french.count(self._rejoined, "mot coupé", "mots coupés")
            self._writer.repair(
                "hyphen", f"{said} en fin de ligne, rétabli{'s' if self._rejoined > 1 else ''}."
            )

    def _table(self, block: Block, number: int) -> None:
        self._writer.begin(PartKind.TABLE, page=number)
        for rank, row in enumerate(block.rows):
            if rank:
                self._writer.add("\n")
            for place, cell in enumerate(row):
                if place:
                    self._writer.add("\t")
                self._writer.add_words(cell.words, number)
        self._writer.end()
        self._in_body, self._last = False, None

    def _line(self, run: Run, number: int, between: str) -> None:
        if not self._in_body:
            self._writer.begin(PartKind.BODY, page=number)
            self._in_body = True
        elif between:
            self._writer.add(between)
        self._writer.add_words(run.words, number)
        self._last = run

    def _between(self, run: Run, block: Block, *, first: bool, new_page: bool) -> str:
        """Say what stands between the last line and this one; a hyphen that only cut a word is taken off."""
        if self._last is None or not self._in_body:
            return ""
        before, after = self._last.words[-1].text, run.words[0].text
        cut = before[-1:] in _HYPHENS and len(before) > 1 and after[:1].isalnum()
        if first and not new_page and not cut:
            return "\n\n"
        if first and new_page and not (cut or (after[:1].islower() and not before.endswith(_ENDED))):
            return "\n\n"
        if cut and self._same_word(before, after):
            self._rejoined += 1
            self._writer.shorten(1)
            return ""
        if cut:
            return ""
        right = self._right if first else block.right
        full = self._last.x1 + (run.words[0].x1 - run.words[0].x0) > right - 0.4 * (run.y1 - run.y0)
        return "\n" if (not full and not new_page) or _BULLET.match(after) else " "

    def _same_word(self, before: str, after: str) -> bool:
        """Tell whether the hyphen between two pieces was only there because the line ended."""
        head, tail = _LETTERS.search(before[:-1]), _FIRST.match(after)
        if head is None or tail is None or not after[0].islower():
            return False
        one, other = head.group().lower(), tail.group().lower()
        start = before[:-1].lower().lstrip("(«\"'")
        if f"{start}{other}" in self._words or f"{one}{other}" in self._words:
            return True
        if f"{start}-{other}" in self._words or f"{one}-{other}" in self._words:
            return False
        kept = (
            other in _AFTER
            or (other in _AFTER_T and one.endswith(("t", "d")))
            or one in _BEFORE
            or (one == "au" and other in _AU)
            or "-" in start
        )
        return not kept

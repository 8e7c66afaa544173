"""Recognises the pages that are images, and says which were not, and why."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from eclaireur.core import french
from eclaireur.sources.documents.inside import Inside
from eclaireur.sources.documents.ocr import ABSENT, INSTALL, words_of
from eclaireur.sources.documents.pages import Leaf
from eclaireur.sources.documents.writing import Writer

__all__ = ["Recogniser"]


class Recogniser:
    """Sends pages to recognition one by one and keeps account.

    Parameters
    ----------
    pages
        How many the document has.
    """

    def __init__(self, writer: Writer, inside: Inside, pages: int) -> None:
        self._writer, self._inside, self._pages = writer, inside, pages
        self._done = self._late = self._missing = self._refused = 0

    def page(self, number: int, leaf: Leaf, draw: Callable[[], tuple[Path, float] | None]) -> Leaf:
        """Return the page as recognised; with its own words when none is found or it cannot be.

        Parameters
        ----------
        draw
            Writes the page as an image; returns it with its dots per inch, or None when it is too large.
        """
        if self._late or self._missing:
            self._late += bool(self._late)
            self._missing += bool(self._missing)
            return leaf
        drawn = draw()
        if drawn is None:
            self._refused += 1
            return leaf
        path, dots = drawn
        self._inside.tell(number, self._pages)
        answer = self._inside.ask(path, round(dots))
        path.unlink(missing_ok=True)
        self._late += answer.late
        self._missing += answer.missing
        if answer.late or answer.missing:
            return leaf
        self._done += 1
        words = words_of(answer.table, dots)
        if not words:
            return Leaf(leaf.words, leaf.width, leaf.height, recognised=True)
        return Leaf(
            [*words, *(word for word in leaf.words if word.why)], leaf.width, leaf.height, recognised=True
        )

    def end(self) -> None:
        """Say what was recognised and what was not."""
        if self._done:
            said = french.count(self._done, "page numérisée", "pages numérisées")
            self._writer.repair("ocr", f"{said}, dont le texte a été reconnu dans l'image.")
        if self._missing:
            said = french.count(self._missing, "page numérisée non lue", "pages numérisées non lues")
            self._writer.doubt("ocr_missing", f"{said}. {ABSENT} {INSTALL}", count=self._missing)
        if self._late:
            said = french.count(self._late, "page numérisée non lue", "pages numérisées non lues")
            message = f"{said}, le temps accordé est écoulé : recommencez avec --seconds 600."
            self._writer.doubt("ocr_late", message, count=self._late)
        if self._refused:
            said = french.count(self._refused, "page trop grande", "pages trop grandes")
            self._writer.doubt("ocr_large", f"{said} pour en reconnaître le texte.", count=self._refused)

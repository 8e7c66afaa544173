"""Writes a text without pages: paragraphs, tables, and what is set aside, as a format's reader meets them."""

from __future__ import annotations

import re

from eclaireur.sources.documents.document import PartKind
from eclaireur.sources.documents.writing import Writer, clean

__all__ = ["Flow"]

_SPACES = re.compile(r"[ \t\r\n\f]+")


class Flow:
    """Collects pieces of text into paragraphs.

    A piece goes to the main text, or to the part set aside that is open (`enter` and `leave`); a piece that
    nobody sees goes to an invisible part of its own, wherever it stands.

    Parameters
    ----------
    collapse
        Spaces and line ends of the source are one space, as in a web page.
    """

    def __init__(self, writer: Writer, *, collapse: bool = False) -> None:
        self._writer, self._collapse = writer, collapse
        self._paragraph: list[str] = []
        self._hidden: list[str] = []
        self._why = ""
        self._asides: list[tuple[PartKind, list[str]]] = []
        self._rows: list[list[str]] | None = None
        self._tables = 0
        self._begun = False

    def text(self, text: str, *, why: str = "") -> None:
        """Add a piece; ``why`` says what hides it."""
        if why:
            if why != self._why:
                self._end_hidden()
            self._why = why
            self._hidden.append(text)
            return
        if text.strip():
            self._end_hidden()
        self._paragraph.append(text)

    def line(self) -> None:
        """End a line inside a paragraph."""
        (self._hidden if self._why else self._paragraph).append("\0")

    def end_paragraph(self) -> None:
        """End the paragraph."""
        if self._why:
            self._hidden.append("\0")
        text = self._tidy(self._paragraph)
        self._paragraph = []
        if not text:
            return
        if self._rows is not None:
            cell = self._rows[-1] if self._rows else None
            if cell:
                cell[-1] = f"{cell[-1]} {text}".strip()
                return
        if self._asides:
            self._asides[-1][1].append(text)
            return
        if not self._begun:
            self._writer.begin(PartKind.BODY)
            self._begun = True
        else:
            self._writer.add("\n\n")
        self._writer.add(text)

    def enter(self, kind: PartKind) -> None:
        """Open a part that is set aside."""
        self.end_paragraph()
        self._asides.append((kind, []))

    def leave(self) -> None:
        """Close the part that is set aside."""
        self.end_paragraph()
        kind, texts = self._asides.pop()
        self._writer.aside(kind, "\n".join(texts))

    def begin_table(self) -> None:
        """Open a table; one inside another is part of its cell."""
        self._tables += 1
        if self._tables == 1:
            self.end_paragraph()
            self._rows = []

    def row(self) -> None:
        """Begin a row."""
        if self._tables == 1 and self._rows is not None:
            self.end_paragraph()
            self._rows.append([])

    def cell(self) -> None:
        """Begin a cell."""
        if self._tables == 1 and self._rows:
            self.end_paragraph()
            self._rows[-1].append("")

    def end_table(self) -> None:
        """Close a table; one of a single column is a frame around paragraphs."""
        self.end_paragraph()
        self._tables = max(self._tables - 1, 0)
        if self._tables or self._rows is None:
            return
        rows, self._rows = [row for row in self._rows if any(row)], None
        if not rows:
            return
        text = "\n".join(
            "\t".join(cell.replace("\t", " ").replace("\n", " ") for cell in row) for row in rows
        )
        if self._asides:
            self._asides[-1][1].append(text)
            return
        framed = max(map(len, rows)) == 1
        self._writer.begin(PartKind.BODY if framed else PartKind.TABLE)
        self._writer.add(text)
        self._writer.end()
        self._begun = False

    def finish(self) -> None:
        """Close whatever is open."""
        while self._asides:
            self.leave()
        self._tables = min(self._tables, 1)
        self.end_table()
        self._end_hidden()
        if self._begun:  # a flow inside another leaves its paragraph open
            self._writer.end()

    def _end_hidden(self) -> None:
        text, why = self._tidy(self._hidden), self._why
        self._hidden, self._why = [], ""
        if text:
            self._writer.aside(PartKind.INVISIBLE, text, why=why)

    def _tidy(self, pieces: list[str]) -> str:
        text = "".join(pieces)
        if self._collapse:
            text = _SPACES.sub(" ", text)
        lines = "\n".join(line.strip() for line in text.split("\0")).strip()
        return lines if any(clean(lines)) else ""

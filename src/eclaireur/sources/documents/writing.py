"""Builds a document as its text comes: the main text, the parts set aside, and the place of each word."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from eclaireur.core import french
from eclaireur.sources.documents.document import ASIDE, SPAN, Attachment, Document, Part, PartKind, Sheet
from eclaireur.sources.reading import Doubt, Outcome, Repair

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eclaireur.sources.documents.layout import Word

__all__ = ["Box", "Writer", "clean"]

Box = tuple[float, float, float, float]
"""Left, top, right and bottom in points."""

_LIGATURES = {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st"}
# Signs that show nothing and break words for a program that searches: widths of zero, directions, marks.
_UNSEEN = "\u200b\u200c\u200d\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2060\u2066\u2067\u2068\u2069\ufeff"
_TAGS = re.compile("[\U000e0000-\U000e007f]+")
_CHANGES = re.compile(
    f"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\u00ad{_UNSEEN}{''.join(_LIGATURES)}\U000e0000-\U000e007f]"
)
_ONE = {**_LIGATURES, **dict.fromkeys(_UNSEEN, ""), "\u00ad": ""}


def clean(text: str) -> tuple[str, str]:
    """Return the text without ligatures and signs that show nothing, and the text hidden in Unicode tags.

    Examples
    --------
    >>> clean("e\\ufb03cace\\u200b")
    ('efficace', '')
    """
    if _CHANGES.search(text) is None:
        return text, ""
    hidden = "".join(chr(ord(sign) - 0xE0000) for run in _TAGS.findall(text) for sign in run)
    kept = _CHANGES.sub(lambda found: _ONE.get(found.group(), ""), _TAGS.sub("", text))
    return kept, "".join(sign for sign in hidden if sign.isprintable())


@dataclass(slots=True)
class _Open:
    """The part that is being written."""

    kind: PartKind
    start: int
    page: int
    why: str


class Writer:
    """Collects a document.

    `begin` opens a part, `add` adds a piece of text to it, and `add_words` words with their boxes when the
    format has pages; a part that is set aside has its own offsets.
    """

    def __init__(self, file: str, format: str) -> None:  # noqa: A002 - the word of the field
        self.file, self.format = file, format
        self.title = self.author = ""
        self.date: datetime | None = None
        self.facts: list[tuple[str, str]] = []
        self.repairs: list[Repair] = []
        self.doubts: list[Doubt] = []
        self.pages: list[Sheet] = []
        self.attachments: list[Attachment] = []
        # Whether the format has pages, and how the boxes of a page read along its side are turned back.
        self.placed = False
        self.turned: dict[int, Callable[[Box], Box]] = {}
        self._main: list[str] = []
        self._length = 0
        self._aside: list[str] = []
        self._aside_length = 0
        self._open: _Open | None = None
        self._parts: list[Part] = []
        self._spans: list[tuple[int, int, int, int, float, float, float, float, float]] = []
        self._tagged: list[str] = []

    def begin(self, kind: PartKind, *, page: int = 0, why: str = "", gap: str = "\n\n") -> None:
        """Close the open part and open another; in the main text a gap stands between two."""
        self.end()
        self._open = self._begun(kind, page, why, gap)

    def _begun(self, kind: PartKind, page: int, why: str, gap: str) -> _Open:
        if kind in ASIDE:
            return _Open(kind, 0, page, why)
        if self._length:
            self._main.append(gap)
            self._length += len(gap)
        return _Open(kind, self._length, page, why)

    def end(self) -> None:
        """Close the open part."""
        opened, self._open = self._open, None
        if opened is None:
            return
        if opened.kind in ASIDE:
            text = "".join(self._aside)
            self._aside, self._aside_length = [], 0
            self._parts.append(Part(kind=opened.kind, text=text, page=opened.page, why=opened.why))
            return
        text = self._tail(opened.start)
        self._parts.append(Part(kind=opened.kind, text=text, start=opened.start, page=opened.page))

    def _tail(self, start: int) -> str:
        """Return the main text from an offset where a piece begins, without joining all that comes before."""
        pieces, left = [], self._length - start
        for piece in reversed(self._main):
            if left <= 0:
                break
            pieces.append(piece)
            left -= len(piece)
        return "".join(reversed(pieces))

    def add(self, text: str) -> None:
        """Add a piece of text to the open part."""
        opened = self._opened()
        text, hidden = clean(text)
        if hidden:
            self._tagged.append(hidden)
        if opened.kind in ASIDE:
            self._aside.append(text)
            self._aside_length += len(text)
        elif text:
            self._main.append(text)
            self._length += len(text)

    def add_words(self, words: Sequence[Word], page: int) -> None:
        """Add words with a space between them, each a span."""
        opened = self._opened()
        aside = opened.kind in ASIDE
        texts, place = (self._aside, self._aside_length) if aside else (self._main, self._length)
        part, turn = len(self._parts) if aside else -1, self.turned.get(page)
        spaced = False
        for word in words:
            text, hidden = clean(word.text)
            if hidden:
                self._tagged.append(hidden)
            if not text:
                continue
            if spaced:
                texts.append(" ")
                place += 1
            texts.append(text)
            box = (word.x0, word.y0, word.x1, word.y1)
            self._spans.append(
                (part, place, place + len(text), page, *(turn(box) if turn else box), word.confidence)
            )
            place, spaced = place + len(text), True
        if aside:
            self._aside_length = place
        else:
            self._length = place

    def _opened(self) -> _Open:
        if self._open is None:
            self._open = self._begun(PartKind.BODY, 0, "", "\n\n")
        return self._open

    def shorten(self, signs: int) -> None:
        """Take signs off the end of the main text and of its last span: the hyphen of a word that was cut."""
        self._main[-1] = self._main[-1][:-signs]
        self._length -= signs
        if self._spans and self._spans[-1][2] > self._length:
            part, start, end, *_ = last = self._spans[-1]
            self._spans[-1] = (part, start, end - signs, *last[3:])

    @property
    def length(self) -> int:
        """Characters of the main text so far."""
        return self._length

    def aside(self, kind: PartKind, text: str, *, page: int = 0, why: str = "") -> None:
        """Add a whole part that is set aside, without closing the part of the main text that is open."""
        text, hidden = clean(text)
        if hidden:
            self._tagged.append(hidden)
        if text.strip():
            self._parts.append(Part(kind=kind, text=text.strip(), page=page, why=why))

    def count(self, kind: PartKind) -> int:
        """Parts of a kind so far."""
        return sum(part.kind is kind for part in self._parts)

    def repair(self, kind: str, message: str) -> None:
        """Say something that was put right."""
        self.repairs.append(Repair(kind=kind, message=message))

    def doubt(self, kind: str, message: str, *, count: int = 0) -> None:
        """Say something that only a person can settle."""
        self.doubts.append(Doubt(kind=kind, message=message, count=count))

    def finish(self) -> Document:
        """Return the document."""
        self.end()
        for hidden in self._tagged:
            self.aside(PartKind.INVISIBLE, hidden, why="écrit en signes que rien n'affiche")
        invisible = [part for part in self._parts if part.kind is PartKind.INVISIBLE]
        if invisible:
            said = french.count(len(invisible), "passage invisible", "passages invisibles")
            whys = ", ".join(dict.fromkeys(part.why for part in invisible if part.why))
            message = f"{said}, à part du texte{f' ({whys})' if whys else ''}."
            self.doubt("invisible", message, count=len(invisible))
        left = sum(one.document is None for one in self.attachments)
        if left:
            said = french.count(left, "pièce jointe non lue", "pièces jointes non lues")
            self.doubt("attachment", f"{said} : il y en a trop, ou elles sont trop grosses.", count=left)
        outcome = Outcome.LU_AVEC_RESERVES if self.repairs or self.doubts else Outcome.LU
        return Document(
            file=self.file,
            outcome=outcome,
            format=self.format,
            text="".join(self._main),
            spans=self._table() if self.placed else None,
            parts=tuple(self._parts),
            pages=tuple(self.pages),
            title=self.title,
            author=self.author,
            date=self.date,
            facts=tuple(self.facts),
            attachments=tuple(self.attachments),
            repairs=tuple(self.repairs),
            doubts=tuple(self.doubts),
        )

    def _table(self) -> NDArray[np.void]:
        import numpy as np

        return np.array(self._spans, dtype=SPAN)

"""What reading a document gives: its text, where each word stands, what was set aside, what is doubtful."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from eclaireur.sources.reading import Doubt, Outcome, Repair

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ASIDE", "SPAN", "Attachment", "Document", "Part", "PartKind", "Place", "Sheet"]

SPAN = [
    ("part", "<i4"),
    ("start", "<i4"),
    ("end", "<i4"),
    ("page", "<i4"),
    ("x0", "<f4"),
    ("y0", "<f4"),
    ("x1", "<f4"),
    ("y1", "<f4"),
    ("confidence", "<f4"),
]
"""Fields of a span: a word, or the piece of a word on one line. ``part`` is -1 in the main text, else the
rank of a part that is set aside; offsets are in that text; ``page`` counts from 1; the box is in points from
the top left of the page as it is shown; ``confidence``, in [0, 1], is NaN for words that are written."""


class PartKind(StrEnum):
    """What a part of a document is. Only the body and tables are in the main text."""

    BODY = "body"
    TABLE = "table"
    HEADER = "header"
    FOOTER = "footer"
    NOTE = "note"
    COMMENT = "comment"
    FIELD = "field"
    INVISIBLE = "invisible"


ASIDE = frozenset(PartKind) - {PartKind.BODY, PartKind.TABLE}
"""Kinds of the parts that are kept out of the main text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A part of a document.

    Parameters
    ----------
    text
        Its text; of a table, one line a row with tabs between the cells.
    start
        Where it begins in the document's text; None when it is set aside.
    page
        Page where it begins, from 1; 0 in a format without pages.
    why
        Of an invisible part: what hides it, in French.
    """

    kind: PartKind
    text: str = field(repr=False)
    start: int | None = None
    page: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A page: width and height in points, as it is shown, and whether its text was recognised in an image."""

    width: float
    height: float
    recognised: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A box on a page, in points from the top left of the page as it is shown."""

    page: int
    x0: float
    y0: float
    x1: float
    y1: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A file carried by a document, with what was read of it.

    Parameters
    ----------
    bytes
        Its size.
    document
        Its reading; None when it is no document, or when a limit was reached.
    """

    name: str
    bytes: int
    document: Document | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """The result of reading one document.

    Parameters
    ----------
    text
        Main text in reading order: paragraphs are separated by an empty line; headers, footers, notes and
        invisible text are not in it.
    spans
        Where each word stands; see `SPAN`; shape ``(n,)``; None in a format without pages.
    parts
        Every part, those of the main text and those set aside, in order.
    facts
        What the document says of itself, as pairs in French: sender, recipients, subject.
    reason, fix
        When refused: why, and what to do, in French.
    reduced
        What the host could not take away from the process that read it (*isolation réduite*).
    """

    file: str
    outcome: Outcome
    format: str = ""
    text: str = field(default="", repr=False)
    spans: NDArray[np.void] | None = field(default=None, repr=False)
    parts: tuple[Part, ...] = field(default=(), repr=False)
    pages: tuple[Sheet, ...] = ()
    title: str = ""
    author: str = ""
    date: datetime | None = None
    facts: tuple[tuple[str, str], ...] = ()
    attachments: tuple[Attachment, ...] = ()
    repairs: tuple[Repair, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    reason: str = ""
    fix: str = ""
    reduced: tuple[str, ...] = ()

    def places(self, start: int, end: int, *, part: int | None = None) -> tuple[Place, ...]:
        """Return the boxes that show characters ``[start, end)``, one for each line that they touch.

        Parameters
        ----------
        start, end
            Offsets in the main text, or in the text of a part that is set aside.
        part
            Rank of that part in ``parts``; None for the main text.
        """
        if self.spans is None:
            return ()
        wanted = -1 if part is None else part
        spans = self.spans
        chosen = spans[(spans["part"] == wanted) & (spans["start"] < end) & (spans["end"] > start)]
        found: list[Place] = []
        for one in chosen:
            piece = _cut(one, start, end)
            if found and _same_line(found[-1], piece):
                last = found.pop()
                piece = Place(
                    page=piece.page,
                    x0=min(last.x0, piece.x0),
                    y0=min(last.y0, piece.y0),
                    x1=max(last.x1, piece.x1),
                    y1=max(last.y1, piece.y1),
                )
            found.append(piece)
        return tuple(found)


def _cut(span: np.void, start: int, end: int) -> Place:
    """Return the box of the characters of a span that are in ``[start, end)``, taken as equally wide."""
    first, last = int(span["start"]), int(span["end"])
    x0, x1, y0, y1 = (float(span[name]) for name in ("x0", "x1", "y0", "y1"))
    left, right = max(start - first, 0), max(last - end, 0)
    if x1 - x0 >= y1 - y0:
        wide = (x1 - x0) / (last - first)
        x0, x1 = x0 + left * wide, x1 - right * wide
    return Place(page=int(span["page"]), x0=x0, y0=y0, x1=x1, y1=y1)


def _same_line(one: Place, other: Place) -> bool:
    """Tell whether two boxes follow each other on a line: the second starts on the right of the first."""
    lowest, highest = max(one.y0, other.y0), min(one.y1, other.y1)
    smaller = min(one.y1 - one.y0, other.y1 - other.y0)
    near = other.x0 - one.x1 < 3 * max(one.y1 - one.y0, other.y1 - other.y0)
    return one.page == other.page and highest - lowest > smaller / 2 and other.x1 > one.x0 and near

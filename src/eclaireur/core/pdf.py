"""View blocks and letters as PDF: A4, page numbers, date, the mention that the law asks for on each page.

ReportLab writes the file with the Bitstream Vera fonts that it ships, embedded: no system font, no
network. A character that these fonts lack becomes the nearest one they have, else a question mark. The
file says its title and language; ReportLab writes no structure tree, so it is no PDF/UA.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from eclaireur.core import french
from eclaireur.core.showing import printable
from eclaireur.core.view import Block, Facts, Table

if TYPE_CHECKING:
    from reportlab.lib.styles import ParagraphStyle

__all__ = ["BOLD", "FONT", "ITALIC", "clean", "marked_up", "styles", "write_letter", "write_pdf"]

FONT, BOLD, ITALIC = "Vera", "VeraBd", "VeraIt"
_MARGIN = 51.0  # points: 18 mm
_FOOT = 62.0
_WIDE = 6
_SUBSTITUTES = {
    "\u202f": "\u00a0",
    "\u2007": "\u00a0",
    "\u2009": " ",
    "\u200b": "",
    "\u200d": "",
    "\u2060": "",
    "\ufeff": "",
    "\u2010": "-",
    "\u2011": "-",
    "\u2015": "—",
    "→": "->",
    "←": "<-",
    "↑": "+",
    "↓": "−",
    "▲": "+",
    "▼": "−",
    "●": "•",
    "✓": "v",
    "≠": "<>",
}


def write_pdf(
    blocks: Iterable[Block],
    output: Path | IO[bytes],
    *,
    title: str,
    mentions: Mapping[str, str],
    day: date | None = None,
) -> None:
    """Write blocks as a document; the same blocks on the same day give the same bytes.

    Parameters
    ----------
    output
        File to write; `core.files.write_atomically` may give its path.
    title
        Title of the document, on its first page and in its properties.
    mentions
        French heading → what must be said with it, after the blocks; ``Mention`` stands at the foot of
        every page too.
    day
        Date in the header, today by default.
    """
    from reportlab.lib.pagesizes import A4, landscape
    from reportlab.platypus import Paragraph

    from eclaireur.core.pdf_blocks import flowables

    kept = list(blocks)
    wide = any(isinstance(block, Table) and len(block.columns) > _WIDE for block in kept)
    said = [Facts(title="Mentions", pairs=tuple(mentions.items()))] if mentions else []
    width, height = landscape(A4) if wide else A4
    story = [Paragraph(marked_up(title), styles()["title"])]
    for block in (*kept, *said):
        story += flowables(block, width - 2 * _MARGIN)
    header = f"{_shortened(title, 80)}\t{french.day(day or date.today())}"  # noqa: DTZ011 (a calendar day)
    _build(story, output, _Sheet((width, height), title, header, mentions.get("Mention", "")))


def write_letter(text: str, output: Path | IO[bytes]) -> None:
    """Write a letter, a paragraph for each line; a first line ``Objet : …`` gives the title.

    Parameters
    ----------
    text
        The letter as it was kept.
    output
        File to write.
    """
    from reportlab.lib.pagesizes import A4
    from reportlab.platypus import Paragraph, Spacer

    lines = printable(text).splitlines()
    first = next((line.strip() for line in lines if line.strip()), "")
    style = styles()
    story: list[Any] = []
    for line in lines:
        name = "object" if line.strip() == first and first.lower().startswith("objet") else "letter"
        story.append(Paragraph(marked_up(line), style[name]) if line.strip() else Spacer(1, 8))
    title = first.partition(":")[2].strip() if first.lower().startswith("objet") else first
    _build(story, output, _Sheet(A4, title or "Lettre", "", ""))


def clean(text: str) -> str:
    """Return a text whose every character the embedded fonts can draw.

    >>> clean("12\\u202f345 €, ▲ fort"), clean("Łukasz ✈")
    ('12\\xa0345 €, + fort', 'Łukasz ?')
    """
    known = _glyphs()
    made = []
    for char in unicodedata.normalize("NFC", printable(text)):
        if char in "\n\t" or ord(char) in known:
            made.append(char)
        elif char in _SUBSTITUTES:
            made.append(_SUBSTITUTES[char])
        else:
            plain = [part for part in unicodedata.normalize("NFKD", char) if ord(part) in known]
            made.append("".join(plain) or ("" if unicodedata.category(char) in {"Mn", "Cf"} else "?"))
    return "".join(made)


def marked_up(text: str) -> str:
    """Return a text as ReportLab reads paragraphs: what people wrote is never markup."""
    return escape(clean(text)).replace("\n", "<br/>").replace("\t", "    ")


@cache
def _glyphs() -> frozenset[int]:
    """Return the characters that the three faces all have, and register them."""
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.ttfonts import TTFont

    known: set[int] | None = None
    for name in (FONT, BOLD, ITALIC):
        font = TTFont(name, f"{name}.ttf")
        pdfmetrics.registerFont(font)
        found = set(font.face.charToGlyph)
        known = found if known is None else known & found
    pdfmetrics.registerFontFamily(FONT, normal=FONT, bold=BOLD, italic=ITALIC, boldItalic=BOLD)
    return frozenset(known or ())


@cache
def styles() -> dict[str, ParagraphStyle]:
    """Return the styles of paragraphs, by name."""
    from reportlab.lib.styles import ParagraphStyle

    _glyphs()
    base = ParagraphStyle("text", fontName=FONT, bulletFontName=FONT, fontSize=9, leading=12.5, spaceAfter=3)
    changes: dict[str, dict[str, Any]] = {
        "text": {},
        "title": {"fontName": BOLD, "fontSize": 15, "leading": 19, "spaceAfter": 8},
        "heading": {
            "fontName": BOLD,
            "fontSize": 11,
            "leading": 14,
            "spaceBefore": 10,
            "spaceAfter": 4,
        },
        "theme": {"fontName": BOLD, "spaceBefore": 4},
        "item": {"leftIndent": 12, "bulletIndent": 2},
        "quote": {"leftIndent": 12, "fontName": ITALIC},
        "cell": {"fontSize": 7.5, "leading": 9.5, "spaceAfter": 0},
        "number": {"fontSize": 7.5, "leading": 9.5, "spaceAfter": 0, "alignment": 2},
        "head": {"fontName": BOLD, "fontSize": 7.5, "leading": 9.5, "spaceAfter": 0},
        "soft": {"fontSize": 8, "leading": 10.5, "textColor": "#444444"},
        "letter": {"fontSize": 10.5, "leading": 15, "spaceAfter": 2},
        "object": {"fontSize": 10.5, "leading": 15, "fontName": BOLD, "spaceAfter": 4},
    }
    return {name: ParagraphStyle(name, parent=base, **change) for name, change in changes.items()}


def _shortened(text: str, most: int) -> str:
    line = " ".join(clean(text).split())
    return line if len(line) <= most else f"{line[: most - 1].rstrip()}…"


@dataclass(frozen=True, slots=True)
class _Sheet:
    """What every page of a document has: size, header (left, tab, right) and footer."""

    size: tuple[float, float]
    title: str
    header: str
    footer: str


def _build(story: list[Any], output: Path | IO[bytes], sheet: _Sheet) -> None:
    from reportlab.platypus import BaseDocTemplate, Frame, PageTemplate

    width, height = sheet.size
    document = BaseDocTemplate(
        str(output) if isinstance(output, Path) else output,
        pagesize=sheet.size,
        title=clean(sheet.title),
        author="Éclaireur",
        subject=clean(sheet.footer),
        creator="Éclaireur",
        lang="fr-FR",
        displayDocTitle=1,
        initialFontName=FONT,
        invariant=1,
    )
    frame = Frame(_MARGIN, _FOOT, width - 2 * _MARGIN, height - _FOOT - 48, 0, 0, 0, 0, id="page")
    document.addPageTemplates(PageTemplate(id="all", frames=[frame]))
    document.build(story, canvasmaker=_numbering(lambda canvas, of: _furnish(canvas, sheet, of)))


def _numbering(furnish: Callable[[Any, int], None]) -> Any:
    """Return a canvas that draws header and footer once it knows how many pages there are."""
    from reportlab.pdfgen.canvas import Canvas

    class Numbered(Canvas):  # type: ignore[misc, unused-ignore]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self._kept: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802 (ReportLab's name)
            self._kept.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for page in self._kept:
                self.__dict__.update(page)
                furnish(self, len(self._kept))
                super().showPage()
            super().save()

    return Numbered


def _furnish(canvas: Any, sheet: _Sheet, of: int) -> None:
    from reportlab.platypus import Paragraph

    width, height = sheet.size
    canvas.setFont(FONT, 7.5)
    canvas.setFillGray(0.25)
    left, _, right = sheet.header.partition("\t")
    if left:
        canvas.drawString(_MARGIN, height - 34, left)
        canvas.drawRightString(width - _MARGIN, height - 34, right)
    page = f"page {canvas.getPageNumber()} sur {of}"
    canvas.drawRightString(width - _MARGIN, 24, page)
    if sheet.footer:
        said = Paragraph(marked_up(_shortened(sheet.footer, 420)), styles()["soft"])
        room = width - 2 * _MARGIN - 70
        _, used = said.wrap(room, _FOOT - 16)
        said.drawOn(canvas, _MARGIN, max(12.0, 50.0 - used))

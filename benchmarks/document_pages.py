"""PDF files made for benchmarks: several layouts of made-up French text, with what a reader must give."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Any

__all__ = ["LAYOUTS", "Made", "make"]

_WIDE, _HIGH = 595.0, 842.0
_SIZE, _LEADING = 9.5, 12.5
_FONT = "Helvetica"
_TEXT = """
inspection contrôle établissement exploitant maintenance registre écart sécurité matériel procédure
traçabilité radioprotection dosimétrie vérification périodique conformité prescription autorité
division régionale la le les des une dans pour avec par sur sans ont été est sont sera cette ces qui
que dont où justifier transmettre améliorer compléter formaliser analyser évaluer organiser
documenter prévenir
"""
_WORDS = _TEXT.split()
_CUTS = {
    "inspection": 4, "contrôle": 3, "établissement": 5, "exploitant": 6, "maintenance": 4, "registre": 3,
    "traçabilité": 4, "radioprotection": 5, "dosimétrie": 4, "vérification": 4, "périodique": 4,
    "conformité": 3, "prescription": 4, "régionale": 5, "transmettre": 5, "améliorer": 4, "compléter": 3,
    "formaliser": 3, "organiser": 3, "documenter": 4,
}  # fmt: skip
LAYOUTS = ("letter", "columns", "columns drawn across", "table", "three columns")


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A file, and the paragraphs (or rows of a table) that must be read as they are, in order."""

    layout: str
    data: bytes
    pages: int
    paragraphs: list[str]


def make(layout: str, seed: int, *, pages: int = 5) -> Made:
    """Make a file of one layout, with a header and a page number on each page."""
    from reportlab.pdfgen.canvas import Canvas

    chance = random.Random(seed)
    target = BytesIO()
    canvas = Canvas(target, pagesize=(_WIDE, _HIGH))
    paragraphs: list[str] = []
    for number in range(1, pages + 1):
        canvas.setFont(_FONT, 8)
        canvas.drawString(60, _HIGH - 40, "Autorité de contrôle - Division régionale du centre")
        canvas.drawString(280, 30, f"Page {number} sur {pages}")
        canvas.setFont(_FONT, _SIZE)
        if layout == "table":
            paragraphs += _table(canvas, chance)
        else:
            count = {"letter": 1, "three columns": 3}.get(layout, 2)
            paragraphs += _columns(canvas, chance, count, across=layout.endswith("across"))
        canvas.showPage()
    canvas.save()
    return Made(layout=layout, data=target.getvalue(), pages=pages, paragraphs=paragraphs)


def _columns(canvas: Any, chance: random.Random, count: int, *, across: bool) -> list[str]:
    gap = 22.0
    wide = (_WIDE - 120 - gap * (count - 1)) / count
    said, columns = [], []
    for rank in range(count):
        lines: list[tuple[float, float, str]] = []
        high = _HIGH - 80
        while high > 140:
            words = _sentence(chance, 28 if count == 3 else 45)
            said.append(" ".join(words))
            for line in _filled(words, wide, chance):
                if high < 60:
                    break
                lines.append((60 + rank * (wide + gap), high, line))
                high -= _LEADING
            else:
                high -= _LEADING
                continue
            said.pop()  # it did not fit: the part that did is no paragraph to look for
        columns.append(lines)
    drawn = [line for column in columns for line in column]
    for x, y, line in sorted(drawn, key=lambda one: (-one[1], one[0])) if across else drawn:
        canvas.drawString(x, y, line)
    return said


def _sentence(chance: random.Random, most: int) -> list[str]:
    words = [chance.choice(_WORDS) for _ in range(chance.randint(most // 2, most))]
    return [words[0].capitalize(), *words[1:-1], f"{words[-1]}."]


def _filled(words: Sequence[str], wide: float, chance: random.Random) -> list[str]:
    """Break a paragraph into lines, cutting some words at their end."""
    from reportlab.pdfbase.pdfmetrics import stringWidth

    lines, line = [], ""
    for word in words:
        longer = f"{line} {word}".strip()
        if stringWidth(longer, _FONT, _SIZE) <= wide:
            line = longer
            continue
        cut = _CUTS.get(word, 0)
        head = f"{line} {word[:cut]}-"
        if cut and chance.random() < 0.6 and stringWidth(head, _FONT, _SIZE) <= wide:
            lines.append(head)
            line = word[cut:]
        else:
            lines.append(line)
            line = word
    return [*lines, line]


def _table(canvas: Any, chance: random.Random) -> list[str]:
    rows = []
    for rank in range(30):
        cells = [
            f"{chance.choice(_WORDS)} {chance.choice(_WORDS)}",
            f"{chance.randint(1, 28):02d}/{chance.randint(1, 12):02d}/2024",
            str(chance.randint(0, 900)),
            chance.choice(_WORDS),
        ]
        for place, cell in enumerate(cells):
            canvas.drawString(60 + place * 125, _HIGH - 90 - rank * 18, cell)
        rows.append(" ".join(cells))
    return rows

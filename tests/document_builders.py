"""Documents made for a test: each shows one thing that a reader must get right."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from eclaireur.sources.documents.document import Document, Part, PartKind
from eclaireur.sources.documents.ocr import Ask
from eclaireur.sources.documents.reader import read_here

__all__ = ["LEFT", "PAGE", "RIGHT", "aside", "columns", "picture", "read", "sheet", "written"]

PAGE = (595.0, 842.0)

LEFT = (
    "L'inspection du 12 mars a porté sur la",
    "gestion des écarts et sur la maintenance",
    "des matériels. Les inspecteurs ont exami-",
    "né les registres tenus par l'exploitant et",
    "ont relevé deux manquements notables.",
    "Une réponse est attendue sous deux mois.",
)
RIGHT = (
    "Le second volet concerne la radioprotec-",
    "tion des travailleurs. Les zones sont bien",
    "délimitées et les dosimètres sont portés",
    "par tous. Peut-être faudrait-il revoir celui-",
    "ci avant la prochaine visite du service.",
    "Aucun autre point n'appelle de remarque.",
)


def read(data: bytes, name: str = "a.pdf", *, ask: Ask | None = None) -> Document:
    """Read the bytes of a document in this process."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        return read_here(path, ask=ask)


def aside(document: Document, kind: PartKind) -> list[Part]:
    """Return the parts of a kind."""
    return [part for part in document.parts if part.kind is kind]


def sheet() -> tuple[Any, BytesIO]:
    """Return a canvas of A4 pages, and where it is saved."""
    from reportlab.pdfgen.canvas import Canvas

    target = BytesIO()
    return Canvas(target, pagesize=PAGE), target


def written(
    canvas: Any, x: float, top: float, lines: Sequence[str], *, size: float = 10.0, mode: int = 0
) -> None:
    """Write lines under each other, the first ``top`` points under the top of the page."""
    text = canvas.beginText(x, PAGE[1] - top - size)
    text.setFont("Helvetica", size, leading=size * 1.3)
    text.setTextRenderMode(mode)
    for line in lines:
        text.textLine(line)
    text.setTextRenderMode(0)
    canvas.drawText(text)


def columns(*, rows_first: bool = False) -> bytes:
    """Return a page with a title over two columns; drawn line by line across both when ``rows_first``."""
    canvas, target = sheet()
    written(canvas, 60, 60, ["Lettre de suite de l'inspection INSSN-LYO-2024-0042 du site de Bugey"], size=14)
    if rows_first:
        for rank, (left, right) in enumerate(zip(LEFT, RIGHT, strict=True)):
            written(canvas, 60, 110 + rank * 13, [left])
            written(canvas, 320, 110 + rank * 13, [right])
    else:
        written(canvas, 60, 110, LEFT)
        written(canvas, 320, 110, RIGHT)
    canvas.showPage()
    canvas.save()
    return target.getvalue()


def picture(lines: Sequence[str], *, wide: int = 1240, high: int = 500) -> Any:
    """Return a grey image of lines of text, as a scanner at 150 dots per inch would give."""
    from PIL import Image, ImageDraw, ImageFont

    image = Image.new("L", (wide, high), 255)
    draw = ImageDraw.Draw(image)
    font = ImageFont.load_default(size=34)
    for rank, line in enumerate(lines):
        draw.text((80, 60 + rank * 60), line, fill=0, font=font)
    return image

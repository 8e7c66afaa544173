"""A page of a PDF as a picture, drawn by the confined child: whatever the file does, this process lives."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

from eclaireur.core.errors import ExtraMissingError, FileRefusedError
from eclaireur.sources.isolated import Isolated

__all__ = ["WIDEST", "draw_here", "draw_page"]

WIDEST = 2400
"""Pixels that a picture may be wide."""

_NAME = "page.png"
_HEAD = b"\x89PNG\r\n\x1a\n"
_MOST_PIXELS = 12_000_000
_MOST_BYTES = 40_000_000
_FIX = "Ouvrez le fichier avec un autre logiciel, ou enregistrez-le de nouveau en PDF."


def draw_page(
    path: Path, number: int, *, width: int = 1000, reader: Isolated | None = None, seconds: float = 15.0
) -> bytes:
    """Return a page as a PNG picture.

    Parameters
    ----------
    path
        PDF.
    number
        Page, from 1.
    width
        Pixels wide, at most `WIDEST`; fewer for a page that is much higher than wide.
    reader
        A child to use again; by default one is started and ended.

    Raises
    ------
    FileRefusedError
        If there is no such page, or if it cannot be drawn.
    ExtraMissingError
        If the part ``documents`` is not installed.
    """
    if reader is None:
        with Isolated() as own:
            return _drawn(path, number, min(max(width, 50), WIDEST), own, seconds)
    return _drawn(path, number, min(max(width, 50), WIDEST), reader, seconds)


def _drawn(path: Path, number: int, width: int, reader: Isolated, seconds: float) -> bytes:
    question = {"path": str(path.resolve()), "draw": number, "width": width, "seconds": int(seconds)}
    content = reader.converse(question, serve=_nothing, seconds=seconds)
    if content is not None and content.get("extra"):
        raise ExtraMissingError(
            "montrer cette page demande une partie qui n'est pas installée.",
            fix="Lancez : ./eclaireur install documents",
        )
    place = reader.folder / _NAME
    if content is None or not content.get("drawn") or place.is_symlink() or not place.is_file():
        raise FileRefusedError("cette page ne peut pas être montrée.", file=path.name, fix=_FIX)
    data = place.read_bytes() if place.stat().st_size <= _MOST_BYTES else b""
    place.unlink()
    # The file may have taken the child over: what it gives is a picture of a bounded size, or nothing.
    if len(data) < 24 or not data.startswith(_HEAD) or _pixels(data) > _MOST_PIXELS:
        raise FileRefusedError("cette page ne peut pas être montrée.", file=path.name, fix=_FIX)
    return data


def _nothing(asked: dict[str, Any]) -> dict[str, Any]:
    del asked
    return {}


def _pixels(data: bytes) -> int:
    wide, high = struct.unpack(">II", data[16:24])
    return int(wide) * int(high)


def draw_here(path: Path, number: int, width: int, folder: Path) -> dict[str, Any]:
    """Draw a page in this process, the child, and leave the picture in its folder."""
    try:
        import pypdfium2
    except ImportError:
        return {"extra": True}
    try:
        with pypdfium2.PdfDocument(path) as pdf:
            if not 1 <= number <= len(pdf):
                return {"drawn": False}
            pdf.init_forms()
            page = pdf[number - 1]
            wide, high = page.get_size()
            if not (wide > 0 and high > 0):
                return {"drawn": False}
            scale = min(width / wide, (_MOST_PIXELS / (wide * high)) ** 0.5)
            picture = page.render(scale=scale, may_draw_forms=True).to_pil()
            picture.save(folder / _NAME, optimize=False)
    except Exception:  # noqa: BLE001 - a hostile file may make a parser raise anything
        return {"drawn": False}
    return {"drawn": True}

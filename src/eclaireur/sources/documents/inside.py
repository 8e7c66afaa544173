"""What a reader of one format may ask of its surroundings: limits, recognition, reading what is attached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.sources.documents.document import Attachment, Document
from eclaireur.sources.documents.limits import Limits
from eclaireur.sources.documents.ocr import Ask

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Inside", "tell_nobody"]


def tell_nobody(page: int, pages: int) -> None:
    """Take the progress of a recognition, and tell nobody."""
    del page, pages


@dataclass(slots=True)
class _Left:
    """What is left of the limits that a document shares with all it carries."""

    entries: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Inside:
    """Surroundings of a reader.

    Parameters
    ----------
    folder
        Where images for recognition are written.
    ask
        Recognises an image.
    read
        Reads the bytes of what is attached.
    depth
        How many documents carry this one.
    tell
        Called with the page about to be recognised, and how many there are.
    """

    folder: Path
    ask: Ask
    read: Callable[[str, bytes, Inside], Document]
    limits: Limits = field(default_factory=Limits)
    depth: int = 0
    tell: Callable[[int, int], None] = tell_nobody
    left: _Left = field(default_factory=lambda: _Left(Limits().entries, Limits().expanded))

    def attached(self, name: str, data: bytes) -> Attachment:
        """Read what is attached to the document, within the limits of all that it carries."""
        self.left.entries -= 1
        self.left.bytes -= len(data)
        shown = " ".join(name.split())[:200] or "sans nom"
        if self.depth >= self.limits.mails or self.left.entries < 0 or self.left.bytes < 0:
            return Attachment(name=shown, bytes=len(data))
        return Attachment(name=shown, bytes=len(data), document=self.read(shown, data, self._deeper()))

    def carried(self, name: str, read: Callable[[Inside], Document]) -> Attachment:
        """Read a document that is inside this one without bytes of its own."""
        self.left.entries -= 1
        shown = " ".join(name.split())[:200] or "sans nom"
        if self.depth >= self.limits.mails or self.left.entries < 0:
            return Attachment(name=shown, bytes=0)
        return Attachment(name=shown, bytes=0, document=read(self._deeper()))

    def _deeper(self) -> Inside:
        return replace(self, depth=self.depth + 1)

    def write_grey(self, pixels: NDArray[np.uint8]) -> Path:
        """Write grey pixels for recognition; shape ``(height, width)`` or ``(height, width, 1)``."""
        high, wide = pixels.shape[:2]
        path = self.folder / "page.pgm"
        with path.open("wb") as stream:
            stream.write(f"P5\n{wide} {high}\n255\n".encode("ascii"))
            stream.write(pixels.tobytes())
        return path

"""Plain text of any encoding: as it is, with what was repaired."""

from __future__ import annotations

from eclaireur.sources import encoding
from eclaireur.sources.documents.document import Document, PartKind
from eclaireur.sources.documents.inside import Inside
from eclaireur.sources.documents.writing import Writer

__all__ = ["read_plain"]


def read_plain(name: str, data: bytes, inside: Inside) -> Document:
    """Read a text file; line ends become those of this system, and form feeds part paragraphs."""
    writer = Writer(name, "text")
    decoded = encoding.decode(data)
    writer.repairs += decoded.repairs
    writer.doubts += decoded.doubts
    text = decoded.text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n")
    if len(text) > inside.limits.signs:
        writer.doubt("limit", "Texte trop long : seul son début est lu.")
        text = text[: inside.limits.signs]
    writer.begin(PartKind.BODY)
    writer.add(text.strip("\n"))
    return writer.finish()

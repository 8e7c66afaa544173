"""Passes a document from the confined child to its parent as JSON; spans travel as packed bytes."""

from __future__ import annotations

import base64
from dataclasses import fields
from datetime import datetime
from typing import Any

from eclaireur.sources.documents.document import SPAN, Attachment, Document, Part, PartKind, Sheet
from eclaireur.sources.reading import Doubt, Outcome, Repair

__all__ = ["packed", "unpacked"]

_DEEPEST = 20


def packed(document: Document) -> dict[str, Any]:
    """Return a document as JSON values."""
    return {
        "file": document.file,
        "outcome": str(document.outcome),
        "format": document.format,
        "text": _sound(document.text),
        "spans": None
        if document.spans is None
        else base64.b64encode(document.spans.tobytes()).decode("ascii"),
        "parts": [[str(one.kind), _sound(one.text), one.start, one.page, one.why] for one in document.parts],
        "pages": [[one.width, one.height, one.recognised] for one in document.pages],
        "title": _sound(document.title),
        "author": _sound(document.author),
        "date": None if document.date is None else document.date.isoformat(),
        "facts": [[name, _sound(value)] for name, value in document.facts],
        "attachments": [
            [_sound(one.name), one.bytes, None if one.document is None else packed(one.document)]
            for one in document.attachments
        ],
        "repairs": [[one.kind, _sound(one.message), one.lines] for one in document.repairs],
        "doubts": [[one.kind, _sound(one.message), one.lines, one.count] for one in document.doubts],
        "reason": document.reason,
        "fix": document.fix,
    }


def _sound(text: str) -> str:
    """Replace halves of surrogate pairs, of the same length: they can be written nowhere."""
    return (
        "".join("\ufffd" if "\ud800" <= sign <= "\udfff" else sign for sign in text)
        if not text.isascii()
        else text
    )


def unpacked(content: dict[str, Any], *, reduced: tuple[str, ...] = (), depth: int = 0) -> Document:
    """Return the document that was packed.

    Raises
    ------
    ValueError, TypeError, KeyError
        If it is not one: the child may have been taken over by the file that it read.
    """
    import numpy as np

    if depth > _DEEPEST or set(content) != {one.name for one in fields(Document)} - {"reduced"}:
        raise ValueError(content.keys())
    spans = content["spans"]
    return Document(
        file=str(content["file"]),
        outcome=Outcome(content["outcome"]),
        format=str(content["format"]),
        text=str(content["text"]),
        spans=None if spans is None else np.frombuffer(base64.b64decode(spans, validate=True), dtype=SPAN),
        parts=tuple(
            Part(
                kind=PartKind(kind),
                text=str(text),
                start=None if start is None else int(start),
                page=int(page),
                why=str(why),
            )
            for kind, text, start, page, why in content["parts"]
        ),
        pages=tuple(
            Sheet(width=float(width), height=float(height), recognised=bool(recognised))
            for width, height, recognised in content["pages"]
        ),
        title=str(content["title"]),
        author=str(content["author"]),
        date=None if content["date"] is None else datetime.fromisoformat(content["date"]),
        facts=tuple((str(name), str(value)) for name, value in content["facts"]),
        attachments=tuple(
            Attachment(
                name=str(name),
                bytes=int(size),
                document=None if inner is None else unpacked(inner, depth=depth + 1),
            )
            for name, size, inner in content["attachments"]
        ),
        repairs=tuple(
            Repair(kind=str(kind), message=str(message), lines=tuple(map(int, lines)))
            for kind, message, lines in content["repairs"]
        ),
        doubts=tuple(
            Doubt(kind=str(kind), message=str(message), lines=tuple(map(int, lines)), count=int(count))
            for kind, message, lines, count in content["doubts"]
        ),
        reason=str(content["reason"]),
        fix=str(content["fix"]),
        reduced=reduced,
    )

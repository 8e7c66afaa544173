"""Reads a document in the confined child process; its images are recognised from here, by Tesseract.

The child asks: it writes the image of a page in its folder, and waits. It could not start a program itself.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from eclaireur.core.errors import ExtraMissingError
from eclaireur.sources.documents import ocr
from eclaireur.sources.documents.document import Document
from eclaireur.sources.documents.inside import tell_nobody
from eclaireur.sources.documents.passing import unpacked
from eclaireur.sources.isolated import Isolated
from eclaireur.sources.reading import Outcome

__all__ = ["read_document"]

_FIX = "Enregistrez-le de nouveau en PDF, ou découpez-le, puis recommencez."
_WAIT = 20.0
_IMAGE = "page.pgm"


def read_document(
    path: Path,
    *,
    reader: Isolated | None = None,
    seconds: float = 25.0,
    recognise: bool = True,
    progress: Callable[[int, int], None] = tell_nobody,
) -> Document:
    """Read a document in a confined child process.

    Parameters
    ----------
    path
        PDF, image, DOCX, ODT, web page, RTF, plain text, EML, MBOX or MSG.
    reader
        A child to use again, for many files; by default one is started and ended.
    seconds
        Seconds granted to the whole; recognition stops before their end, and says how many pages are left.
    recognise
        Recognise the pages that are images; otherwise they are said to be left.
    progress
        Called with the page about to be recognised, and how many there are.

    Returns
    -------
    Document
        *Refusé*, with the reason, when the file cannot be read or ends the child.

    Raises
    ------
    ExtraMissingError
        If the format needs a library that is not installed.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "page.html"
    >>> _ = path.write_text("<html><p>Bonjour <span hidden>secret</span>madame.</p>")
    >>> document = read_document(path)
    >>> document.text, [(str(part.kind), part.text) for part in document.parts if part.start is None]
    ('Bonjour madame.', [('invisible', 'secret')])
    """
    if reader is None:
        with Isolated() as own:
            return _read(path, own, seconds, progress if recognise else None)
    return _read(path, reader, seconds, progress if recognise else None)


def _read(
    path: Path, reader: Isolated, seconds: float, progress: Callable[[int, int], None] | None
) -> Document:
    until = time.monotonic() + 0.8 * seconds

    def serve(asked: dict[str, Any]) -> dict[str, Any]:
        if progress is None:
            return {"table": "", "missing": False, "late": True}
        # The name is ours and the file is in the child's folder: what the child says of it is not followed.
        image, dots = reader.folder / _IMAGE, asked.get("dots")
        if not isinstance(dots, int) or not 1 <= dots <= 2400 or image.is_symlink() or not image.is_file():
            return {"table": "", "missing": False, "late": False}
        page, pages = asked.get("page"), asked.get("pages")
        if isinstance(page, int) and isinstance(pages, int) and 0 < page <= pages:
            progress(page, pages)
        answer = ocr.recognise(image, dots, seconds=min(until - time.monotonic(), _WAIT))
        return {"table": answer.table, "missing": answer.missing, "late": answer.late}

    question = {"path": str(path.resolve()), "document": True, "seconds": int(seconds)}
    content = reader.converse(question, serve=serve, seconds=seconds)
    if content is None:
        reason = "la lecture de ce fichier demande trop de mémoire ou de temps, ou échoue."
        return _refused(path, reason, reader)
    if content.get("extra"):
        raise ExtraMissingError(
            "lire ce document demande une partie qui n'est pas installée.",
            fix="Lancez : ./eclaireur install documents",
        )
    try:
        return unpacked(content, reduced=reader.missing)
    except (ValueError, TypeError, KeyError):
        reader.close()
        return _refused(path, "le résultat de la lecture est abîmé.", reader)


def _refused(path: Path, reason: str, reader: Isolated) -> Document:
    return Document(file=path.name, outcome=Outcome.REFUSE, reason=reason, fix=_FIX, reduced=reader.missing)

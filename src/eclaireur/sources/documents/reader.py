"""Reads a document of any format in this process; `eclaireur.sources.documents` does it in a confined one."""

from __future__ import annotations

import tempfile
import time
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from eclaireur.core.errors import ExtraMissingError
from eclaireur.sources.documents import ocr
from eclaireur.sources.documents.document import Document
from eclaireur.sources.documents.inside import Inside, tell_nobody
from eclaireur.sources.documents.limits import Limits
from eclaireur.sources.documents.recognise import kind_of
from eclaireur.sources.reading import Outcome
from eclaireur.sources.refusals import EMPTY, RefusedError

__all__ = ["read_here"]

_Reader = Callable[[str, bytes, Inside], Document]

_FIX = "Enregistrez le document de nouveau, en PDF ou en DOCX."
_NOT_READ = {
    "workbook": ("c'est un classeur, pas un document.", "Lisez-le comme un tableau, avec ./eclaireur read."),
    "zip": ("c'est une archive, pas un document.", "Sortez-en les fichiers, et donnez-les un par un."),
    "broken_zip": ("ce fichier est abîmé : son contenu ne s'ouvre pas.", _FIX),
    "slides": ("les présentations ne sont pas lues.", "Enregistrez la présentation en PDF."),
    "old_office": ("ce format de document est trop ancien.", "Enregistrez le document en DOCX ou en PDF."),
    "locked": (
        "ce document est protégé par un mot de passe.",
        "Enregistrez-le sans protection, puis recommencez.",
    ),
    "markup": (
        "ce fichier XML n'est pas un document.",
        "S'il contient un tableau, lisez-le avec ./eclaireur read.",
    ),
    "binary": (
        "ce fichier n'est pas un document.",
        "Donnez un PDF, un DOCX, un ODT, une page web, un mail ou du texte.",
    ),
}
_BROKEN = (
    OSError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    NotImplementedError,
    RuntimeError,
    MemoryError,
    zlib.error,
    zipfile.BadZipFile,
)
"""What libraries raise on a broken file; `RecursionError` is a `RuntimeError`."""


def read_here(
    path: Path,
    *,
    ask: ocr.Ask | None = None,
    folder: Path | None = None,
    limits: Limits | None = None,
    seconds: float = 25.0,
    tell: Callable[[int, int], None] = tell_nobody,
) -> Document:
    """Read a document; one that cannot be read gives a document that says why, never an exception.

    Parameters
    ----------
    ask
        Recognises images; by default Tesseract is started from here.
    folder
        Where images for recognition are written; by default a temporary one.
    seconds
        Time granted to recognition when ``ask`` is left out.
    tell
        Called with the page about to be recognised, and how many there are.

    Raises
    ------
    ExtraMissingError
        If the format needs a library that is not installed.
    """
    chosen = limits or Limits()
    until = time.monotonic() + seconds
    with tempfile.TemporaryDirectory(prefix="eclaireur-document-") as made:
        inside = Inside(
            folder=folder or Path(made),
            ask=ask or (lambda image, dots: ocr.recognise(image, dots, seconds=until - time.monotonic())),
            read=_bytes,
            limits=chosen,
            tell=tell,
        )
        try:
            data = _loaded(path, chosen)
        except RefusedError as refusal:
            return _refused(path.name, refusal)
        except OSError as error:
            return _refused(
                path.name, RefusedError("le fichier ne peut pas être ouvert.", f"{error.strerror}.")
            )
        return _bytes(path.name, data, inside)


def _loaded(path: Path, limits: Limits) -> bytes:
    if not path.exists():
        raise RefusedError("le fichier n'existe pas.", "Vérifiez son nom et son dossier.")
    if not path.is_file():
        raise RefusedError("c'est un dossier, un fichier était attendu.", "Choisissez un fichier.")
    if path.stat().st_size > limits.size:
        raise RefusedError("le fichier est trop gros.", "Découpez-le, puis donnez ses parties une à une.")
    return path.read_bytes()


def _bytes(name: str, data: bytes, inside: Inside) -> Document:
    try:
        return _read(name, data, inside)
    except RefusedError as refusal:
        return _refused(name, refusal)
    except ExtraMissingError:
        raise
    except _BROKEN as error:
        reason = f"le fichier est abîmé ou n'a pas la forme attendue ({type(error).__name__})."
        return _refused(name, RefusedError(reason, _FIX))


def _refused(name: str, refusal: RefusedError) -> Document:
    return Document(file=name, outcome=Outcome.REFUSE, reason=refusal.reason, fix=refusal.fix)


def _read(name: str, data: bytes, inside: Inside) -> Document:
    if not data.strip(b" \t\r\n\0\xef\xbb\xbf"):
        raise RefusedError(EMPTY, "Vérifiez l'envoi, puis recommencez.")
    kind = kind_of(data, name)
    if kind in _NOT_READ:
        raise RefusedError(*_NOT_READ[kind])
    document = _reader(kind)(name, data, inside)
    if not document.text.strip() and not document.parts and not document.attachments:
        return _without_text(document)
    return document


def _without_text(document: Document) -> Document:
    """Refuse a document of which nothing could be read, with what would let it be read."""
    kinds = {doubt.kind for doubt in document.doubts}
    if "ocr_missing" in kinds:
        refusal = RefusedError(f"ce document est une image. {ocr.ABSENT}", ocr.INSTALL)
    elif "ocr_late" in kinds:
        refusal = RefusedError(
            "ce document est une image, trop longue à lire dans le temps accordé.",
            "Recommencez avec --seconds 600.",
        )
    else:
        refusal = RefusedError(
            "aucun texte n'a été trouvé dans ce document.", "Vérifiez qu'il n'est pas vide."
        )
    return replace(document, outcome=Outcome.REFUSE, reason=refusal.reason, fix=refusal.fix)


def _reader(kind: str) -> _Reader:
    """Return the reader of a format; its library is loaded only then."""
    match kind:
        case "pdf":
            from eclaireur.sources.documents.pdf import read_pdf

            return read_pdf
        case "docx":
            from eclaireur.sources.documents.docx import read_docx

            return read_docx
        case "odt":
            from eclaireur.sources.documents.odt import read_odt

            return read_odt
        case "html":
            from eclaireur.sources.documents.html import read_html

            return read_html
        case "rtf":
            from eclaireur.sources.documents.rtf import read_rtf

            return read_rtf
        case "eml" | "emlx" | "mbox":
            from eclaireur.sources.documents import mail

            return mail.read_mailbox if kind == "mbox" else mail.read_mail
        case "msg":
            from eclaireur.sources.documents.msg import read_msg

            return read_msg
        case "image":
            from eclaireur.sources.documents.images import read_image

            return read_image
    from eclaireur.sources.documents.plain import read_plain

    return read_plain

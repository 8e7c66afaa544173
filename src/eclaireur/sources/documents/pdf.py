"""PDF: its words in reading order with their boxes; pages that are images go to character recognition."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from eclaireur.core import french
from eclaireur.core.errors import ExtraMissingError
from eclaireur.sources.documents.document import Document, PartKind
from eclaireur.sources.documents.garbled import garbled
from eclaireur.sources.documents.inside import Inside
from eclaireur.sources.documents.pages import Leaf, write_pages
from eclaireur.sources.documents.pdf_words import UNDRAWN, Page, read_page
from eclaireur.sources.documents.recognising import Recogniser
from eclaireur.sources.documents.writing import Writer
from eclaireur.sources.refusals import RefusedError

__all__ = ["read_pdf"]

_FIX = "Enregistrez le document de nouveau en PDF, ou numérisez-le."
_COVERED, _FEW_SIGNS, _MANY_DRAWINGS = 0.4, 60, 40
_DOTS = 300
_ACTIVE = re.compile(rb"/(JavaScript|JS|Launch|SubmitForm|ImportData|RichMedia)\b")
_DATE = re.compile(r"D:(\d{4})(\d{2})?(\d{2})?(\d{2})?(\d{2})?(\d{2})?")
_PASSWORD_ERROR = 4
_UNSAID = {"untitled", "anonymous", "unspecified", "(unspecified)", "unknown"}


def read_pdf(name: str, data: bytes, inside: Inside) -> Document:
    """Read a PDF.

    Raises
    ------
    RefusedError
        If it needs a password, is broken, or holds no page.
    """
    with _opened(data) as pdf:
        count = len(pdf)
        if not count:
            raise RefusedError("ce PDF ne contient aucune page lisible.", _FIX)
        writer = Writer(name, "pdf")
        _describe(writer, pdf)
        if _ACTIVE.search(data):
            writer.doubt("active", "Ce PDF contient des actions ou du code, qui ne sont pas exécutés.")
        if count > inside.limits.pages:
            said = french.count(inside.limits.pages, "page")
            writer.doubt(
                "limit", f"Seules les premières pages sont lues ({said} sur {french.number(count)})."
            )
        leaves = _leaves(writer, pdf, inside, min(count, inside.limits.pages))
        write_pages(writer, leaves)
        _fields(writer, pdf, len(leaves))
        _attachments(writer, pdf, inside)
    return writer.finish()


@contextmanager
def _opened(data: bytes) -> Iterator[Any]:
    try:
        import pypdfium2
        from pypdfium2 import PdfDocument, PdfiumError
    except ImportError as error:
        raise ExtraMissingError(
            "lire un PDF demande une partie qui n'est pas installée.",
            fix="Lancez : ./eclaireur install documents",
        ) from error
    try:
        pdf = PdfDocument(data)
    except PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD_ERROR or "assword" in str(error):
            raise RefusedError(
                "ce PDF est protégé par un mot de passe.", "Enregistrez-le sans protection, puis recommencez."
            ) from error
        raise RefusedError("ce PDF est abîmé ou n'en est pas un.", _FIX) from error
    try:
        yield pdf
    except pypdfium2.PdfiumError as error:
        raise RefusedError("ce PDF est abîmé.", _FIX) from error
    finally:
        pdf.close()


def _describe(writer: Writer, pdf: Any) -> None:
    told = pdf.get_metadata_dict(skip_empty=True)
    title, author = (" ".join(told.get(name, "").split()) for name in ("Title", "Author"))
    writer.title, writer.author = ("" if text.lower() in _UNSAID else text for text in (title, author))
    found = _DATE.match(told.get("CreationDate", ""))
    if found:
        year, month, day, hour, minute, second = (int(piece or 0) for piece in found.groups())
        try:
            writer.date = datetime(year, month or 1, day or 1, hour, minute, second)  # noqa: DTZ001 - as stated
        except ValueError:
            writer.doubt("date", "La date de création de ce PDF n'existe pas.")


def _leaves(writer: Writer, pdf: Any, inside: Inside, count: int) -> list[Leaf]:
    """Read each page; one that fails is said and left empty, with the others read."""
    import pypdfium2

    leaves: list[Leaf] = []
    broken: list[int] = []
    layers: list[int] = []
    unreadable: list[int] = []
    recogniser = Recogniser(writer, inside, count)
    signs = 0
    for rank in range(count):
        try:
            page = pdf[rank]
        except pypdfium2.PdfiumError:
            broken.append(rank + 1)
            leaves.append(Leaf([], 0.0, 0.0))
            continue
        try:
            found = read_page(page)
            leaf = Leaf(found.words, found.width, found.height)
            if _is_layer(found):
                layers.append(rank + 1)
                for word in found.words:
                    word.why = "" if word.why == UNDRAWN else word.why
            elif _is_image(found) or _is_garbled(found):
                if not _is_image(found):
                    unreadable.append(rank + 1)
                leaf = recogniser.page(rank + 1, leaf, partial(_draw, page, inside))
        finally:
            page.close()
        leaves.append(leaf)
        signs += sum(len(word.text) + 1 for word in leaf.words)
        if signs > inside.limits.signs:
            writer.doubt(
                "limit", f"Texte trop long : la lecture s'arrête à la page {french.number(rank + 1)}."
            )
            break
    recogniser.end()
    _say(writer, broken, layers, unreadable)
    if broken and not any(leaf.words for leaf in leaves):
        raise RefusedError("les pages de ce PDF sont abîmées.", _FIX)
    return leaves


def _say(writer: Writer, broken: list[int], layers: list[int], unreadable: list[int]) -> None:
    for kind, pages, one, several in (
        ("page", broken, "Page abîmée, non lue", "Pages abîmées, non lues"),
        (
            "layer",
            layers,
            "Page numérisée dont le texte vient d'une reconnaissance antérieure, à comparer à l'image",
            "Pages numérisées dont le texte vient d'une reconnaissance antérieure, à comparer à l'image",
        ),
        (
            "garbled",
            unreadable,
            "Page dont le texte est illisible (police sans correspondance avec les lettres)",
            "Pages dont le texte est illisible (police sans correspondance avec les lettres)",
        ),
    ):
        if pages:
            writer.doubt(kind, f"{one if len(pages) == 1 else several} : {_listed(pages)}.", count=len(pages))


def _listed(pages: list[int]) -> str:
    return ", ".join(map(str, pages[:12])) + ("…" if len(pages) > 12 else "")


def _seen(page: Page) -> int:
    return sum(len(word.text) for word in page.words if not word.why)


def _is_image(page: Page) -> bool:
    """Tell whether what a page says is in an image, or in outlines of letters, and not in its text."""
    if page.covered >= _COVERED:
        return _seen(page) < _FEW_SIGNS
    return not page.words and page.drawn >= _MANY_DRAWINGS


def _is_layer(page: Page) -> bool:
    """Tell whether undrawn text is what a recognition left over the image of a scanned page."""
    undrawn = sum(len(word.text) for word in page.words if word.why == UNDRAWN)
    return (
        page.covered >= _COVERED
        and _seen(page) < _FEW_SIGNS <= undrawn
        and not garbled(" ".join(word.text for word in page.words))
    )


def _is_garbled(page: Page) -> bool:
    signs = _seen(page)
    if not signs:
        return False
    return page.unmapped > 0.3 * signs or garbled(" ".join(word.text for word in page.words if not word.why))


def _draw(page: Any, inside: Inside) -> tuple[Path, float] | None:
    """Draw a page in grey for recognition; return the file and its dots per inch."""
    wide, high = page.get_size()
    dots = min(_DOTS, 72 * (inside.limits.pixels / 4 / max(wide * high, 1.0)) ** 0.5)
    if dots < 50:
        return None
    bitmap = page.render(scale=dots / 72, grayscale=True, may_draw_forms=True)
    return inside.write_grey(bitmap.to_numpy()), dots


def _fields(writer: Writer, pdf: Any, count: int) -> None:
    """Add what is filled in the form of the PDF, which is in no page's text."""
    from pypdfium2 import raw

    if not pdf.get_formtype():
        return
    pdf.init_forms()
    for rank in range(count):
        page = pdf[rank]
        try:
            for place in range(min(raw.FPDFPage_GetAnnotCount(page), 2000)):
                note = raw.FPDFPage_GetAnnot(page, place)
                name = _field_text(raw.FPDFAnnot_GetFormFieldName, pdf, note)
                value = _field_text(raw.FPDFAnnot_GetFormFieldValue, pdf, note)
                raw.FPDFPage_CloseAnnot(note)
                if value.strip() and value != "Off":
                    writer.aside(PartKind.FIELD, f"{name} : {value}" if name else value, page=rank + 1)
        finally:
            page.close()


def _field_text(ask: Any, pdf: Any, note: Any) -> str:
    import ctypes

    size = min(ask(pdf.formenv, note, None, 0), 200_000)
    buffer = ctypes.create_string_buffer(size + 2)
    ask(pdf.formenv, note, ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), size)
    return buffer.raw[:size].decode("utf-16-le", errors="replace").rstrip("\0")


def _attachments(writer: Writer, pdf: Any, inside: Inside) -> None:
    import pypdfium2

    try:
        count = pdf.count_attachments()
    except pypdfium2.PdfiumError:
        return
    for rank in range(min(count, inside.limits.entries)):
        try:
            one = pdf.get_attachment(rank)
            name, data = one.get_name(), bytes(one.get_data())
        except pypdfium2.PdfiumError:
            writer.doubt("attachment", f"La pièce jointe n° {rank + 1} ne peut pas être extraite.")
            continue
        writer.attachments.append(inside.attached(name, data))

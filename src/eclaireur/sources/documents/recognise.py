"""Tells which format a document is in, by its bytes; its name only decides between texts."""

from __future__ import annotations

import io
import re
import zipfile
from collections import Counter

from eclaireur.sources.markup import is_markup

__all__ = ["is_document", "kind_of"]

_IMAGE = re.compile(
    rb"\x89PNG\r\n|\xff\xd8\xff|GIF8[79]a|BM.{4}\0\0\0\0|II\*\0|MM\0\*|II\+\0|RIFF.{4}WEBP|P[1-6]\s"
    rb"|.{4}ftyp(hei|hev|mif|msf|avif)|\0\0\0\x0cjP  |\xff\x4f\xff\x51|8BPS|\0\0\x01\0.\0",
    re.DOTALL,
)
_FIELD = re.compile(rb"^([!-9;-~]{1,70}):", re.MULTILINE)
_MAIL_FIELDS = {
    b"from", b"to", b"subject", b"date", b"received", b"message-id", b"mime-version", b"return-path",
    b"delivered-to", b"content-type", b"x-mailer", b"reply-to", b"sender", b"cc", b"dkim-signature",
}  # fmt: skip
_PAGE = re.compile(
    rb"<(!doctype\s+html|html|head|body|div|p|table|meta|title|h[1-6]|span|br|ul|a|script)\b", re.IGNORECASE
)
_NEVER_TABLE = {"pdf", "msg", "eml", "emlx", "mbox", "image", "rtf", "old_office", "locked"}
_NAMED = {"html": (".htm", ".html", ".xhtml"), "text": (".md", ".rst", ".text")}


def kind_of(data: bytes, name: str = "") -> str:
    """Return the format of a document: a short word, ``text`` when nothing else is recognised.

    Words that are no format of a document (``workbook``, ``locked``, ``binary``…) say what it is
    instead.

    Examples
    --------
    >>> kind_of(b"%PDF-1.7 ...")
    'pdf'
    >>> kind_of(b"From: a@example.fr\\nSubject: Bonjour\\n\\nTexte")
    'eml'
    """
    head = data[:4096]
    if b"%PDF-" in head[:1024]:
        return "pdf"
    if head[:4] == b"PK\x03\x04" or head[:4] == b"PK\x05\x06":
        return _zipped(data)
    if head[:8] == b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1":
        return _compound(data)
    if _IMAGE.match(head):
        return "image"
    if head[:5] == b"{\\rtf":
        return "rtf"
    return _written(head, name)


def _written(head: bytes, name: str) -> str:
    plain = head.replace(b"\0", b"").lstrip(b"\xef\xbb\xbf\xff\xfe")
    envelope = re.match(rb"From \S.*\d{4}.*\n", plain)
    if envelope and (_FIELD.match(plain[envelope.end() :]) or name.lower().endswith((".mbox", ".eml"))):
        return "mbox"
    numbered = re.match(rb"\d{1,9}\s*\n", plain)
    start = plain[numbered.end() :] if numbered else plain
    if _FIELD.match(start) and _mail_fields(start) >= 2:
        return "emlx" if numbered else "eml"
    if plain.lstrip().startswith((b"<?xml", b"<svg")) and not re.search(
        rb"<html\b|<!doctype\s+html", plain, re.IGNORECASE
    ):
        return "markup"
    if is_markup(plain) or (name.lower().endswith((".htm", ".html")) and b"<" in plain):
        if _PAGE.search(plain) and b"urn:schemas-microsoft-com:office:spreadsheet" not in plain:
            return "html"
        return "markup" if is_markup(plain) else "text"
    zeros = head.count(0)
    if zeros and not _is_wide(head):
        return "binary"
    controls = sum(sign < 32 and sign not in {9, 10, 12, 13, 27} for sign in plain)
    return "binary" if controls > max(len(plain) // 20, 1) else "text"


def _is_wide(head: bytes) -> bool:
    if head[:2] in {b"\xff\xfe", b"\xfe\xff"} or head[:4] == b"\0\0\xfe\xff":
        return True
    even, odd = head[::2].count(0), head[1::2].count(0)
    return even + odd > len(head) // 4 and max(even, odd) > 10 * min(even, odd)


def _mail_fields(head: bytes) -> int:
    top = re.split(rb"\r?\n\r?\n", head, maxsplit=1)[0]
    return len({name.lower() for name in _FIELD.findall(top)} & _MAIL_FIELDS)


def _zipped(data: bytes) -> str:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = set(archive.namelist()[:5000])
            if "mimetype" in names:
                declared = archive.open("mimetype").read(200)
                if declared.startswith(b"application/vnd.oasis.opendocument.text"):
                    return "odt"
                return (
                    "workbook"
                    if b"spreadsheet" in declared
                    else "slides"
                    if b"presentation" in declared
                    else "zip"
                )
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, RuntimeError, EOFError):
        return "broken_zip"
    if any(name.lower().startswith("word/") for name in names):
        return "docx"
    if any(name.startswith("xl/") for name in names):
        return "workbook"
    if any(name.startswith("ppt/") for name in names):
        return "slides"
    # A document may keep its main part anywhere: the relationships say where.
    return "docx" if {"[Content_Types].xml", "_rels/.rels"} <= names else "zip"


def _compound(data: bytes) -> str:
    """Tell what an OLE container holds by the names in its directory, which are in UTF-16."""

    def holds(name: str) -> bool:
        return name.encode("utf-16-le") in data

    if holds("__properties_version1.0"):
        return "msg"
    if holds("EncryptedPackage"):
        return "locked"
    if holds("WordDocument") or holds("PowerPoint Document"):
        return "old_office"
    return "workbook" if holds("Workbook") or holds("Book") else "binary"


def _is_prose(data: bytes) -> bool:
    """Tell whether the beginning of a text is sentences rather than rows: no sign comes back on its lines."""
    lines = [line for line in data[:4096].replace(b"\0", b"").splitlines() if line.strip()]
    # A letter may have short lines (« Bonjour, »): no heading ends as its first one does.
    least = 1.5 if lines and lines[0].rstrip().endswith((b",", b".", b":", b"!", b"?")) else 3
    if not lines or sum(len(line.split()) for line in lines) < least * len(lines):
        return False
    for sign, share in ((b";", 0.5), (b"\t", 0.5), (b"|", 0.5), (b",", 0.8)):
        counts = Counter(line.count(sign) for line in lines)
        often = max((often for times, often in counts.items() if times), default=0)
        if len(lines) > 1 and often >= share * len(lines):
            return False
    return True


def is_document(data: bytes, name: str = "") -> bool:
    """Tell whether a file is read as a document rather than as a table; nothing is expanded.

    A web page is one by its name: exports in ``.xls`` are often pages. A ``.txt`` is one if it is sentences.

    Parameters
    ----------
    data
        The file, or at least its beginning when it is no ZIP and no OLE container.

    Examples
    --------
    >>> is_document(b"<table><tr><td>a", "export.xls"), is_document(b"<p>a", "page.html")
    (False, True)
    """
    if data[:4] == b"PK\x03\x04":
        declared = data[30:38] == b"mimetype" and b"vnd.oasis.opendocument.text" in data[38:120]
        return declared or (b"word/" in data and b"xl/workbook" not in data)
    kind = kind_of(data, name)
    if kind in {"html", "text"}:
        lower = name.lower()
        return lower.endswith(_NAMED[kind]) or (kind == "text" and lower.endswith(".txt") and _is_prose(data))
    return kind in _NEVER_TABLE

"""Outlook's MSG: properties of the message read from its OLE container, by number.

References
----------
Microsoft, [MS-OXMSG] « Outlook Item (.msg) File Format », [MS-OXPROPS] and [MS-OXRTFCP].
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from eclaireur.core.errors import ExtraMissingError
from eclaireur.sources import encoding
from eclaireur.sources.documents.compressed_rtf import expanded
from eclaireur.sources.documents.document import Document, PartKind
from eclaireur.sources.documents.html import decode_page, flow_page
from eclaireur.sources.documents.inside import Inside
from eclaireur.sources.documents.rtf import page_in, rtf_into
from eclaireur.sources.documents.writing import Writer
from eclaireur.sources.refusals import RefusedError

__all__ = ["read_msg"]

_FIX = "Enregistrez le mail de nouveau dans Outlook, en .msg ou en .eml."
_SUBJECT, _BODY, _HTML, _RTF = 0x0037, 0x1000, 0x1013, 0x1009
_FROM_NAME, _FROM_MAIL, _FROM_SMTP, _SENDER = 0x0042, 0x0065, 0x5D02, 0x0C1A
_TO, _CC, _SENT, _RECEIVED = 0x0E04, 0x0E03, 0x0039, 0x0E06
_ATTACHED, _LONG_NAME, _SHORT_NAME, _SHOWN_NAME = 0x3701, 0x3707, 0x3704, 0x3001
_CODEPAGES = (0x3FDE, 0x3FFD)
_UNICODE, _ANSI, _BINARY = "001F", "001E", "0102"
_PROPERTIES = "__properties_version1.0"
_EPOCH = datetime(1601, 1, 1)  # noqa: DTZ001 - the origin of the format, in universal time
_MOST = 300


def read_msg(name: str, data: bytes, inside: Inside) -> Document:
    """Read an Outlook message.

    Raises
    ------
    RefusedError
        If the container is broken.
    """
    try:
        import olefile
    except ImportError as error:
        raise ExtraMissingError(
            "lire un mail d'Outlook demande une partie qui n'est pas installée.",
            fix="Lancez : ./eclaireur install documents",
        ) from error
    try:
        container = olefile.OleFileIO(data)
    except (OSError, ValueError, IndexError, struct.error, TypeError) as error:
        raise RefusedError("ce mail d'Outlook est abîmé.", _FIX) from error
    with container:
        return _read(name, _Store(container, ()), inside)


@dataclass(frozen=True, slots=True)
class _Store:
    """One storage of the container: the message, an attachment, or a message inside one."""

    container: Any
    path: tuple[str, ...]

    def stream(self, name: str) -> bytes:
        """Return the bytes of a stream, empty when it is absent or broken."""
        place = [*self.path, name]
        try:
            return bytes(self.container.openstream(place).read()) if self.container.exists(place) else b""
        except (OSError, ValueError, IndexError, struct.error, TypeError):
            return b""

    def inner(self, start: str) -> list[_Store]:
        """Return the storages of this one whose name starts so."""
        depth = len(self.path)
        names = {
            entry[depth]
            for entry in self.container.listdir(streams=True, storages=True)
            if len(entry) > depth and tuple(entry[:depth]) == self.path and entry[depth].startswith(start)
        }
        return [_Store(self.container, (*self.path, name)) for name in sorted(names)[:_MOST]]

    def fixed(self, number: int) -> bytes:
        """Return the eight bytes of a property that has a size of its own."""
        data = self.stream(_PROPERTIES)
        # The header of the table is longer at the top than inside, and for attachments it has eight bytes.
        for header in (32, 24, 8):
            for place in range(header, len(data) - 15, 16):
                kind, found = struct.unpack_from("<HH", data, place)
                if found == number and kind in {0x0003, 0x0040, 0x000B}:
                    return data[place + 8 : place + 16]
        return b""

    def binary(self, number: int) -> bytes:
        """Return a property in bytes."""
        return self.stream(f"__substg1.0_{number:04X}{_BINARY}")

    def text(self, number: int, codepage: str) -> str:
        """Return a property in letters, in either of its two forms."""
        data = self.stream(f"__substg1.0_{number:04X}{_UNICODE}")
        if data:
            return data.decode("utf-16-le", errors="replace").replace("\0", "")
        return _ansi(self.stream(f"__substg1.0_{number:04X}{_ANSI}"), codepage).replace("\0", "")


def _ansi(data: bytes, codepage: str) -> str:
    try:
        return data.decode(codepage) if codepage else encoding.decode(data).text
    except (LookupError, UnicodeDecodeError):
        return encoding.decode(data).text


def _codepage(store: _Store) -> str:
    for number in _CODEPAGES:
        value = store.fixed(number)
        if value:
            page = struct.unpack_from("<I", value)[0]
            return {65001: "utf-8", 20127: "cp1252", 28591: "cp1252", 28605: "iso8859_15", 936: "gbk"}.get(
                page, f"cp{page}"
            )
    return ""


def _when(store: _Store) -> datetime | None:
    for number in (_SENT, _RECEIVED):
        value = store.fixed(number)
        if value:
            try:
                return _EPOCH + timedelta(microseconds=struct.unpack("<Q", value)[0] // 10)
            except OverflowError:
                return None
    return None


def _read(name: str, store: _Store, inside: Inside) -> Document:
    writer = Writer(name, "msg")
    codepage = _codepage(store)
    writer.title = " ".join(store.text(_SUBJECT, codepage).split())
    sender = " ".join((store.text(_FROM_NAME, codepage) or store.text(_SENDER, codepage)).split())
    address = store.text(_FROM_SMTP, codepage) or store.text(_FROM_MAIL, codepage)
    writer.author = (
        f"{sender} <{address}>" if address and "@" in address and address not in sender else sender or address
    )
    writer.date = _when(store)
    pairs = (
        ("De", writer.author),
        ("À", store.text(_TO, codepage)),
        ("Copie", store.text(_CC, codepage)),
        ("Objet", writer.title),
    )
    writer.facts += [(title, " ".join(value.split())) for title, value in pairs if value.strip()]
    _body(store, codepage, writer)
    for one in store.inner("__attach_version1.0_"):
        _attach(one, codepage, writer, inside)
    return writer.finish()


def _body(store: _Store, codepage: str, writer: Writer) -> None:
    """Write the text: plain, else from its web page, else from its RTF."""
    text = store.text(_BODY, codepage).replace("\r\n", "\n").replace("\r", "\n").strip()
    if text:
        writer.begin(PartKind.BODY)
        writer.add(text)
        return
    title = writer.title
    page = store.binary(_HTML)
    if page:
        flow_page(decode_page(page, writer), writer)
    else:
        written = store.text(_HTML, codepage)
        packed = expanded(store.binary(_RTF)) if not written else b""
        written = written or page_in(packed)
        if written:
            flow_page(written, writer)
        elif packed:
            rtf_into(packed, writer)
    writer.title = title


def _attach(store: _Store, codepage: str, writer: Writer, inside: Inside) -> None:
    name = next(
        (
            text
            for number in (_LONG_NAME, _SHORT_NAME, _SHOWN_NAME)
            if (text := store.text(number, codepage).strip())
        ),
        "pièce jointe",
    )
    mails = store.inner(f"__substg1.0_{_ATTACHED:04X}000D")
    if mails:
        writer.attachments.append(inside.carried(name, lambda deeper: _read(name, mails[0], deeper)))
        return
    data = store.binary(_ATTACHED)
    if data:
        writer.attachments.append(inside.attached(name, data))

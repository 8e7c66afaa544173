"""Mails (EML, EMLX) and mailboxes (MBOX): who wrote to whom, the text, and what is attached, read in turn.

The text is the plain one when there is one, else that of the web page. What the headers and charsets of real
mails get wrong is repaired and said.
"""

from __future__ import annotations

import base64
import email
import email.errors
import email.policy
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from email.message import Message
from email.utils import parsedate_to_datetime
from typing import Any

from eclaireur.core import french
from eclaireur.sources import encoding
from eclaireur.sources.documents.document import Document, PartKind
from eclaireur.sources.documents.html import decode_page, flow_page
from eclaireur.sources.documents.inside import Inside
from eclaireur.sources.documents.writing import Writer
from eclaireur.sources.refusals import RefusedError

__all__ = [
    "HEADINGS",
    "MOST_PARTS",
    "body_text",
    "bytes_of",
    "charset_of",
    "file_name",
    "is_attached",
    "leaves",
    "read_mail",
    "read_mailbox",
]

HEADINGS = (("from", "De"), ("to", "À"), ("cc", "Copie"), ("date", "Date"), ("subject", "Objet"))
"""Fields of a mail that are shown, with their French names."""

MOST_PARTS = 500
"""Parts of a mail that are read."""

_ENVELOPE = re.compile(rb"^From \S.*\d{4}.*\r?\n", re.MULTILINE)
_LONGEST_FIELD = 5000
_BROKEN = (ValueError, LookupError, TypeError, AttributeError, IndexError, AssertionError, RecursionError)
_ENCRYPTED = {"multipart/encrypted", "application/pkcs7-mime", "application/x-pkcs7-mime"}


def read_mail(name: str, data: bytes, inside: Inside) -> Document:
    """Read a mail."""
    writer = Writer(name, "eml")
    numbered = re.match(rb"(\d{1,9})\s*\n", data)
    if numbered:  # Apple Mail writes the length of the mail first, and its own notes after
        data = data[numbered.end() :][: int(numbered[1])]
    message = _parsed(data)
    writer.facts += _facts(message)
    said = dict(writer.facts)
    writer.title, writer.author = said.get("Objet", ""), said.get("De", "")
    writer.date = _date(said.get("Date", ""))
    if said.get("Date") and writer.date is None:
        writer.doubt("date", f"Date illisible : « {said['Date'][:60]} ».")
    _write(message, writer, inside)
    return writer.finish()


def _parsed(data: bytes) -> Message:
    # The older policy keeps headers as they are: the newer one raises on some that real mails have.
    return email.message_from_bytes(data, policy=email.policy.compat32)


def read_mailbox(name: str, data: bytes, inside: Inside) -> Document:
    """Read the mails of a mailbox, one after the other; each is in the text, under its headings.

    Raises
    ------
    RefusedError
        If it holds no mail.
    """
    writer = Writer(name, "mbox")
    starts = [match.span() for match in _ENVELOPE.finditer(data) if _is_envelope(data, match.start())]
    if len(starts) == 1:
        return replace(read_mail(name, data[starts[0][1] :], inside), format="mbox")
    if not starts:
        raise RefusedError("cette boîte ne contient aucun mail.", "Exportez-la de nouveau.")
    ends = [start for start, _ in starts[1:]] + [len(data)]
    for rank, ((_, begin), end) in enumerate(zip(starts, ends, strict=True)):
        if rank >= inside.limits.entries:
            said = french.count(len(starts) - rank, "mail", "mails")
            writer.doubt("limit", f"Boîte trop grande : {said} de la fin ne sont pas lus.")
            break
        message = _parsed(re.sub(rb"(?m)^>(>*From )", rb"\1", data[begin:end]))
        facts = _facts(message)
        writer.begin(PartKind.BODY)
        writer.add("\n".join(f"{title} : {value}" for title, value in facts))
        _write(message, writer, inside)
    writer.facts.append(("Mails", french.number(len(starts))))
    return writer.finish()


def _is_envelope(data: bytes, start: int) -> bool:
    """Tell whether a line begins a mail: the first, or one after an empty line."""
    return start == 0 or data[max(start - 4, 0) : start].endswith((b"\n\n", b"\r\n\r\n"))


def _facts(message: Message) -> list[tuple[str, str]]:
    facts = []
    for name, title in HEADINGS:
        value = _field(message, name)
        if value:
            facts.append((title, value))
    return facts


def _field(message: Message, name: str) -> str:
    """Return a header as text, whatever its form."""
    # As it was received: the getter has already replaced bytes that are no ASCII.
    text = next((str(value) for key, value in message.raw_items() if key.lower() == name), "")[
        :_LONGEST_FIELD
    ]
    if any("\udc80" <= sign <= "\udcff" for sign in text):
        text = encoding.decode(text.encode("utf-8", errors="surrogateescape")).text
    return " ".join(_decoded(text).split())


def _decoded(text: str) -> str:
    """Decode the words of a header that are encoded (RFC 2047)."""
    from email.header import decode_header

    try:
        pieces = decode_header(text)
    except (*_BROKEN, email.errors.HeaderParseError):
        return text
    return "".join(_piece(piece, charset) for piece, charset in pieces)


def _piece(piece: str | bytes, charset: str | None) -> str:
    if isinstance(piece, str):
        return piece
    if charset in {None, "unknown-8bit"}:
        return encoding.decode(piece).text
    try:
        return piece.decode(charset or "ascii")
    except (LookupError, UnicodeDecodeError):
        return encoding.decode(piece).text


def _date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _write(message: Message, writer: Writer, inside: Inside) -> None:
    """Write the text of a mail, and read what it carries."""
    plain: list[str] = []
    pages: list[bytes] = []
    for rank, part in enumerate(leaves(message)):
        if rank >= MOST_PARTS:
            writer.doubt("limit", "Mail aux parties trop nombreuses : les dernières ne sont pas lues.")
            break
        kind = part.get_content_type()
        if kind in _ENCRYPTED:
            writer.doubt("encrypted", "Mail chiffré : son texte ne peut pas être lu.")
        if isinstance(part.get_payload(), list):
            _forwarded(part, writer, inside)
            continue
        data = bytes_of(part)
        name = file_name(part)
        attached = is_attached(part, name)
        if not attached and kind == "text/html":
            pages.append(data)
        elif not attached and part.get_content_maintype() == "text":
            plain.append(body_text(data, charset_of(part), writer))
        elif data or name:
            writer.attachments.append(inside.attached(name or kind, data))
    _write_body(plain, pages, writer)


def _write_body(plain: list[str], pages: list[bytes], writer: Writer) -> None:
    texts = [text.strip("\r\n") for text in plain if text.strip()]
    if texts:
        writer.begin(PartKind.BODY)
        writer.add("\n\n".join(texts))
        return
    for page in pages:
        title = writer.title
        flow_page(decode_page(page, writer), writer)
        writer.title = title


def leaves(message: Message) -> Iterator[Message]:
    """Go through the parts, mails that are carried being one part."""
    stack: list[Any] = [message]
    while stack:
        part = stack.pop()
        payload = part.get_payload()
        if isinstance(payload, list) and part.get_content_maintype() == "multipart":
            stack += [one for one in reversed(payload) if isinstance(one, Message)]
        else:
            yield part


def _forwarded(part: Message, writer: Writer, inside: Inside) -> None:
    for one in part.get_payload():
        if not isinstance(one, Message):
            continue
        try:
            # Against the standard, some programs encode the mail that they carry.
            coded = str(part.get("Content-Transfer-Encoding", "")).strip().lower() == "base64"
            data = base64.b64decode(str(one.get_payload())) if coded else one.as_bytes()
        except _BROKEN:
            writer.doubt("attachment", "Un mail transféré est abîmé, il n'est pas lu.")
            continue
        name = f"{_field(one, 'subject')[:100] or 'mail transféré'}.eml"
        writer.attachments.append(inside.attached(name, data))


def is_attached(part: Message, name: str) -> bool:
    """Tell whether a part is attached, rather than text of the mail."""
    named = bool(name) and part.get_content_type() not in {"text/plain", "text/html"}
    return named or part.get_content_disposition() == "attachment"


def bytes_of(part: Message) -> bytes:
    """Return the content of a part, decoded; as it is written when that fails."""
    try:
        payload = part.get_payload(decode=True)
    except _BROKEN:
        payload = None
    if isinstance(payload, bytes):
        return payload
    raw = part.get_payload()
    return raw.encode("utf-8", errors="surrogateescape") if isinstance(raw, str) else b""


def file_name(part: Message) -> str:
    """Return the name that a part gives itself; empty when it gives none."""
    try:
        name = part.get_filename()
    except _BROKEN:
        return "pièce jointe"
    return _decoded(str(name)) if name else ""


def charset_of(part: Message) -> str:
    """Return the charset that a part declares; empty when it declares none."""
    try:
        return str(part.get_content_charset() or "")
    except _BROKEN:
        return ""


def body_text(data: bytes, charset: str, writer: Writer) -> str:
    """Decode the text of a mail: as it declares when that holds, else by what the bytes are."""
    named = "cp1252" if charset in {"iso-8859-1", "latin-1", "windows-1252", "us-ascii", "ascii"} else charset
    if named and not data.isascii():
        try:
            text = data.decode(named)
        except (LookupError, UnicodeDecodeError):
            writer.repair(
                "encoding", f"Encodage annoncé, {charset[:30]}, démenti par le contenu : reconnu autrement."
            )
        else:
            if named != "cp1252" or not _is_utf8(data):
                return text.replace("\r\n", "\n")
            writer.repair("encoding", f"Encodage annoncé {charset}, le texte est en UTF-8 : il est lu ainsi.")
    decoded = encoding.decode(data)
    writer.doubts += decoded.doubts
    writer.repairs += decoded.repairs
    return decoded.text.replace("\r\n", "\n")


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True

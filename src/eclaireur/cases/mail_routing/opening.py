"""What a mail says without opening what it carries: headers, plain text, names of what is attached.

Python's own parser does this in this process; nothing is decoded but text. A mail that is made to be slow to
parse (parts in parts, a heading without end) is left to the confined child.
"""

from __future__ import annotations

import email
import email.policy
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from email.message import Message as Mail
from email.utils import parsedate_to_datetime
from typing import Any

__all__ = ["HEADER", "Outline", "is_fair", "outlined", "plain_text", "said_by"]

HEADER = re.compile(
    rb"(?:Return-Path|Received|From|To|Date|Subject|Message-ID|MIME-Version|Delivered-To|Content-Type"
    rb"|DKIM-Signature|Authentication-Results|Reply-To|Sender|Cc|References|In-Reply-To|Comments"
    rb"|(?:X|ARC|List)-[\w-]+): ?",
    re.IGNORECASE,
)
"""How a mail begins."""

_LARGEST = 10_000_000
_HEAD = 200_000
_FIELD = 2000
_MOST_BOUNDARIES = 30
_LONGEST_HEADING = 4000
_NAME = 200
_HEADING = re.compile(rb"\n[^\s:]{1,76}:[^\n]*(?:\n[ \t][^\n]*)*")
_CONTENT = b"\ncontent-"
_CODED = re.compile(rb"(?:[A-Za-z0-9+/]{60,76}\r?\n){20,}")
_CUT = b"[ici]"
_END = re.compile(rb"\n\r?\n")
_NUMBERED = re.compile(rb"\d{1,9}\s*\n")
_IDENTIFIER = re.compile(r"<([^<>\s]{1,300})>")
_BROKEN = (ValueError, LookupError, TypeError, AttributeError, IndexError, RecursionError)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A mail, without what it carries.

    Parameters
    ----------
    said
        ``id``, ``thread``, ``sender``, ``heading`` and ``received``, as its headers give them.
    body
        Its plain text; empty when it has none.
    page
        Its web page, when it has no plain text.
    attachments
        Names of what is attached.
    """

    said: dict[str, Any]
    body: str = ""
    page: bytes = b""
    attachments: tuple[str, ...] = field(default=())


def is_fair(data: bytes) -> bool:
    r"""Tell whether a mail is parsed in a time that its length bounds.

    Python looks for the end of every part that is open at each line, and reads a heading again at each sign.

    >>> is_fair(b"From: a@exemple.fr\n\nBonjour")
    True
    >>> is_fair(b"Content-Type: multipart/mixed; boundary=a\n\n--a\n" * 100)
    False
    """
    if len(data) > _LARGEST:
        return False
    lower = b"\n" + data.lower()
    if lower.count(b"boundary") > _MOST_BOUNDARIES:
        return False
    start = lower.find(_CONTENT)
    while start >= 0:
        found = _HEADING.match(lower, start)
        if found is not None and found.end() - start > _LONGEST_HEADING:
            return False
        start = lower.find(_CONTENT, start + 1)
    return True


def outlined(data: bytes) -> Outline | None:
    """Read a mail without opening what it carries; None when it must be read as a whole, elsewhere."""
    from eclaireur.sources.documents import mail as mails
    from eclaireur.sources.documents.writing import Writer, clean

    if HEADER.match(data) is None or not is_fair(data):
        return None
    said = said_by(data[:_HEAD])
    if not said:
        return None
    plain: list[str] = []
    pages: list[bytes] = []
    names: list[str] = []
    writer = Writer("mail", "eml")
    try:
        parts = list(_parts(data))
        if len(parts) > mails.MOST_PARTS:
            return None
        for part in parts:
            if isinstance(part.get_payload(), list):
                names += [_subject(one) for one in part.get_payload() if isinstance(one, Mail)]
                continue
            name = mails.file_name(part)
            if mails.is_attached(part, name) or part.get_content_maintype() != "text":
                if name or part.get_payload():
                    names.append(" ".join((name or part.get_content_type()).split())[:_NAME] or "sans nom")
            elif part.get_content_type() == "text/html":
                pages.append(mails.bytes_of(part))
            else:
                plain.append(mails.body_text(mails.bytes_of(part), mails.charset_of(part), writer))
    except _BROKEN:
        return None
    body = clean("\n\n".join(text.strip("\r\n") for text in plain if text.strip()))[0]
    if not body.strip() and len(pages) > 1:
        return None
    page = b"" if body.strip() or not pages else pages[0]
    return Outline(said=said, body=body, page=page, attachments=tuple(names))


def _parts(data: bytes) -> Iterator[Mail]:
    """Go through the parts of a mail, without the coded lines of what is attached: most of its length."""
    from eclaireur.sources.documents.mail import leaves

    short = _CODED.sub(_CUT + b"\n", data)
    parts = list(leaves(email.message_from_bytes(short, policy=email.policy.compat32)))
    texts = [str(part.get_payload()) for part in parts if part.get_content_maintype() == "text"]
    if len(short) < len(data) and any(_CUT.decode() in text for text in texts):
        return leaves(email.message_from_bytes(data, policy=email.policy.compat32))
    return iter(parts)


def plain_text(data: bytes) -> str:
    """Return the plain parts of a mail, as a last resort."""
    from eclaireur.sources import encoding

    pieces = []
    try:
        for part in email.message_from_bytes(data, policy=email.policy.compat32).walk():
            if part.get_content_type() == "text/plain" and part.get_content_disposition() != "attachment":
                payload = part.get_payload(decode=True)
                if isinstance(payload, bytes):
                    pieces.append(encoding.decode(payload).text)
    except _BROKEN:
        return "\n\n".join(pieces)
    return "\n\n".join(pieces)


def said_by(head: bytes) -> dict[str, Any]:
    """Return what the first bytes of a mail say of it: identifier, thread, sender, heading, moment."""
    if not head:
        return {}
    numbered = _NUMBERED.match(head)
    try:
        own_head = head[numbered.end() :] if numbered else head
        end = _END.search(own_head)
        mail = email.message_from_bytes(
            own_head[: end.end()] if end else own_head, policy=email.policy.compat32
        )
        fields = {key.lower(): str(value) for key, value in reversed(list(mail.raw_items()))}
        own = _IDENTIFIER.findall(fields.get("message-id", ""))
        above = _IDENTIFIER.findall(fields.get("references", "") + " " + fields.get("in-reply-to", ""))
        return {
            "id": own[0] if own else "",
            "thread": above[0] if above else own[0] if own else "",
            "sender": _shown(mail, "from"),
            "heading": _shown(mail, "subject"),
            "received": _read_date(fields.get("date", "")),
        }
    except _BROKEN:
        return {}


def _subject(mail: Mail) -> str:
    """Name a mail that is carried, as the child does."""
    return f"{' '.join(_shown(mail, 'subject').split())[:100] or 'mail transféré'}.eml"


def _shown(mail: Mail, name: str) -> str:
    from email.header import decode_header, make_header

    from eclaireur.sources import encoding

    # As it was received: the getter has already replaced bytes that are no ASCII.
    raw = next((str(value) for key, value in mail.raw_items() if key.lower() == name), "")[:_FIELD]
    if not raw.isascii():
        return encoding.decode(raw.encode("utf-8", "surrogateescape")).text
    try:
        return str(make_header(decode_header(raw)))
    except (ValueError, LookupError, TypeError, email.errors.HeaderParseError):
        return raw


def _read_date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None

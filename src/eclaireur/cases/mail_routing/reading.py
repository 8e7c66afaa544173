"""Mails as rows: EML, MSG and MBOX files, read in the confined child, and rows of exports.

A mail that cannot be read is still a row, which says why: nothing that came is lost.
"""

from __future__ import annotations

import atexit
import hashlib
import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.intake.parts import own_text, segment
from eclaireur.cases.mail_routing.opening import HEADER, is_fair, outlined, plain_text, said_by
from eclaireur.core.intake import PartKind
from eclaireur.sources.reading import Outcome

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.sources.documents.document import Document
    from eclaireur.sources.isolated import Isolated

__all__ = [
    "MAILS",
    "NEVER",
    "candidates",
    "close_child",
    "mail_rows",
    "routed_text",
    "row_of",
    "schema",
    "table",
]

MAILS = frozenset({".eml", ".emlx", ".mbox", ".mbx", ".msg"})
"""Ends of the names of mail files."""

NEVER = datetime(1970, 1, 1, tzinfo=UTC)
"""Day of a mail that says none."""

_TABLES = frozenset({".csv", ".tsv", ".xlsx", ".xls", ".ods", ".parquet", ".json", ".jsonl", ".gz"})
_LETTERS = frozenset({".txt", ".pdf", ".docx", ".odt", ".rtf", ".html", ".htm"})
_BOXES = frozenset({".mbox", ".mbx"})
_FROM = b"From "
_ENVELOPE = re.compile(rb"From \S.*\d{4}.*\r?\n")
_ESCAPED = re.compile(rb"(?m)^>(>*From )")
_SECONDS = 12.0
_FILES = 1000
_HEAD = 200_000
_LONGEST = 30_000_000
_NO_TEXT = "message sans texte"
_PAGE = b"From: page\nMIME-Version: 1.0\nContent-Type: text/html\nContent-Transfer-Encoding: 8bit\n\n"
_FEW_WORDS = 15
_ROUTED = 3000
_REPLY = re.compile(r"^(?:\s*(?:re|ré|tr|fwd?|aw|rép|antw)\s*(?:\[\d+\])?\s*:\s*)+", re.IGNORECASE)


def schema() -> pa.Schema:
    """Return the schema of records.

    ``subject`` is the typed key, ``heading`` what the mail gives as its subject, ``text`` what is routed,
    ``service`` and ``theme`` where it went, when known, ``state`` what its reading could not do.
    """
    import pyarrow as pa

    keys = ("subject", "id", "thread", "sender", "heading", "body", "text")
    texts = (*keys, "channel", "area", "service", "theme", "box", "state")
    return pa.schema(
        [
            *((name, pa.string()) for name in texts),
            ("received", pa.timestamp("us", tz="UTC")),
            ("attachments", pa.list_(pa.string())),
            ("observed", pa.date32()),
            ("known", pa.date32()),
        ]
    )


def table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return rows of `row_of` as records, each message once, oldest first."""
    import pyarrow as pa

    first: dict[str, Mapping[str, Any]] = {}
    for row in rows:
        first.setdefault(row["id"], row)
    ordered = sorted(first.values(), key=lambda row: (row["received"], row["id"]))
    return pa.Table.from_pylist([dict(row) for row in ordered], schema=schema())


def row_of(given: Mapping[str, Any]) -> dict[str, Any]:
    """Complete a row: identifier, thread, moment.

    Parameters
    ----------
    given
        ``body``, and as known: ``id``, ``thread``, ``received``, ``sender``, ``heading``, ``channel``,
        ``area``, ``attachments``, ``service``, ``theme``, ``box`` (which measuring keeps whole).
    """
    body = str(given.get("body") or "")
    heading = " ".join(str(given.get("heading") or "").split())
    sender = " ".join(str(given.get("sender") or "").split())
    received = _moment(given.get("received"))
    name = str(given.get("id") or "").strip()[:150] or _digest(heading, sender, body, received.isoformat())
    day = received.date()
    return {
        "subject": f"document:{name}",
        "id": name,
        "thread": str(given.get("thread") or "").strip()[:300] or _thread(heading, sender) or name,
        "received": received,
        "sender": sender,
        "heading": heading,
        "body": body,
        "text": routed_text(heading, body),
        "channel": str(given.get("channel") or "courriel"),
        "area": str(given.get("area") or ""),
        "attachments": [str(one) for one in given.get("attachments") or ()],
        "service": str(given.get("service") or "").strip(),
        "theme": str(given.get("theme") or "").strip(),
        "box": str(given.get("box") or ""),
        "state": str(given.get("state") or ""),
        "observed": day,
        "known": day,
    }


def routed_text(heading: str, body: str) -> str:
    """Return what the destination is read from: the heading and what the author wrote, cut to a fair length.

    A reminder that says nearly nothing is read with what it quotes.

    >>> routed_text("Re: RSA", "Bonjour,\\nToujours rien.\\n> Ma demande de RSA attend.")
    'Re: RSA\\nToujours rien.\\n\\n> Ma demande de RSA attend.'
    """
    parts = segment(body)
    own = own_text(body, parts)
    if len(own.split()) < _FEW_WORDS:
        quoted = "".join(body[one.start : one.end] for one in parts if one.kind is PartKind.QUOTED).strip()
        own = own if quoted in own else f"{own}\n\n{quoted}"
    return f"{heading}\n{own}".strip()[:_ROUTED]


def candidates(path: Path) -> pa.Table | None:
    """Return the mails of a file to score, one a row; a letter is one; None when it may be a table."""
    import pyarrow as pa

    if path.suffix.lower() not in MAILS | _LETTERS and not _is_mail(path):
        return None
    rows = [row_of(row) for row in mail_rows(path)]
    keys = ("id", "thread", "received", "sender", "heading", "body", "attachments", "state")
    shown = pa.schema([schema().field(key) for key in keys])
    found = pa.Table.from_pylist([{key: row[key] for key in keys} for row in rows], schema=shown)
    return found.append_column("line", pa.array(range(1, len(rows) + 1), pa.int64()))


def mail_rows(path: Path, *, reader: Isolated | None = None) -> list[dict[str, Any]]:
    """Read the mails of a file (see `row_of`); one that cannot be read is a row with its ``state``."""
    reader = reader or _child()
    suffix = path.suffix.lower()
    if suffix in _LETTERS or suffix == ".msg":
        return [_mail(path, b"", reader)]
    found = []
    with tempfile.TemporaryDirectory() as folder:
        mails = _mails_of(path) if suffix in _BOXES else iter([path.read_bytes()])
        for number, data in enumerate(mails, start=1):
            one = Path(folder) / f"{number}{'.emlx' if suffix == '.emlx' else '.eml'}"
            found.append(_opened(data, one, reader))
            one.unlink(missing_ok=True)
    if not found:
        return [{"body": "", "heading": path.name, "state": "boîte vide : aucun message n'y a été trouvé"}]
    return found


@cache
def _child() -> Isolated:
    """Return the confined child of this process, started at its first mail: a folder may have thousands."""
    from eclaireur.sources.isolated import Isolated, Means

    child = Isolated(Means(files=_FILES))
    atexit.register(child.close)
    return child


def close_child() -> None:
    """End the confined child of this process; the next mail that needs one starts another."""
    _child().close()


def _is_mail(path: Path) -> bool:
    """Tell whether a file whose name says nothing begins as a mail does, as on a mail server."""
    if path.suffix.lower() in _TABLES:
        return False
    with path.open("rb") as stream:
        return HEADER.match(stream.read(200)) is not None


def _mails_of(path: Path) -> Iterator[bytes]:
    data = path.read_bytes()
    starts: list[tuple[int, int]] = []
    place = 0 if data.startswith(_FROM) else data.find(b"\n" + _FROM) + 1
    while place or not starts:
        found = _ENVELOPE.match(data, place)
        if found and (place == 0 or data[max(place - 4, 0) : place].endswith((b"\n\n", b"\r\n\r\n"))):
            starts.append(found.span())
        after = data.find(b"\n" + _FROM, place)
        if after < 0:
            break
        place = after + 1
    ends = [start for start, _ in starts[1:]] + [len(data)]
    for (_, begin), end in zip(starts, ends, strict=True):
        mail = data[begin:end]
        yield _ESCAPED.sub(rb"\1", mail) if b">From " in mail else mail


def _opened(data: bytes, place: Path, reader: Isolated) -> dict[str, Any]:
    """Read one mail: here when it has its plain text, else in the child, which is given its page alone."""
    outline = outlined(data)
    if outline is None:
        place.write_bytes(data)
        return _mail(place, data[:_HEAD], reader)
    row = {**outline.said, "attachments": list(outline.attachments)}
    if not outline.page:
        return {**row, "body": outline.body, "state": "" if outline.body.strip() else _NO_TEXT}
    # What is attached stays here, closed: the child has a page to read, and no more.
    place.write_bytes(_PAGE + outline.page)
    page = _mail(place, b"", reader)
    return {**row, "body": page["body"], "state": page["state"]}


def _mail(path: Path, head: bytes, reader: Isolated) -> dict[str, Any]:
    from eclaireur.sources.documents import read_document

    document = read_document(path, reader=reader, seconds=_SECONDS, recognise=False)
    said = said_by(head)
    if document.outcome is Outcome.REFUSE:
        return _by_hand(path, document, said)
    facts = dict(document.facts)
    return {
        "id": said.get("id", ""),
        "thread": said.get("thread", ""),
        "received": document.date or said.get("received"),
        "sender": facts.get("De") or document.author,
        "heading": facts.get("Objet") or document.title,
        "body": document.text,
        "attachments": [one.name for one in document.attachments],
        "state": "" if document.text.strip() else _NO_TEXT,
    }


def _by_hand(path: Path, document: Document, said: Mapping[str, Any]) -> dict[str, Any]:
    """Keep the plain text of a mail whose reading was refused, for instance by what it carries."""
    row = {key: said.get(key) for key in ("id", "thread", "sender", "heading")} | {
        "received": said.get("received")
    }
    text = "" if path.suffix.lower() == ".msg" else _plain_text(path)
    reason = document.reason or "lecture refusée"
    state = f"lu sans ses pièces jointes : {reason}" if text.strip() else f"illisible : {reason}"
    return row | {"body": text, "heading": row["heading"] or "", "state": state}


def _plain_text(path: Path) -> str:
    """Return the plain parts of a mail: nothing is opened but text, by the standard library alone."""
    data = path.read_bytes()[:_LONGEST]
    return plain_text(data) if is_fair(data) else ""


def _moment(value: Any) -> datetime:
    """Return a moment with a time zone; a day is its noon."""
    if isinstance(value, datetime):
        try:
            return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)
        except (OverflowError, ValueError):
            return NEVER
    if value is None or value == "":
        return NEVER
    text = str(value)
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return NEVER
    if len(text) <= 10:
        found = found.replace(hour=12)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)


def _thread(subject: str, sender: str) -> str:
    """Name the exchange of a mail that names none: same subject, same sender."""
    plain = _REPLY.sub("", subject).strip().lower()
    return hashlib.sha256(f"{plain}|{sender.lower()}".encode()).hexdigest()[:16] if plain and sender else ""


def _digest(*parts: str) -> str:
    joined = "\x1f".join(parts).encode("utf-8", "replace")
    return f"m-{hashlib.sha256(joined).hexdigest()[:12]}"

"""The sheet of a message; and official sheets read as messages, to learn subjects from them."""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.intake import personal
from eclaireur.bricks.intake.parts import segment
from eclaireur.cases.mail_routing import tone
from eclaireur.core import french
from eclaireur.core.case import Records
from eclaireur.core.errors import FileRefusedError, UnknownSubjectError
from eclaireur.core.subjects import Subject
from eclaireur.core.view import Block, Column, Facts, Mark, SpanText, Table

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["rows", "sheet"]

_SHOWN = 20_000
_FIRST_DAY = "2020-01-01"


def rows(path: Path) -> list[dict[str, Any]]:
    """Read official sheets (JSON lines) as messages: the text without the title, the subject as the service.

    The box is the path of the parent: sheets of one parent say nearly the same thing. A sheet published in
    two places is one message, and joins their boxes.

    Raises
    ------
    FileRefusedError
        If the file is no JSON lines of sheets.
    """
    found: dict[str, dict[str, Any]] = {}
    over: dict[str, str] = {}

    def root(name: str) -> str:
        while over.setdefault(name, name) != name:
            over[name] = over[over[name]]
            name = over[name]
        return name

    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rt", encoding="utf-8") as stream:
            for line in stream:
                one = json.loads(line)
                parent = str(one.get("theme_path") or "").rpartition(" > ")[0] or str(one["id"])
                first = found.setdefault(str(one["id"]), _as_message(one, parent))
                first["service"] = first["service"] or str(one.get("subject") or "")
                over[root(parent)] = root(first["box"])
    except (OSError, UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise FileRefusedError(
            "ce fichier n'est pas fait de fiches.", file=path.name, fix="Donnez des lignes JSON."
        ) from error
    for row in found.values():
        row["box"] = root(row["box"])
    return list(found.values())


def _as_message(one: Mapping[str, Any], parent: str) -> dict[str, Any]:
    return {
        "id": str(one["id"]),
        "received": str(one.get("date") or "").rpartition(" ")[2] or _FIRST_DAY,
        "sender": "service-public.fr",
        "thread": str(one["id"]),
        "body": str(one.get("text") or ""),
        "channel": str(one.get("type") or "fiche"),
        "service": str(one.get("subject") or ""),
        "box": parent,
    }


def sheet(subject: Subject, records: Records) -> tuple[Block, ...]:
    """Return a message with its parts, personal data masked, and the other messages of its exchange.

    Raises
    ------
    UnknownSubjectError
        If the records hold no such message.
    """
    import pyarrow.compute as pc

    table = records["messages"]
    found = table.filter(pc.equal(table["subject"], str(subject))).to_pylist()
    if not found:
        raise UnknownSubjectError(f"message inconnu : « {subject.key} ».", fix="Vérifiez son identifiant.")
    row = found[0]
    # Masked first: the parts are those of what is shown.
    text = personal.mask(row["body"][:_SHOWN])
    marks = tuple(Mark(start=one.start, end=one.end, label=one.kind.french) for one in segment(text))
    facts = (
        ("Identifiant", row["id"]),
        ("Reçu le", french.day(row["observed"])),
        ("Objet", personal.mask(row["heading"]) or "sans objet"),
        ("Service", row["service"] or "non trié"),
        ("Thème", row["theme"] or "non dit"),
        ("Langue", tone.language(row["text"]) or "non reconnue"),
        ("Ton", tone.tone(row["text"])),
        ("Pièces jointes", french.number(len(row["attachments"]))),
        *((("Lecture", row["state"]),) if row["state"] else ()),
    )
    thread = table.filter(pc.equal(table["thread"], row["thread"]))
    return (
        Facts(title=row["id"], pairs=facts),
        SpanText(title="Message, données personnelles masquées", text=text or "message vide", marks=marks),
        _exchange(thread),
    )


def _exchange(thread: pa.Table) -> Table:
    listed = [
        {
            "day": row["observed"],
            "heading": personal.mask(row["heading"]),
            "service": row["service"] or "non trié",
        }
        for row in thread.to_pylist()
    ]
    columns = (
        Column(key="day", title="Reçu le", kind="date"),
        Column(key="heading", title="Objet"),
        Column(key="service", title="Service"),
    )
    return Table(title="Messages du même échange", columns=columns, rows=listed)

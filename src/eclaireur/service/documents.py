"""A document read for a person or a program: outcome, pages, first lines, repairs and doubts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from eclaireur.core import french
from eclaireur.core.errors import BadValueError
from eclaireur.core.files import write_atomically
from eclaireur.core.view import Block, Column, Facts, SpanText, Table
from eclaireur.sources.documents.document import Attachment, Document, Part, PartKind
from eclaireur.sources.reading import Outcome

__all__ = [
    "document_json",
    "document_report",
    "is_document_file",
    "is_text_file",
    "show_document",
    "write_text",
]

_FIRST_SIGNS = 1200
_FORMATS = {
    "pdf": "PDF",
    "docx": "DOCX",
    "odt": "ODT",
    "html": "page web",
    "rtf": "RTF",
    "text": "texte",
    "eml": "mail",
    "mbox": "boîte de mails",
    "msg": "mail d'Outlook",
    "image": "image",
}
_KINDS = {
    PartKind.TABLE: ("tableau", "tableaux"),
    PartKind.HEADER: ("en-tête", "en-têtes"),
    PartKind.FOOTER: ("pied de page", "pieds de page"),
    PartKind.NOTE: ("note", "notes"),
    PartKind.COMMENT: ("commentaire", "commentaires"),
    PartKind.FIELD: ("champ rempli", "champs remplis"),
    PartKind.INVISIBLE: ("passage invisible", "passages invisibles"),
}


def is_document_file(path: Path) -> bool:
    """Tell whether a file is read as a document rather than as a table."""
    from eclaireur.sources.documents.recognise import is_document

    try:
        with path.open("rb") as stream:
            head = stream.read(4096)
            # Only the containers need more than their beginning, and no document is larger than that.
            if head[:4] in {b"PK\x03\x04", b"\xd0\xcf\x11\xe0"}:
                head += stream.read(200_000_000)
    except OSError:
        return False
    return is_document(head, path.name)


def is_text_file(path: Path) -> bool:
    """Tell whether a file in which no table was found is text that a person wrote."""
    from eclaireur.sources.documents.recognise import kind_of

    if path.suffix.lower() not in {".txt", ""}:
        return False
    try:
        with path.open("rb") as stream:
            head = stream.read(4096)
    except OSError:
        return False
    return bool(head.strip()) and kind_of(head, path.name) == "text"


def document_json(document: Document) -> dict[str, Any]:
    """Return a document as a JSON object; the text itself is written by ``--to``."""
    aside = [part for part in document.parts if part.start is None]
    return {
        "file": document.file,
        "outcome": str(document.outcome),
        "format": document.format,
        "pages": len(document.pages),
        "recognised_pages": sum(page.recognised for page in document.pages),
        "characters": len(document.text),
        "spans": 0 if document.spans is None else len(document.spans),
        "title": document.title,
        "author": document.author,
        "date": None if document.date is None else document.date.isoformat(),
        "facts": dict(document.facts),
        "tables": sum(part.kind is PartKind.TABLE for part in document.parts),
        "aside": [
            {"kind": str(part.kind), "page": part.page, "text": part.text, "why": part.why}
            for part in aside
            if part.kind is not PartKind.INVISIBLE
        ],
        "invisible": [
            {"page": part.page, "text": part.text, "why": part.why}
            for part in aside
            if part.kind is PartKind.INVISIBLE
        ],
        "attachments": [
            {
                "name": one.name,
                "bytes": one.bytes,
                "read": None if one.document is None else document_json(one.document),
            }
            for one in document.attachments
        ],
        "repairs": [{"kind": one.kind, "message": one.message} for one in document.repairs],
        "doubts": [{"kind": one.kind, "message": one.message} for one in document.doubts],
        "reason": document.reason,
        "fix": document.fix,
        "isolation": "réduite" if document.reduced else "complète",
    }


def show_document(document: Document) -> tuple[Block, ...]:
    """Return a document as view blocks."""
    head = [("Résultat", str(document.outcome))]
    if document.outcome is Outcome.REFUSE:
        head += [("Raison", document.reason), ("Que faire", document.fix)]
        return (Facts(title=document.file, pairs=(*head, *_isolation(document))),)
    head.append(("Contenu", _content(document)))
    said = document.facts or (("Titre", document.title), ("Auteur", document.author))
    head += [(name, value) for name, value in said if value]
    if document.date is not None:
        head = [pair for pair in head if pair[0] != "Date"]
        head.append(("Date", french.moment(document.date)))
    blocks: list[Block] = [Facts(title=document.file, pairs=(*head, *_isolation(document)))]
    if document.text:
        cut = len(document.text) > _FIRST_SIGNS
        first = document.text[:_FIRST_SIGNS].rstrip() + ("…" if cut else "")
        blocks.append(SpanText(title="Début du texte" if cut else "Texte", text=first))
    if document.attachments:
        blocks.append(_attachments(document.attachments))
    notes = [("Réparé", one.message) for one in document.repairs]
    notes += [("Doute", one.message) for one in document.doubts]
    if notes:
        columns = (Column(key="what", title="Réserve"), Column(key="message", title="Quoi"))
        rows = [{"what": what, "message": message} for what, message in notes]
        blocks.append(Table(title="Réserves", columns=columns, rows=rows))
    return tuple(blocks)


def _content(document: Document) -> str:
    pieces = [_FORMATS.get(document.format, document.format)]
    if document.pages:
        pieces.append(french.count(len(document.pages), "page"))
    pieces.append(french.count(len(document.text), "caractère"))
    for kind, (one, several) in _KINDS.items():
        count = sum(part.kind is kind for part in document.parts)
        if count:
            pieces.append(french.count(count, one, several))
    return ", ".join(pieces)


def _isolation(document: Document) -> tuple[tuple[str, str], ...]:
    if not document.reduced:
        return ()
    return (("Isolation réduite", f"cette machine ne limite pas : {', '.join(document.reduced)}"),)


def _attachments(attachments: tuple[Attachment, ...]) -> Table:
    columns = (
        Column(key="name", title="Pièce jointe"),
        Column(key="size", title="Taille"),
        Column(key="outcome", title="Résultat"),
    )
    rows = []
    for one in attachments:
        outcome = "non lue"
        if one.document is not None:
            outcome = f"{one.document.outcome} {one.document.reason}".strip()
        size = f"{french.number(one.bytes / 1000, 1)} ko" if one.bytes else "–"
        rows.append({"name": one.name, "size": size, "outcome": outcome})
    return Table(title="Pièces jointes", columns=columns, rows=rows)


def document_report(document: Document) -> str:
    """Write a document's outcome, doubts and repairs as plain text, to send back to who made it."""
    lines = [f"Fichier : {document.file}", f"Résultat : {document.outcome}"]
    if document.outcome is Outcome.REFUSE:
        return "\n".join([*lines, f"Raison : {document.reason}", f"Que faire : {document.fix}"])
    lines.append(f"Contenu : {_content(document)}")
    for title, notes in (
        ("À corriger ou à confirmer", document.doubts),
        ("Réparé à la lecture", document.repairs),
    ):
        if notes:
            lines += ["", title, *(f"- {note.message}" for note in notes)]
    hidden = [part for part in document.parts if part.kind is PartKind.INVISIBLE]
    if hidden:
        lines += ["", "Passages que personne ne voit"]
        lines += [f"- {_page_of(part)}{part.why} : {_short(part.text)}" for part in hidden]
    return "\n".join(lines)


def _page_of(part: Part) -> str:
    return f"page {part.page}, " if part.page else ""


def _short(text: str) -> str:
    one = " ".join(text.split())
    return one if len(one) <= _FIRST_SIGNS else one[:_FIRST_SIGNS] + "…"


def write_text(document: Document, target: Path) -> None:
    """Write the main text in UTF-8, whole or not at all.

    Raises
    ------
    BadValueError
        If the file name does not end in ``.txt``.
    """
    if target.suffix.lower() != ".txt":
        raise BadValueError("le fichier à écrire doit finir par .txt.", file=str(target))

    def write(path: Path) -> None:
        path.write_text(document.text + "\n", encoding="utf-8")

    write_atomically(target, write)

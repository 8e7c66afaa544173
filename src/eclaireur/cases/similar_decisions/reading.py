"""Decisions read from files: XML of the Conseil d'État's open data, PDF, text, JSON lines or a table.

The XML is read as the court publishes it (opendata.conseil-etat.fr): ``Dossier`` holds number, date
and kind, ``Decision/Texte_Integral`` the text. Judges' names leave here (see `judges`).
"""

from __future__ import annotations

import gzip
import html
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.cases.similar_decisions.judges import without_judges
from eclaireur.core.errors import BadValueError, EmptyTableError, FileRefusedError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "DOCUMENTS",
    "candidates_schema",
    "decision_rows",
    "distinct",
    "from_lines",
    "from_text",
    "from_xml",
    "schema",
    "table",
    "table_as_is",
]

_OFFICE = (".pdf", ".docx", ".odt", ".rtf")
DOCUMENTS = (".xml", ".txt", *_OFFICE)
"""Suffixes of files that hold one decision each."""

_WRAPPED = re.compile(
    r"(?<![.;:\n])[ \t]*\n(?!\s*(?:\n|article\b|-|\d{1,3}[.°)]|d[ée]lib[ée]r[ée]|lue? en|sign[ée]|"
    r"l[ae]s? (?:pr[ée]sid|rapport|greff|secr[ée]t|ministre|r[ée]publique)))",
    re.IGNORECASE,
)
"""An end of line that only the width of the page made."""
_MOST_BYTES = 50_000_000
_BREAKS = re.compile(r"<\s*(?:/\s*p|br\s*/?|/\s*div)\s*>", re.IGNORECASE)
_TAG = re.compile(r"<[^<>]{0,500}>")
_FIELD = {
    "numero": "Numero_Dossier",
    "date": "Date_Lecture",
    "ecli": "Numero_ECLI",
    "type_decision": "Type_Decision",
    "type_recours": "Type_Recours",
    "publication": "Code_Publication",
    "solution": "Solution",
    "formation": "Formation_Jugement",
}
_NAMED_FILE = re.compile(r"(?P<numero>\d{5,7})[_-](?P<year>\d{4})-?(?P<month>\d{2})-?(?P<day>\d{2})")


def schema() -> pa.Schema:
    """Schema of the ``decisions`` table: one row a decision, without any judge's name."""
    import pyarrow as pa

    texts = ("type_decision", "type_recours", "publication", "formation", "solution", "texte")
    return pa.schema(
        [("subject", pa.string()), ("numero", pa.string()), ("ecli", pa.string())]
        + [("observed", pa.date32()), ("known", pa.date32())]
        + [(name, pa.large_string() if name == "texte" else pa.string()) for name in texts]
    )


def candidates_schema() -> pa.Schema:
    """Schema of decisions to score: number, date and text, and what else is known of them."""
    import pyarrow as pa

    names = ("type_recours", "type_decision", "formation", "ecli")
    texts = [(name, pa.string()) for name in ("texte", *names)]
    return pa.schema([("numero", pa.string()), ("date", pa.date32()), *texts])


def decision_rows(path: Path) -> dict[str, Any]:
    """Read a file of one decision, by its suffix.

    Raises
    ------
    FileRefusedError
        If it is too large, cannot be read, or declares entities.
    BadValueError
        If its number or date is absent or wrong.
    """
    if path.stat().st_size > _MOST_BYTES:
        raise FileRefusedError(
            "ce fichier est trop gros pour une décision.", file=path.name, fix="Découpez-le."
        )
    if path.suffix.lower() in _OFFICE:
        return from_text(_document_text(path), name=path.name)
    data = path.read_bytes()
    if path.suffix.lower() == ".xml":
        return from_xml(data, name=path.name)
    return from_text(_decoded(data), name=path.name)


def _document_text(path: Path) -> str:
    """Return the text of a PDF or of an office document, read in a confined process."""
    from eclaireur.sources.documents import read_document

    document = read_document(path)
    if not document.text.strip():
        reason = document.reason or "aucun texte n'y a été trouvé."
        raise FileRefusedError(reason, file=path.name, fix=document.fix or "Donnez-la en XML ou en texte.")
    # A name cut at the end of a line would not be seen whole by `judges`.
    return _WRAPPED.sub(" ", document.text)


def from_xml(data: bytes, *, name: str) -> dict[str, Any]:
    """Read one decision in the XML of the Conseil d'État.

    Raises
    ------
    FileRefusedError
        If it is not such XML.
    BadValueError
        If its number or date is absent or wrong.
    """
    from xml.etree import ElementTree as ET

    # No published decision declares a document type; entities can grow without end.
    if b"<!DOCTYPE" in data[:65536].upper() or b"<!ENTITY" in data.upper():
        raise FileRefusedError(
            "ce fichier XML contient des définitions interdites (DTD).",
            file=name,
            fix="Téléchargez-le de nouveau sur le site du Conseil d'État.",
        )
    try:
        root = ET.fromstring(data)  # noqa: S314 - without document type, no entity can be declared
    except (ET.ParseError, ValueError, LookupError) as error:
        raise FileRefusedError(
            "ce fichier XML est coupé ou abîmé.",
            file=name,
            fix="Téléchargez-le de nouveau sur le site du Conseil d'État.",
        ) from error
    row: dict[str, Any] = {}
    for key, tag in _FIELD.items():
        row[key] = (root.findtext(f".//{tag}") or "").strip() or None
    whole = root.find(".//Texte_Integral")
    if whole is None:
        raise FileRefusedError(
            "ce fichier XML n'est pas une décision : « Texte_Integral » manque.",
            file=name,
            fix="Donnez un fichier publié par le Conseil d'État.",
        )
    row["texte"] = _paragraphs(ET.tostring(whole, encoding="unicode"))
    return row | _checked(row, name)


def from_text(text: str, *, name: str) -> dict[str, Any]:
    """Read one decision in plain text; its file is named ``<number>_<date>``, as published.

    Raises
    ------
    BadValueError
        If the name of the file gives no number and date.
    """
    found = _NAMED_FILE.search(name)
    if found is None:
        raise BadValueError(
            "le numéro et la date de la décision sont inconnus.",
            file=name,
            fix="Nommez le fichier « numéro_AAAAMMJJ », par exemple « 405548_20211124.pdf ».",
        )
    row: dict[str, Any] = dict.fromkeys(_FIELD)
    row |= {
        "numero": found["numero"],
        "date": f"{found['year']}-{found['month']}-{found['day']}",
        "texte": text,
    }
    return row | _checked(row, name)


def from_lines(path: Path) -> Iterator[dict[str, Any]]:
    """Read decisions in JSON lines, plain or compressed (``.jsonl``, ``.jsonl.gz``).

    Raises
    ------
    BadValueError
        If a line is not an object with a number, a date and a text; the message names the line.
    """
    with gzip.open(path, "rb") if path.suffix == ".gz" else path.open("rb") as stream:
        for number, line in enumerate(stream, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(line)
                yield {key: row.get(key) for key in (*_FIELD, "texte")} | _checked(row, path.name)
            except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
                raise BadValueError(
                    "cette ligne n'est pas une décision : attendu numero, date et texte.",
                    file=path.name,
                    line=number,
                    fix="Corrigez-la, ou retirez-la.",
                ) from error


def table(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Return the ``decisions`` table of rows with ``numero``, ``date`` and ``texte``, oldest first.

    A number read twice on one day is one decision: the first is kept. Numbers that come back on another
    day are distinct subjects.
    """
    found, _ = distinct(table_as_is(rows))
    return found.sort_by([("observed", "ascending"), ("subject", "ascending")])


def table_as_is(rows: Iterable[Mapping[str, Any]]) -> pa.Table:
    """Return rows as a ``decisions`` table, in their order, repeats included."""
    import pyarrow as pa

    return pa.Table.from_pylist(list(_named(rows)), schema=schema())


def distinct(decisions: pa.Table) -> tuple[pa.Table, list[int]]:
    """Return a table with each subject once, and where each row of the first table is in it."""
    place: dict[str, int] = {}
    first: list[int] = []
    for at, subject in enumerate(decisions["subject"].to_pylist()):
        if subject not in place:
            place[subject] = len(first)
            first.append(at)
    return decisions.take(first), [place[subject] for subject in decisions["subject"].to_pylist()]


def _named(rows: Iterable[Mapping[str, Any]]) -> Iterator[dict[str, Any]]:
    for row in rows:
        day = row["date"] if isinstance(row["date"], date) else date.fromisoformat(str(row["date"]))
        yield {
            "subject": f"document:{row['numero']} {day.isoformat()}",
            "numero": row["numero"],
            "ecli": row.get("ecli"),
            "observed": day,
            "known": day,
            **{key: row.get(key) for key in ("type_decision", "type_recours", "publication", "solution")},
            "formation": row.get("formation"),
            "texte": without_judges(row["texte"] or ""),
        }


def _checked(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    numero = str(row["numero"] or "").strip()
    if not numero or len(numero) > 100:
        raise BadValueError("le numéro de la décision manque.", file=name, fix="Vérifiez « Numero_Dossier ».")
    try:
        day = date.fromisoformat(str(row["date"])[:10])
    except ValueError as error:
        raise BadValueError(
            f"la date « {row['date']} » n'est pas une date AAAA-MM-JJ.", file=name, fix="Corrigez-la."
        ) from error
    if not str(row["texte"]).strip():
        raise EmptyTableError("cette décision n'a aucun texte.", file=name, fix="Vérifiez le fichier.")
    return {"numero": numero, "date": day}


def _paragraphs(markup: str) -> str:
    lines = html.unescape(_TAG.sub("", _BREAKS.sub("\n", markup))).split("\n")
    return "\n".join(stripped for line in lines if (stripped := line.strip()))


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")

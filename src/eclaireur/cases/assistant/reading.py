"""Sheets and questions read from each source's own files into two tables.

``sheets``: what answers are made of. ``questions``: what people asked, with the sheet that answers; what the
ranking and the abstention learn from, never part of the sheets.
"""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.core.errors import BadValueError, EmptyTableError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["candidates_of", "connected_sheet", "offices_schema", "questions_schema", "read", "sheets_schema"]

_CNIL = date(2023, 1, 3)
_PIAF = date(2021, 6, 15)
_COVID = date(2020, 3, 20)
_SERVICE_PUBLIC = date(2020, 1, 15)
"""Days of the published files, where a sheet has none of its own."""
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_NOTE = re.compile(r"(?i)m[êe]me question")


def sheets_schema() -> pa.Schema:
    """Return the schema of ``sheets``; ``observed`` is the day from which the sheet is known."""
    import pyarrow as pa

    names = ("id", "title", "path", "audience", "url", "text", "version")
    days = [pa.field("updated", pa.date32()), pa.field("observed", pa.date32(), nullable=False)]
    return pa.schema([pa.field(name, pa.string()) for name in names] + days)


def questions_schema() -> pa.Schema:
    """Return the schema of ``questions``; ``answer`` is the words of the text that answer, where known."""
    import pyarrow as pa

    names = ("subject", "question", "expected", "answer")
    return pa.schema(
        [pa.field(name, pa.string()) for name in names] + [pa.field("observed", pa.date32(), nullable=False)]
    )


def offices_schema() -> pa.Schema:
    """Return the schema of ``offices``: those of the administration, by what they deal with and where."""
    import pyarrow as pa

    names = ("name", "deals_with", "department", "address", "phone", "hours", "url")
    return pa.schema([pa.field(name, pa.string()) for name in names])


def read(raw: Path) -> dict[str, pa.Table]:
    """Read the files of a source, or the Parquet tables of a connected one.

    Raises
    ------
    EmptyTableError
        If there is no sheet.
    """
    import pyarrow.parquet as pq

    sheets: list[dict[str, Any]] = []
    questions: list[dict[str, Any]] = []
    offices: list[dict[str, Any]] = []
    for path in sorted(raw.iterdir()):
        if path.name == "guichets.jsonl":
            offices += _lines(path)
            continue
        if path.suffix == ".parquet":
            rows = pq.read_table(path).to_pylist()
            if path.stem == "sheets":
                sheets += map(connected_sheet, rows)
            elif path.stem == "questions":
                questions += map(_connected_question, rows)
            elif path.stem == "offices":
                offices += rows
            continue
        for found in _FILES.get(path.name, _nothing)(path):
            (questions if "question" in found else sheets).append(found)
    if not sheets:
        raise EmptyTableError(
            "aucune fiche à lire.", fix="Donnez un fichier de fiches : titre, texte, adresse, date."
        )
    known = {sheet["id"] for sheet in sheets}
    return {
        "sheets": _table(sheets, sheets_schema()),
        "questions": _table([one for one in questions if one["expected"] in known], questions_schema()),
        "offices": _table(offices, offices_schema()),
    }


def _table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    key = schema.names[0]
    distinct = {row[key]: {name: row.get(name) for name in schema.names} for row in rows}
    return pa.Table.from_pylist(list(distinct.values()), schema=schema)


def _nothing(path: Path) -> Iterator[dict[str, Any]]:
    yield from ()


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path) if path.suffix == ".gz" else path.open("rb") as stream:
        for line in stream:
            if line.strip():
                yield json.loads(line)


def _question(name: str, question: str, expected: str, day: date, answer: str = "") -> dict[str, Any]:
    return {
        "subject": f"document:{name}",
        "question": question.strip(),
        "expected": expected,
        "answer": answer,
        "observed": day,
    }


def connected_sheet(row: dict[str, Any]) -> dict[str, Any]:
    """Return a sheet from a row of a user's table, whose columns are those of the card."""
    day = row.get("updated")
    title = row.get("title") or ""
    return row | {"id": row.get("id") or title, "observed": day or date(2000, 1, 1), "version": ""}


def _connected_question(row: dict[str, Any]) -> dict[str, Any]:
    name = row.get("id") or row["question"][:80]
    return _question(name, row["question"], row["expected"], row.get("asked") or date(2000, 1, 1))


def _sample_sheets(path: Path) -> Iterator[dict[str, Any]]:
    for row in _lines(path):
        day = date.fromisoformat(row["updated"])
        yield row | {"updated": day, "observed": day, "version": ""}


def _sample_questions(path: Path) -> Iterator[dict[str, Any]]:
    for row in _lines(path):
        yield _question(row["id"], row["question"], row["expected"], date.fromisoformat(row["asked"]))


def _cnil_pages(path: Path) -> Iterator[dict[str, Any]]:
    for number, page in enumerate(json.loads(path.read_text(encoding="utf-8"))["data"]):
        part = page["paragraphs"][0]
        yield {
            "id": str(number),
            "title": page["title"].strip(),
            "path": " > ".join(page[name].strip() for name in ("theme", "sous_theme", "dossier")),
            "audience": page["sous_theme"].strip().lower(),
            "url": "",
            "text": part["context"],
            "version": "",
            "updated": None,
            "observed": _CNIL,
        }


def _cnil_questions(path: Path) -> Iterator[dict[str, Any]]:
    """Questions typed to the agency's own search, with the question of the page that was expected."""
    pages = json.loads((path.parent / "cnil_besoindaide_PIAF_V5.json").read_text(encoding="utf-8"))["data"]
    where = {
        one["question"].strip(): str(number)
        for number, page in enumerate(pages)
        for one in page["paragraphs"][0]["qas"]
    }
    for target in json.loads(path.read_text(encoding="utf-8")):
        for number, one in enumerate(target["epitca"]):
            expected = where.get(one["question"].strip(), "")
            yield _question(f"{target['expected']}-{number}", one["question"], expected, _CNIL)


def _service_public(path: Path) -> Iterator[dict[str, Any]]:
    """Sheets, and the questions that other sheets link to them.

    A sheet is published for several audiences under one number: it is one sheet when its text is one, else
    each keeps its text, and a question goes to the one of the audience where it was linked.
    """
    rows = list(_lines(path))
    same: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        same.setdefault((row["id"], row["text"]), []).append(row)
    names: dict[tuple[str, str], str] = {}
    for (number, _), alike in same.items():
        first = alike[0]
        audiences = list(dict.fromkeys(row["audience"] for row in alike))
        name = number if (number, "") not in names else f"{number} {audiences[0]}"
        names.setdefault((number, ""), name)
        names |= {(number, audience): name for audience in audiences}
        found = _DAY.search(first["date"] or "")
        day = date.fromisoformat(found[0]) if found else None
        yield {
            "id": name,
            "title": first["title"],
            "path": (first["theme_path"] or "").replace("\xa0", " "),
            "audience": ", ".join(audiences),
            "url": first["url"],
            "text": first["text"],
            "version": "",
            "updated": day,
            "observed": day or _SERVICE_PUBLIC,
        }
    for row in rows:
        for number, question in row["linked_questions"] or []:
            expected = names.get((number, row["audience"])) or names.get((number, ""), "")
            yield _question(f"{expected} {question}"[:200], question, expected, _SERVICE_PUBLIC)


def _piaf(path: Path) -> Iterator[dict[str, Any]]:
    """Paragraphs of encyclopedia articles, and the questions asked of them with the words that answer."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        articles = json.load(stream)["data"]
    number = 0
    for article in articles:
        for part in article["paragraphs"]:
            name = f"P{number}"
            number += 1
            yield {
                "id": name,
                "title": article["title"],
                "path": article["title"],
                "audience": "",
                "url": "",
                "text": part["context"],
                "version": "",
                "updated": None,
                "observed": _PIAF,
            }
            for one in part["qas"]:
                answer = one["answers"][0]["text"] if one["answers"] else ""
                yield _question(str(one["id"]), one["question"], name, _PIAF, answer)


def _covid(path: Path) -> Iterator[dict[str, Any]]:
    """Entries of a FAQ, and what people wrote to ask the same."""
    for number, row in enumerate(_lines(path)):
        name = f"C{number}"
        yield {
            "id": name,
            "title": row["question"],
            "path": row.get("category") or "",
            "audience": "",
            "url": "",
            "text": row["answer"] or "",
            "version": "",
            "updated": _COVID,
            "observed": _COVID,
        }
        for place, asked in enumerate(row.get("paraphrases") or []):
            if not _NOTE.match(asked):
                yield _question(f"{name}-{place}", asked, name, _COVID)


_FILES: dict[str, Callable[[Path], Iterator[dict[str, Any]]]] = {
    "fiches.jsonl": _sample_sheets,
    "questions.jsonl": _sample_questions,
    "cnil_besoindaide_PIAF_V5.json": _cnil_pages,
    "cnil_epitca_perf_V2.json": _cnil_questions,
    "fiches_service_public.jsonl.gz": _service_public,
    "piaf-v1.0.json.gz": _piaf,
    "msss_covid_faq_fr.jsonl.gz": _covid,
}


def candidates_of(path: Path) -> pa.Table | None:
    """Read questions to answer from JSON lines with ``question``; None for a file of another form.

    Raises
    ------
    BadValueError
        If a line is no JSON object with a question.
    """
    import pyarrow as pa

    if path.suffix.lower() not in {".jsonl", ".ndjson"}:
        return None
    rows = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
            rows.append({"line": number, "question": str(found["question"])})
        except (ValueError, KeyError, TypeError):
            raise BadValueError(
                f"ligne {number} : une question est attendue.",
                file=str(path),
                fix='Chaque ligne est un objet JSON, par exemple {"question": "Comment voter ?"}.',
            ) from None
    if not rows:
        raise EmptyTableError("le fichier ne contient aucune question.", file=str(path))
    return pa.Table.from_pylist(rows, schema=pa.schema([("line", pa.int64()), ("question", pa.string())]))

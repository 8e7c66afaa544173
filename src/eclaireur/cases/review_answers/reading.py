"""Raw files brought to tables: experiences, official sheets, past answers, forms of the guide of tone.

The experiences of Services Publics+ are read by the headings of its export; a connected source has the
documented format. A rating or a dimension that is not one of the three words is none.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from eclaireur.core.errors import BadValueError
from eclaireur.core.subjects import Subject

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["DIMENSIONS", "RATINGS", "day_of", "experience", "schema", "tables", "text_of"]

RATINGS = ("Négatif", "Neutre", "Positif")
DIMENSIONS: Mapping[str, str] = {
    "accessibility": "Accessibilité",
    "information": "Information/Explication",
    "relation": "Relation",
    "reactivity": "Réactivité",
    "simplicity": "Simplicité/Complexité",
}
"""Column → name of each of the five dimensions of quality of Services Publics+."""

_HEADINGS = {
    "id": "ID expérience",
    "date": "Date de publication",
    "title": "Titre",
    "text": "Description",
    "rating": "Ressenti usager",
    "network": "Intitulé Typologie 1",
    "structure": "Intitulé structure 1",
    "channel": "Canaux Typologie 1",
    "area": "Intitulé région usager",
    "state": "Etat expérience",
    "other": "author_model_sentiment",
    **DIMENSIONS,
}
_TEXT = ("subject", "title", "text", "rating", "network", "structure", "channel", "area", "state", "other")
_DATE = re.compile(r"(\d{4})-(\d{2})-(\d{2})")
_UNDATED = date(2020, 1, 1)


def text_of(row: Mapping[str, Any]) -> str:
    """Return the whole text of an experience: its title, then what it says."""
    title = str(row.get("title") or "").strip()
    text = str(row.get("text") or "").strip()
    if not title or text.startswith(title):
        return text
    return f"{title}{'' if title[-1] in '.!?…' else '.'} {text}".strip()


def schema(table: str) -> pa.Schema:
    """Return the schema of a table of the records."""
    import pyarrow as pa

    text, day = pa.string(), pa.date32()
    columns: dict[str, list[tuple[str, pa.DataType]]] = {
        "experiences": [
            *((name, text) for name in (*_TEXT, *DIMENSIONS)),
            ("observed", day),
            ("known", day),
        ],
        "sheets": [
            *((name, text) for name in ("id", "title", "url", "audience", "topic", "text")),
            ("updated", day),
        ],
        "answers": [("id", text), ("subject", text), ("text", text), ("observed", day), ("known", day)],
        "tone": [(name, text) for name in ("moment", "rating", "dimension", "text")],
    }
    return pa.schema(columns[table])


def tables(raw: Path) -> dict[str, pa.Table]:
    """Read every file of a snapshot.

    Raises
    ------
    BadValueError
        If a file is not of its form.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows: dict[str, list[dict[str, Any]]] = {"experiences": [], "sheets": [], "answers": [], "tone": []}
    for path in sorted(one for one in raw.rglob("*") if one.is_file()):
        name = path.name.split(".")[0]
        if path.suffix == ".parquet" and name in rows:
            rows[name] += pq.read_table(path).to_pylist()
        elif path.name == "tone.toml":
            rows["tone"] += _toml(path)
        elif name.startswith("experiences"):
            rows["experiences"] += list(_csv(path))
        elif name.startswith("fiches"):
            rows["sheets"] += list(_lines(path))
        elif name.startswith("answers"):
            rows["answers"] += list(_lines(path))
    found: dict[str, Iterable[dict[str, Any]]] = {
        "experiences": (experience(row) for row in rows["experiences"]),
        "sheets": (one for row in rows["sheets"] if (one := _sheet(row))),
        "answers": map(_answer, rows["answers"]),
        "tone": ({key: str(row.get(key) or "") for key in schema("tone").names} for row in rows["tone"]),
    }
    return {name: pa.Table.from_pylist(list(made), schema=schema(name)) for name, made in found.items()}


def experience(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return the row of an experience, from the documented names or the headings of Services Publics+."""
    told = {name: row.get(name, row.get(heading)) for name, heading in _HEADINGS.items()}
    day = day_of(told.pop("date")) or _UNDATED
    number = str(told.pop("id") or "").strip()
    kept = {name: str(value or "").replace("\x92", "’").strip() for name, value in told.items()}
    for name in ("rating", "other", *DIMENSIONS):
        kept[name] = kept[name] if kept[name] in RATINGS else ""
    kept["network"] = kept["network"] or kept["structure"]
    return {
        "subject": str(Subject("document", number or "sans-numero")),
        "observed": day,
        "known": day,
        **kept,
    }


def day_of(value: Any) -> date | None:
    """Read a day, with or without an hour (``23/09/2020 09:47``, ``2020-09-23``); None when it is none."""
    if isinstance(value, date):
        return date(value.year, value.month, value.day)
    text = str(value or "").strip()
    french = re.match(r"(\d{1,2})/(\d{1,2})/(\d{4})", text)
    iso = _DATE.search(text)
    try:
        if french:
            return date(int(french[3]), int(french[2]), int(french[1]))
        return date(int(iso[1]), int(iso[2]), int(iso[3])) if iso else None
    except ValueError:
        return None


def _sheet(row: Mapping[str, Any]) -> dict[str, Any] | None:
    text = str(row.get("text") or "").strip()
    title = str(row.get("title") or "").strip()
    if not text or not title:
        return None
    return {
        "id": str(row["id"]),
        "title": title,
        "url": str(row.get("url") or ""),
        "audience": str(row.get("audience") or ""),
        "topic": str(row.get("theme_path") or row.get("topic") or ""),
        "text": text,
        "updated": day_of(row.get("date") or row.get("updated")) or _UNDATED,
    }


def _answer(row: Mapping[str, Any]) -> dict[str, Any]:
    day = day_of(row.get("date")) or _UNDATED
    subject = str(Subject("document", str(row["experience"])))
    return {"id": str(row["id"]), "subject": subject, "text": str(row["text"]), "observed": day, "known": day}


@contextmanager
def _opened(path: Path) -> Iterator[TextIO]:
    with path.open("rb") as raw:
        stream: Any = gzip.GzipFile(fileobj=raw) if path.suffix == ".gz" else raw
        yield io.TextIOWrapper(stream, encoding="utf-8", newline="")


def _csv(path: Path) -> Iterator[dict[str, Any]]:
    with _opened(path) as stream:
        yield from csv.DictReader(stream)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with _opened(path) as stream:
        for number, line in enumerate(stream, start=1):
            try:
                if line.strip():
                    yield json.loads(line)
            except ValueError as error:
                raise BadValueError(f"ligne {number} illisible : {error}.", file=path.name) from error


def _toml(path: Path) -> Sequence[dict[str, Any]]:
    try:
        found: Sequence[dict[str, Any]] = tomllib.loads(path.read_text(encoding="utf-8"))["form"]
    except (KeyError, ValueError) as error:
        raise BadValueError(f"guide de rédaction illisible : {error}.", file=path.name) from error
    return found

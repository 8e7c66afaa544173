"""Documents to index, read from a file, a folder or the records of a case.

Texts of offices (PDF, DOCX, ODT, web page, mail…) are read by `sources.documents`, in one confined child for
a whole folder; a file of a folder that cannot be read is left out, and said with its reason.
"""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from eclaireur.bricks.semantic.index import Document
from eclaireur.bricks.semantic.normalise import STOP, plain
from eclaireur.core.card import Card, IndexCard
from eclaireur.core.errors import BadValueError, ConfigError, EmptyTableError, FileRefusedError
from eclaireur.core.showing import printable

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.service.work import Work
    from eclaireur.sources.isolated import Isolated

__all__ = ["Columns", "Corpus", "from_case", "from_path", "from_records", "not_french"]

_SYNONYMS = {
    "id": ("id", "identifiant", "numero", "numéro", "reference", "référence"),
    "title": ("title", "titre", "objet", "question"),
    "section": ("section", "theme", "thème", "subject", "rubrique"),
    "body": ("body", "text", "texte", "contenu", "content", "phrase", "sentence", "context"),
    "day": ("date", "day", "date_lecture", "observed"),
}
_TEXTS = {".txt", ".md"}
_OFFICE = {".pdf", ".docx", ".odt", ".rtf", ".html", ".htm", ".xhtml", ".eml", ".mbox", ".msg"}
_LINES = {".jsonl", ".ndjson"}
_SAMPLE = 200
_LEAST_FRENCH = 0.15
_LONGEST_ID = 500
_MOST_LEFT = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """Which column gives each part of a document; an empty one is found by its usual names."""

    id: str = ""
    title: str = ""
    section: str = ""
    body: str = ""
    day: str = ""
    perimeters: str = ""
    facets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """Documents and the facets that they declare; ``notes`` is what to tell the person."""

    documents: Sequence[Document]
    facets: tuple[str, ...]
    notes: tuple[str, ...] = field(default=())


def from_path(path: Path, columns: Columns) -> Corpus:
    """Read a file (JSON lines, ``.gz`` too, a text, a document, or any table) or a folder of them.

    Raises
    ------
    InputError
        If a file of data is wrong: its name and line are told. In a folder, a document or a table that
        cannot be read is only left out, and said in ``notes``.
    EmptyTableError
        If there is no document.
    """
    from eclaireur.sources.isolated import Isolated

    if not path.exists():
        raise ConfigError("ce fichier ou ce dossier n'existe pas.", file=str(path), fix="Vérifiez son nom.")
    paths = sorted(one for one in path.rglob("*") if one.is_file()) if path.is_dir() else [path]
    documents: dict[str, Document] = {}
    count = 0
    left: list[str] = []
    with Isolated() as reader:
        for one in paths:
            try:
                for document in _read(one, columns, path, reader):
                    documents[document.id] = document
                    count += 1
            except FileRefusedError as refused:
                if not path.is_dir():
                    raise
                left.append(f"« {_name(one, path)} » n'est pas indexé : {refused.message}")
    if not documents and left:
        raise EmptyTableError("aucun document n'a pu être lu.", file=str(path), fix=left[0])
    corpus = _corpus(list(documents.values()), columns.facets, count, str(path))
    return replace(corpus, notes=(*corpus.notes, *_shortened(left)))


def from_case(work: Work, source: str) -> Corpus:
    """Return the documents that the card of a case declares (``[index]``), from a source."""
    from eclaireur.service.work import ensure_records

    _declared(work.card)
    return from_records(work.card, ensure_records(work, source).tables)


def from_records(card: Card, records: Mapping[str, pa.Table]) -> Corpus:
    """Return the documents that the card of a case declares, from its records.

    Raises
    ------
    ConfigError
        If the card declares none.
    """
    told = _declared(card)
    columns = Columns(
        id=told.id,
        title=told.title,
        section=told.section,
        body=told.body,
        day=told.day,
        perimeters=told.area,
        facets=told.facets,
    )
    documents = list(_rows(records[told.table], columns, ""))
    return _corpus(documents, told.facets, len(documents), card.name)


def _declared(card: Card) -> IndexCard:
    if card.index is None:
        raise ConfigError(
            f"le cas « {card.name} » ne dit pas ce qui se cherche dans ses textes.",
            fix="Sa fiche doit avoir une partie [index] : voir docs/search.md.",
        )
    return card.index


def not_french(texts: Iterable[str]) -> bool:
    """Tell whether texts do not look French, by their small words; too little text says nothing.

    Examples
    --------
    >>> not_french(["The inspector found that the door was not closed when he came in the morning. " * 3])
    True
    """
    words = [plain(word) for text in texts for word in text[:2000].split()]
    return len(words) >= 30 and sum(word in STOP for word in words) < _LEAST_FRENCH * len(words)


def _corpus(documents: list[Document], facets: tuple[str, ...], count: int, name: str) -> Corpus:
    if not documents:
        raise EmptyTableError(
            "aucun document à indexer.", file=name, fix="Vérifiez le fichier ou le dossier."
        )
    notes = []
    if count > len(documents):
        notes.append(f"{count - len(documents)} documents de même identifiant : le dernier lu est gardé.")
    empty = sum(not (one.title or one.section or one.body) for one in documents)
    if empty:
        several = f"{empty} documents sans aucun texte : gardés, mais aucun mot ne les trouvera."
        alone = "1 document sans aucun texte : gardé, mais aucun mot ne le trouvera."
        notes.append(several if empty > 1 else alone)
    if not_french(one.body or one.title for one in documents[:_SAMPLE]):
        notes.append("Ces textes ne semblent pas être en français : la recherche y sera moins bonne.")
    return Corpus(documents=documents, facets=facets, notes=tuple(notes))


def _shortened(left: Sequence[str]) -> tuple[str, ...]:
    more = len(left) - _MOST_LEFT
    return (*left[:_MOST_LEFT], *([f"Et {more} autres fichiers non indexés."] if more > 0 else []))


def _name(path: Path, root: Path) -> str:
    return printable(str(path.relative_to(root)) if root.is_dir() else path.name)


def _read(path: Path, columns: Columns, root: Path, reader: Isolated) -> Iterator[Document]:
    suffixes = [one.lower() for one in path.suffixes]
    last = suffixes[-1] if suffixes else ""
    kind = suffixes[-2] if last == ".gz" and len(suffixes) > 1 else last
    if kind in _LINES:
        with gzip.open(path, "rb") if last == ".gz" else path.open("rb") as stream:
            yield from _lines(stream, columns, path)
    elif kind in _TEXTS:
        text = path.read_bytes().decode("utf-8-sig", "replace")
        yield _whole(_name(path, root), "", text)
    elif kind in _OFFICE:
        from eclaireur.sources.documents import read_document

        found = read_document(path, reader=reader)
        if found.reason or not found.text.strip():
            raise FileRefusedError(
                found.reason or "aucun texte n'y a été trouvé.", file=str(path), fix=found.fix
            )
        yield _whole(_name(path, root), found.title, found.text, found.date)
    else:
        reading = reader.read(path)
        if reading.table is None:
            raise FileRefusedError(reading.reason, file=str(path), fix=reading.fix)
        yield from _rows(reading.typed if reading.typed is not None else reading.table, columns, str(path))


def _whole(name: str, title: str, text: str, day: datetime | None = None) -> Document:
    """Return a file that is one document; without a title of its own, its first line is its title."""
    first = next((line.strip("# \t") for line in text.splitlines() if line.strip()), "")
    return Document(
        id=name,
        title=printable((title.strip() or first)[:200]),
        body=printable(text),
        day=day.date() if day is not None else None,
    )


def _lines(stream: IO[bytes] | gzip.GzipFile, columns: Columns, path: Path) -> Iterator[Document]:
    for number, line in enumerate(stream, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line.decode("utf-8-sig"))
        except (ValueError, RecursionError) as error:
            raise BadValueError(
                "cette ligne n'est pas un objet JSON en UTF-8.",
                file=str(path),
                line=number,
                fix="Corrigez-la.",
            ) from error
        if not isinstance(row, dict):
            raise BadValueError(
                "cette ligne n'est pas un objet JSON.", file=str(path), line=number, fix="Corrigez-la."
            )
        yield _document(row, _named(columns, row), str(path), number)


def _rows(table: pa.Table, columns: Columns, path: str) -> Iterator[Document]:
    names = _named(columns, dict.fromkeys(table.column_names))
    number = 1
    for batch in table.to_batches(1000):
        for row in batch.to_pylist():
            number += 1
            yield _document(row, names, path, number)


def _named(columns: Columns, row: Mapping[str, Any]) -> dict[str, str]:
    """Return the column of each part: the one asked for, else the first of its usual names."""
    lower = {str(name).casefold(): str(name) for name in row}
    found = {}
    for part, usual in _SYNONYMS.items():
        told = getattr(columns, part)
        found[part] = told or next((lower[name] for name in usual if name in lower), "")
    return found | {"perimeters": columns.perimeters} | {f"facet {name}": name for name in columns.facets}


def _document(row: Mapping[str, Any], names: Mapping[str, str], path: str, line: int) -> Document:
    texts = {part: _text(row.get(names[part])) for part in ("title", "section", "body")}
    given = _text(row.get(names["id"])) if names["id"] else ""
    made = given or hashlib.sha256(json.dumps(texts, sort_keys=True).encode()).hexdigest()[:24]
    if len(made) > _LONGEST_ID:
        raise BadValueError(
            f"l'identifiant a plus de {_LONGEST_ID} caractères.", file=path, line=line, column=names["id"]
        )
    facets = {name: _values(row.get(name)) for part, name in names.items() if part.startswith("facet ")}
    perimeters = _values(row.get(names["perimeters"])) if names["perimeters"] else ()
    day = _day(row.get(names["day"]), path, line, names["day"])
    return Document(
        id=made,
        title=texts["title"],
        section=texts["section"],
        body=texts["body"],
        day=day,
        facets=facets,
        perimeters=perimeters,
    )


def _text(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, list | tuple):
        return " ".join(_text(one) for one in value)
    return printable(str(value)).strip()


def _values(value: object) -> tuple[str, ...]:
    several = value if isinstance(value, list | tuple) else [value]
    return tuple(text[:200] for one in several if (text := _text(one)))


def _day(value: object, path: str, line: int, column: str) -> date | None:
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date) or value is None or not str(value).strip():
        return value if isinstance(value, date) else None
    text = str(value).strip()
    for form in ("%Y-%m-%d", "%d/%m/%Y"):
        try:
            return datetime.strptime(text[:10], form).date()
        except ValueError:
            continue
    raise BadValueError(
        f"date invalide : « {text[:40]} ».",
        file=path,
        line=line,
        column=column,
        fix="Écrivez-la ainsi : 2024-12-31 ou 31/12/2024.",
    )

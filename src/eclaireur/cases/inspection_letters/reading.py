"""Whole letters: those of a source, and a file to score (PDF, DOCX, ODT, text) as its sentences.

Where the parts of letters are marked, a model of them cuts the others (`outline_learnt`); else patterns do.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic.entities import known_places
from eclaireur.bricks.semantic.outline import Part, Patterns, parts, read_patterns, sentences
from eclaireur.bricks.semantic.outline_learnt import HEAD, Begin, PartTagger, cut_at
from eclaireur.core.errors import BadValueError, ExtraMissingError, FileRefusedError

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.bricks.semantic.places import Places
    from eclaireur.core.case import Records

__all__ = ["candidates", "cut", "patterns", "place_table", "places", "table"]

_LEAST_MARKED = 20
"""Letters whose parts are marked, from which a model of parts is learnt."""
_BEGIN = re.compile(r"([a-z][a-z0-9_]{0,39}):(\d{1,9})")
_DOCUMENTS = {".pdf", ".docx", ".odt", ".txt", ".rtf"}


def patterns() -> Patterns:
    """Return the patterns of letters, from the file beside this one."""
    return read_patterns(Path(__file__).with_name("patterns.toml"))


def table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return letters as a table: ``number``, ``site``, ``observed`` (its day), ``text`` and ``parts``.

    ``parts`` are those marked, else those that a model learnt on the marked ones finds, else empty.

    Raises
    ------
    BadValueError
        If parts are not written as ``kind:place``.
    """
    import pyarrow as pa

    begin = pa.struct([("start", pa.int64()), ("kind", pa.string())])
    names = ("number", "site", "observed", "text", "parts")
    kinds = (pa.string(), pa.string(), pa.date32(), pa.string(), pa.list_(begin))
    found: list[dict[str, Any]] = [
        {
            "number": str(row["number"]),
            "site": str(row["site"]).strip(),
            "observed": date.fromisoformat(str(row["date"])),
            "text": str(row["text"]),
            "parts": _marked(row),
        }
        for row in rows
    ]
    marked = [row for row in found if row["parts"]]
    if _LEAST_MARKED <= len(marked) < len(found):
        _learn(marked, [row for row in found if not row["parts"]])
    for row in found:
        row["parts"] = [{"start": start, "kind": kind} for start, kind in row["parts"]]
    return pa.Table.from_pylist(found, schema=pa.schema(zip(names, kinds, strict=True)))


def _marked(row: Mapping[str, Any]) -> list[Begin]:
    said = str(row.get("parts") or "").split()
    read = [_BEGIN.fullmatch(one) for one in said]
    if not all(read):
        raise BadValueError(
            f"parties de la lettre {row['number']} illisibles.",
            fix="Écrivez genre:position, séparés par des espaces : « synthesis:120 corrective:950 ».",
        )
    return sorted((int(one[2]), one[1]) for one in read if one is not None)


def _learn(marked: Sequence[Mapping[str, Any]], others: Sequence[dict[str, Any]]) -> None:
    """Give the other letters the parts that a model of the marked ones finds."""
    try:
        model = PartTagger.fit(
            [row["text"] for row in marked], [row["parts"] for row in marked], patterns=patterns()
        )
    except ExtraMissingError:
        return
    for row in others:
        row["parts"] = [(one.start, one.kind) for one in model.parts(row["text"]) if one.kind != HEAD]


def cut(row: Mapping[str, Any], known: Patterns) -> tuple[Part, ...]:
    """Return the parts of a letter of `table`: those that it has, else those that the patterns find."""
    begins = [(one["start"], one["kind"]) for one in row["parts"] or ()]
    titles = {kind: title for kind, title, _ in known.heads}
    return cut_at(row["text"], begins, titles) if begins else parts(row["text"], known)


def place_table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return places to look for as a table: ``name`` and ``code``."""
    import pyarrow as pa

    found = [{"name": str(row["name"]).strip(), "code": str(row.get("code") or "").strip()} for row in rows]
    return pa.Table.from_pylist(found, schema=pa.schema([("name", pa.string()), ("code", pa.string())]))


def places(records: Records) -> Places:
    """Return the places to look for in letters; none when no table of them was given."""
    return known_places((row["name"], row["code"]) for row in records["places"].to_pylist())


def candidates(path: Path) -> pa.Table | None:
    """Return the sentences of a document, one a row; None when the file is a table.

    Raises
    ------
    FileRefusedError
        If the document cannot be read, or holds no sentence.
    """
    import pyarrow as pa

    if path.suffix.lower() not in _DOCUMENTS:
        return None
    from eclaireur.sources.documents import read_document

    document = read_document(path)
    found = [" ".join(document.text[a:b].split()) for a, b in sentences(document.text)]
    if not found:
        reason = document.reason or "aucune phrase n'a été trouvée."
        raise FileRefusedError(
            reason, file=path.name, fix=document.fix or "Vérifiez que le texte est lisible."
        )
    return pa.table({"sentence": pa.array(found, pa.string())})

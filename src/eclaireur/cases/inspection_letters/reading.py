"""Whole letters: those of a source, and a file to score (PDF, DOCX, ODT, text) as its sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic.outline import Patterns, read_patterns, sentences
from eclaireur.core.errors import FileRefusedError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["candidates", "patterns", "table"]

_DOCUMENTS = {".pdf", ".docx", ".odt", ".txt", ".rtf"}


def patterns() -> Patterns:
    """Return the patterns of letters, from the file beside this one."""
    return read_patterns(Path(__file__).with_name("patterns.toml"))


def table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return letters as a table: ``number``, ``site``, ``observed`` (its day) and ``text``."""
    import pyarrow as pa

    names = ("number", "site", "observed", "text")
    kinds = (pa.string(), pa.string(), pa.date32(), pa.string())
    found = [
        {
            "number": str(row["number"]),
            "site": str(row["site"]).strip(),
            "observed": date.fromisoformat(str(row["date"])),
            "text": str(row["text"]),
        }
        for row in rows
    ]
    return pa.Table.from_pylist(found, schema=pa.schema(zip(names, kinds, strict=True)))


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

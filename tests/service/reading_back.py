"""The text of any file that the product writes, to look for what must be in it."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

__all__ = ["text_of"]


def text_of(path: Path) -> str:
    """Return the words of a file, on one line."""
    return re.sub(r"\s+", " ", _words(path))


def _words(path: Path) -> str:
    match path.suffix:
        case ".pdf":
            import pypdfium2

            document = pypdfium2.PdfDocument(path)
            return " ".join(page.get_textpage().get_text_bounded() for page in document)
        case ".odt" | ".ods" | ".xlsx":
            with zipfile.ZipFile(path) as parts:
                names = [name for name in parts.namelist() if name.endswith(".xml")]
                return re.sub(r"<[^>]+>", " ", " ".join(parts.read(name).decode() for name in names))
        case ".gpkg":
            import sqlite3
            from contextlib import closing

            with closing(sqlite3.connect(path)) as database:
                return " ".join(database.iterdump())
        case ".parquet":
            import pyarrow.parquet as pq

            return str(pq.read_table(path).to_pylist())
        case _:
            return path.read_text(encoding="utf-8-sig")

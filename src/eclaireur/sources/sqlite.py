"""A SQLite file that anybody may have made, opened to be read and nothing else.

Such a file is a program's input like any other: its schema may call functions, its pages may lie. It is
opened read-only with the settings that SQLite's authors give for hostile files, and checked before it is
believed.

References
----------
SQLite documentation, « Defense Against The Dark Arts », section « Untrusted SQLite Database Files ».
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from eclaireur.core.errors import FileRefusedError

__all__ = ["opened"]

_START = b"SQLite format 3\0"
_CHECKED = 200_000_000
"""Bytes up to which all the pages of a base are checked first, which reads them all."""
_SECONDS = 600
_STEPS = 100_000
_LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 100_000_000,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 100_000,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 50,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1000,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_WORKER_THREADS: 0,
    sqlite3.SQLITE_LIMIT_TRIGGER_DEPTH: 10,
}
_SETTINGS = ("query_only = ON", "trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0")
_BROKEN = "cette base est abîmée ou incomplète."
_COPY = "Demandez une nouvelle copie de la base, ou un export en CSV."


@contextmanager
def opened(
    path: Path, query: str, shown: str, *, batch: int
) -> Iterator[tuple[list[str], Iterator[Sequence[Sequence[Any]]]]]:
    """Run one SELECT; give the names of its columns and its rows, so many at once.

    Raises
    ------
    FileRefusedError
        If the file is no SQLite base, is broken, or refuses the query.
    """
    _look(path, shown)
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True)) as base:
            for limit, value in _LIMITS.items():
                base.setlimit(limit, value)
            for setting in _SETTINGS:
                base.execute(f"PRAGMA {setting}")
            until = time.monotonic() + _SECONDS
            base.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
            base.text_factory = lambda data: data.decode("utf-8", "replace")
            if path.stat().st_size <= _CHECKED:
                _check(base, shown)
            base.set_authorizer(_only_reading)
            cursor = base.execute(query)
            yield [one[0] for one in cursor.description or ()], iter(lambda: cursor.fetchmany(batch), [])
    except sqlite3.Error as error:
        reason, fix = _said(error)
        raise FileRefusedError(reason, file=shown, fix=fix) from error
    except (UnicodeDecodeError, MemoryError, OverflowError) as error:
        # Names that are no text, or sizes that no memory holds: Python fails before SQLite does.
        raise FileRefusedError(_BROKEN, file=shown, fix=_COPY) from error


def _look(path: Path, shown: str) -> None:
    """Look at the file before SQLite does.

    Raises
    ------
    FileRefusedError
        If it is absent, or no SQLite base.
    """
    if not path.is_file():
        raise FileRefusedError("cette base n'existe pas.", file=shown, fix="Vérifiez son nom et son dossier.")
    with path.open("rb") as stream:
        if stream.read(len(_START)) != _START:
            raise FileRefusedError(
                "ce fichier n'est pas une base SQLite.",
                file=shown,
                fix="Donnez le fichier de la base elle-même.",
            )


def _check(base: sqlite3.Connection, shown: str) -> None:
    """Check the pages of a base.

    Raises
    ------
    FileRefusedError
        If one is broken.
    """
    found = base.execute("PRAGMA quick_check(1)").fetchone()
    if found is None or found[0] != "ok":
        raise FileRefusedError(_BROKEN, file=shown, fix=_COPY)


def _only_reading(action: int, *arguments: Any) -> int:
    """Let a statement read, and nothing else: no attached file, no function that loads code."""
    allowed = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_RECURSIVE}
    loads = action == sqlite3.SQLITE_FUNCTION and "load_extension" in arguments
    good = action in allowed or (action == sqlite3.SQLITE_FUNCTION and not loads)
    return sqlite3.SQLITE_OK if good else sqlite3.SQLITE_DENY


def _said(error: sqlite3.Error) -> tuple[str, str]:
    """Say in French what SQLite refuses, and the way out."""
    name, text = getattr(error, "sqlite_errorname", ""), str(error)
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_FORMAT", "SQLITE_IOERR")):
        return _BROKEN, _COPY
    if name.startswith("SQLITE_INTERRUPT"):
        return "la requête dure trop longtemps.", "Demandez moins de lignes, ou une seule table."
    if name.startswith("SQLITE_AUTH"):
        return "la requête ne fait pas que lire.", "Écrivez un seul SELECT, qui ne fait que lire."
    if name.startswith("SQLITE_BUSY"):
        return (
            "la base est occupée par un autre programme.",
            "Fermez ce programme, ou donnez une copie de la base.",
        )
    if name.startswith(("SQLITE_CANTOPEN", "SQLITE_READONLY")):
        return "la base ne peut pas être ouverte.", "Donnez une copie de la base, fermée par son programme."
    if name.startswith(("SQLITE_TOOBIG", "SQLITE_NOMEM")):
        return "une valeur de la base est démesurée.", _COPY
    for start, what in (("no such table: ", "la table"), ("no such column: ", "la colonne")):
        if text.startswith(start):
            named = text.removeprefix(start)
            return f"{what} « {named} » n'existe pas.", "Vérifiez le nom de la table ou la requête."
    return f"la base refuse : {text}.", "Vérifiez le nom de la table ou la requête."

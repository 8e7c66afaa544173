"""Reads the tables that users send, whole, in a confined child that this process keeps for all of them."""

from __future__ import annotations

import atexit
import os
import threading
from pathlib import Path

from eclaireur.sources.isolated import Isolated
from eclaireur.sources.reading import Reading
from eclaireur.sources.refusals import unless_refused

__all__ = ["read_held", "read_held_or_refuse"]


class _Kept:
    """A child for the process that asks: one that was forked from it has its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reader: Isolated | None = None
        self._owner = 0

    def read(self, path: Path, sheet: str | None) -> Reading:
        # A slow file does not make others wait: they get a child that ends with them.
        if not self._lock.acquire(blocking=False):
            with Isolated() as reader:
                return reader.read(path, sheet=sheet, hold=True)
        try:
            if self._reader is None or self._owner != os.getpid():
                self._reader, self._owner = Isolated(), os.getpid()
                atexit.register(self._reader.close)
            return self._reader.read(path, sheet=sheet, hold=True)
        finally:
            self._lock.release()


_kept = _Kept()


def read_held(path: Path, *, sheet: str | None = None) -> Reading:
    """Read one table as `tables.read_table` does, whatever the file does to its parser.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.csv"
    >>> _ = path.write_text("Ville;Nb\\nNice;12\\n")
    >>> read_held(path).typed.to_pylist()
    [{'Ville': 'Nice', 'Nb': 12}]
    """
    return _kept.read(path, sheet)


def read_held_or_refuse(path: Path, *, sheet: str | None = None) -> Reading:
    """Read one table as `read_held` does, or raise what a user can act on.

    Raises
    ------
    FileRefusedError
        If the file is refused.
    EmptyTableError
        If it holds nothing.
    """
    return unless_refused(read_held(path, sheet=sheet), path.name)

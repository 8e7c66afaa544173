"""Reads the files that users send in a confined child that this process keeps for all of them."""

from __future__ import annotations

import atexit
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eclaireur.sources.isolated import Isolated
from eclaireur.sources.reading import Reading
from eclaireur.sources.refusals import unless_refused

__all__ = ["held_reader", "read_held", "read_held_or_refuse"]


class _Kept:
    """A child for the process that asks: one that was forked from it has its own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._reader: Isolated | None = None
        self._owner = 0

    @contextmanager
    def reader(self) -> Iterator[Isolated]:
        # A slow file does not make others wait: they get a child that ends with them.
        if not self._lock.acquire(blocking=False):
            with Isolated() as reader:
                yield reader
            return
        try:
            if self._reader is None or self._owner != os.getpid():
                self._reader, self._owner = Isolated(), os.getpid()
                atexit.register(self._reader.close)
            yield self._reader
        except BaseException:
            if self._reader is not None:
                self._reader.close()  # it may be left in the middle of a file
            raise
        finally:
            self._lock.release()


_kept = _Kept()


@contextmanager
def held_reader() -> Iterator[Isolated]:
    """Lend the child of this process, or another while it is busy, to read a file of any kind.

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "a.csv"
    >>> _ = path.write_text("Ville;Nb\\nNice;12\\n")
    >>> with held_reader() as reader:
    ...     reader.read(path).typed.to_pylist()
    [{'Ville': 'Nice', 'Nb': 12}]
    """
    with _kept.reader() as reader:
        yield reader


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
    with _kept.reader() as reader:
        return reader.read(path, sheet=sheet, hold=True)


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

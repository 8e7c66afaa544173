"""Where the lines of a journal are kept: the protocol of a store, and the store in one file.

A store knows lines, not entries. Its one promise is order and durability: a line that `append`
acknowledged is read back at the same place, for ever, and two appenders never interleave.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from eclaireur.core.errors import WorkFailedError
from eclaireur.core.files import sync_folder
from eclaireur.core.locking import exclusive

__all__ = ["FileStore", "JournalStore", "MakeLines"]

MakeLines = Callable[[str | None], Sequence[str]]
"""Given the last line (None when there is none), returns the lines to add after it."""

_BLOCK = 2**16


class JournalStore(Protocol):
    """Lines kept in order. ``tests/core/test_journal_store.py`` says what every store must do."""

    @property
    def name(self) -> str:
        """Short name for messages: a file name, a table name."""

    def append(self, make: MakeLines) -> None:
        """Add lines, all or none, under an exclusive lock.

        The store takes the lock, reads the last line, calls ``make`` once with it, makes the lines that
        it returns durable, and lets the lock go. When ``make`` raises, nothing is added. The call
        returns only when a power cut can no longer lose the lines.
        """

    def lines(self, start: int = 1) -> Iterator[str]:
        """Give the lines from number ``start``, without their line feed, as they were on the first read."""

    def last(self) -> str | None:
        """Return the last line, or None."""

    def count(self) -> int:
        """Return how many lines there are."""


class FileStore:
    """A journal in one file of JSON lines.

    One appender at a time, by a lock file beside it. Reading takes no lock: lines are only ever added,
    and an unfinished last line is not read. When a crash leaves one, the next append puts it aside in
    ``<stem>.torn-<number>``: it was never acknowledged, yet nothing is thrown away.

    Parameters
    ----------
    path
        The file; made, with its folder, on the first append, readable by its owner only.
    timeout
        Seconds to wait for another appender.

    Examples
    --------
    >>> import tempfile
    >>> store = FileStore(Path(tempfile.mkdtemp()) / "journal.jsonl")
    >>> store.append(lambda last: ["one", "two"])
    >>> store.append(lambda last: [f"after {last}"])
    >>> list(store.lines(2)), store.count()
    (['two', 'after two'], 3)
    """

    def __init__(self, path: Path, *, timeout: float = 60.0) -> None:
        self._path = path
        self._timeout = timeout

    def __repr__(self) -> str:
        return f"FileStore({str(self._path)!r})"

    @property
    def name(self) -> str:
        """Name of the file."""
        return self._path.name

    def append(self, make: MakeLines) -> None:
        """Add lines as `JournalStore.append` says: one write, one sync.

        Raises
        ------
        WorkFailedError
            If another appender holds the lock too long, or the disk refuses the write.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with exclusive(self._path.with_name(f"{self._path.name}.lock"), timeout=self._timeout):
            created = not self._path.exists()
            descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                if created:
                    sync_folder(self._path.parent)
                end = self._heal(descriptor)
                lines = make(_last_line(descriptor, end))
                if any("\n" in line for line in lines):
                    raise ValueError("a line of the journal cannot hold a line feed")
                if lines:
                    self._write(descriptor, "".join(f"{line}\n" for line in lines).encode(), end)
            finally:
                os.close(descriptor)

    def lines(self, start: int = 1) -> Iterator[str]:
        """Give the finished lines from number ``start``. Bytes that are not UTF-8 come as surrogates."""
        try:
            stream = self._path.open("rb")
        except FileNotFoundError:
            return
        with stream:
            # Finished lines never change, so nothing past this point need be looked at again.
            end = _finished(stream.fileno(), os.fstat(stream.fileno()).st_size)
            position = 0
            for number, line in enumerate(stream, 1):
                position += len(line)
                if position > end:
                    return
                if number >= start:
                    yield line[:-1].decode("utf-8", "surrogateescape")

    def last(self) -> str | None:
        """Return the last finished line, read from the end of the file."""
        try:
            descriptor = os.open(self._path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        try:
            return _last_line(descriptor, _finished(descriptor, os.fstat(descriptor).st_size))
        finally:
            os.close(descriptor)

    def count(self) -> int:
        """Return how many finished lines there are; reads the whole file."""
        try:
            stream = self._path.open("rb")
        except FileNotFoundError:
            return 0
        with stream:
            return sum(block.count(b"\n") for block in iter(lambda: stream.read(_BLOCK), b""))

    def _heal(self, descriptor: int) -> int:
        """Put an unfinished last line aside; return where the finished lines end."""
        size = os.fstat(descriptor).st_size
        end = _finished(descriptor, size)
        if end < size:
            torn = os.pread(descriptor, size - end, end)
            _keep(self._path.with_name(f"{self._path.stem}.torn-{self.count() + 1}"), torn)
            os.ftruncate(descriptor, end)
            os.fsync(descriptor)
        return end

    def _write(self, descriptor: int, data: bytes, end: int) -> None:
        try:
            view = memoryview(data)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        except OSError as error:
            # Nothing is acknowledged: take back what was written, so that readers never see it.
            with suppress(OSError):
                os.ftruncate(descriptor, end)
                os.fsync(descriptor)
            raise WorkFailedError(
                f"le journal n'a pas pu être écrit ({error.strerror}). Rien n'a été enregistré.",
                file=str(self._path),
                fix="Libérez de la place sur le disque, puis recommencez.",
            ) from error


def _finished(descriptor: int, size: int) -> int:
    """Return the offset just after the last line feed in the first ``size`` bytes."""
    end = size
    while end > 0:
        start = max(0, end - _BLOCK)
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0


def _last_line(descriptor: int, end: int) -> str | None:
    if end == 0:
        return None
    start = _finished(descriptor, end - 1)
    return os.pread(descriptor, end - 1 - start, start).decode("utf-8", "surrogateescape")


def _keep(path: Path, data: bytes) -> None:
    """Write bytes to a new file, beside an older one of the same name."""
    target, copy = path, 1
    while target.exists() or target.is_symlink():
        copy += 1
        target = path.with_name(f"{path.name}-{copy}")
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    sync_folder(path.parent)

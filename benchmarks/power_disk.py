"""A disk for SQLite that keeps what was synced: a virtual file system of apsw, over files in memory."""

from __future__ import annotations

import importlib
import random
import sys
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Disk", "System"]

apsw: Any = importlib.import_module("apsw")  # of the group `audit`: absent from an ordinary installation

_SECTOR = 512


@dataclass(slots=True)
class _File:
    """What a file holds for who reads it, what it holds after a cut, and what was done since."""

    seen: bytearray = field(default_factory=bytearray)
    kept: bytearray = field(default_factory=bytearray)
    since: list[tuple[int, bytes | None]] = field(default_factory=list)
    there: bool = False

    def write(self, offset: int, data: bytes) -> None:
        """Write what a cut may lose, sector by sector."""
        _put(self.seen, offset, data)
        for start in range(0, len(data), _SECTOR):
            self.since.append((offset + start, data[start : start + _SECTOR]))

    def truncate(self, size: int) -> None:
        """Shorten the file; a cut may lose it."""
        del self.seen[size:]
        self.since.append((size, None))

    def sync(self) -> None:
        """Keep all that was written."""
        self.kept, self.since, self.there = bytearray(self.seen), [], True

    def cut(self, rng: random.Random, share: float) -> None:
        """Lose what was not synced, but for a share of it."""
        self.there = self.there or (bool(self.since) and rng.random() < share)
        for offset, data in self.since:
            if rng.random() >= share:
                continue
            if data is None:
                del self.kept[offset:]
            else:
                _put(self.kept, offset, data)
        self.seen, self.since = bytearray(self.kept), []


def _put(content: bytearray, offset: int, data: bytes) -> None:
    if len(content) < offset:
        content.extend(b"\0" * (offset - len(content)))
    content[offset : offset + len(data)] = data


@dataclass(slots=True)
class Disk:
    """Files by name; ``left`` writes are done before the power is off."""

    files: dict[str, _File] = field(default_factory=dict)
    left: int = sys.maxsize

    def put(self, name: str, content: bytes) -> None:
        """Put a file on the disk for good."""
        file = self.files.setdefault(name, _File())
        file.write(0, content)
        file.sync()

    def spend(self) -> None:
        """Count a write; once none is left, every one fails, as when the power is off."""
        if self.left <= 0:
            raise apsw.IOError("the power is off")
        self.left -= 1

    def cut(self, rng: random.Random) -> None:
        """Lose what was not synced, and switch the power on again."""
        share = rng.choice((0.0, 0.2, 0.5, 0.8, 1.0))
        for name, file in list(self.files.items()):
            file.cut(rng, share)
            if not file.there:
                del self.files[name]
        self.left = sys.maxsize


class _Open:
    """An open file, as apsw asks for it. One connection at a time: locks have nothing to wait for."""

    def __init__(self, disk: Disk, name: str) -> None:
        self._disk = disk
        self._file = disk.files.setdefault(name, _File())

    def xRead(self, amount: int, offset: int) -> bytes:  # noqa: N802
        """Read."""
        return bytes(self._file.seen[offset : offset + amount])

    def xWrite(self, data: bytes, offset: int) -> None:  # noqa: N802
        """Write."""
        self._disk.spend()
        self._file.write(offset, bytes(data))

    def xTruncate(self, size: int) -> None:  # noqa: N802
        """Shorten."""
        self._disk.spend()
        self._file.truncate(size)

    def xSync(self, _flags: int) -> None:  # noqa: N802
        """Keep."""
        self._disk.spend()
        self._file.sync()

    def xFileSize(self) -> int:  # noqa: N802
        """Return the size."""
        return len(self._file.seen)

    def xLock(self, _level: int) -> None:  # noqa: N802
        """Lock nothing."""

    def xUnlock(self, _level: int) -> None:  # noqa: N802
        """Unlock nothing."""

    def xCheckReservedLock(self) -> bool:  # noqa: N802
        """Tell that nobody else writes."""
        return False

    def xFileControl(self, _op: int, _pointer: int) -> bool:  # noqa: N802
        """Leave every special request to SQLite."""
        return False

    def xSectorSize(self) -> int:  # noqa: N802
        """Return what survives as one."""
        return _SECTOR

    def xDeviceCharacteristics(self) -> int:  # noqa: N802
        """Promise nothing: not even that a write spares what lies beside it."""
        return 0

    def xClose(self) -> None:  # noqa: N802
        """Close."""

    def excepthook(self, *_: Any) -> None:
        """Say nothing of a power that is off."""


class System(apsw.VFS):  # type: ignore[misc]
    """The file system ``proof`` of SQLite, over a disk of ours."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        super().__init__("proof", "")

    def xOpen(self, name: Any, flags: list[int]) -> _Open:  # noqa: N802
        """Open a file, made when it is missing."""
        flags[1] = flags[0]
        return _Open(self._disk, name.filename() if hasattr(name, "filename") else str(name or "temporary"))

    def xDelete(self, name: str, _sync: bool) -> None:  # noqa: FBT001, N802
        """Delete a file."""
        self._disk.files.pop(name, None)

    def xAccess(self, name: str, _flags: int) -> bool:  # noqa: N802
        """Tell whether a file is there."""
        return name in self._disk.files

    def xFullPathname(self, name: str) -> str:  # noqa: N802
        """Return a name as it is."""
        return name

    def excepthook(self, *_: Any) -> None:
        """Say nothing of a power that is off."""

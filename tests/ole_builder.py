"""Makes a small OLE container, for Outlook's mails: enough of the format for a reader, no more.

References
----------
Microsoft, [MS-CFB] « Compound File Binary File Format ».
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

__all__ = ["Tree", "container", "properties"]

Tree = Mapping[str, "bytes | Tree"]
"""Streams and storages by name."""

_SECTOR, _MINI, _CUT = 512, 64, 4096
_FREE, _END, _FAT = 0xFFFFFFFF, 0xFFFFFFFE, 0xFFFFFFFD
_STORAGE, _STREAM, _ROOT = 1, 2, 5


@dataclass
class _Entry:
    name: str
    kind: int
    data: bytes = b""
    child: int = _FREE
    right: int = _FREE
    start: int = _END
    children: list[int] = field(default_factory=list)


def properties(values: Mapping[int, tuple[int, bytes]], *, header: int) -> bytes:
    """Return a table of properties with a size of their own: number, then type and eight bytes."""
    rows = (
        struct.pack("<HHI", kind, number, 6) + data.ljust(8, b"\0") for number, (kind, data) in values.items()
    )
    return b"\0" * header + b"".join(rows)


def container(tree: Tree) -> bytes:
    """Return the bytes of a container."""
    entries = [_Entry("Root Entry", _ROOT)]
    _collect(tree, 0, entries)
    fat: list[int] = []
    sectors: list[bytes] = []
    mini = bytearray()
    mini_fat: list[int] = []
    for entry in entries:
        if entry.kind != _STREAM or not entry.data:
            continue
        if len(entry.data) >= _CUT:
            entry.start = _chain(entry.data, fat, sectors)
            continue
        entry.start = len(mini_fat)
        count = -(-len(entry.data) // _MINI)
        mini_fat += [entry.start + step + 1 for step in range(count - 1)] + [_END]
        mini += entry.data.ljust(count * _MINI, b"\0")
    entries[0].data = bytes(mini)
    entries[0].start = _chain(bytes(mini), fat, sectors) if mini else _END
    mini_start = (
        _chain(struct.pack(f"<{len(mini_fat)}I", *mini_fat), fat, sectors, fill=b"\xff") if mini_fat else _END
    )
    directory = b"".join(map(_directory, entries))
    directory += _directory(_Entry("", 0)) * (-len(entries) % 4)
    directory_start = _chain(directory, fat, sectors)
    fat_place = len(fat)
    assert fat_place < _SECTOR // 4, "one sector of the table is enough for a test"
    fat.append(_FAT)
    sectors.append(struct.pack(f"<{len(fat)}I", *fat).ljust(_SECTOR, b"\xff"))
    head = struct.pack(
        "<8s16xHHHHH6xIIIIIIIIII",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        0x3E, 3, 0xFFFE, 9, 6,
        0, 1, directory_start, 0, _CUT, mini_start, 1 if mini_fat else 0, _END, 0, fat_place,
    )  # fmt: skip
    return head.ljust(_SECTOR, b"\xff") + b"".join(sectors)


def _collect(tree: Tree, parent: int, entries: list[_Entry]) -> None:
    places = []
    # The order of the format: shorter names first.
    for name, content in sorted(tree.items(), key=lambda pair: (len(pair[0]), pair[0].upper())):
        places.append(len(entries))
        if isinstance(content, bytes):
            entries.append(_Entry(name, _STREAM, content))
        else:
            entries.append(_Entry(name, _STORAGE))
            _collect(content, len(entries) - 1, entries)
    for one, other in pairwise(places):
        entries[one].right = other
    entries[parent].child = places[0] if places else _FREE


def _chain(data: bytes, fat: list[int], sectors: list[bytes], *, fill: bytes = b"\0") -> int:
    start = len(fat)
    count = -(-len(data) // _SECTOR)
    fat += [start + step + 1 for step in range(count - 1)] + [_END]
    sectors += [data[step * _SECTOR : (step + 1) * _SECTOR].ljust(_SECTOR, fill) for step in range(count)]
    return start


def _directory(entry: _Entry) -> bytes:
    name = entry.name.encode("utf-16-le") + b"\0\0" if entry.name else b""
    fields: tuple[Any, ...] = (len(name), entry.kind, 1, _FREE, entry.right, entry.child)
    return name.ljust(64, b"\0") + struct.pack("<HBBIII36xIQ", *fields, entry.start, len(entry.data))

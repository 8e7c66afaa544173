"""Expands the compressed RTF of Outlook's mails.

References
----------
Microsoft, [MS-OXRTFCP] « Rich Text Format (RTF) Compression Algorithm ».
"""

from __future__ import annotations

import struct

__all__ = ["expanded"]

_START = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript "
    b"\\fdecor MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n\\par "
    b"\\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
_WINDOW = 4096
_PACKED, _PLAIN = 0x75465A4C, 0x414C454D
_LARGEST = 50_000_000


def expanded(data: bytes) -> bytes:
    """Return the RTF; nothing when the bytes are none, or would grow out of measure.

    Examples
    --------
    >>> text = b"{\\\\rtf1 a}"
    >>> expanded(struct.pack("<IIII", len(text) + 12, len(text), 0x414C454D, 0) + text) == text
    True
    """
    if len(data) < 16:
        return b""
    _, size, form, _ = struct.unpack_from("<IIII", data)
    if form == _PLAIN:
        return data[16 : 16 + size]
    if form != _PACKED or size > _LARGEST:
        return b""
    window = bytearray(_START.ljust(_WINDOW, b"\0"))
    place, read, found = len(_START), 16, bytearray()
    while read < len(data) and len(found) < size:
        control, read = data[read], read + 1
        for bit in range(8):
            if read >= len(data):
                break
            if not control >> bit & 1:
                piece, read = data[read : read + 1], read + 1
            else:
                pair = int.from_bytes(data[read : read + 2], "big")
                read += 2
                start, length = pair >> 4, (pair & 15) + 2
                if start == place:
                    return bytes(found[:size])
                piece = _copied(window, start, place, length)
            for sign in piece:
                window[place] = sign
                place = (place + 1) % _WINDOW
            found += piece
    return bytes(found[:size])


def _copied(window: bytearray, start: int, place: int, length: int) -> bytes:
    """Return what a reference stands for: it may reach into what it writes itself."""
    ahead = (place - start) % _WINDOW
    piece = bytes(window[(start + step) % _WINDOW] for step in range(min(length, ahead)))
    return (piece * (length // max(len(piece), 1) + 1))[:length]

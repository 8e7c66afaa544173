"""Text with separators becomes rows under a heading; everything that had to be repaired is said."""

from __future__ import annotations

import re
import unicodedata

from eclaireur.sources import encoding, splitting
from eclaireur.sources.framing import frame
from eclaireur.sources.reading import Doubt, Repair
from eclaireur.sources.squaring import Framed

__all__ = ["declared", "parse", "plain"]

_LONG_VALUE = 60
_FORMULA = re.compile(r"""\A(?:="([^"]*)"|'(\d[\d ]*))\Z""")


def parse(data: bytes) -> Framed | None:
    """Read text with separators, or None when nothing like a table is found."""
    decoded = encoding.decode(data)
    text, repairs = decoded.text, list(decoded.repairs)
    if "\0" in text:
        where = tuple(
            number for number, line in enumerate(re.split(r"\r\n|\n|\r", text), start=1) if "\0" in line
        )
        text = text.replace("\0", "")
        repairs.append(Repair(kind="nul", message="Caractères nuls retirés.", lines=where[:50]))
    if not text.strip() or not plain(text):
        return None
    announced, text, offset = declared(text)
    if offset:
        repairs.append(Repair(kind="sep", message="Ligne « sep= » lue et retirée."))
    if "\r" in text and "\n" not in text:
        repairs.append(Repair(kind="newline", message="Fins de ligne anciennes (CR seul) reconnues."))
    separator = announced or splitting.separator_of(text)
    if announced and announced not in text and splitting.separator_of(text):
        separator = splitting.separator_of(text)
        message = f"La ligne « sep= » annonce « {announced} », le fichier utilise « {separator} »."
        repairs.append(Repair(kind="sep", message=message))
    if not separator and _prose(text):
        return None
    cut = splitting.split(text, separator or ";", offset=offset)
    if not cut.rows:
        return None
    formulas = _unwrapped(cut)
    if formulas:
        message = 'Textes protégés pour un tableur (="00123" ou \'00123), lus comme des textes.'
        repairs.append(Repair(kind="formula", message=message, lines=formulas[:50]))
    found = frame(cut.rows, cut.lines)
    doubts: tuple[Doubt, ...] = (*decoded.doubts, *cut.doubts, *found.doubts)
    return Framed(
        header=found.header,
        rows=found.rows,
        lines=found.lines,
        repairs=(*repairs, *cut.repairs, *found.repairs),
        doubts=doubts,
    )


def _unwrapped(cut: splitting.Split) -> tuple[int, ...]:
    """Undo ``="00123"`` and ``'00123``, which keep a spreadsheet from dropping zeros; return the lines."""
    lines = []
    for row, line in zip(cut.rows, cut.lines, strict=True):
        if any(cell[:1] in {"=", "'"} for cell in row):
            read = [_FORMULA.sub(r"\1\2", cell) for cell in row]
            if read != row:
                row[:] = read
                lines.append(line)
    return tuple(lines)


def plain(text: str) -> bool:
    """Tell whether text is made of printable signs: binary noise is no table."""
    start = text[:5000]
    odd = sum(unicodedata.category(char) == "Cc" and char not in "\r\n\t\x0b\x0c\x1f\x01" for char in start)
    return odd * 100 <= len(start)


def _prose(text: str) -> bool:
    """Tell whether text without a separator is sentences or code rather than a list of values."""
    lines = [line for line in re.split(r"[\r\n]+", text[:100_000]) if line.strip()]
    return sum(map(len, lines)) > _LONG_VALUE * len(lines)


def declared(text: str) -> tuple[str, str, int]:
    """Return the separator of a « sep= » line, the text after it, and the lines it took."""
    found = re.match(r'"?sep=(.)"?[^\S\r\n]*(\r\n|\n|\r)', text, re.IGNORECASE)
    return (found[1], text[found.end() :], 1) if found else ("", text, 0)

"""Text with separators: encoding, separator, heading, ragged lines; everything it repairs, it says."""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from eclaireur.sources.reading import Repair

__all__ = ["Delimited", "decode", "frame", "parse"]

_SEPARATORS = (";", ",", "\t", "|")
_LEGACY = ("cp1252", "iso8859_15", "mac_roman", "cp850")
_FRENCH = "éèêëàâùûüîïôöçœæÉÈÊÀÂÎÔÇŒ€°«»’–\u00a0\u202f"
_SAMPLE = 200
csv.field_size_limit(10_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Delimited:
    """A heading, rows of its width, the line of each row, and what was repaired."""

    header: list[str]
    rows: list[list[str]]
    lines: list[int]
    repairs: tuple[Repair, ...]


def decode(data: bytes) -> tuple[str, list[Repair]]:
    """Decode bytes: UTF-8 when they are valid UTF-8, UTF-16 by its mark, else the likeliest legacy code.

    Text that was encoded to UTF-8 twice is decoded twice, and said.
    """
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        text = data.decode("utf-16", errors="replace")
        return text, [Repair(kind="encoding", message="Encodage UTF-16 reconnu.")]
    if data[:64].count(0) > len(data[:64]) // 4:
        name = "utf-16-le" if data[1:2] == b"\0" else "utf-16-be"
        text = data.decode(name, errors="replace")
        return text, [Repair(kind="encoding", message="Encodage UTF-16 sans marque reconnu.")]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        mixed = _line_by_line(data)
        if mixed is not None:
            return mixed
        best = max(_LEGACY, key=lambda name: _plausible(data, name))
        text = data.decode(best, errors="replace")
        return text, [Repair(kind="encoding", message=f"Encodage ancien reconnu : {best}.")]
    if "Ã" in text:
        twice = _undo_double(text)
        if twice is not None:
            return twice, [Repair(kind="encoding", message="Texte encodé deux fois en UTF-8, rétabli.")]
    return text, []


def _line_by_line(data: bytes) -> tuple[str, list[Repair]] | None:
    """Decode a file whose lines are mostly UTF-8 and some not, as when two exports were pasted."""
    lines, strange = [], []
    good = 0
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").splitlines(keepends=True), start=1):
        try:
            text = line.decode("utf-8")
            good += any(byte > 127 for byte in line)
        except UnicodeDecodeError:
            text = line.decode("cp1252", errors="replace")
            strange.append(number)
        lines.append(text)
    if not good:
        return None
    message = f"{len(strange)} lignes dans un autre encodage que le reste (cp1252), décodées à part."
    return "".join(lines), [Repair(kind="encoding", message=message, lines=tuple(strange[:50]))]


def _plausible(data: bytes, name: str) -> int:
    """Count what French text is made of, less what it is not, in the bytes above 127."""
    text = bytes(byte for byte in data[:200_000] if byte > 127).decode(name, errors="replace")
    good = sum(text.count(char) for char in _FRENCH)
    bad = sum(not (char in _FRENCH or char.isalpha()) for char in text) + 3 * text.count("\ufffd")
    # cp1252 and latin-9 agree but on a few signs: the first wins a tie.
    return 4 * good - 4 * bad - sum(char.isalpha() and char not in _FRENCH for char in text)


def _undo_double(text: str) -> str | None:
    try:
        return text.encode("cp1252").decode("utf-8")
    except (UnicodeEncodeError, UnicodeDecodeError):
        return None


def parse(data: bytes) -> Delimited | None:
    """Read text with separators, or None when nothing like a table is found."""
    text, repairs = decode(data)
    if "\0" in text:
        text = text.replace("\0", "")
        repairs.append(Repair(kind="nul", message="Caractères nuls retirés."))
    if not text.strip() or not _plain(text):
        return None
    separator, text, offset = _declared(text)
    if offset:
        repairs.append(Repair(kind="sep", message="Ligne « sep= » lue et retirée."))
    if "\r" in text and "\n" not in text:
        repairs.append(Repair(kind="newline", message="Fins de ligne anciennes (CR seul) reconnues."))
    separator = separator or _separator(text)
    rows, lines = _split(text, separator or ";", offset)
    if not rows:
        return None
    found = frame(rows, lines)
    return Delimited(
        header=found.header, rows=found.rows, lines=found.lines, repairs=(*repairs, *found.repairs)
    )


def _plain(text: str) -> bool:
    """Tell whether text is made of printable signs: binary noise is no table."""
    start = text[:5000]
    odd = sum(unicodedata.category(char) == "Cc" and char not in "\r\n\t\x0b\x0c" for char in start)
    return odd * 100 <= len(start)


def _declared(text: str) -> tuple[str, str, int]:
    found = re.match(r'"?sep=(.)"?[^\S\r\n]*(\r\n|\n|\r)', text, re.IGNORECASE)
    return (found[1], text[found.end() :], 1) if found else ("", text, 0)


def _separator(text: str) -> str:
    """Choose the separator that cuts most lines into the same number of cells, more than one."""
    best, score = "", 0.0
    for candidate in _SEPARATORS:
        widths = Counter(len(row) for row in _first_rows(text, candidate) if len(row) > 1)
        if widths:
            width, times = widths.most_common(1)[0]
            total = sum(widths.values())
            value = times / total * min(width, 50) * (times / (times + 1))
            if value > score:
                best, score = candidate, value
    return best


def _first_rows(text: str, separator: str) -> list[list[str]]:
    rows = []
    try:
        for row in csv.reader(io.StringIO(text[:500_000], newline=""), delimiter=separator):
            if row:
                rows.append(row)
            if len(rows) >= _SAMPLE:
                break
    except csv.Error:
        pass
    return rows


def _split(text: str, separator: str, offset: int) -> tuple[list[list[str]], list[int]]:
    """Cut text into rows, with the physical line where each starts."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    rows, lines, line = [], [], 0
    while True:
        start = line + 1 + offset
        try:
            row = next(reader)
        except StopIteration:
            break
        except csv.Error:
            line = reader.line_num
            continue
        line = reader.line_num
        if any(cell.strip() for cell in row):
            rows.append(row)
            lines.append(start)
    return rows, lines


def frame(rows: Sequence[Sequence[str]], lines: Sequence[int]) -> Delimited:
    """Find the heading among rows, drop what stands before and after the table, square what is ragged.

    Parameters
    ----------
    rows, lines
        Rows that are not empty, and the line of each.
    """
    widths = Counter(_width(row) for row in rows[:_SAMPLE])
    usual = max(widths, key=lambda width: (widths[width] * (width > 1), width))
    start = next(
        (index for index, row in enumerate(rows) if _width(row) >= max(usual - 1, 1) and _heading(row)), 0
    )
    if _width(rows[start]) < usual <= 1:
        start = 0
    header = list(rows[start])
    while header and not header[-1].strip():
        header.pop()
    repairs = []
    if start:
        message = f"{start} lignes avant le tableau, laissées de côté."
        repairs.append(Repair(kind="preamble", message=message, lines=tuple(lines[:start])))
    body, places, ragged = [], [], []
    stop = len(rows)
    while stop > start + 1 and usual > 2 and _width(rows[stop - 1]) == 1:
        stop -= 1
    if stop < len(rows):
        message = f"{len(rows) - stop} lignes après le tableau, laissées de côté."
        repairs.append(Repair(kind="footer", message=message, lines=tuple(lines[stop:])))
    width = max(len(header), 1)
    for row, line in zip(rows[start + 1 : stop], lines[start + 1 : stop], strict=True):
        cells = list(row)
        while len(cells) > width and not cells[-1].strip():
            cells.pop()
        if len(cells) > width:
            ragged.append(line)
            header += [""] * (len(cells) - width)
            width = len(cells)
        elif len(cells) < width:
            ragged.append(line)
        body.append(cells)
        places.append(line)
    squared = [cells + [""] * (width - len(cells)) for cells in body]
    if ragged:
        message = f"{len(ragged)} lignes plus courtes ou plus longues que l'en-tête, complétées."
        repairs.append(Repair(kind="ragged", message=message, lines=tuple(ragged[:50])))
    header += [""] * (width - len(header))
    return Delimited(header=header, rows=squared, lines=places, repairs=tuple(repairs))


def _width(row: Sequence[str]) -> int:
    """Cells up to the last that is not empty."""
    return max((index for index, cell in enumerate(row, start=1) if cell.strip()), default=0)


def _heading(row: Sequence[str]) -> bool:
    """Tell whether a row looks like headings: words, none of them a number or a date."""
    cells = [cell.strip() for cell in row if cell.strip()]
    return bool(cells) and not any(re.fullmatch(r"[-+]?[\d\s.,/:-]+", cell) for cell in cells)

"""Delimited text cut into blocks of whole rows, each of them columns: fast where a block is plain.

A block without oddities goes through Arrow's reader. One with an empty line, a line feed inside a cell, a
short or a long row or the heading again goes through the strict reader that small files take. What only the
whole file can settle (a quote that never closes, text encoded twice, two encodings) raises `IrregularError`.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from eclaireur.sources import encoding, splitting
from eclaireur.sources.edges import edges

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Block", "Form", "IrregularError", "Readable", "check", "columns", "cut", "pieces", "rows"]

_LONGEST_ROW = 64_000_000
_FORMULA = re.compile(rb'(^|[^\w =])"?="')
_APOSTROPHE = re.compile(rb"[^\w ]'\d")
_BEFORE = (b";", b",", b"\t", b"|", b"\n", b'"')
_TWO_SIGNS = re.compile(rb"(?:[\xc2-\xf4][\x80-\xbf]+){2,}")


_BLANK = (*range(0x21), 0xC2, 0xE1, 0xE2, 0xE3)


class IrregularError(Exception):
    """The file needs the reader that holds it whole."""


class Readable(Protocol):
    """A stream of bytes."""

    def read(self, size: int, /) -> bytes:
        """Read at most so many bytes."""

    def close(self) -> None:
        """Close it."""


@dataclass(frozen=True, slots=True)
class Form:
    """How the rows of a file are written.

    Parameters
    ----------
    width
        Cells of most rows as they are written; ``named`` of them have a name.
    spaced
        A space follows each separator.
    heading
        First cell of the heading, by which it is known again; None when there is no heading.
    """

    separator: str
    width: int
    named: int
    spaced: bool
    heading: str | None


@dataclass(frozen=True, slots=True)
class Block:
    """Rows of a block: columns, empty cells null, or rows of cells; and the line of each."""

    lines: NDArray[np.int64]
    columns: list[pa.Array] | None = None
    rows: list[list[str]] | None = None


def pieces(read: Callable[[int], bytes], start: bytes, size: int, *, quoted: bool = True) -> Iterator[bytes]:
    """Give the bytes that are read in pieces that end with a row; the last may lack its line feed.

    Parameters
    ----------
    start
        What was read already and not used.
    size
        Bytes of a piece.
    quoted
        A row may hold line feeds between quotes; else it ends with its line.

    Raises
    ------
    IrregularError
        If a row never ends.
    """
    rest = start
    while True:
        more = read(size)
        if not more:
            break
        rest += more
        end = cut(rest) if quoted else rest.rfind(b"\n") + 1
        if end:
            yield rest[:end]
            rest = rest[end:]
        elif len(rest) > _LONGEST_ROW:
            raise IrregularError
    if rest:
        yield rest


def cut(data: bytes) -> int:
    """Return the place after the last line feed that stands outside quotes; 0 without one."""
    quotes = data.count(b'"')
    end = data.rfind(b"\n")
    while end >= 0 and quotes:
        after = data.count(b'"', end)
        if (quotes - after) % 2 == 0:
            break
        end = data.rfind(b"\n", 0, end)
    return end + 1


def check(data: bytes) -> None:
    """Refuse, for this reader, what only the whole file can settle.

    Raises
    ------
    IrregularError
        If there are null signs, old line ends, marks in the middle, text written as formulas, lost signs or
        text encoded twice.
    """
    import numpy as np

    if b"\0" in data or b"\xef\xbf\xbd" in data or b"\xef\xbb\xbf" in data:
        raise IrregularError
    if b'="' in data and _FORMULA.search(data):
        raise IrregularError
    if any(sign + b"'" in data for sign in _BEFORE) and _APOSTROPHE.search(data):
        raise IrregularError
    if data.count(b"\r") != data.count(b"\r\n"):
        raise IrregularError
    if data.isascii():
        return
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise IrregularError from error
    raw = np.frombuffer(data, np.uint8)
    if ((raw[1:] >= 0xC0) & (raw[:-1] >= 0x80)).any():
        runs = {run.decode("utf-8", "replace") for run in _TWO_SIGNS.findall(data)}
        if encoding.doubled(" ".join(runs)):
            raise IrregularError
    del text


def columns(data: bytes, form: Form, line: int) -> Block:
    """Read a block.

    Parameters
    ----------
    line
        Line of the file at which it starts, from 1.

    Raises
    ------
    IrregularError
        If its quotes do not hold.
    """
    import numpy as np
    import pyarrow as pa

    plain = _arrow(data, form)
    if plain is None or _again(plain[0], form) or not _blank(plain[form.named :]):
        return rows(data, form, line)
    lines = np.arange(line, line + len(plain[0]), dtype=np.int64)
    kept = plain[: form.named]
    if form.spaced:
        kept = [kept[0], *(_unspaced(column) for column in kept[1:])]
    void = _void(kept)
    if len(void):
        stays = np.ones(len(lines), bool)
        stays[void] = False
        mask = pa.array(stays)
        return Block(lines[stays], [column.filter(mask) for column in kept])
    return Block(lines, kept)


def rows(data: bytes, form: Form, line: int) -> Block:
    """Read a block the strict way; see `columns`."""
    import numpy as np

    try:
        found = splitting.strict(data.decode("utf-8"), form.separator, line - 1)
    except csv.Error as error:
        raise IrregularError from error
    if splitting.swallowed(found, form.separator):
        raise IrregularError
    if form.spaced:
        splitting.unspace(found.rows)
    return Block(np.array(found.lines, np.int64), rows=found.rows)


def _arrow(data: bytes, form: Form) -> list[pa.Array] | None:
    """Read a block with Arrow; None when it is not plain."""
    import pyarrow as pa
    from pyarrow import csv as reader

    if len(form.separator.encode()) > 1 or not _quoted_well(data, form.separator):
        return None
    names = [str(place) for place in range(form.width)]
    try:
        table = reader.read_csv(
            pa.BufferReader(data),
            read_options=reader.ReadOptions(column_names=names, use_threads=False, block_size=len(data) + 1),
            parse_options=reader.ParseOptions(delimiter=form.separator, newlines_in_values=True),
            convert_options=reader.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
            ),
        )
    except pa.ArrowInvalid:
        return None
    if table.num_rows != data.count(b"\n") + (not data.endswith(b"\n")):
        return None
    return [column.combine_chunks() for column in table.columns]


def _quoted_well(data: bytes, separator: str) -> bool:
    """Tell whether each quote opens or closes a cell, or is doubled inside one: then all readers agree."""
    import numpy as np

    if b'"' not in data:
        return True
    raw = np.frombuffer(b"\n" + data + b"\n", np.uint8)
    places = np.flatnonzero(raw == ord('"'))
    if len(places) % 2:
        return False
    opened, closed = places[::2], places[1::2]
    borders = np.frombuffer(separator.encode() + b"\r\n", np.uint8)
    twice = np.concatenate([[False], opened[1:] == closed[:-1] + 1])
    good = np.isin(raw[opened - 1], borders) | twice
    ends = np.isin(raw[closed + 1], borders) | np.concatenate([twice[1:], [False]])
    return bool(good.all() and ends.all())


def _again(first: pa.Array, form: Form) -> bool:
    import pyarrow.compute as pc

    return form.heading is not None and bool(pc.any(pc.equal(first, form.heading)).as_py())


def _blank(extra: Sequence[pa.Array]) -> bool:
    """Tell whether the columns that have no name are empty."""
    return all(column.null_count == len(column) for column in extra)


def _void(kept: Sequence[pa.Array]) -> NDArray[np.int64]:
    """Rows of which every cell is empty or blank."""
    import numpy as np
    import pyarrow.compute as pc

    left = np.arange(len(kept[0]))
    for column in kept:
        if len(left) == len(column):
            left = np.flatnonzero(np.isin(edges(column)[0], _BLANK))
        some = column.take(left)
        start = (
            pc.match_substring_regex(some, r"^[\s\pZ\x1c-\x1f\x85]*$")
            if some.null_count < len(some)
            else None
        )
        empty = np.asarray(pc.is_null(some).to_numpy(zero_copy_only=False), bool)
        if start is not None:
            empty |= np.asarray(pc.fill_null(start, True).to_numpy(zero_copy_only=False), bool)
        left = left[empty]
        if not len(left):
            break
    return left


def _unspaced(column: pa.Array) -> pa.Array:
    """Drop the first space of each value."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found = pc.if_else(pc.starts_with(column, " "), pc.utf8_slice_codeunits(column, 1), column)
    return pc.if_else(pc.equal(found, ""), pa.scalar(None, pa.string()), found)

"""Large delimited files, block by block: the same reading as `tables.read_table`, in bounded memory.

The heading comes from the first rows, notes and totals from the last; between them, blocks of rows are judged
and typed as they pass. What a column holds is decided at the end: when a block was typed on a guess that the
rest denied, it is typed again.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field

from eclaireur.sources import blocks, delimited, encoding, splitting
from eclaireur.sources.blocks import Block, Form, IrregularError
from eclaireur.sources.endings import last_row
from eclaireur.sources.feeding import Done, Feed, Sink, nothing
from eclaireur.sources.headings import Heading, heading
from eclaireur.sources.kinds import Decided
from eclaireur.sources.naming import distinct
from eclaireur.sources.reading import Doubt, Repair
from eclaireur.sources.squaring import Square
from eclaireur.sources.tally import TooVariedError

__all__ = ["Sizes", "scan"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """How much is held at once.

    Parameters
    ----------
    head, tail
        Bytes at the start and at the end that are read the slow way.
    block
        Bytes between them that are read at once.
    rows
        Rows at each end from which heading, notes and totals are told.
    """

    head: int = 1_500_000
    tail: int = 200_000
    block: int = 8_000_000
    rows: int = 300


class _WiderError(Exception):
    """A row has more cells than any before: everything starts again with that width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.width = width


def scan(
    open_stream: Callable[[], blocks.Readable],
    sink: Sink,
    *,
    restart: Callable[[], None],
    progress: Callable[[int], None] = nothing,
    known: Sequence[Decided] = (),
    sizes: Sizes | None = None,
) -> Done:
    """Read delimited text from its first to its last block.

    Parameters
    ----------
    open_stream
        Opens the bytes from their start; called again when reading must start again.
    sink
        Takes each block.
    restart
        Called when all that ``sink`` took is void.
    progress
        Called with the bytes that are behind.
    known
        What each column holds, from a scan before; else it is guessed from the first block.

    Raises
    ------
    IrregularError
        If only a reader that holds the whole file can read it.
    """
    chosen = sizes or Sizes()
    coding = _coding(open_stream, chosen.head)
    width = 0
    while True:
        try:
            with closing(open_stream()) as stream:
                decoded = _Decoded(stream, coding.name).read if coding.name != "utf-8" else stream.read
                return _Scan(sink, progress, known, chosen, width).run(decoded, coding)
        except _WiderError as wider:
            width = wider.width
            restart()
        except TooVariedError as error:
            raise IrregularError from error


@dataclass(frozen=True, slots=True)
class _Coding:
    name: str = "utf-8"
    repairs: tuple[Repair, ...] = ()
    doubts: tuple[Doubt, ...] = ()


def _coding(open_stream: Callable[[], blocks.Readable], size: int) -> _Coding:
    """Tell the encoding from the start, and from all lines when it is an old one."""
    with closing(open_stream()) as stream:
        start = stream.read(size)
    large = encoding.wide(start)
    if large:
        if not start.startswith((b"\xff\xfe", b"\xfe\xff")):
            raise IrregularError
        return _Coding(large, (encoding.recognised(large.upper()),))
    end = start.rfind(b"\n") + 1
    try:
        start[:end].decode("utf-8-sig")
    except UnicodeDecodeError:
        with closing(open_stream()) as stream:
            pieces = blocks.pieces(stream.read, b"", size, quoted=False)
            found = encoding.survey(pieces)
        if found is None or start.startswith(b"\xef\xbb\xbf"):
            raise IrregularError from None
        return _Coding(found[0], (found[1],), found[2])
    return _Coding()


class _Decoded:
    """A stream in another encoding, given as UTF-8."""

    def __init__(self, stream: blocks.Readable, name: str) -> None:
        self._stream = stream
        self._decoder = codecs.getincrementaldecoder(name)(errors="replace")
        self._first = True

    def read(self, size: int, /) -> bytes:
        while True:
            raw = self._stream.read(size)
            text = self._decoder.decode(raw, final=not raw)
            if self._first and text:
                text, self._first = text.removeprefix("\ufeff"), False
            if text or not raw:
                return text.encode("utf-8", "replace")


@dataclass(slots=True)
class _Scan:
    sink: Sink
    progress: Callable[[int], None]
    known: Sequence[Decided]
    sizes: Sizes
    width: int
    feed: Feed = field(init=False)

    def run(self, read: Callable[[int], bytes], coding: _Coding) -> Done:
        start = read(self.sizes.head)
        while len(start) < self.sizes.head and (more := read(self.sizes.head - len(start))):
            start += more
        start = start.removeprefix(b"\xef\xbb\xbf")
        end = blocks.cut(start)
        text, sep, separator, offset = _opened(start[:end])
        head, form, rows, lines, spaced, body = _head(text, separator, offset, self.sizes.rows)
        square = Square(head)
        square.width = max(square.width, self.width)
        header, renamed = distinct(square.header())
        numeric = [name for name, shape in zip(header, head.shapes, strict=False) if shape == "n"]
        self.feed = Feed(header, self.sink, known=self.known, numeric=numeric)
        for index in range(head.first, len(rows)):
            square.add(rows[index], lines[index])
        self._put_rows(square)
        line = offset + 1 + text[:body].count("\n")
        rest = text[body:].encode() + start[end:]
        last = b""
        done = 0
        for piece in blocks.pieces(read, rest, self.sizes.block):
            last += piece
            if len(last) < self.sizes.tail:
                continue
            # The end of each piece waits for the next: it may be the end of the file.
            place = blocks.cut(last[: len(last) - self.sizes.tail])
            now, last = last[:place], last[place:]
            if now:
                line = self._put(now, form, line, square)
                done += len(now)
                self.progress(done)
        tail, tail_lines = self._tail(last, form, line, square)
        extra = self.feed.sums()
        repairs = [*coding.repairs, *sep, *spaced, *head.repairs]
        stop = last_row([*rows, *tail], [*lines, *tail_lines], head, repairs, above=extra)
        if stop < len(rows) + min(1, len(tail)):
            raise IrregularError
        for index in range(stop - len(rows)):
            square.add(tail[index], tail_lines[index])
        self._put_rows(square)
        ragged, doubts = square.said()
        return self.feed.done([*repairs, *ragged, *renamed], [*coding.doubts, *head.doubts, *doubts])

    def _put(self, data: bytes, form: Form, line: int, square: Square) -> int:
        """Take a piece of text; return the line after it."""
        blocks.check(data)
        block = blocks.columns(data, form, line)
        self._put_block(block, square)
        return line + data.count(b"\n")

    def _put_block(self, block: Block, square: Square) -> None:
        if block.columns is None:
            for row, number in zip(block.rows or [], block.lines.tolist(), strict=True):
                square.add(row, number)
            self._put_rows(square, summed=True)
        elif len(block.lines):
            square.count += len(block.lines)
            self.feed.put(block.columns, block.lines, summed=True)

    def _put_rows(self, square: Square, *, summed: bool = False) -> None:
        import numpy as np
        import pyarrow as pa

        rows, lines = square.take()
        if square.width > len(self.feed.names):
            raise _WiderError(square.width)
        if rows:
            columns = [
                pa.array([cell or None for cell in column], pa.string()) for column in zip(*rows, strict=True)
            ]
            self.feed.put(columns, np.array(lines, np.int64), summed=summed)

    def _tail(self, data: bytes, form: Form, line: int, square: Square) -> tuple[list[list[str]], list[int]]:
        """Take the last piece but its last rows, which are given back."""
        if not data.strip():
            return [], []
        blocks.check(data)
        block = blocks.rows(data, form, line)
        rows, lines = block.rows or [], block.lines.tolist()
        split = max(len(rows) - self.sizes.rows, 0)
        before = Block(block.lines[:split], rows=rows[:split])
        self._put_block(before, square)
        return rows[split:], lines[split:]


def _opened(start: bytes) -> tuple[str, list[Repair], str, int]:
    """Decode the first rows, and tell the separator."""
    blocks.check(start)
    text = start.decode("utf-8")
    if not text.strip() or not delimited.plain(text):
        raise IrregularError
    declared, text, offset = delimited.declared(text)
    said = [Repair(kind="sep", message="Ligne « sep= » lue et retirée.")] if offset else []
    separator = declared or splitting.separator_of(text)
    if not separator or separator not in text:
        raise IrregularError
    return text, said, separator, offset


def _head(
    text: str, separator: str, offset: int, count: int
) -> tuple[Heading, Form, list[list[str]], list[int], list[Repair], int]:
    """Read the first rows: the heading, how rows are written, and the place in the text after them."""
    found = splitting.split(text, separator, offset=offset)
    if found.doubts or any(one.kind != "space" for one in found.repairs) or len(found.rows) <= count:
        raise IrregularError
    rows, lines = found.rows[:count], found.lines[:count]
    head = heading(rows, lines)
    widths: dict[int, int] = {}
    for row in rows[head.first :]:
        widths[len(row)] = widths.get(len(row), 0) + 1
    width = max(widths, key=widths.__getitem__)
    if width < 2 or width < len(head.names):
        raise IrregularError
    form = Form(
        separator=separator,
        width=width,
        named=len(head.names),
        spaced=bool(found.repairs),
        heading=head.row[0] if head.row else None,
    )
    before = found.lines[count] - 1 - offset
    place = 0
    for _ in range(before):
        place = text.index("\n", place) + 1
    return head, form, rows, lines, list(found.repairs), place

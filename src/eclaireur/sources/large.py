"""Readings of large delimited files: held as a table, or written to Parquet without ever being held."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.core import french
from eclaireur.sources import shapes
from eclaireur.sources.blocks import Readable
from eclaireur.sources.edges import trimmed
from eclaireur.sources.feeding import Done, Sink, nothing
from eclaireur.sources.reading import Column, Outcome, Reading
from eclaireur.sources.stream import Sizes, scan

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from eclaireur.sources.kinds import Decided

__all__ = ["Scan", "hold", "read_large", "write", "write_large"]

_ROW_GROUP = 250_000


def read_large(open_stream: Callable[[], Readable], name: str, *, sizes: Sizes | None = None) -> Reading:
    """Read delimited text block by block into a reading that holds its table.

    Raises
    ------
    IrregularError
        If only the reader that holds the whole text can read it.
    """
    return hold(
        lambda sink, restart, known: scan(open_stream, sink, restart=restart, known=known, sizes=sizes), name
    )


Scan = Callable[[Sink, Callable[[], None], Sequence["Decided"]], Done]
"""Gives the blocks of a table to a sink; see `stream.scan`."""


def hold(scan: Scan, name: str) -> Reading:
    """Give a reading that holds its table, from what gives the blocks of it."""
    import numpy as np
    import pyarrow as pa

    held = _Held()
    done = scan(held.take, held.clear, ())
    table = {
        one: pa.chunked_array(chunks, pa.string())
        for one, chunks in zip(done.names, held.text or [[] for _ in done.names], strict=True)
    }
    typed = {}
    for place, (one, decided) in enumerate(zip(done.names, done.decided, strict=True)):
        if not held.typed:
            typed[one] = table[one]
        elif one in done.stale:
            chunks = [_retyped(chunk, decided) for chunk in held.text[place]]
            typed[one] = pa.chunked_array(chunks, decided.type or pa.string())
        else:
            typed[one] = pa.chunked_array(held.typed[place], decided.type or pa.string())
    lines = np.concatenate(held.lines) if held.lines else np.zeros(0, np.int64)
    return _reading(done, name, table=pa.table(table), typed=pa.table(typed), lines=lines)


@dataclass(slots=True)
class _Held:
    """Blocks kept, by column."""

    text: list[list[Any]] = field(default_factory=list)
    typed: list[list[Any]] = field(default_factory=list)
    lines: list[Any] = field(default_factory=list)

    def take(
        self, names: list[str], text: list[pa.Array], typed: list[pa.Array], lines: NDArray[np.int64]
    ) -> None:
        if not self.text:
            self.text, self.typed = [[] for _ in names], [[] for _ in names]
        for place in range(len(names)):
            self.text[place].append(text[place])
            self.typed[place].append(typed[place])
        self.lines.append(lines)

    def clear(self) -> None:
        self.text, self.typed, self.lines = [], [], []


def _retyped(chunk: pa.Array, decided: Decided) -> pa.Array:
    import pyarrow as pa

    values = trimmed(chunk)
    if decided.read is None or decided.type is None:
        return values
    typed = shapes.code(values).typed(decided.read, decided.type)
    if typed is None:
        found = [None if text is None else decided.read(text) for text in values.to_pylist()]
        typed = pa.array(found, decided.type)
    return typed


def _reading(done: Done, name: str, **held: Any) -> Reading:
    return Reading(
        file=name,
        outcome=Outcome.LU_AVEC_RESERVES if done.repairs or done.doubts else Outcome.LU,
        columns=tuple(
            Column(name=one, kind=str(decided.kind), unit=decided.unit)
            for one, decided in zip(done.names, done.decided, strict=True)
        ),
        repairs=done.repairs,
        doubts=done.doubts,
        **held,
    )


def write_large(
    open_stream: Callable[[], Readable],
    name: str,
    target: Path | None,
    *,
    progress: Callable[[int], None] = nothing,
    sizes: Sizes | None = None,
) -> Reading:
    """Read delimited text block by block and write it, typed, to Parquet; nothing is held but a block.

    The reading has no table: it says how many rows there are, and how full each column is.

    Parameters
    ----------
    target
        Parquet file to write; None to judge the file alone.
    progress
        Called with the bytes that are behind.

    Raises
    ------
    IrregularError
        If only the reader that holds the whole text can read it.
    """

    def run(sink: Sink, restart: Callable[[], None], known: Sequence[Decided]) -> Done:
        return scan(open_stream, sink, restart=restart, progress=progress, known=known, sizes=sizes)

    return write(run, name, target)


def write(scan: Scan, name: str, target: Path | None) -> Reading:
    """Write to Parquet what gives the blocks of a table, without holding it; see `write_large`."""
    writer = _Writer(target)
    done = scan(writer.take, writer.clear, ())
    if done.stale:
        # A guess from the first rows was denied further down: once more, knowing what the columns hold.
        writer.clear()
        done = scan(writer.take, writer.clear, done.decided)
    writer.close(done)
    reading = _reading(done, name, rows=done.rows)
    columns = []
    for one, tally, decided in zip(reading.columns, done.tallies, done.decided, strict=True):
        read = decided.read or bool
        first, last = writer.ends.get(one.name, (None, None))
        columns.append(
            Column(
                name=one.name,
                kind=one.kind,
                unit=one.unit,
                filled=tally.count(lambda text, read=read: read(text) is not None),  # type: ignore[misc]
                first="" if first is None else french.day(first),
                last="" if last is None else french.day(last),
            )
        )
    return Reading(
        file=reading.file,
        outcome=reading.outcome,
        columns=tuple(columns),
        repairs=reading.repairs,
        doubts=reading.doubts,
        rows=reading.rows,
    )


class _Writer:
    """Writes blocks to a Parquet file, and remembers the first and last day of each column of dates."""

    def __init__(self, target: Path | None) -> None:
        self._target = target
        self._writer: Any = None
        self._waiting: list[Any] = []
        self._rows = 0
        self.ends: dict[str, tuple[Any, Any]] = {}

    def take(
        self, names: list[str], text: list[pa.Array], typed: list[pa.Array], lines: NDArray[np.int64]
    ) -> None:
        del text
        import pyarrow as pa
        import pyarrow.compute as pc

        for name, column in zip(names, typed, strict=True):
            if pa.types.is_temporal(column.type):
                found = pc.min_max(column).as_py()
                ends = [
                    one for one in (found["min"], found["max"], *self.ends.get(name, ())) if one is not None
                ]
                if ends:
                    self.ends[name] = min(ends), max(ends)
        if self._target is None:
            return
        self._waiting.append(pa.table(dict(zip(names, typed, strict=True))))
        self._rows += len(lines)
        if self._rows >= _ROW_GROUP:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if not self._waiting:
            return
        table = pa.concat_tables(self._waiting)
        self._waiting, self._rows = [], 0
        if self._writer is None:
            self._writer = pq.ParquetWriter(str(self._target), table.schema, compression="zstd")
        self._writer.write_table(table)

    def clear(self) -> None:
        """Forget all that was written."""
        self._waiting, self._rows, self.ends = [], 0, {}
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def close(self, done: Done) -> None:
        """Write what waits; a table without rows has its columns still."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        self._flush()
        if self._writer is not None:
            self._writer.close()
        elif self._target is not None:
            empty = {
                name: pa.array([], one.type or pa.string())
                for name, one in zip(done.names, done.decided, strict=True)
            }
            pq.write_table(pa.table(empty), self._target)

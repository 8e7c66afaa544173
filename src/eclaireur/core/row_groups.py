"""Rows by groups of a fixed size: the same rows give the same Parquet file, however they came."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["GROUP", "canonical", "row_groups"]

GROUP = 131_072
"""Rows of a Parquet row group: what a reader holds at least, and where a file's inner borders are."""


def row_groups(table: pa.Table | pa.RecordBatchReader) -> Iterator[pa.Table]:
    """Give the rows by whole groups, wherever the borders of the batches are."""
    import pyarrow as pa

    if isinstance(table, pa.Table):
        for start in range(0, table.num_rows, GROUP):
            yield table.slice(start, GROUP)
        return
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in _cut(table):
        held.append(batch)
        rows += batch.num_rows
        if rows % GROUP == 0:
            yield pa.Table.from_batches(held, table.schema)
            held = []
    if held:
        yield pa.Table.from_batches(held, table.schema)


def _cut(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Cut batches so that none crosses the border of a group."""
    room = GROUP
    for batch in batches:
        start = 0
        while start < batch.num_rows:
            piece = batch.slice(start, room)
            yield piece
            start += piece.num_rows
            room = room - piece.num_rows or GROUP


def canonical(group: pa.Table, schema: pa.Schema) -> pa.Table:
    """Give a group whose bytes depend on its values alone, not on how they were batched or coded."""
    import pyarrow as pa

    group = group.replace_schema_metadata(schema.metadata).combine_chunks()
    for index, field in enumerate(schema):
        if pa.types.is_dictionary(field.type) and not field.type.ordered:
            encoded = group.column(index).cast(field.type.value_type).dictionary_encode().combine_chunks()
            column = pa.DictionaryArray.from_arrays(
                encoded.indices.cast(field.type.index_type), encoded.dictionary
            )
            group = group.set_column(index, field, column)
    return group

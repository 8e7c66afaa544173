"""Columnar schemas of the types that flow, one per table that stages exchange.

`pyarrow` is imported when a schema is first asked for: start-up stays light.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = [
    "examples_schema",
    "outcomes_schema",
    "proposals_schema",
    "reason_type",
    "signals_schema",
    "worklist_schema",
]


@cache
def reason_type() -> pa.DataType:
    """Struct of one reason inside a signal: the columnar form of `Evidence`."""
    import pyarrow as pa

    return pa.struct(
        [
            ("kind", pa.string()),
            ("theme", pa.string()),
            ("sentence", pa.string()),
            ("weight", pa.float64()),
            ("observed", pa.date32()),
            ("source", pa.string()),
            ("feature", pa.string()),
            ("value", pa.string()),
        ]
    )


@cache
def signals_schema() -> pa.Schema:
    """Schema of ``signals.parquet``: one row per signal, best first.

    ``rank`` counts from 1; ``last_seen`` is the day of the subject's last control known, else null.
    """
    import pyarrow as pa

    return pa.schema(
        [
            ("signal", pa.string()),
            ("record", pa.string()),
            ("subject", pa.string()),
            ("name", pa.string()),
            ("area", pa.string()),
            ("label", pa.string()),
            ("score", pa.float64()),
            ("low", pa.float64()),
            ("high", pa.float64()),
            ("calibrated", pa.bool_()),
            ("rank", pa.int32()),
            ("as_of", pa.date32()),
            ("last_seen", pa.date32()),
            ("latitude", pa.float64()),
            ("longitude", pa.float64()),
            ("reasons", pa.list_(reason_type())),
            ("model", pa.int32()),
            ("run", pa.string()),
        ]
    )


@cache
def worklist_schema() -> pa.Schema:
    """Schema of a worklist: one row per item, in the order to work through."""
    import pyarrow as pa

    return pa.schema(
        [
            ("position", pa.int32()),
            ("signal", pa.string()),
            ("subject", pa.string()),
            ("area", pa.string()),
            ("rank", pa.int32()),
            ("score", pa.float64()),
            ("drawn", pa.string()),
            ("propensity", pa.float64()),
        ]
    )


@cache
def outcomes_schema() -> pa.Schema:
    """Schema of outcomes and decisions that came back from the field.

    ``label`` is 1.0 when what the case looks for was found, 0.0 when not. ``known`` is when the
    result could first be used; ``propensity`` is that of the worklist item it answers, else null.
    """
    import pyarrow as pa

    return pa.schema(
        [
            ("outcome", pa.string()),
            ("subject", pa.string()),
            ("observed", pa.date32()),
            ("known", pa.date32()),
            ("label", pa.float64()),
            ("value", pa.string()),
            ("observer", pa.string()),
            ("propensity", pa.float64()),
            ("origin", pa.string()),
        ]
    )


@cache
def proposals_schema() -> pa.Schema:
    """Labels proposed for passages of documents, one row a passage.

    ``document`` is its id in the index of the case, ``start`` and ``end`` characters of its text as records
    hold it, ``text`` the passage on one line. ``labels`` are codes, none when nothing fits; ``chance`` is
    that of the first being right, in [0, 1]; ``sure`` says that the model does not abstain.
    """
    import pyarrow as pa

    return pa.schema(
        [
            pa.field("document", pa.string(), nullable=False),
            pa.field("start", pa.int32(), nullable=False),
            pa.field("end", pa.int32(), nullable=False),
            pa.field("text", pa.string(), nullable=False),
            pa.field("labels", pa.list_(pa.string()), nullable=False),
            pa.field("chance", pa.float64(), nullable=False),
            pa.field("sure", pa.bool_(), nullable=False),
        ]
    )


def examples_schema() -> pa.Schema:
    """Schema of training examples: an outcome joined to its subject as known at ``as_of``.

    ``known`` is when the label could first be learnt from; a model trained as of a date reads only
    the examples known by then.
    """
    import pyarrow as pa

    return pa.schema(
        [
            ("example", pa.string()),
            ("subject", pa.string()),
            ("as_of", pa.date32()),
            ("known", pa.date32()),
            ("label", pa.float64()),
            ("observer", pa.string()),
            ("weight", pa.float64()),
            ("origin", pa.string()),
        ]
    )

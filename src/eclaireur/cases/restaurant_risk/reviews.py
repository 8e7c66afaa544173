"""Reviews that complain of hygiene, pests, food poisoning or the cold chain, with the sentence that says it.

No review is public, nor labelled: what is looked for is written in ``complaints.toml``, and what it brings is
only measured on the fictitious département. The name of who wrote a review is never read.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.bricks.semantic.complaints import Complaints, read_complaints
from eclaireur.core import french
from eclaireur.core.view import Block, Column, Table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    import pyarrow as pa

__all__ = ["complaints", "said_block", "with_complaints"]


@cache
def complaints() -> Complaints:
    """Return the complaints of ``complaints.toml``, which stands beside this module."""
    return read_complaints(Path(__file__).with_name("complaints.toml"))


def with_complaints(reviews: pa.Table) -> pa.Table:
    """Add ``blames`` to reviews: 1 when the text complains, 0 when not, null without a text."""
    import pyarrow as pa

    texts = [text for text in reviews["text"].to_pylist() if text]
    blames = iter(complaints().complaining(texts))
    column = [float(next(blames)) if text else None for text in reviews["text"].to_pylist()]
    return reviews.append_column("blames", pa.array(column, pa.float64()))


def said_block(rows: Sequence[Mapping[str, Any]]) -> tuple[Block, ...]:
    """Return the complaints of an establishment's reviews as a table, the latest first."""
    known = complaints()
    found = [
        {
            "day": row["observed"],
            "subject": one.aspect,
            "sentence": f"«\u00a0{row['text'][one.start : one.end]}\u00a0»",
        }
        for row in rows
        if row["text"]
        for one in known.told(row["text"])
    ]
    if not found:
        return ()
    columns = (
        Column(key="day", title="Date"),
        Column(key="subject", title="Motif"),
        Column(key="sentence", title="Phrase de l'avis"),
    )
    latest = sorted(found, key=lambda row: (row["day"], row["subject"]), reverse=True)
    title = f"Avis qui se plaignent : {french.count(len({row['day'] for row in found}), 'jour')}"
    return (Table(title=title, columns=columns, rows=latest),)

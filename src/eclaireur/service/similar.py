"""Which subjects are ranked for the same reasons as another."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

__all__ = ["Similar", "similar_to"]


class Similar(NamedTuple):
    """A subject (``kind:key``), its name, and how alike its reasons are, from -1 to 1."""

    subject: str
    name: str
    likeness: float


def similar_to(signals: pa.Table, subject: str, count: int = 5) -> tuple[Similar, ...]:
    """Return the subjects whose reasons weigh most like those of another.

    Parameters
    ----------
    signals
        Table of `core.tables.signals_schema`, with at least ``subject``, ``name`` and ``reasons``.
    subject
        ``kind:key``; unknown gives nothing.
    count
        How many to return, most alike first.

    Returns
    -------
    tuple of Similar
        By the cosine of the angle between the signed weights of their reasons (Salton & McGill 1983):
        two subjects are alike when the same facts raise and lower them in the same proportions,
        whatever their rank.

    Examples
    --------
    >>> import pyarrow as pa
    >>> why = lambda **weights: [{"feature": name, "weight": one} for name, one in weights.items()]
    >>> table = pa.table(
    ...     {"subject": ["siren:111111111", "siren:222222222", "siren:333333333"], "name": ["A", "B", "C"],
    ...      "reasons": [why(rats=1.0), why(rats=2.0), why(cold=1.0)]}
    ... )
    >>> [one.name for one in similar_to(table, "siren:111111111", 1)]
    ['B']
    """
    import numpy as np

    subjects = signals["subject"].to_pylist()
    if subject not in subjects:
        return ()
    at, weights = subjects.index(subject), _weights(signals)
    lengths = np.linalg.norm(weights, axis=1)
    likeness = weights @ weights[at] / np.maximum(lengths * lengths[at], 1e-12)
    likeness[at] = -np.inf
    names = signals["name"].to_pylist()
    best = np.argsort(-likeness, kind="stable")[:count]
    return tuple(
        Similar(subjects[index], names[index] or subjects[index].partition(":")[2], float(likeness[index]))
        for index in best.tolist()
        if likeness[index] > 0
    )


def _weights(signals: pa.Table) -> np.ndarray:
    """Return the weights of all reasons: one row per subject, one column per feature."""
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    reasons = signals["reasons"].combine_chunks()
    if isinstance(reasons, pa.ChunkedArray):
        reasons = pa.concat_arrays(reasons.chunks)
    rows = pc.list_parent_indices(reasons).to_numpy()
    flat = pc.list_flatten(reasons)
    features = pc.struct_field(flat, "feature").dictionary_encode()
    columns = features.indices.fill_null(0).to_numpy(zero_copy_only=False)
    weights = np.zeros((signals.num_rows, max(len(features.dictionary), 1)))
    np.add.at(weights, (rows, columns), pc.struct_field(flat, "weight").to_numpy(zero_copy_only=False))
    return weights

"""A batch of spectra to identify: searched at once, those of one compound gathered, retention times compared.

Spectra of one batch with the same precursor and the same retention time are of one compound, taken at several
energies. Retention times of another laboratory are brought to those of the batch by the molecules that both
surely have.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from eclaireur.cases.unknown_molecules.library import Library, Query, identity, query_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

    from eclaireur.core.case import Progress

__all__ = ["Batch", "Pairs", "batch_of", "kept", "retention_evidence", "search", "volts"]

_SURE = 0.8
_LEAST = 15
_SAME_TIME = 0.15
_SAME_MZ = 5e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """Spectra to identify, as columns; ``queries`` are None where a spectrum cannot be searched.

    ``run`` tells spectra that share their retention times: one laboratory, one column. ``group`` gathers
    those of one compound. ``laboratory`` is a code of the library, -1 when it is none of its.
    """

    queries: tuple[Query | None, ...]
    precursor: NDArray[np.float64]
    volts: NDArray[np.float64]
    retention: NDArray[np.float64]
    run: NDArray[np.int64]
    group: NDArray[np.int64]
    laboratory: NDArray[np.int64]
    peaks: NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairs:
    """Spectra of a batch with those of a library that have the same precursor; both by their place."""

    query: NDArray[np.int64]
    at: NDArray[np.int64]
    similarity: NDArray[np.float64]
    fragments: NDArray[np.float64]
    matched: NDArray[np.int64]


def volts(
    energy: NDArray[np.float64], percent: NDArray[np.bool_], mz: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Bring normalised energies to electronvolts: the share of one at m/z 500."""
    import numpy as np

    return np.where(percent, energy * mz / 500, energy)


def batch_of(table: pa.Table, library: Library) -> Batch:
    """Make the spectra of a table (`spectra.spectra_schema`) ready."""
    import numpy as np

    names = ("precursor", "mode", "rejection", "laboratory", "column", "instrument")
    column = {name: table[name].to_pylist() for name in names}
    peaks = table.select(["mz", "intensity"]).combine_chunks()
    mz, heights = peaks["mz"].to_numpy(), peaks["intensity"].to_numpy()
    queries = tuple(
        None
        if column["rejection"][row] is not None or not column["precursor"][row]
        else query_of(column["precursor"][row], column["mode"][row], mz[row], heights[row])
        for row in range(table.num_rows)
    )
    percent = np.array([one == "%" for one in table["energy_unit"].to_pylist()], bool)
    precursor = np.array([one or 0.0 for one in column["precursor"]], float)
    retention = _floats(table, "retention")
    places = {name: at for at, name in enumerate(library.laboratories) if name}
    runs = [
        f"{one or ''}|{two or ''}" for one, two in zip(column["laboratory"], column["column"], strict=True)
    ]
    modes = np.array([2 if one is None else one.mode for one in queries], np.int64)
    run = np.unique(np.array(runs, str), return_inverse=True)[1].astype(np.int64).reshape(-1)
    return Batch(
        queries=queries,
        precursor=precursor,
        volts=volts(_floats(table, "energy"), percent, precursor),
        retention=retention,
        run=run,
        group=_groups(precursor, retention, run * 3 + modes),
        laboratory=np.array([places.get(one or "", -1) for one in column["laboratory"]], np.int64),
        peaks=np.array([0 if one is None else len(one.mz) for one in queries], np.int64),
    )


def _floats(table: pa.Table, name: str) -> NDArray[np.float64]:
    import numpy as np

    return np.array([np.nan if one is None else one for one in table[name].to_pylist()], float)


def _groups(
    precursor: NDArray[np.float64], retention: NDArray[np.float64], run: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Gather spectra of a run with nearly the same precursor, then nearly the same retention time."""
    import numpy as np

    group = np.arange(len(precursor))
    timed = np.flatnonzero(np.isfinite(retention))
    if not len(timed):
        return group
    order = timed[np.lexsort((precursor[timed], run[timed]))]
    near = (np.diff(run[order]) == 0) & (np.diff(precursor[order]) <= _SAME_MZ * precursor[order][1:])
    mass = np.concatenate([[0], np.cumsum(~near)])
    again = np.lexsort((retention[order], mass))
    order, mass = order[again], mass[again]
    same = (np.diff(mass) == 0) & (np.diff(retention[order]) <= _SAME_TIME)
    number = np.concatenate([[0], np.cumsum(~same)])
    first = order[np.concatenate([[True], ~same])]
    group[order] = first[number]
    return group


def search(batch: Batch, library: Library, *, progress: Progress | None = None) -> Pairs:
    """Search every spectrum of a batch; those of its own laboratory are left out of the library."""
    import numpy as np

    parts = []
    for number, query in enumerate(batch.queries):
        if progress is not None and number % 500 == 0:
            progress(number, len(batch.queries), "Recherche dans la bibliothèque")
        if query is None:
            continue
        hits = identity(library, query)
        other = library.laboratory[hits.at] != batch.laboratory[number]
        if other.any():
            parts.append((np.full(int(other.sum()), number), hits, other))
    if not parts:
        none = np.zeros(0)
        whole = none.astype(np.int64)
        return Pairs(query=whole, at=whole, similarity=none, fragments=none, matched=whole)
    return Pairs(
        query=np.concatenate([one for one, _, _ in parts]),
        at=np.concatenate([hits.at[other] for _, hits, other in parts]),
        similarity=np.concatenate([hits.similarity[other] for _, hits, other in parts]),
        fragments=np.concatenate([hits.fragments[other] for _, hits, other in parts]),
        matched=np.concatenate([hits.matched[other] for _, hits, other in parts]),
    )


def kept(pairs: Pairs, keep: NDArray[np.bool_]) -> Pairs:
    """Return some of the pairs."""
    return Pairs(
        query=pairs.query[keep],
        at=pairs.at[keep],
        similarity=pairs.similarity[keep],
        fragments=pairs.fragments[keep],
        matched=pairs.matched[keep],
    )


def retention_evidence(
    batch: Batch, library: Library, pairs: Pairs, retention: NDArray[np.float64], run: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return what retention times say of each pair, as a log-likelihood ratio; 0 when they say nothing.

    Parameters
    ----------
    retention, run
        Retention time of each spectrum of the library, and the code of its laboratory and column.
    """
    import numpy as np

    evidence = np.zeros(len(pairs.query))
    mine, theirs = batch.retention[pairs.query], retention[pairs.at]
    both = np.isfinite(mine) & np.isfinite(theirs)
    level = (pairs.similarity + pairs.fragments) / 2
    sure = both & (level >= _SURE) & (pairs.matched >= 3)
    code = batch.run[pairs.query] * (int(run.max(initial=0)) + 1) + run[pairs.at]
    usable = np.flatnonzero(both)
    usable = usable[np.argsort(code[usable], kind="stable")]
    edges = np.flatnonzero(np.diff(code[usable]) > 0) + 1
    for some in np.split(usable, edges) if len(usable) else ():
        anchors = some[sure[some]]
        if len(anchors) < _LEAST:
            continue
        curve = _curve(library.molecule[pairs.at[anchors]], theirs[anchors], mine[anchors])
        if curve is None:
            continue
        knots, values, spread = curve
        times = batch.retention[batch.run == batch.run[pairs.query[some[0]]]]
        room = float(np.nanquantile(times, 0.95) - np.nanquantile(times, 0.05))
        if room <= 5 * spread:
            continue
        gap = (mine[some] - np.interp(theirs[some], knots, values)) / spread
        evidence[some] = np.log(room / spread / 2.5) - 2 * np.log1p(gap**2 / 3)
    return evidence


def _curve(
    molecule: NDArray[np.int64], theirs: NDArray[np.float64], mine: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], float] | None:
    """Fit an increasing curve through the medians of slices, one point a molecule; and its spread."""
    import numpy as np

    found, place = np.unique(molecule, return_inverse=True)
    if len(found) < _LEAST:
        return None
    count = np.bincount(place)
    x, y = np.bincount(place, theirs) / count, np.bincount(place, mine) / count
    order = np.argsort(x)
    x, y = x[order], y[order]
    slices: Sequence[NDArray[np.int64]] = np.array_split(np.arange(len(x)), max(3, min(20, len(x) // 6)))
    knots = np.array([np.median(x[one]) for one in slices])
    values = np.maximum.accumulate(np.array([np.median(y[one]) for one in slices]))
    spread = float(1.4826 * np.median(np.abs(y - np.interp(x, knots, values))))
    return knots, values, max(spread, 0.05)

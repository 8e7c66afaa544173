"""A library of spectra laid out for the search, and the search by precursor (identity).

Similarity is the spectral entropy of Li et al. (Nature Methods 18, 2021), with their weighting of spectra of
low entropy: 1 when two spectra are the same, 0 when they share no peak. Identity search reads only the
contiguous run of spectra whose precursor is within the tolerance. Open and neutral-loss searches
(`open_search`) go through `ms_entropy`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eclaireur.cases.unknown_molecules.spectra import cleaned

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = [
    "FRAGMENTS",
    "PPM",
    "Hits",
    "Library",
    "Query",
    "build",
    "identity",
    "molecule_keys",
    "query_of",
    "similarity",
]

PPM = 10.0
"""Largest error of the precursor in an identity search."""
FRAGMENTS = 0.02
"""Largest error of a fragment, in dalton."""
_NOISE = 0.01
_APART = 0.05
_PRECURSOR = 1.6
"""Peaks from this far below the precursor on are those of the precursor itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A spectrum made ready: peaks in order, with weights that sum to 1, and without its precursor."""

    precursor: float
    mode: int
    mz: NDArray[np.float64]
    weight: NDArray[np.float64]
    fragments: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """Spectra in the order of their precursor, those of each mode together.

    Parameters
    ----------
    row
        Row of each spectrum in the table that it comes from.
    start
        Where the peaks of each begin, and the end of the last.
    weight, fragments
        Weights of peaks, of all and without those of the precursor; each sums to 1 in a spectrum.
    molecule, laboratory
        Codes; -1 when it is not known.
    bounds
        First spectrum of each mode (negative 0, positive 1, unknown 2), and the end.
    """

    row: NDArray[np.int64]
    precursor: NDArray[np.float64]
    start: NDArray[np.int64]
    mz: NDArray[np.float64]
    weight: NDArray[np.float64]
    fragments: NDArray[np.float64]
    molecule: NDArray[np.int64]
    laboratory: NDArray[np.int64]
    energy: NDArray[np.float64]
    percent: NDArray[np.bool_]
    usual: NDArray[np.bool_]
    bounds: tuple[int, int, int, int]
    molecules: tuple[str, ...]
    laboratories: tuple[str, ...]

    def __len__(self) -> int:
        """Return the number of spectra."""
        return len(self.precursor)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hits:
    """Spectra of a library within the precursor tolerance, with their similarity to a query."""

    at: NDArray[np.int64]
    similarity: NDArray[np.float64]
    fragments: NDArray[np.float64]
    matched: NDArray[np.int64]


_USUAL = {"[M+H]+", "[M-H]-"}
_CODES = {"negative": 0, "positive": 1}


def _weighted(heights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weight peaks so that they sum to 1; when entropy is low, small peaks count more."""
    import numpy as np

    total = float(heights.sum())
    if total <= 0:
        return np.zeros_like(heights)
    share = heights / total
    entropy = float(-(share[share > 0] * np.log(share[share > 0])).sum())
    if entropy < 3:
        share = share ** (0.25 + 0.25 * entropy)
        share = share / share.sum()
    return share


def query_of(
    precursor: float,
    mode: str | None,
    mz: Sequence[float],
    intensity: Sequence[float],
    *,
    noise: float = _NOISE,
) -> Query | None:
    """Make a spectrum ready to be searched; None when no peak is left."""
    import numpy as np

    where, height = cleaned(np.asarray(mz, float), np.asarray(intensity, float), apart=_APART, noise=noise)
    kept = where <= precursor + _PRECURSOR
    where, height = where[kept], height[kept]
    if not len(where):
        return None
    return Query(
        precursor=precursor,
        mode=_CODES.get(mode or "", 2),
        mz=where,
        weight=_weighted(height),
        fragments=_weighted(np.where(where < precursor - _PRECURSOR, height, 0.0)),
    )


def build(table: pa.Table) -> Library:
    """Lay out the spectra of a table (`spectra.spectra_schema`) that can be searched.

    A molecule is known by the first block of its InChIKey, else by its name: stereoisomers are one molecule,
    and so are two blocks with the same name and formula (forms of one compound, drawn differently).
    """
    import numpy as np

    names = ("precursor", "mode", "rejection", "inchikey", "name", "formula", "adduct")
    columns = {name: table[name].to_pylist() for name in names}
    peaks = table.select(["mz", "intensity"]).combine_chunks()
    mz, heights = peaks["mz"].to_numpy(), peaks["intensity"].to_numpy()
    made: list[tuple[int, Query]] = []
    for row in range(table.num_rows):
        if columns["rejection"][row] is None and columns["precursor"][row]:
            one = query_of(columns["precursor"][row], columns["mode"][row], mz[row], heights[row])
            if one is not None:
                made.append((row, one))
    made.sort(key=lambda one: (one[1].mode, one[1].precursor))
    rows = np.array([row for row, _ in made], np.int64)
    modes = np.array([one.mode for _, one in made], np.int64)
    sizes = np.array([len(one.mz) for _, one in made], np.int64)
    keys = molecule_keys(columns["inchikey"], columns["name"], columns["formula"])
    keys = [keys[row] for row in rows.tolist()]
    molecules = tuple(sorted(set(keys)))
    place = {key: at for at, key in enumerate(molecules)}
    labs = [one or "" for one in table["laboratory"].to_pylist()]
    laboratories = tuple(sorted(set(labs)))
    lab_place = {key: at for at, key in enumerate(laboratories)}
    energy = np.array([np.nan if one is None else one for one in table["energy"].to_pylist()], float)
    percent = np.array([one == "%" for one in table["energy_unit"].to_pylist()], bool)
    empty = np.zeros(0)
    first, second, third = (int(one) for one in np.searchsorted(modes, [1, 2, 3]))
    return Library(
        row=rows,
        precursor=np.array([one.precursor for _, one in made], float),
        start=np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64),
        mz=np.concatenate([one.mz for _, one in made] or [empty]),
        weight=np.concatenate([one.weight for _, one in made] or [empty]),
        fragments=np.concatenate([one.fragments for _, one in made] or [empty]),
        molecule=np.array([place[key] for key in keys], np.int64),
        laboratory=np.array([lab_place[labs[row]] for row in rows.tolist()], np.int64),
        energy=energy[rows],
        percent=percent[rows],
        usual=np.array([columns["adduct"][row] in _USUAL for row in rows.tolist()], bool),
        bounds=(0, first, second, third),
        molecules=molecules,
        laboratories=laboratories,
    )


def molecule_keys(
    inchikeys: Sequence[str | None], names: Sequence[str | None], formulas: Sequence[str | None]
) -> list[str]:
    """Return the key of each spectrum's molecule: the most frequent of those with its name and formula.

    >>> molecule_keys(["A" * 14, "B" * 14, "B" * 14], ["Warfarin", "warfarin", "Warfarin"], ["C19H16O4"] * 3)
    ['BBBBBBBBBBBBBB', 'BBBBBBBBBBBBBB', 'BBBBBBBBBBBBBB']
    """
    own = [(key or "")[:14] or (name or "").casefold() for key, name in zip(inchikeys, names, strict=True)]
    alike = [
        (name.casefold(), formula) if name and formula else None
        for name, formula in zip(names, formulas, strict=True)
    ]
    count = Counter(own)
    first: dict[tuple[str, str], str] = {}
    chosen = {key: key for key in count}

    def root(key: str) -> str:
        while chosen[key] != key:
            key = chosen[key]
        return key

    for key, group in zip(own, alike, strict=True):
        if group is not None and key and len(key) == 14:
            one, other = root(first.setdefault(group, key)), root(key)
            if one != other:
                keep = max(one, other, key=lambda each: (count[each], each))
                chosen[one] = chosen[other] = keep
    return [root(key) for key in own]


def identity(library: Library, query: Query, *, ppm: float = PPM, both: bool = True) -> Hits:
    """Return every spectrum of the library within ``ppm`` of the precursor, with its similarity.

    Parameters
    ----------
    both
        Whether to give the similarity without the precursor too; else it is zero.
    """
    import numpy as np

    low, high = query.precursor * (1 - ppm * 1e-6), query.precursor * (1 + ppm * 1e-6)
    found = []
    for mode in (query.mode, 2) if query.mode < 2 else (0, 1, 2):
        first, last = library.bounds[mode], library.bounds[mode + 1]
        if first < last:
            inside = library.precursor[first:last]
            found.append(
                (first + int(inside.searchsorted(low)), first + int(inside.searchsorted(high, "right")))
            )
    parts = [_run(library, query, first, last, both=both) for first, last in found if first < last]
    if not parts:
        none = np.zeros(0)
        return Hits(at=none.astype(np.int64), similarity=none, fragments=none, matched=none.astype(np.int64))
    if len(parts) == 1:
        return parts[0]
    return Hits(
        at=np.concatenate([one.at for one in parts]),
        similarity=np.concatenate([one.similarity for one in parts]),
        fragments=np.concatenate([one.fragments for one in parts]),
        matched=np.concatenate([one.matched for one in parts]),
    )


def _run(library: Library, query: Query, first: int, last: int, *, both: bool) -> Hits:
    import numpy as np

    begin, end = int(library.start[first]), int(library.start[last])
    mz = library.mz[begin:end]
    right = query.mz.searchsorted(mz)
    left = np.maximum(right - 1, 0)
    np.minimum(right, len(query.mz) - 1, out=right)
    nearest = np.where(mz - query.mz[left] <= query.mz[right] - mz, left, right)
    pairs = np.flatnonzero(np.abs(mz - query.mz[nearest]) <= FRAGMENTS)
    mine = nearest[pairs]
    owner = library.start[first : last + 1].searchsorted(pairs + begin, "right") - 1
    size = last - first
    similar = np.bincount(owner, _shared(library.weight[begin:end][pairs], query.weight[mine]), size)
    apart = (
        np.bincount(owner, _shared(library.fragments[begin:end][pairs], query.fragments[mine]), size)
        if both
        else np.zeros(size)
    )
    return Hits(
        at=np.arange(first, last),
        similarity=np.minimum(similar, 1.0),
        fragments=np.minimum(apart, 1.0),
        matched=np.bincount(owner, minlength=size),
    )


def _shared(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what each matched pair of peaks adds to the similarity."""
    import numpy as np

    both = a + b
    with np.errstate(divide="ignore", invalid="ignore"):
        value = both * np.log2(both) - a * np.log2(a) - b * np.log2(b)
    return np.where((a > 0) & (b > 0), value / 2, 0.0)


def similarity(a: Query, b: Query) -> float:
    """Return the similarity of two spectra.

    >>> one = query_of(200.0, "positive", [50.0, 80.0], [10, 100])
    >>> round(similarity(one, one), 6)
    1.0
    """
    import numpy as np

    right = np.minimum(b.mz.searchsorted(a.mz), len(b.mz) - 1)
    left = np.maximum(right - 1, 0)
    nearest = np.where(np.abs(a.mz - b.mz[left]) <= np.abs(a.mz - b.mz[right]), left, right)
    ok = np.abs(a.mz - b.mz[nearest]) <= FRAGMENTS
    return float(_shared(a.weight[ok], b.weight[nearest[ok]]).sum())

"""Near-duplicate documents: candidates by MinHash, each checked exactly, then connected groups.

Each document is a set of shingles. Five independent hashes each cut the set into 64 bins and keep the
least of each bin (one-permutation hashing, Li, Owen & Zhang 2012; empty bins borrow their neighbour's,
Shrivastava & Li 2014). A band takes one bin of each of the five: two documents that share a
band's key are candidates. At a Jaccard of 0.6 two documents miss all 64 bands about once in 180; at 0.8,
once in 10¹¹. Candidates grow with the square of a corpus whose documents share formulas: those whose
sizes, or one byte of each bin (b-bit minwise hashing, Li & König 2010; of the first hash, then of all five),
say that they are far from the threshold are left. The others become pairs only if their exact Jaccard
reaches it, so a pair is never wrong, only, rarely, missed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.bricks.semantic.shingles import WIDTH, Sets, mixed, shingle_sets

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Grouper", "Pairs", "band_keys", "components", "jaccard"]

_BANDS = 64
_ROWS = 5
_CROWD = 400
"""In a bucket of more documents, each is compared with this many neighbours only."""
_LONG = 200
"""Shingles from which nearly all bins are full, so that the bytes of two documents estimate their Jaccard."""
_TOGETHER = 8
"""Bands whose candidates are looked at together; a divisor of their number."""
_DOUBT = 4.0
"""Standard errors of that estimate under the threshold at which a candidate is still checked."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of near-duplicates: positions ``left < right`` and exact Jaccard, in order, shape ``(n,)``."""

    left: NDArray[np.int64]
    right: NDArray[np.int64]
    jaccard: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.left)


def jaccard(left: NDArray[np.uint64], right: NDArray[np.uint64]) -> float:
    """Return the share of two sorted sets that they have in common; 0 when both are empty."""
    import numpy as np

    if not len(left) or not len(right):
        return 0.0
    both = np.concatenate([left, right])
    both.sort()
    common = int((both[1:] == both[:-1]).sum())
    return common / (len(left) + len(right) - common)


def components(size: int, pairs: Pairs) -> NDArray[np.int64]:
    """Return the group of each of ``size`` documents: the least position that pairs connect it with.

    Examples
    --------
    >>> import numpy as np
    >>> components(4, Pairs(np.array([1]), np.array([3]), np.array([0.9]))).tolist()
    [0, 1, 2, 1]
    """
    import numpy as np
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = coo_array((np.ones(len(pairs), np.int8), (pairs.left, pairs.right)), shape=(size, size))
    _, codes = connected_components(links, directed=False)
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    found: NDArray[np.int64] = first[inverse].astype(np.int64)
    return found


class Grouper:
    """Finds groups of near-duplicates among documents that come little by little.

    Parameters
    ----------
    threshold
        Least Jaccard of a pair, in ]0, 1].
    width
        Words in a shingle.
    spill
        File that will hold the sets of shingles: memory then stays near 0.7 kB a document, whatever
        their length. By default they stay in memory (8 bytes for each distinct shingle).

    Examples
    --------
    >>> grouper = Grouper()
    >>> text = "la requête de M. A est rejetée par les motifs qui suivent"
    >>> grouper.add([text, "tout autre chose que cela", text + " ici"])
    >>> pairs = grouper.pairs()
    >>> pairs.left.tolist(), pairs.right.tolist(), grouper.groups().tolist()
    ([0], [2], [0, 1, 0])
    """

    def __init__(self, *, threshold: float = 0.6, width: int = WIDTH, spill: Path | None = None) -> None:
        self.threshold = threshold
        self.width = width
        self._spill = spill
        self._started = False
        self._keys: list[NDArray[np.uint32]] = []
        self._bytes: list[NDArray[np.uint8]] = []
        self._sets: list[Sets] = []
        self._sizes: list[NDArray[np.int64]] = []
        self._judged: NDArray[np.int64] | None = None
        self._before: Pairs | None = None
        self._found: Pairs | None = None

    def __len__(self) -> int:
        return sum(len(sizes) for sizes in self._sizes)

    def add(self, texts: Sequence[str]) -> None:
        """Add documents; their positions follow those already there."""
        import numpy as np

        if not texts:
            return
        sets = shingle_sets(texts, width=self.width)
        keys, least = _hashed(sets)
        self._keys.append(keys)
        self._bytes.append(least)
        self._sizes.append(np.diff(sets.bounds))
        self._found = None
        if self._spill is None:
            self._sets.append(sets)
            return
        with self._spill.open("ab" if self._started else "wb") as stream:
            stream.write(sets.values.tobytes())
        self._started = True

    def pairs(self) -> Pairs:
        """Return every pair found so far; only candidates that were not judged before are checked."""
        if self._found is None:
            self._found = self._search()
        return self._found

    def groups(self) -> NDArray[np.int64]:
        """Return the group of each document: the least position in it; a lone document is its own."""
        return components(len(self), self.pairs())

    def near(self, text: str, *, least: float | None = None) -> list[tuple[int, float]]:
        """Return the documents whose Jaccard with a text reaches ``least``, most alike first.

        The text is not added.
        """
        import numpy as np

        if not len(self):
            return []
        asked = shingle_sets([text], width=self.width)
        keys = band_keys(asked)[0]
        close = np.flatnonzero((self._all_keys() == keys).any(axis=1))
        sets, bound = self._every_set(), self.threshold if least is None else least
        found = [(int(at), jaccard(asked[0], sets[int(at)])) for at in close]
        return sorted((row for row in found if row[1] >= bound), key=lambda row: (-row[1], row[0]))

    def _all_keys(self) -> NDArray[np.uint32]:
        import numpy as np

        if len(self._keys) > 1:
            self._keys = [np.concatenate(self._keys)]
        return self._keys[0]

    def _every_set(self) -> Sets:
        import numpy as np

        sizes = np.concatenate(self._sizes)
        bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
        if self._spill is not None:
            if not bounds[-1]:
                return Sets(np.zeros(0, np.uint64), bounds)
            return Sets(np.memmap(self._spill, np.uint64, mode="r", shape=(int(bounds[-1]),)), bounds)
        if len(self._sets) > 1:
            self._sets = [Sets(np.concatenate([one.values for one in self._sets]), bounds)]
        return self._sets[0]

    def _search(self) -> Pairs:
        import numpy as np

        empty = np.zeros(0, np.int64)
        if not len(self):
            return Pairs(empty, empty, np.zeros(0))
        self._bytes = [np.concatenate(self._bytes)]
        codes = _candidates(
            self._all_keys(), np.concatenate(self._sizes), self._bytes[0], threshold=self.threshold
        )
        known = empty if self._judged is None else self._judged
        fresh = np.setdiff1d(codes, known, assume_unique=True)
        sets = self._every_set()
        size = np.int64(1) << np.int64(32)
        left, right = fresh // size, fresh % size
        scores = np.fromiter(
            (jaccard(sets[a], sets[b]) for a, b in zip(left.tolist(), right.tolist(), strict=True)),
            np.float64,
            len(fresh),
        )
        self._judged = codes if self._judged is None else np.union1d(known, fresh)
        kept = scores >= self.threshold
        return self._merged(left[kept], right[kept], scores[kept])

    def _merged(
        self, left: NDArray[np.int64], right: NDArray[np.int64], scores: NDArray[np.float64]
    ) -> Pairs:
        import numpy as np

        if self._before is not None:
            left = np.concatenate([self._before.left, left])
            right = np.concatenate([self._before.right, right])
            scores = np.concatenate([self._before.jaccard, scores])
        order = np.lexsort((right, left))
        self._before = Pairs(left[order], right[order], scores[order])
        return self._before


def band_keys(sets: Sets) -> NDArray[np.uint32]:
    """Return the keys of each set's bands, shape ``(sets, 64)``."""
    return _hashed(sets)[0]


def _hashed(sets: Sets) -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """Return the keys of each set's bands, and the last byte of each bin, hash after hash."""
    import numpy as np

    owner = np.repeat(np.arange(len(sets), dtype=np.int64), np.diff(sets.bounds)) * _BANDS
    keys = np.zeros((len(sets), _BANDS), np.uint64)
    most = np.iinfo(np.uint64).max
    last = np.zeros((len(sets), _ROWS * _BANDS), np.uint8)
    for row in range(_ROWS):
        hashes = mixed(sets.values, 10 + row)
        least = np.full(len(sets) * _BANDS, most, np.uint64)
        np.minimum.at(least, owner + (hashes >> np.uint64(58)).astype(np.int64), hashes)
        full = _filled(least.reshape(len(sets), _BANDS), most)
        last[:, row * _BANDS : (row + 1) * _BANDS] = full
        keys = mixed(keys ^ full, 20 + row)
    return (keys >> np.uint64(32)).astype(np.uint32), last


def _filled(least: NDArray[np.uint64], most: int) -> NDArray[np.uint64]:
    """Let each empty bin take the value of the next full one, marked by how far it is."""
    import numpy as np

    empty = least == most
    if not empty.any():
        return least
    twice = np.concatenate([least, least], axis=1)
    places = np.where(twice == most, 2 * _BANDS, np.arange(2 * _BANDS))
    following = np.minimum.accumulate(places[:, ::-1], axis=1)[:, ::-1][:, :_BANDS]
    gap = following - np.arange(_BANDS)
    taken = np.take_along_axis(twice, np.minimum(following, 2 * _BANDS - 1), axis=1)
    found: NDArray[np.uint64] = taken + gap.astype(np.uint64)
    return found


def _candidates(
    keys: NDArray[np.uint32], sizes: NDArray[np.int64], least: NDArray[np.uint8], *, threshold: float
) -> NDArray[np.int64]:
    """Return the pairs worth checking among those that share a band, each once, as ``left · 2³² + right``."""
    import numpy as np

    full = np.flatnonzero(sizes > 0)
    found: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    for band in range(_BANDS):
        column = keys[full, band]
        order = np.argsort(column, kind="stable")
        ordered, who = column[order], full[order]
        at = np.arange(len(who))
        for step in range(1, _CROWD + 1):
            # Who has no equal so many places further has none beyond.
            at = at[: np.searchsorted(at, len(who) - step)]
            at = at[ordered[at + step] == ordered[at]]
            if not len(at):
                break
            # A stable sort keeps positions in order inside a bucket: the left one is the lesser.
            left, right = who[at], who[at + step]
            near = _near(left, right, sizes, least, threshold)
            found.append((left[near] << np.int64(32)) | right[near])
        if band % _TOGETHER == _TOGETHER - 1:
            # Most pairs share many bands: what was found twice need not wait for the end.
            found = [_distinct(np.concatenate(found))]
    return found[0]


def _distinct(codes: NDArray[np.int64]) -> NDArray[np.int64]:
    import numpy as np

    codes.sort()
    kept = np.ones(len(codes), np.bool_)
    np.not_equal(codes[1:], codes[:-1], out=kept[1:])
    return codes[kept]


def _near(
    left: NDArray[np.int64],
    right: NDArray[np.int64],
    sizes: NDArray[np.int64],
    least: NDArray[np.uint8],
    threshold: float,
) -> NDArray[np.bool_]:
    """Tell which pairs may reach the threshold, by their sizes and by the bytes of long ones."""
    import numpy as np

    small, large = np.minimum(sizes[left], sizes[right]), np.maximum(sizes[left], sizes[right])
    found = small >= threshold * large
    for count in (_BANDS, _ROWS * _BANDS):
        seen = np.flatnonzero(found & (small >= _LONG))
        error = (threshold * (1 - threshold) / count) ** 0.5
        alike = (least[left[seen], :count] == least[right[seen], :count]).mean(axis=1, dtype=np.float32)
        found[seen] = alike >= threshold - _DOUBT * error
    return found

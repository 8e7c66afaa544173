"""Texts as vectors learnt from the corpus itself: latent semantic analysis, and runs of letters.

LSA (Deerwester et al. 1990): stems weighted by TF-IDF, reduced by a truncated decomposition. Runs of three to
five letters, hashed, forgive spelling. Both are kept as Arrow files, mapped; nothing is pickled.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic.normalise import STOP, keys, stem

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["LetterBags", "Meaning", "letters", "read_arrow", "words", "write_arrow"]

_SIZE = 128
_MOST_TERMS = 50_000
_MOST_TEXTS = 20_000
_BINS = 1 << 16
_SMALL = frozenset(stem(word) for word in STOP)


def words(text: str) -> list[str]:
    """Return the keys of a text without its small words.

    >>> words("Le contrôle de l'école")
    ['control', 'ecol']
    """
    return [key for key in keys(text).split() if key not in _SMALL]


def letters(text: str) -> list[str]:
    """Return the runs of three to five letters of a text's keys.

    >>> letters("loi")
    [' lo', 'loi', 'oi ', ' loi', 'loi ', ' loi ']
    """
    line = f" {' '.join(words(text))} "
    return [line[at : at + size] for size in (3, 4, 5) for at in range(len(line) - size + 1)]


@dataclass(frozen=True, slots=True)
class Meaning:
    """A fitted latent semantic analysis.

    Parameters
    ----------
    terms
        Term → row of ``components``.
    idf
        Weight of each term, shape ``(terms,)``.
    components
        Place of each term, shape ``(terms, dimensions)``.
    """

    terms: dict[str, int]
    idf: NDArray[np.float32]
    components: NDArray[np.float32]

    @classmethod
    def fit(cls, texts: Sequence[str], *, seed: int = 0) -> Meaning:
        """Learn from texts; beyond 20 000, from texts drawn at regular steps.

        Terms seen in one text alone are left out; too few terms give an empty analysis.
        """
        import numpy as np
        from sklearn.decomposition import TruncatedSVD
        from sklearn.feature_extraction.text import TfidfVectorizer

        step = max(math.ceil(len(texts) / _MOST_TEXTS), 1)
        vectorizer = TfidfVectorizer(analyzer=words, sublinear_tf=True, min_df=2, max_features=_MOST_TERMS)
        try:
            counted = vectorizer.fit_transform(texts[::step])
        except ValueError:  # no term is seen twice
            return cls({}, np.zeros(0, np.float32), np.zeros((0, 1), np.float32))
        size = min(_SIZE, max(min(counted.shape) // 4, 2), min(counted.shape) - 1)
        if size < 1:
            return cls({}, np.zeros(0, np.float32), np.zeros((0, 1), np.float32))
        with np.errstate(invalid="ignore", divide="ignore"):  # texts all alike: shares of no variance
            reduced = TruncatedSVD(size, random_state=seed).fit(counted)
        names = vectorizer.get_feature_names_out().tolist()
        terms = {name: at for at, name in enumerate(names)}
        components = np.ascontiguousarray(reduced.components_.T, np.float32)
        return cls(terms, vectorizer.idf_.astype(np.float32), components)

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the place of each text, of length 1, or 0 when no term is known; ``(texts, dimensions)``."""
        import numpy as np

        found = np.zeros((len(texts), self.components.shape[1]), np.float32)
        for row, text in enumerate(texts):
            counts = Counter(self.terms[word] for word in words(text) if word in self.terms)
            if counts:
                at = np.fromiter(counts, np.int64, len(counts))
                weights = (1 + np.log(np.fromiter(counts.values(), np.float32, len(counts)))) * self.idf[at]
                found[row] = weights @ self.components[at]
        length = np.linalg.norm(found, axis=1, keepdims=True)
        result: NDArray[np.float32] = found / np.maximum(length, 1e-12)
        return result

    def save(self, path: Path) -> None:
        """Write to an Arrow file."""
        import pyarrow as pa

        flat = pa.array(self.components.ravel(), pa.float32())
        width = self.components.shape[1]
        columns = {
            "term": pa.array(list(self.terms), pa.string()),
            "idf": pa.array(self.idf, pa.float32()),
            "place": pa.FixedSizeListArray.from_arrays(flat, width),
        }
        write_arrow(path, pa.table(columns))

    @classmethod
    def load(cls, path: Path) -> Meaning:
        """Read from an Arrow file."""
        table = read_arrow(path)
        width = table.schema.field("place").type.list_size
        terms = {name: at for at, name in enumerate(table["term"].to_pylist())}
        return cls(terms, _flat(table, "idf"), _flat(table, "place").reshape(-1, width))


@dataclass(frozen=True, slots=True)
class LetterBags:
    """Bags of hashed runs of letters, one after the other, each of length 1.

    Parameters
    ----------
    bounds
        Where each bag begins and the last ends, shape ``(bags + 1,)``.
    bins, weights
        Bins of the bags and their weights, shape ``(total,)``.
    idf
        Weight of a bin, shape ``(2¹⁶,)``.
    """

    bounds: NDArray[np.int64]
    bins: NDArray[np.int32]
    weights: NDArray[np.float32]
    idf: NDArray[np.float32]

    @classmethod
    def of(cls, texts: Sequence[str]) -> LetterBags:
        """Weigh the runs of letters of texts."""
        import numpy as np

        counted = [Counter(map(_bin, letters(text))) for text in texts]
        seen = np.zeros(_BINS, np.float32)
        for one in counted:
            seen[list(one)] += 1
        idf = np.log((1 + len(texts)) / (1 + seen)).astype(np.float32) + 1
        sizes = [len(one) for one in counted]
        bins = np.fromiter((at for one in counted for at in one), np.int32, sum(sizes))
        counts = np.fromiter((count for one in counted for count in one.values()), np.float32, sum(sizes))
        weights = (1 + np.log(counts)) * idf[bins]
        bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(np.asarray(sizes, np.int64))])
        squares = np.concatenate([np.zeros(1), np.cumsum(weights.astype(np.float64) ** 2)])
        length = np.sqrt(np.maximum(squares[bounds[1:]] - squares[bounds[:-1]], 1e-12))
        return cls(bounds, bins, (weights / np.repeat(length, sizes)).astype(np.float32), idf)

    def likeness(self, text: str, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """Return the cosine of a text with some bags, in their order."""
        import numpy as np

        counts = Counter(map(_bin, letters(text)))
        asked = np.zeros(_BINS, np.float32)
        at = np.fromiter(counts, np.int64, len(counts))
        asked[at] = (1 + np.log(np.fromiter(counts.values(), np.float32, len(counts)))) * self.idf[at]
        asked /= max(float(np.linalg.norm(asked[at])), 1e-12)
        if len(rows) == len(self.bounds) - 1:
            shares = asked[self.bins] * self.weights
            sums = np.concatenate([np.zeros(1), np.cumsum(shares, dtype=np.float64)])
            whole = (sums[self.bounds[1:]] - sums[self.bounds[:-1]])[rows]
            return np.asarray(whole, np.float32)
        distinct, back = np.unique(rows, return_inverse=True)
        first, size = self.bounds[distinct], self.bounds[distinct + 1] - self.bounds[distinct]
        ends = np.cumsum(size)
        at = np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - ends + size, size)
        owner = np.repeat(np.arange(len(distinct)), size)
        sums = np.bincount(owner, asked[self.bins[at]] * self.weights[at], len(distinct))
        found: NDArray[np.float32] = sums.astype(np.float32)[back]
        return found

    def save(self, folder: Path) -> None:
        """Write to Arrow files in a folder."""
        import pyarrow as pa

        write_arrow(folder / "letters.arrow", pa.table({"bin": self.bins, "weight": self.weights}))
        write_arrow(folder / "bounds.arrow", pa.table({"bound": self.bounds}))
        write_arrow(folder / "idf.arrow", pa.table({"idf": self.idf}))

    @classmethod
    def load(cls, folder: Path) -> LetterBags:
        """Read from Arrow files in a folder."""
        table = read_arrow(folder / "letters.arrow")
        bounds = _flat(read_arrow(folder / "bounds.arrow"), "bound")
        idf = _flat(read_arrow(folder / "idf.arrow"), "idf")
        return cls(bounds, _flat(table, "bin"), _flat(table, "weight"), idf)


def _bin(run: str) -> int:
    return zlib.crc32(run.encode()) % _BINS


def write_arrow(path: Path, table: pa.Table) -> None:
    """Write a table in one piece, so that it can be mapped."""
    import pyarrow as pa

    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())


def read_arrow(path: Path) -> pa.Table:
    """Map a table written by `write_arrow`."""
    import pyarrow as pa

    with pa.memory_map(str(path)) as source:
        return pa.ipc.open_file(source).read_all()


def _flat(table: pa.Table, name: str) -> Any:
    """Return the numbers of a column, of lists too, without a copy."""
    import pyarrow as pa

    column = table[name].combine_chunks()
    if isinstance(column, pa.ChunkedArray):
        column = pa.concat_arrays(column.chunks) if column.num_chunks else pa.array([], column.type)
    if pa.types.is_fixed_size_list(column.type):
        column = column.flatten()
    return column.to_numpy(zero_copy_only=False)

"""Stems, pairs of stems and runs of letters of many texts, hashed in bulk into sparse rows.

A stem is a word without case or accents, cut to six letters. Runs of 3 to 5 letters stay inside a word, its
edges included. Nothing is kept of a term but a number of `BITS` bits (feature hashing, Weinberger et al.
2009), found for a whole batch of texts at once: no Python object is made for a word.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple

from eclaireur.bricks.semantic.shingles import letter_hashes, mixed, one_char_each, running, span_hashes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["BITS", "STEM", "Terms", "batches", "stems", "term_buckets", "terms"]

BITS = 19
"""A term is one of 2¹⁹ numbers: stems and runs of letters are counted apart."""

STEM = 6
"""Letters of a stem."""

_RUNS = (3, 4, 5)
_BATCH = 1 << 15
_LEAST = 16
"""Room that a text takes at least: a batch has at most 2¹¹ texts, so that a row and a bucket fit 32 bits."""
_SEPARATOR = "\0"
_PAIR = 0x9E3779B97F4A7C15
_WORD = re.compile(r"[^\W_]+")


class Terms(NamedTuple):
    """Distinct terms of texts, by row then bucket: the row and bucket of each, and how often it is there."""

    row: NDArray[np.int64]
    bucket: NDArray[np.int64]
    times: NDArray[np.int64]


def stems(text: str) -> list[str]:
    """Return the stems of a text, then their pairs, as words: what `terms` hashes, to be shown.

    >>> stems("Les contrôles périodiques")
    ['les', 'contro', 'period', 'les contro', 'contro period']
    """
    decomposed = unicodedata.normalize("NFKD", one_char_each(text).lower())
    plain = "".join(char for char in decomposed if not unicodedata.combining(char))
    words = [word[:STEM] for word in _WORD.findall(plain)]
    return words + [f"{left} {right}" for left, right in pairwise(words)]


def term_buckets(shown: Sequence[str]) -> NDArray[np.int64]:
    """Return the bucket of each stem or pair of stems, -1 for what has neither letter nor digit.

    >>> import numpy as np
    >>> bool(np.isin(term_buckets(stems("Les contrôles")), terms(["LES CONTROLES"])[0].bucket).all())
    True
    """
    import numpy as np

    found = np.full(len(shown), -1, np.int64)
    words = _words(*_code(shown))
    if words is None:
        return found
    hashes, row = words
    last = np.flatnonzero(np.diff(row, append=-1))
    found[row[last]] = _bucket(hashes[last])
    pairs = np.flatnonzero(row[1:] == row[:-1])
    found[row[pairs]] = _bucket(_paired(hashes)[pairs])
    return found


def batches(texts: Sequence[str]) -> Iterator[slice]:
    """Yield slices of texts that are hashed together, so that memory does not grow with the corpus."""
    lengths = [0, *accumulate(len(text) + _LEAST for text in texts)]
    start = 0
    while start < len(texts):
        # As many texts as fit, one at least.
        stop = max(start + 1, bisect_right(lengths, lengths[start] + _BATCH) - 1)
        yield slice(start, stop)
        start = stop


def terms(texts: Sequence[str], *, runs: bool = True) -> tuple[Terms, Terms]:
    """Return the stems (with their pairs) and the runs of letters of texts hashed together.

    Without ``runs``, these are not looked for.

    Examples
    --------
    >>> words, runs = terms(["Fuite d'eau, fuite d'huile.", ""])
    >>> len(words.bucket), words.times.max(), set(words.row.tolist())
    (8, np.int64(2), {0})
    """
    import numpy as np

    letters, ends = _code(texts)
    words = _words(letters, ends)
    none = Terms(*(np.zeros(0, np.int64) for _ in range(3)))
    if words is None:
        return none, none
    hashes, row = words
    pairs = np.flatnonzero(row[1:] == row[:-1])
    key = np.concatenate([_bucket(hashes), _bucket(_paired(hashes)[pairs])])
    key |= np.concatenate([row, row[pairs]]).astype(np.uint32) << np.uint32(BITS)
    return _counted(key), _counted(_letter_runs(letters, ends)) if runs else none


def _words(
    letters: NDArray[np.uint64], ends: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]] | None:
    import numpy as np

    edge = np.diff((letters != 0).view(np.int8), prepend=0, append=0)
    start, stop = np.flatnonzero(edge == 1), np.flatnonzero(edge == -1)
    if not len(start):
        return None
    hashes = span_hashes(letters, start, np.minimum(stop, start + STEM))
    return hashes, np.searchsorted(ends, start, side="right")


def _letter_runs(letters: NDArray[np.uint64], ends: NDArray[np.int64]) -> NDArray[np.uint32]:
    """Return the row and bucket of each run of letters; one separator stands before and after each word."""
    import numpy as np

    inside = letters != 0
    begins = np.zeros_like(inside)
    np.greater(inside[1:], inside[:-1], out=begins[:-1])
    kept = np.flatnonzero(inside | begins)
    # The batch begins and ends by a separator, so that each word has its two edges.
    kept = np.concatenate([kept, [len(letters) - 1]])
    packed = letters[kept]
    space = packed == 0
    packed[space] = np.uint64(_PAIR)
    spaces = np.cumsum(space, dtype=np.int32)
    total, down = running(packed)
    owner = np.searchsorted(ends, kept, side="right").astype(np.uint32) << np.uint32(BITS)
    keys = [np.zeros(0, np.uint32)]
    for width in _RUNS:
        size = len(kept) - width + 1
        if size > 0:
            key = _bucket((total[width:] - total[:size]) * down[:size])
            key |= owner[1 : size + 1]
            # No separator strictly inside the run.
            keys.append(key[spaces[width - 2 : width - 2 + size] == spaces[:size]])
    return np.concatenate(keys)


def _code(texts: Sequence[str]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """Return a hash for each character, 0 for what is no letter, and where each text ends."""
    import numpy as np

    # One separator before the first text and one after each: edges need no special case.
    joined = _SEPARATOR.join(["", *texts, ""])
    if joined.count(_SEPARATOR) != len(texts) + 1:
        joined = _SEPARATOR.join(["", *(text.replace(_SEPARATOR, " ") for text in texts), ""])
    code = np.frombuffer(one_char_each(joined).encode("utf-32-le", "replace"), np.uint32)
    return letter_hashes()[np.minimum(code, 0xFFFF)], np.flatnonzero(code == 0)[1:]


def _paired(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    import numpy as np

    return mixed(hashes[:-1] * np.uint64(_PAIR) + hashes[1:], 5)


def _bucket(hashes: NDArray[np.uint64]) -> NDArray[np.uint32]:
    import numpy as np

    return (hashes >> np.uint64(64 - BITS)).astype(np.uint32)


def _counted(key: NDArray[np.uint32]) -> Terms:
    """Count rows and buckets, given as one number each."""
    import numpy as np

    key.sort()
    edge = np.ones(len(key), np.bool_)
    np.not_equal(key[1:], key[:-1], out=edge[1:])
    first = np.flatnonzero(edge)
    kept = key[first].astype(np.int64)
    return Terms(kept >> BITS, kept & ((1 << BITS) - 1), np.diff(first, append=len(key)))

"""Documents as sets of word shingles, hashed in bulk.

A shingle is a run of consecutive words, in lower case and without accents (Broder 1997). Words are
hashed by a polynomial over whole batches of text at once: no Python object is made for a word.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "WIDTH",
    "Sets",
    "letter_hashes",
    "mixed",
    "one_char_each",
    "running",
    "shingle_sets",
    "span_hashes",
]

WIDTH = 5
"""Words in a shingle."""

_BATCH = 1 << 15
_BASE = 0x9E3779B97F4A7C15
_STEP = 0xD1342543DE82EF95
_WRAP = 1 << 64


@dataclass(frozen=True, slots=True)
class Sets:
    """Sets of 64-bit hashes, one after the other.

    Parameters
    ----------
    values
        Hashes, sorted and distinct within each set, shape ``(total,)``.
    bounds
        Where each set begins and the last one ends, shape ``(sets + 1,)``.
    """

    values: NDArray[np.uint64]
    bounds: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def __getitem__(self, index: int) -> NDArray[np.uint64]:
        return self.values[self.bounds[index] : self.bounds[index + 1]]


def shingle_sets(texts: Sequence[str], *, width: int = WIDTH) -> Sets:
    """Return the set of shingles of each text.

    A text of fewer words than ``width`` is one shingle; a text without a word is an empty set.

    Parameters
    ----------
    texts
        Any texts; case, accents, punctuation and spacing do not matter.
    width
        Words in a shingle.

    Examples
    --------
    >>> sets = shingle_sets(["Vu la requête de Mme A.", "vu la requete de mme a", ""])
    >>> [len(sets[index]) for index in range(3)], bool((sets[0] == sets[1]).all())
    ([2, 2, 0], True)
    """
    import numpy as np

    parts: list[NDArray[np.uint64]] = []
    for batch in _batches(texts):
        parts += _hashed(batch, width)
    sizes = np.fromiter((len(part) for part in parts), np.int64, len(parts))
    bounds = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    return Sets(np.concatenate(parts) if parts else np.zeros(0, np.uint64), bounds)


def mixed(values: NDArray[np.uint64], seed: int) -> NDArray[np.uint64]:
    """Return another hash of each hash, as good as independent (the finaliser of splitmix64)."""
    import numpy as np

    found = values + np.uint64(seed * _BASE % _WRAP)
    found = (found ^ (found >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    found = (found ^ (found >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed_values: NDArray[np.uint64] = found ^ (found >> np.uint64(31))
    return mixed_values


def _batches(texts: Sequence[str]) -> list[list[str]]:
    batches: list[list[str]] = []
    room = 0
    for text in texts:
        if not batches or len(text) > room:
            batches.append([])
            room = _BATCH
        batches[-1].append(text)
        room -= len(text)
    return batches


def _hashed(texts: list[str], width: int) -> list[NDArray[np.uint64]]:
    import numpy as np

    plain = [one_char_each(text) for text in texts]
    lengths = np.fromiter((len(text) + 1 for text in plain), np.int64, len(plain))
    ends = np.cumsum(lengths)
    code = np.frombuffer("\n".join([*plain, ""]).encode("utf-32-le", "replace"), np.uint32)
    letters = letter_hashes()[np.minimum(code, 0xFFFF)]
    inside = letters != 0
    edge = np.diff(inside.view(np.int8), prepend=0, append=0)
    start, stop = np.flatnonzero(edge == 1), np.flatnonzero(edge == -1)
    if not len(start):
        return [np.zeros(0, np.uint64) for _ in texts]
    words = span_hashes(letters, start, stop)
    # Where each document's words begin and end in the batch.
    last = np.searchsorted(start, ends)
    first = np.concatenate([np.zeros(1, np.int64), last[:-1]])
    runs = _runs(words, width)
    found = []
    for begin, end in zip(first.tolist(), last.tolist(), strict=True):
        if end - begin >= width:
            found.append(_distinct(runs[begin : end - width + 1]))
        elif end > begin:
            found.append(mixed(_runs(words[begin:end], end - begin), end - begin))
        else:
            found.append(np.zeros(0, np.uint64))
    return found


def one_char_each(text: str) -> str:
    """Compose accents, and open ligatures, so that each character stands for one letter."""
    if text.isascii():
        return text
    if _may_compose(text):
        text = unicodedata.normalize("NFC", text)
    return text.replace("œ", "oe").replace("Œ", "oe").replace("æ", "ae").replace("Æ", "ae")


def _may_compose(text: str) -> bool:
    """Tell whether a text may not be in composed form: ten times quicker than to look at each character.

    No character under U+0300 composes with another, nor does what French typography has besides.
    """
    import numpy as np

    code = np.frombuffer(text.encode("utf-16-le", "surrogatepass"), np.uint16)
    return bool(_composing()[code].any()) and not unicodedata.is_normalized("NFC", text)


@cache
def _composing() -> NDArray[np.bool_]:
    import numpy as np

    found = np.zeros(1 << 16, np.bool_)
    found[0x300:] = True
    found[0x2002:0x2070] = False
    found[ord("€")] = False
    return found


@cache
def letter_hashes() -> NDArray[np.uint64]:
    """Return a random number for each letter or digit of the basic plane, 0 for anything else."""
    import numpy as np

    plain = np.zeros(1 << 16, np.uint64)
    for code in range(1 << 16):
        char = chr(code)
        if char.isalnum():
            plain[code] = ord(unicodedata.normalize("NFKD", char.lower())[0])
    hashes = mixed(plain, 1)
    hashes[plain == 0] = 0
    return hashes


def span_hashes(
    letters: NDArray[np.uint64], start: NDArray[np.int64], stop: NDArray[np.int64]
) -> NDArray[np.uint64]:
    """Hash each span of letters as a polynomial, by differences of one running sum."""
    total, down = running(letters)
    return mixed((total[stop] - total[start]) * down[start], 2)


def running(letters: NDArray[np.uint64]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the running sum of a polynomial of letters, and what brings a difference to its start."""
    import numpy as np

    up, down = _powers(len(letters))
    total = np.zeros(len(letters) + 1, np.uint64)
    np.cumsum(letters * up[: len(letters)], out=total[1:])
    return total, down


_tables: dict[str, NDArray[np.uint64]] = {}


def _powers(size: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Return the powers of an odd number and of its inverse, modulo 2⁶⁴."""
    import numpy as np

    if len(_tables.get("up", ())) < size:
        room = max(size, _BATCH + _BATCH // 8)
        for name, base in (("up", _STEP), ("down", pow(_STEP, -1, _WRAP))):
            row = np.full(room, base, np.uint64)
            row[0] = 1
            _tables[name] = np.multiply.accumulate(row)
    return _tables["up"], _tables["down"]


def _runs(words: NDArray[np.uint64], width: int) -> NDArray[np.uint64]:
    """Hash each run of ``width`` words; order matters."""
    import numpy as np

    size = len(words) - width + 1
    if size <= 0:
        return np.zeros(0, np.uint64)
    found = words[:size].copy()
    for step in range(1, width):
        found *= np.uint64(_STEP)
        found += words[step : step + size]
    return mixed(found, 3)


def _distinct(values: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Sort and drop repeats; `numpy.unique` takes ten times longer on sets of this size."""
    import numpy as np

    ordered = np.sort(values)
    kept = np.ones(len(ordered), np.bool_)
    np.not_equal(ordered[1:], ordered[:-1], out=kept[1:])
    return ordered[kept]

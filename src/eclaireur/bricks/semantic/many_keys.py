"""The keys of many texts at once: what `normalise.keys` says of each, without a Python object for each word.

Texts are written in one byte a character (a page of French characters), without case and most accents, by
one table where all that only separates words is a blank; the articles that an apostrophe ties to a word
become blanks too. Arrow cuts at blanks and numbers the pieces; only distinct ones are read by Python. A text
with a character outside the page, or a doubtful apostrophe, is read by `normalise.keys` itself.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, NamedTuple

from eclaireur.bricks.semantic.normalise import APOSTROPHES, ELIDED, keys, may_be_cut, mended, piece_keys

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["batches", "keys_of"]

_BATCH = 2_000_000
_FEW, _MANY = 20_000, 1 << 30
"""Under so many characters, each text is read alone; over so many, Arrow would count in 64 bits."""
_FREE = 0x80
"""Where Latin-1 has control characters only: room for what French typography has besides."""
_BESIDES = "€’‘œŒ–—…•“”„†‡‰‹›\u2009\u202f"
_OUTSIDE = 0x9F
"""Byte of a character outside the page."""
_SOFT_HYPHEN = 0xAD
_BLANK, _APOSTROPHE = ord(" "), ord("'")
_ASTRAL = re.compile("[\U00010000-\U0010ffff]")


def batches(sizes: Sequence[int]) -> Iterator[slice]:
    """Yield slices of texts of bounded length together, one text at least.

    >>> list(batches([1, 1, 3_000_000, 1]))
    [slice(0, 2, None), slice(2, 3, None), slice(3, 4, None)]
    """
    ends = [0, *accumulate(sizes)]
    start = 0
    while start < len(sizes):
        stop = max(start + 1, bisect_right(ends, ends[start] + _BATCH) - 1)
        yield slice(start, stop)
        start = stop


def keys_of(texts: Sequence[str]) -> list[str]:
    """Return the keys of each text, each key followed by a space.

    Parameters
    ----------
    texts
        Any texts; what it takes of memory grows with the longest, not with their number.

    Examples
    --------
    >>> keys_of(["L'école d'Évreux", "", "Œuvre du ŷ"])
    ['ecol evreu ', '', 'oeuvr du y ']
    """
    found: list[str] = []
    for batch in batches(list(map(len, texts))):
        found += _keys_of(texts[batch])
    return found


def _keys_of(texts: Sequence[str]) -> list[str]:
    import numpy as np

    if not _FEW <= sum(map(len, texts)) <= _MANY:
        return [keys(text) for text in texts]
    joined = " ".join([*texts, ""])
    if may_be_cut(joined):
        texts = [mended(text) for text in texts]
        joined = " ".join([*texts, ""])
    ends = np.cumsum(np.fromiter(map(len, texts), np.int64, len(texts)) + 1)
    written, doubtful = _written(joined)
    found = _read(written, ends)
    for at in np.unique(np.searchsorted(ends, doubtful, side="right")).tolist():
        found[at] = keys(texts[at])
    return found


def _written(text: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return one byte a character, and the places that are not to be trusted."""
    import numpy as np

    code = np.frombuffer(text.encode("utf-16-le", "surrogatepass"), np.uint16)
    if len(code) != len(text):
        code = np.frombuffer(_ASTRAL.sub("\uffff", text).encode("utf-16-le", "surrogatepass"), np.uint16)
    written = np.take(_page().folded, code)
    tied = np.flatnonzero(written == _APOSTROPHE)
    # What follows an apostrophe decides what stands before it: a mark there hides the word from the cut.
    after = tied + 1
    hidden = (written[after] == _BLANK) & ~_page().spaces[code[after]]
    hidden |= (written[after] == _SOFT_HYPHEN) | (written[after] == _APOSTROPHE)
    doubtful = np.concatenate([np.flatnonzero(written == _OUTSIDE), tied[hidden]])
    _untied(written, tied)
    return written, doubtful


def _untied(written: NDArray[np.uint8], tied: NDArray[np.int64]) -> None:
    """Write blanks over each article that an apostrophe ties to the word after it, « qu » included.

    The last byte is a blank: so is the one before the first, as NumPy counts.
    """
    import numpy as np

    followed = tied[~_page().separates[written[tied + 1]]]
    last = written[followed - 1]
    one = followed[_page().elided[last] & (written[followed - 2] == _BLANK)]
    two = followed[(last == ord("u")) & (written[followed - 2] == ord("q"))]
    two = two[written[two - 3] == _BLANK]
    written[np.concatenate([one, one - 1, two, two - 1, two - 2])] = _BLANK


def _read(written: NDArray[np.uint8], ends: NDArray[np.int64]) -> list[str]:
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    bounds = np.concatenate([np.zeros(1, np.int32), ends.astype(np.int32)])
    # Bytes, not UTF-8: only functions that look at bytes one by one may read them.
    buffers = [None, pa.py_buffer(bounds), pa.py_buffer(written)]
    cut = pc.ascii_split_whitespace(pa.Array.from_buffers(pa.string(), len(ends), buffers))
    pieces = cut.values.dictionary_encode()
    known = pa.array(list(map(piece_keys, _shown(pieces.dictionary))), pa.string())
    return _listed(pc.binary_join(pa.ListArray.from_arrays(cut.offsets, known.take(pieces.indices)), ""))


def _shown(pieces: pa.Array) -> list[str]:
    """Return the characters of distinct pieces; none holds a blank."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if not len(pieces):
        return []
    whole = pa.ListArray.from_arrays(pa.array([0, len(pieces)], pa.int32()), pieces.view(pa.binary()))
    joined: bytes = pc.binary_join(whole, b" ")[0].as_py()
    text = joined.decode("latin-1")
    for byte, char in _page().letters:
        text = text.replace(byte, char)
    return text.split(" ")


def _listed(texts: pa.Array) -> list[str]:
    """Return Arrow's texts as Python's, all read at once when they are ASCII."""
    import numpy as np

    _, bounds, data = texts.buffers()
    whole = data.to_pybytes() if data is not None else b""
    if not whole.isascii():
        listed: list[str] = texts.to_pylist()
        return listed
    letters = whole.decode("ascii")
    ends = np.frombuffer(bounds, np.int32, len(texts) + 1, texts.offset * 4).tolist()
    return [letters[start:end] for start, end in pairwise(ends)]


class _Page(NamedTuple):
    """What is known of characters and bytes.

    Parameters
    ----------
    folded, spaces
        The byte of each character of the basic plane, and whether it is a blank in a text.
    separates, elided
        Whether a byte is no letter nor digit, and whether it is an article before an apostrophe.
    letters
        Letters whose byte means something else in Latin-1.
    """

    folded: NDArray[np.uint8]
    spaces: NDArray[np.bool_]
    separates: NDArray[np.bool_]
    elided: NDArray[np.bool_]
    letters: tuple[tuple[str, str], ...]


@cache
def _page() -> _Page:
    import numpy as np

    shown = {_FREE + at: char for at, char in enumerate(_BESIDES)}
    folded = np.full(1 << 16, _OUTSIDE, np.uint8)
    for byte in range(0x100):
        if byte < _FREE or byte > _OUTSIDE or byte in shown:
            char = shown.get(byte, chr(byte))
            folded[ord(char)] = _folded(byte, char)
    letters = tuple((chr(byte), char) for byte, char in shown.items() if folded[ord(char)] == byte)
    spaces = np.fromiter((chr(code).isspace() for code in range(1 << 16)), np.bool_, 1 << 16)
    separates, elided = np.zeros(0x100, np.bool_), np.zeros(0x100, np.bool_)
    separates[[_BLANK, _APOSTROPHE, _SOFT_HYPHEN, _OUTSIDE]] = True
    elided[[ord(one) for one in ELIDED if len(one) == 1]] = True
    return _Page(folded, spaces, separates, elided, letters)


def _folded(byte: int, char: str) -> int:
    """Return the byte of a character: of all that give the same keys, one.

    An accent on A stays: « A123 » is read as an article, « à123 » is not.
    """
    if char in APOSTROPHES:
        return _APOSTROPHE
    if char.isalpha():
        base = unicodedata.normalize("NFD", char.lower())[0]
        return ord(base) if char.isascii() or (base.isascii() and base != "a") else byte
    return byte if char.isalnum() or byte == _SOFT_HYPHEN else _BLANK

"""Text signals: what texts mention, as columns that as-of features then count, sum or average."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eclaireur.core.errors import BadValueError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["mentions"]


def mentions(texts: Any, words: Mapping[str, Sequence[str]]) -> dict[str, pa.Array]:
    """Return, for each topic, whether each text mentions one of its words.

    Letters are compared without accents or capitals; a word is found at the start of a word, with any
    ending of up to three letters (« rat » finds « rats », not « ratatouille »). A null text is a null
    signal: nothing was written, which is not the same as nothing to say.

    Parameters
    ----------
    texts
        Texts, as a list or an Arrow column.
    words
        Topic → words or expressions.

    Returns
    -------
    dict
        Topic → column of 0 and 1 (float), to append to an event table.

    Raises
    ------
    BadValueError
        If a topic has no word.

    Examples
    --------
    >>> told = ["Des RATS en salle", "Très bon", None, "Ratatouille froide"]
    >>> mentions(told, {"nuisibles": ["rat", "cafard"]})["nuisibles"].to_pylist()
    [1.0, 0.0, None, 0.0]
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    column = pa.array(texts, pa.string()) if isinstance(texts, list) else texts
    if isinstance(column, pa.ChunkedArray):
        column = column.combine_chunks()
    plain = _folded(column)
    found = {}
    for topic, listed in words.items():
        if not listed or not all(word.strip() for word in listed):
            raise BadValueError(f"le sujet « {topic} » n'a aucun mot.", fix="Donnez-lui au moins un mot.")
        folded = _folded(pa.array(list(listed))).to_pylist()
        inside = "|".join(r"\s+".join(map(re.escape, word.split())) for word in folded)
        found[topic] = pc.match_substring_regex(plain, rf"\b(?:{inside})[a-z]{{0,3}}\b").cast(pa.float64())
    return found


def _folded(column: pa.Array) -> pa.Array:
    """Return texts in small letters without accents."""
    import pyarrow.compute as pc

    parted = pc.utf8_normalize(pc.utf8_lower(column), form="NFD")
    return pc.replace_substring_regex(parted, r"\p{Mn}+", "")

"""Documents like another, by the words that are frequent in it and rare elsewhere."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from eclaireur.bricks.semantic.highlight import READ
from eclaireur.bricks.semantic.index import Search
from eclaireur.bricks.semantic.normalise import STOP, plain, tokens

if TYPE_CHECKING:
    from eclaireur.bricks.semantic.index import Document, Index

__all__ = ["alike"]

_WORDS = 30
_LEAST = 5


def alike(
    index: Index, document: Document, perimeters: frozenset[str] | None, count: int = 5
) -> tuple[Document, ...]:
    """Return the documents that answer best the most frequent words of one, within the reader's perimeters.

    The score of the index (BM25) weighs each word by how rare it is: frequent words of the language tell
    little, whatever their number here.
    """
    text = document.body[:READ]
    words: Counter[str] = Counter()
    for one in tokens(text):
        shown = text[one.start : one.end].lower()
        if len(shown) >= _LEAST and shown.isalpha() and plain(shown) not in STOP:
            words[shown] += 1
    asked = " ".join(word for word, _ in words.most_common(_WORDS))
    if not asked:
        return ()
    search = Search(query=asked, perimeters=perimeters, limit=count + 1, total=False)
    return tuple(one.document for one in index.search(search).hits if one.document.id != document.id)[:count]

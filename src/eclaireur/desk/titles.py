"""Whole titles to propose while a person types: those of documents that they may see, word for word."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING

from eclaireur.bricks.semantic.index import Search
from eclaireur.bricks.semantic.normalise import STOP, plain

if TYPE_CHECKING:
    from eclaireur.bricks.semantic.index import Document, Index

__all__ = ["titled"]

_READ = 30
_MOST = 4
_LEAST = 3
_MOST_WORDS = 12
_OPERATOR = re.compile(r"[\"«»“”„():*~&|]|(?:^|\s)-|\b(?:ET|OU|SAUF|NON|AND|OR|NOT)\b")
_WORD = re.compile(r"[^\W_]+")


def titled(index: Index, search: Search) -> list[Document]:
    """Return the documents whose title has every word typed, the last of which may be a beginning.

    Parameters
    ----------
    search
        What was typed up to the cursor, with its filters and perimeters. A question with operators asks for
        something else than a title: nothing is proposed.
    """
    typed = search.query
    words = _WORD.findall(typed)
    if _OPERATOR.search(typed) or not words or not typed[-1:].isalnum():
        return []
    if sum(map(len, words)) < _LEAST or len(words) > _MOST_WORDS:
        return []
    *before, begun = words
    asked = [f"titre:{word}" for word in before if plain(word) not in STOP]
    found: dict[str, Document] = {}
    # The index follows a beginning to a few words alone, and not at all one of one letter: the words before
    # it then say enough, or nothing does.
    for tried in ([*asked, f"titre:{begun}*"] if len(begun) > 1 else [], asked):
        query = " ET ".join(tried)
        if not query or len(found) >= _MOST:
            continue
        alone = replace(search, query=query, facets=(), months=False, limit=_READ, offset=0, total=False)
        for one in index.search(alone).hits:
            title = " ".join(one.document.title.split())
            if title and _has(title, before, begun):
                found.setdefault(plain(title), one.document)
    return list(found.values())[:_MOST]


def _has(title: str, before: list[str], begun: str) -> bool:
    """Tell whether a title has these words as they are: the index takes others of the same stem."""
    held = [plain(one) for one in _WORD.findall(title)]
    return {plain(one) for one in before} <= set(held) and any(one.startswith(plain(begun)) for one in held)

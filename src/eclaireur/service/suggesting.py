"""What a person may have meant: for a word that no document holds, the closest one that documents do hold."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from eclaireur.bricks.semantic.highlight import READ, matches
from eclaireur.bricks.semantic.normalise import tokens
from eclaireur.bricks.semantic.query import Leaf, leaves, read_query

if TYPE_CHECKING:
    from eclaireur.bricks.semantic.index import Index, Search

__all__ = ["did_you_mean"]

_READ = 20
_MOST_WORDS = 8
_LEAST = 4


def did_you_mean(index: Index, search: Search) -> str:
    """Return the query with the words that nothing answers replaced by close ones; empty when all are known.

    A close word is found by the index itself, one or two letters away, and within the bounds of the search:
    nothing is proposed that the person could not find.

    Parameters
    ----------
    search
        What was asked, with its filters and perimeters.
    """
    query = search.query
    changed = query
    asked = [one for one in dict.fromkeys(leaves(read_query(query).tree)) if _is_word(one)]
    for leaf in asked[:_MOST_WORDS]:
        alone = replace(search, query=leaf.shown, facets=(), months=False, limit=1, offset=0, total=False)
        if index.search(alone).hits:
            continue
        found = _closest(index, alone, leaf)
        if found:
            changed = re.sub(rf"(?<!\w){re.escape(leaf.shown)}(?!\w)", found, changed)
    return "" if changed == query else changed


def _is_word(leaf: Leaf) -> bool:
    return len(leaf.keys) == 1 and not leaf.prefix and not leaf.distance and leaf.shown.isalpha()


def _closest(index: Index, alone: Search, leaf: Leaf) -> str:
    """Return the word, most frequent in the best documents, that differs from one by least letters."""
    if len(leaf.shown) < _LEAST:
        return ""
    fuzzy = f"{leaf.shown}~"
    wide = read_query(fuzzy).tree
    if not isinstance(wide, Leaf):
        return ""
    words: Counter[str] = Counter()
    for one in index.search(replace(alone, query=fuzzy, limit=_READ)).hits:
        for text in (one.document.title, one.document.section, one.document.body[:READ]):
            words.update(text[a:b].lower() for a, b, _ in matches(tokens(text), [wide]))
    return words.most_common(1)[0][0] if words else ""

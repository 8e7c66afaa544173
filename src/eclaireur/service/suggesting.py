"""Words to propose: the closest to one that no document holds, and those that a beginning may become."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from eclaireur.bricks.semantic.highlight import READ, matches
from eclaireur.bricks.semantic.normalise import plain, tokens
from eclaireur.bricks.semantic.query import Leaf, leaves, read_query

if TYPE_CHECKING:
    from eclaireur.bricks.semantic.index import Index, Search

__all__ = ["completions", "did_you_mean"]

_READ = 20
_MOST_WORDS = 8
_LEAST = 4
_LEAST_BEGUN = 2
_MOST_ENDS = 8
_BEGUN = re.compile(r"(?:^|[\s(\"«“:'’-])([^\W\d_]+)$")


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


def completions(index: Index, search: Search) -> list[str]:
    """Return the words that may end the last one of a query, most frequent first; none when none is begun.

    Words are those of the documents that answer the beginning, within the bounds of the search: no word is
    proposed that the person could not read.

    Parameters
    ----------
    search
        What was typed up to the cursor, with its filters and perimeters.

    Examples
    --------
    « contrôle éc » may give ``["école", "écoles", "écrit"]``.
    """
    begun = _BEGUN.search(search.query)
    if begun is None or len(plain(begun[1])) < _LEAST_BEGUN:
        return []
    wide = read_query(f"{begun[1]}*").tree
    if not isinstance(wide, Leaf):
        return []
    alone = replace(search, query=f"{begun[1]}*", facets=(), months=False, limit=_READ, offset=0, total=False)
    start = plain(begun[1])
    words: Counter[str] = Counter()
    for one in index.search(alone).hits:
        for text in (one.document.title, one.document.section, one.document.body[:READ]):
            found = (text[a:b].lower() for a, b, _ in matches(tokens(text), [wide]))
            words.update(word for word in found if plain(word).startswith(start) and plain(word) != start)
    return sorted(words, key=lambda word: (-words[word], word))[:_MOST_ENDS]

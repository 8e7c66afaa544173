"""Official sheets: those that speak of a theme, nearest first, and their sentences that answer best.

A sheet is found by the words of its title, its place and its beginning (BM25, Robertson & Zaragoza 2009). It
is cited only if its title is one of the theme's: a sheet that merely shares words is offered to the agent,
never put into a draft.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from heapq import nsmallest
from math import log
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic.normalise import STOP, keys
from eclaireur.bricks.semantic.outline import flat, sentences
from eclaireur.cases.review_answers.themes import Theme

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Found", "Sheet", "Shelf", "shelf_of"]

_K, _B = 1.2, 0.4
_BEGINNING = 500
_COMMON = 0.5
"""A term of more than this share of the sheets tells none apart."""
_TITLE = 3
_FEWEST, _LONGEST = 6, 60
_ENDS = re.compile(r"[.!?]$")
_NOT_ALONE = re.compile(
    r"^(?:exemple|attention|a savoir|a noter|rappel|cette|ces|ce|celui|celle|ils?|elles?|dans ce cas|sinon|"
    r"toutefois|cependant|mais|ensuite|il en est)\b"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """An official sheet."""

    id: str
    title: str
    url: str
    topic: str
    text: str
    updated: date


@dataclass(frozen=True, slots=True)
class Found:
    """A sheet found, how near it is, and whether its title is one of the asked themes'."""

    sheet: Sheet
    score: float
    fits: bool


class Shelf:
    """The sheets of a snapshot, ready to be searched."""

    def __init__(self, sheets: Sequence[Sheet]) -> None:
        self.sheets = tuple(sheets)
        self._postings: dict[str, list[tuple[int, float]]] = {}
        self._titles = [flat(one.title) for one in self.sheets]
        self._fits: dict[str, frozenset[int]] = {}
        self._cut: dict[str, list[tuple[str, frozenset[str]]]] = {}
        counts = [Counter(_head(one)) for one in self.sheets]
        sizes = [sum(one.values()) for one in counts]
        mean = sum(sizes) / max(1, len(sizes))
        for at, terms in enumerate(counts):
            for term, times in terms.items():
                weight = times * (_K + 1) / (times + _K * (1 - _B + _B * sizes[at] / mean))
                self._postings.setdefault(term, []).append((at, weight))

    def weight(self, term: str) -> float:
        """Return how rare a term is among the sheets."""
        found = len(self._postings.get(term, ()))
        return log(1 + (len(self.sheets) - found + 0.5) / (found + 0.5))

    def search(self, query: str, themes: Sequence[Theme] = (), *, count: int = 3) -> tuple[Found, ...]:
        """Return the sheets nearest to a text, those of the themes first."""
        scores: dict[int, float] = {}
        common = _COMMON * len(self.sheets)
        # In a fixed order: sums of floats depend on it.
        for term in dict.fromkeys(_terms(query)):
            if len(self._postings.get(term, ())) > common:
                continue
            rarity = self.weight(term)
            for at, weight in self._postings.get(term, ()):
                scores[at] = scores.get(at, 0.0) + rarity * weight
        fits = frozenset[int]().union(*(self._fitting(theme) for theme in themes))
        best = nsmallest(count, scores, key=lambda at: (at not in fits, -scores[at], at))
        return tuple(Found(self.sheets[at], scores[at], at in fits) for at in best)

    def _fitting(self, theme: Theme) -> frozenset[int]:
        """Return the sheets whose title is one of a theme's, found once."""
        if theme.name not in self._fits:
            found = (at for at, title in enumerate(self._titles) if theme.sheets.search(title))
            self._fits[theme.name] = frozenset(found)
        return self._fits[theme.name]

    def best(self, sheet: Sheet, query: str, *, count: int = 2) -> tuple[str, ...]:
        """Return the sentences of a sheet that answer best, in its order; each is whole and stands alone."""
        asked = {term: self.weight(term) for term in _terms(query)}
        ranked = []
        if sheet.id not in self._cut:
            self._cut[sheet.id] = [(one, frozenset(_terms(one))) for one in _whole(sheet.text)]
        for place, (sentence, terms) in enumerate(self._cut[sheet.id]):
            shared = sum(asked.get(term, 0.0) for term in terms)
            # The first sentence of a sheet says what it is about.
            ranked.append(
                (shared / (1 + log(1 + len(terms))) + (0.5 if place == 0 else 0.0), -place, sentence)
            )
        kept = sorted(ranked, reverse=True)[:count]
        return tuple(sentence for _, _, sentence in sorted(kept, key=lambda one: -one[1]))


def _terms(text: str) -> list[str]:
    return [one for one in keys(text).split() if one not in STOP and len(one) > 1]


def _head(sheet: Sheet) -> list[str]:
    return _terms(sheet.title) * _TITLE + _terms(sheet.topic) + _terms(sheet.text[:_BEGINNING])


def _whole(text: str) -> list[str]:
    """Return the sentences of a sheet that can be read alone, each once."""
    found: dict[str, None] = {}
    for line in text.splitlines():
        for start, end in sentences(line):
            one = " ".join(line[start:end].split())
            if not _FEWEST <= len(one.split()) <= _LONGEST or not _ENDS.search(one):
                continue
            if one[0].isupper() and not _NOT_ALONE.match(flat(one)):
                found[one] = None
    return list(found)


_LAST: list[tuple[Any, Shelf]] = []
"""The shelf made last, with its table: an agent reads message after message on the same sheets."""


def shelf_of(table: pa.Table) -> Shelf:
    """Return the shelf of a table of sheets, made once as long as the table is the same object."""
    if _LAST and _LAST[0][0] is table:
        return _LAST[0][1]
    shelf = Shelf([_sheet(row) for row in table.to_pylist()])
    _LAST[:] = [(table, shelf)]
    return shelf


def _sheet(row: Mapping[str, Any]) -> Sheet:
    return Sheet(**{name: row[name] for name in ("id", "title", "url", "topic", "text", "updated")})

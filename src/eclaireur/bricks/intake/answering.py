"""Answers made of whole sentences of a source, in reading order: nothing is written that the source lacks.

A sentence is worth the rare words that it shares with the question; words of the page's title are worth less,
since every sentence of the page is about them. The answer is the stretch of neighbouring sentences that is
worth the most for its length: instructions go together, and a reader wants them in order.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from eclaireur.bricks.intake.injections import set_aside
from eclaireur.bricks.semantic.normalise import STOP, keys, plain
from eclaireur.bricks.semantic.outline import sentences

__all__ = ["Rarity", "Stretch", "content_keys", "stretch_of"]

_MOST_SENTENCES = 5
_MOST_CHARACTERS = 900
_LENGTH = 0.0012
"""What a character costs, against the share of the question's words that it brings: 900 cost one whole."""
_FIRST = 0.25
"""What the beginning of a page is worth: there the answer to the question of its title stands."""
_TITLE = 0.35
_KIND = 0.3
"""What a sentence of the kind that is asked for is worth: an amount, a day or a length of time."""
_COUNT = "un|deux|trois|quatre|cinq|six|dix|quinze"
_WEEK = "lundi|mardi|mercredi|jeudi|vendredi|samedi|dimanche"
_YEAR = "janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre"
_KINDS = tuple(
    (re.compile(asked, re.IGNORECASE), re.compile(told, re.IGNORECASE))
    for asked, told in (
        (
            r"\b(?:prix|tarifs?|coût\w*|coute\w*|montants?|payer|paye|paie|gratuit\w*|d['’]euros)\b",
            r"\d\s*(?:€|euros?\b)|\bgratuit\w*",
        ),
        (
            r"\b(?:délais?|durée|combien (?:de (?:temps|jours|mois)|d['’]années)|longtemps|valable)\b",
            rf"\b(?:\d+|{_COUNT}) (?:jours?|mois|ans?|années?|semaines?|heures?)\b",
        ),
        (
            r"\b(?:quand|quel jour|quelle date|date limite|heures?|horaires?|jusqu['’](?:à|en))\b",
            rf"\b(?:\d+ ?h(?:eures?)?|(?:19|20)\d\d|{_WEEK}|{_YEAR})\b",
        ),
    )
)
_ASKING = frozenset(keys("comment combien pourquoi quand quel quelle quels quelles peut puis faut").split())


@dataclass(frozen=True, slots=True)
class Rarity:
    """How rare each word is among documents: the logarithm of one in so many."""

    of: Mapping[str, float]
    unknown: float

    @classmethod
    def among(cls, texts: Iterable[str]) -> Rarity:
        """Count in how many texts each word is."""
        seen: Counter[str] = Counter()
        size = 0
        for text in texts:
            seen.update(set(keys(text).split()))
            size += 1
        return cls(
            {word: math.log(1 + size / count) for word, count in seen.items()}, math.log(1 + max(size, 1))
        )

    def __call__(self, word: str) -> float:
        """Return how rare a word is."""
        return self.of.get(word, self.unknown)

    def share(self, wanted: Iterable[str], found: set[str]) -> float:
        """Return the part of some words, by their rarity, that is among others; 0 when there is none."""
        words = set(wanted)
        whole = sum(map(self, words))
        return sum(self(word) for word in words & found) / whole if whole else 0.0


@dataclass(frozen=True, slots=True)
class Stretch:
    """Neighbouring sentences of a text: their bounds, in characters, and what they are worth."""

    bounds: tuple[tuple[int, int], ...]
    worth: float


def content_keys(text: str) -> list[str]:
    """Return the keys of the words of a text that say something, in their order.

    Examples
    --------
    >>> content_keys("Comment faire refaire ma carte d'identité ?")
    ['fair', 'refair', 'cart', 'ident']
    """
    words = text.replace("’", " ").replace("'", " ").split()
    kept = [word for word in words if plain(word.strip('?!.,;:()«»"')) not in STOP]
    return [key for key in keys(" ".join(kept)).split() if key not in _ASKING and len(key) > 1]


def stretch_of(question: str, text: str, rarity: Rarity, *, title: str = "") -> Stretch:
    """Return the sentences of a text that answer a question best; none of an empty text.

    Sentences that speak to a machine (`injections`) are in no stretch.

    Parameters
    ----------
    title
        Of the page: its words count less, and the nearer it is to the question the more the beginning counts.
    """
    wanted = set(content_keys(question))
    head = set(content_keys(title))
    whole = sum(map(rarity, wanted)) or 1.0
    near_title = rarity.share(wanted, head)
    bounds = sentences(text)
    words = [set(keys(text[start:end]).split()) for start, end in bounds]
    kinds = [told for asked, told in _KINDS if asked.search(question)]
    fits = [any(one.search(text[start:end]) for one in kinds) for start, end in bounds]
    barred = set_aside([text[start:end] for start, end in bounds])
    best = Stretch((), -math.inf)
    for first in range(len(bounds)):
        seen: set[str] = set()
        for last in range(first, min(first + _MOST_SENTENCES, len(bounds))):
            if barred[last]:
                break
            seen |= words[last] & wanted
            length = bounds[last][1] - bounds[first][0]
            if length > _MOST_CHARACTERS and last > first:
                break
            worth = sum(rarity(word) * (_TITLE if word in head else 1.0) for word in seen) / whole
            worth += _KIND * any(fits[first : last + 1])
            worth += near_title * _FIRST * (first == 0) - _LENGTH * length
            if worth > best.worth:
                best = Stretch(tuple(bounds[first : last + 1]), worth)
    return best

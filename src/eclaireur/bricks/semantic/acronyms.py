"""Acronyms that texts explain themselves: « délégué à la protection des données (DPO) ».

People ask with the acronym where sheets say the words. What a corpus defines is learnt from it; a text that
says the words is then also found by the acronym. Nothing is added to questions: the words of a long form are
common ones, and would drown the others.

References
----------
Schwartz & Hearst (2003), A simple algorithm for identifying abbreviation definitions in biomedical text. Here
letters are the initials of the words, as French acronyms are made; those that are not (DPO, of an English
name) are told by what most often stands before them.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from eclaireur.bricks.semantic.normalise import ELIDED, STOP, keys, plain

__all__ = ["Acronyms"]

_ACRONYM = r"[A-Z][A-Za-z]?[A-Z0-9]{1,8}"
_AFTER = re.compile(rf"\(\s*({_ACRONYM})\s*\)")
_BEFORE = re.compile(rf"\b({_ACRONYM})\s*\(([^()]{{5,120}})\)")
_BREAK = re.compile(r"[.;:!?()\[\]»\n]")
_WORD = re.compile(r"[^\W_]+")
_REACH = 160
"""Signs before an acronym in which its words are looked for."""
_MOST_WORDS = 14
_LEAST_SEEN = 3
_LEAST_SHARE = 0.3
_FORMS = 2


@dataclass(frozen=True, kw_only=True)
class Acronyms:
    """What a corpus says that its acronyms mean.

    Parameters
    ----------
    forms
        Plain acronym → its long forms, most usual first, as keys (`normalise.keys`).

    Examples
    --------
    >>> known = Acronyms.learn(["Le conseil municipal des jeunes (CMJ) se réunit."])
    >>> known.of("Qui siège au Conseil municipal des jeunes ?")
    ['cmj']
    >>> known.of("Le CMJ est un conseil municipal des jeunes.")
    []
    """

    forms: Mapping[str, tuple[tuple[str, ...], ...]]

    @classmethod
    def learn(cls, texts: Iterable[str]) -> Acronyms:
        """Learn from texts; see the module."""
        told: defaultdict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
        others: defaultdict[str, list[list[str]]] = defaultdict(list)
        for text in texts:
            for acronym, words in _defined(text):
                if (first := _begins(acronym, words)) is not None:
                    told[acronym][_form(words[first:])] += 1
                else:
                    others[acronym].append(words)
        for acronym, before in others.items():
            if (usual := _usual(before)) is not None:
                told[acronym][_form(usual[0])] += usual[1]
        return cls(
            forms={
                acronym: tuple(form for form, _ in counted.most_common(_FORMS))
                for acronym, counted in told.items()
            }
        )

    @cached_property
    def _by_form(self) -> dict[tuple[str, ...], str]:
        return {form: acronym for acronym, forms in self.forms.items() for form in forms}

    @cached_property
    def _lengths(self) -> dict[str, tuple[int, ...]]:
        found: defaultdict[str, set[int]] = defaultdict(set)
        for form in self._by_form:
            found[form[0]].add(len(form))
        return {first: tuple(lengths) for first, lengths in found.items()}

    def of(self, text: str) -> list[str]:
        """Return the acronyms whose words a text says and that it does not write itself, in plain letters."""
        words = keys(text).split()
        found = dict.fromkeys(
            acronym
            for at, first in enumerate(words)
            if first in self._lengths
            for length in self._lengths[first]
            if (acronym := self._by_form.get(tuple(words[at : at + length])))
        )
        return [acronym for acronym in found if keys(acronym).strip() not in words]

    def marked(self, text: str) -> str:
        """Return a text followed by the acronyms of what it says."""
        return " ".join((text, *self.of(text)))


def _defined(text: str) -> Iterator[tuple[str, list[str]]]:
    """Give each acronym that a text seems to explain, with the words beside it that may say it."""
    for match in _AFTER.finditer(text):
        before = _BREAK.split(text[max(0, match.start() - _REACH) : match.start()])[-1]
        if words := _words(before):
            yield plain(match[1]), words[-_MOST_WORDS:]
    for match in _BEFORE.finditer(text):
        acronym, words = plain(match[1]), _words(match[2])[:_MOST_WORDS]
        for last in range(2, len(words) + 1):
            if _begins(acronym, words[:last]) == 0:
                yield acronym, words[:last]
                break


def _words(text: str) -> list[str]:
    return [plain(one[0]) for one in _WORD.finditer(text)]


def _form(words: Sequence[str]) -> tuple[str, ...]:
    return tuple(keys(" ".join(word for word in words if word not in ELIDED)).split())


def _begins(acronym: str, words: Sequence[str]) -> int | None:
    """Return where the last words begin whose initials are an acronym; small words may count or not."""

    def first(letter: int, word: int) -> int | None:
        if letter < 0:
            return word + 1
        if word < 0:
            return None
        if words[word][0] == acronym[letter] and (found := first(letter - 1, word - 1)) is not None:
            return found
        return first(letter, word - 1) if words[word] in STOP else None

    found = first(len(acronym) - 1, len(words) - 1)
    return None if found is None or words[found] in STOP or len(words) - found < 2 else found


def _usual(before: Sequence[Sequence[str]]) -> tuple[tuple[str, ...], int] | None:
    """Return the longest words that often stand before an acronym, and how often they do."""
    best = None
    for length in range(2, _MOST_WORDS):
        counted = Counter(tuple(words[-length:]) for words in before if len(words) >= length)
        if not counted:
            break
        words, seen = counted.most_common(1)[0]
        if seen < max(_LEAST_SEEN, _LEAST_SHARE * len(before)):
            break
        if words[0] not in STOP:
            best = (words, seen)
    return best

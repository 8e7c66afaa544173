"""What two texts have in common, and what differs, by words with their places in each text."""

from __future__ import annotations

import difflib
import re
from dataclasses import dataclass

__all__ = ["Change", "Comparison", "compare"]

_WORD = re.compile(r"\w+|[^\w\s]")
_MOST_WORDS = 20_000


@dataclass(frozen=True, slots=True)
class Change:
    """A passage that differs: its text on each side, and where it starts; empty when it is missing."""

    left: str
    right: str
    left_start: int
    right_start: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Share of words in common, in [0, 1], and the passages that differ, in order."""

    common: float
    changes: tuple[Change, ...]


def compare(left: str, right: str) -> Comparison:
    """Compare two texts word by word; only their first 20 000 words are read.

    Examples
    --------
    >>> found = compare("la requête de M. A est rejetée", "la requête de Mme B est rejetée")
    >>> found.changes
    (Change(left='M. A', right='Mme B', left_start=14, right_start=14),)
    """
    ours, theirs = _words(left), _words(right)
    matcher = difflib.SequenceMatcher(
        None, [word.group().casefold() for word in ours], [word.group().casefold() for word in theirs], False
    )
    changes = []
    same = 0
    for kind, a, b, c, d in matcher.get_opcodes():
        if kind == "equal":
            same += b - a
            continue
        changes.append(
            Change(_passage(left, ours[a:b]), _passage(right, theirs[c:d]), _at(ours, a), _at(theirs, c))
        )
    total = len(ours) + len(theirs)
    return Comparison(2 * same / total if total else 1.0, tuple(changes))


def _words(text: str) -> list[re.Match[str]]:
    found: list[re.Match[str]] = []
    for word in _WORD.finditer(text):
        if len(found) == _MOST_WORDS:
            break
        found.append(word)
    return found


def _passage(text: str, words: list[re.Match[str]]) -> str:
    return text[words[0].start() : words[-1].end()] if words else ""


def _at(words: list[re.Match[str]], index: int) -> int:
    if index < len(words):
        return words[index].start()
    return words[-1].end() if words else 0

"""Tells text that nobody can read: a font that gives other letters than those that are drawn."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

__all__ = ["garbled"]

_WORDS = re.compile(r"[^\W\d_]{4,}")
_VOWELS = frozenset("aeiouyàâäéèêëîïôöùûüÿæœ")
_CONSONANTS = re.compile("[bcdfghjklmnpqrstvwxzç]{6}")
_FEWEST, _ENOUGH = 12, 2000


@lru_cache(maxsize=4096)
def _script(sign: str) -> str:
    return unicodedata.name(sign, "?").partition(" ")[0]


def _odd(word: str) -> bool:
    """Tell whether nobody writes a word so: scripts mixed, no vowel, capitals amid small."""
    scripts = {_script(sign) for sign in word}
    if len(scripts) > 1 or "?" in scripts:
        return True
    inside = word[1:]
    shuffled = any(sign.isupper() for sign in inside) and any(sign.islower() for sign in inside)
    if scripts == {"LATIN"}:
        hard = not _VOWELS & set(word) or _CONSONANTS.search(word) is not None
        return shuffled or (hard and not word.isupper())
    return shuffled


def garbled(text: str) -> bool:
    """Tell whether most long words of a text, among its first, are no words.

    Examples
    --------
    >>> garbled("Contrôle de l'établissement du 12 mars")
    False
    >>> garbled("Fxqwuôoh gh o'éwdeolvvhphqw")
    True
    """
    words = _WORDS.findall(text[:_ENOUGH])
    letters = sum(map(len, words))
    if letters < _FEWEST:
        return False
    return sum(len(word) for word in words if _odd(word)) > 0.5 * letters

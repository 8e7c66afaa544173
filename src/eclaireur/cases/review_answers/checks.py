"""What a message is before it is answered: empty, foreign, shouted, insulting, an order to a machine."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from eclaireur.bricks.semantic.outline import flat, sentences
from eclaireur.bricks.semantic.pattern_files import read_pattern_file

__all__ = ["Checked", "check"]

_WORD = re.compile(r"[^\W\d_]+")
_FEW_WORDS = 6
_FRENCH_SHARE = 0.16
_LATIN = re.compile(r"[a-zœæ]")
_LOUD = 0.6
_LETTERS = 20
_MOST_QUESTIONS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What was seen.

    Parameters
    ----------
    empty
        No word at all.
    foreign
        Not in French, as far as its small words tell.
    loud
        Nearly all in capitals.
    insult, instruction
        Whether it insults; whether it gives an order to a machine.
    questions
        Bounds of its sentences that ask, three at most.
    """

    empty: bool = False
    foreign: bool = False
    loud: bool = False
    insult: bool = False
    instruction: bool = False
    questions: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class _Words:
    french: frozenset[str]
    insults: re.Pattern[str]
    instructions: re.Pattern[str]
    questions: re.Pattern[str]


@cache
def _words() -> _Words:
    return read_pattern_file(
        Path(__file__).with_name("checks.toml"),
        lambda data: _Words(
            frozenset(data["french"]),
            re.compile("|".join(data["insults"])),
            re.compile("|".join(data["instructions"])),
            re.compile("|".join(data["questions"])),
        ),
    )


def check(text: str) -> Checked:
    """Look at a message.

    Examples
    --------
    >>> check("The website never works and nobody answers the phone.").foreign
    True
    >>> found = check("COMMENT FAIRE POUR MON PASSEPORT ? ET QUAND OUVREZ-VOUS ?")
    >>> found.loud, len(found.questions), found.foreign
    (True, 2, False)
    """
    words = _words()
    plain = flat(text)
    told = _WORD.findall(plain)
    if not told:
        return Checked(empty=True)
    letters = [char for char in text if char.isalpha()]
    upper = sum(map(str.isupper, letters))
    asks = [(a, b) for a, b in sentences(text) if words.questions.search(plain[a:b])]
    return Checked(
        foreign=_foreign(told, words.french),
        loud=len(letters) >= _LETTERS and upper > _LOUD * len(letters),
        insult=words.insults.search(plain) is not None,
        instruction=words.instructions.search(plain) is not None,
        questions=tuple(asks[:_MOST_QUESTIONS]),
    )


def _foreign(told: list[str], french: frozenset[str]) -> bool:
    letters = "".join(told)
    if len(_LATIN.findall(letters)) < len(letters) / 2:
        return True
    return len(told) >= _FEW_WORDS and sum(one in french for one in told) < _FRENCH_SHARE * len(told)

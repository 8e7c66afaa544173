"""How urgent a message is, why in French, and the words that say so.

Expressions are data (``urgency.toml``), read in each sentence without case or accents. One that a negation of
its clause denies (« aucune violence »), or whose sentence is a false friend (« mort de rire »), is left. A
message is read first because of what it says of people, never because of how angry it is.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from math import prod
from pathlib import Path

from eclaireur.bricks.semantic.outline import flat, sentences
from eclaireur.bricks.semantic.pattern_files import read_pattern_file
from eclaireur.core.view import Mark

__all__ = ["READ_FIRST", "Kind", "Patterns", "Urgency", "read_patterns", "urgency"]

READ_FIRST = 0.5
"""From this level on a message is read before the others, and `Urgency.why` says why."""
_BEFORE = 45
_SHOWN = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Urgency:
    """What a message says that makes it urgent.

    Parameters
    ----------
    level
        In [0, 1]; 0 when nothing is urgent.
    why
        In French, with the words; empty under `READ_FIRST`.
    words
        Where they are in the message, labelled by kind in French.
    """

    level: float = 0.0
    why: str = ""
    words: tuple[Mark, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """A kind of urgency: French title, weight, what says it, and what says it despite a negation."""

    name: str
    title: str
    weight: float
    says: re.Pattern[str]
    always: re.Pattern[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Patterns:
    """What a file of urgency says: kinds, what denies an expression, and sentences that only seem urgent."""

    kinds: tuple[Kind, ...]
    denied: re.Pattern[str]
    friends: re.Pattern[str]


def read_patterns(path: Path) -> Patterns:
    """Read a file of expressions.

    Raises
    ------
    ConfigError
        If it is not TOML, a key is missing or an expression is wrong.
    """
    return read_pattern_file(
        path,
        lambda data: Patterns(
            kinds=tuple(
                Kind(
                    name=one["name"],
                    title=one["title"],
                    weight=min(1.0, max(0.0, float(one["weight"]))),
                    says=re.compile("|".join(one["says"])),
                    always=re.compile("|".join(one["always"])) if one.get("always") else None,
                )
                for one in data["kind"]
            ),
            denied=re.compile("|".join(data["denied"])),
            friends=re.compile("|".join(data["false_friends"])),
        ),
    )


@cache
def _ours() -> Patterns:
    return read_patterns(Path(__file__).with_name("urgency.toml"))


def urgency(text: str, patterns: Patterns | None = None) -> Urgency:
    """Return how urgent a message is; kinds add up as independent chances do.

    Examples
    --------
    >>> found = urgency("Mon mari a été menacé. Je serai à la rue demain.")
    >>> found.why
    'violences ou menaces (« menacé ») ; saisie, expulsion ou perte de ressources (« à la rue »)'
    >>> urgency("Aucune violence, aucun danger : tout va bien.").level
    0.0
    """
    known = patterns or _ours()
    plain = flat(text)
    found: dict[str, tuple[Kind, list[Mark]]] = {}
    # Most messages have nothing urgent: they are not cut into sentences.
    asked = [
        kind for kind in known.kinds if kind.says.search(plain) or (kind.always and kind.always.search(plain))
    ]
    if not asked:
        return Urgency()
    for start, end in sentences(text):
        said = plain[start:end]
        if known.friends.search(said):
            continue
        for kind in asked:
            for one in _places(kind, said, known.denied):
                mark = Mark(start=start + one[0], end=start + one[1], label=kind.title)
                found.setdefault(kind.name, (kind, []))[1].append(mark)
    if not found:
        return Urgency()
    ranked = sorted(found.values(), key=lambda one: -one[0].weight)
    level = 1 - prod(1 - kind.weight for kind, _ in ranked)
    told = [f"{kind.title} (« {_words(text, marks[0])} »)" for kind, marks in ranked[:_SHOWN]]
    return Urgency(
        level=level,
        why=" ; ".join(told) if level >= READ_FIRST else "",
        words=tuple(sorted((one for _, marks in ranked for one in marks), key=lambda one: one.start)),
    )


def _places(kind: Kind, said: str, denied: re.Pattern[str]) -> list[tuple[int, int]]:
    found = [one.span() for one in kind.always.finditer(said)] if kind.always else []
    for one in kind.says.finditer(said):
        clause = re.split(r"[,;:(]| mais | et | puis ", said[max(0, one.start() - _BEFORE) : one.start()])[-1]
        if not denied.search(clause) and not any(a < one.end() and one.start() < b for a, b in found):
            found.append(one.span())
    return found


def _words(text: str, mark: Mark) -> str:
    return " ".join(text[mark.start : mark.end].split())

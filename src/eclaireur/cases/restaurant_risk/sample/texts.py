"""Made-up French reviews, composed from the grammar of ``reviews.toml``.

A review is an opening, one to three sentences that follow its rating and, where it blames hygiene, a sentence
of one of eight kinds. Reviews that blame nothing may still *speak* of hygiene, to praise it or with a false
friend (« aucune trace de souris »): counting words is not enough to read them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["UNIFORMS", "Grammar", "compose", "grammar"]

UNIFORMS = 12
"""Random numbers that one review takes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grammar:
    """Sentences by use; ``blames`` by kind of complaint, ``slots`` by name of the hole they fill."""

    openings: tuple[str, ...]
    good: tuple[str, ...]
    mixed: tuple[str, ...]
    bad: tuple[str, ...]
    speaks: tuple[str, ...]
    sorry: tuple[str, ...]
    pleased: tuple[str, ...]
    blames: Mapping[str, tuple[str, ...]]
    slots: Mapping[str, tuple[str, ...]]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of complaint, in the order of the file."""
        return tuple(self.blames)


@cache
def grammar() -> Grammar:
    """Return the grammar that stands beside this module."""
    path = Path(__file__).with_name("reviews.toml")
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    for name, value in data.items():
        nested = isinstance(value, dict)
        data[name] = {key: tuple(words) for key, words in value.items()} if nested else tuple(value)
    return Grammar(**data)


def compose(rating: int, kind: str, uniforms: Sequence[float]) -> str:
    """Write one review.

    Parameters
    ----------
    rating
        From 1 to 5.
    kind
        A kind of complaint (`Grammar.kinds`) when hygiene is blamed, else ``""``.
    uniforms
        `UNIFORMS` numbers in [0, 1): all the chance that the text needs.

    Examples
    --------
    >>> compose(1, "toilettes", [0.0] * 3 + [0.3] + [0.9] * 8)
    "Venus à six un jour de marché. Toilettes repoussantes, ni savon ni papier. Trop cher pour ce que c'est."
    """
    words = grammar()
    pool = words.good if rating >= 4 else words.mixed if rating == 3 else words.bad
    parts = [_pick(words.openings, uniforms[0])]
    if kind:
        parts.append(_pick(words.blames[kind], uniforms[1]))
    elif uniforms[1] < 0.06:
        parts.append(_pick(words.speaks, uniforms[2]))
    parts.append(_pick(pool, uniforms[3]))
    if uniforms[4] < 0.45:
        # Another sentence of the same pool: a step of 0.2 to 0.8 of its length never falls on the first.
        parts.append(_pick(pool, (uniforms[3] + 0.2 + 0.6 * uniforms[5]) % 1))
    if uniforms[6] < 0.15:
        # Nobody is wholly of one mind: a good meal has its fault, and the reverse.
        parts.append(_pick(words.mixed, uniforms[7]))
    if kind or rating <= 2:
        parts.append(_pick(words.sorry, uniforms[8]))
    elif rating >= 4:
        parts.append(_pick(words.pleased, uniforms[8]))
    return _filled(" ".join(part for part in parts if part), words.slots, uniforms[9:])


def _pick(choices: Sequence[str], uniform: float) -> str:
    return choices[int(uniform * len(choices))]


def _filled(text: str, slots: Mapping[str, tuple[str, ...]], uniforms: Sequence[float]) -> str:
    """Fill every hole; one word of a slot serves the whole review."""
    if "{" not in text:
        return text
    for rank, (slot, words) in enumerate(slots.items()):
        word = _pick(words, uniforms[rank % 3])
        text = text.replace(f"{{{slot}}}", word)
        text = text.replace(f"{{{slot.capitalize()}}}", word[0].upper() + word[1:])
    return text

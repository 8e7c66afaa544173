"""What an experience is about, with the sentences that say it, and which official sheets speak of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from eclaireur.bricks.semantic.outline import flat, sentences
from eclaireur.bricks.semantic.pattern_files import read_pattern_file

__all__ = ["Said", "Theme", "read_themes", "themes", "themes_of"]


@dataclass(frozen=True, slots=True)
class Theme:
    """A theme: what says it in an experience, what names it in the title of a sheet."""

    name: str
    says: re.Pattern[str]
    sheets: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Said:
    """A theme that a text speaks of, how many times, and its first sentence ``[start, end)`` that does."""

    theme: str
    start: int
    end: int
    times: int


def read_themes(path: Path) -> tuple[Theme, ...]:
    """Read a file of themes.

    Raises
    ------
    ConfigError
        If it is not TOML, a key is missing or an expression is wrong.
    """
    return read_pattern_file(
        path,
        lambda data: tuple(
            Theme(one["name"], re.compile("|".join(one["says"])), re.compile("|".join(one["sheets"])))
            for one in data["theme"]
        ),
    )


@cache
def themes() -> tuple[Theme, ...]:
    """Return the themes of the file beside this module."""
    return read_themes(Path(__file__).with_name("themes.toml"))


def themes_of(text: str, known: Sequence[Theme] | None = None) -> tuple[Said, ...]:
    """Return the themes of a text, those said most often first.

    >>> [one.theme for one in themes_of("Mon passeport et ma carte d'identité. J'attends ma carte grise.")]
    ["carte d'identité et passeport", 'carte grise']
    """
    plain = flat(text)
    found = []
    places: list[tuple[int, int]] | None = None
    for theme in known or themes():
        hits = [one.start() for one in theme.says.finditer(plain)]
        if hits:
            places = places or sentences(text)
            start, end = next((a, b) for a, b in places if a <= hits[0] < b)
            found.append(Said(theme.name, start, end, len(hits)))
    return tuple(sorted(found, key=lambda one: -one.times))

"""Places found in a text by their names, in a table that the user supplies; none is bundled."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from eclaireur.bricks.semantic.normalise import plain

__all__ = ["Place", "Places"]

_WORD = re.compile(r"[^\W_]+")
_BETWEEN = re.compile(r"[\s'’ʼ-]{1,3}")
_SHORT = {"st": "saint", "ste": "sainte"}
_ARTICLES = {"le": ("du", "au"), "les": ("des", "aux")}
_CODE_BEFORE = re.compile(r"\b(\d{5})\s{1,2}$")
_CODE_AFTER = re.compile(r"\s?[(–-]\s?(\d{5}|\d{2,3}|2[AB])\b")
_CUE = re.compile(r"([^\W_]+(?:['’]|\s+))$")
_MORE = re.compile(r"(?! Cedex| CEDEX)[ -][A-ZÀ-ÖØ-Þ][^\W_]")
_LONGEST = 12


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A place: characters ``[start, end)``, its name in the table, its code, empty when several bear it."""

    start: int
    end: int
    name: str
    code: str


@dataclass(frozen=True, slots=True)
class Places:
    """Names of a table, by their words.

    Parameters
    ----------
    named
        Names and codes by the plain words of a name.
    cues
        Plain words after which a name of one word is a place.
    longest
        Words of the longest name.
    """

    named: Mapping[tuple[str, ...], tuple[tuple[str, str], ...]]
    cues: frozenset[str]
    longest: int

    @classmethod
    def of(cls, rows: Iterable[tuple[str, str]], *, cues: Iterable[str] = ()) -> Places:
        """Read names and codes; a name that begins by « Le » is also known after « du » or « au ».

        Examples
        --------
        >>> known = Places.of([("Saint-Étienne", "42218"), ("Le Havre", "76351")], cues=["a"])
        >>> [(one.name, one.code) for one in known.found("De ST ETIENNE au Havre.")]
        [('Saint-Étienne', '42218'), ('Le Havre', '76351')]
        """
        named: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        for name, code in rows:
            key = _key(_WORD.findall(name))
            if not key or len(key) > _LONGEST:
                continue
            row = name.strip(), code.strip()
            keys = [key, *((one, *key[1:]) for one in _ARTICLES.get(key[0], ()) if len(key) > 1)]
            for one in keys:
                rest = named.setdefault(one, [])
                if row not in rest:
                    rest.append(row)
        kept = {key: tuple(rows) for key, rows in named.items()}
        return cls(kept, frozenset(cues), max(map(len, kept), default=0))

    def found(self, text: str) -> list[Place]:
        """Return the places of a text, the longest name first, without overlap.

        A name begins by a capital. A name of one word also needs a word or a code that announces a place,
        since many communes bear the name of a usual word or of a person. When several communes bear a name,
        the postal code before it or the département after it, « (57) », tells which.
        """
        places = [one.span() for one in _WORD.finditer(text)]
        keys = _key([text[start:end] for start, end in places])
        found: list[Place] = []
        at = 0
        while at < len(places):
            size = self._longest(text, places, keys, at)
            if size:
                found.append(self._place(text, places[at][0], places[at + size - 1][1], keys[at : at + size]))
            at += max(1, size)
        return found

    def _longest(self, text: str, places: Sequence[tuple[int, int]], keys: tuple[str, ...], at: int) -> int:
        start = places[at][0]
        if not (text[start].isupper() or keys[at] in {"du", "au", "des", "aux"}):
            return 0
        most = 1
        for step in range(1, min(self.longest, len(places) - at)):
            if not _BETWEEN.fullmatch(text, places[at + step - 1][1], places[at + step][0]):
                break
            most = step + 1
        for size in range(most, 0, -1):
            if keys[at : at + size] not in self.named:
                continue
            if size == 1 and not self._announced(text, start, places[at][1]):
                continue
            if not text[start].isupper() and not text[places[at + 1][0]].isupper():
                continue
            return size
        return 0

    def _announced(self, text: str, start: int, end: int) -> bool:
        if _MORE.match(text, end):
            # Part of a longer name that the table does not have: « Grand Paris », « Bois-Colombes ».
            return False
        before = text[max(0, start - 20) : start]
        cue = _CUE.search(before)
        return bool(
            _CODE_BEFORE.search(before)
            or _CODE_AFTER.match(text, end)
            or (cue and plain(cue[1]) in self.cues)
        )

    def _place(self, text: str, start: int, end: int, key: tuple[str, ...]) -> Place:
        rows = self.named[key]
        if key[0] in {"du", "au", "des", "aux"}:
            # « au Havre »: the name begins after the preposition.
            start += len(key[0]) + 1
        near = _CODE_BEFORE.search(text[max(0, start - 8) : start]) or _CODE_AFTER.match(text, end)
        kept = rows
        if near:
            there = near[1] if near[1][:2] in {"97", "98"} else near[1][:2]
            kept = tuple(row for row in rows if row[1].startswith(there[:3])) or rows
        return Place(start, end, kept[0][0], kept[0][1] if len(kept) == 1 else "")


def _key(words: Iterable[str]) -> tuple[str, ...]:
    return tuple(_SHORT.get(one, one) for one in map(plain, words))

"""What a letter asks for, by when, under which text, for how much: each with the sentence that says it."""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from eclaireur.bricks.semantic.outline import Part, Patterns, flat, parts, sentences
from eclaireur.bricks.semantic.references import cited, dates

__all__ = ["Demand", "amounts", "deadline", "demands"]

_NUMBERS = {
    "un": 1, "une": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "six": 6, "sept": 7, "huit": 8,
    "neuf": 9, "dix": 10, "douze": 12, "quinze": 15, "dix-huit": 18, "vingt": 20,
    "vingt-quatre": 24, "trente": 30,
}  # fmt: skip
_DELAY = re.compile(
    r"\b(?:sous|dans (?:un|le) delai (?:maximal )?(?:de|d')|dans les|d'ici|avant)\s*(?:un delai de )?"
    rf"(?P<count>\d{{1,3}}|{'|'.join(sorted(_NUMBERS, key=len, reverse=True))})\s+(?:\(\d{{1,3}}\)\s+)?"
    r"(?P<unit>jours?|semaines?|mois|ans?)\b"
)
_BEFORE = re.compile(r"\b(?:avant|d'ici|au plus tard|jusqu'au)(?:\s+(?:le|au|du|la date du))?\s*$")
_NEAR = 30
_AMOUNT = re.compile(
    r"(?<![\w,.])(?P<whole>\d{1,3}(?:[ \u00a0\u202f.]\d{3})+|\d{1,12})(?:,(?P<cents>\d{1,2}))?\s?"
    r"(?P<scale>k|M|millions? d['’])?\s?(?:€|euros?\b)"
)


@dataclass(frozen=True, slots=True)
class Demand:
    """A sentence ``[start, end)`` that asks, its part, its deadline, the words that set it, what it cites."""

    start: int
    end: int
    part: str
    text: str
    due: date | None
    delay: str
    references: tuple[str, ...]
    amounts: tuple[float, ...]


def demands(
    text: str, patterns: Patterns, *, sent: date, cut: Sequence[Part] | None = None
) -> tuple[Demand, ...]:
    """Return the demands of a letter, in order.

    Parameters
    ----------
    sent
        Day of the letter, from which a delay in words is counted.
    cut
        Parts of the letter, when they are known; by default, those that the patterns find.
    """
    found = []
    for part in parts(text, patterns) if cut is None else cut:
        for start, end in sentences(text, part.start, part.end):
            said = " ".join(text[start:end].split())
            plain = flat(said)
            if not any(one.search(plain) for one in patterns.asks):
                continue
            if any(one.search(plain) for one in patterns.not_asks):
                continue
            due, delay = deadline(said, sent)
            sources = tuple(one.value for one in cited(said))
            euros = tuple(value for _, _, value in amounts(said))
            found.append(Demand(start, end, part.kind, said, due, delay, sources, euros))
    return tuple(found)


def deadline(text: str, sent: date) -> tuple[date | None, str]:
    """Return the earliest deadline that a text sets, and the words that set it.

    Examples
    --------
    >>> deadline("Je vous demande, sous deux mois, de justifier ce choix.", date(2024, 12, 31))
    (datetime.date(2025, 2, 28), 'sous deux mois')
    >>> deadline("à transmettre avant le 31 mars 2024", date(2024, 1, 5))
    (datetime.date(2024, 3, 31), 'avant le 31 mars 2024')
    >>> deadline("l'inspection du 5 juin 2023", date(2024, 1, 5))
    (None, '')
    """
    plain = flat(text)
    found = []
    for match in _DELAY.finditer(plain):
        count = match["count"]
        number = int(count) if count.isdecimal() else _NUMBERS[count]
        day = _later(sent, number, match["unit"])
        if day is not None:
            found.append((day, text[match.start() : match.end()]))
    for start, end, day in dates(text):
        before = _BEFORE.search(plain[max(0, start - _NEAR) : start])
        if before is not None:
            found.append((day, text[max(0, start - _NEAR) + before.start() : end]))
    return min(found) if found else (None, "")


def _later(day: date, count: int, unit: str) -> date | None:
    """Add a delay to a day; the 31st plus a month is the last day of a shorter month."""
    try:
        if unit.startswith(("jour", "semaine")):
            return day + timedelta(days=count * (7 if unit.startswith("semaine") else 1))
        months = day.year * 12 + day.month - 1 + count * (1 if unit == "mois" else 12)
        year, month = divmod(months, 12)
        return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
    except (ValueError, OverflowError):
        return None


def amounts(text: str) -> tuple[tuple[int, int, float], ...]:
    """Return the amounts in euros: start, end and value.

    >>> [value for _, _, value in amounts("1 250,50 € puis 3 M€ et 12 euros")]
    [1250.5, 3000000.0, 12.0]
    """
    found = []
    for match in _AMOUNT.finditer(text):
        whole = re.sub(r"\D", "", match["whole"])
        value = float(f"{whole}.{match['cents'] or 0}")
        scale = {"": 1.0, "k": 1e3}.get(match["scale"] or "", 1e6)
        found.append((match.start(), match.end(), value * scale))
    return tuple(found)

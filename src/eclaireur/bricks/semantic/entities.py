"""Dates, amounts, organisations, persons, places and references of a text: rules, and a table of places.

The words that rules look for are data (``entities.toml``). Places come from a table that the user supplies
(`places`); spans learnt from annotated texts (`entities_learnt`) or by a package of spaCy (`entities_spacy`)
are added where rules say nothing.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from eclaireur.bricks.semantic.demands import amounts
from eclaireur.bricks.semantic.normalise import plain
from eclaireur.bricks.semantic.outline import flat
from eclaireur.bricks.semantic.places import Places
from eclaireur.bricks.semantic.references import cited, dates

__all__ = ["KINDS", "Entity", "entities", "known_places", "partial_dates"]

KINDS = ("amount", "date", "organisation", "person", "place", "reference")
"""What rules find; a learnt model brings its own kinds."""

_MONTHS = (
    "janvier", "fevrier", "mars", "avril", "mai", "juin", "juillet", "aout", "septembre", "octobre",
    "novembre", "decembre",
)  # fmt: skip
_MONTH = re.compile(
    rf"\b(?:(?P<day>1er|\d{{1,2}})\s+)?(?P<month>{'|'.join(_MONTHS)})(?:\s+(?P<year>(?:19|20)\d{{2}}))?\b"
)
_ISO = re.compile(r"\b(?P<year>(?:19|20)\d{2})-(?P<month>0[1-9]|1[0-2])(?:-(?P<day>0[1-9]|[12]\d|3[01]))?\b")
_DOTS = re.compile(
    r"(?<![\d.])(?P<day>\d{1,2})(?P<sign>[./-])(?P<month>\d{1,2})(?P=sign)(?P<year>(?:19|20)?\d{2})(?![\d.]*\d)"
)
_YEAR = re.compile(
    r"\b(?:en|depuis|annee|annees|fin|debut|courant|avant|apres|entre|jusqu'en|exercice|et|de|a)\s+(?P<year>(?:19|20)\d{2})\b"
    r"(?!\s*(?:€|euros?|habitants?|m2|m²|kg|km|personnes?|[-–/.]\d))"
)
_TOGETHER = re.compile(r"\b(?:de|entre|a|et)\s+(?:19|20)\d{2}\b")
_ALONE_MONTHS = frozenset(("mars", "mai"))
_PIVOT = 69
"""Years of two figures up to this one are of this century (POSIX)."""
_NAME = r"(?:[A-ZÀ-ÖØ-Þ][\w’'-]*\w|[A-ZÀ-ÖØ-Þ](?:\.{1,3}|…)?)"
_PARTICLE = r"(?:de\s+la\s+|de\s+|du\s+|des\s+|d['’]|le\s+|van\s+|von\s+|el\s+|ben\s+)?"
_NAMES = rf"{_PARTICLE}{_NAME}(?:[ \u00a0\u202f-]{_PARTICLE}{_NAME}){{0,3}}"
_FULL_NAME = re.compile(
    r"\b(?P<first>[A-ZÀ-ÖØ-Þ][a-zà-öø-ÿ]+(?:-[A-ZÀ-ÖØ-Þ][a-zà-öø-ÿ]+)?)\s(?P<last>[A-ZÀ-ÖØ-Þ][A-ZÀ-ÖØ-Þ'’-]{2,})\b"
)
_TAIL = re.compile(
    r"(?:\s+(?:(?:et\s+)?(?:de\s+l['’]\s?|de\s+la\s+|du\s+|des\s+|de\s+|d['’]\s?)|pour\s+la\s+|à\s+la\s+|aux\s+)[\w’'-]+|"
    r"\s+[A-ZÀ-ÖØ-Þ][\w’'-]*|"
    r"\s+(?:publique?s?|social\w*|national\w*|région\w*|départemental\w*|administrati\w+|civile?|universitaire|"
    r"familiales?|naturel\w*|nucléaire))*"
)
_CAPITAL = re.compile(r"(?:^|[\s'’-])[A-ZÀ-ÖØ-Þ]")
_ORDER = ("reference", "date", "amount", "person", "organisation", "place")
_LONGEST = 120


@dataclass(frozen=True, slots=True, order=True)
class Entity:
    """Something named: characters ``[start, end)``, its kind (`KINDS`, or a model's) and its value.

    Values: a date as ``AAAA-MM-JJ``, ``AAAA-MM``, ``AAAA`` or ``--MM-JJ`` (no year), an amount in euros, the
    name of a person without the title, the code and name of a place, a reference as `references.cited` says.
    """

    start: int
    end: int
    kind: str
    value: str


@dataclass(frozen=True, slots=True)
class _Rules:
    organisation: re.Pattern[str]
    named: re.Pattern[str]
    firm: re.Pattern[str]
    acronym: re.Pattern[str]
    person: re.Pattern[str]
    not_names: frozenset[str]
    before_places: tuple[str, ...]


@cache
def _rules() -> _Rules:
    data: dict[str, Any] = tomllib.loads(
        Path(__file__).with_name("entities.toml").read_text(encoding="utf-8")
    )
    firms = "|".join(sorted(data["firms"], key=len, reverse=True))
    return _Rules(
        organisation=re.compile(rf"\b(?:{'|'.join(data['organisations'] + data['named_organisations'])})\b"),
        named=re.compile(rf"(?:{'|'.join(data['named_organisations'])})"),
        firm=re.compile(rf"\b(?:[Ll]a\s+)?(?P<head>{firms})\s+(?:anonyme\s+)?(?P<name>{_NAMES})"),
        acronym=re.compile(rf"\b(?:{'|'.join(data['acronyms'])})\b(?!-)"),
        person=re.compile(rf"(?<!\w)(?:{'|'.join(data['titles'])})\s+(?P<name>{_NAMES})"),
        not_names=frozenset(data["not_names"]),
        before_places=tuple(data["before_places"]),
    )


def known_places(rows: Iterable[tuple[str, str]]) -> Places:
    """Make a table of places of names and codes, with the words that announce a place in French."""
    return Places.of(rows, cues=_rules().before_places)


def entities(
    text: str,
    *,
    places: Places | None = None,
    also: Sequence[Callable[[str], Iterable[tuple[int, int, str]]]] = (),
    kinds: Iterable[str] = KINDS,
) -> tuple[Entity, ...]:
    """Return what a text names, in order, without overlap.

    Parameters
    ----------
    text
        Any text, as characters.
    places
        Table of places (`known_places`); without, no place is found by rules.
    also
        Other finders of spans, such as `entities_learnt.SpanTagger.spans`: kept where rules found nothing.
    kinds
        Which kinds of the rules to look for.

    Examples
    --------
    >>> text = "Le 3 mai 2021, Mme Claire DUPONT a payé 1 200 € à la CPAM."
    >>> [(one.kind, one.value) for one in entities(text)]
    [('date', '2021-05-03'), ('person', 'Claire DUPONT'), ('amount', '1200'), ('organisation', 'CPAM')]
    """
    asked = set(kinds)
    finders: dict[str, Callable[[], Iterable[Entity]]] = {
        "reference": lambda: (Entity(one.start, one.end, "reference", one.value) for one in cited(text)),
        "date": lambda: partial_dates(text),
        "amount": lambda: (
            Entity(a, b, "amount", f"{value:.2f}".removesuffix(".00")) for a, b, value in amounts(text)
        ),
        "person": lambda: _persons(text),
        "organisation": lambda: _organisations(text),
        "place": lambda: (
            ()
            if places is None
            else (
                Entity(one.start, one.end, "place", f"{one.code} {one.name}".strip())
                for one in places.found(text)
            )
        ),
    }
    kept: list[Entity] = []
    for kind in _ORDER:
        if kind in asked:
            kept = _merged(kept, finders[kind]())
    for finder in also:
        kept = _merged(kept, (Entity(a, b, kind, text[a:b]) for a, b, kind in finder(text)))
    return tuple(kept)


def _merged(kept: Sequence[Entity], more: Iterable[Entity]) -> list[Entity]:
    """Add what overlaps nothing that is kept already, the longest first."""
    found, at = list(kept), sorted(kept)
    taken = bytearray(max((one.end for one in at), default=0) + 1)
    for one in at:
        taken[one.start : one.end] = b"\1" * (one.end - one.start)
    for one in sorted(more, key=lambda one: (one.start - one.end, one)):
        if not any(taken[one.start : one.end]):
            found.append(one)
            taken.extend(bytes(max(0, one.end - len(taken))))
            taken[one.start : one.end] = b"\1" * (one.end - one.start)
    return sorted(found)


def partial_dates(text: str) -> tuple[Entity, ...]:
    """Return every calendar date, whole or not: day, month or year.

    Examples
    --------
    >>> [one.value for one in partial_dates("en mars 2021, le 12.03.21, avant le 3 mai et depuis 2019")]
    ['2021-03', '2021-03-12', '--05-03', '2019']
    """
    whole = [Entity(start, end, "date", day.isoformat()) for start, end, day in dates(text)]
    base = flat(text)
    return tuple(_merged(whole, (*_months(base), *_figures(base), *_years(base))))


def _months(base: str) -> Iterator[Entity]:
    for one in _MONTH.finditer(base):
        day, month, year = one["day"], _MONTHS.index(one["month"]) + 1, one["year"]
        if not year and not day:
            # « mars », alone, is also a planet, and « mai » is rare without a day or a year.
            continue
        number = int(day.removesuffix("er")) if day else 0
        if number > 31:
            continue
        value = f"{year or '-'}-{month:02d}" + (f"-{number:02d}" if number else "")
        yield Entity(one.start(), one.end(), "date", value)


def _figures(base: str) -> Iterator[Entity]:
    for pattern in (_ISO, _DOTS):
        for one in pattern.finditer(base):
            year = int(one["year"])
            if len(one["year"]) == 2:
                year += 2000 if year <= _PIVOT else 1900
            month, day = int(one["month"]), int(one["day"] or 0)
            if 1 <= month <= 12 and day <= 31:
                value = f"{year}-{month:02d}" + (f"-{day:02d}" if day else "")
                yield Entity(one.start(), one.end(), "date", value)


def _years(base: str) -> Iterator[Entity]:
    for one in _YEAR.finditer(base):
        yield Entity(one.start("year"), one.end("year"), "date", one["year"])


def _persons(text: str) -> Iterator[Entity]:
    rules = _rules()
    for one in rules.person.finditer(text):
        if plain(one["name"].split()[0]) not in rules.not_names:
            yield Entity(one.start("name"), one.end("name"), "person", " ".join(one["name"].split()))
    for one in _FULL_NAME.finditer(text):
        if not rules.acronym.fullmatch(one["last"]) and not rules.organisation.search(flat(one.group())):
            yield Entity(one.start(), one.end(), "person", " ".join(one.group().split()))


def _organisations(text: str) -> Iterator[Entity]:
    rules = _rules()
    for one in rules.organisation.finditer(flat(text)):
        tail = _TAIL.match(text, one.end(), one.end() + _LONGEST)
        end = tail.end() if tail else one.end()
        if rules.named.fullmatch(one.group()) and not _CAPITAL.search(text[one.end() : end]):
            continue
        yield Entity(one.start(), end, "organisation", " ".join(text[one.start() : end].split()))
    for one in rules.firm.finditer(text):
        yield Entity(
            one.start("head"),
            one.end(),
            "organisation",
            " ".join(text[one.start("head") : one.end()].split()),
        )
    for one in rules.acronym.finditer(text):
        yield Entity(one.start(), one.end(), "organisation", one.group())

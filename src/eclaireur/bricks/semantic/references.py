"""What a French administrative text cites: articles of codes, laws, decrees, case numbers, dates."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

__all__ = ["Reference", "cited", "dates"]

_MONTHS = ("janvier", "fevrier", "mars", "avril", "mai", "juin", "juillet", "aout", "septembre", "octobre")
_MONTH = {name: number for number, name in enumerate((*_MONTHS, "novembre", "decembre"), start=1)}

_NUMBER = r"[LRDA]?\.?\s?\*?\s?\d{1,4}(?:[-.]\d{1,4}){0,4}(?:\s(?:bis|ter|quater)\b)?(?:\s[A-Z]\b(?![’'.]))?"
_ARTICLES = re.compile(
    rf"\barticles?\s+(?P<list>{_NUMBER}(?:\s?(?:,|et|ou|à)\s+(?:de l['’]article\s+)?{_NUMBER}){{0,9}})"
    r"(?:[^.;\n]{0,40}?\s(?:du|de la|de l['’])\s?(?P<code>(?:code|livre|loi|décret|convention|règlement|"
    r"ordonnance|arrêté)\b[^,.;:()\n]{0,70}))?",
    re.IGNORECASE,
)
_ONE_ARTICLE = re.compile(_NUMBER)
_ENDS = re.compile(
    r"\s+(?:dans|en|que|qui|dont|pour|relative?s?|issue?s?|ou|sur|par|ne|est|sont|a|au|aux|mise?|n['’]\w+|"
    r"alors|applicables?|précité\w*|doit|font|fait|et\s+(?:de|au|à|la|le|les|l['’]\w+|des|du))\b.*$",
    re.IGNORECASE | re.DOTALL,
)
_ACT = re.compile(
    r"\b(?P<kind>loi|décret|ordonnance|arrêté|règlement|directive)(?:\s\((?:UE|CE)\))?\s+"
    r"n[°o]\s?(?P<number>\d{2,4}[-/]\d{1,5})",
    re.IGNORECASE,
)
_CASE = re.compile(r"\bn[°os]{1,2}\s?(?P<number>\d{6}|\d{2}[A-Z]{2}\d{5}|\d{7})\b")
_DATE = re.compile(
    r"\b(?P<day>1er|\d{1,2})\s+(?P<month>janvier|f[ée]vrier|mars|avril|mai|juin|juillet|ao[ûu]t|septembre|"
    r"octobre|novembre|d[ée]cembre)\s+(?P<year>(?:19|20)\d{2})\b|"
    r"\b(?P<dd>\d{1,2})/(?P<mm>\d{1,2})/(?P<yyyy>(?:19|20)\d{2})\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True, order=True)
class Reference:
    """Something cited: characters ``[start, end)``, kind and the form under which it is counted."""

    start: int
    end: int
    kind: str
    value: str


def cited(text: str) -> tuple[Reference, ...]:
    """Return the references of a text in order: ``article``, ``act`` (law, decree…) and ``case``.

    Examples
    --------
    >>> [one.value for one in cited("l'article L. 761-1 du code de justice administrative")]
    ['L. 761-1 du code de justice administrative']
    >>> [one.value for one in cited("le décret n° 2009-1052 et la décision n° 405548")]
    ['décret n° 2009-1052', 'n° 405548']
    """
    found = list(_articles(text)) if "rticle" in text or "RTICLE" in text else []
    for act in _ACT.finditer(text):
        value = f"{act['kind'].lower()} n° {act['number']}"
        found.append(Reference(act.start(), act.end(), "act", value))
    for case in _CASE.finditer(text):
        found.append(Reference(case.start(), case.end(), "case", f"n° {case['number']}"))
    return tuple(sorted(found))


def dates(text: str) -> tuple[tuple[int, int, date], ...]:
    """Return the dates written in full or with slashes: start, end and day; impossible ones are left.

    Examples
    --------
    >>> dates("le 1er août 2021")
    ((3, 16, datetime.date(2021, 8, 1)),)
    """
    found = []
    for one in _DATE.finditer(text):
        if one["month"]:
            plain = unicodedata.normalize("NFKD", one["month"].lower()).encode("ascii", "ignore").decode()
            parts = int(one["year"]), _MONTH[plain], int(one["day"].lower().removesuffix("er"))
        else:
            parts = int(one["yyyy"]), int(one["mm"]), int(one["dd"])
        try:
            found.append((one.start(), one.end(), date(*parts)))
        except ValueError:
            continue
    return tuple(found)


def _articles(text: str) -> Iterator[Reference]:
    for match in _ARTICLES.finditer(text):
        source = _ENDS.sub("", " ".join((match["code"] or "").lower().replace("’", "'").split()))
        for number in _ONE_ARTICLE.finditer(match["list"]):
            plain = _tidy(number.group())
            if not source and plain.isdigit():
                # « Article 2 : » of the operative part cites nothing.
                continue
            value = (
                f"{plain} du {source}" if source.startswith(("code", "livre", "décret", "règl")) else plain
            )
            if source and value == plain:
                value = f"{plain} de {_article(source)}{source}"
            start = match.start("list") + number.start()
            yield Reference(start, start + len(number.group()), "article", value)


def _article(source: str) -> str:
    return "l'" if source.startswith(("ord", "arr")) else "la "


def _tidy(number: str) -> str:
    return re.sub(r"^([LRDA])\.?\s?", r"\1. ", " ".join(number.split()))

"""Fictitious inspection letters of several years and sites, with the truth of their parts and demands.

Written for the project: no sentence comes from a real letter. One letter in three was badly
scanned.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate

from eclaireur.core import french

__all__ = ["SITES", "TOPICS", "TOWNS", "Letter", "generate"]

TOPICS = {
    "S01": ("la détection d'incendie", "les extincteurs", "une porte coupe-feu", "le permis de feu"),
    "S02": ("le port du dosimètre", "la zone contrôlée", "l'ambiance radiologique", "le contrôle de sortie"),
    "S03": (
        "l'entreposage des déchets",
        "la filière d'évacuation",
        "l'étiquetage des fûts",
        "le zonage déchets",
    ),
    "S04": (
        "la rétention d'effluents",
        "le rejet en rivière",
        "la surveillance de la nappe",
        "l'étanchéité des cuves",
    ),
    "S05": (
        "la requalification du matériel",
        "l'essai périodique",
        "la maintenance des pompes",
        "le critère d'essai",
    ),
}
"""Topics by made-up code, with what their sentences speak of."""

SITES = ("Port-Clair", "Valmorte", "Les Ormes", "Hautefontaine", "Brisevent")
"""Made-up sites."""

TOWNS = {
    "Port-Clair": ("Saint-Elme-du-Port", "90101"),
    "Valmorte": ("Valmorte-les-Bains", "90102"),
    "Les Ormes": ("Orméville", "90103"),
    "Hautefontaine": ("Fontaine-le-Haut", "90104"),
    "Brisevent": ("Le Brisan", "90105"),
}
"""Made-up communes of the sites, with made-up codes."""

_SIGHTED = (
    "Les inspecteurs ont examiné {thing} lors de la visite du bâtiment {count}.",
    "L'organisation retenue pour {thing} est apparue satisfaisante.",
    "Les inspecteurs ont relevé que {thing} n'était pas conforme à la décision n° 2013-1171.",
)
_ASKED = (
    "Je vous demande de me transmettre, {delay}, un état complet portant sur « {thing} ».",
    "Nous vous demandons de remettre en conformité {thing} {delay}.",
    "Selon l'article L. 593-33 du code de l'environnement, il vous est demandé de justifier {thing} {delay}.",
)
_DELAYS = (
    ("sous deux mois", 2),
    ("dans un délai de trois mois", 3),
    ("sous un mois", 1),
    ("sous 6 mois", 6),
    ("avant le {day}", 4),
    ("dans les meilleurs délais", 0),
)
_TITLES = (
    ("corrective", "A. DEMANDES D'ACTIONS CORRECTIVES"),
    ("complements", "B. COMPLÉMENTS D'INFORMATION"),
    ("observations", "C. OBSERVATIONS"),
)
_NEWER = (
    ("corrective", "I. DEMANDES À TRAITER PRIORITAIREMENT"),
    ("complements", "II. AUTRES DEMANDES"),
    ("observations", "III. CONSTATS OU OBSERVATIONS N'APPELANT PAS DE RÉPONSE"),
)
_NEW_FORM = 2023
_HOUSE = (
    ("corrective", "Ce que nous attendons de vous"),
    ("complements", "Points à nous préciser"),
    ("observations", "Pour votre information"),
)
"""Titles of an office that writes in its own way: no pattern knows them."""
_MARK = "\x01"
_MISREAD = (("O", "0"), ("I", "l"), ("É", "E"), ("rn", "m"), ("li", "ll"))


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter: number, site, day, text, and the truth: its parts, deadlines of its demands."""

    number: str
    site: str
    day: date
    text: str
    parts: tuple[str, ...]
    due: tuple[date | None, ...]
    scanned: bool
    begins: tuple[tuple[int, str], ...]

    @property
    def marked(self) -> str:
        """Where its parts begin, as the column ``parts`` says it."""
        return " ".join(f"{kind}:{start}" for start, kind in self.begins)


def generate(count: int, *, seed: int, house: bool = False) -> list[Letter]:
    """Write letters over three years; from 2023 they follow a newer form.

    Parameters
    ----------
    house
        Titles are those of an office that writes in its own way, in small letters.
    """
    draw = random.Random(seed)  # noqa: S311 - made-up data
    days = sorted(date(2021, 3, 1) + timedelta(days=draw.randrange(1200)) for _ in range(count))
    return [_letter(number, day, draw, house=house) for number, day in enumerate(days, start=1)]


def _letter(number: int, day: date, draw: random.Random, *, house: bool) -> Letter:
    site = draw.choice(SITES)
    name = f"INSSN-{day.year}-{number:04d}"
    visited = day - timedelta(days=draw.randint(10, 40))
    titles = _HOUSE if house else _NEWER if day.year >= _NEW_FORM else _TITLES
    scanned = draw.random() < 1 / 3
    due: list[date | None] = []
    pages = [
        f"Référence : {name}\nMonsieur le directeur du site de {site}, commune de {TOWNS[site][0]}",
        f"Objet : inspection du {french.day(visited)} sur le thème « {_thing(draw)} ».",
        # The synthesis quotes the titles of later parts, as real ones do.
        f"{_MARK}SYNTHÈSE DE L'INSPECTION\n" + _said(draw, 3) + "\n"
        "Les écarts relevés font l'objet de demandes d'actions correctives et d'observations.",
    ]
    for kind, title in titles:
        lines = [_said(draw, 1)]
        for _ in range(draw.randint(1, 3) if kind != "observations" else 0):
            sentence, when = _asked(day, draw)
            due.append(when)
            lines += [sentence, _said(draw, 1)]
        pages.append(_MARK + title + "\n" + "\n".join(lines))
    pages.append(f"{_MARK}Vous voudrez bien me faire part de vos remarques et réponses sous deux mois.")
    text = "\n\n".join(pages)
    kinds = ("head", "synthesis", *(kind for kind, _ in titles), "closing")
    text, begins = _unmarked(_scan(text, draw) if scanned else text, kinds[1:])
    return Letter(name, site, day, text, kinds, tuple(due), scanned, begins)


def _unmarked(text: str, kinds: Sequence[str]) -> tuple[str, tuple[tuple[int, str], ...]]:
    """Take the marks out; say where each stood."""
    pieces = text.split(_MARK)
    starts = accumulate(map(len, pieces[:-1]))
    return "".join(pieces), tuple(zip(starts, kinds, strict=True))


def _thing(draw: random.Random) -> str:
    return draw.choice(TOPICS[draw.choice(sorted(TOPICS))])


def _said(draw: random.Random, count: int) -> str:
    return " ".join(
        draw.choice(_SIGHTED).format(thing=_thing(draw), count=draw.randint(1, 9)) for _ in range(count)
    )


def _asked(day: date, draw: random.Random) -> tuple[str, date | None]:
    words, months = draw.choice(_DELAYS)
    due = _months_later(day, months) if months else None
    delay = words.format(day=french.day(due) if due else "")
    return draw.choice(_ASKED).format(thing=_thing(draw), delay=delay), due


def _months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    first = date(year, month + 1, 1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return first.replace(day=min(day.day, last.day))


def _scan(text: str, draw: random.Random) -> str:
    """Misread titles and a few words, space titles out, and print a page number between two lines."""
    lines: list[str] = []
    for line in text.splitlines():
        if line.isupper():
            lines.append(_misread(line, draw))
        else:
            lines.append(" ".join(_spoilt(line.split(" "), draw)))
        if draw.random() < 0.1:
            lines.append(f"{draw.randint(1, 9)}/9")
    return "\n".join(lines)


def _misread(title: str, draw: random.Random) -> str:
    right, wrong = draw.choice(_MISREAD[:3])
    return title.replace(right, wrong) + draw.choice(("", " ", " :"))


def _spoilt(words: Sequence[str], draw: random.Random) -> list[str]:
    """Misread one long word in thirty; what asks and what dates is kept: no rule could read it else."""
    kept = []
    for word in words:
        right, wrong = draw.choice(_MISREAD[3:])
        spoil = len(word) > 8 and not word.startswith("demand") and draw.random() < 1 / 30
        kept.append(word.replace(right, wrong) if spoil else word)
    return kept

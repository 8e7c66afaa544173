"""What a reader asks of the documents of a case, within reach, and what is shown of the answer.

The territories of the person are part of the search itself (`access.Reach.areas`): what lies outside is
neither found, nor counted, nor proposed as a spelling.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import lru_cache
from itertools import zip_longest
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from django.http import Http404, QueryDict

from eclaireur.bricks.semantic.index import Search
from eclaireur.core import french
from eclaireur.core.errors import BadValueError
from eclaireur.desk.access import Action
from eclaireur.desk.place import work_on, workspace
from eclaireur.desk.titles import titled
from eclaireur.service import indexing, originals, searching
from eclaireur.service.found import Result, results
from eclaireur.service.suggesting import completions, did_you_mean

if TYPE_CHECKING:
    from eclaireur.bricks.semantic.highlight import Passage
    from eclaireur.bricks.semantic.index import Document, Found
    from eclaireur.core.card import Card
    from eclaireur.desk.access import Reach
    from eclaireur.service.indexing import Origin
    from eclaireur.service.work import RecordsRun

__all__ = [
    "PAGE",
    "Asked",
    "Results",
    "document_within",
    "documents_of",
    "ends_of",
    "pieces",
    "records_of",
    "titles_begun",
    "titles_of",
]

PAGE = 10
_FACET = "f-"
_MOST_PAGES = 200
_SHOWN_VALUES = 12
_FIELDS = {"title": "titre", "section": "rubrique", "body": "texte"}
_MOST_BARS = 48


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was typed and chosen, as the address of the page says it."""

    query: str = ""
    since: str = ""
    until: str = ""
    filters: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    page: int = 1

    @classmethod
    def read(cls, given: QueryDict, facets: Sequence[str]) -> Asked:
        """Read an address or a form; what it has too much is left out."""
        page = given.get("page", "1")
        return cls(
            query=given.get("q", "").replace("\x00", ""),
            since=given.get("du", "")[:20],
            until=given.get("au", "")[:20],
            filters={
                name: tuple(value[:200] for value in given.getlist(_FACET + name)[:20] if value)
                for name in facets
                if any(given.getlist(_FACET + name))
            },
            page=min(max(int(page), 1), _MOST_PAGES) if page.isdecimal() and len(page) < 6 else 1,
        )

    def encode(self, **changes: Any) -> str:
        """Write the address of the same question, with changes; of its first page unless told."""
        one = replace(self, **{"page": 1, **changes})
        made = QueryDict(mutable=True)
        for name, value in (("q", one.query), ("du", one.since), ("au", one.until)):
            if value:
                made[name] = value
        for name, values in one.filters.items():
            made.setlist(_FACET + name, list(values))
        if one.page > 1:
            made["page"] = str(one.page)
        return made.urlencode()

    def toggled(self, facet: str, value: str) -> str:
        """Write the address with a value of a facet chosen, or let go if it was."""
        held = self.filters.get(facet, ())
        values = tuple(one for one in held if one != value) if value in held else (*held, value)
        left = {name: found for name, found in {**self.filters, facet: values}.items() if found}
        return self.encode(filters=left)

    @property
    def plain(self) -> bool:
        """Whether nothing is asked: every document answers."""
        return not (self.query.strip() or self.since or self.until or self.filters)

    def search(self, perimeters: frozenset[str] | None, facets: tuple[str, ...]) -> Search:
        """Return the question to the index, for one document more than a page shows.

        Raises
        ------
        BadValueError
            If a day is not one.
        """
        since, until = _day(self.since, "du"), _day(self.until, "au")
        if since and until and since > until:
            raise BadValueError("le premier jour est après le dernier.", fix="Inversez les deux dates.")
        return Search(
            query=self.query,
            filters=self.filters,
            since=since,
            until=until,
            perimeters=perimeters,
            facets=facets,
            months=True,
            limit=PAGE + 1,
            offset=(self.page - 1) * PAGE,
        )


def _day(text: str, column: str) -> date | None:
    if not text.strip():
        return None
    parts = text.strip().split("/")
    written = "-".join(reversed(parts)) if len(parts) == 3 else text.strip()
    try:
        return date.fromisoformat(written)
    except ValueError as error:
        raise BadValueError(
            f"« {text} » n'est pas une date.", fix="Écrivez-la ainsi : 31/12/2024.", column=column
        ) from error


class Results:
    """The answer to a question, as the page shows it.

    Raises
    ------
    BadValueError
        If the question cannot be read.
    NotFoundError
        If the case has no index yet.
    """

    def __init__(self, card: Card, reach: Reach, asked: Asked) -> None:
        self.asked = asked
        self._card = card
        facets = card.index.facets if card.index else ()
        search = asked.search(reach.areas(Action.SEE, card.name), facets)
        self.found, index = searching.find(workspace(), card.name, search)
        more = len(self.found.hits) > PAGE
        kept = replace(self.found, hits=self.found.hits[:PAGE])
        self.shown = [_Shown(card, asked, one) for one in results(kept, index, search, why=bool(asked.query))]
        self.total = self.found.total or 0
        self.close = [one for one in self.shown if not one.words]
        self.meant = did_you_mean(index, search) if asked.query.strip() else ""
        self.meant_address = asked.encode(query=self.meant)
        self.previous = asked.encode(page=asked.page - 1) if asked.page > 1 else None
        self.next = asked.encode(page=asked.page + 1) if more and asked.page < _MOST_PAGES else None

    @property
    def notes(self) -> tuple[str, ...]:
        """What the reading of the query has to say."""
        return self.found.notes

    @property
    def facets(self) -> list[dict[str, Any]]:
        """Values of each facet with their counts, those chosen first, and where each leads."""
        rows = [_facet(self._card, self.asked, name, self.found) for name in self.found.facets]
        return [row for row in rows if row["values"]]

    @property
    def chosen(self) -> list[tuple[str, str, str]]:
        """What narrows the answer: what it is, its value, and the address without it."""
        titles = titles_of(self._card)
        rows = [
            (titles.get(name, name), value, self.asked.toggled(name, value))
            for name, values in self.asked.filters.items()
            for value in values
        ]
        if self.asked.since or self.asked.until:
            days = " au ".join(_written(one) or "…" for one in (self.asked.since, self.asked.until))
            rows.append(("Du", days, self.asked.encode(since="", until="")))
        return rows

    @property
    def histogram(self) -> _Histogram | None:
        """Documents by month, or by year when they are many; None without dates."""
        return _histogram(self.asked, self.found) if len(self.found.months) > 1 else None


def _written(text: str) -> str:
    try:
        day = _day(text, "")
    except BadValueError:
        return text
    return french.day(day) if day else ""


def titles_of(card: Card) -> dict[str, str]:
    """Return the French titles of the facets of a case, from the fields of its documented tables."""
    titles = {one.name: one.title for table in card.inputs for one in table.fields}
    facets = card.index.facets if card.index else ()
    return {name: titles.get(name, name.replace("_", " ").capitalize()) for name in facets}


def _facet(card: Card, asked: Asked, name: str, found: Found) -> dict[str, Any]:
    held = asked.filters.get(name, ())
    counts = dict(found.facets[name])
    values = [(value, counts.get(value, 0)) for value in held]
    values += [row for row in found.facets[name] if row[0] not in held]
    rows = [(value, n, asked.toggled(name, value), value in held) for value, n in values if value]
    return {
        "name": name,
        "title": titles_of(card)[name],
        "values": rows[:_SHOWN_VALUES],
        "more": rows[_SHOWN_VALUES:],
    }


class _Shown:
    """A document found: its passages in pieces, and in words why it is there."""

    def __init__(self, card: Card, asked: Asked, one: Result) -> None:
        self.document = one.document
        self.words = one.words
        address = QueryDict(mutable=True)
        address["id"] = one.document.id
        if asked.query.strip():
            address["q"] = asked.query[:500]
        self.address = f"/{card.name}/document/?{address.urlencode()}"
        self.title = one.document.title or one.document.id
        self.passages = [pieces(one.document.body, part) for part in one.passages]
        self.pdf = self._pdf(card, one, address)
        self.shown_passages = list(zip_longest(self.passages, self.pdf[: len(self.passages)], fillvalue=""))
        self.start = " ".join(one.document.body[:300].split()) if not one.passages else ""
        by_word: dict[str, list[str]] = {}
        for why in one.why:
            by_word.setdefault(why.asked, []).append(_FIELDS[why.field])
        self.why = [(word, ", ".join(dict.fromkeys(fields))) for word, fields in by_word.items()]

    @staticmethod
    def _pdf(card: Card, one: Result, address: QueryDict) -> list[str]:
        """Return where each passage is in the PDF that was joined; nothing without one."""
        if originals.find(workspace(), card.name, one.document.id) is None:
            return []
        here = f"/{card.name}/document/page/?{address.urlencode()}"
        return [f"{here}&p={part.start}-{part.end}" for part in one.passages] or [here]


def pieces(text: str, part: Passage) -> list[tuple[str, bool]]:
    """Cut a passage into what is marked and what is not.

    Examples
    --------
    >>> from eclaireur.bricks.semantic.highlight import Passage
    >>> pieces("Le budget", Passage(0, 9, ((3, 9),)))
    [('Le ', False), ('budget', True)]
    """
    found, last = [], part.start
    for start, end in part.marks:
        found += [(text[last:start], False), (text[start:end], True)]
        last = end
    found.append((text[last : part.end], False))
    return [one for one in found if one[0]]


@dataclass(frozen=True, slots=True)
class _Histogram:
    """Bars of a figure: place, size, what each counts, and where it leads."""

    unit: str
    bars: tuple[Mapping[str, Any], ...]
    first: str
    last: str
    most: int


def _histogram(asked: Asked, found: Found) -> _Histogram:
    months = dict(found.months)
    names = sorted(months)
    yearly = _apart(names[0], names[-1]) + 1 > _MOST_BARS
    counts: dict[str, int] = {}
    if yearly:
        for year in range(int(names[0][:4]), int(names[-1][:4]) + 1):
            counts[str(year)] = sum(n for name, n in months.items() if name[:4] == str(year))
    else:
        for at in range(_apart(names[0], names[-1]) + 1):
            name = _after(names[0], at)
            counts[name] = months.get(name, 0)
    most = max(counts.values())
    step = 100 / len(counts)
    bars = []
    for at, (name, n) in enumerate(counts.items()):
        first, last = _span(name)
        bars.append(
            {
                "at": at,
                "since": french.day(first),
                "until": french.day(last),
                "name": name if yearly else f"{name[5:]}/{name[:4]}",
                "count": n,
                "x": f"{at * step:.3f}",
                "width": f"{step * 0.86:.3f}",
                "y": f"{40 * (1 - n / most):.2f}",
                "height": f"{40 * n / most:.2f}",
                "address": asked.encode(since=first.isoformat(), until=last.isoformat()),
            }
        )
    shown = [str(bar["name"]) for bar in bars]
    return _Histogram("année" if yearly else "mois", tuple(bars), shown[0], shown[-1], most)


def _apart(first: str, last: str) -> int:
    return (int(last[:4]) - int(first[:4])) * 12 + int(last[5:7]) - int(first[5:7])


def _after(name: str, months: int) -> str:
    year, month = divmod(int(name[:4]) * 12 + int(name[5:7]) - 1 + months, 12)
    return f"{year:04}-{month + 1:02}"


def _span(name: str) -> tuple[date, date]:
    """Return the first and last day of a year or of a month."""
    if len(name) == 4:
        return date(int(name), 1, 1), date(int(name), 12, 31)
    return date.fromisoformat(f"{name}-01"), date.fromisoformat(f"{_after(name, 1)}-01") - timedelta(days=1)


def titles_begun(card: Card, reach: Reach, asked: Asked) -> list[tuple[str, str]]:
    """Return the titles, within reach and filters, that have the words typed, and where each leads."""
    search = asked.search(reach.areas(Action.SEE, card.name), ())
    return [
        (" ".join(one.title.split()), f"/{card.name}/document/?{urlencode({'id': one.id})}")
        for one in titled(searching.opened(workspace(), card.name), search)
    ]


def ends_of(card: Card, reach: Reach, asked: Asked) -> list[str]:
    """Return the words, within reach and filters, that may end the last word typed; see `suggesting`."""
    search = asked.search(reach.areas(Action.SEE, card.name), ())
    return completions(searching.opened(workspace(), card.name), search)


# --- Documents


def document_within(card: Card, reach: Reach, name: str) -> Document:
    """Return a document within reach; else it does not exist."""
    if card.index is None:
        raise Http404
    index = searching.opened(workspace(), card.name)
    found = index.get(name, reach.areas(Action.SEE, card.name))
    if found is None:
        raise Http404
    return found


def documents_of(card: Card, reach: Reach, names: Sequence[str]) -> dict[str, Document]:
    """Return, of some documents, those within reach."""
    index = searching.opened(workspace(), card.name)
    areas = reach.areas(Action.SEE, card.name)
    return {name: one for name in dict.fromkeys(names) if (one := index.get(name, areas)) is not None}


@lru_cache(maxsize=4)
def records_of(case: str, origin: Origin) -> RecordsRun:
    """Return the records from which the index of a case was made; a process keeps a few."""
    return indexing.indexed_records(work_on(case), origin)

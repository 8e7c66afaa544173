"""What every index of texts offers, whatever keeps it: one machine's files, PostgreSQL, a search server.

An index holds documents of three fields scored apart, with facets, a day and perimeters. Everything typed,
filtered or counted goes through one `Search`; its perimeter is part of the query itself, so that a document
outside is neither returned nor counted. Back-ends: `index_tantivy` and `index_postgresql`.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol

from eclaireur.bricks.semantic.query import FIELDS
from eclaireur.core.errors import BadValueError, InputError

__all__ = [
    "WEIGHTS",
    "Document",
    "Found",
    "Hit",
    "Index",
    "IndexDamagedError",
    "Search",
    "Spec",
    "Why",
    "Writer",
    "number_of",
]

WEIGHTS = {"title": 3.0, "section": 1.5, "body": 1.0}
"""Weight of a word by the field where it is found."""

_PART = "\x1f"
_JSON = "\x1e"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")


class IndexDamagedError(InputError):
    """The stored index is of another version, cut or unreadable: it is to be built again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One thing to find.

    Parameters
    ----------
    id
        Unique in the index: adding it again replaces it.
    title, section, body
        Its texts; any may be empty.
    day
        Its date, for filters and counts by month.
    facets
        Facet → values, as `Spec.facets` names them.
    perimeters
        Who may see it: a reader sees it who has one of these. Empty: only a reader without limits does.
    extra
        Kept and given back, never searched.
    """

    id: str
    title: str = ""
    section: str = ""
    body: str = ""
    day: date | None = None
    facets: Mapping[str, Sequence[str]] = field(default_factory=dict)
    perimeters: Sequence[str] = ()
    extra: Mapping[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """Return what a store keeps; empty parts are left out."""
        found: dict[str, Any] = {"id": self.id}
        found |= {name: getattr(self, name) for name in FIELDS if getattr(self, name)}
        if self.day is not None:
            found["day"] = self.day.isoformat()
        found |= {"facets": {name: list(values) for name, values in self.facets.items() if values}}
        found |= {"perimeters": list(self.perimeters), "extra": dict(self.extra)}
        return found

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Document:
        """Return the document that `as_json` described."""
        day = value.get("day")
        read = {
            "day": date.fromisoformat(day) if day else None,
            "facets": {name: tuple(values) for name, values in value.get("facets", {}).items()},
            "perimeters": tuple(value.get("perimeters", ())),
        }
        return cls(**{**value, **read})

    def packed(self) -> bytes:
        """Return what a store keeps, quicker to write and read than JSON when there is little but text."""
        day = self.day.isoformat() if self.day is not None else ""
        rest = ""
        if self.facets or self.perimeters or self.extra:
            rest = json.dumps(
                [dict(self.facets), list(self.perimeters), dict(self.extra)], ensure_ascii=False
            )
        parts = (self.id, self.title, self.section, self.body, day, rest)
        text = _PART.join(parts)
        if text.count(_PART) != len(parts) - 1:
            text = _JSON + json.dumps(self.as_json())
        return text.encode("utf-8", "surrogatepass")

    @classmethod
    def unpacked(cls, value: bytes) -> Document:
        """Return the document that `packed` wrote.

        Examples
        --------
        >>> Document.unpacked(Document(id="1", title="Budget", facets={"an": ("2021",)}).packed()).facets
        {'an': ('2021',)}
        """
        text = value.decode("utf-8", "surrogatepass")
        if text.startswith(_JSON):
            return cls.from_json(json.loads(text[len(_JSON) :]))
        id_, title, section, body, day, rest = text.split(_PART)
        bounds: dict[str, Any] = {}
        if rest:
            facets, perimeters, extra = json.loads(rest)
            bounds = {
                "facets": {name: tuple(values) for name, values in facets.items()},
                "perimeters": tuple(perimeters),
                "extra": extra,
            }
        return cls(
            id=id_,
            title=title,
            section=section,
            body=body,
            day=date.fromisoformat(day) if day else None,
            **bounds,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """The shape of an index: facets that can be filtered and counted, and weights of the fields.

    Raises
    ------
    BadValueError
        If a facet's name is not lower-case letters, digits and ``_``.
    """

    facets: tuple[str, ...] = ()
    weights: Mapping[str, float] = field(default_factory=lambda: dict(WEIGHTS))

    def __post_init__(self) -> None:
        for name in self.facets:
            if not _NAME.fullmatch(name):
                raise BadValueError(
                    f"nom de facette invalide : « {name} ».", fix="Lettres minuscules, chiffres et _."
                )

    def known(self, name: str) -> str:
        """Return a facet's name, or raise `BadValueError` with those that exist."""
        if name not in self.facets:
            names = ", ".join(self.facets) or "aucune"
            raise BadValueError(f"facette inconnue : « {name} ».", fix=f"Facettes de cet index : {names}.")
        return name


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A question to an index.

    Parameters
    ----------
    query
        What was typed (`query.read_query`); empty for every document.
    filters
        Facet → values of which a document has one.
    since, until
        First and last day, both included; documents without a date are then left out.
    perimeters
        Those of the reader; None for a reader without limits. An empty set sees nothing.
    facets
        Facets to count among all that is found.
    months
        Count by month too.
    limit, offset
        How many documents, from which.
    total
        Count everything that is found; without it, only the best are looked for, faster.
    """

    query: str = ""
    filters: Mapping[str, Sequence[str]] = field(default_factory=dict)
    since: date | None = None
    until: date | None = None
    perimeters: frozenset[str] | None = None
    facets: tuple[str, ...] = ()
    months: bool = False
    limit: int = 10
    offset: int = 0
    total: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A document found, with its score; scores compare within one answer only."""

    score: float
    document: Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An answer: the best documents, how many there are, counts by facet and by month (``AAAA-MM``)."""

    hits: tuple[Hit, ...]
    total: int | None
    facets: Mapping[str, tuple[tuple[str, int], ...]] = field(default_factory=dict)
    months: tuple[tuple[str, int], ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Why:
    """One reason why a document was found: what was asked, in which field, and what it weighs."""

    asked: str
    field: str
    weight: float


class Writer(Protocol):
    """Changes of one commit: nothing shows before the ``with`` block ends, nothing at all if it fails."""

    def add(self, documents: Iterable[Document]) -> int:
        """Add documents, each replacing the one of the same id; return how many."""

    def delete(self, ids: Iterable[str]) -> None:
        """Take documents out; an unknown id does nothing."""


class Index(Protocol):
    """A store of documents that can be searched; one writer at a time, any number of readers."""

    spec: Spec

    def writing(self) -> AbstractContextManager[Writer]:
        """Open the only writer; its changes are published in one step when the block ends well."""

    def search(self, search: Search) -> Found:
        """Answer a question."""

    def explain(self, search: Search, id: str) -> tuple[Why, ...]:  # noqa: A002 - the field's own name
        """Return why a document answers a question, heaviest first; empty when it does not."""

    def get(self, id: str, perimeters: frozenset[str] | None = None) -> Document | None:  # noqa: A002
        """Return a document within the reader's perimeters."""

    def count(self) -> int:
        """Return how many documents there are."""


def number_of(id: str) -> int:  # noqa: A002
    """Return the number under which stores of vectors know a document: 63 bits of the hash of its id.

    Examples
    --------
    >>> 0 <= number_of("lettre-12") < 2**63
    True
    """
    return int.from_bytes(hashlib.blake2b(id.encode("utf-8", "replace"), digest_size=8).digest()) >> 1

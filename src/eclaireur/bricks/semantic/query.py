"""What an agent types in a search box, read into a tree that every back-end compiles.

Words side by side are alternatives, the best answers first. ``ET``, ``OU``, ``SAUF`` in capitals (or ``AND``,
``OR``, ``NOT``), a minus before a word, parentheses, « a phrase » between any quotes, ``inspect*`` for a
beginning, ``inspecsion~`` for a word that may be misspelt, ``titre:budget`` for one field. Numbers and dates
are found however they are written. There are no regular expressions: nothing typed can take long to read.
What is badly closed is read as far as it goes, and said so in ``notes``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from eclaireur.bricks.semantic import references
from eclaireur.bricks.semantic.normalise import STOP, keys, plain, stem, stems_of_beginning
from eclaireur.core.errors import BadValueError

__all__ = [
    "FIELDS",
    "LONGEST",
    "All",
    "Any",
    "Leaf",
    "Node",
    "Not",
    "Query",
    "in_one_field",
    "leaves",
    "read_query",
]

FIELDS = ("title", "section", "body")
"""Fields whose words are searched, each scored apart."""

LONGEST = 5000
"""Characters that a query may have."""

_MOST_WORDS = 64
_DEEPEST = 20
_LEAST_BEGINNING = 2
_NAMES = {"titre": "title", "section": "section", "texte": "body"}
_OPENERS = '"«“„'
_CLOSERS = {'"': '"', "«": "»", "“": "”", "„": "”"}
_JOINED = {"ET": "and", "AND": "and", "&": "and", "&&": "and", "OU": "or", "OR": "or", "|": "or", "||": "or"}
_WITHOUT = {"SAUF", "NOT", "NON"}
_LEXER = re.compile(
    r"(?P<blank>\s+)|(?P<bracket>[()])|(?P<quote>[\"«“„])|"
    r"(?P<number>\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d)|\d{4,}(?![^\s()]))|"
    r"(?P<word>[^\s()\"«“„»”]+)|(?P<other>.)",
    re.DOTALL,
)
_FIELD = re.compile(r"(titre|section|texte):(?=.)", re.IGNORECASE)
_BARE_FIELD = re.compile(r"(?:titre|section|texte):", re.IGNORECASE)
_DIGIT = re.compile(r"\d")
_YEAR = re.compile(r"(?:19|20)\d\d")
_MONTHS = (
    *("", "janvier", "février", "mars", "avril", "mai", "juin"),
    *("juillet", "août", "septembre", "octobre", "novembre", "décembre"),
)


@dataclass(frozen=True, slots=True)
class Leaf:
    """One word, or several that follow each other.

    Parameters
    ----------
    keys
        Keys of the words (`normalise.keys`); more than one is a phrase.
    shown
        As it was typed.
    prefix
        The last key is only a beginning.
    distance
        Letters that may differ, for one word.
    only
        The one field to look in; empty for all.
    others
        Stems, shorter than a beginning, that answer it too.
    """

    keys: tuple[str, ...]
    shown: str
    prefix: bool = False
    distance: int = 0
    only: str = ""
    others: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Any:
    """At least one part holds; the more, the better."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part does not hold."""

    part: Node


Node = Leaf | Any | All | Not


@dataclass(frozen=True, slots=True)
class Query:
    """A query that was read: its tree, None when nothing was typed, and what to tell the person."""

    tree: Node | None
    notes: tuple[str, ...] = field(default=())


def leaves(node: Node | None) -> Iterator[Leaf]:
    """Give what is looked for, left out what is excluded."""
    match node:
        case Leaf():
            yield node
        case Any(parts) | All(parts):
            for part in parts:
                yield from leaves(part)


def in_one_field(node: Node | None, name: str) -> Node | None:
    """Return a tree whose words are looked for in one field alone."""
    match node:
        case Leaf():
            return replace(node, only=name)
        case Any(parts) | All(parts):
            return type(node)(tuple(one for part in parts if (one := in_one_field(part, name)) is not None))
        case _:
            return node


def read_query(text: str) -> Query:
    """Read what was typed.

    Raises
    ------
    BadValueError
        If it is longer than `LONGEST`, too deeply nested, or holds nothing to look for.

    Examples
    --------
    >>> read_query("titre:budget ET (école OU crèche) SAUF \\"code postal\\"").tree
    All(parts=(Leaf(keys=('budget',), shown='budget', prefix=False, distance=0, only='title', ...
    >>> read_query('"guillemet oublié').notes
    ('Guillemet non fermé : lu jusqu’à la fin.',)
    """
    if len(text) > LONGEST:
        raise BadValueError(
            f"la requête est trop longue : {len(text)} caractères, au plus {LONGEST}.",
            fix="Gardez ses mots les plus parlants.",
        )
    if not text.strip():
        return Query(None)
    notes: list[str] = []
    reader = _Reader(_lexed(text, notes), notes)
    tree = reader.either(0)
    if tree is None:
        raise BadValueError(
            f"aucun mot à chercher dans « {text.strip()[:60]} ».",
            fix="Écrivez un mot, ou ses deux premières lettres au moins suivies de « * ».",
        )
    return Query(tree, tuple(dict.fromkeys(notes)))


def _lexed(text: str, notes: list[str]) -> list[tuple[str, str]]:
    """Cut a text in brackets, phrases, dates, numbers and words."""
    if text.replace(" ", "").isalpha():
        return [("word", value) for value in text.split()]
    found: list[tuple[str, str]] = []
    dated = references.dates(text) if _DIGIT.search(text) else ()
    days = {start: (end, day) for start, end, day in dated}
    at = 0
    while at < len(text):
        if at in days:
            end, day = days[at]
            found.append(("date", f"{day.day}/{day.month}/{day.year}"))
            at = end
            continue
        one = _LEXER.match(text, at)
        kind, value = (one.lastgroup or "", one.group()) if one else ("other", text[at])
        at += len(value)
        if kind == "quote":
            close = text.find(_CLOSERS[value], at)
            if close < 0:
                notes.append("Guillemet non fermé : lu jusqu’à la fin.")
                close = len(text)
            found.append(("phrase", text[at:close].strip()))
            at = close + 1
        elif kind not in {"blank", "other"}:
            if kind == "word" and _BARE_FIELD.fullmatch(value) and text[at : at + 1] in {*_OPENERS}:
                kind = "field"
            found.append((kind, value))
    return found


class _Reader:
    """Recursive descent over what was cut; depth is bounded."""

    def __init__(self, parts: Sequence[tuple[str, str]], notes: list[str]) -> None:
        self._parts = parts
        self._at = 0
        self._notes = notes

    def _next(self) -> tuple[str, str]:
        return self._parts[self._at] if self._at < len(self._parts) else ("end", "")

    def either(self, depth: int) -> Node | None:
        """Read alternatives: ``a OU b``; at the outermost, a bracket too many is passed over."""
        if depth > _DEEPEST:
            raise BadValueError(
                "la requête a trop de parenthèses imbriquées.", fix=f"Gardez-en {_DEEPEST} au plus."
            )
        parts = [self._both(depth)]
        while True:
            kind, value = self._next()
            if kind == "word" and _JOINED.get(value) == "or":
                self._at += 1
            elif depth == 0 and (kind, value) == ("bracket", ")"):
                self._notes.append("Parenthèse fermée en trop : ignorée.")
                self._at += 1
            else:
                break
            parts.append(self._both(depth))
        return _gathered(Any, parts)

    def _both(self, depth: int) -> Node | None:
        parts = [self._near(depth)]
        while True:
            kind, value = self._next()
            if kind == "word" and _JOINED.get(value) == "and":
                self._at += 1
                parts.append(self._near(depth))
            elif kind == "word" and value in _WITHOUT:
                self._at += 1
                part = self._near(depth)
                parts.append(Not(part) if part is not None else None)
            else:
                return _gathered(All, parts)

    def _near(self, depth: int) -> Node | None:
        """Read words side by side; small words are left out unless there is nothing else."""
        parts: list[Node] = []
        without: list[Node] = []
        small: list[Leaf] = []
        only = ""
        while True:
            kind, value = self._next()
            closed = kind == "end" or (kind, value) == ("bracket", ")")
            if closed or (kind == "word" and (value in _JOINED or value in _WITHOUT)):
                break
            self._at += 1
            if kind == "field":
                only = _NAMES[value[:-1].lower()]
                continue
            part, minus = self._one(kind, value, depth, only)
            only = ""
            if part is None:
                continue
            if minus:
                without.append(part)
            elif kind == "word" and isinstance(part, Leaf) and _is_small(part):
                small.append(part)
            elif len(parts) < _MOST_WORDS:
                parts.append(part)
            else:
                self._notes.append(f"Requête longue : seuls ses {_MOST_WORDS} premiers mots sont cherchés.")
        wanted = _gathered(Any, list(dict.fromkeys(parts or small)))
        return _gathered(All, [wanted, *(Not(part) for part in dict.fromkeys(without))])

    def _one(self, kind: str, value: str, depth: int, only: str) -> tuple[Node | None, bool]:
        if kind == "bracket":
            part = self.either(depth + 1)
            if self._next() == ("bracket", ")"):
                self._at += 1
            else:
                self._notes.append("Parenthèse non fermée : lue jusqu’à la fin.")
            return part, False
        if kind == "date":
            return _day(value, only), False
        if kind == "number":
            return _number(value, only), False
        if kind == "phrase":
            return _leaf(value, value, only), False
        return _word(value, only)


def _gathered(kind: type[Any | All], parts: Sequence[Node | None]) -> Node | None:
    kept = tuple(part for part in parts if part is not None)
    if len(kept) < 2:
        return kept[0] if kept else None
    return kind(kept)


def _is_small(part: Leaf) -> bool:
    return not (part.prefix or part.distance or part.only) and plain(part.shown) in STOP


def _leaf(text: str, shown: str, only: str) -> Leaf | None:
    found = tuple(keys(text).split())
    return Leaf(found, shown, only=only) if found else None


@lru_cache(maxsize=4096)
def _word(value: str, only: str) -> tuple[Node | None, bool]:
    minus = len(value) > 1 and value[0] in "-−"
    value = value[1:] if minus else value
    named = _FIELD.match(value)
    if named:
        only, value = _NAMES[named[1].lower()], value[named.end() :]
    shown = value.strip(".,;:!?*~'’")
    begins, misspelt = value.endswith("*"), re.search(r"~([12])?$", value)
    if begins:
        # A beginning is not cut to its stem, only what goes before it.
        *before, last = re.split(r"[^\w\u00ad]+", shown) if shown else [""]
        ending = plain(last)
        if len(ending) < _LEAST_BEGINNING:
            return None, minus
        whole = (*keys(" ".join(before)).split(), ending)
        others = stems_of_beginning(ending) if len(whole) == 1 else ()
        return Leaf(whole, f"{shown}*", prefix=True, only=only, others=others), minus
    if misspelt:
        word = stem(plain(shown))
        distance = int(misspelt[1] or (1 if len(word) < 8 else 2))
        return (Leaf((word,), shown, distance=distance, only=only) if word else None), minus
    return _leaf(value, shown, only), minus


def _number(value: str, only: str) -> Node:
    """Find a number with or without the blanks of its thousands."""
    digits = re.sub(r"\D", "", value)
    whole = Leaf((digits[:64],), value, only=only)
    if _YEAR.fullmatch(value) or len(digits) > 15:
        return whole
    first = len(digits) % 3 or 3
    groups = (digits[:first], *(digits[at : at + 3] for at in range(first, len(digits), 3)))
    return Any((whole, Leaf(groups, value, only=only)))


def _day(value: str, only: str) -> Node:
    """Find a date in full, or with slashes."""
    day, month, year = value.split("/")
    name = keys(_MONTHS[int(month)]).strip()
    shown = f"{int(day):02d}/{int(month):02d}/{year}"
    first = ("1er",) if day == "1" else ()
    days = dict.fromkeys((*first, day, f"{int(day):02d}"))
    full = [Leaf((one, name, year), shown, only=only) for one in days if one != f"0{day}"]
    slashes = Leaf((f"{int(day):02d}", f"{int(month):02d}", year), shown, only=only)
    return Any((*full, slashes))

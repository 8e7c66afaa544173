"""Words of a document that a person labels: where they are, what was said of them, how a page shows them.

A span is named by its characters in the text of the document. It comes from a selection, or from the words
with which it begins and ends: nothing else is needed to annotate without a mouse or without a script.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from eclaireur.core.errors import BadValueError
from eclaireur.core.showing import printable
from eclaireur.desk.annotations import standing
from eclaireur.desk.place import workspace
from eclaireur.service.annotating import Passage

if TYPE_CHECKING:
    from eclaireur.desk.access import Reach
    from eclaireur.desk.models import Annotation, User

__all__ = [
    "LONGEST",
    "Piece",
    "Span",
    "between",
    "flat",
    "in_place",
    "mine",
    "passage_of",
    "pieces",
    "selected",
    "shown",
    "told",
]

LONGEST = 2_000
"""Characters of a span: more is a part of the document, not a passage."""

_MOST_PLACES = 30
_AROUND = 60
_TYPED = str.maketrans({"’": "'", "ʼ": "'", "“": '"', "”": '"'})
"""One character for one: what is typed is found whatever its signs, at the same place."""

_UNLIKE = re.compile("\r\n|[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufdd0-\ufdef\ufffe\uffff]")
"""What a page does not hold as it is: ends of lines of other systems, and what `printable` leaves out."""


@dataclass(frozen=True, slots=True)
class Span:
    """Characters ``[start, end)`` of a text, with the words and what stands around them."""

    start: int
    end: int
    before: str
    said: str
    after: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the text of a page: where it begins, its labels and those that end with it.

    ``start`` counts characters of the document: a page leaves some out, and a browser counts otherwise.
    """

    start: int
    text: str
    labelled: bool
    unsure: bool
    first: bool
    ending: tuple[str, ...]


def flat(text: str) -> str:
    """Return a text with its blanks made alike, for a comparison."""
    return " ".join(printable(text).split())


def _span(text: str, start: int, end: int) -> Span:
    before = flat(text[max(start - _AROUND, 0) : start])
    after = flat(text[end : end + _AROUND])
    return Span(
        start,
        end,
        before.partition(" ")[2] if start > _AROUND else before,
        flat(text[start:end]),
        after.rpartition(" ")[0] if end + _AROUND < len(text) else after,
    )


def selected(text: str, start: str, end: str, said: str) -> Span:
    """Return the span that a browser selected, without the blanks at its ends.

    Parameters
    ----------
    start, end
        As sent.
    said
        The words that the browser showed there: they must be those of the text.

    Raises
    ------
    BadValueError
        If there is no such span, or if the text is not the one that was shown.
    """
    numbers = [
        int(one) if one.isascii() and one.isdecimal() and len(one) < 10 else -1 for one in (start, end)
    ]
    first, last = numbers
    if not 0 <= first < last <= len(text):
        raise BadValueError("ce passage n'est pas dans le texte.", fix="Choisissez-le de nouveau.")
    if flat(text[first:last]) != flat(said):
        raise BadValueError(
            "le texte n'est plus celui qui était affiché.", fix="Rechargez la page, puis recommencez."
        )
    inside = text[first:last]
    first, last = first + len(inside) - len(inside.lstrip()), last - len(inside) + len(inside.rstrip())
    return _span(text, *_bounded(first, last))


def _bounded(start: int, end: int) -> tuple[int, int]:
    if start >= end:
        raise BadValueError("aucun mot n'est choisi.", fix="Choisissez les mots à étiqueter.")
    if end - start > LONGEST:
        raise BadValueError(
            f"ce passage a plus de {LONGEST} caractères.", fix="Étiquetez-en les mots qui comptent."
        )
    return start, end


def between(text: str, first: str, last: str = "") -> list[Span]:
    """Return the spans that go from some words to others, in the order of the text.

    Parameters
    ----------
    first, last
        Words at the beginning, and at the end; without the latter, the first ones alone. Case, blanks and
        the form of apostrophes do not count. From each beginning, a span goes to the nearest end.

    Raises
    ------
    BadValueError
        If there is none, or if they are too many to choose from.

    Examples
    --------
    >>> [(one.start, one.end) for one in between("Le feu, puis le feu.", "le feu")]
    [(0, 6), (13, 19)]
    """
    plain = text.translate(_TYPED)
    begins = _places(plain, first)
    if not begins:
        said = " ".join(first.split())[:60]
        raise BadValueError(
            f"« {said} » n'est pas dans le texte." if said else "aucun mot n'est choisi.",
            fix="Recopiez les premiers mots du passage tels que le texte les dit.",
        )
    found = dict.fromkeys(begins)
    if last.split():
        ends = _places(plain, last)
        nearest = (
            (start, min((z for a, z in ends if a >= start and z >= end), default=start + LONGEST + 1))
            for start, end in begins
        )
        found = dict.fromkeys((start, end) for start, end in nearest if end - start <= LONGEST)
        if not found:
            raise BadValueError(
                f"« {' '.join(last.split())[:60]} » ne vient pas dans les {LONGEST} caractères qui suivent.",
                fix="Recopiez les derniers mots du passage tels que le texte les dit.",
            )
    if len(found) > _MOST_PLACES:
        raise BadValueError(
            f"ces mots sont à {len(found)} endroits du texte.", fix="Ajoutez-en, pour n'en désigner que peu."
        )
    return [_span(text, *_bounded(*one)) for one in found]


def _places(plain: str, words: str) -> list[tuple[int, int]]:
    asked = words.translate(_TYPED)[:LONGEST].split()
    if not asked:
        return []
    whole = r"\s+".join(map(re.escape, asked))
    before = r"(?<!\w)" if re.match(r"\w", asked[0]) else ""
    after = r"(?!\w)" if re.search(r"\w$", asked[-1]) else ""
    return [one.span() for one in re.finditer(before + whole + after, plain, re.IGNORECASE)]


def mine(user: User, reach: Reach, case: str, document: str) -> list[Annotation]:
    """Return the spans of a document that a person labelled here, in the order of the text."""
    rows = [row for row in standing(reach, case, user, document) if row.span and not row.batch and row.labels]
    return sorted(rows, key=lambda row: (row.start, row.end))


def in_place(rows: Sequence[Annotation], texts: Mapping[str, str]) -> set[int]:
    """Return the numbers of the spans whose words are still where they were, as the journal keeps them.

    A document may be read anew, and its words move; a passage may have been forgotten.

    Parameters
    ----------
    texts
        Text of each document.
    """
    journal = workspace().journal
    sealed = journal.reveal_all([journal.entry(row.decision_id) for row in rows])
    return {
        row.decision_id
        for row, words in zip(rows, sealed, strict=True)
        if words and flat(texts[row.document][row.start : row.end]) == words["text"]
    }


def told(
    text: str, rows: Iterable[Annotation], names: Mapping[str, str], there: Collection[int]
) -> list[dict[str, Any]]:
    """Return spans in words, as a list shows them: what is said, its labels, and where it is.

    Parameters
    ----------
    there
        As `in_place` returns them: what the others said is no longer in the text.
    """
    return [
        {
            "said": flat(text[row.start : row.end]) if row.decision_id in there else "",
            "start": row.start,
            "key": f"{row.start}-{row.end}",
            "there": row.decision_id in there,
            "unsure": row.unsure,
            "labels": shown(row.labels, names),
        }
        for row in rows
    ]


def shown(labels: Iterable[str], names: Mapping[str, str]) -> str:
    """Return labels in words, without what some add between brackets."""
    return ", ".join(names.get(one, one).partition(" (")[0] for one in labels)


def passage_of(document: str, text: str, start: int, end: int) -> Passage:
    """Return a span as what is annotated: nothing was proposed for it."""
    return Passage(
        document=document, start=start, end=end, text=flat(text[start:end]), labels=(), chance=0.0, sure=False
    )


def pieces(text: str, rows: Iterable[Annotation], names: Mapping[str, str]) -> list[Piece]:
    """Cut a text where a label begins or ends, and where the page does not show it as it is.

    Parameters
    ----------
    rows
        As `mine` returns them.
    names
        What is shown for each label.
    """
    spans = [row for row in rows if 0 <= row.start < row.end <= len(text)]
    gone = [at for one in _UNLIKE.finditer(text) for at in one.span()]
    cuts = sorted({0, len(text), *gone, *(at for row in spans for at in (row.start, row.end))})
    found = []
    for start, end in pairwise(cuts):
        over = [row for row in spans if row.start <= start and end <= row.end]
        found.append(
            Piece(
                start=start,
                text=printable(text[start:end].replace("\r\n", "\n").replace("\r", "\n")),
                labelled=bool(over),
                unsure=bool(over) and all(row.unsure for row in over),
                first=any(row.start == start for row in over),
                ending=tuple(_said(row, names) for row in over if row.end == end),
            )
        )
    return [one for one in found if one.text or one.ending]


def _said(row: Annotation, names: Mapping[str, str]) -> str:
    said = shown(row.labels, names)
    return f"{said} ?" if row.unsure else said

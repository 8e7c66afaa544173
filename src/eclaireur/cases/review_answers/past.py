"""Past answers to experiences alike, shown without personal data, and the sentences that several share.

An answer was written to one person. What three answers share is the administration's own sentence: it alone
may enter another draft, unless it promises something of the person's file.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.intake.personal import find, mask
from eclaireur.bricks.semantic.normalise import STOP, keys
from eclaireur.bricks.semantic.outline import flat, sentences
from eclaireur.cases.review_answers.reading import text_of

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Alike", "Past", "past_of"]

_SHARED = 3
_LEAST = 0.12
_FEWEST = 6
_PROMISES = re.compile(
    r"\b(?:votre|vos) (?:dossier|demande|situation|compte|paiement|droits?)\b.*\b(?:sera|est|a|ont|va)\b|"
    r"\b(?:nous|je|j')\s?(?:avons|allons|ai|vais|vous (?:avons|ai|rappel\w+|vers\w+))\b"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alike:
    """A past answer: its number, its day, its masked text, how alike the experience was, what it shares."""

    id: str
    day: date
    text: str
    alike: float
    shared: tuple[str, ...]


class Past:
    """The answers known, ready to be searched by the experience that each one answers."""

    def __init__(self, answers: Sequence[Mapping[str, Any]], experiences: Mapping[str, str]) -> None:
        self._rows = [row for row in answers if row["subject"] in experiences]
        self._terms = [_terms(experiences[row["subject"]]) for row in self._rows]
        told: Counter[str] = Counter()
        for row in self._rows:
            told.update({_key(one) for one in _cut(row["text"])})
        self._common = {one for one, times in told.items() if times >= _SHARED}

    def nearest(self, text: str, *, until: date, apart: str = "", count: int = 3) -> tuple[Alike, ...]:
        """Return the answers to the experiences most alike, known before a day; never the message's own."""
        asked = _terms(text)
        ranked = []
        for row, terms in zip(self._rows, self._terms, strict=True):
            if row["known"] < until and row["subject"] != apart and asked and terms:
                ranked.append((len(asked & terms) / len(asked | terms), row["id"], row))
        best = sorted(ranked, key=lambda one: (-one[0], one[1]))[:count]
        return tuple(
            Alike(
                id=row["id"],
                day=row["observed"],
                text=mask(row["text"]),
                alike=alike,
                shared=self._shared(row["text"]),
            )
            for alike, _, row in best
            if alike >= _LEAST
        )

    def _shared(self, text: str) -> tuple[str, ...]:
        return tuple(
            one
            for one in _cut(text)
            if _key(one) in self._common
            and len(one.split()) >= _FEWEST
            and not find(one)
            and not _PROMISES.search(flat(one))
        )


def _terms(text: str) -> set[str]:
    return {one for one in keys(text).split() if one not in STOP and len(one) > 1}


def _cut(text: str) -> list[str]:
    return [" ".join(text[a:b].split()) for a, b in sentences(text)]


def _key(sentence: str) -> str:
    return " ".join(flat(sentence).split())


_LAST: list[tuple[Any, Past]] = []


def past_of(answers: pa.Table, experiences: pa.Table) -> Past:
    """Return the past answers of the records, made once as long as the table is the same object."""
    if _LAST and _LAST[0][0] is answers:
        return _LAST[0][1]
    wanted = set(answers["subject"].to_pylist())
    columns = experiences.select(["subject", "title", "text"])
    told = (
        {row["subject"]: text_of(row) for row in columns.to_pylist() if row["subject"] in wanted}
        if wanted
        else {}
    )
    made = Past(answers.to_pylist(), told)
    _LAST[:] = [(answers, made)]
    return made

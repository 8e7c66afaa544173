"""An answer of an index, for a person (view blocks) or a program (JSON): passages, counts, why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eclaireur.bricks.semantic.highlight import READ, Passage, matches, passages
from eclaireur.bricks.semantic.index import Document, Found, Index, Search, Why
from eclaireur.bricks.semantic.normalise import tokens
from eclaireur.bricks.semantic.query import Leaf, leaves, read_query
from eclaireur.core import french
from eclaireur.core.view import Block, Column, Table

__all__ = ["Result", "found_json", "results", "show_found"]

_FIELDS = {"title": "titre", "section": "section", "body": "texte"}
_START = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """A document found, its passages (characters of its ``body``), and why when it was asked.

    ``words`` is False when none of the words asked is in it: it is there by its meaning or spelling.
    """

    score: float
    document: Document
    passages: tuple[Passage, ...]
    why: tuple[Why, ...]
    words: bool


def results(found: Found, index: Index, search: Search, *, why: bool) -> tuple[Result, ...]:
    """Return the documents of an answer with their passages.

    Parameters
    ----------
    why
        Also say which words weigh, in which field.
    """
    asked = list(dict.fromkeys(leaves(read_query(search.query).tree)))
    return tuple(
        Result(
            score=one.score,
            document=one.document,
            passages=passages(one.document.body, asked),
            why=index.explain(search, one.document.id) if why else (),
            words=not asked or _answers(one.document, asked) or bool(index.explain(search, one.document.id)),
        )
        for one in found.hits
    )


def _answers(document: Document, asked: Sequence[Leaf]) -> bool:
    """Tell whether a word asked is in a document, as far as its text is read."""
    texts = document.title, document.section, document.body[:READ]
    return any(matches(tokens(text), asked) for text in texts)


def found_json(found: Found, shown: Sequence[Result]) -> dict[str, Any]:
    """Return an answer as a JSON object; places are characters of ``body``."""
    return {
        "total": found.total,
        "notes": list(found.notes),
        "facets": {
            name: [{"value": value, "count": n} for value, n in rows] for name, rows in found.facets.items()
        },
        "months": [{"month": month, "count": n} for month, n in found.months],
        "hits": [
            {
                "id": one.document.id,
                "score": round(one.score, 6),
                "words": one.words,
                "title": one.document.title,
                "section": one.document.section,
                "date": one.document.day,
                "facets": {name: list(values) for name, values in one.document.facets.items()},
                "passages": [
                    {
                        "start": part.start,
                        "end": part.end,
                        "text": one.document.body[part.start : part.end],
                        "marks": [list(mark) for mark in part.marks],
                    }
                    for part in one.passages
                ],
                "why": [{"asked": w.asked, "field": w.field, "weight": round(w.weight, 4)} for w in one.why],
            }
            for one in shown
        ],
    }


def show_found(found: Found, shown: Sequence[Result]) -> tuple[Block, ...]:
    """Return an answer as view blocks: documents, then counts."""
    total = len(shown) if found.total is None else found.total
    rows = [
        {
            "title": one.document.title or one.document.id,
            "day": one.document.day,
            "extract": _extract(one),
            "why": "\n".join(_said(reason) for reason in one.why),
        }
        for one in shown
    ]
    columns = [
        Column(key="title", title="Document"),
        Column(key="day", title="Date"),
        Column(key="extract", title="Extrait"),
    ]
    if any(one.why for one in shown):
        columns.append(Column(key="why", title="Pourquoi"))
    title = french.count(total, "document")
    if any(not one.words for one in shown):
        title += " avec ces mots ; d'autres, proches par le sens"
    blocks: list[Block] = [Table(title=title, columns=tuple(columns), rows=rows)]
    counts = dict(found.facets) | ({"mois": found.months} if found.months else {})
    for name, values in counts.items():
        heads = (Column(key="value", title=name), Column(key="count", title="Documents"))
        blocks.append(
            Table(title=f"Par {name}", columns=heads, rows=[{"value": v, "count": n} for v, n in values])
        )
    return tuple(blocks)


def _extract(one: Result) -> str:
    """Write the passages on one line each, the words found between guillemets."""
    text = one.document.body
    lines = []
    for part in one.passages:
        pieces, last = [], part.start
        for start, end in part.marks:
            pieces += [text[last:start], f"«\u00a0{text[start:end]}\u00a0»"]
            last = end
        pieces.append(text[last : part.end])
        lines.append(" ".join("".join(pieces).split()))
    return "\n".join(lines) or " ".join(text[:_START].split())


def _said(reason: Why) -> str:
    return f"{reason.asked} ({_FIELDS[reason.field]}) : {french.number(reason.weight, 2)}"

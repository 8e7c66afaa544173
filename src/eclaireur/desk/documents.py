"""What the case and its model say of one document: blocks, text with its sections, proposed labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING

from eclaireur.core.errors import InputError
from eclaireur.core.view import Mark, SpanText
from eclaireur.desk.finding import records_of
from eclaireur.desk.place import work_on
from eclaireur.service.annotating import kept_proposals

if TYPE_CHECKING:
    from eclaireur.bricks.semantic.index import Document
    from eclaireur.core.view import Block
    from eclaireur.service.annotating import Passage, Proposals
    from eclaireur.service.indexing import Origin

__all__ = ["known_of", "labelled", "proposals_of", "text_of"]


@lru_cache(maxsize=4)
def _proposals(case: str, origin: Origin) -> Proposals | None:
    return kept_proposals(work_on(case), origin.run)


def proposals_of(case: str, origin: Origin | None) -> Proposals | None:
    """Return the labels that go with the index of a case; None when it proposes none."""
    return None if origin is None else _proposals(case, origin)


def known_of(case: str, origin: Origin | None, name: str) -> tuple[Block, ...]:
    """Return what the case says of a document; nothing when it is not one of its records."""
    if origin is None:
        return ()
    work = work_on(case)
    try:
        return work.case.sheet(work.case.identify(name), records_of(case, origin).tables)
    except InputError:
        return ()


def text_of(found: Document, known: Iterable[Block]) -> SpanText:
    """Return the text of a document: that of the case, which has its sections, or else that of the index."""
    for one in known:
        if isinstance(one, SpanText):
            return one
    return SpanText(title="Texte", text=found.body)


def labelled(text: SpanText, labels: Iterable[Passage], names: Mapping[str, str]) -> SpanText:
    """Add the labels of passages to a text, where it still says what was labelled."""
    marks = [
        Mark(
            start=one.start,
            end=one.end,
            label=names.get(one.labels[0], one.labels[0]).partition(" (")[0],
            sure=one.sure,
        )
        for one in labels
        if one.labels and " ".join(text.text[one.start : one.end].split()) == one.text
    ]
    return replace(text, marks=(*text.marks, *marks))

"""Makes a document of pages of words, whether they were written in the file or recognised in its images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from eclaireur.core import french
from eclaireur.sources.documents.document import PartKind, Sheet
from eclaireur.sources.documents.joining import Joiner, vocabulary
from eclaireur.sources.documents.layout import Run, Word, blocks, runs
from eclaireur.sources.documents.repeated import set_aside
from eclaireur.sources.documents.writing import Box, Writer

__all__ = ["Leaf", "write_pages"]

_UNSURE = 0.6


@dataclass(slots=True)
class Leaf:
    """A page of words, in points from its top left."""

    words: list[Word]
    width: float
    height: float
    recognised: bool = False


def write_pages(writer: Writer, leaves: Sequence[Leaf]) -> None:
    """Write pages in reading order; what comes back at their edges and what nobody sees is set aside."""
    writer.placed = True
    writer.pages += [
        Sheet(width=leaf.width, height=leaf.height, recognised=leaf.recognised) for leaf in leaves
    ]
    for number, leaf in enumerate(leaves, start=1):
        _set_upright(writer, leaf, number)
    seen = [[word for word in leaf.words if not word.why] for leaf in leaves]
    upright = [[word for word in words if not _vertical(word)] for words in seen]
    lines = [runs(words) for words in upright]
    shown = [Sheet(width=leaf.width, height=leaf.height) for leaf in leaves]
    split = set_aside(lines, shown)
    joiner = Joiner(writer, vocabulary(run for kept, _ in split for run in kept))
    for number, ((kept, edges), words) in enumerate(zip(split, seen, strict=True), start=1):
        joiner.page(blocks(kept), number)
        for kind, run in edges:
            _aside(writer, kind, [run], number)
        turned = [word for word in words if _vertical(word)]
        if turned:
            _aside(
                writer, PartKind.NOTE, [Run(turned, 0, 0, 0, 0)], number, why="écrit en travers de la page"
            )
    joiner.end()
    for number, leaf in enumerate(leaves, start=1):
        for passage in _passages(leaf.words):
            _aside(writer, PartKind.INVISIBLE, [Run(passage, 0, 0, 0, 0)], number, why=passage[0].why)
    _say_set_aside(writer)
    _say_confidence(writer, seen)


def _set_upright(writer: Writer, leaf: Leaf, number: int) -> None:
    """Turn the words of a page whose text runs along its side; the writer turns their boxes back."""
    long = [word for word in leaf.words if len(word.text) > 2]
    if sum(map(_vertical, long)) * 2 <= len(long):
        return
    down = sum(after.y0 > before.y0 for before, after in pairwise(long)) * 2 > len(long)
    wide, high = leaf.width, leaf.height
    for word in leaf.words:
        x0, y0, x1, y1 = word.x0, word.y0, word.x1, word.y1
        word.x0, word.y0, word.x1, word.y1 = (
            (y0, wide - x1, y1, wide - x0) if down else (high - y1, x0, high - y0, x1)
        )

    def back(box: Box) -> Box:
        x0, y0, x1, y1 = box
        return (wide - y1, x0, wide - y0, x1) if down else (y0, high - x1, y1, high - x0)

    writer.turned[number] = back
    leaf.width, leaf.height = high, wide


def _vertical(word: Word) -> bool:
    """Tell whether a word is written from the bottom to the top, or the reverse."""
    return len(word.text) > 2 and word.y1 - word.y0 > 1.5 * (word.x1 - word.x0)


def _passages(words: Sequence[Word]) -> list[list[Word]]:
    """Group the words that nobody sees as they follow each other, hidden in one way."""
    passages: list[list[Word]] = []
    before = ""
    for word in words:
        if word.why and word.why == before:
            passages[-1].append(word)
        elif word.why:
            passages.append([word])
        before = word.why
    return passages


def _aside(writer: Writer, kind: PartKind, found: Sequence[Run], page: int, *, why: str = "") -> None:
    writer.begin(kind, page=page, why=why)
    writer.add_words([word for run in found for word in run.words], page)
    writer.end()


def _say_set_aside(writer: Writer) -> None:
    count = writer.count(PartKind.HEADER) + writer.count(PartKind.FOOTER)
    if count:
        said = french.count(count, "ligne répétée", "lignes répétées")
        writer.repair(
            "edges", f"{said} en haut ou en bas des pages (en-têtes, pieds, numéros), à part du texte."
        )


def _say_confidence(writer: Writer, pages: Sequence[Sequence[Word]]) -> None:
    recognised = [word for words in pages for word in words if word.confidence == word.confidence]
    unsure = sum(word.confidence < _UNSURE for word in recognised)
    if recognised and unsure:
        said = french.count(unsure, "mot peu sûr", "mots peu sûrs")
        writer.doubt(
            "ocr", f"{said} sur {french.number(len(recognised))} reconnus, à vérifier.", count=unsure
        )

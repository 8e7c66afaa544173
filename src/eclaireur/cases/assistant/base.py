"""The sheets, ready to be asked: words by field, letters and meaning together (`bricks.semantic.hybrid`).

A base is built from the table of sheets alone and kept in the process, so that a question at the desk does
not build it again. Its index lies in a temporary folder that goes with it.
"""

from __future__ import annotations

import re
import tempfile
import weakref
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.intake.answering import Rarity, content_keys
from eclaireur.bricks.intake.knowledge import Sheet
from eclaireur.bricks.semantic.acronyms import Acronyms
from eclaireur.bricks.semantic.hybrid import WAYS, Hybrid
from eclaireur.bricks.semantic.index import Document, Search, Spec, number_of
from eclaireur.bricks.semantic.index_tantivy import TantivyIndex
from eclaireur.bricks.semantic.normalise import keys
from eclaireur.cases.assistant.memory import joined

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["FEATURES", "Base", "Ranked", "base_of", "sheet_of"]

FEATURES = ("covered", "covered_title", "known", "letters", "meaning", "ahead")
"""What the chance that the first sheet answers is told from; see `Base.features`."""

_KEPT = 3
_MOST = 30
_MEASURES = frozenset(
    keys(
        "jours mois ans années semaines heures minutes euros "
        "prix coût coûte montant tarif délai durée date temps"
    ).split()
)
_OPERATORS = re.compile(r"[\"“”«»()\[\]{}*~^:+/\\-]|\b(?:ET|OU|SAUF|AND|OR|NOT|PRÈS)\b")


@dataclass(frozen=True, slots=True)
class Ranked:
    """A sheet found, by its place in the base, with its score: scores compare within one question only."""

    place: int
    score: float


def sheet_of(row: Mapping[str, Any]) -> Sheet:
    """Return the sheet of a row of the table of sheets."""
    return Sheet(**{name: row.get(name) or "" for name in _TEXTS}, updated=row.get("updated"))


def _audiences(sheet: Sheet) -> list[str]:
    return sheet.audience.split(", ") if sheet.audience else []


class Base:
    """Sheets that can be asked; see the module."""

    def __init__(self, sheets: pa.Table) -> None:
        self.sheets = [sheet_of(row) for row in sheets.to_pylist()]
        folder = tempfile.TemporaryDirectory(prefix="eclaireur-fiches-")
        # The index lives as long as the base, which nothing closes: its folder goes with it.
        weakref.finalize(self, folder.cleanup)
        # A sheet that names no audience is for each of them.
        self.audiences = sorted({name for one in self.sheets for name in _audiences(one)})
        acronyms = Acronyms.learn(f"{one.title}. {one.text}" for one in self.sheets)
        self.titles = [acronyms.marked(one.title) for one in self.sheets]
        documents = [
            Document(
                id=one.id,
                title=one.title,
                section=one.path.replace(">", " "),
                body=one.text,
                facets={"audience": _audiences(one) or self.audiences} if self.audiences else {},
            )
            for one in self.sheets
        ]
        self.index = TantivyIndex.create(Path(folder.name), Spec(facets=("audience",)))
        with self.index.writing() as writer:
            # « DPO » also finds the sheet that says « délégué à la protection des données ».
            writer.add(
                replace(one, title=title, body=acronyms.marked(one.body))
                for one, title in zip(documents, self.titles, strict=True)
            )
        self.hybrid = Hybrid.fit(documents)
        self.place = {number_of(one.id): at for at, one in enumerate(self.sheets)}

    @cached_property
    def rarity(self) -> Rarity:
        """How rare each word is among the sheets."""
        return Rarity.among(f"{one.title} {one.text}" for one in self.sheets)

    @cached_property
    def words(self) -> list[tuple[set[str], set[str]]]:
        """Words of each sheet: those of its title, and all."""
        found = []
        for one, marked in zip(self.sheets, self.titles, strict=True):
            title = set(content_keys(marked))
            found.append((title, title | set(content_keys(one.text))))
        return found

    def columns(self, question: str, *, audience: str = "") -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the places of the candidates and their scores by each way (`hybrid.WAYS`)."""
        import numpy as np

        plain = _OPERATORS.sub(" ", question).strip()
        if not keys(plain).strip():
            return np.zeros(0, np.int64), np.zeros((0, len(WAYS)))
        # An audience that no sheet names would hide them all.
        filters = {"audience": (audience,)} if audience in self.audiences else {}
        numbers, columns = self.hybrid.features(self.index, Search(query=plain, filters=filters))
        return np.array([self.place[number] for number in numbers.tolist()], np.int64), columns

    def ranked(
        self,
        question: str,
        weights: Mapping[str, float],
        *,
        audience: str = "",
        near: NDArray[np.float64] | None = None,
    ) -> list[Ranked]:
        """Return the sheets that answer best, best first.

        Parameters
        ----------
        weights
            Of each way of scoring, and of what is remembered, as ``asked``.
        near
            What is remembered (`memory.Memory.near`).
        """
        import numpy as np

        places, columns = self.columns(question, audience=audience)
        total = columns @ np.array([weights.get(way, 0.0) for way in WAYS])
        if near is not None:
            places, total = joined(places, total, near * self.open_to(audience), weights.get("asked", 0.0))
        order = np.lexsort((places, -total))
        return [Ranked(int(places[at]), float(total[at])) for at in order[:_MOST].tolist()]

    def open_to(self, audience: str) -> NDArray[np.bool_]:
        """Tell which sheets are for an audience; a sheet that names none is for all."""
        import numpy as np

        if audience not in self.audiences:
            return np.ones(len(self.sheets), np.bool_)
        told = (_audiences(one) for one in self.sheets)
        return np.array([not names or audience in names for names in told], np.bool_)

    def features(self, question: str, ranked: list[Ranked]) -> list[float]:
        """Return what tells whether the first sheet answers a question, in the order of `FEATURES`.

        Shares of the question's words, by their rarity: in the sheet, in its title, anywhere in the base.
        Likeness of letters and of meaning with the title. How far ahead of the second the first is.
        """
        import numpy as np

        # « Combien de jours ? » asks for a kind of answer: days say nothing of what it is about.
        wanted = [one for one in content_keys(question) if one not in _MEASURES] or content_keys(question)
        known = self.rarity.share(wanted, set(self.rarity.of))
        if not ranked:
            return [0.0, 0.0, known, 0.0, 0.0, 0.0]
        first = ranked[0]
        title, whole = self.words[first.place]
        number = number_of(self.sheets[first.place].id)
        at = int(np.searchsorted(self.hybrid.numbers, number))
        heads = self.hybrid.heads[[at]]
        place = self.hybrid.meaning.vectors([question])[0]
        second = ranked[1].score if len(ranked) > 1 else 0.0
        return [
            self.rarity.share(wanted, whole),
            self.rarity.share(wanted, title),
            known,
            float(self.hybrid.bags.likeness(question, heads)[0]),
            float(self.hybrid.places[heads][0] @ place),
            1.0 - second / first.score if first.score > 0 else 0.0,
        ]


_TEXTS = ("id", "title", "text", "path", "audience", "url", "version")
_bases: list[tuple[pa.Table, Base]] = []
_lock = Lock()


def base_of(sheets: pa.Table) -> Base:
    """Return the base of some sheets, built once for a process while it is among the last few asked for."""
    with _lock:
        known = (one for one in _bases if one[0] is sheets or one[0].equals(sheets))
        found = next(known, None) or (sheets, Base(sheets))
        _bases[:] = [found, *(one for one in _bases if one is not found)][:_KEPT]
    return found[1]

"""Hybrid ranking: words by field, letters, meaning, and an optional encoder, added with chosen weights.

Candidates come from the words of each field and from the nearest titles by meaning (by letters too, in a
small corpus); each way of scoring is divided by its best, then weighted. The weights are chosen on labelled
queries (`weighing`) and stored with the index. Candidates are always asked of the index within the bounds of
the search, so that nothing outside a perimeter enters. A query with ET, SAUF, a field, a phrase… keeps its
exact answers: only their order changes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any as Anything, Protocol

from eclaireur.bricks.semantic.index import Document, Found, Hit, Search, number_of
from eclaireur.bricks.semantic.meaning import LetterBags, Meaning, read_arrow, write_arrow
from eclaireur.bricks.semantic.query import FIELDS, Any, Leaf, Node, read_query
from eclaireur.core.errors import BadValueError
from eclaireur.core.files import write_atomically

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eclaireur.bricks.semantic.encoders import Encoder

__all__ = ["USUAL", "WAYS", "Hybrid", "ScoredIndex"]

WAYS = (*FIELDS, "letters", "meaning", "dense")
"""Ways of scoring, in the order of the columns of `Hybrid.features`."""

USUAL: Mapping[str, float] = dict(zip(WAYS, (1.0, 0.25, 2.0, 0.25, 1.0, 1.0), strict=True))
"""Weights before any query has been labelled."""

_BY_FIELD = 100
_BY_MEANING = 100
_SMALL = 2000
_HEAD = 300
_SPARE = 5
_NEAR_ENOUGH = (1e-9, 1e-9, 1e-9, 0.1, 0.3, 0.8)
_SHOWN = 1500


class ScoredIndex(Protocol):
    """What an index offers besides `index.Index` for ranking: scores by field, bounds on candidates."""

    def search(self, search: Search) -> Found:
        """See `index.Index`."""

    def scored(self, search: Search, field: str) -> tuple[list[int], list[float]]:
        """Return numbers and scores of the best documents by one field."""

    def let_through(self, search: Search, numbers: Sequence[int]) -> list[int]:
        """Return the numbers within the bounds of the search."""

    def among(self, search: Search, numbers: Sequence[int]) -> dict[int, Document]:
        """Return the documents within the bounds of the search."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hybrid:
    """A fitted ranking.

    Parameters
    ----------
    meaning
        The analysis learnt from the corpus.
    places, bags
        Of each distinct head (title, or else the beginning of the text): its place, its letters.
    numbers, heads
        Numbers of the documents (`index.number_of`), sorted, and the head of each.
    weights
        Weight of each way.
    encoder, dense
        An encoder and the index of its vectors, when one was chosen.
    """

    meaning: Meaning
    places: NDArray[np.float32]
    bags: LetterBags
    numbers: NDArray[np.int64]
    heads: NDArray[np.int64]
    weights: Mapping[str, float] = field(default_factory=lambda: dict(USUAL))
    encoder: Encoder | None = None
    dense: Anything = None
    by_head: NDArray[np.int64] = field(init=False, repr=False)
    sorted_heads: NDArray[np.int64] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        order = self.heads.argsort(kind="stable")
        object.__setattr__(self, "by_head", self.numbers[order])
        object.__setattr__(self, "sorted_heads", self.heads[order])

    @classmethod
    def fit(
        cls,
        documents: Sequence[Document],
        *,
        weights: Mapping[str, float] | None = None,
        encoder: Encoder | None = None,
        seed: int = 0,
    ) -> Hybrid:
        """Learn from the documents of an index."""
        import numpy as np

        texts = [f"{one.title} {one.title} {one.section} {one.body}" for one in documents]
        meaning = Meaning.fit(texts, seed=seed)
        distinct: dict[str, int] = {}
        rows = [distinct.setdefault(_head(one), len(distinct)) for one in documents]
        numbers = np.fromiter((number_of(one.id) for one in documents), np.int64, len(documents))
        order = np.argsort(numbers, kind="stable")
        dense = None
        if encoder is not None and documents:
            from usearch.index import Index

            vectors = encoder.passages([f"{one.title} {one.body}"[:_SHOWN] for one in documents])
            dense = Index(ndim=vectors.shape[1], metric="cos", dtype="f16")
            dense.add(numbers.astype(np.uint64), vectors, threads=1)
        return cls(
            meaning=meaning,
            places=meaning.vectors(list(distinct)),
            bags=LetterBags.of(list(distinct)),
            numbers=numbers[order],
            heads=np.asarray(rows, np.int64)[order],
            weights=dict(weights or USUAL),
            encoder=encoder,
            dense=dense,
        )

    # --- Ranking

    def search(self, index: ScoredIndex, search: Search) -> Found:
        """Answer a question: counts are those of its words, the order is that of all ways together."""
        if not search.query.strip():
            return index.search(search)
        found = index.search(replace(search, limit=0, offset=0))
        numbers, columns = self.features(index, search)
        total = columns @ self._weighed()
        # A few more than asked: some may have been deleted since the ranking was learnt.
        last = search.offset + search.limit
        best = (-total).argsort(kind="stable")[: last + _SPARE].tolist()
        documents = index.among(search, numbers[best].tolist())
        hits = tuple(
            Hit(score=float(total[at]), document=documents[number])
            for at in best
            if (number := int(numbers[at])) in documents
        )[search.offset : last]
        return replace(found, hits=hits)

    def features(self, index: ScoredIndex, search: Search) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Return the numbers of the candidates, and their scores by each of `WAYS`, each at most 1."""
        import numpy as np

        tree = read_query(search.query).tree
        wide = replace(search, limit=max(_BY_FIELD, search.offset + search.limit), offset=0)
        by_field = [index.scored(wide, name) for name in FIELDS]
        asked = " ".join(leaf.shown for leaf in _plain(tree)) if _is_plain(tree) else search.query
        place = self.meaning.vectors([asked])[0]
        vector = self.encoder.queries([asked])[0] if self.encoder is not None else None
        candidates = {number for numbers, _ in by_field for number in numbers}
        if _is_plain(tree):
            candidates.update(
                index.let_through(search, sorted(self._near(asked, place, vector) - candidates))
            )
        elif candidates:
            # Words of one field alone may break « ET » across fields: the whole query decides.
            whole = index.search(replace(wide, total=False, facets=(), months=False))
            candidates = {number_of(one.document.id) for one in whole.hits}
        numbers = np.fromiter(sorted(candidates), np.int64, len(candidates))
        columns = np.zeros((len(numbers), len(WAYS)))
        for at, (found, scores) in enumerate(by_field):
            if len(found) and len(numbers):
                seen = np.asarray(found, np.int64)
                places = np.minimum(np.searchsorted(numbers, seen), len(numbers) - 1)
                kept = numbers[places] == seen
                columns[places[kept], at] = np.asarray(scores)[kept]
        self._heads(columns, numbers, asked, place)
        if vector is not None and len(numbers):
            columns[:, 5] = self._dense(numbers, vector)
        # Near enough to be shown without a word in common; the least likeness that is more than chance.
        near = (columns >= np.asarray(_NEAR_ENOUGH)).any(axis=1)
        numbers, columns = numbers[near], columns[near]
        best = columns.max(axis=0, initial=0.0)
        return numbers, np.maximum(columns, 0.0) / np.where(best > 0, best, 1.0)

    def _weighed(self) -> NDArray[np.float64]:
        import numpy as np

        return np.asarray([self.weights.get(way, 0.0) for way in WAYS], np.float64)

    def _near(self, asked: str, place: NDArray[np.float32], vector: NDArray[np.float32] | None) -> set[int]:
        import numpy as np

        found: set[int] = set()
        ways = [self.places @ place] if len(self.places) and place.any() else []
        if 0 < len(self.places) <= _SMALL:
            ways.append(self.bags.likeness(asked, np.arange(len(self.places))))
        for likeness in ways:
            most = min(_BY_MEANING, len(likeness))
            heads = np.argpartition(-likeness, most - 1)[:most]
            found.update(self._under(heads)[: 2 * _BY_MEANING].tolist())
        if vector is not None and self.dense is not None:
            found.update(self.dense.search(vector, _BY_MEANING, threads=1).keys.tolist())
        return found

    def _under(self, heads: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the numbers of the documents of some heads, the heads in their order."""
        import numpy as np

        first = np.searchsorted(self.sorted_heads, heads, "left")
        last = np.searchsorted(self.sorted_heads, heads, "right")
        runs = [self.by_head[a:b] for a, b in zip(first.tolist(), last.tolist(), strict=True)]
        return np.concatenate(runs) if runs else np.zeros(0, np.int64)

    def _heads(
        self,
        columns: NDArray[np.float64],
        numbers: NDArray[np.int64],
        asked: str,
        place: NDArray[np.float32],
    ) -> None:
        import numpy as np

        at = np.minimum(np.searchsorted(self.numbers, numbers), max(len(self.numbers) - 1, 0))
        known = np.flatnonzero(self.numbers[at] == numbers) if len(self.numbers) else np.zeros(0, np.int64)
        # A document added since the ranking was learnt has its words only.
        if len(known):
            heads = self.heads[at[known]]
            columns[known, 3] = self.bags.likeness(asked, heads)
            columns[known, 4] = self.places[heads] @ place

    def _dense(self, numbers: NDArray[np.int64], vector: NDArray[np.float32]) -> NDArray[np.float32]:
        import numpy as np

        rows = self.dense.get(numbers.astype(np.uint64))
        found = np.zeros(len(numbers), np.float32)
        for at, row in enumerate(rows):
            if row is not None:
                found[at] = float(np.asarray(row, np.float32) @ vector)
        return found

    # --- Keeping

    def save(self, folder: Path) -> None:
        """Write to a folder, the file that names the rest last."""
        import pyarrow as pa

        folder.mkdir(parents=True, exist_ok=True)
        self.meaning.save(folder / "meaning.arrow")
        self.bags.save(folder)
        flat = pa.array(self.places.ravel(), pa.float32())
        width = self.places.shape[1]
        write_arrow(
            folder / "places.arrow", pa.table({"place": pa.FixedSizeListArray.from_arrays(flat, width)})
        )
        write_arrow(folder / "documents.arrow", pa.table({"number": self.numbers, "head": self.heads}))
        if self.dense is not None:
            self.dense.save(str(folder / "dense.usearch"))
        self.save_weights(folder)

    def save_weights(self, folder: Path) -> None:
        """Write the weights and the encoder's name."""
        told = {"weights": dict(self.weights), "encoder": self.encoder.name if self.encoder else ""}
        text = json.dumps(told)
        write_atomically(folder / "hybrid.json", lambda path: _write(path, text))

    @classmethod
    def load(cls, folder: Path, *, encoder: Encoder | None = None) -> Hybrid:
        """Read from a folder.

        Raises
        ------
        BadValueError
            If ``encoder`` is not the one that made the vectors.
        """
        told = json.loads((folder / "hybrid.json").read_text(encoding="utf-8"))
        dense = None
        if encoder is not None:
            if told["encoder"] != encoder.name:
                raise BadValueError(
                    f"l'index a été fait avec un autre encodeur : « {told['encoder'] or 'aucun'} ».",
                    fix="Refaites l'index avec cet encodeur.",
                )
            from usearch.index import Index

            dense = Index.restore(str(folder / "dense.usearch"), view=True)
        table = read_arrow(folder / "documents.arrow")
        places = read_arrow(folder / "places.arrow")["place"].combine_chunks()
        width = places.type.list_size
        return cls(
            meaning=Meaning.load(folder / "meaning.arrow"),
            places=places.flatten().to_numpy(zero_copy_only=False).reshape(-1, width),
            bags=LetterBags.load(folder),
            numbers=table["number"].to_numpy(),
            heads=table["head"].to_numpy(),
            weights=told["weights"],
            encoder=encoder,
            dense=dense,
        )


def _head(document: Document) -> str:
    return document.title or document.section or document.body[:_HEAD]


def _plain(node: Node | None) -> list[Leaf]:
    match node:
        case Leaf():
            return [node]
        case Any(parts):
            return [leaf for part in parts for leaf in _plain(part)]
        case _:
            return []


def _is_plain(node: Node | None) -> bool:
    """Tell words side by side from a query that says exactly what it wants."""
    match node:
        case Leaf(found, shown, prefix, distance, only):
            return not (prefix or distance or only) and (len(found) == 1 or " " not in shown)
        case Any(parts):
            return all(_is_plain(part) for part in parts)
        case _:
            return False


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")

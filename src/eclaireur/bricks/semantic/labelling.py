"""Several labels for each sentence, with a chance, reasons, and the right to abstain.

Stems, pairs of stems and runs of letters (`ngrams`, TF-IDF, sublinear) feed one ridge regression a label
(`ridge`); shallow trees turn the scores of a sentence's likeliest labels into chances (`pairs`). What the
model says of sentences it did not see, folds kept whole by near-duplicates, sets the rest: the chance over
which a label is given (highest micro-F1), the chance that the first label is right (isotonic, Zadrozny &
Elkan 2002), and the score under which the model abstains.
"""

from __future__ import annotations

import io
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from heapq import nsmallest
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic.ngrams import batches, stems
from eclaireur.bricks.semantic.pairs import Context, described, fit_trees, spread
from eclaireur.bricks.semantic.ridge import Linear, folds, solve
from eclaireur.bricks.semantic.vectors import (
    View,
    batch_rows,
    learnt_views,
    stem_columns,
    stem_weights,
    text_rows,
)
from eclaireur.core.errors import EmptyTableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Labeller", "folds", "stems", "worth_annotating"]

_INNER = 4
_TELLING = 12
_LEAST_KEPT = 30
_NEVER = 2.0
_EDGE = 1e-4
"""Nearest that a score comes to 0 and 1 in the curve of abstention."""
_MODEL, _TREES = "labels.parquet", "pairs.txt"


@dataclass(frozen=True, slots=True, kw_only=True)
class Labeller:
    """A fitted model; see the module.

    Parameters
    ----------
    names
        The labels, in order.
    views
        Stems and runs of letters: the columns of a row, in this order.
    linear
        Scores of the labels, then of the hints.
    context, trees
        What turns the scores of a sentence into chances.
    tells
        For each label, the stems that speak most for it, in the order of their weight.
    cut
        A label is given when its chance exceeds it.
    scores, chances
        Steps of the isotonic curve: chance that the first label of a sentence is right, by its score.
    keep
        Score of the first label under which the model abstains.
    """

    names: tuple[str, ...]
    views: tuple[View, View]
    linear: Linear
    context: Context
    trees: Any
    tells: tuple[tuple[str, ...], ...]
    cut: float
    scores: NDArray[np.float64]
    chances: NDArray[np.float64]
    keep: float

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        labels: Sequence[Collection[str]],
        *,
        groups: Any,
        seed: int,
        precision: float = 0.6,
        hints: Sequence[Collection[str]] | None = None,
    ) -> Labeller:
        """Fit on labelled sentences.

        Parameters
        ----------
        groups
            Group of near-duplicates of each sentence: a group is never on both sides of a fold.
        precision
            Share of right first labels that is aimed at among the sentences kept.
        hints
            What another annotator or model said of the same sentences. The model learns to say it too, and
            uses what it would say; hints are not needed to label new sentences.

        Raises
        ------
        EmptyTableError
            If there are fewer than ten sentences, or no label.
        """
        import numpy as np

        names = tuple(sorted({label for row in labels for label in row}))
        if len(texts) < 10 or not names:
            raise EmptyTableError(
                "trop peu de phrases étiquetées pour apprendre.",
                fix="Ajoutez-en au moins dix.",
            )
        others = tuple(sorted({hint for row in hints or () for hint in row}))
        truth = _matrix(labels, names)
        said = _matrix(hints if others and hints else [()] * len(texts), others)
        same = np.array([others.index(name) if name in others else -1 for name in names])
        views = learnt_views(texts)
        rows = text_rows(texts, views)
        targets = np.hstack([truth, said])
        seen = folds(groups, _INNER, seed=seed)
        held = np.broadcast_to(targets.mean(axis=0), targets.shape).astype(np.float32)
        for fold in range(_INNER):
            inside, outside = np.flatnonzero(seen != fold), np.flatnonzero(seen == fold)
            if len(inside) and len(outside):
                held[outside] = solve(rows[inside], targets[inside]).scored((rows[outside],))
        context = Context.of(truth, said, same)
        pairs = described(held, context, _lengths(texts))
        # Other folds than those of the linear scores: a tree must not be judged on what it was fitted on.
        again = folds(groups, _INNER, seed=seed + 1)
        chance = np.zeros_like(truth)
        for fold in range(_INNER):
            inside, outside = np.flatnonzero(again != fold), np.flatnonzero(again == fold)
            if len(inside) and len(outside):
                trees = fit_trees(pairs.at(inside), truth[inside], seed=seed)
                chance[outside] = spread(pairs.at(outside), trees, len(names))
        first, right = _first(chance, truth)
        steps = _isotonic(first, right)
        linear = solve(rows, targets)
        return cls(
            names=names,
            views=views,
            linear=linear,
            context=context,
            trees=fit_trees(pairs, truth, seed=seed),
            tells=_tells(texts, views[0], linear, len(names)),
            cut=_best_cut(chance, truth),
            scores=steps[0],
            chances=steps[1],
            keep=_abstention(first, right, precision),
        )

    def scored(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return the chance of each label for each text, shape ``(texts, labels)``.

        A text without one known term gets no label: nothing is known of it, not even the usual rates.
        """
        import numpy as np

        found = np.zeros((len(texts), len(self.names)), np.float32)
        for batch in batches(texts):
            some = texts[batch]
            rows = batch_rows(some, self.views)
            pairs = described(self.linear.scored(rows), self.context, _lengths(some))
            chance = spread(pairs, self.trees, len(self.names))
            chance[np.diff(rows[0].indptr) + np.diff(rows[1].indptr) == 0] = 0
            found[batch] = chance
        return found

    def given(self, scores: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Tell which labels are given, from scores."""
        found: NDArray[np.bool_] = scores > self.cut
        return found

    def sure(self, scores: NDArray[np.float32]) -> tuple[NDArray[np.int64], NDArray[np.float64], Any]:
        """Return, from scores, the first label, the chance that it is right, and whether it is kept."""
        import numpy as np

        best = scores.argmax(axis=1)
        top = scores[np.arange(len(scores)), best].astype(np.float64)
        chance = np.where(top > 0, np.interp(top, self.scores, self.chances), 0.0)
        return best, chance, top >= self.keep

    def why(self, text: str, label: int, *, count: int = 5) -> list[tuple[str, float]]:
        """Return the stems that weigh most for a label in a text, signed, strongest first."""
        return self.why_each([text], [label], count=count)[0]

    def why_each(
        self, texts: Sequence[str], labels: Sequence[int], *, count: int = 5
    ) -> list[list[tuple[str, float]]]:
        """Return, for each text and its label, the stems that weigh most (see `why`)."""
        import numpy as np

        outer = np.ascontiguousarray(self.linear.outer.T)
        found = []
        for batch in batches(texts):
            shown = [list(dict.fromkeys(stems(text))) for text in texts[batch]]
            weights = stem_weights(
                texts[batch], shown, self.views[0], self.linear.inner, outer[labels[batch]]
            )
            found += [nsmallest(count, pairs, key=lambda one: (-abs(one[1]), one[0])) for pairs in weights]
        return found

    def telling(self, label: int, *, count: int = 8) -> list[str]:
        """Return the stems that speak most for a label: the only name that an unnamed topic has."""
        return list(self.tells[label][:count])

    def dump(self) -> dict[str, bytes]:
        """Write the model as two files: Parquet (terms, and the rest in its metadata) and LightGBM text."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.parquet as pq

        from eclaireur.core import canonical
        from eclaireur.core.artefacts import dump_lightgbm

        context = self.context
        head = {
            "names": list(self.names),
            "stems": len(self.views[0].buckets),
            "outer": _listed(self.linear.outer),
            "bias": _listed(self.linear.bias),
            "prior": _listed(context.prior),
            "beside": _listed(context.beside),
            "from_hints": _listed(context.from_hints),
            "same": context.same.tolist(),
            "tells": [list(one) for one in self.tells],
            "cut": self.cut,
            "scores": self.scores.tolist(),
            "chances": self.chances.tolist(),
            "keep": self.keep,
        }
        flat = pa.array(self.linear.inner.astype(np.float16).ravel())
        columns = {
            "bucket": pa.array(np.concatenate([view.buckets for view in self.views])),
            "idf": pa.array(np.concatenate([view.idf for view in self.views])),
            "weights": pa.FixedSizeListArray.from_arrays(flat, self.linear.inner.shape[1]),
        }
        table = pa.table(columns).replace_schema_metadata({"labeller": canonical.text(head)})
        sink = io.BytesIO()
        pq.write_table(table, sink, compression="zstd")
        return {_MODEL: sink.getvalue(), _TREES: dump_lightgbm(self.trees)}

    @classmethod
    def read(cls, files: Mapping[str, bytes] | Any) -> Labeller:
        """Read what `dump` wrote: a mapping, or a function that gives the bytes of a file."""
        import numpy as np
        import pyarrow.parquet as pq

        from eclaireur.core import canonical
        from eclaireur.core.artefacts import load_lightgbm

        read = files if callable(files) else files.__getitem__
        table = pq.read_table(io.BytesIO(read(_MODEL)))
        head = canonical.parse(table.schema.metadata[b"labeller"].decode())
        buckets, idf = table["bucket"].to_numpy(), table["idf"].to_numpy().astype(np.float32)
        cut = head["stems"]
        outer = np.array(head["outer"], np.float32)
        flat = table["weights"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        inner = flat.astype(np.float32).reshape(len(buckets), len(outer))
        size = len(head["names"])
        return cls(
            names=tuple(head["names"]),
            views=(View.of(buckets[:cut], idf[:cut]), View.of(buckets[cut:], idf[cut:])),
            linear=Linear(inner, outer, np.array(head["bias"], np.float32)),
            context=Context(
                prior=np.array(head["prior"], np.float32),
                beside=np.array(head["beside"], np.float32),
                from_hints=np.array(head["from_hints"], np.float32).reshape(-1, size),
                same=np.array(head["same"], np.int64),
            ),
            trees=load_lightgbm(read(_TREES)),
            tells=tuple(tuple(one) for one in head["tells"]),
            cut=float(head["cut"]),
            scores=np.array(head["scores"], np.float64),
            chances=np.array(head["chances"], np.float64),
            keep=float(head["keep"]),
        )


def worth_annotating(
    chances: Sequence[float], *, sure: int = 15, unsure: int = 5
) -> tuple[list[int], list[int]]:
    """Choose what to annotate next: the surest, that confirm, and those nearest to one chance in two.

    Uncertainty sampling (Lewis & Gale 1994), among sure items that keep the annotator's work light.

    Parameters
    ----------
    chances
        Of each item, that its first label is right, in [0, 1]; 0 is never unsure.

    Returns
    -------
    tuple
        Places of the sure ones and of the unsure ones, none in both.

    Examples
    --------
    >>> worth_annotating([0.9, 0.1, 0.55, 0.0, 0.95], sure=2, unsure=1)
    ([4, 0], [2])
    """
    order = sorted(range(len(chances)), key=lambda at: (-chances[at], at))
    chosen = order[:sure]
    left = [at for at in order[sure:] if chances[at] > 0]
    return chosen, sorted(left, key=lambda at: (abs(chances[at] - 0.5), at))[:unsure]


def _listed(values: NDArray[np.float32]) -> Any:
    """Return numbers as lists, short enough that 32-bit floats are read again as they were."""
    return values.astype(float).round(8).tolist()


def _lengths(texts: Sequence[str]) -> NDArray[np.float32]:
    import numpy as np

    return np.fromiter(map(len, texts), np.float32, len(texts))


def _tells(texts: Sequence[str], view: View, linear: Linear, count: int) -> tuple[tuple[str, ...], ...]:
    import numpy as np

    shown = sorted({stem for text in texts for stem in stems(text)})
    column = np.array(stem_columns(shown, view))
    known = np.flatnonzero(column >= 0)
    weights = linear.inner[column[known]] @ linear.outer[:, :count]
    best = np.argsort(-weights, axis=0, kind="stable")[:_TELLING]
    return tuple(tuple(shown[at] for at in known[row].tolist()) for row in best.T)


def _matrix(labels: Sequence[Collection[str]], names: Sequence[str]) -> NDArray[np.float32]:
    import numpy as np

    place = {name: at for at, name in enumerate(names)}
    found = np.zeros((len(labels), len(names)), np.float32)
    for at, row in enumerate(labels):
        found[at, [place[label] for label in row]] = 1
    return found


def _best_cut(chance: NDArray[np.float32], truth: NDArray[np.float32]) -> float:
    """Return the chance over which labels are given: highest micro-F1 on held-out sentences."""
    import numpy as np

    positives = float(truth.sum())
    flat = chance.ravel()
    order = np.argsort(-flat, kind="stable")[: int(8 * positives) + 1]
    right = np.cumsum(truth.ravel()[order])
    figure = 2 * right / (np.arange(1, len(order) + 1) + positives)
    return float(flat[order[int(figure.argmax())]]) - 1e-6


def _first(
    held: NDArray[np.float32], truth: NDArray[np.float32]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    import numpy as np

    place = np.arange(len(held)), held.argmax(axis=1)
    return held[place].astype(np.float64), truth[place].astype(np.float64)


def _isotonic(
    first: NDArray[np.float64], right: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    from sklearn.isotonic import IsotonicRegression

    curve = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(first, right)
    return curve.X_thresholds_, curve.y_thresholds_


def _abstention(first: NDArray[np.float64], right: NDArray[np.float64], precision: float) -> float:
    """Return the score under which the model abstains: above it, the mean chance is the precision aimed at.

    The chance is a logistic curve (Platt 1999) of the likelier half of the sentences. Counts would choose the
    score at which they happen to be lucky: on other sentences, what is above it is right less often.
    """
    import numpy as np

    order = np.argsort(-first, kind="stable")
    half = order[: max(len(first) // 2, _LEAST_KEPT)]
    learnt = half if len(np.unique(right[half])) > 1 else order
    chance = _curve(first[learnt], right[learnt], first[order])
    n = np.arange(1, len(order) + 1)
    enough = (np.cumsum(chance) / n >= precision) & (n >= min(_LEAST_KEPT, len(order)))
    return float(first[order[np.flatnonzero(enough)[-1]]]) if enough.any() else _NEVER


def _curve(
    score: NDArray[np.float64], right: NDArray[np.float64], asked: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the chance at some scores by a logistic curve of the logit of others."""
    import numpy as np

    if len(np.unique(right)) < 2:
        return np.full(len(asked), right.mean() if len(right) else 0.0)
    from sklearn.linear_model import LogisticRegression

    def column(scores: NDArray[np.float64]) -> NDArray[np.float64]:
        inside = np.clip(scores, _EDGE, 1 - _EDGE)
        found: NDArray[np.float64] = np.log(inside / (1 - inside))[:, None]
        return found

    curve = LogisticRegression(C=np.inf).fit(column(score), right)
    found: NDArray[np.float64] = curve.predict_proba(column(asked))[:, 1]
    return found

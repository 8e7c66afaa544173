"""One destination for each message, with a chance that it is right, the words that say why, and abstention.

Stems, pairs of stems and runs of letters (`vectors`) feed one ridge regression a destination (`ridge`). What
the model says of messages it did not see, groups of likeness kept whole, sets the rest: the strength of the
ridge, the chance that the first and the second destinations are right (a logistic curve of the scores, made
monotone by isotonic regression), and the chance under which the model leaves the message to a person.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic.ngrams import batches, stems
from eclaireur.bricks.semantic.ridge import RANK, Linear, folds
from eclaireur.bricks.semantic.vectors import View, batch_rows, learnt_views, stem_columns, text_rows
from eclaireur.cases.mail_routing.tone import telling
from eclaireur.core.errors import EmptyTableError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["INNER", "PRECISION", "Calibration", "Curve", "Router", "Told", "across", "calibrate", "threshold"]

PRECISION = 0.84
"""Share of right destinations that is aimed at among the messages that are routed."""

INNER = 4
"""Folds inside the training part."""
_RIDGES = (0.1, 0.3, 1.0)
_MOST_TERMS = 120_000
_LEAST_ROUTED = 20
_LIKELY = 0.5
"""A message that is more often wrong than right is never routed, however right the others are."""
_NEVER = 2.0
_MODEL = "router.parquet"


@dataclass(frozen=True, slots=True)
class Curve:
    """Chance that a destination is right: a logistic weight of what describes it, then isotonic steps."""

    weights: NDArray[np.float64]
    scores: NDArray[np.float64]
    chances: NDArray[np.float64]

    @classmethod
    def fit(cls, described: NDArray[np.float64], right: NDArray[np.float64]) -> Curve:
        """Fit on messages that the model did not see."""
        import numpy as np
        from sklearn.isotonic import IsotonicRegression
        from sklearn.linear_model import LogisticRegression

        weights = np.zeros(described.shape[1] + 1)
        if 0 < right.sum() < len(right):
            fitted = LogisticRegression(C=10.0, max_iter=300).fit(described, right)
            weights[:-1], weights[-1] = fitted.coef_[0], fitted.intercept_[0]
        score = described @ weights[:-1] + weights[-1]
        steps = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(score, right)
        return cls(weights, steps.X_thresholds_, steps.y_thresholds_)

    def chance(self, described: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the chance of each row."""
        import numpy as np

        score = described @ self.weights[:-1] + self.weights[-1]
        found: NDArray[np.float64] = np.interp(score, self.scores, self.chances)
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the model says of messages.

    Parameters
    ----------
    best
        Places of the two likeliest destinations, shape ``(messages, 2)``.
    chances
        Chance that each is right, in the same shape; 0 for a message of which no word is known.
    kept
        Whether the first is sure enough.
    """

    best: NDArray[np.int64]
    chances: NDArray[np.float64]
    kept: NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What messages held out inside the training part set: ridge, chances, and where the model abstains."""

    ridge: float
    curves: tuple[Curve, Curve]
    keep: float

    def judged(self, scores: NDArray[np.float32]) -> Told:
        """Say, from the scores of every destination, which are best and how sure they are."""
        import numpy as np

        first, second = _described(scores)
        chances = np.stack([self.curves[0].chance(first), self.curves[1].chance(second)], axis=1)
        # The second is never said to be surer than the first, nor both surer than sure.
        chances[:, 1] = np.minimum(chances[:, 1], np.minimum(chances[:, 0], 1 - chances[:, 0]))
        return Told(best=_two_best(scores), chances=chances, kept=chances[:, 0] >= self.keep)


@dataclass(frozen=True, slots=True, kw_only=True)
class Router:
    """A fitted model; see the module.

    Parameters
    ----------
    names
        The destinations, in order.
    views, linear
        Terms that are counted, and what they weigh.
    curves
        Chances of the first and of the second destination.
    keep
        Chance under which a message is left to a person.
    ridge
        Strength that was chosen.
    """

    names: tuple[str, ...]
    views: tuple[View, View]
    linear: Linear
    curves: tuple[Curve, Curve]
    keep: float
    ridge: float

    @classmethod
    def fit(
        cls,
        texts: Sequence[str],
        labels: Sequence[str],
        *,
        groups: Any,
        seed: int,
        precision: float = PRECISION,
    ) -> Router:
        """Fit on messages whose destination is known.

        Parameters
        ----------
        groups
            Group of each message: a group is never on both sides of a fold.

        Raises
        ------
        EmptyTableError
            If there are fewer than twenty messages, or fewer than two destinations.
        """
        import numpy as np

        names = tuple(sorted(set(labels)))
        if len(texts) < 20 or len(names) < 2:
            raise EmptyTableError(
                "trop peu de messages triés pour apprendre.",
                fix="Il en faut au moins vingt, vers au moins deux services.",
            )
        place = {name: at for at, name in enumerate(names)}
        truth = np.array([place[label] for label in labels])
        targets = np.eye(len(names), dtype=np.float32)[truth]
        views = _chosen_views(texts)
        rows = text_rows(texts, views)
        likeness = (rows @ rows.T).toarray()
        found = calibrate(likeness, truth, folds(groups, INNER, seed=seed), precision=precision)
        return cls(
            names=names,
            views=views,
            linear=_fitted(rows, likeness, targets, found.ridge),
            curves=found.curves,
            keep=found.keep,
            ridge=found.ridge,
        )

    def told(self, texts: Sequence[str]) -> Told:
        """Say where messages should go."""
        import numpy as np

        best = np.zeros((len(texts), 2), np.int64)
        chances = np.zeros((len(texts), 2))
        calibration = Calibration(ridge=self.ridge, curves=self.curves, keep=self.keep)
        for batch in batches(texts):
            rows = batch_rows(texts[batch], self.views)
            told = calibration.judged(self.linear.scored(rows))
            told.chances[np.diff(rows[0].indptr) + np.diff(rows[1].indptr) == 0] = 0
            best[batch], chances[batch] = told.best, told.chances
        return Told(best=best, chances=chances, kept=chances[:, 0] >= self.keep)

    def why(
        self, texts: Sequence[str], labels: Sequence[int], *, count: int = 3
    ) -> list[list[tuple[str, float]]]:
        """Return, for each text, the words that weigh most for a destination and not others.

        Articles and such are not shown when another word is: they mean nothing to a reader.
        """
        import numpy as np

        against = self.linear.outer - self.linear.outer.mean(axis=1, keepdims=True)
        found: list[list[tuple[str, float]]] = []
        for batch in batches(texts):
            some = texts[batch]
            rows = batch_rows(some, self.views)[0]
            shown = [list(dict.fromkeys(stems(text))) for text in some]
            columns = np.array(stem_columns([stem for one in shown for stem in one], self.views[0]), np.int64)
            values = np.zeros(rows.shape[1], np.float32)
            start = 0
            for at, words in enumerate(shown):
                own = slice(rows.indptr[at], rows.indptr[at + 1])
                place = columns[start : start + len(words)]
                start += len(words)
                values[rows.indices[own]] = rows.data[own]
                known = np.flatnonzero(place >= 0)
                said = [one for one in known.tolist() if telling(words[one])]
                known = np.array(said, np.int64) if said else known
                weights = self.linear.inner[place[known]] @ against[:, labels[batch][at]]
                weights = weights * values[place[known]]
                values[rows.indices[own]] = 0
                best = np.argsort(-np.abs(weights), kind="stable")[:count]
                found.append([(words[known[one]], float(weights[one])) for one in best.tolist()])
        return found

    def dump(self) -> dict[str, bytes]:
        """Write the model as one Parquet file: terms, and the rest in its metadata."""
        import numpy as np
        import pyarrow as pa
        import pyarrow.parquet as pq

        from eclaireur.core import canonical

        head = {
            "names": list(self.names),
            "stems": len(self.views[0].buckets),
            "outer": _listed(self.linear.outer),
            "bias": _listed(self.linear.bias),
            "curves": [
                [one.weights.tolist(), one.scores.tolist(), one.chances.tolist()] for one in self.curves
            ],
            "keep": self.keep,
            "ridge": self.ridge,
        }
        flat = pa.array(self.linear.inner.astype(np.float16).ravel())
        columns = {
            "bucket": pa.array(np.concatenate([view.buckets for view in self.views])),
            "idf": pa.array(np.concatenate([view.idf for view in self.views])),
            "weights": pa.FixedSizeListArray.from_arrays(flat, self.linear.inner.shape[1]),
        }
        table = pa.table(columns).replace_schema_metadata({"router": canonical.text(head)})
        sink = io.BytesIO()
        pq.write_table(table, sink, compression="zstd")
        return {_MODEL: sink.getvalue()}

    @classmethod
    def read(cls, files: Mapping[str, bytes] | Any) -> Router:
        """Read what `dump` wrote: a mapping, or a function that gives the bytes of a file."""
        import numpy as np
        import pyarrow.parquet as pq

        from eclaireur.core import canonical

        read = files if callable(files) else files.__getitem__
        table = pq.read_table(io.BytesIO(read(_MODEL)))
        head = canonical.parse(table.schema.metadata[b"router"].decode())
        buckets, idf = table["bucket"].to_numpy(), table["idf"].to_numpy().astype(np.float32)
        cut = head["stems"]
        outer = np.array(head["outer"], np.float32)
        flat = table["weights"].combine_chunks().flatten().to_numpy(zero_copy_only=False)
        first, second = (Curve(*(np.array(part, np.float64) for part in one)) for one in head["curves"])
        return cls(
            names=tuple(head["names"]),
            views=(View.of(buckets[:cut], idf[:cut]), View.of(buckets[cut:], idf[cut:])),
            linear=Linear(
                flat.astype(np.float32).reshape(len(buckets), len(outer)),
                outer,
                np.array(head["bias"], np.float32),
            ),
            curves=(first, second),
            keep=float(head["keep"]),
            ridge=float(head["ridge"]),
        )


def calibrate(
    likeness: NDArray[np.float32], truth: NDArray[np.int64], seen: NDArray[np.int64], *, precision: float
) -> Calibration:
    """Set what messages held out inside the training part must set.

    Parameters
    ----------
    likeness
        Of each pair of messages, in any representation.
    truth
        Place of the destination of each message.
    seen
        Inner fold of each message.
    precision
        Share of right destinations aimed at among those that are routed.
    """
    import numpy as np

    targets = np.eye(int(truth.max()) + 1, dtype=np.float32)[truth]
    held, ridge = _held_scores(likeness, targets, truth, seen)
    first, second = _described(held)
    best = _two_best(held)
    right = (truth == best[:, 0]).astype(float)
    keep = threshold(_crossed(first, right, seen), right, precision)
    curves = Curve.fit(first, right), Curve.fit(second, (truth == best[:, 1]).astype(float))
    return Calibration(ridge=ridge, curves=curves, keep=max(keep, _LIKELY))


def across(
    likeness: NDArray[np.float32], other: NDArray[np.float32], truth: NDArray[np.int64], ridge: float
) -> NDArray[np.float32]:
    """Return the scores of other messages, from their likeness to those of known destination."""
    import numpy as np

    targets = np.eye(int(truth.max()) + 1, dtype=np.float32)[truth]
    mean = targets.mean(axis=0)
    found: NDArray[np.float32] = other @ _dual(likeness, targets - mean, ridge) + mean
    return found


def threshold(chance: NDArray[np.float64], right: NDArray[np.float64], precision: float) -> float:
    """Return the least chance above which held-out messages are right often enough.

    It is set on chances by curves that did not see the message, of models that did not see its group: no
    slack is asked beyond the precision, which models learnt from all groups then pass.

    >>> import numpy as np
    >>> threshold(np.linspace(1, 0, 200), np.r_[np.ones(100), np.zeros(100)], 0.8) < 0.5
    True
    >>> threshold(np.linspace(1, 0, 200), np.zeros(200), 0.8)
    2.0
    """
    import numpy as np

    order = np.argsort(-chance, kind="stable")
    n = np.arange(1, len(order) + 1)
    found = np.cumsum(right[order]) / n
    last = np.append(np.diff(chance[order]) != 0, True)
    enough = found >= precision
    enough &= last & (n >= min(_LEAST_ROUTED, len(order)))
    return float(chance[order][np.flatnonzero(enough)[-1]]) if enough.any() else _NEVER


def _chosen_views(texts: Sequence[str]) -> tuple[View, View]:
    words, runs = learnt_views(texts)
    # The commonest come first: the model stays small enough to be read in a moment.
    return (
        View.of(words.buckets[:_MOST_TERMS], words.idf[:_MOST_TERMS]),
        View.of(runs.buckets[:_MOST_TERMS], runs.idf[:_MOST_TERMS]),
    )


def _held_scores(
    likeness: NDArray[np.float32], targets: NDArray[np.float32], truth: Any, seen: Any
) -> tuple[NDArray[np.float32], float]:
    """Score each fold by the others, with the ridge that finds most destinations."""
    import numpy as np

    held = {
        ridge: np.broadcast_to(targets.mean(axis=0), targets.shape).astype(np.float32) for ridge in _RIDGES
    }
    for fold in range(INNER):
        inside, outside = np.flatnonzero(seen != fold), np.flatnonzero(seen == fold)
        if not len(inside) or not len(outside):
            continue
        own, across = likeness[np.ix_(inside, inside)], likeness[np.ix_(outside, inside)]
        mean = targets[inside].mean(axis=0)
        for ridge in _RIDGES:
            held[ridge][outside] = across @ _dual(own, targets[inside] - mean, ridge) + mean
    right = {ridge: float((held[ridge].argmax(axis=1) == truth).mean()) for ridge in _RIDGES}
    best = max(_RIDGES, key=lambda ridge: right[ridge])
    return held[best], best


def _dual(likeness: NDArray[np.float32], targets: NDArray[np.float32], ridge: float) -> NDArray[np.float32]:
    import numpy as np
    from scipy.linalg import cho_factor, cho_solve

    regular = likeness.copy()
    regular[np.diag_indices_from(regular)] += np.float32(ridge)
    factor = cho_factor(regular, lower=True, overwrite_a=True, check_finite=False)
    found: NDArray[np.float32] = cho_solve(factor, targets, check_finite=False)
    return found


def _fitted(rows: Any, likeness: NDArray[np.float32], targets: NDArray[np.float32], ridge: float) -> Linear:
    """Fit every destination at once, as `ridge.solve` does, from a likeness that is already known."""
    import numpy as np

    bias = targets.mean(axis=0, dtype=np.float32)
    dual = _dual(likeness, targets - bias, ridge)
    told = likeness @ dual
    _, directions = np.linalg.eigh((told.T @ told).astype(np.float64))
    outer = directions[:, ::-1][:, :RANK].T.astype(np.float32)
    return Linear((rows.T @ (dual @ outer.T)).astype(np.float32), outer, bias)


def _crossed(described: Any, right: Any, seen: Any) -> NDArray[np.float64]:
    """Return chances by curves that did not see the message: no threshold is set on what it was fitted on."""
    import numpy as np

    found = np.full(len(right), float(right.mean()))
    for fold in range(INNER):
        inside, outside = np.flatnonzero(seen != fold), np.flatnonzero(seen == fold)
        if len(inside) and len(outside):
            found[outside] = Curve.fit(described[inside], right[inside]).chance(described[outside])
    return found


def _two_best(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    import numpy as np

    found: NDArray[np.int64] = np.argsort(-scores, axis=1, kind="stable")[:, :2].astype(np.int64)
    return found


def _described(scores: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what tells whether the first, then the second destination is right."""
    import numpy as np

    top = -np.sort(-scores.astype(np.float64), axis=1)[:, :3]
    if top.shape[1] < 3:
        top = np.hstack([top, np.zeros((len(top), 1))])
    first, second, third = top.T
    return np.stack([first, first - second], axis=1), np.stack(
        [second, first - second, second - third], axis=1
    )


def _listed(values: NDArray[np.float32]) -> Any:
    return values.astype(float).round(8).tolist()

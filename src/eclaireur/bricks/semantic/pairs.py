"""The chance that a label fits a sentence, from what linear models say of it and of the other labels.

A linear score alone is a poor chance: what it is worth depends on how common the label is, on what else the
sentence is about, and on what a second annotator would have said. A few shallow trees, fitted on scores of
sentences that the linear models did not see (stacking, Wolpert 1992), turn these into one chance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["CANDIDATES", "Context", "Pairs", "candidates", "described", "fit_trees", "spread"]

CANDIDATES = 12
"""Labels of a sentence that are looked at: those with the highest linear scores."""

_TREES = {
    "objective": "binary",
    "learning_rate": 0.1,
    "num_leaves": 7,
    "feature_fraction": 0.6,
    "num_threads": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
_ROUNDS = 50
_SMOOTH = 5.0


@dataclass(frozen=True, slots=True)
class Context:
    """What is known of labels beside the sentence.

    Parameters
    ----------
    prior
        Share of sentences with each label, shape ``(labels,)``.
    beside
        Share of the sentences of a label that also have another, shape ``(labels, labels)``.
    from_hints
        Share of the sentences of a hint that have a label, shape ``(hints, labels)``.
    same
        Hint with the same name as each label, -1 for none, shape ``(labels,)``.
    """

    prior: NDArray[np.float32]
    beside: NDArray[np.float32]
    from_hints: NDArray[np.float32]
    same: NDArray[np.int64]

    @classmethod
    def of(cls, truth: NDArray[np.float32], hints: NDArray[np.float32], same: NDArray[np.int64]) -> Context:
        """Count labels and hints over the sentences learnt from."""
        import numpy as np

        beside = truth.T @ truth
        beside /= beside.diagonal()[:, None] + np.float32(_SMOOTH)
        np.fill_diagonal(beside, 0)
        from_hints = (hints.T @ truth) / (hints.sum(axis=0)[:, None] + np.float32(_SMOOTH))
        return cls(truth.mean(axis=0, dtype=np.float32), beside, from_hints.astype(np.float32), same)


@dataclass(frozen=True, slots=True)
class Pairs:
    """Candidate labels, shape ``(sentences, k)``, and what describes each, ``(sentences, k, features)``."""

    label: NDArray[np.int64]
    features: NDArray[np.float32]

    def at(self, rows: NDArray[np.int64]) -> Pairs:
        """Return the pairs of some sentences."""
        return Pairs(self.label[rows], self.features[rows])


def candidates(scores: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return the labels with the highest scores of each row, in no order."""
    import numpy as np

    count = min(CANDIDATES, scores.shape[1])
    if count == scores.shape[1]:
        return np.broadcast_to(np.arange(count), scores.shape)
    found: NDArray[np.int64] = np.argpartition(-scores, count, axis=1)[:, :count]
    return found


def described(scores: NDArray[np.float32], context: Context, letters: NDArray[np.float32]) -> Pairs:
    """Describe the candidate labels of sentences.

    Parameters
    ----------
    scores
        Linear scores of the labels, then of the hints.
    letters
        Length of each sentence, in characters.
    """
    import numpy as np

    size = len(context.prior)
    own, hints = scores[:, :size], scores[:, size:]
    label = candidates(own)
    positive = np.maximum(own, 0)
    chosen = np.take_along_axis(own, label, 1)
    prior = context.prior[label]
    top = own.max(axis=1, keepdims=True)
    wide = chosen.shape
    if hints.shape[1]:
        hinted = np.take_along_axis(hints @ context.from_hints, label, 1)
        same = context.same[label]
        alike = np.where(same >= 0, np.take_along_axis(hints, np.maximum(same, 0), 1), 0)
    else:
        hinted = alike = np.zeros(wide, np.float32)
    features = (
        chosen,
        chosen - prior,
        chosen / (prior + np.float32(0.003)),
        prior,
        chosen - top,
        np.broadcast_to(top, wide),
        np.broadcast_to(positive.sum(axis=1, keepdims=True), wide),
        np.take_along_axis(positive @ context.beside, label, 1),
        hinted,
        alike,
        np.broadcast_to(letters[:, None], wide),
    )
    return Pairs(label, np.stack(features, axis=-1).astype(np.float32))


def fit_trees(pairs: Pairs, truth: NDArray[np.float32], *, seed: int) -> Any:
    """Fit the trees on pairs whose scores come from sentences not seen; a `lightgbm.Booster`."""
    import lightgbm
    import numpy as np

    flat = pairs.features.reshape(-1, pairs.features.shape[-1])
    right = np.take_along_axis(truth, pairs.label, 1).ravel()
    least = max(5, min(200, len(flat) // 200))
    return lightgbm.train(
        _TREES | {"min_data_in_leaf": least, "seed": seed}, lightgbm.Dataset(flat, right), _ROUNDS
    )


def spread(pairs: Pairs, trees: Any, labels: int) -> NDArray[np.float32]:
    """Return the chance of each label, 0 when it is no candidate, shape ``(sentences, labels)``."""
    import numpy as np

    found = np.zeros((len(pairs.label), labels), np.float32)
    if len(found):
        flat = pairs.features.reshape(-1, pairs.features.shape[-1])
        chance = trees.predict(flat, num_threads=1).reshape(pairs.label.shape)
        np.put_along_axis(found, pairs.label, chance.astype(np.float32), 1)
    return found

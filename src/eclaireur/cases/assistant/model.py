"""The ranking's weights, and the chance that the first sheet answers: both learnt from labelled questions.

For the chance, each question is asked twice: of all sheets (1 when the first is the one expected), and of all
but the one expected (0: nothing there answers). A logistic regression tells the two apart; under its
threshold the assistant abstains.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import product
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic.hybrid import USUAL, WAYS
from eclaireur.bricks.semantic.weighing import reciprocal_ranks
from eclaireur.cases.assistant.base import FEATURES, Base, Ranked, base_of
from eclaireur.core.artefacts import dump_json, load_json
from eclaireur.core.case import Artefact, Fitted
from eclaireur.core.types import ModelCard

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = [
    "FEATURES",
    "LEAST",
    "MOST",
    "Asked",
    "Chance",
    "Model",
    "asked_of",
    "best_weights",
    "fit_chance",
    "load",
    "pairs_of",
    "rank_table",
    "train",
]

MOST = 600
"""Questions that weights are chosen on: more change nothing that can be measured."""
LEAST = 20
_STEPS = (0.0, 0.25, 0.5, 1.0, 2.0)
_FILE = "assistant.json"
_USED = WAYS[:5]
_GRID = tuple((1.0, *steps) for steps in product(_STEPS, repeat=len(_USED) - 1))
_THRESHOLD = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A labelled question, with its candidates and their scores."""

    question: str
    expected: int
    places: NDArray[np.int64]
    columns: NDArray[np.float64]

    def ranked(self, weights: Mapping[str, float], *, without: int = -1) -> list[Ranked]:
        """Return the candidates, best first."""
        import numpy as np

        total = self.columns @ np.array([weights.get(way, 0.0) for way in WAYS])
        order = np.lexsort((self.places, -total))
        return [
            Ranked(int(self.places[at]), float(total[at]))
            for at in order.tolist()
            if self.places[at] != without
        ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chance:
    """A logistic regression on `base.FEATURES`."""

    centre: tuple[float, ...]
    scale: tuple[float, ...]
    weight: tuple[float, ...]
    bias: float

    def parts(self, features: Sequence[float]) -> list[float]:
        """Return what each feature adds to the log-odds."""
        return [
            (value - centre) / scale * weight
            for value, centre, scale, weight in zip(
                features, self.centre, self.scale, self.weight, strict=True
            )
        ]

    def __call__(self, features: Sequence[float]) -> float:
        """Return the chance."""
        import math

        return 1 / (1 + math.exp(-(self.bias + sum(self.parts(features)))))


_PLAIN = Chance(
    centre=(0.6, 0.3, 0.8, 0.4, 0.5, 0.2), scale=(0.25,) * 6, weight=(1.0, 0.5, 0.5, 0.5, 0.5, 0.25), bias=0.0
)
"""Before any question is labelled: a rule, said not to be a probability."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """What is in service."""

    weights: Mapping[str, float] = field(default_factory=lambda: dict(USUAL))
    chance: Chance = _PLAIN
    threshold: float = _THRESHOLD
    calibrated: bool = False


def asked_of(base: Base, questions: Sequence[Mapping[str, Any]]) -> list[Asked]:
    """Ask labelled questions of a base; those whose sheet is not in it are left out."""
    places = {one.id: at for at, one in enumerate(base.sheets)}
    found = []
    for row in questions:
        if (expected := places.get(row["expected"])) is not None:
            where, columns = base.columns(row["question"])
            found.append(Asked(question=row["question"], expected=expected, places=where, columns=columns))
    return found


def rank_table(asked: Sequence[Asked]) -> NDArray[np.float64]:
    """Return 1/rank of the sheet expected, by question and by set of weights of the grid."""
    import numpy as np

    grid = np.array(_GRID).T
    return np.array(
        [
            reciprocal_ranks(one.columns[:, : len(_USED)] @ grid, one.places == one.expected)
            if len(one.places)
            else np.zeros(grid.shape[1])
            for one in asked
        ]
    ).reshape(len(asked), grid.shape[1])


def best_weights(ranks: NDArray[np.float64]) -> dict[str, float]:
    """Return the weights of the grid that have the best mean of 1/rank."""
    best = _GRID[int(ranks.mean(axis=0).argmax())]
    return dict.fromkeys(WAYS, 0.0) | dict(zip(_USED, best, strict=True))


def pairs_of(
    base: Base, asked: Sequence[Asked], weights: Mapping[str, float]
) -> tuple[list[list[float]], list[float]]:
    """Return features and labels of each question asked with its sheet, then without it."""
    features, labels = [], []
    for one in asked:
        ranked = one.ranked(weights)
        features.append(base.features(one.question, ranked))
        labels.append(float(bool(ranked) and ranked[0].place == one.expected))
        features.append(base.features(one.question, one.ranked(weights, without=one.expected)))
        labels.append(0.0)
    return features, labels


def fit_chance(features: Sequence[Sequence[float]], labels: Sequence[float]) -> Chance:
    """Fit the regression; the plain rule when one label is absent."""
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    rows, wanted = np.array(features), np.array(labels)
    if len(set(labels)) < 2:
        return _PLAIN
    centre, scale = rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-6)
    fitted = LogisticRegression(C=1.0).fit((rows - centre) / scale, wanted)
    return Chance(
        centre=tuple(centre.tolist()),
        scale=tuple(scale.tolist()),
        weight=tuple(fitted.coef_[0].tolist()),
        bias=float(fitted.intercept_[0]),
    )


def train(sheets: pa.Table, questions: pa.Table, *, case: str, as_of: date, seed: int) -> Fitted:
    """Choose the weights and fit the chance on the questions known."""
    import random

    rows = questions.to_pylist()
    chosen = rows if len(rows) <= MOST else random.Random(seed).sample(rows, MOST)  # noqa: S311
    base = base_of(sheets)
    asked = asked_of(base, chosen)
    made = Model()
    positives = 0
    if len(asked) >= LEAST:
        weights = best_weights(rank_table(asked))
        features, labels = pairs_of(base, asked, weights)
        made = Model(weights=weights, chance=fit_chance(features, labels), calibrated=True)
        positives = int(sum(labels))
    content = {
        "weights": dict(made.weights),
        "threshold": made.threshold,
        "calibrated": made.calibrated,
        "chance": {name: getattr(made.chance, name) for name in ("centre", "scale", "weight", "bias")},
    }
    card = ModelCard(
        case=case,
        number=0,
        kind="hybrid ranking, logistic regression",
        created=datetime.now(UTC),
        run="",
        source="",
        examples_sha256=hashlib.sha256(repr(chosen).encode()).hexdigest(),
        examples=2 * len(asked),
        positives=positives,
        as_of=as_of,
        features=FEATURES,
        thresholds={"abstain": made.threshold},
    )
    return Fitted(card=card, artefacts={_FILE: dump_json(content)})


def load(artefact: Artefact) -> Model:
    """Read the model."""
    content = load_json(artefact(_FILE))
    told = content["chance"]
    chance = Chance(
        **{name: tuple(told[name]) for name in ("centre", "scale", "weight")}, bias=float(told["bias"])
    )
    return Model(
        weights=content["weights"],
        chance=chance,
        threshold=float(content["threshold"]),
        calibrated=bool(content["calibrated"]),
    )

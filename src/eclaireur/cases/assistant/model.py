"""The ranking's weights, and the chance that the first sheet answers: both learnt from labelled questions.

For the chance, each question is asked twice: of all sheets (1 when the first is the one expected), and of all
but the one expected (0: nothing there answers). A logistic regression tells the two apart; under its
threshold the assistant abstains. Both are asked once with the other questions known (`memory`), and once as
if nobody had asked of the sheet expected.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from itertools import product
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic.hybrid import USUAL, WAYS
from eclaireur.bricks.semantic.weighing import reciprocal_ranks
from eclaireur.cases.assistant.base import FEATURES, Base, Ranked, base_of
from eclaireur.cases.assistant.memory import best_weight, joined, mark, nearness
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
    "Recalled",
    "asked_of",
    "best_weights",
    "choose",
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

    def total(self, weights: Mapping[str, float]) -> NDArray[np.float64]:
        """Return the scores of the candidates, without what is remembered."""
        import numpy as np

        found: NDArray[np.float64] = self.columns @ np.array([weights.get(way, 0.0) for way in WAYS])
        return found

    def ranked(
        self, weights: Mapping[str, float], near: NDArray[np.float64], *, without: int = -1
    ) -> list[Ranked]:
        """Return the candidates, best first; ``without`` leaves one out, by its place."""
        import numpy as np

        places, total = joined(self.places, self.total(weights), near, weights.get("asked", 0.0))
        order = np.lexsort((places, -total))
        return [Ranked(int(places[at]), float(total[at])) for at in order.tolist() if places[at] != without]


@dataclass(frozen=True, slots=True, kw_only=True)
class Recalled:
    """Labelled questions beside each other: what would be remembered of some when one is asked.

    Parameters
    ----------
    likeness
        Of each question with each, shape ``(n, n)``.
    expected
        Place of the sheet that answers each.
    size
        Number of sheets.
    """

    likeness: NDArray[np.float64]
    expected: NDArray[np.int64]
    size: int

    @classmethod
    def of(cls, base: Base, asked: Sequence[Asked]) -> Recalled:
        """Compare the questions of a base."""
        import numpy as np

        places = base.hybrid.meaning.vectors([one.question for one in asked])
        return cls(
            likeness=(places @ places.T).astype(np.float64),
            expected=np.array([one.expected for one in asked], np.int64),
            size=len(base.sheets),
        )

    def near(self, at: int, known: NDArray[np.int64], *, never: bool = False) -> NDArray[np.float64]:
        """Return what a question recalls of those known, never of itself (see `memory.Memory.near`).

        With ``never``, as if none was known of the sheet that answers it.
        """
        others = known[self.expected[known] != self.expected[at] if never else known != at]
        return nearness(self.likeness[at, others], self.expected[others], self.size)

    def both(self, inside: NDArray[np.int64]) -> tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]:
        """Return what each of some questions recalls of the others: of all, then of other sheets alone."""
        return (
            [self.near(at, inside) for at in inside.tolist()],
            [self.near(at, inside, never=True) for at in inside.tolist()],
        )


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
    """What is in service.

    ``known`` names the sheet that answers each question that is remembered, by its mark (`memory.mark`);
    ``near`` has the marks of those that others are compared with, empty for all.
    """

    weights: Mapping[str, float] = field(default_factory=lambda: dict(USUAL))
    known: Mapping[str, str] = field(default_factory=dict)
    near: frozenset[str] = frozenset()
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
            found.append(
                Asked(
                    question=row["question"],
                    expected=expected,
                    places=where,
                    columns=columns,
                )
            )
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
    base: Base, asked: Sequence[Asked], weights: Mapping[str, float], near: Sequence[NDArray[np.float64]]
) -> tuple[list[list[float]], list[float]]:
    """Return features and labels of each question asked with its sheet, then without it."""
    features, labels = [], []
    for one, recalled in zip(asked, near, strict=True):
        ranked = one.ranked(weights, recalled)
        features.append(base.features(one.question, ranked))
        labels.append(float(bool(ranked) and ranked[0].place == one.expected))
        others = one.ranked(weights, recalled, without=one.expected)
        features.append(base.features(one.question, others))
        labels.append(0.0)
    return features, labels


def choose(
    base: Base,
    asked: Sequence[Asked],
    ranks: NDArray[np.float64],
    recalled: Recalled,
    inside: NDArray[np.int64],
) -> tuple[dict[str, float], Chance, list[float]]:
    """Choose the weights and fit the chance on some of the questions, by their places.

    The labels that the chance was fitted on come last: first those of questions as if none was known.

    Parameters
    ----------
    ranks
        `rank_table` of all of them.
    """
    some = [asked[at] for at in inside.tolist()]
    weights = best_weights(ranks[inside])
    known, never = recalled.both(inside)
    totals = [(one.places, one.total(weights)) for one in some]
    weights["asked"] = best_weight(totals, [one.expected for one in some], known, never)
    features, labels = pairs_of(base, some, weights, never)
    if weights["asked"]:
        more, told = pairs_of(base, some, weights, known)
        features, labels = features + more, labels + told
    return weights, fit_chance(features, labels), labels


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

    import numpy as np

    rows = questions.to_pylist()
    chosen = rows if len(rows) <= MOST else random.Random(seed).sample(rows, MOST)  # noqa: S311
    base = base_of(sheets)
    asked = asked_of(base, chosen)
    made = Model()
    labels: list[float] = []
    if len(asked) >= LEAST:
        every = np.arange(len(asked))
        weights, chance, labels = choose(base, asked, rank_table(asked), Recalled.of(base, asked), every)
        made = Model(weights=weights, chance=chance, calibrated=True)
    # The weight was chosen with as many questions known: more would weigh more.
    near = frozenset() if len(chosen) == len(rows) else frozenset(map(mark, chosen))
    made = replace(made, known={mark(row): row["expected"] for row in rows}, near=near)
    content = {
        "weights": dict(made.weights),
        "known": dict(made.known),
        "near": sorted(made.near),
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
        examples_sha256=hashlib.sha256(repr(rows).encode()).hexdigest(),
        examples=2 * len(asked),
        positives=int(sum(labels[: 2 * len(asked)])),
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
        known=content.get("known", {}),
        near=frozenset(content.get("near", ())),
        chance=chance,
        threshold=float(content["threshold"]),
        calibrated=bool(content["calibrated"]),
    )

"""Topics on sentences never seen: five folds, near-duplicates always in the same one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic.groups import Grouper
from eclaireur.bricks.semantic.labelling import Labeller, folds
from eclaireur.core import evaluation, french
from eclaireur.core.case import Progress
from eclaireur.core.evaluation.intervals import bootstrap
from eclaireur.core.types import EvaluationBlock, Metric, SubgroupMetric
from eclaireur.core.view import Series

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["SHARES", "Held", "coverage", "evaluate", "groups", "held_out", "learning"]

_FOLDS = 5
_DRAWS = 200
SHARES = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
"""Shares of sentences kept at which precision is told."""


def groups(texts: Sequence[str]) -> NDArray[np.int64]:
    """Return the group of near-duplicates of each sentence (three-word shingles, Jaccard 0.6)."""
    grouper = Grouper(width=3)
    grouper.add(texts)
    return grouper.groups()


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What models that did not see a sentence say of it.

    Parameters
    ----------
    names
        Topics, in order.
    truth, told
        Topics of each sentence, and those proposed: 0 or 1, shape ``(sentences, topics)``.
    plain
        The most common topic of the training folds, for every sentence.
    chances
        Chance of every topic.
    first, sure, kept
        Likeliest topic, the chance that it is right, whether the model does not abstain.
    near
        Group of near-duplicates.
    """

    names: tuple[str, ...]
    truth: NDArray[np.float64]
    told: NDArray[np.float64]
    plain: NDArray[np.float64]
    chances: NDArray[np.float32]
    first: NDArray[np.int64]
    sure: NDArray[np.float64]
    kept: NDArray[np.bool_]
    near: NDArray[np.int64]

    @property
    def right(self) -> NDArray[np.float64]:
        """Whether the first topic of each sentence is one of its own."""
        import numpy as np

        found: NDArray[np.float64] = self.truth[np.arange(len(self.truth)), self.first]
        return found


def held_out(rows: Sequence[dict[str, Any]], *, seed: int, progress: Progress, parts: int = _FOLDS) -> Held:
    """Label each fold by a model of the others; every threshold is set inside the training folds."""
    import numpy as np

    texts = [row["sentence"] for row in rows]
    near = groups(texts)
    fold = folds(near, parts, seed=seed)
    names = tuple(sorted({label for row in rows for label in row["labels"]}))
    truth = _matrix([row["labels"] for row in rows], names)
    told, plain = np.zeros_like(truth), np.zeros_like(truth)
    chances = np.zeros(truth.shape, np.float32)
    first, sure = np.zeros(len(rows), np.int64), np.zeros(len(rows))
    kept = np.zeros(len(rows), np.bool_)
    for number in range(parts):
        progress(number, parts, "Sujets des phrases tenues à l'écart")
        outside = np.flatnonzero(fold == number)
        learnt = [rows[at] for at in np.flatnonzero(fold != number).tolist()]
        model = Labeller.fit(
            [row["sentence"] for row in learnt],
            [row["labels"] for row in learnt],
            groups=near[fold != number],
            seed=seed,
            hints=[row["other"] for row in learnt],
        )
        scores = model.scored([texts[at] for at in outside.tolist()])
        place = np.array([names.index(name) for name in model.names])
        told[np.ix_(outside, place)] = model.given(scores)
        chances[np.ix_(outside, place)] = scores
        best, sure[outside], kept[outside] = model.sure(scores)
        first[outside] = place[best]
        common = Counter(label for row in learnt for label in row["labels"]).most_common(1)
        for label, _ in common:
            plain[outside, names.index(label)] = 1
    return Held(
        names=names,
        truth=truth,
        told=told,
        plain=plain,
        chances=chances,
        first=first,
        sure=sure,
        kept=kept,
        near=near,
    )


def learning(
    rows: Sequence[dict[str, Any]], *, parts: Sequence[float], seed: int, progress: Progress
) -> list[tuple[int, float]]:
    """Return, for growing parts of the training sentences, their number and the micro-F1 on one fold."""
    import numpy as np

    near = groups([row["sentence"] for row in rows])
    fold = folds(near, _FOLDS, seed=seed)
    outside = [rows[at] for at in np.flatnonzero(fold == 0).tolist()]
    drawn = np.random.default_rng(seed).permutation(np.flatnonzero(fold != 0))
    found = []
    for done, part in enumerate(parts):
        progress(done, len(parts), "Courbe d'apprentissage")
        inside = np.sort(drawn[: max(10, round(part * len(drawn)))])
        learnt = [rows[at] for at in inside.tolist()]
        model = Labeller.fit(
            [row["sentence"] for row in learnt],
            [row["labels"] for row in learnt],
            groups=near[inside],
            seed=seed,
            hints=[row["other"] for row in learnt],
        )
        names = sorted({*model.names, *(label for row in outside for label in row["labels"])})
        truth = _matrix([row["labels"] for row in outside], names)
        given = model.given(model.scored([row["sentence"] for row in outside]))
        told = np.zeros_like(truth)
        told[:, [names.index(name) for name in model.names]] = given
        found.append((len(inside), _micro(truth * told, truth + told, np.ones(len(truth)))))
    return found


def evaluate(
    source: str, rows: Sequence[dict[str, Any]], *, seed: int, progress: Progress
) -> EvaluationBlock:
    """Measure what was said of sentences held out (see `held_out`)."""
    held = held_out(rows, seed=seed, progress=progress)
    truth, told, right = held.truth, held.told, held.right
    other = any(row["other"] for row in rows)
    against = _matrix([row["other"] for row in rows], held.names) if other else held.plain
    name = "modèle de l'administration" if other else "sujet le plus fréquent"
    weights = evaluation.bootstrap_weights(len(rows), seed=seed, clusters=held.near, draws=_DRAWS)
    found = int(held.kept.sum())
    low, high = evaluation.wilson(float(right[held.kept].sum()), found)
    cover = evaluation.wilson(found, len(rows))
    usual = float((truth * held.plain).sum() / max(held.plain.sum(), 1))
    known = float(right.mean())
    return EvaluationBlock(
        data_set=source,
        split="cinq parts par texte, quasi-doublons dans la même part",
        metrics=(
            _metric("micro_f1", _micro, truth, told, against, weights, name),
            _metric("macro_f1", _macro, truth, told, against, weights, name),
            Metric(
                name="precision_kept",
                value=float(right[held.kept].mean()) if found else None,
                low=low if found else None,
                high=high if found else None,
                n=found,
                baseline="sujet le plus fréquent",
                baseline_value=usual,
            ),
            Metric(name="coverage_kept", value=found / len(rows), low=cover[0], high=cover[1], n=len(rows)),
            *evaluation.stated_metrics(right, held.sure, weights, known),
        ),
        run="",
        subgroups=tuple(_by_topic(held)),
        notes=(f"Phrases identiques : {_ceiling(rows)}.", _curve(held)),
    )


def coverage(held: Held) -> tuple[Series, ...]:
    """Return the precision of the first topic by share of sentences kept, surest first, with its interval."""
    import numpy as np

    order = np.argsort(-held.sure, kind="stable")
    right = np.cumsum(held.right[order])
    shares, values, lows, highs = [], [], [], []
    for share in SHARES:
        count = max(1, round(share * len(order)))
        low, high = evaluation.wilson(float(right[count - 1]), count)
        shares.append(100 * share)
        values.append(float(right[count - 1]) / count)
        lows.append(low)
        highs.append(high)
    return (
        Series(
            name="premier sujet juste", x=tuple(shares), y=tuple(values), low=tuple(lows), high=tuple(highs)
        ),
    )


def _curve(held: Held) -> str:
    (line,) = coverage(held)
    said = [
        f"{french.number(100 * share, 0)} % : {french.number(value, 2)}"
        for share, value in zip(SHARES, line.y, strict=True)
    ]
    return f"Précision du premier sujet selon la part de phrases gardées : {' ; '.join(said)}."


def _by_topic(held: Held) -> list[SubgroupMetric]:
    """Return the F1 of each topic; a topic with too few sentences has no figure."""
    found = []
    for at, name in enumerate(held.names):
        truth, told = held.truth[:, at], held.told[:, at]
        n = int(truth.sum())
        both = float((truth * told).sum())
        value = 2 * both / float(truth.sum() + told.sum()) if n >= evaluation.MIN_GROUP else None
        found.append(
            SubgroupMetric(
                attribute="sujet",
                group=name,
                metric=Metric(name="f1", value=value, low=None, high=None, n=n),
            )
        )
    return found


def _ceiling(rows: Sequence[dict[str, Any]]) -> str:
    same: dict[str, list[frozenset[str]]] = {}
    for row in rows:
        same.setdefault(" ".join(row["sentence"].lower().split()), []).append(frozenset(row["labels"]))
    repeated = [labels for labels in same.values() if len(labels) > 1]
    agreed = sum(len(set(labels)) == 1 for labels in repeated)
    return f"{len(repeated)} groupes, dont {agreed} aux mêmes étiquettes"


def _matrix(labels: Sequence[Sequence[str]], names: Sequence[str]) -> NDArray[np.float64]:
    import numpy as np

    place = {name: at for at, name in enumerate(names)}
    found = np.zeros((len(labels), len(names)))
    for at, row in enumerate(labels):
        found[at, [place[label] for label in row if label in place]] = 1
    return found


_Figure = Callable[[Any, Any, Any], float]


def _micro(right: Any, both: Any, weight: Any) -> float:
    total = float((both.sum(axis=1) * weight).sum())
    return 2 * float((right.sum(axis=1) * weight).sum()) / total if total else float("nan")


def _macro(right: Any, both: Any, weight: Any) -> float:
    import numpy as np

    total = weight @ both
    return float(np.mean(2 * (weight @ right)[total > 0] / total[total > 0])) if total.any() else float("nan")


def _metric(
    name: str, figure: _Figure, truth: Any, told: Any, against: Any, weights: Any, baseline: str
) -> Metric:
    import numpy as np

    right, both, ones = truth * told, truth + told, np.ones(len(truth))
    return evaluation.interval_metric(
        name,
        figure(right, both, ones),
        bootstrap(lambda weight: figure(right, both, weight), weights),
        n=len(truth),
        baseline=baseline,
        baseline_value=figure(truth * against, truth + against, ones),
    )

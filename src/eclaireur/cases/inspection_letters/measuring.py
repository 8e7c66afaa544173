"""Topics on sentences never seen: five folds, near-duplicates always in the same one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.semantic.groups import Grouper
from eclaireur.bricks.semantic.labelling import Labeller, folds
from eclaireur.core import evaluation
from eclaireur.core.case import Progress
from eclaireur.core.evaluation.intervals import bootstrap, percentiles
from eclaireur.core.types import EvaluationBlock, Metric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["evaluate", "groups"]

_FOLDS = 5
_DRAWS = 200


def groups(texts: Sequence[str]) -> NDArray[np.int64]:
    """Return the group of near-duplicates of each sentence (three-word shingles, Jaccard 0.6)."""
    grouper = Grouper(width=3)
    grouper.add(texts)
    return grouper.groups()


def evaluate(
    source: str, rows: Sequence[dict[str, Any]], *, seed: int, progress: Progress
) -> EvaluationBlock:
    """Label each fold by a model of the others; thresholds are set inside the training folds."""
    import numpy as np

    texts = [row["sentence"] for row in rows]
    near = groups(texts)
    fold = folds(near, _FOLDS, seed=seed)
    names = sorted({label for row in rows for label in row["labels"]})
    truth = _matrix([row["labels"] for row in rows], names)
    told, plain = np.zeros_like(truth), np.zeros_like(truth)
    first, kept = np.zeros(len(rows)), np.zeros(len(rows))
    for number in range(_FOLDS):
        progress(number, _FOLDS, "Sujets des phrases tenues à l'écart")
        inside = np.flatnonzero(fold != number).tolist()
        outside = np.flatnonzero(fold == number).tolist()
        model = Labeller.fit(
            [texts[at] for at in inside],
            [rows[at]["labels"] for at in inside],
            groups=near[inside],
            seed=seed,
        )
        scores = model.scored([texts[at] for at in outside])
        place = [names.index(name) for name in model.names]
        told[np.ix_(outside, place)] = model.given(scores)
        best, _, sure = model.sure(scores)
        kept[outside] = sure
        first[outside] = truth[outside, np.array(place)[best]]
        common = Counter(label for at in inside for label in rows[at]["labels"]).most_common(1)
        plain[np.ix_(outside, [names.index(label) for label, _ in common])] = 1
    other = any(row["other"] for row in rows)
    against = _matrix([row["other"] for row in rows], names) if other else plain
    name = "modèle de l'administration" if other else "sujet le plus fréquent"
    weights = evaluation.bootstrap_weights(len(rows), seed=seed, clusters=near, draws=_DRAWS)
    found = int(kept.sum())
    low, high = evaluation.wilson(float((first * kept).sum()), found)
    cover = evaluation.wilson(found, len(rows))
    usual = float((truth * plain).sum() / max(plain.sum(), 1))
    precision = float((first * kept).sum() / found) if found else None
    return EvaluationBlock(
        data_set=source,
        split="cinq parts par texte, quasi-doublons dans la même part",
        metrics=(
            _metric("micro_f1", _micro, truth, told, against, weights, name),
            _metric("macro_f1", _macro, truth, told, against, weights, name),
            Metric(
                name="precision_kept",
                value=precision,
                low=low if found else None,
                high=high if found else None,
                n=found,
                baseline="sujet le plus fréquent",
                baseline_value=usual,
            ),
            Metric(name="coverage_kept", value=found / len(rows), low=cover[0], high=cover[1], n=len(rows)),
        ),
        run="",
        notes=(f"Phrases identiques : {_ceiling(rows)}.",),
    )


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
    value = figure(right, both, ones)
    low, high = percentiles(bootstrap(lambda weight: figure(right, both, weight), weights))
    plain = figure(truth * against, truth + against, ones)
    return Metric(
        name=name,
        value=value,
        low=min(low, value),
        high=max(high, value),
        n=len(truth),
        baseline=baseline,
        baseline_value=plain,
    )

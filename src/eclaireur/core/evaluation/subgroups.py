"""The same figures group by group, from counts; a group too small says so instead of a number."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from eclaireur.core.evaluation.arrays import checked
from eclaireur.core.evaluation.intervals import MIN_GROUP, Z, wilson
from eclaireur.core.evaluation.ranking import auc
from eclaireur.core.types import Metric, SubgroupMetric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["subgroup_table"]


def subgroup_table(
    labels: Any, scores: Any, attributes: Mapping[str, Sequence[Any]], *, share: float = 0.05
) -> tuple[SubgroupMetric, ...]:
    """Return, for each group of each attribute, its base rate, selection rate, precision and ``auc``.

    Parameters
    ----------
    attributes
        Attribute (French name) → group of each row; rows without a group are « inconnu ».
    share
        Share of all rows that would be selected: ``selection_rate`` is that of the group, and
        ``precision_selected`` the share of positives among those it has selected.
    """
    import numpy as np

    truth, score = checked(labels, scores)
    selected = _selected(score, share)
    found: list[SubgroupMetric] = []
    for attribute, groups in attributes.items():
        names = np.array(["inconnu" if group is None else str(group) for group in groups])
        for name in sorted(set(names.tolist())):
            inside = names == name
            found += _one(attribute, name, truth[inside], score[inside], selected[inside])
    return tuple(found)


def _selected(score: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """Chance of each row to be in the top share: ties at the cut share what is left."""
    import numpy as np

    k = share * score.size
    _, codes = np.unique(-score, return_inverse=True)
    total = np.bincount(codes).astype(np.float64)
    start = np.cumsum(total) - total
    return np.clip((k - start) / total, 0.0, 1.0)[codes]


def _one(attribute: str, name: str, truth: Any, score: Any, selected: Any) -> list[SubgroupMetric]:
    n = int(truth.size)
    positives = float(truth.sum())
    few = n < MIN_GROUP or positives in {0.0, float(n)}
    chosen = float(selected.sum())
    hits = float((selected * truth).sum())

    def metric(
        label: str, value: float, low: float, high: float, count: int, *, hidden: bool
    ) -> SubgroupMetric:
        shown = None if hidden or math.isnan(value) else value
        bounds = (None, None) if shown is None else (low, high)
        return SubgroupMetric(
            attribute=attribute,
            group=name,
            metric=Metric(name=label, value=shown, low=bounds[0], high=bounds[1], n=count),
        )

    low_auc, high_auc = _area_interval(auc(truth, score), positives, n - positives)
    return [
        metric("base_rate", positives / n, *wilson(positives, n), n, hidden=n < MIN_GROUP),
        metric("selection_rate", chosen / n, *wilson(chosen, n), n, hidden=n < MIN_GROUP),
        metric(
            "precision_selected",
            hits / chosen if chosen else math.nan,
            *wilson(hits, chosen),
            round(chosen),
            hidden=chosen < MIN_GROUP,
        ),
        metric("auc", auc(truth, score), low_auc, high_auc, n, hidden=few),
    ]


def _area_interval(area: float, positives: float, negatives: float) -> tuple[float, float]:
    """Return the interval of an area under the curve from counts alone (Newcombe 2006, method 5).

    Hanley & McNeil's variance taken at each candidate area, as Wilson's interval does for a share:
    it keeps a width when the area is 1, where the plain one says [1, 1] from a single positive.
    """
    if math.isnan(area) or not positives or not negatives:
        return math.nan, math.nan
    extra = (positives + negatives) / 2 - 1

    def inside(theta: float) -> bool:
        spread = 1 + extra * ((1 - theta) / (2 - theta) + theta / (1 + theta))
        variance = theta * (1 - theta) * spread / (positives * negatives)
        return abs(theta - area) <= Z * math.sqrt(variance)

    return _edge(area, 0.0, inside), _edge(area, 1.0, inside)


def _edge(start: float, end: float, inside: Callable[[float], bool]) -> float:
    """Return the last point from ``start`` towards ``end`` that is inside, by halving."""
    kept, out = start, end
    for _ in range(50):
        middle = (kept + out) / 2
        kept, out = (middle, out) if inside(middle) else (kept, middle)
    return kept

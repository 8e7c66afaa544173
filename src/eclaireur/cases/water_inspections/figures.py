"""Figures of a ranking under the names that programs read, each with its interval and plain baselines."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eclaireur.core.evaluation import interval_metric
from eclaireur.core.types import Metric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

__all__ = ["BY_MONTH", "Sample", "all_of"]

BY_MONTH = 10
"""Stations that a service controls in a month, when figures are by month."""


@dataclass(frozen=True)
class Sample:
    """Held-out rows: labels, the period in which each is ranked, and bootstrap weights, one line per draw."""

    labels: Floats
    periods: NDArray[np.int64]
    weights: Floats

    def top(self, scores: Floats, k: int) -> NDArray[np.bool_]:
        """Return which rows are among the first ``k`` of their period; ties in the order of rows."""
        import numpy as np

        order = np.lexsort((np.arange(scores.size), -scores, self.periods))
        codes = self.periods[order]
        starts = np.concatenate([[0], np.flatnonzero(np.diff(codes)) + 1])
        place = np.arange(scores.size) - np.repeat(starts, np.diff(np.append(starts, scores.size)))
        found = np.zeros(scores.size, dtype=bool)
        found[order[place < k]] = True
        return found


def all_of(
    sample: Sample, scores: Floats, rules: Mapping[str, Floats], shares: Mapping[str, Floats], *, k: int
) -> tuple[Metric, ...]:
    """Return every figure beside the strongest rule, then beside each.

    Parameters
    ----------
    rules
        Name in French → scores of a rule that could make the same list.
    shares
        Name → scores of a rule that states a risk, the most serious first.
    k
        Places in each period.
    """
    metrics = []
    for name in ("average_precision", "precision_at_k", "recall_at_k"):
        values = {rule: _point(name, sample, said, k) for rule, said in rules.items()}
        value = _point(name, sample, scores, k)
        own = _values(name, sample, scores, k, sample.weights)
        metrics += [
            interval_metric(
                name,
                value,
                own,
                n=scores.size,
                baseline=rule,
                baseline_value=beside,
            )
            for rule, beside in sorted(values.items(), key=lambda one: -one[1])
        ]
        if name != "recall_at_k":
            metrics += [
                _gain(name, sample, own, value, said, k, rule=rule, beside=values[rule])
                for rule, said in rules.items()
            ]
    metrics += [_skill(sample, scores, said, rule) for rule, said in shares.items()]
    metrics += _risks(sample, scores, next(iter(shares.items())))
    return tuple(metrics)


def _gain(
    name: str, sample: Sample, own: Floats, value: float, said: Floats, k: int, *, rule: str, beside: float
) -> Metric:
    """Return a figure minus that of a rule on the same rows, with a paired interval."""
    return interval_metric(
        f"{name}_gain",
        value - beside,
        own - _values(name, sample, said, k, sample.weights),
        n=said.size,
        baseline=rule,
        baseline_value=beside,
    )


def _point(name: str, sample: Sample, scores: Floats, k: int) -> float:
    import numpy as np

    return float(_values(name, sample, scores, k, np.ones((1, scores.size)))[0])


def _values(name: str, sample: Sample, scores: Floats, k: int, weights: Floats) -> Floats:
    """Return a figure under each line of weights."""
    import numpy as np

    if name == "average_precision":
        return _average_precision(sample.labels, scores, weights)
    chosen = sample.top(scores, k)
    found = weights[:, chosen] @ sample.labels[chosen]
    among = weights[:, chosen].sum(axis=1) if name == "precision_at_k" else weights @ sample.labels
    return found / np.where(among > 0, among, np.nan)


def _average_precision(labels: Floats, scores: Floats, weights: Floats) -> Floats:
    """Return the average precision under each line of weights, equal scores taken together.

    Σ (R_n − R_{n−1}) P_n over the levels of the score, as scikit-learn defines it, sorted once for all draws.
    """
    import numpy as np

    order = np.argsort(-scores, kind="stable")
    starts = np.concatenate([[0], np.flatnonzero(np.diff(scores[order])) + 1])
    drawn = weights[:, order]
    seen = np.cumsum(np.add.reduceat(drawn, starts, axis=1), axis=1)
    found = np.add.reduceat(drawn * labels[order], starts, axis=1)
    total = found.sum(axis=1)
    precise = np.cumsum(found, axis=1) / np.where(seen > 0, seen, 1.0)
    return (found * precise).sum(axis=1) / np.where(total > 0, total, np.nan)  # type: ignore[no-any-return]


def _skill(sample: Sample, scores: Floats, said: Floats, rule: str) -> Metric:
    """Return the share of a rule's squared error that the stated risk saves (Brier skill score)."""
    own, other = (scores - sample.labels) ** 2, (said - sample.labels) ** 2
    return interval_metric(
        "skill_over_baseline",
        float(1 - own.mean() / other.mean()),
        1 - (sample.weights @ own) / (sample.weights @ other),
        n=scores.size,
        baseline=rule,
        baseline_value=0.0,
    )


def _risks(sample: Sample, scores: Floats, beside: tuple[str, Floats]) -> list[Metric]:
    import numpy as np

    from eclaireur.core.evaluation.compare import measured
    from eclaireur.core.evaluation.order import Order

    order, rule = Order(sample.labels, scores), Order(sample.labels, np.asarray(beside[1]))
    points = {
        "auc": rule.auc(),
        "brier": rule.brier(),
        "calibration_error": rule.calibration_error(),
    }
    return [
        measured(name, order, sample.weights, baseline=beside[0], baseline_value=float(value))
        for name, value in points.items()
    ]

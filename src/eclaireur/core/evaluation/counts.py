"""Expected counts against the counts that came: deviance, and what is gained over a plain baseline."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from eclaireur.core.errors import BadValueError
from eclaireur.core.evaluation.intervals import bootstrap_weights, percentiles
from eclaireur.core.evaluation.metrics import usable
from eclaireur.core.types import Metric

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["count_metrics", "loss_metrics", "poisson_deviance", "skill"]

_LEAST = 1e-9
"""An expected count of zero that is not met would cost an infinite deviance."""


def _each(counts: Any, expected: Any) -> NDArray[np.float64]:
    """Return the deviance of each row."""
    import numpy as np

    found = np.asarray(counts, dtype=np.float64)
    said = np.maximum(np.asarray(expected, dtype=np.float64), _LEAST)
    if found.shape != said.shape or found.ndim != 1:
        raise BadValueError(f"{found.size} effectifs observés pour {said.size} effectifs attendus.")
    if np.isnan(found).any() or (found < 0).any():
        raise BadValueError("un effectif observé manque ou est négatif.", fix="Retirez ces lignes.")
    if np.isnan(said).any():
        raise BadValueError("un effectif attendu n'est pas un nombre.")
    logs = np.where(found > 0, found * np.log(np.where(found > 0, found, 1.0) / said), 0.0)
    return 2 * (logs - found + said)


def poisson_deviance(counts: Any, expected: Any, weights: Any = None) -> float:
    """Return the mean Poisson deviance of expected counts (McCullagh & Nelder 1989); 0 when exact.

    >>> round(poisson_deviance([0, 2], [1, 2]), 3)
    1.0
    """
    import numpy as np

    each = _each(counts, expected)
    if not each.size:
        return math.nan
    return float(np.average(each, weights=weights))


def skill(value: float, baseline: float) -> float:
    """Return the share of a baseline's error that is saved: 1 is perfect, 0 no better, below 0 worse.

    >>> skill(0.75, 1.0)
    0.25
    """
    return 1 - value / baseline if baseline else math.nan


def count_metrics(
    counts: Any,
    expected: Any,
    baselines: Mapping[str, Any],
    *,
    seed: int,
    clusters: Any = None,
) -> tuple[Metric, ...]:
    """Return ``deviance`` and ``skill_over_baseline``, with intervals, beside the best plain baseline.

    Parameters
    ----------
    counts, expected
        Counts that came, and those expected, shape ``(n,)``.
    baselines
        Name in French → expected counts of a plain rule.
    clusters
        Code of each row's subject: rows of a subject are drawn together.

    Raises
    ------
    BadValueError
        If lengths differ, a count is negative or missing, or there is no baseline.

    Examples
    --------
    >>> [one.name for one in count_metrics([0, 2, 1], [0.1, 2, 1], {"moyenne": [1, 1, 1]}, seed=0)]
    ['deviance', 'skill_over_baseline']
    """
    own = _each(counts, expected)
    others = {name: _each(counts, values) for name, values in baselines.items()}
    return loss_metrics("deviance", own, others, seed=seed, clusters=clusters)


def loss_metrics(
    name: str,
    own: NDArray[np.float64],
    others: Mapping[str, NDArray[np.float64]],
    *,
    seed: int,
    clusters: Any = None,
) -> tuple[Metric, ...]:
    """Return a mean loss and ``skill_over_baseline``, with paired intervals, beside the best baseline.

    Parameters
    ----------
    own, others
        Loss of each row (lower is better) by the model and by each plain rule, shape ``(n,)``.

    Raises
    ------
    BadValueError
        If there is no baseline.

    Examples
    --------
    >>> import numpy as np
    >>> loss_metrics("mean_absolute_error", np.ones(4), {"moyenne": np.full(4, 2.0)}, seed=0)[1].value
    0.5
    """
    import numpy as np

    if not others:
        raise BadValueError("une mesure demande une référence simple à côté d'elle.")
    if not own.size:
        return ()
    best = min(others, key=lambda rule: float(others[rule].mean()))
    weights = bootstrap_weights(own.size, seed=seed, clusters=clusters)
    totals = weights.sum(axis=1)
    drawn, against = weights @ own / totals, weights @ others[best] / totals
    value, reference = float(own.mean()), float(others[best].mean())
    low, high = percentiles(drawn)
    low_skill, high_skill = percentiles(1 - drawn / np.where(against > 0, against, np.nan))
    return (
        Metric(
            name=name,
            value=usable(value),
            low=usable(min(low, value)),
            high=usable(max(high, value)),
            n=own.size,
            baseline=best,
            baseline_value=usable(reference),
        ),
        Metric(
            name="skill_over_baseline",
            value=usable(skill(value, reference)),
            low=usable(low_skill),
            high=usable(high_skill),
            n=own.size,
            baseline=best,
            baseline_value=0.0,
        ),
    )

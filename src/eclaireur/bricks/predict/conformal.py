"""Intervals that hold what comes, and abstention, by split conformal prediction.

Held-out rows say how wrong a model is; whatever the model, a new row drawn like them falls inside
with the probability asked for (Vovk, Gammerman & Shafer 2005; Lei et al. 2018). When time drifts,
rows are no longer drawn alike: `Margins.coverage` measures what is left of the promise.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.anomaly.conformal import p_values
from eclaireur.core.errors import BadValueError, EmptyTableError
from eclaireur.core.evaluation import wilson
from eclaireur.core.types import Metric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["ABSTAINS", "Answers", "Margins"]

ABSTAINS = -1
"""What `Answers.decide` says of a row on which both outcomes, or neither, remain possible."""


def _rank(n: int, level: float) -> int:
    """Return how many held-out errors must be covered so that a new one is, with ``level``."""
    return math.ceil((n + 1) * level)


def _checked_level(level: float) -> None:
    if not 0 < level < 1:
        raise BadValueError(
            f"la confiance demandée doit être entre 0 et 1, pas {level}.",
            fix="Écrivez 0.9 pour neuf sur dix.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Margins:
    """Half-widths of intervals around a predicted value.

    ``width`` multiplies the ``scale`` of a row (1 without one); ``groups`` has the width of each
    group that had enough held-out rows of its own (Mondrian categories): its promise holds inside
    the group. The others share ``width``.
    """

    level: float
    width: float
    rows: int
    groups: Mapping[str, float] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        truth: Any,
        predicted: Any,
        *,
        level: float = 0.9,
        scale: Any = None,
        groups: Sequence[str | None] | None = None,
    ) -> Margins:
        """Learn the margins from held-out rows.

        Parameters
        ----------
        truth, predicted
            Values that came, and those predicted before, shape ``(n,)``.
        scale
            How uncertain each row is beforehand, above zero (a predicted spread, the square root of
            an expected count): wide where it must be.
        groups
            Group of each row, None when it has none.

        Raises
        ------
        EmptyTableError
            If there are too few rows for the confidence asked for.

        Examples
        --------
        >>> import numpy as np
        >>> Margins.of(np.arange(9.0), np.zeros(9), level=0.8).width
        7.0
        """
        import numpy as np

        _checked_level(level)
        errors = np.abs(np.asarray(truth, dtype=np.float64) - np.asarray(predicted, dtype=np.float64))
        errors = errors / (1.0 if scale is None else np.asarray(scale, dtype=np.float64))
        if np.isnan(errors).any():
            raise BadValueError("une valeur observée ou prédite manque.", fix="Retirez ces lignes.")
        width = _quantile(errors, level)
        if width is None:
            least = math.ceil(level / (1 - level))
            raise EmptyTableError(
                f"{errors.size} lignes ne suffisent pas pour une confiance de {level:g}.",
                fix=f"Il en faut au moins {least}, ou une confiance plus basse.",
            )
        by_group: dict[str, float] = {}
        if groups is not None:
            names = np.array(["" if one is None else str(one) for one in groups])
            for name in sorted(set(names.tolist()) - {""}):
                own = _quantile(errors[names == name], level)
                if own is not None:
                    by_group[name] = own
        return cls(level=level, width=width, rows=int(errors.size), groups=by_group)

    def interval(
        self, predicted: Any, *, scale: Any = None, groups: Sequence[str | None] | None = None
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return low and high for predicted values, each of shape ``(n,)``."""
        import numpy as np

        middle = np.asarray(predicted, dtype=np.float64)
        width = np.full(middle.shape, self.width)
        if groups is not None:
            width = np.array([self.groups.get(str(one), self.width) for one in groups])
        half = width * (1.0 if scale is None else np.asarray(scale, dtype=np.float64))
        return middle - half, middle + half

    def coverage(self, truth: Any, low: Any, high: Any) -> Metric:
        """Return the share of later values inside their interval, with its own interval, beside ``level``."""
        import numpy as np

        value = np.asarray(truth, dtype=np.float64)
        held = int(((np.asarray(low) <= value) & (value <= np.asarray(high))).sum())
        bounds = wilson(held, value.size)
        return Metric(
            name="interval_coverage",
            value=held / value.size if value.size else None,
            low=bounds[0],
            high=bounds[1],
            n=value.size,
            baseline="confiance demandée",
            baseline_value=self.level,
        )


def _quantile(errors: NDArray[np.float64], level: float) -> float | None:
    import numpy as np

    rank = _rank(errors.size, level)
    return None if rank > errors.size else float(np.partition(errors, rank - 1)[rank - 1])


@dataclass(frozen=True, slots=True)
class Answers:
    """Yes, no, or no answer: class by class, so that the rarer outcome keeps its promise.

    ``yes`` and ``no`` are the held-out scores of rows whose outcome was 1 and 0.
    """

    yes: NDArray[np.float64]
    no: NDArray[np.float64]

    @classmethod
    def of(cls, labels: Any, scores: Any) -> Answers:
        """Learn from held-out rows.

        Raises
        ------
        EmptyTableError
            If one outcome is absent.
        """
        import numpy as np

        truth, score = np.asarray(labels, dtype=np.float64), np.asarray(scores, dtype=np.float64)
        found = cls(score[truth == 1], score[truth == 0])
        if not found.yes.size or not found.no.size:
            raise EmptyTableError(
                "un seul des deux résultats est connu : impossible de dire quand s'abstenir.",
                fix="Gardez de côté une période qui a les deux.",
            )
        return found

    def decide(self, scores: Any, *, level: float = 0.9) -> NDArray[np.int64]:
        """Return 1, 0 or `ABSTAINS` for each score.

        Among rows whose outcome is 1, at most ``1 − level`` are answered 0, and the other way round.

        Examples
        --------
        >>> import numpy as np
        >>> held = Answers.of([0] * 9 + [1] * 9, np.concatenate([np.arange(9), np.arange(9) + 5]) / 14)
        >>> held.decide([0.05, 0.5, 0.99], level=0.8).tolist()
        [0, -1, 1]
        """
        import numpy as np

        _checked_level(level)
        score = np.asarray(scores, dtype=np.float64)
        may_be_yes = p_values(-self.yes, -score) > 1 - level
        may_be_no = p_values(self.no, score) > 1 - level
        return np.where(may_be_yes & ~may_be_no, 1, np.where(may_be_no & ~may_be_yes, 0, ABSTAINS))

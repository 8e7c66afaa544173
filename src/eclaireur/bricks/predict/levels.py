"""Two alert levels by cost, chosen on earlier rows and measured on later ones.

*Vigilance* would rather alert too often than miss (F2: recall counts twice as much as precision),
*alert* would rather miss than alert for nothing (F0.5); van Rijsbergen 1979.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from eclaireur.core import french
from eclaireur.core.errors import BadValueError, EmptyTableError
from eclaireur.core.evaluation import wilson
from eclaireur.core.types import Metric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Levels", "best_cut", "choose"]

_LEAST = 10
"""Rows of either class under which a cut would be chosen on noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Levels:
    """Scores from which a row is at vigilance, then at alert; ``until`` is the last day looked at."""

    vigilance: float
    alert: float
    until: date

    def of(self, scores: Any) -> NDArray[np.int64]:
        """Return 0, 1 (vigilance) or 2 (alert) for each score, shape ``(n,)``."""
        import numpy as np

        values = np.asarray(scores, dtype=np.float64)
        return (values >= self.vigilance).astype(np.int64) + (values >= self.alert)

    def measure(self, labels: Any, scores: Any, *, since: date) -> tuple[Metric, ...]:
        """Return precision and recall of each level on rows that did not choose it.

        Parameters
        ----------
        since
            First day of the rows.

        Raises
        ------
        BadValueError
            If these rows may have chosen the levels.

        Examples
        --------
        >>> levels = Levels(vigilance=0.2, alert=0.6, until=date(2023, 12, 31))
        >>> found = levels.measure([0, 1, 1], [0.3, 0.4, 0.9], since=date(2024, 1, 1))
        >>> [(one.name, one.value) for one in found][:2]
        [('vigilance_precision', 0.6666666666666666), ('vigilance_recall', 1.0)]
        """
        import numpy as np

        if since <= self.until:
            raise BadValueError(
                f"les seuils ont été choisis jusqu'au {french.day(self.until)} : les mesurer depuis le "
                f"{french.day(since)} jugerait les lignes qui les ont choisis.",
                fix="Mesurez sur des dates plus tardives.",
            )
        truth = np.asarray(labels, dtype=np.float64)
        reached = self.of(scores)
        positives, rate = float(truth.sum()), float(truth.mean()) if truth.size else None
        found = []
        for level, name in ((1, "vigilance"), (2, "alert")):
            inside = reached >= level
            alerts, hits = int(inside.sum()), float(truth[inside].sum())
            found += [
                _share(f"{name}_precision", hits, alerts, "toutes les lignes", rate),
                _share(f"{name}_recall", hits, int(positives), "même nombre au hasard", _part(alerts, truth)),
            ]
        return tuple(found)


def _part(alerts: int, truth: NDArray[np.float64]) -> float | None:
    return alerts / truth.size if truth.size else None


def _share(name: str, found: float, n: int, baseline: str, reference: float | None) -> Metric:
    value, (low, high) = (found / n, wilson(found, n)) if n else (None, (None, None))
    return Metric(
        name=name, value=value, low=low, high=high, n=n, baseline=baseline, baseline_value=reference
    )


def best_cut(labels: Any, scores: Any, *, beta: float) -> float:
    """Return the score from which an alert gives the greatest F-beta; rows of one score go together.

    Among cuts that do as well, the highest: fewer alerts.

    >>> labels, scores = [0, 1, 0, 1], [0.1, 0.2, 0.3, 0.9]
    >>> best_cut(labels, scores, beta=0.5), best_cut(labels, scores, beta=2)
    (0.9, 0.2)
    """
    import numpy as np

    truth, score = np.asarray(labels, dtype=np.float64), np.asarray(scores, dtype=np.float64)
    values, codes = np.unique(-score, return_inverse=True)
    alerts = np.cumsum(np.bincount(codes))
    hits = np.cumsum(np.bincount(codes, truth))
    square = beta * beta
    gained = (1 + square) * hits / (alerts + square * truth.sum())
    return float(-values[int(np.argmax(gained))])


def choose(labels: Any, scores: Any, *, until: date, betas: tuple[float, float] = (2.0, 0.5)) -> Levels:
    """Choose both levels on validation rows.

    Parameters
    ----------
    labels, scores
        Outcomes in {0, 1} and scores of the validation rows, shape ``(n,)``.
    until
        Last day of these rows: `Levels.measure` refuses earlier ones.
    betas
        How many times recall counts more than precision, for vigilance then for alert.

    Raises
    ------
    EmptyTableError
        If there are under ten rows of either class.
    """
    import numpy as np

    truth = np.asarray(labels, dtype=np.float64)
    positives = int(truth.sum())
    if min(positives, truth.size - positives) < _LEAST:
        raise EmptyTableError(
            f"trop peu de résultats pour choisir des seuils : {truth.size}, dont {positives} défavorables.",
            fix=f"Il en faut au moins {_LEAST} de chaque sorte.",
        )
    low, high = (best_cut(truth, scores, beta=beta) for beta in betas)
    return Levels(vigilance=min(low, high), alert=max(low, high), until=until)

"""What a drawn list says of all subjects: figures weighted by the inverse of each one's chance.

Results of the model's own choices flatter it, and say nothing of what it does not choose. The part
drawn at random speaks for the others, each result counting for as many as its chance stands for
(Horvitz & Thompson 1952; Hájek 1971). `core.worklist` gives the chances.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.core import evaluation, french
from eclaireur.core.errors import BadValueError, EmptyTableError
from eclaireur.core.evaluation import MIN_GROUP
from eclaireur.core.evaluation.intervals import DRAWS, percentiles
from eclaireur.core.evaluation.metrics import usable
from eclaireur.core.evaluation.order import Order
from eclaireur.core.types import Metric

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Drawn"]

_FIGURES = ("auc", "average_precision", "lift_top_5pct", "precision_at_k")


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """Results of a drawn list.

    Parameters
    ----------
    labels
        Outcomes in {0, 1}, shape ``(n,)``: every item listed.
    propensities
        Chance each had to be listed, in ]0, 1]; 1 for those that were sure to be.
    """

    labels: NDArray[np.float64]
    propensities: NDArray[np.float64]

    def __post_init__(self) -> None:
        """Refuse what cannot be weighed."""
        import numpy as np

        labels, chances = np.asarray(self.labels, dtype=float), np.asarray(self.propensities, dtype=float)
        if labels.shape != chances.shape or not labels.size:
            raise BadValueError(f"{labels.size} résultats pour {chances.size} chances de tirage.")
        if not np.isin(labels, (0.0, 1.0)).all():
            raise BadValueError(
                "un résultat manque ou n'est ni 0 ni 1.",
                fix="Attendez tous les résultats de la liste : ceux qui manquent ne manquent pas au hasard.",
            )
        if not ((chances > 0) & (chances <= 1)).all():
            raise BadValueError("une chance de tirage n'est pas entre 0 et 1.")
        if (chances < 1).sum() < MIN_GROUP:
            raise EmptyTableError(
                f"{french.count(int((chances < 1).sum()), 'résultat tiré', 'résultats tirés')} au hasard : "
                "trop peu pour conclure sur l'ensemble.",
                fix=f"Il en faut au moins {MIN_GROUP} : réunissez plusieurs listes.",
            )

    @property
    def weights(self) -> NDArray[np.float64]:
        """How many subjects each result stands for."""
        import numpy as np

        return 1 / np.asarray(self.propensities, dtype=np.float64)

    @property
    def effective(self) -> float:
        """Number of equally weighted results that would say as much (Kish 1965)."""
        weight = self.weights
        return float(weight.sum() ** 2 / (weight**2).sum())

    def metrics(
        self, scores: Mapping[str, Any], *, k: int = 100, seed: int = 0
    ) -> dict[str, tuple[Metric, ...]]:
        """Return the figures of several orders over all subjects, from this list.

        Parameters
        ----------
        scores
            Name → scores of the listed items by any model, whether it drew the list or not.
        k
            Places of ``precision_at_k``, among all subjects.

        Returns
        -------
        dict
            Name → figures with intervals; ``n`` is the number of results.
        """
        import numpy as np

        drawn = self._bootstrap(seed)
        found = {}
        for name, values in scores.items():
            order = Order(self.labels, values)
            rows = []
            for figure in _FIGURES:
                at = evaluation.figure_named(figure, k)
                value = at(order, self.weights)
                low, high = percentiles(np.array([at(order, line) for line in drawn]))
                rows.append(
                    Metric(name=figure, value=usable(value), low=usable(low), high=usable(high), n=order.size)
                )
            found[name] = tuple(rows)
        return found

    def gain(
        self,
        scores: Any,
        other: Any,
        *,
        figure: str = "average_precision",
        name: str,
        k: int = 100,
        seed: int = 0,
    ) -> Metric:
        """Return the figure of an order minus that of another, on this same draw, with a paired interval.

        Parameters
        ----------
        name
            Name of the other, kept as baseline.
        """
        import numpy as np

        at = evaluation.figure_named(figure, k)
        one, two = Order(self.labels, scores), Order(self.labels, other)
        reference = at(two, self.weights)
        gains = np.array([at(one, line) - at(two, line) for line in self._bootstrap(seed)])
        low, high = percentiles(gains)
        return Metric(
            name=f"{figure}_gain",
            value=usable(at(one, self.weights) - reference),
            low=usable(low),
            high=usable(high),
            n=one.size,
            baseline=name,
            baseline_value=usable(reference),
        )

    def _bootstrap(self, seed: int) -> NDArray[np.float64]:
        """Return weights by draw, shape ``(draws, n)``: results are drawn again among those of equal chance.

        What was listed for sure and what was drawn are two samples: neither may borrow from the other.
        """
        import numpy as np

        random = np.random.default_rng(seed)
        chances = np.asarray(self.propensities, dtype=np.float64)
        found = np.zeros((DRAWS, chances.size))
        for chance in np.unique(chances):
            at = np.flatnonzero(chances == chance)
            found[:, at] = random.multinomial(at.size, np.full(at.size, 1 / at.size), size=DRAWS)
        return found * self.weights

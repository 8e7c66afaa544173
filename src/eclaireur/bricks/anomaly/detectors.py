"""Four ways to be out of the ordinary, each blind to what another sees.

=============== ================================================= =========================================
name            what it sees                                      source
=============== ================================================= =========================================
``forest``      rows that a few random cuts set apart             Liu, Ting and Zhou 2008 (isolation forest)
``distance``    values that do not go together: Mahalanobis       Shyu et al. 2003; Ledoit and Wolf 2004;
                distance, which is the reconstruction error of    Rousseeuw and Van Driessen 1999
                all principal components, each by its variance
``neighbours``  rows far from their nearest neighbours            Ramaswamy et al. 2000; Angiulli 2002
``tails``       values in the tails of their columns              Li et al. 2022 (ECOD)
=============== ================================================= =========================================
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eclaireur.bricks.anomaly.scale import Scale

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["DETECTORS", "Distance", "Scorer", "Tails", "distance", "forest", "neighbours", "tails"]

Scorer = Callable[["NDArray[np.float64]", bool], "NDArray[np.float64]"]
"""Gives the raw score of rows, higher is odder; the flag says that they are the rows it was fitted on."""

DETECTORS = ("forest", "distance", "neighbours", "tails")

_TREES, _SAMPLE = 100, 256
_NEIGHBOURS, _MOST = 10, 5000
_CORE, _STEPS = 0.75, 3


def forest(standard: NDArray[np.float64], seed: int) -> Scorer:
    """Fit an isolation forest."""
    from sklearn.ensemble import IsolationForest

    size = min(_SAMPLE, len(standard))
    fitted = IsolationForest(n_estimators=_TREES, max_samples=size, random_state=seed).fit(standard)

    def score(rows: NDArray[np.float64], _own: bool) -> NDArray[np.float64]:  # noqa: FBT001 part of Scorer
        return -fitted.score_samples(rows)  # type: ignore[no-any-return]

    return score


@dataclass(frozen=True, slots=True, kw_only=True)
class Distance:
    """Mahalanobis distance to the core of the reference."""

    centre: NDArray[np.float64]
    precision: NDArray[np.float64]

    def __call__(self, rows: NDArray[np.float64], _own: bool = False) -> NDArray[np.float64]:  # noqa: FBT001, FBT002
        """Return squared distances."""
        import numpy as np

        gap = rows - self.centre
        return np.einsum("ij,ij->i", gap @ self.precision, gap)  # type: ignore[no-any-return]

    def unexpected(self, rows: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return each value's gap to what the row's other values let expect, in deviations, and that value.

        For a normal law of precision P, the value expected given the others is
        ``x − (P (x − centre)) / diag(P)``, with variance ``1 / diag(P)`` (Anderson 2003, § 2.5).
        """
        import numpy as np

        pull = (rows - self.centre) @ self.precision
        diagonal = np.diag(self.precision)
        return pull / np.sqrt(diagonal), rows - pull / diagonal


def distance(standard: NDArray[np.float64], _seed: int) -> Distance:
    """Fit the Mahalanobis distance on the closest three quarters, found by concentration steps.

    The covariance is shrunk (Ledoit and Wolf), so that it is never singular, however many columns repeat.
    """
    import numpy as np
    from sklearn.covariance import LedoitWolf

    core = standard
    for _ in range(_STEPS):
        fitted = LedoitWolf().fit(core)
        found = Distance(centre=fitted.location_, precision=fitted.precision_)
        away = found(standard)
        core = standard[away <= np.quantile(away, _CORE)]
    return found


def neighbours(standard: NDArray[np.float64], seed: int) -> Scorer:
    """Fit the mean distance to the ten nearest rows, of at most 5 000 drawn from the reference.

    A sample is enough to tell what is far (Sugiyama and Borgwardt 2013).
    """
    import numpy as np
    from sklearn.neighbors import NearestNeighbors

    chosen = np.random.default_rng(seed).permutation(len(standard))[:_MOST]
    nearest = min(_NEIGHBOURS, len(chosen) - 1)
    fitted = NearestNeighbors(n_neighbors=nearest + 1).fit(standard[chosen])
    among = np.zeros(len(standard), dtype=bool)
    among[chosen] = True

    def score(rows: NDArray[np.float64], own: bool) -> NDArray[np.float64]:  # noqa: FBT001 part of Scorer
        gaps = fitted.kneighbors(rows)[0]
        outer = gaps[:, :nearest].mean(axis=1)
        # A row of the sample is its own nearest neighbour, at distance 0: its first gap is left out.
        return np.where(among, gaps[:, 1:].mean(axis=1), outer) if own else outer  # type: ignore[no-any-return]

    return score


@dataclass(frozen=True, slots=True, kw_only=True)
class Tails:
    """Empirical tails of each column, that go on beyond its extremes as `scale.Scale` says.

    Parameters
    ----------
    high, low
        How rare a value as high, or as low, is in each column.
    skew
        Sign of each column's skewness: the side of its long tail.
    """

    high: tuple[Scale, ...]
    low: tuple[Scale, ...]
    skew: NDArray[np.float64]

    def sides(self, values: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the rarity of each value on the low and on the high side; a missing value counts 0."""
        import numpy as np

        low = [scale.rarity(-column) for scale, column in zip(self.low, values.T, strict=True)]
        high = [scale.rarity(column) for scale, column in zip(self.high, values.T, strict=True)]
        return np.stack(low, axis=1), np.stack(high, axis=1)

    def __call__(self, values: NDArray[np.float64], _own: bool = False) -> NDArray[np.float64]:  # noqa: FBT001, FBT002
        """Return the largest of the sums over low tails, high tails and long tails."""
        import numpy as np

        low, high = self.sides(values)
        long = np.where(self.skew < 0, low, high)
        return np.max([low.sum(axis=1), high.sum(axis=1), long.sum(axis=1)], axis=0)  # type: ignore[no-any-return]


def tails(values: NDArray[np.float64]) -> Tails:
    """Read the tails of columns that are as they are: they have no need of a common unit."""
    import numpy as np

    gaps = values - np.nanmean(values, axis=0)
    return Tails(
        high=tuple(Scale.of(column) for column in values.T),
        low=tuple(Scale.of(-column) for column in values.T),
        skew=np.sign(np.nanmean(gaps**3, axis=0)),
    )

"""The chance to pass a limit that is seldom passed, from the whole law of the level.

A few tens of exceedances teach nothing by themselves; thousands of levels do. The level is expected (mean of
a ridge regression and of boosted trees), with a spread that depends on the station and the month, and the
chance is that of a normal law. Its mean with the station's own past share of exceedances is what is stated:
where the law's tail is wrong, the share holds it back, and where a station was seldom measured, the law does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.predict import fitted
from eclaireur.bricks.predict.models import Linear, Training, Trees
from eclaireur.core import artefacts
from eclaireur.core.case import Artefact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["SHARE", "Tail", "fit"]

SHARE = "high_share"
"""Column that holds the past share of a station."""

_TREES = Trees(leaves=8, rate=0.05)
_SPREAD = Linear(strength=1.0)
_FLOOR = 0.05
"""Added to an error before its logarithm: a level is not known more exactly."""

_USUAL = 0.01
_NORMAL = 0.5
"""Weight of the normal law beside the past share."""

_LAW, _PARTS = "law.json", ("straight", "trees", "spread")


@dataclass(frozen=True, slots=True, kw_only=True)
class Tail:
    """A fitted law of the level; ``limit`` is the level to pass, ``share`` the column of the past share."""

    straight: fitted.Fitted
    trees: fitted.Fitted
    spread: fitted.Fitted
    width: float
    limit: float
    share: int

    def _expected(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        return (self.straight.scores(columns) + self.trees.scores(columns)) / 2

    def risk(self, columns: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the chance to pass the limit, shape ``(n,)``."""
        import numpy as np
        from scipy.special import ndtr

        past = columns[:, self.share]
        past = np.where(np.isnan(past), _USUAL, past)
        wide = self.width * np.exp(self.spread.scores(columns))
        law = ndtr((self._expected(columns) - self.limit) / wide)
        return np.asarray(_NORMAL * law + (1 - _NORMAL) * past)

    def dump(self) -> dict[str, bytes]:
        """Return the files to store: JSON and LightGBM text."""
        law = {"width": self.width, "limit": self.limit, "share": self.share}
        files = {_LAW: artefacts.dump_json(law)}
        for name in _PARTS:
            files |= {f"{name}_{file}": content for file, content in getattr(self, name).dump().items()}
        return files

    @classmethod
    def load(cls, artefact: Artefact) -> Tail:
        """Read what `dump` wrote."""
        parts: dict[str, Any] = {
            name: fitted.load(lambda file, name=name: artefact(f"{name}_{file}"))  # type: ignore[misc]
            for name in _PARTS
        }
        return cls(**parts, **artefacts.load_json(artefact(_LAW)))


def fit(
    columns: NDArray[np.float64],
    levels: NDArray[np.float64],
    *,
    names: tuple[str, ...],
    limit: float,
    weights: NDArray[np.float64] | None = None,
    seed: int = 0,
) -> Tail:
    """Learn the law of the level; levels are all known, shape ``(n,)``.

    Raises
    ------
    EmptyTableError
        If there are under thirty rows.
    """
    import numpy as np

    def training(values: NDArray[np.float64]) -> Training:
        return Training(columns, values, names, kind="value", weights=weights, seed=seed)

    asked = training(levels)
    straight, trees = Linear().fit(asked), _TREES.fit(asked)
    # The regression's own error: that of trees on rows that they learnt from is too small.
    error = levels - straight.scores(columns)
    spread = _SPREAD.fit(training(np.log(np.abs(error) + _FLOOR)))
    width = float(np.sqrt(np.mean((error / np.exp(spread.scores(columns))) ** 2)))
    return Tail(
        straight=straight, trees=trees, spread=spread, width=width, limit=limit, share=names.index(SHARE)
    )

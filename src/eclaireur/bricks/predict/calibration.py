"""From a model's risk to a risk that can be stated: shift, slope, and an interval by bins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.core.evaluation import reliability

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Calibration", "fit"]

_EDGE = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Logistic recalibration (Platt 1999; Cox 1958): ``logit(stated) = shift + slope × logit(risk)``.

    ``bins`` are (upper edge of stated risk, low, high): the 95 % interval of the rate observed
    among held-out rows of like stated risk.
    """

    shift: float = 0.0
    slope: float = 1.0
    bins: tuple[tuple[float, float, float], ...] = ()
    rows: int = 0

    def apply(self, risk: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return stated risks; the order of ``risk`` is kept."""
        import numpy as np

        inside = np.clip(risk, _EDGE, 1 - _EDGE)
        odds = self.shift + self.slope * np.log(inside / (1 - inside))
        return 1 / (1 + np.exp(-odds))

    def interval(self, stated: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return low and high for stated risks, NaN when too little was held out to say."""
        import numpy as np

        if not self.bins:
            unknown = np.full(stated.shape, np.nan)
            return unknown, unknown
        table = np.asarray(self.bins)
        index = np.searchsorted(table[:-1, 0], stated, side="right")
        # Within a bin the stated risk varies: the interval always holds it.
        return np.minimum(table[index, 1], stated), np.maximum(table[index, 2], stated)

    def to_json(self) -> dict[str, Any]:
        """Return plain values for a model's artefact."""
        return {
            "shift": self.shift,
            "slope": self.slope,
            "bins": [list(one) for one in self.bins],
            "rows": self.rows,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Calibration:
        """Read what `to_json` wrote."""
        bins = tuple((float(a), float(b), float(c)) for a, b, c in content["bins"])
        return cls(shift=content["shift"], slope=content["slope"], bins=bins, rows=content["rows"])


def fit(labels: NDArray[np.float64], risk: NDArray[np.float64]) -> Calibration:
    """Fit a recalibration on held-out rows.

    The slope is kept at zero or above, so that the order never turns round.
    """
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    inside = np.clip(risk, _EDGE, 1 - _EDGE)
    odds = np.log(inside / (1 - inside)).reshape(-1, 1)
    model = LogisticRegression(C=1e6, max_iter=1000).fit(odds, labels)
    slope = float(model.coef_[0, 0])
    if slope <= 0:
        rate = float(labels.mean())
        return Calibration(shift=float(np.log(rate / (1 - rate)) - odds.mean()), slope=1.0, rows=labels.size)
    found = Calibration(shift=float(model.intercept_[0]), slope=slope)
    stated = found.apply(risk)
    table = reliability(labels, stated)
    edges = np.quantile(stated, np.linspace(0, 1, len(table) + 1))[1:]
    bins = tuple((float(edge), one.low, one.high) for edge, one in zip(edges, table, strict=True))
    return Calibration(shift=found.shift, slope=slope, bins=bins, rows=int(labels.size))

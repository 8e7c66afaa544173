"""From a model's risk to a risk that can be stated: shift, slope, and an interval by bins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from eclaireur.core.evaluation import reliability

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Calibration", "fit"]

_EDGE = 1e-6
_TOLERATED = 0.03
"""Gap in the large, in points of probability, under which a stated risk is still useful."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Logistic recalibration (Platt 1999; Cox 1958): ``logit(stated) = shift + slope × logit(risk)``.

    ``bins`` are (upper edge of stated risk, low, high): the 95 % interval of the rate observed
    among held-out rows of like stated risk. ``drift`` is the gap between stated and observed rate on
    the latest held-out rows, when the calibration is fitted on the earlier ones, and ``noise`` its
    standard error.
    """

    shift: float = 0.0
    slope: float = 1.0
    bins: tuple[tuple[float, float, float], ...] = ()
    rows: int = 0
    drift: float = 0.0
    noise: float = 0.0

    @property
    def holds(self) -> bool:
        """Tell whether a stated risk may be shown as one: checked, and still true months later."""
        return self.rows > 0 and abs(self.drift) <= max(_TOLERATED, 2 * self.noise)

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
            "drift": self.drift,
            "noise": self.noise,
        }

    @classmethod
    def from_json(cls, content: Mapping[str, Any]) -> Calibration:
        """Read what `to_json` wrote."""
        bins = tuple((float(a), float(b), float(c)) for a, b, c in content["bins"])
        return cls(**{**content, "bins": bins})


def fit(labels: NDArray[np.float64], risk: NDArray[np.float64]) -> Calibration:
    """Fit a recalibration on held-out rows, given in the order of time.

    The slope is kept above zero, so that the order never turns round. Half of the rows first judge
    a calibration fitted on the half before (see `Calibration.holds`).
    """
    import numpy as np

    half = labels.size // 2
    stated = _fit(labels[:half], risk[:half]).apply(risk[half:])
    observed = float(labels[half:].mean())
    noise = float(np.sqrt(max(observed * (1 - observed), 1e-9) / (labels.size - half)))
    found = _fit(labels, risk)
    shown = found.apply(risk)
    table = reliability(labels, shown)
    edges = np.quantile(shown, np.linspace(0, 1, len(table) + 1))[1:]
    return replace(
        found,
        bins=tuple((float(edge), one.low, one.high) for edge, one in zip(edges, table, strict=True)),
        rows=int(labels.size),
        drift=float(stated.mean()) - observed,
        noise=noise,
    )


def _fit(labels: NDArray[np.float64], risk: NDArray[np.float64]) -> Calibration:
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    inside = np.clip(risk, _EDGE, 1 - _EDGE)
    odds = np.log(inside / (1 - inside)).reshape(-1, 1)
    model = LogisticRegression(C=1e6, max_iter=1000).fit(odds, labels)
    slope = float(model.coef_[0, 0])
    if slope > 0:
        return Calibration(shift=float(model.intercept_[0]), slope=slope)
    rate = float(np.clip(labels.mean(), _EDGE, 1 - _EDGE))
    return Calibration(shift=float(np.log(rate / (1 - rate)) - odds.mean()))

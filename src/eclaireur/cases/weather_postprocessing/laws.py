"""Laws of a forecast, with their score (CRPS) in closed form and its gradient.

Rain is a logistic law of its square root, where all below zero counts as zero; temperature is a normal law.
A law is a location and a scale for each row.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["CENSORED", "LEVELS", "NORMAL", "Law", "crps_gradient", "law_of"]

CENSORED = "censored logistic"
"""Logistic law, what is below zero counts as zero."""
NORMAL = "normal"

LEVELS = (0.05, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95)
"""Levels of the quantiles that are written."""


def law_of(variable: str) -> str:
    """Return the law that a variable follows."""
    return CENSORED if variable == "rain" else NORMAL


@dataclass(frozen=True, slots=True, kw_only=True)
class Law:
    """One law per row.

    Parameters
    ----------
    family
        `CENSORED` or `NORMAL`.
    location, scale
        Arrays of shape ``(n,)``.
    """

    family: str
    location: NDArray[np.float64]
    scale: NDArray[np.float64]

    def rows(self, chosen: Any) -> Law:
        """Return the laws of some rows: a place, places or a mask."""
        import numpy as np

        return Law(
            family=self.family,
            location=np.atleast_1d(self.location[chosen]),
            scale=np.atleast_1d(self.scale[chosen]),
        )

    def crps(self, observed: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the continuous ranked probability score of each row.

        >>> import numpy as np
        >>> one = Law(family=NORMAL, location=np.zeros(1), scale=np.ones(1))
        >>> round(float(one.crps(np.zeros(1))[0]), 4)
        0.2337
        """
        return crps_gradient(self.family, self.location, self.scale, observed)[0]

    def cdf(self, value: Any) -> NDArray[np.float64]:
        """Return the chance of at most ``value`` (one per row, or one for all)."""
        import numpy as np
        from scipy.special import expit, ndtr

        z = (np.asarray(value, np.float64) - self.location) / self.scale
        if self.family == NORMAL:
            return np.asarray(ndtr(z))
        return np.where(np.asarray(value) < 0, 0.0, expit(z))

    def below(self, value: float) -> NDArray[np.float64]:
        """Return the chance of strictly less than ``value``: the mass at zero is at zero."""
        import numpy as np

        if self.family == CENSORED and value <= 0:
            return np.zeros_like(self.location)
        return self.cdf(value)

    def quantiles(self, levels: Any) -> NDArray[np.float64]:
        """Return quantiles, shape ``(n, levels)``."""
        import numpy as np
        from scipy.special import logit, ndtri

        at = np.asarray(levels, np.float64)
        if self.family == NORMAL:
            return np.asarray(self.location[:, None] + self.scale[:, None] * ndtri(at))
        return np.asarray(np.maximum(0.0, self.location[:, None] + self.scale[:, None] * logit(at)))


def crps_gradient(
    family: str, location: NDArray[np.float64], scale: NDArray[np.float64], observed: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the CRPS of each row and its derivatives by location and by scale.

    The normal law is that of Gneiting et al. (2005). For the censored logistic, with
    ``z = (y - location) / scale``, ``l = -location / scale`` and ``s`` the logistic function, the integral
    of the squared difference of the two step functions is ``|z| + 2 log(1 + exp(-|z|)) - 1 - log(1 + exp(l))
    + s(l)``, times the scale.
    """
    import numpy as np
    from scipy.special import expit, ndtr

    z = (observed - location) / scale
    if family == NORMAL:
        slope = 2 * ndtr(z) - 1
        density = np.exp(-0.5 * z * z) / np.sqrt(2 * np.pi)
        unit = z * slope + 2 * density - 1 / np.sqrt(np.pi)
        return scale * unit, -slope, 2 * density - 1 / np.sqrt(np.pi)
    low = -location / scale
    under = expit(low)
    far = np.abs(z)
    unit = far + 2 * np.log1p(np.exp(-far)) - 1 - np.logaddexp(0, low) + under
    slope, edge = 2 * expit(z) - 1, -under * under
    return scale * unit, -slope - edge, unit - z * slope - low * edge

"""Ensemble model output statistics: a law whose location and scale follow predictors, fitted by its CRPS.

The location is linear in its predictors and the logarithm of the scale in its own (Gneiting et al., 2005;
Messner et al., 2014, for the censored logistic). Predictors are standardised inside, so that one tolerance
serves them all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.cases.weather_postprocessing.laws import Law, crps_gradient

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Emos", "fit"]

_LEAST_LOG, _MOST_LOG = -6.0, 5.0
_STEPS = 300
_PENALTY = 1e-5
_MANY, _SOME = 200_000, 40_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Emos:
    """A fitted model.

    Parameters
    ----------
    family
        See `laws`.
    location, scale
        Coefficients, the constant first.
    """

    family: str
    location: NDArray[np.float64]
    scale: NDArray[np.float64]

    def law(self, where: NDArray[np.float64], spread: NDArray[np.float64]) -> Law:
        """Return the law of rows, from their predictors without a constant: shapes ``(n, p)``, ``(n, q)``."""
        import numpy as np

        logarithm = np.clip(self.scale[0] + spread @ self.scale[1:], _LEAST_LOG, _MOST_LOG)
        return Law(
            family=self.family,
            location=self.location[0] + where @ self.location[1:],
            scale=np.exp(logarithm),
        )

    def to_plain(self) -> dict[str, Any]:
        """Return what JSON holds."""
        return {
            "family": self.family,
            "location": self.location.tolist(),
            "scale": self.scale.tolist(),
        }

    @classmethod
    def from_plain(cls, row: Mapping[str, Any]) -> Emos:
        """Read what `to_plain` gave."""
        import numpy as np

        return cls(
            family=str(row["family"]),
            location=np.asarray(row["location"], np.float64),
            scale=np.asarray(row["scale"], np.float64),
        )


def fit(
    family: str,
    where: NDArray[np.float64],
    spread: NDArray[np.float64],
    observed: NDArray[np.float64],
    *,
    weights: NDArray[np.float64] | None = None,
) -> Emos:
    """Fit by least CRPS.

    Parameters
    ----------
    where, spread
        Predictors of the location, shape ``(n, p)``, and of the scale, shape ``(n, q)``, without a constant.
    observed
        Shape ``(n,)``, on the scale of the law.
    weights
        How much each row counts; all alike by default.

    Examples
    --------
    >>> import numpy as np
    >>> draw = np.random.default_rng(1)
    >>> mean = draw.normal(size=(4000, 1))
    >>> made = fit("normal", mean, np.zeros((4000, 0)), 1 + 2 * mean[:, 0] + draw.normal(size=4000))
    >>> [round(float(one), 1) for one in (*made.location, np.exp(made.scale[0]))]
    [1.0, 2.0, 1.0]
    """
    import numpy as np

    share = np.full(len(observed), 1 / len(observed)) if weights is None else weights / weights.sum()
    x, x_mean, x_unit = _standard(where, share)
    z, z_mean, z_unit = _standard(spread, share)
    size = x.shape[1]
    start = np.zeros(size + z.shape[1])
    root = np.sqrt(share)
    start[:size] = np.linalg.lstsq(x * root[:, None], observed * root, rcond=None)[0]
    rest = observed - x @ start[:size]
    start[size] = 0.5 * np.log(max(float(share @ (rest * rest)), 1e-6))
    if len(observed) > _MANY:
        # Most of the way is made on a part of the rows; few steps are then needed on all of them.
        some = slice(None, None, len(observed) // _SOME)
        start = _descend(family, x[some], z[some], observed[some], share[some] / share[some].sum(), start)
    both = _descend(family, x, z, observed, share, start)
    return Emos(
        family=family,
        location=_plain(both[:size], x_mean, x_unit),
        scale=_plain(both[size:], z_mean, z_unit),
    )


def _descend(
    family: str,
    x: NDArray[np.float64],
    z: NDArray[np.float64],
    observed: NDArray[np.float64],
    share: NDArray[np.float64],
    start: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Return the coefficients of least CRPS, with a slight pull towards zero of all but the constants."""
    import numpy as np
    from scipy.optimize import minimize

    size = x.shape[1]

    def loss(both: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        scale = np.exp(np.clip(z @ both[size:], _LEAST_LOG, _MOST_LOG))
        score, by_location, by_scale = crps_gradient(family, x @ both[:size], scale, observed)
        pull = 2 * _PENALTY * both
        pull[[0, size]] = 0
        gradient = np.concatenate([(share * by_location) @ x, (share * by_scale * scale) @ z])
        return float(share @ score + 0.5 * pull @ both), gradient + pull

    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": _STEPS})
    return np.asarray(found.x, np.float64)


def _standard(
    values: NDArray[np.float64], share: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return predictors with mean 0 and deviation 1 behind a constant; one that never varies is left out."""
    import numpy as np

    mean = share @ values
    deviation = np.sqrt(np.maximum(share @ (values - mean) ** 2, 0))
    unit = np.where(deviation > 1e-9, deviation, np.inf)
    return np.column_stack([np.ones(len(values)), (values - mean) / unit]), mean, unit


def _plain(
    found: NDArray[np.float64], mean: NDArray[np.float64], unit: NDArray[np.float64]
) -> NDArray[np.float64]:
    import numpy as np

    slopes = found[1:] / unit
    return np.concatenate([[found[0] - slopes @ mean], slopes])

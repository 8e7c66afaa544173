"""Several designs of EMOS averaged: the weights are those that did best on the end of what is learnt from.

Laws of one family are averaged by location and scale, which averages their quantiles.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.cases.weather_postprocessing.emos import Emos, fit
from eclaireur.cases.weather_postprocessing.laws import Law, crps_gradient, law_of
from eclaireur.cases.weather_postprocessing.predictors import DESIGNS, KNOWN, Columns, Terms, stack
from eclaireur.core.errors import ModelRefusedError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eclaireur.cases.weather_postprocessing.panel import Panel

__all__ = ["Pool", "designs_for", "fit_design", "fit_pool", "law_by"]

_SEASONS = 300
_INNER = 0.25
_LEAST = 40
_PULL, _PULL_OF_A_DAY = 1e-3, 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Designs with their predictors, their models and their weights, which add up to one."""

    variable: str
    designs: tuple[str, ...]
    terms: tuple[Terms, ...]
    models: tuple[Emos, ...]
    weights: tuple[float, ...]

    def law(self, found: Columns) -> Law:
        """Return the averaged law of rows."""
        laws = [law_by(terms, model, found) for terms, model in zip(self.terms, self.models, strict=True)]
        return _averaged(laws, self.weights)

    def to_plain(self) -> dict[str, Any]:
        """Return what JSON holds."""
        return {
            "variable": self.variable,
            "designs": list(self.designs),
            "terms": [[list(names) for names in terms] for terms in self.terms],
            "models": [model.to_plain() for model in self.models],
            "weights": list(self.weights),
        }

    @classmethod
    def from_plain(cls, row: Mapping[str, Any]) -> Pool:
        """Read what `to_plain` gave.

        Raises
        ------
        ModelRefusedError
            If it asks for a predictor that this version does not know.
        """
        terms: tuple[Terms, ...] = tuple((tuple(where), tuple(spread)) for where, spread in row["terms"])
        unknown = {name for both in terms for names in both for name in names} - KNOWN
        if unknown:
            raise ModelRefusedError(
                f"ce modèle demande une grandeur inconnue : « {min(unknown)} ».",
                fix="Entraînez-le de nouveau.",
            )
        return cls(
            variable=str(row["variable"]),
            designs=tuple(row["designs"]),
            terms=terms,
            models=tuple(Emos.from_plain(one) for one in row["models"]),
            weights=tuple(float(one) for one in row["weights"]),
        )


def designs_for(panel: Panel, rows: NDArray[np.bool_]) -> tuple[str, ...]:
    """Return the designs that what is known can carry: no season without a year, no space for one station."""
    import numpy as np

    days = panel.day[rows]
    year = bool(len(days)) and int(days.max() - days.min()) >= _SEASONS
    several = len(np.unique(panel.station[rows])) > 1
    if several:
        return ("corrected", "pooled", "pooled fresh", *(("pooled seasons",) if year else ()))
    return ("plain", "season", "year", "seasons", "recent") if year else ("plain",)


def fit_design(design: str, panel: Panel, found: Columns, rows: NDArray[np.bool_]) -> Emos:
    """Fit one design on some rows that have an observation."""
    where, spread = DESIGNS[design]
    return fit(
        law_of(panel.variable),
        stack(found, where)[rows],
        stack(found, spread)[rows],
        panel.observed[rows],
    )


def law_by(terms: Terms, model: Emos, found: Columns) -> Law:
    """Return the laws that one design gives."""
    where, spread = terms
    return model.law(stack(found, where), stack(found, spread))


def fit_pool(panel: Panel, found: Columns, *, before: int) -> Pool:
    """Fit every design on what was known before a day, and weigh them.

    Weights come from the last quarter of the days, forecast by models that were fitted on what was known
    before it; then every design is fitted again on everything.

    Parameters
    ----------
    before
        Day since 1970: only observations known before it are used.
    """
    import numpy as np

    ready = panel.verified & (panel.observed_known < before)
    used = ready & (found["seen"][:, 0] > 0) if (ready & (found["seen"][:, 0] > 0)).any() else ready
    designs = designs_for(panel, used)
    models = tuple(fit_design(design, panel, found, used) for design in designs)
    cut = int(np.quantile(panel.known[used], 1 - _INNER))
    inner = used & (panel.known >= cut)
    early = used & (panel.observed_known < cut)
    if len(designs) == 1 or early.sum() < _LEAST or inner.sum() < _LEAST:
        weights = np.full(len(designs), 1 / len(designs))
    else:
        some = {name: values[inner] for name, values in found.items()}
        laws = [law_by(DESIGNS[design], fit_design(design, panel, found, early), some) for design in designs]
        days = len(np.unique(panel.known[inner]))
        weights = _weights(laws, panel.observed[inner], pull=max(_PULL, _PULL_OF_A_DAY / days))
    return Pool(
        variable=panel.variable,
        designs=designs,
        terms=tuple(DESIGNS[design] for design in designs),
        models=models,
        weights=tuple(weights.tolist()),
    )


def _averaged(laws: Sequence[Law], weights: Sequence[float]) -> Law:
    import numpy as np

    share = np.asarray(weights)
    return Law(
        family=laws[0].family,
        location=share @ np.stack([law.location for law in laws]),
        scale=share @ np.stack([law.scale for law in laws]),
    )


def _weights(laws: Sequence[Law], observed: NDArray[np.float64], *, pull: float) -> NDArray[np.float64]:
    """Return the weights of least CRPS, drawn towards equal ones: the fewer days, the more."""
    import numpy as np
    from scipy.optimize import minimize

    locations = np.stack([law.location for law in laws])
    scales = np.stack([law.scale for law in laws])
    family = laws[0].family

    def loss(raw: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        share = np.exp(raw - raw.max())
        share /= share.sum()
        score, by_location, by_scale = crps_gradient(family, share @ locations, share @ scales, observed)
        slope = (locations @ by_location + scales @ by_scale) / len(observed)
        return float(score.mean()) + pull * float(raw @ raw), share * (slope - share @ slope) + 2 * pull * raw

    found = minimize(loss, np.zeros(len(laws)), jac=True, method="L-BFGS-B")
    share = np.exp(found.x - found.x.max())
    return np.asarray(share / share.sum())

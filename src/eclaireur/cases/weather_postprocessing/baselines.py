"""Plain forecasts that a calibrated one must beat: climate, corrected mean, EMOS of one predictor, forest."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eclaireur.cases.weather_postprocessing.emos import fit
from eclaireur.cases.weather_postprocessing.laws import NORMAL, Law, law_of
from eclaireur.cases.weather_postprocessing.pool import fit_design, law_by
from eclaireur.cases.weather_postprocessing.predictors import DESIGNS, Columns, stack

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eclaireur.cases.weather_postprocessing.panel import Panel

__all__ = ["LEVELS", "climate", "corrected", "forest", "local", "plain"]

LEVELS = 49
"""Quantiles by which a law without a formula is told."""

_YEAR = 365.2425
_AROUND = 20
_LEAST = 10
_TREES, _LEAF = 300, 30
_FOREST = ("mean", "spread", "least", "most", "season1", "before", "recent")


def climate(
    panel: Panel, used: NDArray[np.bool_], asked: NDArray[np.bool_], *, seasonal: bool
) -> NDArray[np.float64]:
    """Return quantiles of what was observed there around the same day of other years: ``(n, LEVELS)``.

    Without a year of observations, of all that was observed there; of all stations when there is too little.
    """
    import numpy as np

    levels = (np.arange(LEVELS) + 0.5) / LEVELS
    everywhere = np.quantile(panel.observed[used], levels)
    rows = np.flatnonzero(asked)
    found = np.tile(everywhere, (len(rows), 1))
    past = np.flatnonzero(used)
    for station in np.unique(panel.station[rows]):
        mine = past[panel.station[past] == station]
        here = panel.station[rows] == station
        if len(mine) < _LEAST:
            continue
        found[here] = np.quantile(panel.observed[mine], levels)
        if not seasonal:
            continue
        for place in np.flatnonzero(here):
            apart = np.abs(panel.day[mine] - panel.day[rows[place]]) % _YEAR
            near = mine[np.minimum(apart, _YEAR - apart) <= _AROUND]
            if len(near) >= _LEAST:
                found[place] = np.quantile(panel.observed[near], levels)
    return found


def plain(panel: Panel, found: Columns, used: NDArray[np.bool_], asked: NDArray[np.bool_]) -> Law:
    """Return EMOS on the mean and the spread of the members alone, all stations together."""
    model = fit_design("plain", panel, found, used)
    return law_by(DESIGNS["plain"], model, {name: values[asked] for name, values in found.items()})


def corrected(panel: Panel, found: Columns, used: NDArray[np.bool_], asked: NDArray[np.bool_]) -> Law:
    """Return the mean plus the station's mean error so far, with one error for all."""
    import numpy as np

    nothing = np.zeros((panel.size, 0))
    told = panel.mean + found["bias"][:, 0]
    model = fit(law_of(panel.variable), told[used, None], nothing[used], panel.observed[used])
    scale = np.full(int(asked.sum()), np.exp(model.scale[0]))
    return Law(family=law_of(panel.variable), location=told[asked], scale=scale)


def local(panel: Panel, found: Columns, used: NDArray[np.bool_], asked: NDArray[np.bool_]) -> Law:
    """Return EMOS fitted station by station; a station with fewer than ten observations takes that of all."""
    import numpy as np

    nothing = np.zeros((panel.size, 0))
    shared = plain(panel, found, used, asked)
    location, scale = shared.location.copy(), shared.scale.copy()
    rows, past = np.flatnonzero(asked), np.flatnonzero(used)
    family = law_of(panel.variable)
    for station in np.unique(panel.station[rows]):
        mine = past[panel.station[past] == station]
        if len(mine) < _LEAST:
            continue
        here = panel.station[rows] == station
        model = fit(family, found["mean"][mine], nothing[mine], panel.observed[mine])
        law = model.law(found["mean"][rows[here]], nothing[rows[here]])
        location[here], scale[here] = law.location, law.scale
    return Law(family=NORMAL if family == NORMAL else family, location=location, scale=scale)


def forest(
    panel: Panel, found: Columns, used: NDArray[np.bool_], asked: NDArray[np.bool_], *, seed: int
) -> NDArray[np.float64] | None:
    """Return quantiles of a forest (Meinshausen, 2006): ``(n, LEVELS)``; None without its library."""
    import numpy as np

    try:
        from quantile_forest import (  # type: ignore[import-untyped]
            RandomForestQuantileRegressor,
        )
    except ImportError:
        return None
    table = stack(found, _FOREST)
    model = RandomForestQuantileRegressor(
        n_estimators=_TREES, min_samples_leaf=_LEAF, max_features=1 / 3, random_state=seed, n_jobs=1
    )
    model.fit(table[used], panel.observed[used])
    levels = (np.arange(LEVELS) + 0.5) / LEVELS
    return np.asarray(model.predict(table[asked], quantiles=levels.tolist()))

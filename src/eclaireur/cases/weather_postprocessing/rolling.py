"""Forecasts of held-out days, each by models fitted on what was known before its block of days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eclaireur.cases.weather_postprocessing import baselines
from eclaireur.cases.weather_postprocessing.laws import Law
from eclaireur.cases.weather_postprocessing.panel import Panel
from eclaireur.cases.weather_postprocessing.pool import fit_pool
from eclaireur.cases.weather_postprocessing.predictors import Columns, columns

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eclaireur.core.case import Progress

__all__ = ["BLOCKS", "Held", "held_out"]

BLOCKS = 6
"""How many times models are fitted again over the held-out days."""

_LEAST_KNOWN = 60
_SEASONS = 300


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Held-out rows with what was stated of them.

    Parameters
    ----------
    panel
        The rows, all observed.
    law
        The calibrated law.
    laws, quantiles
        Baselines by French name, as laws or as quantiles at the middle of equal shares.
    first
        First held-out day, since 1970.
    weights
        Designs of the last block with their weights.
    """

    panel: Panel
    law: Law
    laws: Mapping[str, Law]
    quantiles: Mapping[str, NDArray[np.float64]]
    first: int
    weights: Mapping[str, float]


def held_out(
    panel: Panel, *, seed: int, share: float, progress: Progress, compare: bool = True
) -> Held | None:
    """Forecast the last days, block by block; None when too little was observed before.

    Parameters
    ----------
    share
        Share of the observed days that is held out.
    compare
        Whether baselines are fitted too.
    """
    import numpy as np

    found = columns(panel)
    days = np.unique(panel.known[panel.verified])
    if len(days) < 2 * BLOCKS:
        return None
    held = days[int(len(days) * (1 - share)) :]
    starts = [int(some[0]) for some in np.array_split(held, BLOCKS) if len(some)]
    order: list[NDArray[np.int64]] = []
    ours: list[Law] = []
    laws: dict[str, list[Law]] = {}
    quantiles: dict[str, list[NDArray[np.float64]]] = {}
    weights: Mapping[str, float] = {}
    for at, start in enumerate(starts):
        progress(at, len(starts), "Prévisions des jours tenus à part")
        end = starts[at + 1] if at + 1 < len(starts) else int(days[-1]) + 1
        used = panel.verified & (panel.observed_known < start)
        asked = panel.verified & (panel.known >= start) & (panel.known < end)
        if used.sum() < _LEAST_KNOWN or not asked.any():
            continue
        some: Columns = {name: values[asked] for name, values in found.items()}
        pool = fit_pool(panel, found, before=start)
        weights = dict(zip(pool.designs, pool.weights, strict=True))
        order.append(np.flatnonzero(asked))
        ours.append(pool.law(some))
        if compare:
            _compare(panel, found, used, asked, laws, quantiles, seed)
    if not order:
        return None
    return Held(
        panel=panel.rows(np.concatenate(order)),
        law=_together(ours),
        laws={name: _together(some_laws) for name, some_laws in laws.items()},
        quantiles={name: np.concatenate(some_rows) for name, some_rows in quantiles.items()},
        first=starts[0],
        weights=weights,
    )


def _compare(
    panel: Panel,
    found: Columns,
    used: NDArray[np.bool_],
    asked: NDArray[np.bool_],
    laws: dict[str, list[Law]],
    quantiles: dict[str, list[NDArray[np.float64]]],
    seed: int,
) -> None:
    span = int(panel.day[used].max() - panel.day[used].min())
    usual = baselines.climate(panel, used, asked, seasonal=span >= _SEASONS)
    quantiles.setdefault("climatology", []).append(usual)
    laws.setdefault("emos", []).append(baselines.plain(panel, found, used, asked))
    if len(panel.stations) > 1:
        laws.setdefault("corrected_mean", []).append(baselines.corrected(panel, found, used, asked))
        laws.setdefault("local_emos", []).append(baselines.local(panel, found, used, asked))
        return
    trees = baselines.forest(panel, found, used, asked, seed=seed)
    if trees is not None:
        quantiles.setdefault("forest", []).append(trees)


def _together(laws: list[Law]) -> Law:
    import numpy as np

    return Law(
        family=laws[0].family,
        location=np.concatenate([law.location for law in laws]),
        scale=np.concatenate([law.scale for law in laws]),
    )

"""Forecasts of several sites at once: calibrated members that keep the ranks of the raw ones.

Ensemble copula coupling with quantiles (ECC-Q; Schefzik, Thorarinsdottir and Gneiting, 2013). Each site's
calibrated quantiles are put in the order of its raw members, so that a raw member that is warm here and
there stays so. Joint scores are the energy score and the variogram score.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eclaireur.cases.weather_postprocessing.laws import Law
    from eclaireur.cases.weather_postprocessing.panel import Panel

__all__ = ["Joint", "coupled", "energy_score", "joint_scores", "shuffled", "variogram_score"]

_LEAST_SITES = 2
_MOST_SITES = 200
_POWER = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Joint:
    """Mean joint scores over days, by forecast: ``raw``, ``coupled``, ``shuffled``; lower is better."""

    energy: dict[str, float]
    variogram: dict[str, float]
    days: int
    sites: float


def coupled(law: Law, members: NDArray[np.float64], *, seed: int) -> NDArray[np.float64]:
    """Return calibrated members in the order of the raw ones, of the same shape.

    Equal raw members (all dry) are ordered at random.

    >>> import numpy as np
    >>> from eclaireur.cases.weather_postprocessing.laws import NORMAL, Law
    >>> law = Law(family=NORMAL, location=np.zeros(1), scale=np.ones(1))
    >>> coupled(law, np.array([[5.0, 1.0, 3.0]]), seed=0).round(2).tolist()
    [[0.97, -0.97, 0.0]]
    """
    import numpy as np

    size = members.shape[1]
    draw = np.random.default_rng(seed).random(members.shape)
    order = np.lexsort((draw, members), axis=1)
    levels = (np.arange(size) + 0.5) / size
    found = np.empty_like(members)
    np.put_along_axis(found, order, law.quantiles(levels), axis=1)
    return found


def shuffled(law: Law, members: NDArray[np.float64], *, seed: int) -> NDArray[np.float64]:
    """Return the same calibrated members in an order drawn site by site: no dependence between sites."""
    import numpy as np

    levels = (np.arange(members.shape[1]) + 0.5) / members.shape[1]
    return np.asarray(np.random.default_rng(seed).permuted(law.quantiles(levels), axis=1))


def energy_score(members: NDArray[np.float64], observed: NDArray[np.float64]) -> float:
    """Return the energy score of members of shape ``(sites, m)``, by the root of the number of sites.

    For one site it is the CRPS.

    >>> import numpy as np
    >>> energy_score(np.array([[0.0, 2.0]]), np.array([1.0]))
    0.5
    """
    import numpy as np

    scale = np.sqrt(len(observed))
    to_truth = np.linalg.norm(members - observed[:, None], axis=0).mean()
    apart = np.linalg.norm(members[:, :, None] - members[:, None, :], axis=0).mean()
    return float((to_truth - 0.5 * apart) / scale)


def variogram_score(members: NDArray[np.float64], observed: NDArray[np.float64]) -> float:
    """Return the variogram score of order one half (Scheuerer and Hamill, 2015), mean over pairs of sites."""
    import numpy as np

    seen = np.abs(observed[:, None] - observed) ** _POWER
    told = np.zeros_like(seen)
    for member in members.T:
        told += np.abs(member[:, None] - member) ** _POWER
    pairs = np.triu_indices(len(observed), 1)
    return float(np.mean((seen - told / members.shape[1])[pairs] ** 2))


def joint_scores(panel: Panel, law: Law, *, seed: int) -> Joint | None:
    """Return joint scores of the days that have several sites; None when there are none.

    Sites beyond two hundred a day are left out, by a draw.
    """
    import numpy as np

    made = {
        "raw": panel.members,
        "coupled": coupled(law, panel.members, seed=seed),
        "shuffled": shuffled(law, panel.members, seed=seed),
    }
    whole = ~np.isnan(panel.members).any(axis=1) & panel.verified
    draw = np.random.default_rng(seed)
    energy: dict[str, list[float]] = {name: [] for name in made}
    variogram: dict[str, list[float]] = {name: [] for name in made}
    sites = []
    for day in np.unique(panel.day[whole]):
        rows = np.flatnonzero(whole & (panel.day == day))
        if len(rows) < _LEAST_SITES:
            continue
        if len(rows) > _MOST_SITES:
            rows = draw.choice(rows, _MOST_SITES, replace=False)
        sites.append(len(rows))
        for name, members in made.items():
            energy[name].append(energy_score(members[rows], panel.observed[rows]))
            variogram[name].append(variogram_score(members[rows], panel.observed[rows]))
    if not sites:
        return None
    return Joint(
        energy={name: float(np.mean(values)) for name, values in energy.items()},
        variogram={name: float(np.mean(values)) for name, values in variogram.items()},
        days=len(sites),
        sites=float(np.mean(sites)),
    )

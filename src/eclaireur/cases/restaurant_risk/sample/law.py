r"""The law of risk of the fictitious département: every number that decides a result is here.

For establishment :math:`i`, day :math:`d` in month :math:`m`, and inspector :math:`k`:

.. code-block:: text

    P(bad) = 1 / (1 + exp(-(eta + gamma_k)))
    eta    = ALPHA                                  level of the département
           + effect[activity_i]                     trade                        (places.ACTIVITIES)
           + SIZE * log(covers_i / covers[activity_i])
           + u[commune_i]                           commune       u ~ N(0, COMMUNE²)
           + v[i]                                  premises      v ~ N(0, PREMISES²)
           + z[i, m]                                management, changes in time
           + NEW * exp(-age_i(d) / NEW_YEARS)       age in years since the opening
           + HEAT * cold[activity_i] * heat(d)      cold chain
           + sum_e PEST * exp(-dist(i, e)² / (2 PEST_KM²)) * [e is active on d]

    z[i, m+1] = PHI * z[i, m] - REPAIR * bad[i, m] + DRIFT * sqrt(1 - PHI²) * N(0, 1)
                or N(NEW_MANAGER, DRIFT²) with probability MANAGER (the manager changes)
    z[i, 0]   ~ N(0, DRIFT²)
    heat(d)   = clip((mean of the highest temperatures of d-2, d-1, d - HEAT_FROM) / HEAT_SPAN, 0, 1.5)
    gamma_k   = SEVERITY * quantile_normal((k - 1/2) / K), shuffled: the observer effect

``bad[i, m]`` is 1 when a bad result of month ``m`` forces works. `gamma_k` is a nuisance: it says who
looked, nothing of the place. No model ranks better than an oracle that knows
``eta`` and ``gamma_k``: its AUC is measured with `latent.Truth.probability`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = [
    "ALPHA",
    "COMMUNE",
    "DRIFT",
    "HEAT",
    "HEAT_FROM",
    "HEAT_SPAN",
    "MANAGER",
    "NEW",
    "NEW_MANAGER",
    "NEW_YEARS",
    "PEST",
    "PEST_KM",
    "PHI",
    "PREMISES",
    "REPAIR",
    "SEVERITY",
    "SIZE",
    "heat",
    "logistic",
]

ALPHA = -2.80
SIZE = 0.25
COMMUNE = 0.25
PREMISES = 0.50
PHI = 0.985
DRIFT = 0.85
REPAIR = 0.08
MANAGER = 1 / 90
NEW_MANAGER = 0.30
NEW = 0.70
NEW_YEARS = 1.0
HEAT = 0.90
HEAT_FROM = 22.0
HEAT_SPAN = 6.0
PEST = 1.0
PEST_KM = 0.6
SEVERITY = 0.48


def logistic(log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the probability of log-odds, without overflow."""
    import numpy as np

    small = np.exp(-np.abs(log_odds))
    return np.asarray(np.where(log_odds >= 0, 1.0, small) / (1.0 + small), np.float64)


def heat(highest: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the heat stress of each day from its highest temperatures, in °C, one a day in order."""
    import numpy as np

    before = np.concatenate([np.repeat(highest[:1], 2), highest])
    mean = (before[2:] + before[1:-1] + before[:-2]) / 3
    return np.asarray(np.clip((mean - HEAT_FROM) / HEAT_SPAN, 0.0, 1.5), np.float64)

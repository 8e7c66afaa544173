"""Maximal covering as an integer programme, solved by HiGHS (Huangfu and Hall 2018)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eclaireur.core.errors import WorkFailedError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["shared", "solve"]


def solve(
    reached: Any,
    demand: NDArray[np.float64],
    more: int,
    fixed: Sequence[int],
    capacity: NDArray[np.float64] | None,
    *,
    seconds: float,
    relaxed: bool = False,
) -> tuple[list[int], float, float]:
    """Return the best sites found, the demand they serve, and a bound that no choice passes.

    Without capacities a place is served (``y ≤ Σ x``) or not; places reached by the same sites are one. With
    capacities, what each pair exchanges is a variable. ``relaxed`` lets sites be opened in part: the value is
    then a bound, quickly found.
    """
    import numpy as np
    from scipy.optimize import Bounds, LinearConstraint, milp
    from scipy.sparse import csr_array, hstack, vstack

    sites = reached.shape[0]
    if capacity is None:
        served, weight = _merged(reached, demand)
        flows = len(weight)
        limits = hstack([-served.T, _unit(flows)])
        upper = np.ones(flows)
    else:
        pairs = reached.tocoo()
        flows = pairs.nnz
        weight = np.ones(flows)
        upper = demand[pairs.col]
        at = np.arange(flows)
        ones = np.ones(flows)
        by_place = csr_array((ones, (pairs.col, at)), shape=(len(demand), flows))
        by_site = csr_array((ones, (pairs.row, at)), shape=(sites, flows))
        limits = vstack(
            [
                hstack([csr_array((len(demand), sites)), by_place]),
                hstack([-_unit(sites) * capacity, by_site]),
            ]
        )
    room = np.zeros(limits.shape[0])
    if capacity is not None:
        room[: len(demand)] = demand
    opened = np.concatenate([np.ones(sites), np.zeros(flows)])[None, :]
    low = np.zeros(sites + flows)
    low[list(fixed)] = 1
    result = milp(
        -np.concatenate([np.zeros(sites), weight]),
        constraints=[
            LinearConstraint(limits, -np.inf, room),
            LinearConstraint(opened, 0, len(fixed) + more),
        ],
        bounds=Bounds(low, np.concatenate([np.ones(sites), upper])),
        integrality=np.concatenate([np.zeros(sites) if relaxed else np.ones(sites), np.zeros(flows)]),
        options={"time_limit": seconds, "mip_rel_gap": 1e-7},
    )
    bound = getattr(result, "mip_dual_bound", None)
    limit = float(demand.sum()) if bound is None else min(float(demand.sum()), -float(bound))
    if result.x is None:
        return [], 0.0, limit
    chosen = np.flatnonzero(result.x[:sites] > 0.5).tolist()
    if relaxed:
        return chosen, -float(result.fun), -float(result.fun)
    value = (
        float(demand[np.asarray(reached[chosen].sum(axis=0)).ravel() > 0].sum())
        if capacity is None
        else shared(reached, demand, chosen, capacity)
    )
    return chosen, value, max(limit, value)


def shared(
    reached: Any, demand: NDArray[np.float64], sites: Sequence[int], capacity: NDArray[np.float64]
) -> float:
    """Return the most demand that open sites serve together under their capacities (a transport problem)."""
    import numpy as np
    from scipy.optimize import linprog
    from scipy.sparse import csr_array, vstack

    pairs = reached[list(sites)].tocoo()
    if not pairs.nnz:
        return 0.0
    at, ones = np.arange(pairs.nnz), np.ones(pairs.nnz)
    limits = vstack(
        [
            csr_array((ones, (pairs.col, at)), shape=(len(demand), pairs.nnz)),
            csr_array((ones, (pairs.row, at)), shape=(len(sites), pairs.nnz)),
        ]
    )
    room = np.concatenate([demand, capacity[list(sites)]])
    result = linprog(-ones, A_ub=limits, b_ub=room, bounds=(0, None), method="highs")
    if result.x is None:
        raise WorkFailedError("Le partage de la demande entre les sites n’a pas abouti.")
    return -float(result.fun)


def _merged(reached: Any, demand: NDArray[np.float64]) -> tuple[Any, NDArray[np.float64]]:
    """Make one place of those that the same sites reach, and leave out those that none reaches."""
    import numpy as np

    by_place = reached.tocsc()
    by_place.sort_indices()
    groups: dict[bytes, int] = {}
    first: list[int] = []
    weight: list[float] = []
    for place in range(by_place.shape[1]):
        mine = by_place.indices[by_place.indptr[place] : by_place.indptr[place + 1]]
        if not len(mine) or not demand[place]:
            continue
        group = groups.setdefault(mine.tobytes(), len(first))
        if group == len(first):
            first.append(place)
            weight.append(0.0)
        weight[group] += float(demand[place])
    return by_place[:, first], np.asarray(weight)


def _unit(size: int) -> Any:
    from scipy.sparse import eye_array

    return eye_array(size, format="csr")

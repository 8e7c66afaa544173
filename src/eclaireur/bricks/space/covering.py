"""Where to settle: the sites that serve the most demand within a distance."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.space import exact
from eclaireur.bricks.space.exchange import improved
from eclaireur.core.errors import BadValueError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Choice", "ceiling", "choose", "within"]

_EXACT = 20_000
"""Pairs of a place and a site within reach under which the optimum is sought by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The sites chosen.

    Parameters
    ----------
    sites
        Positions, existing sites first, then in the order in which they are worth adding.
    served
        Demand served.
    bound
        No choice serves more than this; infinity when it was not computed.
    optimal
        The choice is proved to be the best.
    """

    sites: tuple[int, ...]
    served: float
    bound: float
    optimal: bool


def within(places: NDArray[np.float64], sites: NDArray[np.float64], distance: float) -> Any:
    """Return which places each site reaches: a sparse matrix, one line a site, 1 within ``distance`` metres.

    >>> import numpy as np
    >>> within(np.array([[0.0, 0.0], [5.0, 0.0]]), np.array([[1.0, 0.0]]), 2).toarray().tolist()
    [[1.0, 0.0]]
    """
    import numpy as np
    from scipy.sparse import csr_array
    from scipy.spatial import cKDTree

    near = cKDTree(places).query_ball_point(sites, distance)
    ends = np.concatenate([[0], np.cumsum([len(one) for one in near])])
    which = np.concatenate([np.asarray(one, dtype=np.int64) for one in near] or [np.zeros(0, dtype=np.int64)])
    return csr_array((np.ones(len(which)), which, ends), shape=(len(sites), len(places)))


def choose(
    reached: Any,
    demand: NDArray[np.float64],
    more: int,
    *,
    fixed: Sequence[int] = (),
    capacity: NDArray[np.float64] | None = None,
    prove: bool | None = None,
    seconds: float = 60.0,
) -> Choice:
    """Choose sites so that the most demand is served (maximal covering: Church and ReVelle 1974).

    Small problems are solved to the optimum by HiGHS. Large ones by the greedy rule, never under 63 % of the
    optimum (Nemhauser, Wolsey and Fisher 1978), then by exchanging one site for another, then a few
    neighbours drawn again (see `exchange`). With capacities (Current and Storbeck 1988) large ones have the
    greedy rule alone, then the best sharing of demand between the sites chosen.

    Parameters
    ----------
    reached
        Matrix of `within`, or any sparse matrix of zeros and ones, one line a site, one column a place.
    demand
        Demand of each place, zero or more.
    more
        Sites to add to the existing ones.
    fixed
        Positions of existing sites: they stay, and what they serve is not to be served again.
    capacity
        Most demand that each site serves; a place may be shared between several. None: no limit.
    prove
        Seek the optimum (True) or not (False); None decides by size.
    seconds
        Longest search of the optimum; after it the best choice known and the bound are given.

    Raises
    ------
    BadValueError
        More sites than there are, an existing site that is not one, negative demand or capacity.

    Examples
    --------
    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> reached = csr_array(np.array([[1.0, 1, 0, 0], [0, 1, 1, 0], [0, 0, 1, 1]]))
    >>> choose(reached, np.array([5.0, 4, 4, 5]), 2).sites
    (0, 2)
    >>> choose(reached, np.array([5.0, 4, 4, 5]), 1, fixed=[1]).served
    13.0
    """
    _checked(reached, demand, more, fixed, capacity)
    if prove is None:
        prove = reached.nnz <= _EXACT
    if capacity is not None:
        sites = _greedy_with_capacity(reached, demand, more, fixed, capacity)
        found = Choice(
            sites=tuple(sites),
            served=exact.shared(reached, demand, sites, capacity),
            bound=math.inf,
            optimal=False,
        )
    else:
        sites, served = _quick(reached, demand, more, fixed)
        found = Choice(sites=tuple(sites), served=served, bound=math.inf, optimal=False)
    if not prove:
        return found
    best, value, bound = exact.solve(reached, demand, more, fixed, capacity, seconds=seconds)
    optimal = bound - max(value, found.served) <= 1e-6 * max(1.0, bound)
    if value <= found.served:
        return Choice(sites=found.sites, served=found.served, bound=max(bound, found.served), optimal=optimal)
    added = [one for one in best if one not in set(fixed)]
    return Choice(sites=(*fixed, *added), served=value, bound=bound, optimal=optimal)


def ceiling(
    reached: Any, demand: NDArray[np.float64], more: int, *, fixed: Sequence[int] = (), turns: int = 300
) -> float:
    """Return demand that no choice of sites passes, quickly, without capacities (Galvão and ReVelle 1996).

    The rule « served only by an open site » is replaced by prices, improved along the subgradient (Held,
    Wolfe and Crowder 1974). Any prices give a true bound; the least of all turns is kept.

    >>> import numpy as np
    >>> from scipy.sparse import csr_array
    >>> round(ceiling(csr_array(np.eye(3)), np.array([5.0, 4, 1]), 2), 2)
    9.0
    """
    import numpy as np

    _, known = _quick(reached, demand, more, fixed)
    prices = demand / np.maximum(1.0, np.asarray(reached.sum(axis=0)).ravel())
    free = np.ones(reached.shape[0], dtype=bool)
    free[list(fixed)] = False
    least, pace, idle = float(demand.sum()), 1.0, 0
    for _ in range(turns):
        worth = reached @ prices
        chosen = np.zeros(reached.shape[0])
        chosen[list(fixed)] = 1
        open_sites = np.flatnonzero(free)
        chosen[open_sites[np.argsort(-worth[open_sites], kind="stable")[:more]]] = 1
        served = demand > prices
        value = float((demand - prices)[served].sum() + worth @ chosen)
        if value < least - 1e-9 * abs(least):
            least, idle = value, 0
        else:
            idle += 1
            if idle == 20:
                pace, idle = pace / 2, 0
        slope = reached.T @ chosen - served
        length = float(slope @ slope)
        if not length or least - known <= 1e-9 * max(1.0, known):
            break
        prices = np.clip(prices - pace * (value - known) / length * slope, 0.0, demand)
    return max(least, known)


def _quick(
    reached: Any, demand: NDArray[np.float64], more: int, fixed: Sequence[int]
) -> tuple[list[int], float]:
    """Return a good choice, and the demand it serves."""
    found = improved(reached, demand, more, fixed)
    return found.ordered(), found.served


def _line(reached: Any, site: int) -> NDArray[np.int64]:
    return reached.indices[reached.indptr[site] : reached.indptr[site + 1]]  # type: ignore[no-any-return]


def _greedy_with_capacity(
    reached: Any, demand: NDArray[np.float64], more: int, fixed: Sequence[int], capacity: NDArray[np.float64]
) -> list[int]:
    """Add, one by one, the site that can serve the most of what is left, under its capacity."""
    import numpy as np

    sites: list[int] = []
    left = demand.astype(float)
    taken = np.zeros(reached.shape[0], dtype=bool)
    options = np.asarray(reached.sum(axis=0)).ravel()
    for turn in range(len(fixed) + more):
        gain = np.minimum(reached @ left, capacity)
        gain[taken] = -1
        site = fixed[turn] if turn < len(fixed) else int(gain.argmax())
        sites.append(site)
        taken[site] = True
        # Places with few other sites are served first: the others can be served elsewhere.
        mine = _line(reached, site)
        mine = mine[np.argsort(options[mine], kind="stable")]
        room = capacity[site] - np.concatenate([[0.0], np.cumsum(left[mine])[:-1]])
        left[mine] -= np.clip(room, 0.0, left[mine])
    return sites


def _checked(
    reached: Any,
    demand: NDArray[np.float64],
    more: int,
    fixed: Sequence[int],
    capacity: NDArray[np.float64] | None,
) -> None:
    import numpy as np

    lines, places = reached.shape
    if len(demand) != places or (capacity is not None and len(capacity) != lines):
        raise BadValueError(
            f"Il y a {places} lieux et {lines} sites : il faut une valeur pour chacun.",
            fix="Vérifiez que les tables ont les mêmes lignes.",
        )
    if len(set(fixed)) != len(fixed) or any(not 0 <= one < lines for one in fixed):
        raise BadValueError(
            "Un site existant n’est pas dans la liste des sites, ou il y est deux fois.",
            fix="Donnez les positions des sites existants, chacune une fois.",
        )
    if not 0 <= more <= lines - len(fixed):
        raise BadValueError(
            f"On ne peut ajouter {more} sites : {lines - len(fixed)} sont libres.",
            fix="Demandez moins de sites, ou proposez plus d’emplacements.",
        )
    for values in (demand, capacity):
        if values is not None and not (np.isfinite(values).all() and (values >= 0).all()):
            raise BadValueError(
                "Une demande ou une capacité manque ou est négative.", fix="Mettez 0 où il n’y en a pas."
            )

"""Who goes where: the catchment of each site, by attractiveness and distance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.core.errors import BadValueError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Catchment", "catchment", "probabilities"]

_BLOCK = 100_000
"""Pairs handled at once when all are: two arrays of this size stay in a processor's cache."""

_PAIRS = 2_000_000
"""Pairs handled at once when only those within reach are."""

_DEARER = 30
"""How much more one pair found by the tree costs than one computed with all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Catchment:
    """What each site draws.

    Parameters
    ----------
    drawn
        Demand expected at each site, in the unit of the demand.
    origin
        Position of the site that draws most of each place, −1 where none is within reach.
    share
        The part of the place's demand that this first site draws.
    out_of_reach
        Demand of the places with no site within reach: it goes to none.
    """

    drawn: NDArray[np.float64]
    origin: NDArray[np.int64]
    share: NDArray[np.float64]
    out_of_reach: float


def catchment(
    places: NDArray[np.float64],
    demand: NDArray[np.float64],
    sites: NDArray[np.float64],
    attraction: NDArray[np.float64],
    *,
    decay: float = 2.0,
    reach: float = math.inf,
    nearest: float = 100.0,
) -> Catchment:
    """Share the demand of places between sites (Huff 1964).

    A place goes to site *j* with a probability proportional to ``attraction[j] / distance^decay``, among the
    sites within ``reach``.

    Parameters
    ----------
    places, sites
        Coordinates in metres, in one projection (Lambert 93…), shapes ``(n, 2)`` and ``(m, 2)``.
    demand
        Demand of each place: inhabitants, households, euros.
    attraction
        Attractiveness of each site, zero or more: surface, staff, 1 for all.
    decay
        How fast distance puts off; 2 is Huff's usual value, to be measured for each trade.
    reach
        Metres beyond which nobody goes.
    nearest
        Metres under which distance no longer counts: coordinates are no more exact than this.

    Raises
    ------
    BadValueError
        Arrays that do not fit each other, a negative or unknown value, a parameter out of range.

    Examples
    --------
    >>> import numpy as np
    >>> places = np.array([[0.0, 0.0], [9000.0, 0.0]])
    >>> sites = np.array([[1000.0, 0.0], [3000.0, 0.0]])
    >>> found = catchment(places, np.array([100.0, 50.0]), sites, np.ones(2), reach=5000)
    >>> found.drawn.round(1).tolist(), found.origin.tolist(), found.out_of_reach
    ([90.0, 10.0], [0, -1], 50.0)
    """
    _checked(places, demand, sites, attraction, decay=decay, reach=reach, nearest=nearest)
    if math.isfinite(reach):
        from scipy.spatial import cKDTree

        around, here = cKDTree(sites), cKDTree(places)
        pairs = int(here.count_neighbors(around, reach))
        if pairs * _DEARER < len(places) * len(sites):
            return _by_pairs(places, demand, around, attraction, pairs, (decay, reach, nearest))
    return _by_blocks(places, demand, sites, attraction, (decay, reach, nearest))


def _by_blocks(
    places: NDArray[np.float64],
    demand: NDArray[np.float64],
    sites: NDArray[np.float64],
    attraction: NDArray[np.float64],
    law: tuple[float, float, float],
) -> Catchment:
    """Meet every place with every site, a block of places at a time."""
    import numpy as np

    drawn = np.zeros(len(sites))
    first, share = np.full(len(places), -1, dtype=np.int64), np.zeros(len(places))
    size = max(1, _BLOCK // len(sites))
    # Coordinates around their middle: single precision is then exact to a few centimetres.
    middle = sites.mean(axis=0)
    at, to = (places - middle).astype(np.float32), (sites - middle).astype(np.float32)
    x, y = np.ascontiguousarray(to[:, 0]), np.ascontiguousarray(to[:, 1])
    ones = np.ones(len(sites), dtype=np.float32)
    scene = _Scene.of(x, y, attraction.astype(np.float32), size, law)
    out = 0.0
    for begin in range(0, len(places), size):
        block = slice(begin, begin + size)
        utility = scene.utility(at[block])
        total = utility @ ones
        inside = total > 0
        each = np.divide(demand[block], total, out=np.zeros(len(total)), where=inside)
        drawn += each.astype(np.float32) @ utility
        best = utility.argmax(axis=1)
        top = utility[np.arange(len(best)), best]
        first[block] = np.where(inside, best, -1)
        share[block] = np.divide(top, total, out=np.zeros(len(total)), where=inside)
        out += float(demand[block][~inside].sum())
    return Catchment(drawn=drawn, origin=first, share=share, out_of_reach=out)


def _by_pairs(
    places: NDArray[np.float64],
    demand: NDArray[np.float64],
    around: Any,
    attraction: NDArray[np.float64],
    pairs: int,
    law: tuple[float, float, float],
) -> Catchment:
    """Meet each place with the sites within reach only, as a tree of the sites gives them."""
    import numpy as np
    from scipy.spatial import cKDTree

    decay, reach, nearest = law
    drawn = np.zeros(len(attraction))
    first, share = np.full(len(places), -1, dtype=np.int64), np.zeros(len(places))
    out = 0.0
    for block in np.array_split(np.arange(len(places)), 1 + pairs // _PAIRS):
        met = cKDTree(places[block]).sparse_distance_matrix(around, reach, output_type="ndarray")
        here, site = met["i"], met["j"]
        utility = attraction[site] * (nearest / np.maximum(met["v"], nearest)) ** decay
        total = np.bincount(here, utility, minlength=len(block))
        inside = total > 0
        each = np.divide(demand[block], total, out=np.zeros(len(total)), where=inside)
        drawn += np.bincount(site, each[here] * utility, minlength=len(attraction))
        top = np.zeros(len(block))
        np.maximum.at(top, here, utility)
        leads = (utility == top[here]) & inside[here]
        first[block[here[leads]]] = site[leads]
        share[block] = np.divide(top, total, out=np.zeros(len(total)), where=inside)
        out += float(demand[block][~inside].sum())
    return Catchment(drawn=drawn, origin=first, share=share, out_of_reach=out)


def probabilities(
    places: NDArray[np.float64],
    sites: NDArray[np.float64],
    attraction: NDArray[np.float64],
    *,
    decay: float = 2.0,
    reach: float = math.inf,
    nearest: float = 100.0,
) -> NDArray[np.float64]:
    """Return the probability that each place goes to each site, shape ``(n, m)``, for a few places.

    A line is all zeros where no site is within reach. See `catchment` for the parameters and the errors.
    """
    import numpy as np

    _checked(places, np.zeros(len(places)), sites, attraction, decay=decay, reach=reach, nearest=nearest)
    gap = np.hypot(places[:, :1] - sites[:, 0], places[:, 1:] - sites[:, 1])
    utility = np.where(gap <= reach, attraction * (nearest / np.maximum(gap, nearest)) ** decay, 0.0)
    total = utility.sum(axis=1, keepdims=True)
    return np.divide(utility, total, out=np.zeros(utility.shape), where=total > 0)  # type: ignore[no-any-return]


@dataclass(frozen=True, slots=True)
class _Scene:
    """The sites as every block of places meets them, and the memory where pairs are computed.

    ``floor`` is the least squared distance, on a row of its own: numpy's maximum with a number is four times
    slower than with a row.
    """

    x: NDArray[np.float32]
    y: NDArray[np.float32]
    attraction: NDArray[np.float32]
    floor: NDArray[np.float32]
    pairs: NDArray[np.float32]
    other: NDArray[np.float32]
    law: tuple[float, float, float]

    @classmethod
    def of(
        cls,
        x: NDArray[np.float32],
        y: NDArray[np.float32],
        attraction: NDArray[np.float32],
        size: int,
        law: tuple[float, float, float],
    ) -> _Scene:
        """Prepare blocks of ``size`` places."""
        import numpy as np

        decay, _, nearest = law
        scale = np.float32(nearest**2 if decay == 2 else 1.0)
        floor = np.full(len(x), nearest**2, dtype=np.float32)
        pairs, other = np.empty((2, size, len(x)), dtype=np.float32)
        return cls(x, y, attraction * scale, floor, pairs, other, law)

    def utility(self, places: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return ``attraction × (nearest / distance)^decay``, until the next call."""
        import numpy as np

        decay, reach, nearest = self.law
        squared, other = self.pairs[: len(places)], self.other[: len(places)]
        np.subtract(places[:, :1], self.x, out=squared)
        squared *= squared
        np.subtract(places[:, 1:], self.y, out=other)
        other *= other
        squared += other
        np.maximum(squared, self.floor, out=squared)
        near = np.less_equal(squared, np.float32(max(reach, nearest)) ** 2) if math.isfinite(reach) else None
        if decay == 2:
            np.divide(self.attraction, squared, out=squared)
        else:
            squared /= np.float32(nearest**2)
            np.log(squared, out=squared)
            squared *= np.float32(-decay / 2)
            np.exp(squared, out=squared)
            squared *= self.attraction
        if near is not None:
            squared *= near
        return squared


def _checked(
    places: NDArray[np.float64],
    demand: NDArray[np.float64],
    sites: NDArray[np.float64],
    attraction: NDArray[np.float64],
    *,
    decay: float,
    reach: float,
    nearest: float,
) -> None:
    import numpy as np

    for name, points, values in (("lieux", places, demand), ("sites", sites, attraction)):
        if points.ndim != 2 or points.shape[1] != 2 or len(points) != len(values) or not len(points):
            raise BadValueError(
                f"Il faut pour les {name} deux coordonnées et une valeur chacun.",
                fix="Vérifiez que les deux tables ont les mêmes lignes.",
            )
        if not np.isfinite(points).all() or not np.isfinite(values).all() or (values < 0).any():
            raise BadValueError(
                f"Une coordonnée ou une valeur des {name} manque ou est négative.",
                fix="Retirez les lignes sans coordonnées, et mettez 0 au lieu d’une valeur négative.",
            )
    if not (decay >= 0 and reach > 0 and 0 < nearest < math.inf):
        raise BadValueError(
            "La portée et la plus petite distance doivent être positives, la décroissance au moins nulle.",
            fix="Donnez des mètres : par exemple une portée de 10 000.",
        )

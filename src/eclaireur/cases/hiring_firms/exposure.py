"""Who is shown today: a weighted draw that changes every day, with a cap on how often one firm is shown.

A firm is shown in a search with a chance proportional to its expected hirings, never above a cap; chances are
met exactly by systematic sampling (Madow 1949). A firm that was seen often today leaves its place to others.
"""

from __future__ import annotations

import hashlib
from datetime import date
from typing import TYPE_CHECKING

from eclaireur.core.errors import BadValueError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["CAP", "MOST_VIEWS", "PLACES", "chances", "played", "shown", "top_share"]

PLACES = 20
"""Firms of one page of results."""
CAP = 0.5
"""Greatest share of the days on which a firm is shown for one search, while others could be."""
MOST_VIEWS = 20
"""Views of one firm in a day after which it leaves its place, while others could take it."""


def chances(weights: NDArray[np.float64], places: int, *, cap: float = CAP) -> NDArray[np.float64]:
    """Return the chance of each firm to be shown: in proportion to its weight, at most ``cap``.

    Parameters
    ----------
    weights
        Expected hirings of each firm in the job, zero or more.
    places
        Firms to show; chances add up to it, or to the number of firms with a weight when it is less.
    cap
        Raised when there are too few firms to fill the places under it.

    Raises
    ------
    BadValueError
        If ``places`` or ``cap`` is out of range.

    Examples
    --------
    >>> import numpy as np
    >>> chances(np.array([9.0, 1.0, 1.0, 1.0]), 2, cap=0.8).round(2).tolist()
    [0.8, 0.4, 0.4, 0.4]
    """
    import numpy as np

    if places < 1 or not 0 < cap <= 1:
        raise BadValueError("Il faut au moins une place, et un plafond au-dessus de 0 et d’au plus 1.")
    some = weights > 0
    size = int(some.sum())
    found = np.where(some, 1.0, 0.0)
    if size <= places:
        return found
    most = max(cap, places / size)
    free, left = some.copy(), float(places)
    while True:
        rate = left / weights[free].sum()
        over = free & (weights * rate > most)
        if not over.any():
            return np.where(free, weights * rate, np.where(some, most, 0.0))
        left -= most * int(over.sum())
        free &= ~over
        if left <= 0 or not free.any():
            return np.where(some, np.where(free, 0.0, most), 0.0)


def shown(
    weights: NDArray[np.float64], *, day: date, search: str, places: int = PLACES, cap: float = CAP
) -> NDArray[np.int64]:
    """Return the positions of the firms of a search on a day, in the order to show.

    The same search has the same firms all day, so that a page can be read again, and others tomorrow.
    """
    import numpy as np

    digest = hashlib.blake2b(f"{day.isoformat()}\0{search}".encode(), digest_size=8).digest()
    return _drawn(weights, np.random.default_rng(int.from_bytes(digest, "big")), places, cap)


def _drawn(
    weights: NDArray[np.float64], random: np.random.Generator, places: int, cap: float
) -> NDArray[np.int64]:
    """Draw by systematic sampling in a random order, then order by weighted chance (Efraimidis 2006)."""
    import numpy as np

    chance = chances(weights, places, cap=cap)
    mixed = random.permutation(np.flatnonzero(chance))
    if not len(mixed):
        return mixed.astype(np.int64)
    ends = np.cumsum(chance[mixed]) + random.random()
    # A chance of one always crosses a whole number; rounding must not lose it.
    crossed = np.floor(ends + 1e-9) > np.floor(
        np.concatenate([[ends[0] - chance[mixed[0]]], ends[:-1]]) + 1e-9
    )
    taken = mixed[crossed][:places]
    key = random.exponential(size=len(taken)) / weights[taken]
    return taken[np.argsort(key)].astype(np.int64)


def played(
    weights: NDArray[np.float64],
    searches: NDArray[np.int64],
    *,
    seed: int,
    places: int = PLACES,
    cap: float = CAP,
    most_views: int = MOST_VIEWS,
    shuffled: bool = True,
) -> NDArray[np.int64]:
    """Return how often each firm is seen when searches follow each other in one day.

    Parameters
    ----------
    weights
        Weight of each firm in each kind of search, shape ``(kinds, firms)``.
    searches
        Kind of each search, in the order of time.
    shuffled
        False for a plain order, best first: what a list without caps does.
    """
    import numpy as np

    random = np.random.default_rng(seed)
    views = np.zeros(weights.shape[1], dtype=np.int64)
    ordered = np.argsort(-weights, axis=1, kind="stable")
    for kind in searches.tolist():
        own = weights[kind]
        if not shuffled:
            first = ordered[kind][:places]
            taken = first[own[first] > 0]
        else:
            tired = views >= most_views
            fresh = np.where(tired, 0.0, own)
            if int((fresh > 0).sum()) < places:
                # Too few others: who was seen least comes first among those seen often.
                fresh = np.where(tired, own / (1.0 + views) ** 2, own)
            taken = _drawn(fresh, random, places, cap)
        views[taken] += 1
    return views


def top_share(views: NDArray[np.int64], share: float = 0.01) -> float:
    """Return the part of all views that the most seen firms have, one in a hundred by default.

    >>> import numpy as np
    >>> top_share(np.array([5, 3, 1, 1]), 0.25)
    0.5
    """
    import numpy as np

    first = max(1, round(share * len(views)))
    return float(np.sort(views)[::-1][:first].sum() / max(1, views.sum()))

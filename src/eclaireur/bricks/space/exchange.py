"""Exchange of sites: from a first choice to a better one, all exchanges of two sites weighed at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Chosen", "improved"]

_TRIES = 45
"""Times that a corner of the choice is drawn again; fewer for very large problems."""
_WORK = 5_000_000
_MOVES = 1000
_DROPPED = (2, 4)


def improved(reached: Any, demand: NDArray[np.float64], more: int, fixed: Sequence[int]) -> Chosen:
    """Choose sites without capacities: greedily, then by exchanges.

    One site is exchanged for another as long as more is served (Teitz and Bart 1968). Then, again and again,
    a few neighbouring sites leave, one drawn at random comes, the others are added greedily and exchanges
    begin anew; the result is kept when it is no worse (Lourenço, Martin and Stützle 2003). The same problem
    gives the same choice.
    """
    import numpy as np

    best = Chosen(reached, demand, fixed, more)
    best.fill()
    best.settle()
    lines, random = reached.shape[0], np.random.default_rng(0)
    if not more or len(fixed) + more == lines:
        return best
    for _ in range(min(_TRIES, _WORK // best.worth.size)):
        again = best.copy()
        again.move(int(random.integers(lines)), random)
        again.settle()
        if again.served >= best.served:
            best = again
    return best


class Chosen:
    """Sites chosen, and what any exchange of one of them for another would change.

    Only a place that one site or none serves changes with an exchange. ``worth[0, i]`` is the demand that
    nobody serves and that site ``i`` reaches; ``worth[j, i]`` that which the site of slot ``j`` alone serves
    and that ``i`` reaches. A site that comes or leaves changes the few places of its line only.

    Parameters
    ----------
    reached
        Sparse matrix of zeros and ones, one line a site, one column a place.
    demand
        Demand of each place.
    fixed
        Existing sites: they have the first slots and stay.
    more
        Slots to fill.
    """

    def __init__(self, reached: Any, demand: NDArray[np.float64], fixed: Sequence[int], more: int) -> None:
        import numpy as np

        self._reached, self._demand = reached, demand.astype(np.float64)
        by_place = reached.tocsc()
        self._starts, self._sites_of = by_place.indptr.astype(np.int64), by_place.indices.astype(np.int64)
        self._first = len(fixed)
        self._lines = reached.shape[0]
        self.sites = [-1] * (len(fixed) + more)
        """Site of each slot, −1 for none."""
        self._times, self._owner = (np.zeros(demand.size, dtype=np.int64) for _ in range(2))
        self.worth = np.zeros((len(self.sites) + 1, self._lines))
        self.worth[0] = reached @ self._demand
        self._alone = np.zeros(len(self.sites) + 1)
        for slot, site in enumerate(fixed):
            self._put(slot, site)

    def copy(self) -> Self:
        """Return a choice that changes on its own."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.sites = list(self.sites)
        for name in ("_times", "_owner", "worth", "_alone"):
            setattr(other, name, getattr(self, name).copy())
        return other

    @property
    def served(self) -> float:
        """Demand served."""
        return float(self._demand[self._times > 0].sum())

    def fill(self) -> None:
        """Give each empty slot, one by one, the site that serves the most of what is not served yet."""
        for slot, site in enumerate(self.sites):
            if site < 0:
                gain = self.worth[0].copy()
                gain[[one for one in self.sites if one >= 0]] = -1
                self._put(slot, int(gain.argmax()))

    def settle(self) -> None:
        """Make the best exchange of one added site for another, until none serves more."""
        import numpy as np

        least = float(self._demand.sum()) * 1e-9
        for _ in range(_MOVES):
            gain = self.worth[1 + self._first :] + self.worth[0]
            gain -= self._alone[1 + self._first :, None]
            gain[:, self.sites] = -np.inf
            if not gain.size:
                return
            slot, new = divmod(int(gain.argmax()), self._lines)
            if not gain[slot, new] > least:
                return
            self._put(slot + self._first, new)

    def move(self, new: int, random: np.random.Generator) -> None:
        """Let a few added sites near a new one leave, and fill their slots after it."""
        import numpy as np

        inside = np.zeros(self._demand.size)
        inside[self._line(new)] = 1
        added = self.sites[self._first :]
        shared = (self._reached @ inside)[added] + random.random(len(added))
        leave = np.argsort(-shared)[: int(random.integers(*_DROPPED, endpoint=True))] + self._first
        for slot in leave.tolist():
            self._put(slot, -1)
        if new not in self.sites:
            self._put(int(leave[0]), new)
        self.fill()

    def ordered(self) -> list[int]:
        """Return existing sites, then the added ones by what each brings after those before it."""
        empty = Chosen(self._reached, self._demand, self.sites[: self._first], len(self.sites) - self._first)
        waiting = self.sites[self._first :]
        for slot in range(self._first, len(self.sites)):
            site = max(waiting, key=lambda one: empty.worth[0, one])
            waiting.remove(site)
            empty._put(slot, site)
        return empty.sites

    def _line(self, site: int) -> NDArray[np.int64]:
        start, end = self._reached.indptr[site : site + 2]
        return self._reached.indices[start:end]  # type: ignore[no-any-return]

    def _put(self, slot: int, site: int) -> None:
        """Put a site in a slot in place of its own, or nothing (−1)."""
        import numpy as np

        lines = [(self._line(one), step) for one, step in ((self.sites[slot], -1), (site, 1)) if one >= 0]
        places = np.unique(np.concatenate([line for line, _ in lines])) if lines else np.zeros(0, np.int64)
        self._count(places, -1.0)
        for line, step in lines:
            self._times[line] += step
            self._owner[line] += step * (slot + 1)
        self._count(places, 1.0)
        self.sites[slot] = site

    def _count(self, places: NDArray[np.int64], sign: float) -> None:
        """Add what some places weigh in exchanges, or take it off."""
        import numpy as np

        places = places[self._times[places] <= 1]
        owner, demand = self._owner[places], sign * self._demand[places]
        np.add.at(self._alone, owner, demand)
        start = self._starts[places]
        many = self._starts[places + 1] - start
        at = np.repeat(start - (np.cumsum(many) - many), many) + np.arange(int(many.sum()))
        cell = np.repeat(owner, many) * self._lines + self._sites_of[at]
        np.add.at(self.worth.reshape(-1), cell, np.repeat(demand, many))

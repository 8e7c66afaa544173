"""The likelihood of lagged effect curves, in which what is alike in many persons is computed once.

A day of a person is told by the curves that act on it and by how far along each is: many persons share such a
state, and it moves on by one day each day. So the risk of each state is computed once for the persons of a
shard, and a person's sum over a stretch of days is a difference of two running sums. Age and season, when
asked for, multiply whole stretches: they are cut where a group of age or a month begins, so that the
likelihood stays exact.

Every value is a sum over shards of persons, each added in the same order wherever it was computed
(`spread`): the fit is the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, fields
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

from eclaireur.cases.drug_effects.terms import Terms, no_terms
from eclaireur.core.engine import map_parts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eclaireur.cases.drug_effects.histories import Histories

__all__ = [
    "Likelihood",
    "Part",
    "Parts",
    "Shard",
    "Summed",
    "Weighted",
    "added",
    "bounds",
    "cut",
    "likelihood_of",
    "prepared",
    "weigh",
]

_SHARD = 20_000
"""Persons looked at together: the days of so many with 200 days of exposure take some 300 MB."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shard:
    """What a step of the descent needs of the histories of some persons.

    Parameters
    ----------
    states
        Places of the curves that act in each state, sorted; the width is filled up with ``size``.
        Of shape (s, width).
    first, last, owner, cell
        Stretches of days of a person: states ``first`` to ``last``, excluded, in a cell of age and season.
    free_owner, free_cell, free_days
        Days of each person on which no curve acts, by cell: their rate is that of the cell.
    event_state, event_owner
        Of each event on a day on which some curve acts.
    seen_owner, seen_cell
        Of each event.
    events
        Number of events of each person, of shape (n,).
    """

    states: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    owner: NDArray[np.int64]
    cell: NDArray[np.int64]
    free_owner: NDArray[np.int64]
    free_cell: NDArray[np.int64]
    free_days: NDArray[np.float64]
    event_state: NDArray[np.int64]
    event_owner: NDArray[np.int64]
    seen_owner: NDArray[np.int64]
    seen_cell: NDArray[np.int64]
    events: NDArray[np.float64]

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return the columns by name, to be stored."""
        return {one.name: getattr(self, one.name) for one in fields(self)}


class Summed(Protocol):
    """A likelihood whose values are sums over shards, here or elsewhere."""

    @property
    def drugs(self) -> int:
        """Return the number of curves."""
        ...

    @property
    def lags(self) -> int:
        """Return the number of days of a curve."""
        ...

    @property
    def terms(self) -> Terms:
        """Return what is adjusted for."""
        ...

    def value(self, values: NDArray[np.float64]) -> float:
        """Return minus the log-likelihood for each event, of curves then terms in one flat vector."""
        ...

    def slopes(self, values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return the value and its gradient."""
        ...

    def curvature(self) -> NDArray[np.float64]:
        """Return the second derivative in the terms where everything is 0."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A shard with the number of times that each of its persons counts.

    ``seen`` is how often each place of the curves acted on the day of an event, of shape (size,);
    ``seen_cells`` how many events fell in each cell.
    """

    of: Shard
    seen: NDArray[np.float64]
    seen_cells: NDArray[np.float64]
    weight: NDArray[np.float64]

    def sums(
        self, values: NDArray[np.float64], terms: Terms, *, slope: bool
    ) -> tuple[float, NDArray[np.float64]]:
        """Return this shard's part of minus the log-likelihood, and of its gradient (empty if not asked)."""
        import numpy as np

        one, size = self.of, len(self.seen)
        padded = np.append(values[:size], 0.0)
        risk = padded[one.states[:, 0]]
        for column in range(1, one.states.shape[1]):
            risk += padded[one.states[:, column]]
        np.exp(risk, out=risk)
        running = np.concatenate([[0.0], np.cumsum(risk)])
        felt = running[one.last] - running[one.first]
        free = one.free_days
        logs = terms.logs(values[size:])
        rate = np.exp(logs)
        if terms.names:
            felt *= rate[one.cell]
            free = free * rate[one.free_cell]
        n = len(one.events)
        total = np.bincount(one.free_owner, free, n) + np.bincount(one.owner, felt, n)
        # Sums and no products of vectors: these are the same whatever the number of threads.
        value = (
            float((self.weight * np.log(total)).sum())
            - float((self.seen * values[:size]).sum())
            - float((self.seen_cells * logs).sum())
        )
        if not slope:
            return value, np.zeros(0)
        whole = self.weight / total
        share = whole[one.owner]
        inside = share * rate[one.cell] if terms.names else share
        ends = np.bincount(one.first, inside, len(one.states) + 1)
        ends -= np.bincount(one.last, inside, len(one.states) + 1)
        spread = np.repeat(np.cumsum(ends[:-1]) * risk, one.states.shape[1])
        found = np.bincount(one.states.ravel(), spread, size + 1)[:-1] - self.seen
        if not terms.names:
            return value, np.asarray(found, np.float64)
        by_cell = np.bincount(one.cell, share * felt, len(rate)) - self.seen_cells
        by_cell += np.bincount(one.free_cell, whole[one.free_owner] * free, len(rate))
        return value, np.concatenate([found, np.einsum("c,cq->q", by_cell, terms.basis)])

    def curvature(self, terms: Terms) -> NDArray[np.float64]:
        """Return this shard's part of the second derivative in the terms, without effect of anything."""
        import numpy as np

        one, n = self.of, len(self.of.events)
        owner = np.concatenate([one.owner, one.free_owner])
        cell = np.concatenate([one.cell, one.free_cell])
        days = np.concatenate([(one.last - one.first).astype(np.float64), one.free_days])
        share = days / np.bincount(owner, days, n)[owner]
        mean = np.stack([np.bincount(owner, share * column[cell], n) for column in terms.basis.T], axis=1)
        alone = np.bincount(cell, share * self.weight[owner], len(terms.basis))
        return np.asarray(
            np.einsum("cq,c,cr->qr", terms.basis, alone, terms.basis)
            - np.einsum("nq,n,nr->qr", mean, self.weight, mean, optimize=False)
        )


def weigh(shard: Shard, size: int, terms: Terms, times: NDArray[np.float64] | None = None) -> Part:
    """Return a shard where each person counts so many times; once when not told."""
    import numpy as np

    each = np.ones(len(shard.events)) if times is None else times
    hit = np.bincount(shard.event_state, each[shard.event_owner], len(shard.states))
    spread = np.repeat(hit, shard.states.shape[1])
    return Part(
        of=shard,
        seen=np.bincount(shard.states.ravel(), spread, size + 1)[:-1].astype(np.float64),
        seen_cells=np.bincount(shard.seen_cell, each[shard.seen_owner], len(terms.basis)).astype(np.float64),
        weight=shard.events * each,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Likelihood:
    """The shards of all histories, in this process."""

    shards: tuple[Shard, ...]
    terms: Terms
    drugs: int
    lags: int

    @property
    def size(self) -> int:
        """Number of values of all curves."""
        return self.drugs * self.lags

    @property
    def persons(self) -> int:
        """Number of persons."""
        return sum(len(one.events) for one in self.shards)

    def weighted(self, times: NDArray[np.float64] | None = None) -> Weighted:
        """Return the same likelihood where each person counts so many times; once when not told."""
        parts, at = [], 0
        for one in self.shards:
            mine = None if times is None else times[at : at + len(one.events)]
            parts.append(weigh(one, self.size, self.terms, mine))
            at += len(one.events)
        whole = sum(float(part.weight.sum()) for part in parts)
        return Weighted(parts=tuple(parts), terms=self.terms, drugs=self.drugs, lags=self.lags, whole=whole)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighted:
    """A likelihood with the number of times that each person counts (`Summed`)."""

    parts: tuple[Part, ...]
    terms: Terms
    drugs: int
    lags: int
    whole: float

    def value(self, values: NDArray[np.float64]) -> float:
        """Return minus the log-likelihood for each event."""
        return sum(part.sums(values, self.terms, slope=False)[0] for part in self.parts) / self.whole

    def slopes(self, values: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        """Return the value and its gradient."""
        return added((part.sums(values, self.terms, slope=True) for part in self.parts), self.whole)

    def curvature(self) -> NDArray[np.float64]:
        """Return the second derivative in the terms where everything is 0."""
        import numpy as np

        parts = [part.curvature(self.terms) for part in self.parts]
        return np.asarray(sum(parts[1:], parts[0]) / self.whole)


def added(
    found: Iterable[tuple[float, NDArray[np.float64]]], whole: float
) -> tuple[float, NDArray[np.float64]]:
    """Add what shards give, in their order, for each event."""
    import numpy as np

    value, slope = 0.0, np.zeros(0)
    for one, its in found:
        value, slope = value + one, slope + its if len(slope) else its
    return value / whole, slope / whole


def likelihood_of(
    histories: Histories, *, lags: int, terms: Terms | None = None, engine: Executor | None = None
) -> Likelihood:
    """Prepare curves of ``lags`` days, from the day of each exposure.

    Exposures of one drug that are closer than ``lags`` days add up, as in the paper.

    Parameters
    ----------
    terms
        Age and season to adjust for (`terms.terms_of`); nothing when not given.
    engine
        Where shards of persons are prepared (`core.engine`); here when not given. What they give does not
        depend on it.
    """
    asked = no_terms() if terms is None else terms
    limits = bounds(histories)
    parts = Parts(lambda at: cut(histories, *limits[at]), len(limits))
    work = partial(prepared, lags=lags, drugs=len(histories.drugs), terms=asked)
    shards = map(work, parts) if engine is None else map_parts(engine, work, parts)
    return Likelihood(shards=tuple(shards), terms=asked, drugs=len(histories.drugs), lags=lags)


class Parts(Sequence[Any]):
    """Parts of work that are made when they are sent, so that they are not all in memory at once."""

    def __init__(self, make: Callable[[int], Any], size: int) -> None:
        self._make, self._size = make, size

    def __len__(self) -> int:
        """Return the number of parts."""
        return self._size

    def __getitem__(self, at: Any) -> Any:
        """Make a part."""
        if at >= self._size:
            raise IndexError(at)
        return self._make(at)


def bounds(histories: Histories) -> list[tuple[int, int]]:
    """Return the first person of each shard, and the one after its last."""
    n = len(histories.persons)
    return [(low, min(low + _SHARD, n)) for low in range(0, n, _SHARD)]


def cut(histories: Histories, low: int, high: int) -> dict[str, NDArray[np.int64]]:
    """Return the columns of persons ``low`` to ``high``, excluded, as a worker takes them."""
    doses = (histories.dose_person >= low) & (histories.dose_person < high)
    events = (histories.event_person >= low) & (histories.event_person < high)
    found = {
        "start": histories.start[low:high],
        "end": histories.end[low:high] + 1,
        "person": histories.dose_person[doses] - low,
        "day": histories.dose_day[doses],
        "drug": histories.dose_drug[doses],
        "event_person": histories.event_person[events] - low,
        "event_day": histories.event_day[events],
    }
    return found if histories.origin is None else found | {"origin": histories.origin[low:high]}


def prepared(part: Mapping[str, NDArray[np.int64]], *, lags: int, drugs: int, terms: Terms) -> Shard:
    """Return what the descent needs of some persons."""
    import numpy as np

    start, end = part["start"], part["end"]
    low = int(start.min())
    width = int(end.max()) - low + 1
    day = (part["day"][:, None] + np.arange(lags)).ravel()
    owner = np.repeat(part["person"], lags)
    place = (part["drug"][:, None] * lags + np.arange(lags)).ravel()
    inside = (day >= start[owner]) & (day < end[owner])
    when = (owner * width + day - low)[inside]
    size = drugs * lags
    order = np.argsort(when * size + place[inside], kind="stable")
    when, place = when[order], place[inside][order]

    begins = np.flatnonzero(np.diff(when, prepend=-1))
    many = np.diff(np.append(begins, len(when)))
    rows = np.full((len(begins), int(many.max(initial=1))), size)
    rank = np.arange(len(when)) - np.repeat(begins, many)
    rows[np.repeat(np.arange(len(begins)), many), rank] = place
    when = when[begins]
    states, state = _distinct(rows, size)

    stretch = _stretches(part, terms, low, width)
    of = np.searchsorted(stretch.keys, when, side="right") - 1
    # A run goes on while the day, and each place, are the ones after; the last place of all has none. It
    # stops where a cell of age and season does.
    moved = np.where(rows[:-1] == size, size, rows[:-1] + 1)
    goes_on = (np.diff(when) == 1) & (np.diff(of) == 0)
    goes_on &= (rows[1:] == moved).all(axis=1) & (rows[:-1] != size - 1).all(axis=1)
    opens = np.flatnonzero(np.concatenate([[True], ~goes_on]) if len(when) else [])
    length = np.diff(np.append(opens, len(when)))
    free = stretch.days - np.bincount(of, minlength=len(stretch.days))
    some = free > 0

    asked = part["event_person"] * width + part["event_day"] - low
    at = np.searchsorted(when, asked)
    hit = at < len(when)
    hit[hit] = when[at[hit]] == asked[hit]
    return Shard(
        states=states,
        first=state[opens],
        last=state[opens] + length,
        owner=when[opens] // width,
        cell=stretch.cell[of[opens]],
        free_owner=stretch.owner[some],
        free_cell=stretch.cell[some],
        free_days=free[some].astype(np.float64),
        event_state=state[at[hit]],
        event_owner=part["event_person"][hit],
        seen_owner=part["event_person"],
        seen_cell=stretch.cell[np.searchsorted(stretch.keys, asked, side="right") - 1],
        events=np.bincount(part["event_person"], minlength=len(start)).astype(np.float64),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stretches:
    """Days of a person in one cell: their key, person, cell and number, sorted by key."""

    keys: NDArray[np.int64]
    owner: NDArray[np.int64]
    cell: NDArray[np.int64]
    days: NDArray[np.int64]


def _stretches(part: Mapping[str, NDArray[np.int64]], terms: Terms, low: int, width: int) -> _Stretches:
    import numpy as np

    origin = part.get("origin")
    person, day = terms.starts(part["start"], part["end"], origin)
    keys = np.unique(person * width + day - low)
    owner, begin = keys // width, keys % width + low
    last = np.append(owner[1:] != owner[:-1], np.ones(1, bool))
    until = np.where(last, part["end"][owner], np.append(begin[1:], 0))
    zero = None if origin is None else origin[owner]
    return _Stretches(keys=keys, owner=owner, cell=terms.cells(begin, zero), days=until - begin)


def _distinct(rows: NDArray[np.int64], size: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct rows, and the place of each row among them.

    They are sorted by what does not change from a day to the next, then by the first place: the state that
    follows a state comes after it, when it is there.
    """
    import numpy as np

    key = np.zeros(len(rows), np.int64)
    most = 1
    for column in range(rows.shape[1] - 1, 0, -1):
        ahead = np.where(rows[:, column] == size, size, rows[:, column] - rows[:, 0])
        if most > 2**62 // (size + 1):
            kept, key = np.unique(key, return_inverse=True)
            most = len(kept)
        key = key * (size + 1) + ahead
        most *= size + 1
    if most > 2**62 // (size + 1):
        _, key = np.unique(key, return_inverse=True)
    _, index, inverse = np.unique(key * (size + 1) + rows[:, 0], return_index=True, return_inverse=True)
    return rows[index], inverse

"""The likelihood of lagged effect curves, in which what is alike in many persons is computed once.

A day of a person is told by the curves that act on it and by how far along each is: many persons share such a
state, and it moves on by one day each day. So the risk of each state is computed once for all persons, and a
person's sum over a stretch of days is a difference of two running sums.
"""

from __future__ import annotations

from concurrent.futures import Executor
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from eclaireur.core.engine import map_parts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eclaireur.cases.drug_effects.histories import Histories

__all__ = ["Likelihood", "Point", "Weighted", "likelihood_of"]

_SHARD = 20_000
"""Persons looked at together: the days of so many with 200 days of exposure take some 300 MB."""


@dataclass(frozen=True, slots=True)
class Point:
    """The loss at a point, with what its gradient reuses."""

    value: float
    risk: NDArray[np.float64]
    total: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Likelihood:
    """What a step of the descent needs of all histories.

    Parameters
    ----------
    states
        Places of the curves that act in each state, sorted; the width is filled up with ``size``.
        Of shape (s, width).
    first, last, owner
        Stretches of days of a person: states ``first`` to ``last``, excluded.
    free
        Days of each person on which no curve acts, of shape (n,): their rate is 1.
    event_state, event_owner
        Of each event on a day on which some curve acts.
    events
        Number of events of each person, of shape (n,).
    drugs, lags
        Shape of the curves.
    """

    states: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    owner: NDArray[np.int64]
    free: NDArray[np.float64]
    event_state: NDArray[np.int64]
    event_owner: NDArray[np.int64]
    events: NDArray[np.float64]
    drugs: int
    lags: int

    @property
    def size(self) -> int:
        """Number of values of all curves."""
        return self.drugs * self.lags

    def weighted(self, times: NDArray[np.float64] | None = None) -> Weighted:
        """Return the same likelihood where each person counts so many times; once when not told."""
        import numpy as np

        each = np.ones(len(self.events)) if times is None else times
        hit = np.bincount(self.event_state, each[self.event_owner], len(self.states))
        spread = np.repeat(hit, self.states.shape[1])
        seen = np.bincount(self.states.ravel(), spread, self.size + 1)[:-1].astype(np.float64)
        weight = self.events * each
        return Weighted(of=self, seen=seen, weight=weight, whole=float(weight.sum()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Weighted:
    """A likelihood with the number of times that each person counts.

    ``seen`` is how often each place of the curves acted on the day of an event, of shape (size,).
    """

    of: Likelihood
    seen: NDArray[np.float64]
    weight: NDArray[np.float64]
    whole: float

    def at(self, values: NDArray[np.float64]) -> Point:
        """Return minus the log-likelihood for each event, of a flat vector of curves."""
        import numpy as np

        one = self.of
        padded = np.append(values, 0.0)
        risk = padded[one.states[:, 0]]
        for column in range(1, one.states.shape[1]):
            risk += padded[one.states[:, column]]
        np.exp(risk, out=risk)
        running = np.concatenate([[0.0], np.cumsum(risk)])
        total = one.free + np.bincount(one.owner, running[one.last] - running[one.first], len(one.free))
        value = (self.weight @ np.log(total) - self.seen @ values) / self.whole
        return Point(float(value), risk, total)

    def slope(self, point: Point) -> NDArray[np.float64]:
        """Return the gradient at a point."""
        import numpy as np

        one = self.of
        share = (self.weight / point.total)[one.owner]
        ends = np.bincount(one.first, share, len(one.states) + 1)
        ends -= np.bincount(one.last, share, len(one.states) + 1)
        felt = np.repeat(np.cumsum(ends[:-1]) * point.risk, one.states.shape[1])
        found = np.bincount(one.states.ravel(), felt, one.size + 1)[:-1] - self.seen
        return np.asarray(found / self.whole, np.float64)


def likelihood_of(histories: Histories, *, lags: int, engine: Executor | None = None) -> Likelihood:
    """Prepare curves of ``lags`` days, from the day of each exposure.

    Exposures of one drug that are closer than ``lags`` days add up, as in the paper.

    Parameters
    ----------
    engine
        Where shards of persons are prepared (`core.engine`); here when not given. What they give does not
        depend on it.
    """
    n = len(histories.persons)
    bounds = [(low, min(low + _SHARD, n)) for low in range(0, n, _SHARD)]
    parts = (_part(histories, low, high) for low, high in bounds)
    work = partial(_shard, lags=lags, drugs=len(histories.drugs))
    if engine is None:
        return _merged([work(part) for part in parts])
    return _merged(list(map_parts(engine, work, list(parts))))


def _part(histories: Histories, low: int, high: int) -> dict[str, NDArray[np.int64]]:
    """Return the columns of persons ``low`` to ``high``, excluded, as a worker takes them."""
    doses = (histories.dose_person >= low) & (histories.dose_person < high)
    events = (histories.event_person >= low) & (histories.event_person < high)
    return {
        "start": histories.start[low:high],
        "end": histories.end[low:high] + 1,
        "person": histories.dose_person[doses] - low,
        "day": histories.dose_day[doses],
        "drug": histories.dose_drug[doses],
        "event_person": histories.event_person[events] - low,
        "event_day": histories.event_day[events],
    }


def _shard(part: dict[str, NDArray[np.int64]], *, lags: int, drugs: int) -> Likelihood:
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

    whose = when // width
    # A stretch goes on while the day, and each place, are the ones after; the last place of all has none.
    moved = np.where(rows[:-1] == size, size, rows[:-1] + 1)
    goes_on = (np.diff(when) == 1) & (rows[1:] == moved).all(axis=1) & (rows[:-1] != size - 1).all(axis=1)
    opens = np.flatnonzero(np.concatenate([[True], ~goes_on]) if len(when) else [])
    length = np.diff(np.append(opens, len(when)))

    asked = part["event_person"] * width + part["event_day"] - low
    at = np.searchsorted(when, asked)
    hit = at < len(when)
    hit[hit] = when[at[hit]] == asked[hit]
    n = len(start)
    return Likelihood(
        states=states,
        first=state[opens],
        last=state[opens] + length,
        owner=whose[opens],
        free=(end - start).astype(np.float64) - np.bincount(whose, minlength=n),
        event_state=state[at[hit]],
        event_owner=part["event_person"][hit],
        events=np.bincount(part["event_person"], minlength=n).astype(np.float64),
        drugs=drugs,
        lags=lags,
    )


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


def _merged(shards: list[Likelihood]) -> Likelihood:
    """Put shards end to end: their states become those of all."""
    import numpy as np

    if len(shards) == 1:
        return shards[0]
    size, width = shards[0].size, max(one.states.shape[1] for one in shards)
    padded = [
        np.pad(one.states, ((0, 0), (0, width - one.states.shape[1])), constant_values=size) for one in shards
    ]
    states, place = _distinct(np.concatenate(padded), size)
    offsets = np.cumsum([0, *(len(one.states) for one in shards)])
    people = np.cumsum([0, *(len(one.events) for one in shards)])
    # A stretch follows states that follow each other in all shards, as in its own.
    firsts = [place[one.first + offset] for one, offset in zip(shards, offsets, strict=False)]
    lengths = [one.last - one.first for one in shards]
    return Likelihood(
        states=states,
        first=np.concatenate(firsts),
        last=np.concatenate(firsts) + np.concatenate(lengths),
        owner=np.concatenate([one.owner + low for one, low in zip(shards, people, strict=False)]),
        free=np.concatenate([one.free for one in shards]),
        event_state=np.concatenate(
            [place[one.event_state + offset] for one, offset in zip(shards, offsets, strict=False)]
        ),
        event_owner=np.concatenate([one.event_owner + low for one, low in zip(shards, people, strict=False)]),
        events=np.concatenate([one.events for one in shards]),
        drugs=shards[0].drugs,
        lags=shards[0].lags,
    )

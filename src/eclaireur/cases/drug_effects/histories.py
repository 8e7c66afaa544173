"""Histories of cases as columns: observation, exposures and events, in whole days of one scale.

Days may count from birth (ages) or from any fixed day; `Histories.origin` then places day 0 in the calendar,
which only seasons need. All bounds are inclusive.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from eclaireur.cases.drug_effects.exposures import PURCHASE, Rule, exposed

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Histories", "Rejected", "read_histories"]

_LEAST = {"covers": 1, "quantity": 1e-9}
_LONGEST = 47_500
_NAMED = {"event", "exposure", PURCHASE}
_EVENT, _OBSERVED, _DEATH = "event", "observation", "death"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A case set aside, with the reason in French."""

    person: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Histories:
    """Cases by person, sorted by person number.

    Parameters
    ----------
    persons
        Their codes, of length n.
    start, end
        First and last day observed, of shape (n,).
    event_person, event_day
        One entry an event, of shape (m,); ``event_person`` is a place in ``persons``.
    dose_person, dose_day, dose_end, dose_drug
        One entry an exposure, of shape (k,); ``dose_drug`` is a place in ``drugs``. ``dose_end`` is its last
        day, equal to ``dose_day`` for an exposure of one day.
    origin
        Day 0 of each person, in days since 1970-01-01, of shape (n,); empty when the calendar is unknown.
    """

    persons: Sequence[str]
    start: NDArray[np.int64]
    end: NDArray[np.int64]
    event_person: NDArray[np.int64]
    event_day: NDArray[np.int64]
    drugs: tuple[str, ...]
    dose_person: NDArray[np.int64]
    dose_day: NDArray[np.int64]
    dose_end: NDArray[np.int64]
    dose_drug: NDArray[np.int64]
    origin: NDArray[np.int64] | None = None
    rejected: tuple[Rejected, ...] = field(default=())
    steps: tuple[tuple[str, int], ...] = field(default=())

    def drawn(self, places: NDArray[np.int64]) -> Histories:
        """Return the histories of some persons, each as often as asked, for a bootstrap or a fold."""
        import numpy as np

        def entries(owner: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
            order = np.argsort(owner, kind="stable")
            sizes = np.bincount(owner, minlength=len(self.persons))
            firsts = np.cumsum(sizes) - sizes
            wanted = sizes[places]
            at = np.repeat(firsts[places] - (np.cumsum(wanted) - wanted), wanted) + np.arange(wanted.sum())
            return np.repeat(np.arange(len(places)), wanted), order[at]

        event_person, events = entries(self.event_person)
        dose_person, doses = entries(self.dose_person)
        return Histories(
            persons=[self.persons[at] for at in places.tolist()],
            start=self.start[places],
            end=self.end[places],
            event_person=event_person,
            event_day=self.event_day[events],
            drugs=self.drugs,
            dose_person=dose_person,
            dose_day=self.dose_day[doses],
            dose_end=self.dose_end[doses],
            dose_drug=self.dose_drug[doses],
            origin=None if self.origin is None else self.origin[places],
        )

    def between(self, low: int, high: int) -> Histories:
        """Return the histories of persons ``low`` to ``high``, excluded."""
        events = (self.event_person >= low) & (self.event_person < high)
        doses = (self.dose_person >= low) & (self.dose_person < high)
        return Histories(
            persons=self.persons[low:high],
            start=self.start[low:high],
            end=self.end[low:high],
            event_person=self.event_person[events] - low,
            event_day=self.event_day[events],
            drugs=self.drugs,
            dose_person=self.dose_person[doses] - low,
            dose_day=self.dose_day[doses],
            dose_end=self.dose_end[doses],
            dose_drug=self.dose_drug[doses],
            origin=None if self.origin is None else self.origin[low:high],
        )


def read_histories(
    rows: Sequence[Mapping[str, Any]],
    *,
    event: str | None = None,
    drugs: Sequence[str] | None = None,
    rules: Mapping[str, Rule] | None = None,
    default: Rule | None = None,
) -> Histories:
    """Gather rows of the events model (person, category, value, start, end) into the histories of cases.

    Parameters
    ----------
    rows
        ``category`` is ``observation``, ``exposure``, ``purchase``, ``event`` or ``death``; ``value`` names
        the drug or the event; ``start`` and ``end`` are days, a missing ``end`` is ``start``. ``origin`` may
        date day 0.
    event, drugs
        Keep these only; all of them when not given.
    rules, default
        How purchases become exposures (`exposures.exposed`).

    Returns
    -------
    Histories
        With the cases set aside in ``rejected`` and the counts left after each step in ``steps``.

    Examples
    --------
    >>> rows = [
    ...     {"person": "a", "category": "observation", "value": "", "start": 0, "end": 99},
    ...     {"person": "a", "category": "exposure", "value": "X", "start": 10, "end": None},
    ...     {"person": "a", "category": "event", "value": "E", "start": 12, "end": None},
    ... ]
    >>> read_histories(rows).event_day.tolist()
    [12]
    """
    import numpy as np

    people: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows:
        people.setdefault(str(row["person"]), []).append(row)
    bought = [row for row in rows if row["category"] == PURCHASE]
    if bought:
        # What is exposed for good lasts as long as its person is observed.
        seen = [row for row in rows if row["category"] == _OBSERVED]
        for row in exposed([*bought, *seen], rules, default=default):
            if row["category"] != _OBSERVED:
                people[str(row["person"])].append(row | {"made": True})
    kept: list[tuple[str, _One]] = []
    rejected: list[Rejected] = []
    counts = {"personnes lues": len(people), "avec l'événement": 0, "historique cohérent": 0}
    for person in sorted(people):
        one = _One(people[person], event, drugs)
        if not one.events:
            rejected.append(Rejected(person, "aucun événement : cette personne n'est pas un cas."))
            continue
        counts["avec l'événement"] += 1
        reason = next(one.faults(), "")
        if reason:
            rejected.append(Rejected(person, reason))
            continue
        counts["historique cohérent"] += 1
        kept.append((person, one))
    counts["avec une exposition observée"] = sum(bool(one.doses) for _, one in kept)
    names = (
        tuple(drugs) if drugs is not None else tuple(sorted({d for _, one in kept for d, _, _ in one.doses}))
    )
    place = {name: at for at, name in enumerate(names)}
    events = [(at, day) for at, (_, one) in enumerate(kept) for day in one.events]
    doses = [(at, a, b, place[name]) for at, (_, one) in enumerate(kept) for name, a, b in one.doses]
    origins = [one.origin for _, one in kept]

    def column(values: Sequence[Any]) -> NDArray[np.int64]:
        return np.array(values, np.int64)

    return Histories(
        persons=[person for person, _ in kept],
        start=column([one.seen[0] for _, one in kept]),
        end=column([one.seen[1] for _, one in kept]),
        event_person=column([at for at, _ in events]),
        event_day=column([day for _, day in events]),
        drugs=names,
        dose_person=column([row[0] for row in doses]),
        dose_day=column([row[1] for row in doses]),
        dose_end=column([row[2] for row in doses]),
        dose_drug=column([row[3] for row in doses]),
        origin=column(origins) if origins and None not in origins else None,
        rejected=tuple(rejected),
        steps=tuple(counts.items()),
    )


class _One:
    """The rows of one person, sorted by what they are."""

    def __init__(
        self, rows: Sequence[Mapping[str, Any]], event: str | None, drugs: Sequence[str] | None
    ) -> None:
        self.spans: list[tuple[int, int]] = []
        self.doses: list[tuple[str, int, int]] = []
        self.events: list[int] = []
        self.death: int | None = None
        self.deaths: set[int] = set()
        self.origin: int | None = None
        self.backwards = False
        self.bought: list[int] = []
        self.given: list[int] = []
        self.unclear = False
        self.unnamed = False
        for row in rows:
            kind, value = row["category"], str(row.get("value") or "")
            first = int(row["start"])
            last = first if row.get("end") is None else int(row["end"])
            self.backwards |= last < first
            self.unnamed |= kind in _NAMED and not value.strip()
            if row.get("origin") is not None:
                self.origin = int(row["origin"])
            if kind == _OBSERVED:
                self.spans.append((first, last))
            elif kind == _EVENT:
                if event is None or value == event:
                    self.events.append(first)
            elif kind == _DEATH:
                self.deaths.add(first)
                self.death = min(self.deaths)
            elif kind == PURCHASE:
                self.bought.append(first)
                self.unclear |= any(
                    row.get(key) is not None and row[key] < least for key, least in _LEAST.items()
                )
            elif drugs is None or value in drugs:
                self.doses.append((value, first, last))
                # A rule may put the start of a risk after a death; what the file says may not.
                self.given += [] if row.get("made") else [first]
        self.spans.sort()
        self.doses.sort(key=lambda dose: dose[1])

    @property
    def seen(self) -> tuple[int, int]:
        return self.spans[0]

    def faults(self) -> Iterator[str]:
        """Say what forbids an analysis, worst first."""
        if self.backwards:
            yield "une ligne finit avant de commencer."
        if self.unnamed:
            yield "un événement, une exposition ou un achat n'a pas de nom."
        if not self.spans:
            yield "aucune période d'observation."
            return
        if any(after[0] <= before[1] for before, after in zip(self.spans, self.spans[1:], strict=False)):
            yield "des périodes d'observation se chevauchent."
        if any(last - first > _LONGEST for first, last in self.spans):
            yield "une période d'observation dure plus de 130 ans."
        if len(self.spans) > 1:
            yield "plusieurs périodes d'observation : gardez-en une par personne."
        if self.unclear:
            yield "un achat couvre moins d'un jour, ou sa quantité n'est pas positive."
        yield from self._after_death()
        first, last = self.seen
        if any(not first <= day <= last for day in self.events):
            yield "un événement est hors de la période d'observation."

    def _after_death(self) -> Iterator[str]:
        if len(self.deaths) > 1:
            yield "plusieurs dates de décès."
        if self.death is None:
            return
        for days, said in (
            (self.bought, "un achat suit le décès."),
            (self.given, "une exposition commence après le décès."),
            (self.events, "un événement suit le décès."),
        ):
            if any(day > self.death for day in days):
                yield said

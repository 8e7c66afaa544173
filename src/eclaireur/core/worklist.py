"""A worklist drawn under a capacity: the model's best, and a share at random with known chances.

The design, so that each chance is exact
----------------------------------------
An area with a quota is a stratum of its own; all others together are one. Of the ``T`` places,
``R = round(T × share)`` are random. They are spread over strata as evenly over subjects as quotas
allow (no stratum gives more than the share ``R/T`` of what it could hold), and a stratum that should
have 0.4 random places has one in 40 % of draws: a single seeded number rounds all strata at once
(systematic sampling, Madow 1949), which keeps the total exact. The model then fills the ``T − R``
other places, best first, under what quotas leave; the random places of a stratum are drawn uniformly
from the subjects the model left.

``propensity`` is the probability, over these draws, that the subject is on the list, whichever way
it came. Without quotas that is 1 for the model's items and ``R / (number left)`` for the others.
Every subject of an area that may hold one place has a chance above zero as soon as ``R`` is, so
outcomes weighted by the inverse of their propensity speak of all subjects, not only of those the
model prefers (Horvitz & Thompson 1952; Hájek 1971): `ipw_mean`.

Equal scores are ordered by a seeded hash, and chances are those given that order.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from heapq import nsmallest
from typing import TYPE_CHECKING

from eclaireur.core.errors import BadValueError, MissingColumnError
from eclaireur.core.evaluation.intervals import wilson
from eclaireur.core.subjects import Subject
from eclaireur.core.tables import worklist_schema
from eclaireur.core.types import Drawn, Item, Metric, Worklist

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["draw", "from_table", "ipw_mean", "to_table"]

_REST = None
"""Stratum of the areas without a quota."""

_COLUMNS = ("signal", "subject", "area", "rank", "score", "as_of")


@dataclass(frozen=True, slots=True)
class _Candidate:
    """One subject that may be listed; ``tie``, ``luck`` and ``place`` are its seeded numbers."""

    signal: str
    subject: str
    area: str
    rank: int
    score: float
    stratum: str | None
    tie: bytes
    luck: bytes
    place: bytes


@dataclass(frozen=True, slots=True)
class _Plan:
    """One way to share the places out: its probability, random places and model items by stratum."""

    chance: Fraction
    random: Mapping[str | None, int]
    chosen: Mapping[str | None, int]


def draw(
    signals: pa.Table,
    *,
    capacity: int,
    random_share: float,
    seed: int,
    quotas: Mapping[str, int] | None = None,
    case: str,
    run: str,
) -> Worklist:
    """Draw a worklist; the same signals, options and seed give the same list, whatever the row order.

    Parameters
    ----------
    signals
        Table of `core.tables.signals_schema`; of a subject's several signals, the best is kept.
    capacity
        Number of places. With fewer subjects than places, all are listed.
    random_share
        Share of the places drawn at random, in [0, 1]; the count is rounded, halves up.
    seed
        With the case and the date of the signals, fixes ties, random items and the working order.
    quotas
        Area → greatest number of its items; areas not named are bound by the capacity alone.
    case, run
        Names kept on the worklist.

    Returns
    -------
    Worklist
        Items in working order: by area, shuffled within it when some are random, so that a position
        does not tell which; else the model's order. ``rank`` is the model's.

    Raises
    ------
    BadValueError
        If an option is out of range, a quota names an unknown area or a score is missing.
    MissingColumnError
        If the table is not one of signals.
    """
    ceilings = dict(quotas or {})
    _check(capacity, random_share, ceilings)
    salt = f"{case}\0{_day(signals)}\0{seed}"
    candidates = _candidates(signals, ceilings, salt)
    known = {candidate.area for candidate in candidates}
    if unknown := sorted(set(ceilings) - known):
        raise BadValueError(
            f"quota pour un secteur inconnu : « {unknown[0]} ».",
            fix=f"Secteurs connus : {', '.join(sorted(known - {''})) or 'aucun'}.",
        )
    sizes = Counter(candidate.stratum for candidate in candidates)
    room = {
        stratum: min(sizes[stratum], capacity if stratum is _REST else ceilings[stratum]) for stratum in sizes
    }
    places = min(capacity, sum(room.values()))
    # A list that holds everyone leaves nothing to chance.
    wanted = 0 if places == len(candidates) else _rounded(places, random_share)
    expected = _spread(wanted, places, sizes, room)
    plans = _plans(candidates, expected, room, places - wanted)
    items = _items(candidates, _happening(plans, _unit(salt)), plans, sizes)
    return Worklist(case=case, run=run, capacity=capacity, random_share=random_share, seed=seed, items=items)


def _check(capacity: int, random_share: float, quotas: Mapping[str, int]) -> None:
    if capacity < 1:
        raise BadValueError(
            f"la capacité doit être au moins 1, pas {capacity}.",
            fix="Indiquez combien d'éléments la liste peut contenir.",
        )
    if not 0 <= random_share <= 1:
        raise BadValueError(
            f"la part tirée au hasard doit être entre 0 et 1, pas {random_share}.",
            fix="Écrivez 0.1 pour un dixième de la liste.",
        )
    for area, quota in quotas.items():
        if quota < 0:
            raise BadValueError(
                f"le quota du secteur « {area} » est négatif : {quota}.",
                fix="Écrivez 0 pour n'y rien lister.",
            )


def _rounded(places: int, share: float) -> int:
    # The decimal the user wrote, not its binary neighbour: 0.3 of 15 is 4.5, so 5.
    return math.floor(places * Fraction(str(share)) + Fraction(1, 2))


def _day(signals: pa.Table) -> str:
    """Return the date of signals: a new one draws anew, a second try on the same day does not.

    So the same subjects are not drawn every month, and nobody can draw until the list pleases.
    """
    if missing := [name for name in _COLUMNS if name not in signals.column_names]:
        raise MissingColumnError("la table des indices n'a pas cette colonne.", column=missing[0])
    return max((day.isoformat() for day in signals["as_of"].unique().to_pylist() if day), default="")


def _unit(salt: str) -> Fraction:
    digest = hashlib.blake2b(f"places\0{salt}".encode(), digest_size=8).digest()
    return Fraction(int.from_bytes(digest, "big"), 1 << 64)


def _candidates(signals: pa.Table, quotas: Mapping[str, int], salt: str) -> list[_Candidate]:
    """Return one candidate a subject, best first."""
    columns = [signals[name].to_pylist() for name in _COLUMNS[:-1]]
    found: list[_Candidate] = []
    for signal, subject, area, rank, score in zip(*columns, strict=True):
        if score is None or math.isnan(score):
            raise BadValueError(f"l'indice de « {subject} » n'a pas de score.", column="score")
        name = area or ""
        digest = hashlib.blake2b(f"{salt}\0{subject}".encode(), digest_size=48).digest()
        found.append(
            _Candidate(
                signal,
                subject,
                name,
                rank,
                score,
                name if name in quotas else _REST,
                digest[:16],
                digest[16:32],
                digest[32:],
            )
        )
    found.sort(key=lambda one: (-one.score, one.tie, one.subject, one.signal))
    best: dict[str, _Candidate] = {}
    for candidate in found:
        best.setdefault(candidate.subject, candidate)
    return list(best.values())


def _spread(
    wanted: int, places: int, sizes: Mapping[str | None, int], room: Mapping[str | None, int]
) -> dict[str | None, Fraction]:
    """Return the expected random places of each stratum: by its subjects, within its share of room."""
    strata = sorted(sizes, key=lambda stratum: (stratum is _REST, stratum or ""))
    expected = dict.fromkeys(strata, Fraction(0))
    if not wanted:
        return expected
    most = {stratum: Fraction(wanted * room[stratum], places) for stratum in strata}
    open_strata, left = [stratum for stratum in strata if room[stratum]], Fraction(wanted)
    while open_strata:
        rate = left / sum(sizes[stratum] for stratum in open_strata)
        full = [stratum for stratum in open_strata if rate * sizes[stratum] >= most[stratum]]
        for stratum in full or open_strata:
            expected[stratum] = most[stratum] if full else rate * sizes[stratum]
            left -= expected[stratum]
        open_strata = [stratum for stratum in open_strata if stratum not in full] if full else []
    return expected


def _plans(
    candidates: Sequence[_Candidate],
    expected: Mapping[str | None, Fraction],
    room: Mapping[str | None, int],
    model: int,
) -> list[_Plan]:
    """Return every way to round the expected places, in the order of the number that picks one."""
    ends: dict[str | None, Fraction] = {}
    total = Fraction(0)
    for stratum, places in expected.items():
        total += places
        ends[stratum] = total
    cuts = sorted({Fraction(0), *((-end) % 1 for end in ends.values())})
    plans = []
    for cut, following in zip(cuts, [*cuts[1:], Fraction(1)], strict=True):
        random, before = {}, 0
        for stratum, end in ends.items():
            through = math.floor(end + cut)
            random[stratum] = through - before
            before = through
        chosen = Counter(one.stratum for one in _best(candidates, room, random, model))
        plans.append(_Plan(following - cut, random, chosen))
    return plans


def _best(
    candidates: Iterable[_Candidate],
    room: Mapping[str | None, int],
    random: Mapping[str | None, int],
    model: int,
) -> list[_Candidate]:
    """Return the model's items: best first, each stratum keeping its random places free."""
    free = {stratum: room[stratum] - random[stratum] for stratum in room}
    taken: list[_Candidate] = []
    for candidate in candidates:
        if len(taken) == model:
            break
        if free[candidate.stratum]:
            free[candidate.stratum] -= 1
            taken.append(candidate)
    return taken


def _happening(plans: Sequence[_Plan], unit: Fraction) -> _Plan:
    for plan in plans:
        unit -= plan.chance
        if unit < 0:
            return plan
    return plans[-1]


def _items(
    candidates: Sequence[_Candidate],
    plan: _Plan,
    plans: Sequence[_Plan],
    sizes: Mapping[str | None, int],
) -> tuple[Item, ...]:
    # Candidates are best first, so a stratum's model items are its first ones.
    strata: dict[str | None, list[_Candidate]] = defaultdict(list)
    for candidate in candidates:
        strata[candidate.stratum].append(candidate)
    listed: list[tuple[_Candidate, Drawn, float]] = []
    for stratum, members in strata.items():
        chosen = plan.chosen.get(stratum, 0)
        index = {candidate.subject: at for at, candidate in enumerate(members)}
        lucky = nsmallest(plan.random[stratum], members[chosen:], key=lambda one: (one.luck, one.subject))
        for drawn, some in ((Drawn.MODEL, members[:chosen]), (Drawn.RANDOM, lucky)):
            listed += [(one, drawn, _propensity(stratum, index[one.subject], plans, sizes)) for one in some]
    if any(drawn is Drawn.RANDOM for _, drawn, _ in listed):
        listed.sort(key=lambda entry: (entry[0].area, entry[0].place, entry[0].subject))
    else:
        listed.sort(key=lambda entry: (-entry[0].score, entry[0].tie, entry[0].subject))
    return tuple(
        Item(
            signal=one.signal,
            subject=Subject.parse(one.subject),
            position=position,
            rank=one.rank,
            score=one.score,
            drawn=drawn,
            propensity=propensity,
            area=one.area,
        )
        for position, (one, drawn, propensity) in enumerate(listed, start=1)
    )


def _propensity(
    stratum: str | None, index: int, plans: Sequence[_Plan], sizes: Mapping[str | None, int]
) -> float:
    """Return the chance of the ``index``-th best of a stratum to be listed, over all plans."""
    chance = Fraction(0)
    for plan in plans:
        chosen = plan.chosen.get(stratum, 0)
        if index < chosen:
            chance += plan.chance
        elif plan.random[stratum]:
            chance += plan.chance * Fraction(plan.random[stratum], sizes[stratum] - chosen)
    return float(chance)


def to_table(worklist: Worklist) -> pa.Table:
    """Return a worklist as a table of `core.tables.worklist_schema`, in working order."""
    import pyarrow as pa

    rows = [
        {
            "position": item.position,
            "signal": item.signal,
            "subject": str(item.subject),
            "area": item.area,
            "rank": item.rank,
            "score": item.score,
            "drawn": str(item.drawn),
            "propensity": item.propensity,
        }
        for item in worklist.items
    ]
    return pa.Table.from_pylist(rows, schema=worklist_schema())


def from_table(
    table: pa.Table, *, case: str, run: str, capacity: int, random_share: float, seed: int
) -> Worklist:
    """Read what `to_table` wrote; the other arguments are those of the run that drew it."""
    items = tuple(
        Item(
            signal=row["signal"],
            subject=Subject.parse(row["subject"]),
            position=row["position"],
            rank=row["rank"],
            score=row["score"],
            drawn=Drawn(row["drawn"]),
            propensity=row["propensity"],
            area=row["area"] or "",
        )
        for row in table.sort_by("position").to_pylist()
    )
    return Worklist(case=case, run=run, capacity=capacity, random_share=random_share, seed=seed, items=items)


def ipw_mean(labels: Sequence[float], propensities: Sequence[float]) -> Metric:
    """Return the share of positives among all subjects, from the outcomes of a drawn list.

    Parameters
    ----------
    labels
        Outcomes in {0, 1}, shape ``(n,)``: every item of the list, or a part that was not picked by
        its expected result.
    propensities
        Chance each had to be listed, in ]0, 1].

    Returns
    -------
    Metric
        Hájek's mean Σ(y/π) / Σ(1/π) (Hájek 1971) with an interval at 95 %: Wilson's in each group of
        equal propensity, for ``n / (1 − π)`` outcomes (finite population: what is listed for sure is
        known), added up in squares (MOVER, Zou & Donner 2008), which stays honest with few random
        items, where a normal interval does not.

    Raises
    ------
    BadValueError
        If lengths differ, there is none, a label is not 0 or 1, or a propensity is out of range.

    Examples
    --------
    >>> ipw_mean([1, 1, 0], [1.0, 0.5, 0.5]).value
    0.6
    """
    if not labels or len(labels) != len(propensities):
        raise BadValueError(f"{len(labels)} résultats pour {len(propensities)} chances de tirage.")
    groups: dict[float, list[float]] = defaultdict(list)
    for label, propensity in zip(labels, propensities, strict=True):
        if label not in {0, 1}:
            raise BadValueError(f"un résultat n'est ni 0 ni 1 : {label}.")
        if not 0 < propensity <= 1:
            raise BadValueError(f"une chance de tirage n'est pas entre 0 et 1 : {propensity}.")
        groups[propensity].append(label)
    total = sum(len(group) / propensity for propensity, group in groups.items())
    mean = sum(sum(group) / propensity for propensity, group in groups.items()) / total
    below = above = 0.0
    for propensity, group in groups.items():
        n, share = len(group), sum(group) / len(group)
        weight = n / propensity / total
        if propensity < 1:
            size = n / (1 - propensity)
            low, high = wilson(share * size, size)
            below += (weight * (share - low)) ** 2
            above += (weight * (high - share)) ** 2
    return Metric(
        name="ipw_mean",
        value=mean,
        low=max(0.0, mean - math.sqrt(below)),
        high=min(1.0, mean + math.sqrt(above)),
        n=len(labels),
    )

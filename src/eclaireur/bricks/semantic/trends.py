"""What changes in a corpus: counts by period and site, jumps, topics seldom seen, words not seen before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

__all__ = ["Change", "Seldom", "changes", "new_terms", "poisson_interval", "seldom"]

_FALSE_SHARE = 0.1
_LEAST = 5


@dataclass(frozen=True, slots=True)
class Change:
    """A topic whose rate jumped: texts of the last period and before, how many times more, and how sure."""

    topic: str
    last: int
    before: int
    ratio: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Seldom:
    """A topic less seen at a place than elsewhere: times found, times expected, chance of so few or fewer."""

    place: str
    topic: str
    found: int
    expected: float
    p_value: float


@cache
def poisson_interval(count: int) -> tuple[float, float]:
    """Return the exact interval at 95 % of a count (Garwood 1936).

    >>> [round(bound, 2) for bound in poisson_interval(4)]
    [1.09, 10.24]
    """
    from scipy.stats import chi2

    low = float(chi2.ppf(0.025, 2 * count) / 2) if count else 0.0
    return low, float(chi2.ppf(0.975, 2 * count + 2) / 2)


def changes(
    last: Mapping[str, int], before: Mapping[str, int], *, total_last: int, total_before: int
) -> tuple[Change, ...]:
    """Return the topics whose share of texts changed, surest first.

    Given the texts of a topic over both periods, those of the last one follow a binomial law when nothing
    changed (Przyborowski & Wilenski 1940). At most one in ten of what is returned is expected to be false
    (Benjamini & Hochberg 1995).

    Parameters
    ----------
    last, before
        Texts with each topic in the last period, and in those before.
    total_last, total_before
        Texts of each, with or without a topic.

    Examples
    --------
    >>> found = changes({"fire": 20, "dose": 5}, {"fire": 20, "dose": 20}, total_last=50, total_before=200)
    >>> [(one.topic, round(one.ratio, 1)) for one in found]
    [('fire', 4.0)]
    """
    from scipy.stats import binomtest

    share = total_last / max(total_last + total_before, 1)
    tested = []
    for topic in sorted({*last, *before}):
        now, then = last.get(topic, 0), before.get(topic, 0)
        if now + then < _LEAST or not total_last or not total_before:
            continue
        chance = float(binomtest(now, now + then, share).pvalue)
        ratio = (now / total_last) / max(then / total_before, 0.5 / total_before)
        tested.append(Change(topic, now, then, ratio, chance))
    return tuple(tested[at] for at in _discovered([one.p_value for one in tested]))


def seldom(pairs: Iterable[tuple[str, str]]) -> tuple[Seldom, ...]:
    """Return the topics less seen at a place than its volume and theirs lead to expect, surest first.

    A topic may be seldom because it has nothing to be found: this is a question to ask, not a fault.

    Parameters
    ----------
    pairs
        Place and topic of each mention.

    Examples
    --------
    >>> mentions = [("A", "fire")] * 30 + [("A", "dose")] * 30 + [("B", "fire")] * 30
    >>> [(one.place, one.topic, one.expected) for one in seldom(mentions)]
    [('A', 'fire', 40.0), ('B', 'dose', 10.0)]
    """
    from scipy.stats import hypergeom

    counts = Counter(pairs)
    places, topics = Counter[str](), Counter[str]()
    for (place, topic), number in counts.items():
        places[place] += number
        topics[topic] += number
    total = counts.total()
    tested = []
    for place in sorted(places):
        for topic in sorted(topics):
            expected = places[place] * topics[topic] / total
            if expected >= _LEAST:
                found = counts[place, topic]
                chance = float(hypergeom.cdf(found, total, topics[topic], places[place]))
                tested.append(Seldom(place, topic, found, expected, chance))
    return tuple(tested[at] for at in _discovered([one.p_value for one in tested]))


def new_terms(
    last: Sequence[Iterable[str]], before: Sequence[Iterable[str]], *, count: int = 10, least: int = 3
) -> list[tuple[str, int]]:
    """Return the terms of the last texts that no earlier text has, with how many texts have each.

    >>> new_terms([["drone", "fuite"]] * 3, [["fuite"]] * 5)
    [('drone', 3)]
    """
    known = {term for text in before for term in text}
    found = Counter(term for text in last for term in dict.fromkeys(text) if term not in known)
    return sorted(
        ((term, number) for term, number in found.items() if number >= least),
        key=lambda one: (-one[1], one[0]),
    )[:count]


def _discovered(p_values: Sequence[float]) -> list[int]:
    """Return the places of what is kept by the procedure of Benjamini and Hochberg, surest first."""
    order = sorted(range(len(p_values)), key=lambda at: p_values[at])
    kept = 0
    for rank, at in enumerate(order, start=1):
        if p_values[at] <= _FALSE_SHARE * rank / len(order):
            kept = rank
    return order[:kept]

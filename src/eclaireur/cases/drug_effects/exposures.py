"""From purchases to exposures, by rules: days covered and merged, dose reached, risk bounded after the start.

Claims data say what was bought and when, never what was taken. A rule says which days count as exposed::

    exposed(rows, {"X": Rule(covers=30, grace=15)})

Three kinds, which may be combined with a bound (``lasts``), a delay and a wash-out:

``periods``
    Each purchase covers so many days; periods that touch, or are parted by at most ``grace`` days, are one.
``cumulative``
    Exposed from the day on which what was bought reaches a level, until the next level or for good.
``starts``
    Each purchase is an exposure of its own, of the days that it covers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["COVERS", "GRACE", "PURCHASE", "Periods", "Purchases", "Rule", "exposed", "periods_of"]

PURCHASE = "purchase"
"""Category of the rows that a rule turns into exposures."""
COVERS = 30
"""Days that a purchase covers when neither the row nor the rule says so."""
GRACE = 15
"""Days without cover between two purchases that do not end an exposure, unless the rule says otherwise."""
_FOREVER = 2**40


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How purchases of one product become exposures.

    Parameters
    ----------
    kind
        ``periods``, ``cumulative`` or ``starts`` (see the module).
    covers
        Days that a purchase covers, its own day included, when its row does not say.
    grace
        Days without cover that do not end a period.
    stock
        Whether what is bought early is kept for later: a purchase then covers days after those of the last.
    least, within
        A period starts at its purchase number ``least``, counted over the last ``within`` days: a single
        purchase may never have been taken.
    levels
        Quantities, growing, of a cumulative rule.
    delay
        Days from the start of an exposure to the start of its risk.
    lasts
        Most days of an exposure: its risk is bounded after its start. None for no bound.
    washout
        A period counts only when no purchase was made in as many days before it; 0 for none.
    """

    kind: str = "periods"
    covers: int = COVERS
    grace: int = GRACE
    stock: bool = False
    least: int = 1
    within: int = 0
    levels: tuple[float, ...] = ()
    delay: int = 0
    lasts: int | None = None
    washout: int = 0

    def __post_init__(self) -> None:
        """Refuse what has no meaning.

        Raises
        ------
        ValueError
            If the kind is unknown, a number of days is negative, or levels do not grow.
        """
        if self.kind not in {"periods", "cumulative", "starts"}:
            raise ValueError(f"unknown kind of rule: {self.kind}")
        if self.covers < 1 or self.least < 1 or (self.lasts is not None and self.lasts < 1):
            raise ValueError("covers, least and lasts are 1 at least")
        if min(self.grace, self.within, self.delay, self.washout) < 0:
            raise ValueError("grace, within, delay and washout are 0 at least")
        if self.least > 1 and not self.within:
            raise ValueError("least needs within")
        if self.kind == "cumulative" and not (
            self.levels
            and self.levels[0] > 0
            and all(a < b for a, b in zip(self.levels, self.levels[1:], strict=False))
        ):
            raise ValueError("a cumulative rule needs positive levels that grow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchases:
    """Purchases of one product as columns, sorted by person and day.

    Parameters
    ----------
    person
        Place of the person, of shape (k,).
    day
        Day of the purchase.
    covers
        Days that it covers, its own included.
    quantity
        Dose or number bought.
    """

    person: NDArray[np.int64]
    day: NDArray[np.int64]
    covers: NDArray[np.int64]
    quantity: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Periods:
    """Exposures, sorted by person and first day; ``last`` is huge when nothing ends them.

    ``level`` is the place of the level that was reached, 0 for rules without levels.
    """

    person: NDArray[np.int64]
    first: NDArray[np.int64]
    last: NDArray[np.int64]
    level: NDArray[np.int64]


def periods_of(bought: Purchases, rule: Rule) -> Periods:
    """Return the exposures that a rule makes of purchases, without a loop over persons.

    Examples
    --------
    >>> import numpy as np
    >>> bought = Purchases(
    ...     person=np.array([0, 0, 0]),
    ...     day=np.array([0, 35, 100]),
    ...     covers=np.array([30, 30, 30]),
    ...     quantity=np.ones(3),
    ... )
    >>> made = periods_of(bought, Rule(grace=15))
    >>> list(zip(made.first.tolist(), made.last.tolist()))
    [(0, 64), (100, 129)]
    """
    import numpy as np

    if not len(bought.day):
        none = np.zeros(0, np.int64)
        return Periods(person=none, first=none, last=none, level=none)
    made = {"periods": _merged, "cumulative": _reached, "starts": _each}[rule.kind](bought, rule)
    first, last = made.first + rule.delay, made.last
    if rule.lasts is not None:
        last = np.minimum(last, first + rule.lasts - 1)
    kept = first <= last
    return Periods(person=made.person[kept], first=first[kept], last=last[kept], level=made.level[kept])


def _each(bought: Purchases, rule: Rule) -> Periods:
    import numpy as np

    kept = _clean(bought, bought.person, bought.day, rule)
    return Periods(
        person=bought.person[kept],
        first=bought.day[kept],
        last=(bought.day + bought.covers - 1)[kept],
        level=np.zeros(int(kept.sum()), np.int64),
    )


def _merged(bought: Purchases, rule: Rule) -> Periods:
    import numpy as np

    person, day, covers = bought.person, bought.day, bought.covers
    # Persons are set so far apart that one running maximum serves all of them.
    apart = person * (int(covers.sum()) + int(day.max()) - int(day.min()) + rule.grace + 2)
    until = day + covers - 1 + apart
    if rule.stock:
        total = np.cumsum(covers)
        until = np.maximum.accumulate(day + apart - (total - covers)) + total - 1
    else:
        until = np.maximum.accumulate(until)
    opens = np.ones(len(day), bool)
    opens[1:] = (day + apart)[1:] > until[:-1] + rule.grace + 1
    begins = np.flatnonzero(opens)
    first, owner = day[begins].copy(), person[begins]
    last = np.maximum.reduceat(until, begins) - apart[begins]
    if rule.least > 1:
        # The first purchase of the period that is the last of `least` within so many days.
        at = np.arange(len(day))
        back = at - rule.least + 1
        of = np.cumsum(opens) - 1
        enough = (back >= begins[of]) & (day - day[np.maximum(back, 0)] < rule.within)
        reached = np.minimum.reduceat(np.where(enough, at, len(day)), begins)
        sure = reached < len(day)
        first, owner, last = day[reached[sure]], owner[sure], last[sure]
        begins = begins[sure]
    kept = _clean(bought, owner, day[begins], rule)
    return Periods(
        person=owner[kept], first=first[kept], last=last[kept], level=np.zeros(int(kept.sum()), np.int64)
    )


def _reached(bought: Purchases, rule: Rule) -> Periods:
    import numpy as np

    person, day = bought.person, bought.day
    begins = np.flatnonzero(np.diff(person, prepend=-1))
    size = np.diff(np.append(begins, len(person)))
    total = np.cumsum(bought.quantity)
    total -= np.repeat(total[begins] - bought.quantity[begins], size)
    firsts = np.full((len(begins), len(rule.levels) + 1), _FOREVER)
    for at, asked in enumerate(rule.levels):
        # Quantities such as 0.1 + 0.2 reach a level of 0.3.
        there = np.where(total >= asked * (1 - 1e-12), day, _FOREVER)
        firsts[:, at] = np.minimum.reduceat(there, begins)
    first, last = firsts[:, :-1], firsts[:, 1:] - 1
    # A level that is passed on the day of the next one has no day of its own.
    some = (first < _FOREVER) & (first <= last)
    row, level = np.nonzero(some)
    return Periods(person=person[begins][row], first=first[some], last=last[some], level=level)


def _clean(
    bought: Purchases, person: NDArray[np.int64], day: NDArray[np.int64], rule: Rule
) -> NDArray[np.bool_]:
    """Tell which starts have no purchase in the days of the wash-out before them."""
    import numpy as np

    if not rule.washout:
        return np.ones(len(day), bool)
    low = int(bought.day.min()) - rule.washout
    width = int(bought.day.max()) - low + 1
    keys = bought.person * width + bought.day - low
    here = person * width + day - low
    return np.asarray(np.searchsorted(keys, here) == np.searchsorted(keys, here - rule.washout), np.bool_)


def exposed(
    rows: Sequence[Mapping[str, Any]], rules: Mapping[str, Rule] | None = None, *, default: Rule | None = None
) -> list[dict[str, Any]]:
    """Replace the purchases of rows of the events model by the exposures that rules make of them.

    Parameters
    ----------
    rows
        As `histories.read_histories` takes them, in days. A row of category ``purchase`` has in ``value`` the
        product, in ``start`` the day, and may have ``covers`` (days covered; else ``end``, the last day
        covered; else the rule's) and ``quantity`` (1 when absent).
    rules
        By product.
    default
        For the other products; ``Rule()`` when not given.

    Returns
    -------
    list
        The other rows as they were, then one row an exposure: its product (with its level, for a cumulative
        rule), first and last day. An exposure that begins after the observation is kept, one that nothing
        ends is closed on the last day that is known of the person.
    """
    others = [dict(row) for row in rows if row["category"] != PURCHASE]
    by_product: dict[str, list[Mapping[str, Any]]] = {}
    latest: dict[str, int] = {}
    bases: dict[str, dict[str, Any]] = {}
    for row in rows:
        who = str(row["person"])
        day = int(row["start"] if row.get("end") is None else row["end"])
        if row["category"] == PURCHASE:
            by_product.setdefault(str(row.get("value") or ""), []).append(row)
            day = int(row["start"])
        latest[who] = max(latest.get(who, day), day)
        bases.setdefault(who, {key: value for key, value in row.items() if key not in _OF_A_ROW})
    persons = {who: at for at, who in enumerate(sorted(latest))}
    names = list(persons)
    for product in sorted(by_product):
        rule = (rules or {}).get(product, default or Rule())
        made = periods_of(_columns(by_product[product], persons, rule), rule)
        for at, first, last, level in zip(
            *(one.tolist() for one in (made.person, made.first, made.last, made.level)), strict=True
        ):
            who = names[at]
            end = last if last < _FOREVER - 1 else max(latest[who], first)
            others.append(
                bases[who]
                | {"category": "exposure", "value": _said(product, rule, level), "start": first, "end": end}
            )
    return others


def _said(product: str, rule: Rule, level: int) -> str:
    if rule.kind != "cumulative":
        return product
    level_said = f"{rule.levels[level]:g}".replace(".", ",")
    return f"{product}, cumul d'au moins {level_said}"


_OF_A_ROW = {"category", "value", "start", "end", "covers", "quantity"}


def _columns(rows: Sequence[Mapping[str, Any]], persons: Mapping[str, int], rule: Rule) -> Purchases:
    import numpy as np

    person = np.array([persons[str(row["person"])] for row in rows], np.int64)
    day = np.array([int(row["start"]) for row in rows], np.int64)
    covers = np.array([_covered(row, rule) for row in rows], np.int64)
    quantity = np.array([1.0 if row.get("quantity") is None else float(row["quantity"]) for row in rows])
    order = np.lexsort((day, person))
    return Purchases(person=person[order], day=day[order], covers=covers[order], quantity=quantity[order])


def _covered(row: Mapping[str, Any], rule: Rule) -> int:
    if row.get("covers") is not None:
        return max(int(row["covers"]), 1)
    if row.get("end") is not None and int(row["end"]) >= int(row["start"]):
        return int(row["end"]) - int(row["start"]) + 1
    return rule.covers

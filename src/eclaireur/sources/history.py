"""The quality of each column from one delivery to the next, and an alert when a column degrades.

A share (filled, valid) is compared with its usual value, the median of the deliveries before, and an alert
needs a fall both large (five points) and beyond chance (one-sided test of two proportions at 0.1 %). A column
of dates is late when its latest day lags behind the delivery by more than twice its usual lag, and a week.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from eclaireur.core import french
from eclaireur.sources.quality import Quality, quality
from eclaireur.sources.reading import Reading

__all__ = ["Alert", "Delivery", "alerts", "delivery"]

_FALL = 0.05
_BEYOND_CHANCE = 3.09
_WEEK = 7
_FEWER = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """The quality of a table on the day it was taken."""

    day: date
    rows: int
    columns: tuple[Quality, ...]

    def of(self, name: str) -> Quality | None:
        """Return the quality of a column, None when it is absent."""
        return next((one for one in self.columns if one.name == name), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Something that degraded, in French.

    Parameters
    ----------
    kind
        ``filled``, ``valid``, ``late``, ``absent``, ``kind`` or ``rows``.
    """

    kind: str
    column: str
    message: str


def delivery(day: date, reading: Reading) -> Delivery:
    """Measure a reading taken on a day."""
    return Delivery(day=day, rows=reading.count, columns=quality(reading))


def alerts(deliveries: Sequence[Delivery]) -> tuple[Alert, ...]:
    """Compare the last delivery with those before it; none when it is the first.

    Examples
    --------
    >>> def taken(day, filled):
    ...     column = Quality(name="Tél.", kind="phone", filled=filled, valid=1.0)
    ...     return Delivery(day=day, rows=1000, columns=(column,))
    >>> days = [taken(date(2024, month, 1), 0.98) for month in (1, 2, 3)]
    >>> [one.message.replace("\\xa0", " ") for one in alerts([*days, taken(date(2024, 4, 1), 0.71)])]
    ['Colonne « Tél. » : remplie à 71,0 %, contre 98,0 % d’ordinaire.']
    """
    ordered = sorted(deliveries, key=lambda one: one.day)
    if len(ordered) < 2:
        return ()
    *before, last = ordered
    found: list[Alert] = []
    usual = statistics.median(one.rows for one in before)
    if last.rows < _FEWER * usual:
        message = f"{french.count(last.rows, 'ligne')}, contre {french.number(usual)} d’ordinaire."
        found.append(Alert(kind="rows", column="", message=message))
    for name in dict.fromkeys(column.name for column in before[-1].columns):
        found += _column(name, before, last)
    return tuple(found)


def _column(name: str, before: Sequence[Delivery], last: Delivery) -> list[Alert]:
    now, previous = last.of(name), before[-1].of(name)
    if now is None:
        return [Alert(kind="absent", column=name, message=f"Colonne « {name} » : elle n’est plus livrée.")]
    found = []
    if previous is not None and now.kind != previous.kind:
        message = f"Colonne « {name} » : son contenu n’est plus du même type ({previous.kind} → {now.kind})."
        found.append(Alert(kind="kind", column=name, message=message))
    for kind, word in (("filled", "remplie"), ("valid", "valide")):
        shares = [(getattr(one, kind), taken.rows) for taken in before if (one := taken.of(name)) is not None]
        usual = statistics.median(share for share, _ in shares)
        share = getattr(now, kind)
        if usual - share > _FALL and _falls(usual, sum(rows for _, rows in shares), share, last.rows):
            said = f"{word} à {french.percent(share, 1)}, contre {french.percent(usual, 1)} d’ordinaire."
            found.append(Alert(kind=kind, column=name, message=f"Colonne « {name} » : {said}"))
    return [*found, *_late(name, before, last)]


def _falls(usual: float, rows: int, share: float, now: int) -> bool:
    """Tell whether a fall is beyond chance: one-sided test of two proportions, pooled."""
    if not rows or not now:
        return False
    pooled = (usual * rows + share * now) / (rows + now)
    error = math.sqrt(pooled * (1 - pooled) * (1 / rows + 1 / now))
    return error == 0 or (usual - share) / error > _BEYOND_CHANCE


def _late(name: str, before: Sequence[Delivery], last: Delivery) -> list[Alert]:
    lags = [lag for one in before if (lag := _lag(one, name)) is not None]
    lag = _lag(last, name)
    if not lags or lag is None:
        return []
    usual = statistics.median(lags)
    if lag <= max(2 * usual, usual + _WEEK):
        return []
    said = f"la date la plus récente a {french.count(lag, 'jour')} de retard, contre {french.number(usual)}"
    return [Alert(kind="late", column=name, message=f"Colonne « {name} » : {said} d’ordinaire.")]


def _lag(taken: Delivery, name: str) -> int | None:
    """Days between the latest day of a column and its delivery; None when that day is to come or absent."""
    column = taken.of(name)
    if column is None or not column.last:
        return None
    day, month, year = map(int, column.last.split("/"))
    lag = (taken.day - date(year, month, day)).days
    return lag if lag >= 0 else None

"""Splits in time: what was known before an origin is learnt from, what comes after is measured."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

from eclaireur.core.errors import BadValueError

__all__ = ["Split", "rolling_origins"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """One origin in time.

    Parameters
    ----------
    known_before
        A training row's outcome was known strictly before this day.
    start, end
        Test rows are observed in ``[start, end)``; ``known_before`` ≤ ``start``.
    """

    known_before: date
    start: date
    end: date

    @property
    def name(self) -> str:
        """Origin as ISO text."""
        return self.start.isoformat()

    def trains(self, known: date) -> bool:
        """Tell whether an outcome known on a day may be learnt from."""
        return known < self.known_before

    def tests(self, observed: date) -> bool:
        """Tell whether a row observed on a day is measured."""
        return self.start <= observed < self.end


def rolling_origins(
    first: date, last: date, *, step: timedelta, gap: timedelta = timedelta(0)
) -> tuple[Split, ...]:
    """Return successive origins: tests of one ``step`` each, from ``first`` to ``last`` included.

    Parameters
    ----------
    first
        Start of the first test.
    last
        Last day that may be tested; the last test may be shorter.
    step
        Length of each test, and distance between origins.
    gap
        Time left between the last outcome learnt from and the test, as when results arrive late.

    Raises
    ------
    BadValueError
        If no test fits, or the gap is negative.

    Examples
    --------
    >>> [split.name for split in rolling_origins(date(2013, 1, 1), date(2013, 6, 30), step=timedelta(90))]
    ['2013-01-01', '2013-04-01', '2013-06-30']
    """
    if first > last or step <= timedelta(0):
        raise BadValueError("aucune période à mesurer : la première date suit la dernière.")
    if gap < timedelta(0):
        # It would let a model learn from results of the very days it is measured on.
        raise BadValueError(f"le délai avant la mesure est négatif : {gap.days} jours.")
    splits = []
    start, stop = first, last + timedelta(days=1)
    while start < stop:
        end = min(start + step, stop)
        splits.append(Split(known_before=start - gap, start=start, end=end))
        start = end
    return tuple(splits)

"""How accessible the desk is: its grid of the RGAA, and the statement that the law asks for.

The grid, ``rgaa.toml``, is our own examination of the software, criterion by criterion. A criterion that no
person has looked at yet counts against the rate, as one that is missed does.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Any

__all__ = ["EXAMINED", "STATES", "Criterion", "Statement", "grid", "statement"]

EXAMINED = date(2026, 11, 28)
"""When the pages were last read against the grid."""

STATES = {
    "met": "conforme",
    "missed": "non conforme",
    "open": "à vérifier par une personne",
    "absent": "non applicable",
}
_HALF = 0.5


@dataclass(frozen=True, slots=True)
class Criterion:
    """A criterion of the RGAA 4.1.2: its number, what it asks in our words, its state, how that is known."""

    number: str
    theme: str
    about: str
    state: str
    how: str

    @property
    def said(self) -> str:
        """The state in French."""
        return STATES[self.state]


@dataclass(frozen=True, slots=True)
class Statement:
    """What the statement says of some criteria.

    Examples
    --------
    >>> told = Statement(grid())
    >>> told.conformity, 0.5 < told.rate < 1
    ('partiellement conforme', True)
    """

    criteria: Sequence[Criterion]

    def count(self, *states: str) -> int:
        """Return how many criteria are in some states."""
        return sum(one.state in states for one in self.criteria)

    @property
    def applicable(self) -> int:
        """How many criteria apply to the desk."""
        return self.count("met", "missed", "open")

    @property
    def met(self) -> int:
        """How many are met."""
        return self.count("met")

    @property
    def rate(self) -> float:
        """Share of the applicable criteria that are met; those not looked at are not."""
        return self.met / self.applicable

    @property
    def conformity(self) -> str:
        """The word of the law (decree 2019-768, article 5): it depends on the rate alone."""
        if self.met == self.applicable:
            return "totalement conforme"
        return "partiellement conforme" if self.rate >= _HALF else "non conforme"

    @property
    def lacking(self) -> list[Criterion]:
        """The criteria that are missed or not looked at."""
        return [one for one in self.criteria if one.state in {"missed", "open"}]


@cache
def grid() -> tuple[Criterion, ...]:
    """Return the criteria in order."""
    told: dict[str, dict[str, Any]] = tomllib.loads(
        (files("eclaireur.desk") / "rgaa.toml").read_text(encoding="utf-8")
    )
    return tuple(
        Criterion(f"{theme}.{number}", rows["title"], about=row[1], state=row[0], how=row[2])
        for theme, rows in told.items()
        for number, row in rows.items()
        if number != "title"
    )


def statement() -> Statement:
    """Return the statement of the desk."""
    return Statement(grid())

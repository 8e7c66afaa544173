"""Made-up cases and reports, with effects that are known because they were put there."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eclaireur.cases.drug_effects.histories import Histories

__all__ = [
    "EFFECT",
    "RISK_DAYS",
    "confounded_world",
    "histories",
    "lagged_world",
    "purchases",
    "reports",
    "write",
]

EFFECT = 5.0
"""Relative incidence of the event in the days after product A; product B does nothing."""
RISK_DAYS = 42
_FIRST = date(2023, 1, 2)
_SEEN = 500
_DRUGS = tuple(f"produit {letter}" for letter in "ABCDEFGHIJKL")
_EVENTS = ("éruption", "nausée", "vertige", "fièvre", "céphalée", "toux", "œdème", "asthénie")
_LINKED = (("produit C", "œdème"), ("produit F", "vertige"), ("produit H", "toux"))


def histories(seed: int, *, count: int = 240) -> list[dict[str, Any]]:
    """Return rows of the events model; a few persons cannot be analysed, each for a reason of its own."""
    draw = random.Random(seed)  # noqa: S311 - made-up data
    rows: list[dict[str, Any]] = []
    for number in range(count):
        row = _rows_of(f"P{number:05d}", _FIRST + timedelta(days=draw.randrange(200)))
        doses = {"produit A": draw.randrange(30, _SEEN - 60), "produit B": draw.randrange(30, _SEEN - 60)}
        at_risk = range(doses["produit A"], doses["produit A"] + RISK_DAYS + 1)
        weights = [(EFFECT if day in at_risk else 1.0) * (1 + day / _SEEN) for day in range(_SEEN)]
        given = {drug: day for drug, day in doses.items() if draw.random() < 0.8}
        if "produit A" not in given:
            weights = [1 + day / _SEEN for day in range(_SEEN)]
        event = draw.choices(range(_SEEN), weights)[0]
        rows.append(row("observation", "", 0, _SEEN - 1))
        rows += [row("exposure", drug, day) for drug, day in given.items()]
        rows.append(row("event", "éruption", event))
        if number % 80 == 7:
            rows.append(row("observation", "", 300, _SEEN + 100))
        if number % 80 == 17:
            rows += [row("death", "", event), row("exposure", "produit B", event + 5)]
    return rows


def purchases(histories: Sequence[Mapping[str, Any]], seed: int) -> list[dict[str, Any]]:
    """Return boxes of product P, which does nothing, bought about once a month by a third of the persons."""
    draw = random.Random(seed + 2)  # noqa: S311 - made-up data
    rows = []
    seen = {one["person"]: one["start"] for one in reversed(histories) if one["category"] == "observation"}
    for person in sorted(seen)[::3]:
        row = _rows_of(person, seen[person])
        day = draw.randrange(_SEEN // 2)
        for _ in range(draw.randrange(1, 5)):
            rows.append(row("purchase", "produit P", day) | {"covers": 30, "quantity": 1.0})
            day += draw.randrange(20, 60)
    return rows


def _rows_of(person: str, first: date) -> Callable[..., dict[str, Any]]:
    """Return a maker of the rows of one person, from days since the first."""

    def row(category: str, value: str, start: int, end: int | None = None) -> dict[str, Any]:
        return {
            "person": person,
            "category": category,
            "value": value,
            "start": first + timedelta(days=start),
            "end": None if end is None else first + timedelta(days=end),
        }

    return row


def reports(seed: int, *, count: int = 900) -> list[dict[str, Any]]:
    """Return rows of reports over two years; three pairs are reported together more than by chance."""
    draw = random.Random(seed + 1)  # noqa: S311 - made-up data
    rows = []
    for number in range(count):
        day = _FIRST + timedelta(days=draw.randrange(730))
        drugs = set(draw.choices(_DRUGS, range(14, 14 - len(_DRUGS), -1), k=draw.choice((1, 1, 2))))
        events = set(draw.choices(_EVENTS, k=draw.choice((1, 2))))
        events |= {event for drug, event in _LINKED if drug in drugs and draw.random() < 0.5}
        sex = draw.choice(("F", "H"))
        rows += [
            {"report": f"D{number:05d}", "date": day, "drug": drug, "event": event, "stratum": sex}
            for drug in sorted(drugs)
            for event in sorted(events)
        ]
    return rows


def write(into: Path, *, seed: int) -> None:
    """Write ``histories.parquet`` and ``reports.parquet``, in the documented format."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = histories(seed)
    names = ("person", "category", "value", "start", "end", "covers", "quantity")
    table = [{name: row.get(name) for name in names} for row in rows + purchases(rows, seed)]
    pq.write_table(pa.Table.from_pylist(table), into / "histories.parquet")
    pq.write_table(pa.Table.from_pylist(reports(seed)), into / "reports.parquet")


def lagged_world(
    seed: int, *, persons: int = 2000, days: int = 750, lags: int = 50, censored: bool = True
) -> tuple[Histories, NDArray[np.float64]]:
    """Return cases exposed once to four drugs, and the true curves, of shape (4, lags).

    The first drug acts late, the second at once then less, the third fades, the fourth does nothing. One
    event a person; observation ends at a day drawn between 40 % and all of ``days``, or at the last
    when it is not ``censored``.
    """
    import numpy as np

    draw = np.random.default_rng(seed)
    true = _true(lags)
    end = draw.integers(2 * days // 5, days, persons) if censored else np.full(persons, days - 1)
    dose = draw.integers(0, days - lags, (persons, 4))
    return _lived(draw, end, dose, np.ones((persons, days)), true, None), true


def confounded_world(
    seed: int, *, persons: int = 2000, days: int = 730, lags: int = 50
) -> tuple[Histories, NDArray[np.float64]]:
    """Return such cases when both events and doses are more frequent at young ages and in winter.

    Fitted without age and season, every curve is too high: that of the fourth drug, which does nothing, too.
    """
    import numpy as np

    draw = np.random.default_rng(seed)
    true = _true(lags)
    origin = draw.integers(18_000, 18_365, persons)
    dates = origin[:, None] + np.arange(days)
    base = np.exp(0.6 * np.cos(2 * np.pi * dates / 365.25) - 1.5 * np.arange(days) / days)
    total = base[:, : days - lags].cumsum(axis=1)
    dose = (total[:, None] < draw.random((persons, 4, 1)) * total[:, None, -1:]).sum(axis=2)
    return _lived(draw, np.full(persons, days - 1), dose, base, true, origin), true


def _true(lags: int) -> NDArray[np.float64]:
    import numpy as np

    true = np.zeros((4, lags))
    true[0, lags // 10 : 2 * lags // 5] = np.log(3)
    true[1, : lags // 5] = np.log(2)
    true[1, lags // 5 : 3 * lags // 5] = np.log(1.5)
    true[2] = np.log(2) * np.exp(-np.arange(lags) / (lags / 5))
    return true


def _lived(
    draw: np.random.Generator,
    end: NDArray[np.int64],
    dose: NDArray[np.int64],
    base: NDArray[np.float64],
    true: NDArray[np.float64],
    origin: NDArray[np.int64] | None,
) -> Histories:
    """Draw one event a person, at a rate that the doses multiply."""
    import numpy as np

    from eclaireur.cases.drug_effects.histories import Histories

    persons, days = base.shape
    lags = true.shape[1]
    risk = np.concatenate([base, np.ones((persons, lags))], axis=1)
    rows = np.arange(persons)[:, None]
    for drug in range(4):
        risk[rows, dose[:, [drug]] + np.arange(lags)] *= np.exp(true[drug])
    risk[np.arange(days + lags) > end[:, None]] = 0
    total = risk.cumsum(axis=1)
    event = (total < draw.random((persons, 1)) * total[:, -1:]).sum(axis=1)
    return Histories(
        persons=[str(at) for at in range(persons)],
        start=np.zeros(persons, np.int64),
        end=end,
        event_person=np.arange(persons),
        event_day=event,
        drugs=("tardif", "double", "décroissant", "neutre"),
        dose_person=np.repeat(np.arange(persons), 4),
        dose_day=dose.ravel(),
        dose_end=dose.ravel(),
        dose_drug=np.tile(np.arange(4), persons),
        origin=origin,
    )

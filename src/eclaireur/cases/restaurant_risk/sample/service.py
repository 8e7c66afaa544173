"""Four years of a control service, month by month: complaints, planning, visits, works, latent change.

A month's visits are chosen as services choose them, never at random: Gumbel noise added to a priority and the
best kept (successive sampling). The priority knows bad results, complaints near the place, the class of risk
and the time since the last visit. It does not know what `law` says of new places and new managers: this is
the blind spot that a random share finds.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, TypeVar

from eclaireur.cases.restaurant_risk.sample import law
from eclaireur.cases.restaurant_risk.sample.latent import (
    FIRST_DAY,
    LAST_DAY,
    Place,
    Truth,
    day_number,
    months,
    pest_pressure,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]

__all__ = [
    "FOLLOW_UP",
    "NOISE",
    "PLANNED",
    "REST",
    "Complaints",
    "Inspections",
    "draw_levels",
    "draw_observers",
    "run",
]

PLANNED = 0.0466
"""Planned visits in an ordinary month, per establishment (1 400 a year for 2 500)."""
FOLLOW_UP = 0.40
"""Share of bad results that a second visit follows, 20 to 60 days later; every urgent one has it."""
REST = 150
"""Days during which a place just visited is not planned again."""
_SEASON = (1.0, 1.05, 1.1, 1.05, 1.0, 1.1, 1.15, 0.75, 1.05, 1.1, 1.05, 0.6)
_HOLIDAYS = ("01-01", "05-01", "05-08", "07-14", "08-15", "11-01", "11-11", "12-25")
_NEVER = -10_000
_NEAR_KM = 0.2
NOISE = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Inspections:
    """Visits in order of day; one array per column, same length.

    ``row`` is the position of the establishment, ``day`` and ``known`` count from `FIRST_DAY`, ``level`` goes
    from 0 (very good) to 3 (urgent), 2 and above bad. ``reason``: 0 planned, 1 after a complaint, 2
    follow-up of a bad result.
    """

    row: Ints
    day: Ints
    known: Ints
    level: Ints
    critical: Ints
    serious: Ints
    minor: Ints
    reason: Ints
    observer: Ints


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Complaints:
    """Complaints in order of day, by place (km), not by establishment; kind `NOISE` is not about food."""

    day: Ints
    east: Floats
    north: Floats
    kind: Ints


_Columns = TypeVar("_Columns", Inspections, Complaints)


def run(rng: np.random.Generator, start: Truth) -> tuple[Truth, Inspections, Complaints]:
    """Let the months pass; return the truth with its ``management`` filled, and what was recorded."""
    import numpy as np

    place, size = start.place, len(start.place.sirets)
    management = np.zeros_like(start.management)
    truth = replace(start, management=management)
    state = rng.normal(0, law.DRIFT, size)
    last_visit = np.where(
        place.opened < 0, np.maximum(-rng.integers(30, 900, size), place.opened), _NEVER
    ).astype(np.int64)
    last_level = np.zeros(size, np.int64)
    due = np.full(size, -1, np.int64)
    visits: list[Inspections] = []
    complaints: list[Complaints] = []
    calendar = months()
    for month in range(management.shape[1]):
        days = np.flatnonzero(calendar == month)
        management[:, month] = state
        bad = np.zeros(size, bool)
        if days[0] <= day_number(LAST_DAY):
            heard = _heard(place, complaints, int(days[0]))
            complaints.append(_complaints(rng, truth, days))
            made = _visits(rng, truth, days, last_visit, last_level, due, heard)
            visits.append(made)
            last_visit[made.row], last_level[made.row] = made.day, made.level
            bad[made.row[made.level >= 2]] = True
            due[made.row[made.reason == 2]] = -1
            _plan_follow_ups(rng, made, due)
        changed = rng.random(size) < law.MANAGER
        fresh = rng.normal(0, law.DRIFT, size)
        state = law.PHI * state - law.REPAIR * bad + np.sqrt(1 - law.PHI**2) * fresh
        state = np.where(changed, law.NEW_MANAGER + fresh, state)
    return truth, _joined(visits, Inspections), _joined(complaints, Complaints)


def _visits(
    rng: np.random.Generator,
    truth: Truth,
    days: Ints,
    last_visit: Ints,
    last_level: Ints,
    due: Ints,
    heard: Ints,
) -> Inspections:
    """Choose the visits of a month, draw who makes them and what they find."""
    import numpy as np

    place, first = truth.place, int(days[0])
    dates = np.datetime64(FIRST_DAY) + days
    holidays = [f"{dates[0].astype('datetime64[Y]')}-{day}" for day in _HOLIDAYS]
    weekdays = days[np.is_busday(dates, holidays=np.array(holidays, "datetime64[D]"))]
    back = np.flatnonzero((due >= first) & (due <= days[-1]))
    free = (place.opened <= first - 15) & (last_visit <= first - REST) & (due < 0)
    waited = np.clip((first - np.maximum(last_visit, place.opened)) / 365.25, 0, 4)
    priority = (
        1.2 * ((last_level >= 2) & (last_visit > first - 1100))
        + 0.3 * np.log1p(heard)
        + 0.45 * (3 - place.risk_class)
        + 0.45 * waited
        + rng.gumbel(0, 0.8, len(waited))
    )
    month = int(months()[first]) % 12
    wanted = min(rng.poisson(PLANNED * len(waited) * _SEASON[month]), int(free.sum()))
    chosen = np.argsort(np.where(free, -priority, np.inf), kind="stable")[:wanted]
    rows = np.concatenate([chosen, back])
    order = rng.permutation(len(rows))
    rows = rows[order]
    reason = np.concatenate([np.minimum(heard[chosen] // 2, 1), np.full(len(back), 2)])[order]
    day = np.sort(rng.choice(weekdays, len(rows)))
    observer = draw_observers(truth, rows, day, rng.random(len(rows)))
    eta = truth.log_odds(rows, day)
    level = draw_levels(eta, truth.severity[observer], rng.random((len(rows), 2)))
    risk, severity, bad = eta - law.ALPHA, truth.severity[observer], level >= 2
    return Inspections(
        row=rows,
        day=day,
        known=day + 5 + rng.poisson(9, len(rows)),
        level=level,
        critical=np.where(bad, 1 + rng.poisson(0.5 * np.exp(0.3 * risk)) + (level == 3), 0),
        serious=rng.poisson(
            np.where(bad, 1.8 * np.exp(0.2 * risk), 0.35 * np.exp(0.5 * risk + 0.4 * severity))
        ),
        minor=rng.poisson(1.6 * np.exp(0.35 * risk + 0.5 * severity)),
        reason=reason,
        observer=observer,
    )


def draw_levels(log_odds: Floats, severity: Floats, uniforms: Floats) -> Ints:
    """Turn two uniform numbers a visit into results: 0 very good, 1 good, 2 bad, 3 urgent.

    The first decides bad or not with the probability of `law`; the second the degree.
    """
    import numpy as np

    bad = uniforms[:, 0] < law.logistic(log_odds + severity)
    risk = log_odds - law.ALPHA
    urgent = uniforms[:, 1] < law.logistic(-1.9 + 0.5 * risk)
    very_good = uniforms[:, 1] < law.logistic(0.3 - 0.7 * risk)
    return np.where(bad, 2 + urgent, 1 - very_good).astype(np.int64)


def draw_observers(truth: Truth, rows: Ints, days: Ints, uniforms: Floats) -> Ints:
    """Return who visits: inspectors drawn from the territory of the place that year."""
    import numpy as np

    years = months()[days] // 12
    cumulated = truth.territory[years, truth.place.area[rows]].cumsum(axis=1)
    drawn: Ints = np.minimum((uniforms[:, None] >= cumulated).sum(axis=1), len(truth.observers) - 1)
    return drawn


def _plan_follow_ups(rng: np.random.Generator, made: Inspections, due: Ints) -> None:
    """Set in ``due`` the day of a second visit after bad results; a follow-up is never followed."""
    import numpy as np

    again = (made.level == 3) | ((made.level == 2) & (rng.random(len(made.level)) < FOLLOW_UP))
    delay = rng.integers(32, 61, len(made.level))
    again &= made.reason != 2
    due[made.row[again]] = np.asarray(made.day + delay)[again]


def _heard(place: Place, complaints: list[Complaints], today: int) -> Ints:
    """Count the food complaints of the last 120 days within 200 m of each place."""
    import numpy as np
    from scipy.spatial import KDTree

    if not complaints:
        return np.zeros(len(place.sirets), np.int64)
    recent = _joined(complaints[-4:], Complaints)
    keep = (recent.day >= today - 120) & (recent.kind != NOISE)
    heard = KDTree(np.column_stack([recent.east[keep], recent.north[keep]]))
    places = np.column_stack([place.east, place.north])
    return np.asarray(heard.query_ball_point(places, _NEAR_KM, return_length=True), dtype=np.int64)


def _complaints(rng: np.random.Generator, truth: Truth, days: Ints) -> Complaints:
    """Draw the complaints of a month: more where the risk is high, some that speak of something else."""
    import numpy as np

    place = truth.place
    everyone = np.arange(len(place.sirets))
    middle = np.full(len(everyone), days[len(days) // 2])
    risk = truth.log_odds(everyone, middle) - law.ALPHA
    rate = 0.014 * np.sqrt(place.covers / 60) * np.exp(1.0 * risk) * (place.opened <= days[0])
    number = rng.poisson(rate)
    about = np.repeat(everyone, number)
    noise = rng.choice(everyone, rng.poisson(0.006 * len(everyone)))
    rows = np.concatenate([about, noise])
    pests = pest_pressure(place, truth.pests, rows, np.full(len(rows), middle[0]))
    kind = np.where(rng.random(len(rows)) < pests / (pests + 1.5), 0, rng.integers(0, NOISE, len(rows)))
    kind[len(about) :] = NOISE
    day = np.sort(rng.choice(days, len(rows)))
    order = rng.permutation(len(rows))
    return Complaints(
        day=day,
        east=(place.east[rows] + rng.normal(0, 0.05, len(rows)))[order],
        north=(place.north[rows] + rng.normal(0, 0.05, len(rows)))[order],
        kind=kind[order],
    )


def _joined(parts: list[_Columns], kind: type[_Columns]) -> _Columns:
    """Put monthly parts end to end."""
    import numpy as np

    names = [field.name for field in fields(kind)]
    return kind(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})

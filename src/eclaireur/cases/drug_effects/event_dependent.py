"""A case series when the event prevents later exposures, as a vaccine that is no longer given after it.

Farrington, Whitaker and Hocine, "Case series analysis for censored, perturbed, or curtailed post-event
exposures", Biostatistics 10, 2009. What happens after the event is not used: each person is read once for
each number of doses received before it, as if no other had followed, and an event that a later dose made more
likely counts for less by as much. Intervals come from the variation between persons (sandwich).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from eclaireur.cases.drug_effects.case_series import Effect, Fit, conditional, newton, person_sums, slopes_at
from eclaireur.cases.drug_effects.windows import Design, Window, design

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from eclaireur.cases.drug_effects.histories import Histories

__all__ = ["fit_event_dependent"]

_Z = 1.959963984540054
_ROUNDS = 200


def fit_event_dependent(
    histories: Histories, windows: Sequence[Window], *, ages: Sequence[int] = (), months: bool = False
) -> Fit:
    """Fit windows after the exposures of one drug, using only what precedes each person's event.

    Parameters
    ----------
    histories
        With one event a person and ``end`` as it would have been without the event.
    windows
        Of one drug, none before the exposure.

    Raises
    ------
    ValueError
        If a person has several events, or a window precedes the exposure.
    """
    import numpy as np

    if len(np.unique(histories.event_person)) != len(histories.event_person):
        raise ValueError("one event a person is needed")
    if any(window.first < 0 for window in windows) or len({window.drug for window in windows}) != 1:
        raise ValueError("windows must follow the exposures of one drug")
    states, owner, top = _states(histories)
    made = design(states, windows, ages=ages, months=months)
    inside = np.flatnonzero(made.events)
    kept = made.events @ made.columns > 0
    made = replace(made, columns=made.columns[:, kept])
    columns = made.columns.toarray()
    shown = int(kept[: len(windows)].sum())
    # What the doses of the last state add, at the event, to each earlier state of the same person.
    added = columns[inside][top][:, :shown] - columns[inside][:, :shown]

    def weights(beta: NDArray[np.float64]) -> NDArray[np.float64]:
        events = np.zeros(len(made.events))
        events[inside] = np.exp(-added @ beta[:shown])
        return events

    beta, every = np.zeros(columns.shape[1]), np.arange(columns.shape[1])
    for _ in range(_ROUNDS):
        weighed = replace(made, events=weights(beta))
        last, beta = beta, newton(partial(slopes_at, weighed, free=every), len(every))[0]
        if np.abs(beta - last).max() < 1e-9:
            break

    def scores(at: NDArray[np.float64]) -> NDArray[np.float64]:
        return _scores(replace(made, events=weights(at)), at)

    each = np.zeros((len(histories.persons), len(beta)))
    np.add.at(each, owner, scores(beta))
    step = 1e-5
    moved = [
        (scores(beta + step * one).sum(0) - scores(beta - step * one).sum(0)) / (2 * step)
        for one in np.eye(len(beta))
    ]
    inverse = np.linalg.pinv(np.array(moved).T)
    errors = np.sqrt(np.diag(inverse @ (each.T @ each) @ inverse.T))
    seen = columns[inside][np.unique(top)][:, :shown].sum(0)
    effects, at = [], 0
    for number, window in enumerate(windows):
        if not kept[number]:
            effects.append(_none(window.name))
            continue
        low, high = np.exp(beta[at] + _Z * errors[at] * np.array([-1.0, 1.0]))
        effects.append(
            Effect(
                name=window.name,
                ratio=float(np.exp(beta[at])),
                low=float(low),
                high=float(high),
                events=int(seen[at]),
                log_ratio=float(beta[at]),
                error=float(errors[at]),
            )
        )
        at += 1
    return Fit(
        effects=tuple(effects),
        log_likelihood=float("nan"),
        coefficients=beta,
        persons=len(histories.persons),
        events=len(histories.event_person),
    )


def _none(name: str) -> Effect:
    infinite = float("inf")
    return Effect(name=name, ratio=0.0, low=0.0, high=infinite, events=0, log_ratio=-infinite, error=infinite)


def _states(histories: Histories) -> tuple[Histories, NDArray[np.int64], NDArray[np.int64]]:
    """Return one pseudo-person a person and number of doses, its person, and the place of its last state."""
    import numpy as np

    event = np.zeros(len(histories.persons), np.int64)
    event[histories.event_person] = histories.event_day
    starts: list[int] = []
    owner: list[int] = []
    top: list[int] = []
    doses: list[tuple[int, int]] = []
    order = np.lexsort((histories.dose_day, histories.dose_person))
    given: dict[int, list[int]] = {}
    for person, day in zip(
        histories.dose_person[order].tolist(), histories.dose_day[order].tolist(), strict=True
    ):
        if day <= event[person]:
            given.setdefault(person, []).append(day)
    for person in range(len(histories.persons)):
        days = given.get(person, [])
        early = [day for day in days if day <= histories.start[person]]
        opened = [int(histories.start[person]), *days[len(early) :]]
        last = len(starts) + len(opened) - 1
        for number, start in enumerate(opened):
            doses += [(len(starts), day) for day in days[: len(early) + number]]
            starts.append(start)
            owner.append(person)
            top.append(last)
    owners = np.array(owner)
    dose = np.array(doses, np.int64).reshape(-1, 2)
    states = replace(
        histories,
        persons=[str(at) for at in owner],
        start=np.array(starts, np.int64),
        end=histories.end[owners],
        event_person=np.arange(len(owner)),
        event_day=event[owners],
        dose_person=dose[:, 0],
        dose_day=dose[:, 1],
        dose_end=dose[:, 1],
        dose_drug=np.zeros(len(dose), np.int64),
        origin=None if histories.origin is None else histories.origin[owners],
    )
    return states, owners, np.array(top)


def _scores(design: Design, beta: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the gradient of each pseudo-person, of shape (n, p)."""
    import numpy as np

    _, share, counts = conditional(design, design.log_days + design.columns @ beta)
    seen = person_sums(design, design.events, design.columns)
    means = person_sums(design, share, design.columns)
    return np.asarray(seen - counts[:, None] * means)

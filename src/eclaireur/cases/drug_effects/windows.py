"""Risk windows around exposures, cut with age and season into intervals of constant risk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eclaireur.cases.drug_effects.terms import spline_basis, spline_knots

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from eclaireur.cases.drug_effects.histories import Histories

__all__ = ["Design", "Frame", "Window", "after_exposure", "design", "frame_of"]

_SPLINE_STEP = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Days of a supposed risk, counted from the first day of an exposure, both inclusive.

    Parameters
    ----------
    drug
        Name of the exposure.
    first, last
        Days from the exposure; negative before it (pre-exposure window). ``last`` None is the end of the
        exposure itself.
    dose
        Number of the dose of one person, from 1, when each has its own effect; None for all alike.
    """

    drug: str
    first: int
    last: int | None = None
    dose: int | None = None

    @property
    def name(self) -> str:
        """Return the window in French: ``MMR, jours 15 à 28``."""
        last = "la fin" if self.last is None else str(self.last)
        dose = "" if self.dose is None else f", dose {self.dose}"
        return f"{self.drug}{dose}, jours {self.first} à {last}"


def after_exposure(histories: Histories, *, last: int) -> tuple[Window, ...]:
    """Return one window a drug: the exposure itself when it lasts, else the days after it, up to ``last``."""
    import numpy as np

    lasting = set(np.unique(histories.dose_drug[histories.dose_end > histories.dose_day]).tolist())
    return tuple(
        Window(drug=drug, first=0, last=None if at in lasting else last)
        for at, drug in enumerate(histories.drugs)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """Intervals of constant risk, sorted by person.

    Parameters
    ----------
    first
        Place of the first interval of each person, of shape (n,).
    log_days
        Logarithm of the days of each interval, of shape (t,).
    columns
        One column a parameter, of shape (t, p): windows first, then age and season. Sparse: an interval has
        a few.
    events
        Events in each interval, of shape (t,).
    windows
        The windows of the first columns.
    """

    first: NDArray[np.int64]
    log_days: NDArray[np.float64]
    columns: csr_array
    events: NDArray[np.float64]
    windows: tuple[Window, ...]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """What a spline of age takes from all persons: the first day that is seen, and the knots."""

    low: int
    knots: NDArray[np.float64]


def frame_of(histories: Histories, spline: int) -> Frame:
    """Return the frame of a spline of so many pieces, for designs of some of these persons."""
    return Frame(int(histories.start.min()), spline_knots(histories, spline))


def design(
    histories: Histories,
    windows: Sequence[Window],
    *,
    ages: Sequence[int] = (),
    spline: int = 0,
    months: bool = False,
    frame: Frame | None = None,
) -> Design:
    """Cut each history into intervals on which nothing changes.

    Where windows of one drug overlap, the latest exposure wins, and a window before an exposure never covers
    one after another.

    Parameters
    ----------
    ages
        First days of the second age group and the next ones.
    spline
        Number of pieces of a cubic spline of age, instead of groups; 0 for none.
    months
        Adjust for the month of the year; `Histories.origin` is needed.
    frame
        Of the spline, when these are some of the persons of a study; their own when not given.
    """
    import numpy as np
    from scipy.sparse import hstack

    n = len(histories.persons)
    low = int(histories.start.min())
    width = int(histories.end.max()) - low + 2
    whole = np.arange(n)
    spans = [_spans(histories, window) for window in windows]
    cuts = [(whole, histories.start), (whole, histories.end + 1)]
    for person, begin, finish, _ in spans:
        cuts += [(person, begin), (person, finish + 1)]
    regular = list(ages)
    if spline:
        frame = frame_of(histories, spline) if frame is None else frame
        regular += list(range(frame.low, low + width, _SPLINE_STEP))
    cuts += [(whole, np.full(n, day)) for day in regular]
    if months:
        cuts += _month_starts(histories)
    person = np.concatenate([one for one, _ in cuts])
    day = np.concatenate([one for _, one in cuts])
    inside = (day >= histories.start[person]) & (day <= histories.end[person] + 1)
    keys = np.unique(person[inside] * width + day[inside] - low)
    owner, begin = keys // width, keys % width + low
    last = np.append(owner[1:] != owner[:-1], True)
    kept = ~last
    days = np.append(begin[1:] - begin[:-1], 0)[kept]
    owner, begin, keys = owner[kept], begin[kept], keys[kept]
    blocks = [_window_columns(histories, windows, spans, keys, width, low)]
    names = [window.name for window in windows]
    if ages and not spline:
        group = np.searchsorted(np.asarray(ages), begin, side="right")
        blocks.append(_indicators(group, len(ages) + 1))
        names += [f"âge à partir de {cut} jours" for cut in ages]
    if frame is not None:
        basis = spline_basis(begin + (days - 1) / 2, frame.knots)
        blocks.append(basis)
        names += [f"âge, courbe {at + 1}" for at in range(basis.shape[1])]
    if months:
        blocks.append(_indicators(_months(histories, owner, begin), 12))
        names += [f"mois {month}" for month in range(2, 13)]
    at = np.searchsorted(keys, histories.event_person * width + histories.event_day - low, side="right") - 1
    return Design(
        first=np.searchsorted(owner, whole),
        log_days=np.log(days),
        columns=hstack(blocks, format="csr"),
        events=np.bincount(at, minlength=len(keys)).astype(np.float64),
        windows=tuple(windows),
        names=tuple(names),
    )


_Span = tuple["NDArray[np.int64]", "NDArray[np.int64]", "NDArray[np.int64]", "NDArray[np.int64]"]


def _spans(histories: Histories, window: Window) -> _Span:
    """Return person, first day, last day and exposure day of each occurrence of a window."""
    import numpy as np

    chosen = histories.dose_drug == histories.drugs.index(window.drug)
    person, day, finish = (
        one[chosen] for one in (histories.dose_person, histories.dose_day, histories.dose_end)
    )
    order = np.lexsort((day, person))
    person, day, finish = person[order], day[order], finish[order]
    if window.dose is not None:
        rank = np.arange(len(person)) - np.searchsorted(person, person) + 1
        one = rank == window.dose
        person, day, finish = person[one], day[one], finish[one]
    begin = np.maximum(day + window.first, histories.start[person])
    until = np.minimum(finish if window.last is None else day + window.last, histories.end[person])
    some = begin <= until
    return person[some], begin[some], until[some], day[some]


def _window_columns(
    histories: Histories,
    windows: Sequence[Window],
    spans: Sequence[_Span],
    keys: NDArray[np.int64],
    width: int,
    low: int,
) -> csr_array:
    import numpy as np

    inside: list[NDArray[np.int64]] = []
    columns: list[NDArray[np.int64]] = []
    for drug in {window.drug for window in windows}:
        state = np.full(len(keys), -1)
        rows = [
            np.stack([person, begin, until, day, np.full(len(person), at)])
            for at, (person, begin, until, day) in enumerate(spans)
            if windows[at].drug == drug
        ]
        person, begin, until, day, which = np.concatenate(rows, axis=1)
        before = np.array([window.first < 0 for window in windows])[which]
        order = np.lexsort((begin, day, ~before))
        left = np.searchsorted(keys, (person * width + begin - low)[order])
        right = np.searchsorted(keys, (person * width + until - low)[order], side="right")
        sizes = right - left
        at = np.repeat(left - (np.cumsum(sizes) - sizes), sizes) + np.arange(sizes.sum())
        state[at] = np.repeat(which[order], sizes)
        some = np.flatnonzero(state >= 0)
        inside.append(some)
        columns.append(state[some])
    return _ones(np.concatenate(inside), np.concatenate(columns), (len(keys), len(windows)))


def _ones(row: NDArray[np.int64], column: NDArray[np.int64], shape: tuple[int, int]) -> csr_array:
    import numpy as np
    from scipy.sparse import csr_array

    return csr_array((np.ones(len(row)), (row, column)), shape=shape)


def _indicators(group: NDArray[np.int64], count: int) -> csr_array:
    """Return one column a group but the first."""
    import numpy as np

    some = np.flatnonzero(group)
    return _ones(some, group[some] - 1, (len(group), count - 1))


def _months(histories: Histories, owner: NDArray[np.int64], day: NDArray[np.int64]) -> NDArray[np.int64]:
    import numpy as np

    if histories.origin is None:
        raise ValueError("months need the date of day 0 of each person")
    dates = (histories.origin[owner] + day).astype("datetime64[D]").astype("datetime64[M]")
    found: NDArray[np.int64] = dates.astype(np.int64) % 12
    return found


def _month_starts(histories: Histories) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    import numpy as np

    if histories.origin is None:
        raise ValueError("months need the date of day 0 of each person")
    origin = histories.origin
    first = (origin + histories.start).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    last = (origin + histories.end).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    sizes = last - first + 1
    person = np.repeat(np.arange(len(origin)), sizes)
    month = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes) + first[person]
    day = month.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) - origin[person]
    return [(person, day)]

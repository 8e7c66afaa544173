"""Age and season as terms of a likelihood that are not of interest: constant on cells, which cut the days."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from scipy.sparse import csr_array

    from eclaireur.cases.drug_effects.histories import Histories

__all__ = ["Terms", "no_terms", "spline_basis", "spline_knots", "terms_of"]

_PIECE = 14
"""Days on which a spline of age is held constant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Cells of age and season, and what each parameter adds in them.

    Parameters
    ----------
    cuts
        First days of the second piece of age and the next ones.
    months
        Group of each month of the year, of shape (12,); empty without season.
    basis
        One row a cell (piece of age, then group of months), one column a parameter.
    names
        Of the parameters, in French.
    """

    cuts: NDArray[np.int64]
    months: NDArray[np.int64]
    basis: NDArray[np.float64]
    names: tuple[str, ...]

    def logs(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the logarithm of the rate of each cell."""
        import numpy as np

        return np.asarray(np.einsum("cq,q->c", self.basis, values), np.float64)

    def cells(self, day: NDArray[np.int64], origin: NDArray[np.int64] | None) -> NDArray[np.int64]:
        """Return the cell of days; ``origin`` is the day 0 of the person of each."""
        import numpy as np

        piece = np.searchsorted(self.cuts, day, side="right").astype(np.int64)
        if not len(self.months):
            return piece
        dates = (_known(origin) + day).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
        return piece * (int(self.months.max()) + 1) + self.months[dates % 12]

    def starts(
        self, start: NDArray[np.int64], end: NDArray[np.int64], origin: NDArray[np.int64] | None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the person and first day of each stretch of one cell; ``end`` is excluded."""
        import numpy as np

        persons = np.arange(len(start))
        person, day = [persons], [start]
        for cut in self.cuts.tolist():
            inside = np.flatnonzero((start < cut) & (cut < end))
            person.append(inside)
            day.append(np.full(len(inside), cut))
        if len(self.months):
            zero = _known(origin)
            first, last = (
                (zero + one).astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
                for one in (start, end - 1)
            )
            sizes = last - first
            owner = np.repeat(persons, sizes)
            month = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes) + first[owner] + 1
            person.append(owner)
            day.append(month.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64) - zero[owner])
        return np.concatenate(person), np.concatenate(day)


def _known(origin: NDArray[np.int64] | None) -> NDArray[np.int64]:
    if origin is None:
        raise ValueError("months need the date of day 0 of each person")
    return origin


def no_terms() -> Terms:
    """Return one cell without parameter: nothing is adjusted."""
    import numpy as np

    none = np.zeros(0, np.int64)
    return Terms(cuts=none, months=none, basis=np.zeros((1, 0)), names=())


def terms_of(
    histories: Histories, *, ages: Sequence[int] = (), spline: int = 0, months: bool = False
) -> Terms:
    """Return the terms that adjust for age and season.

    A group of age or a month in which no event fell goes with the one before it: it tells nothing of itself.

    Parameters
    ----------
    ages
        First days of the second age group and the next ones.
    spline
        Number of pieces of a cubic spline of age, instead of groups; 0 for none. It is constant on a
        fortnight.
    months
        Adjust for the month of the year; `Histories.origin` is needed.
    """
    import numpy as np

    names: list[str] = []
    if spline:
        low, high = int(histories.start.min()), int(histories.end.max())
        cuts = np.arange(low + _PIECE, high + 1, _PIECE)
        middle = np.minimum(np.append(low, cuts) + (_PIECE - 1) / 2, high)
        age = spline_basis(middle, spline_knots(histories, spline)).toarray()
        names += [f"âge, courbe {at + 1}" for at in range(age.shape[1])]
    else:
        cuts = _with_events(np.array(sorted(ages), np.int64), histories.event_day)
        age = np.eye(len(cuts) + 1)[:, 1:]
        names += [f"âge à partir de {cut} jours" for cut in cuts.tolist()]
    group = np.zeros(0, np.int64)
    season = np.zeros((1, 0))
    if months:
        when = (_known(histories.origin)[histories.event_person] + histories.event_day).astype(
            "datetime64[D]"
        )
        seen = np.bincount(when.astype("datetime64[M]").astype(np.int64) % 12, minlength=12) > 0
        group = np.maximum(np.cumsum(seen) - 1, 0)
        season = np.eye(int(group.max()) + 1)[:, 1:]
        names += [f"mois {at + 1}" for at in np.flatnonzero(seen)[1:].tolist()]
    basis = np.concatenate([np.repeat(age, len(season), axis=0), np.tile(season, (len(age), 1))], axis=1)
    return Terms(cuts=cuts, months=group, basis=basis, names=tuple(names))


def _with_events(cuts: NDArray[np.int64], days: NDArray[np.int64]) -> NDArray[np.int64]:
    """Keep the cuts that open a group with events; the first group takes those that follow it empty."""
    import numpy as np

    counts = np.bincount(np.searchsorted(cuts, days, side="right"), minlength=len(cuts) + 1)
    kept = [at for at in range(len(cuts)) if counts[at + 1] and counts[: at + 1].sum()]
    return cuts[kept]


def spline_knots(histories: Histories, pieces: int) -> NDArray[np.float64]:
    """Return the knots of a cubic spline of age, inner ones at quantiles of the ages at events."""
    import numpy as np

    low, high = float(histories.start.min()), float(histories.end.max())
    inner = np.quantile(histories.event_day, np.arange(1, pieces) / pieces)
    return np.concatenate([[low] * 4, np.unique(inner), [high] * 4])


def spline_basis(day: NDArray[np.float64], knots: NDArray[np.float64]) -> csr_array:
    """Return cubic B-splines of age on these knots; the first is dropped, as they add up to 1."""
    from scipy.interpolate import BSpline

    return BSpline.design_matrix(day, knots, 3)[:, 1:]

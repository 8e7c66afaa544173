"""Numeric columns made comparable: constant ones set aside, missing values neutral, units removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eclaireur.core.errors import BadValueError, EmptyTableError
from eclaireur.core.french import count, spaced

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["MIN_ROWS", "Columns"]

MIN_ROWS = 30
"""Reference rows under which nothing is said: « trop peu pour conclure »."""

_NORMAL = 1.349
"""Interquartile range of the normal law of deviation 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What is usual for each column of the reference.

    Parameters
    ----------
    names
        Names of all columns, as the reader knows them.
    kept
        Positions of the columns that vary; the others say nothing.
    middle, spread
        Median and robust deviation of the kept columns (interquartile range, or the standard deviation when
        half of the values are equal).
    usual
        Tenth and ninetieth percentiles of the kept columns, shape ``(2, kept)``.
    """

    names: tuple[str, ...]
    kept: tuple[int, ...]
    middle: NDArray[np.float64]
    spread: NDArray[np.float64]
    usual: NDArray[np.float64]

    @classmethod
    def of(cls, rows: NDArray[np.float64], names: Sequence[str]) -> Columns:
        """Read the reference.

        Raises
        ------
        EmptyTableError
            There is no row.
        BadValueError
            Too few rows, no column that varies, an infinite value, or as many names as columns are not given.
        """
        import numpy as np

        _checked(rows, names)
        if not len(rows):
            raise EmptyTableError("La table de référence est vide.", fix="Donnez une période plus longue.")
        if len(rows) < MIN_ROWS:
            raise BadValueError(
                spaced(f"Trop peu pour conclure : {count(len(rows), 'ligne')} de référence, ")
                + f"il en faut au moins {MIN_ROWS}.",
                fix="Donnez une période ou un territoire plus larges.",
            )
        kept = [j for j in range(rows.shape[1]) if _varies(rows[:, j])]
        if not kept:
            raise BadValueError(
                "Aucune colonne ne varie : rien ne peut être dit inhabituel.",
                fix="Donnez au moins une colonne de nombres dont les valeurs changent.",
            )
        some = rows[:, kept]
        low, first, middle, third, high = np.nanpercentile(some, [10, 25, 50, 75, 90], axis=0)
        robust = (third - first) / _NORMAL
        return cls(
            names=tuple(names),
            kept=tuple(kept),
            middle=middle,
            spread=np.where(robust > 0, robust, np.nanstd(some, axis=0)),
            usual=np.stack([low, high]),
        )

    def values(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the kept columns as they are, missing values included."""
        _checked(rows, self.names)
        return rows[:, self.kept]

    def standard(self, rows: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the kept columns without unit: 0 is the median, and a missing value counts as the median."""
        import numpy as np

        return np.nan_to_num((self.values(rows) - self.middle) / self.spread, nan=0.0)


def _varies(column: NDArray[np.float64]) -> bool:
    import numpy as np

    there = column[~np.isnan(column)]
    return bool(there.size >= MIN_ROWS // 2 and there.min() < there.max())


def _checked(rows: NDArray[np.float64], names: Sequence[str]) -> None:
    import numpy as np

    if rows.ndim != 2 or rows.shape[1] != len(names):
        wide = rows.shape[1] if rows.ndim == 2 else 1
        raise BadValueError(
            f"La table a {count(wide, 'colonne')}, {len(names)} sont attendues.",
            fix="Donnez les mêmes colonnes, dans le même ordre, que la référence.",
        )
    if np.isinf(rows).any():
        column = names[int(np.argwhere(np.isinf(rows))[0, 1])]
        raise BadValueError(
            "Une valeur est infinie.",
            column=column,
            fix="Laissez vide une valeur qui n’a pas pu être mesurée.",
        )

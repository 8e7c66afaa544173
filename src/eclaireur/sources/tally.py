"""What a column holds, gathered block after block: its classes, how many rows have each, and where."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from eclaireur.sources import shapes
from eclaireur.sources.identifiers import announced
from eclaireur.sources.values import number_of

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Tally", "TooVariedError"]

_SHOWN = 50
_MOST = 300_000


class TooVariedError(Exception):
    """A column has too many values of unlike forms to be judged in bounded memory."""


@dataclass(slots=True)
class _Class:
    text: str
    count: int = 0
    lines: list[int] = field(default_factory=list)


class Tally:
    """One column over the blocks of a file; what `kinds.decide` asks of a column.

    Examples
    --------
    >>> import numpy as np
    >>> import pyarrow as pa
    >>> tally = Tally("Ville")
    >>> _ = tally.add(pa.array(["Nice", None, "Nice"]), np.array([2, 3, 4]))
    >>> tally.texts, tally.count(bool), tally.where(bool)
    (['Nice'], 2, (2, 4))
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.rows = 0
        self._classes: dict[tuple[str, int], _Class] = {}
        self._few: set[str] = set()
        self._called = next((one for one in announced(name) if one.kind in {"phone", "department"}), None)

    @property
    def texts(self) -> list[str]:
        """One value of each class, in the order of the file."""
        return [one.text for one in self._classes.values()]

    def where(self, wanted: Callable[[str], bool]) -> tuple[int, ...]:
        """Lines of the values that are wanted, the first fifty."""
        lines = [line for one in self._classes.values() if wanted(one.text) for line in one.lines]
        return tuple(sorted(lines)[:_SHOWN])

    def count(self, wanted: Callable[[str], bool]) -> int:
        """Rows whose value is wanted."""
        return sum(one.count for one in self._classes.values() if wanted(one.text))

    def few(self) -> int:
        """Distinct values, or eight when there are more."""
        return len(self._few)

    def add(self, column: pa.Array, lines: NDArray[np.int64]) -> shapes.Coded:
        """Take the values of a block, trimmed, and the line of each.

        Raises
        ------
        TooVariedError
            When the column has too many classes.
        """
        import numpy as np

        coded = shapes.code(column, called=self._called)
        self.rows += len(column)
        if len(self._few) < 8:
            self._few = set(sorted(self._few | set(coded.few))[:8])
        there = np.flatnonzero(coded.rows >= 0)
        of_row = coded.classes[coded.rows[there]] if len(there) else np.zeros(0, np.int64)
        counts = np.bincount(of_row, minlength=len(coded.keys))
        pairs = zip(coded.keys, coded.texts, strict=True)
        known = [self._classes.setdefault(key, _Class(text)) for key, text in pairs]
        if len(self._classes) > _MOST:
            raise TooVariedError
        for one, count in zip(known, counts.tolist(), strict=True):
            one.count += count
        needy = np.array([len(one.lines) < _SHOWN for one in known], bool)
        if needy.any() and len(there):
            rows = np.flatnonzero(needy[of_row])
            rows = rows[np.argsort(of_row[rows], kind="stable")]
            ends = np.cumsum(np.where(needy, counts, 0))
            for number in np.flatnonzero(needy).tolist():
                start = int(ends[number] - counts[number])
                some = there[rows[start : min(start + _SHOWN, int(ends[number]))]]
                known[number].lines += lines[some].tolist()[: _SHOWN - len(known[number].lines)]
        return coded

    def total(self, coded: shapes.Coded) -> float:
        """Return the sum of the numbers of a block, each read alone."""
        return coded.sum(number_of)

"""Judges and types the columns of a table as its blocks pass."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from eclaireur.sources.doubts import Damage
from eclaireur.sources.edges import trimmed
from eclaireur.sources.kinds import Decided, decide
from eclaireur.sources.reading import Doubt, Repair
from eclaireur.sources.tally import Tally

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["Done", "Feed", "Sink", "nothing"]

Sink = Callable[[list[str], list["pa.Array"], list["pa.Array"], "NDArray[np.int64]"], None]
"""Takes a block: names, text columns, typed columns and lines."""


def nothing(done: int) -> None:
    """Take the progress of a scan, and tell nobody."""
    del done


@dataclass(frozen=True, slots=True, kw_only=True)
class Done:
    """What a scan found: the columns, what was repaired and is doubtful, and how many rows passed.

    Parameters
    ----------
    stale
        Names of the columns whose blocks were typed on a guess that proved wrong.
    tallies
        What each column holds, from which its quality is measured.
    """

    names: list[str]
    decided: list[Decided]
    repairs: tuple[Repair, ...]
    doubts: tuple[Doubt, ...]
    rows: int
    stale: frozenset[str]
    tallies: list[Tally]


@dataclass(slots=True)
class _Column:
    """One column on its way: what it holds so far, and what it is taken for."""

    tally: Tally
    guess: Decided | None = None
    stale: bool = False
    sum: float = 0.0
    numeric: bool = False


class Feed:
    """Takes blocks of text columns, judges and types them, and passes them on.

    What a column holds is guessed from its first block, or ``known`` from a pass before, and decided at the
    end.

    Parameters
    ----------
    numeric
        Names of the columns to sum.
    machine
        A program wrote the numbers, with a decimal point.
    """

    def __init__(
        self,
        names: list[str],
        sink: Sink,
        *,
        known: Sequence[Decided] = (),
        numeric: Sequence[str] = (),
        machine: bool = False,
    ) -> None:
        self.names = names
        self.count = 0
        self._sink = sink
        self._machine = machine
        self._damage = Damage(names)
        self._columns = [_Column(Tally(name), numeric=name in numeric) for name in names]
        for one, decided in zip(self._columns, known, strict=False):
            one.guess = decided

    def put(self, found: list[pa.Array], lines: NDArray[np.int64], *, summed: bool = False) -> None:
        """Take the columns of a block; those that it lacks are empty.

        Parameters
        ----------
        summed
            Its numbers count in `sums`.
        """
        import pyarrow as pa

        missing = len(self.names) - len(found)
        found = [*found, *(pa.nulls(len(lines), pa.string()) for _ in range(missing))]
        typed = [
            self._typed(one, column, lines, summed=summed)
            for one, column in zip(self._columns, found, strict=True)
        ]
        self._damage.add(found, lines)
        self.count += len(lines)
        self._sink(self.names, found, typed, lines)

    def sums(self) -> list[float]:
        """Return the sum of the numbers of each column."""
        return [one.sum for one in self._columns]

    def done(self, repairs: Sequence[Repair], doubts: Sequence[Doubt]) -> Done:
        """Decide what each column holds."""
        decided = [decide(one.tally, machine=self._machine) for one in self._columns]
        stale = set()
        for one, final in zip(self._columns, decided, strict=True):
            guess = one.guess or final
            same = (guess.kind, guess.unit, guess.type, guess.sign) == (
                final.kind,
                final.unit,
                final.type,
                final.sign,
            )
            if one.stale or not same:
                stale.add(one.tally.name)
        said = (*doubts, *(doubt for one in decided for doubt in one.doubts), *self._damage.said())
        return Done(
            names=self.names,
            decided=decided,
            repairs=tuple(repairs),
            doubts=said,
            rows=self.count,
            stale=frozenset(stale),
            tallies=[one.tally for one in self._columns],
        )

    def _typed(self, one: _Column, column: pa.Array, lines: NDArray[np.int64], *, summed: bool) -> pa.Array:
        import pyarrow as pa

        clean = trimmed(column)
        coded = one.tally.add(clean, lines)
        if summed and one.numeric:
            one.sum += one.tally.total(coded)
        if one.guess is None:
            one.guess = decide(one.tally, machine=self._machine)
        if one.guess.read is None or one.guess.type is None:
            return clean
        typed = None if one.stale else coded.typed(one.guess.read, one.guess.type)
        if typed is None:
            one.stale = True
            return pa.nulls(len(column), one.guess.type)
        return typed

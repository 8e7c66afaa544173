"""What would change the result of a row, within what is allowed to change.

The nearest allowed change that takes the score across a limit (Wachter, Mittelstadt & Russell 2017; only
what can be acted on, Ustun, Spangher & Liu 2019). It says how the model answers, not what would
happen in the world: correlation is not cause.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING, Any

from eclaireur.core import french
from eclaireur.core.errors import BadValueError
from eclaireur.core.view import Facts

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["CAUTION", "Change", "Lever", "facts", "what_would_change"]

CAUTION = "C'est la réponse du modèle à d'autres valeurs, pas une promesse sur la réalité."

_CANDIDATES = 15


@dataclass(frozen=True, slots=True, kw_only=True)
class Lever:
    """A column that may change.

    Parameters
    ----------
    column, title
        Place of the column, and its French name.
    direction
        +1 when it may only rise, −1 only fall, 0 both.
    low, high
        Bounds of its values, None for those of the reference rows.
    say
        How a value is said; by default a number with two decimals at most.
    """

    column: int
    title: str
    direction: int = 0
    low: float | None = None
    high: float | None = None
    say: Callable[[float], str] | None = None

    def told(self, value: float) -> str:
        """Say a value in French."""
        if self.say is not None:
            return self.say(value)
        if value != value:  # noqa: PLR0124 only NaN differs from itself
            return "inconnu"
        return french.number(value, 0 if value == round(value) else 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """Values to change, the score before and after, and how far it is in shares of the reference rows."""

    moves: tuple[tuple[Lever, float, float], ...]
    before: float
    after: float
    effort: float

    @property
    def sentence(self) -> str:
        """The change in French."""
        parts = [
            f"« {lever.title} » passait de {lever.told(old)} à {lever.told(new)}"
            for lever, old, new in self.moves
        ]
        return (
            f"Si {' et si '.join(parts)}, le score passerait de {french.number(self.before, 2)} "
            f"à {french.number(self.after, 2)}."
        )


def what_would_change(
    score: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    row: NDArray[np.float64],
    levers: Sequence[Lever],
    reference: NDArray[np.float64],
    *,
    limit: float,
    most: int = 3,
) -> tuple[Change, ...]:
    """Return the nearest changes that take a row's score to the other side of a limit.

    One column is tried, then two when no single one is enough. Every answer is checked by the
    model itself.

    Parameters
    ----------
    score
        Scores of rows of columns.
    row
        Columns of the row, shape ``(features,)``.
    levers
        What may change; nothing else does.
    reference
        Rows whose values are plausible, shape ``(n, features)``: new values are among theirs.
    limit
        Score that decides; a row at the limit or above is on the upper side.
    most
        Most answers, one for each set of columns: the least effort first, then in the order of the levers.

    Raises
    ------
    BadValueError
        If nothing may change.

    Examples
    --------
    >>> import numpy as np
    >>> reference = np.linspace(0, 10, 101)[:, None]
    >>> lever = Lever(column=0, title="retards", direction=-1)
    >>> tenth = lambda rows: rows[:, 0] / 10
    >>> what_would_change(tenth, np.array([8.0]), [lever], reference, limit=0.5)[0].sentence
    'Si « retards » passait de 8 à 4,30, le score passerait de 0,80 à 0,43.'
    """
    import numpy as np

    if not levers:
        raise BadValueError("aucune variable n'est déclarée modifiable pour ce cas.")
    before = float(score(row[None, :])[0])
    above = before >= limit
    options = [_candidates(lever, row, reference) for lever in levers]
    found: list[Change] = []
    for size in (1, 2):
        for chosen in combinations(range(len(levers)), size):
            values = [options[at] for at in chosen]
            if any(not one.size for one in values):
                continue
            grid = np.stack([part.ravel() for part in np.meshgrid(*values, indexing="ij")], axis=1)
            rows = np.repeat(row[None, :], grid.shape[0], axis=0)
            for place, at in enumerate(chosen):
                rows[:, levers[at].column] = grid[:, place]
            after = score(rows)
            crossed = np.flatnonzero((after >= limit) != above)
            if not crossed.size:
                continue
            efforts = np.array(
                [
                    sum(
                        _effort(reference[:, levers[at].column], row[levers[at].column], grid[index, place])
                        for place, at in enumerate(chosen)
                    )
                    for index in crossed
                ]
            )
            best = int(crossed[int(np.argmin(efforts))])
            found.append(
                Change(
                    moves=tuple(
                        (levers[at], float(row[levers[at].column]), float(grid[best, place]))
                        for place, at in enumerate(chosen)
                    ),
                    before=before,
                    after=float(after[best]),
                    effort=float(efforts.min()),
                )
            )
        if found:
            break
    return tuple(sorted(found, key=lambda one: round(one.effort, 9))[:most])


def _candidates(
    lever: Lever, row: NDArray[np.float64], reference: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return new values to try: those of the reference rows, on the allowed side."""
    import numpy as np

    now = row[lever.column]
    column = reference[:, lever.column]
    known: NDArray[np.float64] = column[~np.isnan(column)]
    if not known.size:
        return known
    values = np.unique(known)
    if values.size > _CANDIDATES:
        values = np.unique(np.quantile(known, np.linspace(0, 1, _CANDIDATES), method="nearest"))
    low = -np.inf if lever.low is None else lever.low
    high = np.inf if lever.high is None else lever.high
    kept = (values >= low) & (values <= high) & (values != now)
    if lever.direction and not np.isnan(now):
        kept &= (values - now) * lever.direction > 0
    found: NDArray[np.float64] = values[kept]
    return found


def _effort(reference: NDArray[np.float64], old: Any, new: Any) -> float:
    """Return the share of reference rows between two values: the same step is dearer where many stand."""
    import numpy as np

    known = np.sort(reference[~np.isnan(reference)])
    start = 0.5 if np.isnan(old) else float(np.searchsorted(known, old)) / known.size
    return abs(float(np.searchsorted(known, new)) / known.size - start) + 1e-6


def facts(changes: Sequence[Change]) -> Facts:
    """Return the changes as a block."""
    pairs = tuple((str(at), change.sentence) for at, change in enumerate(changes, start=1))
    none = (("Réponse", "Aucun changement permis ne ferait passer la limite."),)
    return Facts(title="Ce qui changerait le résultat", pairs=(*(pairs or none), ("Attention", CAUTION)))

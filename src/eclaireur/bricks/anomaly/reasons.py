"""Which columns put a row out, in French sentences with the usual value."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from eclaireur.bricks.anomaly.columns import Columns
from eclaireur.bricks.anomaly.detectors import Distance, Tails
from eclaireur.bricks.anomaly.scale import Scale
from eclaireur.core.french import number, spaced

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["told"]

_WORTH = 1.0
"""Rarity under which a column is no reason: more than one reference row in ten is as far."""

_ENOUGH = 2.0
"""Rarity of a value alone from which it is told as such: fewer than one reference row in a hundred."""


def told(
    columns: Columns,
    tails: Tails,
    apart: Distance,
    unexpected: Sequence[Scale],
    rows: NDArray[np.float64],
    *,
    most: int = 3,
) -> list[list[dict[str, Any]]]:
    """Return the reasons of each row, the strongest first.

    A column is a reason by its value alone (it is in a tail), or because the row's other values let expect
    another one. The weight is the larger rarity: minus the logarithm in base 10 of the share of the reference
    that is as far. Once a column is told, what was expected in its place replaces its value, so that one
    wrong value does not make the others look wrong (the idea of Rousseeuw and Van den Bossche 2018,
    « Detecting deviating data cells »).

    Returns
    -------
    list of list of dict
        The columnar form of `core.types.Evidence`, as `bricks.explain` gives it.
    """
    import numpy as np

    values, standard = columns.values(rows), columns.standard(rows)
    low, high = tails.sides(values)
    alone = np.maximum(low, high) - np.log10(2)  # either tail counts: the share doubles
    found: list[list[dict[str, Any]]] = [[] for _ in rows]
    open_rows, done = np.arange(len(rows)), np.isnan(values)
    for _ in range(min(most, values.shape[1])):
        gaps, expected = apart.unexpected(standard)
        together = np.stack(
            [scale.rarity(abs(gap)) for scale, gap in zip(unexpected, gaps.T, strict=True)], axis=1
        )
        weight = np.where(done, 0.0, np.maximum(alone, together))
        # Of the columns that one wrong value puts out, its own gap is the largest (Cauchy and Schwarz).
        best = np.where(weight >= _WORTH, abs(gaps), -1.0).argmax(axis=1)
        open_rows = open_rows[weight[open_rows, best[open_rows]] >= _WORTH]
        for i in open_rows.tolist():
            j = int(best[i])
            found[i].append(
                _reason(
                    columns,
                    j,
                    value=float(values[i, j]),
                    weight=float(weight[i, j]),
                    above=bool(high[i, j] >= low[i, j]),
                    expected=None
                    if alone[i, j] >= min(_ENOUGH, together[i, j])
                    else float(columns.middle[j] + expected[i, j] * columns.spread[j]),
                )
            )
            standard[i, j], done[i, j] = expected[i, j], True
    return [sorted(reasons, key=lambda one: -one["weight"]) for reasons in found]


def _reason(
    columns: Columns, j: int, *, value: float, weight: float, above: bool, expected: float | None
) -> dict[str, Any]:
    name = columns.names[columns.kept[j]]
    low, middle, high = (float(one) for one in (columns.usual[0, j], columns.middle[j], columns.usual[1, j]))
    usual = f"d’habitude entre {_plain(low)} et {_plain(high)}, au milieu {_plain(middle)}"
    if low == high:
        usual = f"d’habitude {_plain(middle)}"
    if expected is None:
        side = "plus haut" if above else "plus bas"
        sentence = f"{name} : {_plain(value)}, {side} que presque toujours ({usual})"
    else:
        sentence = (
            f"{name} : {_plain(value)}, alors que les autres valeurs feraient attendre environ "
            f"{_plain(expected)} ({usual})"
        )
    return {
        "kind": "feature",
        "theme": "valeur inhabituelle" if expected is None else "valeurs qui ne vont pas ensemble",
        "sentence": spaced(sentence),
        "weight": weight,
        "observed": None,
        "source": "",
        "feature": name,
        "value": f"{value:.6g}",
    }


def _plain(value: float) -> str:
    """Write a number with three significant digits."""
    import math

    if not value:
        return "0"
    return number(value, min(6, max(0, 2 - math.floor(math.log10(abs(value))))))

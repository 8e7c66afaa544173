"""Contributions of a model become the few sentences that an agent reads."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Told", "reasons"]

Told = Callable[[int, float], "Mapping[str, Any]"]
"""Gives theme, sentence, source and feature name of a column's value, and ``dated`` when the fact is
that of the row's date in ``observed``."""


def reasons(
    contributions: NDArray[np.float64],
    columns: NDArray[np.float64],
    tell: Told,
    *,
    up: int = 4,
    down: int = 2,
    observed: Sequence[date | None] | None = None,
) -> list[list[dict[str, Any]]]:
    """Return the strongest reasons of each row, those that raise the score first.

    Two columns that say the same sentence (a place never seen has many empty columns) are one
    reason, whose weights add up.

    Parameters
    ----------
    contributions
        Shape ``(n, features)``, in log-odds, signed.
    columns
        Values of the features, shape ``(n, features)``.
    up, down
        Most reasons kept on each side; a row with any contribution has at least one.
    observed
        Date of the facts of each row, when they have one.

    Returns
    -------
    list of list of dict
        The columnar form of `core.types.Evidence` (`core.tables.reason_type`).
    """
    found = []
    for index in range(contributions.shape[0]):
        merged: dict[str, dict[str, Any]] = {}
        for column, weight in enumerate(contributions[index].tolist()):
            if not weight:
                continue
            value = float(columns[index, column])
            told = tell(column, value)
            reason = merged.setdefault(
                str(told["sentence"]),
                {
                    "kind": "feature",
                    "theme": told["theme"],
                    "sentence": told["sentence"],
                    "weight": 0.0,
                    "observed": observed[index] if observed and told.get("dated") else None,
                    "source": told["source"],
                    "feature": told["feature"],
                    "value": "" if value != value else f"{value:.6g}",  # noqa: PLR0124 NaN
                },
            )
            reason["weight"] += weight
        raising = sorted((one for one in merged.values() if one["weight"] > 0), key=_strongest)[:up]
        lowering = sorted((one for one in merged.values() if one["weight"] < 0), key=_strongest)[:down]
        found.append(raising + lowering)
    return found


def _strongest(reason: Mapping[str, Any]) -> tuple[float, str]:
    return -abs(reason["weight"]), str(reason["sentence"])

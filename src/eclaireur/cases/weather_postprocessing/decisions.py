"""What a chance is worth to who must act: alerts by the ratio of cost to loss, and impacts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.core.errors import BadValueError, EmptyTableError, MissingColumnError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Alert", "Exposure", "alerts", "exposures"]

_STATION = {"station", "nom", "poste", "site"}
_EXPOSED = {"exposés", "exposes", "exposed", "personnes", "population", "biens", "valeur", "habitants"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Alerting from a chance equal to the ratio of the cost of acting to the loss avoided.

    ``value`` is the share of what perfect forecasts would save that is saved, against the better of always or
    never acting: 1 is perfect, 0 is no use, below 0 is harm.
    """

    ratio: float
    alerts: int
    hits: int
    misses: int
    value: float


def alerts(
    chance: NDArray[np.float64], happened: NDArray[np.float64], ratios: Sequence[float]
) -> list[Alert]:
    """Return what alerts would have been worth, for each ratio (Richardson, 2000).

    >>> import numpy as np
    >>> [one.value for one in alerts(np.array([1.0, 0.0]), np.array([1.0, 0.0]), [0.2])]
    [1.0]
    """
    import numpy as np

    usual = float(happened.mean())
    found = []
    for ratio in ratios:
        told = chance >= ratio
        expense = ratio * told.mean() + float(np.mean(~told * happened))
        without, perfect = min(ratio, usual), ratio * usual
        found.append(
            Alert(
                ratio=ratio,
                alerts=int(told.sum()),
                hits=int((told * happened).sum()),
                misses=int((~told * happened).sum()),
                value=float((without - expense) / (without - perfect)) if without > perfect else 0.0,
            )
        )
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """How many people or assets a station stands for."""

    station: str
    exposed: float


def exposures(rows: Sequence[Mapping[str, Any]]) -> tuple[list[Exposure], list[tuple[int, str]]]:
    """Read a user's table: a column that names the station, and one that counts what is exposed.

    Returns
    -------
    tuple
        The exposures, and the lines that were set aside with their reason.

    Raises
    ------
    MissingColumnError
        If one of the two columns is not there.
    BadValueError
        If no line can be read.
    """
    if not rows:
        raise EmptyTableError("le tableau n'a aucune ligne.", fix="Vérifiez le fichier.")
    station = _column(rows[0], _STATION, "station")
    exposed = _column(rows[0], _EXPOSED, "exposés")
    kept: list[Exposure] = []
    refused: list[tuple[int, str]] = []
    for line, row in enumerate(rows, start=2):
        name = str(row[station] or "").strip()
        count = _count(row[exposed])
        if not name:
            refused.append((line, "la station n'est pas nommée."))
        elif count is None:
            refused.append((line, f"« {row[exposed]} » n'est pas un nombre positif."))
        else:
            kept.append(Exposure(station=name, exposed=count))
    if not kept:
        raise BadValueError(f"aucune ligne ne peut être lue : {refused[0][1]}", fix="Corrigez le tableau.")
    return kept, refused


def _column(row: Mapping[str, Any], known: set[str], name: str) -> str:
    found = next((heading for heading in row if heading.strip().lower() in known), None)
    if found is None:
        raise MissingColumnError(
            "cette colonne manque.", column=name, fix="Donnez un tableau « station, exposés »."
        )
    return found


def _count(value: Any) -> float | None:
    try:
        found = float(
            str(value).replace("\u202f", "").replace("\u00a0", "").replace(" ", "").replace(",", ".")
        )
    except ValueError:
        return None
    return found if 0 <= found < float("inf") else None

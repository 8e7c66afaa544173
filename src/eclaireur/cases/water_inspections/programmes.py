"""The two monitoring programmes: what is measured, its limits, how often, and when a result is known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from eclaireur.bricks.predict.blend import Settings
from eclaireur.core import french
from eclaireur.core.errors import BadValueError, EmptyTableError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["PROGRAMMES", "Programme", "programme_of"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Programme:
    """A parameter that is monitored.

    Parameters
    ----------
    parameter, title
        Code in the tables, and French name.
    unit
        As it is written after a number.
    thresholds
        Limits in the unit, lowest first: the first is what the list ranks by.
    monthly
        True when a row is a station and a month; false, a station and a day.
    delay
        Days from sampling to the day a result is known, when the data do not say.
    least
        Smallest value told from zero, in the unit: below, the logarithm is that of this value.
    held_out
        Latest days kept aside to calibrate: a whole year where the season matters.
    settings
        How the model is fitted.
    """

    parameter: str
    title: str
    unit: str
    thresholds: tuple[float, ...]
    monthly: bool
    delay: int
    least: float
    held_out: int
    settings: Settings

    def said(self, value: float) -> str:
        """Write a value with its unit.

        >>> PROGRAMMES["nitrates"].said(31.4)
        '31,4\\xa0mg/L'
        """
        decimals = 0 if value >= 100 or value == round(value) else 1
        return f"{french.number(value, decimals)}\u00a0{self.unit}"

    def value(self, level: float) -> float:
        """Return the value whose level (logarithm of the ratio to the first limit) is given."""
        import math

        return self.thresholds[0] * math.exp(level)

    def period(self, day: date) -> date:
        """Return the first day of the period that holds a day."""
        return day.replace(day=1) if self.monthly else day

    def label(self) -> str:
        """Say what the list ranks by, in French."""
        return f"plus de {self.said(self.thresholds[0])}"


PROGRAMMES: dict[str, Programme] = {
    "nitrates": Programme(
        parameter="nitrates",
        title="Nitrates",
        unit="mg/L",
        thresholds=(25.0, 50.0),
        monthly=True,
        delay=30,
        least=0.5,
        held_out=365,
        settings=Settings(),
    ),
    "ecoli": Programme(
        parameter="ecoli",
        title="E. coli",
        unit="UFC/100\u00a0mL",
        thresholds=(235.0,),
        monthly=False,
        delay=1,
        least=5.0,
        held_out=28,
        # One season holds some two hundred exceedances on some tens of days: trees learn these by heart.
        settings=Settings(share=0.0),
    ),
}
"""Programmes by parameter."""


def programme_of(records: Mapping[str, pa.Table]) -> Programme:
    """Return the programme of the measurements of a source.

    Raises
    ------
    EmptyTableError
        If there is no measurement.
    BadValueError
        If they hold several parameters, or one that is not known.
    """
    found = sorted({str(one) for one in records["measures"]["parameter"].unique().to_pylist()})
    if not found:
        raise EmptyTableError("aucune mesure dans les données.", fix="Vérifiez le fichier des mesures.")
    if len(found) > 1:
        raise BadValueError(
            f"les mesures mêlent plusieurs paramètres : {', '.join(found)}.",
            fix="Donnez un fichier par paramètre, dans un espace de travail pour chacun.",
        )
    if found[0] not in PROGRAMMES:
        raise BadValueError(
            f"paramètre inconnu : « {found[0]} ».", fix=f"Paramètres connus : {', '.join(PROGRAMMES)}."
        )
    return PROGRAMMES[found[0]]

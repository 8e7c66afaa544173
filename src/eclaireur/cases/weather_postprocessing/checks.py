"""What a forecast must be, row by row: numbers, in one unit, with enough members; else why it is not used."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from eclaireur.cases.weather_postprocessing.documented import KELVIN, RAIN
from eclaireur.core import french

__all__ = ["Rejected", "checked", "in_celsius"]

_COLDEST, _HOTTEST = -95.0, 65.0
_MOST_RAIN = 3000.0
_LEAST_MEMBERS = 2
_PLACE = ("latitude", "longitude", "elevation")


@dataclass(frozen=True, slots=True)
class Rejected:
    """A row that was set aside; ``lines`` when it was made of several."""

    file: str
    line: int
    reason: str
    lines: tuple[int, ...] = ()


def checked(told: Mapping[str, Any], *, decimal_comma: bool = False) -> tuple[dict[str, Any] | None, str]:
    """Return a row in the units of the working tables, or None and the reason.

    ``told`` holds ``day``, ``said_day``, ``issued``, ``station``, ``variable``, ``members``, ``observed``,
    ``latitude``, ``longitude`` and ``elevation``; numbers may be text. What was repaired is the ``remark``.

    >>> row, _ = checked({"day": 1, "variable": "temperature", "members": ["273.15", "1", "x"]})
    >>> row["members"], row["unit"]
    ([0.0, 1.0], 'K')
    """
    if told.get("day") is None:
        return None, f"« {told.get('said_day', '')} » n'est pas une date."
    rain = told["variable"] == RAIN
    values = [_number(one, decimal_comma=decimal_comma) for one in told["members"]]
    there = [value for value in values if value is not None]
    converted = [_converted(value, rain=rain) for value in there]
    members = [value for value in converted if value is not None]
    if len(members) < len(there):
        worst = there[converted.index(None)]
        if rain:
            return None, f"un membre annonce {worst:g} mm de pluie : impossible."
        return None, f"un membre annonce une température de {worst:g}, ni en °C ni en kelvins."
    if len(members) < _LEAST_MEMBERS:
        return None, f"{len(members)} membre lisible sur {len(values)} : il en faut deux."
    kelvin = 0 if rain else sum(value > _HOTTEST for value in there)
    place = {name: _number(told.get(name), decimal_comma=decimal_comma) for name in _PLACE}
    said = _number(told.get("observed"), decimal_comma=decimal_comma)
    observed = None if said is None else _converted(said, rain=rain)
    on_earth = _on_earth(place["latitude"], place["longitude"])
    told_apart = said is not None and not rain and (said > _HOTTEST) != (kelvin > 0)
    remarks = {
        f"{_missing(len(values) - len(members))} sur {len(values)}": len(members) < len(values),
        "membres en kelvins et en °C mêlés : tous mis en °C": 0 < kelvin < len(members),
        f"observation écartée : {said} est impossible": said is not None and observed is None,
        "observation et prévision dans deux unités : toutes mises en °C": told_apart and observed is not None,
        "coordonnées impossibles, écartées": not on_earth,
    }
    return {
        "day": told["day"],
        "issued": told.get("issued"),
        "station": told.get("station") or "",
        "variable": told["variable"],
        "unit": "mm" if rain else ("K" if kelvin else "°C"),
        "members": members,
        "value": observed,
        "remark": " ; ".join(text for text, true in remarks.items() if true),
        **place,
        **({} if on_earth else {"latitude": None, "longitude": None}),
    }, ""


def _converted(value: float, *, rain: bool) -> float | None:
    """Return millimetres or °C; None for what cannot be."""
    if rain:
        return value if 0 <= value <= _MOST_RAIN else None
    return in_celsius(value)


def _missing(count: int) -> str:
    return french.count(count, "membre manquant", "membres manquants")


def in_celsius(value: float) -> float | None:
    """Return a temperature in °C: kelvins and degrees cannot be taken for each other; None for neither.

    >>> in_celsius(-3.0), round(in_celsius(280.0), 2), in_celsius(120.0)
    (-3.0, 6.85, None)
    """
    if _COLDEST <= value <= _HOTTEST:
        return value
    celsius = round(value - KELVIN, 9)
    return celsius if _COLDEST <= celsius <= _HOTTEST else None


def _on_earth(latitude: float | None, longitude: float | None) -> bool:
    if latitude is not None and not -90 <= latitude <= 90:
        return False
    return longitude is None or -180 <= longitude <= 360


def _number(value: Any, *, decimal_comma: bool) -> float | None:
    if value is None or isinstance(value, float | int):
        return None if value is None or not math.isfinite(value) else float(value)
    text = str(value).strip()
    if decimal_comma:
        text = text.replace(",", ".")
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) else None

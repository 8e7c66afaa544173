"""Forecasts on a grid: fields of GRIB and NetCDF files, and their value at the nearest point of a station."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eclaireur.cases.weather_postprocessing.checks import Rejected, checked, in_celsius
from eclaireur.cases.weather_postprocessing.documented import RAIN, TEMPERATURE
from eclaireur.core.errors import BadValueError

if TYPE_CHECKING:
    from datetime import datetime

    import numpy as np
    from numpy.typing import NDArray

__all__ = ["AtStation", "Field", "Station", "at_stations", "ensemble_rows", "nearest"]

_EARTH = 6371.0
_FARTHEST = 30.0
_MOST_ROWS = 60_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One quantity at one time, for one member.

    Parameters
    ----------
    name
        As the file names it: ``2t``, ``tp``, ``msl``.
    variable
        ``rain``, ``temperature``, or empty for anything else.
    points
        Latitude and longitude of each point, shape ``(n, 2)``.
    names
        Names of the points when they are stations; empty for a grid.
    """

    name: str
    variable: str
    unit: str
    issued: datetime
    valid: datetime
    member: int
    points: NDArray[np.float64]
    values: NDArray[np.float64]
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Station:
    """A place where something is observed."""

    name: str
    latitude: float
    longitude: float
    elevation: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AtStation:
    """The value of a field at the point nearest to a station, and how far that is.

    ``value`` is in millimetres, °C or the unit of the field; ``kelvin`` says that it was converted.
    """

    station: str
    name: str
    valid: datetime
    value: float
    kilometres: float
    kelvin: bool


def nearest(
    points: NDArray[np.float64], stations: Sequence[Station]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the nearest point of each station, and its distance in kilometres.

    >>> import numpy as np
    >>> points = np.array([[48.0, 2.0], [44.0, 359.0]])
    >>> at, far = nearest(points, [Station(name="", latitude=44, longitude=-1)])
    >>> at.tolist(), far.round(3).tolist()
    ([1], [0.0])
    """
    import numpy as np
    from scipy.spatial import cKDTree

    asked = np.array([[one.latitude, one.longitude] for one in stations], np.float64).reshape(-1, 2)
    chord, at = cKDTree(_unit(points)).query(_unit(asked))
    return at.astype(np.int64), 2 * _EARTH * np.arcsin(np.clip(chord / 2, 0, 1))


def _unit(points: NDArray[np.float64]) -> NDArray[np.float64]:
    import numpy as np

    latitude, longitude = np.radians(points).T
    return np.column_stack(
        [np.cos(latitude) * np.cos(longitude), np.cos(latitude) * np.sin(longitude), np.sin(latitude)]
    )


def at_stations(
    fields: Sequence[Field], stations: Sequence[Station], *, farthest: float = _FARTHEST
) -> list[AtStation]:
    """Return each field at each station; those more than ``farthest`` km from any point are left out."""
    found: list[AtStation] = []
    known: dict[int, tuple[NDArray[np.int64], NDArray[np.float64]]] = {}
    for field in fields:
        if id(field.points) not in known:
            known[id(field.points)] = nearest(field.points, stations)
        at, far = known[id(field.points)]
        for station, place, distance in zip(stations, at.tolist(), far.tolist(), strict=True):
            value = float(field.values[place])
            if distance > farthest or value != value:  # noqa: PLR0124 - not a number
                continue
            celsius = in_celsius(value) if field.variable == TEMPERATURE else value
            if celsius is None:
                continue
            found.append(
                AtStation(
                    station=station.name,
                    name=field.name,
                    valid=field.valid,
                    value=celsius,
                    kilometres=distance,
                    kelvin=celsius != value,
                )
            )
    return found


def ensemble_rows(
    fields: Sequence[Field], *, file: str, stations: Sequence[Station] = ()
) -> tuple[list[dict[str, Any]], list[Rejected]]:
    """Return checked rows of an ensemble, one a place, issue and day (see `checks.checked`).

    Places are the stations given, else those of the file, else the points of its grid. One hour a day is
    kept: that of the first field.

    Raises
    ------
    BadValueError
        If the file holds no rain or temperature, or too many points.
    """
    ours = [field for field in fields if field.variable in {RAIN, TEMPERATURE}]
    if not ours:
        raise BadValueError(
            "aucun champ de pluie ni de température.", file=file, fix="Extrayez « 2t » ou « tp » du fichier."
        )
    hour = ours[0].valid.hour
    groups: dict[tuple[Any, ...], dict[int, Field]] = {}
    for field in ours:
        if field.valid.hour == hour:
            when = (field.variable, field.issued, field.valid)
            groups.setdefault(when, {})[field.member] = field
    usual = max(len(members) for members in groups.values())
    places = len(stations) or len(ours[0].values)
    if places * len(groups) > _MOST_ROWS:
        raise BadValueError(
            f"la grille a {places} points et {len(groups)} échéances : trop pour un tableau.",
            file=file,
            fix="Extrayez les points de vos stations, ou demandez le rapport « grid ».",
        )
    rows: list[dict[str, Any]] = []
    rejected = [
        Rejected(file, at, f"échéance de {field.valid:%H} h laissée : une seule heure par jour, {hour} h.")
        for at, field in enumerate(ours, start=1)
        if field.valid.hour != hour
    ]
    line = 0
    for (variable, issued, valid), members in sorted(groups.items(), key=lambda one: str(one[0])):
        for place in _places(list(members.values()), stations):
            line += 1
            told = {
                "day": valid.date(),
                "issued": issued.date(),
                "variable": variable,
                "members": place["values"] + [None] * (usual - len(members)),
                **{name: place[name] for name in ("station", "latitude", "longitude", "elevation")},
            }
            row, reason = checked(told)
            if row is None:
                rejected.append(Rejected(file, line, reason))
            else:
                rows.append(row | {"line": line})
    return rows, rejected


def _places(members: Sequence[Field], stations: Sequence[Station]) -> Iterator[Mapping[str, Any]]:
    """Go through the places of fields of one time, with the value of each member."""
    first = members[0]
    if stations:
        at, far = nearest(first.points, stations)
        for station, place, distance in zip(stations, at.tolist(), far.tolist(), strict=True):
            if distance <= _FARTHEST:
                yield {
                    "station": station.name,
                    "latitude": station.latitude,
                    "longitude": station.longitude,
                    "elevation": station.elevation,
                    "values": [float(member.values[place]) for member in members],
                }
        return
    for place, (latitude, longitude) in enumerate(first.points.tolist()):
        yield {
            "station": first.names[place] if first.names else "",
            "latitude": latitude,
            "longitude": longitude,
            "elevation": None,
            "values": [float(member.values[place]) for member in members],
        }

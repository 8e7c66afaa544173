"""A forecast on a grid, read at the stations that the records know."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from eclaireur.cases.weather_postprocessing.documented import RAIN
from eclaireur.cases.weather_postprocessing.grids import AtStation, Field, Station, at_stations
from eclaireur.core import french
from eclaireur.core.errors import BadValueError, EmptyTableError
from eclaireur.core.view import Block, Column, Facts, Table

if TYPE_CHECKING:
    from eclaireur.core.case import Records

__all__ = ["grid_blocks", "stations_of"]

_SHOWN = 500


def stations_of(records: Records) -> list[Station]:
    """Return the stations of the records that have a place."""
    forecasts = records["forecasts"].select(["name", "latitude", "longitude", "elevation"])
    found: dict[str, Station] = {}
    for row in (
        forecasts.group_by("name")
        .aggregate([("latitude", "max"), ("longitude", "max"), ("elevation", "max")])
        .to_pylist()
    ):
        if row["latitude_max"] is not None and row["longitude_max"] is not None:
            found[row["name"]] = Station(
                name=row["name"],
                latitude=row["latitude_max"],
                longitude=row["longitude_max"],
                elevation=row["elevation_max"],
            )
    return [found[name] for name in sorted(found)]


def grid_blocks(read: Any, records: Records) -> tuple[Block, ...]:
    """Return the values of a grid at the stations, beside what was observed the same day.

    Parameters
    ----------
    read
        The fields of a file and what was set aside in it, as `reading.read_grid` gives them.

    Raises
    ------
    InputError
        If no file was given, or no station lies on its grid.
    """
    if not isinstance(read, tuple):
        raise BadValueError("un fichier GRIB ou NetCDF est attendu.", fix="Donnez-le avec --input.")
    fields, rejected = read
    told = [field for field in fields if field.variable]
    found = at_stations(told, stations_of(records))
    if not found:
        raise EmptyTableError(
            "aucune station connue n'est sur la grille de ce fichier.", fix="Vérifiez les coordonnées."
        )
    kinds = {field.name: field.variable for field in told}
    observations = records["observations"]
    seen = dict(
        zip(
            zip(
                observations["subject"].to_pylist(),
                observations["variable"].to_pylist(),
                observations["observed"].to_pylist(),
                strict=True,
            ),
            observations["value"].to_pylist(),
            strict=True,
        )
    )
    rows = [_row(one, kinds[one.name], seen) for one in found]
    columns = (
        Column(key="station", title="Station"),
        Column(key="when", title="Échéance (UTC)"),
        Column(key="value", title="Au point le plus proche", align="right"),
        Column(key="far", title="Distance", align="right"),
        Column(key="seen", title="Observé ce jour", align="right"),
    )
    note = "Les kelvins sont mis en °C." if any(one.kelvin for one in found) else ""
    title = f"{french.count(len({one.station for one in found}), 'station')} sur la grille"
    blocks: list[Block] = [Table(title=title, columns=columns, rows=rows[:_SHOWN], note=note)]
    blocks.append(_said(fields, found, rejected))
    return tuple(blocks)


def _row(one: AtStation, variable: str, seen: dict[Any, float]) -> dict[str, Any]:
    unit = "mm" if variable == RAIN else "°C"
    value = seen.get((f"station:{one.station}", variable, one.valid.date()))
    return {
        "station": one.station,
        "when": f"{french.day(one.valid.date())} {one.valid:%H} h",
        "value": f"{french.number(one.value, 1)}\u00a0{unit}",
        "far": f"{french.number(one.kilometres, 1)}\u00a0km",
        "seen": "–" if value is None or math.isnan(value) else f"{french.number(value, 1)}\u00a0{unit}",
    }


def _said(fields: list[Field], found: list[AtStation], rejected: list[Any]) -> Facts:
    names = sorted({field.name for field in fields})
    pairs = [
        ("Champs lus", french.number(len(fields))),
        ("Grandeurs", ", ".join(names)),
        ("Membres", french.number(len({field.member for field in fields}))),
        ("Plus grande distance", f"{french.number(max(one.kilometres for one in found), 1)}\u00a0km"),
        *((f"Message {one.line} écarté", one.reason) for one in rejected[:20]),
    ]
    return Facts(title="Ce que le fichier contient", pairs=tuple(pairs))

"""Observations of SYNOP files as Météo-France publishes them, with the list of their stations."""

from __future__ import annotations

import csv
import gzip
import io
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from eclaireur.cases.weather_postprocessing.checks import Rejected, in_celsius
from eclaireur.cases.weather_postprocessing.grids import AtStation, Station
from eclaireur.core.errors import MissingColumnError

__all__ = ["Observed", "Pair", "paired", "read_stations", "read_synop"]

_MISSING = "mq"
_NEEDED = {"numer_sta", "date", "t"}
_LEAST_TRACE = -0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What a station saw at a time: temperature in °C, rain of the last 24 hours in mm, None when missing."""

    station: str
    when: datetime
    temperature: float | None
    rain: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A forecast at the nearest point with what was observed at the same station and time."""

    forecast: AtStation
    observed: Observed


def read_stations(path: Path) -> list[Station]:
    """Read the list of stations: number on five digits, place and elevation."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    reader = csv.DictReader(io.StringIO(text), delimiter=";" if ";" in text.partition("\n")[0] else ",")
    missing = {"ID", "Latitude", "Longitude", "Altitude"} - set(reader.fieldnames or ())
    if missing:
        raise MissingColumnError("cette colonne manque.", file=path.name, column=min(missing))
    return [
        Station(
            name=row["ID"].strip().zfill(5),
            latitude=float(row["Latitude"]),
            longitude=float(row["Longitude"]),
            elevation=float(row["Altitude"]),
        )
        for row in reader
    ]


def read_synop(path: Path) -> tuple[list[Observed], list[Rejected]]:
    """Read observations; kelvins become °C, a trace of rain (-0.1) becomes 0, missing values None.

    A row that is cut, or whose date or temperature is impossible, is set aside with its reason.

    Raises
    ------
    MissingColumnError
        If the file is no SYNOP file.
    """
    opened = gzip.open if path.suffix == ".gz" else open
    rows: list[Observed] = []
    rejected: list[Rejected] = []
    line = 1
    with opened(path, "rt", encoding="utf-8-sig", errors="replace", newline="") as stream:
        reader = csv.DictReader(stream, delimiter=";")
        try:
            missing = _NEEDED - set(reader.fieldnames or ())
            if missing:
                raise MissingColumnError("cette colonne manque.", file=path.name, column=min(missing))
            for row in reader:
                line += 1
                found = _observed(row)
                if isinstance(found, str):
                    rejected.append(Rejected(path.name, line, found))
                else:
                    rows.append(found)
        except EOFError:
            reason = "le fichier est coupé ici : ce qui suit n'a pas été lu."
            rejected.append(Rejected(path.name, line + 1, reason))
    return rows, rejected


def _observed(row: dict[str, str | None]) -> Observed | str:
    """Return what a row says, or why it is not used."""
    station, when, t = (row.get(name) or "" for name in ("numer_sta", "date", "t"))
    try:
        moment = datetime.strptime(when, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return f"« {when} » n'est pas une date de la forme AAAAMMJJHHMMSS."
    try:
        told = None if t in {_MISSING, ""} else float(t)
        rain = row.get("rr24")
        fallen = None if rain in {None, "", _MISSING} else float(str(rain))
    except ValueError:
        return "la température ou la pluie n'est pas un nombre."
    temperature = None if told is None else in_celsius(told)
    if told is not None and temperature is None:
        return f"température de {told:g}, ni en °C ni en kelvins."
    if fallen is not None and fallen < _LEAST_TRACE:
        return f"pluie de {fallen:g} mm : impossible."
    return Observed(
        station=station.zfill(5),
        when=moment,
        temperature=temperature,
        rain=None if fallen is None else max(fallen, 0.0),
    )


def paired(forecasts: list[AtStation], observed: list[Observed]) -> list[Pair]:
    """Join forecasts and observations of the same station and time."""
    seen = {(one.station, one.when): one for one in observed}
    return [
        Pair(forecast=one, observed=seen[one.station, one.valid])
        for one in forecasts
        if (one.station, one.valid) in seen
    ]

"""NetCDF files: an ensemble by time, member and place, on a grid or at stations."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.cases.weather_postprocessing.checks import Rejected
from eclaireur.cases.weather_postprocessing.documented import RAIN, TEMPERATURE
from eclaireur.cases.weather_postprocessing.grids import Field
from eclaireur.core.errors import BadValueError, ExtraMissingError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["read_netcdf"]

_MEMBERS = {"member", "number", "realization", "ensemble", "membre"}
_TIMES = {"time", "valid_time", "temps"}
_LATITUDE, _LONGITUDE = {"latitude", "lat"}, {"longitude", "lon"}
_STATIONS = {"station_name", "station", "station_id", "name"}
_UNITS = {"seconds": 1, "minutes": 60, "hours": 3600, "days": 86400}
_SINCE = re.compile(r"(seconds|minutes|hours|days) since (\d{4}-\d{1,2}-\d{1,2})(?:[T ](\d{1,2}:\d{2}))?.*")


def read_netcdf(path: Path) -> tuple[list[Field], list[Rejected]]:
    """Read the quantities that have a time and a place; others are set aside with their reason.

    Raises
    ------
    ExtraMissingError
        If the library is not installed.
    BadValueError
        If the file is cut or damaged, or holds no such quantity.
    """
    with path.open("rb") as stream:
        classic = stream.read(3) == b"CDF"
    try:
        content = _classic(path) if classic else _current(path)
    except (OSError, KeyError, ValueError, TypeError, RuntimeError, IndexError) as error:
        raise BadValueError(
            "ce fichier NetCDF est coupé ou abîmé.", file=path.name, fix="Téléchargez-le de nouveau."
        ) from error
    return _fields(content, path.name)


@dataclass(frozen=True, slots=True)
class _Variable:
    dimensions: tuple[str, ...]
    values: NDArray[Any]
    attrs: Mapping[str, Any]

    def __getitem__(self, _: object) -> NDArray[Any]:
        """Return the values."""
        return self.values

    @property
    def shape(self) -> tuple[int, ...]:
        return self.values.shape


@dataclass(frozen=True, slots=True)
class _Content:
    variables: Mapping[str, _Variable]


def _current(path: Path) -> _Content:
    """Read NetCDF 4."""
    import numpy as np

    try:
        import h5netcdf  # type: ignore[import-untyped]

        content = h5netcdf.File(path, "r")
    except ImportError as error:
        raise ExtraMissingError(
            "la lecture des fichiers NetCDF 4 n'est pas installée.",
            fix="Lancez : ./eclaireur install weather",
        ) from error
    with content:
        return _Content(
            {
                name: _Variable(tuple(one.dimensions), np.asarray(one[...]), dict(one.attrs))
                for name, one in content.variables.items()
            }
        )


def _classic(path: Path) -> _Content:
    """Read NetCDF 3."""
    import numpy as np
    from scipy.io import netcdf_file

    with netcdf_file(path, "r", mmap=False) as content:
        return _Content(
            {
                name: _Variable(tuple(one.dimensions), np.array(one[...]), _words(one._attributes))  # noqa: SLF001
                for name, one in content.variables.items()
            }
        )


def _words(attributes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        for name, value in attributes.items()
    }


def _fields(content: _Content, file: str) -> tuple[list[Field], list[Rejected]]:
    latitude, longitude = _named(content, _LATITUDE), _named(content, _LONGITUDE)
    time = _named(content, _TIMES)
    if latitude is None or longitude is None or time is None:
        raise BadValueError(
            "il manque le temps, la latitude ou la longitude.",
            file=file,
            fix="Nommez-les « time », « lat », « lon ».",
        )
    times = _times(content.variables[time], file)
    fields: list[Field] = []
    rejected: list[Rejected] = []
    place_axes = content.variables[latitude].dimensions + content.variables[longitude].dimensions
    for at, (name, one) in enumerate(content.variables.items(), start=1):
        axes = one.dimensions
        if one.values.dtype.kind not in "iuf":
            continue
        if name in {latitude, longitude, time} or not set(place_axes) <= set(axes) or len(axes) < 2:
            continue
        others = [axis for axis in axes if axis not in place_axes and axis.lower() not in _TIMES | _MEMBERS]
        if any(one.shape[axes.index(axis)] > 1 for axis in others):
            rejected.append(Rejected(file, at, f"« {name} » a un axe inconnu : {', '.join(others)}."))
            continue
        fields += _of_variable(content, name, times, (latitude, longitude))
    if not fields:
        raise BadValueError("aucune grandeur n'a un temps et un lieu.", file=file)
    return fields, rejected


def _of_variable(content: _Content, name: str, times: list[datetime], place: tuple[str, str]) -> list[Field]:
    """Cut one quantity into fields: axes are put in the order time, member, place."""
    import numpy as np

    one = content.variables[name]
    axes = list(one.dimensions)
    values = _unpacked(one)
    points, place_axes = _points(content, *place)
    time = [axis for axis in axes if axis.lower() in _TIMES]
    member = [axis for axis in axes if axis.lower() in _MEMBERS]
    rest = [axis for axis in axes if axis not in (*time, *member, *place_axes)]
    values = np.transpose(values, [axes.index(axis) for axis in (*rest, *time, *member, *place_axes)])
    shape = (len(times) if time else 1, one.shape[axes.index(member[0])] if member else 1, len(points))
    values = values.reshape(shape)
    unit = str(one.attrs.get("units", ""))
    variable = _variable(name, str(one.attrs.get("standard_name", "")), unit)
    if variable == RAIN and unit == "m":
        values, unit = values * 1000, "mm"
    names = _names(content, place_axes)
    issued = _issued(content, times)
    return [
        Field(
            name=name,
            variable=variable,
            unit=unit,
            issued=min(issued, valid),
            valid=valid,
            member=number,
            points=points,
            values=values[at, number],
            names=names,
        )
        for at, valid in enumerate(times if time else times[:1])
        for number in range(shape[1])
    ]


def _named(content: _Content, known: set[str]) -> str | None:
    return next((name for name in content.variables if name.lower() in known), None)


def _variable(name: str, standard: str, unit: str) -> str:
    plain = f"{name} {standard}".lower()
    if re.search(r"precip|rain|pluie|\btp\b|\brr", plain):
        return RAIN
    if "temperature" in plain or name.lower() in {"2t", "t2m", "t", "tas"} or unit in {"K", "degC"}:
        return TEMPERATURE
    return ""


def _unpacked(one: _Variable) -> NDArray[np.float64]:
    import numpy as np

    raw = np.asarray(one[...])
    values = raw.astype(np.float64)
    for key in ("_FillValue", "missing_value"):
        if key in one.attrs:
            values[raw == np.asarray(one.attrs[key]).ravel()[0]] = np.nan
    scale = float(np.asarray(one.attrs.get("scale_factor", 1.0)).ravel()[0])
    return np.asarray(values * scale + float(np.asarray(one.attrs.get("add_offset", 0.0)).ravel()[0]))


def _points(content: _Content, latitude: str, longitude: str) -> tuple[NDArray[np.float64], tuple[str, ...]]:
    """Return the points, and the axes over which they lie: two of a grid, or one of stations."""
    import numpy as np

    north, east = content.variables[latitude], content.variables[longitude]
    lat, lon = np.asarray(north[...], np.float64), np.asarray(east[...], np.float64)
    if north.dimensions == east.dimensions:
        return np.column_stack([lat.ravel(), lon.ravel()]), tuple(north.dimensions)
    whole = np.meshgrid(lat, lon, indexing="ij")
    return np.column_stack([axis.ravel() for axis in whole]), (*north.dimensions, *east.dimensions)


def _names(content: _Content, axes: tuple[str, ...]) -> tuple[str, ...]:
    import numpy as np

    if len(axes) != 1:
        return ()
    for name, one in content.variables.items():
        if name.lower() in _STATIONS and one.dimensions[:1] == axes:
            values = np.asarray(one[...])
            if values.ndim == 2:  # one character per cell
                values = np.array([b"".join(row.tolist()) for row in values])
            told = [text.decode() if isinstance(text, bytes) else str(text) for text in values.tolist()]
            return tuple(text.strip("\0 ") for text in told)
    return ()


def _times(one: _Variable, file: str) -> list[datetime]:
    import numpy as np

    unit = str(one.attrs.get("units", ""))
    found = _SINCE.fullmatch(unit)
    if found is None:
        raise BadValueError(
            f"unité de temps inconnue : « {unit} ».", file=file, fix="Attendu : hours since …"
        )
    start = datetime.strptime(f"{found[2]} {found[3] or '0:00'}", "%Y-%m-%d %H:%M").replace(tzinfo=UTC)
    values = np.atleast_1d(np.asarray(one[...], np.float64))
    return [start + timedelta(seconds=float(value) * _UNITS[found[1]]) for value in values]


def _issued(content: _Content, times: list[datetime]) -> datetime:
    name = _named(content, {"forecast_reference_time", "reference_time", "run"})
    if name is None:
        return min(times)
    return _times(content.variables[name], name)[0]

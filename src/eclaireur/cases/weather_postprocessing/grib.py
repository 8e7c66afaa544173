"""GRIB files, by the library of the forecasting centres."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.cases.weather_postprocessing.checks import Rejected
from eclaireur.cases.weather_postprocessing.documented import RAIN, TEMPERATURE
from eclaireur.cases.weather_postprocessing.grids import Field
from eclaireur.core.errors import BadValueError, ExtraMissingError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["read_grib"]

_VARIABLES = {"2t": TEMPERATURE, "t": TEMPERATURE, "tp": RAIN, "tprate": ""}
_METRES = {"m": 1000.0, "m of water": 1000.0}


def read_grib(path: Path) -> tuple[list[Field], list[Rejected]]:
    """Read every message; one that is cut or damaged is set aside with its number, and the rest goes on.

    Raises
    ------
    ExtraMissingError
        If the library is not installed.
    BadValueError
        If no message can be read.
    """
    eccodes = _library()
    fields: list[Field] = []
    rejected: list[Rejected] = []
    shared: dict[tuple[Any, ...], NDArray[np.float64]] = {}
    number = 0
    with path.open("rb") as stream:
        while True:
            number += 1
            try:
                message = eccodes.codes_grib_new_from_file(stream)
            except eccodes.CodesInternalError as error:
                rejected.append(Rejected(path.name, number, f"le fichier est coupé à ce message ({error})."))
                break
            if message is None:
                break
            try:
                fields.append(_field(eccodes, message, shared))
            except (eccodes.CodesInternalError, ValueError) as error:
                rejected.append(Rejected(path.name, number, f"message illisible ({error})."))
            finally:
                eccodes.codes_release(message)
    if not fields:
        why = rejected[0].reason if rejected else "il n'a aucun message."
        raise BadValueError(f"ce fichier GRIB ne peut pas être lu : {why}", file=path.name)
    return fields, rejected


def _library() -> Any:
    try:
        import eccodes  # type: ignore[import-untyped]
    except (ImportError, RuntimeError) as error:
        # The package without its binary library raises RuntimeError.
        raise ExtraMissingError(
            "la lecture des fichiers GRIB n'est pas installée.",
            fix="Lancez : ./eclaireur install weather",
        ) from error
    return eccodes


def _field(eccodes: Any, message: int, shared: dict[tuple[Any, ...], NDArray[np.float64]]) -> Field:
    import numpy as np

    def get(key: str) -> Any:
        return eccodes.codes_get(message, key)

    name, unit = str(get("shortName")), str(get("units"))
    grid = tuple(
        get(key)
        for key in (
            "gridType",
            "numberOfPoints",
            "latitudeOfFirstGridPointInDegrees",
            "longitudeOfFirstGridPointInDegrees",
        )
    )
    if grid not in shared:
        shared[grid] = np.column_stack(
            [eccodes.codes_get_array(message, "latitudes"), eccodes.codes_get_array(message, "longitudes")]
        )
    values = np.asarray(eccodes.codes_get_values(message), np.float64)
    if get("bitmapPresent"):
        values = np.where(values == get("missingValue"), np.nan, values)
    member = 0
    with suppress(eccodes.CodesInternalError):
        member = int(get("perturbationNumber"))
    variable = _VARIABLES.get(name, "")
    scale = _METRES.get(unit, 1.0) if variable == RAIN else 1.0
    return Field(
        name=name,
        variable=variable,
        unit="mm" if scale != 1.0 else unit,
        issued=_moment(get("dataDate"), get("dataTime")),
        valid=_moment(get("validityDate"), get("validityTime")),
        member=member,
        points=shared[grid],
        values=values * scale,
    )


def _moment(day: int, time: int) -> datetime:
    return datetime.strptime(f"{day:08d}{time:04d}", "%Y%m%d%H%M").replace(tzinfo=UTC)

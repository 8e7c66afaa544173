"""Fields of a grid as tables: read in the confined child, checked and unpacked by the process that asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.cases.weather_postprocessing.checks import Rejected
from eclaireur.cases.weather_postprocessing.grids import Field
from eclaireur.core.errors import FileRefusedError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["grid_tables", "packed", "schemas", "unpacked"]


def schemas() -> dict[str, pa.Schema]:
    """Return the form of the tables.

    ``fields`` has one row per quantity, time and member, with the number of its grid; ``points`` has one row
    per point, in the order of the values; ``rejected``, one per message set aside.
    """
    import pyarrow as pa

    moment = pa.timestamp("us", tz="UTC")
    return {
        "fields": pa.schema(
            [
                pa.field("name", pa.string(), nullable=False),
                pa.field("variable", pa.string(), nullable=False),
                pa.field("unit", pa.string(), nullable=False),
                pa.field("issued", moment, nullable=False),
                pa.field("valid", moment, nullable=False),
                pa.field("member", pa.int64(), nullable=False),
                pa.field("grid", pa.int64(), nullable=False),
                pa.field("values", pa.large_list(pa.float64()), nullable=False),
            ]
        ),
        "points": pa.schema(
            [
                pa.field("grid", pa.int64(), nullable=False),
                pa.field("latitude", pa.float64(), nullable=False),
                pa.field("longitude", pa.float64(), nullable=False),
                pa.field("name", pa.string()),
            ]
        ),
        "rejected": pa.schema(
            [
                pa.field("line", pa.int64(), nullable=False),
                pa.field("reason", pa.string(), nullable=False),
            ]
        ),
    }


def grid_tables(path: Path) -> dict[str, pa.Table]:
    """Read a GRIB or NetCDF file into tables; called in the confined child.

    Raises
    ------
    ExtraMissingError
        If the library of the format is not installed.
    BadValueError
        If nothing can be read.
    """
    with path.open("rb") as stream:
        grib = stream.read(4) == b"GRIB"
    if grib:
        from eclaireur.cases.weather_postprocessing.grib import read_grib

        return packed(*read_grib(path))
    from eclaireur.cases.weather_postprocessing.netcdf import read_netcdf

    return packed(*read_netcdf(path))


def packed(fields: Sequence[Field], rejected: Sequence[Rejected]) -> dict[str, pa.Table]:
    """Put fields in tables (see `schemas`)."""
    import pyarrow as pa

    form = schemas()
    grids: dict[int, tuple[int, Field]] = {}
    for field in fields:
        grids.setdefault(id(field.points), (len(grids), field))
    values = [pa.array(field.values, pa.float64()) for field in fields]
    offsets = [0]
    for one in values:
        offsets.append(offsets[-1] + len(one))
    nested = pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), pa.concat_arrays(values))
    told = ("name", "variable", "unit", "issued", "valid", "member")
    columns = {name: [getattr(field, name) for field in fields] for name in told}
    columns["grid"] = [grids[id(field.points)][0] for field in fields]
    points = [
        pa.table(
            [
                pa.array([number] * len(field.points), pa.int64()),
                pa.array(field.points[:, 0], pa.float64()),
                pa.array(field.points[:, 1], pa.float64()),
                pa.array(field.names or [None] * len(field.points), pa.string()),
            ],
            schema=form["points"],
        )
        for number, field in grids.values()
    ]
    plain = pa.table(columns).append_column("values", nested).cast(form["fields"])
    return {
        "fields": plain,
        "points": pa.concat_tables(points),
        "rejected": pa.table(
            {"line": [one.line for one in rejected], "reason": [one.reason for one in rejected]},
            schema=form["rejected"],
        ),
    }


def unpacked(tables: Mapping[str, pa.Table], *, file: str) -> tuple[list[Field], list[Rejected]]:
    """Return the fields of tables, and what was set aside.

    Raises
    ------
    FileRefusedError
        If a field has not as many values as its grid has points.
    """
    import numpy as np

    points = tables["points"]
    number = points["grid"].to_numpy()
    places = np.column_stack([points["latitude"].to_numpy(), points["longitude"].to_numpy()])
    names = points["name"].to_pylist()
    grids: dict[int, tuple[NDArray[np.float64], tuple[str, ...]]] = {}
    for grid in np.unique(number).tolist():
        at = np.flatnonzero(number == grid)
        told = tuple(names[one] for one in at.tolist() if names[one] is not None)
        grids[grid] = (places[at], told)
    fields: list[Field] = []
    columns = tables["fields"].drop_columns(["values"]).to_pylist()
    for row, values in zip(columns, tables["fields"]["values"], strict=True):
        where, told = grids.get(row.pop("grid"), (np.empty((0, 2)), ()))
        found = values.values.to_numpy(zero_copy_only=False)
        if not len(where) or len(found) != len(where) or (told and len(told) != len(where)):
            raise FileRefusedError("le résultat de la lecture est abîmé.", file=file)
        fields.append(Field(points=where, names=told, values=found, **row))
    rejected = [Rejected(file, row["line"], row["reason"]) for row in tables["rejected"].to_pylist()]
    return fields, rejected

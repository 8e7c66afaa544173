"""Raw files of each source as tables: ``forecasts``, ``observations`` and ``rejected``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from eclaireur.cases.weather_postprocessing.checks import Rejected, checked
from eclaireur.cases.weather_postprocessing.csv_files import read_ensemble
from eclaireur.cases.weather_postprocessing.documented import (
    forecasts_schema,
    observations_table,
    rejected_schema,
)
from eclaireur.cases.weather_postprocessing.grids import ensemble_rows

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.cases.weather_postprocessing.grids import Field

__all__ = [
    "forecasts_table",
    "gathered",
    "key_of",
    "key_of_row",
    "named",
    "read",
    "read_file",
    "read_grid",
    "tables_of",
]

_NAMES = {"rain_innsbruck": "Innsbruck"}


def read(raw: Path) -> dict[str, pa.Table]:
    """Read every file of a snapshot: ensemble tables, or the documented tables in Parquet."""
    rows: list[dict[str, Any]] = []
    rejected: list[Rejected] = []
    documented = {path.stem: path for path in sorted(raw.glob("*.parquet"))}
    if "members" in documented:
        import pyarrow.parquet as pq

        told = pq.read_table(documented["members"]).to_pylist()
        seen = pq.read_table(documented["observations"]).to_pylist() if "observations" in documented else []
        found, refused = gathered(told, seen, file="members")
        rows += found
        rejected += refused
    for path in sorted(raw.iterdir()):
        table = read_file(path)
        if table is not None:
            rows += [named(row, path) for row in table[0]]
            rejected += table[1]
    return tables_of(rows, rejected)


def read_file(path: Path) -> tuple[Sequence[dict[str, Any]], Sequence[Rejected]] | None:
    """Read a file of forecasts by its name; None when it is of no known form."""
    if path.name.lower().endswith((".csv", ".csv.gz", ".txt")):
        table = read_ensemble(path)
        return None if table is None else (table.rows, table.rejected)
    if fields := read_grid(path):
        rows, rejected = ensemble_rows(fields[0], file=path.name)
        return rows, [*fields[1], *rejected]
    return None


def read_grid(path: Path) -> tuple[list[Field], list[Rejected]] | None:
    """Read the fields of a GRIB or NetCDF file; None for any other."""
    with path.open("rb") as stream:
        start = stream.read(8)
    if start[:4] == b"GRIB" or start[:3] == b"CDF" or start == b"\x89HDF\r\n\x1a\n":
        from eclaireur.cases.weather_postprocessing.passing import grid_tables, schemas, unpacked
        from eclaireur.sources.called import call_reader

        return unpacked(call_reader(grid_tables, path, expect=schemas()), file=path.name)
    return None


def named(row: dict[str, Any], path: Path) -> dict[str, Any]:
    """Name the only station of a file that names none."""
    if row["station"] or row["latitude"] is not None:
        return row
    known = next((name for start, name in _NAMES.items() if path.name.startswith(start)), "")
    return row | {"station": known or path.name.partition(".")[0]}


def key_of(station: str, variable: str, known: date, day: date) -> str:
    """Return the key of a forecast.

    >>> key_of("A", "rain", date(2020, 1, 1), date(2020, 1, 3))
    'A rain 2020-01-01 2020-01-03'
    """
    return f"{station} {variable} {known} {day}"


def tables_of(
    rows: Sequence[Mapping[str, Any]], rejected: Sequence[Rejected], *, delay: int | None = None
) -> dict[str, pa.Table]:
    """Return the working tables of checked rows (see `checks.checked`).

    Of two rows of one station and day the last wins.
    """
    import pyarrow as pa

    by_key = {key_of_row(row): row for row in rows}
    forecasts = forecasts_table(list(by_key.values()))
    issued = [row["issued"] is not None for row in by_key.values()]
    values = [row["value"] for row in by_key.values()]
    dated = observations_table(
        forecasts, [value if told else None for value, told in zip(values, issued, strict=True)], 1
    )
    undated = observations_table(
        forecasts, [None if told else value for value, told in zip(values, issued, strict=True)], delay
    )
    refused = [{"file": one.file, "line": one.line, "reason": one.reason} for one in rejected]
    return {
        "forecasts": forecasts,
        "observations": pa.concat_tables([undated, dated]),
        "rejected": pa.Table.from_pylist(refused, schema=rejected_schema()),
    }


def _station(row: Mapping[str, Any]) -> str:
    """Return the name of a station; without one, where it is."""
    if row["station"]:
        return str(row["station"])
    place = [f"{row[name]:g}" for name in ("latitude", "longitude") if row[name] is not None]
    if row.get("again"):
        place.append(f"({row['again'] + 1})")
    return " ".join(place) or "station"


def key_of_row(row: Mapping[str, Any]) -> str:
    """Return the key of a checked row."""
    return key_of(_station(row), row["variable"], row["issued"] or row["day"], row["day"])


def forecasts_table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Return the table of forecasts, one row per checked row, in their order."""
    import pyarrow as pa

    made = [
        {
            "key": key_of_row(row),
            "subject": f"station:{_station(row)}",
            "name": _station(row),
            "variable": row["variable"],
            "unit": row["unit"],
            "observed": row["day"],
            "known": row["issued"] or row["day"],
            "members": row["members"],
            "latitude": row["latitude"],
            "longitude": row["longitude"],
            "elevation": row["elevation"],
            "remark": row["remark"],
        }
        for row in rows
    ]
    return pa.Table.from_pylist(made, schema=forecasts_schema())


def gathered(
    members: Sequence[Mapping[str, Any]], observations: Sequence[Mapping[str, Any]], *, file: str
) -> tuple[list[dict[str, Any]], list[Rejected]]:
    """Gather rows of one member each into forecasts, with what was observed at the same station and day.

    A forecast that has fewer members than the others says so.
    """
    seen = {(str(row["station"]), row["variable"], row["date"]): row["value"] for row in observations}
    groups: dict[tuple[Any, ...], list[tuple[int, Mapping[str, Any]]]] = {}
    for line, row in enumerate(members, start=2):
        issued = row.get("issued") or row["date"]
        groups.setdefault((str(row["station"]), row["variable"], issued, row["date"]), []).append((line, row))
    usual = max((len(some) for some in groups.values()), default=0)
    rows: list[dict[str, Any]] = []
    rejected: list[Rejected] = []
    for (station, variable, _, day), some in groups.items():
        line, first = some[0]
        lines = tuple(at for at, _ in some)
        values = [row["value"] for _, row in some]
        made, reason = checked(
            {
                "day": day,
                "issued": first.get("issued"),
                "station": station,
                "variable": variable,
                "members": values + [None] * (usual - len(values)),
                "observed": seen.get((station, variable, day), first.get("observation")),
                **{name: first.get(name) for name in ("latitude", "longitude", "elevation")},
            }
        )
        if made is None:
            rejected.append(Rejected(file, line, reason, lines))
        else:
            rows.append(made | {"line": line, "lines": lines})
    return rows, rejected

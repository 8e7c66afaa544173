"""Places as a GeoPackage: one SQLite file that a geographic information system opens.

The tables, header and geometries are those of OGC 12-128r18 (*GeoPackage Encoding Standard* 1.3.1), in
WGS 84 degrees (EPSG:4326): what is said of the data goes in the description of the layer, and in an
attributes table ``mentions``.
"""

from __future__ import annotations

import json
import math
import sqlite3
import struct
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from eclaireur.core.errors import BadValueError

__all__ = ["GeoColumn", "Row", "write_geojson", "write_geopackage"]

_APPLICATION = 0x47504B47  # "GPKG"
_VERSION = 10300
_WGS84 = 4326
_KINDS = {"Point": 1, "LineString": 2, "Polygon": 3, "MultiPoint": 4, "MultiLineString": 5, "MultiPolygon": 6}
_DEPTH = {"Point": 0, "LineString": 1, "MultiPoint": 1, "Polygon": 2, "MultiLineString": 2, "MultiPolygon": 3}
_PARTS = {"MultiPoint": "Point", "MultiLineString": "LineString", "MultiPolygon": "Polygon"}

_WKT = (
    'GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563,AUTHORITY["EPSG","7030"]],'
    'AUTHORITY["EPSG","6326"]],PRIMEM["Greenwich",0,AUTHORITY["EPSG","8901"]],'
    'UNIT["degree",0.0174532925199433,AUTHORITY["EPSG","9122"]],AUTHORITY["EPSG","4326"]]'
)

_SCHEMA = """
CREATE TABLE gpkg_spatial_ref_sys (
  srs_name TEXT NOT NULL, srs_id INTEGER NOT NULL PRIMARY KEY, organization TEXT NOT NULL,
  organization_coordsys_id INTEGER NOT NULL, definition TEXT NOT NULL, description TEXT);
CREATE TABLE gpkg_contents (
  table_name TEXT NOT NULL PRIMARY KEY, data_type TEXT NOT NULL, identifier TEXT UNIQUE,
  description TEXT DEFAULT '', last_change DATETIME NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ','now')),
  min_x DOUBLE, min_y DOUBLE, max_x DOUBLE, max_y DOUBLE, srs_id INTEGER,
  CONSTRAINT fk_gc_r_srs_id FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE gpkg_geometry_columns (
  table_name TEXT NOT NULL, column_name TEXT NOT NULL, geometry_type_name TEXT NOT NULL,
  srs_id INTEGER NOT NULL, z TINYINT NOT NULL, m TINYINT NOT NULL,
  CONSTRAINT pk_geom_cols PRIMARY KEY (table_name, column_name),
  CONSTRAINT uk_gc_table_name UNIQUE (table_name),
  CONSTRAINT fk_gc_tn FOREIGN KEY (table_name) REFERENCES gpkg_contents(table_name),
  CONSTRAINT fk_gc_srs FOREIGN KEY (srs_id) REFERENCES gpkg_spatial_ref_sys(srs_id));
CREATE TABLE mentions (
  id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, mention TEXT NOT NULL, text TEXT NOT NULL);
"""


@dataclass(frozen=True, slots=True)
class GeoColumn:
    """A column of the layer: its name, and what it holds: text, integer, real or day."""

    name: str
    kind: str = "text"


_TYPES = {"text": "TEXT", "integer": "INTEGER", "real": "REAL", "day": "DATE"}

Row = tuple[Mapping[str, Any], Sequence[Any]]
"""A GeoJSON geometry and the values of the columns."""


def write_geojson(
    target: Path, columns: Sequence[GeoColumn], rows: Iterable[Row], *, mentions: Mapping[str, str]
) -> None:
    """Write rows as GeoJSON (RFC 7946, WGS 84 degrees), with the mentions as a member of the collection.

    Raises
    ------
    BadValueError
        If a geometry is not one, or is not in degrees.
    """
    features = [
        {
            "type": "Feature",
            "geometry": {"type": _checked(geometry)["type"], "coordinates": geometry["coordinates"]},
            "properties": {
                column.name: value.isoformat() if isinstance(value, date) else value
                for column, value in zip(columns, values, strict=True)
            },
        }
        for geometry, values in rows
    ]
    content = {"type": "FeatureCollection", "mentions": dict(mentions), "features": features}
    target.write_text(json.dumps(content, ensure_ascii=False, allow_nan=False), encoding="utf-8")


def write_geopackage(
    target: Path,
    columns: Sequence[GeoColumn],
    rows: Iterable[Row],
    *,
    layer: str,
    title: str,
    mentions: Mapping[str, str],
    changed: datetime,
) -> None:
    """Write rows as one layer of a new GeoPackage; `core.files.write_atomically` may give the path.

    Parameters
    ----------
    target
        Empty or absent file.
    columns, rows
        Columns beside ``fid`` and ``geom``, and for each row its geometry and values.
    layer, title
        Name of the table, and its French title.
    mentions
        French heading → what must be said with the data.
    changed
        Moment written as the last change.

    Raises
    ------
    BadValueError
        If a geometry is not one, or is not in degrees.
    """
    kept = [(_checked(geometry), list(values)) for geometry, values in rows]
    with closing(sqlite3.connect(target, isolation_level=None)) as base:
        base.execute(f"PRAGMA application_id = {_APPLICATION}")
        base.execute(f"PRAGMA user_version = {_VERSION}")
        base.executescript(f"BEGIN;{_SCHEMA}")
        _references(base)
        fields = "".join(f", {_name(one.name)} {_TYPES[one.kind]}" for one in columns)
        base.execute(
            f"CREATE TABLE {_name(layer)} "
            f"(fid INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, geom {_type(kept)}{fields})"
        )
        _describe(base, kept, layer, title, mentions, changed)
        holes = ", ".join("?" * (1 + len(columns)))
        base.executemany(
            f"INSERT INTO {_name(layer)} (geom{''.join(f', {_name(one.name)}' for one in columns)}) "  # noqa: S608
            f"VALUES ({holes})",
            ((_blob(geometry), *(_stored(value) for value in values)) for geometry, values in kept),
        )
        base.executemany("INSERT INTO mentions (mention, text) VALUES (?, ?)", mentions.items())
        base.execute("COMMIT")


def _references(base: sqlite3.Connection) -> None:
    base.executemany(
        "INSERT INTO gpkg_spatial_ref_sys VALUES (?, ?, ?, ?, ?, ?)",
        [
            ("Undefined Cartesian SRS", -1, "NONE", -1, "undefined", "undefined Cartesian coordinates"),
            ("Undefined geographic SRS", 0, "NONE", 0, "undefined", "undefined geographic coordinates"),
            ("WGS 84 geodetic", _WGS84, "EPSG", _WGS84, _WKT, "longitude and latitude in decimal degrees"),
        ],
    )


def _describe(
    base: sqlite3.Connection,
    rows: Sequence[tuple[Mapping[str, Any], list[Any]]],
    layer: str,
    title: str,
    mentions: Mapping[str, str],
    changed: datetime,
) -> None:
    moment = changed.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{changed.microsecond // 1000:03d}Z"
    said = " | ".join(f"{heading} : {text}" for heading, text in mentions.items())
    box = _box(point for geometry, _ in rows for point in _points(geometry))
    base.executemany(
        "INSERT INTO gpkg_contents VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (layer, "features", title, said, moment, *(box or (None,) * 4), _WGS84),
            ("mentions", "attributes", "Mentions", "", moment, None, None, None, None, None),
        ],
    )
    base.execute(
        "INSERT INTO gpkg_geometry_columns VALUES (?, 'geom', ?, ?, 0, 0)", (layer, _type(rows), _WGS84)
    )


def _name(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _stored(value: Any) -> Any:
    if isinstance(value, bool):
        return int(value)
    return value.isoformat() if isinstance(value, date) else value


def _type(rows: Sequence[tuple[Mapping[str, Any], list[Any]]]) -> str:
    kinds = {geometry["type"] for geometry, _ in rows} or {"Point"}
    return kinds.pop().upper() if len(kinds) == 1 else "GEOMETRY"


def _checked(geometry: Mapping[str, Any]) -> Mapping[str, Any]:
    kind = geometry.get("type")
    try:
        found = list(_points(geometry))
        ringed = all(len(ring) >= 4 and ring[0] == ring[-1] for ring in _rings(geometry))
        good = (
            bool(found)
            and ringed
            and all(
                math.isfinite(x) and math.isfinite(y) and abs(x) <= 180 and abs(y) <= 90 for x, y in found
            )
        )
    except (KeyError, TypeError, ValueError, IndexError):
        good = False
    if not good:
        raise BadValueError(
            f"cette géométrie ({kind or 'sans type'}) n'est pas en degrés WGS 84, ou n'est pas fermée.",
            fix="Vérifiez les coordonnées : longitude puis latitude.",
        )
    return geometry


def _rings(geometry: Mapping[str, Any]) -> Iterator[Sequence[Any]]:
    if geometry["type"] == "Polygon":
        yield from geometry["coordinates"]
    elif geometry["type"] == "MultiPolygon":
        for polygon in geometry["coordinates"]:
            yield from polygon


def _points(geometry: Mapping[str, Any]) -> Iterator[tuple[float, float]]:
    def walk(part: Any, depth: int) -> Iterator[tuple[float, float]]:
        if depth == 0:
            yield float(part[0]), float(part[1])
        else:
            for one in part:
                yield from walk(one, depth - 1)

    return walk(geometry["coordinates"], _DEPTH[geometry["type"]])


def _box(points: Iterable[tuple[float, float]]) -> tuple[float, float, float, float] | None:
    found = list(points)
    if not found:
        return None
    xs, ys = [x for x, _ in found], [y for _, y in found]
    return min(xs), min(ys), max(xs), max(ys)


def _blob(geometry: Mapping[str, Any]) -> bytes:
    """Return a geometry as the standard stores it: header, envelope but for a point, then WKB."""
    if geometry["type"] == "Point":
        return struct.pack("<2sBBi", b"GP", 0, 0b1, _WGS84) + _wkb(geometry)
    west, south, east, north = _box(_points(geometry)) or (0.0,) * 4
    head = struct.pack("<2sBBi4d", b"GP", 0, 0b11, _WGS84, west, east, south, north)
    return head + _wkb(geometry)


def _wkb(geometry: Mapping[str, Any]) -> bytes:
    kind, coordinates = geometry["type"], geometry["coordinates"]
    start = struct.pack("<BI", 1, _KINDS[kind])
    if kind == "Point":
        return start + struct.pack("<2d", *coordinates[:2])
    if kind == "LineString":
        return start + _line(coordinates)
    if kind == "Polygon":
        return start + struct.pack("<I", len(coordinates)) + b"".join(_line(ring) for ring in coordinates)
    parts = [_wkb({"type": _PARTS[kind], "coordinates": one}) for one in coordinates]
    return start + struct.pack("<I", len(parts)) + b"".join(parts)


def _line(points: Sequence[Any]) -> bytes:
    return struct.pack("<I", len(points)) + b"".join(struct.pack("<2d", *point[:2]) for point in points)

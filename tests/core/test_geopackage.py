"""Places as GeoPackage and GeoJSON: the tables of the standard, geometries read back byte by byte."""

from __future__ import annotations

import json
import sqlite3
import struct
from collections.abc import Mapping
from contextlib import closing
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

from eclaireur.core.errors import BadValueError
from eclaireur.core.geopackage import GeoColumn, write_geojson, write_geopackage

COLUMNS = (GeoColumn("nom"), GeoColumn("position", "integer"), GeoColumn("échéance", "day"))
MENTIONS = {"Mention": "L'agent décide."}
AT = datetime(2026, 11, 20, 9, 30, tzinfo=UTC)
SQUARE = [[2.0, 48.0], [3.0, 48.0], [3.0, 49.0], [2.0, 49.0], [2.0, 48.0]]


def point(x: float, y: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [x, y]}


def written(path: Path, *geometries: Mapping[str, Any]) -> Path:
    rows = [(one, ("'; DROP TABLE x; --", at, date(2026, 12, 1))) for at, one in enumerate(geometries)]
    write_geopackage(path, COLUMNS, rows, layer='liste "1"', title="Liste", mentions=MENTIONS, changed=AT)
    return path


def asked(path: Path, question: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(path)) as base:
        return base.execute(question).fetchall()


def decoded(blob: bytes) -> tuple[tuple[float, ...], dict[str, Any]]:
    """Read a geometry as the standard describes it: envelope and GeoJSON."""
    magic, version, flags, srs = struct.unpack_from("<2sBBi", blob)
    assert (magic, version, flags & 1, srs) == (b"GP", 0, 1, 4326)
    sizes = {0: 0, 1: 4}
    count = sizes[(flags >> 1) & 0b111]
    envelope = struct.unpack_from(f"<{count}d", blob, 8)
    geometry, end = wkb(blob, 8 + 8 * count)
    assert end == len(blob)
    return envelope, geometry


def wkb(blob: bytes, at: int) -> tuple[dict[str, Any], int]:
    order, kind = struct.unpack_from("<BI", blob, at)
    assert order == 1
    at += 5
    if kind == 1:
        return point(*struct.unpack_from("<2d", blob, at)), at + 16
    (count,) = struct.unpack_from("<I", blob, at)
    at += 4
    if kind == 3:
        rings = []
        for _ in range(count):
            (size,) = struct.unpack_from("<I", blob, at)
            flat = struct.unpack_from(f"<{2 * size}d", blob, at + 4)
            rings.append([list(pair) for pair in zip(flat[::2], flat[1::2], strict=True)])
            at += 4 + 16 * size
        return {"type": "Polygon", "coordinates": rings}, at
    assert kind == 6
    polygons = []
    for _ in range(count):
        polygon, at = wkb(blob, at)
        polygons.append(polygon["coordinates"])
    return {"type": "MultiPolygon", "coordinates": polygons}, at


def test_the_tables_are_those_of_the_standard(tmp_path: Path) -> None:
    path = written(tmp_path / "a.gpkg", point(2.5, 48.5), point(-1.0, 47.0))

    assert path.read_bytes()[68:72] == b"GPKG"
    assert asked(path, "PRAGMA user_version") == [(10300,)]
    assert asked(path, "PRAGMA integrity_check") == [("ok",)]
    assert asked(path, "PRAGMA foreign_key_check") == []
    srs = "SELECT srs_id, organization, organization_coordsys_id FROM gpkg_spatial_ref_sys ORDER BY 1"
    assert asked(path, srs) == [(-1, "NONE", -1), (0, "NONE", 0), (4326, "EPSG", 4326)]
    contents = asked(path, "SELECT * FROM gpkg_contents WHERE data_type = 'features'")
    assert contents == [
        (
            'liste "1"',
            "features",
            "Liste",
            "Mention : L'agent décide.",
            "2026-11-20T09:30:00.000Z",
            -1.0,
            47.0,
            2.5,
            48.5,
            4326,
        )
    ]
    assert asked(path, "SELECT * FROM gpkg_geometry_columns") == [('liste "1"', "geom", "POINT", 4326, 0, 0)]
    assert asked(path, "SELECT mention, text FROM mentions") == [("Mention", "L'agent décide.")]


def test_values_and_hostile_texts_are_kept(tmp_path: Path) -> None:
    path = written(tmp_path / "a.gpkg", point(2.5, 48.5))

    rows = asked(path, 'SELECT fid, nom, position, "échéance" FROM "liste ""1"""')
    assert rows == [(1, "'; DROP TABLE x; --", 0, "2026-12-01")]


@pytest.mark.parametrize(
    "geometry",
    [
        point(2.5, 48.5),
        {"type": "Polygon", "coordinates": [SQUARE]},
        {"type": "MultiPolygon", "coordinates": [[SQUARE], [SQUARE, SQUARE]]},
    ],
    ids=lambda one: one["type"],
)
def test_a_geometry_is_read_back(geometry: Mapping[str, Any], tmp_path: Path) -> None:
    path = written(tmp_path / "a.gpkg", geometry)
    ((blob,),) = asked(path, 'SELECT geom FROM "liste ""1"""')

    envelope, found = decoded(blob)
    assert found == geometry
    assert envelope == (() if geometry["type"] == "Point" else (2.0, 3.0, 48.0, 49.0))
    assert asked(path, "SELECT geometry_type_name FROM gpkg_geometry_columns") == [
        (geometry["type"].upper(),)
    ]


@given(st.floats(-180, 180), st.floats(-90, 90))
def test_every_place_on_earth_is_kept(tmp_path_factory: pytest.TempPathFactory, x: float, y: float) -> None:
    path = written(tmp_path_factory.mktemp("gpkg") / "a.gpkg", point(x, y))
    ((blob,),) = asked(path, 'SELECT geom FROM "liste ""1"""')

    assert decoded(blob)[1] == point(x, y)


def test_points_and_polygons_together_make_a_layer_of_any_geometry(tmp_path: Path) -> None:
    path = written(tmp_path / "a.gpkg", point(2.5, 48.5), {"type": "Polygon", "coordinates": [SQUARE]})

    assert asked(path, "SELECT geometry_type_name FROM gpkg_geometry_columns") == [("GEOMETRY",)]


def test_an_empty_layer_is_valid(tmp_path: Path) -> None:
    path = written(tmp_path / "a.gpkg")

    assert asked(path, "SELECT min_x, srs_id FROM gpkg_contents WHERE data_type = 'features'") == [
        (None, 4326)
    ]


@pytest.mark.parametrize(
    "geometry",
    [
        point(652_000.0, 6_862_000.0),
        point(float("nan"), 48.0),
        {"type": "Polygon", "coordinates": [SQUARE[:-1]]},
        {"type": "Polygon", "coordinates": []},
        {"type": "Circle", "coordinates": [2.0, 48.0]},
        {"type": "Point"},
        {"coordinates": [2.0, 48.0]},
    ],
    ids=["lambert-93", "nan", "open ring", "empty", "unknown", "no coordinates", "no type"],
)
def test_what_is_no_place_in_degrees_is_refused(geometry: Mapping[str, Any], tmp_path: Path) -> None:
    with pytest.raises(BadValueError, match="degrés WGS 84"):
        written(tmp_path / "a.gpkg", geometry)
    with pytest.raises(BadValueError, match="degrés WGS 84"):
        write_geojson(tmp_path / "a.geojson", (), [(geometry, ())], mentions={})
    assert not list(tmp_path.iterdir())


def test_geojson_says_places_values_and_mentions(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    rows = [(point(2.5, 48.5), ("Chez Léa", 1, date(2026, 12, 1)))]
    write_geojson(path, COLUMNS, rows, mentions=MENTIONS)

    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["mentions"] == MENTIONS
    assert content["features"] == [
        {
            "type": "Feature",
            "geometry": point(2.5, 48.5),
            "properties": {"nom": "Chez Léa", "position": 1, "échéance": "2026-12-01"},
        }
    ]

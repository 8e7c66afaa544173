"""A layer is read with its shapes, and its coordinates are never moved on a guess."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, strategies as st

from eclaireur.core.geopackage import GeoColumn, write_geopackage
from eclaireur.sources.media import crs, vectors
from eclaireur.sources.media.geometry import Broken, crosses, examine, parts
from eclaireur.sources.media.vectors import VectorLimits, read_vector
from eclaireur.sources.reading import Outcome

pyogrio = pytest.importorskip("pyogrio", reason="the extra `geo` is not installed")

LYON, LILLE, MARSEILLE = (4.83, 45.76), (3.06, 50.63), (5.37, 43.30)
BOWTIE = [[3, 43], [4, 44], [3, 44], [4, 43], [3, 43]]


def point(place: tuple[float, ...]) -> dict[str, Any]:
    return {"type": "Point", "coordinates": list(place)}


def collection(*shapes: Any, **more: Any) -> bytes:
    features = [
        {"type": "Feature", "properties": {"nom": f"é{rank}"}, "geometry": shape}
        for rank, shape in enumerate(shapes)
    ]
    return json.dumps({"type": "FeatureCollection", "features": features, **more}).encode()


@pytest.fixture
def read(tmp_path: Path) -> Any:
    def reader(content: bytes, /, **more: Any) -> Any:
        (tmp_path / "a.geojson").write_bytes(content)
        return read_vector(tmp_path / "a.geojson", tmp_path, **more)

    return reader


def test_a_geojson_is_read_with_its_columns(read: Any) -> None:
    found = read(collection(point(LYON), None, point((*LILLE, 25.0))), data=True)
    assert (found.facts["features"], found.facts["empty"], found.facts["crs"]) == (3, 1, "EPSG:4326")
    assert found.facts["bounds"] == [LILLE[0], LYON[1], LYON[0], LILLE[1]]
    assert [one.kind for one in found.doubts] == ["no_shape"]
    assert found.data["nom"].to_pylist() == ["é0", "é1", "é2"]
    assert [one is None for one in found.data["geometry"].to_pylist()] == [False, True, False]


@pytest.mark.parametrize(
    ("shapes", "kind", "said", "lines"),
    [
        ([point((842_666, 6_519_924))], "crs_impossible", "Lambert-93 (EPSG:2154)", ()),
        ([point((1_842_000, 5_175_000))], "crs_impossible", "CC46 (EPSG:3946)", ()),
        ([point(LYON[::-1]), point(LILLE[::-1])], "axes", "inversées", ()),
        ([point(LYON), point(LILLE[::-1]), point(MARSEILLE)], "axes", "1 forme sur 3", (2,)),
        ([point(LYON), point((842_666, 6_519_924))], "crs_mixed", "1 forme sur 2", (2,)),
        ([point(LYON), {"type": "Polygon", "coordinates": [BOWTIE]}], "invalid", "se croisent", (2,)),
        ([], "empty", "aucune forme", ()),
    ],
)
def test_what_is_doubtful_is_said_with_its_rows(
    read: Any, shapes: list[Any], kind: str, said: str, lines: tuple[int, ...]
) -> None:
    found = read(collection(*shapes))
    told = {one.kind: one for one in found.doubts}
    assert found.outcome is Outcome.LU_AVEC_RESERVES
    assert said in told[kind].message
    assert told[kind].lines == lines


def test_a_geojson_in_the_old_way_keeps_its_system(read: Any) -> None:
    old = {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::2154"}}
    found = read(collection(point((842_666, 6_519_924)), crs=old))
    assert (found.outcome, found.facts["crs"]) == (Outcome.LU, "EPSG:2154")


@pytest.mark.parametrize(
    "data",
    [
        b'{"type": "FeatureCollection"',
        b'{"type": "FeatureCollection", "features": 3}',
        b'{"type": "FeatureCollection", "features": [1]}',
        b'{"type": "FeatureCollection", "features": ' + b"[" * 50_000,
        b'{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline ! read /etc/passwd"}',
        b'{"type": "Topology", "objects": {}}',
        b'{"type": "FeatureCollection", "nom": "\xe9", "features": []}',
        b"",
    ],
)
def test_what_is_no_geojson_is_refused(read: Any, data: bytes) -> None:
    assert read(data).outcome is Outcome.REFUSE


def test_a_shape_that_makes_no_sense_does_not_stop_the_others(read: Any) -> None:
    odd = [{"type": "Point", "coordinates": "x"}, {"type": "Polygon", "coordinates": [[]]}, {"type": "Cube"}]
    found = read(collection(point(LYON), *odd))
    assert found.facts["features"] == 4
    assert found.facts["bounds"] == [*LYON, *LYON]


def layer(path: Path, x: list[float], y: list[float], system: str | None, **more: Any) -> Path:
    """Write points as GDAL does."""
    import warnings

    shapes = [b"\x01\x01\x00\x00\x00" + np.array(one, "<f8").tobytes() for one in zip(x, y, strict=True)]
    names = [f"Forêt {rank}" for rank in range(len(x))]
    table = pa.table({"nom": names, "geometry": pa.array(shapes, pa.binary())})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pyogrio.write_arrow(table, path, geometry_name="geometry", geometry_type="Point", crs=system, **more)
    return path


def test_a_geopackage_of_ours_is_read_back(tmp_path: Path) -> None:
    write_geopackage(
        tmp_path / "a.gpkg",
        [GeoColumn("nom")],
        [(point(LYON), ["Lyon"])],
        layer="villes",
        title="Villes",
        mentions={"Licence": "CC0"},
        changed=datetime(2026, 1, 1, tzinfo=UTC),
    )
    found = read_vector(tmp_path / "a.gpkg", tmp_path)
    assert (found.outcome, found.facts["layer"], found.facts["crs"]) == (Outcome.LU, "villes", "EPSG:4326")


def test_the_layers_of_a_geopackage_are_told(tmp_path: Path) -> None:
    path = layer(tmp_path / "a.gpkg", [842_666], [6_519_924], "EPSG:2154", layer="points")
    layer(path, [LYON[0]], [LYON[1]], "EPSG:4326", layer="autres", append=True)
    found = read_vector(path, tmp_path)
    assert found.facts["layers"] == ["points", "autres"]
    assert "autres" in next(one.message for one in found.doubts if one.kind == "layers")
    assert read_vector(path, tmp_path, layer="autres").facts["crs"] == "EPSG:4326"
    assert "points, autres" in read_vector(path, tmp_path, layer="absente").fix


def test_a_shapefile_without_its_system_or_encoding_says_so(tmp_path: Path) -> None:
    path = layer(tmp_path / "a.shp", [842_666], [6_519_924], None, encoding="CP1252")
    (tmp_path / "a.cpg").unlink()
    table = bytearray((tmp_path / "a.dbf").read_bytes())
    table[29] = 0
    (tmp_path / "a.dbf").write_bytes(table)
    found = read_vector(path, tmp_path, data=True)
    assert [one.kind for one in found.repairs] == ["encoding"]
    assert [one.kind for one in found.doubts] == ["crs_absent"]
    assert found.data is not None
    assert found.data["nom"].to_pylist() == ["Forêt 0"]
    (tmp_path / "a.dbf").unlink()
    assert "no_table" in [one.kind for one in read_vector(path, tmp_path).doubts]
    (tmp_path / "a.shx").unlink()
    assert ".shx" in read_vector(path, tmp_path).reason


def test_a_shapefile_comes_in_an_archive(tmp_path: Path) -> None:
    layer(tmp_path / "a.shp", [842_666], [6_519_924], "EPSG:2154")
    inside = tmp_path / "inside"
    inside.mkdir()
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for suffix in ("shp", "shx", "dbf", "prj", "cpg"):
            archive.write(tmp_path / f"a.{suffix}", f"../../Zone/A.{suffix.upper()}")
        archive.writestr("../../evil.txt", "x")
    found = read_vector(tmp_path / "a.zip", inside)
    assert (found.outcome, found.facts["crs"], found.facts["features"]) == (Outcome.LU, "EPSG:2154", 1)
    assert {one.name for one in inside.iterdir()} == {
        f"couche.{one}" for one in ("shp", "shx", "dbf", "prj", "cpg")
    }
    with zipfile.ZipFile(tmp_path / "b.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.shp", b"\0" * 50_000_000)
    assert "démesurément" in read_vector(tmp_path / "b.zip", inside).reason


def test_limits_are_the_callers(read: Any) -> None:
    data = collection(*[point(LYON)] * 30)
    assert "trop de formes" in read(data, limits=VectorLimits(features=20)).reason
    assert "trop gros" in read(data, limits=VectorLimits(size=20)).reason


def test_how_many_shapes_were_examined_is_said(read: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vectors, "_BATCH", 10)
    found = read(collection(*[point(LYON)] * 30), limits=VectorLimits(examined=15))
    assert (found.facts["features"], found.facts["examined"]) == (30, 20)
    assert [one.kind for one in found.doubts] == ["sample"]


PLACES = [
    *((code, LYON) for code in ("2154", "27572", "3857", "32631")),
    *((f"39{zone}", (3.0, float(zone))) for zone in range(42, 51)),
    ("5490", (-61.0, 14.6)),
    ("2972", (-52.3, 4.9)),
    ("2975", (55.5, -21.1)),
    ("4471", (45.2, -12.8)),
]


@pytest.mark.parametrize(("code", "place"), PLACES, ids=[code for code, _ in PLACES])
def test_coordinates_of_france_suggest_their_system_when_it_is_not_declared(
    code: str, place: tuple[float, float]
) -> None:
    from pyproj import Transformer

    x, y = Transformer.from_crs("EPSG:4326", f"EPSG:{code}", always_xy=True).transform(*place)
    found = crs.candidates((x, y, x, y))
    assert f"EPSG:{code}" in [one for one, _ in found]
    assert not crs.check((x, y, x, y), crs.place(f"EPSG:{code}"))


@pytest.mark.parametrize("zone", range(42, 51))
def test_a_conic_zone_taken_for_its_neighbour_is_seen(zone: int) -> None:
    from pyproj import Transformer

    x, y = Transformer.from_crs("EPSG:4326", f"EPSG:39{zone}", always_xy=True).transform(3.0, zone)
    other = zone + 3 if zone < 46 else zone - 3
    (doubt,) = crs.check((x, y, x, y), crs.place(f"EPSG:39{other}"))
    assert f"CC{zone}" in doubt.message


def ring(*corners: tuple[float, float]) -> bytes:
    head = b"\x01\x03\x00\x00\x00\x01\x00\x00\x00" + len(corners).to_bytes(4, "little")
    return head + np.array(corners, "<f8").tobytes()


def test_each_fault_is_said_of_its_shape_and_no_other() -> None:
    shapes = [
        b"",
        ring((0, 0), (1, 0), (1, 1), (0, 0)),
        None,
        b"\x01\x03\x00\x00\x00\xff\xff\xff\xff",
        ring((0, 0), (1, 0), (1, 1)),
        ring((0, 0), (1, 0), (1, 1), (0, 1)),
        ring((0, 0), (np.inf, 0), (1, 1), (0, 0)),
        ring(*[(float(x), float(y)) for x, y in BOWTIE]),
        ring(*[(np.cos(one), np.sin(one)) for one in np.linspace(0, 6, 60)], (0, 0), (1, 0)),
        ring(*[(one, one % 2) for one in range(60)], (0, 0.5), (0, 0)),
        b"\x01\x01\x00\x00\x00" + np.array([np.nan, np.nan]).tobytes(),
        b"\x01\x08\x00\x00\x00\x00\x00\x00\x00",
    ]
    found = examine(shapes)
    assert found.faults == {
        0: "formes illisibles",
        3: "formes illisibles",
        4: "contours de moins de quatre points",
        5: "contours non fermés",
        6: "coordonnées qui ne sont pas des nombres",
        7: "contours qui se croisent",
        9: "contours qui se croisent",
    }
    assert np.flatnonzero(np.isfinite(found.boxes).all(axis=1)).tolist() == [1, 4, 5, 7, 8, 9]
    assert found.boxes[7].tolist() == [3, 43, 4, 44]
    with pytest.raises(Broken):
        list(parts(b"\x01\x07\x00\x00\x00\x01\x00\x00\x00" * 20))


def slowly(closed: Any) -> bool:
    """Compare every side with every other."""

    def side(a: Any, b: Any, c: Any) -> float:
        return float(np.sign((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])))

    sides = list(pairwise(closed))
    return any(
        side(a, b, c) * side(a, b, d) < 0 and side(c, d, a) * side(c, d, b) < 0
        for rank, (a, b) in enumerate(sides)
        for c, d in sides[rank + 1 :]
    )


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=3, max_size=12))
def test_crossings_are_found_as_by_comparing_all_sides(corners: list[tuple[int, int]]) -> None:
    closed = np.array([*corners, corners[0]], float)
    assert crosses(closed) == slowly(closed)
    assert (examine([ring(*corners, corners[0])]).faults == {0: "contours qui se croisent"}) == slowly(closed)

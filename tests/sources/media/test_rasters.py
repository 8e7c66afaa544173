"""A raster is read by windows, from north to south, and never placed where it may not be."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from eclaireur.core.errors import FileRefusedError
from eclaireur.sources.media.rasters import RasterLimits, read_raster, windows
from eclaireur.sources.reading import Outcome

rasterio = pytest.importorskip("rasterio", reason="the extra `geo` is not installed")

VALUES = np.random.default_rng(1).integers(1, 250, (2, 700, 900)).astype(np.uint8)


def write(
    path: Path, values: Any = VALUES, *, west: float = 770_000, north: float = 6_280_000, **more: Any
) -> Path:
    from affine import Affine

    chosen = {"crs": "EPSG:2154", "transform": Affine(5, 0, west, 0, -5, north), **more}
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        width=values.shape[2],
        height=values.shape[1],
        count=values.shape[0],
        dtype=values.dtype,
        **{name: value for name, value in chosen.items() if value is not None},
    ) as target:
        target.write(values)
    return path


def whole(path: Path) -> Any:
    found: Any = np.ma.array(np.zeros(VALUES.shape), mask=True)
    for one in windows(path, side=256):
        _, rows, columns = one.values.shape
        found[:, one.row : one.row + rows, one.column : one.column + columns] = one.values
    return found


@pytest.mark.parametrize(
    "layout",
    [{}, {"tiled": True, "blockxsize": 128, "blockysize": 64}, {"compress": "deflate"}, {"blockysize": 1}],
    ids=str,
)
def test_the_windows_together_are_the_whole(layout: dict[str, Any], tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", **layout)
    found = whole(path)
    assert not found.mask.any()
    assert (found == VALUES).all()


def test_what_a_raster_is_and_where(tmp_path: Path) -> None:
    found = read_raster(write(tmp_path / "a.tif", nodata=1))
    assert found.outcome is Outcome.LU
    assert (found.facts["width"], found.facts["height"], found.facts["bands"]) == (900, 700, 2)
    assert found.facts["crs"] == "EPSG:2154"
    assert found.facts["bounds"] == [770_000, 6_276_500, 774_500, 6_280_000]
    assert found.facts["lonlat"][:2] == pytest.approx([3.867, 43.58], abs=0.01)
    assert (found.facts["minimum"], found.facts["looked"]) == ([2.0, 2.0], 1.0)


def test_south_first_is_read_north_first(tmp_path: Path) -> None:
    from affine import Affine

    path = write(tmp_path / "a.tif", VALUES[:, ::-1], transform=Affine(5, 0, 770_000, 0, 5, 6_276_500))
    assert [one.kind for one in read_raster(path).repairs] == ["south_up"]
    assert (whole(path) == VALUES).all()


def test_what_is_not_a_number_is_no_measure(tmp_path: Path) -> None:
    values = VALUES.astype(np.float32)
    values[:, :10] = np.nan
    path = write(tmp_path / "a.tif", values)
    assert [one.kind for one in read_raster(path).repairs] == ["nan"]
    assert whole(path).mask[:, :10].all()
    assert whole(path).mask.sum() == 2 * 10 * 900
    assert read_raster(write(tmp_path / "b.tif", values, nodata=np.nan)).outcome is Outcome.LU


@pytest.mark.parametrize(
    ("more", "kind", "said"),
    [
        ({"crs": None}, "crs_absent", "Lambert-93 (EPSG:2154)"),
        ({"crs": "EPSG:4326"}, "crs_impossible", "Lambert-93 (EPSG:2154)"),
        ({"crs": "EPSG:27572"}, "crs_area", "Lambert-93 (EPSG:2154)"),
        ({"crs": "EPSG:2154", "west": 650_000, "north": 1_900_000}, "crs_area", "Lambert II étendu"),
        ({"crs": None, "west": 1_650_000, "north": 8_190_000}, "crs_absent", "CC49 (EPSG:3949)"),
        ({"crs": None, "transform": None}, "no_place", "pas géoréférencée"),
    ],
)
def test_a_raster_out_of_its_place_is_said_to_be_so(
    more: dict[str, Any], kind: str, said: str, tmp_path: Path
) -> None:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        path = write(tmp_path / "a.tif", **more)
    found = read_raster(path)
    assert [one.kind for one in found.doubts] == [kind]
    assert said in found.doubts[0].message


def test_a_cut_raster_is_refused_or_said_to_be_so(tmp_path: Path) -> None:
    data = write(tmp_path / "a.tif", tiled=True, blockxsize=64, blockysize=64).read_bytes()
    for cut in (100, len(data) // 2):
        (tmp_path / "a.tif").write_bytes(data[:cut])
        found = read_raster(tmp_path / "a.tif")
        assert found.outcome is Outcome.REFUSE or "broken" in [one.kind for one in found.doubts]
        with pytest.raises(FileRefusedError):
            list(windows(tmp_path / "a.tif"))


def test_what_designates_other_files_is_refused(tmp_path: Path) -> None:
    write(tmp_path / "secret.tif")
    (tmp_path / "a.tif").write_text(
        '<VRTDataset rasterXSize="900" rasterYSize="700"><VRTRasterBand dataType="Byte" band="1">'
        "<SimpleSource>"
        f"<SourceFilename>{tmp_path}/secret.tif</SourceFilename></SimpleSource></VRTRasterBand></VRTDataset>"
    )
    assert "désignent d'autres" in read_raster(tmp_path / "a.tif").reason
    # A neighbour with the same name would change the mask, the statistics and the place.
    write(tmp_path / "b.tif")
    write(tmp_path / "b.tif.msk", np.zeros((1, 700, 900), np.uint8))
    (tmp_path / "b.tif.aux.xml").write_text("<PAMDataset><SRS>EPSG:4326</SRS></PAMDataset>")
    assert read_raster(tmp_path / "b.tif").outcome is Outcome.LU


def claims(width: int, height: int) -> bytes:
    """Make a TIFF of one strip whose header claims a size."""
    tags = [
        (256, 4, 1, width),
        (257, 4, 1, height),
        (258, 3, 1, 8),
        (259, 3, 1, 1),
        (262, 3, 1, 1),
        (273, 4, 1, 8),
        (277, 3, 1, 1),
        (278, 4, 1, height),
        (279, 4, 1, 4),
    ]
    body = b"".join(struct.pack("<HHII", *tag) for tag in tags)
    return b"II*\0" + struct.pack("<I", 12) + b"\0\0\0\0" + struct.pack("<H", len(tags)) + body + b"\0\0\0\0"


@pytest.mark.parametrize("size", [(200_000, 200_000), (50_000, 40_000), (2**31 - 1, 2**31 - 1), (1, 10**9)])
def test_a_raster_that_claims_too_much_is_refused_before_it_is_read(
    size: tuple[int, int], tmp_path: Path
) -> None:
    (tmp_path / "a.tif").write_bytes(claims(*size))
    assert read_raster(tmp_path / "a.tif").outcome is Outcome.REFUSE


def test_a_large_raster_is_looked_at_in_places(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", tiled=True, blockxsize=64, blockysize=64)
    looked = read_raster(path, limits=RasterLimits(looked=VALUES.size // 4)).facts["looked"]
    assert 0.1 < looked < 0.6


def test_a_reduced_image_keeps_only_what_holds_something(tmp_path: Path) -> None:
    values = np.zeros((1, 20, 30), np.uint8)
    values[0, 3, 4] = 7
    found = read_raster(write(tmp_path / "a.tif", values, nodata=0), data=True)
    assert found.data is not None
    assert found.data.to_pylist() == [{"band": 1, "row": 3, "column": 4, "value": 7.0}]

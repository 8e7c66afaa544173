"""Images, maps and sounds are read in the confined child, by the few drivers that are needed."""

from __future__ import annotations

import csv
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from eclaireur.cli.app import main
from eclaireur.sources.isolated import Isolated, Means
from eclaireur.sources.media import drivers
from eclaireur.sources.media.described import Described, Kind
from eclaireur.sources.media.opening import read_media
from eclaireur.sources.media.sniff import kind_of
from eclaireur.sources.reading import Outcome


@pytest.fixture(scope="module")
def child() -> Iterator[Isolated]:
    with Isolated() as reader:
        yield reader


def picture(path: Path) -> Path:
    from PIL import Image

    Image.fromarray(np.arange(1200, dtype=np.uint8).reshape(20, 20, 3)).save(path)
    return path


def sound(path: Path) -> Path:
    soundfile = pytest.importorskip("soundfile", reason="the extra `audio` is not installed")
    soundfile.write(path, np.sin(np.arange(8000) / 5) / 3, 8000)
    return path


def layer(path: Path) -> Path:
    pytest.importorskip("pyogrio", reason="the extra `geo` is not installed")
    path.write_text('{"type": "Point", "coordinates": [4.83, 45.76]}')
    return path


def raster(path: Path) -> Path:
    rasterio = pytest.importorskip("rasterio", reason="the extra `geo` is not installed")
    from affine import Affine

    place = Affine(5, 0, 770_000, 0, -5, 6_280_000)
    size = {"width": 30, "height": 20, "count": 1, "dtype": "uint8"}
    with rasterio.open(path, "w", driver="GTiff", crs="EPSG:2154", transform=place, **size) as target:
        target.write(np.ones((1, 20, 30), np.uint8))
    return path


MADE = {"a.png": picture, "a.wav": sound, "a.geojson": layer, "a.tif": raster}


@pytest.mark.parametrize("name", MADE)
def test_a_confined_reading_is_the_same_as_a_plain_one(name: str, child: Isolated, tmp_path: Path) -> None:
    path = MADE[name](tmp_path / name)
    kind = kind_of(path)
    assert kind is not None
    plain, confined = read_media(path, kind, tmp_path, data=True), child.look(path, kind, data=True)
    assert (confined.outcome, confined.facts) == (plain.outcome, plain.facts)
    assert (confined.repairs, confined.doubts) == (plain.repairs, plain.doubts)
    assert confined.data is not None
    assert confined.data.equals(plain.data)
    assert list(child._folder.iterdir()) == []


def test_a_geopackage_that_was_written_to_by_a_gis_is_read_without_writing(
    child: Isolated, tmp_path: Path
) -> None:
    """QGIS leaves its files in SQLite's WAL mode, which wants to write beside them."""
    pyogrio = pytest.importorskip("pyogrio", reason="the extra `geo` is not installed")
    shape = b"\x01\x01\x00\x00\x00" + np.array([842_666, 6_519_924], float).tobytes()
    table = pa.table({"geometry": pa.array([shape], pa.binary())})
    path = tmp_path / "a.gpkg"
    pyogrio.write_arrow(table, path, geometry_name="geometry", geometry_type="Point", crs="EPSG:2154")
    with closing(sqlite3.connect(path)) as base:
        assert base.execute("PRAGMA journal_mode = wal").fetchone() == ("wal",)
    found = child.look(path, Kind.VECTOR)
    assert (found.outcome, found.facts["features"]) == (Outcome.LU, 1)
    assert [one.name for one in tmp_path.iterdir()] == ["a.gpkg"]
    (tmp_path / "a.gpkg-wal").write_bytes(b"unfinished")
    assert "open" in [one.kind for one in child.look(path, Kind.VECTOR).doubts]


def test_a_child_that_dies_gives_a_refusal_and_the_next_file_is_read(tmp_path: Path) -> None:
    path = picture(tmp_path / "a.png")
    with Isolated() as reader:
        reader.look(path, Kind.IMAGE)
        assert reader._child is not None
        reader._child.kill()
        reader._child.wait()
        assert reader.look(path, Kind.IMAGE).outcome is Outcome.REFUSE
        assert reader.look(path, Kind.IMAGE).outcome is Outcome.LU


def test_too_little_memory_is_a_refusal(tmp_path: Path) -> None:
    from PIL import Image

    Image.new("L", (12_000, 12_000)).save(tmp_path / "a.png", compress_level=1)
    with Isolated(Means(memory=900_000_000)) as reader:
        assert reader.look(tmp_path / "a.png", Kind.IMAGE).outcome is Outcome.REFUSE
        assert reader.look(picture(tmp_path / "b.png"), Kind.IMAGE).outcome is Outcome.LU


def test_only_the_drivers_that_are_needed_are_loaded() -> None:
    pytest.importorskip("pyogrio", reason="the extra `geo` is not installed")
    code = (
        "import pyogrio, rasterio\n"
        "with rasterio.Env() as env: print(*env.drivers(), *pyogrio.list_drivers(), sep='|')"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **drivers.environment()},
        capture_output=True,
        text=True,
        check=True,
    )
    needed = {"GTiff", "COG", "MEM", "Memory", "GPKG", "ESRI Shapefile", "GeoJSON"}
    assert set(run.stdout.strip().split("|")) <= needed


def test_a_missing_part_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from eclaireur.core.errors import ExtraMissingError

    made = {"geo": layer(tmp_path / "a.geojson"), "audio": sound(tmp_path / "a.wav")}
    monkeypatch.setitem(sys.modules, "pyogrio", None)
    monkeypatch.setitem(sys.modules, "soundfile", None)
    for part, path in made.items():
        kind = kind_of(path)
        assert kind is not None
        with pytest.raises(ExtraMissingError, match=f"eclaireur install {part}"):
            read_media(path, kind, tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "kind"),
    [
        ("a.csv", b"a;b\n1;2\n", None),
        ("a.json", b'[{"type": "Point"}]', None),
        ("a.json", b'{"rows": [1]}', None),
        ("a.json", b'\xef\xbb\xbf{"type":"FeatureCollection","features":[]}', Kind.VECTOR),
        ("a.csv", b"\xff\xd8\xff\xe0", Kind.IMAGE),
        ("a.csv", b"RIFF0000WAVEfmt ", Kind.AUDIO),
        ("a.csv", b"II*\0", Kind.RASTER),
        ("a.wav", b"bonjour", Kind.AUDIO),
        ("a.vrt", b"<VRTDataset/>", Kind.RASTER),
        ("a.db", b"SQLite format 3\0" + b"\0" * 84, None),
        ("a.gpkg", b"SQLite format 3\0" + b"\0" * 84, Kind.VECTOR),
        ("a.csv", b"", None),
        ("a.xlsx", b"PK\x03\x04", None),
    ],
)
def test_a_file_is_known_by_its_first_bytes(
    name: str, content: bytes, kind: Kind | None, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(content)
    assert kind_of(tmp_path / name) is kind


EXPECTED = {
    "image/bomb_30000x30000.png": (Outcome.REFUSE, "pixels"),
    "image/exif_rot6_gps.jpg": (Outcome.LU_AVEC_RESERVES, "remise droite"),
    "image/truncated.jpg": (Outcome.REFUSE, "incomplète"),
    "image/cmyk.jpg": (Outcome.LU_AVEC_RESERVES, "CMJN"),
    "image/script.svg": (Outcome.REFUSE, "SVG"),
    "image/one_pixel_1e9.tif": (Outcome.REFUSE, "démesurément"),
    "geo/no_crs.tif": (Outcome.LU_AVEC_RESERVES, "EPSG:2154"),
    "geo/wrong_crs_4326_with_l93_coords.tif": (Outcome.LU_AVEC_RESERVES, "impossibles"),
    "geo/no_georef.tif": (Outcome.LU_AVEC_RESERVES, "pas géoréférencée"),
    "geo/south_up.tif": (Outcome.LU_AVEC_RESERVES, "du sud au nord"),
    "geo/nan_no_nodata.tif": (Outcome.LU_AVEC_RESERVES, "NaN"),
    "geo/uint16_4bands.tif": (Outcome.LU, ""),
    "geo/lambert2_etendu.tif": (Outcome.LU, ""),
    "geo/noprj_cp1252.shp": (Outcome.LU_AVEC_RESERVES, "CP1252"),
    "json/geojson_lambert93.json": (Outcome.LU_AVEC_RESERVES, "EPSG:2154"),
    "json/geojson_bowtie_null.json": (Outcome.LU_AVEC_RESERVES, "se croisent"),
    "audio/tel_8k_alaw.wav": (Outcome.LU, ""),
    "audio/tel_8k_ulaw.wav": (Outcome.LU, ""),
    "audio/gsm610.wav": (Outcome.LU, ""),
    "audio/cd_44k_stereo.wav": (Outcome.LU_AVEC_RESERVES, "Voie silencieuse : 2"),
    "audio/studio_96k_f64.wav": (Outcome.LU, ""),
    "audio/odd_11025_u8.wav": (Outcome.LU, ""),
    "audio/six_channels.wav": (Outcome.LU, ""),
    "audio/silence.wav": (Outcome.LU_AVEC_RESERVES, "silencieux"),
    "audio/noise.wav": (Outcome.LU, ""),
    "audio/nan_float.wav": (Outcome.REFUSE, "nombres"),
    "audio/flac_ok.flac": (Outcome.LU, ""),
    "audio/ogg_vorbis.ogg": (Outcome.LU, ""),
    "audio/header_2GB.wav": (Outcome.LU_AVEC_RESERVES, "lu jusqu'à sa fin"),
    "audio/zero_samples.wav": (Outcome.REFUSE, "aucun son"),
    "audio/truncated_header.wav": (Outcome.REFUSE, ""),
    "audio/mp3_renamed.wav": (Outcome.REFUSE, ""),
    "audio/text_renamed.wav": (Outcome.REFUSE, "n'est pas un son"),
}
PARTS = {
    "image/gif_js_polyglot.gif",
    "geo/noprj_cp1252.shx",
    "geo/noprj_cp1252.dbf",
    "geo/swapped_latlon.csv",
}


def said(found: Described) -> str:
    repairs, doubts = [one.message for one in found.repairs], [one.message for one in found.doubts]
    return " ".join([found.reason, *repairs, *doubts])


def looked(child: Isolated, path: Path) -> Described:
    kind = kind_of(path)
    assert kind is not None
    return child.look(path, kind, data=True)


def test_each_generated_file_gives_what_is_expected_of_it(child: Isolated, hostile_files: Path) -> None:
    for part in ("pyogrio", "rasterio", "soundfile", "soxr"):
        pytest.importorskip(part, reason="the extras `geo` and `audio` are not installed")
    folder = hostile_files / "generated"
    with (folder / "EXPECTED.csv").open(encoding="utf-8", newline="") as stream:
        listed = {row[0] for row in csv.reader(stream) if row[0].startswith(("image/", "geo/", "audio/"))}
    assert listed - PARTS <= set(EXPECTED)
    found = {name: looked(child, folder / name) for name in EXPECTED}
    assert {name: one.outcome for name, one in found.items()} == {
        name: outcome for name, (outcome, _) in EXPECTED.items()
    }
    assert [name for name, (_, words) in EXPECTED.items() if words not in said(found[name])] == []
    assert found["geo/lambert2_etendu.tif"].facts["crs"] == "EPSG:27572"


def test_a_sample_of_bad_files_ends_in_three_outcomes_without_a_death(
    child: Isolated, hostile_files: Path
) -> None:
    """One in three of each family; benchmarks/prove_media.py reads them all."""
    paths = [
        path
        for family in ("image", "geo", "audio")
        for path in sorted((hostile_files / family).iterdir())[::3]
    ]
    found = [looked(child, path) for path in paths if kind_of(path) is not None]
    assert len(found) > 40
    assert [one.file for one in found if "demande trop" in one.reason] == []
    assert [one.file for one in found if one.outcome is Outcome.REFUSE and not (one.reason and one.fix)] == []


def test_the_command_tells_what_a_file_is(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    import json

    path = sound(tmp_path / "a.wav")
    assert main(["read", str(path), "--json"]) == 0
    content = json.loads(capfd.readouterr().out)
    assert (content["kind"], content["outcome"], content["seconds"]) == ("audio", "lu", 1.0)
    target = tmp_path / "a.parquet"
    assert main(["read", str(layer(tmp_path / "a.geojson")), "--to", str(target)]) == 0
    import pyarrow.parquet as pq

    said_of_it = json.loads(pq.read_schema(target).metadata[b"geo"])
    assert said_of_it["columns"]["geometry"]["crs"]["id"] == {"authority": "EPSG", "code": 4326}
    assert "EPSG:4326" in capfd.readouterr().out
    (tmp_path / "b.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    assert main(["read", str(tmp_path / "b.png"), "--report"]) == 2
    assert "Que faire" in capfd.readouterr().out
    assert main(["read", str(picture(tmp_path / "c.png")), "--to", str(target)]) == 2
    assert "ne s'écrit pas en tableau" in capfd.readouterr().err

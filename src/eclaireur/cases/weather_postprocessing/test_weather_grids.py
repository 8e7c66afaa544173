"""Grids, NetCDF, GRIB and SYNOP files of weather_postprocessing."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.io import netcdf_file

from eclaireur.cases.weather_postprocessing import case, passing, reading
from eclaireur.cases.weather_postprocessing.gridding import grid_blocks
from eclaireur.cases.weather_postprocessing.grids import Field, Station, at_stations
from eclaireur.cases.weather_postprocessing.synop import paired, read_stations, read_synop
from eclaireur.core.errors import (
    BadValueError,
    ExtraMissingError,
    FileRefusedError,
    InputError,
    MissingColumnError,
)
from eclaireur.core.view import Table
from eclaireur.sources.called import call_reader

if TYPE_CHECKING:
    import pyarrow as pa

NOON = datetime(2024, 12, 1, 12, tzinfo=UTC)


def field(values: list[float], **other: Any) -> Field:
    told: dict[str, Any] = {
        "name": "2t",
        "variable": "temperature",
        "unit": "K",
        "issued": NOON,
        "valid": NOON,
        "member": 0,
        "points": np.array([[48.0, 2.0], [48.0, 2.5], [44.0, 359.0]]),
    }
    return Field(**(told | other), values=np.array(values))


def test_a_station_takes_the_nearest_point_across_the_meridian_and_kelvins_are_said() -> None:
    stations = [
        Station(name="A", latitude=48.0, longitude=2.3),
        Station(name="B", latitude=44.0, longitude=-1.02),
        Station(name="loin", latitude=10.0, longitude=10.0),
    ]
    found = at_stations([field([280.15, 281.15, 10.0])], stations)
    assert [(one.station, round(one.value, 2), one.kelvin) for one in found] == [
        ("A", 8.0, True),
        ("B", 10.0, False),
    ]
    assert found[0].kilometres == pytest.approx(14.9, abs=0.2)


SYNOP = (
    "numer_sta;date;t;rr24\n"
    "07005;20241201120000;279.15;-0.1\n"
    "07005;20241201150000;mq;mq\n"
    "07015;20241201120000;12.5;4.2\n"
    "07015;hier;279;0\n"
    "07015;20241201180000;99;0\n"
    "07015;20241201210000;280;-3\n"
)


def test_synop_is_read_and_joined_to_a_grid_by_place_and_time(tmp_path: Path) -> None:
    (tmp_path / "s.csv").write_text(SYNOP, encoding="utf-8")
    (tmp_path / "p.csv").write_text(
        "ID,Nom,Latitude,Longitude,Altitude\n7005,ABBEVILLE,48.0,2.1,69\n7015,LILLE,48.0,2.4,47\n",
        encoding="utf-8",
    )
    observed, rejected = read_synop(tmp_path / "s.csv")
    assert [(one.station, one.temperature, one.rain) for one in observed] == [
        ("07005", pytest.approx(6.0), 0.0),
        ("07005", None, None),
        ("07015", 12.5, 4.2),
    ]
    assert [one.line for one in rejected] == [5, 6, 7]
    assert "99" in rejected[1].reason
    joined = paired(at_stations([field([280.15, 281.15, 0.0])], read_stations(tmp_path / "p.csv")), observed)
    assert [
        (one.observed.station, round(one.forecast.value, 2), one.observed.temperature) for one in joined
    ] == [
        ("07005", 7.0, pytest.approx(6.0)),
        ("07015", 8.0, 12.5),
    ]
    (tmp_path / "x.csv").write_text("a;b\n1;2\n", encoding="utf-8")
    with pytest.raises(MissingColumnError):
        read_synop(tmp_path / "x.csv")


def netcdf(path: Path, *, stations: bool = False) -> Path:
    """Write NetCDF 3: three members at two times, packed, with a value that is missing."""
    with netcdf_file(path, "w") as content:
        places = ("station",) if stations else ("latitude", "longitude")
        for name, length in {"time": 2, "number": 3, "width": 2, **dict.fromkeys(places, 2)}.items():
            content.createDimension(name, length)
        time = content.createVariable("time", "f8", ("time",))
        time.units = "hours since 2024-12-01 00:00"
        time[:] = [12.0, 36.0]
        for name in ("latitude", "longitude"):
            content.createVariable(name, "f8", ("station",) if stations else (name,))[:] = [44.5, 5.5]
        size = (2, 3, *([2] * len(places)))
        packed = np.arange(np.prod(size)).reshape(size).astype("i2")
        packed[(0, 0, *([0] * len(places)))] = -999
        one = content.createVariable("t2m", "i2", ("time", "number", *places))
        one.units, one.scale_factor, one.add_offset, one._FillValue = "K", 0.1, 273.15, np.int16(-999)
        one[:] = packed
        if stations:
            named = content.createVariable("station_name", "c", ("station", "width"))
            named[:] = np.array([[b"A", b"A"], [b"B", b"B"]])
    return path


def test_netcdf_4_is_read_as_netcdf_3_is(tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    h5netcdf = pytest.importorskip("h5netcdf")
    old = netcdf(tmp_path / "old.nc", stations=True)
    with netcdf_file(old, mmap=False) as classic, h5netcdf.File(tmp_path / "new.nc", "w") as content:
        content.dimensions = {"time": 2, "number": 3, "station": 2, "width": 2}
        for name, one in classic.variables.items():
            made = content.create_variable(name, one.dimensions, one.data.dtype, data=np.array(one.data))
            for key, value in one._attributes.items():
                made.attrs[key] = value.decode() if isinstance(value, bytes) else value
    found, before = reading.read_file(tmp_path / "new.nc"), reading.read_file(old)
    assert found is not None
    assert found == before
    assert len(found[0]) == 4


def test_an_ensemble_in_netcdf_becomes_rows_and_a_missing_member_is_said(tmp_path: Path) -> None:
    found = reading.read_file(netcdf(tmp_path / "a.nc", stations=True))
    assert found is not None
    rows, rejected = found
    assert not rejected
    assert [(row["station"], row["day"].day, len(row["members"])) for row in rows] == [
        ("AA", 1, 2),
        ("BB", 1, 3),
        ("AA", 2, 3),
        ("BB", 2, 3),
    ]
    assert rows[0]["members"] == pytest.approx([0.2, 0.4], abs=1e-4)
    assert rows[0]["unit"] == "K"
    assert "1 membre manquant sur 3" in rows[0]["remark"]
    table = case.read_candidates(tmp_path / "a.nc")
    assert table is not None
    assert table.num_rows == 4
    grid = reading.read_file(netcdf(tmp_path / "g.nc"))
    assert grid is not None
    assert len(grid[0]) == 8
    assert {(row["latitude"], row["longitude"]) for row in grid[0]} == {
        (44.5, 44.5), (44.5, 5.5), (5.5, 44.5), (5.5, 5.5)
    }  # fmt: skip


def test_a_netcdf_file_cut_in_half_is_refused_in_words(tmp_path: Path) -> None:
    path = netcdf(tmp_path / "a.nc")
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(BadValueError, match=r"a\.nc.*coupé ou abîmé"):
        reading.read_file(path)


def dying(path: Path) -> dict[str, pa.Table]:
    os._exit(len(path.parts))


def failing(path: Path) -> dict[str, pa.Table]:
    raise MemoryError(path)


def lying(path: Path) -> dict[str, pa.Table]:
    found = passing.packed([field([1.0, 2.0, 3.0])], [])
    return found | {"points": found["points"].drop_columns(["name"])}


def short(path: Path) -> dict[str, pa.Table]:
    found = passing.packed([field([1.0, 2.0, 3.0])], [])
    return found | {"points": found["points"].slice(1)}


def test_a_reader_that_dies_fails_or_lies_in_the_child_is_a_refusal_here(tmp_path: Path) -> None:
    path = tmp_path / "a.grib"
    path.write_bytes(b"GRIB")
    for reader, said in ((dying, "trop de mémoire"), (failing, "MemoryError"), (lying, "abîmé")):
        with pytest.raises(InputError, match=rf"a\.grib.*{said}"):
            call_reader(reader, path, expect=passing.schemas())
    with pytest.raises(FileRefusedError, match="abîmé"):
        passing.unpacked(call_reader(short, path, expect=passing.schemas()), file="a.grib")


def library_is_there() -> bool:
    try:
        import eccodes  # type: ignore[import-untyped]  # noqa: F401
    except (ImportError, RuntimeError):
        return False
    return True


def test_without_its_library_a_grib_file_is_refused_with_what_to_install(tmp_path: Path) -> None:
    if library_is_there():
        pytest.skip("the library is installed")
    (tmp_path / "a.grib").write_bytes(b"GRIB\0\0\0\1")
    with pytest.raises(ExtraMissingError, match="install weather"):
        reading.read_file(tmp_path / "a.grib")


def grib(path: Path, *, members: int = 3) -> bytes:
    import eccodes

    with path.open("wb") as stream:
        for number in range(members):
            message = eccodes.codes_grib_new_from_samples("regular_ll_sfc_grib2")
            eccodes.codes_set(message, "productDefinitionTemplateNumber", 1)
            for key, value in {
                "dataDate": 20241201, "Ni": 2, "Nj": 2, "step": 12, "perturbationNumber": number,
                "latitudeOfFirstGridPointInDegrees": 45.0, "latitudeOfLastGridPointInDegrees": 44.0,
                "longitudeOfFirstGridPointInDegrees": 5.0, "longitudeOfLastGridPointInDegrees": 6.0,
                "iDirectionIncrementInDegrees": 1.0, "jDirectionIncrementInDegrees": 1.0, "shortName": "2t",
            }.items():  # fmt: skip
                eccodes.codes_set(message, key, value)
            eccodes.codes_set_values(message, [280.0 + number, 281.0, 282.0, 283.0])
            eccodes.codes_write(message, stream)
            eccodes.codes_release(message)
    return path.read_bytes()


def test_an_ensemble_in_grib_is_read_up_to_where_it_was_cut(tmp_path: Path) -> None:
    if not library_is_there():
        pytest.skip("the library of GRIB is not installed")
    content = grib(tmp_path / "a.grib")
    found = reading.read_file(tmp_path / "a.grib")
    assert found is not None
    assert found[0][0]["members"] == pytest.approx([6.85, 7.85, 8.85], abs=0.05)
    (tmp_path / "a.grib").write_bytes(content[:-20])
    cut = reading.read_grid(tmp_path / "a.grib")
    assert cut is not None
    assert len(cut[0]) == 2
    assert "coupé" in cut[1][0].reason


def test_a_grid_is_shown_at_the_stations_of_the_records(tmp_path: Path) -> None:
    case.fetch("sample", tmp_path, seed=1, progress=lambda *_: None)
    records = case.records("sample", tmp_path, outcomes=None, progress=lambda *_: None)
    row = records["forecasts"].to_pylist()[0]
    points = np.array([[row["latitude"], row["longitude"]], [0.0, 0.0]])
    day = datetime(row["observed"].year, row["observed"].month, row["observed"].day, 12, tzinfo=UTC)
    blocks = grid_blocks(([field([280.15, 0.0], points=points, valid=day)], []), records)
    assert isinstance(blocks[0], Table)
    shown = {one["station"]: one for one in blocks[0].rows}
    assert shown[row["name"]]["value"].startswith("7,0")
    assert shown[row["name"]]["seen"] != "–"
    with pytest.raises(BadValueError):
        grid_blocks(None, records)

"""A place given by latitude and longitude is doubted when it is in France only the other way round."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, strategies as st

from eclaireur.sources.media.crs import swapped, swapped_points
from eclaireur.sources.tables import read_table


def read(path: Path, text: str) -> list[tuple[int, ...]]:
    path.write_text(text, encoding="utf-8")
    return [one.lines for one in read_table(path).doubts if one.kind == "axes"]


@pytest.mark.parametrize(
    "names", ["lat;lon", "Latitude;Longitude", "geo_lat;geo_lng", "lat.wgs84;long.wgs84"]
)
def test_the_rows_that_are_swapped_are_named(names: str, tmp_path: Path) -> None:
    rows = "Lyon;45,76;4,83\nSète;3.70;43.40\nParis;48,85;2,35\nNulle part;;\nMarseille;5.37;43.30\n"
    assert read(tmp_path / "a.csv", f"nom;{names}\n{rows}") == [(3, 6)]


@pytest.mark.parametrize(
    "text",
    [
        "nom;lat;lon\nLyon;45,76;4,83\nParis;48,85;2,35\n",
        "nom;lat;lon\nOslo;59.9;10.7\nParis;48.85;2.35\n",
        "nom;lat;lon\nLyon;inconnue;4,83\nParis;48,85;2,35\n",
        "nom;plat;salon\nA;3.70;43.40\nB;3.71;43.41\n",
        "nom;lat\nA;3.70\nB;3.71\n",
    ],
)
def test_other_rows_are_not_doubted(text: str, tmp_path: Path) -> None:
    assert read(tmp_path / "a.csv", text) == []


def test_the_generated_table_is_told(hostile_files: Path) -> None:
    found = read_table(hostile_files / "generated" / "geo" / "swapped_latlon.csv")
    assert [one.lines for one in found.doubts if one.kind == "axes"] == [(2,)]


degrees = st.one_of(st.floats(-70, 70), st.sampled_from([4.83, 45.76, -61.0, 14.6, 55.5, -21.1]))


@given(degrees, degrees)
def test_many_points_are_judged_as_one(x: float, y: float) -> None:
    assert swapped_points(np.array([x]), np.array([y])).tolist() == [swapped((x, y, x, y))]

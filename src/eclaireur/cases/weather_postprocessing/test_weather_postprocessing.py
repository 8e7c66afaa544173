"""Laws, reading, models and scores of weather_postprocessing."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from eclaireur.cases.weather_postprocessing import emos, reading
from eclaireur.cases.weather_postprocessing.csv_files import read_ensemble
from eclaireur.cases.weather_postprocessing.laws import CENSORED, NORMAL, Law, crps_gradient
from eclaireur.cases.weather_postprocessing.verify import (
    brier_parts,
    coverage,
    crps_ensemble,
    crps_parts,
    crps_quantiles,
    pit,
    ranks,
)

WIDE = "date,rain,rainfc.1,rainfc.2,rainfc.3\n"


def one(family: str, location: float = 0.4, scale: float = 1.3) -> Law:
    return Law(family=family, location=np.array([location]), scale=np.array([scale]))


@pytest.mark.parametrize("family", [CENSORED, NORMAL])
@pytest.mark.parametrize("observed", [0.0, 0.7, 4.0])
def test_the_formula_of_the_crps_is_the_integral(family: str, observed: float) -> None:
    law = one(family)
    grid = np.linspace(-40, 40, 400_001)
    chance = Law(family=family, location=np.full(len(grid), 0.4), scale=np.full(len(grid), 1.3)).cdf(grid)
    whole = np.trapezoid((chance - (grid >= observed)) ** 2, grid)
    assert law.crps(np.array([observed]))[0] == pytest.approx(whole, abs=5e-4)


@pytest.mark.parametrize("family", [CENSORED, NORMAL])
def test_the_gradient_is_that_of_the_score(family: str) -> None:
    observed, location, scale = np.array([0.0, 0.7, 4.0]), np.full(3, 0.4), np.full(3, 1.3)
    _, by_location, by_scale = crps_gradient(family, location, scale, observed)
    step = 1e-6

    def moved(where: float, wide: float) -> np.ndarray:
        return crps_gradient(family, location + where, scale + wide, observed)[0]

    assert by_location == pytest.approx((moved(step, 0) - moved(-step, 0)) / (2 * step), abs=1e-6)
    assert by_scale == pytest.approx((moved(0, step) - moved(0, -step)) / (2 * step), abs=1e-6)


def test_quantiles_are_those_of_the_law() -> None:
    for family in (CENSORED, NORMAL):
        law = one(family, location=2.0, scale=0.5)
        found = law.quantiles((0.1, 0.5, 0.9))[0]
        assert [float(law.cdf(value)[0]) for value in found] == pytest.approx([0.1, 0.5, 0.9])


def test_a_censored_law_is_found_again() -> None:
    draw = np.random.default_rng(3)
    mean = draw.normal(1, 1, (6000, 1))
    wide = draw.normal(0, 0.4, (6000, 1))
    truth = 0.3 + 0.8 * mean[:, 0] + np.exp(-0.2 + wide[:, 0]) * draw.logistic(size=6000)
    made = emos.fit(CENSORED, mean, wide, np.maximum(truth, 0))
    assert made.location == pytest.approx([0.3, 0.8], abs=0.08)
    assert made.scale == pytest.approx([-0.2, 1.0], abs=0.1)
    assert emos.Emos.from_plain(made.to_plain()).scale == pytest.approx(made.scale)


def test_the_crps_of_an_ensemble_is_that_of_its_steps_whatever_its_size() -> None:
    members = np.array([[1.0, 3.0, 8.0], [2.0, 2.5, np.nan]])
    observed = np.array([2.0, 4.0])
    by_pairs = [
        np.abs(row - seen).mean() - np.abs(row[:, None] - row).mean() / 2
        for row, seen in ((members[0], 2.0), (members[1, :2], 4.0))
    ]
    assert crps_ensemble(members, observed) == pytest.approx(by_pairs)
    assert crps_quantiles(members[:1], observed[:1]) == pytest.approx(by_pairs[:1])


def test_parts_add_up_and_perfect_laws_are_reliable() -> None:
    draw = np.random.default_rng(5)
    location = draw.normal(0, 2, 20_000)
    law = Law(family=NORMAL, location=location, scale=np.ones(20_000))
    observed = location + draw.normal(size=20_000)
    parts = crps_parts(law, observed)
    assert parts.score == pytest.approx(law.crps(observed).mean(), abs=0.01)
    assert parts.score == pytest.approx(parts.reliability - parts.resolution + parts.uncertainty)
    assert parts.reliability < 0.005 < parts.resolution
    assert coverage(law, observed).mean() == pytest.approx(0.8, abs=0.01)
    assert np.histogram(pit(law, observed, seed=0), 10, (0, 1))[0] / 20_000 == pytest.approx(0.1, abs=0.01)
    wrong = Law(family=NORMAL, location=location + 2, scale=law.scale)
    assert crps_parts(wrong, observed).reliability > 0.3
    exact = brier_parts(np.array([0.0, 1.0, 1.0]), np.array([0.0, 1.0, 1.0]))
    assert (exact.reliability, exact.score) == pytest.approx((0, 0))


def test_zeros_of_a_censored_law_are_drawn_within_their_chance() -> None:
    draw = np.random.default_rng(7)
    law = Law(family=CENSORED, location=draw.normal(0, 1, 20_000), scale=np.ones(20_000))
    observed = np.maximum(law.location + draw.logistic(size=20_000), 0)
    assert coverage(law, observed).mean() == pytest.approx(0.8, abs=0.01)
    assert np.histogram(pit(law, observed, seed=0), 10, (0, 1))[0] / 20_000 == pytest.approx(0.1, abs=0.01)
    same = ranks(np.zeros((3000, 2)), np.zeros(3000), seed=0)
    assert np.bincount(same) / 3000 == pytest.approx(1 / 3, abs=0.03)


def wide(tmp_path: Path, text: str, name: str = "a.csv") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def test_bad_rows_are_set_aside_with_their_line_and_the_rest_goes_on(tmp_path: Path) -> None:
    text = WIDE + (
        "2020-01-01,1,1,2,3\n"
        "2020-01-02,1,-4,2,3\n"
        "hier,1,1,2,3\n"
        "2020-01-04,1,,,3\n"
        "2020-01-05,-2,,2,3\n"
        "2020-01-06,1,1,2\n"
    )
    found = read_ensemble(wide(tmp_path, text))
    assert found is not None
    assert [row["line"] for row in found.rows] == [2, 6]
    assert found.rows[1]["members"] == [2.0, 3.0]
    assert found.rows[1]["value"] is None
    assert "1 membre manquant sur 3" in found.rows[1]["remark"]
    assert "observation écartée" in found.rows[1]["remark"]
    reasons = {one.line: one.reason for one in found.rejected}
    assert set(reasons) == {3, 4, 5, 7}
    assert "-4 mm" in reasons[3]
    assert "pas une date" in reasons[4]
    assert "1 membre lisible sur 3" in reasons[5]
    assert "coupée" in reasons[7]


def test_kelvins_and_degrees_are_told_apart_and_said(tmp_path: Path) -> None:
    text = "date,station,observation,A,B\n2020-01-01,S,5.0,280.15,281.15\n2020-01-02,S,280,100,281\n"
    found = read_ensemble(wide(tmp_path, text))
    assert found is not None
    assert found.rows[0]["members"] == pytest.approx([7.0, 8.0])
    assert found.rows[0]["value"] == 5.0
    assert "deux unités" in found.rows[0]["remark"]
    assert "100" in found.rejected[0].reason


def test_a_compressed_file_cut_in_half_is_read_up_to_the_cut(tmp_path: Path) -> None:
    lines = "".join(f"2020-01-{day:02d},{day},{day}.{day * 7919},2,3\n" for day in range(1, 32))
    whole = gzip.compress((WIDE + lines * 40).encode())
    path = tmp_path / "a.csv.gz"
    path.write_bytes(whole[: len(whole) // 2])
    found = read_ensemble(path)
    assert found is not None
    assert 10 < len(found.rows) < 31 * 40
    assert "coupé" in found.rejected[-1].reason
    tables = reading.tables_of(found.rows, found.rejected)
    assert tables["rejected"].num_rows == len(found.rejected)

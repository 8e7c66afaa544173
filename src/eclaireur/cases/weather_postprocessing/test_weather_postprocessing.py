"""Laws, reading, models and scores of weather_postprocessing."""

from __future__ import annotations

import gzip
import io
from datetime import date, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from eclaireur.cases.weather_postprocessing import case, emos, measuring, reading
from eclaireur.cases.weather_postprocessing.coupling import coupled, energy_score, shuffled, variogram_score
from eclaireur.cases.weather_postprocessing.csv_files import read_ensemble
from eclaireur.cases.weather_postprocessing.decisions import alerts
from eclaireur.cases.weather_postprocessing.laws import CENSORED, NORMAL, Law, crps_gradient
from eclaireur.cases.weather_postprocessing.model import load
from eclaireur.cases.weather_postprocessing.verify import (
    brier_parts,
    coverage,
    crps_ensemble,
    crps_parts,
    crps_quantiles,
    pit,
    ranks,
)
from eclaireur.core.case import Fitted, Records, quiet
from eclaireur.core.errors import BadValueError, ModelRefusedError
from eclaireur.core.figures import lay_out
from eclaireur.core.terminal import TerminalRenderer
from eclaireur.core.view import Chart, Table

WIDE = "date,rain,rainfc.1,rainfc.2,rainfc.3\n"


class Sampled(NamedTuple):
    """The generated sample, read and learnt from once."""

    path: Path
    records: Records
    fitted: Fitted


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


def test_french_days_and_encodings_are_read_and_months_first_refused(tmp_path: Path) -> None:
    head, path = "date;station;m1;m2;rain\n", tmp_path / "a.csv"
    text = f"{head}05/01/2024;Orléans;1;2,5;3\n2024-01-06;Orléans;1;2;3\n"
    for encoding in ("utf-8", "cp1252", "utf-16"):
        path.write_text(text, encoding=encoding)
        read = read_ensemble(path)
        assert read is not None
        assert [(row["station"], row["day"].day) for row in read.rows] == [("Orléans", 5), ("Orléans", 6)]
    path.write_bytes(text.replace("\n", "\r").encode())
    mac = read_ensemble(path)
    assert mac is not None
    assert len(mac.rows) == 2
    path.write_text(f"{head}02/13/2024;A;1;2;3\n02/03/2024;A;1;2;3\n2024-01-06;A;1;2;3\n", encoding="utf-8")
    read = read_ensemble(path)
    assert read is not None
    assert len(read.rows) == 1
    assert all("le mois semble avant le jour" in one.reason for one in read.rejected)
    path.write_text("date;station;m1;rain\n2024-01-06;A;1;2\n", encoding="utf-8")
    with pytest.raises(BadValueError, match="un seul membre"):
        read_ensemble(path)


def test_the_same_station_and_day_twice_is_refused_the_second_time(tmp_path: Path) -> None:
    text = "date,station,temperature,A,B\n20200101,S,5,7,8\n20200101,S,5,1,2\n20200102,S,5,7,8\n"
    found = read_ensemble(wide(tmp_path, text))
    assert found is not None
    assert [row["line"] for row in found.rows] == [2, 4]
    assert found.rejected[0].reason == "même station et même jour que la ligne 2."


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


@pytest.fixture(scope="module")
def sampled(tmp_path_factory: pytest.TempPathFactory) -> Sampled:
    raw = tmp_path_factory.mktemp("raw")
    case.fetch("sample", raw, seed=3, progress=quiet)
    records = case.records("sample", raw, outcomes=None, progress=quiet)
    as_of = case.data_date(records) + timedelta(days=1)
    fitted = case.train(records, case.examples(records), as_of=as_of, seed=3, progress=quiet)
    return Sampled(raw / "temperature.csv", records, fitted)


def test_calibration_beats_the_raw_ensemble_and_plain_forecasts(sampled: Sampled) -> None:
    (block,) = measuring.evaluate("sample", sampled.records, seed=1, progress=quiet)
    found = {one.name: one.value or 0.0 for one in block.metrics}
    assert {"crps", "crps_raw", "brier", "coverage_80"} <= set(found)
    assert 0 < found["crps"] < found["crps_emos"] < found["crps_raw"]
    low = {one.name: one.low or 0.0 for one in block.metrics}
    assert low["crps_gain_over_raw"] > 0
    assert found["coverage_80"] == pytest.approx(0.8, abs=0.05)
    assert sum(one.metric.n for one in block.subgroups) == block.metrics[0].n


def scored(sampled: Sampled, path: Path) -> list[dict[str, Any]]:
    table = case.read_candidates(path)
    assert table is not None
    found = case.score(
        table.drop_columns(["line"]),
        sampled.records,
        sampled.fitted.card,
        sampled.fitted.artefacts.__getitem__,
        progress=quiet,
    )
    rows: list[dict[str, Any]] = found.to_pylist()
    return rows


def test_a_file_is_scored_line_by_line_in_its_own_unit(sampled: Sampled, tmp_path: Path) -> None:
    lines = sampled.path.read_text(encoding="utf-8").splitlines()
    head, *last = [lines[0], *lines[-4:]]
    kelvin = [
        ",".join([*cells[:5], *(f"{float(one) + 273.15:.2f}" for one in cells[5:])])
        for cells in (line.split(",") for line in last)
    ]
    plain = scored(sampled, wide(tmp_path, "\n".join([head, *last]), "b.csv"))
    kelvins = scored(sampled, wide(tmp_path, "\n".join([head, *kelvin, "x,S00"]), "k.csv"))
    assert [row["kept"] for row in kelvins] == [True] * 4 + [False]
    assert "cellules" in kelvins[-1]["rejection"]
    for row, other in zip(plain, kelvins, strict=False):
        assert other["q50"] == pytest.approx(row["q50"] + 273.15, abs=0.02)
        assert other["observation"] == pytest.approx(row["observation"] + 273.15, abs=0.02)
        assert other["crps"] == pytest.approx(row["crps"], abs=0.02)
        assert row["q05"] < row["q25"] < row["q50"] < row["q95"]
        assert len(row["reasons"]) == 3


def test_a_row_without_an_observation_has_the_same_forecast(sampled: Sampled, tmp_path: Path) -> None:
    lines = sampled.path.read_text(encoding="utf-8").splitlines()
    cells = [line.split(",") for line in lines[-40:]]
    later = [["2026-02-01", *row[1:]] for row in cells[-8:]]
    blind = [[*row[:5], "", *row[6:]] for row in later]
    told = scored(sampled, wide(tmp_path, "\n".join([lines[0], *map(",".join, later)]), "t.csv"))
    mute = scored(sampled, wide(tmp_path, "\n".join([lines[0], *map(",".join, blind)]), "m.csv"))
    assert [row["q50"] for row in told] == [row["q50"] for row in mute]
    assert all(row["crps"] is not None for row in told)
    assert all(row["crps"] is None and row["observation"] is None for row in mute)


@pytest.mark.parametrize("name", sorted(set(case.REPORTS) - {"grid"}))
def test_each_report_can_be_shown(sampled: Sampled, name: str) -> None:
    table = pa.table({"station": ["S01", "S02", "?"], "exposés": ["100", "-4", "2"]})
    blocks = case.report(
        name,
        sampled.records,
        sampled.fitted.card,
        sampled.fitted.artefacts.__getitem__,
        about="S03" if name == "plume" else "",
        table=table if name == "impacts" else None,
        seed=1,
        progress=quiet,
    )
    console = Console(file=io.StringIO(), width=120)
    TerminalRenderer(console).render(blocks)
    for block in blocks:
        if isinstance(block, Chart):
            assert lay_out(block).parts
    if name == "impacts":
        listed, refused = (block for block in blocks if isinstance(block, Table))
        assert [row["station"] for row in listed.rows] == ["S01"]
        assert len(refused.rows) == 2
    if name == "together":
        assert isinstance(blocks[0], Table)
        raw, kept, loose = blocks[0].rows
        assert kept["energy"] < raw["energy"]
        assert kept["variogram"] < loose["variogram"]


def test_rows_set_aside_are_those_of_the_file_that_is_given(sampled: Sampled, tmp_path: Path) -> None:
    def made(name: str, path: Path) -> Any:
        table = case.read_report_input(path)
        asked = (sampled.records, sampled.fitted.card, sampled.fitted.artefacts.__getitem__)
        return case.report(name, *asked, about="", table=table, seed=1, progress=quiet)

    path = wide(tmp_path, WIDE + "2020-01-01,1,1,2,3\n2020-01-02,1,-4,2,3\n2020-01-03,1,,2,3\n")
    table, facts = made("rejected", path)
    assert [(row["file"], row["line"]) for row in table.rows] == [(path.name, 3)]
    assert facts.pairs == (("1 membre manquant sur 3", "1 ligne"),)
    with pytest.raises(BadValueError, match="est une prévision"):
        made("impacts", path)


def test_a_model_that_asks_for_an_unknown_predictor_is_refused(sampled: Sampled) -> None:
    stored = sampled.fitted.artefacts["model.json"].replace(b'"rough"', b'"moon"')
    with pytest.raises(ModelRefusedError, match="moon"):
        load(sampled.fitted.card, lambda _: stored)


def test_alerts_at_the_right_ratio_are_worth_most() -> None:
    draw = np.random.default_rng(2)
    chance = draw.random(20_000)
    happened = (draw.random(20_000) < chance).astype(float)
    found = alerts(chance, happened, (0.2, 0.5))
    louder = alerts(np.minimum(chance * 2, 1), happened, (0.2, 0.5))
    assert all(0 < one.value < 1 for one in found)
    assert all(good.value > bad.value for good, bad in zip(found, louder, strict=True))


def test_joint_members_keep_the_ranks_and_scores_tell_dependence() -> None:
    draw = np.random.default_rng(4)
    shared = draw.normal(size=(1, 30))
    members = shared + 0.1 * draw.normal(size=(25, 30))
    law = Law(family=NORMAL, location=np.zeros(25), scale=np.ones(25))
    kept, loose = coupled(law, members, seed=0), shuffled(law, members, seed=0)
    assert (np.argsort(kept, axis=1) == np.argsort(members, axis=1)).all()
    assert np.sort(kept, axis=1) == pytest.approx(np.sort(loose, axis=1))
    truth = np.full(25, 0.7)
    assert variogram_score(kept, truth) < variogram_score(loose, truth)
    assert energy_score(members[:1], truth[:1]) == pytest.approx(crps_ensemble(members[:1], truth[:1])[0])


def members_table(sizes: dict[str, int]) -> pa.Table:
    rows = [
        {
            "station": station,
            "date": date(2026, 2, 3),
            "issued": date(2026, 2, 1),
            "variable": "temperature",
            "member": number,
            "value": 280.0 + number,
            "latitude": None,
            "longitude": None,
            "elevation": None,
        }
        for station, size in sizes.items()
        for number in range(size)
    ]
    return pa.Table.from_pylist(rows)


def test_one_member_a_row_is_gathered_and_each_row_bears_its_forecast(sampled: Sampled) -> None:
    found = case.score(
        members_table({"S00": 4, "S01": 3, "S02": 1}),
        sampled.records,
        sampled.fitted.card,
        sampled.fitted.artefacts.__getitem__,
        progress=quiet,
    ).to_pylist()
    assert [row["members"] for row in found] == [4] * 4 + [3] * 3 + [None]
    assert len({row["q50"] for row in found[:4]}) == 1
    assert found[4]["remark"] == "1 membre manquant sur 4"
    assert "1 membre lisible" in found[-1]["rejection"]


def test_connected_tables_are_joined_by_station_and_day(tmp_path: Path) -> None:
    pq.write_table(members_table({"A": 3, "B": 1}), tmp_path / "members.parquet")
    seen = [{"station": "A", "date": date(2026, 2, 3), "variable": "temperature", "value": 281.15}]
    pq.write_table(pa.Table.from_pylist(seen), tmp_path / "observations.parquet")
    records = case.records("connected", tmp_path, outcomes=None, progress=quiet)
    (forecast,) = records["forecasts"].to_pylist()
    assert (forecast["known"], forecast["observed"]) == (date(2026, 2, 1), date(2026, 2, 3))
    (observation,) = records["observations"].to_pylist()
    assert observation["value"] == pytest.approx(8.0)
    assert observation["known"] == date(2026, 2, 4)
    assert "1 membre lisible sur 3" in records["rejected"].to_pylist()[0]["reason"]

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from eclaireur.bricks.anomaly.conformal import benjamini_hochberg, least, p_values
from eclaireur.bricks.anomaly.detectors import DETECTORS
from eclaireur.bricks.anomaly.rows import Usual, rank_rows
from eclaireur.bricks.anomaly.series import changes
from eclaireur.core.errors import BadValueError, EmptyTableError

NAMES = ["débit", "nitrates", "température"]


def ordinary(rows: int, seed: int) -> np.ndarray:
    """Rows whose first two columns go together."""
    draw = np.random.default_rng(seed)
    rows_ = draw.normal(size=(rows, 3))
    rows_[:, 1] = rows_[:, 0] + 0.2 * rows_[:, 1]
    return rows_ * [2, 5, 3] + [10, 30, 15]


@pytest.fixture(scope="module")
def usual() -> Usual:
    return Usual.of(ordinary(600, 0), NAMES)


def test_a_p_value_under_a_tenth_comes_to_a_tenth_of_ordinary_rows(usual: Usual) -> None:
    p = usual.find(ordinary(2000, 1)).p

    assert 0.06 < np.mean(p <= 0.1) < 0.14  # about three standard errors of 300 calibration rows


def test_kept_rows_are_ordinary_no_more_often_than_asked(usual: Usual) -> None:
    wrong, right = [], 0
    for seed in range(8):
        rows = ordinary(100, seed + 10)
        rows[:10] += [20, 0, 30]
        kept = usual.find(rows, level=0.2).kept
        wrong.append(kept[10:].sum() / max(1, kept.sum()))
        right += int(kept[:10].sum())

    assert np.mean(wrong) <= 0.25
    assert right >= 72


def test_each_detector_sees_a_gross_anomaly_and_their_mean_orders_it_first() -> None:
    rows = ordinary(200, 2)
    rows[5] = [40, 150, 60]
    found = rank_rows(rows, NAMES)

    assert set(found) == {*DETECTORS, "all"}
    assert all(share.argmax() == 5 for share in found.values())


def test_a_value_alone_is_told_with_what_is_usual(usual: Usual) -> None:
    [reasons] = usual.reasons(np.array([[10.0, 30.0, 60.0]]))

    assert [one["feature"] for one in reasons] == ["température"]
    assert "plus haut que presque toujours (d’habitude entre" in reasons[0]["sentence"]


def test_values_that_do_not_go_together_are_told_with_what_was_expected(usual: Usual) -> None:
    """Each of the two is usual alone."""
    [reasons] = usual.reasons(np.array([[12.0, 26.0, 15.0]]))

    assert {one["feature"] for one in reasons} <= {"débit", "nitrates"}
    assert "feraient attendre environ" in reasons[0]["sentence"]


def test_a_wrong_value_does_not_put_the_others_out(usual: Usual) -> None:
    [reasons] = usual.reasons(np.array([[10.0, 300.0, 15.0]]))

    assert [one["feature"] for one in reasons] == ["nitrates"]


def test_constant_columns_missing_values_and_duplicates_are_taken() -> None:
    rows = np.hstack([np.repeat(ordinary(50, 3), 4, axis=0), np.ones((200, 1)), np.full((200, 1), np.nan)])
    rows[::7, 1] = np.nan
    names = [*NAMES, "constante", "vide"]
    usual = Usual.of(rows, names)
    found = usual.find(np.array([[np.nan] * 5, [30, 120, 90, 1, 3]]))

    assert usual.columns.kept == (0, 1, 2)
    assert found.p[0] > 0.5  # nothing known, nothing odd
    assert found.p[1] < 0.02
    assert usual.reasons(np.full((1, 5), np.nan)) == [[]]


def test_the_same_seed_says_the_same(usual: Usual) -> None:
    rows = ordinary(20, 4)
    again = Usual.of(ordinary(600, 0), NAMES)

    assert np.array_equal(again.find(rows).score, usual.find(rows).score)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (np.zeros((59, 3)), "Trop peu pour conclure"),
        (np.zeros((100, 3)), "Aucune colonne ne varie"),
        (np.zeros((100, 2)), "2 colonnes, 3 sont attendues"),
        (np.full((100, 3), np.inf), "infinie"),
    ],
)
def test_a_reference_that_says_nothing_is_refused_with_the_reason(rows: np.ndarray, message: str) -> None:
    with pytest.raises(BadValueError) as error:
        Usual.of(rows, NAMES)
    assert message in str(error.value)
    assert error.value.fix


def test_an_empty_reference_is_refused() -> None:
    with pytest.raises(EmptyTableError):
        Usual.of(np.zeros((0, 3)), NAMES)


def test_too_small_a_calibration_part_is_said(usual: Usual) -> None:
    assert usual.find(ordinary(20, 5)).note == ""
    assert "Trop peu pour conclure sur une ligne seule" in usual.find(ordinary(200, 5)).note
    assert least(300, 200, 0.1) == 7


def test_ties_in_the_calibration_part_are_counted_against_the_row() -> None:
    assert p_values(np.zeros(9), np.zeros(1)).tolist() == [1.0]


def test_a_share_of_errors_out_of_range_is_refused() -> None:
    with pytest.raises(BadValueError):
        benjamini_hochberg(np.array([0.1]), 1.5)


def days(count: int, step: int = 1) -> list[date]:
    return [date(2020, 1, 1) + timedelta(days=step * i) for i in range(count)]


def alike(count: int, likeness: float, seed: int) -> np.ndarray:
    """An AR(1) sequence of deviation 1."""
    noise = np.random.default_rng(seed).normal(size=count)
    values = np.zeros(count)
    for i in range(1, count):
        values[i] = likeness * values[i - 1] + noise[i]
    return np.asarray(values * np.sqrt(1 - likeness**2))


@pytest.mark.parametrize("likeness", [0.0, 0.5])
def test_a_series_that_does_not_change_is_left_alone(likeness: float) -> None:
    alarms = [
        one
        for seed in range(15)
        for one in changes(days(120), alike(120, likeness, seed)).found
        if one.kind in {"shift", "drift"}
    ]

    assert len(alarms) <= 2


def test_shifts_of_four_deviations_are_found_at_their_date_fourteen_times_in_fifteen() -> None:
    hits = 0
    for seed in range(15):
        values = alike(120, 0.0, seed)
        values[70:] += 4
        shifts = [one for one in changes(days(120), values).found if one.kind == "shift"]
        hits += any(abs(one.first - 70) <= 2 and abs(one.size - 4) < 1 for one in shifts)

    assert hits >= 14


def test_drifts_of_eight_deviations_are_found_as_drifts_eight_times_in_ten() -> None:
    hits = 0
    for seed in range(10):
        values = alike(120, 0.0, seed) + np.maximum(np.arange(120) - 40, 0) / 10
        found = [one for one in changes(days(120), values).found if one.kind == "drift"]
        hits += any(abs(one.first - 40) <= 20 and abs(one.size - 8) < 3 for one in found)

    assert hits >= 8


def test_a_stuck_sensor_and_an_isolated_value_are_found_and_dated() -> None:
    values = alike(150, 0.3, 1)
    values[100:112] = values[100]
    values[30] += 15
    found = {one.kind: one for one in changes(days(150), values, unit="mg/L").found}

    assert set(found) == {"stuck", "peak"}
    assert (found["stuck"].first, found["stuck"].last) == (100, 111)
    assert found["peak"].since == date(2020, 1, 31)
    assert found["peak"].sentence.startswith("Valeur isolée\u00a0: +1")
    assert "12 mesures égales" in found["stuck"].sentence


def test_a_limit_of_quantification_and_coarse_values_are_no_stuck_sensor() -> None:
    values = alike(200, 0.0, 2)
    assert not [one for one in changes(days(200), np.maximum(values, 0.3)).found if one.kind == "stuck"]
    assert not [one for one in changes(days(200), np.round(values / 3)).found if one.kind == "stuck"]


def test_season_is_no_change() -> None:
    dates = days(100, step=15)
    values = 10 * np.sin(2 * np.pi * np.array([one.timetuple().tm_yday for one in dates]) / 365)

    assert not changes(dates, values + alike(100, 0.0, 3)).found


def test_dates_come_in_any_order_and_missing_measurements_are_left_out() -> None:
    values = alike(120, 0.0, 4)
    values[70:] += 6
    values[[3, 80]] = np.nan
    order = np.random.default_rng(0).permutation(120)
    there = days(120)

    assert changes(there, values) == changes([there[i] for i in order], values[order])
    assert [one.since for one in changes(there, values).found] == [there[70]]


def test_a_short_or_constant_series_is_said_to_be_so() -> None:
    assert "29 mesures connues" in changes(days(29), np.arange(29.0)).note
    assert [one.kind for one in changes(days(40), np.ones(40)).found] == ["stuck"]


def test_series_that_cannot_be_read_are_refused() -> None:
    with pytest.raises(BadValueError, match="3 dates pour 2 mesures"):
        changes(days(3), [1.0, 2.0])
    with pytest.raises(BadValueError, match="infinie"):
        changes(days(1), [np.inf])

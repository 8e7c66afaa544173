"""Beaches, their mornings, what is held out, and the figures: what needs no trained model."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa

from eclaireur.cases.water_inspections import beaches, documented, figures, folds
from eclaireur.cases.water_inspections.columns import matrix, prepared, rows_for
from eclaireur.cases.water_inspections.features import features_of
from eclaireur.cases.water_inspections.programmes import PROGRAMMES

DAY = date(2015, 6, 1)


def morning(values: dict[str, tuple[float | None, float | None]]) -> dict[str, pa.Table]:
    """Three beaches a few km apart, some past readings, and one morning."""
    place = {"a": 41.9, "b": 41.92, "c": 42.2}
    stations = [
        {"subject": f"station:{key}", "name": key, "latitude": north, "longitude": -87.6}
        for key, north in place.items()
    ]
    rows = [
        {"subject": f"station:{key}", "day": DAY, "forecast": one[0], "rapid": one[1]}
        for key, one in values.items()
    ]
    days = [DAY - timedelta(days=back) for back in range(1, 8) for _ in place]
    return {
        "stations": pa.Table.from_pylist(stations, schema=documented.stations_schema()),
        "mornings": pa.Table.from_pylist(rows, schema=documented.mornings_schema()),
        "measures": documented.measured(
            PROGRAMMES["ecoli"],
            {
                "subject": pa.array([f"station:{key}" for _ in range(7) for key in place]),
                "observed": pa.array(days, pa.date32()),
                "value": pa.array([100.0] * len(days)),
            },
        ),
    }


def test_the_rapid_test_of_a_near_beach_counts_more_than_that_of_a_far_one() -> None:
    tables = prepared(morning({"a": (50.0, 1000.0), "b": (60.0, None), "c": (None, 10.0)}))
    subjects = pa.chunked_array([pa.array(["station:b", "station:c"])])
    days = pa.chunked_array([pa.array([DAY, DAY])])
    columns = matrix(rows_for(tables, subjects, days), tables)
    names = [one.name for one in features_of(PROGRAMMES["ecoli"])]
    near = columns[:, names.index("rapid_near")]
    assert near[0] > 0 > near[1]
    assert np.isnan(columns[1, names.index("forecast")])
    # What was read the day before is not known yet in the morning.
    assert columns[0, names.index("since_last")] == 2


def test_a_reading_of_the_day_or_its_eve_never_reaches_the_columns() -> None:
    tables = morning({"a": (50.0, None)})
    later = tables["measures"]
    values = pa.array(
        [1e6 if day >= DAY - timedelta(days=1) else 0.0 for day in later["observed"].to_pylist()]
    )
    changed = later.set_column(later.schema.get_field_index("level"), "level", values)
    seen = []
    for measures in (later, changed):
        made = prepared(dict(tables) | {"measures": measures})
        rows = rows_for(
            made, pa.chunked_array([pa.array(["station:a"])]), pa.chunked_array([pa.array([DAY])])
        )
        seen.append(matrix(rows, made))
    names = [one.name for one in features_of(PROGRAMMES["ecoli"])]
    at = names.index("everywhere_level")
    assert seen[1][0, at] < 1e5
    assert not np.array_equal(seen[0], seen[1], equal_nan=True)


def test_a_fold_by_week_and_beach_learns_from_neither() -> None:
    days = [date(2015, 5, 20) + timedelta(days=one) for one in range(40)]
    places = [f"p{one}" for one in range(10)]
    table = pa.table(
        {
            "subject": pa.array([place for _ in days for place in places]),
            "as_of": pa.array([day for day in days for _ in places], pa.date32()),
        }
    )
    made = folds.by_day_and_place(table, PROGRAMMES["ecoli"]).folds
    subject, day = np.array(table["subject"].to_pylist()), table["as_of"].to_numpy()
    asked = np.zeros(table.num_rows, dtype=int)
    for one in made:
        asked += one.asks
        assert not set(subject[one.asks]) & set(subject[one.learns])
        gap = np.abs(day[one.asks][:, None] - day[one.learns][None, :]).min()
        assert gap > np.timedelta64(2, "D")
    assert (asked == 1).all()


def test_average_precision_is_that_of_scikit_learn_under_weights_and_ties() -> None:
    from sklearn.metrics import average_precision_score

    draw = np.random.default_rng(0)
    labels = (draw.random(200) < 0.3).astype(float)
    scores = draw.integers(0, 20, 200).astype(float)
    weights = draw.integers(0, 3, (5, 200)).astype(float)
    expected = [average_precision_score(labels, scores, sample_weight=line) for line in weights]
    found = figures._average_precision(labels, scores, weights)
    np.testing.assert_allclose(found, expected)


def test_the_first_of_each_month_are_chosen_month_by_month() -> None:
    one = figures.Sample(np.zeros(6), np.array([1, 0, 1, 0, 1, 0]), np.ones((1, 6)))
    assert one.top(np.array([0.1, 0.9, 0.3, 0.2, 0.2, 0.8]), 2).tolist() == [
        False, True, True, False, True, True,
    ]  # fmt: skip


def test_beaches_are_read_with_their_mornings(tmp_path: Path) -> None:
    (tmp_path / "chicago_clear_water_daily_summaries_drekb.csv").write_text(
        "Beach,Date,Reading,Prediction,SwimStatus\nMontrose-Beach,06/01/2015,300.0,40.0,Swim Ban\n"
        "Montrose-Beach,06/06/2015,0.0,41.0,No Restrictions\nFoster-Beach,06/01/2015,0.0,20.0,No\n",
        encoding="utf-8",
    )
    (tmp_path / "chicago_clear_water_DNA_2015.csv").write_text(
        "Date,Calumet,Montrose\n06/01/2015,10,500\n", encoding="utf-8"
    )
    (tmp_path / "chicago_clear_water_cleanbeachnames.csv").write_text(
        "Old,New,Latitude,Longitude,North\nMontrose-Beach,Montrose,41.96,-87.63,1\n", encoding="utf-8"
    )
    found = beaches.records(tmp_path)
    rows = {(row["subject"], row["observed"].day): row for row in found["measures"].to_pylist()}
    assert rows["station:Montrose-Beach", 1]["over"] == 1
    # A zero of a Saturday is no sample; that of a Monday is one.
    assert rows["station:Montrose-Beach", 6]["level"] is None
    assert rows["station:Foster-Beach", 1]["level"] is not None
    assert rows["station:Montrose-Beach", 1]["known"] == date(2015, 6, 2)
    rapid = {(row["subject"], row["day"].day): row["rapid"] for row in found["mornings"].to_pylist()}
    assert rapid["station:Montrose-Beach", 1] == 500.0
    assert rapid["station:Foster-Beach", 1] is None
    assert found["stations"]["name"].to_pylist() == ["Foster Beach", "Montrose"]

"""The columns of the model, as of a date: nothing known that day or later, but what the morning itself says.

A measurement is compared with what its station showed before at the same month: this *gap* is what neighbours
and the last months are looked at for, since a wet winter raises a whole basin at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from eclaireur.bricks.predict.asof import Last, Near, Own, Peers, Since, Spec, build
from eclaireur.cases.water_inspections.features import features_of
from eclaireur.cases.water_inspections.programmes import Programme, programme_of

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

__all__ = ["matrix", "prepared", "rows_for"]

_EVER = 100_000
"""A window that holds all the past, in days."""

_OWN: tuple[Spec, ...] = (
    Own(name="past_count", table="measures", how="count"),
    Since(name="since_last", table="measures"),
    Last(name="last_level", table="measures", column="level"),
    Own(name="past_level", table="measures", how="mean", column="level"),
    Own(name="over_sum", table="measures", how="sum", column="over"),
    Own(name="high_sum", table="measures", how="sum", column="over_high"),
    Own(name="top_level", table="measures", how="max", column="level"),
)
_NITRATES: tuple[Spec, ...] = (
    Own(name="year_level", table="measures", how="mean", column="level", window=365),
    Own(name="recent_gap", table="measures", how="mean", column="gap", window=150),
    Near(name="near_level", table="measures", how="mean", column="level", radius=10_000.0, window=1095),
    Near(
        name="near_gap",
        table="measures",
        how="mean",
        column="gap",
        radius=20_000.0,
        window=120,
    ),
    Peers(name="area_gap", table="measures", column="gap", key="area", window=90, strength=0.0),
    Peers(name="river_level", table="measures", column="level", key="river", window=1095, strength=0.0),
    Peers(name="season_over", table="measures", column="over", key="month_key", window=_EVER, towards=0.15),
    Peers(
        name="season_level",
        table="measures",
        column="level",
        key="area_month",
        window=_EVER,
        strength=0.0,
    ),
    Peers(name="area_level", table="measures", column="level", key="area", window=_EVER, strength=0.0),
)
# Without strength, a mean of nothing is unknown, and is said so: it must not read as a usual value.
_ECOLI: tuple[Spec, ...] = (
    Own(name="week_level", table="measures", how="mean", column="level", window=10),
    Peers(
        name="everywhere_level",
        table="measures",
        column="level",
        key="everywhere",
        window=4,
        strength=0.0,
    ),
)
_MONTHLY: tuple[Spec, ...] = (
    Own(name="month_count", table="measures", how="count"),
    Own(name="month_level", table="measures", how="mean", column="level"),
    Last(name="month_last", table="measures", column="level"),
    Own(name="month_sum", table="measures", how="sum", column="over"),
)
_STRENGTH = 3.0
"""Measurements added at the usual rate to a station's own past before a share is taken."""
_USUAL_HIGH = 0.01
_SOFT_KM = 2.0
"""Distance added to that of a rapid test, in km: one close by counts much, and never alone."""
_ATTRIBUTES = ("name", "area", "river", "latitude", "longitude")


def prepared(records: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """Prepare the tables: places and calendar on measurements, and each one's gap to its own season."""
    import pyarrow as pa
    import pyarrow.compute as pc

    tables = dict(records)
    measures = records["measures"]
    rows = rows_for(records, measures["subject"], measures["observed"])
    for name in ("area", "river", "latitude", "longitude", "month_key", "area_month", "everywhere"):
        measures = measures.append_column(name, rows[name])
    tables["measures"] = measures
    if programme_of(records).monthly:
        seen = build(rows, tables, [Own(name="usual", table="measures", how="mean", column="level")])
        same = _same_month(rows, measures)
        expected = pc.coalesce(same["month_level"], seen["usual"])
        gap = pc.subtract(measures["level"], expected)
    else:
        gap = pa.chunked_array([pa.nulls(measures.num_rows, pa.float64())])
    tables["measures"] = measures.append_column("gap", gap)
    return tables


def rows_for(tables: Mapping[str, pa.Table], subjects: pa.ChunkedArray, as_of: pa.ChunkedArray) -> pa.Table:
    """Return the rows to describe: stations at dates, with their place and the keys of their season."""
    import pyarrow as pa
    import pyarrow.compute as pc

    stations = tables["stations"]
    found = stations.take(pc.index_in(subjects, value_set=stations["subject"].combine_chunks()))
    month = pc.strftime(as_of, "%m")
    columns = {"subject": subjects, "as_of": as_of} | {name: found[name] for name in _ATTRIBUTES}
    columns |= {
        "month_key": month,
        "area_month": pc.binary_join_element_wise(pc.fill_null(found["area"], ""), month, "|"),
        "everywhere": pa.chunked_array([pa.array(["1"] * len(subjects), pa.string())]),
    }
    return pa.table(columns)


def _same_month(rows: pa.Table, measures: pa.Table) -> pa.Table:
    """Look only at measurements of the same month: a station and a month are taken for one subject."""
    import pyarrow as pa
    import pyarrow.compute as pc

    def keyed(table: pa.Table) -> pa.ChunkedArray:
        return pc.binary_join_element_wise(table["subject"], table["month_key"], "|")

    asked = pa.table({"subject": keyed(rows), "as_of": rows["as_of"]})
    events = measures.set_column(measures.schema.get_field_index("subject"), "subject", keyed(measures))
    return build(asked, {"measures": events}, _MONTHLY)


def matrix(
    rows: pa.Table, tables: Mapping[str, pa.Table], *, also: Sequence[str] = ()
) -> NDArray[np.float64]:
    """Return the columns of `features`, in order, for rows: shape ``(n, features)``, NaN where not known.

    Parameters
    ----------
    tables
        What `prepared` returns.
    also
        Columns put after those of the model, for the plain rules it is compared with.
    """
    import numpy as np

    programme = programme_of(tables)
    specs = (*_OWN, *(_NITRATES if programme.monthly else _ECOLI))
    found = _arrays(build(rows, tables, specs))
    usual = _usual_rate(tables)
    found["over_share"] = _shrunk(found["over_sum"], found["past_count"], usual)
    found["high_share"] = _shrunk(found["high_sum"], found["past_count"], _USUAL_HIGH)
    for name in ("over_share", "high_share"):
        found[name] = np.where(found["past_count"] > 0, found[name], np.nan)
    if programme.monthly:
        month = _arrays(_same_month(rows, tables["measures"]))
        found |= month
        found["month_over"] = _shrunk(month["month_sum"], month["month_count"], found["season_over"])
        # A station never measured at this month moves with the seasons as its basin does, from its own level,
        # else from that of its neighbours, else as the whole basin.
        shift = found["season_level"] - found["area_level"]
        for start in (found["past_level"] + shift, found["near_level"] + shift, found["season_level"]):
            found["month_level"] = np.where(np.isnan(found["month_level"]), start, found["month_level"])
        found["trend"] = found["year_level"] - found["past_level"]
        # No news is no change: far from the last measurements, what is recent must not decide by its absence.
        for name in ("recent_gap", "near_gap", "area_gap", "trend"):
            found[name] = np.nan_to_num(found[name])
        found["month"] = np.array([float(key) for key in rows["month_key"].to_pylist()])
    else:
        found |= _morning(rows, tables, programme)
        found["weekend"] = np.array([float(day.weekday() >= 5) for day in rows["as_of"].to_pylist()])
    names = [one.name for one in features_of(programme)]
    return np.column_stack([found[name] for name in (*names, *also)])


def _arrays(table: pa.Table) -> dict[str, NDArray[np.float64]]:
    import numpy as np

    found = {name: table[name].to_numpy().astype(np.float64) for name in table.column_names}
    # A mean of no peer divides the rounding of a running total by zero: it is unknown.
    return {name: np.where(np.isfinite(values), values, np.nan) for name, values in found.items()}


def _usual_rate(tables: Mapping[str, pa.Table]) -> float:
    """Return a rate to start from before a station is known: rough on purpose, and never of the future."""
    return 0.15 if programme_of(tables).monthly else 0.08


def _shrunk(
    found: NDArray[np.float64], count: NDArray[np.float64], towards: NDArray[np.float64] | float
) -> NDArray[np.float64]:
    import numpy as np

    return (np.nan_to_num(found) + _STRENGTH * towards) / (np.nan_to_num(count) + _STRENGTH)


def _morning(
    rows: pa.Table, tables: Mapping[str, pa.Table], programme: Programme
) -> dict[str, NDArray[np.float64]]:
    """Return what the same morning says: forecasts and rapid tests, as levels."""
    import numpy as np

    names = ("forecast", "forecast_mean", "forecast_rise", "rapid_near", "rapid_mean", "rapid_max")
    found = {name: np.full(rows.num_rows, np.nan) for name in names}
    if "mornings" not in tables:
        return found
    mornings = tables["mornings"]
    level = {
        name: np.log(np.maximum(mornings[name].to_numpy(), programme.least) / programme.thresholds[0])
        for name in ("forecast", "rapid")
    }
    days = mornings["day"].to_numpy().astype("datetime64[D]").astype(np.int64)
    keys = mornings["subject"].to_pylist()
    position = {(key, day): index for index, (key, day) in enumerate(zip(keys, days.tolist(), strict=True))}
    place = _places(tables)
    by_day = {day: np.flatnonzero(days == day) for day in np.unique(days).tolist()}
    mean = {day: _mean(level["forecast"][at]) for day, at in by_day.items()}
    asked = rows["as_of"].to_numpy().astype("datetime64[D]").astype(np.int64).tolist()
    for index, (key, day) in enumerate(zip(rows["subject"].to_pylist(), asked, strict=True)):
        at = position.get((key, day))
        if at is not None:
            found["forecast"][index] = level["forecast"][at]
        if day not in by_day:
            continue
        found["forecast_mean"][index] = mean[day]
        found["forecast_rise"][index] = mean[day] - mean.get(day - 1, np.nan)
        tested = by_day[day][~np.isnan(level["rapid"][by_day[day]])]
        if not tested.size:
            continue
        values = level["rapid"][tested]
        found["rapid_mean"][index], found["rapid_max"][index] = values.mean(), values.max()
        if key in place:
            away = np.array([_km(place[key], place.get(keys[one])) for one in tested.tolist()])
            weight = 1 / (_SOFT_KM + away) ** 2
            found["rapid_near"][index] = float(weight @ values / weight.sum())
    return found


def _mean(values: NDArray[np.float64]) -> float:
    import numpy as np

    kept = values[~np.isnan(values)]
    return float(kept.mean()) if kept.size else float("nan")


def _places(tables: Mapping[str, pa.Table]) -> dict[str, tuple[float, float]]:
    stations = tables["stations"]
    columns = (stations[name].to_pylist() for name in ("subject", "latitude", "longitude"))
    return {
        key: (north, east)
        for key, north, east in zip(*columns, strict=True)
        if north is not None and east is not None
    }


def _km(here: tuple[float, float], there: tuple[float, float] | None) -> float:
    import math

    if there is None:
        return 100.0
    north = (here[0] - there[0]) * 111.32
    east = (here[1] - there[1]) * 111.32 * math.cos(math.radians(here[0]))
    return math.hypot(north, east)

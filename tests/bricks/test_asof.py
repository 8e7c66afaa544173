"""As-of features against a slow and obvious computation, and proof that they never see the future."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings, strategies as st

from eclaireur.bricks.predict.asof import Daily, Last, Near, Own, Peers, Since, Spec, build
from eclaireur.core.errors import BadValueError

ORIGIN = date(2024, 1, 1)
Row = dict[str, Any]

SPECS: tuple[Spec, ...] = (
    Own(name="count", table="visits", how="count"),
    Own(name="count_30", table="visits", how="count", window=30),
    Own(name="sum", table="visits", how="sum", column="label"),
    Own(name="mean_30", table="visits", how="mean", column="label", window=30),
    Own(name="max", table="visits", how="max", column="label"),
    Last(name="last", table="visits", column="label"),
    Since(name="since", table="visits"),
    Since(name="since_bad", table="visits", when="label"),
    Near(name="near", table="visits", how="count", radius=800.0, window=30),
    Near(name="near_mean", table="visits", how="mean", column="label", radius=800.0, window=30, strength=2.0),
    Peers(name="peers", table="visits", column="label", key="kind", window=30, strength=5.0, towards=0.2),
    Daily(name="heat", table="weather", column="heat", window=3),
)


def days(start: int, end: int) -> st.SearchStrategy[date]:
    return st.integers(start, end).map(lambda offset: ORIGIN + timedelta(days=offset))


@st.composite
def visits(draw: st.DrawFn) -> Row:
    observed = draw(days(0, 60))
    return {
        "subject": draw(st.sampled_from("abc")),
        "observed": observed,
        "known": observed + timedelta(days=draw(st.integers(0, 9))),
        "label": draw(st.sampled_from([0.0, 1.0, None])),
        "kind": draw(st.sampled_from(["x", "y", None])),
        "latitude": 48.0 + draw(st.integers(0, 3)) * 0.004,
        "longitude": 2.0 + draw(st.integers(0, 3)) * 0.006,
    }


@st.composite
def questions(draw: st.DrawFn) -> Row:
    return {
        "subject": draw(st.sampled_from("abcd")),
        "as_of": draw(days(0, 70)),
        "kind": draw(st.sampled_from(["x", "y", None])),
        "latitude": draw(st.sampled_from([48.0, 48.004, 48.008, None])),
        "longitude": 2.006,
    }


EVENTS = pa.schema(
    [
        ("subject", pa.string()),
        ("observed", pa.date32()),
        ("known", pa.date32()),
        ("label", pa.float64()),
        ("kind", pa.string()),
        ("latitude", pa.float64()),
        ("longitude", pa.float64()),
    ]
)
ROWS = pa.schema(
    [
        ("subject", pa.string()),
        ("as_of", pa.date32()),
        ("kind", pa.string()),
        ("latitude", pa.float64()),
        ("longitude", pa.float64()),
    ]
)
WEATHER: list[Row] = [
    {"observed": ORIGIN + timedelta(days=day), "heat": float(day)} for day in range(0, 70, 2)
]


def computed(rows: Sequence[Row], events: Sequence[Row], weather: Sequence[Row] = WEATHER) -> list[Row]:
    tables = {
        "visits": pa.Table.from_pylist(list(events), schema=EVENTS),
        "weather": pa.Table.from_pylist(
            list(weather), schema=pa.schema([("observed", pa.date32()), ("heat", pa.float64())])
        ),
    }
    found: list[Row] = build(pa.Table.from_pylist(list(rows), schema=ROWS), tables, SPECS).to_pylist()
    return found


def mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None


def metres(row: Row, event: Row) -> float:
    north = (event["latitude"] - row["latitude"]) * 111_320.0
    east = (event["longitude"] - row["longitude"]) * 111_320.0 * math.cos(math.radians(row["latitude"]))
    return math.hypot(north, east)


def slowly(row: Row, events: Sequence[Row]) -> Row:
    """Say the definitions again, one event at a time."""
    when, subject = row["as_of"], row["subject"]
    past = [event for event in events if event["known"] < when]
    own = [event for event in past if event["subject"] == subject]
    recent = [event for event in own if event["observed"] >= when - timedelta(days=30)]
    labelled = [event for event in own if event["label"] is not None]
    bad = [event for event in labelled if event["label"] > 0]
    placed = row["latitude"] is not None
    near = [
        event
        for event in past
        if placed
        and event["subject"] != subject
        and event["observed"] >= when - timedelta(days=30)
        and metres(row, event) <= 800.0
    ]
    near_labels = [event["label"] for event in near if event["label"] is not None]
    peers = [
        event["label"]
        for event in past
        if row["kind"] is not None
        and event["kind"] == row["kind"]
        and event["subject"] != subject
        and event["known"] >= when - timedelta(days=30)
        and event["label"] is not None
    ]
    last = max(labelled, key=lambda event: (event["observed"], event["known"], event["label"]), default=None)
    heat = [one["heat"] for one in WEATHER if when - timedelta(days=3) <= one["observed"] < when]
    return {
        "count": float(len(own)),
        "count_30": float(len(recent)),
        "sum": sum(event["label"] for event in labelled) if labelled else None,
        "mean_30": mean([event["label"] for event in recent if event["label"] is not None]),
        "max": max((event["label"] for event in labelled), default=None),
        "last": last["label"] if last else None,
        "since": float((when - max(event["observed"] for event in own)).days) if own else None,
        "since_bad": float((when - max(event["observed"] for event in bad)).days) if bad else None,
        "near": float(len(near)) if placed else None,
        "near_mean": sum(near_labels) / (len(near_labels) + 2.0),
        "peers": (sum(peers) + 1.0) / (len(peers) + 5.0),
        "heat": mean(heat),
    }


@settings(max_examples=40, deadline=None)
@given(st.lists(questions(), min_size=1, max_size=6), st.lists(visits(), max_size=25))
def test_features_are_what_their_definitions_say(rows: list[Row], events: list[Row]) -> None:
    for row, found in zip(rows, computed(rows, events), strict=True):
        expected = slowly(row, events)
        if found["near_mean"] is None:  # nobody near at any time: not known, rather than the prior
            expected["near_mean"] = None
        assert found == pytest.approx(expected)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(questions(), min_size=1, max_size=4),
    st.lists(visits(), max_size=15),
    st.lists(visits(), min_size=1, max_size=10),
)
def test_an_event_not_known_before_the_date_changes_nothing(
    rows: list[Row], events: list[Row], later: list[Row]
) -> None:
    last = max(row["as_of"] for row in rows)
    hidden = [{**event, "known": max(event["known"], last)} for event in later]
    assert computed(rows, events + hidden) == computed(rows, events)


def test_a_table_that_a_source_does_not_have_gives_unknown_features() -> None:
    rows = pa.Table.from_pylist([{"subject": "a", "as_of": ORIGIN}])
    found = build(rows, {}, [Own(name="n", table="reviews", how="count")])
    assert found["n"].to_pylist() == [None]


def test_rows_keep_their_order_and_repeats() -> None:
    rows = [
        {
            "subject": subject,
            "as_of": ORIGIN + timedelta(days=50),
            "kind": "x",
            "latitude": 48.0,
            "longitude": 2.0,
        }
        for subject in ("b", "a", "b")
    ]
    event = {"subject": "b", "observed": ORIGIN, "known": ORIGIN, "label": 1.0, "kind": "x"}
    events = [event | {"latitude": 48.0, "longitude": 2.0}]
    assert [row["count"] for row in computed(rows, events)] == [1.0, 0.0, 1.0]


def test_two_features_of_one_name_are_refused() -> None:
    rows = pa.Table.from_pylist([{"subject": "a", "as_of": ORIGIN}])
    spec = Own(name="n", table="visits", how="count")
    with pytest.raises(BadValueError, match="même nom"):
        build(rows, {}, [spec, spec])


def test_an_unknown_aggregate_is_refused() -> None:
    rows = pa.Table.from_pylist([{"subject": "a", "as_of": ORIGIN}])
    events = {"visits": pa.Table.from_pylist([], schema=EVENTS)}
    with pytest.raises(BadValueError, match="agrégat inconnu"):
        build(rows, events, [Own(name="n", table="visits", how="mode", column="label")])

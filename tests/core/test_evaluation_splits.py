"""Splits in time: nothing known at the start of a test may train."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given, strategies as st

from eclaireur.core.errors import BadValueError
from eclaireur.core.evaluation import rolling_origins

days = st.dates(date(2010, 1, 1), date(2020, 12, 31))


@given(
    first=days,
    length=st.integers(0, 900),
    step=st.integers(1, 400),
    gap=st.integers(0, 60),
    offset=st.integers(-1500, 1500),
)
def test_every_day_is_tested_once_and_no_later_knowledge_trains(
    first: date, length: int, step: int, gap: int, offset: int
) -> None:
    last = first + timedelta(days=length)
    splits = rolling_origins(first, last, step=timedelta(days=step), gap=timedelta(days=gap))

    day = first + timedelta(days=offset)
    assert sum(split.tests(day) for split in splits) == (first <= day <= last)
    for split in splits:
        assert not split.trains(split.start), "what is known on the first day of a test may not train"
        assert split.trains(day) == (day < split.start - timedelta(days=gap))
        assert not (split.trains(day) and split.tests(day))
    assert [split.start for split in splits[1:]] == [split.end for split in splits[:-1]]
    assert splits[0].name == first.isoformat()


@pytest.mark.parametrize(
    ("first", "last", "step", "gap"),
    [
        (date(2020, 1, 2), date(2020, 1, 1), 30, 0),
        (date(2020, 1, 1), date(2020, 2, 1), 0, 0),
        (date(2020, 1, 1), date(2020, 2, 1), -5, 0),
        (date(2020, 1, 1), date(2020, 2, 1), 30, -1),
    ],
)
def test_a_period_that_measures_nothing_or_leaks_is_refused(
    first: date, last: date, step: int, gap: int
) -> None:
    with pytest.raises(BadValueError):
        rolling_origins(first, last, step=timedelta(days=step), gap=timedelta(days=gap))

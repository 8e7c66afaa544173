"""Worklists: counts, quotas, exact chances, and what must not matter."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings, strategies as st

from eclaireur.core.errors import BadValueError, MissingColumnError
from eclaireur.core.tables import signals_schema, worklist_schema
from eclaireur.core.types import Drawn, Worklist
from eclaireur.core.worklist import draw, from_table, ipw_mean, to_table

if TYPE_CHECKING:
    import pyarrow as pa

AREAS = ("Est", "Nord", "Sud")


def _signals(scores: Sequence[float | None], areas: Sequence[str | None], *, day: int = 1) -> pa.Table:
    import pyarrow as pa

    order = sorted(range(len(scores)), key=lambda at: -(scores[at] or 0.0))
    rows = [
        {
            "signal": f"run/{at}",
            "subject": f"establishment:{at}",
            "area": areas[at],
            "score": scores[at],
            "rank": rank,
            "as_of": date(2026, 1, day),
        }
        for rank, at in enumerate(order, start=1)
    ]
    return pa.Table.from_pylist(rows, schema=signals_schema())


def _made_up(size: int, *, areas: Sequence[str] = AREAS, seed: int = 5) -> pa.Table:
    dice = random.Random(seed)
    return _signals([dice.random() for _ in range(size)], [dice.choice(areas) for _ in range(size)])


def _draw(
    signals: pa.Table,
    *,
    capacity: int = 40,
    random_share: float = 0.1,
    seed: int = 0,
    quotas: Mapping[str, int] | None = None,
) -> Worklist:
    return draw(
        signals,
        capacity=capacity,
        random_share=random_share,
        seed=seed,
        quotas=quotas,
        case="restaurant_risk",
        run="r1",
    )


def _subjects(worklist: Worklist, drawn: Drawn | None = None) -> set[str]:
    return {str(item.subject) for item in worklist.items if drawn in {None, item.drawn}}


def test_a_tenth_of_forty_places_is_random_and_the_rest_are_the_best() -> None:
    signals = _made_up(200)

    worklist = _draw(signals)

    assert Counter(item.drawn for item in worklist.items) == {Drawn.MODEL: 36, Drawn.RANDOM: 4}
    assert sorted(item.rank for item in worklist.items if item.drawn is Drawn.MODEL) == list(range(1, 37))
    assert all(item.rank > 36 for item in worklist.items if item.drawn is Drawn.RANDOM)
    assert [item.position for item in worklist.items] == list(range(1, 41))


def test_without_quotas_chances_are_one_and_drawn_over_left() -> None:
    chances = {item.drawn: item.propensity for item in _draw(_made_up(200)).items}

    assert chances == {Drawn.MODEL: 1.0, Drawn.RANDOM: 4 / 164}


@pytest.mark.parametrize(
    ("capacity", "share", "count"), [(15, 0.3, 5), (40, 0.0, 0), (40, 1.0, 40), (1, 0.1, 0), (5, 0.1, 1)]
)
def test_the_random_count_rounds_halves_up(capacity: int, share: float, count: int) -> None:
    drawn = _draw(_made_up(100), capacity=capacity, random_share=share)

    assert len(_subjects(drawn, Drawn.RANDOM)) == count
    assert len(drawn.items) == capacity


def test_with_fewer_subjects_than_places_all_are_listed_in_the_order_of_the_model() -> None:
    worklist = _draw(_made_up(12), random_share=0.5)

    assert [item.rank for item in worklist.items] == list(range(1, 13))
    assert {(item.drawn, item.propensity) for item in worklist.items} == {(Drawn.MODEL, 1.0)}


def test_no_signal_gives_an_empty_list() -> None:
    worklist = _draw(_signals([], []))

    assert worklist.items == ()
    assert to_table(worklist).schema == worklist_schema()


def test_a_subject_with_two_signals_is_listed_once_by_its_best() -> None:
    import pyarrow as pa

    signals = _signals([0.9, 0.5, 0.1], ["Nord"] * 3)
    twice = signals.set_column(
        2,
        signals.schema.field("subject"),
        pa.array(["establishment:0", "establishment:0", "establishment:2"]),
    )

    worklist = _draw(twice, random_share=0.0)

    assert [(item.subject.key, item.signal) for item in worklist.items] == [("0", "run/0"), ("2", "run/2")]


@settings(max_examples=150, deadline=None)
@given(
    scores=st.lists(st.sampled_from([0.1, 0.2, 0.5, 0.9]), min_size=3, max_size=40),
    capacity=st.integers(1, 30),
    share=st.floats(0, 1),
    quotas=st.dictionaries(st.sampled_from(AREAS), st.integers(0, 12)),
    seed=st.integers(0, 10**6),
)
def test_every_design_fills_its_places_within_its_quotas(
    scores: list[float], capacity: int, share: float, quotas: dict[str, int], seed: int
) -> None:
    areas = [AREAS[at % 3] for at in range(len(scores))]
    worklist = _draw(_signals(scores, areas), capacity=capacity, random_share=share, quotas=quotas, seed=seed)

    held = Counter(areas)
    found = Counter(item.area for item in worklist.items)
    room = {area: min(held[area], quotas.get(area, capacity)) for area in AREAS}
    assert all(found[area] <= room[area] for area in AREAS)
    free = sum(held[area] for area in AREAS if area not in quotas)
    bound = sum(room[area] for area in quotas)
    assert len(worklist.items) == min(capacity, bound + min(free, capacity))
    assert len(_subjects(worklist)) == len(worklist.items)
    assert all(0 < item.propensity <= 1 for item in worklist.items)


@pytest.mark.parametrize(
    ("quotas", "capacity", "share"),
    [
        (None, 10, 0.3),
        ({"Nord": 3, "Sud": 2}, 10, 0.3),  # others share what is left
        ({"Nord": 4, "Sud": 3, "Est": 3}, 10, 0.25),  # quotas fill the list: places rounded at random
        ({"Nord": 1, "Sud": 9, "Est": 0}, 12, 0.4),  # quotas below the capacity, one closed area
    ],
)
def test_each_subject_is_listed_as_often_as_its_propensity_says(
    quotas: dict[str, int] | None, capacity: int, share: float
) -> None:
    signals, seeds = _made_up(36), 2000
    listed: Counter[str] = Counter()
    stated: dict[str, float] = {}
    for seed in range(seeds):
        for item in _draw(signals, capacity=capacity, random_share=share, quotas=quotas, seed=seed).items:
            listed[str(item.subject)] += 1
            stated[str(item.subject)] = item.propensity

    # Four standard errors and a half: under 1 in 1 000 for 36 subjects.
    for subject, propensity in stated.items():
        error = (propensity * (1 - propensity) / seeds) ** 0.5
        assert listed[subject] / seeds == pytest.approx(propensity, abs=4.5 * error + 1e-12), subject
    closed = {area for area, quota in (quotas or {}).items() if not quota}
    reachable = sum(area not in closed for area in signals["area"].to_pylist())
    assert len(listed) == reachable, "a subject can never be drawn"


def test_a_low_area_with_a_quota_still_has_its_chance() -> None:
    """Else the mean over all would be silent on areas that the model never prefers."""
    signals = _signals([1 - at / 100 for at in range(50)], ["Nord"] * 40 + ["Sud"] * 10)

    drawn = [_draw(signals, capacity=10, quotas={"Sud": 2, "Nord": 8}, seed=seed) for seed in range(60)]

    low = [item for one in drawn for item in one.items if item.area == "Sud" and item.drawn is Drawn.RANDOM]
    assert low


def test_the_inverse_of_propensities_gives_the_mean_of_all_subjects() -> None:
    signals = _made_up(60)
    truth = {
        subject: float(score > 0.6)
        for subject, score in zip(signals["subject"].to_pylist(), signals["score"].to_pylist(), strict=True)
    }
    true_mean = sum(truth.values()) / len(truth)
    quotas = {"Nord": 5, "Sud": 4}

    estimates, weighed = [], []
    for seed in range(600):
        items = _draw(signals, capacity=20, random_share=0.3, quotas=quotas, seed=seed).items
        weighed.append(sum(truth[str(one.subject)] / one.propensity for one in items) / len(truth))
        labels = [truth[str(one.subject)] for one in items]
        estimates.append(ipw_mean(labels, [one.propensity for one in items]))

    assert sum(weighed) / 600 == pytest.approx(true_mean, abs=0.02)
    held = sum((one.low or 0.0) <= true_mean <= (one.high or 0.0) for one in estimates) / 600
    assert held >= 0.93
    naive = sum(truth[str(one.subject)] for one in items) / len(items)
    assert naive > true_mean + 0.1, "the simulation would not show a bias"


def test_ties_at_the_cut_are_shared_fairly_over_seeds() -> None:
    signals = _signals([0.9, *[0.5] * 9], ["Nord"] * 10)
    counts: Counter[str] = Counter()
    for seed in range(900):
        counts.update(_subjects(_draw(signals, capacity=4, random_share=0.0, seed=seed)))

    assert counts.pop("establishment:0") == 900
    assert all(count == pytest.approx(300, abs=65) for count in counts.values())
    assert len(counts) == 9


@settings(max_examples=40, deadline=None)
@given(order=st.permutations(range(30)), seed=st.integers(0, 99), quota=st.none() | st.integers(0, 6))
def test_the_order_of_rows_changes_nothing(order: list[int], seed: int, quota: int | None) -> None:
    signals = _signals([at % 4 / 4 for at in range(30)], [AREAS[at % 3] for at in range(30)])
    options: dict[str, Any] = {
        "capacity": 12,
        "random_share": 0.25,
        "seed": seed,
        "quotas": None if quota is None else {"Sud": quota},
    }

    assert _draw(signals.take(order), **options) == _draw(signals, **options)


def test_a_new_date_draws_other_random_items_but_a_new_capacity_does_not() -> None:
    """Else the same subjects would come every month, or a list be drawn until it pleases."""
    scores = [at / 400 for at in range(400)]
    first = _draw(_signals(scores, ["Nord"] * 400), random_share=0.5)
    later = _draw(_signals(scores, ["Nord"] * 400, day=2), random_share=0.5)
    longer = _draw(_signals(scores, ["Nord"] * 400), random_share=0.5, capacity=42)

    mine = _subjects(first, Drawn.RANDOM)
    assert len(mine & _subjects(later, Drawn.RANDOM)) < 8
    assert mine <= _subjects(longer)


def test_over_months_every_area_has_random_items() -> None:
    """One random place for three areas: a fixed seed must not give it to the same area for ever."""
    scores, areas = [at / 90 for at in range(90)], [AREAS[at % 3] for at in range(90)]
    quotas = dict.fromkeys(AREAS, 3)

    found = Counter(
        item.area
        for day in range(1, 31)
        for item in _draw(_signals(scores, areas, day=day), capacity=9, quotas=quotas).items
        if item.drawn is Drawn.RANDOM
    )

    assert found.total() == 30
    assert set(found) == set(AREAS)


def test_positions_do_not_tell_which_items_are_random() -> None:
    """Within an area, random items stand anywhere with the same frequency."""
    signals = _made_up(200, areas=("Nord",))
    positions = [
        item.position
        for seed in range(500)
        for item in _draw(signals, seed=seed).items
        if item.drawn is Drawn.RANDOM
    ]

    # Mean of 2 000 uniform positions in 1..40: 20.5, standard error 0.26.
    assert sum(positions) / len(positions) == pytest.approx(20.5, abs=1.1)
    assert sum(position <= 10 for position in positions) == pytest.approx(500, abs=90)


def test_items_of_an_area_stand_together() -> None:
    areas = [item.area for item in _draw(_made_up(200)).items]

    assert areas == sorted(areas)


def test_a_list_survives_its_table() -> None:
    worklist = _draw(_made_up(200), quotas={"Nord": 5})
    table = to_table(worklist)

    read = from_table(
        table.take(list(reversed(range(table.num_rows)))),
        case="restaurant_risk",
        run="r1",
        capacity=40,
        random_share=0.1,
        seed=0,
    )

    assert table.schema == worklist_schema()
    assert read == worklist


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"capacity": 0}, "la capacité doit être au moins 1, pas 0"),
        ({"capacity": -3}, "pas -3"),
        ({"random_share": -0.1}, "entre 0 et 1, pas -0.1"),
        ({"random_share": 1.5}, "entre 0 et 1, pas 1.5"),
        ({"random_share": float("nan")}, "entre 0 et 1"),
        ({"quotas": {"Nrod": 3}}, "secteur inconnu : « Nrod ». Secteurs connus : Est, Nord, Sud."),
        ({"quotas": {"Nord": -1}}, "quota du secteur « Nord » est négatif : -1"),
    ],
)
def test_a_wrong_option_is_refused_in_french(options: dict[str, Any], said: str) -> None:
    with pytest.raises(BadValueError) as refused:
        _draw(_made_up(60), **options)
    assert said in str(refused.value)


@pytest.mark.parametrize("score", [None, float("nan")])
def test_a_missing_score_is_refused(score: float | None) -> None:
    with pytest.raises(BadValueError, match="n'a pas de score"):
        _draw(_signals([0.5, score], ["Nord", "Nord"]))


def test_a_table_of_something_else_is_refused() -> None:
    with pytest.raises(MissingColumnError, match="area"):
        _draw(_made_up(3).drop_columns(["area"]))


def test_an_unknown_area_is_an_area_without_a_name() -> None:
    worklist = _draw(_signals([0.5, 0.4], [None, "Nord"]), capacity=1, random_share=0.0)

    assert [item.area for item in worklist.items] == [""]


def test_the_weighted_mean_is_hajeks() -> None:
    metric = ipw_mean([1, 1, 0], [1.0, 0.5, 0.5])

    assert metric.value == pytest.approx((1 + 2) / (1 + 2 + 2))
    assert (metric.low or 0) < 0.6 < (metric.high or 0)
    assert metric.n == 3


def test_a_census_has_no_uncertainty_and_a_small_draw_much() -> None:
    census, small = ipw_mean([1, 0, 0, 0], [1.0] * 4), ipw_mean([0, 0, 0, 0], [0.01] * 4)

    assert (census.low, census.value, census.high) == (0.25, 0.25, 0.25)
    assert small.low == 0
    assert (small.high or 0) > 0.4, "no positive among four says little"


@pytest.mark.parametrize(
    ("labels", "propensities"),
    [([], []), ([1], [0.5, 0.5]), ([float("nan")], [0.5]), ([1], [0.0]), ([1], [1.2]), ([2], [0.5])],
)
def test_outcomes_that_cannot_be_weighed_are_refused(labels: list[float], propensities: list[float]) -> None:
    with pytest.raises(BadValueError):
        ipw_mean(labels, propensities)

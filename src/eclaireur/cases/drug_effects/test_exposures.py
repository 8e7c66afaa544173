"""Purchases and rules: periods worked out by hand."""

from __future__ import annotations

from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from eclaireur.cases.drug_effects.exposure_report import exposure_blocks, rule_of
from eclaireur.cases.drug_effects.exposures import Purchases, Rule, exposed, periods_of
from eclaireur.cases.drug_effects.histories import read_histories
from eclaireur.cases.drug_effects.windows import after_exposure
from eclaireur.core.errors import BadValueError, EmptyTableError
from eclaireur.core.view import Facts, Table


def bought(*rows: tuple[int, int, int, float]) -> Purchases:
    """Purchases of (person, day, days covered, quantity)."""
    person, day, covers, quantity = zip(*rows, strict=True)
    return Purchases(
        person=np.array(person), day=np.array(day), covers=np.array(covers), quantity=np.array(quantity)
    )


def found(purchases: Purchases, rule: Rule) -> list[tuple[int, int, int]]:
    made = periods_of(purchases, rule)
    return list(zip(made.person.tolist(), made.first.tolist(), made.last.tolist(), strict=True))


# Person 0 buys on days 0, 20, 70 and 140, 30 days each; person 1 on day 5, 10 days.
FOUR = bought((0, 0, 30, 1), (0, 20, 30, 2), (0, 70, 30, 1), (0, 140, 30, 4), (1, 5, 10, 1))
FOREVER = 2**40 - 1


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        # 0–29 and 20–49 overlap; 70 is 20 days after 49 (days 50 to 69), 140 is 40 days after 99.
        (Rule(grace=0), [(0, 0, 49), (0, 70, 99), (0, 140, 169), (1, 5, 14)]),
        (Rule(grace=19), [(0, 0, 49), (0, 70, 99), (0, 140, 169), (1, 5, 14)]),
        (Rule(grace=20), [(0, 0, 99), (0, 140, 169), (1, 5, 14)]),
        (Rule(grace=40), [(0, 0, 169), (1, 5, 14)]),
        # What is bought on day 20 is kept until day 30: 0–59, and 10 days of 60 to 69 part it from 70.
        (Rule(grace=0, stock=True), [(0, 0, 59), (0, 70, 99), (0, 140, 169), (1, 5, 14)]),
        (Rule(grace=10, stock=True), [(0, 0, 99), (0, 140, 169), (1, 5, 14)]),
        # The second purchase within 30 days is that of day 20; no other two are so close.
        (Rule(grace=40, least=2, within=30), [(0, 20, 169)]),
        (Rule(grace=40, least=3, within=71), [(0, 70, 169)]),
        (Rule(grace=40, least=3, within=70), []),
        # The risk begins 5 days after the start and is of 14 days at most.
        (Rule(grace=20, delay=5, lasts=14), [(0, 5, 18), (0, 145, 158), (1, 10, 14)]),
        # The 69 days before day 140 are 71 to 139; the 70 days before it hold the purchase of day 70.
        (Rule(grace=0, washout=69), [(0, 0, 49), (0, 140, 169), (1, 5, 14)]),
        (Rule(grace=0, washout=70), [(0, 0, 49), (1, 5, 14)]),
        (Rule(kind="starts", lasts=7), [(0, 0, 6), (0, 20, 26), (0, 70, 76), (0, 140, 146), (1, 5, 11)]),
        # 1, then 3, then 4, then 8: three on day 20, five only on day 140.
        (Rule(kind="cumulative", levels=(3,)), [(0, 20, FOREVER)]),
        (Rule(kind="cumulative", levels=(3, 5)), [(0, 20, 139), (0, 140, FOREVER)]),
        (Rule(kind="cumulative", levels=(2, 3), lasts=10), [(0, 20, 29)]),
        (Rule(kind="cumulative", levels=(1, 9)), [(0, 0, FOREVER), (1, 5, FOREVER)]),
    ],
)
def test_periods_are_those_worked_out_by_hand(rule: Rule, expected: list[tuple[int, int, int]]) -> None:
    assert found(FOUR, rule) == expected


def test_many_purchases_give_what_one_day_after_another_gives() -> None:
    draw = np.random.default_rng(0)
    person = np.sort(draw.integers(0, 40, 300))
    day = draw.integers(-50, 400, 300)
    order = np.lexsort((day, person))
    covers = draw.integers(1, 40, 300)
    purchases = Purchases(person=person, day=day[order], covers=covers, quantity=np.ones(300))
    expected = []
    for one in range(40):
        mine = np.flatnonzero(person == one)
        if not len(mine):
            continue
        days = np.zeros(600, bool)
        for at in mine:
            low = purchases.day[at] + 50
            days[low : low + covers[at]] = True
        covered = np.flatnonzero(days) - 50
        cuts = np.flatnonzero(np.diff(covered) > 11)
        starts, ends = covered[np.append(0, cuts + 1)], covered[np.append(cuts, len(covered) - 1)]
        expected += [(one, a, b) for a, b in zip(starts.tolist(), ends.tolist(), strict=True)]
    assert found(purchases, Rule(grace=10)) == expected


def one_by_one(days: list[int], covers: list[int], rule: Rule) -> list[tuple[int, int]]:
    """Periods of one person who keeps what is bought early, by a plain loop."""
    made: list[tuple[int, int, list[int]]] = []
    for day, length in zip(days, covers, strict=True):
        if made and day <= made[-1][1] + rule.grace + 1:
            first, last, held = made.pop()
            made.append((first, max(last + 1, day) + length - 1, [*held, day]))
        else:
            made.append((day, day + length - 1, [day]))
    kept = []
    for first, last, held in made:
        enough = [
            day
            for at, day in enumerate(held)
            if at >= rule.least - 1 and day - held[at - rule.least + 1] < rule.within
        ]
        clean = not any(first - rule.washout <= day < first for day in days)
        kept += [(enough[0], last)] if enough and clean else []
    return kept


def test_any_rule_gives_what_a_plain_loop_gives() -> None:
    for seed in range(60):
        draw = np.random.default_rng(seed)
        person = np.sort(draw.integers(0, 5, 30))
        day = draw.integers(-20, 300, 30)
        day = day[np.lexsort((day, person))]
        covers = draw.integers(1, 50, 30)
        grace, washout, least, within = (
            int(draw.integers(low, high)) for low, high in ((0, 30), (0, 60), (1, 4), (1, 90))
        )
        rule = Rule(grace=grace, stock=True, washout=washout, least=least, within=within)
        expected = [
            (one, *period)
            for one in range(5)
            for period in one_by_one(day[person == one].tolist(), covers[person == one].tolist(), rule)
        ]
        assert found(Purchases(person=person, day=day, covers=covers, quantity=np.ones(30)), rule) == expected


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "x"},
        {"covers": 0},
        {"grace": -1},
        {"least": 2},
        {"kind": "cumulative"},
        {"kind": "cumulative", "levels": (2, 2)},
    ],
)
def test_a_rule_without_meaning_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"rule|at least|needs|levels"):
        Rule(**wrong)


def rows(*more: tuple[str, int, int | None, dict[str, Any]]) -> list[dict[str, Any]]:
    given = [("observation", 0, 199, {}), ("event", 100, None, {"value": "E"}), *more]
    return [
        {"person": "a", "category": kind, "value": "X", "start": start, "end": end, "origin": 17_000} | other
        for kind, start, end, other in given
    ]


def test_purchases_become_exposures_wherever_histories_are_read() -> None:
    some = rows(
        ("purchase", 10, None, {"covers": 20}),
        ("purchase", 40, 59, {}),
        ("purchase", 150, None, {"quantity": 3.0}),
    )
    read = read_histories(some, default=Rule(grace=10))
    assert (read.drugs, read.dose_day.tolist(), read.dose_end.tolist()) == (("X",), [10, 150], [59, 179])
    assert after_exposure(read, last=42)[0].last is None
    level = read_histories(some, rules={"X": Rule(kind="cumulative", levels=(2.5,))})
    # Nothing ends a dose that was reached but the observation.
    assert (level.drugs, level.dose_day.tolist(), level.dose_end.tolist()) == (
        ("X, cumul d'au moins 2,5",),
        [150],
        [199],
    )
    assert [one["category"] for one in exposed(some)] == ["observation", "event", "exposure", "exposure"]


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ((("purchase", 10, None, {"covers": 0}),), "moins d'un jour"),
        ((("purchase", 10, None, {"quantity": -1.0}),), "positive"),
        ((("death", 120, None, {}), ("purchase", 130, None, {})), "un achat suit le décès"),
    ],
)
def test_a_wrong_purchase_sets_its_person_aside(more: tuple[Any, ...], said: str) -> None:
    assert said in read_histories(rows(*more)).rejected[0].reason


def test_a_delay_past_a_death_rejects_nobody() -> None:
    some = rows(("death", 120, None, {}), ("purchase", 110, None, {}))
    assert not read_histories(some, default=Rule(delay=30)).rejected


def test_the_report_gives_a_file_that_can_be_scored() -> None:
    day = date(2024, 1, 1)
    table = pa.Table.from_pylist(
        [
            {
                "person": "a",
                "category": "observation",
                "value": None,
                "start": day,
                "end": date(2024, 12, 31),
            },
            {"person": "a", "category": "purchase", "value": "X", "start": date(2024, 2, 1), "end": None},
            {"person": "a", "category": "purchase", "value": "X", "start": date(2024, 3, 10), "end": None},
            {"person": "a", "category": "event", "value": "E", "start": date(2024, 3, 1), "end": None},
        ]
    )
    # 1 February and 30 days end on 1 March; 10 March comes after 8 days.
    blocks = exposure_blocks(table, (), {"rule": "jours couverts", "covers": 30, "grace": 8})
    facts, table_made = blocks
    assert isinstance(table_made, Table)
    assert table_made.rows[-1] == {
        "person": "a",
        "category": "exposition",
        "value": "X",
        "start": date(2024, 2, 1),
        "end": date(2024, 4, 8),
    }
    assert isinstance(facts, Facts)
    assert ("Achats lus", "2 achats") in facts.pairs
    assert ("Expositions à « X »", "1 période, 68,0 jours en moyenne") in facts.pairs
    with pytest.raises(EmptyTableError, match="aucun achat"):
        exposure_blocks(table.slice(0, 1), (), {})
    with pytest.raises(BadValueError, match="cumuls"):
        rule_of({"rule": "cumul", "levels": "20 ; 10"})
    assert rule_of({"rule": "cumul", "levels": "10 ; 20,5"}).levels == (10, 20.5)

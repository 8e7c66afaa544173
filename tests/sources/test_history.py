"""Alerts when a column degrades from one delivery to the next, and none when chance explains it."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from eclaireur.sources.history import Delivery, alerts, delivery
from eclaireur.sources.quality import Quality
from eclaireur.sources.tables import read_table

FIRST = date(2024, 1, 1)


def taken(month: int, *, rows: int = 2000, **changes: object) -> Delivery:
    day = FIRST + timedelta(days=30 * month)
    column = Quality(
        name="Le", kind="date", filled=0.95, valid=0.99, last=f"{day - timedelta(days=3):%d/%m/%Y}"
    )
    return Delivery(day=day, rows=rows, columns=(replace(column, **changes),))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("last", "kinds"),
    [
        (taken(6), []),
        (taken(6, filled=0.93), []),
        (taken(6, filled=0.80), ["filled"]),
        (taken(6, valid=0.70), ["valid"]),
        (taken(6, filled=0.80, rows=9), ["rows"]),
        (taken(6, last="01/05/2024"), ["late"]),
        (taken(6, last="01/05/2034"), []),
        (taken(6, kind="text"), ["kind"]),
        (taken(6, name="autre"), ["absent"]),
    ],
    ids=["same", "chance", "emptier", "wrong", "few", "late", "future", "kind", "absent"],
)
def test_what_degrades_is_said(last: Delivery, kinds: list[str]) -> None:
    before = [taken(month) for month in range(5)]
    assert [one.kind for one in alerts([last, *before])] == kinds
    assert alerts([last]) == ()


def test_chance_alone_seldom_alerts() -> None:
    draw = random.Random(5)

    def drawn(month: int) -> Delivery:
        return taken(month, rows=60, filled=sum(draw.random() < 0.8 for _ in range(60)) / 60)

    raised = sum(bool(alerts([drawn(month) for month in range(6)])) for _ in range(300))
    assert raised <= 6


def test_deliveries_are_measured_from_their_files(tmp_path: Path) -> None:
    found = []
    for month, filled in ((1, 95), (2, 94), (3, 40)):
        path = tmp_path / f"{month}.csv"
        rows = "".join(
            f"{'' if row >= filled else '83283779300021'};0{month}/0{month}/2024\n" for row in range(100)
        )
        path.write_text(f"SIRET;Le\n{rows}")
        found.append(delivery(date(2024, month, 5), read_table(path)))
    assert [one.message for one in alerts(found)] == [
        "Colonne « SIRET » : remplie à 40,0\u00a0%, contre 94,5\u00a0% d’ordinaire."
    ]

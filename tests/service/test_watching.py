"""Watch after a model is in service: what moved between its first calculation and the last."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pyarrow as pa
import pytest

from eclaireur.core.view import Facts, Table
from eclaireur.core.workspace import Workspace
from eclaireur.service import signals as making, training
from eclaireur.service.project import dossier
from eclaireur.service.watching import watch_block
from eclaireur.service.work import Work

CASE, SOURCE = "restaurant_risk", "sample"


@pytest.fixture
def work(worked: Path, tmp_path: Path) -> Work:
    shutil.copytree(worked, tmp_path / "home")
    return Work.on(Workspace.open(tmp_path / "home", env={}), CASE)


def test_the_first_and_the_last_calculation_of_the_model_are_compared(work: Work) -> None:
    alone = watch_block(work, SOURCE)
    assert isinstance(alone, Facts)
    assert "Un seul calcul" in str(alone.pairs)
    making.make(work, SOURCE, as_of=date(2024, 7, 1))
    found = watch_block(work, SOURCE)
    assert isinstance(found, Table)
    assert {row["name"] for row in found.rows} == {"indice", "secteur", "première raison"}
    assert "premier calcul" in found.title
    assert found in dossier(work, SOURCE)


def test_calculations_of_few_subjects_are_put_together_and_none_is_on_both_sides(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Eight stations a day: hundred days of low scores, then of high ones."""
    days = [f"{at:03d}" for at in range(200)]
    asked: list[str] = []

    def table(address: str, name: str, *, columns: list[str]) -> pa.Table:
        asked.append(address)
        low = 0.0 if int(address) < 100 else 0.8
        row = {"subject": "s", "area": "a", "reasons": [], "model": 1}
        return pa.Table.from_pylist([row | {"score": low + at / 100} for at in range(8)]).select(columns)

    runs = SimpleNamespace(
        history=lambda *_: [SimpleNamespace(id=day, config={"source": SOURCE}) for day in days],
        address=lambda run: run.id,
    )
    lake = SimpleNamespace(table=table, dated_notes=lambda *_: [])
    work = SimpleNamespace(workspace=SimpleNamespace(lake=lake, runs=runs), card=SimpleNamespace(name=CASE))
    monkeypatch.setattr(training, "in_service", lambda *_: SimpleNamespace(card=SimpleNamespace(number=1)))
    found = watch_block(cast("Work", work), SOURCE)
    assert isinstance(found, Table)
    assert "les 25 premiers calculs" in found.title
    assert "une variable a changé" in found.title
    assert {row["n"] for row in found.rows} == {200}
    assert sorted(asked) == days[:25] + days[-25:]

    del days[7:]  # a week: each day is read once, on one side
    asked.clear()
    few = watch_block(cast("Work", work), SOURCE)
    assert isinstance(few, Table)
    assert {row["index"] for row in few.rows} == {"trop peu pour conclure"}
    assert sorted(asked) == days

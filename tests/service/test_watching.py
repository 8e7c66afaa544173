"""Watch after a model is in service: what moved between its first calculation and the last."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from eclaireur.core.view import Facts, Table
from eclaireur.core.workspace import Workspace
from eclaireur.service import signals as making
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

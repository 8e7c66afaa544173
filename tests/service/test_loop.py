"""The whole loop turns: data, signals, list, decisions and outcomes, challenger, promotion, new signals."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import pytest

from eclaireur.cases.restaurant_risk.sample import generator
from eclaireur.core.errors import BadValueError, ModelRefusedError, RefusedError, UnknownSubjectError
from eclaireur.core.subjects import Subject
from eclaireur.core.types import Verdict
from eclaireur.core.workspace import Workspace
from eclaireur.service import feedback, signals as making, training, work as working
from eclaireur.service.work import Work

LATER = datetime(2026, 11, 20, 9, 0, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Work:
    home = tmp_path_factory.mktemp("loop")
    return Work.on(Workspace.open(home, env={}, clock=lambda: LATER), "restaurant_risk")


def outcomes_file(path: Path, rows: list[tuple[str, date, str]]) -> Path:
    lines = [f"{subject.partition(':')[2]};{day:%d/%m/%Y};{result}" for subject, day, result in rows]
    header = "Identifiant de l'établissement;Date du contrôle;Résultat"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8-sig")
    return path

"""A new case is made of a card, code and a test; it runs at once and every contract test takes it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from eclaireur.core.errors import BadValueError, RefusedError
from eclaireur.service.scaffold import new_case

ROOT = Path(__file__).resolve().parent.parent.parent


def test_a_new_case_passes_the_contract_tests_without_another_line(tmp_path: Path) -> None:
    """On a copy of the sources: a new case edits nothing elsewhere."""
    copy = tmp_path / "copy"
    ignored = shutil.ignore_patterns("restaurant_risk")
    shutil.copytree(ROOT / "src", copy / "src", ignore=ignored)
    new_case("pool_checks", copy / "src" / "eclaireur" / "cases")
    code = (copy / "src/eclaireur/cases/pool_checks/case.py").read_text(encoding="utf-8")
    fixed = code.replace("from pool_checks", "from eclaireur.cases.pool_checks")
    (copy / "src/eclaireur/cases/pool_checks/case.py").write_text(fixed, encoding="utf-8")
    (copy / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "contracts" / "test_cases.py", copy / "tests" / "test_cases.py")
    run = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-k",
            "pool_checks",
            str(copy / "tests"),
        ],
        cwd=copy,
        env={**os.environ, "PYTHONPATH": str(copy / "src")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout[-3000:]
    assert int(re.findall(r"(\d+) passed", run.stdout)[0]) > 5


@pytest.mark.parametrize("name", ["Mon cas", "9vies", "a", "é", "../ailleurs"])
def test_a_name_that_is_not_a_module_name_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadValueError, match="nom de cas invalide"):
        new_case(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_existing_folder_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "pool_checks").mkdir()
    with pytest.raises(RefusedError, match="existe déjà"):
        new_case("pool_checks", tmp_path)
    assert list((tmp_path / "pool_checks").iterdir()) == []

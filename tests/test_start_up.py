"""Starting is a budget: help and completion must answer at once, on an office computer too."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from pathlib import Path

BUDGET = 0.6
"""Seconds of CPU for `./eclaireur --help`, system included: a budget of the design."""

HEAVY = ("cryptography", "django", "duckdb", "lightgbm", "numpy", "pyarrow", "scipy", "skops", "sklearn")

SOURCE = Path(__file__).resolve().parent.parent / "src"


def run(*arguments: str) -> tuple[str, float]:
    """Run Python on the package; return what it printed and the CPU seconds it took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    result = subprocess.run(
        [sys.executable, *arguments],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        check=True,
    )
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return result.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_help_fits_its_budget() -> None:
    spent = []
    for _ in range(3):
        text, seconds = run("-m", "eclaireur", "--help")
        assert "Utilisation" in text
        spent.append(seconds)

    assert min(spent) <= BUDGET


def test_help_loads_no_heavy_library() -> None:
    code = (
        "import sys; from eclaireur.cli.app import main; code = main(['--help'])\n"
        "print('LOADED', *sorted({name.partition('.')[0] for name in sys.modules}))\n"
        "sys.exit(code)"
    )

    text, _ = run("-c", code)

    loaded = set(text.rpartition("LOADED")[2].split())
    assert "eclaireur" in loaded
    assert not loaded & set(HEAVY)

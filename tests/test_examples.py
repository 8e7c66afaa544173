"""Every example of a docstring gives what it says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_the_examples_of_docstrings_are_true() -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist"]
    ignored = ("--ignore-glob=*/test_*.py", "--ignore=src/eclaireur/desk/wsgi.py")  # the second starts a desk
    run = subprocess.run(
        [*command, "--doctest-modules", *ignored, "src/eclaireur"],
        cwd=ROOT,
        env=os.environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert run.returncode == 0, run.stdout[-4000:]
    assert int(run.stdout.rpartition(" passed")[0].rpartition("\n")[2].split()[-1]) > 300

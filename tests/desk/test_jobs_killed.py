"""Real workers: killed at random they lose nothing and repeat nothing; tasks that fail end as they should."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    """Run one of our programs, on the database that the tests are asked to use."""
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)])}
    return subprocess.run(
        [sys.executable, *words],
        env=environ,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def test_no_task_is_lost_nor_done_twice_when_its_carriers_are_killed_at_random() -> None:
    result = run("benchmarks/prove_tasks.py", "--kills", "36", "--seed", "7")

    assert "lost=0 repeated=0" in result.stdout, result.stdout + result.stderr
    assert result.returncode == 0, result.stdout


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """What a worker made of the tasks of `jobs_stage`."""
    result = run("tests/desk/jobs_stage.py")
    assert result.returncode == 0, result.stderr
    found: dict[str, Any] = json.loads(result.stdout)
    return found


def test_a_task_that_kills_its_process_three_times_is_set_aside_with_its_reason(told: dict[str, Any]) -> None:
    assert (told["deadly"]["state"], told["deadly"]["attempts"]) == ("aside", 3)
    assert "3 fois" in told["deadly"]["error"]
    assert "mémoire" in told["deadly"]["error"]


def test_what_is_refused_on_purpose_is_told_and_not_tried_again(told: dict[str, Any]) -> None:
    assert (told["refused"]["state"], told["refused"]["attempts"]) == ("failed", 1)
    assert told["refused"]["error"] == "Le fichier est vide. Envoyez-en un autre."


def test_a_task_that_does_not_hear_its_cancelling_is_ended_with_what_it_started(told: dict[str, Any]) -> None:
    assert told["deaf"]["state"] == "cancelled"
    assert told["left_over"] is False


def test_a_worker_that_is_asked_to_end_hands_its_task_back_uncounted(told: dict[str, Any]) -> None:
    assert told["worker"]["status"] == 0
    assert told["worker"]["seconds"] < 10
    assert (told["handed_back"]["state"], told["handed_back"]["attempts"]) == ("waiting", 0)

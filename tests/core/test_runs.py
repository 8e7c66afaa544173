"""Runs: the same inputs are the same run, done once."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from eclaireur.core import runs
from eclaireur.core.errors import NotFoundError
from eclaireur.core.lake import Lake
from eclaireur.core.types import Run

BASE: dict[str, Any] = {"code": "c1", "config": {"b": 1, "a": [1.5, "é"]}, "inputs": ("x", "y"), "seed": 1}


def named(**changes: Any) -> Run:
    return runs.identify("demo", "train", **{**BASE, **changes})


def clock() -> datetime:
    return datetime(2026, 1, 1, tzinfo=UTC)


def test_the_order_of_settings_does_not_name_another_run() -> None:
    assert named(config={"a": [1.5, "é"], "b": 1}).id == named().id


@pytest.mark.parametrize(
    "changes",
    [{"code": "c2"}, {"config": {}}, {"inputs": ("y", "x")}, {"seed": 2}],
    ids=lambda one: next(iter(one)),
)
def test_anything_that_a_result_depends_on_names_another_run(changes: dict[str, Any]) -> None:
    assert named(**changes).id != named().id


def test_a_run_has_one_name_in_every_process() -> None:
    code = f"from eclaireur.core import runs;print(runs.identify('demo', 'train', **{BASE!r}).id)"
    names = {
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": seed, "PYTHONPATH": ":".join(sys.path)},
        ).stdout.strip()
        for seed in ("0", "1")
    }
    assert names == {named().id}


def test_a_run_is_done_once_and_read_back(tmp_path: Path) -> None:
    kept, calls = runs.Runs(Lake(tmp_path), clock), []

    def work(folder: Path) -> None:
        calls.append(folder)
        (folder / "out.txt").write_text("done", encoding="utf-8")

    assert kept.do(named(), work) == kept.do(named(), work) == "runs/demo/train/" + named().id
    assert len(calls) == 1
    assert kept.read("demo", "train", named().id) == named()


def test_a_failed_run_is_not_kept(tmp_path: Path) -> None:
    kept = runs.Runs(Lake(tmp_path), clock)

    def fail(folder: Path) -> None:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        kept.do(named(), fail)
    assert kept.history("demo", "train") == ()
    with pytest.raises(NotFoundError):
        kept.read("demo", "train", named().id)


def test_the_history_ends_with_the_run_asked_last(tmp_path: Path) -> None:
    kept = runs.Runs(Lake(tmp_path), clock)
    one, two = named(), named(seed=2)
    for run in (one, two, one):
        kept.do(run, lambda _: None)
    assert kept.history("demo", "train") == (two, one)


def test_the_version_of_the_code_follows_its_bytes_and_not_its_tests(tmp_path: Path) -> None:
    def version() -> str:
        runs.code_version.cache_clear()
        return runs.code_version(tmp_path)

    (tmp_path / "case.py").write_text("a = 1", encoding="utf-8")
    first = version()
    (tmp_path / "test_case.py").write_text("b = 1", encoding="utf-8")
    (tmp_path / "case.pyc").write_bytes(b"x")
    assert version() == first
    (tmp_path / "case.py").write_text("a = 2", encoding="utf-8")
    assert version() != first

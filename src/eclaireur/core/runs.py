"""Provenance: the same case, stage, code, configuration, inputs and seed are the same run.

A run's id is the hash of all that its result depends on, and its address holds its outputs: so a
run asked twice is computed once, and one that was killed is simply asked again.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from eclaireur.core import canonical
from eclaireur.core.lake import Lake
from eclaireur.core.types import Run

__all__ = ["Runs", "code_version", "identify"]

_SHARED = ("core", "bricks", "sources", "service")
_SUFFIXES = {".py", ".toml"}
_CARD = "run.json"


def identify(
    case: str, stage: str, *, code: str, config: Mapping[str, Any], inputs: tuple[str, ...], seed: int
) -> Run:
    """Name a run by everything that its result depends on.

    Parameters
    ----------
    code
        Version of the code (see `code_version`).
    config
        Plain JSON values.
    inputs
        Addresses and hashes of what the run reads, in their order.

    Examples
    --------
    >>> a = identify("demo", "train", code="c1", config={"k": 1}, inputs=(), seed=1)
    >>> a == identify("demo", "train", code="c1", config={"k": 1}, inputs=(), seed=1)
    True
    """
    named = canonical.digest(
        {"case": case, "stage": stage, "code": code, "config": config, "inputs": inputs, "seed": seed}
    )
    return Run(
        id=named[:16],
        case=case,
        stage=stage,
        code=code,
        config=canonical.plain(config),
        inputs=inputs,
        seed=seed,
    )


@cache
def code_version(case_folder: Path) -> str:
    """Return a hash of the source files that a case's results depend on.

    Content only: not the place of installation, nor file times, nor tests, nor version control.
    """
    package = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    roots = [package / name for name in _SHARED] + [case_folder]
    for root in roots:
        for path in sorted(root.rglob("*")):
            if path.suffix in _SUFFIXES and not path.name.startswith("test_"):
                digest.update(f"{root.name}/{path.relative_to(root).as_posix()}\0".encode())
                digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


class Runs:
    """The runs kept in a lake, at ``runs/<case>/<stage>/<id>``.

    Parameters
    ----------
    lake
        Where outputs are published.
    clock
        Gives the time that is written beside outputs, never hashed.
    """

    def __init__(self, lake: Lake, clock: Callable[[], datetime]) -> None:
        self._lake = lake
        self._clock = clock

    def address(self, run: Run) -> str:
        """Return where the outputs of a run are or will be."""
        return f"runs/{run.case}/{run.stage}/{run.id}"

    def do(self, run: Run, work: Callable[[Path], None]) -> str:
        """Do a run unless it is done, and return the address of its outputs.

        ``work`` fills an empty folder; when it fails, nothing is published.
        """
        address = self.address(run)
        if not self._lake.has(address):
            started, cpu = self._clock(), time.process_time()
            with self._lake.publish(address) as folder:
                work(folder)
                spent = {"started": started.isoformat(), "cpu_seconds": time.process_time() - cpu}
                (folder / _CARD).write_text(_to_json(run, spent), encoding="utf-8")
        if self._last(run.case, run.stage) != run.id:
            self._lake.note(f"runs/{run.case}/{run.stage}", run.id, self._clock())
        return address

    def _last(self, case: str, stage: str) -> str | None:
        notes = self._lake.notes(f"runs/{case}/{stage}")
        return notes[-1] if notes else None

    def history(self, case: str, stage: str) -> tuple[Run, ...]:
        """Return the runs of a stage, each once, the one asked last at the end."""
        order = dict.fromkeys(reversed(self._lake.notes(f"runs/{case}/{stage}")))
        return tuple(self.read(case, stage, run) for run in reversed(order))

    def read(self, case: str, stage: str, run: str) -> Run:
        """Return the provenance of a run.

        Raises
        ------
        NotFoundError
            If there is no such run.
        """
        folder = self._lake.folder(f"runs/{case}/{stage}/{run}")
        content = json.loads((folder / _CARD).read_text(encoding="utf-8"))
        return Run(
            id=run,
            case=content["case"],
            stage=content["stage"],
            code=content["code"],
            config=content["config"],
            inputs=tuple(content["inputs"]),
            seed=content["seed"],
        )


def _to_json(run: Run, spent: Mapping[str, Any]) -> str:
    content = {
        "case": run.case,
        "stage": run.stage,
        "code": run.code,
        "config": run.config,
        "inputs": run.inputs,
        "seed": run.seed,
        **spent,
    }
    return json.dumps(content, ensure_ascii=False, indent=1, sort_keys=True)

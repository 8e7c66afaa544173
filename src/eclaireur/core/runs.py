"""Provenance: the same case, stage, code, configuration, inputs and seed are the same run.

A run's id is the hash of all that its result depends on, and its address holds its outputs: so a
run asked twice is computed once, and one that was killed is simply asked again.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

from eclaireur.core import canonical
from eclaireur.core.errors import EclaireurError, NotFoundError, RefusedError
from eclaireur.core.lake import Lake
from eclaireur.core.types import Run

__all__ = ["Runs", "code_version", "identify"]

_SHARED = ("core", "bricks", "sources", "service")
_NOT_CODE = {".pyc", ".pyo", ".swp", ".tmp", ".orig", ".rej"}
_CARD = "run.json"


def identify(
    case: str, stage: str, *, code: str, config: Mapping[str, Any], inputs: tuple[str, ...], seed: int
) -> Run:
    """Name a run by everything that its result depends on.

    Parameters
    ----------
    case, stage
        Name of the case, and which of its steps this is (``records``, ``train``, ``signals``…).
    code
        Version of the code (see `code_version`).
    config
        Plain JSON values.
    inputs
        Addresses and hashes of what the run reads, in their order.
    seed
        Seed of every draw.

    Returns
    -------
    Run
        Its ``id`` is the first 16 hexadecimal digits of the SHA-256 of the canonical JSON
        (`core.canonical`) of the arguments: the same on every machine.

    Raises
    ------
    BadValueError
        If ``config`` holds something that JSON cannot say, such as a date or NaN.

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
    """Return a hash of the files that a case's results depend on: the shared layers and the case's own.

    Names and content only: not the place of installation, nor file times, nor tests, nor version
    control. Lists, patterns and rules kept in data files beside the code count as the code does. It
    is computed once in a process.
    """
    package = Path(__file__).resolve().parent.parent
    digest = hashlib.sha256()
    for root in (*(package / name for name in _SHARED), case_folder):
        for path in _sources(root):
            digest.update(f"{root.name}/{path.relative_to(root).as_posix()}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]


def _sources(root: Path) -> Iterator[Path]:
    """Give the files under a folder in a fixed order, without tests, caches and what editors leave."""
    for directory, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name != "__pycache__" and not name.startswith("."))
        for name in sorted(names):
            aside = name.startswith((".", "test_")) or name.endswith("~")
            if not aside and Path(name).suffix not in _NOT_CODE:
                yield Path(directory) / name


class Runs:
    """The runs kept in a lake, at ``runs/<case>/<stage>/<id>``.

    Which run is the newest is written in the log of the stage when a run is asked for: file times,
    which a copy or a backup changes, say nothing.

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

    def __repr__(self) -> str:
        return f"Runs({self._lake!r})"

    def address(self, run: Run) -> str:
        """Return where the outputs of a run are or will be."""
        return f"runs/{run.case}/{run.stage}/{run.id}"

    def do(self, run: Run, work: Callable[[Path], None]) -> str:
        """Do a run unless it is done, and return the address of its outputs.

        ``work`` fills an empty folder; when it fails, nothing is published. ``run.json`` is added,
        with the times and the CPU seconds spent, those of finished child processes included.
        """
        address = self.address(run)
        if not self._lake.has(address):
            started, cpu = self._clock(), _cpu_seconds()
            with self._lake.publish(address) as folder:
                work(folder)
                spent = {
                    "started": started.isoformat(),
                    "finished": self._clock().isoformat(),
                    "cpu_seconds": round(_cpu_seconds() - cpu, 3),
                }
                (folder / _CARD).write_text(_to_json(run, spent), encoding="utf-8")
        notes = self._lake.notes(f"runs/{run.case}/{run.stage}")
        if not notes or notes[-1] != run.id:
            self._lake.note(f"runs/{run.case}/{run.stage}", run.id, self._clock())
        return address

    def latest(self, case: str, stage: str) -> Run | None:
        """Return the run of a stage that was asked last, or None."""
        order = self._order(case, stage)
        return self.read(case, stage, order[-1]) if order else None

    def history(self, case: str, stage: str) -> tuple[Run, ...]:
        """Return the runs of a stage, each once, the one asked last at the end."""
        return tuple(self.read(case, stage, run) for run in self._order(case, stage))

    def _order(self, case: str, stage: str) -> list[str]:
        prefix = f"runs/{case}/{stage}"
        published = {address.removeprefix(f"{prefix}/") for address in self._lake.addresses(prefix)}
        # Last mention first, each once, then turned round. What a power cut took away is left out.
        order = dict.fromkeys(reversed(self._lake.notes(prefix)))
        return [run for run in reversed(order) if run in published]

    def cpu_seconds(self, run: Run) -> float:
        """Return the CPU seconds that a run took, as `do` measured them; 0 when they were not written."""
        try:
            content = json.loads((self._lake.folder(self.address(run)) / _CARD).read_text(encoding="utf-8"))
            return float(content.get("cpu_seconds", 0.0))
        except (OSError, ValueError, TypeError, AttributeError, NotFoundError):
            return 0.0

    def read(self, case: str, stage: str, run: str) -> Run:
        """Return the provenance of a run.

        Raises
        ------
        NotFoundError
            If there is no such run.
        RefusedError
            If its ``run.json`` was altered: it no longer gives the run's id.
        """
        try:
            folder = self._lake.folder(f"runs/{case}/{stage}/{run}")
        except NotFoundError as error:
            raise NotFoundError(
                f"aucun calcul « {run} » à l'étape « {stage} » de « {case} ».", fix="Relancez le calcul."
            ) from error
        file = folder / _CARD
        try:
            content = canonical.parse(file.read_text(encoding="utf-8"))
            found = identify(
                content["case"],
                content["stage"],
                code=content["code"],
                config=content["config"],
                inputs=tuple(content["inputs"]),
                seed=content["seed"],
            )
        except (FileNotFoundError, UnicodeDecodeError, EclaireurError, LookupError, TypeError) as error:
            raise _altered(file) from error
        if (found.case, found.stage, found.id) != (case, stage, run):
            raise _altered(file)
        return found


def _altered(file: Path) -> RefusedError:
    return RefusedError(
        "la provenance de ce calcul a été modifiée ou est illisible.",
        file=str(file),
        fix="Supprimez le dossier qui contient ce fichier, puis relancez le calcul.",
    )


def _cpu_seconds() -> float:
    spent = os.times()
    return spent.user + spent.system + spent.children_user + spent.children_system


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

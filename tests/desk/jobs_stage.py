"""A stage for a real worker: tasks that fail in each way, and what the worker made of them, as JSON.

    PYTHONPATH=src:. python tests/desk/jobs_stage.py

It is a program, not a fixture: a worker forks, and pytest has threads.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.prove_tasks import own_database, start_worker

_PATIENCE = 30.0


def _deadly(context: Any, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def _refused(context: Any, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    from eclaireur.core.errors import BadValueError

    raise BadValueError("le fichier est vide.", fix="Envoyez-en un autre.")


def _deaf(context: Any, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Never say how far it is, so never hear that it must stop; and start a program."""
    import subprocess

    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    Path(arguments["note"]).write_text(str(child.pid), encoding="ascii")
    time.sleep(60)
    return {}


def _until(true: Callable[[], bool]) -> None:
    limit = time.monotonic() + _PATIENCE
    while not true() and time.monotonic() < limit:
        time.sleep(0.05)


def _runs(number: int) -> bool:
    try:
        status = Path(f"/proc/{number}/stat").read_text(encoding="utf-8")
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def _play() -> dict[str, Any]:
    from eclaireur.desk.jobs import cancel, job, start
    from eclaireur.desk.models import Job, JobState, User

    job("deadly", "Mortelle")(_deadly)
    job("refused", "Refusée")(_refused)
    job("deaf", "Sourde")(_deaf)
    user = User.objects.create_user("ada", "Ada Martin")
    note = Path(os.environ["ECLAIREUR_HOME"]) / "note"

    def begin(kind: str) -> Job:
        return start(kind, user=user, case="restaurant_risk", arguments={"note": str(note)})

    def state(task: Job) -> str:
        return str(Job.objects.values_list("state", flat=True).get(pk=task.pk))

    deadly, refused, deaf = begin("deadly"), begin("refused"), begin("deaf")
    worker = start_worker(deaths=3)
    _until(lambda: state(deaf) == JobState.RUNNING and note.exists())
    cancel(user, deaf)
    _until(lambda: state(deaf) != JobState.RUNNING)
    program = int(note.read_text(encoding="ascii"))
    _until(lambda: not _runs(program))
    left_over = _runs(program)

    note.unlink()
    handed_back = begin("deaf")
    _until(lambda: state(handed_back) == JobState.RUNNING and note.exists())
    begun = time.monotonic()
    os.kill(worker, signal.SIGTERM)
    _, status = os.waitpid(worker, 0)
    fields = ("state", "attempts", "error")
    tasks = {"deadly": deadly, "refused": refused, "deaf": deaf, "handed_back": handed_back}
    return {
        **{name: Job.objects.values(*fields).get(pk=task.pk) for name, task in tasks.items()},
        "left_over": left_over,
        "worker": {"status": status, "seconds": time.monotonic() - begun},
    }


if __name__ == "__main__":
    with own_database():
        told = _play()
    print(json.dumps(told))  # noqa: T201 (what the test reads)

"""Programs that live as long as this one: restarted when they die, ended with it."""

from __future__ import annotations

import contextlib
import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from eclaireur.core.errors import WorkFailedError
from eclaireur.desk.scratch import tidy

__all__ = ["Child", "die_with_parent", "watch"]

_LOG = logging.getLogger(__name__)
_SET_PARENT_DEATH_SIGNAL = 1
_FIRST_WAIT = 0.5
_LONGEST_WAIT = 30.0
_STEADY = 10.0
"""Seconds after which a program that ends did not die at once: it starts again without waiting longer."""
_BEAT = 0.2
_TIDY = 5.0


def die_with_parent(parent: int) -> None:
    """Ask the kernel (Linux) to end this process when the one that started it ends, even by SIGKILL.

    Parameters
    ----------
    parent
        Number of the process that started this one: it may have died before this call.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_SET_PARENT_DEATH_SIGNAL, signal.SIGTERM)
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGTERM)


@dataclass(slots=True)
class Child:
    """A program to keep alive.

    Parameters
    ----------
    name
        What it does, in French: named when it dies.
    command
        Program and arguments.
    files
        Descriptors that it inherits.
    """

    name: str
    command: Sequence[str]
    files: tuple[int, ...] = ()
    process: subprocess.Popen[bytes] | None = field(default=None, init=False)
    _wait: float = field(default=_FIRST_WAIT, init=False)
    _started: float = field(default=0.0, init=False)
    _due: float = field(default=0.0, init=False)

    def keep(self, now: float, environ: Mapping[str, str]) -> None:
        """Start it when it does not run; one that dies at once waits longer each time, up to 30 s."""
        if self.process is None:
            if now >= self._due:
                # A session of its own: Ctrl+C in the terminal reaches the parent, which ends it in order.
                self.process = subprocess.Popen(  # noqa: S603 (our own modules)
                    [*self.command], pass_fds=self.files, env=environ, start_new_session=True
                )
                self._started = now
            return
        code = self.process.poll()
        if code is None:
            return
        self._end_group()
        self.process = None
        self._wait = _FIRST_WAIT if now - self._started > _STEADY else min(self._wait * 2, _LONGEST_WAIT)
        self._due = now + self._wait
        _LOG.warning("%s s'est arrêté (code %d) ; nouveau départ dans %.0f s.", self.name, code, self._wait)

    def ask_to_end(self) -> None:
        """Let it finish what it does."""
        if self.process is not None and self.process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                self.process.terminate()

    def end(self, patience: float) -> None:
        """Wait for it, then end it and what it started."""
        if self.process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(max(patience, 0.0))
        self._end_group()
        self.process.wait()
        self.process = None

    def _end_group(self) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal.SIGKILL)


def _environment() -> dict[str, str]:
    """Return the environment of the children: they find the package where this process found it."""
    source = str(Path(__file__).resolve().parents[2])
    paths = [source, *(path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path)]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}


def watch(
    children: Sequence[Child],
    *,
    started: Callable[[], None] = lambda: None,
    over: Callable[[], bool] = lambda: False,
    patience: float = 30.0,
    folder: Path | None = None,
) -> None:
    """Keep programs alive until SIGTERM, SIGINT, or ``over``; then end them all.

    Parameters
    ----------
    children
        What to keep alive.
    started
        Called once, when all were started.
    over
        Asked five times a second.
    patience
        Seconds that the children have, together, to finish what they do.
    folder
        Where they write temporary files (see `scratch`); what the dead leave there is taken away.

    Raises
    ------
    WorkFailedError
        If a program cannot be started at all.
    """
    asked: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        asked.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    environ = _environment() | ({"TMPDIR": str(folder)} if folder else {})
    try:
        told, tidied = False, time.monotonic()
        while not asked:
            if folder and time.monotonic() - tidied > _TIDY:
                tidy(folder)
                tidied = time.monotonic()
            for child in children:
                child.keep(time.monotonic(), environ)
            if not told:
                told = True
                started()
            elif over():
                break
            time.sleep(_BEAT)
    except OSError as error:
        raise WorkFailedError(f"un programme du bureau n'a pas pu démarrer : {error}.") from error
    finally:
        limit = time.monotonic() + patience
        for child in children:
            child.ask_to_end()
        for child in children:
            child.end(limit - time.monotonic())
        for number, handler in before.items():
            signal.signal(number, handler)

"""A process forked for one task, that ends with the one that forked it.

Forked, because starting a fresh interpreter with Django costs more than a second: the worker has one
thread, closes its connections first, and imports no library of calculation, so a copy of it is as good as
a fresh one.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from django.db import Error, connections

from eclaireur.desk.children import die_with_parent
from eclaireur.desk.scratch import settle

__all__ = ["Process"]

_LOG = logging.getLogger(__name__)
_TRY_AGAIN = 75  # EX_TEMPFAIL
_NICE = 5
_KILL_FIRST = 500


class Process:
    """A child process at work, in a group of its own with whatever it starts.

    Parameters
    ----------
    number
        Its process number.
    life
        Our end of a pipe: when it closes, because we ended, the child ends its group.
    """

    def __init__(self, number: int, life: int) -> None:
        self.number = number
        self._life = life
        self._status: int | None = None

    @classmethod
    def start(cls, work: Callable[[], object]) -> Process:
        """Fork, and do the work in the child. No connection may be open."""
        parent = os.getpid()
        theirs, ours = os.pipe()
        number = os.fork()
        if number == 0:
            os.close(ours)
            _live(work, parent, theirs)
        os.close(theirs)
        _own_group(number)
        return cls(number, ours)

    def alive(self) -> bool:
        """Tell whether it still runs."""
        if self._status is None:
            number, status = os.waitpid(self.number, os.WNOHANG)
            if number:
                self._status = status
        return self._status is None

    def kill(self) -> None:
        """End it, with whatever it started, and wait for it."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.number, signal.SIGKILL)
        while self.alive():
            time.sleep(0.01)
        if self._life >= 0:
            os.close(self._life)
            self._life = -1

    @property
    def reason(self) -> str:
        """Why it ended, in French, to follow « la dernière fois »."""
        if self._status is None or self._status == 0:
            return "son processus a fini sans rien dire"
        code = os.waitstatus_to_exitcode(self._status)
        if code == -signal.SIGKILL:
            return "son processus a été tué, comme le fait une machine à court de mémoire"
        if code < 0:
            return f"son processus a été arrêté par le signal {-code}"
        if code == _TRY_AGAIN:
            return "la base de données ou la mémoire lui a manqué"
        return f"son processus a fini avec le code {code}"


def _own_group(number: int) -> None:
    # By parent and child both: whichever comes first, the group exists before anyone kills it.
    with contextlib.suppress(OSError):
        os.setpgid(number, number)


def _live(work: Callable[[], object], parent: int, life: int) -> NoReturn:
    """Do the work, then leave without unwinding what belongs to the parent."""
    code = 1
    try:
        _own_group(os.getpid())
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        die_with_parent(parent)
        settle()
        threading.Thread(target=_end_with, args=(life,), daemon=True).start()
        _give_way()
        work()
        connections.close_all()
        code = 0
    except (Error, MemoryError) as error:
        _LOG.warning("Une tâche s'interrompt : %s", error)
        code = _TRY_AGAIN
    except BaseException:  # noqa: BLE001 (whatever it is, nothing goes up into the parent's frames)
        _LOG.exception("Le processus d'une tâche s'est arrêté.")
    finally:
        os._exit(code)


def _end_with(life: int) -> None:
    """End the whole group when the parent's end of the pipe closes (where the kernel does not do it)."""
    with contextlib.suppress(OSError):
        os.read(life, 1)
    os.killpg(os.getpid(), signal.SIGKILL)


def _give_way() -> None:
    """Let pages go first on a busy machine; when memory is short, let the kernel end this process first."""
    os.nice(_NICE)
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(str(_KILL_FIRST), encoding="ascii")

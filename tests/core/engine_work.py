"""Work that workers can import."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from eclaireur.core.errors import BadValueError

__all__ = ["double", "kill_once", "kill_self", "refuse", "threads"]


def double(value: int) -> int:
    """Return twice a value."""
    return 2 * value


def refuse(value: int) -> int:
    """Refuse the value 3, in French."""
    if value == 3:
        raise BadValueError("trois est refusé.", fix="Prenez quatre.", file="parts.csv", line=3)
    return value


def kill_once(marker: str) -> int:
    """Kill the worker the first time, succeed the second."""
    path = Path(marker)
    if not path.exists():
        path.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return 7


def kill_self(value: int) -> int:
    """Kill the worker whenever the value is 1."""
    if value == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return value


def threads(_: int) -> str:
    """Return how many threads a numeric library may use."""
    return os.environ.get("OMP_NUM_THREADS", "")

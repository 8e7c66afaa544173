"""One writer at a time, among the threads of a process and the processes of a machine."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from eclaireur.core.errors import WorkFailedError

__all__ = ["exclusive"]


@contextmanager
def exclusive(path: Path, *, timeout: float = 60.0) -> Iterator[None]:
    """Hold the lock file ``path`` for the time of a ``with`` block.

    The lock is the system's (``flock``): it falls by itself when its holder is killed. The file stays.
    Each call opens its own, so two threads exclude each other as two processes do; it is not
    reentrant.

    Parameters
    ----------
    path
        Lock file, made when missing; its folder must exist and be on a local disk.
    timeout
        Seconds to wait for the present holder.

    Raises
    ------
    WorkFailedError
        If the lock is still held after ``timeout``.
    """
    from filelock import FileLock, Timeout

    lock = FileLock(path, timeout=timeout, mode=0o600, poll_interval=0.005)
    try:
        lock.acquire()
    except Timeout as error:
        raise WorkFailedError(
            f"une autre écriture est en cours depuis plus de {timeout:.0f} secondes.",
            file=str(path),
            fix="Attendez qu'elle finisse, puis relancez la commande.",
        ) from error
    try:
        yield
    finally:
        lock.release()

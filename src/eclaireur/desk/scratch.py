"""Temporary files of a served desk: each process has a folder of its own, which goes with it however it ends.

A process that is killed leaves what it was reading or writing: a document, a list on its way out. What erases
a person, or keeps data no longer than it should, cannot look there: so nothing may stay.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from eclaireur.core.errors import WorkFailedError
from eclaireur.core.locking import exclusive

__all__ = ["scratch", "settle", "tidy"]

_PREFIX = "eclaireur-desk-"
_HELD = "held"


@contextmanager
def scratch() -> Iterator[Path]:
    """Make the folder in which a desk's processes settle; take away those of desks that were killed.

    Its processes find it in ``TMPDIR``. It is removed at the end of the ``with`` block.
    """
    for left in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        _take_away(left)
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX))
    try:
        with exclusive(folder / _HELD):
            yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def settle() -> None:
    """Give this process a folder of its own for what it writes for a while; only in a desk's processes."""
    here = Path(os.environ.get("TMPDIR", ""))
    base = here.parent if here.name.isdigit() else here  # forked by one that has settled
    if not base.name.startswith(_PREFIX):
        return
    own = base / str(os.getpid())
    own.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ["TMPDIR"] = tempfile.tempdir = str(own)


def tidy(folder: Path) -> None:
    """Take away what processes that ended left in a desk's folder; keep the rest young.

    Systems empty their folder of temporary files of what nothing has touched for days: a desk that is served
    for months must not lose its own.
    """
    with suppress(FileNotFoundError):
        for one in (folder, *folder.iterdir()):
            if one.name.isdigit() and not _alive(int(one.name)):
                shutil.rmtree(one, ignore_errors=True)
            else:
                os.utime(one)


def _alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def _take_away(left: Path) -> None:
    """Remove the folder of a desk, unless the desk lives, has not begun yet, or is another account's."""
    try:
        if left.is_symlink() or left.stat().st_uid != os.getuid() or not (left / _HELD).exists():
            return
        with exclusive(left / _HELD, timeout=0.0):
            shutil.rmtree(left, ignore_errors=True)
    except (WorkFailedError, OSError):
        return

"""Opens the case that a command works on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from eclaireur.cli.screen import progress_bar

if TYPE_CHECKING:
    from eclaireur.service.work import Work

__all__ = ["at_work", "chosen_source"]


@contextmanager
def at_work(case: str, *, quiet: bool = False) -> Iterator[Work]:
    """Open a case in the user's workspace, with progress on standard error.

    Once there is a desk its journal is this one too: one chain, whoever writes.
    """
    from eclaireur.desk.start import open_workspace
    from eclaireur.service.work import Work

    with progress_bar(hidden=quiet) as progress:
        yield Work.on(open_workspace(), case, progress=progress)


def chosen_source(work: Work, source: str | None) -> str:
    """Return the source that the user named, or the natural one."""
    from eclaireur.service.work import CONNECTED, default_source

    if source is None:
        return default_source(work)
    if source != CONNECTED:
        work.card.source(source)
    return source

"""The workspace of this installation, as the desk sees it: its journal lies in the database."""

from __future__ import annotations

from functools import cache

from eclaireur.core.case import Progress, quiet
from eclaireur.core.workspace import Workspace
from eclaireur.desk.journal_rows import open_journal
from eclaireur.service.work import Work

__all__ = ["work_on", "workspace"]


@cache
def workspace() -> Workspace:
    """Open the workspace once in a process."""
    return Workspace.open(journal_of=open_journal)


def work_on(case: str, *, progress: Progress = quiet) -> Work:
    """Open a case at work."""
    return Work.on(workspace(), case, progress=progress)

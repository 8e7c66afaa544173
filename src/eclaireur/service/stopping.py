"""The stop button outside the desk: a case that the journal says is suspended does nothing new."""

from __future__ import annotations

from typing import TYPE_CHECKING

from eclaireur.core import french
from eclaireur.core.errors import RefusedError

if TYPE_CHECKING:
    from eclaireur.core.journal import Entry
    from eclaireur.service.work import Work

__all__ = ["STOPPED", "refuse_stopped", "stop_of"]

STOPPED = ("stop", "resume")
"""Kinds of the journal's lines that suspend a case and take it up again."""


def stop_of(work: Work) -> Entry | None:
    """Return the line of the journal that suspended a case; None when it is at work."""
    last: Entry | None = None
    for last in work.workspace.journal.entries(STOPPED, case=work.card.name):  # noqa: B007 (the last is kept)
        pass
    return last if last is not None and last.kind == "stop" else None


def refuse_stopped(work: Work) -> None:
    """Refuse what a suspended case no longer does, on the command line as on the desk.

    Raises
    ------
    RefusedError
        If the case is suspended: by whom, since when and why.
    """
    line = stop_of(work)
    if line is not None:
        raise RefusedError(
            f"ce cas d'usage est suspendu depuis le {french.day(line.time)} par {line.actor} : "
            f"{line.data.get('reason', '')}.",
            fix="Une personne responsable peut le reprendre, sur le bureau.",
        )

"""The reading of a file that takes longer than a page may wait: large, scanned, or at an address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from uuid import UUID

from eclaireur.core.errors import EclaireurError, NotFoundError
from eclaireur.desk.jobs.context import CancelledError
from eclaireur.desk.jobs.kinds import job

if TYPE_CHECKING:
    from eclaireur.desk.jobs.context import Context

__all__: list[str] = []


@job("read", "Lecture d'un fichier")
def _read(context: Context, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read it, and leave what its page shows; nothing of the file is in the task."""
    from eclaireur.desk.reading_files import fetch, read_slowly
    from eclaireur.desk.readings import find

    lecture = find(UUID(arguments["lecture"]))
    if lecture is None:
        raise NotFoundError("ce fichier n'est plus là.", fix="Envoyez-le de nouveau.")
    if lecture.said is not None:
        return {}
    try:
        if lecture.sent is None and lecture.asked.address:
            lecture = fetch(lecture, context.progress)
        read_slowly(lecture, context.progress)
    except (EclaireurError, CancelledError):
        lecture.forget_file()  # it is not tried again
        raise
    return {}

"""The task of each night: what was kept for too long goes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from eclaireur.desk.jobs.kinds import job

if TYPE_CHECKING:
    from eclaireur.desk.jobs.context import Context

__all__: list[str] = []


@job("retention", "Effacement au terme de la durée de conservation")
def _retention(context: Context, _: Mapping[str, Any]) -> Mapping[str, Any]:
    """Erase what is too old; done again, it finds nothing. A suspended case is cleaned too."""
    from eclaireur.desk.place import work_on
    from eclaireur.desk.retaining import DeskOldRows
    from eclaireur.service.retaining import retain

    work = work_on(context.case, progress=context.progress)
    found = retain(work, rows=DeskOldRows(work.workspace, context.case))
    return {"months": found.months, "gone": len(found.gone)}

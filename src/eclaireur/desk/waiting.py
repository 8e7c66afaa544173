"""What waits for a person, case by case."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Count

from eclaireur.desk.models import Item

if TYPE_CHECKING:
    from eclaireur.desk.access import Reach

__all__ = ["waiting"]


def waiting(reach: Reach, *, training: bool = False) -> dict[str, int]:
    """Count, for each case, the lines of open lists that nobody has judged yet."""
    rows = (
        Item.objects.within(reach)
        .filter(worklist__closed=None, worklist__edition__training=training, verdict="")
        .values("case")
        .annotate(n=Count("pk"))
    )
    return {row["case"]: row["n"] for row in rows}

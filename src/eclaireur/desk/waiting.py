"""What waits for a person, case by case."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from django.core.cache import cache
from django.db.models import Count

from eclaireur.desk.models import Edition, Item

if TYPE_CHECKING:
    from eclaireur.desk.access import Reach

__all__ = ["waiting"]

_KEPT = 600  # seconds; the versions in the key make a change show at once all the same


def waiting(reach: Reach, *, training: bool = False) -> dict[str, int]:
    """Count, for each case, the lines of open lists that nobody has judged yet.

    Every page shows it: it is kept until a list of an edition changes.
    """
    versions = list(
        Edition.objects.filter(worklists__closed=None, worklists__isnull=False, training=training)
        .order_by("pk")
        .distinct()
        .values_list("pk", "version")
    )
    key = "waiting|" + hashlib.sha256(f"{training}|{versions}|{reach.key}".encode()).hexdigest()
    kept: dict[str, int] | None = cache.get(key)
    if kept is None:
        kept = _count(reach, training=training)
        cache.set(key, kept, _KEPT)
    return kept


def _count(reach: Reach, *, training: bool) -> dict[str, int]:
    rows = (
        Item.objects.within(reach)
        .filter(worklist__closed=None, worklist__edition__training=training, verdict="")
        .values("case")
        .annotate(n=Count("pk"))
    )
    return {row["case"]: row["n"] for row in rows}

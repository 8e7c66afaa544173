"""What waits for a person, case by case."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from django.core.cache import cache
from django.db.models import Count

from eclaireur.desk.models import Item, Worklist

if TYPE_CHECKING:
    from eclaireur.desk.access import Reach

__all__ = ["waiting"]

_KEPT = 600  # seconds; the versions in the key make a change show at once all the same


def waiting(reach: Reach, *, training: bool = False) -> dict[str, int]:
    """Count, for each case, the lines of open lists that nobody has judged yet.

    Every page shows it: it is kept until a list of an edition changes.
    """
    # Few lists are open: named to the database, it counts their lines in an index, without reading any.
    lists = list(
        Worklist.objects.filter(closed=None, edition__training=training)
        .order_by("pk")
        .values_list("pk", "edition", "edition__version")
    )
    key = "waiting|" + hashlib.sha256(f"{training}|{lists}|{reach.key}".encode()).hexdigest()
    kept: dict[str, int] | None = cache.get(key)
    if kept is None:
        kept = _count(reach, [pk for pk, _, _ in lists])
        cache.set(key, kept, _KEPT)
    return kept


def _count(reach: Reach, lists: list[int]) -> dict[str, int]:
    rows = Item.objects.within(reach).filter(worklist__in=lists, verdict="").values("case")
    return {row["case"]: row["n"] for row in rows.annotate(n=Count("pk")).order_by()}

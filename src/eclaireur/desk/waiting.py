"""What waits for a person, case by case, and how long each list is."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from django.core.cache import cache

from eclaireur.desk.models import Item, Worklist

if TYPE_CHECKING:
    from eclaireur.desk.access import Reach

__all__ = ["size", "waiting"]

_KEPT = 600  # seconds; the versions in the key make a change show at once all the same


def waiting(reach: Reach, *, training: bool = False) -> dict[str, int]:
    """Count, for each case, the lines of open lists that nobody has judged yet.

    Every page shows it: it is kept until a list of an edition changes.
    """
    # Few lists are open: named to the database, their lines are counted in an index, and none is read.
    lists = list(
        Worklist.objects.filter(closed=None, edition__training=training)
        .order_by("pk")
        .values_list("case", "pk", "edition__version")
    )
    key = "waiting|" + hashlib.sha256(f"{training}|{lists}|{reach.key}".encode()).hexdigest()
    kept: dict[str, int] | None = cache.get(key)
    if kept is None:
        kept = _count(reach, lists)
        cache.set(key, kept, _KEPT)
    return kept


def size(reach: Reach, case: str, worklist: int) -> int:
    """Count the lines of a list that a person sees. They are all written when it is drawn: it is kept."""
    key = "size|" + hashlib.sha256(f"{worklist}|{reach.key}".encode()).hexdigest()
    kept: int | None = cache.get(key)
    if kept is None:
        kept = Item.objects.within(reach).filter(case=case, worklist=worklist).count()
        cache.set(key, kept, _KEPT)
    return kept


def _count(reach: Reach, lists: list[tuple[str, int, int]]) -> dict[str, int]:
    """Count by case. What has been judged is counted, not what waits: a long list is only begun."""
    judged = Item.objects.within(reach).filter(verdict__gt="")
    counts = {}
    for case in reach.cases(sorted({name for name, _, _ in lists})):
        mine = [pk for name, pk, _ in lists if name == case]
        done = judged.filter(case=case, worklist__in=mine).count()
        counts[case] = sum(size(reach, case, pk) for pk in mine) - done
    return {case: count for case, count in counts.items() if count > 0}

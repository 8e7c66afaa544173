"""What an agent must not see before judging: the rank, the score and the drawing of a line of a list.

A share of each list is drawn at random, to measure the ranking without its own bias. It only measures if
nobody can tell these lines apart before judging them. So, in a list with random lines, a line without a
verdict shows neither rank nor score, nor anything ordered or counted by them; the working order is
shuffled within each area (`core.worklist`), and the whole ranking leaves the line out.

Whoever answers a contest must not see the score either: from the moment an agent takes one until the reply,
the rank and the score of its dossier are hidden as well.

Pages, exports, maps and the API all ask here.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from django.db.models import Exists, OuterRef, Q

from eclaireur.core.types import Drawn
from eclaireur.desk.models import Contest, Item, Worklist

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from eclaireur.desk.models import Target

__all__ = ["hidden_targets", "is_hidden", "random_lists", "reviewed_dossiers", "target_is_hidden"]


def random_lists(worklists: Collection[int]) -> set[int]:
    """Return those of some worklists that hold a line drawn at random."""
    drawn = Item.objects.filter(worklist=OuterRef("pk"), drawn=Drawn.RANDOM)  # the first found is enough
    return set(Worklist.objects.filter(Exists(drawn), pk__in=worklists).values_list("pk", flat=True))


def is_hidden(item: Item, *, list_has_random: bool) -> bool:
    """Tell whether a line's rank, score and drawing must not be shown yet."""
    return list_has_random and not item.verdict


def hidden_targets() -> Q:
    """Return the filter of the targets whose subject is still to be judged in a list with random lines.

    The list may be of an earlier edition: a newer rank of the same subject would tell as much.
    """
    blind = Item.objects.filter(worklist=OuterRef("worklist"), drawn=Drawn.RANDOM)
    waiting = Item.objects.filter(
        Exists(blind), target__dossier=OuterRef("dossier"), worklist__closed=None, verdict=""
    )
    return Q(Exists(waiting)) | Q(Exists(_reviewed(dossier=OuterRef("dossier"))))


def reviewed_dossiers(case: str) -> set[int]:
    """Return the dossiers of a case of which an agent is answering a contest."""
    return set(_reviewed(case=case).values_list("dossier", flat=True))


def _reviewed(**of: Any) -> QuerySet[Contest]:
    return Contest.objects.filter(answered=None, taken_by__isnull=False, dossier__isnull=False, **of)


def target_is_hidden(target: Target) -> bool:
    """Tell whether a subject's rank and score must not be shown: an open list, or a contest, is on it."""
    if _reviewed(dossier=target.dossier_id).exists():
        return True
    open_lines: Any = Item.objects.filter(
        target__dossier=target.dossier_id, worklist__closed=None, verdict=""
    )
    return bool(random_lists(list(open_lines.values_list("worklist", flat=True))))

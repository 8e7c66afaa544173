"""How an act is written: the journal first, then the rows that screens read, all or nothing.

The dossier's row is held while it happens. What a person writes is sealed under the subject's key; rows keep
the line's number. In training mode the same acts are journalled as exercises: nothing learns from them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from eclaireur.core.errors import BadValueError
from eclaireur.core.subjects import Subject
from eclaireur.desk.models import Comment, Decision, Dossier, Edition, Item, Letter
from eclaireur.desk.place import workspace
from eclaireur.service.feedback import UNDO

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from eclaireur.desk.models import Target, User

__all__ = [
    "Act",
    "OvertakenError",
    "journal_acts",
    "last_standing",
    "mark",
    "record",
    "said",
    "target_of",
    "verdict_of",
]

_EXERCISE = "exercise"


class OvertakenError(BadValueError):
    """Somebody else decided on the same subject since this page was read."""

    def __init__(self, dossier: Dossier, last: Decision) -> None:
        self.dossier = dossier
        self.last = last
        when = timezone.localtime(last.at)
        super().__init__(
            f"{last.user.full_name} a déjà agi sur ce dossier le {when:%d/%m/%Y à %H h %M}.",
            fix="Votre avis n'est pas encore enregistré. Relisez le dossier, puis confirmez ou renoncez.",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Act:
    """One line to write: what the journal takes, and what the dossier becomes.

    ``verdict`` is what the dossier's line in an open list becomes; None leaves it as it is.
    """

    dossier: Dossier
    kind: str
    value: str
    data: Mapping[str, Any] = field(default_factory=dict)
    personal: Mapping[str, Any] = field(default_factory=dict)
    reason_code: str = ""
    change: Mapping[str, Any] = field(default_factory=dict)
    target: Target | None = None
    verdict: str | None = None


def record(
    user: User, acts: Sequence[Act], *, seen: Mapping[int, int | None] | None = None
) -> list[Decision]:
    """Journal acts and change their dossiers, all or none.

    Parameters
    ----------
    seen
        For a dossier's primary key, the version of it that the person read.

    Raises
    ------
    OvertakenError
        If somebody decided on one of them since.
    """
    if not acts:
        return []
    with transaction.atomic():
        held = {
            one.pk: one
            for one in Dossier.objects.select_for_update()
            .filter(pk__in=[act.dossier.pk for act in acts])
            .order_by("pk")
        }
        for act in acts:
            _not_overtaken(held[act.dossier.pk], (seen or {}).get(act.dossier.pk))
        made = []
        for act, seq in zip(acts, journal_acts(user, acts), strict=True):
            dossier = held[act.dossier.pk]
            made.append(_decision(user, act, dossier, seq))
            for name, value in act.change.items():
                setattr(dossier, name, value)
            dossier.version += 1
            dossier.save()
            if act.verdict is not None:
                mark(dossier, act.verdict)
        cases = {(act.dossier.case, act.dossier.service, act.dossier.training) for act in acts}
        for case, service, training in cases:
            Edition.objects.filter(case=case, service=service, training=training).update(
                version=F("version") + 1
            )
    return made


def _decision(user: User, act: Act, dossier: Dossier, seq: int) -> Decision:
    before: dict[str, Any] = {
        name: value.isoformat() if isinstance(value := getattr(dossier, name), date) else value
        for name in act.change
    }
    if act.verdict is not None:
        before["verdict"] = verdict_of(dossier)
    return Decision.objects.create(
        seq=seq,
        dossier=dossier,
        signal=act.target.signal if act.target else "",
        edition=act.target.edition if act.target else None,
        kind=act.kind,
        value=act.value,
        reason_code=act.reason_code,
        user=user,
        before=before,
    )


def journal_acts(user: User, acts: Iterable[Act]) -> list[int]:
    """Write a line of the journal for each act, and return their numbers; an exercise tells nothing more."""
    drafts: list[dict[str, Any]] = []
    for act in acts:
        if act.dossier.training:
            drafts.append(
                {
                    "kind": _EXERCISE,
                    "case": act.dossier.case,
                    "actor": user.full_name,
                    "data": {"of": act.kind},
                }
            )
            continue
        drafts.append(
            {
                "kind": act.kind,
                "case": act.dossier.case,
                "actor": user.full_name,
                "data": {**act.data, "login": user.login},
                "subject": Subject.parse(act.dossier.subject),
                "personal": dict(act.personal),
            }
        )
    return [entry.seq for entry in workspace().journal.append_many(drafts)]


def _not_overtaken(dossier: Dossier, seen: int | None) -> None:
    if seen is None or seen == dossier.version:
        return
    last = last_standing(dossier)
    if last is not None:
        raise OvertakenError(dossier, last)


def last_standing(dossier: Dossier) -> Decision | None:
    """Return the newest decision that still holds."""
    return (
        Decision.objects.filter(dossier=dossier, undone_by=None)
        .exclude(kind=UNDO)
        .select_related("user")
        .first()
    )


def said(decision: Decision | Comment | Letter) -> Mapping[str, Any]:
    """Open what was written with a decision; empty when the subject's key was destroyed."""
    journal = workspace().journal
    return journal.reveal(journal.entry(decision.seq)) or {}


def target_of(dossier: Dossier) -> Target | None:
    """Return what an open list, or else the newest edition, says of a dossier; None when none does."""
    item = (
        _open_items(dossier)
        .select_related("target__edition", "target__reasons", "worklist")
        .order_by("-pk")
        .first()
    )
    if item is not None:
        return item.target
    return dossier.targets.filter(edition__ready=True).select_related("edition").order_by("-edition").first()


def _open_items(dossier: Dossier) -> QuerySet[Item]:
    return Item.objects.filter(target__dossier=dossier, worklist__closed=None)


def mark(dossier: Dossier, verdict: str) -> None:
    """Write the verdict on the dossier's line in an open list."""
    _open_items(dossier).update(verdict=verdict)


def verdict_of(dossier: Dossier) -> str:
    """Return the verdict on the dossier's line in an open list; empty before it."""
    return _open_items(dossier).values_list("verdict", flat=True).first() or ""

"""What the intake desk did for agents and for those who wrote: the figures of a trial, from its rows."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Count, QuerySet

from eclaireur.core.errors import BadValueError
from eclaireur.core.evaluation import wilson
from eclaireur.core.subjects import Subject
from eclaireur.desk.models import Feedback, Mail, MailStatus
from eclaireur.desk.place import workspace
from eclaireur.desk.replying import REFUSALS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from uuid import UUID

    from eclaireur.desk.access import Reach
    from eclaireur.desk.models import User

__all__ = ["KINDS", "LEVELS", "Figures", "Share", "say"]

KINDS: Mapping[str, str] = {
    "clear": "clair",
    "sound": "sources fiables",
    "wrong": "faux",
    "beside": "hors sujet",
    "partial": "incomplet",
    "long": "trop long",
}
"""What may be said of an answer."""

LEVELS: Mapping[int, str] = {1: "pas du tout", 2: "plutôt non", 3: "plutôt oui", 4: "tout à fait"}
"""How far somebody agrees."""

_ABOUT = frozenset({"answer", "agent", "user"})
_LEAST = 5


def say(
    user: User,
    case: str,
    place: tuple[str, str],
    about: str,
    *,
    number: UUID,
    value: int | None = None,
    kinds: Collection[str] = (),
    personal: Mapping[str, Any],
) -> Feedback:
    """Keep what a person says; free text is sealed in the journal under the number of this saying alone.

    Raises
    ------
    BadValueError
        If nothing is said.
    """
    known = [one for one in KINDS if one in kinds]
    if about not in _ABOUT or (value not in LEVELS and not known):
        raise BadValueError("rien n'a été choisi.", fix="Cochez au moins une réponse, puis envoyez.")
    with transaction.atomic():
        entry = workspace().journal.append(
            "feedback",
            case=case,
            actor=user.full_name,
            data={"login": user.login, "about": about, "value": value, "kinds": known},
            subject=Subject("document", f"avis-{number}"),
            personal=dict(personal),
        )
        return Feedback.objects.create(
            case=case,
            area=place[0],
            service=place[1],
            seq=entry.seq,
            about=about,
            value=value,
            kinds=known,
            user=user,
        )


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its count and interval; too few to say under five."""

    found: int
    n: int

    @property
    def few(self) -> bool:
        """Whether there are too few to say."""
        return self.n < _LEAST

    @property
    def share(self) -> float:
        """The share itself."""
        return self.found / self.n if self.n else 0.0

    @property
    def low(self) -> float:
        """Lower end of its interval."""
        return wilson(self.found, self.n)[0]

    @property
    def high(self) -> float:
        """Upper end."""
        return wilson(self.found, self.n)[1]


class Figures:
    """The figures of a case within a reach."""

    def __init__(self, reach: Reach, case: str) -> None:
        self._mine: QuerySet[Mail] = Mail.objects.within(reach).filter(case=case)
        self._said: QuerySet[Feedback] = Feedback.objects.within(reach).filter(case=case)
        done = self._mine.filter(status=MailStatus.ANSWERED)
        rows = list(done.values_list("opened", "received", "ended", "share", "assisted"))
        self.answered = len(rows)
        self.assisted = Share(sum(bool(one[4]) for one in rows), len(rows))
        self.kept = Share(
            sum(one[3] == 0 for one in rows if one[3] is not None), sum(one[3] is not None for one in rows)
        )
        self._minutes = [
            (ended - opened).total_seconds() / 60 for opened, _, ended, _, _ in rows if opened and ended
        ]
        self._days = [
            (ended - received).total_seconds() / 86_400 for _, received, ended, _, _ in rows if ended
        ]
        self._changed = [one[3] for one in rows if one[3] is not None]
        self.total = self._mine.count()
        self.waiting = self._mine.filter(status=MailStatus.NEW).count()
        self.routed = Share(self._mine.filter(decided=True).count(), self.total)

    @property
    def minutes(self) -> float | None:
        """Median time from the first opening to the answer, in minutes."""
        return median(self._minutes) if len(self._minutes) >= _LEAST else None

    @property
    def days(self) -> float | None:
        """Median time from the message to its answer, in days."""
        return median(self._days) if len(self._days) >= _LEAST else None

    @property
    def changed(self) -> float | None:
        """Median share of a draft that was changed."""
        return median(self._changed) if len(self._changed) >= _LEAST else None

    @property
    def refused(self) -> list[tuple[str, int]]:
        """Refused drafts, by reason, most frequent first."""
        rows = self._mine.exclude(refusal="").values_list("refusal").annotate(n=Count("pk")).order_by("-n")
        return [(REFUSALS.get(code, code), n) for code, n in rows]

    @property
    def drafts(self) -> Share:
        """Refused drafts among those that were opened by an agent."""
        seen = self._mine.filter(drafted=True).exclude(opened=None)
        return Share(seen.exclude(refusal="").count(), seen.count())

    def _level(self, about: str) -> tuple[Share, list[tuple[str, int]]]:
        counts = dict(
            self._said.filter(about=about)
            .exclude(value=None)
            .values_list("value")
            .annotate(n=Count("pk"))
            .order_by()
        )
        return (
            Share(counts.get(3, 0) + counts.get(4, 0), sum(counts.values())),
            [(name, counts.get(value, 0)) for value, name in LEVELS.items()],
        )

    @property
    def agents(self) -> tuple[Share, list[tuple[str, int]]]:
        """Agents who say that the drafts help them."""
        return self._level("agent")

    @property
    def users(self) -> tuple[Share, list[tuple[str, int]]]:
        """Users who say that the answer was of use."""
        return self._level("user")

    @property
    def of_answers(self) -> list[tuple[str, int]]:
        """What was said of answers to questions."""
        counts = dict.fromkeys(KINDS, 0)
        for kinds in self._said.filter(about="answer").values_list("kinds", flat=True):
            for one in kinds:
                counts[one] = counts.get(one, 0) + 1
        return [(name, counts[code]) for code, name in KINDS.items()]

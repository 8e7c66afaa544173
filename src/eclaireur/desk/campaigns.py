"""Blind comparison of two set-ups: pairs of answers in random order, a choice each, the result at the end."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.utils import timezone

from eclaireur.core.errors import BadValueError
from eclaireur.core.evaluation import wilson
from eclaireur.desk import jobs
from eclaireur.desk.inbox import plain
from eclaireur.desk.models import Campaign, Comparison
from eclaireur.desk.place import workspace
from eclaireur.service import messages as intake

if TYPE_CHECKING:
    from eclaireur.desk.models import User
    from eclaireur.service.work import Work

__all__ = ["CHOICES", "Result", "choose", "close", "open_campaign", "prepare", "result", "setup_of"]

CHOICES: Mapping[str, str] = {
    "left": "Celle de gauche",
    "right": "Celle de droite",
    "same": "Autant l’une que l’autre",
}
"""What a person may say of a pair."""

_MOST = 200


def open_campaign(
    user: User, case: str, service: str, *, title: str, setups: Sequence[str], questions: Sequence[str]
) -> Campaign:
    """Open a campaign: its pairs, each in an order drawn at random, are answered by a task.

    Raises
    ------
    BadValueError
        If the set-ups are the same, or a question is missing.
    """
    asked = [one.strip()[:2000] for one in questions if one.strip()]
    if len(set(setups)) != 2:
        raise BadValueError(
            "une comparaison demande deux réglages différents.", fix="Choisissez-en deux.", column="second"
        )
    if not title.strip() or not asked or len(asked) > _MOST:
        raise BadValueError(
            f"une comparaison demande un titre et de 1 à {_MOST} questions.",
            fix="Écrivez une question par ligne.",
            column="questions",
        )
    drawn = random.SystemRandom()
    with transaction.atomic():
        made = Campaign.objects.create(
            case=case,
            service=service,
            title=title.strip()[:200],
            first=setups[0],
            second=setups[1],
            user=user,
        )
        # As many on one side as on the other, in an order that nobody can guess.
        sides = [at % 2 == 0 for at in range(len(asked))]
        drawn.shuffle(sides)
        Comparison.objects.bulk_create(
            [
                Comparison(campaign=made, case=case, service=service, number=at, question=text, swapped=side)
                for at, (text, side) in enumerate(zip(asked, sides, strict=True), start=1)
            ]
        )
        workspace().journal.append(
            "campaign",
            case=case,
            actor=user.full_name,
            data={"login": user.login, "campaign": made.pk, "setups": list(setups), "pairs": len(asked)},
        )
        jobs.start("compare", user=user, case=case, service=service, arguments={"campaign": made.pk})
    return made


def prepare(
    campaign: int,
    work: Work,
    *,
    writing: Callable[[], AbstractContextManager[object]] = transaction.atomic,
) -> int:
    """Answer each question with both set-ups; shown when all are ready."""
    row = Campaign.objects.get(pk=campaign, case=work.card.name)
    desk = intake.open_desk(work)
    pairs = list(row.pairs.all())
    for at, pair in enumerate(pairs):
        work.progress(at, len(pairs), "Réponses aux questions")
        if pair.answers:
            continue
        made = [plain(asdict(desk.answer(pair.question, {}, setup=one))) for one in (row.first, row.second)]
        with writing():
            Comparison.objects.filter(pk=pair.pk).update(answers=made)
    with writing():
        Campaign.objects.filter(pk=row.pk).update(ready=True)
    return len(pairs)


def choose(user: User, pair: Comparison, side: str) -> None:
    """Keep what a person prefers; journalled.

    Raises
    ------
    BadValueError
        If the campaign is ended, or the choice is none.
    """
    if side not in CHOICES:
        raise BadValueError("ce choix n'existe pas.", fix="Choisissez l'une des trois réponses.")
    with transaction.atomic():
        held = Comparison.objects.select_for_update().select_related("campaign").get(pk=pair.pk)
        if held.campaign.ended or not held.campaign.ready:
            raise BadValueError("cette comparaison n'est pas ouverte.", fix="Revenez à la liste.")
        workspace().journal.append(
            "preference",
            case=held.case,
            actor=user.full_name,
            data={
                "login": user.login,
                "campaign": held.campaign_id,
                "pair": held.number,
                "choice": setup_of(held, side),
            },
        )
        held.choices = {**held.choices, str(user.pk): setup_of(held, side)}
        held.save(update_fields=["choices"])


def setup_of(pair: Comparison, side: str) -> str:
    """Return which set-up a side is: « first », « second » or « same »."""
    if side == "same":
        return side
    return "first" if (side == "left") != pair.swapped else "second"


def close(user: User, campaign: Campaign) -> None:
    """End a campaign: from then on its result is shown and nothing more is chosen."""
    with transaction.atomic():
        if Campaign.objects.filter(pk=campaign.pk, ended=None).update(ended=timezone.now()):
            workspace().journal.append(
                "campaign_end",
                case=campaign.case,
                actor=user.full_name,
                data={"login": user.login, "campaign": campaign.pk},
            )


@dataclass(frozen=True, slots=True)
class Result:
    """What was preferred. The share is of the choices that are not « same »; its interval is Wilson's."""

    first: int
    second: int
    same: int
    people: int
    share: float
    low: float
    high: float

    @property
    def decided(self) -> bool:
        """Whether the interval leaves one half out."""
        return self.low > 0.5 or self.high < 0.5


def result(campaign: Campaign) -> Result:
    """Count the choices of an ended campaign. Several people on one pair weigh as one: the majority's."""
    first = second = same = 0
    people: set[str] = set()
    for pair in campaign.pairs.all():
        given: dict[str, Any] = pair.choices
        people |= set(given)
        if not given:
            continue
        balance = sum({"first": 1, "second": -1}.get(one, 0) for one in given.values())
        first, second, same = first + (balance > 0), second + (balance < 0), same + (balance == 0)
    told = first + second
    low, high = wilson(first, told)
    return Result(first, second, same, len(people), first / told if told else 0.5, low, high)

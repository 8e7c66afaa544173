"""Trials with suggestions that are wrong on purpose: whether agents follow the machine when it is wrong.

Only in the training desk, on the sample, whose subjects are nobody: no real follow-up can be reached, and the
database refuses a trial's edition elsewhere. A trial is announced first, with its days and its share; its
list begins within these days; when it ends, true ranks come back and the planted lines are told. What is
planted is fixed by a hash in the journal before the first verdict.
"""

from __future__ import annotations

import hashlib
import random
import secrets
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import Exists, F, OuterRef
from django.utils import timezone

from eclaireur.core.errors import BadValueError, RefusedError
from eclaireur.core.types import Drawn, Verdict
from eclaireur.desk.models import Edition, Item, Planted, Target, TargetReasons, Trial, Worklist
from eclaireur.desk.place import workspace
from eclaireur.service.automation_bias import TRIAL_CLOSED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from eclaireur.desk.models import User

__all__ = ["announce", "begin", "close", "close_due", "open_trial"]

_SIZES = (20, 200)
_SHARES = (0.05, 0.3)
_LONGEST = timedelta(days=92)
_LEAST_WORDS = 20
_NOBODY = "Éclaireur (fin de l’essai)"


def open_trial(case: str) -> Trial | None:
    """Return the trial of a case that is announced or under way."""
    return Trial.objects.filter(case=case, closed=None).select_related("worklist__edition").first()


def announce(
    user: User, case: str, *, starts: date, ends: date, size: int, share: float, announcement: str
) -> Trial:
    """Announce a trial to the agents of a case.

    Raises
    ------
    BadValueError
        If days, size, share or words are wrong, or another trial is open.
    """
    today, words = timezone.localdate(), announcement.strip()
    if not today <= starts <= ends or ends - starts > _LONGEST:
        raise BadValueError(
            "un essai commence aujourd'hui ou plus tard et dure trois mois au plus.",
            fix="Corrigez les dates.",
            column="starts",
        )
    if not _SIZES[0] <= size <= _SIZES[1]:
        raise BadValueError(
            f"un essai a de {_SIZES[0]} à {_SIZES[1]} lignes.", fix="Corrigez le nombre.", column="size"
        )
    if not _SHARES[0] <= share <= _SHARES[1]:
        raise BadValueError(
            "la part fausse va de 5 à 30 %.", fix="Écrivez 20 pour un cinquième.", column="share"
        )
    if not _LEAST_WORDS <= len(words) <= 2000:
        raise BadValueError(
            f"l'annonce aux agents demande de {_LEAST_WORDS} à 2 000 caractères.",
            fix="Dites-leur pourquoi, et ce qui sera fait des résultats.",
            column="announcement",
        )
    if open_trial(case) is not None:
        raise BadValueError("un essai est déjà annoncé.", fix="Terminez-le d'abord.")
    with transaction.atomic():
        trial = Trial.objects.create(
            case=case,
            announcement=words,
            starts=starts,
            ends=ends,
            size=size,
            share=share,
            announced_by=user,
        )
        data = {
            "trial": trial.pk,
            "starts": starts.isoformat(),
            "ends": ends.isoformat(),
            "size": size,
            "share": share,
            "announcement": words,
            "login": user.login,
        }
        workspace().journal.append("trial_announced", case=case, actor=user.full_name, data=data)
        _told(case)
    return trial


def _told(case: str) -> None:
    """Make every list of a case anew: pages that were kept do not tell the trial."""
    Edition.objects.filter(case=case).update(version=F("version") + 1)


def begin(user: User, trial: Trial) -> Worklist:
    """Draw the list of an announced trial and plant its wrong suggestions.

    Raises
    ------
    RefusedError
        If the trial is not announced, not within its days, or already begun.
    BadValueError
        If the training desk is not open, or the sample is too small.
    """
    today = timezone.localdate()
    announced = Trial.objects.filter(pk=trial.pk, closed=None, worklist=None).exists()
    if not announced or not trial.starts <= today <= trial.ends:
        raise RefusedError(
            "rien de faux n'est proposé hors d'un essai annoncé et de ses dates.",
            fix="Annoncez un essai, puis attendez son premier jour.",
        )
    base = Edition.objects.filter(case=trial.case, training=True, current=True, ready=True, trial=0).first()
    if base is None:
        raise BadValueError("l'entraînement n'est pas prêt.", fix="Ouvrez d'abord l'entraînement.")
    drawing = random.SystemRandom()
    wrong = max(1, round(trial.size * trial.share))
    best, bad = _drawn(base, trial.size, wrong, drawing)
    with transaction.atomic():
        edition = _edition(base, trial)
        worklist = Worklist.objects.create(
            case=trial.case,
            service=base.service,
            edition=edition,
            title=str(trial),
            run=base.run,
            capacity=trial.size,
            random_share=0.0,
            created_by=user,
        )
        donors = drawing.sample(best, wrong)
        rows: list[tuple[Target, Target | None]] = [(one, None) for one in best if one not in donors]
        rows += zip(bad, donors, strict=True)
        drawing.shuffle(rows)
        planted = [_line(worklist, position, *row) for position, row in enumerate(rows, start=1)]
        Planted.objects.bulk_create([Planted(trial=trial, **one) for one in planted if one is not None])
        trial.worklist, trial.salt = worklist, secrets.token_hex(16)
        trial.save(update_fields=["worklist", "salt"])
        data = {"trial": trial.pk, "planted": wrong, "sha256": _seal(trial), "login": user.login}
        workspace().journal.append("trial_begun", case=trial.case, actor=user.full_name, data=data)
        Edition.objects.filter(pk=edition.pk).update(ready=True)
        _told(trial.case)
    return worklist


def _drawn(
    base: Edition, size: int, wrong: int, drawing: random.SystemRandom
) -> tuple[list[Target], list[Target]]:
    """Return the best targets that no open list holds, and some of the worst half."""
    busy = Item.objects.filter(target__dossier=OuterRef("dossier"), worklist__closed=None)
    rows = base.targets.exclude(Exists(busy)).select_related("reasons", "dossier")
    free = list(rows.order_by("rank", "pk"))
    worst = free[max(size, len(free) // 2) :]
    if len(free) < size or len(worst) < wrong:
        raise BadValueError("l'échantillon est trop petit.", fix="Demandez un essai plus court.")
    return free[:size], drawing.sample(worst, wrong)


def _edition(base: Edition, trial: Trial) -> Edition:
    kept = {
        field.name: getattr(base, field.name)
        for field in Edition._meta.concrete_fields  # noqa: SLF001 (Django's way to list fields)
        if field.name not in {"id", "trial", "current", "ready", "version", "published"}
    }
    return Edition.objects.create(**kept, trial=trial.pk)


def _line(worklist: Worklist, position: int, target: Target, donor: Target | None) -> dict[str, Any] | None:
    """Copy a target to the trial, with the rank of another one when it is to be wrong."""
    true = {name: getattr(target, name) for name in ("rank", "score", "low", "high")}
    shown = {name: getattr(donor, name) for name in true} if donor is not None else true
    copied = Target.objects.create(
        edition=worklist.edition,
        dossier=target.dossier,
        case=target.case,
        area=target.area,
        service=target.service,
        signal=target.signal,
        name=target.name,
        latitude=target.latitude,
        longitude=target.longitude,
        last_seen=target.last_seen,
        why=target.why,
        **shown,
    )
    TargetReasons.objects.create(target=copied, content=getattr(target, "reasons").content)  # noqa: B009
    item = Item.objects.create(
        worklist=worklist,
        target=copied,
        case=target.case,
        area=target.area,
        service=target.service,
        position=position,
        drawn=str(Drawn.MODEL),
        propensity=1.0,
    )
    return {"item": item, **true} if donor is not None else None


def _seal(trial: Trial) -> str:
    return hashlib.sha256("\n".join([trial.salt, *_signals(trial)]).encode()).hexdigest()


def _signals(trial: Trial) -> Sequence[str]:
    return sorted(trial.planted.values_list("item__target__signal", flat=True))


def close(trial: Trial, *, by: str, login: str = "") -> None:
    """End a trial: true ranks come back, planted lines are told, verdicts are counted in the journal."""
    with transaction.atomic():
        held = Trial.objects.select_for_update().get(pk=trial.pk)
        if held.closed:
            return
        data: dict[str, Any] = {"trial": held.pk, "login": login, "followed": {}, "judged": {}}
        worklist = held.worklist
        if worklist is not None:
            rows = list(held.planted.select_related("item__target"))
            wrong = {one.item_id for one in rows}
            for name, chosen in (("wrong", True), ("right", False)):
                verdicts = [
                    item.verdict
                    for item in worklist.items.exclude(verdict="")
                    if (item.pk in wrong) == chosen
                ]
                data["judged"][name] = len(verdicts)
                data["followed"][name] = verdicts.count(Verdict.FOLLOW.value)
            data |= {"salt": held.salt, "planted": list(_signals(held)), "sha256": _seal(held)}
            for one in rows:
                target = one.item.target
                target.rank, target.score, target.low, target.high = one.rank, one.score, one.low, one.high
                target.save(update_fields=["rank", "score", "low", "high"])
            worklist.closed = timezone.now()
            worklist.save(update_fields=["closed"])
        held.closed = timezone.now()
        held.save(update_fields=["closed"])
        workspace().journal.append(TRIAL_CLOSED, case=held.case, actor=by, data=data)
        _told(held.case)


def close_due(case: str) -> None:
    """End the trial of a case whose last day is over."""
    trial = open_trial(case)
    if trial is not None and trial.ends < timezone.localdate():
        close(trial, by=_NOBODY)

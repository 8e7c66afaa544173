"""From the lake to rows: an edition of a case's signals, and the lists drawn from it."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from django.db import transaction
from django.db.models import F

from eclaireur.core.case import Progress, quiet
from eclaireur.core.errors import BadValueError
from eclaireur.desk.models import Dossier, Edition, Item, Target, TargetReasons, Worklist
from eclaireur.desk.place import work_on
from eclaireur.desk.switching import refuse_if_stopped
from eclaireur.desk.veiling import is_pseudonym, settle, veil
from eclaireur.service import signals as making, work as working
from eclaireur.service.pseudonyms import is_veiled, known_as, pseudonym, pseudonyms

if TYPE_CHECKING:
    import pyarrow as pa

    from eclaireur.desk.models import User
    from eclaireur.service.signals import Signals
    from eclaireur.service.work import Work

__all__ = ["draw_list", "publish", "touch"]

_BATCH = 1000
_WHY = 2


def publish(
    case: str,
    source: str,
    *,
    service: str = "",
    training: bool = False,
    progress: Progress = quiet,
    writing: Callable[[], AbstractContextManager[object]] = transaction.atomic,
    finishing: Callable[[], AbstractContextManager[object]] = transaction.atomic,
) -> Edition:
    """Compute the signals of a source and make them the current edition of a case.

    Rows are written by batches, unseen, then shown in one step: a reader sees the old edition or the new
    one, and other writers are never kept waiting long. A calculation already published is shown again.

    Parameters
    ----------
    writing, finishing
        Transactions in which rows are written unseen, then shown. Those of a task stop a process that has
        lost it (`jobs.context.Context`).

    Raises
    ------
    EclaireurError
        As `service.signals.make`: wrong data, no model, an altered artefact; or the case is suspended.
    """
    refuse_if_stopped(case)
    work = work_on(case, progress=progress)
    if source == working.CONNECTED:
        working.fetch(work, source)
    signals = making.make(work, source)
    found = Edition.objects.filter(
        case=case, service=service, source=source, run=signals.run.id, training=training, trial=0
    )
    veiled = is_veiled(work.workspace, work.card, service)
    if veiled:
        with writing():
            names = pseudonyms(work.workspace, case, signals.table["subject"].to_pylist())
            settle(case, service, names)
    edition = found.filter(ready=True).first()
    if edition is None:
        with writing():
            found.filter(ready=False).delete()  # rows that a killed task left
            edition = _edition(work, signals, source, service=service, training=training)
        table = signals.table
        if veiled:
            table = veil(work.workspace, case, table)
        _fill(edition, table, progress, writing)
    with finishing():
        refuse_if_stopped(case)  # it may have been suspended meanwhile
        Edition.objects.filter(case=case, service=service, training=training, current=True).update(
            current=False
        )
        Edition.objects.filter(pk=edition.pk).update(ready=True, current=True, version=F("version") + 1)
    edition.refresh_from_db()
    return edition


def _edition(work: Work, signals: Signals, source: str, *, service: str, training: bool) -> Edition:
    model, snapshot = signals.model, signals.records.snapshot
    size = signals.table.num_rows
    return Edition.objects.create(
        case=work.card.name,
        service=service,
        source=source,
        run=signals.run.id,
        snapshot=snapshot.id,
        snapshot_taken=snapshot.taken,
        licence=snapshot.licence,
        model=model.card.number,
        model_by=model.by,
        model_since=model.since,
        as_of=signals.as_of,
        size=size,
        calibrated=bool(size) and all(signals.table["calibrated"].to_pylist()),
        training=training,
    )


def _fill(
    edition: Edition,
    signals: pa.Table,
    progress: Progress,
    writing: Callable[[], AbstractContextManager[object]],
) -> None:
    done, size = 0, signals.num_rows
    # Row numbers show in addresses: written best first, they would tell the rank that a list hides.
    shuffled = random.SystemRandom().sample(range(size), size)
    for batch in signals.take(shuffled).to_batches(max_chunksize=_BATCH):
        rows = batch.to_pylist()
        with writing():
            dossiers = _dossiers(edition, rows)
            targets = Target.objects.bulk_create([_target(edition, dossiers, row) for row in rows])
            TargetReasons.objects.bulk_create(
                [
                    TargetReasons(target=target, content=list(_reasons(row)))
                    for target, row in zip(targets, rows, strict=True)
                ]
            )
        done += len(rows)
        progress(done, size, "Mise en place de la liste")


def _dossiers(edition: Edition, rows: Collection[Mapping[str, Any]]) -> dict[str, Dossier]:
    """Return the dossier of each subject, made when it is new, with its newest name and area."""
    known = Dossier.objects.filter(case=edition.case, service=edition.service, training=edition.training)
    found = {one.subject: one for one in known.filter(subject__in=[row["subject"] for row in rows])}
    new, changed = [], []
    for row in rows:
        name, area = row["name"] or "", row["area"] or ""
        dossier = found.get(row["subject"])
        if dossier is None:
            new.append(
                Dossier(
                    case=edition.case,
                    area=area,
                    service=edition.service,
                    subject=row["subject"],
                    name=name,
                    training=edition.training,
                )
            )
        elif (dossier.name, dossier.area) != (name, area):
            dossier.name, dossier.area = name, area
            changed.append(dossier)
    Dossier.objects.bulk_update(changed, ["name", "area"])
    return found | {one.subject: one for one in Dossier.objects.bulk_create(new)}


def _target(edition: Edition, dossiers: Mapping[str, Dossier], row: Mapping[str, Any]) -> Target:
    up = sorted((one for one in row["reasons"] if one["weight"] > 0), key=lambda one: -one["weight"])
    return Target(
        edition=edition,
        dossier=dossiers[row["subject"]],
        case=edition.case,
        area=row["area"] or "",
        service=edition.service,
        signal=row["signal"],
        name=row["name"] or row["subject"].partition(":")[2],
        rank=row["rank"],
        score=row["score"],
        low=row["low"],
        high=row["high"],
        latitude=row["latitude"],
        longitude=row["longitude"],
        last_seen=row["last_seen"],
        why="\n".join(one["sentence"] for one in up[:_WHY]),
    )


def _reasons(row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for one in row["reasons"]:
        yield {**one, "observed": one["observed"].isoformat() if one["observed"] else None}


def draw_list(
    edition: Edition,
    *,
    capacity: int,
    random_share: float,
    title: str,
    user: User | None = None,
    areas: Collection[str] = (),
    quotas: Mapping[str, int] | None = None,
) -> Worklist:
    """Draw a list from an edition, and open it. Subjects of lists that are still open are left out.

    Raises
    ------
    BadValueError
        If nothing is left to draw from, or an option is out of range.
    """
    work = work_on(edition.case)
    signals = making.stored(work, edition.source, edition.run)
    if areas:
        areas = tuple(sorted(areas))
    busy = set(
        Item.objects.filter(
            case=edition.case,
            service=edition.service,
            worklist__closed=None,
            worklist__edition__training=edition.training,
        ).values_list("target__dossier__subject", flat=True)
    )
    veiled = {subject for subject in busy if is_pseudonym(subject)}
    busy |= set(known_as(work.workspace, edition.case, veiled, signals.table["subject"].to_pylist()).values())
    drawn, run = making.draw(
        work,
        signals,
        capacity=capacity,
        random_share=random_share,
        quotas=quotas,
        without=busy,
        areas=areas,
    )
    if not drawn.items:
        raise BadValueError(
            "il ne reste aucun sujet à lister.",
            fix="Fermez une liste ouverte, ou choisissez un autre territoire.",
        )
    with transaction.atomic():
        worklist = Worklist.objects.create(
            case=edition.case,
            service=edition.service,
            edition=edition,
            title=title,
            run=run.id,
            capacity=capacity,
            random_share=random_share,
            created_by=user,
        )
        _items(worklist, drawn.items)
        touch(edition)
    return worklist


def _items(worklist: Worklist, drawn: Collection[Any]) -> None:
    named = {item.signal: item for item in drawn}
    first_target = worklist.edition.targets.select_related("dossier").first()
    if first_target is not None and is_pseudonym(first_target.dossier.subject):
        named = {_veiled(worklist.edition, item): item for item in drawn}
    signals = list(named)
    targets: dict[str, Target] = {}
    for start in range(0, len(signals), _BATCH):
        rows = worklist.edition.targets.filter(signal__in=signals[start : start + _BATCH])
        targets |= {row.signal: row for row in rows}
    # A subject listed before, in a list now closed, is listed anew: its old line goes with the old list.
    Item.objects.bulk_create(
        [
            Item(
                worklist=worklist,
                target=targets[signal],
                case=worklist.case,
                area=targets[signal].area,
                service=worklist.service,
                position=item.position,
                drawn=str(item.drawn),
                propensity=item.propensity,
            )
            for signal, item in named.items()
        ],
        batch_size=_BATCH,
    )
    first = work_on(worklist.case).card.procedure.first
    dossiers = [target.dossier_id for target in targets.values()]
    for start in range(0, len(dossiers), _BATCH):
        Dossier.objects.filter(pk__in=dossiers[start : start + _BATCH], status="").update(status=first.code)


def _veiled(edition: Edition, item: Any) -> str:
    subject = pseudonym(work_on(edition.case).workspace, edition.case, str(item.subject))
    return f"{edition.run}/{subject}"


def touch(edition: Edition) -> None:
    """Say that something of an edition's lists changed: pages kept under its old version are stale."""
    Edition.objects.filter(pk=edition.pk).update(version=F("version") + 1)

"""Rows and files of the desk that were kept for too long, and the task that erases them each night."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from eclaireur.desk.erasing import compact, erase_dossiers
from eclaireur.desk.models import AnnotationFile, Dossier, Edition, Job, Mail, Upload
from eclaireur.service.erasing import Trace

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from eclaireur.core.workspace import Workspace

__all__ = ["DeskOldRows", "ask_of_the_night"]

_KIND = "retention"
_HOUR = time(2)


class DeskOldRows:
    """The rows of the desk, as `service.retaining` asks for them."""

    def __init__(self, workspace: Workspace, case: str) -> None:
        self._workspace = workspace
        self._case = case

    def runs(self, limit: datetime) -> set[str]:
        """Return the runs of the calculations that pages still show."""
        shown = Edition.objects.filter(case=self._case).filter(Q(current=True) | Q(published__gte=limit))
        return set(shown.values_list("run", flat=True))

    def old(self, limit: datetime, *, apply: bool) -> list[Trace]:
        """Tell, or erase, the rows of which nothing happened since ``limit``."""
        dossiers = _still(self._case, limit)
        uploads = Upload.objects.filter(case=self._case, at__lt=limit).exclude(file="")
        jobs = Job.objects.filter(case=self._case, finished__lt=limit)
        files = AnnotationFile.objects.filter(case=self._case, at__lt=limit)
        editions = Edition.objects.filter(case=self._case, published__lt=limit, current=False, trial=0)
        found = [
            Trace(kind, "bureau", count)
            for kind, count in (
                ("dossiers sans suite", dossiers.count()),
                ("anciens calculs montrés", editions.count()),
                ("tâches", jobs.count()),
                ("fichiers envoyés", uploads.count()),
                ("lignes d'annotations non reprises", files.count()),
            )
            if count
        ]
        found += list(self._outbox(limit, apply=apply))
        if apply and found:
            with transaction.atomic():
                list(erase_dossiers(list(dossiers)))
                jobs.delete()
                files.delete()
                editions.delete()
            for one in uploads:
                one.file.delete(save=False)
                one.state = "erased"
                one.save()
            compact()
        return found

    def _outbox(self, limit: datetime, *, apply: bool) -> Iterator[Trace]:
        folder = self._workspace.home / "outbox" / self._case
        old = [
            path
            for path in (folder.glob("*") if folder.is_dir() else ())
            if path.is_file() and path.stat().st_mtime < limit.timestamp()
        ]
        for path in old if apply else ():
            path.unlink()
        if old:
            yield Trace("réponses parties", f"outbox/{self._case}", len(old))


def _still(case: str, limit: datetime) -> QuerySet[Dossier]:
    """Return the dossiers of which nothing happened since ``limit``, and that no calculation shows."""
    lately = (
        Q(decisions__at__gte=limit)
        | Q(comments__at__gte=limit)
        | Q(letters__at__gte=limit)
        | Q(contests__received__gte=limit)
        | Q(outgoing__at__gte=limit)
        | Q(targets__edition__current=True)
        | Q(targets__edition__published__gte=limit)
        | Q(mail__received__gte=limit)
    )
    recent = Dossier.objects.filter(lately, case=case)
    return (
        Dossier.objects.filter(case=case)
        .exclude(pk__in=recent.values("pk"))
        .exclude(subject__startswith="document:efface-")
    )


def ask_of_the_night() -> int:
    """Start a task for each case in use, once a night; return how many were started.

    Two workers that ask at once start two tasks at worst: the second finds nothing left to erase.
    """
    from eclaireur.desk.jobs import queue

    now = timezone.localtime()
    since = datetime.combine(now.date() - timedelta(days=now.time() < _HOUR), _HOUR, now.tzinfo)
    if Job.objects.filter(kind=_KIND, created__gte=since).exists():
        return 0
    used = {*Dossier.objects.values_list("case", flat=True).distinct()}
    used |= {*Mail.objects.values_list("case", flat=True).distinct()}
    for case in sorted(used):
        queue.start(_KIND, user=None, case=case)
    return len(used)

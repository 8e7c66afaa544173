"""What the desk's database holds of a person: gathered for the person, or erased.

An act stays (who decided what, when), of a subject that nothing names any more: the dossier takes a name
drawn at random. Texts lie sealed in the journal, whose key is destroyed apart (`service.personal.erase`).
"""

from __future__ import annotations

import secrets
from collections.abc import Collection, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.db import connection, models, transaction
from django.db.models.functions import Cast

from eclaireur.desk.models import (
    Annotation,
    AnnotationFile,
    Contest,
    Decision,
    Dossier,
    Edition,
    Job,
    Mail,
    MailContent,
    Outgoing,
    SavedSearch,
    Target,
    TargetReasons,
    Upload,
)
from eclaireur.service.erasing import Trace, tells

if TYPE_CHECKING:
    from django.db.models import QuerySet

    from eclaireur.core.workspace import Workspace

__all__ = ["ERASED_NAME", "DeskRows", "compact", "erase_dossiers"]

ERASED_NAME = "Personne effacée"
_KIND = "document:efface-"


class DeskRows:
    """The rows of the desk, as `service.personal` reads and erases them."""

    def __init__(self, workspace: Workspace, case: str) -> None:
        self._workspace = workspace
        self._case = case

    def subjects(self, marks: Collection[str]) -> set[str]:
        """Return the subjects of a person's dossiers: a sender has one for each message."""
        return set(_dossiers_of(self._case, marks).values_list("subject", flat=True))

    def everyone(self) -> set[str]:
        """Return the subjects of every dossier of the case."""
        return set(Dossier.objects.filter(case=self._case).values_list("subject", flat=True))

    def held(self, marks: Collection[str]) -> dict[str, list[dict[str, Any]]]:
        """Return the rows on a person, by what they are."""
        return _held_rows(self._case, marks)

    def erase(self, marks: Collection[str]) -> list[Trace]:
        """Erase a person from the rows, and from the files that were sent to the desk or left it."""
        return _erase_rows(self._workspace, self._case, marks)


def _dossiers_of(case: str, marks: Collection[str]) -> QuerySet[Dossier]:
    """Return the dossiers of a person: its subject, or whoever sent a message under one of these names."""
    sent = MailContent.objects.filter(mail__case=case, message__sender__in=list(marks))
    return Dossier.objects.filter(case=case).filter(
        models.Q(subject__in=list(marks)) | models.Q(mail__in=sent.values("mail"))
    )


def _held_rows(case: str, marks: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    mine = _dossiers_of(case, marks)
    told: dict[str, Iterable[Any]] = {
        "Dossiers": mine.values("subject", "name", "area", "status", "due"),
        "Indices montrés": Target.objects.filter(dossier__in=mine).values(
            "name", "rank", "score", "latitude", "longitude", "last_seen", "why", "edition__as_of"
        ),
        "Raisons": TargetReasons.objects.filter(target__dossier__in=mine).values("content"),
        "Messages": MailContent.objects.filter(mail__dossier__in=mine).values("message", "handling"),
        "Contestations": Contest.objects.filter(dossier__in=mine).values("reference", "received", "answered"),
        "Annotations": Annotation.objects.filter(dossier__in=mine).values("start", "end", "labels", "at"),
    }
    return {title: found for title, rows in told.items() if (found := [dict(row) for row in rows])}


def _erase_rows(workspace: Workspace, case: str, marks: Collection[str]) -> list[Trace]:
    with transaction.atomic():
        found = [*erase_dossiers(list(_dossiers_of(case, marks)))]
        found += [*_jobs(case, marks), *_searches(case, marks), *_annotation_files(case, marks)]
    found += [*_uploads(case, marks), *_outbox(workspace, case, marks)]
    compact()
    return found


def erase_dossiers(dossiers: Collection[Dossier]) -> Iterator[Trace]:
    """Take away from dossiers, and from what hangs on them, all that says of whom they were."""
    if not dossiers:
        return
    for dossier in dossiers:
        dossier.subject, dossier.name = f"{_KIND}{secrets.token_hex(12)}", ERASED_NAME
        dossier.due, dossier.assigned_to = None, None
        dossier.save()
    Decision.objects.filter(dossier__in=dossiers).update(signal="", before={})
    targets = Target.objects.filter(dossier__in=dossiers)
    editions = list(targets.values_list("edition", flat=True).distinct())
    TargetReasons.objects.filter(target__in=targets).update(content=[])
    shown = targets.update(name=ERASED_NAME, signal="", why="", latitude=None, longitude=None, last_seen=None)
    # Pages are cached under the version of their edition.
    Edition.objects.filter(pk__in=editions).update(version=models.F("version") + 1)
    yield Trace("dossiers", "bureau", len(dossiers))
    if shown:
        yield Trace("indices et raisons montrés", "bureau", shown)
    yield from _mails(dossiers)
    notes = Annotation.objects.filter(dossier__in=dossiers).update(
        document=ERASED_NAME, external="", batch=""
    )
    if notes:
        yield Trace("annotations", "bureau", notes)


def _mails(dossiers: Collection[Dossier]) -> Iterator[Trace]:
    mails = list(Mail.objects.filter(dossier__in=dossiers))
    for mail in mails:
        mail.message = mail.thread = f"{_KIND}{secrets.token_hex(12)}"
        mail.heading, mail.preview, mail.urgent = ERASED_NAME, "", ""
        mail.save()
    MailContent.objects.filter(mail__in=mails).update(message={}, handling={})
    Outgoing.objects.filter(dossier__in=dossiers, state=Outgoing.State.WAITING).delete()
    if mails:
        yield Trace("messages", "bureau", len(mails))


def _jobs(case: str, marks: Collection[str]) -> Iterator[Trace]:
    """Empty what tasks were asked and gave, where it names the person."""
    text = models.TextField()
    rows = Job.objects.filter(case=case, finished__isnull=False).annotate(
        asked=Cast("arguments", text), gave=Cast("result", text)
    )
    count = rows.filter(_says(("asked", "gave", "title", "message", "error"), marks)).update(
        arguments={}, result={}, title="Tâche effacée", message="", error=""
    )
    if count:
        yield Trace("tâches", "bureau", count)


def _searches(case: str, marks: Collection[str]) -> Iterator[Trace]:
    rows = SavedSearch.objects.filter(case=case).annotate(seen=Cast("known", models.TextField()))
    count = 0
    for one in rows.filter(_says(("seen", "address", "title"), marks)):
        if any(mark in f"{one.address} {one.title}" for mark in marks):
            one.delete()
        else:
            one.known = [name for name in one.known if name not in marks]
            one.save()
        count += 1
    if count:
        yield Trace("recherches gardées", "bureau", count)


def _annotation_files(case: str, marks: Collection[str]) -> Iterator[Trace]:
    """Forget what a file of annotations left out, where it names the person: the file can be sent again."""
    # One row a person at most, read here: a database keeps the accents of JSON in its own way.
    named = [
        one.pk
        for one in AnnotationFile.objects.filter(case=case)
        if any(mark in f"{one.name} {one.refused}" for mark in marks)
    ]
    count, _ = AnnotationFile.objects.filter(pk__in=named).delete()
    if count:
        yield Trace("lignes d'annotations non reprises", "bureau", count)


def _says(fields: Iterable[str], marks: Collection[str]) -> models.Q:
    found = models.Q()
    for name in fields:
        for mark in marks:
            found |= models.Q(**{f"{name}__contains": mark})
    return found


def _uploads(case: str, marks: Collection[str]) -> Iterator[Trace]:
    """Delete the files sent that name the person: they hold others too, who are read from the source anew."""
    for one in Upload.objects.filter(case=case).exclude(file=""):
        path = Path(one.file.path)
        if path.is_file() and tells(path, marks):
            one.file.delete(save=False)
            one.state, one.name = "erased", ERASED_NAME
            one.reason = "Ce fichier nommait une personne qui a demandé à être effacée."
            one.save()
            yield Trace("fichier envoyé, à renvoyer sans cette personne", "bureau")


def _outbox(workspace: Workspace, case: str, marks: Collection[str]) -> Iterator[Trace]:
    folder = workspace.home / "outbox" / case
    for path in sorted(folder.glob("*")) if folder.is_dir() else ():
        if path.is_file() and tells(path, marks):
            path.unlink()
            yield Trace("réponse partie", f"outbox/{case}")


def compact() -> None:
    """Have the database give back what deleted rows held: until then their bytes stay in its files."""
    if connection.in_atomic_block:
        transaction.on_commit(partial(_compact, connection.vendor))
    else:
        _compact(connection.vendor)


def _compact(vendor: str) -> None:
    with connection.cursor() as cursor:
        if vendor == "sqlite":
            cursor.execute("VACUUM")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        else:
            cursor.execute("VACUUM")

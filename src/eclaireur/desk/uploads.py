"""Files that people send: bounded, kept under a random name, read apart, given back only as attachments."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from eclaireur.core.errors import FileRefusedError
from eclaireur.core.files import sync_folder
from eclaireur.service.previewing import preview_apart

if TYPE_CHECKING:
    from django.core.files import File
    from django.core.files.uploadedfile import UploadedFile

    from eclaireur.desk.models import Upload, User

__all__ = [
    "CONNECTED",
    "FOR_REPORT",
    "RECEIVED",
    "REFUSED",
    "REPLACED",
    "limit_size",
    "named",
    "read",
    "receive",
    "refuse",
    "sweep",
]

RECEIVED = "received"
REFUSED = "refused"
CONNECTED = "connected"
REPLACED = "replaced"
"""States of an upload: not used yet, refused, read by the case, or no longer since another replaced it."""

FOR_REPORT = "(report)"
"""Stands for a table in an upload that a report asked for: no case has a table of this name."""

_MEGA = 2**20
_HOUR = 3600.0
_FOLDER = "uploads"  # the first one of `Upload.file`
_FORM = 2**20  # bytes of a form around its file


def limit_size(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Refuse what is too large before a byte of it is read: 413, in words.

    The length that a request declares is all that a WSGI server lets through, so it is enough to look at it.
    """

    def answer(request: HttpRequest) -> HttpResponse:
        length = request.META.get("CONTENT_LENGTH") or "0"
        limit = settings.UPLOAD_LIMIT * _MEGA
        if not length.isdecimal() or int(length) > limit + _FORM:
            error = FileRefusedError(
                f"le fichier dépasse {settings.UPLOAD_LIMIT} Mo.",
                fix="Gardez les colonnes utiles, ou envoyez-le compressé (.gz). Rien n’a été reçu.",
            )
            return render(request, "desk/error.html", {"error": error, "status": 413}, status=413)
        return get_response(request)

    return answer


def receive(user: User, case: str, sent: UploadedFile[Any] | File[Any]) -> Upload:
    """Keep a file as it came, for its case; its own name is only ever shown."""
    from eclaireur.desk.models import Upload

    digest, size = hashlib.sha256(), 0
    for chunk in sent.chunks():
        digest.update(chunk)
        size += len(chunk)
    upload = Upload(case=case, name=_shown(sent.name or ""), sha256=digest.hexdigest(), bytes=size, user=user)
    sent.seek(0)
    upload.file.save(uuid.uuid4().hex, sent, save=False)
    # A row outlives a power cut; so must the bytes that it names, and their name.
    path = Path(upload.file.path)
    with path.open("rb") as stream:
        os.fsync(stream.fileno())
    sync_folder(path.parent)
    upload.save()
    return upload


def sweep(*, older_than: float = _HOUR) -> int:
    """Delete the bytes that no row names: their process was killed before it wrote one; return how many.

    Parameters
    ----------
    older_than
        Age in seconds under which nothing is deleted: a row may be on its way.
    """
    from eclaireur.desk.models import Upload

    root = Path(settings.MEDIA_ROOT)
    limit = time.time() - older_than
    old = [one for one in (root / _FOLDER).rglob("*") if one.is_file() and one.stat().st_mtime <= limit]
    if not old:
        return 0
    named = {root / name for name in Upload.objects.exclude(file="").values_list("file", flat=True)}
    gone = [one for one in old if one not in named]
    for one in gone:
        one.unlink(missing_ok=True)
    return len(gone)


def _shown(name: str) -> str:
    return re.sub(r"[\x00-\x1f\x7f]", "", name.encode("utf-8", "replace").decode())[-200:] or "fichier"


def read(upload: Upload, *, table: str = "", columns: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Read an upload in a child process, as `service.previewing.preview`.

    Raises
    ------
    FileRefusedError
        If it is not a table that can be read; the upload says so from then on, and its bytes are gone.
    """
    try:
        found = preview_apart(
            Path(upload.file.path),
            name=upload.name,
            case=upload.case,
            today=timezone.localdate(),
            table=table,
            columns=columns,
        )
    except FileRefusedError as error:
        refuse(upload, error)
        raise
    if "table" not in found:
        said = found["reading"]
        refusal = FileRefusedError(said["reason"], file=upload.name, fix=said["fix"])
        refuse(upload, refusal)
        raise refusal
    return found


@contextmanager
def named(upload: Upload) -> Iterator[Path]:
    """Lend a file under its own name: how it is read may depend on how the name ends."""
    from eclaireur.desk.readings import plain_name

    with tempfile.TemporaryDirectory(prefix="eclaireur-") as folder:
        path = Path(folder) / plain_name(upload.name)
        shutil.copyfile(upload.file.path, path)
        yield path


def refuse(upload: Upload, error: FileRefusedError) -> None:
    """Write down why a file is refused, and delete its bytes: nobody has any use for them here."""
    upload.file.delete(save=False)
    upload.state, upload.reason = REFUSED, f"{error.message} {error.fix}".strip()
    upload.save(update_fields=["file", "state", "reason"])

"""Files sent to be read, for one person: how each was asked for, what it gave, and that nothing of it stays.

A reading is a folder with a random name under ``MEDIA_ROOT/lectures``: what was sent, then the parts that its
page shows. The file is deleted as soon as it is read, unless the person asked to go on with it; all the rest
goes after an hour, or at once when they say so. Only they see it.
"""

from __future__ import annotations

import json
import re
import shutil
import time
import uuid
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.conf import settings

from eclaireur.core.errors import NotFoundError
from eclaireur.core.files import write_atomically

if TYPE_CHECKING:
    from django.core.files.uploadedfile import UploadedFile

    from eclaireur.desk.models import User

__all__ = [
    "CORRECTIONS",
    "FILES",
    "FORMS",
    "KEPT",
    "MOST",
    "PAGE",
    "READING",
    "REPORT",
    "SAID",
    "TEXT",
    "Asked",
    "Lecture",
    "find",
    "plain_name",
    "receive",
    "sweep",
]

KEPT = 3600
"""Seconds after which a reading is gone."""

MOST = 20
"""Readings that a person has at once; one more makes the oldest go."""

FORMS = ("", "table", "document")
"""What a person may settle of a file."""

REPORT, CORRECTIONS, TEXT, READING = "compte-rendu.txt", "corrections.xlsx", "texte.txt", "lecture.json"
FILES = {
    REPORT: "Compte rendu à renvoyer au producteur",
    CORRECTIONS: "Valeurs à corriger, ligne à ligne (XLSX)",
    TEXT: "Texte entier",
    READING: "Lecture pour un programme (JSON)",
}
"""What can be taken away, with its words."""

SAID, PAGE = "said.json", "page.html"
"""Outcome and counts; the blocks of the page, as HTML."""

_ASKED, _SENT, _JOB = "asked.json", "sent", "job"
_LONGEST_NAME = 100
_LARGE = 20_000_000
_EXPANDS = frozenset({".xlsx", ".xlsm", ".xls", ".xlsb", ".ods", ".zip", ".gz"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """How a file is to be read, and for whom.

    Parameters
    ----------
    name
        What its owner calls it.
    at
        Seconds since 1970.
    sheet, form
        Sheet or layer; one of `FORMS`.
    keep
        Keep the file itself for the hour, to connect it.
    address
        Where the file comes from, when it was not sent.
    """

    user: int
    name: str
    at: float
    sheet: str = ""
    form: str = ""
    keep: bool = False
    address: str = ""


@dataclass(frozen=True, slots=True)
class Lecture:
    """One reading: its number, its folder, and how it was asked for."""

    pk: uuid.UUID
    folder: Path
    asked: Asked

    @property
    def place(self) -> Path:
        """Folder of the file itself."""
        return self.folder / _SENT

    @property
    def sent(self) -> Path | None:
        """The file itself, while it is there."""
        return next((one for one in sorted(self.place.glob("*")) if one.is_file()), None)

    @property
    def until(self) -> datetime:
        """When all of it is deleted."""
        return datetime.fromtimestamp(self.asked.at + KEPT, UTC)

    @property
    def said(self) -> dict[str, Any] | None:
        """Outcome, counts and files of a reading that is done; None before."""
        try:
            found: dict[str, Any] = json.loads((self.folder / SAID).read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        return found

    @property
    def shown(self) -> str:
        """The blocks of its page, as HTML that this desk rendered."""
        return (self.folder / PAGE).read_text(encoding="utf-8")

    @property
    def job(self) -> str:
        """Number of the task that reads it; empty without one."""
        path = self.folder / _JOB
        return path.read_text(encoding="ascii") if path.is_file() else ""

    def handed(self, job: str) -> None:
        """Write which task reads it."""
        self.write(_JOB, job)

    @property
    def heavy(self) -> bool:
        """Whether it takes too long for a page to wait for it."""
        sent = self.sent
        if sent is None:
            return True
        size = sent.stat().st_size
        return size * (10 if sent.suffix.lower() in _EXPANDS else 1) > _LARGE

    def asking(self, asked: Asked) -> Lecture:
        """Write anew how it is asked for."""
        self.write(_ASKED, json.dumps(asdict(asked)))
        return Lecture(self.pk, self.folder, asked)

    def write(self, name: str, text: str) -> None:
        """Write a part of it, whole or not at all.

        Raises
        ------
        NotFoundError
            If it was deleted meanwhile: nothing of it comes back.
        """
        if not self.folder.is_dir():
            raise NotFoundError("cette lecture a été effacée.", fix="Envoyez le fichier de nouveau.")

        def put(path: Path) -> None:
            path.write_text(text, encoding="utf-8", errors="replace", newline="")

        write_atomically(self.folder / name, put)

    def forget_file(self) -> None:
        """Delete the file itself."""
        shutil.rmtree(self.place, ignore_errors=True)

    def forget(self) -> None:
        """Delete all of it."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _root() -> Path:
    return Path(settings.MEDIA_ROOT) / "lectures"


def plain_name(name: str) -> str:
    """Return a name under which a file may lie: its own, without what a system or a page takes for more.

    >>> plain_name("../../contrôles 2024.csv"), plain_name("..")
    ('contrôles 2024.csv', 'fichier')
    """
    last = re.split(r"[/\\]", name.encode("utf-8", "replace").decode())[-1]
    plain = re.sub(r"[^\w .,()'’+\-]", "_", last)[-_LONGEST_NAME:].strip(" .")
    return plain or "fichier"


def receive(user: User, sent: UploadedFile[Any] | None, **asked: Any) -> Lecture:
    """Write down what a person asks to have read, with the file when one was sent.

    Parameters
    ----------
    asked
        Fields of `Asked`.
    """
    sweep()
    _make_room(user.pk)
    pk = uuid.uuid4()
    folder = _root() / str(pk)
    (folder / _SENT).mkdir(parents=True, mode=0o700)
    folder.chmod(0o700)
    name = "" if sent is None else plain_name(sent.name or "")
    if sent is not None:
        path = folder / _SENT / name
        with path.open("wb") as stream:
            for chunk in sent.chunks():
                stream.write(chunk)
        path.chmod(0o600)
    wanted = Asked(user=user.pk, name=name, at=time.time(), **asked)
    return Lecture(pk, folder, wanted).asking(wanted)


def _make_room(user: int) -> None:
    """Delete a person's oldest readings: files that are kept must not fill the disk."""
    folders = _root().iterdir() if _root().is_dir() else ()
    mine = [one for one in map(_load, folders) if one is not None and one.asked.user == user]
    for one in sorted(mine, key=lambda one: one.asked.at)[: max(0, len(mine) - MOST + 1)]:
        one.forget()


def find(pk: uuid.UUID, user: User | None = None) -> Lecture | None:
    """Return a reading of a person; None when there is none, or it is over an hour old.

    Parameters
    ----------
    user
        Whose it must be; None for the task that reads it.
    """
    lecture = _load(_root() / str(pk))
    if lecture is None or (user is not None and lecture.asked.user != user.pk):
        return None
    return lecture if lecture.asked.at > time.time() - KEPT else None


def _load(folder: Path) -> Lecture | None:
    try:
        asked = Asked(**json.loads((folder / _ASKED).read_text(encoding="utf-8")))
        return Lecture(uuid.UUID(folder.name), folder, asked)
    except (FileNotFoundError, NotADirectoryError, ValueError, TypeError):
        return None


def sweep() -> None:
    """Delete the readings that are over an hour old; the worker does it too: none waits for a visit."""
    limit, root = time.time() - KEPT, _root()
    for folder in root.iterdir() if root.is_dir() else ():
        lecture = _load(folder)
        try:
            old = folder.stat().st_mtime < limit if lecture is None else lecture.asked.at < limit
        except FileNotFoundError:
            continue
        if old:
            shutil.rmtree(folder, ignore_errors=True)

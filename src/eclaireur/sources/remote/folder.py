"""A folder of this machine or of a shared disk: the file that is named, or the newest that looks like it."""

from __future__ import annotations

import fnmatch
import os
import shutil
from pathlib import Path

from eclaireur.core.errors import FileRefusedError, NotFoundError, RefusedError, WorkFailedError

__all__ = ["copy", "find"]


def find(path: Path, *, pattern: str = "") -> Path:
    """Return a file: the path itself, or the newest of a folder that matches.

    Links are left out: they lead elsewhere. Among files of one instant, the last by name wins.

    Parameters
    ----------
    path
        A file, or a folder.
    pattern
        What a file's name must look like, in any case: ``export_*.csv``.

    Raises
    ------
    NotFoundError
        If there is none.
    RefusedError
        If the path is a link or no plain file.
    """
    if path.is_symlink() or (path.exists() and not path.is_dir() and not path.is_file()):
        raise RefusedError(
            "un lien ou un fichier spécial n'est pas lu.", file=str(path), fix="Donnez le fichier lui-même."
        )
    if path.is_file():
        return path
    if not path.is_dir():
        raise NotFoundError("ce dossier ou ce fichier n'existe pas.", file=str(path), fix="Vérifiez son nom.")
    wanted = (pattern or "*").casefold()
    with os.scandir(path) as entries:
        found = [
            (entry.stat(follow_symlinks=False).st_mtime_ns, entry.name)
            for entry in entries
            if entry.is_file(follow_symlinks=False)
            and not entry.name.startswith((".", "~$"))
            and fnmatch.fnmatchcase(entry.name.casefold(), wanted)
        ]
    if not found:
        raise NotFoundError(
            f"aucun fichier ne répond à « {pattern or '*'} » dans ce dossier.", file=str(path)
        )
    return path / max(found)[1]


def copy(path: Path, into: Path, *, most: int) -> None:
    """Copy a file, and check that it did not change meanwhile: a producer may be writing it.

    Raises
    ------
    FileRefusedError
        If it is larger than ``most`` bytes.
    WorkFailedError
        If it changed while it was copied.
    """
    # A link put in its place since it was found is not followed.
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as source, into.open("wb") as target:
        before = os.fstat(source.fileno())
        if before.st_size > most:
            raise FileRefusedError(
                "le fichier est trop gros.",
                file=str(path),
                fix="Un administrateur peut changer le réglage « download ».",
            )
        shutil.copyfileobj(source, target)
        after = os.fstat(source.fileno())
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise WorkFailedError(
            "le fichier a changé pendant sa copie.", file=str(path), fix="Relancez quand son envoi est fini."
        )

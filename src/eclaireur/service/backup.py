"""One file that holds an installation, made while it works, and put back on an empty machine.

A backup is a tar: the files of the workspace, the databases as they stood at one instant, and last a manifest
with the hash of each: without it a backup is cut, and is refused. Databases come first: what they speak of
was written before, so that it is in the files that follow. It holds secrets and keys: it is readable by its
owner alone, and is to be kept as the workspace itself is.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sqlite3
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any

from eclaireur.core.case import Progress, quiet
from eclaireur.core.errors import BadValueError, FileRefusedError, WorkFailedError
from eclaireur.core.files import sync_folder

__all__ = ["Backup", "back_up", "restore"]

_VERSION = 1
_MANIFEST = "manifest.json"
_FILES, _DATABASE = "files", "database.dump"
_LEFT_OUT = (".lock", "-wal", "-shm", "-journal")
_MADE_AGAIN = (("desk", "static"), ("desk", "files", "lectures"))
"""Folders that the desk makes again, or whose content lives an hour."""
_SQLITE = b"SQLite format 3\x00"
_BLOCK = 1 << 20
_CUT = "cette sauvegarde est coupée ou abîmée"
_AGAIN = "Prenez une autre sauvegarde ; rien n'a été écrit."


@dataclass(frozen=True, slots=True, kw_only=True)
class Backup:
    """What a backup holds: when it was made, how many files and bytes, whether a PostgreSQL base is in it."""

    made: datetime
    files: int
    bytes: int
    database: bool


class _Hashing:
    """A stream that hashes what is read from it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        """Read and hash."""
        block = self._stream.read(size)
        self.digest.update(block)
        return block


def back_up(home: Path, output: Path, *, database: str = "", progress: Progress = quiet) -> Backup:
    """Write everything that an installation holds in one file, while it works.

    Parameters
    ----------
    home
        Folder of the workspace.
    output
        File to write, outside the workspace; whole or not at all.
    database
        ``postgresql://…`` when the desk keeps its rows there: ``pg_dump`` is then needed.

    Raises
    ------
    BadValueError
        If there is no workspace, or the file would be inside it.
    WorkFailedError
        If the database cannot be copied.
    """
    if not home.is_dir():
        raise BadValueError("il n'y a pas d'installation à sauvegarder ici.", file=str(home))
    if output.resolve().is_relative_to(home.resolve()):
        raise BadValueError(
            "la sauvegarde serait dans le dossier sauvegardé.", fix="Choisissez un autre dossier."
        )
    made = datetime.now(UTC)
    told: dict[str, dict[str, Any]] = {}

    def write(target: Path) -> None:
        with (
            tempfile.TemporaryDirectory(prefix="eclaireur-backup-") as folder,
            os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream,
            tarfile.open(fileobj=stream, mode="w") as archive,
        ):
            if database:
                progress(0, 1, "Copie de la base")
                _add(archive, _dumped(database, Path(folder) / _DATABASE), _DATABASE, told)
            found = sorted((not _is_sqlite(path), path) for path in _within(home))
            for done, (plain, path) in enumerate(found):
                if done % 200 == 0:
                    progress(done, len(found), "Copie des fichiers")
                name = f"{_FILES}/{path.relative_to(home).as_posix()}"
                if not plain:
                    _add(archive, _copied(path, Path(folder) / "copy.sqlite3"), name, told)
                else:
                    with suppress(FileNotFoundError):  # gone since: it was a temporary file, or was replaced
                        _add(archive, path, name, told)
            text = json.dumps({"version": _VERSION, "made": made.isoformat(), "files": told}).encode()
            entry = tarfile.TarInfo(_MANIFEST)
            entry.size, entry.mode = len(text), 0o600
            archive.addfile(entry, io.BytesIO(text))
            stream.flush()
            os.fsync(stream.fileno())
            progress(len(found), len(found), "Sauvegarde écrite")

    # Not `write_atomically`: it gives files to whoever may read the folder, and this one holds secrets.
    part = output.with_name(f".{output.name}.part")
    part.unlink(missing_ok=True)
    try:
        write(part)
        part.replace(output)
        sync_folder(output.parent)
    finally:
        part.unlink(missing_ok=True)
    return _summary(made, told)


def _summary(made: datetime, told: Mapping[str, Mapping[str, Any]]) -> Backup:
    return Backup(
        made=made,
        files=len(told),
        bytes=sum(int(one["size"]) for one in told.values()),
        database=_DATABASE in told,
    )


def _within(home: Path) -> Iterator[Path]:
    for folder, names, files in os.walk(home):
        place = Path(folder)
        inside = place.relative_to(home).parts
        names[:] = [one for one in names if one[0] != "." and (*inside, one) not in _MADE_AGAIN]
        for name in files:
            path = place / name
            if name[0] != "." and not name.endswith(_LEFT_OUT) and path.is_file() and not path.is_symlink():
                yield path


def _is_sqlite(path: Path) -> bool:
    try:
        with path.open("rb") as stream:
            return stream.read(len(_SQLITE)) == _SQLITE
    except OSError:
        return False


def _copied(path: Path, target: Path) -> Path:
    """Copy a SQLite base as it stands at one instant, while others write it."""
    target.unlink(missing_ok=True)
    try:
        with closing(sqlite3.connect(path, timeout=30)) as base, closing(sqlite3.connect(target)) as copy:
            base.backup(copy)
    except sqlite3.Error as error:
        raise WorkFailedError(f"la base « {path.name} » ne peut pas être copiée : {error}.") from error
    return target


def _dumped(url: str, target: Path) -> Path:
    _run(["pg_dump", "--format=custom", "--no-owner", f"--file={target}", url], "pg_dump")
    return target


def _run(command: list[str], program: str) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own words
    except FileNotFoundError as error:
        raise WorkFailedError(
            f"le programme « {program} » n'est pas installé.",
            fix="Installez le paquet postgresql-client, de la version du serveur.",
        ) from error
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise WorkFailedError(f"{program} a échoué : {said[-1][:300] if said else done.returncode}.")


def _add(archive: tarfile.TarFile, path: Path, name: str, told: dict[str, dict[str, Any]]) -> None:
    with path.open("rb") as stream:
        state = os.fstat(stream.fileno())
        entry = tarfile.TarInfo(name)
        # A file that only grows is taken as far as it goes now.
        entry.size, entry.mode, entry.mtime = state.st_size, state.st_mode & 0o700, int(state.st_mtime)
        hashing = _Hashing(stream)
        archive.addfile(entry, hashing)
        told[name] = {"size": entry.size, "sha256": hashing.digest.hexdigest()}


def restore(backup: Path, home: Path, *, database: str = "", progress: Progress = quiet) -> Backup:
    """Put a backup back in an empty folder; nothing is there when it fails.

    Parameters
    ----------
    home
        Folder of the workspace: absent or empty.
    database
        An empty PostgreSQL base, when the backup has one.

    Raises
    ------
    BadValueError
        If the folder is not empty, or the backup needs a database, or has none for it.
    FileRefusedError
        If the backup is cut, changed, or of another version.
    WorkFailedError
        If the database cannot be filled.
    """
    if home.exists() and any(home.iterdir()):
        raise BadValueError(
            "le dossier où restaurer n'est pas vide.",
            file=str(home),
            fix="Choisissez un dossier vide avec ECLAIREUR_HOME.",
        )
    home.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix=".restore-", dir=home.parent))
    try:
        progress(0, 3, "Lecture de la sauvegarde")
        told = _unpacked(backup, made)
        progress(1, 3, "Vérification")
        _verified(backup, made, told["files"])
        dump = made / _DATABASE
        if dump.exists() != bool(database):
            raise BadValueError(
                "cette sauvegarde a une base PostgreSQL."
                if dump.exists()
                else "cette sauvegarde n'a pas de base PostgreSQL.",
                fix="Donnez l'adresse d'une base vide dans DATABASE_URL."
                if dump.exists()
                else "Retirez DATABASE_URL.",
            )
        if database:
            progress(2, 3, "Remplissage de la base")
            command = ["pg_restore", "--no-owner", "--single-transaction", f"--dbname={database}", str(dump)]
            _run(command, "pg_restore")
        files = made / _FILES
        files.mkdir(exist_ok=True)
        files.chmod(0o700)
        if home.exists():
            home.rmdir()
        files.rename(home)
        sync_folder(home.parent)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    progress(3, 3, "Installation restaurée")
    return _summary(datetime.fromisoformat(told["made"]), told["files"])


def _unpacked(backup: Path, made: Path) -> dict[str, Any]:
    """Write the entries of a backup under a folder, and return its manifest."""
    told: dict[str, Any] | None = None
    try:
        with tarfile.open(backup, mode="r:") as archive:
            for entry in archive:
                name = PurePosixPath(entry.name)
                if not entry.isreg() or name.is_absolute() or ".." in name.parts:
                    raise FileRefusedError(
                        "cette sauvegarde contient autre chose que des fichiers.",
                        file=backup.name,
                        fix=_AGAIN,
                    )
                stream = archive.extractfile(entry)
                if stream is None:
                    continue
                if entry.name == _MANIFEST:
                    told = json.loads(stream.read())
                    continue
                target = made / name
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                mode = entry.mode & 0o700 | 0o600
                handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
                with os.fdopen(handle, "wb") as output:
                    shutil.copyfileobj(stream, output, _BLOCK)
                    output.flush()
                    os.fsync(output.fileno())
    except (tarfile.TarError, EOFError, ValueError, FileExistsError, UnicodeError) as error:
        raise FileRefusedError(f"{_CUT}.", file=backup.name, fix=_AGAIN) from error
    if not isinstance(told, dict) or not isinstance(told.get("files"), dict):
        raise FileRefusedError(f"{_CUT} : sa fin manque.", file=backup.name, fix=_AGAIN)
    if told.get("version") != _VERSION:
        raise FileRefusedError(
            f"cette sauvegarde est d'une autre version ({told.get('version')}).", file=backup.name, fix=_AGAIN
        )
    return told


def _verified(backup: Path, made: Path, told: Mapping[str, Mapping[str, Any]]) -> None:
    present = {path.relative_to(made).as_posix() for path in made.rglob("*") if path.is_file()}
    for name in sorted(present ^ set(told)):
        raise FileRefusedError(f"{_CUT} : « {name} » manque ou est en trop.", file=backup.name, fix=_AGAIN)
    for name, one in told.items():
        with (made / name).open("rb") as stream:
            found = hashlib.file_digest(stream, "sha256").hexdigest()
        if found != one.get("sha256"):
            raise FileRefusedError(f"{_CUT} : « {name} » a changé.", file=backup.name, fix=_AGAIN)

"""The master key, which wraps the key of every subject.

It comes from the environment variable ``ECLAIREUR_MASTER_KEY`` (Base64 of 32 bytes), from the file that
``ECLAIREUR_MASTER_KEY_FILE`` names, or else from a file that its owner alone can read, made on the first
use. A copy of it must be kept elsewhere: without it, every personal value of the journal is lost.

A master key that may be known by others is replaced. It is then 64 bytes: 32 new ones, which wrap, and 32
that stay those of the first, which only name: look-ups, the list of erasures and pseudonyms are found by
them, and open nothing. The new key is written beside the old one, in ``master.key.next``, before anything
is wrapped under it, and takes its place after: a process that dies between the two is made up for by the
next that reads.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import secrets
import stat
from collections.abc import Callable, Mapping
from pathlib import Path

from eclaireur.core.config import secret_of_file
from eclaireur.core.errors import ConfigError
from eclaireur.core.files import sync_folder

__all__ = ["LENGTH", "VARIABLE", "master_key", "naming", "next_file", "replace_master", "right_master"]

VARIABLE = "ECLAIREUR_MASTER_KEY"
LENGTH = 32
"""Bytes of a key, and of each half of one that replaced another."""


def master_key(path: Path, *, environ: Mapping[str, str] | None = None, create: bool = False) -> bytes:
    """Return the master key: 32 bytes, or 64 once it was replaced.

    Parameters
    ----------
    path
        File to read when the environment has no key.
    environ
        Environment; by default that of the process.
    create
        Make the file, with a random key, when it is missing.

    Raises
    ------
    ConfigError
        If the key is missing, is not Base64 of 32 or 64 bytes, or lies in a file that others can read.
    """
    environment = os.environ if environ is None else environ
    given = _given(environment)
    if given:
        return _decode(given, f"La variable {VARIABLE}", file="")
    if create:
        _make(path)
    try:
        with path.open("rb") as stream:
            mode = stat.S_IMODE(os.fstat(stream.fileno()).st_mode)
            text = stream.read(200)
    except FileNotFoundError as error:
        raise ConfigError(
            "la clé maîtresse des valeurs personnelles est absente.",
            file=str(path),
            fix=f"Restaurez ce fichier depuis sa sauvegarde, ou définissez {VARIABLE}.",
        ) from error
    if mode & 0o077:
        raise ConfigError(
            "la clé maîtresse peut être lue par d'autres comptes de la machine.",
            file=str(path),
            fix=f"Réservez-la à son propriétaire : chmod 600 {path}",
        )
    return _decode(text.decode("ascii", "replace"), "Le fichier", file=str(path))


def _given(environment: Mapping[str, str]) -> str:
    return environment.get(VARIABLE) or secret_of_file(VARIABLE, environment) or ""


def naming(master: bytes) -> bytes:
    """Return the 32 bytes of a master key that name and open nothing: they outlive its replacement."""
    return master[-LENGTH:]


def next_file(path: Path) -> Path:
    """Return where the key that replaces the one of a file is, until it takes its place."""
    return path.with_name(f"{path.name}.next")


def right_master(
    path: Path,
    fits: Callable[[bytes], bool],
    *,
    where: str,
    file: str = "",
    environ: Mapping[str, str] | None = None,
) -> bytes:
    """Return the master key that fits what it protects; one on its way is put in its place.

    Parameters
    ----------
    path, environ
        As in `master_key`.
    fits
        Tells whether a key is the right one.
    where
        What is protected, in French: « cette base », « ce dossier ».
    file
        The file that is protected, when it is one.

    Raises
    ------
    ConfigError
        As `master_key`, or if no key fits.
    """
    master = master_key(path, environ=environ)
    if not fits(master) and not _given(os.environ if environ is None else environ):
        following = next_file(path)
        if following.exists() and fits(master_key(following, environ={})):
            _put(following, path)
        master = master_key(path, environ=environ)  # another process may have put it there meanwhile
    if not fits(master):
        raise ConfigError(
            f"la clé maîtresse n'est pas celle qui protège les valeurs personnelles de {where}.",
            file=file,
            fix=f"Restaurez la clé d'origine dans {path}, ou dans {VARIABLE}.",
        )
    return master


def replace_master(
    path: Path,
    rewrap: Callable[[Callable[[bytes], bytes]], object],
    *,
    environ: Mapping[str, str] | None = None,
) -> Path | None:
    """Put a new master key in the place of one that may be known by others.

    Parameters
    ----------
    path, environ
        As in `master_key`.
    rewrap
        Wraps what the master key protects under another, which the function that it is given makes of the
        one in use; such as `core.journal.Journal.rewrap`.

    Returns
    -------
    file
        Where the new key is when the environment gives the old one, which nothing here can change; else
        None: the new key is in the place of the old one.

    Raises
    ------
    ConfigError
        If the master key is missing, or not the right one; nothing is changed then.
    """

    def following(old: bytes) -> bytes:
        new = secrets.token_bytes(LENGTH) + naming(old)
        next_file(path).unlink(missing_ok=True)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        _write(next_file(path), new)
        sync_folder(path.parent)
        return new

    rewrap(following)
    if _given(os.environ if environ is None else environ):
        return next_file(path)
    _put(next_file(path), path)
    return None


def _put(following: Path, path: Path) -> None:
    with contextlib.suppress(FileNotFoundError):  # another process saw that it was the right one, and did it
        following.replace(path)
    sync_folder(path.parent)


def _decode(text: str, what: str, *, file: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) not in {LENGTH, 2 * LENGTH}:
        raise ConfigError(
            "la clé maîtresse est illisible ; attendu : 32 octets écrits en Base64.",
            file=file,
            fix=f"{what} doit contenir la clé d'origine, sur une ligne.",
        )
    return key


def _make(path: Path) -> None:
    """Write a new key, unless the file is there. Two processes at once end with one key."""
    if path.exists():
        return
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    whole = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        _write(whole, secrets.token_bytes(LENGTH))
        # A link fails where a rename would replace: the first key written is the one that stays.
        path.hardlink_to(whole)
    except FileExistsError:
        pass
    finally:
        whole.unlink(missing_ok=True)
    sync_folder(path.parent)


def _write(path: Path, key: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(base64.b64encode(key) + b"\n")
        stream.flush()
        os.fsync(stream.fileno())

"""The master key, which wraps the key of every subject.

It comes from the environment variable ``ECLAIREUR_MASTER_KEY`` (Base64 of 32 bytes), from the file that
``ECLAIREUR_MASTER_KEY_FILE`` names, or else from a file that its owner alone can read, made on the first
use. A copy of it must be kept elsewhere: without it, every personal value of the journal is lost.
"""

from __future__ import annotations

import base64
import binascii
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from eclaireur.core.config import secret_of_file
from eclaireur.core.errors import ConfigError
from eclaireur.core.files import sync_folder

__all__ = ["VARIABLE", "master_key"]

VARIABLE = "ECLAIREUR_MASTER_KEY"

_LENGTH = 32


def master_key(path: Path, *, environ: Mapping[str, str] | None = None, create: bool = False) -> bytes:
    """Return the 32 bytes of the master key.

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
        If the key is missing, is not Base64 of 32 bytes, or lies in a file that others can read.
    """
    environment = os.environ if environ is None else environ
    given = environment.get(VARIABLE) or secret_of_file(VARIABLE, environment)
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


def _decode(text: str, what: str, *, file: str) -> bytes:
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _LENGTH:
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
    descriptor = os.open(whole, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(base64.b64encode(secrets.token_bytes(_LENGTH)) + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        # A link fails where a rename would replace: the first key written is the one that stays.
        path.hardlink_to(whole)
    except FileExistsError:
        pass
    finally:
        whole.unlink(missing_ok=True)
    sync_folder(path.parent)

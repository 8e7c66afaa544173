"""The secret that signs sessions: from the environment, else made once in the workspace."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from eclaireur.core.errors import ConfigError
from eclaireur.core.files import sync_folder

__all__ = ["secret_key"]

_SHORTEST = 32


def secret_key(value: str, folder: Path) -> str:
    """Return the secret key of the installation.

    Parameters
    ----------
    value
        What the environment gives; several hosts must share the same.
    folder
        Folder of the desk, in which ``secret.key`` is made for its owner alone when there is none.

    Raises
    ------
    ConfigError
        If the key is shorter than 32 characters, or its file is readable by others.
    """
    if value:
        return _long_enough(value, "ECLAIREUR_SECRET_KEY")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / "secret.key"
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise ConfigError(
                "la clé secrète du bureau est lisible par d'autres comptes de la machine.",
                file=str(path),
                fix="Retirez ces droits : chmod 600.",
            ) from None
        return _long_enough(path.read_text(encoding="ascii").strip(), str(path))
    made = secrets.token_urlsafe(64)
    with os.fdopen(descriptor, "w", encoding="ascii") as stream:
        stream.write(f"{made}\n")
        stream.flush()
        os.fsync(stream.fileno())
    sync_folder(folder)
    return made


def _long_enough(value: str, where: str) -> str:
    if len(value) < _SHORTEST:
        raise ConfigError(
            f"la clé secrète du bureau est trop courte ({len(value)} caractères).",
            file=where,
            fix=f"Donnez-en une de {_SHORTEST} caractères au moins, tirée au hasard.",
        )
    return value

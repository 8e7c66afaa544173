"""What the master key gives: how the key of a subject is found, and how it is wrapped."""

from __future__ import annotations

import hashlib
import hmac
import os
from dataclasses import dataclass
from typing import NamedTuple

from eclaireur.core.errors import JournalBrokenError
from eclaireur.core.journal.master import LENGTH, naming

__all__ = ["Secrets", "SubjectKey", "derive", "look_up", "new_key", "unwrap", "wrap"]

_MAGIC = b"ECLKEYS1"


class SubjectKey(NamedTuple):
    """A key and its reference."""

    reference: str
    key: bytes = b""


@dataclass(frozen=True, slots=True)
class Secrets:
    """Keys derived from the master key: for look-ups, for wrapping, and one that tells the right master."""

    lookup: bytes
    wrap: bytes
    header: bytes


def derive(master: bytes) -> Secrets:
    """Return the keys derived from a master key."""

    def one(key: bytes, label: bytes) -> bytes:
        return hmac.digest(key, b"eclaireur.keys.1 " + label, hashlib.sha256)

    return Secrets(
        lookup=one(naming(master), b"lookup"),
        wrap=one(master[:LENGTH], b"wrap"),
        header=_MAGIC + one(master, b"check"),
    )


def look_up(secrets: Secrets, subject: str) -> bytes:
    """Return the keyed hash under which a subject's key is found."""
    return hmac.digest(secrets.lookup, subject.encode(), hashlib.sha256)


def new_key() -> SubjectKey:
    """Return a key for a new subject, with its random reference."""
    return SubjectKey(os.urandom(16).hex(), os.urandom(32))


def wrap(secrets: Secrets, name: bytes, key: bytes) -> bytes:
    """Encrypt a subject's key: 12 bytes of nonce, then AES-256-GCM bound to ``name``."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(12)
    return nonce + AESGCM(secrets.wrap).encrypt(nonce, key, name)


def unwrap(secrets: Secrets, name: bytes, wrapped: bytes) -> bytes:
    """Decrypt a subject's key.

    Raises
    ------
    JournalBrokenError
        If it was altered, or belongs to another name.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        return AESGCM(secrets.wrap).decrypt(wrapped[:12], wrapped[12:], name)
    except InvalidTag as error:
        raise JournalBrokenError(
            "la clé d'un sujet a été modifiée : ses valeurs personnelles ne sont plus lisibles.",
            fix="Restaurez les clés des sujets depuis une sauvegarde.",
        ) from error

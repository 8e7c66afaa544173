"""The head of a journal, to keep elsewhere.

A chain proves that nothing was changed before its last line. It cannot prove that the last lines were
not cut, or the whole rewritten: that takes a head exported before, on paper, by mail or on another
machine, and given back to `Journal.verify`.

An exported head is a JSON object: ``format`` (1), ``seq``, ``hash`` and ``time`` of the last line, and when
it is signed ``signature``: ``{"algorithm", "value"}``, in Base64, over the canonical text of the other
four fields. ``hmac-sha256`` uses a shared secret; ``ed25519`` (RFC 8032) lets anyone who has the public
key check, and only the holder of the private key sign.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from eclaireur.core import canonical
from eclaireur.core.errors import BadValueError, ConfigError, JournalBrokenError
from eclaireur.core.journal.entry import GENESIS, write_time

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

__all__ = ["Head", "HeadKey", "head_key"]


class HeadKey(Protocol):
    """Signs heads, checks them, or both."""

    @property
    def algorithm(self) -> str:
        """Name written beside the signature."""

    def sign(self, message: bytes) -> bytes:
        """Sign a message."""

    def check(self, message: bytes, signature: bytes) -> bool:
        """Tell whether a signature is good."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Number, hash and time of the last line; 0, 64 zeros and None for an empty journal.

    Examples
    --------
    >>> Head.read(Head().export()) == Head()
    True
    """

    seq: int = 0
    hash: str = GENESIS
    time: datetime | None = None

    def export(self, key: HeadKey | None = None) -> str:
        """Write the head as JSON, signed when a key is given."""
        values = self._values()
        if key is not None:
            value = base64.b64encode(key.sign(canonical.text(values).encode())).decode()
            values["signature"] = {"algorithm": key.algorithm, "value": value}
        return canonical.text(values) + "\n"

    @classmethod
    def read(cls, text: str, key: HeadKey | None = None) -> Head:
        """Read an exported head, and check its signature when a key is given.

        Raises
        ------
        BadValueError
            If the text is not an exported head.
        JournalBrokenError
            If a key is given and the signature is absent, of another kind or wrong.
        """
        try:
            values = canonical.parse(text)
            signature = values.pop("signature", None)
            head = cls(
                seq=values["seq"],
                hash=values["hash"],
                time=None if values["time"] is None else datetime.fromisoformat(values["time"]),
            )
            sound = re.fullmatch(r"[0-9a-f]{64}", head.hash) and head.seq >= 0 and head._values() == values
        except (ValueError, KeyError, TypeError, AttributeError):
            sound = None
        if not sound:
            raise BadValueError(
                "ce texte n'est pas une tête de journal exportée.",
                fix="Donnez le fichier tel qu'il a été exporté.",
            )
        if key is not None and not _signed(canonical.text(values).encode(), signature, key):
            raise JournalBrokenError(
                "la signature de la tête exportée est absente ou fausse.",
                fix="Prenez un autre exemplaire de cette tête, ou la clé qui l'a signée.",
            )
        return head

    def _values(self) -> dict[str, Any]:
        time = None if self.time is None else write_time(self.time)
        return {"format": 1, "seq": self.seq, "hash": self.hash, "time": time}


def head_key(path: Path) -> HeadKey:
    """Read the key that signs or checks heads.

    Parameters
    ----------
    path
        PEM file of an Ed25519 private key (signs and checks) or public key (checks), or a Base64 secret of
        at least 32 bytes (HMAC-SHA256).

    Raises
    ------
    ConfigError
        If the file is absent or holds something else.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ConfigError("la clé de signature est absente ou illisible.", file=str(path)) from error
    found = _pem(data) if data.lstrip().startswith(b"-----BEGIN") else _secret(data)
    if found is None:
        raise ConfigError(
            "clé de signature de forme inconnue.",
            file=str(path),
            fix="Attendu : une clé Ed25519 au format PEM, ou un secret d'au moins 32 octets en Base64.",
        )
    return found


@dataclass(frozen=True, slots=True)
class _Secret:
    secret: bytes
    algorithm: str = "hmac-sha256"

    def sign(self, message: bytes) -> bytes:
        return hmac.digest(self.secret, message, hashlib.sha256)

    def check(self, message: bytes, signature: bytes) -> bool:
        return hmac.compare_digest(self.sign(message), signature)


@dataclass(frozen=True, slots=True)
class _Pair:
    public: Ed25519PublicKey
    private: Ed25519PrivateKey | None
    algorithm: str = "ed25519"

    def sign(self, message: bytes) -> bytes:
        if self.private is None:
            raise ConfigError(
                "cette clé publique vérifie une signature, elle ne signe pas.",
                fix="Donnez la clé privée.",
            )
        return self.private.sign(message)

    def check(self, message: bytes, signature: bytes) -> bool:
        from cryptography.exceptions import InvalidSignature

        try:
            self.public.verify(signature, message)
        except InvalidSignature:
            return False
        return True


def _pem(data: bytes) -> HeadKey | None:
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

    try:
        if b"PRIVATE KEY-----" in data:
            private = load_pem_private_key(data, password=None)
            return _Pair(private.public_key(), private) if isinstance(private, Ed25519PrivateKey) else None
        public = load_pem_public_key(data)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return None
    return _Pair(public, None) if isinstance(public, Ed25519PublicKey) else None


def _secret(data: bytes) -> HeadKey | None:
    try:
        secret = base64.b64decode(data.strip(), validate=True)
    except (binascii.Error, ValueError):
        return None
    return _Secret(secret) if len(secret) >= 32 else None


def _signed(message: bytes, signature: Any, key: HeadKey) -> bool:
    if not isinstance(signature, dict) or signature.get("algorithm") != key.algorithm:
        return False
    try:
        value = base64.b64decode(signature.get("value", ""), validate=True)
    except (binascii.Error, ValueError, TypeError):
        return False
    return key.check(message, value)

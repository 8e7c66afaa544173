"""One line of the journal: its fields, its text, its hash, and the sealing of personal values.

A line is one JSON object, in UTF-8, ended by one line feed. It is the canonical text
(`core.canonical`) of these fields, followed by ``hash`` as the last field:

=========  ==================================================================================
actor      who did it: a person's name or login, or ``eclaireur``
case       the case it belongs to, empty for none
data       public values, a JSON object
format     1
kind       ``decision``, ``outcome``, ``promotion``, ``export``, ``forget``, ``stop``…
prev       hash of the line before; 64 zeros on the first line
sealed     encrypted personal values, or null
seq        number of the line, from 1, without gap
subject    reference of the subject's key, or null; random, so it says nothing by itself
time       UTC, ``2026-11-24T09:30:00.000000Z``
hash       SHA-256, in lower-case hexadecimal, of the line up to ``hash``, closed by ``}``
=========  ==================================================================================

To check a line without this program, drop ``,"hash":"…"`` and hash what is left::

    sed -n 7p journal.jsonl | sed -E 's/,"hash":"[0-9a-f]{64}"\\}$/}/' | tr -d '\\n' | sha256sum

``sealed`` is Base64 of a 12-byte nonce followed by AES-256-GCM ciphertext and tag (NIST SP 800-38D),
under the key of the subject. The associated data is the canonical text of
``["eclaireur.journal.1", seq, kind, case]``: a sealed value moved to another line does not open. The
plain text is a JSON object padded with spaces to a multiple of 64 bytes, so that its length says
little. The chain covers the ciphertext, so destroying a key breaks no hash.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from eclaireur.core import canonical
from eclaireur.core.errors import BadValueError, JournalBrokenError
from eclaireur.core.subjects import Subject

__all__ = ["GENESIS", "LONGEST", "Draft", "Entry", "open_sealed", "seal", "write_time"]

GENESIS = "0" * 64
"""What the first line has for ``prev``."""

LONGEST = 2**20
"""Greatest length of a line, in bytes."""

_FIELDS = {"actor", "case", "data", "format", "hash", "kind", "prev", "sealed", "seq", "subject", "time"}
_HASH = re.compile(r"[0-9a-f]{64}")
_KIND = re.compile(r"[a-z][a-z0-9_]{0,39}")
_REFERENCE = re.compile(r"[0-9a-f]{32}")
_TAIL = re.compile(r',"hash":"([0-9a-f]{64})"\}\Z')
_TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z")
_NONCE = 12
_PADDED = 64
# Shorter keys, such as « 12 », appear in public values by chance.
_TELLING = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a caller wants journalled. The journal adds number, time and hashes.

    Parameters
    ----------
    kind
        Lower-case word, 40 characters at most.
    case, actor
        Case and author; the author is never empty.
    data
        Public values: they stay readable for ever, also after `Journal.forget`.
    subject
        Whom or what the entry is about. Its key is sealed with ``personal``, never in clear.
    personal
        Personal values, sealed under the subject's key.

    Raises
    ------
    BadValueError
        If a value has no canonical form, a field is empty or wrong, personal values have no subject, or
        the subject's key stands among the public values.
    """

    kind: str
    case: str
    actor: str
    data: Mapping[str, Any] = field(default_factory=dict)
    subject: Subject | None = None
    personal: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if not _KIND.fullmatch(self.kind):
            raise BadValueError(
                f"genre d'écriture invalide : « {self.kind} » ; attendu : un mot en minuscules sans accent."
            )
        if not self.actor.strip() or len(self.actor) > 200 or len(self.case) > 200:
            raise BadValueError(
                "une écriture du journal demande un auteur, de 200 caractères au plus.",
                fix="Indiquez qui agit.",
            )
        data = canonical.plain(self.data)
        object.__setattr__(self, "data", data)
        if self.subject is None:
            if self.personal:
                raise BadValueError("des valeurs personnelles demandent le sujet auquel elles se rapportent.")
            return
        personal = canonical.plain(self.personal or {})
        if personal.setdefault("subject", str(self.subject)) != str(self.subject):
            raise BadValueError("les valeurs personnelles nomment un autre sujet que celui de l'écriture.")
        object.__setattr__(self, "personal", personal)
        if _names(self.subject, data):
            raise BadValueError(
                "l'identifiant du sujet figure en clair parmi les valeurs publiques de l'écriture.",
                fix="Placez-le parmi les valeurs personnelles.",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One line of the journal. Fields as in the module's table."""

    seq: int
    time: datetime
    kind: str
    case: str
    actor: str
    data: Mapping[str, Any]
    subject: str | None
    sealed: str | None
    prev: str
    hash: str

    @classmethod
    def make(
        cls, draft: Draft, *, seq: int, time: datetime, prev: str, key: tuple[str, bytes] | None
    ) -> Entry:
        """Write a draft as the line number ``seq``.

        Parameters
        ----------
        key
            Reference and bytes of the subject's key; None when the draft has no subject.
        """
        sealed = None
        if key is not None and draft.personal is not None:
            sealed = seal(draft.personal, key[1], seq=seq, kind=draft.kind, case=draft.case)
        values: dict[str, Any] = {
            "seq": seq,
            "kind": str.__str__(draft.kind),
            "case": str.__str__(draft.case),
            "actor": str.__str__(draft.actor),
            "data": draft.data,
            "subject": key[0] if key else None,
            "sealed": sealed,
            "prev": prev,
        }
        body = _body(**values, time=time)
        if len(body.encode()) > LONGEST - 100:
            raise BadValueError(
                "écriture du journal trop longue : plus d'un mégaoctet.",
                fix="Enregistrez un fichier à part, et ne gardez ici que son empreinte.",
            )
        return cls(**values, time=time.astimezone(UTC), hash=hashlib.sha256(body.encode()).hexdigest())

    @classmethod
    def from_line(cls, line: str, number: int | None = None, *, file: str = "") -> Entry:
        """Read one line and check its hash.

        Parameters
        ----------
        number, file
            Where the line is, for messages.

        Raises
        ------
        JournalBrokenError
            If the line is not the canonical text of an entry, or does not match its hash.
        """
        tail = _TAIL.search(line)
        try:
            body = f"{line[: tail.start()]}}}" if tail else ""
            if tail is None or hashlib.sha256(body.encode()).hexdigest() != tail[1]:
                raise JournalBrokenError(
                    "la ligne ne correspond pas à son empreinte : elle a été modifiée.",
                    file=file,
                    line=number,
                )
            values = canonical.parse(line)
            _check(values)
            time = datetime.fromisoformat(values.pop("time"))
            del values["format"]
            entry = cls(**values, time=time)
        except (ValueError, UnicodeError, TypeError) as error:
            raise JournalBrokenError(
                "la ligne n'est pas une écriture lisible.", file=file, line=number
            ) from error
        if entry.line() != line:
            raise JournalBrokenError("la ligne n'a pas la forme attendue.", file=file, line=number)
        return entry

    def line(self) -> str:
        """Return the text of the entry, without its line feed."""
        body = _body(
            seq=self.seq,
            time=self.time,
            kind=self.kind,
            case=self.case,
            actor=self.actor,
            data=self.data,
            subject=self.subject,
            sealed=self.sealed,
            prev=self.prev,
        )
        return f'{body[:-1]},"hash":"{self.hash}"}}'


def write_time(time: datetime) -> str:
    """Write a moment in UTC, to the microsecond.

    >>> write_time(datetime(2026, 11, 24, 9, 30, tzinfo=UTC))
    '2026-11-24T09:30:00.000000Z'
    """
    if time.tzinfo is None:
        raise ValueError("the clock of a journal must be timezone-aware")
    return time.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"


def seal(values: Mapping[str, Any], key: bytes, *, seq: int, kind: str, case: str) -> str:
    """Encrypt personal values for one place of the journal.

    Parameters
    ----------
    key
        32 bytes.
    """
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    clear = canonical.text(values).encode()
    clear += b" " * (-len(clear) % _PADDED)
    nonce = os.urandom(_NONCE)
    cipher = AESGCM(key).encrypt(nonce, clear, _place(seq, kind, case))
    return base64.b64encode(nonce + cipher).decode()


def open_sealed(entry: Entry, key: bytes) -> dict[str, Any]:
    """Decrypt the personal values of an entry.

    Raises
    ------
    JournalBrokenError
        If the sealed text was altered, or comes from another entry.
    """
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        packed = base64.b64decode(entry.sealed or "", validate=True)
        place = _place(entry.seq, entry.kind, entry.case)
        found = canonical.parse(AESGCM(key).decrypt(packed[:_NONCE], packed[_NONCE:], place).decode())
    except (InvalidTag, binascii.Error, ValueError) as error:
        raise JournalBrokenError(
            "les valeurs personnelles scellées ont été modifiées, ou viennent d'une autre écriture.",
            line=entry.seq,
            fix="Vérifiez le journal : eclaireur journal verify.",
        ) from error
    return dict(found)


def _place(seq: int, kind: str, case: str) -> bytes:
    return canonical.text(["eclaireur.journal.1", seq, kind, case]).encode()


def _body(*, time: datetime, **values: object) -> str:
    return canonical.text({**values, "format": 1, "time": write_time(time)})


def _check(values: Any) -> None:
    """Raise ValueError unless the fields of a line have the right names, types and forms."""
    forms = (
        isinstance(values, dict)
        and set(values) == _FIELDS
        and values["format"] == 1
        and type(values["seq"]) is int
        and values["seq"] > 0
        and isinstance(values["data"], dict)
        and all(isinstance(values[name], str) for name in ("actor", "case", "kind", "time", "prev", "hash"))
        and _KIND.fullmatch(values["kind"])
        and _TIME.fullmatch(values["time"])
        and _HASH.fullmatch(values["prev"])
        and (values["sealed"] is None or isinstance(values["sealed"], str))
        and (values["subject"] is None or _REFERENCE.fullmatch(str(values["subject"])))
    )
    if not forms:
        raise ValueError("wrong fields")


def _names(subject: Subject, value: Any) -> bool:
    """Tell whether public values hold the subject's key as a value or a name of their own."""
    if isinstance(value, str):
        return value == str(subject) or (len(subject.key) >= _TELLING and value == subject.key)
    if isinstance(value, dict):
        return any(_names(subject, item) for pair in value.items() for item in pair)
    return isinstance(value, list) and any(_names(subject, item) for item in value)

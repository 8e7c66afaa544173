"""One key per subject, so that erasing a person is destroying a key.

Keys lie in a *ring*: one file, ``keys.ring``, mode 0600 in a folder of mode 0700, of 128-byte slots.
One file rather than one per subject, because importing 10 000 outcomes makes up to 10 000 keys, and one
sync is enough for all of them.

========  =====================================================================================
bytes     a slot
========  =====================================================================================
1         state: ``K`` key, ``F`` forgotten but not yet journalled, 0 empty
16        reference: random, the only thing that journal entries show of a subject
32        look-up: HMAC-SHA256 of the subject, so that no subject stands in clear on disk
12 + 48   nonce, then the subject's key wrapped by AES-256-GCM; associated data: reference, look-up
15        zeros
4         CRC-32 of what precedes: a slot half-written by a crash is not read
========  =====================================================================================

Slot 0 is the header: ``ECLKEYS1``, then an HMAC that tells whether the master key is the right one
(`core.journal.wrapping`). Under a new master key the ring is written anew, beside, and takes its place.

Destroying overwrites the slot in place and syncs. Whoever holds a copy of the ring made before and
the master key can still read: backups of the ring must be kept apart from those of the journal, and for
no longer than the law gives to answer an erasure. A flash disk or a copy-on-write file system may
keep the old bytes for a while; an encrypted disk is the answer to that.
"""

from __future__ import annotations

import hmac
import os
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from eclaireur.core.errors import ConfigError, WorkFailedError
from eclaireur.core.files import sync_folder
from eclaireur.core.journal.master import master_key, right_master
from eclaireur.core.journal.wrapping import Secrets, SubjectKey, derive, look_up, new_key, unwrap, wrap
from eclaireur.core.locking import exclusive

__all__ = ["FileKeyStore", "KeyStore", "Recorder"]

_SLOT = 128
_HEADER = 40
_KEY, _FORGOTTEN = b"K", b"F"


class Recorder(Protocol):
    """Journals one destruction: reference of the key, and whether an earlier process had begun it."""

    def __call__(self, reference: str, /, *, begun_before: bool) -> None:
        """Journal it."""


class KeyStore(Protocol):
    """Keys by subject. A subject is any text; only its reference may appear in the journal."""

    def keys(self, subjects: Iterable[str]) -> Mapping[str, SubjectKey]:
        """Return the key of each subject, made and durable when it had none."""

    def find(self, references: Iterable[str]) -> Mapping[str, bytes]:
        """Return the key of each reference; one that was destroyed is absent."""

    def reference(self, subject: str) -> str | None:
        """Return the reference of a subject's key, or None when it has none."""

    def destroy(self, subject: str, record: Recorder) -> None:
        """Destroy the key of a subject, if it has one, then call ``record``.

        When the process dies between the two, the next call, for whichever subject, records it.
        """

    def rewrap(self, following: Callable[[bytes], bytes]) -> int:
        """Wrap every key under another master key, all or none; return how many there are.

        ``following`` is given the master key in use, and returns the other.
        """


@dataclass(slots=True)
class _Index:
    """Where slots are, as far as they were read. Slots are checked again whenever they are used."""

    inode: int = -1
    end: int = _SLOT
    doubtful: set[int] = field(default_factory=set)
    by_lookup: dict[bytes, int] = field(default_factory=dict)
    by_reference: dict[bytes, int] = field(default_factory=dict)


class FileKeyStore:
    """A ring of keys in a folder.

    Parameters
    ----------
    folder
        Folder of ``keys.ring``, made when missing.
    master
        File of the master key (see `core.journal.master`), made with the ring when both are missing.
    environ
        Environment in which ``ECLAIREUR_MASTER_KEY`` is looked for; by default that of the process.

    Raises
    ------
    ConfigError
        On first use, if the master key is missing, readable by others, or not the one of this ring.
    """

    def __init__(self, folder: Path, master: Path, *, environ: Mapping[str, str] | None = None) -> None:
        self._ring = folder / "keys.ring"
        self._master = master
        self._environ = environ
        self._secrets: Secrets | None = None
        self._index = _Index()

    def __repr__(self) -> str:
        return f"FileKeyStore({str(self._ring)!r})"

    def keys(self, subjects: Iterable[str]) -> dict[str, SubjectKey]:
        """Return the key of each subject; those that had none are made with one sync for all."""
        wanted = dict.fromkeys(subjects)
        if not wanted:
            return {}
        self._create()
        with closing(_Ring(self._ring)) as ring:
            found = self._read(ring, self._right(ring), wanted)
        if len(found) < len(wanted):
            with self._exclusive(), closing(_Ring(self._ring)) as ring:
                secrets = self._right(ring)
                found = self._read(ring, secrets, wanted)
                missing = [subject for subject in wanted if subject not in found]
                made = {subject: new_key() for subject in missing}
                ring.add([_pack(secrets, look_up(secrets, subject), made[subject]) for subject in missing])
                found |= made
        return {subject: found[subject] for subject in wanted}

    def find(self, references: Iterable[str]) -> dict[str, bytes]:
        """Return the key of each reference; one that was destroyed is absent."""
        if not _header(self._ring):
            return {}
        found = {}
        with closing(_Ring(self._ring)) as ring:
            secrets = self._right(ring)
            self._refresh(ring)
            for reference in references:
                name = bytes.fromhex(reference)
                slot = ring.slot(self._index.by_reference.get(name))
                if slot is not None and slot[1:17] == name:
                    found[reference] = _unwrap(secrets, slot)
        return found

    def reference(self, subject: str) -> str | None:
        """Return the reference of a subject's key, or None when it has none."""
        if not _header(self._ring):
            return None
        with closing(_Ring(self._ring)) as ring:
            found = self._read(ring, self._right(ring), [subject], unwrap=False)
        return found[subject].reference if found else None

    def destroy(self, subject: str, record: Recorder) -> None:
        """Overwrite the key of a subject, sync, then call ``record``; finish earlier ones first."""
        if not _header(self._ring):
            return
        with self._exclusive(), closing(_Ring(self._ring)) as ring:
            secrets = self._right(ring)
            for position in ring.forgotten():
                record(ring.read(position)[1:17].hex(), begun_before=True)
                ring.write(position, bytes(_SLOT))
            self._refresh(ring)
            lookup = look_up(secrets, subject)
            at = self._index.by_lookup.get(lookup)
            slot = ring.slot(at)
            if at is None or slot is None or slot[17:49] != lookup:
                return
            ring.write(at, _close(_FORGOTTEN + slot[1:17]))
            record(slot[1:17].hex(), begun_before=False)
            ring.write(at, bytes(_SLOT))

    def export(self) -> list[tuple[bytes, bytes, bytes]]:
        """Return look-up, reference and wrapped key of every subject, for a store under the same master."""
        if not _header(self._ring):
            return []
        with self._exclusive(), closing(_Ring(self._ring)) as ring:
            self._right(ring)
            return [
                (slot[17:49], slot[1:17], slot[49:109])
                for _, slot in ring.slots(_SLOT)
                if _sound(slot) and slot[:1] == _KEY
            ]

    def rewrap(self, following: Callable[[bytes], bytes]) -> int:
        """Write the ring anew under another master key, and put it in the place of this one."""
        if not _header(self._ring):
            following(master_key(self._master, environ=self._environ))
            return 0
        with self._exclusive(), closing(_Ring(self._ring)) as ring:
            old = self._right(ring)
            new = derive(following(self._right_master(ring)))
            sound = [slot for _, slot in ring.slots(_SLOT) if _sound(slot)]
            kept = [_rewrapped(slot, old, new) if slot[:1] == _KEY else slot for slot in sound]
            part = self._ring.with_name(f".{self._ring.name}.part")
            part.unlink(missing_ok=True)
            _create(part, new.header)
            with closing(_Ring(part)) as made:
                made.add(kept)
            part.replace(self._ring)
            sync_folder(self._ring.parent)
        return sum(slot[:1] == _KEY for slot in kept)

    def _exclusive(self) -> AbstractContextManager[None]:
        return exclusive(self._ring.with_name(f"{self._ring.name}.lock"))

    def _create(self) -> None:
        """Make the ring when there is none."""
        if not _header(self._ring):
            self._ring.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._exclusive():
                if not _header(self._ring):
                    master = master_key(self._master, environ=self._environ, create=True)
                    _create(self._ring, derive(master).header)

    def _right(self, ring: _Ring) -> Secrets:
        """Return what the master key of a ring gives: read once, and again when the ring is under another."""
        header = ring.read(0)[:_HEADER]
        if self._secrets is None or not hmac.compare_digest(header, self._secrets.header):
            self._secrets = derive(self._right_master(ring))
        return self._secrets

    def _right_master(self, ring: _Ring) -> bytes:
        header = ring.read(0)[:_HEADER]
        return right_master(
            self._master,
            lambda master: hmac.compare_digest(header, derive(master).header),
            where="ce dossier",
            file=str(self._ring),
            environ=self._environ,
        )

    def _read(
        self, ring: _Ring, secrets: Secrets, subjects: Iterable[str], *, unwrap: bool = True
    ) -> dict[str, SubjectKey]:
        self._refresh(ring)
        found = {}
        for subject in subjects:
            lookup = look_up(secrets, subject)
            slot = ring.slot(self._index.by_lookup.get(lookup))
            if slot is not None and slot[17:49] == lookup:
                found[subject] = SubjectKey(slot[1:17].hex(), _unwrap(secrets, slot) if unwrap else b"")
        return found

    def _refresh(self, ring: _Ring) -> None:
        """Read the slots added since the last time; all of them when the file was replaced."""
        if ring.inode != self._index.inode or ring.end < self._index.end:
            self._index = _Index(inode=ring.inode)
        index = self._index
        # A slot that another process was still writing is looked at again.
        again = [(position, ring.read(position)) for position in index.doubtful]
        index.doubtful = set()
        for position, slot in (*again, *ring.slots(index.end)):
            if _sound(slot) and slot[:1] == _KEY:
                index.by_lookup[slot[17:49]] = position
                index.by_reference[slot[1:17]] = position
            elif not _sound(slot) and any(slot):
                index.doubtful.add(position)
        index.end = ring.end


class _Ring:
    """The open file of a ring."""

    def __init__(self, path: Path) -> None:
        self._descriptor = os.open(path, os.O_RDWR)
        status = os.fstat(self._descriptor)
        self.inode = status.st_ino
        self.end = status.st_size - status.st_size % _SLOT

    def close(self) -> None:
        os.close(self._descriptor)

    def read(self, position: int) -> bytes:
        return os.pread(self._descriptor, _SLOT, position)

    def slot(self, position: int | None) -> bytes | None:
        """Return the slot at a position if it holds a key."""
        if position is None:
            return None
        slot = self.read(position)
        return slot if _sound(slot) and slot[:1] == _KEY else None

    def slots(self, start: int) -> Iterator[tuple[int, bytes]]:
        """Give the slots from a position, with their positions."""
        for base in range(start, self.end, 512 * _SLOT):
            block = os.pread(self._descriptor, min(512 * _SLOT, self.end - base), base)
            for offset in range(0, len(block), _SLOT):
                yield base + offset, block[offset : offset + _SLOT]

    def forgotten(self) -> list[int]:
        """Return the positions of the keys destroyed but not yet journalled."""
        return [at for at, slot in self.slots(_SLOT) if _sound(slot) and slot[:1] == _FORGOTTEN]

    def add(self, slots: list[bytes]) -> None:
        """Append slots; a half slot left by a crash is overwritten."""
        self._put(self.end, b"".join(slots))
        self.end += _SLOT * len(slots)

    def write(self, position: int, slot: bytes) -> None:
        self._put(position, slot)

    def _put(self, position: int, data: bytes) -> None:
        try:
            while data:
                written = os.pwrite(self._descriptor, data, position)
                data, position = data[written:], position + written
            os.fsync(self._descriptor)
        except OSError as error:
            raise WorkFailedError(
                f"les clés des valeurs personnelles n'ont pas pu être écrites ({error.strerror}).",
                fix="Libérez de la place sur le disque, puis recommencez.",
            ) from error


def _pack(secrets: Secrets, lookup: bytes, key: SubjectKey) -> bytes:
    name = bytes.fromhex(key.reference) + lookup
    return _close(_KEY + name + wrap(secrets, name, key.key))


def _unwrap(secrets: Secrets, slot: bytes) -> bytes:
    return unwrap(secrets, slot[1:49], slot[49:109])


def _rewrapped(slot: bytes, old: Secrets, new: Secrets) -> bytes:
    return _pack(new, slot[17:49], SubjectKey(slot[1:17].hex(), _unwrap(old, slot)))


def _close(start: bytes) -> bytes:
    """Fill a slot with zeros and end it with its checksum."""
    body = start.ljust(_SLOT - 4, b"\0")
    return body + zlib.crc32(body).to_bytes(4, "big")


def _sound(slot: bytes) -> bool:
    return len(slot) == _SLOT and zlib.crc32(slot[:-4]) == int.from_bytes(slot[-4:], "big")


def _header(ring: Path) -> bytes:
    """Return magic and check value of a ring, empty when there is none yet."""
    try:
        with ring.open("rb") as stream:
            slot = stream.read(_SLOT)
    except FileNotFoundError:
        return b""
    if len(slot) < _SLOT:
        # Cut by a crash while the ring was made: no key was ever written after it.
        return b""
    if not _sound(slot):
        raise ConfigError(
            "le fichier des clés des valeurs personnelles est abîmé.",
            file=str(ring),
            fix="Restaurez-le depuis une sauvegarde.",
        )
    return slot[:_HEADER]


def _create(ring: Path, header: bytes) -> None:
    descriptor = os.open(ring, os.O_WRONLY | os.O_CREAT, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(_close(header))
        stream.flush()
        os.fsync(stream.fileno())
    sync_folder(ring.parent)

"""The sealed journal in the desk's database: its lines, and the keys of its subjects.

A line and the rows that belong to it are written in one transaction: a decision is in the journal and
on the screen, or in neither. One appender at a time: on SQLite a transaction that writes excludes the
others from its start (IMMEDIATE); on PostgreSQL an advisory lock does.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice, zip_longest
from typing import TYPE_CHECKING

from django.db import connection, transaction

from eclaireur.core.errors import JournalBrokenError
from eclaireur.core.journal import FileKeyStore, FileStore, Journal, KeyStore, SubjectKey
from eclaireur.core.journal.keys import Recorder
from eclaireur.core.journal.master import master_key, right_master
from eclaireur.core.journal.store import MakeLines
from eclaireur.core.journal.wrapping import Secrets, derive, look_up, new_key, unwrap, wrap
from eclaireur.desk.models import JournalKey, JournalLine

if TYPE_CHECKING:
    from pathlib import Path

    from eclaireur.core.workspace import Workspace

__all__ = ["RowKeyStore", "RowStore", "adopt_files", "open_journal"]

_LOCK = 0x0EC1A12E
_BATCH = 500
_CHECK = "master"


def _alone() -> None:
    """Wait until no other transaction appends; the lock falls with the transaction."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])


class RowStore:
    """A journal in the table of `JournalLine`."""

    @property
    def name(self) -> str:
        """Name of the table."""
        return "journal"

    def append(self, make: MakeLines) -> None:
        """Add lines as `core.journal.JournalStore.append` says; inside a transaction, with it."""
        with transaction.atomic():
            _alone()
            newest = JournalLine.objects.order_by("-seq").first()
            lines = make(newest.line if newest else None)
            start = newest.seq + 1 if newest else 1
            JournalLine.objects.bulk_create(
                [JournalLine(seq=seq, line=line) for seq, line in enumerate(lines, start)], batch_size=_BATCH
            )

    def lines(self, start: int = 1) -> Iterator[str]:
        """Give the lines from number ``start``, read by blocks."""
        newest = JournalLine.objects.order_by("-seq").values_list("seq", flat=True).first() or 0
        while start <= newest:
            block = JournalLine.objects.filter(seq__gte=start, seq__lte=newest).order_by("seq")
            found = list(block.values_list("seq", "line")[:_BATCH])
            if not found:
                return
            yield from (line for _, line in found)
            start = found[-1][0] + 1

    def last(self) -> str | None:
        """Return the last line, or None."""
        return JournalLine.objects.order_by("-seq").values_list("line", flat=True).first()

    def count(self) -> int:
        """Return how many lines there are."""
        return JournalLine.objects.count()


class RowKeyStore:
    """Keys of subjects in the table of `JournalKey`, wrapped by the master key.

    Parameters
    ----------
    master
        File of the master key, made with the first key when the environment gives none. Several hosts
        share one by ``ECLAIREUR_MASTER_KEY``.
    environ
        Environment in which it is looked for.
    """

    def __init__(self, master: Path, environ: Mapping[str, str]) -> None:
        self._master = master
        self._environ = environ
        self._known: Secrets | None = None

    def keys(self, subjects: Iterable[str]) -> dict[str, SubjectKey]:
        """Return the key of each subject; those that had none are made in one transaction."""
        wanted = dict.fromkeys(subjects)
        if not wanted:
            return {}
        with transaction.atomic():
            _alone()
            # Under the lock: nothing new is wrapped under a master key that was just replaced.
            secrets = self._secrets(create=True, anew=True)
            found = self._read(secrets, wanted)
            missing = [subject for subject in wanted if subject not in found]
            made = {subject: new_key() for subject in missing}
            JournalKey.objects.bulk_create(
                [self._row(secrets, subject, key) for subject, key in made.items()], batch_size=_BATCH
            )
        return {subject: (found | made)[subject] for subject in wanted}

    def find(self, references: Iterable[str]) -> dict[str, bytes]:
        """Return the key of each reference; one that was destroyed is absent."""
        names = list(dict.fromkeys(references))
        found: dict[str, bytes] = {}
        for start in range(0, len(names), _BATCH):
            rows = JournalKey.objects.filter(reference__in=names[start : start + _BATCH])
            try:
                found |= {row.reference: self._key(self._secrets(), row).key for row in rows}
            except JournalBrokenError:
                # The master key may have been replaced: a row opens under the new one, or is broken.
                found |= {row.reference: self._key(self._secrets(anew=True), row).key for row in rows.all()}
        return found

    def reference(self, subject: str) -> str | None:
        """Return the reference of a subject's key, or None when it has none."""
        if not JournalKey.objects.exists():
            return None
        lookup = look_up(self._secrets(), subject).hex()
        return JournalKey.objects.filter(lookup=lookup).values_list("reference", flat=True).first()

    def destroy(self, subject: str, record: Recorder) -> None:
        """Delete the key of a subject and journal it, in one transaction."""
        with transaction.atomic():
            _alone()
            reference = self.reference(subject)
            if reference is not None:
                JournalKey.objects.filter(reference=reference).delete()
                record(reference, begun_before=False)

    def rewrap(self, following: Callable[[bytes], bytes]) -> int:
        """Wrap every key under another master key, in one transaction."""
        with transaction.atomic():
            _alone()
            check = JournalKey.objects.filter(lookup=_CHECK).values_list("wrapped", flat=True).first()
            if check is None:
                following(master_key(self._master, environ=self._environ))
                return 0
            old = self._secrets(anew=True)
            new = derive(following(self._right_master(check)))
            rows = JournalKey.objects.exclude(lookup=_CHECK).order_by("pk")
            count, last = 0, 0
            while batch := list(rows.filter(pk__gt=last)[:_BATCH]):
                for row in batch:
                    name = bytes.fromhex(row.reference) + bytes.fromhex(row.lookup)
                    row.wrapped = wrap(new, name, self._key(old, row).key).hex()
                JournalKey.objects.bulk_update(batch, ["wrapped"])
                count, last = count + len(batch), batch[-1].pk
            JournalKey.objects.filter(lookup=_CHECK).update(wrapped=new.header.hex())
        return count

    def take_over(self, keys: Iterable[tuple[bytes, bytes, bytes]]) -> None:
        """Keep the look-ups, references and wrapped keys of another store under the same master key."""
        with transaction.atomic():
            self._secrets(create=True)
            JournalKey.objects.bulk_create(
                [
                    JournalKey(lookup=lookup.hex(), reference=reference.hex(), wrapped=wrapped.hex())
                    for lookup, reference, wrapped in keys
                ],
                batch_size=_BATCH,
            )

    def _read(self, secrets: Secrets, subjects: Iterable[str]) -> dict[str, SubjectKey]:
        by_lookup = {look_up(secrets, subject).hex(): subject for subject in subjects}
        names = list(by_lookup)
        found = {}
        for start in range(0, len(names), _BATCH):
            for row in JournalKey.objects.filter(lookup__in=names[start : start + _BATCH]):
                found[by_lookup[row.lookup]] = self._key(secrets, row)
        return found

    def _row(self, secrets: Secrets, subject: str, key: SubjectKey) -> JournalKey:
        lookup = look_up(secrets, subject)
        wrapped = wrap(secrets, bytes.fromhex(key.reference) + lookup, key.key)
        return JournalKey(lookup=lookup.hex(), reference=key.reference, wrapped=wrapped.hex())

    def _key(self, secrets: Secrets, row: JournalKey) -> SubjectKey:
        name = bytes.fromhex(row.reference) + bytes.fromhex(row.lookup)
        return SubjectKey(row.reference, unwrap(secrets, name, bytes.fromhex(row.wrapped)))

    def _secrets(self, *, create: bool = False, anew: bool = False) -> Secrets:
        """Read the master key once, or ``anew``, and check that it is the one of these rows."""
        if self._known is None or anew:
            check = JournalKey.objects.filter(lookup=_CHECK).values_list("wrapped", flat=True).first()
            if check is None:
                secrets = derive(master_key(self._master, environ=self._environ, create=create))
                if create:
                    JournalKey.objects.create(lookup=_CHECK, reference=_CHECK, wrapped=secrets.header.hex())
                return secrets  # kept only once the row that names it is committed
            if self._known is None or not hmac.compare_digest(check, self._known.header.hex()):
                self._known = derive(self._right_master(check))
        return self._known

    def _right_master(self, check: str) -> bytes:
        return right_master(
            self._master,
            lambda master: hmac.compare_digest(check, derive(master).header.hex()),
            where="cette base",
            environ=self._environ,
        )


def open_journal(workspace: Workspace) -> Journal:
    """Open the journal of the desk's database."""
    keys: KeyStore = RowKeyStore(workspace.master_file, workspace.environ)
    return Journal(RowStore(), keys, workspace.clock)


def adopt_files(workspace: Workspace) -> int:
    """Move the journal that the command line kept in files into the database, once; return its lines.

    Lines keep their numbers and hashes, keys their references: the chain goes on. No command appends
    meanwhile. The file of lines is renamed; that of keys goes, or a person erased later would be read there.

    Raises
    ------
    JournalBrokenError
        If the database already holds another journal: two chains are never mixed.
    """
    folder = workspace.home / "journal"
    path, ring = folder / "journal.jsonl", folder / "keys" / "keys.ring"
    ring.with_name(f"{ring.name}.moved").unlink(missing_ok=True)  # kept by earlier versions
    if not path.exists():
        return 0
    files = FileStore(path)
    adopted = 0

    def take(last: str | None) -> list[str]:
        nonlocal adopted
        lines = list(files.lines())
        if not JournalLine.objects.exists():
            _take_over(workspace, lines, ring)
            adopted = len(lines)
        elif any(one != other for one, other in zip_longest(lines, islice(RowStore().lines(), len(lines)))):
            raise JournalBrokenError(
                "ce journal n'est pas celui que la base de données a repris.",
                file=str(path),
                fix="Une commande a écrit à côté du bureau : gardez ce fichier, et déplacez-le.",
            )
        ring.unlink(missing_ok=True)
        path.rename(path.with_name(f"{path.name}.moved"))
        return []

    files.append(take)
    return adopted


def _take_over(workspace: Workspace, lines: list[str], ring: Path) -> None:
    folder = workspace.home / "journal"
    with transaction.atomic():
        RowStore().append(lambda _: lines)
        if ring.exists():
            keys = FileKeyStore(folder / "keys", folder / "master.key", environ=workspace.environ)
            RowKeyStore(folder / "master.key", workspace.environ).take_over(keys.export())

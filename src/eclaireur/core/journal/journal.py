"""The journal: appends, reads, opens sealed values, forgets a subject, verifies the chain."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from eclaireur.core import canonical, french
from eclaireur.core.errors import BadValueError, JournalBrokenError, NotFoundError
from eclaireur.core.journal.entry import GENESIS, Draft, Entry, open_sealed
from eclaireur.core.journal.head import Head
from eclaireur.core.journal.keys import FileKeyStore, KeyStore
from eclaireur.core.journal.store import FileStore, JournalStore
from eclaireur.core.subjects import Subject

__all__ = ["Clock", "Journal", "Report", "open_journal"]

Clock = Callable[[], datetime]
"""Gives the present moment, with its time zone."""

_RESUMED = "effacement interrompu auparavant, terminé maintenant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What `Journal.verify` read: how many lines, the hash and time of the last one."""

    entries: int
    head: str
    time: datetime | None


class Journal:
    """An append-only, chained record of what people decided.

    Parameters
    ----------
    store
        Where lines are kept.
    keys
        Keys of the subjects whose values are sealed.
    clock
        Gives the time of an entry.

    Examples
    --------
    >>> import tempfile
    >>> at = datetime(2026, 11, 24, 9, 30, tzinfo=UTC)
    >>> journal = open_journal(Path(tempfile.mkdtemp()), clock=lambda: at, environ={})
    >>> person = Subject("pseudonym", "agent-12")
    >>> entry = journal.append(
    ...     "decision", case="demo", actor="Ada", data={"label": 1}, subject=person, personal={"note": "vu"}
    ... )
    >>> entry.seq, journal.reveal(entry)
    (1, {'note': 'vu', 'subject': 'pseudonym:agent-12'})
    >>> _ = journal.forget(person, actor="Ada", reason="demande de la personne")
    >>> journal.reveal(entry) is None, journal.verify().entries
    (True, 2)
    """

    def __init__(self, store: JournalStore, keys: KeyStore, clock: Clock) -> None:
        self._store = store
        self._keys = keys
        self._clock = clock

    def append(
        self,
        kind: str,
        *,
        case: str,
        actor: str,
        data: Mapping[str, Any] | None = None,
        subject: Subject | None = None,
        personal: Mapping[str, Any] | None = None,
    ) -> Entry:
        """Add one entry. When this returns, a power cut cannot lose it.

        Parameters
        ----------
        kind, case, actor, data, subject, personal
            As in `Draft`.

        Raises
        ------
        BadValueError
            If a value cannot be journalled.
        JournalBrokenError
            If the last line of the journal was altered.
        WorkFailedError
            If another process holds the journal, or the disk refuses the write.
        """
        draft = Draft(kind=kind, case=case, actor=actor, data=data or {}, subject=subject, personal=personal)
        return self.append_many([draft])[0]

    def append_many(self, drafts: Iterable[Draft | Mapping[str, Any]]) -> tuple[Entry, ...]:
        """Add entries in order, without another between them, with one sync for all.

        Parameters
        ----------
        drafts
            Drafts, or mappings of a draft's fields.

        Raises
        ------
        BadValueError, JournalBrokenError, WorkFailedError
            As `append`; then nothing at all was added.
        """
        ready = [draft if isinstance(draft, Draft) else Draft(**draft) for draft in drafts]
        keys = self._keys.keys(str(draft.subject) for draft in ready if draft.subject is not None)
        return self._chain([(draft, keys[str(draft.subject)] if draft.subject else None) for draft in ready])

    def entries(
        self,
        kind: str | Collection[str] | None = None,
        case: str | None = None,
        after: int = 0,
        *,
        subject: Subject | None = None,
    ) -> Iterator[Entry]:
        """Give entries in order.

        Parameters
        ----------
        kind, case, subject
            Keep only these; a subject that was forgotten has no entry any more.
        after
            Skip entries up to this number.

        Raises
        ------
        JournalBrokenError
            If a line that is read was altered.
        """
        kinds = None if kind is None else {kind} if isinstance(kind, str) else set(kind)
        reference = None if subject is None else self._keys.reference(str(subject))
        if subject is not None and reference is None:
            return
        # Reading JSON costs more than looking for a text that a wanted line must contain.
        marks = [
            f'"{name}":{canonical.text(value)}'
            for name, value in (("case", case), ("subject", reference))
            if value
        ]
        named = [f'"kind":{canonical.text(one)}' for one in kinds or ()]
        for number, line in enumerate(self._store.lines(after + 1), after + 1):
            if all(mark in line for mark in marks) and (not named or any(one in line for one in named)):
                entry = Entry.from_line(line, number, file=self._store.name)
                if (
                    (kinds is None or entry.kind in kinds)
                    and (case is None or entry.case == case)
                    and (reference is None or entry.subject == reference)
                ):
                    yield entry

    def entry(self, seq: int) -> Entry:
        """Return one entry by its number.

        Raises
        ------
        NotFoundError
            If there is no such line.
        JournalBrokenError
            If the line was altered.
        """
        line = next(iter(self._store.lines(seq)), None) if seq > 0 else None
        if line is None:
            raise NotFoundError(f"le journal n'a pas de ligne {seq}.")
        return Entry.from_line(line, seq, file=self._store.name)

    def reveal(self, entry: Entry) -> Mapping[str, Any] | None:
        """Open the sealed values of an entry.

        Returns
        -------
        Mapping or None
            The personal values with ``subject`` (``kind:key``); empty when nothing was sealed; None when the
            key was destroyed.

        Raises
        ------
        JournalBrokenError
            If the sealed values were altered or come from another entry.
        """
        return next(self.reveal_all([entry]))

    def reveal_all(self, entries: Sequence[Entry]) -> Iterator[Mapping[str, Any] | None]:
        """Open the sealed values of many entries, whose keys are read together; see `reveal`."""
        keys = self._keys.find([entry.subject for entry in entries if entry.subject is not None])
        for entry in entries:
            if entry.sealed is None or entry.subject is None:
                yield {}
            else:
                key = keys.get(entry.subject)
                yield None if key is None else open_sealed(entry, key)

    def forget(self, subject: Subject, *, actor: str, reason: str) -> Entry:
        """Destroy the key of a subject, for ever, and journal the act.

        The entry says which reference lost its key, who asked for it and why; it does not name the subject.

        Raises
        ------
        NotFoundError
            If no personal value of the subject can be read: none was journalled, or it is already done.
        BadValueError
            If the reason is empty or names the subject.
        """
        if not reason.strip() or subject.key in reason:
            raise BadValueError(
                "un effacement demande un motif, qui ne nomme pas la personne effacée.",
                fix="Écrivez le motif en une phrase, par exemple « demande de la personne ».",
            )
        draft = Draft(kind="forget", case="", actor=actor, data={"reason": reason})
        resumed = Draft(kind="forget", case="", actor=actor, data={"reason": _RESUMED})
        done: list[Entry] = []

        def record(reference: str, *, begun_before: bool) -> None:
            earlier = (
                [entry for entry in self._forgotten() if entry.subject == reference] if begun_before else []
            )
            done.extend(earlier or self._chain([(resumed if begun_before else draft, (reference, b""))]))

        self._keys.destroy(str(subject), record)
        if not done:
            raise NotFoundError(
                "aucune valeur personnelle de ce sujet n'est lisible dans le journal.",
                fix="Vérifiez l'identifiant ; l'effacement a peut-être déjà eu lieu.",
            )
        return done[-1]

    def verify(self, head: Head | None = None) -> Report:
        """Check every line, the chain, and that a head exported before is still in it.

        Parameters
        ----------
        head
            Head exported before. Without one, cut last lines and a journal rewritten whole are not seen.

        Raises
        ------
        JournalBrokenError
            Names the first wrong line: the first that was altered, or that does not follow the one
            before. When the lines agree with each other but not with ``head``, the line is the head's:
            the change is there or before.
        """
        number, previous, time = 0, GENESIS, None
        for number, line in enumerate(self._store.lines(), 1):
            entry = Entry.from_line(line, number, file=self._store.name)
            if entry.seq != number:
                self._broken(
                    number,
                    f"la ligne porte le numéro {entry.seq} : une ligne a été retirée, ajoutée ou déplacée.",
                )
            if entry.prev != previous:
                self._broken(
                    number, "la ligne ne suit pas celle qui la précède : l'une des deux a été remplacée."
                )
            if head is not None and number == head.seq and entry.hash != head.hash:
                self._broken(
                    number, f"cette ligne, ou une ligne avant elle, a changé depuis {_exported(head)}."
                )
            previous, time = entry.hash, entry.time
        if head is not None and number < head.seq:
            self._broken(
                number + 1,
                f"le journal s'arrête à la ligne {number}, alors qu'il en comptait {head.seq} "
                f"dans {_exported(head)} : les dernières lignes ont été retirées.",
            )
        return Report(entries=number, head=previous, time=time)

    def head(self) -> Head:
        """Return the head, to export elsewhere.

        Raises
        ------
        JournalBrokenError
            If the last line was altered.
        """
        last = self._store.last()
        return Head() if last is None else _head(Entry.from_line(last, file=self._store.name))

    def _chain(self, ready: list[tuple[Draft, tuple[str, bytes] | None]]) -> tuple[Entry, ...]:
        made: list[Entry] = []

        def make(last: str | None) -> list[str]:
            made.clear()
            head = Head() if last is None else _head(Entry.from_line(last, file=self._store.name))
            now, seq, previous = self._clock(), head.seq, head.hash
            for draft, key in ready:
                seq += 1
                entry = Entry.make(draft, seq=seq, time=now, prev=previous, key=key)
                previous = entry.hash
                made.append(entry)
            return [entry.line() for entry in made]

        if ready:
            self._store.append(make)
        return tuple(made)

    def rewrap(self, following: Callable[[bytes], bytes], *, actor: str) -> Entry:
        """Wrap the key of every subject under another master key, and journal it.

        Parameters
        ----------
        following
            Is given the master key in use, and returns the other; see `core.journal.master.replace_master`.
        actor
            Who replaces it.
        """
        count = self._keys.rewrap(following)
        return self.append("master_key", case="", actor=actor, data={"keys": count})

    def _forgotten(self) -> Iterator[Entry]:
        return self.entries(kind="forget")

    def _broken(self, number: int, message: str) -> None:
        raise JournalBrokenError(
            message,
            file=self._store.name,
            line=number,
            fix="Gardez le journal tel quel, prévenez la personne responsable et cherchez une sauvegarde.",
        )


def open_journal(folder: Path, *, clock: Clock, environ: Mapping[str, str] | None = None) -> Journal:
    """Open the journal kept in a folder: ``journal.jsonl``, ``keys/keys.ring`` and ``master.key``.

    Nothing is written before the first append; ``master.key`` is not made when ``ECLAIREUR_MASTER_KEY``
    is set.

    Parameters
    ----------
    folder
        Folder of the journal, on a local disk.
    clock
        Gives the time of an entry.
    environ
        Environment; by default that of the process.
    """
    keys = FileKeyStore(folder / "keys", folder / "master.key", environ=environ)
    return Journal(FileStore(folder / "journal.jsonl"), keys, clock)


def _head(entry: Entry) -> Head:
    return Head(seq=entry.seq, hash=entry.hash, time=entry.time)


def _exported(head: Head) -> str:
    when = f" du {french.moment(head.time.astimezone(UTC))} (temps universel)" if head.time else ""
    return f"la tête exportée{when}"

"""Who asked to be erased: a list that names nobody, so that no later reading brings them back.

One line an erasure in a file of the workspace: its date, its case, and keyed hashes (HMAC-SHA-256, under the
master key of the journal) of the names under which the data know the person. A source that still holds them,
or a backup that is restored, is read without them.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path

from eclaireur.core import canonical
from eclaireur.core.errors import BadValueError, EclaireurError
from eclaireur.core.files import sync_folder
from eclaireur.core.locking import exclusive

__all__ = ["Erasure", "Erasures", "read_erasures"]


@dataclass(frozen=True, slots=True)
class Erasure:
    """One erasure: when, in which case, the keyed hash of each name, and which key hashed them."""

    at: datetime
    case: str
    marks: tuple[str, ...]
    key: str


class Erasures:
    """The erasures of a workspace.

    Parameters
    ----------
    file
        Where they are kept, one JSON line each.
    master
        Gives the master key; called once, when a first name must be hashed.

    Examples
    --------
    >>> import tempfile
    >>> kept = Erasures(Path(tempfile.mkdtemp()) / "erased.jsonl", lambda: bytes(32))
    >>> kept.add("demo", ["siret:83283779300021"], datetime(2026, 1, 1))
    >>> kept.gone("demo", ["siret:83283779300021", "siret:50000000000018"])
    {'siret:83283779300021'}
    """

    def __init__(self, file: Path, master: Callable[[], bytes]) -> None:
        self._file = file
        self._master = master

    def add(self, case: str, names: Iterable[str], at: datetime) -> None:
        """Add an erasure, durably."""
        marks = tuple(sorted(self._mark(case, name) for name in set(names)))
        self.merge([Erasure(at, case, marks, self._key)])

    def merge(self, others: Iterable[Erasure]) -> int:
        """Add the erasures of another list that this one has not; return how many.

        Raises
        ------
        BadValueError
            If another master key hashed them: they would never be recognised.
        """
        others = tuple(others)
        self._check(others)
        self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with exclusive(self._file.with_name(f"{self._file.name}.lock")):
            known = {(one.case, one.marks) for one in self.all()}
            fresh = [one for one in others if (one.case, one.marks) not in known]
            descriptor = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
            try:
                os.write(descriptor, "".join(_line(one) for one in fresh).encode())
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            sync_folder(self._file.parent)
        return len(fresh)

    def all(self) -> tuple[Erasure, ...]:
        """Return every erasure, oldest first.

        Raises
        ------
        BadValueError
            If a line is damaged: a list that is read in part would bring people back.
        """
        return read_erasures(self._file) if self._file.exists() else ()

    def gone(self, case: str, names: Collection[str]) -> set[str]:
        """Return those of some names that were erased from a case."""
        known = self.all()
        self._check(known)
        marks = {mark for one in known if one.case == case for mark in one.marks}
        return {name for name in names if self._mark(case, name) in marks} if marks else set()

    def _check(self, erasures: Iterable[Erasure]) -> None:
        if any(not hmac.compare_digest(one.key, self._key) for one in erasures):
            raise BadValueError(
                "la liste des effacements vient d'une autre clé maîtresse : personne n'y serait reconnu.",
                file=str(self._file),
                fix="Restaurez la clé maîtresse d'origine (journal/master.key, ou ECLAIREUR_MASTER_KEY).",
            )

    @cached_property
    def _key(self) -> str:
        return self._mark("", "")[:16]

    def _mark(self, case: str, name: str) -> str:
        return hmac.digest(self._secret, f"{case}\0{name}".encode(), hashlib.sha256).hex()

    @cached_property
    def _secret(self) -> bytes:
        return hmac.digest(self._master(), b"eclaireur.erasures.1", hashlib.sha256)


def read_erasures(file: Path) -> tuple[Erasure, ...]:
    """Read a list of erasures; see `Erasures.all`."""
    found = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            content = canonical.parse(line)
            found.append(
                Erasure(
                    datetime.fromisoformat(content["at"]),
                    str(content["case"]),
                    tuple(str(mark) for mark in content["marks"]),
                    str(content["key"]),
                )
            )
        except (EclaireurError, LookupError, TypeError, ValueError) as error:
            raise BadValueError(
                "la liste des effacements est abîmée.",
                file=str(file),
                line=number,
                fix="Restaurez ce fichier depuis sa copie : sans lui, des personnes effacées reviendraient.",
            ) from error
    return tuple(found)


def _line(one: Erasure) -> str:
    content = {"at": one.at.isoformat(), "case": one.case, "marks": list(one.marks), "key": one.key}
    return json.dumps(content) + "\n"

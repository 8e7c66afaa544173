"""The workspace: the one folder where an installation keeps what it reads, computes and decides."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from eclaireur.core.config import Settings, read_settings
from eclaireur.core.errors import ConfigError, EclaireurError, WorkFailedError
from eclaireur.core.lake import Lake
from eclaireur.core.runs import Runs

if TYPE_CHECKING:
    from eclaireur.core.erasures import Erasures
    from eclaireur.core.journal import Journal
    from eclaireur.core.registry import Registry

__all__ = ["Clock", "Workspace", "explain_os_error"]

Clock = Callable[[], datetime]

_FULL = {errno.ENOSPC, errno.EDQUOT}
_CLOSED = {errno.EACCES, errno.EPERM}


def _now() -> datetime:
    return datetime.now(UTC)


def explain_os_error(error: OSError) -> EclaireurError:
    """Turn an error of the system into what a user can do about it."""
    name = str(error.filename or "")
    if error.errno in _FULL:
        return WorkFailedError(
            "le disque est plein ; rien n'a été écrit à moitié.", file=name, fix="Libérez de la place."
        )
    if error.errno == errno.EROFS:
        fix = "Rendez-le inscriptible, ou choisissez un autre dossier."
        return ConfigError("le disque est en lecture seule.", file=name, fix=fix)
    if error.errno in _CLOSED:
        return ConfigError(
            "l'accès est refusé.", file=name, fix="Vérifiez les droits, ou choisissez un autre dossier."
        )
    if error.errno == errno.ENOENT:
        return ConfigError("ce fichier ou ce dossier n'existe pas.", file=name, fix="Vérifiez son nom.")
    if error.errno == errno.EISDIR:
        return ConfigError("c'est un dossier, un fichier était attendu.", file=name)
    return WorkFailedError(f"erreur du système : {error.strerror or error}.", file=name)


@dataclass(frozen=True)
class Workspace:
    """A folder and what lives in it. Open one with `Workspace.open`.

    Parameters
    ----------
    settings
        What the installation chose.
    clock
        Gives the time, with a zone; injected so that tests and replays choose it.
    journal_of
        Opens the journal; by default the one kept in a file of the workspace.
    """

    settings: Settings
    clock: Clock = field(default=_now, repr=False)
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    journal_of: Callable[[Workspace], Journal] | None = field(default=None, repr=False)

    @classmethod
    def open(
        cls,
        home: Path | None = None,
        *,
        env: Mapping[str, str] | None = None,
        clock: Clock = _now,
        journal_of: Callable[[Workspace], Journal] | None = None,
    ) -> Workspace:
        """Open a workspace, making its folder when it is new.

        Raises
        ------
        ConfigError
            If a setting is wrong or the folder cannot be written.
        """
        environment = os.environ if env is None else env
        settings = read_settings(home, environment)
        try:
            settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise explain_os_error(error) from error
        if not os.access(settings.home, os.W_OK | os.X_OK):
            raise ConfigError(
                "le dossier de travail n'est pas accessible en écriture.",
                file=str(settings.home),
                fix="Changez ses droits, ou choisissez un autre dossier avec ECLAIREUR_HOME.",
            )
        return cls(settings=settings, clock=clock, environ=environment, journal_of=journal_of)

    @property
    def home(self) -> Path:
        """Folder of the workspace."""
        return self.settings.home

    @cached_property
    def lake(self) -> Lake:
        """Immutable tables by address."""
        return Lake(self.home / "lake", threads=self.settings.threads, memory=self.settings.memory)

    @cached_property
    def runs(self) -> Runs:
        """Runs kept in the lake."""
        return Runs(self.lake, self.clock)

    @property
    def master_file(self) -> Path:
        """File of the master key, when the environment gives none."""
        return self.home / "journal" / "master.key"

    @cached_property
    def journal(self) -> Journal:
        """The decision journal."""
        if self.journal_of is not None:
            return self.journal_of(self)
        from eclaireur.core.journal import open_journal

        return open_journal(self.home / "journal", clock=self.clock, environ=self.environ)

    @cached_property
    def erasures(self) -> Erasures:
        """Who was erased, by keyed hashes."""
        from eclaireur.core.erasures import Erasures
        from eclaireur.core.journal.master import master_key, naming

        def master() -> bytes:
            return naming(master_key(self.master_file, environ=self.environ, create=True))

        return Erasures(self.home / "erased.jsonl", master)

    @cached_property
    def registry(self) -> Registry:
        """The models trained here."""
        from eclaireur.core.registry import Registry

        return Registry(self.home / "models")

    def mapping_path(self, case: str, table: str) -> Path:
        """Return where the mapping of a user's file is saved."""
        return self.home / "mappings" / case / f"{table}.toml"

    def mappings(self, case: str) -> tuple[Path, ...]:
        """Return the saved mappings of a case, by table name."""
        return tuple(sorted((self.home / "mappings" / case).glob("*.toml")))

"""Starts the desk: Django set up, tables brought up to date, the journal of files taken over."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from eclaireur.core.errors import ConfigError, ExtraMissingError

if TYPE_CHECKING:
    from pathlib import Path

    from eclaireur.core.workspace import Workspace

__all__ = [
    "desk_is_set_up",
    "holds_demo",
    "mark_demo",
    "open_workspace",
    "prepare",
    "refuse_demo",
    "set_up",
]

_TABLE = "desk_journalline"


def set_up() -> None:
    """Load Django with the desk's settings. Nothing is written but the secret key, the first time.

    Raises
    ------
    ConfigError
        If a setting is wrong.
    ExtraMissingError
        If ``DATABASE_URL`` names PostgreSQL and its part is not installed.
    """
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "eclaireur.desk.settings")
    import django
    from django.core.exceptions import ImproperlyConfigured

    try:
        django.setup()
    except ImproperlyConfigured as error:
        if "psycopg" not in str(error):
            raise
        raise ExtraMissingError(
            "la base PostgreSQL demande une partie qui n'est pas installée.",
            fix="Lancez : ./eclaireur install postgresql",
        ) from error


def desk_is_set_up(workspace: Workspace) -> bool:
    """Tell whether this installation may keep its decisions in the desk's database."""
    settings = workspace.settings
    return bool(settings.database) or (settings.home / "desk" / "desk.sqlite3").exists()


def open_workspace() -> Workspace:
    """Open the user's workspace with the journal in use: that of the desk once there is one.

    Django is loaded only then. A database that the desk has not prepared yet holds no journal: files do,
    until `prepare` takes them over.

    Raises
    ------
    ConfigError
        If a setting is wrong, or the database does not answer.
    """
    from eclaireur.core.workspace import Workspace

    found = Workspace.open()
    if not desk_is_set_up(found):
        return found
    set_up()
    from django.db import connection

    from eclaireur.desk.place import workspace

    with _database():
        prepared = _TABLE in connection.introspection.table_names()
    return workspace() if prepared else found


@contextmanager
def _database() -> Iterator[None]:
    """Say in a sentence that the database does not answer."""
    from django.db import DatabaseError, InterfaceError

    from eclaireur.desk.outages import cause

    try:
        yield
    except (DatabaseError, InterfaceError) as error:
        named = cause(error)
        if named:
            raise ConfigError(named, fix="Corrigez cela, puis relancez la commande.") from error
        reason = str(error).strip().splitlines()
        raise ConfigError(
            f"la base de données ne répond pas comme il faut ({reason[0] if reason else 'sans raison'}).",
            fix="Vérifiez qu'elle est en marche, que DATABASE_URL la nomme, et les droits du compte.",
        ) from error


def prepare() -> None:
    """Bring tables and static files up to date, and take over what the command line journalled in files.

    Several hosts may start at once: on PostgreSQL one of them does it, the others wait.

    Raises
    ------
    ConfigError
        If a setting is wrong, or the database does not answer.
    """
    set_up()
    from django.core.management import call_command

    from eclaireur.desk.journal_rows import adopt_files
    from eclaireur.desk.place import workspace
    from eclaireur.desk.upgrading import upgrade

    with _database(), _one_at_a_time():
        upgrade()
        adopt_files(workspace())
    call_command("collectstatic", interactive=False, verbosity=0)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    from django.db import connection

    if connection.vendor != "postgresql":
        yield
        return
    key = 0x0EC1A12F
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [key])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [key])


def _mark(home: Path) -> Path:
    return home / "desk" / "demo"


def holds_demo(home: Path) -> bool:
    """Tell whether a workspace holds the demonstration, whose accounts anyone may know."""
    return _mark(home).exists()


def mark_demo(workspace: Workspace) -> None:
    """Note, before demonstration accounts are made, that the workspace is one of demonstration.

    Raises
    ------
    ConfigError
        If real accounts work there, or the database is one that is shared.
    """
    from eclaireur.desk.models import User

    home = workspace.home
    if workspace.settings.database:
        raise ConfigError(
            "la démonstration n'ouvre pas de comptes d'essai dans une base PostgreSQL.",
            fix="Relancez-la sans DATABASE_URL.",
        )
    if not holds_demo(home) and User.objects.exists():
        raise ConfigError(
            f"le dossier {home} est celui d'un vrai bureau : pas de comptes d'essai ici.",
            fix="Choisissez un autre dossier : ECLAIREUR_HOME=/tmp/demo ./eclaireur demo",
        )
    _mark(home).touch(mode=0o600)


def refuse_demo(workspace: Workspace) -> None:
    """Refuse to serve for good a workspace that has demonstration accounts.

    Raises
    ------
    ConfigError
        If it holds the demonstration.
    """
    if holds_demo(workspace.home):
        raise ConfigError(
            f"le dossier {workspace.home} est celui de la démonstration : ses comptes sont connus de tous.",
            fix="Choisissez un autre dossier avec ECLAIREUR_HOME.",
        )

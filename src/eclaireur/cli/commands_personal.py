"""Commands for the people whom data concern: a copy of all that is held, erasure, what is kept too long."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, Parameter

from eclaireur.cli.options import AsJson, CaseName
from eclaireur.cli.screen import say, show, show_json

if TYPE_CHECKING:
    from eclaireur.core.card import Card
    from eclaireur.service.erasing import Trace
    from eclaireur.service.personal import Held, Rows
    from eclaireur.service.retaining import OldRows
    from eclaireur.service.work import Work

__all__ = ["register"]

_Person = Annotated[
    str,
    Parameter(name="PERSONNE", help="Identifiant, tel que les données l'écrivent : SIRET, numéro, adresse."),
]


def register(app: App) -> None:
    """Add these commands to the application."""
    personal = App(name="personal", help="Répondre à une personne : accès à ses données, effacement.")
    personal.command(_access, name="access", help="Écrire tout ce qui est gardé sur une personne.")
    personal.command(_erase, name="erase", help="Effacer une personne d'un cas, partout.")
    personal.command(_replay, name="replay", help="Effacer de nouveau, après une restauration.")
    personal.command(_retention, name="retention", help="Effacer ce qui est gardé depuis trop longtemps.")
    app.command(personal)


def _access(
    case: CaseName,
    name: _Person,
    /,
    *,
    output: Annotated[
        Path | None, Parameter(name="--output", help="Fichier à écrire : .json, .html ou .odt.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    from eclaireur.cli.opening import at_work
    from eclaireur.service import personal

    with at_work(case, quiet=True) as work:
        found = personal.held(work, name, rows=_rows(work))
        if output is not None:
            _write(work.card, found, output)
    if as_json:
        show_json(_told(found))
        return
    show(personal.access_blocks(work.card, found)[:1])
    if output is not None:
        say(f"Écrit : {output}")
    else:
        say("Pour tout remettre à la personne : ajoutez --output dossier.odt, ou .json.")


def _write(card: Card, found: Held, output: Path) -> None:
    import json

    from eclaireur.core.errors import BadValueError
    from eclaireur.core.files import write_atomically
    from eclaireur.core.html import write_html
    from eclaireur.core.odt import write_odt
    from eclaireur.service.personal import access_blocks

    title = "Données gardées sur une personne"
    kind = output.suffix.lower()
    if kind == ".json":
        text = json.dumps(_told(found), ensure_ascii=False, indent=1, default=str)
        write_atomically(output, lambda path: _text(path, text))
    elif kind in {".html", ".odt"}:
        write = write_html if kind == ".html" else write_odt
        write(access_blocks(card, found), output, title=title, mentions={})
    else:
        raise BadValueError(f"format inconnu : « {kind} ».", fix="Choisissez .json, .html ou .odt.")


def _text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def _told(found: Held) -> dict[str, Any]:
    return {
        "case": found.case,
        "names": list(found.names),
        "tables": dict(found.tables),
        "journal": found.journal,
        "desk": dict(found.desk),
    }


def _erase(
    case: CaseName,
    name: _Person,
    /,
    *,
    by: Annotated[str, Parameter(name="--by", help="Prénom et nom de qui efface.")],
    reason: Annotated[str, Parameter(name="--reason", help="Pourquoi, sans nommer la personne.")],
    words: Annotated[
        tuple[str, ...],
        Parameter(
            name="--word", negative="", help="Autre mot qui la nomme, à chercher ensuite partout ; répétable."
        ),
    ] = (),
    as_json: AsJson = False,
) -> None:
    from eclaireur.cli.opening import at_work
    from eclaireur.service import personal

    with at_work(case, quiet=as_json) as work:
        found = personal.erase(work, name, by=by, reason=reason, rows=_rows(work), words=words)
    if as_json:
        show_json({"case": case, "done": [*map(_line, found.done)], "left": [*map(_line, found.left)]})
        return
    _say(found.done, "Effacé :")
    if found.left:
        _say(found.left, "Nomme encore la personne, à effacer ou à refaire vous-même :")
        say("Un modèle qui la nomme : ./eclaireur train, puis promote ; une sauvegarde : refaites-la.")
    else:
        say("Plus aucun fichier de cette installation ne la nomme.")
    say("Vos fichiers d'origine et vos sauvegardes ne sont pas touchés ; relus, ils le seront sans elle.")


def _replay(
    case: CaseName,
    /,
    *,
    erased: Annotated[
        Path | None, Parameter(name="--erased", help="Liste des effacements (erased.jsonl) gardée à part.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    from eclaireur.cli.opening import at_work
    from eclaireur.core.erasures import read_erasures
    from eclaireur.service import personal

    with at_work(case, quiet=as_json) as work:
        if erased is not None:
            work.workspace.erasures.merge(read_erasures(erased))
        found = personal.replay(work, rows=_rows(work))
    if as_json:
        show_json({"case": case, "done": [*map(_line, found)]})
    elif found:
        _say(found, "Effacé de nouveau :")
    else:
        say("Rien à effacer de nouveau.")


def _retention(
    case: CaseName,
    /,
    *,
    apply: Annotated[
        bool, Parameter(name="--apply", negative="", help="Effacer, au lieu de montrer.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    from eclaireur.cli.opening import at_work
    from eclaireur.core import french
    from eclaireur.service.retaining import retain

    with at_work(case, quiet=as_json) as work:
        found = retain(work, rows=_old_rows(work), apply=apply)
    if as_json:
        told = {"case": case, "months": found.months, "before": found.limit.date().isoformat()}
        show_json({**told, "applied": apply, "gone": [*map(_line, found.gone)]})
        return
    say(
        f"Durée de conservation : {found.months} mois, donc rien d'avant le {french.day(found.limit.date())}."
    )
    if not found.gone:
        say("Rien à effacer.")
        return
    _say(found.gone, "Effacé :" if apply else "À effacer :")
    if not apply:
        say("Pour effacer : ajoutez --apply. Le bureau, en service, le fait chaque nuit.")


def _old_rows(work: Work) -> OldRows | None:
    from eclaireur.desk.start import desk_is_set_up

    if not desk_is_set_up(work.workspace):
        return None
    from eclaireur.desk.retaining import DeskOldRows

    return DeskOldRows(work.workspace, work.card.name)


def _rows(work: Work) -> Rows | None:
    """Return the rows of the desk, where there is one."""
    from eclaireur.desk.start import desk_is_set_up

    if not desk_is_set_up(work.workspace):
        return None
    from eclaireur.desk.erasing import DeskRows

    return DeskRows(work.workspace, work.card.name)


def _line(one: Trace) -> dict[str, Any]:
    return {"kind": one.kind, "place": one.place, "rows": one.rows}


def _say(found: Collection[Trace], title: str) -> None:
    say(title)
    for one in found:
        count = f" ({one.rows})" if one.rows else ""
        say(f"  {one.kind}{count} : {one.place}")

"""Commands about the project itself: new, check-cards, journal."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from eclaireur.cli.options import AsJson
from eclaireur.cli.screen import say, show_json

__all__ = ["register"]


def register(app: App) -> None:
    """Add these commands to the application."""
    app.command(_new, name="new", help="Créer un cas d'usage : sa fiche, son code, son test.")
    app.command(_check_cards, name="check-cards", help="Vérifier ce que les fiches annoncent.")
    journal = App(name="journal", help="Journal des décisions.")
    journal.command(_verify, name="verify", help="Vérifier la chaîne du journal, ligne par ligne.")
    app.command(journal)


def _new(
    case: Annotated[str, Parameter(help="Nom du cas : lettres minuscules, chiffres et _.")],
    /,
    *,
    into: Annotated[
        Path | None, Parameter(help="Dossier qui recevra le cas ; par défaut, celui des cas fournis.")
    ] = None,
) -> None:
    from eclaireur.service.scaffold import new_case

    folder = new_case(case, into)
    say(f"Cas créé : {folder}")
    say("Remplissez sa fiche case.toml, puis lancez ses tests : ./eclaireur test")


def _check_cards(
    *,
    write_docs: Annotated[
        Path | None, Parameter(help="Écrire le catalogue et les formats dans ce dossier de documentation.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    from eclaireur.core.card import false_claims
    from eclaireur.core.catalog import cards
    from eclaireur.service.cataloguing import write_pages

    if write_docs is not None:
        for page in write_pages(cards(), write_docs):
            say(f"Page écrite : {page}")
    problems = {card.name: false_claims(card) for card in cards()}
    if as_json:
        show_json({"problems": problems})
    else:
        for name, found in problems.items():
            for problem in found:
                say(f"{name} : {problem}")
        if not any(problems.values()):
            say(f"Fiches vérifiées : {', '.join(problems)}.")
    return 1 if any(problems.values()) else 0


def _verify(*, as_json: AsJson = False) -> None:
    from eclaireur.desk.start import open_workspace

    report = open_workspace().journal.verify()
    if as_json:
        show_json({"entries": report.entries, "head": report.head})
        return
    say(f"Journal vérifié : {report.entries} lignes, empreinte {report.head}.")

"""Commands of the desk: demo, serve, access."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Annotated

from cyclopts import App, Parameter

from eclaireur.cli.screen import say, show

if TYPE_CHECKING:
    import socket

    from eclaireur.desk.serving import Part
    from eclaireur.service.demo import Played

__all__ = ["register"]

_Port = Annotated[int, Parameter(name="--port", help="Port d'écoute.")]


def register(app: App) -> None:
    """Add these commands to the application."""
    app.command(_demo, name="demo", help="Montrer un cas complet, et son bureau, sur un département fictif.")
    app.command(_serve, name="serve", help="Servir le bureau : pages, API et tâches.")
    app.command(
        _access, name="access", help="Redonner un accès à un compte du bureau, depuis la machine qui le sert."
    )


def _serve(
    *,
    host: Annotated[str, Parameter(name="--host", help="Adresse d'écoute.")] = "127.0.0.1",
    port: _Port = 8000,
    processes: Annotated[int, Parameter(name="--processes", help="Nombre de processus web.")] = 2,
    part: Annotated[
        str,
        Parameter(name="--part", help="Ce qui est servi ici : « all », « web » ou « tasks » (PostgreSQL)."),
    ] = "all",
    plain_http: Annotated[
        bool,
        Parameter(
            name="--plain-http",
            negative="",
            help="Servir au réseau sans HTTPS : mots de passe et dossiers passent en clair.",
        ),
    ] = False,
) -> None:
    from eclaireur.core.workspace import Workspace
    from eclaireur.desk import serving, start

    chosen = _part(part)
    _check_range("--processes", processes, 64)
    _check_range("--port", port, 65_535)
    workspace = Workspace.open()
    settings = workspace.settings
    serving.check_hosting(settings, host, chosen, plain_http=plain_http)
    start.refuse_demo(workspace)
    with serving.only_one(settings):
        listener = None if chosen is serving.Part.TASKS else serving.free_socket(host, port)
        start.prepare()
        address = settings.url.rstrip("/") or _address(listener)
        serving.serve(
            listener,
            processes=processes,
            part=chosen,
            started=lambda: _announce(address) if listener else say("Tâches en marche."),
        )
    say("Bureau arrêté.")


def _part(text: str) -> Part:
    from eclaireur.core.errors import BadValueError
    from eclaireur.desk.serving import Part

    try:
        return Part(text)
    except ValueError as error:
        raise BadValueError(
            f"valeur invalide pour --part : « {text} ».", fix="Écrivez all, web ou tasks."
        ) from error


def _check_range(option: str, value: int, most: int) -> None:
    from eclaireur.core.errors import BadValueError

    if not 1 <= value <= most:
        raise BadValueError(f"valeur invalide pour {option} : {value} ; attendu : de 1 à {most}.")


def _address(listener: socket.socket | None) -> str:
    if listener is None:
        return ""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _announce(address: str) -> None:
    """Say where the desk is and, while nobody manages it, the link that makes the first administrator."""
    from eclaireur.desk.accounts.links import first_administrator_link

    say(f"Bureau servi : {address}/")
    link = first_administrator_link()
    if link:
        say("Aucun administrateur n'existe encore. Ce lien sert une fois, ne le partagez pas :")
        say(link if link.startswith("http") else f"{address}{link}")
    say("Ctrl+C pour arrêter.")


def _access(
    login: Annotated[str, Parameter(help="Identifiant du compte.")],
    /,
    *,
    second_factor: Annotated[
        bool,
        Parameter(name="--remove-second-factor", negative="", help="Retirer aussi son second facteur."),
    ] = False,
) -> None:
    from eclaireur.core.errors import NotFoundError
    from eclaireur.core.workspace import Workspace
    from eclaireur.desk import start

    found = Workspace.open()
    if not start.desk_is_set_up(found):
        raise NotFoundError(
            "aucun bureau n'est installé ici.", fix="`./eclaireur serve` l'installe et donne le premier lien."
        )
    start.prepare()
    from eclaireur.desk.accounts.acts import send_link_from_host
    from eclaireur.desk.accounts.links import HOURS

    link = send_link_from_host(login, second_factor=second_factor)
    say(f"Ce lien laisse choisir un mot de passe. Il sert une fois, pendant {HOURS} heures :")
    say(
        link
        if link.startswith("http")
        else f"{found.settings.url.rstrip('/') or 'http://ADRESSE-DU-BUREAU'}{link}"
    )


def _demo(
    case: Annotated[str, Parameter(help="Cas à montrer, sur son échantillon.")] = "restaurant_risk",
    /,
    *,
    check: Annotated[
        bool, Parameter(name="--check", negative="", help="Vérifier puis finir : code 0 si tout va bien.")
    ] = False,
    port: _Port = 8000,
    open_browser: Annotated[
        bool, Parameter(name="--open", negative="", help="Ouvrir le navigateur de cette machine.")
    ] = False,
) -> int:
    from eclaireur.cli.commands_lists import summary, where
    from eclaireur.cli.opening import at_work
    from eclaireur.core.workspace import Workspace
    from eclaireur.desk import serving, start
    from eclaireur.service import demo

    _check_range("--port", port, 65_535)
    workspace = Workspace.open()
    with serving.only_one(workspace.settings), serving.free_socket("127.0.0.1", port, tries=100) as listener:
        start.prepare()
        start.mark_demo(workspace)
        with at_work(case) as work:
            played = demo.play(work)
        show(summary(work, played.signals, 10))
        say(f"Liste du mois : {played.output}")
        where(work, "sample", played.signals)
        if played.outcomes is not None:
            say(
                "Faire tourner la boucle : "
                f"./eclaireur outcomes import {case} {played.outcomes} --source sample"
            )
        problems = [*played.problems, *_show_desk(played, listener, check=check, open_browser=open_browser)]
    for problem in problems:
        say(f"Vérification manquée : {problem}")
    if check and not problems:
        say("Démonstration vérifiée : données, modèle, indices, raisons, liste et bureau.")
    return 1 if problems else 0


def _show_desk(played: Played, listener: socket.socket, *, check: bool, open_browser: bool) -> list[str]:
    """Serve the demonstration until Ctrl+C or, to check it, until its pages were read."""
    from eclaireur.desk import demo, serving

    address = _address(listener)
    agent, accounts = demo.fill(played.signals.run.case, searches=not check)
    way_in = demo.way_in(agent)
    found: list[str] = []

    reader = threading.Thread(target=lambda: found.extend(demo.problems(address, played.signals, way_in)))

    def started() -> None:
        if check:
            reader.start()
            return
        say(f"Bureau de démonstration : {address}/")
        say("Entrer comme agent (ce lien sert une fois) :")
        say(f"{address}{way_in}")
        if accounts:
            say("Comptes d'essai ; leurs mots de passe ne seront plus montrés :")
        for one in accounts:
            say(f"  {one.login:<15} {one.password}   {one.full_name}")
        say("Ctrl+C pour arrêter.")
        if open_browser:
            import webbrowser

            webbrowser.open(f"{address}{way_in}")

    serving.serve(listener, processes=1, started=started, over=lambda: check and not reader.is_alive())
    return found

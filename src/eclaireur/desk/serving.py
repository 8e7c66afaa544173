"""Serves the desk: several web processes on one address, and one that carries tasks, all kept alive.

``python -m eclaireur.desk.serving web FD PROCESSES PARENT`` and ``… tasks PARENT`` are the programs that
`serve` starts; nobody types them.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from eclaireur.core.errors import ConfigError, WorkFailedError
from eclaireur.desk.children import Child, die_with_parent, watch
from eclaireur.desk.scratch import scratch, settle

if TYPE_CHECKING:
    from eclaireur.core.config import Settings

__all__ = ["Part", "check_hosting", "free_socket", "only_one", "serve"]

_THREADS = 4
_BACKLOG = 512
_TIMEOUT = 60
_PATIENCE = 30
_REQUESTS = 20_000
_MASTER = ("ECLAIREUR_MASTER_KEY", "ECLAIREUR_MASTER_KEY_FILE")


class Part(StrEnum):
    """What one call of ``serve`` serves. On several hosts the web and the tasks are parted."""

    ALL = "all"
    WEB = "web"
    TASKS = "tasks"


def check_hosting(settings: Settings, host: str, part: Part, *, plain_http: bool) -> None:
    """Refuse what would not be safe, or would lose decisions.

    Passwords and files cross a network only by HTTPS: a proxy carries it, and ``ECLAIREUR_URL`` says so.
    Web and tasks are parted to stand on several hosts: these share a PostgreSQL, the secret that signs
    sessions and the journal's master key.

    Raises
    ------
    ConfigError
        With the setting to write.
    """
    if not _is_loopback(host) and not settings.url.startswith("https://") and not plain_http:
        raise ConfigError(
            f"à l'adresse {host}, les mots de passe passeraient en clair sur le réseau.",
            fix="Placez un serveur HTTPS devant et donnez son adresse dans ECLAIREUR_URL, "
            "ou acceptez ce risque par --plain-http.",
        )
    if part is Part.ALL:
        return
    if not settings.database:
        raise ConfigError(
            "le bureau sur plusieurs machines demande une base PostgreSQL.",
            fix="Donnez son adresse dans DATABASE_URL, ou lancez « serve » sans --part.",
        )
    if not settings.secret_key or not any(map(os.environ.get, _MASTER)):
        raise ConfigError(
            "plusieurs machines doivent partager les mêmes secrets.",
            fix="Définissez ECLAIREUR_SECRET_KEY et ECLAIREUR_MASTER_KEY, les mêmes sur chacune.",
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def free_socket(host: str, port: int, *, tries: int = 1) -> socket.socket:
    """Listen at an address: at ``port``, or at the first free one of the ``tries`` that follow.

    Raises
    ------
    ConfigError
        If no port is free, or the address is not one of this machine.
    """
    for number in range(port, min(port + tries, 65_536)):
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host.strip("[]"), number))
            listener.listen(_BACKLOG)
        except PermissionError as error:
            listener.close()
            raise ConfigError(
                f"le port {number} est réservé au système.",
                fix="Choisissez-en un au-dessus de 1023 : --port 8000.",
            ) from error
        except socket.gaierror as error:
            listener.close()
            raise ConfigError(
                f"l'adresse « {host} » est inconnue.",
                fix="Écrivez --host 127.0.0.1 ou une adresse de la machine.",
            ) from error
        except OSError as error:
            listener.close()
            if error.errno == errno.EADDRNOTAVAIL:
                raise ConfigError(
                    f"l'adresse {host} n'est pas celle de cette machine.", fix="Écrivez --host 127.0.0.1."
                ) from error
            continue
        return listener
    raise ConfigError(
        f"le port {port} est déjà pris sur {host}.",
        fix=f"Choisissez-en un autre : --port {min(port + 1, 65_535)}.",
    )


@contextmanager
def only_one(settings: Settings) -> Iterator[None]:
    """Hold the workspace for one ``serve`` at a time, unless its rows are in PostgreSQL.

    SQLite serves one machine: a second ``serve`` on the same folder, from this one or another, is refused.

    Raises
    ------
    ConfigError
        If a desk is being served from this workspace.
    """
    if settings.database:
        yield
        return
    from eclaireur.core.locking import exclusive

    folder = settings.home / "desk"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    held = exclusive(folder / "serve.lock", timeout=0.2)
    try:
        held.__enter__()
    except WorkFailedError as error:
        raise ConfigError(
            f"le bureau de {settings.home} est déjà servi.",
            fix="Arrêtez l'autre, ou passez à PostgreSQL par DATABASE_URL pour en servir plusieurs.",
        ) from error
    try:
        yield
    finally:
        held.__exit__(None, None, None)


def serve(
    listener: socket.socket | None,
    *,
    processes: int = 2,
    part: Part = Part.ALL,
    started: Callable[[], None] = lambda: None,
    over: Callable[[], bool] = lambda: False,
) -> None:
    """Serve until SIGTERM, Ctrl+C or ``over``. The desk must be prepared (`start.prepare`).

    Parameters
    ----------
    listener
        Where to answer; None for `Part.TASKS`. It stays open through every restart: a request that comes
        meanwhile waits.
    processes
        Web processes, of four threads each.
    part, started, over
        What to serve, what to call when it began, and what ends it.
    """
    me = str(os.getpid())
    program = (sys.executable, "-P", "-m", "eclaireur.desk.serving")
    children = []
    if listener is not None and part is not Part.TASKS:
        listener.set_inheritable(True)
        number = listener.fileno()
        children.append(
            Child("Le serveur web", (*program, "web", str(number), str(processes), me), files=(number,))
        )
    if part is not Part.WEB:
        children.append(Child("Le processus des tâches", (*program, "tasks", me)))
    with scratch() as folder:
        watch(children, started=started, over=over, patience=_PATIENCE + 5, folder=folder)


def _web(number: int, processes: int) -> None:
    from django.urls import get_resolver
    from gunicorn.app.base import BaseApplication

    from eclaireur.desk.queueing import health_first
    from eclaireur.desk.wsgi import application

    _ = get_resolver().url_patterns  # every page is loaded once, here: no first visitor waits for it

    class Server(BaseApplication):  # type: ignore[misc]
        """Gunicorn, told by values instead of a file."""

        def load_config(self) -> None:
            options: dict[str, Any] = {
                "bind": f"fd://{number}",
                "workers": processes,
                "worker_class": health_first(),
                "threads": _THREADS,
                "timeout": _TIMEOUT,
                "graceful_timeout": _PATIENCE - 5,
                "keepalive": 5,
                "accesslog": None,  # who looked at what is the journal's business, not a text file's
                "errorlog": "-",
                "loglevel": "warning",
                "limit_request_line": 8190,  # the most it takes: a long question is part of an address
                "umask": 0o077,
                "max_requests": _REQUESTS,
                "max_requests_jitter": _REQUESTS // 10,
                "worker_tmp_dir": "/dev/shm" if os.path.isdir("/dev/shm") else None,  # noqa: PTH112, S108
                "control_socket_disable": True,
                "preload_app": True,
                "proc_name": "eclaireur",
                "post_fork": lambda _server, _worker: settle(),
            }
            for name, value in options.items():
                self.cfg.set(name, value)

        def load(self) -> Any:
            return application

    Server().run()


def _tasks() -> None:
    from eclaireur.desk.start import set_up

    set_up()
    from eclaireur.desk.jobs.worker import run_worker

    run_worker()


def _main(words: list[str]) -> int:
    die_with_parent(int(words[-1]))
    settle()
    match words[0]:
        case "web":
            _web(int(words[1]), int(words[2]))
        case "tasks":
            _tasks()
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))

"""Which database the desk uses: SQLite in the workspace, or PostgreSQL by ``DATABASE_URL``."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from eclaireur.core.clear import may_be_clear
from eclaireur.core.errors import ConfigError

__all__ = ["database_settings"]

_FORM = "postgresql://utilisateur:secret@serveur:5432/base"
_CHECKED = "verify-full"


def database_settings(url: str, home: Path, clear: str = "") -> dict[str, Any]:
    """Return Django's settings of the default database.

    A PostgreSQL of another host is reached by TLS alone, with a certificate checked for its name: libpq's own
    default would fall back on clear text.

    Parameters
    ----------
    url
        Empty for SQLite, else ``postgresql://user:password@host:port/name?option=value``.
    home
        Workspace that holds the SQLite file.
    clear
        Hosts of a network that nobody else is on, taken as the address says, separated by commas.

    Raises
    ------
    ConfigError
        If the address names another kind of database, no database at all, or another host without TLS.

    Examples
    --------
    >>> database_settings("postgresql://ada@db.example/desk?sslmode=verify-full", Path("."))["HOST"]
    'db.example'
    """
    if not url:
        return {
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": str(home / "desk" / "desk.sqlite3"),
            # IMMEDIATE: a transaction that will write takes its place at once, instead of failing half-way.
            "OPTIONS": {"transaction_mode": "IMMEDIATE", "timeout": 20},
            # One for each thread, for its life: opening it and reading its schema costs more than a page.
            "CONN_MAX_AGE": None,
        }
    parts = urlsplit(url)
    if parts.scheme not in {"postgres", "postgresql"} or not parts.path.strip("/"):
        raise ConfigError(
            "l'adresse de la base n'est pas celle d'une base PostgreSQL.",
            fix=f"Corrigez DATABASE_URL, sous la forme {_FORM}, ou retirez-la pour SQLite.",
        )
    try:
        port = parts.port
    except ValueError as error:
        raise ConfigError("le port de la base est invalide.", fix=f"Forme attendue : {_FORM}.") from error
    options: dict[str, Any] = dict(parse_qsl(parts.query))
    host = unquote(parts.hostname or "") or options.pop("host", "")
    _check_tls(options.get("hostaddr", host), options.get("sslmode", ""), clear)
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": unquote(parts.path.strip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or ""),
        "HOST": host,
        "PORT": str(port or ""),
        "OPTIONS": options,
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
    }


def _check_tls(hosts: str, mode: str, clear: str) -> None:
    """Refuse another host that is not reached by a checked TLS, unless it is named as one of one's own."""
    if mode == _CHECKED or all(may_be_clear(host, clear) for host in hosts.split(",")):
        return
    raise ConfigError(
        "la base PostgreSQL est sur une autre machine, et rien n'y vérifie le chiffrement.",
        fix=f"Ajoutez ?sslmode={_CHECKED} à DATABASE_URL. Sur un réseau qui n'est qu'à vous, nommez cette "
        "machine dans ECLAIREUR_CLEAR_HOSTS.",
    )

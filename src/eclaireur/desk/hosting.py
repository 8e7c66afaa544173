"""Under which addresses the desk answers, and whether they are encrypted."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from eclaireur.core.errors import ConfigError

__all__ = ["Hosting", "hosting_settings"]

_LOCAL = ("localhost", "127.0.0.1", "[::1]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hosting:
    """Host names that are answered, origins whose forms are taken, and whether browsers come by HTTPS."""

    hosts: tuple[str, ...]
    origins: tuple[str, ...]
    https: bool

    @property
    def cookies(self) -> str:
        """What names of cookies begin with.

        A browser takes ``__Host-`` by HTTPS alone, for this host alone: none beside it writes or reads them.
        """
        return "__Host-" if self.https else ""


def hosting_settings(url: str, hosts: str) -> Hosting:
    """Read the public address of the desk.

    Parameters
    ----------
    url
        Address that people type, such as ``https://eclaireur.exemple.fr``; empty: this machine alone.
    hosts
        Further host names, separated by commas.

    Raises
    ------
    ConfigError
        If the address is not one of HTTP or HTTPS, or a host is a pattern that answers everyone.

    Examples
    --------
    >>> hosting_settings("https://eclaireur.exemple.fr", "").https
    True
    """
    names = [*_LOCAL, *(name.strip() for name in hosts.split(",") if name.strip())]
    if "*" in names:
        raise ConfigError(
            "« * » accepterait n'importe quel nom de machine.",
            fix="Écrivez les noms de machine dans ECLAIREUR_HOSTS, séparés par des virgules.",
        )
    if not url:
        return Hosting(hosts=tuple(names), origins=(), https=False)
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ConfigError(
            f"l'adresse du bureau est invalide : « {url} ».",
            fix="Écrivez-la en entier dans ECLAIREUR_URL, par exemple https://eclaireur.exemple.fr.",
        )
    origin = f"{parts.scheme}://{parts.netloc}"
    return Hosting(hosts=(*names, parts.hostname), origins=(origin,), https=parts.scheme == "https")

"""Which hosts may be reached without a checked encryption: this machine, and those that were named."""

from __future__ import annotations

import ipaddress

__all__ = ["may_be_clear"]


def may_be_clear(host: str, named: str) -> bool:
    """Tell whether what goes to a host stays between machines of one's own.

    Parameters
    ----------
    host
        Name, address or socket, as a setting gives it.
    named
        Hosts of a network that nobody else is on, separated by commas (``ECLAIREUR_CLEAR_HOSTS``).

    Examples
    --------
    >>> [may_be_clear(host, "db") for host in ("", "/run/postgresql", "::1", "localhost", "db", "db.example")]
    [True, True, True, True, True, False]
    """
    if not host or host.startswith(("/", "@")) or host == "localhost":
        return True
    if host.lower() in {one.strip().lower() for one in named.split(",")}:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False

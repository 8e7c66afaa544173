"""Which addresses a connector may reach: those of the public internet, and those an administrator allows.

A name is resolved once, every address that it gives is judged, and the connection goes to one of them: a name
that gives another address the second time (DNS rebinding) gains nothing.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, urlencode, urlsplit, urlunsplit

from eclaireur.core.errors import BadValueError, ConfigError, RefusedError, WorkFailedError

__all__ = ["Address", "Resolver", "Rules", "Target", "parse", "resolve", "shown", "system_resolver"]

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolver = Callable[[str, int], tuple[str, ...]]

_PORTS = {"http": 80, "https": 443}
_LONGEST = 8000
# IPv6 addresses that carry an IPv4 one, and where in their 128 bits it lies.
_CARRIERS: tuple[tuple[_Network, int], ...] = (
    (ipaddress.ip_network("::ffff:0:0/96"), 0),  # IPv4-mapped
    (ipaddress.ip_network("::ffff:0:0:0/96"), 0),  # IPv4-translated
    (ipaddress.ip_network("::/96"), 0),  # IPv4-compatible
    (ipaddress.ip_network("64:ff9b::/96"), 0),  # NAT64
    (ipaddress.ip_network("64:ff9b:1::/48"), 0),  # NAT64, local
    (ipaddress.ip_network("2002::/16"), 80),  # 6to4
    (ipaddress.ip_network("2001::/32"), 0),  # Teredo: the client's, inverted
)
_TEREDO = ipaddress.ip_network("2001::/32")
# What Python's `is_global` lets through, or has let through in some versions.
_MORE = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # shared by carriers (CGNAT), and Alibaba's metadata
        "192.0.0.0/24",  # IETF's, and Oracle's metadata
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",
        "240.0.0.0/4",
        "100::/64",
        "2001::/23",
        "2001:db8::/32",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",  # unique local, and Amazon's metadata fd00:ec2::254
        "fe80::/10",
        "fec0::/10",
    )
)
_SECRET = re.compile(
    r"(token|key|secret|passw|pwd|signature|credential|^sig$|^auth|^code$|session)", re.IGNORECASE
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An address on the web, taken apart once: what is checked is what is asked.

    Parameters
    ----------
    host
        Name or literal address, in ASCII and lower case, without brackets.
    path
        Path and query, escaped, as they are sent.
    """

    scheme: str
    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        """The whole address."""
        return f"{self.scheme}://{self.authority}{self.path}"

    @property
    def authority(self) -> str:
        """Host and port as the ``Host`` header says them."""
        name = f"[{self.host}]" if ":" in self.host else self.host
        return name if self.port == _PORTS[self.scheme] else f"{name}:{self.port}"


def parse(url: str) -> Target:
    """Take an address apart.

    Raises
    ------
    BadValueError
        If it is not an address of the web, or carries a user name or a password.

    Examples
    --------
    >>> parse("https://www.data.gouv.fr/fr/é?a=1").path
    '/fr/%C3%A9?a=1'
    """
    fix = "Attendu : https://site/chemin."
    if len(url) > _LONGEST or re.search(r"[\x00-\x20\x7f\\]", url):
        raise BadValueError("adresse trop longue, ou avec des espaces ou des signes interdits.", fix=fix)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadValueError("adresse illisible.", fix=fix) from error
    scheme = parts.scheme.lower()
    if scheme not in _PORTS or not parts.hostname:
        raise BadValueError(f"seules les adresses http et https sont lues, pas « {scheme}: ».", fix=fix)
    if "@" in parts.netloc:
        raise BadValueError(
            "l'adresse contient un identifiant ou un mot de passe.",
            fix="Retirez ce qui précède « @ » : rien de secret ne doit être écrit dans une adresse.",
        )
    path = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    query = quote(parts.query, safe="/%:@!$&'()*+,;=~-._?[]{}|")
    return Target(
        scheme=scheme,
        host=_ascii(parts.hostname, fix),
        port=_PORTS[scheme] if port is None else port,
        path=f"{path}?{query}" if query else path,
    )


def _ascii(host: str, fix: str) -> str:
    try:
        name = host if ":" in host else host.rstrip(".").encode("idna").decode("ascii")
    except UnicodeError as error:
        raise BadValueError("le nom de ce site est illisible.", fix=fix) from error
    if not re.fullmatch(r"[a-z0-9_.\-]+|[0-9a-f:.]+(%[a-z0-9_.\-]+)?", name.lower()):
        raise BadValueError("le nom de ce site est illisible.", fix=fix)
    return name.lower()


def shown(url: str) -> str:
    """Return an address as it may be kept and printed: no user name, no secret in the query.

    Examples
    --------
    >>> shown("https://ada:pw@a.fr/x?page=2&token=abc")
    'https://a.fr/x?page=2&token=masqu%C3%A9'
    """
    try:
        parts = urlsplit(url)
        pairs = parse_qsl(parts.query, keep_blank_values=True)
    except ValueError:
        return "(adresse illisible)"
    query = parts.query
    if any(_SECRET.search(name) for name, _ in pairs):
        query = urlencode([(name, "masqué" if _SECRET.search(name) else value) for name, value in pairs])
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, query, ""))


@dataclass(frozen=True, slots=True)
class Rules:
    """Networks and host names that an administrator allows beside the public internet.

    Examples
    --------
    >>> rules = Rules.of("10.1.0.0/16, minio.interne")
    >>> rules.refusal(ipaddress.ip_address("10.1.2.3")), rules.refusal(ipaddress.ip_address("10.2.0.1"))
    ('', 'privée')
    """

    networks: tuple[_Network, ...] = ()
    hosts: frozenset[str] = frozenset()

    @classmethod
    def of(cls, text: str) -> Rules:
        """Read the setting ``allowed_addresses``: networks and host names, separated by commas.

        Raises
        ------
        ConfigError
            If a word is neither.
        """
        networks, hosts = [], set()
        for word in filter(None, (one.strip().lower() for one in text.split(","))):
            try:
                networks.append(ipaddress.ip_network(word, strict=False))
            except ValueError:
                if not re.fullmatch(r"[a-z0-9][a-z0-9.\-]*[a-z]", word):
                    raise ConfigError(
                        f"réglage « allowed_addresses » : « {word} » n'est ni un réseau ni un nom.",
                        fix="Exemple : 10.1.0.0/16, minio.interne",
                    ) from None
                hosts.add(word)
        return cls(tuple(networks), frozenset(hosts))

    def refusal(self, address: Address) -> str:
        """Return in one French word why an address is refused; empty when it may be reached."""
        allowed = any(address.version == one.version and address in one for one in self.networks)
        carried = _carried(address)
        if carried is not None:
            return self.refusal(carried) if allowed else "qui en cache une autre"
        return "" if allowed else _kind(address)


def _kind(address: Address) -> str:
    """Say what sort of address is not on the public internet; empty when it is."""
    if address.is_loopback:
        return "locale"
    if address.is_link_local:
        return "de lien local"
    if address.is_multicast:
        return "de diffusion"
    if address.is_unspecified or address.is_reserved:
        return "réservée"
    beyond = any(address.version == one.version and address in one for one in _MORE)
    return "privée" if beyond or address.is_private or not address.is_global else ""


def _carried(address: Address) -> ipaddress.IPv4Address | None:
    """Return the IPv4 address that an IPv6 one carries, if it does."""
    if address.version == 4 or address in ipaddress.ip_network("::/127"):
        return None
    for network, shift in _CARRIERS:
        if address in network:
            bits = int(address) >> shift & 0xFFFFFFFF
            return ipaddress.IPv4Address(bits ^ 0xFFFFFFFF if network == _TEREDO else bits)
    return None


def system_resolver(host: str, port: int) -> tuple[str, ...]:
    """Resolve a name as the system does."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(one[4][0]) for one in found))


def resolve(target: Target, rules: Rules, resolver: Resolver = system_resolver) -> tuple[Address, ...]:
    """Return the addresses of a target, in order of preference, all of which may be reached.

    Raises
    ------
    WorkFailedError
        If the name is unknown.
    RefusedError
        If one of its addresses may not be reached.
    """
    try:
        texts = resolver(target.host, target.port)
        found = tuple(ipaddress.ip_address(text.partition("%")[0]) for text in texts)
    except (OSError, ValueError, UnicodeError) as error:
        raise WorkFailedError(
            f"le site « {target.host} » est introuvable.",
            fix="Vérifiez l'adresse et le réseau ; si le réseau passe par un mandataire, réglez HTTPS_PROXY.",
        ) from error
    if not found:
        raise WorkFailedError(f"le site « {target.host} » n'a pas d'adresse.", fix="Vérifiez l'adresse.")
    if target.host in rules.hosts:
        return found
    for address in found:
        reason = rules.refusal(address)
        if reason:
            raise RefusedError(
                f"l'adresse de « {target.host} » est {reason} ({address}) : elle n'est pas lue.",
                fix="Si c'est voulu, un administrateur l'ajoute au réglage « allowed_addresses ».",
            )
    return found

"""Asks one thing of a web server: to the address that was checked, redirects followed by hand.

A connection is made to a checked address and speaks, in TLS and in its ``Host`` header, for the name that was
asked. Through a proxy (``HTTPS_PROXY``, ``HTTP_PROXY``, ``NO_PROXY``) the name goes to the proxy, which
resolves it: it is checked here too when this machine can resolve it, and the proxy is trusted for the rest.
"""

from __future__ import annotations

import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urljoin, urlsplit
from urllib.request import getproxies_environment, proxy_bypass

from eclaireur import __version__
from eclaireur.core.errors import EclaireurError, RefusedError, WorkFailedError
from eclaireur.sources.remote import addresses
from eclaireur.sources.remote.addresses import Resolver, Rules, Target

if TYPE_CHECKING:
    from urllib3.connection import HTTPConnection
    from urllib3.response import HTTPResponse

__all__ = ["Answer", "Client", "Limits"]

_REDIRECTS = {301, 302, 303, 307, 308}
_HOSTS = 4
"""Addresses of one name that are tried."""
_AGENT = f"eclaireur/{__version__}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one file may cost.

    Parameters
    ----------
    size
        Most bytes of a file.
    silence
        Seconds without a byte, and to connect.
    seconds
        Seconds for one answer, whole.
    redirects
        Redirects followed.
    tries
        Times a file is asked for before giving up.
    patience
        Longest wait, in seconds, that a server may ask for between two tries.
    """

    size: int = 2_000_000_000
    silence: float = 30.0
    seconds: float = 3600.0
    redirects: int = 5
    tries: int = 5
    patience: float = 120.0


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer whose body is not read yet.

    Parameters
    ----------
    target
        Where the answer came from, redirects followed.
    status
        HTTP status.
    headers
        Headers, by name in any case.
    read
        Gives the next bytes of the body as they came, empty at its end.
    """

    target: Target
    status: int
    headers: Mapping[str, str]
    read: Callable[[int], bytes] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """How to reach a target: which addresses to try, what to ask for, what a proxy must be told."""

    hosts: tuple[str, ...]
    port: int
    path: str
    headers: Mapping[str, str] = field(default_factory=dict)
    tunnel: Mapping[str, str] | None = None


class Client:
    """Opens answers under rules and limits.

    Parameters
    ----------
    rules
        Addresses that may be reached beside the public internet.
    limits
        What one file may cost.
    resolver
        Turns a name into addresses; the system's by default.
    context
        TLS; by default the system's certificates, or those that ``SSL_CERT_FILE`` names.
    sleep
        Waits between two tries, in seconds.
    """

    def __init__(
        self,
        rules: Rules | None = None,
        limits: Limits | None = None,
        *,
        resolver: Resolver = addresses.system_resolver,
        context: ssl.SSLContext | None = None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.rules = rules or Rules()
        self.limits = limits or Limits()
        self.sleep = sleep
        self._resolver = resolver
        self._context = context

    @contextmanager
    def open(self, url: str, headers: Mapping[str, str] | None = None) -> Iterator[Answer]:
        """Ask for an address, follow its redirects, and give the last answer while the block lasts.

        Raises
        ------
        RefusedError
            If an address on the way may not be reached, or leaves https for http.
        WorkFailedError
            If there are too many redirects, or the certificate is not valid.
        OSError
            If the connection fails: worth another try.
        """
        target = addresses.parse(url)
        for _ in range(self.limits.redirects + 1):
            with self._ask(target, headers or {}) as answer:
                location = answer.headers.get("location")
                if answer.status not in _REDIRECTS or not location:
                    yield answer
                    return
            target = self._next(target, location)
        raise WorkFailedError(
            f"le site redirige plus de {self.limits.redirects} fois.",
            fix="Donnez l'adresse finale du fichier.",
        )

    @staticmethod
    def _next(target: Target, location: str) -> Target:
        try:
            following = addresses.parse(urljoin(target.url, location))
        except EclaireurError as error:
            raise RefusedError(
                f"le site redirige vers une adresse refusée : {error.message}",
                fix="Donnez l'adresse finale du fichier.",
            ) from error
        if target.scheme == "https" and following.scheme == "http":
            raise RefusedError(
                "le site redirige vers une adresse qui n'est pas chiffrée.",
                fix="Si c'est voulu, donnez directement l'adresse en http.",
            )
        return following

    @contextmanager
    def _ask(self, target: Target, headers: Mapping[str, str]) -> Iterator[Answer]:
        """Make one request; the connection ends with the block, or when its time is over."""
        from urllib3.exceptions import HTTPError, SSLError

        way = self._way(target)
        connection = self._connected(target, way)
        watch = threading.Timer(self.limits.seconds, _cut, (connection,))
        watch.daemon = True
        sent = {
            "Host": target.authority,
            "User-Agent": _AGENT,
            "Accept": "*/*",
            "Accept-Encoding": "identity",
            **way.headers,
            **headers,
        }
        watch.start()
        try:
            connection.request("GET", way.path, headers=sent, preload_content=False, decode_content=False)
            response = connection.getresponse()
            yield Answer(target, response.status, response.headers, _reader(response))
        except SSLError as error:
            raise _untrusted(target) from error
        except ssl.SSLCertVerificationError as error:
            raise _untrusted(target) from error
        except HTTPError as error:
            raise ConnectionError(str(type(error).__name__)) from error
        finally:
            watch.cancel()
            connection.close()

    def _way(self, target: Target) -> _Way:
        proxy = _proxy(target)
        if proxy is None:
            hosts = tuple(map(str, addresses.resolve(target, self.rules, self._resolver)))
            return _Way(hosts=hosts[:_HOSTS], port=target.port, path=target.path)
        self._check_behind_proxy(target)
        asked: dict[str, str] = {}
        if proxy.username:
            from urllib3.util import make_headers

            pair = f"{unquote(proxy.username)}:{unquote(proxy.password or '')}"
            asked = dict(make_headers(proxy_basic_auth=pair))
        hosts, port = (str(proxy.hostname),), proxy.port or 3128
        if target.scheme == "http":
            return _Way(hosts=hosts, port=port, path=target.url, headers=asked)
        return _Way(hosts=hosts, port=port, path=target.path, tunnel=asked)

    def _connected(self, target: Target, way: _Way) -> HTTPConnection:
        """Connect to the first of the addresses that answers: a machine may have no way to some of them."""
        from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError, SSLError

        for rank, host in enumerate(way.hosts, start=1):
            connection = self._made(target, way, host)
            try:
                connection.connect()
            except (NewConnectionError, ConnectTimeoutError) as error:
                connection.close()
                if rank == len(way.hosts):
                    raise ConnectionError(str(type(error).__name__)) from error
            except (SSLError, ssl.SSLCertVerificationError) as error:
                connection.close()
                raise _untrusted(target) from error
            except HTTPError as error:
                connection.close()
                raise ConnectionError(str(type(error).__name__)) from error
            else:
                return connection
        raise ConnectionError(target.host)

    def _made(self, target: Target, way: _Way, host: str) -> HTTPConnection:
        from urllib3.connection import HTTPConnection, HTTPSConnection

        if target.scheme == "http":
            return HTTPConnection(host, way.port, timeout=self.limits.silence)
        secured = HTTPSConnection(
            host,
            way.port,
            timeout=self.limits.silence,
            ssl_context=self._context or ssl.create_default_context(),
            server_hostname=target.host,
        )
        if way.tunnel is not None:
            secured.set_tunnel(target.host, target.port, headers=way.tunnel)
        return secured

    def _check_behind_proxy(self, target: Target) -> None:
        # Behind a proxy, names of the outside often cannot be resolved here: the proxy decides then.
        with suppress(WorkFailedError):
            addresses.resolve(target, self.rules, self._resolver)


def _reader(response: HTTPResponse | Any) -> Callable[[int], bytes]:
    def read(count: int) -> bytes:
        data: bytes = response.read1(count, decode_content=False)
        return data

    return read


def _cut(connection: HTTPConnection) -> None:
    """End a connection from another thread: a server that drips bytes cannot hold this one."""
    import socket

    if connection.sock is not None:
        with suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)


def _untrusted(target: Target) -> WorkFailedError:
    return WorkFailedError(
        f"le certificat de « {target.host} » n'est pas valide, ou la connexion chiffrée échoue.",
        fix="Vérifiez l'adresse. Si votre réseau a son propre certificat, nommez-le dans SSL_CERT_FILE.",
    )


def _proxy(target: Target) -> Any:
    """Return the proxy that the environment names for a target, taken apart, or None."""
    named = getproxies_environment()
    address = named.get(target.scheme) or named.get("all")
    if not address or proxy_bypass(target.host):
        return None
    return urlsplit(address if "://" in address else f"http://{address}")

"""A web site on loopback that says what a test tells it to: redirects, delays, cuts, wrong lengths."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

__all__ = ["Page", "Site", "serve"]


@dataclass
class Page:
    """An answer: what is sent, and how it lies.

    Parameters
    ----------
    cut
        Bytes of the body after which the connection is closed.
    length
        What ``Content-Length`` says; by default the truth, and nothing when it is empty.
    drip
        Seconds between two bytes of the body.
    """

    body: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    cut: int | None = None
    length: str | None = None
    drip: float = 0.0


Answering = Callable[["Site", dict[str, str]], Page]


@dataclass
class Site:
    """Pages by path, and what was asked for."""

    pages: dict[str, Page | list[Page] | Answering] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    port: int = 0

    @property
    def url(self) -> str:
        """Address of the site."""
        return f"http://127.0.0.1:{self.port}"

    def paths(self) -> list[str]:
        """Paths that were asked for, in order."""
        return [path for path, _ in self.asked]

    def answer(self, path: str, headers: dict[str, str]) -> Page:
        """Take the page of a path; of several, the next, and the last for ever."""
        self.asked.append((path, headers))
        found = self.pages.get(path) or self.pages.get(path.partition("?")[0])
        if isinstance(found, list):
            return found.pop(0) if len(found) > 1 else found[0]
        if callable(found):
            return found(self, headers)
        return found or Page(status=404)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    site: ClassVar[Site]
    stop: ClassVar[threading.Event]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its parent's name
        """Say nothing."""

    def do_GET(self) -> None:
        page = self.site.answer(self.path, {name.lower(): value for name, value in self.headers.items()})
        body = page.body
        self.send_response(page.status)
        length = str(len(body)) if page.length is None else page.length
        if length:
            self.send_header("Content-Length", length)
        for name, value in page.headers.items():
            self.send_header(name, value)
        self.end_headers()
        try:
            if page.drip:
                for byte in body:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    if self.stop.wait(page.drip):
                        break
            elif self.command != "HEAD":
                self.wfile.write(body if page.cut is None else body[: page.cut])
        except OSError:
            pass  # the client left
        self.close_connection = True

    do_HEAD = do_GET  # noqa: N815 - its parent's name


@contextmanager
def serve(context: Any = None) -> Iterator[Site]:
    """Serve a site while the block lasts, over TLS when a context is given."""
    site = Site()
    stop = threading.Event()
    handler = type("Handler", (_Handler,), {"site": site, "stop": stop})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    site.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield site
    finally:
        stop.set()
        server.shutdown()
        server.server_close()
        thread.join()

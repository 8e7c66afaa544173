"""A web process in which the health of the desk never waits behind pages.

Requests that come while every thread is at work wait in a queue. Whoever watches the desk must know whether
it lives, not how long that queue is: the health has a thread of its own. A connection that has sent nothing
yet holds no thread: it is looked at again when it speaks.
"""

from __future__ import annotations

import selectors
import socket
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import cache, partial
from typing import Any

__all__ = ["HEALTH", "first_bytes", "health_first"]

HEALTH = b"GET /api/v1/sante "
"""How a question about the health begins."""


@cache
def health_first() -> type[Any]:
    """Return gunicorn's process of several threads, with one more for the health."""
    from gunicorn.workers.gthread import ThreadWorker

    class HealthFirst(ThreadWorker):  # type: ignore[misc]
        """Chooses the thread of a request by its first bytes."""

        aside: Executor

        def init_process(self) -> None:
            """Make the thread of the health, then serve."""
            self.aside = ThreadPoolExecutor(max_workers=1, thread_name_prefix="health")
            super().init_process()

        def enqueue_req(self, conn: Any) -> None:
            """Give a request to a thread; when nothing has come yet, wait for it without one."""
            first = first_bytes(conn)
            if first is None:
                self._wait(conn)
                return
            chosen = self.aside if first == HEALTH else self.tpool
            chosen.submit(self.handle, conn).add_done_callback(partial(self._done, conn))

        def _done(self, conn: Any, future: Future[Any]) -> None:
            self.method_queue.defer(self.finish_request, conn, future)

        def _wait(self, conn: Any) -> None:
            conn.sock.setblocking(False)
            conn.timeout = time.monotonic() + self.cfg.keepalive
            self.pending_conns.append(conn)
            self.poller.register(
                conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn)
            )

    return HealthFirst


def first_bytes(conn: Any) -> bytes | None:
    """Return the first bytes of a request without taking them; None when none has come.

    Empty when they are not on the connection: read ahead with the request before, or gone with who sent them.
    """
    if conn.initialized and conn.parser.unreader.buf.getvalue():
        return b""
    try:
        found: bytes = conn.sock.recv(len(HEALTH), socket.MSG_PEEK | socket.MSG_DONTWAIT)
    except BlockingIOError:
        return None
    except OSError:
        return b""
    return found

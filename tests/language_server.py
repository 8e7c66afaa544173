"""A scripted server of the OpenAI form on the loopback, which can also misbehave."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

__all__ = ["Scripted", "language_server"]


@dataclass
class Scripted:
    """What the server does: ``says`` for each question in turn, the last one for ever; what it was asked."""

    url: str = ""
    says: list[str] = field(default_factory=lambda: ["Bonjour."])
    way: str = "well"
    asked: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def language_server() -> Iterator[Scripted]:  # noqa: C901 (one way of misbehaving a line)
    """Serve until the end of the block."""
    script = Scripted()

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            script.asked.append(body | {"authorization": self.headers.get("Authorization", "")})
            said = script.says[min(len(script.asked), len(script.says)) - 1]
            match script.way:
                case "busy" if len(script.asked) < 3:
                    self.answer(b"{}", status=429, wait="0")
                case "html":
                    self.answer(b"<html><body>Erreur</body></html>")
                case "malformed":
                    self.answer(b'{"choices": []}')
                case "refusing":
                    self.answer(b"{}", status=401)
                case "slow":
                    time.sleep(1.0)
                    self.answer(_whole(said))
                case "cut":
                    self.answer(_whole(said)[:20], size=5000)
                case "dripping":
                    self.answer(b"", size=100)
                    with suppress(BrokenPipeError, ConnectionResetError):
                        for _ in range(100):
                            time.sleep(0.05)
                            self.wfile.write(b" ")
                case "endless":
                    self.answer(_whole("a" * 2_000_000))
                case _ if body.get("stream"):
                    self.answer(_pieces(said, whole=script.way != "half"))
                case _:
                    self.answer(_whole(said))

        def answer(self, body: bytes, *, status: int = 200, wait: str = "", size: int = 0) -> None:
            self.send_response(status)
            if wait:
                self.send_header("Retry-After", wait)
            self.send_header("Content-Length", str(size or len(body)))
            self.end_headers()
            with suppress(BrokenPipeError, ConnectionResetError):
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answers) as made:
        made.daemon_threads = True
        script.url = f"http://127.0.0.1:{made.server_port}/v1"
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield script
        finally:
            made.shutdown()
            thread.join()


def _whole(text: str) -> bytes:
    return json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}).encode()


def _pieces(text: str, *, whole: bool) -> bytes:
    parts = [text[at : at + 5] for at in range(0, len(text), 5)]
    lines = [json.dumps({"choices": [{"delta": {"content": one}}]}) for one in parts]
    return ("".join(f"data: {line}\n\n" for line in lines) + ("data: [DONE]\n\n" if whole else "")).encode()

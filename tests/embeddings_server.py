"""A server of embeddings for tests: a text is placed by the words of each theme that it holds."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

__all__ = ["embeddings"]


@contextmanager
def embeddings(themes: Mapping[str, str]) -> Iterator[str]:
    """Serve on the loopback; answer nonsense to the model « broken »; give the address."""

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            rows = [
                {
                    "index": at,
                    "embedding": [
                        float(sum(word in text for word in one.split())) for one in themes.values()
                    ],
                }
                for at, text in enumerate(asked["input"])
            ]
            body = b"{}" if asked["model"] == "broken" else json.dumps({"data": rows[::-1]}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Answers) as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{made.server_port}/v1/embeddings"
        finally:
            made.shutdown()
            thread.join()

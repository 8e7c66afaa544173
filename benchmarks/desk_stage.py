"""A desk that is served for a proof: its workspace, a key, a session, and the processes that serve it."""

from __future__ import annotations

import http.client
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

__all__ = [
    "CASE",
    "Answer",
    "Served",
    "Stage",
    "Visitor",
    "children",
    "free_port",
    "served",
    "staged",
    "wait_for",
]

CASE = "restaurant_risk"
_PATIENCE = 120.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """Return the body, read as JSON."""
        return json.loads(self.body)


@dataclass(slots=True)
class Visitor:
    """Asks a served desk, with the key of a program or the session of a person."""

    port: int
    token: str = ""
    session: str = ""
    timeout: float = _PATIENCE

    def ask(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Make one request, on a connection of its own.

        Raises
        ------
        OSError, http.client.HTTPException
            If no whole answer comes.
        """
        sent = {"Connection": "close", **(headers or {})}
        if self.token:
            sent["Authorization"] = f"Bearer {self.token}"
        if self.session:
            sent["Cookie"] = "; ".join(filter(None, (f"sessionid={self.session}", sent.pop("Cookie", ""))))
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.timeout)
        try:
            connection.request(method, path, body, sent)
            response = connection.getresponse()
            content = response.read()
            return Answer(response.status, dict(response.getheaders()), content)
        finally:
            connection.close()

    def send(self, path: str, values: Mapping[str, Any], **headers: str) -> Answer:
        """Send JSON to the API."""
        body = json.dumps(values).encode()
        return self.ask("POST", path, body, {"Content-Type": "application/json", **headers})

    def post(
        self, path: str, fields: Mapping[str, str], *, file: tuple[str, bytes] | None = None, page: str = ""
    ) -> Answer:
        """Send a form, with the token of its page."""
        seen = self.ask("GET", page or path)
        token = re.search(rb'name="csrfmiddlewaretoken" value="(\w+)"', seen.body)
        if token is None:
            return seen
        values = {**fields, "csrfmiddlewaretoken": token[1].decode()}
        cookie = {
            "Cookie": f"csrftoken={token[1].decode()}",
            "Referer": f"http://127.0.0.1:{self.port}{path}",
        }
        if file is None:
            kind, body = "application/x-www-form-urlencoded", urlencode(values).encode()
        else:
            edge = uuid.uuid4().hex
            kind = f"multipart/form-data; boundary={edge}"
            parts = [
                f'--{edge}\r\nContent-Disposition: form-data; name="{n}"\r\n\r\n{v}\r\n'
                for n, v in values.items()
            ]
            parts.append(
                f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="{file[0]}"\r\n'
                "Content-Type: application/octet-stream\r\n\r\n"
            )
            body = "".join(parts).encode() + file[1] + f"\r\n--{edge}--\r\n".encode()
        return self.ask("POST", path, body, {"Content-Type": kind, **cookie})


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    """A workspace where the sample is published and a list is drawn."""

    home: Path
    token: str
    session: str
    dossiers: tuple[int, ...]


def staged(home: Path, *, capacity: int = 40) -> Stage:
    """Prepare a workspace, in this process: ``ECLAIREUR_HOME`` is its folder from then on."""
    os.environ["ECLAIREUR_HOME"] = str(home)
    from eclaireur.desk.start import prepare

    prepare()
    from django.db import connections
    from django.test import Client
    from django.utils import timezone

    from eclaireur.desk.access import Perimeter
    from eclaireur.desk.accounts.keys import make_key
    from eclaireur.desk.models import Grant, Item, Role, User
    from eclaireur.desk.publishing import draw_list, publish

    edition = publish(CASE, "sample")
    user = User.objects.create_user("chef", "Claire Hébert", "un long mot de passe")
    for role in (Role.MANAGER, Role.SCIENTIST):
        Grant.objects.create(user=user, role=role, case=CASE)
    draw_list(edition, capacity=capacity, random_share=0.1, title="Essai", user=user)
    _, token = make_key(
        user,
        "Essai",
        scopes=("read", "decide", "compute"),
        expires=timezone.now() + timedelta(days=2),
        perimeter=Perimeter("", CASE, ""),
    )
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    dossiers = tuple(Item.objects.values_list("target__dossier", flat=True).order_by("pk"))
    connections.close_all()
    return Stage(home=home, token=token, session=client.cookies["sessionid"].value, dossiers=dossiers)


@dataclass(slots=True)
class Served:
    """The processes that serve a desk."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path
    _known: dict[str, int] = field(default_factory=dict)

    def programs(self) -> dict[str, int]:
        """Return the number of the ``web`` and of the ``tasks`` program, of those that run."""
        found = {}
        for number in children(self.process.pid):
            with suppress(OSError):
                words = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
                if b"eclaireur.desk.serving" in words:
                    name = words[words.index(b"eclaireur.desk.serving") + 1].decode()
                    found[name] = number
        return found


def children(number: int) -> list[int]:
    """Return the processes that one started (Linux)."""
    try:
        text = Path(f"/proc/{number}/task/{number}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(word) for word in text.split()]


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        number: int = one.getsockname()[1]
        return number


@contextmanager
def served(
    home: Path, *, processes: int = 2, environ: Mapping[str, str] | None = None, before: Sequence[str] = ()
) -> Iterator[Served]:
    """Serve the desk of a workspace as ``serve`` does, until the block ends.

    Parameters
    ----------
    environ
        Variables added to those of this process.
    before
        Words before the command, such as ``unshare --mount``.
    """
    port, log = free_port(), Path(tempfile.mkdtemp(prefix="eclaireur-prove-")) / "serve.log"
    words = [*before, sys.executable, "-m", "eclaireur", "serve", "--port", str(port)]
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 (this program)
            [*words, "--processes", str(processes)],
            stdout=output,
            stderr=output,
            env={**os.environ, "ECLAIREUR_HOME": str(home), **(environ or {})},
            start_new_session=True,
        )
    found = Served(port, process, log)
    try:
        wait_for(lambda: _answers(found), "the desk answers")
        yield found
    finally:
        process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(60)
        for number in (*found.programs().values(), process.pid):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(number, signal.SIGKILL)
        process.wait()
        shutil.rmtree(log.parent, ignore_errors=True)


def _answers(found: Served) -> bool:
    if found.process.poll() is not None:
        raise AssertionError(found.log.read_text(encoding="utf-8", errors="replace")[-2000:])
    with suppress(OSError, http.client.HTTPException):
        return Visitor(found.port, timeout=5).ask("GET", "/connexion/").status == 200
    return False


def wait_for(holds: Any, what: str, *, patience: float = _PATIENCE) -> float:
    """Wait until something holds; return how many seconds it took.

    Raises
    ------
    AssertionError
        If it does not in time.
    """
    begun = time.monotonic()
    while not holds():
        if time.monotonic() - begun > patience:
            raise AssertionError(f"after {patience:.0f} s, not yet: {what}")
        time.sleep(0.1)
    return time.monotonic() - begun

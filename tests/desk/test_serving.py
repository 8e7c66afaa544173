"""The desk served for good: where it listens, what it refuses, and that nothing stays down or behind."""

from __future__ import annotations

import contextlib
import io
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client

from eclaireur.core.config import Settings
from eclaireur.core.errors import ConfigError
from eclaireur.core.workspace import Workspace
from eclaireur.desk import place
from eclaireur.desk.children import Child, watch
from eclaireur.desk.demo import way_in
from eclaireur.desk.queueing import HEALTH, health_first
from eclaireur.desk.serving import Part, check_hosting, free_socket, only_one
from eclaireur.desk.start import holds_demo, mark_demo, refuse_demo
from tests.desk.conftest import CASE, Desk

SOURCE = Path(__file__).resolve().parents[2] / "src"
DATABASE = "postgresql://ada@db/desk"
SHARED = Settings(database=DATABASE, secret_key="s" * 40)


def until(true: Callable[[], bool], seconds: float = 30) -> bool:
    """Wait until something is true."""
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        if true():
            return True
        time.sleep(0.05)
    return False


def alive(number: int) -> bool:
    """Tell whether a process runs; one that nobody waited for does not."""
    try:
        status = Path(f"/proc/{number}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def children_of(number: int) -> list[int]:
    """Numbers of the processes that a process started, and of theirs."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            fields = path.read_text(encoding="utf-8").rpartition(")")[2].split()
            if int(fields[1]) == number and fields[0] != "Z":
                child = int(path.parent.name)
                found += [child, *children_of(child)]
    return found


@pytest.mark.parametrize(
    ("installed", "host", "part", "plain"),
    [
        (Settings(), "127.0.0.1", Part.ALL, False),
        (Settings(), "::1", Part.ALL, False),
        (Settings(), "localhost", Part.ALL, False),
        (Settings(url="https://eclaireur.exemple.fr"), "0.0.0.0", Part.ALL, False),  # noqa: S104
        (Settings(), "0.0.0.0", Part.ALL, True),  # noqa: S104
        (SHARED, "127.0.0.1", Part.TASKS, False),
    ],
)
def test_what_is_safe_is_served(
    installed: Settings, host: str, part: Part, *, plain: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECLAIREUR_MASTER_KEY", "a key")
    check_hosting(installed, host, part, plain_http=plain)


@pytest.mark.parametrize(
    ("installed", "host", "part", "reason"),
    [
        (Settings(), "0.0.0.0", Part.ALL, "ECLAIREUR_URL"),  # noqa: S104
        (Settings(url="http://eclaireur.exemple.fr"), "10.1.2.3", Part.ALL, "en clair"),
        (Settings(), "bureau.exemple.fr", Part.ALL, "en clair"),
        (Settings(), "127.0.0.1", Part.WEB, "DATABASE_URL"),
        (Settings(database=DATABASE), "127.0.0.1", Part.TASKS, "ECLAIREUR_SECRET_KEY"),
        (SHARED, "127.0.0.1", Part.TASKS, "ECLAIREUR_MASTER_KEY"),
    ],
)
def test_what_would_leak_or_lose_decisions_is_refused_with_the_way_out(
    installed: Settings, host: str, part: Part, reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason):
        check_hosting(installed, host, part, plain_http=False)


def test_a_port_that_is_taken_is_named_and_the_demonstration_takes_the_next() -> None:
    with free_socket("127.0.0.1", 18_765, tries=200) as first:
        port = first.getsockname()[1]
        with pytest.raises(ConfigError, match=f"port {port} est déjà pris"):
            free_socket("127.0.0.1", port)
        with free_socket("127.0.0.1", port, tries=50) as second:
            assert second.getsockname()[1] > port


@pytest.mark.parametrize("host", ["192.0.2.1", "nulle.part.invalid"])
def test_an_address_that_is_not_this_machines_is_refused(host: str) -> None:
    with pytest.raises(ConfigError, match="adresse"):
        free_socket(host, 18_765)


def test_a_workspace_in_sqlite_is_served_once(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with only_one(settings):
        with pytest.raises(ConfigError, match="déjà servi"), only_one(settings):
            pass
        with only_one(Settings(home=tmp_path, database=DATABASE)):
            pass
    with only_one(settings):
        pass


@pytest.mark.one_database
def test_a_program_that_dies_starts_again_later_each_time(tmp_path: Path) -> None:
    log = tmp_path / "log"
    code = f"import time; open({str(log)!r}, 'a').write(f'{{time.monotonic()}}\\n')"

    def starts() -> list[float]:
        return [float(line) for line in log.read_text().split()] if log.exists() else []

    watch([Child("L'essai", (sys.executable, "-c", code))], over=lambda: len(starts()) == 4)

    first, second, third, fourth = starts()
    assert second - first < third - second < fourth - third


def test_a_program_is_let_finish_then_ended_with_what_it_started(tmp_path: Path) -> None:
    polite = f"""
import signal, sys, time
def end(*_):
    time.sleep(0.3)
    open({str(tmp_path / "finished")!r}, "w").close()
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
open({str(tmp_path / "ready")!r}, "w").close()
time.sleep(60)
"""
    deaf = f"""
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
with open({str(tmp_path / "deaf.new")!r}, "w") as stream:
    stream.write(str(other.pid))
os.rename({str(tmp_path / "deaf.new")!r}, {str(tmp_path / "deaf")!r})
time.sleep(60)
"""
    children = [Child(name, (sys.executable, "-c", code)) for name, code in (("a", polite), ("b", deaf))]
    begun = time.monotonic()
    watch(
        children,
        over=lambda: (tmp_path / "ready").exists() and (tmp_path / "deaf").exists(),
        patience=1.0,
    )

    assert (tmp_path / "finished").exists()
    assert until(lambda: not alive(int((tmp_path / "deaf").read_text())))
    assert time.monotonic() - begun < 20


@pytest.mark.parametrize(
    ("arguments", "environ", "reason"),
    [
        (["serve"], {"ECLAIREUR_SECRET_KEY": "court"}, "ECLAIREUR_SECRET_KEY"),
        (["serve"], {"DATABASE_URL": "postgresql://ada@127.0.0.1:1/desk"}, "base de données ne répond pas"),
        (["serve"], {"DATABASE_URL": "mysql://ada@127.0.0.1/desk"}, "DATABASE_URL"),
        (["demo", "--check"], {"DATABASE_URL": "postgresql://ada@127.0.0.1:1/desk"}, "base de données"),
        (["journal", "verify"], {"DATABASE_URL": "postgresql://ada@127.0.0.1:1/desk"}, "base de données"),
    ],
)
def test_what_cannot_start_says_why_in_one_sentence(
    arguments: list[str], environ: dict[str, str], reason: str, tmp_path: Path
) -> None:
    result = subprocess.run(
        [
            sys.executable,
            "-P",
            "-m",
            "eclaireur",
            *arguments,
            *(["--port", "18799"] * ("serve" in arguments)),
        ],
        env={**os.environ, "ECLAIREUR_HOME": str(tmp_path), "PYTHONPATH": str(SOURCE), **environ},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert result.returncode == 2, result.stderr
    assert result.stderr.count("\n") == 1, result.stderr
    assert result.stderr.startswith("Erreur : ")
    assert reason in result.stderr


def test_a_workspace_of_demonstration_is_not_served_for_good(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path, env={})
    refuse_demo(workspace)
    (tmp_path / "desk").mkdir()
    (tmp_path / "desk" / "demo").touch()

    with pytest.raises(ConfigError, match="démonstration"):
        refuse_demo(workspace)


def test_no_account_of_demonstration_is_made_where_people_work(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="vrai bureau"):
        mark_demo(Workspace.open(tmp_path, env={}))
    with pytest.raises(ConfigError, match="PostgreSQL"):
        mark_demo(Workspace.open(tmp_path, env={"DATABASE_URL": DATABASE}))
    assert not holds_demo(tmp_path)


def test_the_way_into_the_demonstration_serves_once_and_only_there(desk: Desk, client: Client) -> None:
    path = way_in(desk.agent)
    assert client.get(path).status_code == 404
    mark = place.workspace().home / "desk" / "demo"
    mark.parent.mkdir(exist_ok=True)
    mark.touch()
    try:
        assert client.get(path).headers["Location"] == f"/{CASE}/"
        assert client.session["_auth_user_id"] == str(desk.agent.pk)
        other = Client()
        assert other.get(path).headers["Location"] == "/connexion/"
        assert "_auth_user_id" not in other.session
    finally:
        mark.unlink()


@pytest.fixture
def desk_server(tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[str], str]]]:
    """Start ``serve`` on a workspace of its own; return it and its address once it says it."""
    running: list[subprocess.Popen[str]] = []

    def start(*arguments: str) -> tuple[subprocess.Popen[str], str]:
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            port = one.getsockname()[1]
        environ = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "eclaireur", "serve", "--port", str(port), *arguments],
            env={**environ, "ECLAIREUR_HOME": str(tmp_path / "home"), "PYTHONPATH": str(SOURCE)},
            stdout=subprocess.PIPE,
            text=True,
        )
        running.append(process)
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if "Ctrl+C" in line:
                break
        return process, said

    yield start
    for process in running:
        numbers = children_of(process.pid)
        process.kill()
        process.communicate()
        assert until(lambda numbers=numbers: not any(map(alive, numbers))), "children outlive their parent"  # type: ignore[misc]


def answers(address: str) -> bool:
    """Tell whether the desk serves a page."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{address}/", timeout=10) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def test_it_serves_survives_the_death_of_any_part_and_stops_when_asked(
    desk_server: Callable[..., tuple[subprocess.Popen[str], str]],
) -> None:
    process, said = desk_server("--processes", "2")
    found = re.search(r"http://127\.0\.0\.1:\d+", said)
    assert found, said
    address = found[0]
    assert "Aucun administrateur" in said
    assert until(lambda: answers(address))

    assert until(lambda: len(children_of(process.pid)) >= 4), "a server, its two processes, and the tasks"
    before = children_of(process.pid)
    for number in before:
        with contextlib.suppress(ProcessLookupError):
            os.kill(number, signal.SIGKILL)
    assert until(lambda: answers(address))
    assert until(lambda: len(children_of(process.pid)) >= 4)
    assert not set(before) & set(children_of(process.pid))

    after = children_of(process.pid)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    assert not any(map(alive, after))


HOST = b"Host: 127.0.0.1\r\n"
SECOND = b"GET /api/v1/sante HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
POST = b"POST /connexion/ HTTP/1.1\r\n" + HOST
CHUNKED = b"Transfer-Encoding: chunked\r\n"
READ_TWO_WAYS = {
    "length and chunks": POST + b"Content-Length: 5\r\n" + CHUNKED + b"\r\n0\r\n\r\n",
    "chunks and length": POST + CHUNKED + b"Content-Length: 6\r\n\r\n0\r\n\r\n",
    "two lengths": POST + b"Content-Length: 0\r\nContent-Length: 80\r\n\r\n",
    "two lengths in one": POST + b"Content-Length: 0, 80\r\n\r\n",
    "a signed length": POST + b"Content-Length: +0\r\n\r\n",
    "a negative length": POST + b"Content-Length: -1\r\n\r\n",
    "a length in another base": POST + b"Content-Length: 0x0\r\n\r\n",
    "chunks, then as it is": POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "an unknown coding": POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
    "chunks twice": POST + CHUNKED + CHUNKED + b"\r\n0\r\n\r\n",
    "chunks in an old version": POST.replace(b"/1.1", b"/1.0") + CHUNKED + b"\r\n0\r\n\r\n",
    "a chunk without a size": POST + CHUNKED + b"\r\nzz\r\n\r\n",
    "a signed chunk": POST + CHUNKED + b"\r\n+0\r\n\r\n",
    "a chunk of another length": POST + CHUNKED + b"\r\n1\r\nabc\r\n0\r\n\r\n",
    "a folded header": POST + b"X-A: a\r\n Content-Length: 0\r\n\r\n",
    "space before the colon": POST + b"Content-Length : 0\r\n\r\n",
    "a header without a name": POST + b": 0\r\n\r\n",
    "a bare line feed": b"GET /connexion/ HTTP/1.1\n" + HOST + b"\r\n",
    "a bare line feed in headers": POST + b"X-A: a\nContent-Length: 0\r\n\r\n",
    "a bare carriage return": POST + b"X-A: a\rContent-Length: 0\r\n\r\n",
    "a zero byte": POST + b"X-A: a\0b\r\n\r\n",
    "a header of 100 kB": POST + b"X-A: " + b"a" * 100_000 + b"\r\n\r\n",
    "a thousand headers": POST + b"".join(b"X-%d: a\r\n" % n for n in range(1000)) + b"\r\n",
    "an address of 100 kB": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
    "a version of nothing": b"GET /connexion/ HTTP/9.9\r\n" + HOST + b"\r\n",
    "no version": b"GET /connexion/\r\n",
    "two hosts": b"GET /connexion/ HTTP/1.1\r\n" + HOST + b"Host: evil.example\r\n\r\n",
    "an authority": b"GET evil.example:80 HTTP/1.1\r\n" + HOST + b"\r\n",
}
"""Starts of requests, each of which two parsers in a row could end at different places."""

CLOSE = b"Connection: close\r\n\r\n"
REFUSED = {
    b"GET /connexion/ HTTP/1.1\r\nHost: evil.example\r\n": b"400",
    b"TRACE /connexion/ HTTP/1.1\r\n" + HOST: b"405",
    b"CONNECT evil.example:443 HTTP/1.1\r\n" + HOST: b"405",
}
"""Requests of one length, which the desk refuses → with which status."""


def told(port: int, words: bytes) -> bytes:
    """Return all that the server answers to bytes of one connection, until it closes it or falls silent."""
    found = b""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        with contextlib.suppress(ConnectionError):  # refused while we still write
            line.sendall(words)
        with contextlib.suppress(ConnectionError, TimeoutError):
            while part := line.recv(65_536):
                found += part
                line.settimeout(1.0)
    return found


@pytest.mark.one_database
def test_what_two_parsers_may_read_differently_is_refused_and_nothing_outlives_a_parent_that_is_killed(
    desk_server: Callable[..., tuple[subprocess.Popen[str], str]],
) -> None:
    process, said = desk_server("--processes", "1")
    assert until(lambda: len(children_of(process.pid)) >= 3)
    port = int(re.search(r"http://127\.0\.0\.1:(\d+)", said)[1])  # type: ignore[index]
    assert until(lambda: answers(f"http://127.0.0.1:{port}"))

    assert told(port, SECOND + SECOND).count(b"HTTP/1.1 200 ") == 2, "well formed, both are answered"
    wrong = []
    for name, words in READ_TWO_WAYS.items():
        answer = told(port, words + SECOND)
        good = b'"status":' in answer or re.search(rb"HTTP/1\.1 [23]", answer)
        if good or not answer.endswith(b"</html>\n"):  # the server's own refusal comes last, and closes
            wrong.append((name, answer[-300:]))
    assert wrong == []
    for words, status in REFUSED.items():
        answer = told(port, words + CLOSE)
        assert answer.count(b"HTTP/1.1 ") == 1, words
        assert answer.startswith(b"HTTP/1.1 " + status), (words, answer[:100])
    whole = told(port, b"GET http://evil.example/connexion/ HTTP/1.1\r\n" + HOST + CLOSE)
    assert whole.count(b"HTTP/1.1 ") == 1
    assert b"evil.example" not in whole
    numbers = children_of(process.pid)

    process.kill()

    assert until(lambda: not any(map(alive, numbers)))


def test_the_health_has_a_thread_of_its_own_and_a_silent_connection_none() -> None:
    class Calls(list[object]):
        """Stands for a pool of threads, and for what is waited for."""

        def submit(self, _handle: object, conn: object) -> Future[object]:
            self.append(conn)
            return Future()

        def register(self, sock: object, *_: object) -> None:
            self.append(sock)

    worker: Any = object.__new__(health_first())
    worker.tpool, worker.aside, worker.poller = Calls(), Calls(), Calls()
    worker.pending_conns, worker.cfg = [], SimpleNamespace(keepalive=5)

    def asked(words: bytes, *, ahead: bytes = b"") -> Any:
        mine, theirs = socket.socketpair()
        theirs.sendall(words)
        held.extend((mine, theirs))
        unreader = SimpleNamespace(buf=io.BytesIO(ahead))
        conn = SimpleNamespace(sock=mine, initialized=bool(ahead), parser=SimpleNamespace(unreader=unreader))
        worker.enqueue_req(conn)
        return conn

    held: list[socket.socket] = []
    health, page = asked(HEALTH + b"HTTP/1.1\r\n"), asked(b"GET /api/v1/santeries HTTP/1.1\r\n")
    begun, silent, kept = asked(b"GET /api"), asked(b""), asked(b"", ahead=b"GET / HTTP/1.1\r\n")
    assert worker.aside == [health]
    assert worker.tpool == [page, begun, kept]
    assert worker.poller == [silent.sock]
    assert worker.pending_conns == [silent]
    assert health.sock.recv(4) == b"GET "  # looked at, not taken
    for one in held:
        one.close()

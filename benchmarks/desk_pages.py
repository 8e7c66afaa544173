"""Measure the desk's first page of a list of 100 000 lines, served as ``serve`` does.

    python benchmarks/desk_pages.py --lines 100000 --clients 32 --seconds 10 --json figures.json

Rows are written straight into a workspace that ends with the measure, or into a PostgreSQL database of its
own with ``DATABASE_URL``. The first page is asked by an agent of the whole case: as it changes at each
request (nothing kept), then as it stays (kept until a line changes). Then 32 clients, each on a connection
that it keeps, ask for it without pause from another process. The CPU of the server is read from the system,
in all its processes; that of the clients is told apart.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import os
import random
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import Any

__all__ = ["Figures", "load", "measure"]

CASE = "restaurant_risk"
_AREAS = tuple(f"Secteur {number}" for number in range(1, 13))
_TICK = os.sysconf("SC_CLK_TCK")
_ROUNDS = 30
_FORMS = "0123456789abcdefghijklmnopqrstuv"
_BATCH = 2000
_ROOT = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What was measured: milliseconds, pages a second, bytes."""

    lines: int
    page_lines: int
    page_bytes: int
    page_bytes_gzip: int
    cold_cpu_ms: float
    cold_ms: float
    warm_cpu_ms: float
    warm_ms: float
    clients: int
    pages_per_second: float
    p50_ms: float
    p99_ms: float
    server_cpu_share: float
    clients_cpu_share: float
    errors: int
    cores: int
    load_before: float


def fill(lines: int) -> str:
    """Write an edition and its open list of that many lines; return the session of an agent."""
    from django.test import Client
    from django.utils import timezone

    from eclaireur.desk.models import Dossier, Edition, Grant, Item, Role, Target, User, Worklist

    now, rng = timezone.now(), random.Random(20261)
    edition = Edition.objects.create(
        case=CASE, source="sample", run="bench", snapshot="bench", snapshot_taken=now, model=1,
        model_by="Samir Petit", model_since=now.date(), as_of=now.date(), size=lines, calibrated=True,
        ready=True, current=True,
    )  # fmt: skip
    worklist = Worklist.objects.create(
        case=CASE, edition=edition, title="Liste de mesure", run="bench", capacity=lines, random_share=0.1
    )
    for start in range(0, lines, _BATCH):
        numbers = range(start, min(start + _BATCH, lines))
        places = {"case": CASE}
        areas = {number: rng.choice(_AREAS) for number in numbers}
        dossiers = Dossier.objects.bulk_create(
            Dossier(
                **places,
                area=areas[n],
                subject=f"siret:{n:014}",
                name=f"Le Bon Accueil {n}",
                status="to_inspect",
            )
            for n in numbers
        )
        targets = Target.objects.bulk_create(
            Target(
                **places, area=areas[n], edition=edition, dossier=dossier, signal=f"bench-{n}",
                name=dossier.name, rank=n + 1, score=0.4 - 0.3 * n / lines, low=0.05, high=0.5,
                last_seen=date(2026, 1, 1) - timedelta(days=n % 900),
                why="Dernier contrôle 29 mois avant le calcul (médiane des établissements : 11 mois)\n"
                "Manquement au contrôle précédent",
            )
            for n, dossier in zip(numbers, dossiers, strict=True)
        )  # fmt: skip
        Item.objects.bulk_create(
            Item(
                **places, area=areas[n], worklist=worklist, target=target, position=n + 1,
                drawn="random" if n % 10 == 0 else "model", propensity=0.1,
            )
            for n, target in zip(numbers, targets, strict=True)
        )  # fmt: skip
    user = User.objects.create_user("mesure", "Ada Martin", None)
    Grant.objects.create(user=user, role=Role.MANAGER, case=CASE)
    client = Client(SERVER_NAME="localhost")
    client.force_login(user)
    return client.cookies["sessionid"].value


def _serve() -> None:
    """Serve the workspace as ``serve`` does, with two web processes, and say where."""
    from eclaireur.desk import serving
    from eclaireur.desk.start import set_up

    set_up()
    with serving.free_socket("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        serving.serve(listener, part=serving.Part.WEB, started=lambda: print(port, flush=True))


def _family(number: int) -> list[int]:
    """Return a process and those that it started, directly or not."""
    parents: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:  # it ended meanwhile
            continue
        parents.setdefault(int(fields[1]), []).append(int(path.parent.name))
    found = [number]
    for one in found:
        found += parents.get(one, [])
    return found


def _cpu(number: int) -> float:
    """Return the seconds of CPU that a process and those it started have used."""
    used = 0
    for one in _family(number):
        try:
            fields = Path(f"/proc/{one}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        except OSError:
            continue
        used += int(fields[11]) + int(fields[12])
    return used / _TICK


def _request(path: str, session: str) -> bytes:
    cookies = f"sessionid={session}; csrftoken={_FORMS}"  # as a browser sends both, from its second page on
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookies}\r\n\r\n".encode()


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, asked: bytes) -> tuple[int, bytes]:
    writer.write(asked)
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])
    return int(head[9:12]), await reader.readexactly(length)


async def _one(port: int, path: str, session: str) -> tuple[float, bytes]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
    began = time.perf_counter()
    status, body = await _ask(reader, writer, _request(path, session))
    took = time.perf_counter() - began
    writer.close()
    if status != 200:
        message = f"the page answered {status}"
        raise RuntimeError(message)
    return took, body


async def load(port: int, session: str, clients: int, seconds: float) -> tuple[list[float], int]:
    """Ask without pause from several connections; return the time of each answer, and how many were wrong."""
    times: list[float] = []
    wrong = 0
    end = time.perf_counter() + seconds
    asked = _request(f"/{CASE}/", session)

    async def client() -> None:
        nonlocal wrong
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
        while (began := time.perf_counter()) < end:
            try:
                status, _ = await _ask(reader, writer, asked)
            except (OSError, asyncio.IncompleteReadError):  # a process was renewed: knock again
                wrong += 1
                reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
                continue
            times.append(time.perf_counter() - began)
            wrong += status != 200
        writer.close()

    await asyncio.gather(*(client() for _ in range(clients)))
    return times, wrong


def _rounds(port: int, session: str, server: int, *, cold: bool) -> tuple[float, float]:
    """Return the milliseconds of CPU of the server, and of waiting, for one page."""
    from eclaireur.desk.models import Edition
    from eclaireur.desk.publishing import touch

    edition, waited, before = Edition.objects.get(), [], _cpu(server)
    for _ in range(_ROUNDS):
        if cold:
            touch(edition)  # as when somebody has just judged a line: nothing that is kept serves
        waited.append(asyncio.run(_one(port, f"/{CASE}/", session))[0])
    return 1000 * (_cpu(server) - before) / _ROUNDS, 1000 * sorted(waited)[_ROUNDS // 2]


def measure(lines: int, clients: int, seconds: float) -> Figures:
    """Build, serve, ask and count."""
    from benchmarks.prove_tasks import own_database

    load_before = os.getloadavg()[0]
    with own_database():
        from django.core.management import call_command

        call_command("collectstatic", interactive=False, verbosity=0)
        session = fill(lines)
        environ = {**os.environ, "PYTHONPATH": f"{_ROOT / 'src'}{os.pathsep}{_ROOT}"}
        command = [sys.executable, __file__, "--serve"]
        with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as server:  # noqa: S603
            try:
                return _measured(server, session, lines, clients, seconds, load_before)
            finally:
                server.terminate()


def _measured(
    server: Any, session: str, lines: int, clients: int, seconds: float, load_before: float
) -> Figures:
    port = int(server.stdout.readline())
    _, body = asyncio.run(_one(port, f"/{CASE}/", session))
    asyncio.run(load(port, session, clients, 1.0))  # every process has answered once
    cold_cpu, cold = _rounds(port, session, server.pid, cold=True)
    asyncio.run(load(port, session, clients, 0.5))  # each process has made the page that stays
    warm_cpu, warm = _rounds(port, session, server.pid, cold=False)
    before, mine, began = _cpu(server.pid), time.process_time(), time.perf_counter()
    times, errors = asyncio.run(load(port, session, clients, seconds))
    took = time.perf_counter() - began
    times.sort()
    return Figures(
        lines=lines,
        page_lines=body.count(b"data-dossier="),
        page_bytes=len(body),
        page_bytes_gzip=len(gzip.compress(body, 6)),
        cold_cpu_ms=cold_cpu,
        cold_ms=cold,
        warm_cpu_ms=warm_cpu,
        warm_ms=warm,
        clients=clients,
        pages_per_second=len(times) / took,
        p50_ms=1000 * times[len(times) // 2],
        p99_ms=1000 * times[int(len(times) * 0.99)],
        server_cpu_share=(_cpu(server.pid) - before) / took,
        clients_cpu_share=(time.process_time() - mine) / took,
        errors=errors,
        cores=os.cpu_count() or 1,
        load_before=load_before,
    )


def main() -> int:
    """Measure, print the table, and write the figures."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--lines", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--json", type=Path, help="write the figures here")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.serve:
        _serve()
        return 0
    found = asdict(measure(asked.lines, asked.clients, asked.seconds))
    for name, value in found.items():
        print(f"{name:<20} {value:>12.1f}" if isinstance(value, float) else f"{name:<20} {value:>12}")
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.path[:0] = [str(_ROOT), str(_ROOT / "src")]
    sys.exit(main())

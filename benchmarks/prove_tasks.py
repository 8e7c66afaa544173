"""Kill the carriers of tasks at random, and check that no task is lost and no effect happens twice.

    python benchmarks/prove_tasks.py --kills 200 --seed 20211

Workers carry short tasks while their processes are killed at random instants (SIGKILL), and while some are
frozen until their task has been given to another, then let go on. Each task ends by inserting a row, in a
table that would take it twice. At the end, each task must be done, and have one row. On SQLite, or on
PostgreSQL with ``DATABASE_URL``, in a database of its own. `tests/desk/test_jobs_killed.py`
runs a shorter one.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

__all__ = ["Proof", "own_database", "prove", "start_worker"]

_WORKERS = 3
_WAITING = 4
_LEASE = 1.0
_FROZEN = 2.0
_LONGEST = 120.0
_PATIENCE = 60.0


@dataclass(slots=True)
class Proof:
    """What was done to the carriers, and what became of the tasks."""

    done_to: Counter[str] = field(default_factory=Counter)
    tasks: int = 0
    again: int = 0
    lost: int = 0
    repeated: int = 0
    orphans: int = 0


@contextlib.contextmanager
def own_database() -> Iterator[None]:
    """Work in a workspace that ends with the proof and, on PostgreSQL, in a database that does."""
    url = os.environ.get("DATABASE_URL", "")
    with tempfile.TemporaryDirectory(prefix="eclaireur-proof-") as home, contextlib.ExitStack() as stack:
        os.environ["ECLAIREUR_HOME"] = home
        (Path(home) / "desk").mkdir()
        if url:
            import psycopg

            name = f"eclaireur_proof_{os.getpid()}"
            # Through the database that every server has: the one that DATABASE_URL names may not exist yet.
            whole = urlunsplit(urlsplit(url)._replace(path="/postgres"))
            server = stack.enter_context(psycopg.connect(whole, autocommit=True))
            server.execute(f'CREATE DATABASE "{name}"'.encode())
            stack.callback(lambda: server.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode()))
            os.environ["DATABASE_URL"] = urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
        from eclaireur.desk.start import set_up

        set_up()
        from django.core.management import call_command
        from django.db import connections

        call_command("migrate", interactive=False, verbosity=0)
        yield
        connections.close_all()


def _prepare() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE proof_effect (task varchar(40) NOT NULL)")
    from eclaireur.desk.jobs import job

    job("proof", "Essai")(_body)


def _body(context: Any, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
    from django.db import connection

    steps = int(arguments["steps"])
    for step in range(steps):
        time.sleep(0.01)
        context.progress(step, steps, "Essai")
    with context.publishing(), connection.cursor() as cursor:
        cursor.execute("INSERT INTO proof_effect (task) VALUES (%s)", [arguments["name"]])
        time.sleep(0.01)  # a wide door for the killer, between the effect and its commit
    return {}


def start_worker(deaths: int = 10**6) -> int:
    """Fork a worker from this process, which has one thread and no open connection by then.

    Parameters
    ----------
    deaths
        How many deaths a task is blamed for; by default none, for those that come from outside.
    """
    from django.db import connections

    connections.close_all()
    parent = os.getpid()
    number = os.fork()
    if number:
        return number
    try:
        from eclaireur.desk.children import die_with_parent
        from eclaireur.desk.jobs.times import Times
        from eclaireur.desk.jobs.worker import run_worker

        die_with_parent(parent)
        times = Times(
            idle=0.05,
            beat=0.2,
            lease=_LEASE,
            reap=0.3,
            look=0.1,
            grace=0.5,
            pace=0.05,
            tick=0.01,
            deaths=deaths,
        )
        run_worker(times=times)
    finally:
        os._exit(0)


def _children(number: int) -> list[int]:
    """Return the processes that one started (Linux)."""
    try:
        text = Path(f"/proc/{number}/task/{number}/children").read_text(encoding="ascii")
    except OSError:
        return []
    return [int(word) for word in text.split()]


def _send(number: int, what: signal.Signals) -> bool:
    with contextlib.suppress(ProcessLookupError):
        os.kill(number, what)
        return True
    return False


def _thaw_later(worker: int, children: list[int]) -> int:
    """Fork what lets them go on: this process may by then wait for a lock that one of them holds."""
    number = os.fork()
    if number:
        return number
    time.sleep(_FROZEN)
    for child in children:  # before its worker, which would end it at once
        _send(child, signal.SIGCONT)
    time.sleep(0.15)
    _send(worker, signal.SIGCONT)
    os._exit(0)


@dataclass(slots=True)
class _Killer:
    """Workers under fire."""

    rng: random.Random
    proof: Proof
    workers: list[int] = field(default_factory=list)
    frozen: dict[int, int] = field(default_factory=dict)
    seen: set[int] = field(default_factory=set)

    def keep(self) -> None:
        """Replace the workers that died."""
        for worker, thawer in list(self.frozen.items()):
            if os.waitpid(thawer, os.WNOHANG)[0]:
                del self.frozen[worker]
        for worker in list(self.workers):
            self.seen.update(_children(worker))
            if os.waitpid(worker, os.WNOHANG)[0]:
                self.workers.remove(worker)
        while len(self.workers) < _WORKERS:
            self.workers.append(start_worker())

    def strike(self) -> None:
        """Do one thing to one of them."""
        worker = self.rng.choice([one for one in self.workers if one not in self.frozen] or self.workers)
        children = _children(worker)
        what = self.rng.choice(("worker", "process", "process", "freeze"))
        if what == "worker" and _send(worker, signal.SIGKILL):
            self.proof.done_to["worker killed"] += 1
        elif what == "process" and children and _send(children[0], signal.SIGKILL):
            self.proof.done_to["process killed"] += 1
        elif what == "freeze" and children and not self.frozen:
            for number in (worker, *children):
                _send(number, signal.SIGSTOP)
            self.frozen[worker] = _thaw_later(worker, children)
            self.proof.done_to["frozen past its lease"] += 1

    def end(self) -> None:
        """Let all go on, then end the workers in order; count what outlives them."""
        for thawer in self.frozen.values():
            os.waitpid(thawer, 0)
        for worker in self.workers:
            self.seen.update(_children(worker))
            _send(worker, signal.SIGTERM)
        for worker in self.workers:
            os.waitpid(worker, 0)
        time.sleep(0.2)
        self.proof.orphans = sum(_runs(number) for number in self.seen)


def _runs(number: int) -> bool:
    """Tell whether a process is still this program at work, and not another under the same number."""
    try:
        status = Path(f"/proc/{number}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
        command = Path(f"/proc/{number}/cmdline").read_bytes()
    except OSError:
        return False
    return status != "Z" and Path(__file__).name.encode() in command


def prove(kills: int, seed: int) -> Proof:
    """Kill so many times, then wait for every task and count."""
    from eclaireur.desk.jobs import start
    from eclaireur.desk.jobs.queue import ACTIVE
    from eclaireur.desk.models import Job, JobState

    proof, rng = Proof(), random.Random(seed)
    killer = _Killer(rng, proof)
    limit = time.monotonic() + _LONGEST * max(1, kills / 40)
    killed = 0
    while killed < kills and time.monotonic() < limit:
        while Job.objects.filter(state__in=ACTIVE).count() < _WORKERS + _WAITING:
            start(
                "proof",
                user=None,
                case="restaurant_risk",
                arguments={"name": f"t{proof.tasks}", "steps": rng.randint(1, 40)},
            )
            proof.tasks += 1
        killer.keep()
        time.sleep(rng.random() * 0.3)
        killer.strike()
        killed = proof.done_to["worker killed"] + proof.done_to["process killed"]
    limit = time.monotonic() + _PATIENCE
    while Job.objects.filter(state__in=ACTIVE).exists() and time.monotonic() < limit:
        killer.keep()
        time.sleep(0.05)
    killer.end()
    proof.again = sum(Job.objects.values_list("token", flat=True)) - proof.tasks
    _count(proof, set(Job.objects.filter(state=JobState.DONE).values_list("arguments__name", flat=True)))
    return proof


def _count(proof: Proof, done: set[str]) -> None:
    """Compare the effects that are in the table with the tasks that were asked."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT task, count(*) FROM proof_effect GROUP BY task")
        effects: dict[str, int] = dict(cursor.fetchall())
    names = {f"t{number}" for number in range(proof.tasks)}
    proof.lost = len(names - (done & set(effects)))
    proof.repeated = sum(number - 1 for number in effects.values())


def _main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=20211)
    parser.add_argument("--log", type=Path, default=None, help="JSON file for write_proofs.py")
    options = parser.parse_args()
    begun = time.monotonic()
    with own_database():
        _prepare()
        from django.db import connection

        database = connection.vendor
        proof = prove(options.kills, options.seed)
    for name, number in sorted(proof.done_to.items()):
        print(f"{name:<24}{number:>6}")
    print(f"{'tasks':<24}{proof.tasks:>6}   (taken again {proof.again} times)")
    print(f"{'processes left over':<24}{proof.orphans:>6}")
    print(f"lost={proof.lost} repeated={proof.repeated} on {database}, {time.monotonic() - begun:.0f} s")
    if options.log is not None:
        figures = {"proof": "tasks", "seed": options.seed, "tried": proof.tasks}
        told = json.dumps({**figures, "failed": proof.lost + proof.repeated})
        options.log.write_text(told + "\n", encoding="utf-8")
    killed = proof.done_to["worker killed"] + proof.done_to["process killed"]
    return int(killed < options.kills or bool(proof.lost or proof.repeated or proof.orphans))


if __name__ == "__main__":
    sys.exit(_main())

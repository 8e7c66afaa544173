"""Ask ten times too much of a served desk: it refuses in words, its memory stays, and its health answers.

    python benchmarks/prove_overload.py --seconds 60 --seed 20211 [--log FILE]

Two web processes of four threads answer eight requests at once; eighty clients ask without pause for pages,
lists of the API, exports and maps. Meanwhile the health of the desk is asked for five times a second, and the
memory of all its processes is added up. Counted as wrong: an answer that is neither 200, 429 nor 503, a
refusal without ``Retry-After``, a broken connection; then more than 1 % of healths over half a second, and a
memory that more than doubled.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.desk_stage import CASE, Served, Stage, Visitor, children, served, staged

__all__ = ["Proof", "look", "main", "prove"]

_LIMIT = 0.5
_LAST = 120
_GROWTH = 2.0
_GOOD = {200, 429, 503}


@dataclass(slots=True)
class Proof:
    """What was answered, how long the health took, and how much memory was held."""

    answers: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    health: list[float] = field(default_factory=list)
    memory: list[int] = field(default_factory=list)

    @property
    def tried(self) -> int:
        """How many requests were made, healths aside."""
        return sum(self.answers.values())

    def slow(self) -> int:
        """How many healths took over half a second, or did not come."""
        return sum(one > _LIMIT for one in self.health)

    def percentile(self, share: float) -> float:
        """Return the time under which a share of the healths came."""
        ordered = sorted(self.health)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0


def _paths(stage: Stage) -> list[str]:
    from eclaireur.desk.models import Edition, Worklist

    edition, worklist = Edition.objects.get(current=True, training=False), Worklist.objects.get()
    return [
        "/",
        f"/{CASE}/",
        f"/{CASE}/?portee=classement",
        f"/{CASE}/listes/{worklist.pk}/export.csv",
        "/api/v1/cas",
        f"/api/v1/editions/{edition.pk}/indices?limit=500",
        f"/api/v1/listes/{worklist.pk}/lignes?limit=500",
        f"/api/v1/dossiers/{stage.dossiers[0]}",
    ]


def _memory(desk: Served) -> int:
    """Return the bytes that the processes of the desk hold for themselves."""
    found, waiting = 0, [desk.process.pid]
    while waiting:
        number = waiting.pop()
        waiting += children(number)
        try:
            text = Path(f"/proc/{number}/smaps_rollup").read_text(encoding="ascii")
        except OSError:
            continue
        pages = dict(line.split(":", 1) for line in text.splitlines()[1:])
        found += 1024 * sum(int(pages[name].split()[0]) for name in ("Private_Clean", "Private_Dirty"))
    return found


def prove(seconds: float, seed: int, *, clients: int) -> Proof:
    """Ask for so many seconds, and return what happened."""
    proof = Proof()
    with tempfile.TemporaryDirectory(prefix="eclaireur-prove-") as name:
        stage = staged(Path(name) / "home")
        paths = _paths(stage)
        with served(stage.home) as desk:
            calm = Visitor(desk.port, session=stage.session)
            for path in paths * 4:  # what each process keeps once it has answered
                calm.ask("GET", path)
            proof.memory.append(_memory(desk))
            over = threading.Event()
            threads = [
                threading.Thread(target=_client, args=(proof, desk, stage, paths, f"{seed}/{one}", over))
                for one in range(clients)
            ]
            threads.append(threading.Thread(target=_remember, args=(proof, desk, over)))
            for one in threads:
                one.start()
            with _looking(proof, desk, seconds):
                time.sleep(seconds)
            over.set()
            for one in threads:
                one.join()
            proof.memory.append(_memory(desk))
    peak = max(proof.memory)
    proof.wrong["memory grew"] += peak > _GROWTH * proof.memory[0]
    proof.wrong["health too slow"] += proof.slow() > 0.01 * len(proof.health)
    return proof


def _client(
    proof: Proof, desk: Served, stage: Stage, paths: list[str], seed: str, over: threading.Event
) -> None:
    rng = random.Random(seed)
    people = (Visitor(desk.port, session=stage.session), Visitor(desk.port, token=stage.token))
    while not over.is_set():
        path = rng.choice(paths)
        visitor = people[path.startswith("/api/") and rng.random() < 0.5]
        try:
            answer = visitor.ask("GET", path)
        except (OSError, http.client.HTTPException) as error:
            proof.answers["broken"] += 1
            proof.wrong[f"{path}: {type(error).__name__}"] += 1
            continue
        proof.answers[str(answer.status)] += 1
        if answer.status not in _GOOD:
            proof.wrong[f"{path}: {answer.status}"] += 1
        elif answer.status != 200 and not answer.headers.get("Retry-After"):
            proof.wrong["refused without Retry-After"] += 1


def _remember(proof: Proof, desk: Served, over: threading.Event) -> None:
    while not over.wait(1.0):
        proof.memory.append(_memory(desk))


def look(port: int, seconds: float) -> list[float]:
    """Ask for the health five times a second; return how long each took, infinite when it did not come."""
    visitor, found, limit = Visitor(port), list[float](), time.monotonic() + seconds
    while (begun := time.monotonic()) < limit:
        try:
            well = visitor.ask("GET", "/api/v1/sante").status == 200
        except (OSError, http.client.HTTPException):
            well = False
        found.append(time.monotonic() - begun if well else float("inf"))
        time.sleep(max(0.0, 0.2 - (time.monotonic() - begun)))
    return found


@contextmanager
def _looking(proof: Proof, desk: Served, seconds: float) -> Iterator[None]:
    """Look at the health from a process of its own, which does not wait behind the clients of this one."""
    words = [sys.executable, __file__, "--look", str(desk.port), "--seconds", str(seconds)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as watching:  # noqa: S603 (this script)
        yield
        said, _ = watching.communicate(timeout=_LAST + seconds)
    proof.health += json.loads(said)


def main() -> int:
    """Run the proof, print its figures, and fail when something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=80)
    parser.add_argument("--seed", type=int, default=20211)
    parser.add_argument("--log", type=Path, default=None)
    parser.add_argument("--look", type=int, default=0, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.look:
        print(json.dumps(look(asked.look, asked.seconds)))
        return 0
    proof = prove(asked.seconds, asked.seed, clients=asked.clients)
    wrong = {name: count for name, count in proof.wrong.items() if count}
    for name, count in sorted(proof.answers.items()):
        print(f"answered {name:<10}{count:>7}")
    for name, count in wrong.items():
        print(f"wrong: {name:<50}{count:>6}")
    middle, last = statistics.median(proof.health), proof.percentile(0.99)
    before, peak = (one / 1e6 for one in (proof.memory[0], max(proof.memory)))
    bad = sum(wrong.values())
    print(
        f"{proof.tried} requests by {asked.clients} clients, {bad} wrong; {len(proof.health)} healths, "
        f"median {middle:.3f} s, 99th {last:.3f} s; memory {before:.0f} MB before, {peak:.0f} at most."
    )
    if asked.log is not None:
        requests = bad - proof.wrong["health too slow"]
        figures = {"proof": "overload", "seed": asked.seed, "tried": proof.tried, "failed": requests}
        memory = {"memory_before": proof.memory[0], "memory_peak": max(proof.memory)}
        health = {"proof": "health", "seed": asked.seed, "tried": len(proof.health), "failed": proof.slow()}
        logs = [
            {**figures, "answers": proof.answers, "wrong": wrong, **memory},
            {**health, "median": middle, "percentile_99": last},
        ]
        asked.log.write_text(json.dumps(logs) + "\n", encoding="utf-8")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

"""Kill the processes of a served desk, and what feeds it: what was acknowledged is there, and there once.

    python benchmarks/prove_kills.py --kills 2000 --seed 20211 [--desks 4] [--log FILE]

A producer writes comments under idempotency keys, asks for tasks and sends files to a desk that is served as
``serve`` does. Web processes, the program above them, the one that carries tasks, the process of a task and
the producer are killed (SIGKILL) at random instants; each comes back by itself, and the producer sends again
what was not acknowledged, under the same key. At the end: each acknowledged comment is one line of the
journal, no key made two, the journal's chain holds, each acknowledged task is over, each acknowledged file is
whole, and no file lies about that no row names.
"""

from __future__ import annotations

import argparse
import hashlib
import http.client
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.desk_stage import CASE, Served, Stage, Visitor, children, served, staged

__all__ = ["Proof", "main", "prove"]

_LONGEST = 60.0
"""Seconds within which a task whose carrier died is somebody's again."""
_TASKS, _FILES = 12, 9
"""One act in so many asks for a task, or sends a file."""


@dataclass(slots=True)
class Proof:
    """What was killed, what was acknowledged, and what is wrong."""

    killed: Counter[str] = field(default_factory=Counter)
    acknowledged: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    aside: int = 0
    slowest: float = 0.0

    @property
    def kills(self) -> int:
        """How many processes were killed."""
        return sum(self.killed.values())


# --- The producer, a program of its own


def _ledger(path: Path) -> dict[int, Any]:
    """Read what was sent: number → what was acknowledged, None when nothing was. A cut line is nothing."""
    found: dict[int, Any] = {}
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        with suppress(ValueError):
            number, answer = json.loads(line)
            found[number] = answer
    return found


def _body(number: int) -> bytes:
    return f"siret;nom\n{number:014d};Chez {number}\n".encode() * 50


def _send(visitor: Visitor, stage: dict[str, Any], number: int) -> Any:
    """Do one act; return what was acknowledged, or None."""
    rng = random.Random(f"{stage['seed']}/{number}")
    if number % _TASKS == 5:
        answer = visitor.send("/api/v1/taches", {"kind": "publish", "case": CASE, "source": "sample"})
        return {"task": answer.json()["id"]} if answer.status == 202 else None
    if number % _FILES == 4:
        person = Visitor(visitor.port, session=stage["session"], timeout=visitor.timeout)
        answer = person.post(f"/{CASE}/connecter/", {}, file=(f"{number}.csv", _body(number)))
        place = answer.headers.get("Location", "").strip("/").split("/")[-1]
        return {"file": int(place)} if answer.status == 302 and place.isdigit() else None
    path = f"/api/v1/dossiers/{rng.choice(stage['dossiers'])}/commentaires"
    answer = visitor.send(path, {"text": f"essai {number}"}, **{"Idempotency-Key": f"essai-{number}"})
    return {"comment": answer.json()["seq"]} if answer.status == 201 else None


def produce(folder: Path) -> int:
    """Send acts until told to stop; what an earlier producer had sent is sent again first."""
    stage = json.loads((folder / "stage.json").read_text(encoding="utf-8"))
    path = folder / "ledger.jsonl"
    known = _ledger(path)
    waiting = [number for number, answer in known.items() if answer is None]
    number = max(known, default=-1)
    visitor = Visitor(stage["port"], token=stage["token"], timeout=20)
    with path.open("ab", buffering=0) as ledger:
        ledger.write(b"\n")  # ends a line that was cut
        while waiting or not (folder / "stop").exists():
            if not waiting:
                number += 1
                waiting.append(number)
                ledger.write(f"{json.dumps([number, None])}\n".encode())
            answer = None
            with suppress(OSError, http.client.HTTPException, ValueError, KeyError):
                answer = _send(visitor, stage, waiting[0])
            if answer is None:
                time.sleep(0.05)
                continue
            ledger.write(f"{json.dumps([waiting.pop(0), answer])}\n".encode())
    return 0


def _start(folder: Path) -> subprocess.Popen[bytes]:
    words = [sys.executable, __file__, "--produce", str(folder)]
    return subprocess.Popen(words, stdout=subprocess.DEVNULL)  # noqa: S603 (this script)


# --- The killer


def _targets(desk: Served) -> Iterator[tuple[str, int]]:
    programs = desk.programs()
    for name, weight in (("web", 1), ("tasks", 2)):
        if name in programs:
            yield from [(f"program of the {name}", programs[name])] * weight
            kind, count = ("web process", 9) if name == "web" else ("process of a task", 9)
            found = children(programs[name])
            yield from [(kind, number) for number in found] * (count // max(1, len(found)))


def prove(kills: int, seed: int, *, pace: float = 0.4) -> Proof:
    """Serve, kill so many times, let it end, and look at what is left."""
    proof, rng = Proof(), random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="eclaireur-prove-") as name:
        folder = Path(name)
        stage = staged(folder / "home")
        (folder / "tmp").mkdir()
        with served(stage.home, environ={"TMPDIR": str(folder / "tmp")}) as desk:
            told = {"port": desk.port, "token": stage.token, "session": stage.session, "seed": seed}
            told["dossiers"] = stage.dossiers
            (folder / "stage.json").write_text(json.dumps(told), encoding="utf-8")
            producer = _start(folder)
            try:
                while proof.kills < kills:
                    _go_on(folder / "ledger.jsonl")
                    time.sleep(rng.uniform(0.0, 2 * pace))
                    what, number = rng.choice([*_targets(desk), *[("producer", producer.pid)] * 4])
                    with suppress(ProcessLookupError):
                        os.kill(number, signal.SIGKILL)
                        proof.killed[what] += 1
                    if what == "producer":
                        producer.wait()
                        producer = _start(folder)
                    _watch(proof)
                (folder / "stop").touch()
                limit = time.monotonic() + 10 * _LONGEST
                while (producer.poll() is None or _watch(proof)) and time.monotonic() < limit:
                    time.sleep(0.2)
                proof.wrong["temporary files of the dead"] += not _without_the_dead(folder / "tmp")
            finally:
                producer.kill()
                producer.wait()
        _judge(proof, stage, _ledger(folder / "ledger.jsonl"))
    return proof


def _go_on(ledger: Path) -> None:
    """Wait until something more is acknowledged, so that each kill meets a desk at work; not for ever."""

    def size() -> int:
        return ledger.stat().st_size if ledger.is_file() else 0

    before, limit = size(), time.monotonic() + _LONGEST / 2
    while size() <= before and time.monotonic() < limit:
        time.sleep(0.02)


def _without_the_dead(temporary: Path) -> bool:
    """Tell whether what killed processes were writing is soon taken away, and was in their folders."""
    limit = time.monotonic() + _LONGEST
    while time.monotonic() < limit:
        desks = [one for one in temporary.iterdir() if one.name.startswith("eclaireur-desk-")]
        strays = [one for one in temporary.glob("eclaireur-*") if one not in desks]
        inside = [one for desk in desks for one in desk.iterdir() if one.name.isdigit()]
        if not strays and all(Path(f"/proc/{one.name}").exists() for one in inside):
            return True
        time.sleep(0.5)
    return False


def _watch(proof: Proof) -> int:
    """Note how long a task has been nobody's; return how many are not over."""
    from django.db import connection
    from django.utils import timezone

    from eclaireur.desk.jobs.queue import ACTIVE
    from eclaireur.desk.models import Job

    leases = list(Job.objects.filter(state__in=ACTIVE).values_list("lease", flat=True))
    late = [(timezone.now() - lease).total_seconds() for lease in leases if lease is not None]
    proof.slowest = max([proof.slowest, *late])
    connection.close()
    return len(leases)


def _judge(proof: Proof, stage: Stage, ledger: dict[int, Any]) -> None:
    from eclaireur.core.errors import JournalBrokenError
    from eclaireur.desk.jobs.queue import ACTIVE
    from eclaireur.desk.models import Comment, Job, JobState, SentOnce, Upload
    from eclaireur.desk.place import workspace

    comments = {one["comment"] for one in ledger.values() if one and "comment" in one}
    tasks = {one["task"] for one in ledger.values() if one and "task" in one}
    files = {number: one["file"] for number, one in ledger.items() if one and "file" in one}
    proof.acknowledged.update(comments=len(comments), tasks=len(tasks), files=len(files))
    proof.wrong["not acknowledged in the end"] += sum(one is None for one in ledger.values())
    try:
        workspace().journal.verify()
    except JournalBrokenError:
        proof.wrong["journal broken"] += 1
    lines = {entry.seq for entry in workspace().journal.entries() if entry.kind == "comment"}
    rows = set(Comment.objects.values_list("seq", flat=True))
    proof.wrong["comment lost"] += len(comments - (lines & rows))
    proof.wrong["comment written twice"] += len(lines) - SentOnce.objects.count()
    proof.wrong["line without its row, or row without its line"] += len(lines ^ rows)
    found = {
        str(pk): (state, tried) for pk, state, tried in Job.objects.values_list("pk", "state", "attempts")
    }
    for pk in tasks:
        state, tried = found.get(pk, ("", 0))
        # A task that saw three of its processes die is set aside: it is there, with its reason.
        proof.aside += state == JobState.ASIDE and tried >= 3
        proof.wrong["task lost"] += not (state == JobState.DONE or (state == JobState.ASIDE and tried >= 3))
    proof.wrong["task not over"] += Job.objects.filter(state__in=ACTIVE).count()
    proof.wrong["task nobody's for over 60 s"] += proof.slowest > _LONGEST
    for number, pk in files.items():
        upload = Upload.objects.filter(pk=pk).first()
        proof.wrong["file lost or torn"] += upload is None or not _is_whole(upload, _body(number))
    for path in _left_over(stage.home):
        print(f"left over: {path}", file=sys.stderr)
        proof.wrong["file that no row names"] += 1


def _is_whole(upload: Any, sent: bytes) -> bool:
    path = Path(upload.file.path)
    same = path.is_file() and path.read_bytes() == sent
    return same and hashlib.sha256(sent).hexdigest() == upload.sha256


def _left_over(home: Path) -> Iterator[Path]:
    """Give the files that a killed process left, once what tidies up has passed."""
    from django.conf import settings

    from eclaireur.desk.models import Upload
    from eclaireur.desk.place import workspace
    from eclaireur.desk.uploads import sweep

    workspace().lake.sweep(older_than=0)
    sweep(older_than=0)
    named = {str(Path(settings.MEDIA_ROOT) / name) for name in Upload.objects.values_list("file", flat=True)}
    for path in sorted(home.rglob("*")):
        if not path.is_file():
            continue
        sent = Path(settings.MEDIA_ROOT) / "uploads" in path.parents and str(path) not in named
        if sent or ".tmp" in path.suffixes or ".waiting" in path.parts:
            yield path


def _side_by_side(kills: int, seed: int, desks: int) -> Proof:
    """Kill several desks at once, in processes of their own, and add up what each one counted."""
    proof = Proof()
    with tempfile.TemporaryDirectory(prefix="eclaireur-prove-") as name:
        logs, started = [Path(name) / f"{number}.json" for number in range(desks)], []
        for number, log in enumerate(logs):
            share = kills // desks + (number < kills % desks)
            words = ["--kills", str(share), "--seed", str(seed + number), "--desks", "1", "--log", str(log)]
            started.append(subprocess.Popen([sys.executable, __file__, *words]))  # noqa: S603 (this script)
        for one in started:
            one.wait()
        for log in logs:
            found = json.loads(log.read_text(encoding="utf-8"))
            for kept in ("killed", "acknowledged", "wrong"):
                getattr(proof, kept).update(found[kept])
            proof.aside += found["aside"]
            proof.slowest = max(proof.slowest, found["slowest"])
    return proof


def main() -> int:
    """Run the proof, print its figures, and fail when something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=20211)
    parser.add_argument("--log", type=Path, default=None)
    parser.add_argument("--desks", type=int, default=4, help="desks killed side by side, each its share")
    parser.add_argument("--produce", type=Path, default=None, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.produce is not None:
        return produce(asked.produce)
    if asked.desks > 1:
        proof = _side_by_side(asked.kills, asked.seed, asked.desks)
    else:
        proof = prove(asked.kills, asked.seed)
    for name, count in sorted(proof.killed.items()):
        print(f"killed: {name:<24}{count:>6}")
    for name, count in sorted(proof.acknowledged.items()):
        print(f"acknowledged: {name:<18}{count:>6}")
    wrong = {name: count for name, count in proof.wrong.items() if count}
    for name, count in wrong.items():
        print(f"wrong: {name:<40}{count:>6}")
    tried = sum(proof.acknowledged.values())
    print(
        f"{proof.kills} kills, {tried} acts acknowledged, {sum(wrong.values())} wrong; {proof.aside} tasks "
        f"set aside after three deaths; no task was nobody's for more than {max(proof.slowest, 0):.0f} s."
    )
    if asked.log is not None:
        figures = {"proof": "kills", "seed": asked.seed, "tried": tried, "failed": sum(wrong.values())}
        said = {
            "killed": proof.killed,
            "acknowledged": proof.acknowledged,
            "wrong": wrong,
            "kills": proof.kills,
            "aside": proof.aside,
            "slowest": proof.slowest,
        }
        asked.log.write_text(json.dumps({**figures, **said}) + "\n", encoding="utf-8")
    return 1 if wrong or tried < asked.kills / 4 else 0


if __name__ == "__main__":
    sys.exit(main())

"""Take from a served desk its room, its database or its model: it says so, still shows, and recovers alone.

    python benchmarks/prove_outages.py [--locked 30] [--log FILE]

The desk is served from a small disk of its own (a tmpfs in a namespace, which needs no privilege; where the
host refuses namespaces, nothing is run and it says so). In turn: the disk is filled; another program holds
the database's lock; a file of the model in service is taken away; then the desk is started on a disk that is
read-only. While it lasts, pages must answer, and what cannot be done must be refused in words that name the
cause, by 503 and ``Retry-After``. When the cause is gone, the same must succeed with no process started
again, the journal's chain must hold, and what was acknowledged must be there.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.desk_stage import (
    CASE,
    Answer,
    Served,
    Stage,
    Visitor,
    children,
    free_port,
    served,
    staged,
    wait_for,
)

__all__ = ["Proof", "main", "prove"]

_INSIDE = "ECLAIREUR_PROOF_INSIDE"
_ROOM = "400m"
_SLOW = 5.0
"""Seconds within which a page answers, whatever else is refused."""


@dataclass(slots=True)
class Proof:
    """What was looked at, in order, and whether it held."""

    looked: list[tuple[str, bool, str]] = field(default_factory=list)

    def look(self, what: str, holds: object, said: str = "") -> None:
        """Note whether something holds."""
        self.looked.append((what, bool(holds), said))
        print(f"{'holds' if holds else 'FAILS'}  {what}{': ' if said else ''}{said}", flush=True)

    @property
    def failed(self) -> int:
        """How many did not hold."""
        return sum(not holds for _, holds, _ in self.looked)


@dataclass(slots=True)
class _Desk:
    """A served desk under one trouble after the other."""

    proof: Proof
    stage: Stage
    served: Served
    sent: int = 0
    acknowledged: list[int] = field(default_factory=list)

    @property
    def program(self) -> Visitor:
        """A program with its key."""
        return Visitor(self.served.port, token=self.stage.token)

    @property
    def person(self) -> Visitor:
        """A person with a session."""
        return Visitor(self.served.port, session=self.stage.session)

    def comment(self) -> Answer:
        """Write a comment; remember it when it is acknowledged."""
        self.sent += 1
        dossier = self.stage.dossiers[self.sent % len(self.stage.dossiers)]
        answer = self.program.send(f"/api/v1/dossiers/{dossier}/commentaires", {"text": f"essai {self.sent}"})
        if answer.status == 201:
            self.acknowledged.append(answer.json()["seq"])
        return answer

    def shows(self, trouble: str) -> None:
        """Check that pages and the health answer while a trouble lasts."""
        for path in ("/", f"/{CASE}/", f"/{CASE}/dossiers/{self.stage.dossiers[0]}/", "/api/v1/sante"):
            begun = time.monotonic()
            status = self.person.ask("GET", path).status
            took = time.monotonic() - begun
            good = status == 200 and took < _SLOW
            self.proof.look(f"{trouble}: {path} still answers", good, f"{status} in {took:.2f} s")

    def refuses(self, trouble: str, answer: Answer, *words: str) -> None:
        """Check that an act was refused in words that name the cause."""
        said = ""
        with suppress(ValueError, KeyError):
            said = f"{answer.json()['error']['message']} {answer.json()['error']['fix']}"
        named = answer.status == 503 and any(word in said for word in words)
        self.proof.look(f"{trouble}: an act is refused in words", named, f"{answer.status} {said}")
        self.proof.look(f"{trouble}: it says when to ask again", answer.headers.get("Retry-After"))

    def recovers(self, trouble: str) -> None:
        """Check that an act succeeds again, with the same processes."""
        took = wait_for(lambda: self.comment().status == 201, f"{trouble} is over", patience=90)
        self.proof.look(f"{trouble}: recovers alone", took < 60, f"in {took:.1f} s")


def _disk_full(desk: _Desk) -> None:
    trouble = "disk full"
    filler = desk.stage.home / "filler"
    _fill(filler)
    desk.shows(trouble)
    # A page of the database may still have room: it is written until there is none.
    answer = desk.comment()
    for _ in range(200):
        if answer.status != 201:
            break
        answer = desk.comment()
    desk.refuses(trouble, answer, "plein")
    file = ("a.csv", b"siret;nom\n00000000000001;A\n" * 40_000)
    sent = desk.person.post(f"/{CASE}/connecter/", {}, file=file)
    said = sent.body.decode("utf-8", "replace").lower()
    desk.proof.look(
        f"{trouble}: a file is refused in words", sent.status == 503 and "plein" in said, str(sent.status)
    )
    desk.shows(trouble)
    filler.unlink()
    desk.recovers(trouble)


def _fill(path: Path) -> None:
    block = b"\0" * 65_536
    with path.open("wb", buffering=0) as stream:
        for size in (len(block), 512, 1):
            with suppress(OSError):
                while stream.write(block[:size]) == size:
                    pass


def _locked(desk: _Desk, seconds: float) -> None:
    trouble = f"database locked {seconds:.0f} s"
    # Its key is not asked to note when it was last used: that is written at most once a minute.
    desk.comment()
    with closing(sqlite3.connect(desk.stage.home / "desk" / "desk.sqlite3", timeout=30)) as other:
        other.execute("BEGIN IMMEDIATE")
        begun = time.monotonic()
        desk.shows(trouble)
        answer = desk.comment()
        desk.refuses(trouble, answer, "occupée")
        desk.shows(trouble)
        time.sleep(max(0.0, seconds - (time.monotonic() - begun)))
        other.execute("ROLLBACK")
    desk.recovers(trouble)


def _other_model(stage: Stage) -> Path:
    """Put another model in service, with which nothing is computed yet; return one of its files."""
    from eclaireur.desk.place import work_on
    from eclaireur.service import training

    work = work_on(CASE)
    card = training.train(work, "sample")
    # Written as `training.promote` does: no later result exists here on which to compare the two.
    seal = work.workspace.registry.seal(card)
    said = {"source": "sample", "number": card.number, "seal": seal, "reason": "essai"}
    work.workspace.journal.append("promotion", case=CASE, actor="Claire Hébert", data=said)
    places = stage.home.rglob(min(card.artefacts))
    return next(path for path in places if path.parent.name == str(card.number))


def _model_missing(desk: _Desk, path: Path) -> None:
    trouble = "model file missing"
    aside = desk.stage.home / "aside"
    shutil.move(path, aside)
    state, said = _task(desk)
    named = state == "failed" and "modèle" in said
    desk.proof.look(f"{trouble}: a task that needs it fails in words", named, f"{state} {said}")
    desk.shows(trouble)
    shutil.move(aside, path)
    state, said = _task(desk)
    desk.proof.look(f"{trouble}: recovers alone", state == "done", f"{state} {said}")


def _task(desk: _Desk) -> tuple[str, str]:
    """Have the signals computed and published; return how it ended and what it said."""
    answer = desk.program.send("/api/v1/taches", {"kind": "publish", "case": CASE, "source": "sample"})
    pk = answer.json()["id"]
    found: dict[str, str] = {}

    def over() -> bool:
        found.update(desk.program.ask("GET", f"/api/v1/taches/{pk}").json())
        return found["state"] not in {"waiting", "running"}

    wait_for(over, "the task is over", patience=300)
    return found["state"], str(found.get("error") or "")


def _read_only(proof: Proof, home: Path) -> None:
    trouble = "read-only disk"
    _mount("-o", "remount,ro", str(home.parent))
    command = [sys.executable, "-m", "eclaireur", "serve", "--port", str(free_port())]
    environ = {**os.environ, "ECLAIREUR_HOME": str(home)}
    ended = subprocess.run(  # noqa: S603 (this program)
        command, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    lines = [line for line in ended.stderr.splitlines() if line.strip()]
    said = " ".join(lines)
    words = ("lecture seule", "accessible en écriture")
    named = ended.returncode == 2 and "Traceback" not in said and any(one in said for one in words)
    proof.look(f"{trouble}: serve refuses in words", named, f"{ended.returncode} {said[:200]}")
    _mount("-o", "remount,rw", str(home.parent))


def _mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)  # noqa: S603, S607 (in the namespace of this process)


@contextmanager
def _small_disk() -> Iterator[Path]:
    """Give a folder on a disk of its own, in the namespace of this process."""
    with tempfile.TemporaryDirectory(prefix="eclaireur-prove-") as name:
        folder = Path(name) / "disk"
        folder.mkdir()
        _mount("-t", "tmpfs", "-o", f"size={_ROOM}", "tmpfs", str(folder))
        try:
            yield folder
        finally:
            subprocess.run(["umount", "--lazy", str(folder)], check=False)  # noqa: S603, S607


def prove(locked: float) -> Proof:
    """Take one thing after the other from a desk, and look at what it says."""
    proof = Proof()
    with _small_disk() as disk:
        stage = staged(disk / "home")
        model = _other_model(stage)
        with served(stage.home) as one:
            programs = one.programs()
            desk = _Desk(proof, stage, one)
            proof.look("before: an act is done", desk.comment().status == 201)
            _disk_full(desk)
            _locked(desk, locked)
            _model_missing(desk, model)
            same = one.programs() == programs and all(map(children, programs.values()))
            proof.look("no program was started again", same)
        _judge(proof, desk)
        _read_only(proof, stage.home)
        with served(stage.home) as one:
            again = _Desk(proof, stage, one, sent=desk.sent)
            proof.look("read-only disk: served again once it writes", again.comment().status == 201)
    return proof


def _judge(proof: Proof, desk: _Desk) -> None:
    from django.db import connections

    from eclaireur.core.errors import JournalBrokenError
    from eclaireur.desk.models import Comment
    from eclaireur.desk.place import workspace

    try:
        workspace().journal.verify()
        whole = True
    except JournalBrokenError:
        whole = False
    proof.look("the journal's chain holds", whole)
    there = set(Comment.objects.values_list("seq", flat=True))
    lost = set(desk.acknowledged) - there
    proof.look(
        "each acknowledged comment is there", not lost, f"{len(desk.acknowledged)} of {desk.sent} sent"
    )
    proof.look("no refused comment is there", len(there) == len(desk.acknowledged), f"{len(there)} there")
    connections.close_all()


def _apart(words: list[str]) -> int | None:
    """Run this script again in a namespace where it may mount; None where the host refuses."""
    before = ["unshare", "--user", "--map-root-user", "--mount"]
    if shutil.which("unshare") is None or subprocess.run([*before, "true"], check=False).returncode:  # noqa: S603
        return None
    environ = {**os.environ, _INSIDE: "1"}
    return subprocess.run(  # noqa: S603 (this script)
        [*before, sys.executable, __file__, *words], env=environ, check=False
    ).returncode


def main() -> int:
    """Run the proof, print what held, and fail when something did not."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--locked", type=float, default=30, help="seconds for which the database is locked")
    parser.add_argument("--log", type=Path, default=None)
    asked = parser.parse_args()
    if not os.environ.get(_INSIDE):
        code = _apart(sys.argv[1:])
        if code is None:
            print("this host gives no namespace to mount a small disk in: nothing is run")
        return code or 0
    proof = prove(asked.locked)
    print(f"{len(proof.looked)} things looked at under 4 troubles, {proof.failed} do not hold.")
    if asked.log is not None:
        figures = {"proof": "outages", "seed": 0, "tried": len(proof.looked), "failed": proof.failed}
        said = {"looked": [list(one) for one in proof.looked]}
        asked.log.write_text(json.dumps({**figures, **said}, ensure_ascii=False) + "\n", encoding="utf-8")
    return 1 if proof.failed else 0


if __name__ == "__main__":
    sys.exit(main())

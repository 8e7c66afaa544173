"""Run the proofs, keep what each one printed and counted, and write ``docs/proofs.md``.

    ./eclaireur prove [NAME…] [--quick] [--again] [--seed 20211] [--write] [--list]

Each proof is a script of this folder, run in a process of its own with a workspace that does not stay. What
it printed and counted is kept in ``proofs/CODE/FORM-SEED/``, where CODE is the hash of every file of ``src``
and ``requirements``: a proof that held with the same code, script, form and seed is not run again, whatever
stopped the others. Figures of full forms go to ``docs/proofs/``, from which the page is written; with
``--write``, those of short forms too, where there is no full one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.write_proofs import logs_in, page

__all__ = ["SCRIPTS", "Outcome", "Script", "code_of", "given", "keep", "main", "once", "run"]

_ROOT = Path(__file__).resolve().parents[1]
_CODE = ("src", "requirements", "benchmarks/desk_stage.py", "benchmarks/power_disk.py")
"""What every proof is a proof of, or rests on; each rests on its own script besides."""
_SEED = 20211


@dataclass(frozen=True, slots=True)
class Script:
    """What a proof is given in its full form, in its short one, and the seconds that a short one may last."""

    full: Sequence[str] = ()
    quick: Sequence[str] = ()
    patience: int = 600


SCRIPTS: Mapping[str, Script] = {
    "journal": Script(("--count", "10000"), ("--count", "500")),
    "pickles": Script(),
    "ssrf": Script(("--rounds", "40"), ("--rounds", "1")),
    "explanations": Script(("--count", "1000"), ("--count", "100", "--explained", "5", "--dates", "2")),
    "tasks": Script(("--kills", "2000"), ("--kills", "36")),
    "stop": Script(("--rounds", "20"), ("--rounds", "3")),
    "perimeters": Script((), ("--stride", "40", "--turns", "3", "--people", "50")),
    "membership": Script((), ("--case", "artisan_siting")),
    "kills": Script(("--kills", "2000"), ("--kills", "40", "--desks", "1"), 900),
    "power": Script(("--cuts", "5000"), ("--cuts", "200")),
    "upgrade": Script((), ("--every", "25", "--oldest", "4")),
    "outages": Script((), ("--locked", "22")),
    "overload": Script(("--seconds", "60"), ("--seconds", "10")),
    "fetching": Script((), ("--kills", "5", "--rolling", "0")),
    "documents": Script((), ("--every", "60")),
    "media": Script((), ("--every", "10")),
    "api": Script(("--requests", "100000"), ("--requests", "1000"), 900),
    "pages": Script((), ("--rounds", "1", "--files", "6"), 900),
    "fuzz": Script((), ("--seconds", "2")),
    "mutation": Script((), ("--modules", "mention")),
    "audit": Script(),
}
"""Name → how its script ``prove_NAME.py`` is run, the quickest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a proof ended: ``holds``, ``fails``, ``late``, or ``not run`` for want of what it needs."""

    state: str
    said: str
    seconds: float = 0.0
    cpu: float = 0.0


def code_of(root: Path, folders: Iterable[str] = _CODE) -> str:
    """Return the hash of some files, and of every file of some folders."""
    made = hashlib.sha256()
    for folder in map(root.joinpath, folders):
        for path in sorted(folder.rglob("*")) if folder.is_dir() else (folder,):
            if path.is_file() and path.suffix != ".pyc":
                made.update(f"{path.relative_to(root)}\0".encode())
                made.update(hashlib.sha256(path.read_bytes()).digest())
    return made.hexdigest()[:12]


def run(name: str, script: Path, arguments: Sequence[str], folder: Path, *, patience: float) -> Outcome:
    """Run a script; keep what it printed as ``NAME.txt`` and what it counted as ``NAME.json``.

    Parameters
    ----------
    arguments
        Given to the script, before ``--log FILE`` when it takes one.
    patience
        Seconds after which it is ended, with everything that it started.
    """
    folder.mkdir(parents=True, exist_ok=True)
    printed, log = folder / f"{name}.txt", folder / f"{name}.json"
    log.unlink(missing_ok=True)
    begun, before = time.monotonic(), _spent()
    with tempfile.TemporaryDirectory(prefix="eclaireur-prove-") as place, printed.open("w") as output:
        counted = Path(place) / "log.json"
        words = [sys.executable, str(script), *arguments]
        words += ["--log", str(counted)] if '"--log"' in script.read_text(encoding="utf-8") else []
        output.write(f"$ {' '.join(words[1:])}\n")
        output.flush()
        environ = {**os.environ, "ECLAIREUR_HOME": f"{place}/home", "TMPDIR": place}
        path = os.pathsep.join((str(_ROOT / "src"), str(_ROOT), os.environ.get("PYTHONPATH", "")))
        child = subprocess.Popen(  # noqa: S603 (a script of this folder)
            words,
            cwd=_ROOT,
            env={**environ, "PYTHONPATH": path.rstrip(os.pathsep)},
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            code = child.wait(timeout=patience)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            if child.poll() is None:
                os.killpg(child.pid, signal.SIGKILL)
                child.wait()
        if counted.is_file():
            shutil.copyfile(counted, log)
    lines = [line.strip() for line in printed.read_text(encoding="utf-8", errors="replace").splitlines()]
    said = next((line for line in reversed(lines[1:]) if line), "it printed nothing")
    took = {"seconds": time.monotonic() - begun, "cpu": _spent() - before}
    if code is None:
        return Outcome(state="late", said=f"ended after {patience:.0f} s; last words: {said}", **took)
    if code:
        return Outcome(state="fails", said=said, **took)
    return Outcome(state="holds" if log.is_file() else "not run", said=said, **took)


def _spent() -> float:
    """Return seconds of processor of the children that ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def keep(kept: Path, log: Path, *, form: str, code: str) -> None:
    """Keep the figures of a proof for the page; those of a full form are not replaced by a short one's."""
    found = [{**one, "form": form, "code": code} for one in logs_in(log)]
    target = kept / log.name
    if form == "short" and target.is_file() and all(one["form"] == "full" for one in logs_in(target)):
        return
    kept.mkdir(parents=True, exist_ok=True)
    text = json.dumps(found, indent=1, ensure_ascii=False, sort_keys=True)
    target.write_text(f"{text}\n", encoding="utf-8")


def given(script: Path, form: Sequence[str], seed: int) -> list[str]:
    """Return what a script is given: its form, and the seed when it draws."""
    seeded = '"--seed"' in script.read_text(encoding="utf-8")
    return [*form, *(("--seed", str(seed)) if seeded else ())]


def once(
    name: str, script: Path, arguments: Sequence[str], folder: Path, *, patience: float, again: bool = False
) -> tuple[Outcome, bool]:
    """Run a script, unless it held in this folder with the same arguments; tell whether it was run."""
    state, own = folder / f"{name}.state", hashlib.sha256(script.read_bytes()).hexdigest()[:12]
    earlier = json.loads(state.read_text(encoding="utf-8")) if state.is_file() else {}
    same = earlier.get("script") == own and earlier.get("arguments") == list(arguments)
    if same and earlier["state"] == "holds" and not again and (folder / f"{name}.json").is_file():
        return Outcome(state="holds", said=str(earlier["said"])), False
    state.unlink(missing_ok=True)
    outcome = run(name, script, arguments, folder, patience=patience)
    said = {"state": outcome.state, "said": outcome.said}
    kept = {**said, "arguments": list(arguments), "script": own}
    state.write_text(json.dumps(kept), encoding="utf-8")
    return outcome, True


def main(words: Sequence[str] | None = None) -> int:
    """Run what is asked; fail when a proof fails or is late."""
    parser = argparse.ArgumentParser(prog="./eclaireur prove", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="proofs to run; by default all")
    parser.add_argument("--quick", action="store_true", help="the short form of each: minutes, not hours")
    parser.add_argument("--again", action="store_true", help="run also what already held on this code")
    parser.add_argument("--seed", type=int, default=_SEED)
    parser.add_argument("--write", action="store_true", help="let short forms fill docs/proofs.md too")
    parser.add_argument("--list", action="store_true", help="only print the names")
    asked = parser.parse_args(words)
    if asked.list:
        sys.stdout.writelines(f"{name}\n" for name in SCRIPTS)
        return 0
    unknown = [name for name in asked.names if name not in SCRIPTS]
    if unknown:
        parser.error(f"no proof is named {', '.join(unknown)}; there are: {', '.join(SCRIPTS)}")
    form, code = "short" if asked.quick else "full", code_of(_ROOT)
    folder = _ROOT / "proofs" / code / f"{form}-{asked.seed}"
    kept, bad = _ROOT / "docs" / "proofs", 0
    sys.stdout.write(f"code {code}, {form} form, seed {asked.seed}, logs in {folder.relative_to(_ROOT)}/\n")
    for name in asked.names or SCRIPTS:
        one, script = SCRIPTS[name], _ROOT / "benchmarks" / f"prove_{name}.py"
        arguments = given(script, one.quick if asked.quick else one.full, asked.seed)
        patience = one.patience * (1 if asked.quick else 60)
        outcome, now = once(name, script, arguments, folder, patience=patience, again=asked.again)
        bad += outcome.state in {"fails", "late"}
        took = f"{outcome.seconds:.0f} s, {outcome.cpu:.0f} of processor" if now else "already done"
        sys.stdout.write(f"{name:<13} {outcome.state:<8} {took}: {outcome.said}\n")
        sys.stdout.flush()
        log = folder / f"{name}.json"
        if log.is_file() and (asked.write or not asked.quick):
            keep(kept, log, form="full" if one.quick == one.full else form, code=code)
    if asked.write or not asked.quick:
        logs = [one for path in sorted(kept.glob("*.json")) for one in logs_in(path)]
        (_ROOT / "docs" / "proofs.md").write_text(page(logs), encoding="utf-8")
    sys.stdout.write(f"{bad} failed\n")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())

"""Compute a random sample of past scores again from the journal and the artefacts that it names.

    python benchmarks/prove_explanations.py --count 1000 --seed 20211 [--log FILE]

The sample of a case is worked out at several dates with two models, in a folder that does not stay;
verdicts are written on subjects drawn at random among all runs; then a random sample of the journal's lines
is computed again and compared to 1e-9. `tests/service/test_explaining.py` runs the short form.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from eclaireur.core.subjects import Subject
from eclaireur.core.types import Verdict
from eclaireur.core.workspace import Workspace
from eclaireur.service import signals as making, training
from eclaireur.service.explaining import explain_entry
from eclaireur.service.feedback import result_entry
from eclaireur.service.recomputing import recompute, scored_entries
from eclaireur.service.signals import Signals
from eclaireur.service.work import Work

__all__ = ["decide_at_random", "made", "main"]

SOURCE = "sample"


def made(work: Work, dates: int) -> list[Signals]:
    """Make signals at several dates with the first model, then at one with another."""
    newest = making.make(work, SOURCE)
    days = [newest.as_of - timedelta(days=30 * month) for month in range(1, dates)]
    found = [newest, *(making.make(work, SOURCE, as_of=day) for day in days)]
    other = training.train(work, SOURCE)
    # Written as `training.promote` does: no later result exists here on which to compare the two.
    seal = work.workspace.registry.seal(other)
    said = {"source": SOURCE, "number": other.number, "seal": seal, "reason": "essai"}
    work.workspace.journal.append("promotion", case=work.card.name, actor="Ana Lys", data=said)
    found.append(making.make(work, SOURCE))
    return found


def decide_at_random(work: Work, runs: list[Signals], count: int, rng: random.Random) -> None:
    """Write a verdict on ``count`` subjects drawn among all runs, in one go."""
    drafts = []
    for _ in range(count):
        run = rng.choice(runs)
        row = run.table.slice(rng.randrange(run.table.num_rows), 1).to_pylist()[0]
        entry = result_entry(
            SOURCE,
            Subject.parse(row["subject"]),
            observed=run.as_of,
            known=run.as_of + timedelta(days=1),
            label=None,
            value=Verdict.FOLLOW.value,
            observer="essai",
            propensity=None,
        )
        said = {"verdict": Verdict.FOLLOW.value, "signal_run": run.run.id, "model": row["model"]}
        data = {**entry["data"], **said, "score": row["score"]}
        drafts.append({"kind": "decision", "case": work.card.name, "actor": "Ana Lys", **entry, "data": data})
    work.workspace.journal.append_many(drafts)


def main() -> int:
    """Run the proof, print its figure, and fail when one score differs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", default="restaurant_risk")
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--explained", type=int, default=50)
    parser.add_argument("--dates", type=int, default=4)
    parser.add_argument("--seed", type=int, default=20211)
    parser.add_argument("--log", type=Path, default=None)
    asked = parser.parse_args()
    rng, began = random.Random(asked.seed), time.process_time()
    with tempfile.TemporaryDirectory(prefix="eclaireur-prove-") as folder:
        work = Work.on(Workspace.open(Path(folder), env={}), asked.case)
        runs = made(work, asked.dates)
        decide_at_random(work, runs, 2 * asked.count, rng)
        sample = rng.sample(scored_entries(work), asked.count)
        found = recompute(work, sample)
        explained = sum(bool(explain_entry(work, one.seq).blocks) for one in sample[: asked.explained])
    figures = {
        "proof": "explanations",
        "case": asked.case,
        "seed": asked.seed,
        "runs": len(runs),
        "tried": asked.count,
        "failed": asked.count - found.same,
        "different": found.different,
        "explained": explained,
        "cpu_seconds": round(time.process_time() - began, 1),
    }
    print(
        f"{found.same} of {asked.count} past scores computed again are equal to 1e-9 "
        f"({len(runs)} runs, 2 models, {figures['cpu_seconds']} CPU s); {explained} explanations rebuilt."
    )
    if asked.log is not None:
        asked.log.write_text(json.dumps(figures) + "\n", encoding="utf-8")
    return 0 if found.same == asked.count and explained == min(asked.explained, asked.count) else 1


if __name__ == "__main__":
    sys.exit(main())

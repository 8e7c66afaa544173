"""Attack the membership of a model of each case that has scores to attack, and fail when one tells too much.

    python benchmarks/prove_membership.py [--case restaurant_risk --source sample …] [--log FILE]

By default: the sample of each target case. A model is refused over AUC 0.60, or over 3 % of its people found
at 1 % of false alarms.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

from eclaireur.core.card import Desk
from eclaireur.core.catalog import cards
from eclaireur.core.errors import EclaireurError
from eclaireur.core.workspace import Workspace
from eclaireur.service.membership import attack
from eclaireur.service.work import Work

__all__ = ["main"]


def main() -> int:
    """Run the attacks and print their figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--case", default="")
    parser.add_argument("--source", default="sample")
    parser.add_argument("--seed", type=int, default=20211)
    parser.add_argument("--log", type=Path, default=None)
    asked = parser.parse_args()
    names = [asked.case] if asked.case else [one.name for one in cards() if one.desk is Desk.TARGET]
    failed, rows = 0, []
    print(f"{'case':20}{'AUC':>7}{'95 %':>16}{'found':>9}{'95 %':>18}{'members':>9}")
    with tempfile.TemporaryDirectory(prefix="eclaireur-prove-") as folder:
        for name in names:
            work = Work.on(Workspace.open(Path(folder)), name, seed=asked.seed)
            try:
                made = attack(work, asked.source)
            except EclaireurError as error:
                print(f"{name:20} {error.message}")
                continue
            failed += not made.passes
            rows.append({"case": name, "source": asked.source, **asdict(made)})
            print(
                f"{name:20}{made.auc:7.3f}{made.auc_low:8.3f} –{made.auc_high:6.3f}{made.found:9.2%}"
                f"{made.found_low:9.2%} –{made.found_high:7.2%}{made.members:9}"
            )
    if asked.log is not None:
        figures = {"proof": "membership", "seed": asked.seed, "tried": len(rows), "failed": failed}
        asked.log.write_text(json.dumps({**figures, "rows": rows}) + "\n", encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

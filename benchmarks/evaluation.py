"""CPU seconds of all ranking figures with their bootstrap, at the size of Chicago's test months.

Run with ``python benchmarks/evaluation.py [rows]``: 17 000 made-up rows by default.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from eclaireur.core.evaluation import ranking_metrics
from eclaireur.core.evaluation.intervals import DRAWS

ROWS = 17_000
OBSERVERS = 40
PERIODS = 4


def main(rows: int) -> None:
    """Measure once and print."""
    random = np.random.default_rng(0)
    risk = random.beta(2, 10, rows)
    labels = (random.random(rows) < risk).astype(float)
    periods = np.sort(random.integers(0, PERIODS, rows))
    started = time.process_time()
    metrics = ranking_metrics(
        labels,
        risk,
        days=np.sort(random.integers(0, 360, rows)),
        observer=[f"agent {code}" for code in random.integers(0, OBSERVERS, rows)],
        subjects=random.integers(0, rows // 2, rows).tolist(),
        baselines={
            "dernier résultat": (random.random(rows) < 0.2).astype(float),
            "taux passé": risk + random.normal(0, 0.1, rows),
        },
        nuisance={"agent seul": random.random(rows)},
        base_rate=np.full(rows, labels.mean()),
        periods=periods,
        seed=1,
    )
    spent = time.process_time() - started
    print(
        f"{rows} rows, {PERIODS} periods, {DRAWS} draws, {len(metrics)} figures: {spent:.1f} CPU s, "
        f"{1000 * spent / DRAWS / len(metrics):.2f} ms a figure and draw"
    )


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else ROWS)

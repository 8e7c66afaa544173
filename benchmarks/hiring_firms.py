"""Figures of hiring_firms: deviance and ranks on held-out half-years, exposure, time.

Run alone: ``.venv/bin/python benchmarks/hiring_firms.py``. Hirings are drawn by the law of the case
(`cases.hiring_firms.law`): the sample at ten times its size under two seeds, then real firms around Metz with
ECLAIREUR_DATA. Speed is CPU seconds of this process.
"""

from __future__ import annotations

import os
import sys
import time
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from eclaireur.cases.hiring_firms import case, metz, sample
from eclaireur.cases.hiring_firms.tables import normalise
from eclaireur.core.case import quiet

if TYPE_CHECKING:
    import pyarrow as pa

_FIRMS = 8000


def main() -> None:
    """Measure the generated territories, then Metz."""
    for seed in (3, 4):
        measure(f"sample, {_FIRMS} firms, seed {seed}", normalise(sample.tables(seed=seed, firms=_FIRMS)))
    folder = os.environ.get("ECLAIREUR_DATA")
    if folder:
        measure("metz", normalise(metz.tables(Path(folder))), source="metz")
    else:
        print("metz: skipped, ECLAIREUR_DATA is not set")


def measure(name: str, records: dict[str, pa.Table], *, source: str = "sample") -> None:
    """Train and score once for the time, then print the evaluation."""
    when = case.data_date(records) + timedelta(days=1)
    examples = case.examples(records)
    start = time.process_time()
    fitted = case.train(records, examples, as_of=when, seed=1, progress=quiet)
    trained = time.process_time()
    table = case.signals(records, fitted.card, dict(fitted.artefacts).__getitem__, as_of=when, progress=quiet)
    scored = time.process_time()
    print(f"{name}: {examples.num_rows} half-years learnt in {trained - start:.1f} CPU s, ", end="")
    print(f"{table.num_rows} firms scored and explained in {scored - trained:.1f} CPU s")
    with ThreadPoolExecutor(1) as engine:
        (block,) = case.evaluate(source, records, seed=1, engine=engine, progress=quiet)
    for metric in block.metrics:
        print(
            f"  {metric.name}: {metric.value:.3f} ({metric.low:.3f} to {metric.high:.3f}), n={metric.n}, ",
            end="",
        )
        print(f"{metric.baseline}: {metric.baseline_value:.3f}")


if __name__ == "__main__":
    main()

"""Figures of drug_effects: published effects, the shrinker on CAERS, speed.

Run alone: ``.venv/bin/python benchmarks/drug_effects.py``. Times are CPU seconds of this process, once
libraries are loaded.
"""

from __future__ import annotations

import math
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import numpy as np

from eclaireur.cases.drug_effects.published import STUDIES, fit_study, study_rows
from eclaireur.cases.drug_effects.reports_table import count_pairs
from eclaireur.cases.drug_effects.shrinker import fit_prior, shrink


def main() -> None:
    """Print the figures of real data when they are there, then those of made-up worlds."""
    folder = os.environ.get("ECLAIREUR_DATA")
    if folder:
        published(Path(folder) / "case_series")
        caers(Path(folder) / "adverse_events" / "caers_product_event.csv.gz")
    else:
        print("published, caers: skipped, ECLAIREUR_DATA is not set")


def published(folder: Path) -> None:
    """Print each published series beside what its authors found."""
    print("| file | window | events | here | published |")
    print("| --- | --- | --- | --- | --- |")
    for study in STUDIES:
        made, _ = fit_study(study, study_rows(study, folder / f"{study.name}.txt"))
        answers = dict(study.answers.values())
        for at, effect in enumerate(made.effects):
            here = f"{effect.ratio:.2f} ({effect.low:.2f}–{effect.high:.2f})"
            answer = answers.get(at)
            said = "–"
            if answer is not None:
                limits = "" if math.isnan(answer.low) else f" ({answer.low:.2f}–{answer.high:.2f})"
                said = f"{answer.ratio:.2f}{limits}"
            print(f"| {study.name} | {effect.name} | {effect.events} | {here} | {said} |")


def caers(path: Path) -> None:
    """Print the prior of CAERS, its strongest pair, and the time of the fit."""
    import pyarrow.csv as pacsv

    table = pacsv.read_csv(path)
    pairs = count_pairs(table.select(table.column_names[:3]).rename_columns(["report", "drug", "event"]))
    fit_prior(np.ones(2), np.ones(2))
    start = time.process_time()
    prior = fit_prior(pairs.count, pairs.expected)
    spent = time.process_time() - start
    shrunk = shrink(pairs.count, pairs.expected, prior)
    top = int(shrunk.mean.argmax())
    print(f"caers: {len(pairs.drug)} pairs, -logL {prior.loss:.3f}, fit {spent:.2f} CPU-s")
    print(f"top {pairs.drug[top]} × {pairs.event[top]}: ", end="")
    print(f"EBGM {shrunk.mean[top]:.2f}, EB05 {shrunk.low[top]:.2f}")


if __name__ == "__main__":
    main()

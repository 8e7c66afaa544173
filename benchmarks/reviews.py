"""What reviews bring to the ranking of restaurants, on the fictitious département: no review is public.

Run alone: ``.venv/bin/python benchmarks/reviews.py``. For two seeds of the generator, how well
complaints are recognised (its expressions were written knowing the grammar of the made-up reviews: a
regression test, no claim on real ones), and what the ranking loses without them, then without ratings either,
on rolling origins, each review as known at the date.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import numpy as np

from eclaireur.cases.restaurant_risk import case, measuring, sample
from eclaireur.cases.restaurant_risk.reviews import with_complaints
from eclaireur.cases.restaurant_risk.sample.world import simulate
from eclaireur.core import evaluation
from eclaireur.core.case import Records, quiet
from eclaireur.core.engine import open_engine

VARIANTS = {
    "complaints in the text": frozenset({"plaintes des avis"}),
    "complaints and ratings": frozenset({"plaintes des avis", "avis"}),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--establishments", type=int, default=2500)
    size = parser.parse_args().establishments
    for seed in (1, 2):
        with tempfile.TemporaryDirectory() as folder:
            sample.write(Path(folder), seed=seed, establishments=size)
            records = sample.records(Path(folder), progress=quiet)
        print(f"seed {seed}: {recognised(records, seed, size)}")
        for line in ablation(records):
            print(f"  {line}", flush=True)


def recognised(records: Records, seed: int, size: int) -> str:
    """Return precision and recall of the complaints that the generator wrote."""
    made = simulate(seed, size).reviews.blames
    found = with_complaints(records["reviews"])
    number = np.array([int(key[1:]) - 1 for key in found["review"].to_pylist()])
    truth, said = made[number], np.array(found["blames"].to_pylist(), float) == 1
    right = int((truth & said).sum())
    low, high = evaluation.wilson(right, int(truth.sum()))
    return (
        f"{len(said)} reviews, {int(truth.sum())} complain; precision {right / said.sum():.3f}, "
        f"recall {right / truth.sum():.3f} [{low:.3f}, {high:.3f}]"
    )


def ablation(records: Records) -> list[str]:
    """Return what the whole gains over the model without each part."""
    examples = case.examples(records)
    last = case.data_date(records)

    def held(without: frozenset[str]) -> measuring.Held:
        with open_engine("inline") as engine:
            return measuring.held_out(
                records,
                examples,
                last=last,
                seed=1,
                engine=engine,
                progress=quiet,
                variant=measuring.Variant(without=without),
            )

    whole = held(frozenset())
    groups = evaluation.group_codes(measuring.observers(records, whole.rows))
    weights = evaluation.bootstrap_weights(
        whole.labels.size, seed=1, clusters=evaluation.group_codes(whole.rows["subject"].to_pylist())
    )

    def panel(scores: object) -> evaluation.Panel:
        return evaluation.Panel(whole.labels, scores, groups=groups, periods=whole.periods)

    lines = []
    for title, without in VARIANTS.items():
        other = panel(held(without).scores["modèle"])
        gain = evaluation.gain(
            "auc_within_observer", panel(whole.scores["modèle"]), other, weights, baseline_name=title
        )
        lines.append(
            f"without {title}: auc_within_observer {gain.baseline_value:.3f}; "
            f"the whole gains {gain.value:+.4f} [{gain.low:+.4f}, {gain.high:+.4f}], n = {whole.labels.size}"
        )
    return lines


if __name__ == "__main__":
    main()

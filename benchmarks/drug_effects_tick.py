"""The curves of drug_effects by tick: `benchmarks/drug_effects.py --tick PYTHON` runs this there.

Usage: ``PYTHON drug_effects_tick.py WORLD.npz OUT.npz``. tick 0.8.0.2 needs numpydoc and six beside it. It
reads nothing of ours but arrays, and writes its curves, its loss at them and at ours, and its CPU seconds.
"""

from __future__ import annotations

import sys
import time

import numpy as np
from tick.survival import ConvSCCS, ModelSCCS  # type: ignore[import-not-found]  # in its own interpreter


def main(world: str, out: str) -> None:
    """Fit the world as its file says."""
    held = np.load(world)
    persons, days, lags, drugs = (int(held[name]) for name in ("persons", "days", "lags", "drugs"))
    features, labels = [], []
    for one in range(persons):
        given, seen = np.zeros((days, drugs)), np.zeros(days, dtype=np.int32)
        mine = held["dose_person"] == one
        given[held["dose_day"][mine], held["dose_drug"][mine]] = 1.0
        seen[held["event_day"][held["event_person"] == one]] = 1
        features.append(given)
        labels.append(seen)
    censoring = held["end"].astype(np.uint64)
    delays = np.full(drugs, lags - 1, dtype=np.uint64)
    learner = ConvSCCS(
        n_lags=delays,
        penalized_features=np.arange(drugs),
        C_tv=1 / float(held["variation"]),
        C_group_l1=1 / float(held["group"]),
        max_iter=int(held["rounds"]),
        tol=1e-10,
        random_state=1,
    )
    start = time.process_time()
    learner.fit(features, labels, censoring)
    spent = time.process_time() - start
    lagged, told, ends = learner._preprocess_data(features, labels, censoring)  # noqa: SLF001 - to ask its loss
    model = ModelSCCS(days, delays).fit(lagged, told, ends)
    np.savez(
        out,
        values=np.concatenate(learner.coeffs),
        spent=spent,
        loss=model.loss(np.concatenate(learner.coeffs)),
        loss_at_ours=model.loss(np.ascontiguousarray(held["ours"].ravel())),
    )


if __name__ == "__main__":
    main(*sys.argv[1:])

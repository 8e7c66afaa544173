"""The audit of bricks.predict by aequitas and fairlearn: `benchmarks/predict.py --peers PYTHON audit`.

Usage: ``PYTHON predict_peers.py ROWS.npz``. Runs in an interpreter that has both packages (aequitas 1.0 asks
for pandas before 3); it reads nothing of ours but arrays. For each package: the counts and rates of every
group (selected, false positives, false negatives), CPU seconds, least of three. No interval is computed by
either unless asked, and none was.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
from aequitas.bias import Bias  # type: ignore[import-not-found]  # in its own interpreter
from aequitas.group import Group  # type: ignore[import-not-found]
from fairlearn import metrics  # type: ignore[import-not-found]


def main(path: str) -> None:
    """Time both packages on the rows of a file."""
    held = np.load(path)
    names = [name for name in held.files if name not in {"labels", "selected"}]
    frame = pd.DataFrame({"label_value": held["labels"].astype(int), "score": held["selected"].astype(int)})
    for name in names:
        frame[name] = held[name].astype(str)

    def groups() -> None:
        Group().get_crosstabs(frame, attr_cols=names)

    def disparity() -> None:
        found, _ = Group().get_crosstabs(frame, attr_cols=names)
        Bias().get_disparity_major_group(found, original_df=frame, check_significance=False)

    def framed() -> None:
        rates = {
            "selection": metrics.selection_rate,
            "false positives": metrics.false_positive_rate,
            "false negatives": metrics.false_negative_rate,
            "count": metrics.count,
        }
        for name in names:
            one = metrics.MetricFrame(
                metrics=rates,
                y_true=frame["label_value"],
                y_pred=frame["score"],
                sensitive_features=frame[name],
            )
            _ = one.by_group

    print(f"| the same groups by aequitas, counts and rates | {least(groups):.2f} s | least of 3 |")
    print(f"| the same, with its ratios to the largest group | {least(disparity):.2f} s | least of 3 |")
    print(f"| the same groups by fairlearn, four rates | {least(framed):.2f} s | least of 3 |")


def least(task: Callable[[], None]) -> float:
    """Return the least CPU seconds of three runs."""
    times = []
    for _ in range(3):
        start = time.process_time()
        task()
        times.append(time.process_time() - start)
    return min(times)


if __name__ == "__main__":
    main(sys.argv[1])

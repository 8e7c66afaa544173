"""Labelling of the real sentences of inspection letters: five folds by text, near-duplicates in one fold.

Run alone: ``.venv/bin/python benchmarks/inspection_labels.py [--folds 5] [--seed 1]``. Beside it, on the same
sentences, what the agency's own model answered. Its last lines compare the speed of labelling with
scikit-learn's plain pipeline (words and pairs, TF-IDF, one ridge regression a label) fitted on the same
sentences, on one thread: where others use the processors, threads of the linear algebra spend their time
waiting for each other.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import sys
import time
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"
os.environ["OPENBLAS_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import numpy as np

from eclaireur.bricks.semantic.groups import Grouper
from eclaireur.bricks.semantic.labelling import Labeller, folds
from eclaireur.core.evaluation import wilson


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--folds", type=int, default=5, help="how many of the five are measured")
    parser.add_argument("--seed", type=int, default=1, help="of the draw of the folds")
    asked = parser.parse_args()
    count = asked.folds
    folder = os.environ.get("ECLAIREUR_DATA")
    if not folder:
        sys.exit("skipped: ECLAIREUR_DATA is not set")
    with gzip.open(Path(folder) / "inspection_letters" / "asn_sentences.jsonl.gz") as stream:
        rows = [json.loads(line) for line in stream]
    texts = [row["sentence"] for row in rows]
    truth = [{str(one) for one in row["labels"]} for row in rows]
    agency = [{str(one) for one in row["asn_bert_predictions"]} for row in rows]
    grouper = Grouper(width=3)
    grouper.add(texts)
    groups = grouper.groups()
    fold = folds(groups, 5, seed=asked.seed)
    told: dict[int, set[str]] = {}
    kept: dict[int, bool] = {}
    spent = 0.0
    for number in range(count):
        inside, outside = np.flatnonzero(fold != number).tolist(), np.flatnonzero(fold == number).tolist()
        model = Labeller.fit(
            [texts[at] for at in inside],
            [truth[at] for at in inside],
            groups=groups[inside],
            seed=2,
            hints=[agency[at] for at in inside],
        )
        start = time.process_time()
        scores = model.scored([texts[at] for at in outside])
        spent += time.process_time() - start
        given = model.given(scores)
        best, _, sure = model.sure(scores)
        for place, at in enumerate(outside):
            told[at] = {model.names[label] for label in np.flatnonzero(given[place])}
            if sure[place]:
                kept[at] = model.names[best[place]] in truth[at]
        print(f"fold {number + 1}: {report(told, truth)}, kept {sum(kept.values())}/{len(kept)}", flush=True)
    print(f"agency: {report({at: agency[at] for at in told}, truth)}")
    low, high = wilson(sum(kept.values()), len(kept))
    share = sum(kept.values()) / len(kept) if kept else float("nan")
    print(f"precision_kept {share:.3f} [{low:.3f}, {high:.3f}], coverage_kept {len(kept) / len(told):.4f}")
    print(f"{len(told) / spent:.0f} sentences labelled/CPU-s")
    inside, outside = np.flatnonzero(fold != count - 1).tolist(), np.flatnonzero(fold == count - 1).tolist()
    speed = plain_speed(
        [texts[at] for at in inside], [truth[at] for at in inside], [texts[at] for at in outside]
    )
    print(f"{speed:.0f} sentences/CPU-s by scikit-learn's plain pipeline, without chances")


def plain_speed(texts: list[str], labels: list[set[str]], new: list[str]) -> float:
    """Return how many sentences a plain pipeline of scikit-learn scores in a CPU second."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import Ridge
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import MultiLabelBinarizer

    model = make_pipeline(
        TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True),
        Ridge(6.0, solver="sparse_cg", tol=0.01),
    )
    model.fit(texts, MultiLabelBinarizer().fit_transform(labels))
    start = time.process_time()
    model.predict(new)
    return len(new) / (time.process_time() - start)


def report(told: dict[int, set[str]], truth: list[set[str]]) -> str:
    """Return micro-F1 and macro-F1 of what was told."""
    names = sorted({label for at in told for label in truth[at]})
    right = {name: sum(name in one and name in truth[at] for at, one in told.items()) for name in names}
    said = {name: sum(name in one for one in told.values()) for name in names}
    there = {name: sum(name in truth[at] for at in told) for name in names}
    total = sum(len(one) for one in told.values()) + sum(there.values())
    macro = sum(2 * right[name] / (said[name] + there[name]) for name in names) / len(names)
    return f"micro_f1 {2 * sum(right.values()) / total:.4f}, macro_f1 {macro:.4f}"


if __name__ == "__main__":
    main()

"""What users think of public services, learnt from their own ratings; other networks than those learnt from.

Run alone: ``.venv/bin/python benchmarks/opinions.py``. Five folds by network of services (CAF, prefectures…).
A split by date is no test here: whoever made the file drew the three ratings from different periods, and its
last third has no unfavourable one. Beside the model: the words of opinion alone, and the pretrained model of
the students who published the file. No text is printed.
"""

from __future__ import annotations

import csv
import gzip
import os
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import numpy as np

from eclaireur.bricks.semantic.labelling import folds
from eclaireur.bricks.semantic.opinions import Opinion, Opinions, balance
from eclaireur.bricks.semantic.outline import sentences
from eclaireur.core.evaluation import bootstrap_weights, wilson

FILE = "services_publics_plus/experiences_services_publics_plus_1200.csv.gz"
ASPECTS = ("Accessibilité", "Information/Explication", "Relation", "Réactivité", "Simplicité/Complexité")
_FOLDS = 5


def main() -> None:
    """Measure and print."""
    folder = os.environ.get("ECLAIREUR_DATA")
    if not folder:
        sys.exit("skipped: ECLAIREUR_DATA is not set")
    with gzip.open(Path(folder) / FILE, "rt", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    texts = [f"{row['Titre']}. {row['Description']}" for row in rows]
    truth = np.array([row["Ressenti usager"] for row in rows])
    aspects = [{name: row[name] for name in ASPECTS if row[name]} for row in rows]
    network = np.unique(
        [row["Intitulé Typologie 1"] or row["Intitulé structure 1"] for row in rows], return_inverse=True
    )[1]
    fold = folds(network, _FOLDS, seed=0)
    said = np.empty(len(rows), truth.dtype)
    given: list[set[str]] = [set() for _ in rows]
    usual: list[set[str]] = [set() for _ in rows]
    drops: list[bool] = []
    spent = fitting = 0.0
    rng = np.random.default_rng(1)
    for number in range(_FOLDS):
        inside, outside = np.flatnonzero(fold != number), np.flatnonzero(fold == number)
        start = time.process_time()
        model = Opinions.fit(
            [texts[at] for at in inside],
            truth[inside].tolist(),
            [aspects[at] for at in inside],
            groups=network[inside],
            seed=1,
        )
        fitting += time.process_time() - start
        common = most_common([aspects[at] for at in inside])
        start = time.process_time()
        told = [model.told(texts[at]) for at in outside]
        spent += time.process_time() - start
        for at, opinions in zip(outside, told, strict=True):
            said[at] = opinions[0].polarity
            given[at] = {f"{one.aspect} : {one.polarity}" for one in opinions[1:]}
            usual[at] = common
            drop = shown_weighs(model, texts[at], opinions[0], rng)
            if drop is not None:
                drops.append(drop)
    words = np.array([plain(text) for text in texts])
    students = np.array([row["author_model_sentiment"] for row in rows])
    print(
        f"{len(rows)} texts, {len(set(network.tolist()))} networks; {fitting / _FOLDS:.1f} CPU-s to learn, "
        f"{len(rows) / spent:.0f} texts/CPU-s with their sentences"
    )
    weights = bootstrap_weights(len(rows), seed=1, clusters=network)
    for title, guess in (
        ("model", said),
        ("words of opinion alone", words),
        ("students' pretrained model", students),
    ):
        right = guess == truth
        low, high = np.percentile((weights @ right) / weights.sum(axis=1), [2.5, 97.5])
        gain = np.percentile(
            (weights @ ((said == truth).astype(float) - right)) / weights.sum(axis=1), [2.5, 97.5]
        )
        print(
            f"  agreement, {title}: {right.mean():.4f} [{low:.3f}, {high:.3f}]; "
            f"gain of the model [{gain[0]:+.3f}, {gain[1]:+.3f}]"
        )
    for kind in sorted(set(truth.tolist())):
        kept = said == kind
        print(
            f"  {kind}: precision {np.mean(truth[kept] == kind):.3f}, "
            f"recall {np.mean(kept[truth == kind]):.3f}"
        )
    there = [{f"{name} : {polarity}" for name, polarity in one.items()} for one in aspects]
    print(
        f"  aspects with polarity, micro-F1: model {micro(given, there):.3f}, "
        f"the most usual {micro(usual, there):.3f}"
    )
    low, high = wilson(sum(drops), len(drops))
    print(
        f"  taking out the sentence shown weighs more than another one: {np.mean(drops):.3f} "
        f"[{low:.3f}, {high:.3f}] of {len(drops)}"
    )


def plain(text: str) -> str:
    """Rate a text by its words of opinion alone."""
    total = sum(balance(text))
    return "Positif" if total > 0 else "Négatif" if total < 0 else "Neutre"


def most_common(aspects: list[dict[str, str]]) -> set[str]:
    """Return the labels that, given to every text, have the best micro-F1."""
    counted = Counter(f"{name} : {polarity}" for one in aspects for name, polarity in one.items())
    names = [name for name, _ in counted.most_common()]
    total = sum(counted.values())
    figures = [
        2 * sum(counted[name] for name in names[:size]) / (size * len(aspects) + total)
        for size in range(1, len(names) + 1)
    ]
    return set(names[: 1 + int(np.argmax(figures))])


def micro(said: list[set[str]], there: list[set[str]]) -> float:
    """Return the micro-F1 of sets of labels."""
    right = sum(len(a & b) for a, b in zip(said, there, strict=True))
    return 2 * right / (sum(map(len, said)) + sum(map(len, there)))


def shown_weighs(model: Opinions, text: str, opinion: Opinion, rng: np.random.Generator) -> bool | None:
    """Tell whether the chance falls more without the sentence shown than without another one."""
    places = sentences(text)
    shown = (opinion.start, opinion.end)
    others = [one for one in places if one != shown]
    if len(others) < 2:
        return None
    other = others[int(rng.integers(len(others)))]
    column = model.names.index(opinion.polarity)
    without = model.chances([f"{text[:a]} {text[b:]}" for a, b in (shown, other)])[:, column]
    return bool(without[0] < without[1])


if __name__ == "__main__":
    main()

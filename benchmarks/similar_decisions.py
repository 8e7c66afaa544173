"""Figures of similar_decisions: pairs against the complete comparison, and speed.

Run alone: ``.venv/bin/python benchmarks/similar_decisions.py [--many 1000000]``. Speed is in decisions for
each second of CPU of this process, on the whole way once libraries are loaded: judges' names out, shingles,
candidates, exact check, groups. A plain loop of Python is timed too: on a machine that others use, a CPU
second does less.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import resource
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import numpy as np

from eclaireur.bricks.semantic.groups import Grouper
from eclaireur.cases.similar_decisions import measuring, sample
from eclaireur.cases.similar_decisions.judges import without_judges

BATCH = 2000
STOPS = (20_000, 100_000, 300_000)


def main() -> None:
    """Measure the real decisions when they are there, then generated ones."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--many", type=int, default=20_000)
    many = parser.parse_args().many
    folder = os.environ.get("ECLAIREUR_DATA")
    if folder:
        real(Path(folder) / "conseil_etat" / "conseil_etat_202111.jsonl.gz")
    else:
        print("conseil_etat: skipped, ECLAIREUR_DATA is not set")
    generated(many)


def real(path: Path) -> None:
    """Compare with the complete comparison, with and without the judges' names."""
    with gzip.open(path) as stream:
        texts = [json.loads(line)["texte"] for line in stream]
    warm = Grouper()
    warm.add([without_judges(text) for text in texts[:2]])
    warm.groups()
    start = time.process_time()
    clean = [without_judges(text) for text in texts]
    middle = time.process_time()
    grouper = Grouper()
    grouper.add(clean)
    pairs = grouper.pairs()
    grouper.groups()
    end = time.process_time()
    found = set(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))
    for name, exact in (
        ("names out", measuring.exact_pairs(clean)),
        ("as published", measuring.exact_pairs(texts)),
    ):
        right = len(found & exact)
        print(f"{name}: {len(exact)} exact pairs, recall {right / len(exact):.4f}, ", end="")
        print(f"precision {right / len(found):.4f}")
    print(f"{len(texts)} decisions of {sum(map(len, texts)) // len(texts)} characters: ", end="")
    print(f"{len(texts) / (end - start):.0f} decisions/CPU-s end to end, ", end="")
    print(f"{len(texts) / (end - middle):.0f} without reading names")


def generated(many: int) -> None:
    """Group many generated decisions, one in three in a series, their sets on disk; on the way too."""
    start = time.process_time()
    sum(range(10_000_000))
    print(f"ten million additions: {time.process_time() - start:.2f} CPU-s (0.19 on the free machine)")
    draw = np.random.default_rng(5)
    moulds = [one.text for one in sample.made(5, count=2000)]
    words = np.array(sorted({word for text in moulds for word in re.findall(r"\w{4,}", text)}), object)
    spent = 0.0
    with tempfile.TemporaryDirectory() as folder:
        sets = Path(folder) / "sets"
        grouper = Grouper(spill=sets)
        for first in range(0, many, BATCH):
            texts = batch(draw, moulds, words, min(BATCH, many - first))
            start = time.process_time()
            grouper.add([without_judges(text) for text in texts])
            done = first + len(texts)
            if done in STOPS or done == many:
                found = len(set(grouper.groups().tolist()))
                spent += time.process_time() - start
                memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
                print(f"{done} generated decisions: {done / spent:.0f}/CPU-s, {found} groups, ", end="")
                print(f"{len(grouper.pairs())} pairs, peak memory {memory:.2f} GB, ", end="")
                print(f"{sets.stat().st_size / 1e9:.2f} GB on disk", flush=True)
            else:
                spent += time.process_time() - start


def batch(draw: np.random.Generator, moulds: list[str], words: np.ndarray, size: int) -> list[str]:
    """Return decisions of a fresh body of words, one in three repeated with another party and date."""
    texts: list[str] = []
    while len(texts) < size:
        head, _, tail = moulds[draw.integers(len(moulds))].partition("Considérant ce qui suit :")
        body = " ".join(words[draw.integers(len(words), size=draw.integers(300, 901))])
        for _ in range(draw.choice((1, 1, 1, 1, 2, 3))):
            first, last = draw.choice(list("ABCDEFGH"), 2)
            tied = f"Considérant ce qui suit :\n1. M. {first} {last} soutient que {body}.{tail}"
            texts.append(head + tied)
    return texts[:size]


if __name__ == "__main__":
    main()

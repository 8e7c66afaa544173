"""Entities scored where annotations exist, exact spans and kinds, beside a dictionary or plain rules.

Run alone: ``.venv/bin/python benchmarks/entities.py``. Three sets, none of which has every kind:

- quaero: ten groups of medical concepts, learnt on the documents of ``train``, scored on those of ``dev``;
- treebanks: proper names (runs of PROPN), learnt on Sequoia's training part, scored on its test part and
  on GSD, another source;
- clinical cases: calendar dates (time expressions of class DATE that hold a year or a month), by rules alone.

Intervals are of 500 bootstrap draws of documents (of sentences for the treebanks, which do not say more).
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import re
import sys
import tarfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree as ET

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import numpy as np

from eclaireur.bricks.semantic.entities import partial_dates
from eclaireur.bricks.semantic.entities_learnt import Dictionary, SpanTagger, words
from eclaireur.bricks.semantic.references import dates
from eclaireur.core.evaluation import bootstrap_weights

Span = tuple[int, int, str]
Finder = Callable[[str], Iterable[Span]]
_CALENDAR = re.compile(
    r"(?:19|20)\d\d|janvier|f[ée]vrier|\bmars\b|avril|\bmai\b|juin|juillet|ao[uû]t|septembre|octobre|"
    r"novembre|d[ée]cembre",
    re.IGNORECASE,
)


class Annotated(NamedTuple):
    """A text, its spans and its document."""

    text: str
    spans: list[Span]
    document: str


def main() -> None:
    """Measure and print."""
    argparse.ArgumentParser(description=__doc__).parse_args()
    told = os.environ.get("ECLAIREUR_DATA")
    if not told:
        sys.exit("skipped: ECLAIREUR_DATA is not set")
    folder = Path(told)
    concepts(folder / "quaero")
    names(folder / "treebanks")
    calendar(folder / "clinical_cases" / "e3c_french_annotated_layers_1_2_xmi.tar.gz")


def concepts(folder: Path) -> None:
    """Medical concepts, other documents than those learnt from."""
    learnt = list(quaero(folder / "quaero_train.jsonl.gz"))
    held = list(quaero(folder / "quaero_dev.jsonl.gz"))
    tagger, plain = fitted(learnt)
    print(f"\nquaero: {len(learnt)} texts learnt, {len(held)} held out, {spans(held)} spans")
    compare(held, {"sequence model": tagger.spans, "dictionary": plain.spans})
    for kind in sorted({span[2] for one in held for span in one.spans}):
        only = [
            Annotated(one.text, [span for span in one.spans if span[2] == kind], one.document) for one in held
        ]
        figure = [figures(counts(only, keep(finder, kind)))[2] for finder in (tagger.spans, plain.spans)]
        print(f"  {kind} n={spans(only)} F1 {figure[0]:.3f}, dictionary {figure[1]:.3f}")


def names(folder: Path) -> None:
    """Proper names, another source than the one learnt from."""
    learnt = list(treebank(folder / "fr_sequoia-ud-train.conllu.gz"))
    tagger, _ = fitted(learnt)
    for title, files in (
        ("Sequoia, test part", ["fr_sequoia-ud-test"]),
        ("GSD, another source", ["fr_gsd-ud-dev", "fr_gsd-ud-test"]),
    ):
        held = [one for name in files for one in treebank(folder / f"{name}.conllu.gz")]
        print(
            f"\ntreebanks, {title}: {len(learnt)} sentences learnt, {len(held)} held out, {spans(held)} names"
        )
        compare(held, {"sequence model": tagger.spans, "capitals": capitals})


def calendar(path: Path) -> None:
    """Calendar dates, by rules alone."""
    held = list(clinical_dates(path))
    print(f"\nclinical cases: {len(held)} texts, {spans(held)} calendar dates")
    compare(
        held,
        {
            "rules": lambda text: [(one.start, one.end, "date") for one in partial_dates(text)],
            "whole dates": lambda text: [(start, end, "date") for start, end, _ in dates(text)],
        },
    )


def fitted(learnt: Sequence[Annotated]) -> tuple[SpanTagger, Dictionary]:
    """Fit the model and the dictionary on the same texts; print the time."""
    texts, given = [one.text for one in learnt], [one.spans for one in learnt]
    start = time.process_time()
    tagger = SpanTagger.fit(texts, given, groups=[one.document for one in learnt])
    print(f"fitted in {time.process_time() - start:.1f} CPU-s")
    return tagger, Dictionary.fit(texts, given)


def keep(finder: Finder, kind: str) -> Finder:
    """Keep one kind of what a finder finds."""
    return lambda text: [span for span in finder(text) if span[2] == kind]


def spans(held: Sequence[Annotated]) -> int:
    """Return how many spans are annotated."""
    return sum(len(set(one.spans)) for one in held)


def counts(held: Sequence[Annotated], finder: Finder) -> np.ndarray:
    """Return what is right, said and there in each text: shape ``(texts, 3)``."""
    rows = []
    for one in held:
        truth, said = set(one.spans), set(finder(one.text))
        rows.append((len(truth & said), len(said), len(truth)))
    return np.array(rows, float)


def figures(found: np.ndarray) -> np.ndarray:
    """Return precision, recall and F1 of counts, summed over the texts."""
    right, said, there = np.moveaxis(np.atleast_2d(found).sum(axis=-2), -1, 0)
    return np.array(
        [right / np.maximum(said, 1), right / np.maximum(there, 1), 2 * right / np.maximum(said + there, 1)]
    )


def compare(held: Sequence[Annotated], finders: dict[str, Finder]) -> None:
    """Print each finder's figures, then what the first gains over the second on the same draws."""
    documents = np.unique([one.document for one in held], return_inverse=True)[1]
    weights = bootstrap_weights(len(held), seed=1, clusters=documents)
    drawn = []
    for title, finder in finders.items():
        start = time.process_time()
        found = counts(held, finder)
        spent = time.process_time() - start
        right, said, there = (weights @ found).T
        sample = np.array([right / np.maximum(said, 1), right / there, 2 * right / (said + there)])
        drawn.append(sample[2])
        told = [
            f"{name} {value:.3f} [{low:.3f}, {high:.3f}]"
            for name, value, low, high in zip(
                ("precision", "recall", "F1"),
                figures(found),
                *np.percentile(sample, [2.5, 97.5], axis=1),
                strict=True,
            )
        ]
        rate = sum(len(words(one.text)) for one in held) / max(spent, 1e-9)
        print(f"  {title}: {', '.join(told)}; {rate:.0f} words/CPU-s")
    low, high = np.percentile(drawn[0] - drawn[1], [2.5, 97.5])
    print(f"  gain in F1 [{low:+.3f}, {high:+.3f}]")


def quaero(path: Path) -> Iterator[Annotated]:
    """Read concepts; those in several pieces, 1 in 140, are left out."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        for line in stream:
            row = json.loads(line)
            given = [(*one["spans"][0], one["type"]) for one in row["entities"] if len(one["spans"]) == 1]
            yield Annotated(
                row["text"], sorted(set(given)), f"{row['corpus']} {row['doc'].partition('_')[0]}"
            )


def treebank(path: Path) -> Iterator[Annotated]:
    """Read sentences with their runs of proper nouns."""
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        text, at = "", 0
        found: list[tuple[int, int]] = []
        last = ""
        for number, raw in enumerate(stream):
            line = raw.rstrip("\n")
            if line.startswith("# text = "):
                text, at, found, last = line[9:], 0, [], ""
            elif not line:
                yield Annotated(text, [(a, b, "name") for a, b in found], f"{path.name} {number}")
            elif line[0] != "#":
                cells = line.split("\t")
                start = text.find(cells[1], at)
                if not cells[0].isdigit() or start < 0:
                    continue
                at = start + len(cells[1])
                if cells[3] == "PROPN":
                    if last == "PROPN" and not text[found[-1][1] : start].strip():
                        found[-1] = found[-1][0], at
                    else:
                        found.append((start, at))
                last = cells[3]


def capitals(text: str) -> list[Span]:
    """Return runs of words begun by a capital; the first word of a sentence alone is none."""
    found: list[Span] = []
    for start, end in words(text):
        if not text[start].isupper() or end - start < 2:
            continue
        if found and text[found[-1][1] : start] in {" ", "-"}:
            found[-1] = found[-1][0], end, "name"
        else:
            found.append((start, end, "name"))
    first = next(iter(words(text)), (0, 0))
    return [span for span in found if span[:2] != first]


def clinical_dates(path: Path) -> Iterator[Annotated]:
    """Read the calendar dates annotated by hand."""
    with tarfile.open(path) as archive:
        for member in archive:
            stream = archive.extractfile(member) if "data_annotation/French/layer1" in member.name else None
            if stream is None:
                continue
            root = ET.parse(stream).getroot()  # noqa: S314 - the file of a known checksum
            text = next(str(one.get("sofaString")) for one in root if one.tag.endswith("}Sofa"))
            found = []
            for one in root:
                if one.tag.endswith("}TIMEX3") and one.get("timex3Class") == "DATE":
                    start, end = int(str(one.get("begin"))), int(str(one.get("end")))
                    if _CALENDAR.search(text[start:end]):
                        found.append((start, end, "date"))
            yield Annotated(text, found, member.name)


if __name__ == "__main__":
    main()

"""Drafted answers to experiences: rating and dimensions read, sheets cited, personal data repeated or seen.

Run alone: ``.venv/bin/python benchmarks/review_answers.py``. Five folds by network of services, then later
experiences; personal data is made up and planted. No text is printed.
"""

from __future__ import annotations

import gzip
import json
import os
import sys
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from eclaireur.bricks.intake.personal import find
from eclaireur.bricks.intake.urgency import READ_FIRST, urgency
from eclaireur.cases.review_answers import case, measuring
from eclaireur.cases.review_answers.drafting import draft
from eclaireur.cases.review_answers.handling import means_of
from eclaireur.cases.review_answers.model import Model
from eclaireur.cases.review_answers.reading import text_of
from eclaireur.cases.review_answers.understanding import understand
from eclaireur.core.case import Records, quiet
from eclaireur.core.evaluation import wilson
from eclaireur.core.types import Metric

FILES = (
    "services_publics_plus/experiences_services_publics_plus_1200.csv.gz",
    "service_public_sheets/fiches_service_public.jsonl.gz",
)
SEEDS = range(1, 11)
EACH = 60


def main() -> None:
    """Measure and print."""
    folder = os.environ.get("ECLAIREUR_DATA")
    if not folder:
        sys.exit("skipped: ECLAIREUR_DATA is not set")
    with TemporaryDirectory() as raw:
        for name in FILES:
            (Path(raw) / Path(name).name).write_bytes((Path(folder) / name).read_bytes())
        records = case.records("services_publics_plus", Path(raw), outcomes=None, progress=quiet)
    rows = records["experiences"].to_pylist()
    start = time.process_time()
    blocks = measuring.evaluate("services_publics_plus", records, seed=1, progress=quiet)
    spent = time.process_time() - start
    print(f"{len(rows)} experiences, {records['sheets'].num_rows} sheets; {spent:.0f} CPU-s to measure")
    for block in blocks:
        print(f"{block.split}:")
        for metric in block.metrics:
            print(f"  {shown(metric)}")
        for note in block.notes:
            print(f"  {note}")
        for one in block.subgroups:
            if one.metric.value is not None:
                print(f"    {one.attribute} {one.group}: {shown(one.metric)}")
    drafts(records, rows)
    planted(records, rows)
    nothing_to_find(Path(folder))
    urgent(rows)


def shown(metric: Metric) -> str:
    """Write a metric on one line."""
    bounds = f" [{metric.low:.3f}, {metric.high:.3f}]" if metric.low is not None else ""
    beside = f"; {metric.baseline} {metric.baseline_value:.3f}" if metric.baseline else ""
    return f"{metric.name} {metric.value:.4f}{bounds}, n = {metric.n}{beside}"


def drafts(records: Records, rows: list[dict[str, Any]]) -> None:
    """Draft an answer to every experience, and say what the drafts are made of."""
    rated = [row for row in rows if row["rating"]]
    model = Model.fit(rated[::2], seed=1)
    start = time.process_time()
    means = means_of(records)
    shelf = time.process_time() - start
    start = time.process_time()
    said = understand([text_of(row) for row in rows], model)
    read = time.process_time() - start
    start = time.process_time()
    made = [
        draft(one, means, received=row["observed"] + timedelta(days=1))
        for one, row in zip(said, rows, strict=True)
    ]
    wrote = time.process_time() - start
    held = sum(bool(one.withheld) for one in made)
    asked = [one for one in made if not one.withheld and one.citations]
    silent = sum(any("ne le disent pas" in two for two in one.cautions) for one in made)
    print(
        f"drafts: {len(made)}; {held} withheld, {len(asked)} cite a sheet, {silent} that no source answers"
        f"\n  {shelf:.1f} CPU-s to open the sheets, {len(rows) / read:.0f} texts read and "
        f"{len(rows) / wrote:.0f} drafts a CPU second"
    )
    exact = sum(
        one.text in {" ".join(line.split()) for line in sheet_lines(records, made_one, one.sources[0])}
        for made_one in made
        for one in made_one.sentences
        if one.sources
    )
    whole = sum(bool(one.sources) for made_one in made for one in made_one.sentences)
    print(f"  sentences with a source: {whole}, found in it word for word: {exact}")
    themes = Counter(len(one.themes) for one in said)
    print(f"  experiences without a theme: {themes[0]} of {len(said)}")


def sheet_lines(records: Records, answer: object, number: int) -> list[str]:
    """Return the sentences of the sheet that a citation names."""
    from eclaireur.cases.review_answers.sheets import _whole, shelf_of

    title = answer.citations[number - 1].title  # type: ignore[attr-defined]
    return [
        line for one in shelf_of(records["sheets"]).sheets if one.title == title for line in _whole(one.text)
    ]


def planted(records: Records, rows: list[dict[str, Any]]) -> None:
    """Plant made-up personal data under several seeds: what drafts repeat, what a mask leaves to see."""
    rated = [row for row in rows if row["rating"]]
    model, means = Model.fit(rated[::2], seed=1), means_of(records)
    total = repeated = missed = 0
    kinds: Counter[str] = Counter()
    unmasked: Counter[str] = Counter()
    for seed in SEEDS:
        found = measuring.leaks(rated[1::2], model, means, seed=seed, count=EACH)
        total += found.planted
        repeated += found.repeated
        missed += found.unmasked
        for kind, (seen, number) in found.kinds.items():
            kinds[kind] += number
            unmasked[kind] += seen
    print(
        f"planted data: {total} under {len(SEEDS)} seeds; leaks {repeated}, at most "
        f"{100 * wilson(repeated, total)[1]:.3f} % (95 %); left to see by the mask {missed}, at most "
        f"{100 * wilson(missed, total)[1]:.2f} %"
    )
    print("  " + "; ".join(f"{kind} {unmasked[kind]} of {number}" for kind, number in sorted(kinds.items())))


def nothing_to_find(folder: Path) -> None:
    """Look for personal data where there is hardly any: what is masked for nothing."""
    words, found = 0, Counter[str]()
    with gzip.open(folder / FILES[1], "rt", encoding="utf-8") as stream:
        for number, line in enumerate(stream):
            if number % 20 == 0:
                text = json.loads(line)["text"]
                words += len(text.split())
                found.update(one.label for one in find(text))
    print(
        f"official sheets, {words} words: {found['nom']} stretches taken for names "
        f"({1e3 * found['nom'] / words:.2f} a thousand words)"
    )


def urgent(rows: list[dict[str, Any]]) -> None:
    """Count what is read first, by rating."""
    told = Counter((row["rating"], urgency(text_of(row)).level >= READ_FIRST) for row in rows)
    for rating in ("Négatif", "Neutre", "Positif"):
        print(f"read first, {rating}: {told[rating, True]} of {told[rating, True] + told[rating, False]}")


if __name__ == "__main__":
    main()

"""Figures of restaurant_risk: each source on rolling origins, what each part brings, and what it costs.

Run alone: ``.venv/bin/python benchmarks/restaurant_risk.py``. With ``--write docs/figures.md`` the
page of figures is written again. Sources whose data are absent are named and left out.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from eclaireur.cases.restaurant_risk import case, measuring
from eclaireur.cases.restaurant_risk.columns import adjusted, matrix, rows_for
from eclaireur.core import evaluation
from eclaireur.core.case import Records, quiet
from eclaireur.core.catalog import find_card
from eclaireur.core.engine import open_engine
from eclaireur.core.types import EvaluationBlock, Metric

SEED = 20211
THEMES = ("historique", "établissement", "voisinage", "signalements", "météo")
SAID = {
    "auc": "a bad inspection is ranked above a good one",
    "auc_within_observer": "the same, between two inspections of the same inspector",
    "lift_top_5pct": "times more bad results in the top 5 % than at random",
    "average_precision": "mean precision at each bad result, within each origin",
    "precision_at_100": "share of bad results among the first 100 of each origin",
    "precision_at_k": "the same: k is 100",
    "recall_at_k": "share of an origin's bad results that are among its first 100",
    "labelled_in_100": "of which this many have a known result",
    "days_earlier": "days earlier that bad results are reached, at the same visits a day",
    "first_half_share": "share of bad results reached in the first half of the visits",
    "brier": "mean squared gap between stated risk and outcome (lower is better)",
    "calibration_error": "mean gap between stated and observed risk, ten bins",
    "auc_published_in_sample": "the city's own score on rows it learnt from: never compare",
}


def main() -> None:
    """Measure, print, and write the page when asked."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", type=Path)
    page = parser.parse_args().write
    parts = [HEAD]
    with open_engine("processes:2") as engine:
        for name in ("chicago", "france", "sample"):
            records = read(name)
            if records is None:
                print(f"{name}: skipped, its data are not under ECLAIREUR_DATA")
                if page is not None:
                    sys.exit("The page is written with every source, or not at all.")
                continue
            blocks = case.evaluate(name, records, seed=SEED, engine=engine, progress=quiet)
            parts += source_section(name, blocks)
            if name == "chicago":
                parts += ablation_section(records, engine)
                print(cost(records))
    text = "\n".join(parts)
    print(text)
    if page is not None:
        page.write_text(text, encoding="utf-8")


def read(name: str) -> Records | None:
    """Return the records of a source, or None when its files are absent."""
    declared = find_card("restaurant_risk").source(name)
    if not declared.folder:
        with tempfile.TemporaryDirectory() as folder:
            case.fetch(name, Path(folder), seed=SEED, progress=quiet)
            return case.records(name, Path(folder), outcomes=None, progress=quiet)
    root = Path(os.environ.get("ECLAIREUR_DATA", "/absent")) / declared.folder
    if not all((root / file).is_file() for file, _ in declared.files):
        return None
    return case.records(name, root, outcomes=None, progress=quiet)


def table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Write a Markdown table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def number(value: float | None) -> str:
    """Write a figure with three decimals."""
    return "–" if value is None else f"{value:.3f}"


def interval(metric: Metric) -> str:
    """Write the interval of a figure."""
    return "–" if metric.low is None else f"{number(metric.low)} to {number(metric.high)}"


def source_section(name: str, blocks: Sequence[EvaluationBlock]) -> Iterator[str]:
    """Write the figures and gains of one source."""
    whole = blocks[0]
    yield f"## {name}\n"
    yield f"{whole.split}; n = {whole.metrics[0].n}. {' '.join(whole.notes)}\n"
    plain = [metric for metric in whole.metrics if not metric.name.endswith("_gain")]
    yield table(
        ["figure", "what it says", "value", "95 % interval", "baseline", "its value"],
        [
            [
                f"`{metric.name}`",
                SAID[metric.name],
                number(metric.value),
                interval(metric),
                metric.baseline or "–",
                number(metric.baseline_value),
            ]
            for metric in plain
        ],
    )
    gains = [metric for metric in whole.metrics if metric.name.endswith("_gain")]
    yield "Gain over each rule on the same rows, paired interval:\n"
    yield table(
        ["figure", "over", "gain", "95 % interval"],
        [
            [f"`{one.name.removesuffix('_gain')}`", one.baseline or "", number(one.value), interval(one)]
            for one in gains
        ],
    )


def ablation_section(records: Records, engine: Executor) -> Iterator[str]:
    """Write what the ranking loses without each of its parts, within the same inspector."""
    horizon = date.fromisoformat(find_card("restaurant_risk").source("chicago").horizon)
    examples = case.examples(records)
    variants = {
        "without the inspector as a nuisance": measuring.Variant(observer=False),
        **{f"without {theme}": measuring.Variant(without=frozenset({theme})) for theme in THEMES},
    }

    def held(variant: measuring.Variant) -> measuring.Held:
        return measuring.held_out(
            records, examples, last=horizon, seed=SEED, engine=engine, progress=quiet, variant=variant
        )

    whole = held(measuring.WHOLE)
    scores = {name: held(variant).scores["modèle"] for name, variant in variants.items()}
    scores |= {"linear part alone": whole.scores["linéaire"], "trees alone": whole.scores["arbres"]}
    groups = evaluation.group_codes(measuring.observers(records, whole.rows))

    def panel(values: object) -> evaluation.Panel:
        return evaluation.Panel(whole.labels, values, groups=groups, periods=whole.periods)

    clusters = evaluation.group_codes(whole.rows["subject"].to_pylist())
    weights = evaluation.bootstrap_weights(whole.labels.size, seed=SEED, clusters=clusters)
    model = panel(whole.scores["modèle"])
    rows = []
    for name, values in scores.items():
        loss = evaluation.gain("auc_within_observer", model, panel(values), weights, baseline_name=name)
        rows.append([name, number(loss.baseline_value), number(loss.value), interval(loss)])
    yield "What each part brings, within the same inspector (the whole model minus the model without it):\n"
    yield table(["variant", "`auc_within_observer`", "the whole gains", "95 % interval"], rows)


def cost(records: Records) -> str:
    """Return the CPU seconds of the as-of features."""
    examples = case.examples(records)
    start = time.process_time()
    tables = adjusted(records)
    rows = rows_for(tables, examples["subject"], examples["as_of"], examples["example"])
    columns = matrix(rows, tables)
    spent = time.process_time() - start
    return f"as-of features: {columns.shape[0]} rows x {columns.shape[1]} columns, {spent:.2f} CPU s"


HEAD = """# Figures

<!-- Written by `benchmarks/restaurant_risk.py --write docs/figures.md`. -->

Each figure below comes from one script, which anyone can run again: `.venv/bin/python
benchmarks/restaurant_risk.py`. `benchmarks/data.toml` names the public origin and the SHA-256 of every
file. Data are split by time: at each origin the model learns from what was known a week before, and ranks
what follows. Figures of order are taken within each origin and averaged; intervals come from 500 bootstrap
draws of establishments.

On Chicago's inspections, the inspector's own past rate ranks inspections better than any list can (`auc` in
the last rows of the gains): who inspects decides much of what is found. A list may not use it, since it
chooses a place to visit, not a person to send. So the inspector is fitted as a nuisance and averaged out,
and the figure to read first is `auc_within_observer`: two inspections by the same inspector.

Other proofs print their own figures: `benchmarks/prove_journal.py` (tampering of the journal),
`benchmarks/evaluation.py` (CPU seconds of the figures themselves).
"""


if __name__ == "__main__":
    main()

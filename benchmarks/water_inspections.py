"""Figures of water_inspections: sources on held-out time, alerts on beaches, changes in series, and costs.

Run alone: ``.venv/bin/python benchmarks/water_inspections.py`` (``--only nitrates|beaches|series``). Sources
whose data are absent are named and left out. CPU seconds are of one process.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from eclaireur.bricks.anomaly.series import KINDS, MIN_POINTS, changes
from eclaireur.cases.water_inspections import case, folds, measuring, sample
from eclaireur.cases.water_inspections.columns import matrix, prepared, rows_for
from eclaireur.cases.water_inspections.programmes import PROGRAMMES
from eclaireur.core.case import Records, quiet
from eclaireur.core.engine import open_engine
from eclaireur.core.evaluation import wilson
from eclaireur.core.types import EvaluationBlock

SEED = 20211
WORLDS = 12
NITRATES = PROGRAMMES["nitrates"]
Series = tuple[list[date], NDArray[np.float64]]


def main() -> None:
    """Measure what is asked, and print it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", choices=("sample", "nitrates", "beaches", "series"))
    only = parser.parse_args().only
    data = os.environ.get("ECLAIREUR_DATA")
    folder = Path(data) / "water_quality" if data else None
    if only in {None, "sample"}:
        with tempfile.TemporaryDirectory() as made:
            case.fetch("sample", Path(made), seed=SEED, progress=quiet)
            source("sample", Path(made))
    for name in ("nitrates", "beaches"):
        if only not in {None, name}:
            continue
        if folder is None:
            print(f"{name}: left out, ECLAIREUR_DATA is not set")
        else:
            source(name, folder)
    if only in {None, "series"}:
        series(folder)


def source(name: str, folder: Path) -> None:
    """Print every block of a source."""
    records = case.records(name, folder, outcomes=None, progress=quiet)
    print(f"\n# {name}: {records['measures'].num_rows} station-days")
    cost(records)
    start = time.process_time()
    with open_engine("inline", environ={}) as engine:
        blocks = case.evaluate(name, records, seed=SEED, engine=engine, progress=quiet)
        for block in blocks:
            show(block)
        if name == "beaches":
            alerts(records, engine)
    print(f"evaluated in {time.process_time() - start:.0f} CPU s")


def cost(records: Records) -> None:
    """Print the CPU seconds of the as-of features."""
    examples = case.examples(records)
    start = time.process_time()
    tables = prepared(records)
    columns = matrix(rows_for(tables, examples["subject"], examples["as_of"]), tables)
    spent = time.process_time() - start
    print(f"as-of features: {columns.shape[0]} rows x {columns.shape[1]} columns, {spent:.1f} CPU s")


def show(block: EvaluationBlock) -> None:
    """Print a block: one line for each figure."""
    print(f"\n## {block.split} (n = {block.metrics[0].n})")
    for note in block.notes:
        print(f"  {note}")
    for one in block.metrics:
        print(
            f"  {one.name:22} {one.value:6.3f}  ({one.low:6.3f} to {one.high:6.3f})"
            f"  {one.baseline}: {one.baseline_value:.3f}"
        )


def alerts(records: Records, engine: object) -> None:
    """Print how many alerts are right, as many as the model in use gave, and on how many days."""
    examples = case.examples(records)
    print("\n## right alerts, as many as the model in use")
    for said, cut in (("forward", folds.forward), ("by week and beach", folds.by_day_and_place)):
        for variant in (measuring.MORNING, measuring.NOON):
            held = measuring.held_out(
                records,
                examples,
                cut,
                seed=SEED,
                engine=engine,  # type: ignore[arg-type]
                progress=quiet,
                variant=variant,
            )
            in_use = held.rules["modèle en service"] > 0
            k = int(in_use.sum())
            first = np.argsort(-held.score, kind="stable")[:k]
            days = {held.rows["as_of"][int(one)].as_py() for one in first}
            beaches = {held.rows["subject"][int(one)].as_py() for one in first}
            sampled = held.labels[first].sum()
            low, high = wilson(sampled, k)
            print(
                f"  {said}, {variant.name}: {sampled:.0f} of {k} right ({low:.2f} to {high:.2f} were alerts"
                f" independent), {len(days)} days, {len(beaches)} beaches; in use:"
                f" {held.labels[in_use].sum():.0f} of {k}, {held.labels.sum():.0f} exceedances"
            )


def series(folder: Path | None) -> None:
    """Print what is said of calm series (false alarms), of planted changes, and of real ones."""
    start = time.process_time()
    calm: list[Series] = []
    planted: list[tuple[str, Series]] = []
    for seed in range(WORLDS):
        world = sample.simulate(seed)
        for station in range(sample.STATIONS):
            made = of_world(world, station)
            kind = sample.PLANTED.get(station)
            if kind:
                planted.append((kind, made))
            elif len(made[1]) >= MIN_POINTS:
                calm.append(made)
    print("\n# series")
    rates("generated, nothing planted", calm)
    rates("white noise, 120 values", [noise(120, 0.0, seed) for seed in range(100)])
    rates("AR(1) of 0.6, 120 values", [noise(120, 0.6, seed) for seed in range(100)])
    rates("AR(1) of 0.9, 120 values", [noise(120, 0.9, seed) for seed in range(100)])
    for kind in KINDS:
        tried = [one for name, one in planted if name == kind]
        found = sum(said(kind, one) for one in tried)
        low, high = wilson(found, len(tried))
        print(f"  planted {kind}: found {found} of {len(tried)} ({low:.2f} to {high:.2f})")
        if kind in {"shift", "drift"}:
            either = sum(said("shift", one) or said("drift", one) for one in tried)
            print(f"    said as a shift or a drift: {either} of {len(tried)}")
    if folder is not None:
        real = list(of_rivers(folder))
        rates("rivers of Côte-d'Or, as they are", real)
        rates("the same, years in a random order", [shuffled(one, seed) for seed, one in enumerate(real)])
    print(f"series read in {time.process_time() - start:.0f} CPU s")


def of_world(world: sample.World, station: int) -> Series:
    """Return the series of a generated station."""
    months = range(12 * sample.YEARS)
    kept = [month for month in months if (month + station) % world.every[station] == 0]
    days = [date(sample.FIRST_YEAR + month // 12, month % 12 + 1, 15) for month in kept]
    return days, world.value[station, kept]


def noise(count: int, likeness: float, seed: int) -> Series:
    """Return a sequence without season or change, whose successive values are alike, as amounts."""
    draw = np.random.default_rng([seed, 3]).normal(size=count)
    for at in range(1, count):
        draw[at] = likeness * draw[at - 1] + np.sqrt(1 - likeness**2) * draw[at]
    return [date(2010, 1, 15) + timedelta(days=30 * at) for at in range(count)], 10 * np.exp(0.3 * draw)


def of_rivers(folder: Path) -> Iterator[Series]:
    """Yield the real series of 60 measurements or more."""
    records = case.records("nitrates", folder, outcomes=None, progress=quiet)
    found: dict[str, list[tuple[date, float]]] = {}
    for row in records["measures"].select(["subject", "observed", "value"]).to_pylist():
        found.setdefault(row["subject"], []).append((row["observed"], row["value"]))
    for rows in found.values():
        if len(rows) >= 2 * MIN_POINTS:
            rows.sort()
            yield [day for day, _ in rows], np.array([value for _, value in rows])


def shuffled(one: Series, seed: int) -> Series:
    """Put whole years in a random order: season and weeks stay, lasting changes are broken.

    A lasting shift between two years then comes from chance, or from a level that goes to and fro.
    """
    days, values = one
    years = sorted({day.year for day in days})
    order = np.random.default_rng(seed).permutation(years)
    made_days: list[date] = []
    made: list[float] = []
    for position, year in enumerate(order):
        shift = timedelta(days=round(365.25 * (years[position] - int(year))))
        for day, value in zip(days, values, strict=True):
            if day.year == year:
                made_days.append(day + shift)
                made.append(float(value))
    return made_days, np.array(made)


def said(kind: str, one: Series) -> bool:
    """Tell whether a kind of change is said of a series, in its second half or about its middle."""
    days, values = one
    middle = len(values) // 2
    return any(
        found.kind == kind and abs(found.first - middle) <= (len(values) if kind == "drift" else 8)
        for found in changes(days, values, least=NITRATES.least).found
    )


def rates(title: str, found: list[Series]) -> None:
    """Print the share of series of which each kind of change is said, and how many a year."""
    years = sum((max(days) - min(days)).days for days, _ in found) / 365.25
    counts = dict.fromkeys(KINDS, 0)
    times = 0
    for days, values in found:
        kinds = [one.kind for one in changes(days, values, least=NITRATES.least).found]
        times += len(kinds)
        for kind in set(kinds):
            counts[kind] += 1
    print(f"{title}: {len(found)} series, {times / years:.2f} changes said a year of a series")
    for kind, count in counts.items():
        low, high = wilson(count, len(found))
        print(f"  {kind}: said of {count} of {len(found)} ({low:.2f} to {high:.2f})")


if __name__ == "__main__":
    main()

"""Figures of bricks.anomaly: AUC of detectors and of their mean, errors among rows kept, planted changes.

Run alone: ``.venv/bin/python benchmarks/anomaly.py``. The tables are those that scikit-learn carries, one
class made rare as ADBench does (Han et al. 2022), and, with ECLAIREUR_DATA, real tables of inspections and of
water. A rare class is not always odd: the figure says how far one leads to the other. Intervals: 95 %, by
bootstrap of rows for a table, of tables for the mean.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from eclaireur.bricks.anomaly.rows import Usual, rank_rows
from eclaireur.bricks.anomaly.series import MIN_POINTS, changes
from eclaireur.core.evaluation import auc, wilson

DRAWS = 200
MOST = 4000
Table = tuple[str, NDArray[np.float64], NDArray[np.float64]]


def main() -> None:
    """Measure tables, then errors among kept rows, then series."""
    folder = os.environ.get("ECLAIREUR_DATA")
    tables = list(carried())
    if folder:
        tables += [chicago(Path(folder)), nitrates(Path(folder))]
    else:
        print("real tables and series: skipped, ECLAIREUR_DATA is not set")
    ranking(tables)
    errors(tables)
    if folder:
        planted("nitrates of Naïades", river_series(Path(folder)), least=0.5)
        planted("E. coli of Chicago's beaches (log10)", beach_series(Path(folder)))


def carried() -> Iterator[Table]:
    """Yield the tables of scikit-learn: one class kept whole, ten or so rows of another."""
    from sklearn import datasets

    draw = np.random.default_rng(0)
    for name, load, rare, keep in (
        ("wdbc", datasets.load_breast_cancer, 0, 10),
        ("wine", datasets.load_wine, 0, 10),
        ("digits, 0 rare", datasets.load_digits, 0, 40),
        ("digits, 9 rare", datasets.load_digits, 9, 40),
    ):
        rows, labels = load(return_X_y=True)
        odd = np.flatnonzero(labels == rare)
        kept = np.concatenate([np.flatnonzero(labels != rare), draw.permutation(odd)[:keep]])
        yield name, rows[kept].astype(float), (labels[kept] == rare).astype(float)


def chicago(folder: Path) -> Table:
    """Return Chicago's inspections, those with a critical violation as anomalies."""
    path = folder / "food_safety_chicago" / "model_table_with_city_score.csv.gz"
    with gzip.open(path, "rt", encoding="utf-8") as stream:
        lines = list(csv.DictReader(stream))[-MOST:]
    names = ["pastFail", "pastCritical", "pastSerious", "pastMinor", "timeSinceLast", "ageAtInspection"]
    names += ["heat_burglary", "heat_garbage", "heat_sanitation", "temperatureMax", "humidity", "windSpeed"]
    rows = np.array([[number(line[name]) for name in names] for line in lines])
    return "Chicago inspections", rows, np.array([float(number(line["criticalCount"]) > 0) for line in lines])


def nitrates(folder: Path) -> Table:
    """Return nitrate measurements beside the station's earlier ones, those over 50 mg/L as anomalies."""
    rows, labels = [], []
    for dates, values in river_series(folder).values():
        for i in range(3, len(values)):
            past = values[:i]
            month = dates[i].month
            rows.append([past[-1], past[-2], past[-3], np.median(past), past.max(), month, i])
            labels.append(float(values[i] > 50))
    return "Naïades, over 50 mg/L", np.array(rows, dtype=float)[-MOST:], np.array(labels)[-MOST:]


def ranking(tables: list[Table]) -> None:
    """Print the AUC of each detector on each table, and the means."""
    by_table: dict[str, list[float]] = defaultdict(list)
    for name, rows, labels in tables:
        found = rank_rows(rows, [str(j) for j in range(rows.shape[1])])
        figures = []
        for detector, score in found.items():
            value = auc(labels, score)
            by_table[detector].append(value)
            figures.append(f"{detector} {value:.3f}")
        low, high = interval(labels, found["all"])
        print(f"{name}: n = {len(rows)}, rare = {int(labels.sum())}: {', '.join(figures)}", end=" ")
        print(f"({low:.3f} to {high:.3f})")
    draw = np.random.default_rng(1)
    for detector, values in by_table.items():
        again = np.array(values)[draw.integers(0, len(values), (2000, len(values)))].mean(axis=1)
        low, high = np.percentile(again, [2.5, 97.5])
        print(
            f"mean AUC of {detector}: {np.mean(values):.3f} ({low:.3f} to {high:.3f}), {len(values)} tables"
        )


def interval(labels: NDArray[np.float64], score: NDArray[np.float64]) -> tuple[float, float]:
    """Return the bootstrap interval of an AUC."""
    draw = np.random.default_rng(2)
    weights = draw.multinomial(len(labels), np.full(len(labels), 1 / len(labels)), size=DRAWS)
    low, high = np.nanpercentile([auc(labels, score, one.astype(float)) for one in weights], [2.5, 97.5])
    return float(low), float(high)


def errors(tables: list[Table]) -> None:
    """Learn from ordinary rows only, keep at 20 % of errors on held-out ordinary rows and the rare ones."""
    for name, rows, labels in tables:
        shares, found = [], []
        for seed in range(10):
            draw = np.random.default_rng(seed)
            ordinary = draw.permutation(np.flatnonzero(labels == 0))
            cut = len(ordinary) * 4 // 5
            odd = np.flatnonzero(labels == 1)[:40]
            usual = Usual.of(rows[ordinary[:cut]], [str(j) for j in range(rows.shape[1])], seed=seed)
            kept = usual.find(np.concatenate([rows[ordinary[cut:]], rows[odd]]), level=0.2).kept
            held = len(ordinary) - cut
            shares.append(kept[:held].sum() / max(1, kept.sum()))
            found.append(kept[held:].mean())
        half = 1.96 * np.std(shares) / np.sqrt(len(shares))
        print(
            f"{name}: asked for 20 % of errors among rows kept, got {np.mean(shares):.3f} ± {half:.3f} ",
            end="",
        )
        print(f"(10 draws), rare rows found {np.mean(found):.2f}")


def planted(
    title: str, series: dict[str, tuple[list[date], NDArray[np.float64]]], least: float | None = None
) -> None:
    """Plant changes in real series of which nothing was said before, and count those found."""
    calm = {}
    said = 0
    for name, (dates, values) in series.items():
        if len(values) >= MIN_POINTS * 2:
            found = [one.kind for one in changes(dates, values, least=least).found]
            said += any(kind in {"shift", "drift"} for kind in found)
            if not set(found) & {"shift", "drift", "stuck"}:
                calm[name] = (dates, values)
    total = sum(len(values) >= MIN_POINTS * 2 for _, values in series.values())
    print(
        f"{title}: {total} series of {2 * MIN_POINTS} or more, a shift or a drift said of {said} as they are"
    )
    for kind, sizes in (("shift", (2, 3, 4)), ("drift", (4, 6)), ("peak", (8, 12)), ("stuck", (6, 10))):
        for size in sizes:
            hits = sum(
                planted_is_found(kind, size, dates, values, seed, least)
                for seed, (dates, values) in enumerate(calm.values())
            )
            low, high = wilson(hits, len(calm))
            unit = "values" if kind == "stuck" else "deviations"
            print(f"  {kind} of {size} {unit}: found {hits} of {len(calm)} ({low:.2f} to {high:.2f})")


def planted_is_found(
    kind: str,
    size: float,
    dates: list[date],
    values: NDArray[np.float64],
    seed: int,
    least: float | None,
) -> bool:
    """Plant one change and tell whether it is found, with its kind, within six measurements of its place."""
    spread = float(np.std(values))
    n = len(values)
    at = int(np.random.default_rng(seed).integers(n // 4, 3 * n // 4))
    made = values.copy()
    if kind == "shift":
        made[at:] += size * spread
    elif kind == "drift":
        made += size * spread * np.maximum(np.arange(n) - at, 0) / (n - at)
    elif kind == "peak":
        made[at] += size * spread
    else:
        made[at : at + int(size)] = made[at]
    near = n if kind == "drift" else 6
    return any(
        one.kind == kind and abs(one.first - at) <= near for one in changes(dates, made, least=least).found
    )


def river_series(folder: Path) -> dict[str, tuple[list[date], NDArray[np.float64]]]:
    """Return nitrates by station, one value a day."""
    with gzip.open(folder / "water_quality" / "naiades_nitrates_21.csv.gz") as stream:
        lines = list(csv.DictReader(io.TextIOWrapper(stream, encoding="utf-8")))
    return gathered(
        (line["code_station"], date.fromisoformat(line["date_prelevement"]), number(line["resultat"]))
        for line in lines
    )


def beach_series(folder: Path) -> dict[str, tuple[list[date], NDArray[np.float64]]]:
    """Return the logarithm of E. coli by beach, one value a day."""
    path = folder / "water_quality" / "chicago_clear_water_daily_summaries_drekb.csv"
    with path.open(encoding="utf-8") as stream:
        lines = list(csv.DictReader(stream))
    return gathered(
        (
            line["Beach"],
            datetime.strptime(line["Date"], "%m/%d/%Y").date(),
            float(np.log10(1 + number(line["Reading"]))),
        )
        for line in lines
    )


def gathered(found: Iterator[tuple[str, date, float]]) -> dict[str, tuple[list[date], NDArray[np.float64]]]:
    """Return each place's series in the order of dates, the mean of a day where there are several."""
    places: dict[str, dict[date, list[float]]] = defaultdict(lambda: defaultdict(list))
    for place, day, value in found:
        if not np.isnan(value):
            places[place][day].append(value)
    return {
        place: (sorted(by_day), np.array([np.mean(by_day[day]) for day in sorted(by_day)]))
        for place, by_day in places.items()
    }


def number(text: str) -> float:
    """Read a number; what is none is missing."""
    try:
        return float(text)
    except ValueError:
        return float("nan")


if __name__ == "__main__":
    main()

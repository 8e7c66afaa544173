"""Figures of artisan_siting: survival and counts on made-up pays, Paris restaurants by arrondissement, time.

Run alone: ``.venv/bin/python benchmarks/artisan_siting.py``. Paris needs ECLAIREUR_DATA. Speed is CPU seconds
of this process once libraries are loaded.
"""

from __future__ import annotations

import csv
import gzip
import os
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from eclaireur.bricks.space.expected import ExpectedCounts
from eclaireur.cases.artisan_siting import case, measuring, sample, siting
from eclaireur.cases.artisan_siting.ground import Ground
from eclaireur.core.case import quiet

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from eclaireur.core.types import Metric

_CENTRES = (
    (48.8625, 2.3364),
    (48.8683, 2.3428),
    (48.8629, 2.3600),
    (48.8543, 2.3576),
    (48.8445, 2.3507),
    (48.8491, 2.3329),
    (48.8562, 2.3122),
    (48.8727, 2.3125),
    (48.8772, 2.3375),
    (48.8761, 2.3607),
    (48.8591, 2.3801),
    (48.8410, 2.3880),
    (48.8284, 2.3623),
    (48.8292, 2.3265),
    (48.8401, 2.2928),
    (48.8570, 2.2720),
    (48.8874, 2.3068),
    (48.8926, 2.3484),
    (48.8871, 2.3848),
    (48.8634, 2.4011),
)
"""Middles of the arrondissements, to about 200 m: their borders are not in the data."""
_CELL = 300.0


def main() -> None:
    """Measure the made-up pays, the time of a country, then Paris."""
    for seed in (3, 4, 5):
        pays(seed)
    country()
    folder = os.environ.get("ECLAIREUR_DATA")
    if folder:
        paris(Path(folder) / "communes")
    else:
        print("Paris: skipped, ECLAIREUR_DATA is not set")


def show(name: str, metrics: tuple[Metric, ...]) -> None:
    """Print metrics beside their baselines."""
    print(name)
    for metric in metrics:
        print(f"  {metric.name}: {metric.value:.3f} ({metric.low:.3f} to {metric.high:.3f}), ", end="")
        print(f"n={metric.n}, {metric.baseline}: {metric.baseline_value:.3f}")


def pays(seed: int) -> None:
    """Print the evaluation of one generated sample."""
    with tempfile.TemporaryDirectory() as folder:
        sample.write(Path(folder), seed=seed)
        records = case.records("sample", Path(folder), outcomes=None, progress=quiet)
    day = case.data_date(records) + timedelta(days=1)
    for block in measuring.evaluate("sample", Ground.of(records), case.examples(records), day, seed=1):
        show(f"{block.data_set}, seed {seed}", block.metrics)


def country() -> None:
    """Time the signals and one sheet of as many communes as France has, drawn with 100 000 shops."""
    import pyarrow as pa

    draw = np.random.default_rng(0)
    size, shops = 34_900, 100_000
    people = draw.lognormal(6.2, 1.3, size)
    where = draw.choice(size, size=shops, p=people / people.sum())
    opened = [date(2000, 1, 1) + timedelta(days=int(day)) for day in draw.integers(0, 8500, shops)]
    codes = [f"{number:05d}" for number in range(size)]
    records = {
        "communes": pa.table(
            {
                "commune": codes,
                "name": codes,
                "area": [code[:2] for code in codes],
                "population": people,
                "income": draw.normal(22_000, 2000, size),
                "latitude": draw.uniform(43, 50, size),
                "longitude": draw.uniform(-1, 7, size),
                "subject": [f"commune:{code}" for code in codes],
            }
        ),
        "shops": pa.table(
            {
                "shop": [str(number) for number in range(shops)],
                "trade": draw.choice(["boulangerie", "garage", "coiffure"], shops),
                "commune": [codes[at] for at in where],
                "observed": opened,
                "known": opened,
            }
        ),
        "closures": pa.table(
            {
                "shop": [str(number) for number in range(0, shops, 3)],
                "observed": [day + timedelta(days=900) for day in opened[::3]],
                "known": [day + timedelta(days=900) for day in opened[::3]],
            }
        ),
    }
    day = date(2025, 1, 1)
    examples = case.examples(records)
    start = time.process_time()
    fitted = case.train(records, examples.slice(0, 2000), as_of=day, seed=1, progress=quiet)
    trained = time.process_time()
    table = case.signals(records, fitted.card, dict(fitted.artefacts).__getitem__, as_of=day, progress=quiet)
    scored = time.process_time()
    ground = Ground.of(records)
    near = np.flatnonzero(np.hypot(*(ground.at - ground.at[5]).T) < 15_000).tolist()
    siting.study(ground, near, siting.Plan(trade="garage", more=2), day)
    studied = time.process_time()
    print(f"{size} communes, {shops} shops: 2 000 openings learnt in {trained - start:.1f} CPU s, ", end="")
    print(
        f"{table.num_rows} communes scored for 3 trades and explained in {scored - trained:.1f} CPU s, ",
        end="",
    )
    print(f"a sheet of {len(near)} communes in {studied - scored:.1f} CPU s")


def paris(folder: Path) -> None:
    """Expect restaurants by cell of 300 m in each arrondissement from the nineteen others."""
    people = {row["COM"]: float(row["PMUN"]) for row in _rows(folder / "donnees_communes.csv.gz", ";")}
    found = _rows(folder / "restaurants_paris_btb.csv.gz", ",")
    points = np.array([(float(row["x"]), float(row["y"])) for row in found])
    middles = _lambert(_CENTRES)
    cells, counts = _cells(points)
    nearest = np.linalg.norm(cells[:, None, :] - middles[None], axis=2).argmin(axis=1)
    held = np.bincount(nearest, minlength=len(middles))
    exposure = np.array([people[f"751{at + 1:02d}"] / held[at] for at in nearest])
    centre = _lambert(((48.8607, 2.3430),))[0]
    away = np.linalg.norm(cells - centre, axis=1) / 1000
    features = np.column_stack([np.log(exposure), away, away**2])
    folds = np.array([f"{at + 1:02d}" for at in nearest])
    model, plain = measuring.fold_means(counts, exposure, features, folds)
    metrics = measuring.deviance_metrics(
        counts, model, plain, nearest, baseline="proportional to population", seed=1
    )
    show(
        f"Paris, {len(points)} restaurants, {len(cells)} cells, 20 arrondissements kept out in turn", metrics
    )
    inside = np.zeros(len(counts), dtype=bool)
    for fold in np.unique(folds):
        out = folds == fold
        fitted = ExpectedCounts.fit(counts[~out], exposure[~out], features[~out])
        told = fitted.expect(exposure[out], features[out])
        inside[out] = (told.low <= counts[out]) & (counts[out] <= told.high)
    by_fold = np.array([inside[folds == fold].mean() for fold in np.unique(folds)])
    print(f"  counts inside their 95 % interval: {inside.mean():.3f}, ", end="")
    print(f"least and greatest arrondissement {by_fold.min():.3f} and {by_fold.max():.3f}")


def _rows(path: Path, separator: str) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream, delimiter=separator))


def _lambert(places: tuple[tuple[float, float], ...]) -> NDArray[np.float64]:
    from pyproj import Transformer

    turn = Transformer.from_crs(4326, 2154)
    return np.array([turn.transform(latitude, longitude) for latitude, longitude in places])


def _cells(points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the middles of cells inside the hull of the restaurants, and how many each holds."""
    from scipy.spatial import Delaunay

    low, high = points.min(axis=0), points.max(axis=0)
    edges = [np.arange(low[side], high[side] + _CELL, _CELL) for side in (0, 1)]
    counts, _, _ = np.histogram2d(points[:, 0], points[:, 1], bins=edges)
    x, y = ((edge[:-1] + edge[1:]) / 2 for edge in edges)
    middles = np.array([(east, north) for east in x for north in y])
    inside = Delaunay(points).find_simplex(middles) >= 0
    return middles[inside], counts.ravel()[inside]


if __name__ == "__main__":
    main()

"""Figures of bricks.space: speed of catchments, covering beside its optimum, counts held out by département.

Run alone: ``.venv/bin/python benchmarks/space.py``. Places are drawn; counts are establishments of communes,
with ECLAIREUR_DATA. Speed is CPU seconds of this process once libraries are loaded.
"""

from __future__ import annotations

import csv
import gzip
import os
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

from eclaireur.bricks.space.covering import ceiling, choose, within
from eclaireur.bricks.space.expected import ExpectedCounts, deviance
from eclaireur.bricks.space.huff import catchment, probabilities

SECONDS = 30.0
TURNS = 1500


def main() -> None:
    """Measure catchments, covering, then expected counts."""
    draw = np.random.default_rng(0)
    catchments(draw)
    covering(draw)
    folder = os.environ.get("ECLAIREUR_DATA")
    if folder:
        counts(Path(folder) / "communes")
    else:
        print("establishments of communes: skipped, ECLAIREUR_DATA is not set")


def catchments(draw: np.random.Generator) -> None:
    """Share the demand of as many places as France has communes between 5 000 sites."""
    places, sites = draw.uniform(0, 1e6, (35_000, 2)), draw.uniform(0, 1e6, (5000, 2))
    demand, pull = draw.gamma(1, 1000, 35_000), draw.gamma(2, 1, 5000)
    catchment(places[:10], demand[:10], sites, pull, reach=1e4)
    for reach in (30_000.0, float("inf")):
        start = time.process_time()
        catchment(places, demand, sites, pull, reach=reach)
        spent = time.process_time() - start
        print(f"Huff, 35 000 places × 5 000 sites, reach {reach / 1000:.0f} km: {spent:.2f} CPU s,", end=" ")
        some = slice(0, 2000)
        found = catchment(places[some], demand[some], sites, pull, reach=reach).drawn
        exact = demand[some] @ probabilities(places[some], sites, pull, reach=reach)
        gap = np.max(np.abs(found - exact)) / np.mean(exact)
        print(f"greatest gap to double precision {gap:.0e} of what a site draws, 2 000 places")


def covering(draw: np.random.Generator) -> None:
    """Choose among 1 000 sites for 20 000 places, beside the optimum of HiGHS and a true bound."""
    for distance, more, prove, draws in ((3000, 50, True, 1), (5000, 50, False, 4)):
        for number in range(draws):
            own = draw if number == 0 and prove else np.random.default_rng(number)
            places = own.uniform(0, 1e5, (20_000, 2))
            sites, demand = places[own.permutation(20_000)[:1000]], own.gamma(1, 1000, 20_000)
            reached = within(places, sites, distance)
            start = time.process_time()
            quick = choose(reached, demand, more, prove=False)
            spent = time.process_time() - start
            print(
                f"covering, {more} sites of 1 000, {distance} m, 20 000 places: {spent:.3f} CPU s,", end=" "
            )
            bound = ceiling(reached, demand, more, turns=TURNS)
            print(f"{quick.served / bound:.4f} of a true bound, {TURNS} turns")
            if prove:
                start = time.process_time()
                best = choose(reached, demand, more, prove=True, seconds=SECONDS)
                name = "the optimum" if best.optimal else "the bound"
                print(f"  HiGHS, {time.process_time() - start:.1f} CPU s:", end=" ")
                print(f"quick choice at {quick.served / best.bound:.4f} of {name}")


def counts(folder: Path) -> None:
    """Expect establishments of a commune from its population; five folds of whole départements."""
    with gzip.open(folder / "donnees_communes.csv.gz", "rt", encoding="utf-8") as stream:
        people = {line["COM"]: float(line["PMUN"] or 0) for line in csv.DictReader(stream, delimiter=";")}
    with gzip.open(
        folder / "base_etablissement_par_tranche_effectif.csv.gz", "rt", encoding="utf-8"
    ) as stream:
        found = [
            (line["DEP"], people.get(line["CODGEO"].zfill(5), 0.0), float(line["E14TST"]))
            for line in csv.DictReader(stream, delimiter=";")
        ]
    known = [one for one in found if one[1] > 0]
    departments = np.array([one[0] for one in known])
    exposure, seen = np.array([one[1] for one in known]), np.array([one[2] for one in known])
    features = np.log(exposure)[:, None]
    names = np.unique(departments)
    fold = dict(zip(names.tolist(), np.random.default_rng(1).permutation(len(names)) % 5, strict=True))
    folds = np.array([fold[one] for one in departments.tolist()])
    model, plain, inside = [], [], []
    for held in range(5):
        test, train = folds == held, folds != held
        fitted = ExpectedCounts.fit(seen[train], exposure[train], features[train])
        told = fitted.expect(exposure[test], features[test])
        rate = seen[train].sum() / exposure[train].sum()
        model.append(deviance(seen[test], told.mean))
        plain.append(deviance(seen[test], rate * exposure[test]))
        inside.append(float(np.mean((seen[test] >= told.low) & (seen[test] <= told.high))))
    print(f"establishments of {len(known)} communes, {len(names)} départements in five folds:", end=" ")
    print(f"deviance {np.mean(model):.1f} ({min(model):.1f} to {max(model):.1f} by fold),", end=" ")
    print(f"national rate {np.mean(plain):.1f} ({min(plain):.1f} to {max(plain):.1f});", end=" ")
    print(f"95 % intervals hold {np.mean(inside):.3f} ({min(inside):.3f} to {max(inside):.3f})")


if __name__ == "__main__":
    main()

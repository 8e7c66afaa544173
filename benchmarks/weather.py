"""Figures of weather_postprocessing: real forecasts held out, sites together, grids, speed.

Run alone: ``.venv/bin/python benchmarks/weather.py``. Times are CPU seconds of this process, once libraries
are loaded. ``--only`` runs some parts.
"""

from __future__ import annotations

import argparse
import os
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import numpy as np

from eclaireur.cases.weather_postprocessing import case, measuring
from eclaireur.cases.weather_postprocessing.coupling import joint_scores
from eclaireur.cases.weather_postprocessing.emos import fit
from eclaireur.cases.weather_postprocessing.grids import at_stations
from eclaireur.cases.weather_postprocessing.laws import NORMAL
from eclaireur.cases.weather_postprocessing.panel import Panel
from eclaireur.cases.weather_postprocessing.pool import fit_pool
from eclaireur.cases.weather_postprocessing.predictors import columns
from eclaireur.cases.weather_postprocessing.reading import named, read_file, tables_of
from eclaireur.cases.weather_postprocessing.synop import paired, read_stations, read_synop
from eclaireur.core.case import quiet
from eclaireur.core.errors import ExtraMissingError

SOURCES = {
    "innsbruck": "rain_innsbruck_gefs_ensemble.csv.gz",
    "northwest": "srft_pacific_northwest_temperature_ensemble.csv.gz",
    "northwest_rain": "prcpDJ_precipitation_ensemble.csv.gz",
}


def main() -> None:
    """Print each part; those on real data when they are there."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--only", nargs="*", default=[*SOURCES, "grids", "speed"])
    arguments = parser.parse_args()
    data = os.environ.get("ECLAIREUR_DATA")
    for part in arguments.only:
        if part == "speed":
            speed()
        elif data is None:
            print(f"{part}: skipped, ECLAIREUR_DATA is not set")
        elif part == "grids":
            grids(Path(data) / "weather")
        else:
            quality(part, Path(data) / "weather" / SOURCES[part])


def quality(source: str, path: Path) -> None:
    """Print the figures of one source, as ``evaluate`` gives them, and the joint scores of its sites."""
    read = read_file(path)
    if read is None:
        raise SystemExit(f"{path.name}: no ensemble table")
    records = tables_of([named(row, path) for row in read[0]], read[1])
    start = time.process_time()
    for block in measuring.evaluate(source, records, seed=20_261_101, progress=quiet):
        print(f"\n{source}: {block.split}")
        print("| figure | value | 95 % interval | beside |")
        print("| --- | --- | --- | --- |")
        for one in block.metrics:
            limits = "–" if one.low is None or one.high is None else f"{one.low:.4f} to {one.high:.4f}"
            beside = "–" if one.baseline is None else f"{one.baseline} {one.baseline_value:.4f}"
            print(f"| {one.name} | {one.value:.4f} | {limits} | {beside} |")
        print(f"n {block.metrics[0].n}; {' '.join(block.notes)}")
        for group in block.subgroups:
            if group.metric.value is not None:
                print(f"  {group.group}: {group.metric.value:.3f}, raw {group.metric.baseline_value:.3f}")
    print(f"evaluation {time.process_time() - start:.0f} CPU-s")
    for variable in sorted(set(records["forecasts"]["variable"].to_pylist())):
        held = measuring.held_of(records, variable, seed=1, progress=quiet, compare=False)
        joint = None if held is None else joint_scores(held.panel, held.law, seed=1)
        if joint is not None:
            print(f"joint scores, {joint.days} days: energy {joint.energy}, variogram {joint.variogram}")


def grids(folder: Path) -> None:
    """Print what is read of the grids and of SYNOP, and joined by place and time."""
    stations = read_stations(folder / "postesSynop.csv")
    observed, rejected = read_synop(folder / "synop_meteofrance_202412.csv.gz")
    with_t = sum(one.temperature is not None for one in observed)
    print(
        f"\nSYNOP: {len(observed)} rows, {with_t} temperatures, {len(rejected)} set aside, "
        f"{len(stations)} stations"
    )
    for name in (
        "meteonet_arpege_2m_NW_20180501000000.grib",
        "meteonet_arome_P_sea_level_NW_20180501000000.grib",
    ):
        start = time.process_time()
        try:
            found = case.read_report_input(folder / name)
        except ExtraMissingError as error:
            print(f"{name}: {error}")
            continue
        if found is None:
            raise SystemExit(f"{name}: no grid")
        fields, refused = found
        values = at_stations(fields, stations, farthest=10)
        spent = time.process_time() - start
        near = {one.station for one in values}
        far = max(one.kilometres for one in values)
        kelvin = sum(one.kelvin for one in values)
        pairs = paired(values, observed)
        print(
            f"{name}: {len(fields)} fields, {len(refused)} refused, {len(near)} stations at most "
            f"{far:.1f} km from a point, {len(values)} values, {kelvin} from kelvins, {len(pairs)} at a time "
            f"of SYNOP; {spent:.2f} CPU-s"
        )


def made_up(stations: int, years: int) -> Panel:
    """Return forecasts of eleven members by day and station, with a bias of their own."""
    draw = np.random.default_rng(1)
    days = 365 * years + 1
    place = np.column_stack(
        [draw.uniform(43, 50, stations), draw.uniform(-4, 7, stations), draw.uniform(0, 1500, stations)]
    )
    weather = np.repeat(draw.normal(0, 5, days)[None], stations, 0).ravel()
    truth = weather + draw.normal(0, 1, stations * days)
    bias = np.repeat(draw.normal(0, 1.5, stations), days)
    spread = draw.uniform(0.3, 1.5, stations * days)
    centre = truth + bias + draw.normal(0, 1, stations * days) * spread
    members = centre[:, None] + 0.5 * spread[:, None] * draw.normal(size=(stations * days, 11))
    day = np.tile(np.arange(15_000, 15_000 + days), stations)
    return Panel(
        variable="temperature",
        keys=np.empty(0, object),
        stations=tuple(str(at) for at in range(stations)),
        station=np.repeat(np.arange(stations), days),
        day=day,
        known=day,
        members=members,
        mean=members.mean(axis=1),
        spread=members.std(axis=1, ddof=1),
        observed=truth,
        observed_known=day + 2,
        place=place,
    )


def speed() -> None:
    """Print the CPU seconds of the fit of a thousand stations over five years."""
    fit(NORMAL, np.ones((50, 1)), np.ones((50, 1)), np.arange(50.0))
    panel = made_up(1000, 5)
    print(f"\n{panel.size} forecasts of 11 members, 1 000 stations, 5 years")

    def timed(name: str, work: Callable[[], object]) -> object:
        start = time.process_time()
        made = work()
        print(f"{name}: {time.process_time() - start:.1f} CPU-s")
        return made

    nothing = np.zeros((panel.size, 0))

    def by_station() -> None:
        for rows in np.split(np.arange(panel.size), 1000):
            fit(NORMAL, panel.mean[rows, None], panel.spread[rows, None], panel.observed[rows])

    timed("EMOS station by station", by_station)
    timed("EMOS, all stations together", lambda: fit(NORMAL, panel.mean[:, None], nothing, panel.observed))
    found = columns_of(panel, timed)
    timed("four designs with their weights", lambda: fit_pool(panel, found, before=int(panel.day.max()) + 9))
    print(f"most memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.1f} GB")


def columns_of(panel: Panel, timed: Callable[[str, Callable[[], object]], object]) -> dict[str, np.ndarray]:
    """Return the predictors, and print their time."""
    found: dict[str, np.ndarray] = {}
    timed("predictors", lambda: found.update(columns(panel)))
    return found


if __name__ == "__main__":
    main()

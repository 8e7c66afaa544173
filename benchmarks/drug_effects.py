"""Figures of drug_effects: published effects, the shrinker on CAERS, speed.

Run alone: ``.venv/bin/python benchmarks/drug_effects.py``, with options below. Times are CPU seconds of this
process, once libraries are loaded.

``--tick PYTHON`` names an interpreter that has tick, numpydoc and six: it fits the same world in this run.
``--cases 100000`` fits worlds of a quarter, a half and all of so many cases, each in its own process, and
prints the slope of their memory; with ``--engine processes:2`` or ``local-cluster:2``, the largest is also
fitted by sums of shards there, and compared.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import numpy as np

from eclaireur.cases.drug_effects.case_series import Fit, fit
from eclaireur.cases.drug_effects.curves import bootstrap_curves, chosen_strength, fit_curves
from eclaireur.cases.drug_effects.event_dependent import fit_event_dependent
from eclaireur.cases.drug_effects.histories import Histories, read_histories
from eclaireur.cases.drug_effects.lagged import likelihood_of
from eclaireur.cases.drug_effects.published import STUDIES, fit_study, study_rows
from eclaireur.cases.drug_effects.reports_table import count_pairs
from eclaireur.cases.drug_effects.sample import confounded_world, lagged_world
from eclaireur.cases.drug_effects.shrinker import fit_prior, shrink
from eclaireur.cases.drug_effects.spread import spread_curves, spread_series
from eclaireur.cases.drug_effects.terms import terms_of
from eclaireur.cases.drug_effects.windows import Design, Window, design
from eclaireur.core.engine import open_engine

STRENGTHS = ((8e-3, 8e-4), (4e-3, 4e-4), (2e-3, 2e-4), (1e-3, 1e-4))


def main() -> None:
    """Print the figures of real data when they are there, then those of made-up worlds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--worlds", type=int, default=20)
    parser.add_argument("--tick", type=Path, help="interpreter that has tick")
    parser.add_argument("--cases", type=int, default=0, help="cases of the largest world")
    parser.add_argument("--engine", default="", help="engine of the sums of shards (core.engine)")
    parser.add_argument("--one", type=int, default=0, help="fit one large world, and nothing else")
    arguments = parser.parse_args()
    if arguments.one:
        one_world(arguments.one, arguments.engine)
        return
    folder = os.environ.get("ECLAIREUR_DATA")
    if folder:
        published(Path(folder) / "case_series")
        sensitivity(Path(folder) / "case_series")
        levels(Path(folder) / "case_series" / "bpdat.txt")
        caers(Path(folder) / "adverse_events" / "caers_product_event.csv.gz")
    else:
        print("published, caers: skipped, ECLAIREUR_DATA is not set")
    if arguments.worlds:
        curves(arguments.worlds)
        bands()
        adjusted()
    if arguments.tick:
        beside_tick(arguments.tick)
    if arguments.cases:
        many(arguments.cases, arguments.engine)


def published(folder: Path) -> None:
    """Print each published series beside what its authors found."""
    print("| file | window | events | here | published |")
    print("| --- | --- | --- | --- | --- |")
    for study in STUDIES:
        made, _ = fit_study(study, study_rows(study, folder / f"{study.name}.txt"))
        answers = dict(study.answers.values())
        for at, effect in enumerate(made.effects):
            here = f"{effect.ratio:.2f} ({effect.low:.2f}–{effect.high:.2f})"
            answer = answers.get(at)
            said = "–"
            if answer is not None:
                limits = "" if math.isnan(answer.low) else f" ({answer.low:.2f}–{answer.high:.2f})"
                said = f"{answer.ratio:.2f}{limits}"
            print(f"| {study.name} | {effect.name} | {effect.events} | {here} | {said} |")


def sensitivity(folder: Path) -> None:
    """Print how the two series that are not found exactly move with what their authors may have chosen."""
    studies = {study.name: study for study in STUDIES}
    study = studies["rotdat"]
    found = read_histories(study_rows(study, folder / "rotdat.txt"))
    exposed = len(np.unique(found.dose_person))
    print(f"rotdat: {len(found.persons)} cases, {exposed} vaccinated, all before their event")
    for days in (7, 10, 14, 28):
        made = fit_event_dependent(found, study.windows, ages=tuple(range(42 + days, 183, days)))
        print(f"  ages by {days} days: {shown(made)}")
    finer = tuple(
        Window(drug="rotavirus", first=first, last=last, dose=dose)
        for dose in (1, 2)
        for first, last in ((1, 7), (8, 21))
    )
    print(f"  days 1 to 7 and 8 to 21: {shown(fit_event_dependent(found, finer, ages=study.ages))}")
    study = studies["gbsdat"]
    found = read_histories(study_rows(study, folder / "gbsdat.txt"))
    print(f"gbsdat: {len(found.persons)} cases")
    times = {"no season": (), "months": study.ages, "fortnights": tuple(range(15, 227, 14))}
    for first in (0, 1):
        windows = (Window(drug="grippe", first=first, last=42),)
        for name, ages in times.items():
            made = fit_event_dependent(found, windows, ages=ages)
            plain = fit(design(found, windows, ages=ages))
            print(f"  days {first} to 42, {name}: {shown(made)}; later doses kept: {shown(plain)}")


def levels(path: Path) -> None:
    """Print the effect of blood pressures, measured twice a day, on headaches: a level and no window.

    The model is that of the manual of the file: both pressures at once, each person compared with itself.
    """
    from scipy.sparse import csr_array

    with path.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t"))
    case = np.array([int(row["case"]) for row in rows])
    pressures = np.array([[float(row["sys"]), float(row["dia"])] for row in rows])
    heads = np.array([float(row["head"]) for row in rows])
    names = ("systolique", "diastolique")
    made = fit(
        Design(
            first=np.flatnonzero(np.diff(case, prepend=-1)),
            log_days=np.zeros(len(rows)),
            columns=csr_array(pressures),
            events=heads,
            windows=tuple(Window(drug=name, first=0, last=0) for name in names),
            names=names,
        )
    )
    for name, effect in zip(names, made.effects, strict=True):
        said = f"{effect.ratio:.3f} ({effect.low:.3f}–{effect.high:.3f})"
        print(f"bpdat: {name}, for each mmHg: {said}, {heads.sum():.0f} headaches in {made.persons} cases")


def shown(made: Fit) -> str:
    """Write the effects of a fit."""
    return ", ".join(
        f"{one.ratio:.2f} ({one.low:.2f}–{one.high:.2f}), {one.events} events" for one in made.effects
    )


def caers(path: Path) -> None:
    """Print the prior of CAERS, its strongest pair, and the time of the fit."""
    import pyarrow.csv as pacsv

    table = pacsv.read_csv(path)
    pairs = count_pairs(table.select(table.column_names[:3]).rename_columns(["report", "drug", "event"]))
    fit_prior(np.ones(2), np.ones(2))
    start = time.process_time()
    prior = fit_prior(pairs.count, pairs.expected)
    spent = time.process_time() - start
    shrunk = shrink(pairs.count, pairs.expected, prior)
    top = int(shrunk.mean.argmax())
    print(f"caers: {len(pairs.drug)} pairs, -logL {prior.loss:.3f}, fit {spent:.2f} CPU-s")
    print(f"top {pairs.drug[top]} × {pairs.event[top]}: ", end="")
    print(f"EBGM {shrunk.mean[top]:.2f}, EB05 {shrunk.low[top]:.2f}")


def curves(worlds: int) -> None:
    """Print the error of curves beside that of windows of ten days, and the time of a fit.

    Worlds of 2 000 cases, 750 days, 4 drugs and 50 lags; strengths are chosen in each by cross-validation.
    """
    errors: list[tuple[float, float]] = []
    spent, classic_spent, chosen_spent = [], [], []
    for seed in range(worlds):
        histories, true = lagged_world(seed)
        start = time.process_time()
        variation, group = chosen_strength(histories, lags=50, strengths=STRENGTHS, seed=seed)
        middle = time.process_time()
        made = fit_curves(likelihood_of(histories, lags=50), variation=variation, group=group)
        after = time.process_time()
        windows = [
            Window(drug=drug, first=day, last=day + 9) for drug in histories.drugs for day in range(0, 50, 10)
        ]
        effects = fit(design(histories, windows)).effects
        end = time.process_time()
        plain = np.repeat([effect.log_ratio for effect in effects], 10).reshape(4, 50)
        errors.append((rms(made.values - true), rms(plain - true)))
        chosen_spent.append(middle - start)
        spent.append(after - middle)
        classic_spent.append(end - after)
    ours, theirs = np.array(errors).T
    gap = ours - theirs
    half = 1.96 * gap.std(ddof=1) / np.sqrt(worlds)
    print(
        f"curves, {worlds} worlds: error {ours.mean():.3f}, windows of ten days {theirs.mean():.3f}, ", end=""
    )
    print(f"difference {gap.mean():.3f} ± {half:.3f}, better in {(gap < 0).sum()}")
    print(f"2 000 cases x 750 days x 4 drugs x 50 lags: {np.median(spent):.2f} CPU-s a fit ", end="")
    print(f"(windows {np.median(classic_spent):.2f}), cross-validation {np.median(chosen_spent):.2f}")


def bands(draws: int = 200) -> None:
    """Print the time of bands: a bootstrap of persons, drawn with their whole observation."""
    histories, _ = lagged_world(0)
    start = time.process_time()
    bootstrap_curves(histories, lags=50, variation=2e-3, group=2e-4, draws=draws)
    print(f"{draws} bootstraps: {time.process_time() - start:.1f} CPU-s")


def beside_tick(python: Path, variation: float = 2e-3, group: float = 2e-4) -> None:
    """Print our fit and that of tick on one world whose observation is whole: there both have one likelihood.

    On a world that is cut, the likelihood of tick counts the days after the end too.
    """
    histories, true = lagged_world(0, censored=False)
    start = time.process_time()
    likelihood = likelihood_of(histories, lags=50)
    made = fit_curves(likelihood, variation=variation, group=group)
    spent = time.process_time() - start
    with tempfile.TemporaryDirectory() as folder:
        world, out = Path(folder) / "world.npz", Path(folder) / "out.npz"
        np.savez(
            world,
            **{name: getattr(histories, name) for name in ("dose_person", "dose_day", "dose_drug")},
            event_person=histories.event_person,
            event_day=histories.event_day,
            end=histories.end + 1,
            ours=made.values,
            persons=2000,
            days=750,
            lags=50,
            drugs=4,
            rounds=100,
            variation=variation,
            group=group,
        )
        script = Path(__file__).with_name("drug_effects_tick.py")
        command = [str(python), str(script), str(world), str(out)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own script
        found = dict(np.load(out))
    theirs = found["values"].reshape(4, 50)
    print(f"tick: {float(found['spent']):.1f} CPU-s a fit, here {spent:.2f}; ", end="")
    print(f"gap of losses at our curves {abs(float(found['loss_at_ours']) - made.loss):.1e}; ", end="")
    print(f"loss {float(found['loss']):.6f}, here {made.loss:.6f}; ", end="")
    print(f"error {rms(theirs - true):.4f}, here {rms(made.values - true):.4f}")


def adjusted(worlds: int = 12) -> None:
    """Print the mean error of the curves of worlds where age and season bear on events and on doses."""
    errors = []
    for seed in range(worlds):
        histories, true = confounded_world(seed, persons=3000, days=365, lags=20)
        ages = np.quantile(histories.event_day, np.arange(1, 8) / 8).astype(int).tolist()
        of_each = []
        for terms in (
            None,
            terms_of(histories, ages=ages, months=True),
            terms_of(histories, spline=4, months=True),
        ):
            made = fit_curves(likelihood_of(histories, lags=20, terms=terms), variation=5e-4)
            of_each.append(float((made.values - true).mean()))
        errors.append(of_each)
    found = np.array(errors)
    half = 1.96 * found.std(axis=0, ddof=1) / np.sqrt(worlds)
    for name, mean, width in zip(("not adjusted", "groups", "spline"), found.mean(axis=0), half, strict=True):
        print(
            f"age and season, {worlds} worlds, {name}: mean error of the logarithm {mean:.3f} ± {width:.3f}"
        )


def many(cases: int, engine: str, shard: int = 5_000) -> None:
    """Print what large worlds cost, each in a process of its own so that its memory is its own."""
    sizes = [size for size in (cases // 4, cases // 2, cases) if size >= shard]
    peaks = []
    for size in sizes:
        command = [sys.executable, __file__, "--one", str(size)]
        command += ["--engine", engine] if size == cases and engine else []
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603 - ours
        print(said, end="")
        peaks.append(float(said.split("peak ")[1].split(" MB")[0]))
    if len(sizes) > 1:
        slope, base = np.polyfit(sizes, peaks, 1)
        print(f"memory: {base:.0f} MB and {slope * 1e6:.0f} MB for each million cases")
        print(f"so 1 000 000 cases: {(base + slope * 1e6) / 1e3:.1f} GB (computed from the slope, not run)")


def one_world(cases: int, engine: str, shard: int = 5_000) -> None:
    """Fit one large world here, then by sums of shards on an engine, and compare."""
    worlds = [confounded_world(seed, persons=shard, days=750)[0] for seed in range(max(cases // shard, 1))]
    offsets = [shard * at for at in range(len(worlds))]
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(one, name) for one in worlds])
        for name in ("start", "end", "event_day", "dose_day", "dose_end", "dose_drug", "origin")
    }
    for name in ("event_person", "dose_person"):
        joined[name] = np.concatenate(
            [getattr(one, name) + at for one, at in zip(worlds, offsets, strict=True)]
        )
    persons = [str(at) for at in range(shard * len(worlds))]
    histories = Histories(persons=persons, drugs=worlds[0].drugs, **joined)
    del worlds, joined
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    terms = terms_of(histories, ages=tuple(range(90, 750, 90)), months=True)
    windows = [
        Window(drug=drug, first=day, last=day + 9) for drug in histories.drugs for day in range(0, 50, 10)
    ]
    variation, group = 50 / len(persons), 5 / len(persons)
    start = time.process_time()
    likelihood = likelihood_of(histories, lags=50, terms=terms)
    middle = time.process_time()
    made = fit_curves(likelihood, variation=variation, group=group)
    end = time.process_time()
    del likelihood
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(
        f"{len(persons)} cases, age and month adjusted: {middle - start:.1f} CPU-s to prepare curves, ",
        end="",
    )
    print(f"{end - middle:.1f} to fit; peak {peak:.0f} MB (the world itself was made in {before:.0f} MB)")
    if not engine:
        return
    classic = fit(design(histories, windows, ages=range(90, 750, 90), months=True))
    with open_engine(engine) as opened:
        clock = time.perf_counter()
        with spread_curves(histories, lags=50, engine=opened, terms=terms) as sums:
            spread = fit_curves(sums, variation=variation, group=group)
            shards = sums.shards
        series = spread_series(histories, windows, engine=opened, ages=range(90, 750, 90), months=True)
        clock = time.perf_counter() - clock
    gap = max(np.abs(spread.values - made.values).max(), np.abs(spread.terms - made.terms).max())
    print(f"sums of {shards} shards on {engine}: {clock:.0f} s of clock; ", end="")
    print(f"largest gap of the curves and terms {gap:.1e}, ", end="")
    print(
        f"of the coefficients of windows {np.abs(series.coefficients - classic.coefficients).max():.1e}, ",
        end="",
    )
    ends = [
        abs(getattr(one, name) - getattr(other, name))
        for one, other in zip(series.effects, classic.effects, strict=True)
        for name in ("low", "high")
    ]
    print(f"of their intervals {max(ends):.1e}")


def rms(values: np.ndarray) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt((values**2).mean()))


if __name__ == "__main__":
    main()

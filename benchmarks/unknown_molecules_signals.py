"""Figures of unknown_molecules on isotopes, tables of signals and sources of pollution.

Run alone: ``.venv/bin/python benchmarks/unknown_molecules_signals.py [PART …]``. Times are CPU seconds of one
process, once libraries are loaded.
"""

from __future__ import annotations

import argparse
import csv
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import numpy as np

from eclaireur.cases.unknown_molecules import (
    batch as batches,
    feature_rows,
    feature_table,
    formats,
    isotopes,
    judging,
    known_profiles,
    measuring,
    model as modelling,
    profiles,
    spectra,
)
from eclaireur.cases.unknown_molecules.formulas import formulas
from eclaireur.cases.unknown_molecules.masses import (
    ADDUCTS,
    Adduct,
    adduct_named,
    formula_mass,
    ion_counts,
    isotope_pattern,
    parse_formula,
    precursor_of,
)
from eclaireur.core.errors import BadValueError

if TYPE_CHECKING:
    import pyarrow as pa

PARTS = ("profiles", "tracers", "isotopes", "simulated")


def main() -> None:
    """Print the figures that are asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", default=[], help=f"among {', '.join(PARTS)}")
    wanted = parser.parse_args().parts or list(PARTS)
    folder = os.environ.get("ECLAIREUR_DATA")
    if not folder:
        print("skipped, ECLAIREUR_DATA is not set")
        return
    root = Path(folder)
    if "profiles" in wanted:
        source_profiles(root / "source_profiles")
        known_sources(root / "source_profiles")
    if "tracers" in wanted:
        tracers(root / "water_nontarget")
    if not {"isotopes", "simulated"} & {*wanted}:
        return
    table = spectra.table_of(formats.read_rows(root / "massbank" / "massbank_environment_ms2.parquet"))
    if "isotopes" in wanted:
        isotope_peaks(table, root / "water_nontarget")
    if "simulated" in wanted:
        simulated(table)


def interval(values: np.ndarray, groups: np.ndarray) -> str:
    """Return a mean with its 95 % interval by draws of whole groups."""
    total, good = np.bincount(groups), np.bincount(groups, values.astype(float))
    weight = np.random.default_rng(0).multinomial(len(total), np.full(len(total), 1 / len(total)), 1000)
    low, high = np.quantile((weight @ good) / (weight @ total), [0.025, 0.975])
    return f"{values.mean():.3f} ({low:.3f}–{high:.3f})"


def read_columns(path: Path) -> tuple[list[str], np.ndarray]:
    """Read a table of numbers whose first column is a date."""
    with path.open(encoding="utf-8-sig") as stream:
        lines = list(csv.reader(stream))
    values = [[float(one) if one.strip() else np.nan for one in line[1:]] for line in lines[1:] if any(line)]
    return lines[0][1:], np.array(values)


def without_totals(folder: Path, city: str) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Read the concentrations of a city and their uncertainties, without the columns that are totals."""
    species, values = read_columns(folder / f"Dataset-{city}-con.csv")
    _, unsure = read_columns(folder / f"Dataset-{city}-unc.csv")
    keep = [at for at, name in enumerate(species) if name.casefold() not in {"mass", "tnmoc", "unidentified"}]
    return [species[at] for at in keep], values[:, keep], unsure[:, keep]


def source_profiles(folder: Path) -> None:
    """Print for each city the criteria by number of factors, then stability, bands and time of a run."""
    for city, chosen in (("BatonRouge", 3), ("BatonRouge", 5), ("StLouis", 5)):
        species, values, unsure = without_totals(folder, city)
        profiles.fit(values, unsure, 2)
        if chosen != 3:
            for one in profiles.criteria(values, unsure, range(2, 8), draws=10):
                print(f"{city}: " + ", ".join(f"{key} {value:.3f}" for key, value in one.items()))
        spent = []
        for seed in range(5):
            start = time.process_time()
            profiles.fit(values, unsure, chosen, seed=seed)
            spent.append(time.process_time() - start)
        made = profiles.fit(values, unsure, chosen, starts=10, seed=0)
        again = [
            profiles.matched(
                made.profiles, profiles.fit(values, unsure, chosen, starts=3, seed=seed).profiles
            )[1]
            for seed in range(1, 11)
        ]
        start = time.process_time()
        bands = profiles.bootstrap(values, unsure, made, draws=50)
        each = (time.process_time() - start) / 50
        print(
            f"{city}: {values.shape[0]} × {len(species)}, {chosen} factors, Q/expected "
            f"{made.objective / made.expected:.2f}, {np.median(spent):.2f} CPU-s a run, "
            f"{each:.2f} a bootstrap, "
            f"from other random starts {np.mean(again):.3f}, "
            f"stability {np.round(bands.stability, 3).tolist()}, mean {bands.stability.mean():.3f}"
        )
        for factor in range(chosen):
            at = int(made.profiles[factor].argmax())
            low, high = profiles.displaced(values, unsure, made, factor, at)
            print(
                f"  {species[at]} {made.profiles[factor, at]:.3f}, bootstrap "
                f"{bands.low[factor, at]:.3f}–{bands.high[factor, at]:.3f}, displacement {low:.3f}–{high:.3f}"
            )


def known_sources(folder: Path) -> None:
    """Print how many sources of the second half of the dates are named by the profiles of the first half.

    Once with all of those profiles, then with the one that is right taken out: then no name is right.
    """
    for city, chosen in (("BatonRouge", 3), ("StLouis", 5)):
        species, values, unsure = without_totals(folder, city)
        half = len(values) // 2
        first = profiles.fit(values[:half], unsure[:half], chosen, starts=10, seed=0)
        second = profiles.fit(values[half:], unsure[half:], chosen, starts=10, seed=0)
        bands = profiles.bootstrap(values[half:], unsure[half:], second, draws=50)
        order, level = profiles.matched(first.profiles, second.profiles)
        right = {int(order[at]): f"source {at}" for at in range(chosen)}
        found = known_profiles.match(as_library(first, species), species, second, bands)
        named = [one for one in found if one.name]
        good = sum(right[one.factor] == one.name for one in named)
        false = 0
        for at in range(chosen):
            mine = int(order[at])
            others = as_library(first, species, left_out=at)
            false += bool(known_profiles.match(others, species, second, bands)[mine].name)
        print(
            f"{city}, {chosen} sources of each half: correlations {np.round(level, 2).tolist()}; "
            f"{len(named)} named, {good} rightly; without the right profile {false} of {chosen} named"
        )
        for one in found:
            print(
                f"  factor {one.factor}: nearest {one.nearest}, cosine {one.cosine[0]:.3f} "
                f"({one.cosine[1]:.3f}–{one.cosine[2]:.3f}), explained {one.explained[0]:.2f}, "
                f"{one.why or 'named'}"
            )


def as_library(
    made: profiles.Factors, species: list[str], *, left_out: int | None = None
) -> known_profiles.KnownProfiles:
    """Return the profiles of a fit as known ones, but for one."""
    kept = [at for at in range(len(made.profiles)) if at != left_out]
    return known_profiles.KnownProfiles(
        names=tuple(f"source {at}" for at in kept),
        species=tuple(known_profiles.plain_species(one) for one in species),
        shares=made.profiles[kept],
    )


def tracers(folder: Path) -> None:
    """Print what filters keep in the water tables, which tracers are found, and sites told apart."""
    with (folder / "WW2DW_Tracers_Amenable.csv").open(encoding="utf-8-sig") as stream:
        listed = list(csv.DictReader(stream))
    import pyarrow.csv as pacsv

    for name, mode, adduct in (("1a_MZmine3_pos", "ESI+", "[M+H]+"), ("1b_MZmine3_neg", "ESI-", "[M-H]-")):
        features = feature_table.read_features(pacsv.read_csv(folder / f"{name}.csv"))
        found = feature_table.filter_features(features)
        print(f"{name}: " + ", ".join(f"{step} {count}" for step, count in found.steps))
        mine = [row for row in listed if row["Ionization_Mode"] == mode]
        awaited = [precursor_of(float(row["Monoisotopic_Mass"]), ADDUCTS[adduct]) for row in mine]
        times = [float(row["Retention_Time"]) for row in mine]
        places = feature_table.find_tracers(features, awaited, times)
        kept = [at for at in places if at >= 0 and found.kept[at]]
        lost = [row["Chemical_Name"] for row, at in zip(mine, places, strict=True) if at < 0]
        reasons = [found.reasons[at] for at in places if at >= 0 and not found.kept[at]]
        print(
            f"{name}: tracers found {sum(at >= 0 for at in places)} of {len(mine)}, kept {len(kept)}; "
            f"missing {lost}; set aside {reasons}"
        )
        sites(name, features, found)
        linked(name, features)


def linked(name: str, features: feature_table.Features) -> None:
    """Print how many ions are linked to another of their molecule, and how many by chance."""
    draw = np.random.default_rng(0)
    found = kinds(features)
    dealt = [replace(features, retention=draw.permutation(features.retention)) for _ in range(10)]
    chance = np.array([kinds(one) for one in dealt])
    for at, kind in enumerate(("isotopes", "adducts")):
        print(
            f"{name}: {found[at]} {kind} linked, {chance[:, at].mean():.1f} when times are dealt at random, "
            f"{chance[:, at].min()} to {chance[:, at].max()} in 10 deals"
        )


def kinds(features: feature_table.Features) -> tuple[int, int]:
    """Return how many isotopic peaks and adducts are linked."""
    found = feature_rows.linked(features)
    isotope = sum(one.neutrons > 0 for one in found.values())
    return isotope, len(found) - isotope


def isotope_peaks(table: pa.Table, folder: Path) -> None:
    """Print what isotopic peaks say of spiked molecules: shares beside awaited ones, and formulas told apart.

    Their formulas are those that MassBank gives to their names, when the masses agree.
    """
    named = {
        str(name).casefold(): formula
        for name, formula in zip(table["name"].to_pylist(), table["formula"].to_pylist(), strict=True)
        if name and formula
    }
    with (folder / "qNTA_Surrogate_Input_File_WW2DW.csv").open(encoding="utf-8-sig") as stream:
        listed = list(csv.DictReader(stream))
    background = isotopes.Background(one for one in table["formula"].to_pylist() if one)
    every: list[dict[str, float]] = []
    for name, mode in (("1a_MZmine3_pos", "ESI+"), ("1b_MZmine3_neg", "ESI-")):
        signals = feature_rows.read_signals(folder / f"{name}.csv")
        if signals is None:
            raise SystemExit(f"{name}: no table of signals")
        adduct = ADDUCTS["[M+H]+" if mode == "ESI+" else "[M-H]-"]
        rows, before = signals.to_pylist(), len(every)
        found = known = 0
        for one in listed:
            formula = named.get(one["Chemical Name"].casefold(), "")
            mass = float(one["Monoisotopic Mass"] or "nan")
            if one["Ionization Mode"] != mode or not formula or abs(formula_mass(formula) - mass) > 0.002:
                continue
            known += 1
            row = signal_of(rows, precursor_of(mass, adduct), float(one["Retention Time"]))
            if row is None:
                continue
            found += 1
            told = told_apart(row, formula, adduct, background)
            if told is not None:
                every.append(told)
        print(
            f"{name}: {known} spiked molecules of known formula, {found} found, "
            f"{len(every) - before} with isotopes"
        )
    for key in every[0]:
        seen = [one[key] for one in every if np.isfinite(one[key])]
        print(f"isotopes, {key}: median {np.median(seen):.3f}, n {len(seen)}")
    first = sum(one["place by isotopes"] == 1 for one in every)
    nearest = sum(one["place by mass"] == 1 for one in every)
    kept = sum(one["weight"] > 0.1 for one in every)
    print(
        f"isotopes: right formula first among all at 5 ppm {first} of {len(every)}, by mass alone {nearest}; "
        f"not contradicted {kept}"
    )


def simulated(table: pa.Table) -> None:
    """Print what isotopic peaks would add to two laboratories left out: peaks made up from the right formula.

    Heights are moved by 10 % and 0.5 % of the first peak, shifts by 1 mDa; peaks under 1 % are not seen.
    """
    made = modelling.laid_out(table)
    batch = batches.batch_of(table, made.library)
    truth = np.full(table.num_rows, -1)
    truth[made.library.row] = made.library.molecule
    taken = modelling.drawn(batch.laboratory, batch.group, most=measuring.MOST, seed=0)
    queries = tuple(one if use else None for one, use in zip(batch.queries, taken.tolist(), strict=True))
    pairs = batches.search(replace(batch, queries=queries), made.library)
    about = table.select(["formula", "adduct"]).to_pylist()
    background = isotopes.Background(one["formula"] for one in about if one["formula"])
    for name in ("UFZ", "LCSB"):
        lab = made.library.laboratories.index(name)
        mine = batch.laboratory[pairs.query] == lab
        others = ~mine & (made.library.laboratory[pairs.at] != lab)
        model = modelling.learn(made, batch, batches.kept(pairs, others), truth, seed=0)
        if model is None:
            raise SystemExit(f"{name}: nothing to learn from")
        found, right = modelling.searched(made, batch, batches.kept(pairs, mine), truth)
        weight = weights_of(found, made, batch, about, background)
        groups = np.unique(batch.group[np.unique(found.query)], return_inverse=True)[1].reshape(-1)
        chance, _ = judging.weighed(found, model.chooser)
        without, _ = judging.weighed(found, model.chooser, without=right)
        for title, factor in (("without isotopes", np.ones(len(weight))), ("with them", weight)):
            present, absent = lowered(found.query, chance, factor), lowered(found.query, without, factor)
            first, best = modelling.top(found, present), modelling.top(found, absent)
            print(
                f"simulated isotopes, {name}, {title}: n {len(groups)}, "
                f"top1 {interval(right[first], groups)}, "
                f"false acceptance {interval(absent[best] >= model.threshold, groups)}, "
                f"accepted {interval(present[first] >= model.threshold, groups)}"
            )


def lowered(query: np.ndarray, chance: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Multiply the chances of candidates by weights; what is left goes to all others alike."""
    owner = np.unique(query, return_inverse=True)[1].reshape(-1)
    none = np.maximum(1 - np.bincount(owner, chance), 0)
    moved = chance * weight
    total: np.ndarray = np.maximum(np.bincount(owner, moved) + none, 1e-12)[owner]
    made: np.ndarray = moved / total
    return made


def weights_of(
    found: judging.Candidates,
    made: modelling.Bench,
    batch: batches.Batch,
    about: list[dict[str, Any]],
    background: isotopes.Background,
) -> np.ndarray:
    """Return the weight that made-up isotopic peaks of the right formula give to each candidate."""
    draw = np.random.default_rng(0)
    weight = np.ones(len(found.query))
    last, pattern = -1, None
    for place, (query, at) in enumerate(zip(found.query.tolist(), found.best.tolist(), strict=True)):
        if query != last:
            last, pattern = query, made_up(about[query], draw)
        if pattern is None:
            continue
        row = about[int(made.library.row[at])]
        judged = isotopes.judge(
            pattern,
            row["formula"] or "",
            row["adduct"],
            precursor=float(batch.precursor[query]),
            background=background,
        )
        weight[place] = 1.0 if judged is None else judged.weight
    return weight


def made_up(row: dict[str, Any], draw: np.random.Generator) -> isotopes.Pattern | None:
    """Return isotopic peaks of a row's formula, measured with errors; None when it is not known."""
    adduct = adduct_named(row["adduct"])
    try:
        counts = ion_counts(parse_formula(row["formula"] or ""), adduct) if adduct else None
    except BadValueError:
        return None
    if not counts or adduct is None:
        return None
    shares, shifts = [1.0], [0.0]
    for shift, share in isotope_pattern(counts)[1:]:
        seen = share * (1 + draw.normal(0, 0.1)) + draw.normal(0, 0.005)
        shares.append(seen if seen >= 0.01 else 0.0)
        shifts.append(shift + draw.normal(0, 0.001) if seen >= 0.01 else 0.0)
    return isotopes.Pattern(shares=tuple(shares), shifts=tuple(shifts), charge=adduct.charge, floor=0.01)


def signal_of(rows: list[dict[str, Any]], mz: float, minutes: float) -> dict[str, Any] | None:
    """Return the signal at an m/z and time; None without one."""
    near = [
        row
        for row in rows
        if row["precursor"]
        and abs(row["precursor"] - mz) <= mz * 1e-5
        and abs(row["retention"] - minutes) <= 0.5
    ]
    return min(near, key=lambda row: abs(row["retention"] - minutes), default=None)


def told_apart(
    row: dict[str, Any], formula: str, adduct: Adduct, background: isotopes.Background
) -> dict[str, float] | None:
    """Return for a signal of a known formula what its isotopes say; None when it has none."""
    pattern = isotopes.pattern_of(row["ms1_mz"] or (), row["ms1_intensity"] or (), row["precursor"])
    if pattern is None:
        return None
    judged = isotopes.judge(pattern, formula, adduct.name, precursor=row["precursor"], background=background)
    others = formulas(formula_mass(formula))
    shares = isotopes.likely(pattern, [one.counts for one in others], adduct)
    mine = [at for at, one in enumerate(others) if one.text == formula]
    if judged is None or not mine:
        return None
    measured = (row["precursor"] * adduct.charge - adduct.shift) / adduct.count
    gaps = [abs(one.error) for one in formulas(measured)]
    text = [one.text for one in formulas(measured)]
    gap = gaps[text.index(formula)] if formula in text else np.inf
    wrong = [
        isotopes.judge(pattern, one.text, adduct.name, precursor=row["precursor"], background=background)
        for one in others
        if one.text != formula
    ]
    print(
        f"  {row['spectrum']} {formula}: M+1 {pattern.shares[1]:.3f} for {judged.awaited[1]:.3f}, "
        f"M+2 {pattern.shares[2]:.3f} for {judged.awaited[2]:.3f}, weight {judged.weight:.2f}"
    )
    return {
        "relative error of M+1": error_of(pattern.shares[1], judged.awaited[1]),
        "relative error of M+2": error_of(pattern.shares[2], judged.awaited[2]),
        "share of other formulas contradicted": float(
            np.mean([one is not None and isotopes.against(one) for one in wrong]) if wrong else np.nan
        ),
        "formulas at 5 ppm": float(len(others)),
        "place by mass": 1.0 + sum(one < gap for one in gaps),
        "place by isotopes": 1.0 + sum(one > shares[mine[0]] for one in shares),
        "weight": judged.weight,
    }


def error_of(share: float, awaited: float) -> float:
    """Return the relative error of a share; NaN when no peak was seen."""
    return abs(share / awaited - 1) if share else np.nan


def sites(name: str, features: feature_table.Features, found: feature_table.Filtered) -> None:
    """Print how many injections are nearest to another injection of their own sample."""
    from eclaireur.core.evaluation import wilson

    injections = [(sample, at) for sample, places in features.groups.items() for at in places]
    owner = np.array([sample for sample, _ in injections])
    for title, rows in (("all signals", np.ones(len(features.mz), bool)), ("kept signals", found.kept)):
        area = np.log1p(np.nan_to_num(features.area[rows][:, [at for _, at in injections]])).T
        level = np.corrcoef(area)
        np.fill_diagonal(level, -2)
        right = int((owner[level.argmax(axis=1)] == owner).sum())
        low, high = wilson(right, len(owner))
        print(
            f"{name}, {title}: {right} of {len(owner)} injections nearest to their own sample "
            f"({low:.2f}–{high:.2f}), {len(features.groups)} samples"
        )


if __name__ == "__main__":
    main()

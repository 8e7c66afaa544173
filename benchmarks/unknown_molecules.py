"""Figures of unknown_molecules: laboratories left out, search without precursor, speed.

Those of isotopes, of tables of signals and of sources are in ``unknown_molecules_signals.py``.

Run alone: ``.venv/bin/python benchmarks/unknown_molecules.py [--matchms PYTHON] [PART …]``. Times are CPU
seconds of one process, once libraries are loaded. ``matchms`` asks for another SciPy than ours: give the
interpreter of an environment that has it.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import numpy as np
import pyarrow as pa

from eclaireur.cases.unknown_molecules import (
    batch as batches,
    formats,
    judging,
    library,
    measuring,
    model as modelling,
    open_search,
    spectra,
)
from eclaireur.core.types import Metric

PARTS = ("laboratories", "open", "pesticides", "speed", "slope")
QUERIES = 2000
OPENED = ("UFZ", "LCSB", "HBM4EU", "ENTACT_AGILENT")
"""Laboratories whose spectra are all searched without precursor."""
SEEDS, DRAWN = 20, 500

PEER = """
import json, sys, time
import numpy as np
from matchms import Spectrum, calculate_scores
from matchms.similarity import CosineGreedy
spectra = json.load(open(sys.argv[1]))

def spectrum(p, a, b):
    return Spectrum(mz=np.array(a, float), intensities=np.array(b, float) / max(b),
                    metadata={"precursor_mz": p})

made = [spectrum(*one) for one in spectra["library"]]
queries = [spectrum(*one) for one in spectra["queries"]]
precursor = np.array([p for p, _, _ in spectra["library"]])
order = np.argsort(precursor)
precursor = precursor[order]
made = [made[at] for at in order]
cosine = CosineGreedy(tolerance=0.02)
cosine.pair(queries[0], made[0])
start = time.process_time()
done = 0
for query in queries:
    wanted = query.get("precursor_mz")
    low, high = np.searchsorted(precursor, [wanted * (1 - 1e-5), wanted * (1 + 1e-5)])
    for at in range(low, high):
        cosine.pair(query, made[at])
    done += 1
    if time.process_time() - start > 20:
        break
print(json.dumps({"queries": done, "seconds": time.process_time() - start}))
"""


def main() -> None:
    """Print the figures that are asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", default=[], help=f"among {', '.join(PARTS)}")
    parser.add_argument("--matchms", default="")
    arguments = parser.parse_args()
    folder = os.environ.get("ECLAIREUR_DATA")
    if not folder:
        print("skipped, ECLAIREUR_DATA is not set")
        return
    root = Path(folder)
    wanted = arguments.parts or list(PARTS)
    path = root / "massbank" / "massbank_environment_ms2.parquet"
    start = time.process_time()
    table = spectra.table_of(formats.read_rows(path))
    print(f"{table.num_rows} spectra read in {time.process_time() - start:.1f} CPU-s")
    if "laboratories" in wanted:
        laboratories(table)
    if "open" in wanted:
        opened(table)
    if "pesticides" in wanted:
        pesticides(table, root / "massbank" / "matchms_pesticides.mgf")
    if "speed" in wanted:
        speed(table, arguments.matchms)
    if "slope" in wanted:
        slope(table)


def laboratories(table: pa.Table) -> None:
    """Print each laboratory left out, then four of them with all their spectra."""
    start = time.process_time()
    print(
        "| laboratory | n | top1 | plain | top3 | open_top1 | plain | n | "
        "false_acceptance | accepted | calibration_error |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    for block in measuring.evaluate("massbank", {"spectra": table}, seed=0, progress=lambda *_: None):
        found = {metric.name: metric for metric in block.metrics}

        def said(name: str, found: dict[str, Metric] = found) -> str:
            one = found[name]
            return f"{one.value:.3f} ({one.low:.3f}–{one.high:.3f})"

        print(
            f"| {block.data_set.removeprefix('massbank : ')} | {found['top1'].n} | {said('top1')} | "
            f"{found['top1'].baseline_value:.3f} | {said('top3')} | {said('open_top1')} | "
            f"{found['open_top1'].baseline_value:.3f} | {found['open_top1'].n} | "
            f"{said('false_acceptance')} | {said('accepted')} | {said('calibration_error')} |",
            flush=True,
        )
    print(f"laboratories: {time.process_time() - start:.0f} CPU-s")
    one_by_one(table)


def one_by_one(table: pa.Table) -> None:
    """Print what each spectrum alone gives: no compound gathered, no retention time."""
    alone = table.set_column(
        table.schema.get_field_index("retention"), "retention", pa.nulls(table.num_rows, pa.float64())
    )
    made = modelling.laid_out(alone)
    batch = batches.batch_of(alone, made.library)
    truth = np.full(alone.num_rows, -1)
    truth[made.library.row] = made.library.molecule
    pairs = batches.search(batch, made.library)
    for name in ("UFZ", "LCSB", "BAFG", "Eawag"):
        outcome = measuring.left_out(made, batch, pairs, truth, made.library.laboratories.index(name), seed=0)
        if outcome is not None:
            print(
                f"{name}, all spectra, each alone: n {len(outcome.query)}, "
                f"top1 {np.mean(outcome.rank == 1):.4f}, plain entropy {outcome.plain.mean():.4f}"
            )
    made = modelling.laid_out(table)
    batch = batches.batch_of(table, made.library)
    pairs = batches.search(batch, made.library)
    for name in ("UFZ", "LCSB", "BAFG", "Eawag"):
        outcome = measuring.left_out(made, batch, pairs, truth, made.library.laboratories.index(name), seed=0)
        if outcome is not None:
            print(
                f"{name}, all spectra, compounds gathered: n {len(outcome.query)}, "
                f"top1 {np.mean(outcome.rank == 1):.4f}, plain entropy {outcome.plain.mean():.4f}"
            )


def opened(table: pa.Table) -> None:
    """Print the search without precursor of all spectra of some laboratories, and what draws of 500 give.

    Compounds are drawn whole: so a draw is a part of what is counted here once, and its figure is exact.
    """
    made = modelling.laid_out(table)
    batch = batches.batch_of(table, made.library)
    truth = np.full(table.num_rows, -1)
    truth[made.library.row] = made.library.molecule
    seeker = open_search.Seeker(made.library)
    for name in OPENED:
        lab = made.library.laboratories.index(name)
        mine = batch.laboratory == lab
        queries = tuple(one if use else None for one, use in zip(batch.queries, mine.tolist(), strict=True))
        only = replace(batch, queries=queries)
        found, _ = modelling.searched(made, only, batches.search(only, made.library), truth)
        some = np.unique(found.query)
        own = np.full(len(batch.queries), -1)
        own[some] = lab
        some = some[modelling.drawn(own[some], batch.group[some], most=measuring.MOST, seed=0)]
        start = time.process_time()
        joint, alone = seeker.right(batch, some, truth, lab)
        spent = (time.process_time() - start) / len(some)
        groups = np.unique(batch.group[some], return_inverse=True)[1].reshape(-1)
        print(
            f"open, {name}: {len(some)} spectra of {groups.max() + 1} compounds, "
            f"top1 {interval(joint, groups)}, each alone {interval(alone, groups)}, "
            f"gain {interval(joint * 1.0 - alone, groups)}, "
            f"{1000 * spent:.0f} ms of CPU a spectrum",
            flush=True,
        )
        drawn = [
            joint[modelling.drawn(own[some], groups, most=DRAWN, seed=seed)].mean() for seed in range(SEEDS)
        ]
        print(
            f"open, {name}: {SEEDS} draws of about {DRAWN} spectra, mean {np.mean(drawn):.3f}, "
            f"{np.min(drawn):.3f} to {np.max(drawn):.3f}, standard deviation {np.std(drawn, ddof=1):.3f}"
        )


def interval(values: np.ndarray, groups: np.ndarray) -> str:
    """Return a mean with its 95 % interval by draws of whole groups."""
    total, good = np.bincount(groups), np.bincount(groups, values.astype(float))
    weight = np.random.default_rng(0).multinomial(len(total), np.full(len(total), 1 / len(total)), 1000)
    low, high = np.quantile((weight @ good) / (weight @ total), [0.025, 0.975])
    return f"{values.mean():.3f} ({low:.3f}–{high:.3f})"


def pesticides(table: pa.Table, path: Path) -> None:
    """Print how many spectra of another collection, with measured precursors, are named rightly."""
    from rdkit import Chem, RDLogger

    RDLogger.DisableLog("rdApp.*")  # type: ignore[attr-defined]
    asked = spectra.table_of(formats.read_rows(path))
    made = modelling.laid_out(table)
    whole = batches.batch_of(table, made.library)
    truth = np.full(table.num_rows, -1)
    truth[made.library.row] = made.library.molecule
    model = modelling.learn(made, whole, batches.search(whole, made.library), truth, seed=0)
    if model is None:
        print("pesticides: skipped, nothing to learn from")
        return
    batch = batches.batch_of(asked, made.library)
    found = judging.candidates_of(
        batch, made.library, batches.search(batch, made.library), retention=made.retention, runs=made.runs
    )
    chance, _ = judging.weighed(found, model.chooser)
    keys = [
        Chem.MolToInchiKey(Chem.MolFromSmiles(one))[:14] if one else ""  # type: ignore[no-untyped-call]
        for one in asked["smiles"].to_pylist()
    ]
    place = {key: at for at, key in enumerate(made.library.molecules)}
    known = [at for at, key in enumerate(keys) if key in place]
    best = {int(found.query[at]): at for at in modelling.top(found, chance).tolist()}
    right = sum(at in best and found.molecule[best[at]] == place[keys[at]] for at in known)
    named = [at for at in best.values() if chance[at] >= model.threshold]
    wrong = sum(
        keys[int(found.query[at])] not in place or found.molecule[at] != place[keys[int(found.query[at])]]
        for at in named
    )
    print(
        f"pesticides: {asked.num_rows} spectra, {len(known)} molecules in the library, {right} first; "
        f"{len(named)} named at {model.threshold:.2f}, {wrong} wrongly"
    )


def some_queries(table: pa.Table, count: int) -> list[dict[str, Any]]:
    """Draw spectra as queries."""
    rows = np.random.default_rng(0).choice(table.num_rows, count, replace=False)
    found: list[dict[str, Any]] = (
        table.select(["precursor", "mode", "mz", "intensity"]).take(rows).to_pylist()
    )
    return found


def timed(made: library.Library, rows: list[dict[str, Any]]) -> tuple[float, float]:
    """Return queries a CPU second with their cleaning, and similarities a query."""
    start = time.process_time()
    pairs = 0
    for row in rows:
        query = library.query_of(row["precursor"], row["mode"], row["mz"], row["intensity"])
        if query is not None:
            pairs += len(library.identity(made, query).at)
    return len(rows) / (time.process_time() - start), pairs / len(rows)


def speed(table: pa.Table, peer: str) -> None:
    """Print identity queries a CPU second, beside CosineGreedy of matchms on the same spectra."""
    start = time.process_time()
    made = library.build(table)
    print(f"library of {len(made)} spectra laid out in {time.process_time() - start:.1f} CPU-s")
    rows = some_queries(table, QUERIES)
    rate, pairs = timed(made, rows)
    print(f"identity at {len(made)} spectra: {rate:.0f} queries/CPU-s, {pairs:.0f} spectra compared by query")
    if not peer:
        print("matchms: skipped, give --matchms PYTHON")
        return
    plain = table.select(["precursor", "mz", "intensity"]).to_pylist()
    content = {
        "library": [[row["precursor"], row["mz"], row["intensity"]] for row in plain],
        "queries": [[row["precursor"], row["mz"], row["intensity"]] for row in rows],
    }
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spectra.json"
        path.write_text(json.dumps(content))
        (Path(folder) / "peer.py").write_text(PEER)
        done = subprocess.run(  # noqa: S603 - the interpreter that the user names
            [peer, str(Path(folder) / "peer.py"), str(path)], capture_output=True, text=True, check=True
        )
    found = json.loads(done.stdout.strip().splitlines()[-1])
    other = found["queries"] / found["seconds"]
    print(f"matchms CosineGreedy, same window: {other:.0f} queries/CPU-s; {rate / other:.0f} times slower")


def slope(table: pa.Table) -> None:
    """Print the speed at 60 000, 200 000 and 600 000 spectra: copies with their m/z and heights moved."""
    made = library.build(table)
    rows = some_queries(table, QUERIES)
    for times in (1, 3, 10):
        some = moved(made, times)
        rate, pairs = timed(some, rows)
        size = sum(
            getattr(some, name).nbytes for name in ("mz", "weight", "fragments", "precursor", "start", "row")
        )
        print(
            f"slope: {len(some)} spectra, {rate:.0f} queries/CPU-s, {pairs:.0f} compared by query, "
            f"{size / 2**20:.0f} MiB",
            flush=True,
        )


def moved(made: library.Library, times: int) -> library.Library:
    """Multiply a library, at worst: copies keep their precursors to 2 ppm, their peaks are perturbed."""
    if times == 1:
        return made
    draw = np.random.default_rng(0)
    sizes = np.diff(made.start)
    copies = []
    for copy in range(times):
        shift = np.where(copy, draw.normal(0, 2e-6, len(made)), 0.0) * made.precursor
        height = made.weight * np.where(copy, draw.lognormal(0, 0.3, len(made.weight)), 1.0)
        total = np.add.reduceat(height, made.start[:-1])
        mz = made.mz + np.where(copy, draw.normal(0, 0.002, len(made.mz)), 0.0)
        copies.append((made.precursor + shift, mz, height / np.repeat(total, sizes)))
    mode = np.repeat(np.arange(3), np.diff(made.bounds))
    precursor = np.concatenate([one[0] for one in copies])
    modes = np.tile(mode, times)
    order = np.lexsort((precursor, modes))
    begin = np.tile(made.start[:-1], times) + np.repeat(np.arange(times) * len(made.mz), len(made))
    long = np.tile(sizes, times)[order]
    start = np.concatenate([[0], np.cumsum(long)])
    peak = np.repeat(begin[order] - start[:-1], long) + np.arange(start[-1])
    bounds = np.searchsorted(modes[order], [0, 1, 2, 3])
    mz = np.concatenate([one[1] for one in copies])[peak]
    owner = np.repeat(np.arange(len(long)), long)
    again = np.lexsort((mz, owner))
    weight = np.concatenate([one[2] for one in copies])[peak]
    return replace(
        made,
        row=np.tile(made.row, times)[order],
        precursor=precursor[order],
        start=start,
        mz=mz[again],
        weight=weight[again],
        fragments=weight[again],
        molecule=np.tile(made.molecule, times)[order],
        bounds=cast("tuple[int, int, int, int]", tuple(int(one) for one in bounds)),
    )


if __name__ == "__main__":
    main()

"""Figures of bricks.predict: CPU seconds of a temporal grid, features, scores, audit, drift, and growth.

Run alone: ``.venv/bin/python benchmarks/predict.py [part …] [--peers PYTHON]``; without a part, all of them.
``--peers`` names an interpreter that has aequitas and fairlearn: the audit is timed there too. Data are made
up, but for Chicago's inspections, which need ECLAIREUR_DATA. CPU seconds are of one process, numeric
libraries on one thread, unless said.
"""

from __future__ import annotations

import argparse
import dataclasses
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import numpy as np
import pyarrow as pa
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from eclaireur.bricks.explain.reasons import reasons
from eclaireur.bricks.predict.asof import Last, Own, Since, Spec, build
from eclaireur.bricks.predict.audit import audit, top
from eclaireur.bricks.predict.audition import audition
from eclaireur.bricks.predict.cohorts import Cohort, Outcome
from eclaireur.bricks.predict.drift import Bins, drift, sampled
from eclaireur.bricks.predict.fitted import Fitted
from eclaireur.bricks.predict.grid import Part, Parts, play
from eclaireur.bricks.predict.models import Blended, Linear, Model, Rate, Rule, Training, Trees, glass
from eclaireur.bricks.predict.played import Played, compare
from eclaireur.bricks.predict.study import MEAN, Study
from eclaireur.core.case import quiet
from eclaireur.core.catalog import find_card
from eclaireur.core.engine import InlineExecutor, open_engine
from eclaireur.core.evaluation import rolling_origins

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEED = 20211
DAY = date(2015, 1, 1)
PEERS: list[str] = []
GRID: dict[str, Model] = {
    "ridge, weak penalty": Linear(strength=1000.0),
    "ridge, strong penalty": Linear(strength=10.0),
    "one tree": Trees(trees=1, leaves=16, rate=1.0),
    "forest": Trees(trees=20, leaves=31, forest=True),
    "boosted, 8 leaves": Trees(trees=50, leaves=8),
    "boosted, 31 leaves": Trees(trees=30, leaves=31),
    "readable": glass(trees=60, rate=0.1, bags=1),
}


@dataclass
class Spent:
    """CPU seconds of a block, its children included."""

    seconds: float = 0.0


@contextmanager
def spent() -> Iterator[Spent]:
    """Measure the CPU seconds of a block."""

    def now() -> float:
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return time.process_time() + children.ru_utime + children.ru_stime

    found, start = Spent(), now()
    yield found
    found.seconds = now() - start


def row(name: str, seconds: float, more: str = "") -> None:
    """Print one row of the table."""
    print(f"| {name} | {seconds:.3g} s | {more or '–'} |", flush=True)


def memory() -> str:
    """Return the most memory that the process has held."""
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.1f} GB at most"


def rows_like(n: int, width: int, seed: int = 0) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Return columns and outcomes: ten columns matter, a tenth is missing."""
    random = np.random.default_rng(seed)
    columns = random.normal(size=(n, width)).astype(np.float32)
    margin = columns[:, :5].sum(axis=1) * 0.5 + np.abs(columns[:, 5:10]).sum(axis=1) * 0.4 - 3.5
    columns[random.random((n, width)) < 0.1] = np.nan
    return columns, (random.random(n) < 1 / (1 + np.exp(-margin))).astype(np.float64)


def grid() -> None:
    """105 fits on 243 395 rows × 51 columns: 15 origins, each learning from all that is before it."""
    n, width, splits = 243_395, 51, 15
    columns, labels = rows_like(n, width)
    names = tuple(f"c{at}" for at in range(width))
    edges = np.linspace(0, n, splits + 2).astype(int)[1:]

    def part(at: int) -> Part:
        past, asked = slice(0, edges[at]), slice(edges[at], edges[at + 1])
        return Part(Training(columns[past], labels[past], names, bins=63), columns[asked], GRID)

    with spent() as shared:
        scores = play(Parts(part, splits), InlineExecutor())
    count = splits * len(GRID)
    row(f"grid: {count} fits on {n:,} × {width}", shared.seconds, memory())
    held = np.arange(edges[0], n)
    played = Played(
        rows=pa.table({"subject": held.astype(str), "as_of": [DAY] * held.size}),
        periods=np.repeat(np.arange(splits), np.diff(edges)),
        labels=labels[held],
        scores=scores,
        baselines=(),
        kind="binary",
        cohort="",
    )
    with spent() as judged:
        found = audition(played)
    row("its audition", judged.seconds, f"chosen: {found.chosen}")
    last = part(splits - 1)
    with spent() as together:
        play([last], InlineExecutor())
    with spent() as alone:
        for name, model in GRID.items():
            play([dataclasses.replace(last, models={name: model})], InlineExecutor())
    ratio = alone.seconds / together.seconds
    row(
        "its last origin, each model binned and scaled alone",
        alone.seconds,
        f"{ratio:.2f} times the shared one",
    )


def events_like(n: int, entities: int, seed: int = 0) -> pa.Table:
    """Return events of entities over five years, known up to a month later."""
    random = np.random.default_rng(seed)
    observed = random.integers(0, 5 * 365, n).astype("timedelta64[D]") + np.datetime64(DAY)
    columns: dict[str, Any] = {
        "subject": pa.array(random.integers(0, entities, n)),
        "observed": observed,
        "known": observed + random.integers(1, 31, n).astype("timedelta64[D]"),
    }
    columns |= {f"v{at}": random.normal(size=n).astype(np.float32) for at in range(6)}
    return pa.table(columns)


def features() -> None:
    """50 as-of features of one million entities from ten million events."""
    entities, n = 1_000_000, 10_000_000
    events = events_like(n, entities)
    specs: list[Spec] = [
        Own(name=f"{how}_v{at}_{window}", table="e", how=how, column=f"v{at}", window=window)
        for how in ("mean", "sum")
        for at in range(6)
        for window in (90, 365, None)
    ]
    specs += [
        Own(name=f"n_{window}", table="e", how="count", window=window) for window in (30, 90, 180, 365, None)
    ]
    specs += [Last(name=f"last_v{at}", table="e", column=f"v{at}") for at in range(6)]
    specs += [Since(name=f"since_v{at}", table="e", when=f"v{at}") for at in range(3)]
    rows = pa.table(
        {
            "subject": pa.array(np.arange(entities)),
            "as_of": pa.array([date(2019, 6, 1)] * entities, pa.date32()),
        }
    )
    with spent() as used:
        found = build(rows, {"e": events}, specs)
    row(
        f"as-of features: {found.num_rows:,} entities × {found.num_columns}, {n:,} events",
        used.seconds,
        f"two threads; {memory()}, events included",
    )


def scoring() -> None:
    """One million rows scored, the top ten thousand explained in sentences."""
    n, width, first = 1_000_000, 51, 10_000
    columns, labels = rows_like(n, width)
    names = tuple(f"c{at}" for at in range(width))
    training = Training(columns[:100_000], labels[:100_000], names)
    for name, model in (("boosted", Trees()), ("ridge", Linear()), ("readable", glass(bags=1))):
        fitted: Fitted = model.fit(training)
        with spent() as scored:
            scores = fitted.scores(columns)
        best = np.argsort(-scores)[:first]
        with spent() as explained:
            said = reasons(
                fitted.contributions(columns[best])[:, :-1],
                columns[best].astype(np.float64),
                lambda column, value: {
                    "theme": "t",
                    "sentence": f"c{column} : {value:.1f}",
                    "source": "s",
                    "feature": f"c{column}",
                },
            )
        row(f"{name}: {n:,} rows scored", scored.seconds)
        row(f"{name}: first {len(said):,} explained in sentences", explained.seconds)


def auditing() -> None:
    """The audit of 333 000 rows by two attributes of 5 and 100 groups."""
    n = 333_000
    random = np.random.default_rng(SEED)
    score = random.random(n)
    labels = (random.random(n) < score * 0.3).astype(float)
    groups = {
        "activité": pa.array(random.choice(["a", "b", "c", "d", "e"], n)),
        "secteur": pa.array([f"d{at}" for at in random.integers(0, 100, n)]),
    }
    coded = {name: column.dictionary_encode() for name, column in groups.items()}
    for name, attributes in (("text", groups), ("dictionary", coded)):
        times = []
        for _ in range(7):
            with spent() as used:
                found = audit(labels, top(score, 0.05), attributes, scores=score)
            times.append(used.seconds)
        row(
            f"audit of {n:,} rows × 2 attributes ({name})",
            min(times),
            f"{len(found.groups)} groups, least of 7",
        )
    if PEERS:
        with TemporaryDirectory() as place:
            rows = Path(place) / "rows.npz"
            listed: dict[str, Any] = {name: np.array(column.to_pylist()) for name, column in groups.items()}
            np.savez(rows, labels=labels, selected=top(score, 0.05), **listed)
            script = Path(__file__).with_name("predict_peers.py")
            subprocess.run([*PEERS, str(script), str(rows)], check=True)  # noqa: S603 - our own script
    try:
        import pandas as pd  # type: ignore[import-untyped]
    except ImportError:
        print("pandas: not installed, no peer for the audit")
        return
    frame = pd.DataFrame(
        {"y": labels, "s": top(score, 0.05), **{k: v.to_pylist() for k, v in groups.items()}}
    )
    times = []
    for _ in range(5):
        with spent() as used:
            for name in groups:
                frame.groupby(name)[["y", "s"]].sum()
                frame[frame.s == 1].groupby(name)["y"].sum()
        times.append(used.seconds)
    row(
        "the counts alone by pandas' groupby, the same rows", min(times), "no interval, no figure; least of 5"
    )


def columns_of(table: pa.Table) -> Iterator[tuple[str, pa.ChunkedArray]]:
    """Yield the columns of a table with their names."""
    yield from zip(table.column_names, table.columns, strict=True)


def drifting() -> None:
    """1 000 columns × 3 million rows, by a sample; the error stated is checked on some columns in full."""
    n, width, own = 3_000_000, 1000, 25
    random = np.random.default_rng(SEED)
    usual = [random.normal(size=100_000).astype(np.float32) for _ in range(own)]
    now = [(random.normal(size=n) + at * 0.04).astype(np.float32) for at in range(own)]
    names = [f"c{at}" for at in range(width)]
    with spent() as learnt:
        reference = [Bins.of(name, usual[at % own]) for at, name in enumerate(names)]
    table = pa.table({name: now[at % own] for at, name in enumerate(names)})
    with spent() as used:
        drawn = sampled(table)
        found = drift(reference, {name: drawn[name] for name in names})
    some = {name: table[name] for name in names[:own]}
    whole = {one.name: one.index or 0.0 for one in drift(reference[:own], some)}
    draws = [
        one
        for seed in range(1, 9)
        for one in drift(reference[:own], dict(columns_of(sampled(pa.table(some), seed=seed))))
    ]
    inside = np.mean([abs((one.index or 0.0) - whole[one.name]) <= one.error for one in draws])
    error = max(one.error for one in found)
    row(f"reference of {width} columns × 100 000 rows", learnt.seconds)
    row(
        f"drift of {width} columns × {n:,} rows, {drawn.num_rows:,} drawn",
        used.seconds,
        f"error stated ± {error:.3f} at most; it holds the index of all rows {inside:.3f} of the time",
    )


def study(scale: int, models: dict[str, Model]) -> tuple[Study, dict[str, pa.Table]]:
    """Return a whole study and its events, ``scale`` times larger."""
    events = events_like(60_000 * scale, 3000 * scale)
    label = (events["v0"].to_numpy() > 1.0).astype(float)
    tables = {"e": events.append_column("label", pa.array(label))}
    specs: tuple[Spec, ...] = tuple(
        Own(name=f"{how}_v{at}_{window}", table="e", how=how, column=f"v{at}", window=window)
        for how in ("mean", "sum")
        for at in range(4)
        for window in (180, None)
    )
    specs += (Own(name="past", table="e", how="mean", column="label"), Since(name="since", table="e"))
    return (
        Study(
            cohort=Cohort(table="e", window=730),
            outcome=Outcome(table="e", column="label", horizon=90),
            features=specs,
            splits=rolling_origins(date(2018, 1, 1), date(2018, 12, 31), step=timedelta(days=91)),
            models=models,
            baselines={"past rate": Rule(column="past")},
        ),
        tables,
    )


def growth() -> None:
    """Print the cost of the same study at 1, 3 and 10 times its rows, and the slope between them."""
    models: dict[str, Model] = {
        "ridge": Linear(),
        "boosted": Trees(trees=50),
        "readable": glass(trees=80, bags=1),
    }
    sizes, costs = [], []
    for scale in (1, 3, 10):
        asked, events = study(scale, models)
        with spent() as used:
            played = asked.play(events, InlineExecutor())
        sizes.append(events["e"].num_rows)
        costs.append(used.seconds)
        row(
            f"study of {sizes[-1]:,} events, 4 origins × 3 models",
            used.seconds,
            f"{played.labels.size:,} rows held out",
        )
    slope = np.polyfit(np.log(sizes), np.log(costs), 1)[0]
    print(f"\nSlope of the cost of growth: CPU seconds grow as rows to the power {slope:.2f}.\n")


@dataclass(frozen=True)
class DiesOnce:
    """A model that kills its worker the first time, to prove that a part is played again."""

    marker: str

    def fit(self, training: Training) -> Fitted:
        """Die, or fit a ridge."""
        path = Path(self.marker)
        if not path.exists():
            path.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return Linear().fit(training)


def engines() -> None:
    """The same study here, in two processes and on a Dask cluster of two workers, one killed mid-run."""
    with TemporaryDirectory() as folder:
        for spec in ("processes:2", "local-cluster:2"):
            marker = Path(folder) / spec.partition(":")[0]
            models: dict[str, Model] = {"dies once": DiesOnce(str(marker)), "boosted": Trees(trees=20)}
            asked, events = study(1, models)
            with open_engine(spec) as engine:
                there = asked.play(events, engine)
            died = marker.exists()
            here = asked.play(events, InlineExecutor())
            same = all(np.array_equal(here.scores[name], values) for name, values in there.scores.items())
            print(f"{spec}: a worker was killed mid-run: {died}; scores equal to those made here: {same}")
            if not (died and same):
                sys.exit(1)


def chicago() -> None:
    """15 origins × 7 models on Chicago's inspections, with their audition; needs ECLAIREUR_DATA."""
    from eclaireur.cases.restaurant_risk import case
    from eclaireur.cases.restaurant_risk.columns import adjusted, matrix, rows_for
    from eclaireur.cases.restaurant_risk.features import FEATURES

    folder = (
        Path(os.environ.get("ECLAIREUR_DATA", "/absent"))
        / find_card("restaurant_risk").source("chicago").folder
    )
    if not folder.is_dir():
        print("chicago: skipped, its data are not under ECLAIREUR_DATA")
        return
    records = case.records("chicago", folder, outcomes=None, progress=quiet)
    examples = case.examples(records)
    tables = adjusted(records)
    rows = rows_for(tables, examples["subject"], examples["as_of"], examples["example"])
    columns, labels = matrix(rows, tables), examples["label"].to_numpy()
    days, known = (examples[name].to_numpy().astype("datetime64[D]") for name in ("as_of", "known"))
    names = tuple(feature.name for feature in FEATURES)
    rises = {feature.name: feature.rises for feature in FEATURES if feature.rises}
    observers = examples["observer"].to_pylist()
    scope = dict(
        zip(
            records["inspections"]["inspection"].to_pylist(),
            records["inspections"]["in_scope"].to_pylist(),
            strict=True,
        )
    )
    measured = np.array([bool(scope[key]) for key in examples["example"].to_pylist()])
    splits = rolling_origins(
        date(2012, 9, 1), date(2014, 4, 7), step=timedelta(days=39), gap=timedelta(days=7)
    )
    models: dict[str, Model] = {
        MEAN: Rate(),
        "past results": Rule(column="past_excess"),
        "blend, inspector averaged out": Blended(rises=rises),
        "ridge, weak penalty": Linear(strength=1000.0),
        "ridge, strong penalty": Linear(strength=10.0),
        "one tree": Trees(trees=1, leaves=16, rate=1.0),
        "forest": Trees(trees=50, leaves=31, forest=True, rises=rises),
        "boosted": Trees(trees=80, leaves=8, rate=0.05, rises=rises),
        "readable": glass(trees=150, bags=1, rises=rises),
    }
    asked = [
        np.flatnonzero((days >= np.datetime64(one.start)) & (days < np.datetime64(one.end)) & measured)
        for one in splits
    ]

    def part(at: int) -> Part:
        past = np.flatnonzero(known < np.datetime64(splits[at].known_before))
        learnt = [observers[index] for index in past.tolist()]
        training = Training(columns[past], labels[past], names, observers=learnt, seed=SEED)
        return Part(training, columns[asked[at]], models)

    with spent() as used:
        scores = play(Parts(part, len(splits)), InlineExecutor())
    index = np.concatenate(asked)
    played = Played(
        rows=rows.take(index),
        periods=np.repeat(np.arange(len(splits)), [one.size for one in asked]),
        labels=labels[index],
        scores=scores,
        baselines=(MEAN, "past results"),
        kind="binary",
        cohort="chicago",
    )
    fits = len(splits) * 7
    row(
        f"Chicago: {len(splits)} origins × 7 models = {fits} fits",
        used.seconds,
        f"{index.size:,} rows held out",
    )
    found = audition(played, figure="auc")
    print("\n| model | mean AUC | mean regret | greatest regret |\n| --- | --- | --- | --- |")
    for name in sorted(found.average, key=lambda one: found.average[one]):
        mean = np.mean(found.values[name])
        print(f"| {name} | {mean:.3f} | {found.average[name]:.3f} | {found.greatest[name]:.3f} |")
    print("\nMean regret of each way to choose, at the origin that follows:")
    for name, value in found.choices.items():
        print(f"- {name}: {value:.4f}")
    gained = compare(played, found.chosen, "past results", figure="auc", seed=SEED)
    print(
        f"\n{found.chosen} over the rule of past results: AUC {gained.value:+.3f} "
        f"({gained.low:+.3f} to {gained.high:+.3f}), n = {gained.n}\n"
    )


def reviews() -> None:
    """What customers' reviews bring to restaurant_risk, on its made-up sample: no other source has any."""
    from eclaireur.cases.restaurant_risk import case, measuring
    from eclaireur.core import evaluation

    with TemporaryDirectory() as folder:
        case.fetch("sample", Path(folder), seed=SEED, progress=quiet)
        records = case.records("sample", Path(folder), outcomes=None, progress=quiet)
    examples = case.examples(records)
    last = measuring.horizon("sample", examples)

    def held(variant: measuring.Variant) -> measuring.Held:
        return measuring.held_out(
            records, examples, last=last, seed=SEED, engine=InlineExecutor(), progress=quiet, variant=variant
        )

    whole, without = held(measuring.WHOLE), held(measuring.Variant(without=frozenset({"avis"})))
    groups = evaluation.group_codes(measuring.observers(records, whole.rows))
    one, other = (
        evaluation.Panel(whole.labels, each.scores["modèle"], groups=groups, periods=whole.periods)
        for each in (whole, without)
    )
    clusters = evaluation.group_codes(whole.rows["subject"].to_pylist())
    weights = evaluation.bootstrap_weights(whole.labels.size, seed=SEED, clusters=clusters)
    gained = evaluation.gain("auc_within_observer", one, other, weights, baseline_name="without reviews")
    print(
        f"sample, reviews joined by establishment: AUC within an inspector {gained.value:+.3f} "
        f"({gained.low:+.3f} to {gained.high:+.3f}) over the model without them, n = {gained.n}"
    )


PARTS: dict[str, Callable[[], None]] = {
    "grid": grid,
    "features": features,
    "scoring": scoring,
    "audit": auditing,
    "drift": drifting,
    "growth": growth,
    "engines": engines,
    "chicago": chicago,
    "reviews": reviews,
}


def main() -> None:
    """Run the parts named, or all."""
    parser = argparse.ArgumentParser()
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []])
    parser.add_argument("--peers", help="interpreter that has aequitas and fairlearn")
    asked = parser.parse_args()
    if asked.peers:
        PEERS.append(asked.peers)
    print("| what | CPU | |\n| --- | --- | --- |")
    with threadpool_limits(1):
        for name in asked.parts or PARTS:
            PARTS[name]()


if __name__ == "__main__":
    main()

"""Two real exports of a rolling source, fetched ten times each: one snapshot, one table, one history.

    ECLAIREUR_DATA=… PYTHONPATH=src:. python benchmarks/prove_fetching.py [--kills 20] [--log FILE]

Then a fetch is killed at random instants: whatever the instant, there is a whole snapshot or none.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from eclaireur.core import snapshots
from eclaireur.core.workspace import Workspace
from eclaireur.service.fetching import Asked, fetch, write_history
from eclaireur.sources.remote import archive

EXPORTS = ("alimconfiance_restaurants_2018-2019.csv.gz", "alimconfiance_all_2019-2020.csv.gz")


def rolling(data: Path, folder: Path) -> bool:
    """Fetch two exports ten times each under one name, and print what their history holds."""
    days = iter(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(1000))
    workspace = Workspace.open(folder, env={}, clock=lambda: next(days))
    sums: dict[str, set[str]] = {}
    for name in EXPORTS:
        for _ in range(10):
            asked = Asked(what=f"folder:{data / 'food_safety_fr' / name}", name="alim-confiance")
            snapshot = fetch(workspace, asked).snapshot
            target = folder / "history.parquet"
            write_history(workspace, "alim-confiance", target, key=("SIRET",))
            (table,) = workspace.lake.folder(archive.export_address(snapshot)).glob("*.parquet")
            sums.setdefault(name, set()).add(hashlib.sha256(table.read_bytes()).hexdigest())
    history = pq.read_table(target)
    present = pc.sum(history["_present"]).as_py()
    taken, tables = len(snapshots.snapshots(workspace.lake, "alim-confiance")), sum(map(len, sums.values()))
    print(f"{len(EXPORTS)} exports fetched 10 times each: {taken} snapshots, {tables} distinct tables")
    gone = history.num_rows - present
    print(f"history: {history.num_rows} rows, {present} in the last export, {gone} kept though gone")
    return all(len(one) == 1 for one in sums.values())


def kills(folder: Path, count: int, seed: int) -> int:
    """Kill a fetch of 60 MB at random instants; a snapshot is whole or absent. Return how many are torn."""
    source = folder / "large.csv"
    source.write_bytes(b"a;b\n" * 15_000_000)
    draw = random.Random(seed)
    whole = absent = torn = 0
    for attempt in range(count):
        home = folder / f"home-{attempt}"
        command = [sys.executable, "-m", "eclaireur", "fetch", f"folder:{source}", "--name", "large"]
        with subprocess.Popen(  # noqa: S603 - our own command
            command,
            env={**os.environ, "ECLAIREUR_HOME": str(home)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as child:
            time.sleep(draw.uniform(0.3, 2.0))
            child.send_signal(signal.SIGKILL)
        workspace = Workspace.open(home, env={})
        found = snapshots.snapshots(workspace.lake, "large")
        whole += len(found)
        absent += not found
        torn += sum(bool(snapshots.verify(workspace.lake, one)) for one in found)
    print(f"{count} kills: {whole} whole, {absent} absent, {torn} torn")
    return torn


def main() -> int:
    """Run both proofs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--rolling", type=int, choices=(0, 1), default=1, help="read the real exports too")
    parser.add_argument("--seed", type=int, default=20211)
    parser.add_argument("--log", type=Path, default=None)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        torn = kills(folder, asked.kills, asked.seed)
        data = os.environ.get("ECLAIREUR_DATA")
        passed = True
        if not asked.rolling or not data:
            print("the real exports are not read: ECLAIREUR_DATA is not set, or --rolling is 0")
        else:
            passed = rolling(Path(data), folder / "home")
    if asked.log is not None:
        figures = {"proof": "fetching", "seed": asked.seed, "tried": asked.kills, "failed": torn}
        asked.log.write_text(json.dumps(figures) + "\n", encoding="utf-8")
    return 0 if passed and not torn else 1


if __name__ == "__main__":
    sys.exit(main())

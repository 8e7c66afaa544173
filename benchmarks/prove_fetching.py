"""Two real exports of a rolling source, fetched ten times each: one snapshot, one table, one history.

    ECLAIREUR_DATA=… PYTHONPATH=src:. python benchmarks/prove_fetching.py

Then a fetch is killed at random instants: whatever the instant, there is a whole snapshot or none.
"""

from __future__ import annotations

import hashlib
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
KILLS = 20


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


def kills(folder: Path) -> bool:
    """Kill a fetch of 60 MB at random instants; a snapshot is whole or absent."""
    source = folder / "large.csv"
    source.write_bytes(b"a;b\n" * 15_000_000)
    draw = random.Random(20211)
    whole = absent = torn = 0
    for attempt in range(KILLS):
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
    print(f"{KILLS} kills: {whole} whole, {absent} absent, {torn} torn")
    return not torn


def main() -> int:
    """Run both proofs."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        passed = kills(folder)
        data = os.environ.get("ECLAIREUR_DATA")
        if not data:
            print("ECLAIREUR_DATA is not set: the real exports are not read")
            return 0 if passed else 1
        return 0 if rolling(Path(data), folder / "home") and passed else 1


if __name__ == "__main__":
    sys.exit(main())

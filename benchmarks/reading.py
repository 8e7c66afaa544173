"""Reading files: outcomes on bad files by family, and French tables read exactly or silently wrong.

    PYTHONPATH=src:. python benchmarks/reading.py [--tables 500] [--speed 1000] [--peers PYTHON]
    PYTHONPATH=src:. python benchmarks/reading.py --tables 0 --speed 0 --no-hostile --rows 10000000

Bad files need ECLAIREUR_HOSTILE. Peers (DuckDB, pandas, polars, csv-detective) are compared where they are
installed, in this environment or in that of ``--peers`` (`benchmarks/reading_peers.py`). A table is exact
when every heading and value is right (numbers as numbers, dates as dates, identifiers with their zeros);
silently wrong when it is not, and nothing was raised or flagged.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from benchmarks import reading_peers
from benchmarks.french_tables import make

from eclaireur.sources.isolated import Isolated


def hostile() -> None:
    """Read every bad file in the confined child, and print outcomes by family."""
    folder = os.environ.get("ECLAIREUR_HOSTILE")
    if not folder:
        print("ECLAIREUR_HOSTILE is not set: bad files are not read")
        return
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    slowest = (0.0, "")
    deaths = []
    with Isolated() as reader:
        for path in sorted(Path(folder).rglob("*")):
            if not path.is_file() or path.is_symlink():
                continue
            start = time.perf_counter()
            reading = reader.read(path)
            slowest = max(slowest, (time.perf_counter() - start, path.name))
            parts = path.relative_to(folder).parts
            family = "/".join(parts[:-1]) or "(top)"
            outcomes[family][str(reading.outcome)] += 1
            if reading.reason.startswith("la lecture de ce fichier demande"):
                deaths.append(str(path.relative_to(folder)))
    print(f"{'family':24}{'lu':>6}{'réserves':>10}{'refusé':>8}")
    for family, found in sorted(outcomes.items()):
        print(f"{family:24}{found['lu']:6}{found['lu avec réserves']:10}{found['refusé']:8}")
    total = sum(sum(found.values()) for found in outcomes.values())
    print(f"{total} files, slowest {slowest[0]:.1f} s ({slowest[1]})")
    print(f"refused because the child died or was late: {len(deaths)} {deaths}")


def french(count: int, seed: int, peers: str) -> None:
    """Print, for each reader, how many generated tables are exact, flagged, wrong and in error."""
    print(f"\n{count} generated French tables{'exact':>10}{'flagged':>9}{'silently wrong':>16}{'error':>7}")
    for name in reading_peers.READERS:
        tally = _peer("tables", name, str(count), str(seed), peers=peers)
        if "absent" in tally:
            print(f"{name:28}  not installed ({tally['absent']})")
            continue
        found = [int(tally.get(word, 0)) for word in ("exact", "flagged", "wrong", "error")]
        print(f"{name:28}{found[0]:8}{found[1]:9}{found[2]:16}{found[3]:7}")


def _peer(what: str, name: str, *rest: str, peers: str) -> dict[str, Any]:
    """Run one reader in a process of its own, in the environment that has it."""
    python = sys.executable if name == "Éclaireur" else peers
    script = Path(__file__).with_name("reading_peers.py")
    run = subprocess.run(  # noqa: S603 - our own script
        [python, str(script), what, name, *rest], capture_output=True, text=True, check=False
    )
    if run.returncode:
        return {
            "absent": run.stderr.strip().splitlines()[-1] if run.stderr.strip() else f"code {run.returncode}"
        }
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found


def speed(megabytes: int, peers: str) -> None:
    """Print MB/s of processor and the peak of memory on clean UTF-8, each reader in its own process."""
    block = make(7, rows=20_000)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.csv"
        header, _, body = block.data.decode(block.said["encoding"]).partition(block.said["newline"])
        with path.open("w", encoding="utf-8", newline="") as stream:
            stream.write(header + block.said["newline"])
            while stream.tell() < megabytes * 1_000_000:
                stream.write(body)
        size = path.stat().st_size / 1e6
        print(f"\n{size:.0f} MB of clean UTF-8     MB/s of processor   peak memory (MB)")
        for how, said in (("held", "whole table"), ("streamed", "to Parquet")):
            for name in reading_peers.HELD:
                found = _peer(how, name, str(path), peers=peers)
                if "absent" in found:
                    print(f"{said:12} {name:12} did not ({found['absent']})")
                else:
                    print(f"{said:12} {name:12}{size / found['cpu']:15.1f}{found['peak']:19.0f}")


def command(rows: int) -> None:
    """Print what `./eclaireur read FILE --to parquet` costs on a table of many rows, its child included."""
    block = make(7, rows=20_000)
    with tempfile.TemporaryDirectory() as folder:
        path, target = Path(folder) / "large.csv", Path(folder) / "large.parquet"
        header, _, body = block.data.decode(block.said["encoding"]).partition(block.said["newline"])
        many = body.count(block.said["newline"])
        with path.open("w", encoding="utf-8", newline="") as stream:
            stream.write(header + block.said["newline"])
            for _ in range(-(-rows // many)):
                stream.write(body)
        size = path.stat().st_size / 1e6
        words = [sys.executable, "-m", "eclaireur", "read", str(path), "--to", str(target), "--json"]
        began = resource.getrusage(resource.RUSAGE_CHILDREN)
        run = subprocess.run(words, capture_output=True, text=True, check=False)  # noqa: S603 - our command
        ended = resource.getrusage(resource.RUSAGE_CHILDREN)
        if run.returncode:
            print(f"refused: {run.stdout}{run.stderr}")
            return
        said = json.loads(run.stdout)
        cpu = ended.ru_utime + ended.ru_stime - began.ru_utime - began.ru_stime
        written = pq.read_metadata(target).num_rows
        kinds = ", ".join(column["kind"] for column in said["columns"])
        made = target.stat().st_size / 1e6
        print(f"\n{written} rows of {kinds}: {said['outcome']}, {size:.0f} MB to {made:.0f} MB")
        print(f"{size / cpu:.1f} MB and {written / cpu:.0f} rows a second of processor ({cpu:.0f} s in all)")
        print(f"peak of the command or of its child: {ended.ru_maxrss / 1e3:.0f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--tables", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1_000_000)
    parser.add_argument("--speed", type=int, default=50)
    parser.add_argument("--peers", default=sys.executable)
    parser.add_argument("--rows", type=int, default=0, help="rows of a table read by the command itself")
    parser.add_argument("--no-hostile", action="store_true")
    asked = parser.parse_args()
    if asked.tables:
        french(asked.tables, asked.seed, asked.peers)
    if asked.speed:
        speed(asked.speed, asked.peers)
    if asked.rows:
        command(asked.rows)
    if not asked.no_hostile:
        hostile()

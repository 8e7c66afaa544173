"""Reading files: outcomes on bad files by family, and French tables read exactly or silently wrong.

    PYTHONPATH=src:. python benchmarks/reading.py [--tables 500] [--seed 1000000] [--speed 100]

Bad files need ECLAIREUR_HOSTILE. Peers (DuckDB, pandas, polars) are compared where they are installed: each
reads the file with its own detection and no option, as a person would first do. A table is exact when every
heading and value is right (numbers as numbers, dates as dates, identifiers with their zeros); silently wrong
when it is not, and nothing was raised or flagged.
"""

from __future__ import annotations

import argparse
import importlib
import os
import resource
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from benchmarks.french_tables import Made, make

from eclaireur.sources.isolated import Isolated
from eclaireur.sources.tables import read_table

Columns = dict[str, list[Any]]


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


def eclaireur(path: Path) -> tuple[Columns, bool]:
    """Give the columns that Éclaireur reads, and whether it flags anything."""
    reading = read_table(path)
    if reading.typed is None:
        raise ValueError(reading.reason)
    return reading.typed.to_pydict(), bool(reading.doubts)


def duckdb(path: Path) -> tuple[Columns, bool]:
    """Give the columns that DuckDB's sniffer reads."""
    return _duckdb_table(path).to_pydict(), False


def _duckdb_table(path: Path) -> Any:
    engine = importlib.import_module("duckdb")
    return engine.connect().execute("select * from read_csv(?)", [str(path)]).to_arrow_table()


def pandas(path: Path) -> tuple[Columns, bool]:
    """Give the columns that pandas reads with its own detection of the separator."""
    frame = importlib.import_module("pandas").read_csv(path, sep=None, engine="python")
    return {str(name): frame[name].tolist() for name in frame}, False


def polars(path: Path) -> tuple[Columns, bool]:
    """Give the columns that polars reads."""
    return importlib.import_module("polars").read_csv(path, try_parse_dates=True).to_dict(
        as_series=False
    ), False


def same(found: Columns, expected: Columns) -> bool:
    """Compare values, a missing one in any form with a missing one."""
    if list(found) != list(expected):
        return False
    for name, wanted in expected.items():
        if len(found[name]) != len(wanted):
            return False
        for one, other in zip(found[name], wanted, strict=True):
            if isinstance(one, datetime) and not isinstance(other, datetime) and isinstance(other, date):
                one = one.date()  # noqa: PLW2901 - a peer has no type for a day
            missing = one is None or one != one  # noqa: PLR0124 - NaN
            if (missing != (other is None)) or (
                not missing and (one != other or isinstance(one, str) != isinstance(other, str))
            ):
                return False
    return True


def french(count: int, seed: int) -> None:
    """Print, for each reader, the share of generated tables that are exact, flagged, wrong and in error."""
    readers: dict[str, Callable[[Path], tuple[Columns, bool]]] = {
        "Éclaireur": eclaireur,
        "DuckDB": duckdb,
        "pandas": pandas,
        "polars": polars,
    }
    made: list[Made] = [make(seed + number) for number in range(count)]
    print(f"\n{count} generated French tables{'exact':>10}{'flagged':>9}{'silently wrong':>16}{'error':>7}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        for name, read in readers.items():
            tally: Counter[str] = Counter()
            try:
                for one in made:
                    path.write_bytes(one.data)
                    tally[_verdict(read, path, one)] += 1
            except ModuleNotFoundError:
                print(f"{name:28}  not installed")
                continue
            print(f"{name:28}{tally['exact']:8}{tally['flagged']:9}{tally['wrong']:16}{tally['error']:7}")


def _verdict(read: Callable[[Path], tuple[Columns, bool]], path: Path, made: Made) -> str:
    try:
        found, flagged = read(path)
    except ModuleNotFoundError:
        raise
    except Exception:  # noqa: BLE001 - a peer may raise anything, and an error is not a wrong answer
        return "error"
    if same(found, made.expected):
        return "exact"
    return "flagged" if flagged else "wrong"


def speed(megabytes: int) -> None:
    """Print MB/s on a clean UTF-8 file, and the most memory this process ever held."""
    block = make(7, rows=20_000)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "large.csv"
        header, _, body = block.data.decode(block.said["encoding"]).partition(block.said["newline"])
        with path.open("w", encoding="utf-8", newline="") as stream:
            stream.write(header + block.said["newline"])
            while stream.tell() < megabytes * 1_000_000:
                stream.write(body)
        size = path.stat().st_size / 1e6
        print(f"\nSpeed on {size:.0f} MB of clean UTF-8")
        for name, read in (("DuckDB", _duckdb_table), ("Éclaireur", read_table)):
            start = time.perf_counter()
            read(path)
            seconds = time.perf_counter() - start
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
            print(f"{name:12}{size / seconds:8.1f} MB/s   peak so far {peak:.0f} MB")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--tables", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1_000_000)
    parser.add_argument("--speed", type=int, default=50)
    asked = parser.parse_args()
    french(asked.tables, asked.seed)
    speed(asked.speed)
    hostile()

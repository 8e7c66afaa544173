"""What other readers make of the same files: run by `benchmarks/reading.py`, in an environment of theirs.

    PYTHONPATH=src:. python benchmarks/reading_peers.py tables duckdb 100 1000000
    PYTHONPATH=src:. python benchmarks/reading_peers.py speed duckdb large.csv

Each reads a file with its own detection and no option, as a person would first do. One JSON line is printed.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path
from typing import Any

from benchmarks.french_tables import Made, make

Columns = dict[str, list[Any]]
Reader = Callable[[Path], tuple[Columns, bool]]


def eclaireur(path: Path) -> tuple[Columns, bool]:
    """Give the columns that Éclaireur reads, and whether it flags anything."""
    reading = importlib.import_module("eclaireur.sources.tables").read_table(path)
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


def csv_detective(path: Path) -> tuple[Columns, bool]:
    """Give the columns that csv-detective detects and casts."""
    routine = importlib.import_module("csv_detective").routine
    _, frames = routine(str(path), output_df=True, save_results=False, cast_json=False)
    frame = importlib.import_module("pandas").concat(list(frames)).sort_index()
    return {str(name): frame[name].tolist() for name in frame}, False


READERS: dict[str, Reader] = {
    "Éclaireur": eclaireur,
    "DuckDB": duckdb,
    "pandas": pandas,
    "polars": polars,
    "csv-detective": csv_detective,
}


def _eclaireur_parquet(path: Path, target: Path) -> None:
    large = importlib.import_module("eclaireur.sources.large")
    large.write_large(lambda: path.open("rb"), path.name, target)


def _duckdb_parquet(path: Path, target: Path) -> None:
    engine = importlib.import_module("duckdb")
    query = f"copy (select * from read_csv('{path}')) to '{target}' (format parquet, compression zstd)"  # noqa: S608 - our own file
    engine.connect().execute(query)


def _polars_parquet(path: Path, target: Path) -> None:
    engine = importlib.import_module("polars")
    engine.scan_csv(path, try_parse_dates=True).sink_parquet(target, compression="zstd")


def _eclaireur_held(path: Path) -> None:
    importlib.import_module("eclaireur.sources.tables").read_table(path)


def _polars_held(path: Path) -> None:
    importlib.import_module("polars").read_csv(path, try_parse_dates=True)


HELD: dict[str, Callable[[Path], Any]] = {
    "Éclaireur": _eclaireur_held,
    "DuckDB": _duckdb_table,
    "polars": _polars_held,
}
STREAMED: dict[str, Callable[[Path, Path], Any]] = {
    "Éclaireur": _eclaireur_parquet,
    "DuckDB": _duckdb_parquet,
    "polars": _polars_parquet,
}


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
            # None, NaN, NaT and pandas' NA, which refuses to be compared.
            missing = one is None or str(one) in {"nan", "NaT", "<NA>"}
            if (missing != (other is None)) or (
                not missing and (one != other or isinstance(one, str) != isinstance(other, str))
            ):
                return False
    return True


def verdict(read: Reader, path: Path, made: Made) -> str:
    """Say whether a reader is exact, flags what is not, is wrong in silence, or fails."""
    try:
        found, flagged = read(path)
    except ModuleNotFoundError:
        raise
    except Exception:  # noqa: BLE001 - a peer may raise anything, and an error is not a wrong answer
        return "error"
    if same(found, made.expected):
        return "exact"
    return "flagged" if flagged else "wrong"


def _tables(name: str, count: int, seed: int) -> dict[str, int]:
    tally: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        for number in range(count):
            made = make(seed + number)
            path.write_bytes(made.data)
            tally[verdict(READERS[name], path, made)] += 1
    return dict(tally)


def _speed(how: str, name: str, path: Path) -> dict[str, float]:
    start, wall = time.process_time(), time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        if how == "held":
            HELD[name](path)
        else:
            STREAMED[name](path, Path(folder) / "a.parquet")
    return {
        "cpu": time.process_time() - start,
        "wall": time.perf_counter() - wall,
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
    }


if __name__ == "__main__":
    what, who, *rest = sys.argv[1:]
    try:
        result: Any = (
            _tables(who, int(rest[0]), int(rest[1])) if what == "tables" else _speed(what, who, Path(rest[0]))
        )
    except ModuleNotFoundError as error:
        result = {"absent": str(error.name)}
    print(json.dumps(result))

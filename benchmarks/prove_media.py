"""Every bad image, map and sound through the confined child: outcomes by family, deaths, slowest.

    ECLAIREUR_HOSTILE=… PYTHONPATH=src:. python benchmarks/prove_media.py [--every 1] [--log FILE]

Then what reading costs: shapes and samples a second of processor, on made-up data.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np

from eclaireur.sources.isolated import Isolated
from eclaireur.sources.media.sniff import kind_of

LONGEST = 30.0


def hostile(folder: Path, every: int = 1) -> tuple[int, int]:
    """Read one file in so many of those recognised, print the outcomes, and count files and failures."""
    outcomes: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    slowest, died, unsaid = (0.0, ""), [], []
    late: list[str] = []
    places = [path for path in sorted(folder.rglob("*")) if kind_of(path) is not None]
    with Isolated() as reader:
        for path in places[::every]:
            kind = kind_of(path)
            if kind is None:
                continue
            start = time.perf_counter()
            found = reader.look(path, kind, data=True)
            slowest = max(slowest, (time.perf_counter() - start, path.name))
            if time.perf_counter() - start > LONGEST:
                late.append(path.name)
            family = path.relative_to(folder).parts[-2]
            outcomes[family, kind.french][str(found.outcome)] += 1
            if "demande trop" in found.reason:
                died.append(path.name)
            if str(found.outcome) == "refusé" and not (found.reason and found.fix):
                unsaid.append(path.name)
    print(f"{'family':12}{'kind':22}{'lu':>6}{'réserves':>10}{'refusé':>8}")
    for (family, kind_name), found_ in sorted(outcomes.items()):
        counts = (found_["lu"], found_["lu avec réserves"], found_["refusé"])
        print(f"{family:12}{kind_name:22}{counts[0]:6}{counts[1]:10}{counts[2]:8}")
    total = sum(sum(one.values()) for one in outcomes.values())
    print(f"{total} files, slowest {slowest[0]:.1f} s ({slowest[1]})")
    print(f"child dead or late: {len(died)} {died}; refused without a reason: {len(unsaid)}")
    return total, len({*died, *unsaid, *late})


def costs() -> None:
    """Print how fast shapes and samples are read, in seconds of processor of this process."""
    import pyarrow as pa
    import pyogrio
    import soundfile

    from eclaireur.sources.media.audio import read_audio
    from eclaireur.sources.media.vectors import read_vector

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        count = 50_000
        draw = np.random.default_rng(1)
        place = draw.uniform(0, 100_000, (count, 1, 2)) + np.array([800_000, 6_500_000])
        square = np.array([[0, 0], [9, 0], [9, 9], [0, 9], [0, 0]]) + place
        head = b"\x01\x03\x00\x00\x00\x01\x00\x00\x00\x05\x00\x00\x00"
        shapes = pa.array([head + one.astype("<f8").tobytes() for one in square], pa.binary())
        table = pa.table({"n": np.arange(count), "geometry": shapes})
        pyogrio.write_arrow(
            table, folder / "a.gpkg", geometry_name="geometry", geometry_type="Polygon", crs="EPSG:2154"
        )
        start = time.process_time()
        found = read_vector(folder / "a.gpkg", folder)
        seconds = time.process_time() - start
        print(f"GeoPackage: {count / seconds:,.0f} parcels/s, validity of each looked at ({found.outcome})")
        soundfile.write(folder / "a.wav", draw.uniform(-0.3, 0.3, 44_100 * 300), 44_100)
        start = time.process_time()
        read_audio(folder / "a.wav", data=True)
        print(
            f"WAV: {300 / (time.process_time() - start):,.0f} times as fast as it plays, resampled to 16 kHz"
        )


def main() -> int:
    """Run the proof, then print the costs."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=1, help="one file in so many")
    parser.add_argument("--log", type=Path, default=None)
    asked = parser.parse_args()
    folder = os.environ.get("ECLAIREUR_HOSTILE")
    costs()
    if not folder:
        print("ECLAIREUR_HOSTILE is not set: bad files are not read")
        return 0
    tried, failed = hostile(Path(folder), asked.every)
    if asked.log is not None:
        figures = {"proof": "media", "seed": 0, "tried": tried, "failed": failed}
        asked.log.write_text(json.dumps(figures) + "\n", encoding="utf-8")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

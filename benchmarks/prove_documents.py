"""Bad files as documents: every file of ECLAIREUR_HOSTILE through the confined reader; none may end us.

    PYTHONPATH=src:. python benchmarks/prove_documents.py [--family pdf] [--every 1]

Prints outcomes by family, the slowest files and those that ended the child. Exit code 1 when a file
raised, or took more than 30 seconds.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter, defaultdict
from pathlib import Path

from eclaireur.sources.documents import read_document
from eclaireur.sources.isolated import Isolated

_LIMIT = 30.0


def main() -> int:
    """Read the files and print the table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--family", default="", help="only the folders whose path starts so")
    parser.add_argument("--every", type=int, default=1, help="one file in so many")
    parser.add_argument("--list", action="store_true", help="print each file")
    parser.add_argument("--log", type=Path, default=None)
    chosen = parser.parse_args()
    folder = os.environ.get("ECLAIREUR_HOSTILE")
    if not folder:
        print("ECLAIREUR_HOSTILE is not set: bad files are not read")
        return 0
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    times: list[tuple[float, str]] = []
    ended: list[str] = []
    raised: list[str] = []
    places = [path for path in sorted(Path(folder).rglob("*")) if path.is_file() and not path.is_symlink()]
    with Isolated() as reader:
        for path in places[:: chosen.every]:
            name = str(path.relative_to(folder))
            if not name.startswith(chosen.family):
                continue
            begun = time.perf_counter()
            try:
                document = read_document(path, reader=reader)
            except Exception as error:  # noqa: BLE001 - what this script looks for
                raised.append(f"{name} ({type(error).__name__}: {error})")
                continue
            times.append((time.perf_counter() - begun, name))
            outcomes[str(Path(name).parent)][str(document.outcome)] += 1
            if document.reason.startswith("la lecture de ce fichier demande"):
                ended.append(name)
            if chosen.list:
                print(
                    f"{times[-1][0]:6.2f} {document.outcome:17}{document.format:6}{name}: {document.reason}"
                )
    print(f"{'family':24}{'lu':>6}{'réserves':>10}{'refusé':>8}")
    for family, found in sorted(outcomes.items()):
        print(f"{family:24}{found['lu']:6}{found['lu avec réserves']:10}{found['refusé']:8}")
    late = [name for seconds, name in times if seconds > _LIMIT]
    slowest = ", ".join(f"{name} {seconds:.1f} s" for seconds, name in sorted(times, reverse=True)[:5])
    print(f"{len(times)} files; slowest: {slowest}")
    print(f"refused because the child died or was late: {len(ended)} {ended}")
    print(f"over {_LIMIT:.0f} s: {len(late)} {late}")
    print(f"raised in the parent: {len(raised)} {raised}")
    if chosen.log is not None:
        bad = len(late) + len(raised)
        figures = {"proof": "documents", "seed": 0, "tried": len(times) + len(raised), "failed": bad}
        chosen.log.write_text(json.dumps(figures) + "\n", encoding="utf-8")
    return 1 if raised or late else 0


if __name__ == "__main__":
    sys.exit(main())

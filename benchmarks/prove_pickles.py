"""Build hostile pickles, in every way a file of a model may come, and check that none is kept nor run.

    python benchmarks/prove_pickles.py [--log FILE]

Each file would write a canary if anything unpickled it. It is given to the registry under every name that a
model's file may have, raw and packed (gzip, zip, npz, a skops archive with a pickle inside, joblib's and
torch's own forms). Nothing is stored: files live in a folder that
does not stay.
"""

from __future__ import annotations

import argparse
import bz2
import gzip
import io
import json
import lzma
import pickle
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from eclaireur.core.artefacts import SUFFIXES, check
from eclaireur.core.errors import EclaireurError

__all__ = ["control", "hostile", "main", "packed", "prove"]


class _Runs:
    """Asks whoever unpickles it to write a canary."""

    def __init__(self, module: str, name: str, *arguments: object) -> None:
        self._call = (module, name, arguments)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        module, name, arguments = self._call
        return getattr(__import__(module, fromlist=[name]), name), arguments


def hostile(canary: Path) -> Iterator[tuple[str, bytes]]:
    """Give pickles, by what they call and their protocol; each writes the canary."""
    code = f"open({str(canary)!r}, 'a').write('x')"
    calls = {
        "os.system": _Runs("os", "system", f"touch {canary}"),
        "builtins.eval": _Runs("builtins", "eval", code),
        "builtins.exec": _Runs("builtins", "exec", code),
        "subprocess.call": _Runs("subprocess", "call", ["touch", str(canary)]),
        "os.mknod": _Runs("os", "mknod", str(canary)),
        "cProfile.run": _Runs("cProfile", "run", code),
    }
    for name, one in calls.items():
        for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
            yield f"{name} protocol {protocol}", pickle.dumps({"model": one, "n": 3}, protocol)
    yield "text opcodes", f"cos\nsystem\n(S'touch {canary}'\ntR.".encode()
    yield "text opcodes after a name", f"tree\nversion=v4\ncos\nsystem\n(S'touch {canary}'\ntR.".encode()


def packed(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Give the ways in which a pickle is packed."""
    yield "raw", data
    yield "gzip", gzip.compress(data, mtime=0)
    yield "zlib", zlib.compress(data)
    yield "bz2", bz2.compress(data)
    yield "xz", lzma.compress(data)
    for name, inside in (
        ("zip", "data.pkl"),
        ("torch", "archive/data.pkl"),
        ("npz", "arr_0.npy"),
        ("skops", "schema.json"),
    ):
        target = io.BytesIO()
        with zipfile.ZipFile(target, "w") as parts:
            parts.writestr(inside, data)
        yield name, target.getvalue()
    header = b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }"
    header += b" " * (118 - len(header) - 1) + b"\n"
    yield "npy of objects", b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + data


def control(folder: Path) -> bool:
    """Tell whether a pickle does write its canary when a process of its own unpickles it."""
    canary = folder / "control"
    data = next(hostile(canary))[1]
    words = [sys.executable, "-c", "import pickle, sys; pickle.loads(sys.stdin.buffer.read())"]
    subprocess.run(words, input=data, check=False, timeout=60)  # noqa: S603 (this very pickle)
    return canary.exists()


def prove(folder: Path) -> tuple[int, list[str], bool]:
    """Return how many files were tried, which were accepted, and whether the canary was written."""
    canary, tried = folder / "canary", 0
    accepted: list[str] = []
    for what, data in hostile(canary):
        for way, content in packed(data):
            for suffix in SUFFIXES:
                tried += 1
                try:
                    check(f"model{suffix}", content)
                except EclaireurError:
                    continue
                accepted.append(f"{what}, {way}, {suffix}")
    return tried, accepted, canary.exists()


def main() -> int:
    """Run the proof, print its figures, and fail when one file is accepted or run."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--log", type=Path, default=None)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="eclaireur-prove-") as folder:
        if not control(Path(folder)):
            raise AssertionError("these pickles do nothing: the proof would prove nothing")
        tried, accepted, ran = prove(Path(folder))
    print(f"{tried} hostile files: {len(accepted)} accepted, canary {'written' if ran else 'untouched'}.")
    for one in accepted[:20]:
        print(f"accepted: {one}", file=sys.stderr)
    if asked.log is not None:
        figures = {"proof": "pickles", "seed": 0, "tried": tried, "failed": len(accepted) + ran}
        asked.log.write_text(json.dumps(figures) + "\n", encoding="utf-8")
    return 1 if accepted or ran else 0


if __name__ == "__main__":
    sys.exit(main())

"""What the fuzzer starts from passes through every parser, so that what it then finds is news."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from benchmarks.prove_fuzz import TARGETS

PARTS = {
    "raster": "rasterio",
    "layer": "pyogrio",
    "audio": "soundfile",
    "page": "selectolax",
    "pdf": "pypdfium2",
}


@pytest.mark.parametrize("name", TARGETS)
def test_the_seeds_of_a_target_pass(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if name in PARTS:
        pytest.importorskip(PARTS[name], reason="the part that this parser needs is not installed")
    monkeypatch.setenv("ECLAIREUR_FUZZ_FOLDER", str(tmp_path))
    target = TARGETS[name]
    seeds = target.seeds()
    assert seeds
    for seed in (*seeds, b"", b"\0" * 100, seeds[0][: len(seeds[0]) // 2]):
        target.run(seed)


def nameless() -> bytes:
    """Make an archive whose only entry has no name."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(zipfile.ZipInfo(""), "a;b\n1;2\n")
    return stream.getvalue()


FOUND = {"an archive whose entry has no name": ("tables", nameless)}


@pytest.mark.parametrize("what", FOUND)
def test_what_fuzzing_found_stays_mended(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECLAIREUR_FUZZ_FOLDER", str(tmp_path))
    name, make = FOUND[what]
    TARGETS[name].run(make())

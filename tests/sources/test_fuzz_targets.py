"""What the fuzzer starts from passes through every parser, so that what it then finds is news."""

from __future__ import annotations

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


FOUND = {
    "an archive whose entry has no name": (
        "tables",
        "504b03041400000000000aac7a5dce1087b1080000000800000005000000612e637376613b620a313b320a504b"
        "010214031400000000000aac7a5dce1087b10f0800000008000001050000000000000000000000800100000000"
        "612e637376504b05060000000001000100340000002b0000000000",
    ),
}


@pytest.mark.parametrize("what", FOUND)
def test_what_fuzzing_found_stays_mended(what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ECLAIREUR_FUZZ_FOLDER", str(tmp_path))
    name, data = FOUND[what]
    TARGETS[name].run(bytes.fromhex(data))

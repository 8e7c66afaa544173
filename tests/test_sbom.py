"""The software bill of materials names every package of each lock, with every hash."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from scripts.sbom import bill

ROOT = Path(__file__).resolve().parents[1]
LOCKS = sorted(path for path in (ROOT / "requirements").glob("*.txt"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.stem)
def test_every_package_and_every_hash_of_a_lock_is_there(lock: Path) -> None:
    made = bill(lock)
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.6")
    text = lock.read_text(encoding="utf-8")
    python = [one for one in made["components"] if one["purl"].startswith("pkg:pypi/")]
    pins = re.findall(r"^[A-Za-z0-9][^\s#=]*==", text, re.MULTILINE)
    assert len(python) == len(pins) > 0
    hashes = [one["content"] for row in python for one in row["externalReferences"][0]["hashes"]]
    assert sorted(hashes) == sorted(re.findall(r"sha256:([0-9a-f]{64})", text))
    named = [one["bom-ref"] for one in made["components"]]
    assert len(named) == len(set(named))
    assert made["dependencies"][0]["dependsOn"] == named
    assert bill(lock) == made


def test_what_pages_ship_is_there_with_its_licence() -> None:
    made = bill(ROOT / "requirements" / "core.txt")
    shipped = {one["name"]: one for one in made["components"] if one["purl"].startswith("pkg:npm/")}
    assert {"htmx.org", "maplibre-gl"} <= set(shipped)
    assert all(one["licenses"] and one["components"] for one in shipped.values())

"""The audit of the locks against a file of advisories, and the reading of what mutations gave."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest
from benchmarks.prove_audit import advisories_in, pinned, weaknesses
from benchmarks.prove_mutation import MODULES, score_of

ROOT = Path(__file__).resolve().parents[1]


def advisory(**affected: Any) -> dict[str, Any]:
    return {
        "id": "PYSEC-1",
        "affected": [{"package": {"ecosystem": "PyPI", "name": "Some_Thing"}, **affected}],
    }


@pytest.mark.parametrize(
    ("version", "weak"), [("1.0", False), ("1.1", True), ("1.9.9", True), ("2.0", False), ("2.1", False)]
)
def test_a_version_is_weak_from_where_it_began_to_its_fix(version: str, weak: bool) -> None:  # noqa: FBT001
    events = [{"introduced": "1.1"}, {"fixed": "2.0"}]
    said = advisory(ranges=[{"type": "ECOSYSTEM", "events": events}])
    assert bool(weaknesses({("some-thing", version)}, [said])) == weak


def test_listed_versions_count_and_withdrawn_or_foreign_advisories_do_not() -> None:
    pins = {("some-thing", "1.0")}
    assert weaknesses(pins, [advisory(versions=["1.0"])]) == [("some-thing", "1.0", "PYSEC-1")]
    assert not weaknesses(pins, [{**advisory(versions=["1.0"]), "withdrawn": "2026-01-01"}])
    other = advisory(versions=["1.0"])
    other["affected"][0]["package"]["ecosystem"] = "npm"
    assert not weaknesses(pins, [other])
    last = advisory(ranges=[{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"last_affected": "1.0"}]}])
    assert weaknesses(pins, [last])
    assert not weaknesses({("some-thing", "1.0.1")}, [last])


def test_every_lock_is_read_whole(tmp_path: Path) -> None:
    for lock in sorted((ROOT / "requirements").glob("*.txt")):
        text = lock.read_text(encoding="utf-8")
        lines = {line.split(" ")[0] for line in text.splitlines() if "==" in line and line[0].isalnum()}
        assert len(pinned(text)) == len(lines) > 0, lock.name
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("PYSEC-1.json", json.dumps(advisory(versions=["1.0"])))
    assert [one["id"] for one in advisories_in(tmp_path / "all.zip")] == ["PYSEC-1"]


def test_what_is_changed_and_its_tests_exist() -> None:
    for files, tests in MODULES.values():
        assert all((ROOT / "src" / "eclaireur" / one).is_file() for one in files)
        named = [one.removeprefix("--deselect=").partition("::") for one in tests]
        assert all((ROOT / path).is_file() for path, _, _ in named)
        assert all(f"def {test}(" in (ROOT / path).read_text("utf-8") for path, _, test in named if test)
    found = score_of("x", "  a__1: killed\n  a__2: survived\n  a__3: no tests\n  a__4: timeout\n")
    assert (found.share, found.survivors) == (0.5, ("a__2", "a__3"))

"""The security matrix names tests that exist, and says why a row is not met."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
STATES = {"met", "partly"}


def _rows() -> list[list[str]]:
    text = (ROOT / "docs" / "security" / "asvs.md").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if re.match(r"\| V\d", line)]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_each_row_has_a_state_a_reason_and_tests_that_exist() -> None:
    rows = _rows()
    assert len(rows) > 20
    for section, state, how, tests in rows:
        assert state in STATES, section
        assert how, section
        named = re.findall(r"`([\w/.]+)::(\w+)`", tests)
        assert named, section
        for path, name in named:
            text = (ROOT / path).read_text(encoding="utf-8")
            assert re.search(rf"^def {name}\(", text, re.MULTILINE), f"{section}: {path}::{name}"


def test_no_section_comes_twice() -> None:
    sections = [row[0].split()[0] for row in _rows()]
    assert len(sections) == len(set(sections))

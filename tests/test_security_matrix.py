"""The security matrix names tests that exist, and says why a row is not met."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest
from django.apps import apps

ROOT = Path(__file__).resolve().parents[1]
STATES = {"met", "partly", "not met"}
SECTIONS = {
    1: 5,
    2: 4,
    3: 7,
    4: 4,
    5: 4,
    6: 8,
    7: 6,
    8: 4,
    9: 2,
    10: 7,
    11: 7,
    12: 3,
    13: 4,
    14: 3,
    15: 4,
    16: 5,
    17: 3,
}
"""Chapter of the standard, version 5.0 → its number of sections."""


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
        if state == "not met":
            assert tests == "–", section
            continue
        named = re.findall(r"`([\w/.]+)::(\w+)`", tests)
        assert named, section
        for path, name in named:
            text = (ROOT / path).read_text(encoding="utf-8")
            assert re.search(rf"^def {name}\(", text, re.MULTILINE), f"{section}: {path}::{name}"


def _table(title: str) -> list[list[str]]:
    text = (ROOT / "docs" / "security" / "protections.md").read_text(encoding="utf-8")
    part = text.partition(f"## {title}")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("|")][2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_each_derived_key_is_in_the_inventory() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    labels = {one.strip() for one in re.findall(r'b"(eclaireur\.\w+\.\d+) ?"', source)}
    labels |= set(re.findall(r'salted_hmac\(\s*"([\w.]+)"', source))
    told = " ".join(" ".join(row) for row in _table("Keys and algorithms"))
    assert len(labels) >= 5
    assert {one for one in labels if one not in told} == set()


def test_each_table_of_the_desk_has_one_class() -> None:
    classed = [name for row in _table("Classes of data") for name in re.findall(r"`(\w+)`", row[2])]
    assert sorted(classed) == sorted(one.__name__ for one in apps.get_app_config("desk").get_models())


def test_each_section_has_its_row_or_does_not_apply() -> None:
    text = (ROOT / "docs" / "security" / "asvs.md").read_text(encoding="utf-8")
    absent = text.partition("Not applicable: ")[2]
    apart = re.findall(r"V\d+\.\d+", absent.replace("V17.1 to V17.3", "V17.1, V17.2, V17.3"))
    told = [row[0].split()[0] for row in _rows()] + apart
    assert sorted(told) == sorted(
        f"V{one}.{part + 1}" for one, count in SECTIONS.items() for part in range(count)
    )


@pytest.mark.parametrize("url", ["https://eclaireur.example", "http://127.0.0.1:8000"])
def test_cookies_are_for_the_server_alone_and_for_https_behind_https(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ECLAIREUR_URL", url)
    made = runpy.run_path(str(ROOT / "src" / "eclaireur" / "desk" / "settings.py"))
    behind = url.startswith("https:")
    assert made["SESSION_COOKIE_HTTPONLY"] is True
    assert made["CSRF_COOKIE_HTTPONLY"] is True
    assert made["SESSION_COOKIE_SAMESITE"] == "Lax"
    assert made["SESSION_COOKIE_SECURE"] is made["CSRF_COOKIE_SECURE"] is behind
    assert bool(made["SECURE_HSTS_SECONDS"]) is made["SECURE_HSTS_INCLUDE_SUBDOMAINS"] is behind
    for name in ("SESSION_COOKIE_NAME", "CSRF_COOKIE_NAME", "THEME_COOKIE"):
        assert made[name].startswith("__Host-") is behind
    assert "SESSION_COOKIE_DOMAIN" not in made
    assert "CSRF_COOKIE_DOMAIN" not in made

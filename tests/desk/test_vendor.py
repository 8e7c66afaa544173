"""What is vendored is what its makers published, with its licence, and asks nothing of the outside."""

from __future__ import annotations

import hashlib
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from django.template.loader import get_template

pytestmark = pytest.mark.one_database

VENDOR = Path(__file__).resolve().parents[2] / "src/eclaireur/desk/static/vendor"
LIBRARIES: list[dict[str, Any]] = tomllib.loads((VENDOR / "VENDOR.toml").read_text(encoding="utf-8"))[
    "libraries"
]
FREE = {"0BSD", "BSD-2-Clause", "BSD-3-Clause", "MIT", "ISC", "Apache-2.0"}


def test_every_file_is_declared_and_none_has_changed() -> None:
    declared = {name: digest for one in LIBRARIES for name, digest in one["files"].items()}
    here = {
        str(path.relative_to(VENDOR)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.rglob("*")
        if path.is_file() and path.name != "VENDOR.toml"
    }

    assert here == declared


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda one: str(one["name"]))
def test_a_library_ships_its_licence_and_says_why_it_is_here(library: dict[str, Any]) -> None:
    assert library["licence"] in FREE
    assert library["why"]
    assert any(name.endswith("LICENSE.txt") for name in library["files"])
    assert all(library["version"] in name for name in library["files"])


def test_the_script_fetches_the_versions_that_are_here() -> None:
    script = (VENDOR.parents[4] / "scripts/vendor.sh").read_text(encoding="utf-8")

    for library in LIBRARIES:
        assert f"={library['version']}" in script
        assert library["name"] in script


def test_the_map_library_is_on_no_page_before_it_is_asked_for() -> None:
    base = get_template("desk/base.html").template.source  # type: ignore[attr-defined]

    assert "vendor/htmx" in base
    assert "maplibre" not in base


def test_no_style_or_script_asks_for_a_file_that_is_not_here() -> None:
    css = (VENDOR / "maplibre-gl-5.24.1/maplibre-gl.css").read_text(encoding="utf-8")
    asked = [one.strip("\"'") for one in re.findall(r"url\(([^)]{0,8})", css)]

    assert asked
    assert all(one.startswith("data:") for one in asked)
    for path in VENDOR.rglob("*.js"):
        assert "sourceMappingURL" not in path.read_text(encoding="utf-8"), path

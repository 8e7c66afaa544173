"""The documentation is complete and true: all is named, every block runs, every link leads somewhere."""

from __future__ import annotations

import hashlib
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from eclaireur.cli.app import app
from eclaireur.core.catalog import cards
from eclaireur.core.config import settings_table
from tests.docs_runner import SCRIPT_COMMANDS, Page, blocks, missing_lines

if TYPE_CHECKING:
    from cyclopts import App

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md"]
PAGES += sorted(page for page in DOCS.rglob("*.md") if "_build" not in page.parts)


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def read(name: str) -> str:
    return (DOCS / name).read_text(encoding="utf-8")


def commands(parent: App, path: tuple[str, ...] = ()) -> Iterator[tuple[str, App]]:
    """Every command that can be run, with its full name."""
    for name in parent:
        if not name.startswith("-"):
            inner = parent[name]
            if inner.default_command:
                yield " ".join((*path, name)), inner
            yield from commands(inner, (*path, name))


COMMANDS = dict(commands(app))


def section(text: str, title: str) -> str:
    """The part of a page under a heading, up to the next heading."""
    found = re.search(rf"^#+ {re.escape(title)}$(.*?)(?=^#|\Z)", text, re.MULTILINE | re.DOTALL)
    return found[1] if found else ""


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_documented_with_each_option(name: str) -> None:
    text = section(read("cli.md"), f"`{name}`")
    arguments = COMMANDS[name].assemble_argument_collection()
    options = {word for one in arguments for word in one.names if word.startswith("--")}
    options -= {word for word in options if word.startswith("--no-")}

    assert text, f"docs/cli.md has no heading ### `{name}`"
    assert {option for option in options if f"`{option}" not in text} == set()


def test_the_reference_names_no_command_that_is_gone() -> None:
    told = set(re.findall(r"^### `([^`]+)`$", read("cli.md"), re.MULTILINE))

    assert told == set(COMMANDS) | set(SCRIPT_COMMANDS)


@pytest.mark.parametrize("name", SCRIPT_COMMANDS)
def test_a_command_of_the_script_is_documented(name: str) -> None:
    assert re.search(rf"\b{name}\b", (ROOT / "eclaireur").read_text(encoding="utf-8"))
    assert section(read("cli.md"), f"`{name}`")


@pytest.mark.parametrize("setting", settings_table(), ids=lambda setting: setting[0])
def test_a_setting_is_documented(setting: tuple[str, str, str, str]) -> None:
    name, variable, _, meaning = setting
    rows = [line for line in read("configuration.md").splitlines() if line.startswith(f"| `{name}` |")]

    assert len(rows) == 1
    assert f"`{variable}`" in rows[0]
    assert meaning in rows[0]


def test_an_environment_variable_that_the_code_reads_is_documented() -> None:
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").rglob("*.py"))
    names = set(re.findall(r"\bECLAIREUR_[A-Z_]*[A-Z]\b", source))

    assert {name for name in names if f"`{name}`" not in read("configuration.md")} == set()


@pytest.mark.parametrize("name", [card.name for card in cards()])
def test_a_case_has_its_page_its_format_and_its_line_in_the_catalogue(name: str) -> None:
    assert (DOCS / "cases" / f"{name}.md").is_file()
    assert (DOCS / "formats" / f"{name}.md").is_file()
    assert f"## {name}" in read("catalogue.md")


def test_the_pages_written_from_the_cards_are_up_to_date(tmp_path: Path) -> None:
    """Else: ./eclaireur check-cards --write-docs docs."""
    from eclaireur.service.cataloguing import write_pages

    for page in write_pages(cards(), tmp_path):
        committed = DOCS / page.relative_to(tmp_path)
        assert committed.read_text(encoding="utf-8") == page.read_text(encoding="utf-8"), name_of(committed)


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_the_blocks_of_a_page_run(path: Path, tmp_path: Path, worked: Path) -> None:
    if path.name == "loop.md":
        # It starts from the demonstration, which the README makes from nothing.
        shutil.copytree(worked, tmp_path / "workspace")
    page = Page(name=name_of(path), folder=tmp_path, source=ROOT / "src")

    for block in blocks(path.read_text(encoding="utf-8")):
        page.run(block)


def test_the_lines_that_a_page_shows_are_looked_for_in_order() -> None:
    assert missing_lines(["un … trois"], "zéro\nun deux trois\n") == []
    assert missing_lines(["b", "a"], "a\nb\n") == ["a"]
    assert missing_lines(["a"], "aa\n") == ["a"]


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_a_link_inside_the_project_leads_to_a_file(path: Path) -> None:
    text = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    targets = re.findall(r"\]\((?!https?:|mailto:|#)([^)#\s]+)", text)

    assert [target for target in targets if not (path.parent / target).exists()] == []


def test_the_documentation_builds_without_a_warning_and_asks_nothing_of_another_site(tmp_path: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", str(DOCS), str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 0, result.stderr
    outside = re.compile(r"<(?:script|img|link|iframe)[^>]+(?:src|href)=.?https?:")
    assert [page.name for page in tmp_path.rglob("*.html") if outside.search(page.read_text("utf-8"))] == []


def test_each_data_file_of_a_card_has_its_public_origin() -> None:
    """The checksums of benchmarks/data.toml and those of the cards are the same."""
    told: dict[tuple[str, str], str] = {}
    for one in tomllib.loads((ROOT / "benchmarks" / "data.toml").read_text(encoding="utf-8"))["sets"]:
        assert {"repository", "commit", "licence", "cut", "personal"} <= set(one), one["name"]
        told |= {(one["folder"], file["name"]): file["sha256"] for file in one["files"]}

    for card in cards():
        for source in card.sources:
            for name, sha256 in source.files:
                assert told.get((source.folder, name)) == sha256, f"{card.name}, {source.name}: {name}"


def test_the_data_folder_holds_what_its_list_says(real_data: Path) -> None:
    for one in tomllib.loads((ROOT / "benchmarks" / "data.toml").read_text(encoding="utf-8"))["sets"]:
        for file in one["files"]:
            content = (real_data / one["folder"] / file["name"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == file["sha256"], file["name"]


def test_publiccode_says_what_the_standard_asks() -> None:
    """Mandatory keys of publiccode.yml, version 0 (yml.publiccode.tools)."""
    data: dict[str, Any] = yaml.safe_load((ROOT / "publiccode.yml").read_text(encoding="utf-8"))

    assert str(data["publiccodeYmlVersion"]).startswith("0")
    asked = {
        "description",
        "developmentStatus",
        "legal",
        "localisation",
        "maintenance",
        "name",
        "platforms",
        "softwareType",
        "url",
    }
    assert asked <= set(data)
    assert data["developmentStatus"] in {"concept", "development", "beta", "stable", "obsolete"}
    assert data["maintenance"]["contacts"]
    assert data["legal"]["license"] == "MIT"
    for language in data["localisation"]["availableLanguages"]:
        told = data["description"][language]
        assert len(told["shortDescription"]) <= 150
        assert 150 <= len(told["longDescription"]) <= 10_000
        assert all(len(feature) <= 100 for feature in told["features"])

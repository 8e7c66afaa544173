"""What deploys the desk agrees with the desk: the unit, the image, the chart. No engine runs here."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from eclaireur.cli.app import app

ROOT = Path(__file__).resolve().parent.parent.parent
DEPLOY = ROOT / "deploy"
CHART = DEPLOY / "helm"
TEMPLATES = sorted((CHART / "templates").glob("*.yaml"))
FILES = [DEPLOY / "eclaireur.service", DEPLOY / "Containerfile", *TEMPLATES]


def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_options_that_are_used_exist(path: Path) -> None:
    known = {word for one in app["serve"].assemble_argument_collection() for word in one.names}
    used = set(re.findall(r"(?<![\w-])--(?:host|port|processes|part|plain-\w+)", text_of(path)))

    assert used <= known


def test_the_unit_is_sound_and_shut_in(tmp_path: Path, program: Callable[[str], str]) -> None:
    unit = tmp_path / "eclaireur.service"
    text = text_of(DEPLOY / "eclaireur.service")
    unit.write_text(text.replace("/opt/eclaireur/.venv/bin/python", "/bin/true"), encoding="utf-8")
    if subprocess.run(["which", "systemd-analyze"], capture_output=True, check=False).returncode:
        pytest.skip("systemd-analyze is not installed")

    verified = subprocess.run(
        [program("systemd-analyze"), "verify", str(unit)], capture_output=True, text=True, check=False
    )

    assert not [line for line in verified.stderr.splitlines() if unit.name in line]
    for line in ("NoNewPrivileges=yes", "ProtectSystem=strict", "PrivateTmp=yes", "CapabilityBoundingSet="):
        assert line in text.splitlines()


def test_the_image_is_of_no_administrator_and_installs_by_hash() -> None:
    text = text_of(DEPLOY / "Containerfile")
    last = text.rpartition("\nFROM ")[2]

    assert re.search(r"^USER 10001", last, re.MULTILINE)
    assert "/api/v1/sante" in last
    assert "./eclaireur install core" in text, "scripts/install.sh asks for the hashes"
    assert not re.search(r"pip install|curl|wget|https?://(?!127\.)", text)
    copied = {
        word for line in re.findall(r"^COPY (?!--)(.+)$", text, re.MULTILINE) for word in line.split()[:-1]
    }
    assert {name for name in copied if not (ROOT / name).exists()} == set()
    ignored = text_of(ROOT / ".containerignore").splitlines()
    assert {name for name in copied if f"!{name}" not in ignored} == set()


def values() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(text_of(CHART / "values.yaml"))
    return found


@pytest.mark.parametrize("path", [*TEMPLATES, CHART / "templates" / "_pod.tpl"], ids=lambda path: path.name)
def test_a_template_names_only_values_that_exist(path: Path) -> None:
    for name in re.findall(r"\.Values\.([\w.]+)", text_of(path)):
        found: Any = values()
        for part in name.split("."):
            assert part in found, name
            found = found[part]


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: path.name)
def test_a_template_is_yaml_once_its_actions_are_played(path: Path) -> None:
    """Not Helm: lines that only hold an action go, values become a word, and the rest must parse."""
    text = re.sub(r"^\s*\{\{-?(?:(?!\}\}).)*\}\}[ \t]*\n", "", text_of(path), flags=re.MULTILINE)
    text = re.sub(r"\{\{-?(?:(?!\}\}).)*\}\}", "word", text)
    kinds = [document["kind"] for document in yaml.safe_load_all(text)]

    assert kinds
    assert len(re.findall(r"\{\{-? *(?:if|with|range|define)\b", text_of(path))) == len(
        re.findall(r"\{\{-? *end\b", text_of(path))
    )


def test_several_pods_without_postgresql_are_refused() -> None:
    text = text_of(CHART / "templates" / "_pod.tpl")

    assert re.search(
        r"gt \(int \.Values\.replicas\) 1\) \(not \.Values\.postgresql\.enabled\).*\n\{\{- fail", text
    )
    assert 'include "eclaireur.check"' in text_of(CHART / "templates" / "web.yaml")
    assert values()["replicas"] == 1
    assert values()["postgresql"]["enabled"] is False


def test_no_secret_is_written_in_what_deploys() -> None:
    for path in [*FILES, CHART / "values.yaml"]:
        assert not re.search(r"(?i)(password|secret_key|master_key)\s*[:=]\s*\S", text_of(path)), path.name

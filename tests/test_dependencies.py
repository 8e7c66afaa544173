"""Every dependency has a reason, a lock, and a licence that administrations can take."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
TEXT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
PROJECT: dict[str, Any] = tomllib.loads(TEXT)
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))

# A new name here is a decision: say in pyproject.toml why nothing that is already there serves.
CORE = {
    "argon2-cffi",
    "cryptography",
    "cyclopts",
    "django",
    "django-ninja",
    "django-tasks",
    "django-tasks-db",
    "duckdb",
    "filelock",
    "gunicorn",
    "lightgbm",
    "numpy",
    "pillow",
    "pyarrow",
    "python-calamine",
    "reportlab",
    "rich",
    "scikit-learn",
    "skops",
    "urllib3",
    "whitenoise",
    "xlsxwriter",
}
EXTRAS = {
    "audio": {"soundfile", "soxr"},
    "cluster": {"distributed"},
    "documents": {"olefile", "pypdfium2", "selectolax"},
    "dsfr": {"django-dsfr"},
    "geo": {"pyogrio", "pyproj", "rasterio"},
    "objects": {"boto3"},
    "oidc": {"mozilla-django-oidc"},
    "postgresql": {"psycopg"},
    "semantic": {"python-crfsuite", "tantivy", "usearch"},
    "spectra": {"lxml", "ms-entropy", "pyteomics", "rdkit"},
    "weather": {"eccodes", "eccodeslib", "h5netcdf", "h5py", "quantile-forest"},
}
GROUPS = {
    "audit": {"apsw", "cyclonedx-bom", "mutmut", "pip-audit"},
    "build": {"hatchling"},
    "docs": {"furo", "myst-parser", "sphinx", "towncrier"},
    "fuzz": {"atheris"},
    "lint": {"django-stubs", "import-linter", "mypy", "ruff"},
    "peers": {"bm25s", "csv-detective", "numpydoc", "pandas", "polars", "pypdf", "six", "tick"},
    "test": {
        "axe-playwright-python",
        "html5lib",
        "hypothesis",
        "packaging",
        "playwright",
        "pytest",
        "pytest-django",
        "pytest-xdist",
        "python-docx",
        "pyyaml",
        "schemathesis",
    },
}

CHECKED = {"build", "docs", "lint", "test"}
"""Groups that checks and tests need; the others are what benchmarks compare with, and the fuzzer."""


def names(requirements: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(text).name) for text in requirements}


def pins(lock: str) -> dict[tuple[str, str], str]:
    """Pinned versions of a lock by package and marker."""
    found: dict[tuple[str, str], str] = {}
    for line in (ROOT / "requirements" / f"{lock}.txt").read_text(encoding="utf-8").splitlines():
        if re.match(r"[A-Za-z0-9]", line):
            requirement = Requirement(line.rstrip("\\ "))
            version = re.fullmatch(r"==([^,]+)", str(requirement.specifier))
            assert version, f"{lock}.txt: {line} is not pinned"
            found[canonicalize_name(requirement.name), str(requirement.marker or "")] = version[1]
    return found


def test_the_dependencies_are_the_ones_that_were_decided() -> None:
    assert names(PROJECT["project"]["dependencies"]) == CORE
    extras = PROJECT["project"]["optional-dependencies"]
    assert {name: names(wanted) for name, wanted in extras.items()} == EXTRAS
    groups = PROJECT["dependency-groups"]
    assert {name: names(wanted) for name, wanted in groups.items()} == GROUPS


def test_each_dependency_says_why_it_is_here() -> None:
    wanted = set(PROJECT["project"]["dependencies"])
    for group in (PROJECT["project"]["optional-dependencies"], PROJECT["dependency-groups"]):
        wanted |= {text for texts in group.values() for text in texts}

    without = [
        text
        for text in wanted
        if not re.search(rf'^\s*"{re.escape(text)}",\s*# \w.{{5,}}', TEXT, re.MULTILINE)
    ]

    assert not without


@pytest.mark.parametrize("lock", LOCKS, ids=lambda path: path.name)
def test_a_lock_has_hashes_and_no_address(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]

    assert blocks
    assert all("--hash=sha256:" in block for block in blocks)
    assert not re.search(r"https?:|--index|--extra|--find-links|file:", text)


def test_the_locks_answer_the_declared_dependencies() -> None:
    """A lock older than pyproject.toml is caught here: run scripts/lock.sh."""
    declared = {
        "core": PROJECT["project"]["dependencies"],
        **PROJECT["project"]["optional-dependencies"],
        "dev": [text for name in CHECKED for text in PROJECT["dependency-groups"][name]],
        "peers": [text for name in set(GROUPS) - CHECKED for text in PROJECT["dependency-groups"][name]],
        "uv": ["uv"],
    }

    assert {path.stem for path in LOCKS} == set(declared)
    for lock, requirements in declared.items():
        pinned = pins(lock)
        for text in requirements:
            wanted = Requirement(text)
            versions = [v for (name, _), v in pinned.items() if name == canonicalize_name(wanted.name)]
            assert versions, f"{lock}.txt lacks {text}: run scripts/lock.sh"
            assert all(wanted.specifier.contains(version) for version in versions), f"{lock}.txt: {text}"


def test_the_locks_can_be_installed_together() -> None:
    core = pins("core")
    for lock in {"dev", *EXTRAS}:
        other = pins(lock)
        assert {key: other.get(key) for key in core} == core, f"{lock}.txt: run scripts/lock.sh"


def test_torch_is_in_no_lock() -> None:
    """It weighs gigabytes and is asked for by a person, never by a default."""
    assert not {name for lock in LOCKS for name, _ in pins(lock.stem)} & {"torch", "tensorflow", "jax"}


def test_no_library_of_the_core_is_under_gpl() -> None:
    """MIT, BSD, Apache, MPL and LGPL only: what an administration may link and change."""
    seen, refused = 0, []
    for name in {name for name, _ in pins("core")}:
        try:
            data = importlib.metadata.metadata(name)
        except importlib.metadata.PackageNotFoundError:
            continue  # for another platform
        seen += 1
        licence = " ".join(data.get_all("License-Expression", []) + data.get_all("Classifier", []))
        if re.search(r"\bA?GPL|(?<!Lesser )General Public License", licence.replace("LGPL", "")):
            refused.append(f"{name}: {licence}")

    assert seen > len(CORE)
    assert not refused

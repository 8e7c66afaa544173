"""The wheel holds what the package needs, and nothing of its tests."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built offline and unpacked."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def test_every_file_of_the_package_ships_but_its_tests(unpacked: Path) -> None:
    package = ROOT / "src" / "eclaireur"
    wanted = {
        str(path.relative_to(package.parent))
        for path in package.rglob("*")
        if path.is_file() and path.suffix != ".pyc" and not path.match("cases/*/test_*.py")
    }
    shipped = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*") if path.is_file()}

    assert "eclaireur/py.typed" in wanted
    assert any(name.endswith("case.toml") for name in wanted)
    assert wanted - shipped == set()
    assert {name for name in shipped - wanted if ".dist-info/" not in name} == set()


def test_the_unpacked_wheel_lists_its_cases(unpacked: Path) -> None:
    result = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(unpacked)!r})\n{CASES}"],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "restaurant_risk" in result.stdout


CASES = "from eclaireur.cli.app import main; sys.exit(main(['cases', '--json']))"

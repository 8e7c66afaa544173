"""`./eclaireur` on machines that lack something, without network: real shells, made-up programs."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
SCRIPTS = [ROOT / "eclaireur", *sorted((ROOT / "scripts").glob("*.sh"))]
SYSTEM = "basename cat cmp cp dirname env find flock ls mkdir mv readlink rm sed sh sleep sort tail touch"

OLD_PYTHON = "#!/bin/sh\nexit 1\n"
BARE_PYTHON = '#!/bin/sh\n[ "$1" = -c ]\n'  # runs code, has neither venv nor pip

# A uv that makes an environment whose python says what it was asked, and notes each call.
UV = """#!/bin/sh
printf '%s\\n' "$*" >>"$UV_LOG"
case "$1" in
    venv)
        for folder; do :; done
        mkdir -p "$folder/bin"
        cp "$UV_PYTHON_MADE" "$folder/bin/python"
        ;;
    pip)
        packages=.venv/lib/python3.11/site-packages
        for folder in numpy/core/tests numpy/testing pandas/tests django/locale/fr django/locale/de; do
            mkdir -p "$packages/$folder/inside"
        done
        sleep "${UV_SLEEP-0}" && exit "${UV_FAILS-0}"
        ;;
esac
"""
MADE_PYTHON = """#!/bin/sh
[ "$1" = -c ] && exit 0
printf 'in %s:' "$PWD"
printf ' [%s]' "$@"
exit "${PYTHON_EXIT-0}"
"""


@dataclass(frozen=True)
class Machine:
    """A copy of the scripts, and a PATH that holds nothing but what a test puts there."""

    checkout: Path
    programs: Path
    log: Path

    def has(self, name: str, text: str) -> None:
        path = self.programs / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)

    def start(self, *arguments: str, cwd: Path | None = None, **variables: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(self.checkout / "eclaireur"), *arguments],
            cwd=cwd or self.checkout.parent,
            env={
                "PATH": str(self.programs),
                "HOME": str(self.checkout.parent),
                "UV_LOG": str(self.log),
                "UV_PYTHON_MADE": str(self.programs / "python-made"),
                **variables,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, cwd: Path | None = None, **variables: str) -> tuple[int, str, str]:
        process = self.start(*arguments, cwd=cwd, **variables)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err

    @property
    def syncs(self) -> list[str]:
        lines = self.log.read_text(encoding="utf-8").splitlines() if self.log.exists() else []
        return [line for line in lines if line.startswith("pip sync")]


@pytest.fixture
def machine(tmp_path: Path, program: Callable[[str], str]) -> Machine:
    """A fresh checkout on a machine with a shell and Debian's small tools, but no Python and no uv."""
    checkout, programs = tmp_path / "un dossier", tmp_path / "bin"
    checkout.mkdir()
    programs.mkdir()
    shutil.copy(ROOT / "eclaireur", checkout)
    shutil.copytree(ROOT / "scripts", checkout / "scripts")
    shutil.copytree(ROOT / "requirements", checkout / "requirements")
    for name in SYSTEM.split():
        (programs / name).symlink_to(program(name))
    return Machine(checkout=checkout, programs=programs, log=tmp_path / "uv.log")


@pytest.fixture
def with_uv(machine: Machine) -> Machine:
    machine.has("python3", '#!/bin/sh\n[ "$1" = -c ]\n')
    machine.has("python-made", MADE_PYTHON)
    machine.has("uv", UV)
    return machine


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: path.name)
def test_a_script_is_posix_and_can_be_run(script: Path, program: Callable[[str], str]) -> None:
    assert os.access(script, os.X_OK)
    subprocess.run([program("dash"), "-n", str(script)], check=True)


@pytest.mark.parametrize(
    ("python", "expected"),
    [
        (None, "Éclaireur a besoin de Python 3.11 à 3.14"),
        (OLD_PYTHON, "Éclaireur a besoin de Python 3.11 à 3.14"),
        (BARE_PYTHON, "Il manque de quoi installer Éclaireur"),
    ],
    ids=["no python", "an old python", "neither ensurepip nor pip"],
)
def test_what_is_missing_is_one_french_line_that_names_the_package(
    machine: Machine, python: str | None, expected: str
) -> None:
    if python is not None:
        machine.has("python3", python)

    code, out, err = machine.run("demo")

    assert code == 1
    assert out == ""
    assert err.count("\n") == 1
    assert err.startswith(expected)
    assert "python3-venv" in err
    assert not (machine.checkout / ".venv").exists()


def test_the_first_call_installs_the_core_and_says_so(with_uv: Machine) -> None:
    code, out, err = with_uv.run("cases", "--json")

    assert code == 0
    assert out.endswith("[-P] [-m] [eclaireur] [cases] [--json]")
    assert err.splitlines() == [
        "Première installation : environ 500 Mo, une à cinq minutes…",
        "Installation terminée.",
    ]
    [sync] = with_uv.syncs
    assert "--require-hashes" in sync
    assert "--only-binary :all:" in sync
    assert sync.endswith("/requirements/core.txt")


def test_later_calls_are_quiet_and_install_nothing(with_uv: Machine) -> None:
    with_uv.run("cases")

    code, _, err = with_uv.run("cases")

    assert (code, err) == (0, "")
    assert len(with_uv.syncs) == 1


def test_arguments_exit_code_and_current_folder_pass_through_a_link(with_uv: Machine, tmp_path: Path) -> None:
    elsewhere = tmp_path / "ailleurs"
    elsewhere.mkdir()
    (elsewhere / "lien").symlink_to(with_uv.checkout / "eclaireur")
    with_uv.run("cases")

    result = subprocess.run(
        ["./lien", "run", "un deux", "*"],
        cwd=elsewhere,
        env={"PATH": str(with_uv.programs), "PYTHON_EXIT": "7"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert result.returncode == 7
    assert result.stdout == f"in {elsewhere}: [-P] [-m] [eclaireur] [run] [un deux] [*]"


def test_the_tests_get_their_own_lock_beside_the_core(with_uv: Machine) -> None:
    code, out, _ = with_uv.run("test", "-k", "two words")

    assert code == 0
    assert out == f"in {with_uv.checkout}: [-m] [pytest] [-n] [2] [--dist] [loadscope] [-k] [two words]"
    assert "core.txt" in with_uv.syncs[0]
    assert "dev.txt" in with_uv.syncs[0]
    with_uv.run("cases")
    assert len(with_uv.syncs) == 1, "what serves the tests serves the other commands"


def test_a_part_once_added_stays_when_a_lock_changes(with_uv: Machine) -> None:
    assert with_uv.run("install", "cluster")[0] == 0
    lock = with_uv.checkout / "requirements" / "core.txt"
    lock.write_text(lock.read_text(encoding="utf-8") + "# changed\n", encoding="utf-8")

    _, _, err = with_uv.run("cases")

    assert "Mise à jour" in err
    assert len(with_uv.syncs) == 2
    assert "cluster.txt" in with_uv.syncs[1]


@pytest.mark.parametrize("name", ["", "nuages", "uv"])
def test_an_unknown_part_is_one_french_line(with_uv: Machine, name: str) -> None:
    code, _, err = with_uv.run("install", name)

    assert code == 1
    assert err == f"Partie inconnue : « {name} ». Exemple : ./eclaireur install cluster\n"


def test_a_failed_installation_says_what_to_do_and_starts_again(with_uv: Machine) -> None:
    code, out, err = with_uv.run("cases", UV_FAILS="2")
    assert code == 1
    assert out == ""
    assert "relancez la même commande" in err

    code, out, _ = with_uv.run("cases")

    assert code == 0
    assert "[cases]" in out
    assert len(with_uv.syncs) == 2


def test_what_nothing_here_imports_is_not_kept(with_uv: Machine) -> None:
    with_uv.run("cases")

    packages = with_uv.checkout / ".venv" / "lib" / "python3.11" / "site-packages"
    kept = {str(path.parent.relative_to(packages)) for path in packages.rglob("inside")}
    assert kept == {"numpy/testing", "pandas/tests", "django/locale/fr"}


def test_two_first_calls_at_once_install_once(with_uv: Machine) -> None:
    both = [with_uv.start("cases", UV_SLEEP="0.5") for _ in range(2)]
    ends = [process.communicate(timeout=60) for process in both]

    assert [process.returncode for process in both] == [0, 0]
    assert all("[cases]" in out for out, _ in ends)
    assert len(with_uv.syncs) == 1

"""`.ci/run` on a made-up machine: what it installs, sets, calls, and how it ends."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent

ECLAIREUR = """#!/bin/sh
echo "$* data=${ECLAIREUR_DATA-unset} hostile=${ECLAIREUR_HOSTILE-unset}"
[ -z "${DATABASE_URL-}" ] || echo "$DATABASE_URL" >>"$DATABASE_LOG"
[ "$1" != "${FAILING-}" ]
"""


@dataclass(frozen=True)
class Server:
    """A checkout whose ./eclaireur says how it was called, and Debian tools that note their calls."""

    checkout: Path
    programs: Path
    log: Path
    database: Path

    def run(self, *, installed: bool = True, **variables: str) -> tuple[int, list[str]]:
        result = subprocess.run(
            ["bash", str(self.checkout / ".ci" / "run")],
            env={
                "PATH": f"{self.programs}:{os.environ['PATH']}",
                "STATUS": "installed" if installed else "",
                "POSTGRESQL_PROGRAMS": str(self.programs),
                "DATABASE_LOG": str(self.database),
                **variables,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return result.returncode, result.stdout.splitlines()


@pytest.fixture
def server(tmp_path: Path, program: Callable[[str], str]) -> Server:
    program("bash")
    checkout, programs, log = tmp_path / "main", tmp_path / "bin", tmp_path / "apt.log"
    database = tmp_path / "database.log"
    (checkout / ".ci").mkdir(parents=True)
    programs.mkdir()
    shutil.copy(ROOT / ".ci" / "run", checkout / ".ci" / "run")
    fakes = {
        checkout / "eclaireur": ECLAIREUR,
        programs / "dpkg-query": '#!/bin/sh\nprintf "%s" "$STATUS"\n',
        programs / "apt-get": f'#!/bin/sh\necho "$*" >>"{log}"\n',
        programs / "sudo": '#!/bin/sh\nexec "$@"\n',
        programs / "runuser": '#!/bin/sh\nshift 3\nexec "$@"\n',
        programs / "chown": "#!/bin/sh\n",
        programs / "initdb": '#!/bin/sh\n[ -z "${NO_DATABASE-}" ]\n',
        programs / "pg_ctl": f'#!/bin/sh\necho "pg_ctl $1" >>"{database}"\n',
    }
    for path, text in fakes.items():
        path.write_text(text, encoding="utf-8")
        path.chmod(0o755)
    return Server(checkout=checkout, programs=programs, log=log, database=database)


def test_it_checks_and_tests_without_the_folders_that_are_not_there(server: Server) -> None:
    code, lines = server.run()

    assert code == 0
    assert [line.split()[0] for line in lines] == ["install", "test", "check", "test"]
    assert all(line.endswith("data=unset hostile=unset") for line in lines)
    assert not server.log.exists(), "nothing to install"


def test_it_sets_the_folders_that_lie_beside_the_checkout(server: Server) -> None:
    shared = server.checkout.parent / "shared"
    (shared / "data").mkdir(parents=True)
    (shared / "hostile_files").mkdir()

    _, lines = server.run()

    assert lines[1].endswith(f"data={shared / 'data'} hostile={shared / 'hostile_files'}")


@pytest.mark.parametrize("failing", ["check", "test"])
def test_one_failure_fails_the_run_and_the_rest_is_still_told(server: Server, failing: str) -> None:
    code, lines = server.run(FAILING=failing)

    assert code == 1
    assert len(lines) == 4


def test_the_desk_is_tested_again_on_a_database_that_is_gone_at_the_end(server: Server) -> None:
    _, lines = server.run()

    start, address, stop = server.database.read_text(encoding="utf-8").splitlines()
    assert lines[3].startswith("test tests/desk -m not browser and not one_database")
    assert (start, stop) == ("pg_ctl start", "pg_ctl stop")
    folder = address.removeprefix("postgresql://eclaireur@/eclaireur?host=")
    assert Path(folder).is_absolute()
    assert not Path(folder).exists()


def test_a_database_that_does_not_start_fails_the_run(server: Server) -> None:
    code, lines = server.run(NO_DATABASE="1")

    assert code == 1
    assert [line.split()[0] for line in lines] == ["install", "test", "check"]


def test_absent_packages_are_installed_after_one_update(server: Server) -> None:
    code, _ = server.run(installed=False)

    calls = server.log.read_text(encoding="utf-8").splitlines()
    assert code == 0
    assert len(calls) == 2
    assert calls[0].startswith("update")
    assert calls[1].endswith("python3-venv chromium postgresql poppler-utils tesseract-ocr tesseract-ocr-fra")

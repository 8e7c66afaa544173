"""What every test gets: a workspace of its own, one thread per process, and honest skips.

Here at the root because it serves both `tests/` and the tests that lie beside each case.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import django
import pytest
from hypothesis import HealthCheck, settings

# Two processes run the suite on two cores: a library that starts a thread per core would fight the other.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

# Django reads its settings before any fixture runs: from a folder of this process, not from a person's. They
# are named here and not in pyproject.toml, where pytest-django would read them before this line.
os.environ["ECLAIREUR_HOME"] = tempfile.mkdtemp(prefix="eclaireur-tests-")
os.environ["DJANGO_SETTINGS_MODULE"] = "eclaireur.desk.settings"
os.environ["ECLAIREUR_THEME"] = "neutral"  # whatever parts are installed beside
atexit.register(shutil.rmtree, os.environ["ECLAIREUR_HOME"], ignore_errors=True)
(Path(os.environ["ECLAIREUR_HOME"]) / "desk" / "static").mkdir(parents=True)  # whitenoise looks for it
django.setup()

# No deadline: a shared machine is slow at times. Under CI the examples are the same at each run.
settings.register_profile("eclaireur", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("ci", settings.get_profile("eclaireur"), derandomize=True, print_blob=True)
settings.load_profile("ci" if os.environ.get("CI") else "eclaireur")

ROOT = Path(__file__).resolve().parent


@pytest.fixture(autouse=True)
def own_workspace(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """No test reads or writes the workspace of the person who runs it."""
    for name in [name for name in os.environ if name.startswith("ECLAIREUR_")]:
        if name not in {"ECLAIREUR_DATA", "ECLAIREUR_HOSTILE"}:
            monkeypatch.delenv(name)
    monkeypatch.setenv("ECLAIREUR_HOME", str(tmp_path_factory.getbasetemp() / "nobody"))


@pytest.fixture(scope="session")
def worked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which the restaurants' sample is worked out, once for all processes: copy it.

    The environment variable ``TESTS_SHARED`` names a folder in which suites that run at once share it.
    """
    import fcntl

    base = tmp_path_factory.getbasetemp()
    base = base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base
    folder = Path(os.environ.get("TESTS_SHARED", base)) / "worked"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            from eclaireur.core.workspace import Workspace
            from eclaireur.service.signals import make
            from eclaireur.service.work import Work

            make(Work.on(Workspace.open(folder / "home", env={}), "restaurant_risk"), "sample")
            (folder / "done").touch()
    return folder / "home"


@pytest.fixture
def root() -> Path:
    """Root of the checkout."""
    return ROOT


def _real_folder(variable: str, what: str) -> Path:
    folder = os.environ.get(variable)
    if not folder:
        pytest.skip(f"{variable} is not set: {what} are not at hand")
    return Path(folder)


@pytest.fixture
def real_data() -> Path:
    """Folder of the real data; skips where there is none."""
    return _real_folder("ECLAIREUR_DATA", "the real data")


@pytest.fixture
def hostile_files() -> Path:
    """Folder of the bad files; skips where there is none."""
    return _real_folder("ECLAIREUR_HOSTILE", "the bad files")


@pytest.fixture
def program() -> Callable[[str], str]:
    """Return the path of a system program; without it, skip, and under CI fail."""

    def find(name: str) -> str:
        path = shutil.which(name)
        if path is not None:
            return path
        if os.environ.get("CI"):
            pytest.fail(f"{name} is absent: add its Debian package to .ci/run")
        pytest.skip(f"{name} is not installed")

    return find

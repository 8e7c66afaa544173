"""The desk of `prove_mutation`: made once, in the process from which those of the changes are forked.

In the copy that is changed, these fixtures take the place of those of ``tests/desk/conftest.py`` that have
their names. The database lies in memory, so that each child has its own.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_django import DjangoDbBlocker

__all__ = ["desk_home", "django_db_setup"]

_MADE: list[Path] = []
"""The workspace as it was once the sample was published, when it was."""


@pytest.fixture(scope="session")
def desk_home(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Workspace of one run: what a run leaves there is not seen by the next."""
    found = _MADE[0] if _MADE else request.getfixturevalue("worked")
    return Path(shutil.copytree(found, tmp_path_factory.mktemp("desk") / "workspace"))


@pytest.fixture(scope="session")
def django_db_setup(django_db_blocker: DjangoDbBlocker, desk_home: Path) -> None:
    """Make the database and publish the sample, unless a parent of this process did."""
    from django.test.utils import setup_databases

    from eclaireur.desk import place
    from tests.desk.conftest import fill

    os.environ["ECLAIREUR_HOME"] = str(desk_home)
    place.workspace.cache_clear()
    if not _MADE:
        with django_db_blocker.unblock():
            setup_databases(verbosity=0, interactive=False)
            fill()
        # Outside of what pytest tidies after a few runs, and in the copy, which goes when the proof ends.
        kept = Path(tempfile.mkdtemp(prefix="desk-", dir=Path.cwd())) / "workspace"
        _MADE.append(Path(shutil.copytree(desk_home, kept)))

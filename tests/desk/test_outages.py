"""What the machine lacks is named, on pages and in the API; a fault of ours stays one."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import OperationalError
from django.test import Client

from eclaireur.desk import uploads
from eclaireur.desk.jobs import kinds, queue, start
from eclaireur.desk.jobs.running import run
from eclaireur.desk.models import JobState, User
from tests.desk.conftest import CASE, Desk

SignIn = Callable[[User], Client]


def _raising(error: Exception) -> Any:
    def broken(*_: object, **__: object) -> None:
        raise error

    return broken


@pytest.mark.parametrize(
    "where", ["eclaireur.desk.pages.home.served_cards", "eclaireur.desk.middleware.reach_of"]
)
@pytest.mark.parametrize(
    ("error", "said"),
    [
        (OperationalError("database is locked"), "occupée par un long travail"),
        (OperationalError("database or disk is full"), "le disque du bureau est plein"),
        (OperationalError("attempt to write a readonly database"), "en lecture seule"),
        (OperationalError("server closed the connection"), "ne répond pas"),
        (OSError(errno.ENOSPC, "No space left on device"), "le disque du bureau est plein"),
    ],
)
def test_a_page_names_what_the_machine_lacks(
    desk: Desk, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch, where: str, error: Exception, said: str
) -> None:
    client = sign_in(desk.manager)
    client.raise_request_exception = False
    assert client.get("/").status_code == 200
    monkeypatch.setattr(where, _raising(error))
    response = client.get("/")
    assert (response.status_code, response["Retry-After"]) == (503, "30")
    assert said in response.content.decode().lower()


def test_a_fault_of_ours_is_not_taken_for_an_outage(
    desk: Desk, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sign_in(desk.manager)
    client.raise_request_exception = False
    assert client.get("/").status_code == 200
    monkeypatch.setattr("eclaireur.desk.pages.home.served_cards", _raising(FileNotFoundError(2, "absent")))
    assert client.get("/").status_code == 500


def test_the_api_names_it_too(desk: Desk, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch) -> None:
    client = sign_in(desk.manager)
    monkeypatch.setattr(
        "eclaireur.desk.api.routes.cases.stopped", _raising(OSError(errno.EROFS, "read-only"))
    )
    response = client.get("/api/v1/cas")
    assert (response.status_code, response["Retry-After"]) == (503, "30")
    assert "lecture seule" in response.json()["error"]["message"]


def test_a_task_that_meets_a_full_disk_says_so(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = kinds.Kind("essai", "Essai", _raising(OSError(errno.ENOSPC, "No space left on device")))
    monkeypatch.setitem(kinds._KINDS, "essai", broken)
    job = start("essai", user=desk.manager, case=CASE)
    taken = queue.claim("here", lease=60)
    assert taken is not None
    run(taken.pk, taken.token)
    job.refresh_from_db()
    assert job.state == JobState.FAILED
    assert job.error.startswith("Le disque du bureau est plein")


def test_bytes_that_no_row_names_are_deleted_after_an_hour(desk: Desk, settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    kept = uploads.receive(desk.manager, CASE, ContentFile(b"a;b\n1;2\n", name="a.csv"))
    orphan = Path(kept.file.path).with_name("0" * 32)
    orphan.write_bytes(b"cut")
    assert uploads.sweep() == 0
    old = time.time() - 4000
    for path in (orphan, Path(kept.file.path)):
        os.utime(path, (old, old))
    assert uploads.sweep() == 1
    assert not orphan.exists()
    assert Path(kept.file.path).read_bytes() == b"a;b\n1;2\n"


_WITHIN = """
from eclaireur.desk.start import set_up
set_up()
from django.db.backends.base.schema import BaseDatabaseSchemaEditor as Editor
from django.db.migrations.recorder import MigrationRecorder
from eclaireur.desk.upgrading import upgrade
enter, record = Editor.__enter__, MigrationRecorder.record_applied
def late(self):  # as PostgreSQL, which makes indexes at the end of a step
    enter(self).deferred_sql.append("SELECT 1")
    return self
def told(self, app, name):
    print(app, self.connection.in_atomic_block)
    record(self, app, name)
Editor.__enter__, MigrationRecorder.record_applied = late, told
upgrade()
"""


def test_each_step_of_an_upgrade_is_marked_in_its_own_transaction(tmp_path: Path) -> None:
    (tmp_path / "desk").mkdir()
    environ = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    environ |= {"ECLAIREUR_HOME": str(tmp_path), "PYTHONPATH": str(Path(uploads.__file__).parents[2])}
    told = subprocess.run(
        [sys.executable, "-c", _WITHIN], env=environ, capture_output=True, text=True, timeout=120, check=False
    )
    steps = told.stdout.splitlines()
    assert set(steps) == {f"{app} True" for app in ("auth", "contenttypes", "desk", "django_tasks_database")}
    assert len(steps) > 10, told.stderr[-800:]

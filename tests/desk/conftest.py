"""A desk at work: the sample's signals published once for each test process, and people with their rights."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.core import signals
from django.core.cache import cache
from django.db import close_old_connections
from django.test import Client

from eclaireur.desk import place
from eclaireur.desk.accounts.passwords import Argon2id
from eclaireur.desk.models import Edition, Grant, Role, User, Worklist
from eclaireur.desk.publishing import draw_list, publish

CASE = "restaurant_risk"
PASSWORD = "un long mot de passe"


@dataclass(frozen=True)
class Desk:
    """What the tests find: the current edition, its open list, and one person of each kind."""

    edition: Edition
    worklist: Worklist
    agent: User
    manager: User
    scientist: User
    administrator: User
    stranger: User
    area: str
    other_area: str


ARGON2 = {name: getattr(Argon2id, name) for name in ("time_cost", "memory_cost", "parallelism")}
"""What a password really costs."""


@pytest.fixture(scope="session", autouse=True)
def quick_hashes() -> Iterator[None]:
    """Let a password cost little: these tests hash hundreds, and one of them looks at the real cost."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(Argon2id, "time_cost", 1)
        patched.setattr(Argon2id, "memory_cost", 64)
        yield


@pytest.fixture(scope="session")
def desk_home(tmp_path_factory: pytest.TempPathFactory, worked: Path) -> Path:
    """Workspace of the desk's tests."""
    home = tmp_path_factory.mktemp("desk") / "workspace"
    shutil.copytree(worked, home)
    return home


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: pytest.FixtureDef[object], desk_home: Path
) -> Iterator[None]:
    """Publish the sample once: every test starts from it, and its own changes are rolled back."""
    before = os.environ.get("ECLAIREUR_HOME")
    os.environ["ECLAIREUR_HOME"] = str(desk_home)
    place.workspace.cache_clear()
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        fill()
    yield
    place.workspace.cache_clear()
    if before is not None:
        os.environ["ECLAIREUR_HOME"] = before


@pytest.fixture(autouse=True)
def desk_workspace(own_workspace: None, desk_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests of the desk work in its workspace, not in nobody's."""
    monkeypatch.setenv("ECLAIREUR_HOME", str(desk_home))
    cache.clear()  # a test's rows are rolled back: what another kept under the same versions is of other rows


@pytest.fixture(autouse=True)
def plain_static(settings: Any) -> None:
    """Style and scripts from the source folders: nothing is collected before a test."""
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if "whitenoise" not in one]
    settings.WRITES_PER_MINUTE = 10**9  # tests write faster than people


@pytest.fixture(autouse=True)
def one_connection() -> Iterator[None]:
    """A request that does not pass by Django's client must not close the transaction of its test."""
    ends = (signals.request_started, signals.request_finished)
    for signal in ends:
        signal.disconnect(close_old_connections)
    yield
    for signal in ends:
        signal.connect(close_old_connections)


def fill() -> None:
    """Make the accounts, publish the sample and draw a list: what every test finds."""
    for login, name in (
        ("agent", "Ada Martin"),
        ("responsable", "Rosa Lebrun"),
        ("scientifique", "Samir Petit"),
        ("administrateur", "Alice Blanc"),
        ("etranger", "Ella Durand"),
    ):
        User.objects.create_user(login, name, PASSWORD)
    edition = publish(CASE, "sample")
    draw_list(
        edition,
        capacity=40,
        random_share=0.1,
        title="Liste de décembre 2026",
        user=User.objects.get(login="responsable"),
    )


@pytest.fixture
def desk(db: None) -> Desk:
    """The published sample, its list, and people whose rights cover an area, the case, or nothing."""
    edition = Edition.objects.get(case=CASE, current=True, training=False)
    worklist = edition.worklists.get()
    areas = list(worklist.items.order_by("area").values_list("area", flat=True).distinct())
    people = {user.login: user for user in User.objects.all()}
    grants = (
        ("agent", Role.AGENT, CASE, areas[0]),
        ("responsable", Role.MANAGER, CASE, ""),
        ("scientifique", Role.SCIENTIST, CASE, ""),
        ("administrateur", Role.ADMINISTRATOR, "", ""),
    )
    for login, role, case, area in grants:
        Grant.objects.create(user=people[login], role=role, case=case, area=area)
    return Desk(
        edition=edition,
        worklist=worklist,
        agent=people["agent"],
        manager=people["responsable"],
        scientist=people["scientifique"],
        administrator=people["administrateur"],
        stranger=people["etranger"],
        area=areas[0],
        other_area=areas[1],
    )


@pytest.fixture
def sign_in() -> Callable[[User], Client]:
    """Return a client on which a person is signed in."""

    def enter(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return enter

"""A served desk and a browser, shared by the tests of this folder; what no page may do is watched in all."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest

from tests.desk.browser import stage

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

ROOT = Path(__file__).resolve().parents[3]
_PATIENCE = 60.0
_WIDE = {"width": 1280, "height": 900}


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--pictures FOLDER``: the pages are photographed there."""
    parser.addoption("--pictures", metavar="FOLDER", help="photograph the desk's pages into this folder")


@dataclass(frozen=True)
class Served:
    """A desk that answers, and what is in it."""

    address: str
    home: str = ""
    link: str = ""
    areas: list[str] = field(default_factory=list)
    cookies: dict[str, str] = field(default_factory=dict)
    lists: dict[str, dict[str, Any]] = field(default_factory=dict)
    people: dict[str, int] = field(default_factory=dict)
    invitation: str = ""
    upload: int = 0
    readings: list[str] = field(default_factory=list)
    job: str = ""
    failed: str = ""
    report: str = ""
    passage: str = ""
    runs: list[str] = field(default_factory=list)
    contest: int = 0
    explained: list[int] = field(default_factory=list)
    mails: list[int] = field(default_factory=list)
    routed: list[int] = field(default_factory=list)
    campaigns: list[int] = field(default_factory=list)

    def list_of(self, area: int, *, training: bool = False) -> dict[str, Any]:
        """Return the list of an area: its number, and its dossiers in working order."""
        name = self.areas[area]
        return self.lists[f"entraînement {name}" if training else name]


@dataclass
class Watch:
    """What happened in a browser that must not: another host, a breach of the policy, a script's error."""

    address: str
    wrong: list[str] = field(default_factory=list)

    def over(self, context: BrowserContext) -> None:
        """Watch all pages of a context."""
        context.on("request", lambda request: self._asked(request.url))
        context.on("weberror", lambda error: self.wrong.append(f"script: {error.error}"))
        context.on("console", self._said)

    def _asked(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in {"data", "blob"} and f"{parts.scheme}://{parts.netloc}" != self.address:
            self.wrong.append(f"asked {url}")

    def _said(self, message: Any) -> None:
        # A status of 4xx is told on the console too: those are what several journeys are about.
        status = message.text.startswith(("Failed to load resource", "Response Status Error Code 4"))
        if message.type == "error" and not status:
            self.wrong.append(f"console: {message.text}")


def program(*words: str, home: Path | None = None) -> dict[str, Any]:
    """Return how to run the stage: our code, its own workspace, nothing of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("ECLAIREUR_")}
    # TESTS_THEME=dsfr looks at the State's theme, whose licence keeps it out of what the suite installs.
    theme = os.environ.get("TESTS_THEME", "neutral")
    environ = {**kept, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", "ECLAIREUR_THEME": theme}
    environ.pop("DATABASE_URL", None)
    if home is not None:
        environ["ECLAIREUR_HOME"] = str(home)
    return {"args": [sys.executable, stage.__file__, *words], "env": environ, "cwd": ROOT}


@pytest.fixture(scope="session")
def stages(tmp_path_factory: pytest.TempPathFactory, worked: Path) -> Path:
    """Folder of the workspaces of `stage`, made once for all processes of the suite."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if os.environ.get("PYTEST_XDIST_WORKER") else base) / "stages"
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "stage.json").exists():
            shutil.copytree(worked, shared / "full")
            subprocess.run(**program("build", str(shared)), check=True)
    return shared


@contextlib.contextmanager
def serving(home: Path) -> Iterator[dict[str, str]]:
    with subprocess.Popen(**program("serve", home=home), stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            told: dict[str, str] = json.loads(process.stdout.readline())
            _wait(f"{told['address']}/connexion/")
            yield told
        finally:
            process.terminate()


def _wait(address: str) -> None:
    limit = time.monotonic() + _PATIENCE
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while True:
        try:
            with opener.open(address, timeout=_PATIENCE):
                return
        except OSError:
            if time.monotonic() > limit:
                raise
            time.sleep(0.1)


@pytest.fixture(scope="package")
def served(stages: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The desk of `stage`, for the tests of this process."""
    home = tmp_path_factory.mktemp("served") / "home"
    shutil.copytree(stages / "full", home)
    known = json.loads((stages / "stage.json").read_text(encoding="utf-8"))
    with serving(home) as told:
        yield Served(address=told["address"], home=str(home), **known)


@pytest.fixture
def newly_served(stages: Path, tmp_path: Path) -> Iterator[Served]:
    """A desk that nobody has used yet, and the link of its first administrator."""
    home = tmp_path / "home"
    shutil.copytree(stages / "empty", home)
    with serving(home) as told:
        yield Served(address=told["address"], link=told["link"])


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium; its sandbox is off only for root, whom it refuses."""
    path = shutil.which("chromium")
    if path is None:
        if os.environ.get("CI"):
            pytest.fail("chromium is absent: add its Debian package to .ci/run")
        pytest.skip("chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        options = ["--disable-gpu", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
        found = playwright.chromium.launch(executable_path=path, args=options)
        yield found
        found.close()


Visit = Callable[..., "Page"]


@pytest.fixture
def visit(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Visit]:
    """Open a page of a desk as somebody: ``visit(served, "ada", "/path/")``, with options of a context.

    At the end of the test, no page asked another host, broke the policy of content or raised an error.
    """
    contexts: list[BrowserContext] = []
    watches: list[Watch] = []

    def open_page(desk: Served, login: str = "", path: str = "/", **options: Any) -> Page:
        context = browser.new_context(
            **{"viewport": _WIDE, "locale": "fr-FR", "reduced_motion": "reduce", **options}
        )
        contexts.append(context)
        context.set_default_timeout(20_000)
        if login:
            context.add_cookies([{"name": "sessionid", "value": desk.cookies[login], "url": desk.address}])
        watch = Watch(desk.address)
        watch.over(context)
        watches.append(watch)
        page = context.new_page()
        page.goto(f"{desk.address}{path}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert [one for watch in watches for one in watch.wrong] == []

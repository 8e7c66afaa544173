"""A task followed in a real browser: it goes on under the reader's eyes, without a reload or a jump."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from eclaireur.desk.jobs import queue, start
from eclaireur.desk.models import Job, JobState, User
from tests.desk.browser.probing import faults
from tests.desk.conftest import CASE, Desk

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

pytestmark = pytest.mark.browser
SignIn = Callable[[User], Client]
ADDRESS = "http://bureau.exemple"


@pytest.fixture
def browser(program: Callable[[str], str]) -> Iterator[Browser]:
    """Debian's Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(
            executable_path=program("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        yield found
        found.close()


class Told:
    """What the desk answers, made before the browser runs: at 10 %, the same, at 60 %, then done."""

    def __init__(self, client: Client, path: str, job: Job) -> None:
        rows, refresh = Job.objects.filter(pk=job.pk), {"HX-Request": "true"}
        rows.update(done=10, total=100, message="Lecture des données")
        self.whole = client.get(path)
        seen = self.whole.content.decode().partition("?vu=")[2].partition('"')[0]
        self.parts: list[Any] = [client.get(path, {"vu": seen}, headers=refresh)]
        rows.update(done=60)
        self.parts.append(client.get(path, headers=refresh))
        queue.end(job.pk, job.token, JobState.DONE)
        self.parts.append(client.get(path, headers=refresh))
        self.asked: list[str] = []
        self.policy = True

    def answer(self, route: Route) -> None:
        """Serve what the browser asks."""
        path = urlsplit(route.request.url).path
        if path.startswith("/static/"):
            found = finders.find(path.removeprefix("/static/"))
            assert found
            route.fulfill(path=found)
            return
        fragment = "hx-request" in route.request.headers
        self.asked.append("part" if fragment else "whole")
        answer = self.whole if not fragment else self.parts[min(self.asked.count("part"), 3) - 1]
        route.fulfill(
            status=answer.status_code,
            headers={
                name: value for name, value in answer.headers.items() if self.policy or "Policy" not in name
            },
            body=answer.content,
        )


@pytest.fixture
def told(desk: Desk, sign_in: SignIn, request: pytest.FixtureRequest) -> Told:
    """A page of tasks, and what it becomes."""
    start("publish", user=desk.manager, case=CASE, arguments={"source": "sample"})
    job = queue.claim("here", lease=60)
    assert job is not None
    return Told(sign_in(desk.manager), request.param.format(job.pk), job)


@pytest.fixture
def shown(told: Told, browser: Browser) -> Page:
    """The page in a small window, scrolled down."""
    page = browser.new_page(viewport={"width": 600, "height": 300})
    page.route("**/*", told.answer)
    page.goto(f"{ADDRESS}/taches/")
    return page


@pytest.mark.parametrize("told", ["/taches/", "/taches/{}/"], indirect=True)
def test_progress_changes_in_place_then_stops_asking(told: Told, shown: Page) -> None:
    page = shown
    page.evaluate("window.kept = true")
    page.locator("main form button").first.focus()
    focused = page.evaluate("document.activeElement.id")
    scrolled = page.evaluate("window.scrollY")
    assert page.locator("progress").get_attribute("value") == "10"

    page.locator("progress[value='60']").wait_for(timeout=15_000)
    assert page.evaluate("document.activeElement.id") == focused
    assert page.evaluate("window.scrollY") == scrolled
    page.locator(".tag.good").wait_for(timeout=15_000)

    assert page.locator("progress").count() == 0
    assert page.evaluate("window.kept") is True
    said = page.locator("#annonce[role=status]").inner_text()
    assert "terminée" in said or "0 tâche" in said
    page.wait_for_timeout(2500)
    assert told.asked == ["whole", "part", "part", "part"]


@pytest.mark.parametrize("told", ["/taches/", "/taches/{}/"], indirect=True)
def test_tasks_have_no_violation_of_accessibility(told: Told, browser: Browser) -> None:
    told.policy = False  # axe is run from the page itself, which the policy of content forbids, as it should
    for width in (360, 1280):
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.route("**/*", told.answer)
        page.goto(f"{ADDRESS}/taches/")
        assert faults(page, narrow=width == 360) == []
        page.close()

"""The pages of accounts in a real browser: no violation of accessibility, nothing asked of the outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.utils import timezone

from eclaireur.desk.access import Perimeter
from eclaireur.desk.accounts import links
from eclaireur.desk.accounts.keys import make_key
from eclaireur.desk.accounts.provider import Identity
from eclaireur.desk.models import User
from tests.desk.browser.probing import faults
from tests.desk.conftest import CASE, Desk

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Route

pytestmark = pytest.mark.browser
SignIn = Callable[[User], Client]


@pytest.fixture
def pages(desk: Desk, sign_in: SignIn, settings: Any) -> dict[str, Any]:
    """Every page of accounts, with something on it, and those that say what is wrong."""
    settings.IDENTITY = Identity(issuer="https://op.example", client="x", secret="y")
    admin, agent, anyone = sign_in(desk.administrator), sign_in(desk.agent), Client()
    sign_in(desk.agent)
    make_key(
        desk.administrator,
        "Entrepôt",
        scopes=["export"],
        expires=timezone.now() + timedelta(days=30),
        perimeter=Perimeter("", CASE, desk.area),
    )
    person = f"/administration/comptes/{desk.agent.pk}/"
    link = links.new_link(desk.stranger)
    return {
        "/wrong": anyone.post("/connexion/", {"login": "agent", "password": "x"}),
        "/connexion/": anyone.get("/connexion/"),
        "/lost": anyone.post("/compte/affichage/", {"text": "Cuisine revue, bon accueil."}),
        "/acces/": anyone.get(link),
        "/compte/": agent.get("/compte/"),
        "/compte/wrong": agent.post("/compte/mot-de-passe/", {"current": "x", "password": "x", "again": "y"}),
        "/administration/": admin.get("/administration/"),
        "/ajouter/": admin.get("/administration/comptes/ajouter/"),
        "/ajouter/wrong": admin.post("/administration/comptes/ajouter/", {"login": "é"}),
        "/droits/": admin.get(person),
        "/droits/wrong": admin.post(f"{person}droits/", {"area": "Nulle part"}),
        "/lien/": admin.post(f"{person}etat/", {"act": "link"}),
        "/cles/": admin.get("/administration/cles/"),
        "/connexions/": admin.get("/administration/connexions/"),
    }


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


def test_no_page_has_a_violation_of_accessibility(pages: dict[str, Any], browser: Browser) -> None:
    asked: list[str] = []

    def answer(route: Route) -> None:
        address = urlsplit(route.request.url)
        asked.append(address.netloc)
        if address.path.startswith("/static/"):
            found = finders.find(address.path.removeprefix("/static/"))
            assert found
            route.fulfill(path=found)
            return
        ready = pages[address.path]
        # Axe is run from the page itself, which the policy of content forbids, as it should.
        headers = {name: value for name, value in ready.headers.items() if "Policy" not in name}
        route.fulfill(status=200, headers=headers, body=ready.content)

    told = {}
    for width in (1280, 390):
        page = browser.new_page(viewport={"width": width, "height": 900})
        page.route("**/*", answer)
        for path in pages:
            page.goto(f"http://localhost{path}")
            told[f"{path} {width}"] = faults(page, narrow=width == 390)
        page.close()

    assert {path: found for path, found in told.items() if found} == {}
    assert set(asked) == {"localhost"}

"""A reader in a real browser: finds by keyboard, reads, annotates, keeps a search; and without a script."""

from __future__ import annotations

import pytest

from tests.desk.browser.conftest import Served, Visit
from tests.desk.browser.stage import READER

pytestmark = pytest.mark.browser
HERE = f"/{READER}/"


def test_a_reader_finds_reads_and_annotates_by_keyboard_alone(served: Served, visit: Visit) -> None:
    page = visit(served, "chef", HERE)
    page.keyboard.press("r")
    page.keyboard.type("extincteurs ET dosimètre")
    page.keyboard.press("Enter")
    page.locator(".result mark").first.wait_for()
    page.keyboard.press("j")
    page.keyboard.press("j")
    page.keyboard.press("p")
    assert page.locator(".result.here .why[open]").inner_text().count("«") >= 2
    title = page.locator(".result.here .open").inner_text()
    page.keyboard.press("Enter")
    page.locator("h1", has_text=title).wait_for()
    assert page.locator(".found-in mark").count() >= 1
    page.keyboard.press("j")
    assert "#partie-" in page.url
    page.keyboard.press("n")
    page.wait_for_url("**/annoter/**")
    page.keyboard.press("n")
    page.locator("form.labels").wait_for()
    for number, key in enumerate(("v", "x", "u"), start=1):
        assert f"Phrase {number} sur" in page.locator(".progress").inner_text()
        if key == "u":
            page.keyboard.press("1")
        page.keyboard.press(key)
        page.locator(".progress", has_text=f"Phrase {number + 1} sur").wait_for()
    page.keyboard.press("z")
    page.locator(".progress", has_text="Phrase 3 sur").wait_for()
    page.get_by_role("button", name="Finir la séance").click()
    page.locator("h1", has_text="Annoter des phrases").wait_for()
    assert "Claire Hébert" in page.locator("main table").first.inner_text()


def test_a_very_long_question_is_refused_in_french_and_stays(served: Served, visit: Visit) -> None:
    page = visit(served, "chef", HERE)
    long = "extincteur " * 900
    page.locator("#q").fill(long)
    page.keyboard.press("Enter")
    page.locator(".note.error", has_text="trop longue").wait_for()
    assert page.locator("#q").input_value() == long


def test_without_javascript_a_search_is_made_narrowed_and_kept(served: Served, visit: Visit) -> None:
    page = visit(served, "samir", HERE, java_script_enabled=False)
    page.locator("#q").fill("extinteurs")
    page.get_by_role("button", name="Chercher", exact=True).click()
    page.get_by_role("link", name="extincteurs", exact=True).click()
    assert page.locator("#q").input_value() == "extincteurs"
    page.locator(".facets a", has_text="Port-Clair").click()
    page.locator(".histogram a").first.click()
    assert page.locator(".chosen .tag").count() == 2
    page.locator(".keep summary").click()
    page.locator("#titre").fill("Extincteurs de Port-Clair")
    page.get_by_role("button", name="Garder").click()
    assert "Rien de nouveau" in page.locator(".card", has_text="Extincteurs de Port-Clair").inner_text()

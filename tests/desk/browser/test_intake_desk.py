"""An adviser in a real browser: answers from sources and is corrected, by keyboard; and without a script."""

from __future__ import annotations

import pytest

from tests.desk.browser.conftest import Served, Visit
from tests.desk.browser.probing import faults
from tests.desk.browser.stage import ANSWERS, INTAKE, ROUTED

pytestmark = pytest.mark.browser


def test_an_adviser_answers_from_sources_and_is_corrected(served: Served, visit: Visit) -> None:
    page = visit(served, "chef", f"/{INTAKE}/")
    page.keyboard.press("j")
    page.keyboard.press("Enter")
    page.locator("article.letter h1").wait_for()
    page.goto(f"{served.address}/{INTAKE}/messages/{served.mails[1]}/")
    sentence = page.locator(".sentence[data-sources]").first
    sentence.focus()
    number = sentence.get_attribute("data-sources").split()[0]  # type: ignore[union-attr]
    assert "lit" in (page.locator(f"#source-{number}").get_attribute("class") or "")
    page.keyboard.press("Enter")
    assert page.locator(f"#source-{number} blockquote").is_visible()
    kept = sentence.inner_text().partition(" [")[0]

    page.keyboard.press("m")
    written = page.locator("#text").input_value()
    assert kept in written
    page.keyboard.press("Control+End")
    page.keyboard.type("\nNotre guichet est ouvert le lundi.")
    page.get_by_role("button", name="Relire").click()
    preview = page.locator(".preview")
    preview.wait_for()
    assert "écrit par vous" in preview.locator(".own").inner_text()
    assert "[1]" in preview.inner_text()
    page.get_by_role("button", name="Envoyer").click()
    page.locator(".note.success", has_text="Réponse envoyée").wait_for()
    page.get_by_role("link", name="Envois").or_(
        page.get_by_role("link", name="Voir les envois")
    ).first.click()
    page.locator("table td").first.wait_for()

    page.goto(f"{served.address}/{INTAKE}/messages/{served.mails[2]}/")
    page.locator("summary", has_text="Refuser le brouillon").click()
    page.locator("#code").select_option("stale")
    page.get_by_role("button", name="Refuser").click()
    page.locator(".note.warning", has_text="Brouillon refusé").wait_for()
    assert page.locator(".sentences").count() == 0
    page.goto(f"{served.address}/{INTAKE}/chiffres/")
    assert "Une source n’est plus à jour" in page.locator("main table").first.inner_text()


def test_a_message_is_unmasked_and_routed_without_a_script(served: Served, visit: Visit) -> None:
    page = visit(served, "samir", f"/{ROUTED}/messages/{served.routed[5]}/", java_script_enabled=False)
    assert "[expéditeur]" in page.locator("article.letter").inner_text()
    page.get_by_role("button", name="Montrer les données").click()
    assert "@exemple.fr" in page.locator("article.letter").inner_text()
    page.locator("#route").select_option(index=1)
    page.get_by_role("button", name="Orienter").click()
    assert "choisi par une personne" in page.locator(".reply").inner_text()


def test_a_question_gets_sources_then_an_honest_no(served: Served, visit: Visit) -> None:
    page = visit(served, "samir", f"/{ANSWERS}/")
    page.wait_for_url("**/question/")
    page.keyboard.press("r")
    page.keyboard.type("Comment refaire son passeport ?")
    page.get_by_role("button", name="Demander").click()
    sentence = page.locator(".sentence[data-sources]").first
    sentence.focus()
    assert page.locator(".sources .lit").count() >= 1
    assert "Question de suite" in page.locator("form.answer").inner_text()
    assert faults(page) == []
    page.get_by_role("button", name="Autre question").click()
    page.locator("#q").fill("Quel temps fera-t-il ?")
    page.get_by_role("button", name="Demander").click()
    page.locator(".withheld", has_text="Les sources ne le disent pas").wait_for()
    assert faults(page) == []
    assert "temps" not in page.url

"""What an agent does in a day, in a real browser: by keyboard, with others, when the session ends."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING

import pytest

from tests.desk.browser.conftest import Served, Visit
from tests.desk.browser.stage import CASE

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

pytestmark = pytest.mark.browser
HERE = f"/{CASE}/"
HIDDEN = "Le rang et le risque apparaîtront après votre avis."


def opened(page: Page, number: int) -> None:
    """Wait until the sheet of a dossier is shown."""
    page.locator(f'#fiche [data-dossier="{number}"]').wait_for()


def answered(page: Page, words: str) -> None:
    """Wait until the sheet says what the service answered."""
    page.locator(".verdict .note.success", has_text=words).wait_for()


def late(route: Route) -> None:
    """Answer after half a second."""
    answer = route.fetch()
    time.sleep(0.5)
    route.fulfill(response=answer)


def test_an_inspector_works_ten_targets_by_keyboard_alone(served: Served, visit: Visit) -> None:
    dossiers = served.list_of(0)["dossiers"]
    page = visit(served, "ada", HERE)
    opened(page, dossiers[0])  # the first line is open at once
    assert page.locator(".line .risk", has_text="rang").count() == 0

    for place, number in enumerate(dossiers[:10]):
        if place:
            page.keyboard.press("j")
            page.keyboard.press("Enter")
            opened(page, number)
        assert page.locator("#fiche .score").inner_text() == HIDDEN
        assert "rang" not in page.locator(f'.line[data-dossier="{number}"] .risk').inner_text()
        match place % 3:
            case 0:
                page.keyboard.press("s")
                answered(page, "suivre")
            case 1:
                page.keyboard.press("e")
                page.locator("dialog#ecarter[open]").wait_for()
                page.keyboard.press(
                    "Tab" if page.locator("[name=reason_code]:focus").count() == 0 else "Shift"
                )
                page.keyboard.press("Space")
                page.keyboard.press("Tab")
                page.keyboard.type("Vu sur place la semaine passée.")
                page.keyboard.press("Tab")
                page.keyboard.press("Enter")
                answered(page, "mauvaise cible")
            case 2:
                page.keyboard.press("o")
                answered(page, "autre")
        assert re.search(r"rang \d+ sur|[Rr]isque estimé", page.locator("#fiche .score").inner_text())
        line = page.locator(f'.line.judged[data-dossier="{number}"]')
        line.wait_for()
        assert "rang" in line.locator(".risk").inner_text()

    assert page.locator(".line.judged").count() == 10
    page.keyboard.press("z")
    page.locator("#fiche .score", has_text=HIDDEN).wait_for()
    page.locator(f'.line:not(.judged)[data-dossier="{dossiers[9]}"]').wait_for()
    assert page.locator(".line.judged").count() == 9
    assert page.locator("#fiche .history .tag", has_text="annulé").count() == 1


def test_who_is_faster_than_the_desk_sees_each_answer_in_the_list(served: Served, visit: Visit) -> None:
    def following() -> None:
        page.keyboard.press("j")
        page.keyboard.press("Enter")

    def judged(number: int) -> None:
        page.locator(f'.line.judged[data-dossier="{number}"]').wait_for()

    page = visit(served, "fatou", HERE)
    one, two, three, four = (
        int(line.get_attribute("data-dossier") or 0) for line in page.locator(".line:not(.judged)").all()[:4]
    )
    opened(page, one)

    # The next sheet is read before the last answer comes: the answer is in the list, the sheet stays.
    page.route("**/avis/", late)
    page.keyboard.press("s")
    following()
    opened(page, two)
    judged(one)
    opened(page, two)
    page.unroute("**/avis/", late)

    # A second answer comes while the list is still being written after the first.
    page.route(re.compile(rf"{HERE}\?"), late)
    page.keyboard.press("s")
    answered(page, "suivre")
    following()
    opened(page, three)
    page.keyboard.press("s")
    answered(page, "suivre")
    judged(two)
    judged(three)

    # A comment begun while the list is being written goes on where it was begun.
    page.locator("#comment").focus()
    with page.expect_response(re.compile(rf"{HERE}\?")):
        page.evaluate("htmx.trigger(document.body, 'lignes')")
        page.keyboard.type("Vu sur place : ")
    page.locator(f'.line.here[data-dossier="{three}"]').wait_for()
    page.wait_for_timeout(300)
    page.keyboard.type("rien à redire.")
    assert page.locator("#comment").input_value() == "Vu sur place : rien à redire."
    page.locator("#comment").fill("")
    page.locator("#comment").blur()

    # A key pressed in the instant a sheet appears is the desk's, not the browser's: the list stays.
    pressed = f"""new MutationObserver((_, self) => {{
      if (!document.querySelector('#fiche [data-dossier="{four}"]')) return;
      self.disconnect();
      document.querySelector("[data-act=follow]").click();
    }}).observe(document.getElementById("fiche"), {{ childList: true }})"""
    page.evaluate(pressed)
    following()
    judged(four)


def test_keys_comment_and_show_their_own_help(served: Served, visit: Visit) -> None:
    page = visit(served, "ada", HERE)
    opened(page, int(page.locator(".line.here").get_attribute("data-dossier") or 0))
    page.keyboard.press("c")
    page.keyboard.type("Cuisine revue ; les touches j et s ne font ici que des lettres.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.locator(".history", has_text="que des lettres").wait_for()
    page.keyboard.press("Escape")
    page.locator("body").press("?")
    page.locator("dialog#touches[open]").wait_for()
    assert "Ligne suivante" in page.locator("dialog#touches").inner_text()
    page.keyboard.press("Escape")
    page.locator("body").press("/")
    assert page.evaluate("document.activeElement.id") == "find"

    page.keyboard.press("Escape")
    page.locator("[data-keys-open]").click()
    page.locator("[data-keys-switch]").click()
    page.keyboard.press("Escape")
    page.reload()
    page.locator("body").press("/")
    page.locator("body").press("c")
    assert page.evaluate("document.activeElement.tagName") == "BODY", "keys of one letter stay silent"
    page.locator("[data-keys-open]").click()
    page.locator("[data-keys-switch]").click()
    page.keyboard.press("Escape")
    page.locator("body").press("/")
    assert page.evaluate("document.activeElement.id") == "find"


def test_what_lies_outside_the_perimeter_does_not_exist(served: Served, visit: Visit) -> None:
    other = served.list_of(1)
    page = visit(served, "ada", HERE)
    for path in (
        f"{HERE}dossiers/{other['dossiers'][0]}/",
        f"{HERE}dossiers/{other['dossiers'][0]}/fiche.pdf",
        f"{HERE}listes/{other['list']}/export.csv",
        f"{HERE}tirage/",
        f"{HERE}connecter/",
        "/administration/",
    ):
        answer = page.context.request.get(f"{served.address}{path}")
        assert answer.status == 404, path
    answer = page.goto(f"{served.address}{HERE}dossiers/{other['dossiers'][0]}/")  # type: ignore[assignment]
    assert answer is not None
    assert answer.status == 404
    assert "périmètre" in page.locator("main").inner_text()


def test_the_second_of_two_people_is_told_and_confirms_or_gives_up(served: Served, visit: Visit) -> None:
    first, second = served.list_of(2)["dossiers"][:2]
    for number, button in ((first, "Confirmer mon avis"), (second, "Renoncer")):
        path = f"{HERE}dossiers/{number}/"
        slow, quick = visit(served, "lou", path), visit(served, "max", path)
        quick.keyboard.press("s")
        answered(quick, "suivre")

        slow.keyboard.press("o")
        told = slow.locator(".note.warning[role=alert]")
        told.wait_for()
        assert "Max Aubry" in told.inner_text()
        told.get_by_text(button).click()
        answered(slow, "autre" if button.startswith("Confirmer") else "suivre")
        assert slow.locator("[role=alert]").count() == 0


def test_an_answer_refused_once_its_sheet_is_left_is_told(served: Served, visit: Visit) -> None:
    third, fourth = served.list_of(2)["dossiers"][2:4]
    slow, quick = visit(served, "lou", HERE), visit(served, "max", f"{HERE}dossiers/{third}/")
    slow.locator(f'.line[data-dossier="{third}"] .open').click()
    opened(slow, third)
    quick.keyboard.press("s")
    answered(quick, "suivre")

    slow.route("**/avis/", late)
    slow.keyboard.press("o")
    slow.keyboard.press("j")
    slow.keyboard.press("Enter")
    opened(slow, fourth)
    told = slow.locator(".note.error[role=alert]", has_text="Rien n’a été enregistré")
    told.wait_for()
    opened(slow, fourth)
    told.get_by_role("link").click()
    slow.locator("h2").first.wait_for()
    assert slow.url == f"{served.address}{HERE}dossiers/{third}/"


def test_a_wrong_form_keeps_what_was_typed(served: Served, visit: Visit) -> None:
    page = visit(served, "fatou", f"{HERE}dossiers/{served.list_of(3)['dossiers'][0]}/")
    page.locator("[data-act=set_aside]").click()
    page.locator("#ecarter-text").fill("Fermé pour travaux jusqu'au printemps.")
    page.locator("#ecarter button.main").click()  # without a reason
    page.locator("#ecarter[open] .wrong-text").wait_for()
    assert page.locator("#ecarter-text").input_value() == "Fermé pour travaux jusqu'au printemps."

    page.keyboard.press("Escape")
    page.locator("summary", has_text="Passer à une autre étape").click()
    page.locator("#status").select_option("inspected")
    page.locator("#step-text").fill("Chambre froide à 9 °C.")
    page.get_by_role("button", name="Enregistrer l’étape").click()  # without the result
    page.locator(".field.wrong #outcome").wait_for()
    assert page.locator("#step-text").input_value() == "Chambre froide à 9 °C."
    assert page.locator("#status").input_value() == "inspected"


def test_a_lost_session_keeps_the_text_and_returns_to_the_page(served: Served, visit: Visit) -> None:
    path = f"{HERE}dossiers/{served.list_of(3)['dossiers'][1]}/"
    page = visit(served, "fatou", path)
    page.locator("#comment").fill("Cuisine revue, bon accueil du gérant.")
    page.context.clear_cookies()
    page.get_by_role("button", name="Ajouter le commentaire").click()

    page.locator(".note[role=alert]", has_text="session").wait_for()
    assert page.locator("#comment").input_value() == "Cuisine revue, bon accueil du gérant."

    # Without a script the whole page is sent: the answer shows the text again, and leads back.
    bare = visit(served, "fatou", path, java_script_enabled=False)
    bare.locator("#comment").fill("Cuisine revue, bon accueil du gérant.")
    token = {one["name"]: one for one in bare.context.cookies()}["csrftoken"]
    bare.context.clear_cookies()
    bare.context.add_cookies([{"name": "csrftoken", "value": token["value"], "url": served.address}])
    bare.get_by_role("button", name="Ajouter le commentaire").click()
    assert bare.locator("textarea").input_value() == "Cuisine revue, bon accueil du gérant."
    bare.get_by_text("Se connecter et revenir à la page").click()
    bare.locator("[name=login]").fill("fatou")
    bare.locator("[name=password]").fill("un long mot de passe")
    bare.get_by_role("button", name="Se connecter").click()
    assert bare.url == f"{served.address}{path}"


def test_training_is_the_same_desk_and_counts_for_nothing(served: Served, visit: Visit) -> None:
    page = visit(served, "nina", HERE)
    before = page.locator(".side .count").inner_text()
    page.goto(f"{served.address}{HERE}entrainement/")
    opened(page, int(page.locator(".line").first.get_attribute("data-dossier") or 0))
    assert "rien de ce que vous faites ici ne compte" in page.locator("main").inner_text()
    page.keyboard.press("s")
    answered(page, "suivre")
    page.locator(".line.judged").wait_for()
    page.goto(f"{served.address}{HERE}")
    assert page.locator(".side .count").inner_text() == before
    assert page.locator(".line.judged").count() == 0


def test_without_javascript_the_main_path_works(served: Served, visit: Visit) -> None:
    page = visit(served, "nina", HERE, java_script_enabled=False)
    name = page.locator(".line .name").first.inner_text()
    page.locator(".line .open").first.click()
    assert page.locator("h2").first.inner_text() == name
    page.get_by_role("button", name="Suivre").click()
    answered(page, "suivre")
    page.locator("#comment").fill("Rendez-vous pris.")
    page.get_by_role("button", name="Ajouter le commentaire").click()
    assert "Rendez-vous pris." in page.locator(".history").inner_text()
    page.get_by_role("button", name="Annuler la dernière action").click()
    assert page.locator(".verdict .note.success").count() == 0
    page.goto(f"{served.address}{HERE}?q={name.split()[0]}")
    assert page.locator(".line .name").count() >= 1

"""A reader in a real browser: finds by keyboard, reads, annotates, keeps a search; and without a script."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from eclaireur.bricks.semantic.index import Document
from eclaireur.core.workspace import Workspace
from eclaireur.service import searching
from tests.desk.browser.conftest import Served, Visit
from tests.desk.browser.probing import faults
from tests.desk.browser.stage import LETTER, READER

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


def test_words_are_labelled_by_keyboard_then_by_mouse_and_undone(served: Served, visit: Visit) -> None:
    page = visit(served, "chef", f"{HERE}document/?id={LETTER}")
    page.keyboard.press("e")
    page.wait_for_url("**/annoter/texte/**")
    page.locator("#texte:focus").wait_for()
    words, labels = page.locator("#choisi"), page.locator("#texte mark")
    page.keyboard.press("Control+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.type("abc")  # nothing is ever written in the text
    page.keyboard.press("Control+Shift+ArrowRight")
    page.locator("#choisi", has_text="Choisi").wait_for()
    first = words.inner_text().partition("« ")[2].removesuffix(" »")
    page.keyboard.press("u")
    page.keyboard.press("2")
    page.wait_for_url("**fait=*")
    page.locator("#texte:focus").wait_for()
    assert [labels.inner_text(), labels.get_attribute("class")] == [first, "unsure"]

    # One goes on from there; a label among the words moves none of them.
    page.keyboard.press("Control+Shift+ArrowRight")
    page.keyboard.press("Control+Shift+ArrowRight")
    page.locator("#choisi", has_text="Choisi").wait_for()
    second = words.inner_text().partition("« ")[2].removesuffix(" »")
    page.keyboard.press("1")
    page.locator(".mine li").nth(1).wait_for()
    assert " ".join(labels.nth(1).inner_text().split()) == second
    place = page.locator("#texte").bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + 40, place["y"] + 30)
    page.mouse.down()
    page.mouse.move(place["x"] + 200, place["y"] + 140, steps=4)
    page.mouse.up()
    page.locator("#choisi", has_text="Choisi").wait_for()
    page.locator("button[name=label]").nth(2).click()
    page.locator(".mine li").nth(2).wait_for()
    for left in (2, 1, 0):
        page.keyboard.press("z")
        page.locator(".mine li:not(.empty)").nth(left).wait_for(state="detached")
        page.locator("#texte:focus").wait_for()


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

    # Words are labelled by saying them.
    page = visit(served, "chef", f"{HERE}annoter/texte/?id={LETTER}", java_script_enabled=False)
    page.locator("#de").fill("référence")
    page.locator("#a").fill(LETTER.lower())
    page.keyboard.press("Enter")
    page.locator("#choisi", has_text=LETTER).wait_for()  # a key does not wait for the page it asks for
    page.locator("button[name=label]").first.click()
    page.locator("#texte mark", has_text=LETTER).wait_for()
    page.get_by_role("button", name="Retirer").click()
    assert page.locator("#texte mark").count() == 0


def test_a_word_is_completed_and_a_period_chosen_by_keyboard_or_by_dragging(
    served: Served, visit: Visit
) -> None:
    page = visit(served, "chef", HERE)
    box = page.locator("#q")
    page.keyboard.press("r")
    page.keyboard.type("dosimètre extinc")
    page.locator("#fins [role=option]").first.wait_for()
    assert box.get_attribute("aria-expanded") == "true"
    page.keyboard.press("Escape")
    assert box.get_attribute("aria-expanded") == "false"
    page.keyboard.type("t")
    page.locator("#fins [role=option]").first.wait_for()
    page.keyboard.press("ArrowDown")
    word = page.locator("#fins [aria-selected=true]").inner_text()
    page.keyboard.press("Enter")
    assert box.input_value() == f"dosimètre {word} "
    page.keyboard.press("Enter")
    page.locator(".result mark").first.wait_for()
    page.locator("#q").fill("")
    page.keyboard.type(LETTER[:-1])
    page.locator("#fins [role=group] [role=option]").first.wait_for()
    assert not faults(page)
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url("**/document/**")
    page.goto(f"{served.address}{HERE}?q=dosim%C3%A8tre+{word}")

    bars = page.locator(".histogram a[data-at]")
    dates = [
        (one.get_attribute("data-since") or "", one.get_attribute("data-until") or "") for one in bars.all()
    ]
    bars.nth(1).focus()
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    assert dates[3][1] in page.locator("#periode").inner_text()
    page.keyboard.press("Enter")
    page.wait_for_url("**du=*")
    assert (page.locator("#du").input_value(), page.locator("#au").input_value()) == (
        dates[1][0],
        dates[3][1],
    )

    page.goto(page.url.split("?")[0])
    whole = page.locator(".histogram a[data-at]")
    dates = [
        (one.get_attribute("data-since") or "", one.get_attribute("data-until") or "") for one in whole.all()
    ]
    first, last = (whole.nth(at).locator(".hit").bounding_box() for at in (0, 2))
    assert first is not None
    assert last is not None
    page.mouse.move(first["x"] + first["width"] / 2, first["y"] + 20)
    page.mouse.down()
    page.mouse.move(last["x"] + last["width"] / 2, last["y"] + 20, steps=6)
    page.mouse.up()
    page.wait_for_url("**du=*")
    assert (page.locator("#du").input_value(), page.locator("#au").input_value()) == (
        dates[0][0],
        dates[2][1],
    )


def test_a_kept_search_tells_of_a_letter_that_comes_later(served: Served, visit: Visit) -> None:
    page = visit(served, "samir", f"{HERE}?q=tritium+ET+nappe")
    page.locator(".keep summary").click()
    page.locator("#titre").fill("Tritium dans la nappe")
    page.get_by_role("button", name="Garder").click()
    card = page.locator(".card", has_text="Tritium dans la nappe")
    assert "Rien de nouveau" in card.inner_text()

    index = searching.opened(Workspace.open(Path(served.home)), READER)
    with index.writing() as writer:
        writer.add(
            [
                Document(
                    id="INSSN-2099-0001",
                    title="INSSN-2099-0001",
                    body="Du tritium a été trouvé dans la nappe.",
                    day=date(2099, 1, 5),
                    facets={"site": ("Port-Clair",)},
                    perimeters=("Port-Clair",),
                )
            ]
        )
    page.goto(f"{served.address}{HERE}recherches/")
    assert "1 nouveau" in card.inner_text()
    card.get_by_role("link", name="INSSN-2099-0001").click()
    page.locator("h1", has_text="INSSN-2099-0001").wait_for()
    page.goto(f"{served.address}{HERE}recherches/")
    card.get_by_role("button", name="Tout est lu").click()
    assert "Rien de nouveau" in card.inner_text()
    with index.writing() as writer:
        writer.delete(["INSSN-2099-0001"])

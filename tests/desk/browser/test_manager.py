"""What a person in charge does in a real browser: share work out, take it away, draw, receive bad files."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.desk.browser.conftest import Served, Visit
from tests.desk.browser.stage import CASE

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser
HERE = f"/{CASE}/"


def told(page: Page, words: str) -> None:
    """Wait until the page says what was done."""
    page.locator("main > .note", has_text=words).first.wait_for()


def test_lines_are_shared_out_in_bulk_by_keyboard_and_mouse(served: Served, visit: Visit) -> None:
    dossiers = served.list_of(1)["dossiers"]
    page = visit(served, "rosa", HERE)
    page.locator(f'#fiche [data-dossier="{dossiers[0]}"]').wait_for()
    page.keyboard.press("x")
    for _ in range(3):
        page.keyboard.press("j")
    page.keyboard.press("Shift+X")
    assert page.locator("[data-chosen]").inner_text() == "4"
    page.locator("#to").select_option(label="Rosa Lebrun")
    page.locator("#lot button.main").click()
    told(page, "4 établissements modifiés : confié à Rosa Lebrun.")
    assert page.locator(".line .state", has_text="Rosa Lebrun").count() == 4

    page.locator(f'.line[data-dossier="{dossiers[5]}"] input').check()
    page.locator(f'.line[data-dossier="{dossiers[6]}"] input').check()
    page.locator("#act").select_option("set_aside")
    page.locator("#lot-reason").select_option("closed")
    page.locator("#lot-text").fill("Fermés depuis l'été.")
    page.locator("#lot button.main").click()
    told(page, "2 établissements modifiés : mauvaise cible.")
    assert page.locator(".line.judged .tag.good", has_text="mauvaise cible").count() == 2


def test_one_line_is_given_from_its_sheet(served: Served, visit: Visit) -> None:
    number = served.list_of(1)["dossiers"][8]
    page = visit(served, "rosa", f"{HERE}dossiers/{number}/")
    page.locator("#assign").select_option(label="Rosa Lebrun")
    page.get_by_role("button", name="Confier", exact=True).click()
    page.locator(".sheet-head", has_text="confié à Rosa Lebrun").wait_for()


@pytest.mark.parametrize(
    ("form", "start"),
    [
        ("XLSX", b"PK"),
        ("ODS", b"PK"),
        ("CSV", b"\xef\xbb\xbf"),
        ("PDF", b"%PDF"),
        ("GEOJSON", b"{"),
        ("GPKG", b"SQLite"),
    ],
)
def test_a_list_is_taken_away(form: str, start: bytes, served: Served, visit: Visit, tmp_path: Path) -> None:
    page = visit(served, "rosa", HERE, accept_downloads=True)
    page.locator(".head summary", has_text="Plus").click()
    with page.expect_download() as waited:
        page.locator(".head .menu").get_by_role("link", name=form, exact=True).click()
    path = tmp_path / "taken"
    waited.value.save_as(path)
    assert waited.value.suggested_filename.endswith(f".{form.lower()}")
    assert path.read_bytes().startswith(start)


def test_a_draw_shows_what_it_reaches_and_opens_its_list(served: Served, visit: Visit) -> None:
    page = visit(served, "rosa", f"{HERE}tirage/")
    before = page.locator("#atteint").inner_text()
    page.locator("#capacity").fill("7")
    page.wait_for_function("before => document.querySelector('#atteint').innerText !== before", arg=before)

    page.locator("#title").fill("Liste de renfort")
    page.locator("#random").fill("beaucoup")
    page.get_by_role("button", name="Tirer la liste").click()
    page.locator(".field.wrong #random").wait_for()
    assert page.locator("#title").input_value() == "Liste de renfort"
    assert page.locator("#capacity").input_value() == "7"

    page.locator("#random").fill("20")
    page.get_by_role("button", name="Tirer la liste").click()
    told(page, "Liste tirée : 7 lignes à traiter.")
    assert page.locator(".line").count() == 7
    assert page.locator(".line .risk", has_text="rang").count() == 0, "a rank shows before any verdict"


def test_two_people_sign_with_the_keyboard_what_the_first_one_read(served: Served, visit: Visit) -> None:
    page = visit(served, "denis", f"{HERE}projet/")
    page.locator("#avant").fill("10")
    page.locator("#apres").fill("20")
    page.keyboard.press("Enter")
    page.locator("[role=status]", has_text="199 dossiers dans chaque groupe").wait_for()
    for login in ("denis", "chef"):
        page = visit(served, login, f"{HERE}projet/")
        sign = page.locator("summary", has_text="Signer")
        if login == "denis":
            sign.press("Enter")
        page.locator("#choice").focus()
        page.keyboard.type("poursuivre")
        page.keyboard.press("Tab")
        page.keyboard.type("Pas encore assez d’avis pour conclure.")
        page.keyboard.press("Tab")
        if login == "chef":  # the box that would start again on today's figures
            page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        told(page, "Signé. Une deuxième personne doit signer." if login == "denis" else "Décision prise.")
    assert "Décision : poursuivre l’essai" in page.locator("main").inner_text()


def test_a_trial_is_announced_begun_and_told_of_at_its_end(served: Served, visit: Visit) -> None:
    page = visit(served, "denis", f"{HERE}humain/")
    page.locator("summary", has_text="Annoncer un essai").press("Enter")
    today = page.locator("#starts").get_attribute("min") or ""
    page.locator("#starts").fill(today)
    page.locator("#ends").fill(today)
    page.locator("#share").fill("60")
    page.locator("#announcement").fill("Nous mesurons si nous suivons la machine quand elle se trompe.")
    page.get_by_role("button", name="Annoncer", exact=True).click()
    page.locator(".field.wrong #share").wait_for()
    assert page.locator("#announcement").input_value().startswith("Nous mesurons")
    page.locator("#share").fill("20")
    page.get_by_role("button", name="Annoncer", exact=True).click()
    page.get_by_role("button", name="Commencer l’essai").click()
    page.get_by_role("link", name="Ouvrir la liste de l’essai").click()
    assert page.locator(".line").count() == 40
    page.goto(f"{served.address}{HERE}humain/")
    page.get_by_role("button", name="Terminer l’essai").click()
    page.locator("summary", has_text="Annoncer un essai").wait_for()


def test_hostile_files_end_refused_with_a_reason(served: Served, visit: Visit) -> None:
    bomb = io.BytesIO()
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("contrôles.csv", b"a;b\n" * 100_000_000)
    for name, content in (
        ("bombe.zip", bomb.getvalue()),
        ("facture.csv", b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"),
        ("<img src=x onerror=alert(1)>.xlsx", b"PK\x03\x04 not a workbook"),
    ):
        page = visit(served, "chef", f"{HERE}connecter/")
        page.locator("#file").set_input_files({"name": name, "mimeType": "text/csv", "buffer": content})
        page.get_by_role("button", name="Envoyer et vérifier").click()
        error = page.locator(".note.error[role=alert]")
        error.wait_for()
        said = error.inner_text()
        assert "refusé" in said, said
        assert len(said) > len(name) + 40, "no reason is given"
        assert page.locator("main img").count() == 0


def test_a_case_that_is_stopped_shows_no_rank_and_draws_nothing(served: Served, visit: Visit) -> None:
    page = visit(served, "chef", f"{HERE}suspendre/")
    page.locator("#reason").fill("Les données de mai sont fausses.")
    page.get_by_role("button", name="Suspendre maintenant").click()
    try:
        page.goto(f"{served.address}{HERE}?portee=classement")
        said = page.locator("main .truth.stopped").first.inner_text()
        assert "Claire Hébert" in said
        assert "Les données de mai sont fausses." in said
        assert page.locator(".line .risk").count() == 0
        page.goto(f"{served.address}{HERE}tirage/")
        assert page.get_by_role("button", name="Tirer la liste").is_disabled()
    finally:
        page.goto(f"{served.address}{HERE}suspendre/")
        page.locator("#reason").fill("Elles sont corrigées.")
        page.get_by_role("button", name="Reprendre").click()
    page.goto(f"{served.address}{HERE}?portee=classement")
    assert page.locator("main .truth.stopped").count() == 0

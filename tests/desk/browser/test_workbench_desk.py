"""A researcher at the workbench in a real browser: loads a file, takes away, compares, draws a zone."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.desk.browser.conftest import Served, Visit
from tests.desk.browser.stage import BENCH, ZONES, event_table

pytestmark = pytest.mark.browser
HERE = f"/{BENCH}/"


def test_a_file_is_loaded_analysed_and_taken_away(served: Served, visit: Visit, tmp_path: Path) -> None:
    page = visit(served, "chef", "/")
    card = page.locator(".card", has=page.get_by_role("heading", name="Effets indésirables des médicaments"))
    card.get_by_role("link", name="Ouvrir l’établi").click()
    page.get_by_role("link", name="Analyser un fichier").click()
    page.locator("#file-p").set_input_files(
        {"name": "mes événements.csv", "mimeType": "text/csv", "buffer": event_table()}
    )
    page.get_by_role("button", name="Lancer le calcul").click()
    page.wait_for_url("**/calculs/**")
    here = page.url
    # The page is left while it goes on, and the calculation is found again.
    page.goto(f"{served.address}{HERE}calculs/")
    page.get_by_role("link", name="mes événements.csv").first.click()
    assert page.url == here
    page.get_by_role("link", name="Tableau", exact=False).first.wait_for()
    page.keyboard.press("2")
    page.wait_for_url("**onglet=tableau")
    assert page.get_by_text("aucun événement : cette personne").count() >= 1
    for form in ("CSV", "XLSX", "PARQUET", "PDF"):
        with page.expect_download() as taken:
            page.locator(".takes").get_by_role("link", name=form, exact=True).click()
        path = tmp_path / taken.value.suggested_filename
        taken.value.save_as(path)
        assert path.stat().st_size > 500, form
    with page.expect_download() as taken:
        page.get_by_role("link", name="carnet qui refait ce calcul").click()
    taken.value.save_as(tmp_path / "carnet.ipynb")
    assert json.loads((tmp_path / "carnet.ipynb").read_text())["nbformat"] == 4


def test_parameters_are_changed_by_keyboard_and_two_runs_compared(served: Served, visit: Visit) -> None:
    page = visit(served, "chef", f"{HERE}calculs/{served.runs[0]}/")
    page.keyboard.press("c")
    assert page.evaluate("document.activeElement.id") == "source-p"
    page.keyboard.press("Tab")
    page.keyboard.press("Control+A")
    page.keyboard.type("10")
    page.keyboard.press("Enter")
    page.wait_for_url(lambda url: "/calculs/" in url and served.runs[0] not in url)
    page.get_by_role("heading", name="risque de « éruption »").first.wait_for()
    page.locator("#avec").select_option(served.runs[1])
    page.get_by_role("button", name="Comparer").click()
    page.get_by_role("heading", name="Comparer deux calculs").wait_for()
    changed = page.locator("tr.changed", has_text="Fenêtre de risque").inner_text()
    assert "10 jours" in changed
    assert "21 jours" in changed


def test_a_zone_is_drawn_by_keyboard_and_studied(served: Served, visit: Visit) -> None:
    page = visit(served, "chef", f"/{ZONES}/rapports/")
    page.locator("#metier-zone").fill("boulangerie")
    page.get_by_role("button", name="Dessiner sur la carte").click()
    frame = page.locator("[data-zone-map][data-drawn] canvas").first
    frame.wait_for()
    page.wait_for_function("document.activeElement.tagName === 'CANVAS'")
    field = page.locator("#zone-zone")
    page.keyboard.press("Enter")
    for arrows in (["ArrowRight"] * 2, ["ArrowDown"] * 2):
        for key in arrows:
            page.keyboard.press(key)
            page.wait_for_timeout(400)
        page.keyboard.press("Enter")
    page.get_by_text("Zone de 3 sommets.").wait_for()
    assert len(json.loads(field.input_value())["coordinates"][0]) == 4
    page.get_by_role("button", name="Ôter le dernier sommet").click()
    page.get_by_text("2 sommets : il en faut trois").wait_for()
    box = frame.bounding_box()
    assert box is not None
    page.get_by_role("button", name="Effacer la zone").click()
    assert field.input_value() == ""
    for key in ("ArrowLeft", "ArrowLeft", "ArrowUp", "ArrowUp"):
        frame.press(key)
        page.wait_for_timeout(400)
    for across, down in ((0.05, 0.1), (0.8, 0.1), (0.8, 0.9), (0.05, 0.85)):
        frame.click(position={"x": box["width"] * across, "y": box["height"] * down})
    page.get_by_text("Zone de 4 sommets.").wait_for()
    page.locator("#r-zone").get_by_role("button", name="Établir").click()
    page.wait_for_url("**/rapports/*-*/*")
    body = page.locator(".report-body, .note.error")
    body.wait_for(timeout=60_000)
    assert "Boulangerie : Zone dessinée" in body.inner_text()


def test_without_javascript_a_calculation_is_asked_for_and_read(served: Served, visit: Visit) -> None:
    page = visit(served, "chef", f"{HERE}?methode=signals", java_script_enabled=False)
    page.locator("#least-p").fill("0")
    page.get_by_role("button", name="Lancer le calcul").click()
    assert "au moins 1" in page.locator("#least-p-erreur").inner_text()
    page.locator("#least-p").fill("4")
    page.get_by_role("button", name="Lancer le calcul").click()
    page.get_by_role("link", name="Résumé").wait_for(timeout=60_000)  # the page asks anew by itself
    page.get_by_role("link", name="Tableau").click()
    assert page.locator("tbody tr").count() > 3


def test_paper_shows_the_result_and_not_the_form(served: Served, visit: Visit) -> None:
    page = visit(
        served,
        "chef",
        f"{HERE}calculs/{served.runs[0]}/?onglet=tout",
        viewport={"width": 794, "height": 1123},
    )
    page.emulate_media(media="print")
    for frame in (".bar", ".side", ".foot", ".bench-left", ".tabs", "main button"):
        assert page.locator(f"{frame}:visible").count() == 0, frame
    assert page.locator("svg.figure:visible").count() >= 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

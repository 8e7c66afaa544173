"""From an empty desk to a first list: the administrator's link, an account, a file of one's own."""

from __future__ import annotations

import csv
import io
import random
from datetime import date, timedelta
from urllib.parse import urlsplit

import pytest

from tests.desk.browser.conftest import Served, Visit
from tests.desk.browser.stage import CASE

pytestmark = pytest.mark.browser
HERE = f"/{CASE}/"
SECRET = "trois tasses de café noir"


def _visits() -> bytes:
    """Two years of visits of 60 made-up establishments, some more careless than others."""
    rng = random.Random(11)
    careless = {f"E{number:03}": rng.betavariate(1, 4) for number in range(60)}
    text = io.StringIO()
    writer = csv.writer(text, delimiter=";")
    writer.writerow(["Identifiant de l'établissement", "Date du contrôle", "Résultat du contrôle", "Agent"])
    for week in range(104):
        for who in rng.sample(sorted(careless), 8):
            day = date(2024, 1, 1) + timedelta(days=7 * week + rng.randrange(5))
            bad = rng.random() < careless[who]
            writer.writerow([who, f"{day:%d/%m/%Y}", "À améliorer" if bad else "Satisfaisant", "a1"])
    return text.getvalue().encode("cp1252")


def test_from_an_empty_desk_to_a_first_list_of_ones_own(newly_served: Served, visit: Visit) -> None:
    desk = newly_served
    admin = visit(desk, path=desk.link)
    admin.locator("[name=login]").fill("alice")
    admin.locator("[name=full_name]").fill("Alice Blanc")
    admin.locator("[name=password]").fill(SECRET)
    admin.locator("[name=again]").fill(SECRET)
    admin.get_by_role("button", name="Créer ce compte et entrer").click()
    admin.locator("h1", has_text="Bonjour Alice Blanc").wait_for()

    admin.goto(f"{desk.address}/administration/comptes/ajouter/")
    admin.locator("[name=login]").fill("rosa")
    admin.locator("[name=full_name]").fill("Rosa Lebrun")
    admin.get_by_role("button", name="Créer le compte").click()
    link = admin.locator("#lien").input_value()
    assert link.startswith(desk.address)
    admin.locator("[name=role][value=manager]").check()
    admin.locator("select[name=case]").select_option(CASE)
    admin.get_by_role("button", name="Donner ce droit").click()
    admin.locator(".note", has_text="Droit donné").wait_for()

    page = visit(desk, path=urlsplit(link).path)
    page.locator("[name=password]").fill(SECRET)
    page.locator("[name=again]").fill(SECRET)
    page.get_by_role("button", name="Enregistrer et entrer").click()
    page.locator("h1", has_text="Bonjour Rosa Lebrun").wait_for()
    assert visit(desk, path=urlsplit(link).path).locator("main", has_text="ne sert plus").count() == 1

    page.get_by_role("link", name="Connecter des données").click()
    page.locator("#file").set_input_files(
        {"name": "contrôles.csv", "mimeType": "text/csv", "buffer": _visits()}
    )
    page.get_by_role("button", name="Envoyer et vérifier").click()
    page.locator("h1", has_text="Vérifier les colonnes").wait_for()
    assert page.locator("#c-date").input_value() == "Date du contrôle"
    assert page.locator("#apercu ~ .scroll tbody tr").count() >= 5
    page.get_by_role("button", name="Enregistrer ces colonnes").click()
    page.get_by_role("button", name="Calculer la première liste").click()
    page.get_by_role("link", name="Tirer la première liste").wait_for(timeout=120_000)
    page.get_by_role("link", name="Tirer la première liste").click()
    page.locator("#capacity").fill("10")
    page.get_by_role("button", name="Tirer la liste").click()
    page.locator(".note", has_text="10 lignes à traiter").wait_for()
    assert page.locator(".line").count() == 10
    assert page.locator(".line .why span").count() >= 1

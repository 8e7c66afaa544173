"""The statement of accessibility says what the grid says, and the grid says what is tested."""

from __future__ import annotations

import io
import re
import zipfile
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from eclaireur.core.config import Settings
from eclaireur.core.odt import write_odt
from eclaireur.core.view import Chart, Column, Series, Table
from eclaireur.desk.accessibility import STATES, Criterion, Statement, grid, statement
from eclaireur.desk.pages import accessibility

ROOT = Path(__file__).resolve().parents[2]
CRITERIA = {1: 9, 2: 2, 3: 3, 4: 13, 5: 8, 6: 2, 7: 5, 8: 10, 9: 4, 10: 14, 11: 13, 12: 11, 13: 12}
"""Themes of the RGAA 4.1.2, and how many criteria each has."""


def test_the_grid_has_each_criterion_once_and_says_how_its_state_is_known() -> None:
    wanted = [f"{theme}.{number}" for theme, most in CRITERIA.items() for number in range(1, most + 1)]
    assert [one.number for one in grid()] == wanted
    for one in grid():
        assert one.state in STATES, one.number
        assert one.about, one.number
        assert one.how.endswith((".", ")")), one.number
        for name in re.findall(r"tests/[\w/]+\.py", one.how):
            assert (ROOT / name).exists(), one.number


def test_what_nobody_looked_at_counts_as_missed() -> None:
    rows = [
        Criterion(f"1.{n}", "Images", "x", state, "y") for n, state in enumerate(("met", "open", "absent"))
    ]
    assert (Statement(rows).rate, Statement(rows).conformity) == (0.5, "partiellement conforme")
    assert Statement([*rows, rows[1]]).conformity == "non conforme"
    assert Statement(rows[::2]).conformity == "totalement conforme"


@pytest.mark.django_db
def test_anybody_reads_the_statement_from_the_foot_of_each_page(monkeypatch: pytest.MonkeyPatch) -> None:
    told = statement()
    foot = f'<a href="/accessibilite/">Accessibilité : {told.conformity}</a>'
    for address in ("/connexion/", "/fiches/", "/accessibilite/", "/nulle-part/"):
        assert foot in Client().get(address).content.decode(), address
    page = Client().get("/accessibilite/").content.decode()
    assert f"{told.met} des {told.applicable} critères" in page
    assert page.count('<th scope="row">') == len(told.lacking) + len(told.criteria)
    assert "pas encore indiqué à qui écrire" in page
    chosen = Settings(
        administration="La préfecture de l’Exemple", accessibility_contact="acces@ddpp.exemple.fr"
    )
    monkeypatch.setattr(accessibility, "workspace", lambda: SimpleNamespace(settings=chosen))
    page = Client().get("/accessibilite/").content.decode()
    assert "écrivez à acces@ddpp.exemple.fr" in page
    assert "La préfecture de l’Exemple s’engage" in page


def _routes(resolver: URLResolver, before: str = "") -> list[str]:
    found = []
    for one in resolver.url_patterns:
        route = before + str(one.pattern)
        found += [route] if isinstance(one, URLPattern) else _routes(one, route)
    return found


def test_each_pdf_has_a_version_that_a_screen_reader_reads() -> None:
    routes = set(_routes(get_resolver()))
    of_pages = {"<case:case>/dossiers/<int:pk>/fiche.pdf": "<case:case>/dossiers/<int:pk>/"}
    pdf = [one for one in routes if one.endswith(".pdf")]
    assert len(pdf) > len(of_pages)
    for one in pdf:
        kinds = {one.removesuffix("pdf") + kind for kind in ("odt", "ods", "html")}
        assert kinds & routes or of_pages.get(one) in routes, one


def test_a_text_document_has_its_language_titles_and_headers() -> None:
    table = Table(title="Suites", columns=(Column(key="a", title="Année"),), rows=[{"a": "2026"}])
    line = Series(name="Avis", x=(1.0, 2.0), y=(3.0, 4.0))
    chart = Chart(
        title="Avis par mois",
        form="line",
        text="Quatre avis.",
        x_title="Mois",
        y_title="Avis",
        series=(line,),
    )
    target = io.BytesIO()
    write_odt([table, chart], target, title="Compte rendu", mentions={})
    parts: dict[str, Any] = {}
    with zipfile.ZipFile(target) as archive:
        parts = {name: archive.read(name).decode() for name in archive.namelist()}
    assert "fr-FR</dc:language>" in parts["meta.xml"]
    assert parts["styles.xml"].count('fo:language="fr"') == 2
    content = parts["content.xml"]
    assert re.findall(r'outline-level="(\d)">([^<]+)', content) == [
        ("1", "Compte rendu"),
        ("2", "Suites"),
        ("2", "Avis par mois"),
    ]
    assert [content.count(one) for one in ("<table:table ", "<table:table-header-rows>")] == [2, 2]
    assert "Quatre avis." in content  # a chart is its sentence and its numbers

"""Every page of the desk in a browser: none is forgotten, none has a fault of accessibility or of width."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID

import html5lib  # type: ignore[import-untyped]
import pytest
from django.urls import URLPattern, URLResolver, get_resolver

from eclaireur.service.algorithm_sheet import FORMS as SHEETS
from eclaireur.service.registers import REGISTERS
from tests.desk.browser.conftest import Served, Visit
from tests.desk.browser.probing import cut_when, faults, photograph, unseen_focus
from tests.desk.browser.stage import ANSWERS, BENCH, CASE, INTAKE, READER, ROUTED, ZONES

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


@dataclass(frozen=True)
class Probe:
    """A page: its route, who reads it, its address, and what to do before it is looked at."""

    route: str
    login: str
    path: str
    press: tuple[str, ...] = ()
    click: str = ""
    wait: str = ""
    status: int = 200
    narrow: bool = True  # probed anew in a narrow window; else its width alone


_CASE = "<case:case>/"
_DOSSIER = f"{_CASE}dossiers/<int:pk>/"
_READER = "<reader:case>/"
_BENCH = "<bench:case>/"
_INTAKE = "<intake:case>/"
_SHEET = "#fiche [data-dossier]"
PROBES: dict[str, Probe] = {
    "accueil": Probe("", "chef", "/"),
    "liste": Probe(_CASE, "chef", f"/{CASE}/?liste={{list}}", wait=_SHEET),
    "liste_ecarter": Probe(_CASE, "chef", f"/{CASE}/?liste={{list}}", ("e",), wait="#ecarter[open]"),
    "liste_touches": Probe(_CASE, "chef", f"/{CASE}/?liste={{list}}", ("?",), wait="#touches[open]"),
    "liste_lot": Probe(_CASE, "chef", f"/{CASE}/?liste={{list}}", ("j", "x"), wait="#lot:not([hidden])"),
    "liste_filtres": Probe(
        _CASE, "chef", f"/{CASE}/?liste={{list}}", click=".filters summary", wait="#filtres select"
    ),
    "liste_plus": Probe(
        _CASE, "chef", f"/{CASE}/?liste={{list}}", click=".head summary", wait=".head [open]"
    ),
    "liste_vide": Probe(_CASE, "chef", f"/{CASE}/?q=introuvable", wait=".line.empty, .lines .empty"),
    "carte": Probe(_CASE, "chef", f"/{CASE}/?liste={{list}}", ("m",), wait="#carte:not([hidden]) *"),
    "classement": Probe(_CASE, "chef", f"/{CASE}/?portee=classement", wait=_SHEET),
    "suites": Probe(_CASE, "chef", f"/{CASE}/?portee=suivi", wait=_SHEET),
    "fiche": Probe(_DOSSIER, "chef", f"/{CASE}/dossiers/{{dossier}}/"),
    "lettre": Probe(
        f"{_DOSSIER}lettres/<slug:template>/", "chef", f"/{CASE}/dossiers/{{dossier}}/lettres/prior/"
    ),
    "oubli": Probe(f"{_CASE}manque/", "chef", f"/{CASE}/manque/"),
    "tirage": Probe(f"{_CASE}tirage/", "chef", f"/{CASE}/tirage/"),
    "suspendre": Probe(f"{_CASE}suspendre/", "chef", f"/{CASE}/suspendre/"),
    "entrainement": Probe(f"{_CASE}entrainement/", "chef", f"/{CASE}/entrainement/", wait=_SHEET),
    "lire": Probe("lire/", "chef", "/lire/", click="details.more summary", wait="#sheet"),
    "lecture": Probe("lire/<uuid:pk>/", "chef", "/lire/{readings[0]}/"),
    "lecture_document": Probe("lire/<uuid:pk>/", "chef", "/lire/{readings[1]}/"),
    "lecture_effacee": Probe("lire/<uuid:pk>/", "chef", f"/lire/{UUID(int=1)}/", status=410),
    "connecter": Probe(f"{_CASE}connecter/", "chef", f"/{CASE}/connecter/"),
    "colonnes": Probe(f"{_CASE}connecter/<int:pk>/", "chef", f"/{CASE}/connecter/{{upload}}/"),
    "calcul": Probe(f"{_CASE}connecter/calcul/<uuid:pk>/", "chef", f"/{CASE}/connecter/calcul/{{job}}/"),
    "sujet": Probe("sujets/<slug:kind>/<path:key>/", "chef", "/sujets/{kind}/{key}/"),
    "recherche": Probe("recherche/", "chef", "/recherche/?q=le"),
    "chercher": Probe(
        _READER,
        "chef",
        f"/{READER}/?q=extinteurs+dosimètre&f-site=Port-Clair",
        click=".operators summary",
        wait=".operators dl",
    ),
    "recherches": Probe(f"{_READER}recherches/", "chef", f"/{READER}/recherches/"),
    "document": Probe(f"{_READER}document/", "chef", f"/{READER}/document/?id=INSSN-2024-0053&q=extincteurs"),
    "page_du_pdf": Probe(
        f"{_READER}document/page/", "chef", f"/{READER}/document/page/?id=INSSN-2024-0053&q=extincteurs"
    ),
    "originaux": Probe(f"{_READER}originaux/", "chef", f"/{READER}/originaux/"),
    "comparaison": Probe(
        f"{_READER}comparer/",
        "chef",
        f"/{READER}/comparer/?gauche=INSSN-2024-0053&droite=INSSN-2024-0054",
        narrow=False,
    ),
    "annotations": Probe(f"{_READER}annoter/", "chef", f"/{READER}/annoter/?document=INSSN-2024-0053"),
    "annoter": Probe(
        f"{_READER}annoter/", "chef", f"/{READER}/annoter/?phrase={{passage}}", wait="form.labels fieldset"
    ),
    "mots": Probe(
        f"{_READER}annoter/texte/",
        "chef",
        f"/{READER}/annoter/texte/?id=INSSN-2024-0053",
        ("Control+Shift+ArrowRight",),
        wait=".tools.ready",
    ),
    "rapports": Probe(f"{_CASE}rapports/", "chef", f"/{READER}/rapports/"),
    "rapport": Probe(
        f"{_CASE}rapports/<uuid:pk>/", "chef", f"/{READER}/rapports/{{report}}/", wait=".report-body"
    ),
    "etabli": Probe(
        _BENCH,
        "chef",
        f"/{BENCH}/?methode=analyse-fichier",
        click="details.data summary",
        wait="details.data dl",
    ),
    "etabli_vide": Probe(_BENCH, "samir", f"/{BENCH}/?methode=signals", narrow=False),
    "calculs": Probe(f"{_CASE}calculs/", "chef", f"/{BENCH}/calculs/"),
    "resultat": Probe(f"{_CASE}calculs/<uuid:pk>/", "chef", f"/{BENCH}/calculs/{{runs[0]}}/?onglet=tout"),
    "resultat_fichier": Probe(
        f"{_CASE}calculs/<uuid:pk>/", "chef", f"/{BENCH}/calculs/{{runs[2]}}/?onglet=tableau"
    ),
    "comparaison_calculs": Probe(
        f"{_CASE}calculs/comparer/", "chef", f"/{BENCH}/calculs/comparer/?c={{runs[0]}}&c={{runs[1]}}"
    ),
    "zone": Probe(
        f"{_CASE}rapports/",
        "chef",
        f"/{ZONES}/rapports/",
        click="[data-zone-draw]",
        wait="[data-zone-map] canvas",
        narrow=False,
    ),
    "fiches": Probe("fiches/", "", "/fiches/"),
    "accessibilite": Probe(
        "accessibilite/", "", "/accessibilite/", click="details.more summary", wait="details[open] table"
    ),
    "fiche_publique": Probe("fiches/<case:case>/", "", f"/fiches/{CASE}/"),
    "fiche_algorithme": Probe(f"{_CASE}fiche/", "chef", f"/{CASE}/fiche/?niveau=expert"),
    "explication": Probe(
        f"{_DOSSIER}explication/<int:number>/",
        "chef",
        f"/{CASE}/dossiers/{{explained[0]}}/explication/{{explained[1]}}/",
    ),
    "humain": Probe(f"{_CASE}humain/", "chef", f"/{CASE}/humain/"),
    "projet": Probe(f"{_CASE}projet/", "chef", f"/{CASE}/projet/?avant=10&apres=20"),
    "registres": Probe("registres/", "chef", "/registres/"),
    "contester": Probe("contester/", "", f"/contester/?cas={CASE}"),
    "contester_suivi": Probe("contester/suivi/", "", "/contester/suivi/"),
    "contestations": Probe(f"{_CASE}contestations/", "chef", f"/{CASE}/contestations/"),
    "contestation": Probe(f"{_CASE}contestations/<int:pk>/", "chef", f"/{CASE}/contestations/{{contest}}/"),
    "boite": Probe(_INTAKE, "chef", f"/{ROUTED}/"),
    "boite_vide": Probe(_INTAKE, "samir", f"/{INTAKE}/?texte=introuvable", narrow=False),
    "message": Probe(
        f"{_INTAKE}messages/<int:pk>/",
        "chef",
        f"/{INTAKE}/messages/{{mails[0]}}/",
        click=".edit summary",
        wait="#text",
    ),
    "message_oriente": Probe(
        f"{_INTAKE}messages/<int:pk>/",
        "chef",
        f"/{ROUTED}/messages/{{routed[3]}}/",
        click=".why summary",
        wait=".why ul",
    ),
    "envois": Probe(f"{_INTAKE}envois/", "chef", f"/{INTAKE}/envois/"),
    "question": Probe(
        f"{_INTAKE}question/",
        "chef",
        f"/{ANSWERS}/question/",
        click="form.answer summary",
        wait="#s-audience",
    ),
    "comparaisons": Probe(f"{_INTAKE}comparaisons/", "chef", f"/{ANSWERS}/comparaisons/"),
    "comparaison_aveugle": Probe(
        f"{_INTAKE}comparaisons/<int:pk>/", "chef", f"/{ANSWERS}/comparaisons/{{campaigns[0]}}/"
    ),
    "comparaison_finie": Probe(
        f"{_INTAKE}comparaisons/<int:pk>/", "chef", f"/{ANSWERS}/comparaisons/{{campaigns[1]}}/"
    ),
    "regles": Probe(f"{_INTAKE}regles/", "chef", f"/{ROUTED}/regles/"),
    "chiffres": Probe(f"{_INTAKE}chiffres/", "chef", f"/{ROUTED}/chiffres/"),
    "catalogue": Probe("catalogue/", "samir", "/catalogue/"),
    "taches": Probe("taches/", "chef", "/taches/"),
    "tache": Probe("taches/<uuid:pk>/", "chef", "/taches/{failed}/"),
    "compte": Probe("compte/", "chef", "/compte/"),
    "second_facteur": Probe("compte/second-facteur/", "chef", "/compte/second-facteur/"),
    "code": Probe("connexion/code/", "awaited", "/connexion/code/", narrow=False),
    "connexion": Probe("connexion/", "", "/connexion/"),
    "acces": Probe("acces/<str:token>/", "", "{invitation}"),
    "comptes": Probe("administration/", "alice", "/administration/"),
    "ajouter": Probe("administration/comptes/ajouter/", "alice", "/administration/comptes/ajouter/"),
    "droits": Probe("administration/comptes/<int:number>/", "alice", "/administration/comptes/{person}/"),
    "cles": Probe("administration/cles/", "alice", "/administration/cles/"),
    "connexions": Probe("administration/connexions/", "alice", "/administration/connexions/"),
    "api": Probe("api/v1/", "samir", "/api/v1/", narrow=False),
    "absente": Probe("", "chef", "/nulle-part/", status=404),
    "lien_use": Probe("acces/<str:token>/", "", "/acces/vieux/", status=410),
}
"""Pages and their states; the same page may come several times."""

NO_PAGES = {
    **dict.fromkeys(
        (
            "deconnexion/",
            "compte/sessions/",
            "compte/mot-de-passe/",
            "compte/affichage/",
            "administration/comptes/<int:number>/fiche/",
            "administration/comptes/<int:number>/etat/",
            "administration/comptes/<int:number>/droits/",
            "administration/comptes/<int:number>/droits/<int:grant>/retirer/",
            "administration/cles/<int:number>/revoquer/",
            f"{_CASE}listes/<int:pk>/fermer/",
            "taches/<uuid:pk>/annuler/",
            "taches/<uuid:pk>/relancer/",
            f"{_CASE}calculer/",
            f"{_CASE}calculs/<uuid:pk>/annuler/",
            f"{_CASE}calculs/<uuid:pk>/avis/",
            f"{_CASE}entrainement/ouvrir/",
            f"{_CASE}connecter/calculer/",
            "lire/<uuid:pk>/effacer/",
            "lire/<uuid:pk>/connecter/",
            *(f"{_DOSSIER}{act}/" for act in ("avis", "utile", "annuler", "etape", "assigner", "commenter")),
            f"{_CASE}colonnes/",
            f"{_CASE}lot/",
            f"{_READER}document/original/",
        ),
        "an act: it answers with a page above",
    ),
    **dict.fromkeys(
        (
            *(
                f"{_CASE}{part}{name}.geojson"
                for part in ("", "entrainement/")
                for name in ("listes/<int:pk>/carte", "classement/carte", "fond")
            ),
            f"{_CASE}lieux.geojson",
            f"{_READER}document/page.png",
            *(
                f"{_CASE}listes/<int:pk>/export.{form}"
                for form in ("csv", "xlsx", "ods", "pdf", "geojson", "gpkg")
            ),
            "fichiers/<int:pk>/",
            "lire/<uuid:pk>/<str:name>",
            f"{_DOSSIER}fiche.pdf",
            *(f"{_CASE}projet/dossier.{form}" for form in ("pdf", "odt")),
            *(f"registres/{name}.{form}" for name in REGISTERS for form in ("csv", "json")),
            *(f"{_DOSSIER}explication/<int:number>/explication.{form}" for form in ("pdf", "odt")),
            *(f"{part}fiche.{form}" for part in ("fiches/<case:case>/", f"{_CASE}fiche/") for form in SHEETS),
            *(f"{_READER}annoter/annotations.{form}" for form in ("json", "zip")),
            f"{_READER}annoter/non-reprises.csv",
            *(f"{_CASE}rapports/<uuid:pk>/rapport.{form}" for form in ("pdf", "odt", "xlsx", "ods", "csv")),
            *(
                f"{_CASE}calculs/<uuid:pk>/resultat.{form}"
                for form in ("csv", "xlsx", "ods", "parquet", "pdf", "odt", "zip")
            ),
            f"{_CASE}calculs/<uuid:pk>/donnees.csv",
            f"{_CASE}calculs/<uuid:pk>/carnet.ipynb",
        ),
        "a file",
    ),
    f"{_READER}completer/": "words for the search box",
    f"{_CASE}tirage/apercu/": "a part of the page of a draw",
    "demonstration/<str:token>/": "leads to the list",
    "connexion/identite/": "leads to the identity provider",
    "connexion/identite/retour/": "leads to the page that was asked",
}
"""Addresses that show no page of their own, and why."""


def _routes(resolver: URLResolver, before: str = "") -> Iterator[str]:
    for one in resolver.url_patterns:
        route = before + str(one.pattern)
        if isinstance(one, URLPattern):
            yield route
        elif route != "api/":
            yield from _routes(one, route)


def test_every_address_of_the_desk_is_probed_or_shows_no_page() -> None:
    known = {probe.route for probe in PROBES.values()} - {"api/v1/"} | set(NO_PAGES)
    assert known == set(_routes(get_resolver()))


def address_of(served: Served, probe: Probe) -> str:
    mine = served.list_of(5)
    kind, _, key = mine["subjects"][0].partition(":")
    return probe.path.format(
        list=mine["list"],
        dossier=mine["dossiers"][0],
        kind=kind,
        key=key,
        upload=served.upload,
        readings=served.readings,
        job=served.job,
        failed=served.failed,
        report=served.report,
        passage=served.passage,
        runs=served.runs,
        contest=served.contest,
        explained=served.explained,
        mails=served.mails,
        routed=served.routed,
        campaigns=served.campaigns,
        invitation=served.invitation,
        person=served.people["lou"],
    )


def _ready(page: Page, probe: Probe, *, wide: bool) -> None:
    """Bring the page to the state that is looked at."""
    if probe.wait == _SHEET and not wide:
        return  # a narrow window opens a sheet as a page of its own
    if wide and probe.route in {_CASE, f"{_CASE}entrainement/"} and page.locator(".line .open").count():
        page.locator(_SHEET).wait_for()
    for key in probe.press:
        page.keyboard.press(key)
    if probe.click:
        page.locator(probe.click).first.click()
    if probe.wait and (wide or probe.press != ("e",)):
        page.locator(probe.wait).first.wait_for()


@pytest.mark.parametrize("name", PROBES)
def test_a_page_has_no_fault(name: str, served: Served, visit: Visit, request: pytest.FixtureRequest) -> None:
    probe = PROBES[name]
    page = visit(served, probe.login, address_of(served, probe))
    told: dict[str, Any] = {}
    for width in (1280, 390, 320):
        if width != 1280:
            page.set_viewport_size({"width": width, "height": 844})
        if width == 390:
            page.reload()
        if width == 1280 or (width == 390 and probe.narrow):
            _ready(page, probe, wide=width == 1280)
            told[str(width)] = faults(page, narrow=width == 390)
        else:  # what is enlarged to 400 % is as narrow
            wide = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            told[str(width)] = [f"{wide} px wider than the window"] if wide > 0 else []
        folder = request.config.getoption("--pictures")
        if folder and width == 1280:
            page.emulate_media(color_scheme="light")
            photograph(page, Path(folder) / f"{name}.webp")
        if width == 1280:
            told["focus"] = unseen_focus(page)
            told["twice as large"] = cut_when(page, "twice as large")
        if width != 320:
            told[f"spaced {width}"] = cut_when(page, "spaced")
    said = "\n".join(f"{width}: {one}" for width, wrong in told.items() for one in wrong)
    assert not said


def test_pages_answer_with_the_status_that_fits_valid_code_and_a_title_of_their_own(
    served: Served, visit: Visit
) -> None:
    page = visit(served, "chef", "/")
    titles: dict[str, set[str]] = {}
    invalid: dict[str, Any] = {}
    for name, probe in PROBES.items():
        if probe.login in {"chef", ""}:
            answer = page.context.request.get(f"{served.address}{address_of(served, probe)}", max_redirects=0)
            if answer.status == 302:  # a page for who is not signed in
                continue
            if probe.login:
                assert answer.status == probe.status, name
            parser = html5lib.HTMLParser(namespaceHTMLElements=False)
            title = parser.parse(answer.text()).findtext(".//title")
            if parser.errors:
                invalid[name] = parser.errors
            titles.setdefault(title, set()).add(probe.route)
    assert invalid == {}
    same = {title: routes for title, routes in titles.items() if len(routes) > 1}
    assert set(same) <= {"Page introuvable · Éclaireur"}


@pytest.mark.parametrize("name", ["liste", "fiche", "sujet"])
def test_paper_shows_the_work_and_not_the_frame(name: str, served: Served, visit: Visit) -> None:
    probe = PROBES[name]
    page = visit(served, probe.login, address_of(served, probe), viewport={"width": 794, "height": 1123})
    page.emulate_media(media="print")

    for frame in (".bar", ".side", ".foot", "main button", ".skip"):
        assert page.locator(f"{frame}:visible").count() == 0, frame
    assert page.locator("main :is(h1, h2):visible").count() >= 1
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

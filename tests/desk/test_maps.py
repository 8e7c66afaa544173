"""The map shows what the list shows, within reach, and draws it without asking the outside."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.utils import timezone
from hypothesis import given, strategies as st

from eclaireur.core.catalog import find_card
from eclaireur.core.errors import ConfigError
from eclaireur.core.types import Verdict
from eclaireur.core.view import Map, Place
from eclaireur.desk import decisions, maps
from eclaireur.desk.access import Perimeter, Reach, reach_of
from eclaireur.desk.models import Item, Switch, Target, User
from tests.desk.conftest import CASE, Desk

pytestmark = pytest.mark.one_database

if TYPE_CHECKING:
    from playwright.sync_api import Route

SignIn = Callable[[User], Client]


@pytest.fixture(autouse=True)
def plain_static(settings: Any) -> None:
    """Style and scripts from the source folders: nothing is collected before a test."""
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if "whitenoise" not in one]


def points(client: Client, address: str) -> dict[str, Any]:
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("application/geo+json")
    content: dict[str, Any] = json.loads(answer.content)
    return content


def of_list(desk: Desk) -> str:
    return f"/{CASE}/listes/{desk.worklist.pk}/carte.geojson"


def test_the_points_are_the_lines_within_reach(desk: Desk, sign_in: SignIn) -> None:
    mine = points(sign_in(desk.agent), of_list(desk))
    all_of_it = points(sign_in(desk.manager), of_list(desk))

    names = {one["properties"]["dossier"] for one in mine["features"]}
    assert names == set(desk.worklist.items.filter(area=desk.area).values_list("target__dossier", flat=True))
    assert {one["properties"]["area"] for one in mine["features"]} == {desk.area}
    assert len(all_of_it["features"]) == all_of_it["total"] == desk.worklist.items.count()


@pytest.mark.parametrize("room", ["listes/{}/carte.geojson", "classement/carte.geojson", "fond.geojson"])
def test_outside_a_perimeter_there_is_no_map(desk: Desk, sign_in: SignIn, room: str) -> None:
    address = f"/{CASE}/" + room.format(desk.worklist.pk)

    assert sign_in(desk.stranger).get(address).status_code == 404
    assert sign_in(desk.administrator).get(address).status_code == 404
    assert sign_in(desk.manager).get(address.replace(CASE, "no_such_case")).status_code == 404
    assert Client().get(address).status_code == 302


def test_a_list_that_is_closed_or_of_the_training_desk_is_not_there(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.manager)

    assert client.get(f"/{CASE}/listes/{desk.worklist.pk + 1}/carte.geojson").status_code == 404
    training = f"/{CASE}/entrainement/listes/{desk.worklist.pk}/carte.geojson"
    assert client.get(training).status_code == 404
    desk.worklist.closed = timezone.now()
    desk.worklist.save()
    assert client.get(of_list(desk)).status_code == 404


def test_rank_and_score_appear_on_the_map_only_once_a_line_is_judged(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.manager)
    item = Item.objects.filter(worklist=desk.worklist).select_related("target__dossier")[0]

    before = points(client, of_list(desk))["features"]
    assert all({"rank", "score"}.isdisjoint(one["properties"]) for one in before)
    decisions.decide(desk.manager, item.target.dossier, item.target, Verdict.FOLLOW)
    found = [one["properties"] for one in points(client, of_list(desk))["features"]]
    after = {one["dossier"]: one for one in found}
    judged = after.pop(item.target.dossier_id)
    assert (judged["rank"], judged["state"]) == (item.target.rank, "judged")
    assert all("rank" not in one and one["state"] == "waiting" for one in after.values())


def test_the_ranking_leaves_out_what_is_still_to_be_judged(desk: Desk, sign_in: SignIn) -> None:
    found = points(sign_in(desk.manager), f"/{CASE}/classement/carte.geojson")
    waiting = set(desk.worklist.items.values_list("target__dossier", flat=True))

    shown = {one["properties"]["dossier"] for one in found["features"]}
    assert shown
    assert shown.isdisjoint(waiting)
    assert len(shown) == desk.edition.size - len(waiting)
    assert all(one["properties"]["rank"] for one in found["features"])


def test_the_filters_of_the_list_are_those_of_the_map(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.manager)

    one_area = points(client, f"{of_list(desk)}?secteur={desk.area}")
    assert one_area["total"] == desk.worklist.items.filter(area=desk.area).count()
    assert points(client, f"{of_list(desk)}?q=zzzz")["features"] == []


def test_dossiers_under_way_lie_where_their_newest_target_lies(desk: Desk, sign_in: SignIn) -> None:
    found = points(sign_in(desk.manager), f"/{CASE}/classement/carte.geojson?portee=suivi")

    assert found["total"] == desk.worklist.items.count()
    for one in found["features"][:5]:
        target = Target.objects.get(edition=desk.edition, dossier=one["properties"]["dossier"])
        assert one["geometry"]["coordinates"] == pytest.approx([target.longitude, target.latitude])


def test_a_suspended_case_shows_no_rank(desk: Desk, sign_in: SignIn) -> None:
    Switch.objects.create(case=CASE, stopped=True, reason="essai", user=desk.manager)

    found = points(sign_in(desk.manager), f"/{CASE}/classement/carte.geojson")
    assert found["features"]
    assert all({"rank", "score"}.isdisjoint(one["properties"]) for one in found["features"])


def test_a_map_has_a_bound_and_says_how_many_there_are(
    desk: Desk, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maps, "MOST", 7)

    found = points(sign_in(desk.manager), of_list(desk))
    assert (len(found["features"]), found["total"]) == (7, desk.worklist.items.count())


def test_a_line_without_place_is_counted_apart(desk: Desk, sign_in: SignIn) -> None:
    item = desk.worklist.items.select_related("target")[0]
    Target.objects.filter(pk=item.target_id).update(latitude=None)

    found = points(sign_in(desk.manager), of_list(desk))
    assert (found["total"], found["unplaced"]) == (desk.worklist.items.count() - 1, 1)


def test_the_background_draws_the_areas_within_reach_and_names_them(desk: Desk, sign_in: SignIn) -> None:
    mine = points(sign_in(desk.agent), f"/{CASE}/fond.geojson")["features"]
    whole = points(sign_in(desk.manager), f"/{CASE}/fond.geojson")["features"]

    assert [(one["properties"]["kind"], one["properties"]["name"]) for one in mine] == [
        ("area", desk.area),
        ("label", desk.area),
    ]
    ring = mine[0]["geometry"]["coordinates"][0]
    assert ring[0] == ring[-1]
    assert len(ring) > 3
    areas = set(desk.edition.targets.values_list("area", flat=True))
    assert {one["properties"]["name"] for one in whole} == areas


def test_a_place_that_is_surely_wrong_does_not_stretch_its_area(desk: Desk) -> None:
    stray = desk.edition.targets.filter(area=desk.area)[0]
    Target.objects.filter(pk=stray.pk).update(latitude=0.0, longitude=0.0)

    found = maps.background(find_card(CASE), desk.edition, reach_of(desk.agent))["features"]
    assert [0.0, 0.0] not in found[0]["geometry"]["coordinates"][0]


def test_a_case_may_ship_the_outlines_of_its_areas(desk: Desk, tmp_path: Path) -> None:
    square = {"type": "Polygon", "coordinates": [[[0, 45], [1, 45], [1, 46], [0, 45]]]}
    feature = {"type": "Feature", "properties": {"area": desk.area}, "geometry": square}
    (tmp_path / maps.AREAS).write_text(json.dumps({"features": [feature]}), encoding="utf-8")
    reach = Reach((Perimeter("manager", CASE),))

    found = maps.background(replace(find_card(CASE), folder=tmp_path), desk.edition, reach)["features"]
    assert next(one["geometry"] for one in found if one["properties"]["name"] == desk.area) == square


LAMBERT = {"type": "Polygon", "coordinates": [[[652000, 6862000], [652001, 6862000], [652000, 6862001]]]}


@pytest.mark.parametrize(
    "content",
    [
        "no JSON",
        '{"features": [{"properties": {}, "geometry": {}}]}',
        json.dumps({"features": [{"properties": {"area": "A"}, "geometry": LAMBERT}]}),
    ],
    ids=["no-json", "no-area", "lambert-93"],
)
def test_outlines_that_cannot_be_right_are_refused(desk: Desk, tmp_path: Path, content: str) -> None:
    (tmp_path / maps.AREAS).write_text(content, encoding="utf-8")
    card = replace(find_card(CASE), folder=tmp_path)

    with pytest.raises(ConfigError, match="contours"):
        maps.background(card, desk.edition, Reach((Perimeter("manager", CASE),)))


def test_a_block_gives_its_places_and_their_shapes() -> None:
    line = {"type": "LineString", "coordinates": [[2, 48], [3, 49]]}
    block = Map(title="Rivière", places=(Place(label="Station", latitude=48, longitude=2, geometry=line),))

    shape, place = maps.of_block(block)["features"]
    assert shape["geometry"] == line
    assert (place["geometry"]["type"], place["properties"]["name"]) == ("Point", "Station")


COORDINATES = st.tuples(st.integers(-50, 50), st.integers(-50, 50))


@given(st.lists(COORDINATES, min_size=1, max_size=40))
def test_a_hull_holds_every_point_and_turns_left(places: list[tuple[int, int]]) -> None:
    ring = maps.hull(places)

    assert set(ring) <= set(places)
    if len(ring) > 2:
        for a, b in zip(ring, [*ring[1:], ring[0]], strict=True):
            assert all(maps._turn(a, b, point) >= 0 for point in places)


@pytest.mark.browser
def test_the_map_draws_in_a_browser_under_the_strict_policy_and_asks_nothing_of_the_outside(
    desk: Desk, sign_in: SignIn, program: Callable[[str], str]
) -> None:
    """Every request of the browser is answered here: no server, and all that it asks is seen."""
    from playwright.sync_api import sync_playwright

    chromium = program("chromium")
    client = sign_in(desk.manager)
    # Asked before Playwright runs its loop in this thread, where Django would open another connection.
    ready = {one: client.get(one) for one in (f"/{CASE}/", of_list(desk), f"/{CASE}/fond.geojson")}
    first = re.search(r'data-dossier="(\d+)"', ready[f"/{CASE}/"].content.decode())
    assert first is not None
    sheet = f"/{CASE}/dossiers/{first[1]}/"  # it opens by itself
    ready[sheet] = client.get(sheet, headers={"HX-Request": "true"})
    asked: list[str] = []
    said: list[str] = []

    def answer(route: Route) -> None:
        address = urlsplit(route.request.url)
        asked.append(route.request.url)
        if address.path.startswith("/static/"):
            found = finders.find(address.path.removeprefix("/static/"))
            if found is None:
                route.fulfill(status=404)
            else:
                route.fulfill(path=found)
            return
        response = ready[address.path]
        route.fulfill(
            status=response.status_code, headers=dict(response.headers.items()), body=response.content
        )

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium,
            args=["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"],
        )
        page = browser.new_page(viewport={"width": 1280, "height": 900})
        page.route("**/*", answer)
        page.on("console", lambda one: said.append(one.text) if one.type == "error" else None)
        page.on("pageerror", lambda one: said.append(str(one)))
        page.goto(f"http://localhost/{CASE}/")
        page.keyboard.press("m")
        page.wait_for_selector("#carte[data-drawn]", timeout=60_000)
        drawn = page.get_attribute("#carte", "data-drawn")
        legend = page.inner_text(".map-legend")
        colours = page.evaluate(
            """() => { const canvas = document.querySelector("#carte canvas");
                const { width, height } = canvas;
                const copy = Object.assign(document.createElement("canvas"), { width, height });
                const pen = copy.getContext("2d"); pen.drawImage(canvas, 0, 0);
                const seen = new Uint32Array(pen.getImageData(0, 0, width, height).data.buffer);
                return new Set(seen).size; }"""
        )
        browser.close()

    assert drawn == str(desk.worklist.items.count())
    assert "à examiner" in legend
    assert colours > 20, "the canvas is blank"
    assert said == []
    assert {urlsplit(one).netloc for one in asked} <= {"localhost", ""}
    assert any(re.search(r"csp-worker\.js$", one) for one in asked)


def test_without_webgl_the_map_says_so_in_words(program: Callable[[str], str]) -> None:
    from playwright.sync_api import sync_playwright

    script = finders.find("desk/map.js")
    assert script is not None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program("chromium"), args=["--no-sandbox", "--disable-gpu", "--disable-3d-apis"]
        )
        page = browser.new_page()
        page.route("**/map.js", lambda route: route.fulfill(path=script))
        page.route(
            "**/page",
            lambda route: route.fulfill(
                content_type="text/html",
                body='<div data-map id="here" data-source="/none"><button data-map-show>Carte</button></div>'
                '<script type="module" src="/map.js"></script>',
            ),
        )
        page.goto("http://localhost/page")
        page.click("[data-map-show]")
        page.wait_for_selector("#here .empty")
        text = page.inner_text("#here")
        browser.close()

    assert "WebGL" in text
    assert "La liste dit la même chose" in text

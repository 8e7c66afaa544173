"""Settings of a report: read as people write them, refused in French, the same for the same meaning."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from eclaireur.core.errors import BadValueError
from eclaireur.core.view import FormField
from eclaireur.service.settings import read_settings, told
from eclaireur.service.zones import read_zone_text

FIELDS = (
    FormField(name="days", title="Fenêtre", kind="integer", unit="jours", default="42", least=1, most=365),
    FormField(name="level", title="Seuil", kind="number", default="2"),
    FormField(name="until", title="Jusqu'au", kind="date", optional=True),
    FormField(name="form", title="Forme", kind="choice", default="a", choices=(("a", "A"), ("b", "B"))),
    FormField(name="site", title="Site", kind="text", help="Nom du site."),
    FormField(name="words", title="Mots", kind="file", optional=True),
)
SQUARE = [[2.0, 48.0], [3.0, 48.0], [3.0, 49.0], [2.0, 49.0], [2.0, 48.0]]


def test_what_people_write_is_read_and_defaults_fill_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "mots.csv"
    path.write_text("a")
    found = read_settings(
        FIELDS,
        {
            "days": " 1\u202f0 ",
            "level": "1,50",
            "until": "27/11/2026",
            "site": "Port-Clair",
            "words": str(path),
        },
    )
    assert found == {
        "days": 10,
        "level": 1.5,
        "until": date(2026, 11, 27),
        "form": "a",
        "site": "Port-Clair",
        "words": path,
    }
    same = read_settings(
        FIELDS,
        {"days": "10", "level": "1.5", "until": "2026-11-27", "site": "Port-Clair", "words": str(path)},
    )
    assert told(found) == told(same)
    json.dumps(told(found))
    assert told(read_settings(FIELDS, {"site": "x"}))["until"] is None


@pytest.mark.parametrize(
    ("given", "name", "said"),
    [
        ({"days": "0"}, "days", "au moins 1 et au plus 365 jours"),
        ({"days": "1,5"}, "days", "entier"),
        ({"days": "inf"}, "days", "nombre"),
        ({"level": "1e999"}, "level", "nombre"),
        ({"until": "31/02/2026"}, "until", "27/11/2026"),
        ({"form": "c"}, "form", "A, B"),
        ({"words": "/nowhere"}, "words", "n'existe pas"),
        ({"other": "1"}, "other", "days, level"),
        ({}, "site", "il manque : site"),
    ],
)
def test_what_does_not_fit_is_said_with_the_name_of_its_field(
    given: dict[str, str], name: str, said: str
) -> None:
    filled = given if name == "site" else {"site": "x", **given}
    with pytest.raises(BadValueError) as caught:
        read_settings(FIELDS, filled)
    assert caught.value.column == name
    assert said in str(caught.value)


def test_what_was_asked_in_one_line_needs_no_setting() -> None:
    assert read_settings(FIELDS, {}, required=False)["site"] is None


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"type": "Polygon", "coordinates": [SQUARE]}),
        json.dumps(
            {
                "type": "FeatureCollection",
                "features": [
                    {"type": "Feature", "geometry": {"type": "MultiPolygon", "coordinates": [[SQUARE]]}}
                ],
            }
        ),
        "POLYGON((2 48, 3 48, 3 49, 2 49, 2 48))",
        "48 ; 2\n48,0 ; 3,0\n49.0 3.0\n49,2",
    ],
)
def test_a_zone_is_the_same_however_it_is_given(text: str) -> None:
    assert json.loads(read_zone_text(text))["coordinates"] == [[SQUARE]]


def test_a_hole_of_a_zone_stays_with_its_polygon() -> None:
    inner = "(2.2 48.2, 2.4 48.2, 2.4 48.4, 2.2 48.2)"
    outer = "(2 48, 3 48, 3 49, 2 48)"
    found = json.loads(read_zone_text(f"MULTIPOLYGON(({outer},{inner}),({outer}))"))
    assert [len(polygon) for polygon in found["coordinates"]] == [2, 1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "48 2\n48 3",
        "48 2\n48 2\n48 2",
        "ici",
        "{",
        '{"type": "Point", "coordinates": [2, 48]}',
        '{"type": "Polygon", "coordinates": [[[2, 480], [3, 48], [3, 49]]]}',
        '{"type": "Polygon", "coordinates": [[[NaN, 48], [3, 48], [3, 49]]]}',
        "POLYGON((600000 6500000, 600001 6500000, 600001 6500001))",
    ],
)
def test_what_is_no_zone_is_refused_with_the_way_out(text: Any) -> None:
    with pytest.raises(BadValueError) as caught:
        read_zone_text(text, column="zone")
    assert caught.value.column == "zone"
    assert "sommet par ligne" in caught.value.fix

"""Lists that leave the desk: within reach, silent on what is hidden, logged, and safe to open."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import subprocess
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from eclaireur.core.catalog import find_card
from eclaireur.core.types import Drawn, Verdict
from eclaireur.core.view import Facts
from eclaireur.desk import decisions
from eclaireur.desk.exports import FIELDS, FORMS, sheet_pdf
from eclaireur.desk.models import Export, Item, JournalLine, Switch, User
from eclaireur.desk.place import workspace
from tests.desk.conftest import CASE, Desk

SignIn = Callable[[User], Client]
SECRET = {"rang", "risque_estime", "Rang", "Risque estimé"}


def address(desk: Desk, form: str) -> str:
    return f"/{CASE}/listes/{desk.worklist.pk}/export.{form}"


def taken(client: Client, path: str, **options: Any) -> bytes:
    answer = client.get(path, **options)
    assert answer.status_code == 200, answer.content[:400]
    content: bytes = answer.content
    return content


def lines(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig")), delimiter=";"))


def sheets(content: bytes) -> dict[str, list[list[Any]]]:
    from python_calamine import CalamineWorkbook

    book = CalamineWorkbook.from_filelike(io.BytesIO(content))
    return {name: book.get_sheet_by_name(name).to_python() for name in book.sheet_names}


def opened(content: bytes) -> bytes:
    """Return everything that a file holds, its zipped parts unfolded."""
    if not content.startswith(b"PK"):
        return content
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        return b"".join(parts.read(name) for name in parts.namelist())


def judge(desk: Desk, item: Item) -> None:
    decisions.decide(desk.manager, item.target.dossier, item.target, Verdict.OTHER)


@pytest.mark.parametrize("form", FORMS)
def test_each_form_is_an_attachment_that_nothing_sniffs(desk: Desk, sign_in: SignIn, form: str) -> None:
    answer = sign_in(desk.manager).get(address(desk, form))

    assert answer.status_code == 200
    assert answer["Content-Type"] == FORMS[form]
    assert answer["Content-Disposition"] == f'attachment; filename="liste-{CASE}-{desk.worklist.pk}.{form}"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert "no-store" in answer["Cache-Control"]


def test_the_lines_are_those_within_reach_in_working_order(desk: Desk, sign_in: SignIn) -> None:
    mine = lines(taken(sign_in(desk.agent), address(desk, "csv")))
    whole = lines(taken(sign_in(desk.manager), address(desk, "csv")))

    assert {row["Secteur"] for row in mine} == {desk.area}
    assert len(mine) == desk.worklist.items.filter(area=desk.area).count()
    assert [int(row["Position"]) for row in whole] == list(range(1, desk.worklist.items.count() + 1))


def test_a_list_does_not_exist_for_who_may_not_take_it(desk: Desk, sign_in: SignIn) -> None:
    for person in (desk.scientist, desk.administrator, desk.stranger):
        for form in FORMS:
            assert sign_in(person).get(address(desk, form)).status_code == 404
    manager = sign_in(desk.manager)
    assert manager.get(f"/{CASE}/listes/{desk.worklist.pk + 999}/export.csv").status_code == 404
    assert manager.get(f"/{CASE}/listes/{desk.worklist.pk}/export.exe").status_code == 404
    assert Client().get(address(desk, "csv")).status_code == 302
    assert not Export.objects.exists()


def test_the_filters_of_the_page_hold(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.manager)
    judge(desk, desk.worklist.items.order_by("position")[0])

    area = lines(taken(client, address(desk, "csv"), data={"secteur": desk.other_area}))
    assert {row["Secteur"] for row in area} == {desk.other_area}
    assert len(lines(taken(client, address(desk, "csv"), data={"avis": "other"}))) == 1
    nothing = client.get(address(desk, "csv"), data={"q": "aucun nom ne ressemble à cela"})
    assert nothing.status_code == 400
    assert "aucune ligne ne répond" in nothing.content.decode().lower()


def test_chosen_lines_are_taken_and_no_other_even_when_asked(desk: Desk, sign_in: SignIn) -> None:
    inside = list(desk.worklist.items.filter(area=desk.area)[:2])
    outside = desk.worklist.items.filter(area=desk.other_area).first()
    assert outside is not None
    client = sign_in(desk.agent)

    chosen = {"item": [one.pk for one in (*inside, outside)]}
    answer = client.post(address(desk, "csv"), chosen)
    assert [int(row["Position"]) for row in lines(answer.content)] == sorted(one.position for one in inside)
    by_dossier = client.post(address(desk, "csv"), {"dossier": [inside[0].target.dossier_id]})
    assert len(lines(by_dossier.content)) == 1
    assert client.post(address(desk, "csv"), {"item": [outside.pk]}).status_code == 400


def test_a_post_needs_its_token(desk: Desk) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(desk.manager)

    assert client.post(address(desk, "csv"), {"item": [1]}).status_code == 403


def columns(form: str, content: bytes, folder: Path) -> list[str]:
    """Names of the columns of a file, in order."""
    match form:
        case "csv":
            return list(lines(content)[0])[:-1]
        case "geojson":
            return list(json.loads(content)["features"][0]["properties"])
        case "gpkg":
            path = folder / "a.gpkg"
            path.write_bytes(content)
            with closing(sqlite3.connect(path)) as base:
                return [row[1] for row in base.execute("PRAGMA table_info(liste)")][2:]
        case _:
            return [str(one) for one in sheets(content)["Liste"][0]]


@pytest.mark.parametrize("form", [form for form in FORMS if form != "pdf"])
def test_a_list_still_to_be_judged_tells_neither_rank_nor_risk_nor_drawing(
    desk: Desk, sign_in: SignIn, form: str, tmp_path: Path
) -> None:
    assert desk.worklist.items.filter(drawn=Drawn.RANDOM).exists()
    content = taken(sign_in(desk.manager), address(desk, form))

    titles = {field.name if form in {"geojson", "gpkg"} else field.heading for field in FIELDS}
    assert set(columns(form, content, tmp_path)) == titles - SECRET
    whole = opened(content)
    for word in ("random", "hasard", "propensity"):
        assert word.encode() not in whole, word
    for item in desk.worklist.items.select_related("target"):
        for said in (repr(item.target.score), repr(item.target.score).replace(".", ",")):
            assert said.encode() not in whole


def test_the_pdf_hides_too(
    desk: Desk, sign_in: SignIn, program: Callable[[str], str], tmp_path: Path
) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(taken(sign_in(desk.manager), address(desk, "pdf")))
    text = subprocess.run(
        [program("pdftotext"), "-layout", str(path), "-"], capture_output=True, check=True
    ).stdout.decode()

    head = next(line for line in text.splitlines() if "Position" in line)
    assert "Rang" not in head
    assert "Risque" not in head
    assert "traitement algorithmique" in text
    assert find_card(CASE).law.appeal.split()[0] in text


def test_a_judged_line_shows_its_rank_and_the_others_still_do_not(desk: Desk, sign_in: SignIn) -> None:
    item = desk.worklist.items.order_by("position")[3]
    judge(desk, item)

    rows = lines(taken(sign_in(desk.manager), address(desk, "csv")))
    known = {int(row["Position"]): row["Rang"] for row in rows if row["Rang"]}
    assert known == {item.position: str(item.target.rank)}
    places = json.loads(taken(sign_in(desk.manager), address(desk, "geojson")))["features"]
    assert [one["properties"]["rang"] for one in places if one["properties"]["rang"] is not None] in (
        [item.target.rank],
        [],
    )


def test_random_and_chosen_lines_have_the_same_form(desk: Desk, sign_in: SignIn) -> None:
    rows = lines(taken(sign_in(desk.manager), address(desk, "csv")))
    drawn = dict(desk.worklist.items.values_list("position", "drawn"))
    shapes: dict[str, set[tuple[bool, ...]]] = {Drawn.MODEL: set(), Drawn.RANDOM: set()}
    always = ("Position", "Identifiant", "Nom", "Étape", "Échéance", "Avis", "Mentions")
    for row in rows:
        shapes[drawn[int(row["Position"])]].add(tuple(bool(row[name]) for name in always))

    assert len(rows) == len(drawn)
    assert shapes[Drawn.RANDOM] == shapes[Drawn.MODEL]
    assert not {"Rang", "Risque estimé"} & set(rows[0])


def test_a_list_of_the_model_alone_shows_ranks(desk: Desk, sign_in: SignIn) -> None:
    desk.worklist.items.update(drawn=Drawn.MODEL)

    rows = lines(taken(sign_in(desk.manager), address(desk, "csv")))
    expected = dict(desk.worklist.items.values_list("position", "target__rank"))
    assert {int(row["Position"]): int(row["Rang"]) for row in rows} == expected
    assert ("Risque estimé" in rows[0]) is desk.edition.calibrated


def test_a_subject_that_another_open_list_asks_about_stays_hidden(desk: Desk, sign_in: SignIn) -> None:
    item = desk.worklist.items.filter(drawn=Drawn.MODEL).first()
    assert item is not None
    judge(desk, item)
    other = desk.edition.worklists.create(
        case=CASE, service="", title="Autre", run="r2", capacity=1, random_share=1.0
    )
    other.items.create(
        target=item.target, case=CASE, area=item.area, position=1, drawn=Drawn.RANDOM, propensity=0.1
    )

    rows = lines(taken(sign_in(desk.manager), address(desk, "csv")))
    assert "Rang" not in rows[0]


def test_a_suspended_case_says_so_and_gives_no_rank(desk: Desk, sign_in: SignIn) -> None:
    desk.worklist.items.update(drawn=Drawn.MODEL)
    Switch.objects.create(case=CASE, stopped=True, reason="Essai", user=desk.manager)

    rows = lines(taken(sign_in(desk.manager), address(desk, "csv")))
    assert not {"Rang", "Risque estimé", "Raisons"} & set(rows[0])
    assert "suspendu" in rows[0]["Mentions"]


@pytest.mark.parametrize("form", ["xlsx", "ods"])
def test_the_second_sheet_says_where_the_list_comes_from(desk: Desk, sign_in: SignIn, form: str) -> None:
    found = sheets(taken(sign_in(desk.manager), address(desk, form)))

    assert list(found) == ["Liste", "Mentions"]
    said = {row[0]: row[1] for row in found["Mentions"][1:]}
    assert desk.edition.run in said["Calcul"]
    assert desk.edition.snapshot in said["Données"]
    assert said["Modèle"].startswith(f"n° {desk.edition.model}, ")
    assert said["Limites"] == " ".join(find_card(CASE).limits)
    assert "traitement algorithmique" in said["Mention"]
    assert said["Recours"] == find_card(CASE).law.appeal
    assert len(found["Liste"]) == 1 + desk.worklist.items.count()


def test_a_name_never_becomes_a_formula(desk: Desk, sign_in: SignIn) -> None:
    item = desk.worklist.items.order_by("position").first()
    assert item is not None
    hostile = '=HYPERLINK("http://exemple.invalid";"x")'
    dossier = item.target.dossier
    dossier.name = hostile
    dossier.save()
    client = sign_in(desk.manager)

    assert lines(taken(client, address(desk, "csv")))[0]["Nom"] == f"'{hostile}"
    for form in ("xlsx", "ods"):
        content = taken(client, address(desk, form))
        assert sheets(content)["Liste"][1][2] == hostile
        assert b"<f>" not in opened(content)
        assert b"table:formula" not in opened(content)


def test_the_places_are_those_of_the_lines(desk: Desk, sign_in: SignIn, tmp_path: Path) -> None:
    client = sign_in(desk.agent)
    content = json.loads(taken(client, address(desk, "geojson")))
    path = tmp_path / "a.gpkg"
    path.write_bytes(taken(client, address(desk, "gpkg")))

    placed = desk.worklist.items.filter(area=desk.area, target__latitude__isnull=False)
    assert len(content["features"]) == placed.count() > 0
    first = content["features"][0]
    target = placed.get(position=first["properties"]["position"]).target
    assert first["geometry"]["coordinates"] == [target.longitude, target.latitude]
    with closing(sqlite3.connect(path)) as base:
        rows = base.execute("SELECT position, identifiant, nom FROM liste ORDER BY fid").fetchall()
        (mention,) = base.execute("SELECT text FROM mentions WHERE mention = 'Mention'").fetchone()
    assert [list(row) for row in rows] == [
        [one["properties"][name] for name in ("position", "identifiant", "nom")]
        for one in content["features"]
    ]
    assert "traitement algorithmique" in mention


def test_every_export_leaves_its_trace(desk: Desk, sign_in: SignIn) -> None:
    import hashlib

    content = taken(sign_in(desk.agent), address(desk, "ods"))

    row = Export.objects.get()
    (entry,) = workspace().journal.entries("export")
    assert row.seq == entry.seq
    assert (row.user, row.form, row.area, row.edition) == (desk.agent, "ods", desk.area, desk.edition)
    assert row.rows == desk.worklist.items.filter(area=desk.area).count()
    assert entry.actor == desk.agent.full_name
    assert entry.data["model"] == desk.edition.model
    assert entry.data["run"] == desk.edition.run
    assert entry.data["sha256"] == hashlib.sha256(content).hexdigest()


def test_no_list_leaves_without_its_trace(
    desk: Desk, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(**_: Any) -> None:
        raise RuntimeError("disk full")

    monkeypatch.setattr(Export.objects, "create", broken)
    client = sign_in(desk.manager)
    client.raise_request_exception = False

    assert client.get(address(desk, "csv")).status_code == 500
    assert not JournalLine.objects.filter(line__contains='"kind":"export"').exists()


def test_a_sheet_is_a_pdf_with_its_mention() -> None:
    content = sheet_pdf(
        [Facts(title="Établissement", pairs=(("Nom", "Chez Léa"),))],
        title="Chez Léa",
        mentions={"Mention": "L'agent décide."},
    )

    assert content.startswith(b"%PDF-")

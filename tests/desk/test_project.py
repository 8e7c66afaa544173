"""The project page and the registers: who sees them, who signs, and what leaves as a file."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import replace
from html import unescape
from pathlib import Path
from zipfile import ZipFile

import pytest
from django.test import Client

from eclaireur.core.catalog import find_card
from eclaireur.core.french import spaced
from eclaireur.core.mention import MARK
from eclaireur.core.notes import JOB_IMPACT, PROTOCOL, read_note
from eclaireur.core.view import Facts
from eclaireur.desk.models import Grant, Role, User
from eclaireur.desk.place import work_on
from eclaireur.service.deploying import Choice, decided
from eclaireur.service.gating import gate_of
from eclaireur.service.project import dossier
from eclaireur.service.training import in_service
from tests.desk.conftest import CASE, Desk
from tests.service.test_gating import write_gate

pytestmark = pytest.mark.django_db

Enter = Callable[[User], Client]
PAGE = f"/{CASE}/projet/"


def test_two_managers_sign_what_the_first_one_read(desk: Desk, sign_in: Enter) -> None:
    second = User.objects.get(login="etranger")
    Grant.objects.create(user=second, role=Role.MANAGER, case=CASE)
    first, other = sign_in(desk.manager), sign_in(second)
    said = {"choice": "go_on", "reason": "pas assez d’avis"}
    assert first.post(PAGE, said).status_code == 302
    assert first.post(PAGE, said).status_code == 422
    page = other.get(PAGE).content.decode()
    assert "Une première personne a signé « poursuivre l’essai »" in page
    assert other.post(PAGE, said).status_code == 302
    made = decided(work_on(CASE))
    assert (made.choice, [one.login for one in made.signed]) == (Choice.GO_ON, ["responsable", "etranger"])
    page = first.get(PAGE).content.decode()
    assert "Décision : poursuivre l’essai" in page
    assert MARK in page
    assert first.get(f"{PAGE}dossier.pdf").content.startswith(b"%PDF")
    assert first.get(f"{PAGE}dossier.odt").content.startswith(b"PK")
    assert first.post(PAGE, {"choice": "autre", "reason": "x"}).status_code == 422


def test_both_notes_are_read_on_the_page_and_leave_with_the_dossier(desk: Desk, sign_in: Enter) -> None:
    pypdfium2 = pytest.importorskip("pypdfium2", reason="documents are read by an optional part")
    client, card = sign_in(desk.manager), find_card(CASE)
    page = unescape(client.get(PAGE).content.decode())
    with ZipFile(io.BytesIO(client.get(f"{PAGE}dossier.odt").content)) as made:
        text = unescape(made.read("content.xml").decode())
    with pypdfium2.PdfDocument(client.get(f"{PAGE}dossier.pdf").content) as made:
        printed = " ".join(" ".join(one.get_textpage().get_text_range() for one in made).split())
    for note in (PROTOCOL, JOB_IMPACT):
        assert note.title in page
        assert note.title in text
        assert note.title in printed
        for section in read_note(spaced((card.folder / note.file).read_text(encoding="utf-8"))):
            assert f"<dt>{section.heading}</dt>" in page
            assert section.heading in text
            assert section.heading.split()[0] in printed
            for line in section.lines:
                assert line in page
                assert line in text
                assert all(word in printed for word in line.split()[1:6])


def test_a_case_without_its_notes_says_so(desk: Desk, tmp_path: Path) -> None:
    work = work_on(CASE)
    bare = replace(work, card=replace(work.card, folder=tmp_path))
    told = [one for one in dossier(bare, "sample") if isinstance(one, Facts)]
    missing = {one.title for one in told if "pas encore écrite" in one.pairs[0][1]}
    assert missing == {PROTOCOL.title, JOB_IMPACT.title}


def test_two_managers_pass_over_a_red_gate_and_nobody_else_may(
    desk: Desk, sign_in: Enter, request: pytest.FixtureRequest
) -> None:
    work = work_on(CASE)
    current = in_service(work, "sample")
    assert current is not None
    write_gate(work, current.card, "secteur « Nord », manqué plus souvent")
    request.addfinalizer(lambda: write_gate(work, current.card))  # what the lake holds is not rolled back
    second = User.objects.get(login="etranger")
    Grant.objects.create(user=second, role=Role.MANAGER, case=CASE)
    said = {"act": "gate", "number": str(current.card.number), "reason": "peu de contrôles au nord"}
    assert sign_in(desk.agent).post(PAGE, said).status_code == 404
    assert sign_in(desk.scientist).post(PAGE, said).status_code == 404
    first = sign_in(desk.manager)
    assert "bloqué" in first.get(PAGE).content.decode()
    assert first.post(PAGE, {**said, "number": "999"}).status_code == 422
    assert first.post(PAGE, {**said, "reason": " "}).status_code == 422
    assert first.post(PAGE, said).status_code == 302
    assert first.post(PAGE, said).status_code == 422
    assert sign_in(second).post(PAGE, said).status_code == 302
    gate = gate_of(work, current.card)
    assert gate is not None
    assert gate.open
    rows = json.loads(first.get("/registres/overrides.json").content)
    assert [row["who"] for row in rows] == [desk.manager.full_name, second.full_name]
    assert "manqué plus souvent" in first.get("/registres/overrides.csv").content.decode("utf-8-sig")
    assert "bloqué" not in first.get(PAGE).content.decode()


def test_who_sees_one_area_sees_no_project_and_who_does_not_answer_signs_nothing(
    desk: Desk, sign_in: Enter
) -> None:
    assert sign_in(desk.agent).get(PAGE).status_code == 404
    assert sign_in(desk.stranger).get(PAGE).status_code == 404
    scientist = sign_in(desk.scientist)
    assert scientist.get(PAGE).status_code == 200
    assert scientist.post(PAGE, {"choice": "deploy", "reason": "x"}).status_code == 404


def test_the_size_of_a_trial_is_told_and_wrong_shares_are_said(desk: Desk, sign_in: Enter) -> None:
    client = sign_in(desk.manager)
    assert "199 dossiers" in client.get(f"{PAGE}?avant=10&apres=20").content.decode()
    for asked in ("avant=a&apres=20", "avant=10&apres=10", "avant=0&apres=20", "avant=10"):
        assert 'role="alert"' in client.get(f"{PAGE}?{asked}").content.decode(), asked


def test_registers_leave_as_csv_and_json(desk: Desk, sign_in: Enter) -> None:
    manager = sign_in(desk.manager)
    page = manager.get("/registres/").content.decode()
    assert "premier modèle en service" in page
    rows = json.loads(manager.get("/registres/models.json").content)
    assert rows[0]["what"] == "premier modèle en service"
    text = manager.get("/registres/models.csv").content.decode("utf-8-sig")
    assert text.splitlines()[0].startswith("Quand (temps universel);")
    assert json.loads(sign_in(desk.agent).get("/registres/models.json").content) == []
    assert Client().get("/registres/").status_code == 302

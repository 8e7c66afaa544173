"""Reports of any case in the desk: asked for, made by a task, shown, taken away."""

from __future__ import annotations

import io
from collections.abc import Callable
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from eclaireur.core.errors import BadValueError
from eclaireur.core.view import Chart, Column, Facts, Mark, Series, SpanText, Table
from eclaireur.core.view_json import from_plain, to_plain
from eclaireur.desk.jobs import queue, running
from eclaireur.desk.models import Grant, Job, JobState, Role, Upload, User
from tests.desk.conftest import CASE, Desk

SignIn = Callable[[User], Client]
READER = "inspection_letters"
HERE = f"/{READER}/rapports/"
pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


def carried(kind: str) -> Job:
    """Do the task that waits, as a worker would, and return it."""
    held = queue.claim("here", lease=600)
    assert held is not None
    assert held.kind == kind
    running.run(held.pk, held.token)
    return Job.objects.get(pk=held.pk)


@pytest.fixture
def inspector(desk: Desk) -> User:
    """Return somebody who reads all letters."""
    Grant.objects.create(user=desk.stranger, role=Role.AGENT, case=READER)
    return desk.stranger


def test_blocks_come_back_as_they_were_kept() -> None:
    blocks = (
        Facts(title="A", pairs=(("Site", "Port-Clair"),)),
        Table(
            title="T",
            columns=(Column(key="$day", title="Jour"),),
            rows=({"day": date(2026, 11, 27), "n": 2, "none": None},),
        ),
        Chart(
            title="C",
            form="line",
            x_title="x",
            y_title="y",
            text="t",
            series=(Series(name="s", x=(1.0,), y=(2.0,)),),
        ),
        SpanText(title="S", text="abc", marks=(Mark(start=0, end=1, label="l", sure=False),)),
    )
    assert from_plain(to_plain(blocks)) == blocks
    for wrong in ({"$": "Popen"}, {"$": "Facts", "command": "ls"}):
        with pytest.raises(BadValueError):
            from_plain(wrong)


def test_a_report_is_asked_for_made_once_shown_and_taken_away(inspector: User, sign_in: SignIn) -> None:
    client = sign_in(inspector)
    listed = client.get(HERE).content.decode()
    assert "Tendances par année et par site" in listed
    answer = client.post(HERE, {"report": "site", "about": "Port-Clair"})
    address = answer["Location"]
    assert 'hx-trigger="every 2s"' in client.get(address).content.decode()

    job = carried("report")
    assert job.state == JobState.DONE, job.error
    shown = client.get(address).content.decode()
    assert "Demandes non échues" in shown
    assert "Port-Clair" in shown
    assert 'hx-trigger="every 2s"' not in shown
    assert client.get(f"{address}rapport.pdf").content.startswith(b"%PDF")
    sheet = client.get(f"{address}rapport.xlsx")
    assert sheet.content.startswith(b"PK")
    assert "attachment" in sheet["Content-Disposition"]
    assert address in client.get(HERE).content.decode()

    client.post(HERE, {"report": "site", "about": "Port-Clair"})
    assert carried("report").result == job.result


def test_words_watched_for_come_from_a_file_and_go_to_a_sheet(inspector: User, sign_in: SignIn) -> None:
    from python_calamine import CalamineWorkbook

    client = sign_in(inspector)
    sent = SimpleUploadedFile("mots.csv", b"keyword\nextincteurs\nporte coupe-feu\n")
    address = client.post(HERE, {"report": "watch", "table": sent})["Location"]
    job = carried("report")
    assert job.state == JobState.DONE, job.error
    assert "extincteurs" in client.get(address).content.decode()
    book = CalamineWorkbook.from_filelike(io.BytesIO(client.get(f"{address}rapport.xlsx").content))
    rows = book.get_sheet_by_index(0).to_python()
    assert rows[0][0] == "Mot-clé"
    assert {row[0] for row in rows[1:]} == {"extincteurs", "porte coupe-feu"}
    assert Upload.objects.get().state != "connected"


def test_what_is_missing_is_said_and_what_was_typed_is_kept(inspector: User, sign_in: SignIn) -> None:
    client = sign_in(inspector)
    for asked in ({"report": "watch"}, {"report": "site", "about": "é" * 300}):
        answer = client.post(HERE, asked)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.content.decode()
    assert "é" * 300 in answer.content.decode()
    assert client.post(HERE, {"report": "autre"}).status_code == 404
    client.post(HERE, {"report": "site", "about": "Atlantide"})
    failed = carried("report")
    assert failed.state == JobState.FAILED
    assert "Atlantide" in client.get(f"{HERE}{failed.pk}/").content.decode()


def test_a_report_speaks_of_every_territory_so_part_of_one_sees_none(desk: Desk, sign_in: SignIn) -> None:
    Grant.objects.create(user=desk.stranger, role=Role.AGENT, case=READER, area="Port-Clair")
    Grant.objects.create(user=desk.scientist, role=Role.SCIENTIST, case=READER)
    made = sign_in(desk.scientist).post(HERE, {"report": "topics"})["Location"]
    carried("report")
    for person in (desk.stranger, desk.agent, desk.administrator):
        client = sign_in(person)
        for path in (HERE, made, f"{made}rapport.pdf"):
            assert client.get(path).status_code == 404, (person, path)
    # A data scientist reads it, and takes nothing away.
    assert sign_in(desk.scientist).get(made).status_code == 200
    assert sign_in(desk.scientist).get(f"{made}rapport.pdf").status_code == 404


def test_a_case_without_reports_says_so(desk: Desk, sign_in: SignIn) -> None:
    Grant.objects.create(user=desk.stranger, role=Role.AGENT, case="similar_decisions")
    client = sign_in(desk.stranger)
    assert "pas encore de rapport" in client.get("/similar_decisions/rapports/").content.decode()


def test_a_case_of_the_target_desk_leads_to_its_reports(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.manager)
    assert f"/{CASE}/rapports/" in client.get(f"/{CASE}/").content.decode()
    assert client.get(f"/{CASE}/rapports/").status_code == 200
    assert f"/{CASE}/rapports/" not in sign_in(desk.agent).get(f"/{CASE}/").content.decode()

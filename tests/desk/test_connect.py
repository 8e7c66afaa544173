"""Connecting data in the browser: from a file to the first list; wrong, hostile and foreign files."""

from __future__ import annotations

import csv
import hashlib
import random
import stat
import sys
from collections.abc import Callable
from datetime import date, timedelta
from html import unescape
from io import BytesIO, StringIO
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from eclaireur.core.errors import FileRefusedError
from eclaireur.desk import uploads
from eclaireur.desk.models import Edition, Grant, Job, JobState, Role, Upload, User
from eclaireur.desk.place import work_on
from eclaireur.desk.publishing import publish
from eclaireur.service import connect as connecting
from eclaireur.service.previewing import preview_apart
from tests.desk.conftest import CASE, Desk

pytestmark = pytest.mark.one_database

SignIn = Callable[[User], Client]
HERE = f"/{CASE}/connecter/"
HEADINGS = ["Identifiant de l'établissement", "Date du contrôle", "Résultat du contrôle", "Agent"]


@pytest.fixture(autouse=True)
def own_files(settings: Any, tmp_path: Path) -> None:
    """Uploads of a test go to its own folder; style and scripts are not collected."""
    settings.MEDIA_ROOT = tmp_path / "files"
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.MIDDLEWARE = [one for one in settings.MIDDLEWARE if "whitenoise" not in one]


@pytest.fixture(autouse=True)
def own_mappings(desk_home: Path) -> Any:
    """No test finds the mapping that another saved."""
    import shutil

    yield
    shutil.rmtree(desk_home / "mappings", ignore_errors=True)


def table(rows: list[list[str]], headings: list[str] = HEADINGS) -> bytes:
    text = StringIO()
    writer = csv.writer(text, delimiter=";")
    writer.writerow(headings)
    writer.writerows(rows)
    return text.getvalue().encode("cp1252")


def visits(weeks: int = 104) -> bytes:
    """Two years of visits of 60 made-up establishments, some more careless than others."""
    rng = random.Random(7)
    careless = {f"E{number:03}": rng.betavariate(1, 4) for number in range(60)}
    rows = []
    for week in range(weeks):
        for who in rng.sample(sorted(careless), 8):
            day = date(2024, 1, 1) + timedelta(days=7 * week + rng.randrange(5))
            bad = rng.random() < careless[who]
            rows.append(
                [who, f"{day:%d/%m/%Y}", "À améliorer" if bad else "Satisfaisant", f"a{rng.randrange(3)}"]
            )
    return table(rows)


def send(client: Client, content: bytes, name: str = "contrôles.csv", **more: str) -> Any:
    return client.post(HERE, {"file": SimpleUploadedFile(name, content), **more})


GOOD = [["E001", "04/01/2024", "Satisfaisant", "a"], ["E002", "05/01/2024", "À améliorer", "b"]]


def test_only_who_may_connect_in_the_whole_case_comes_here(desk: Desk, sign_in: SignIn) -> None:
    for person in (desk.agent, desk.stranger, desk.administrator):
        assert sign_in(person).get(HERE).status_code == 404
        assert send(sign_in(person), table(GOOD)).status_code == 404
    local = User.objects.create_user("local", "Lou Local")
    Grant.objects.create(user=local, role=Role.MANAGER, case=CASE, area=desk.area)
    assert sign_in(local).get(HERE).status_code == 404
    assert sign_in(desk.scientist).get(HERE).status_code == 200
    assert not Upload.objects.exists()


def test_a_file_is_kept_under_a_random_name_and_read_with_reservations(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.manager)

    answer = send(client, table(GOOD))
    upload = Upload.objects.get()
    assert answer["Location"] == f"{HERE}{upload.pk}/"
    path = Path(upload.file.path)
    assert "contr" not in path.name
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert (upload.name, upload.sha256) == ("contrôles.csv", hashlib.sha256(table(GOOD)).hexdigest())
    shown = client.get(answer["Location"]).content.decode()
    assert "lu avec réserves" in shown
    assert "cp1252" in shown
    assert "04/01/2024" in shown
    assert 'value="Agent"' in shown


def test_every_wrong_column_is_told_with_its_line_and_nothing_is_saved(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.manager)
    wrong = table([*GOOD, ["E003", "31/02/2024", "moyen", "c"]])
    where = send(client, wrong)["Location"]
    choice = {"act": "save", "table": "inspections", "c-subject": HEADINGS[0], "c-date": HEADINGS[1]}

    answer = client.post(where, {**choice, "c-result": HEADINGS[2], "c-inspection": "Agent"})
    shown = unescape(answer.content.decode()).replace("\xa0", " ")
    assert answer.status_code == 422
    assert "Ligne 4, colonne « Date du contrôle » : « 31/02/2024 » n'est pas une date" in shown
    assert "Ligne 4, colonne « Résultat du contrôle » : « moyen »" in shown
    told = shown.partition('name="c-inspection"')[2].partition("</select>")[0]
    assert '<option selected value="Agent">' in told, "the form lost what was chosen"
    assert connecting.connected(work_on(CASE)) == {}


def test_a_result_known_before_its_visit_is_told_beside_its_column(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.manager)
    rows = [[*row, "03/01/2024"] for row in GOOD]
    where = send(client, table(rows, [*HEADINGS, "Résultat connu le"]))["Location"]

    shown = unescape(client.get(where).content.decode()).replace("\xa0", " ")

    assert "Ligne 2, colonne « Résultat connu le » : « Résultat connu le » (03/01/2024) précède" in shown


def test_a_required_field_without_column_is_told(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.manager)
    content = table(GOOD, ["Qui", "Date du contrôle", "Résultat", "Agent"])
    where = send(client, content, table="inspections")["Location"]

    assert "est absente" in client.get(where).content.decode()
    chosen = {"act": "save", "table": "inspections", "c-date": HEADINGS[1], "c-result": "Résultat"}
    saved = client.post(where, {**chosen, "c-subject": "Qui"})
    assert saved.status_code == 302
    assert 'subject = "Qui"' in connecting.connected(work_on(CASE))["inspections"].read_text(encoding="utf-8")


def test_a_new_file_replaces_the_one_that_a_table_read(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.manager)
    for name in ("un.csv", "deux.csv"):
        where = send(client, table(GOOD), name)["Location"]
        client.post(where, {"act": "save", "table": "inspections", **_columns()})

    states = dict(Upload.objects.values_list("name", "state"))
    assert states == {"un.csv": uploads.REPLACED, "deux.csv": uploads.CONNECTED}


def _columns() -> dict[str, str]:
    return {
        "c-subject": HEADINGS[0],
        "c-date": HEADINGS[1],
        "c-result": HEADINGS[2],
        "c-observer": HEADINGS[3],
    }


def _jobs_that_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for the worker: the same calculation, in this process."""

    def start(kind: str, *, user: User, case: str, service: str, title: str, arguments: Any) -> Job:
        assert kind == "publish"
        publish(case, arguments["source"], service=service)
        made: Job = Job.objects.create(
            kind=kind, title=title, case=case, user=user, arguments=arguments, state=JobState.DONE
        )
        return made

    try:
        from eclaireur.desk import jobs
    except ImportError:
        jobs = ModuleType("eclaireur.desk.jobs")
        monkeypatch.setitem(sys.modules, "eclaireur.desk.jobs", jobs)
    monkeypatch.setattr(jobs, "start", start, raising=False)


def test_a_newcomer_goes_from_a_file_to_the_draw_of_a_first_list(
    desk: Desk, sign_in: SignIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    _jobs_that_run_at_once(monkeypatch)
    client = sign_in(desk.manager)

    assert "à connecter" in client.get(HERE).content.decode()
    assert client.post(f"{HERE}calculer/")["Location"] == HERE
    where = send(client, visits())["Location"]
    assert client.post(where, {"act": "save", "table": "inspections", **_columns()}).status_code == 302
    assert "Calculer la première liste" in client.get(HERE).content.decode()
    waiting = client.post(f"{HERE}calculer/")["Location"]
    assert f"/{CASE}/tirage/" in client.get(waiting).content.decode()
    edition = Edition.objects.get(case=CASE, current=True, training=False)
    assert (edition.source, edition.size) == ("connected", 60)


def test_a_workbook_is_read_as_well(desk: Desk, sign_in: SignIn) -> None:
    import xlsxwriter

    stream = BytesIO()
    with xlsxwriter.Workbook(stream, {"in_memory": True}) as book:
        sheet = book.add_worksheet()
        for line, row in enumerate([HEADINGS, *GOOD]):
            sheet.write_row(line, 0, row)

    where = send(sign_in(desk.manager), stream.getvalue(), "contrôles.xlsx")["Location"]
    found = uploads.read(Upload.objects.get(pk=int(where.rstrip("/").rpartition("/")[2])))
    assert (found["table"], found["reading"]["rows"], found["errors"]) == ("inspections", 2, [])


def test_a_file_comes_back_only_as_an_attachment_and_within_reach(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.manager)
    send(client, table(GOOD), "<img src=x onerror=alert(1)>.csv")
    upload = Upload.objects.get()

    answer = client.get(f"/fichiers/{upload.pk}/")
    assert b"".join(answer.streaming_content) == table(GOOD)  # type: ignore[attr-defined]
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    for person in (desk.agent, desk.stranger, desk.administrator):
        assert sign_in(person).get(f"/fichiers/{upload.pk}/").status_code == 404
    assert "<img src=x" not in client.get(HERE).content.decode()
    assert "&lt;img src=x" in client.get(HERE).content.decode()


def test_a_file_that_is_no_table_is_refused_and_its_bytes_are_deleted(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.manager)

    answer = send(client, b"%PDF-1.7 not a table", "lettre.pdf", table="weather")
    shown = answer.content.decode().replace("\xa0", " ")
    upload = Upload.objects.get()
    assert answer.status_code == 422
    assert "lettre.pdf : refusé" in shown
    assert '<option value="weather" selected>' in shown, "the form lost what was chosen"
    assert (upload.state, bool(upload.file)) == (uploads.REFUSED, False)
    assert client.get(f"/fichiers/{upload.pk}/").status_code == 404
    assert client.get(f"{HERE}{upload.pk}/")["Location"] == HERE


def test_a_file_over_the_limit_is_413_in_words_and_nothing_is_kept(
    desk: Desk, sign_in: SignIn, settings: Any
) -> None:
    settings.UPLOAD_LIMIT = 1

    answer = send(sign_in(desk.manager), b"a;b\n" * 600_000)
    assert answer.status_code == 413
    assert "dépasse 1 Mo" in answer.content.decode()
    assert not Upload.objects.exists()
    assert send(sign_in(desk.manager), table(GOOD)).status_code == 302


def test_no_file_or_a_made_up_table_is_told(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.manager)

    assert "aucun fichier" in client.post(HERE, {}).content.decode().lower()
    assert "cette table" in send(client, table(GOOD), table="candidates").content.decode().lower()
    where = send(client, table(GOOD))["Location"]
    assert client.post(where, {"act": "save", "table": "candidates"}).status_code == 404


def test_a_reader_that_hangs_is_stopped_and_the_file_refused(tmp_path: Path) -> None:
    slow = tmp_path / "slow.csv"
    slow.write_bytes(visits())

    with pytest.raises(FileRefusedError, match="secondes"):
        preview_apart(slow, name="slow.csv", case=CASE, today=timezone.localdate(), seconds=0.05)


def test_the_reader_is_given_no_secret_of_the_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import subprocess

    asked: dict[str, Any] = {}
    real = subprocess.Popen

    def seen(*arguments: Any, **options: Any) -> Any:
        asked.update(options)
        return real(*arguments, **options)

    monkeypatch.setenv("DATABASE_URL", "postgresql://secret")
    monkeypatch.setattr("eclaireur.service.previewing.subprocess.Popen", seen)
    path = tmp_path / "a.csv"
    path.write_bytes(table(GOOD))
    preview_apart(path, name="a.csv", case=CASE, today=timezone.localdate())
    assert set(asked["env"]) == {"PYTHONPATH", "LANG", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"}


@pytest.mark.one_database
def test_hostile_files_end_in_one_of_three_outcomes(desk: Desk, sign_in: SignIn, hostile_files: Path) -> None:
    """A sample of each kind that someone could take for a table, generated bombs included."""
    client = sign_in(desk.manager)
    chosen: list[Path] = []
    for folder in ("tabular", "office", "archive", "generated/tabular", "generated/archive", "generated/xml"):
        found = sorted(one for one in (hostile_files / folder).rglob("*") if one.is_file())
        found = [one for one in found if one.stat().st_size < 2_000_000]
        chosen += found[:: max(1, len(found) // 6)][:6]

    assert len(chosen) > 20
    outcomes = {"refused": 0, "read": 0}
    for path in chosen:
        answer = send(client, path.read_bytes(), path.name)
        upload = Upload.objects.order_by("-pk").first()
        assert upload is not None
        if answer.status_code == 302:
            outcomes["read"] += 1
            assert client.get(answer["Location"]).status_code == 200, path
        else:
            outcomes["refused"] += 1
            assert answer.status_code == 422, path
            if upload.bytes:
                assert upload.state == uploads.REFUSED, path
                assert upload.reason, path
    assert min(outcomes.values()) > 2, outcomes
    assert client.get(HERE).status_code == 200

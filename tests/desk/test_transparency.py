"""Sheets of algorithms: prepared by who answers for them, published whole, read by anybody."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.test import Client

from eclaireur.core import canonical
from eclaireur.core.mention import MARK
from eclaireur.desk.models import User
from eclaireur.desk.place import work_on, workspace
from eclaireur.service.declaring import ASKED, declared
from tests.desk.conftest import CASE, Desk

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

Enter = Callable[[User], Client]
PAGE, PUBLIC = f"/{CASE}/fiche/", f"/fiches/{CASE}/"


@pytest.fixture
def said() -> Iterator[dict[str, str]]:
    """What is typed in the form; what it writes in the workspace is taken away afterwards."""
    yield {one.name: "1200" if one.number else f"Texte de {one.name}" for one in ASKED if not one.optional}
    (workspace().home / "declarations" / f"{CASE}.toml").unlink(missing_ok=True)


@pytest.fixture
def evaluated(desk: Desk) -> None:
    work = work_on(CASE)
    run = work.run("evaluate", config={"source": "sample"}, inputs=())
    block = {"data_set": "sample", "split": "s", "metrics": [], "run": run.id, "subgroups": [], "notes": []}

    def write(folder: Path) -> None:
        (folder / "evaluation.json").write_text(json.dumps([block]), encoding="utf-8")

    work.workspace.runs.do(run, write)


def test_a_sheet_is_published_whole_and_read_by_anybody(
    desk: Desk, evaluated: None, said: dict[str, str], sign_in: Enter
) -> None:
    manager, anybody = sign_in(desk.manager), Client()
    assert anybody.get(PUBLIC).status_code == 404
    assert "Aucune fiche" in anybody.get("/fiches/").content.decode()

    refused = manager.post(PAGE, {"act": "publish"})
    assert refused.status_code == 422
    assert "Où demander une explication (à remplir par le responsable du service)" in refused.content.decode()

    assert manager.post(PAGE, {"act": "declare", **said}).status_code == 302
    assert declared(workspace(), work_on(CASE).card)["budget"] == "Texte de budget"
    assert manager.post(PAGE, {"act": "publish"}).status_code == 302
    page = anybody.get(PUBLIC).content.decode()
    for told in (MARK, "Texte de contact", "Ce qui pèse", "0 contestation reçue", "En service"):
        assert told in page, told
    assert PUBLIC in anybody.get("/fiches/").content.decode()
    for form, start in (("pdf", b"%PDF"), ("odt", b"PK"), ("json", b"{"), ("html", b"<!doctype html>")):
        answer = anybody.get(f"{PUBLIC}fiche.{form}")
        assert answer.content.startswith(start)
        assert "attachment" in answer["Content-Disposition"]

    entry = next(iter(workspace().journal.entries("sheet_published", case=CASE)))
    content = canonical.plain(json.loads(anybody.get(f"{PUBLIC}fiche.json").content))
    assert entry.actor == desk.manager.full_name
    assert entry.data["sha256"] == hashlib.sha256(canonical.text(content).encode()).hexdigest()

    manager.post(PAGE, {"act": "declare", "budget": "Autre budget"})
    assert "Autre budget" not in anybody.get(PUBLIC).content.decode()  # as published, until published anew
    assert manager.post(PAGE, {"act": "withdraw"}).status_code == 302
    assert anybody.get(PUBLIC).status_code == 404


def test_only_who_answers_for_the_case_declares_and_publishes(
    desk: Desk, said: dict[str, str], sign_in: Enter
) -> None:
    for user in (desk.agent, desk.scientist):
        client = sign_in(user)
        assert client.get(f"{PAGE}?niveau=expert").status_code == 200
        assert client.post(PAGE, {"act": "declare", **said}).status_code == 404
        assert client.post(PAGE, {"act": "publish"}).status_code == 404
    assert sign_in(desk.stranger).get(PAGE).status_code == 404
    assert Client().get(PAGE).status_code == 302
    assert sign_in(desk.manager).post(PAGE, {"act": "declare", "decisions": "beaucoup"}).status_code == 422
    assert sign_in(desk.manager).post(PAGE, {"act": "autre"}).status_code == 422


def test_each_level_leaves_in_each_form(desk: Desk, sign_in: Enter) -> None:
    client = sign_in(desk.scientist)
    expert = json.loads(client.get(f"{PAGE}fiche.json?niveau=expert").content)
    public = json.loads(client.get(f"{PAGE}fiche.json").content)
    assert (expert["level"], public["level"], public["complete"]) == ("expert", "public", False)
    assert "past_count" in json.dumps(expert)
    assert "past_count" not in json.dumps(public)

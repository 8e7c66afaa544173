"""The explicit mention, read back from what leaves the desk: pages, files, letters, answers of the API."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client

from eclaireur.core.catalog import find_card
from eclaireur.core.mention import MARK
from eclaireur.desk.access import reach_of
from eclaireur.desk.exports import FORMS, take_list
from eclaireur.desk.models import User
from tests.desk.conftest import CASE, Desk
from tests.service.reading_back import text_of

pytestmark = [pytest.mark.django_db, pytest.mark.one_database]

Enter = Callable[[User], Client]


@pytest.mark.parametrize("form", FORMS)
def test_every_form_of_a_list(form: str, desk: Desk, tmp_path: Path) -> None:
    taken = take_list(desk.manager, reach_of(desk.manager), find_card(CASE), desk.worklist.pk, form)
    path = tmp_path / taken.name
    path.write_bytes(taken.content)
    text = text_of(path)
    for told in (MARK, "L. 311-3-1", "CADA"):
        assert told in text, told


def test_every_page_that_shows_a_rank(desk: Desk, sign_in: Enter) -> None:
    client = sign_in(desk.manager)
    target = desk.edition.targets.order_by("pk")[0]
    kind, _, key = target.dossier.subject.partition(":")
    for address in (
        f"/{CASE}/",
        f"/{CASE}/?portee=classement",
        f"/{CASE}/dossiers/{target.dossier_id}/",
        f"/{CASE}/dossiers/{target.dossier_id}/lettres/prior/",
        f"/sujets/{kind}/{key}/",
        f"/{CASE}/tirage/",
    ):
        page = client.get(address).content.decode()
        assert MARK in page, address
        assert "cada.fr" in page, address


def test_the_sheet_of_a_subject_as_pdf(desk: Desk, sign_in: Enter, tmp_path: Path) -> None:
    target = desk.edition.targets.order_by("pk")[0]
    path = tmp_path / "fiche.pdf"
    path.write_bytes(sign_in(desk.manager).get(f"/{CASE}/dossiers/{target.dossier_id}/fiche.pdf").content)
    assert text_of(path).count(MARK) > 1  # at the foot of each page, and with the mentions


def test_each_answer_of_the_api_with_a_rank(desk: Desk) -> None:
    from eclaireur.desk.api.site import api

    described = json.loads(json.dumps(api.get_openapi_schema(path_prefix="/api/v1/")))
    schemas = described["components"]["schemas"]
    scored = {name for name, one in schemas.items() if {"rank", "score"} & set(one.get("properties", {}))}
    assert {"Indice", "ListLine", "Saying"} <= scored
    told = {name for name in scored if "mention" in schemas[name]["properties"]}
    assert scored - told == {"FoundDocument"}  # how well a document answers a search: nobody is scored

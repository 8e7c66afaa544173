"""A portal that speaks udata's API: found, described, and the right file chosen."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from eclaireur.core.errors import BadValueError, NotFoundError, WorkFailedError
from eclaireur.sources.remote.addresses import Rules
from eclaireur.sources.remote.client import Client
from eclaireur.sources.remote.datagouv import Dataset, Portal, newest
from tests.web import Page, Site, serve

ID = "5f5a1b2c-0000-4000-8000-00000000000{}"


def described(rank: int, title: str, form: str, modified: str | None, **more: Any) -> dict[str, Any]:
    return {
        "id": ID.format(rank),
        "title": title,
        "format": form,
        "url": f"https://static.data.gouv.fr/resources/{title.replace(' ', '-')}.{form}",
        "latest": f"https://www.data.gouv.fr/fr/datasets/r/{ID.format(rank)}",
        "last_modified": modified,
        **more,
    }


RESOURCES = [
    described(1, "export restaurants 2018", "csv", "2019-08-22T10:00:00+00:00"),
    described(2, "export restaurants 2020", "csv", "2020-05-19T10:00:00", filesize=12),
    described(3, "notice", "pdf", "2021-01-01T00:00:00+00:00", checksum={"type": "sha1", "value": "0" * 40}),
    described(4, "sans date", "csv", None, checksum={"type": "crc32", "value": "00"}),
]
DATASET = {
    "id": "53699934a3a729239d2051a1",
    "slug": "resultats-alim-confiance",
    "title": "Résultats Alim'confiance",
    "organization": {"name": "Ministère de l'Agriculture"},
    "license": "lov2",
    "page": "https://www.data.gouv.fr/fr/datasets/resultats-alim-confiance/",
    "resources": RESOURCES,
}


def speaking(site: Site) -> Portal:
    """Make a site answer as the portal does, in both versions of its API."""

    def page(content: Any) -> Page:
        return Page(json.dumps(content).encode(), headers={"Content-Type": "application/json"})

    listed = {name: value for name, value in DATASET.items() if name != "resources"}
    by_link = {**DATASET, "resources": {"rel": "subsection", "href": "…", "total": 4}, "slug": "v2"}
    site.pages |= {
        "/api/1/datasets/": page({"data": [{**listed, "resources": []}], "total": 1}),
        f"/api/1/datasets/{DATASET['slug']}/": page(DATASET),
        f"/api/1/datasets/{DATASET['id']}/": page(DATASET),
        "/api/1/datasets/v2/": page(by_link),
        f"/api/2/datasets/{DATASET['id']}/resources/": [
            page({"data": RESOURCES[:3], "next_page": "…"}),
            page({"data": RESOURCES[3:], "next_page": None}),
        ],
        f"/api/2/datasets/resources/{ID.format(2)}/": page(
            {"resource": RESOURCES[1], "dataset_id": DATASET["id"]}
        ),
        "/api/1/datasets/casse/": page(["a list"]),
        "/api/1/datasets/vide/": page({"id": "vide", "resources": [1, None]}),
        "/api/2/datasets/vide/resources/": page({}),
    }
    return Portal(Client(Rules.of("127.0.0.0/8")), Path(), base=site.url)


@pytest.fixture
def portal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Portal]:
    monkeypatch.chdir(tmp_path)
    with serve() as site:
        yield speaking(site)


def test_a_search_says_titles_producers_and_licences(portal: Portal) -> None:
    (found,) = portal.search("alim confiance")
    assert (found.slug, found.producer) == ("resultats-alim-confiance", "Ministère de l'Agriculture")
    assert found.licence == "Licence Ouverte 2.0"


def test_a_dataset_has_its_resources_in_both_versions_of_the_api(portal: Portal) -> None:
    first = portal.dataset("resultats-alim-confiance")
    assert [one.title for one in first.resources] == [one["title"] for one in RESOURCES]
    assert portal.dataset("v2").resources == first.resources
    assert first.resources[2].checksum is not None
    assert first.resources[3].checksum is None


def test_a_resource_is_found_by_its_dataset_or_alone(portal: Portal) -> None:
    dataset, resource = portal.find(f"resultats-alim-confiance/{ID.format(2)}")
    assert resource is not None
    assert (resource.title, resource.size) == ("export restaurants 2020", 12)
    assert portal.find(ID.format(2)) == (dataset, resource)
    assert portal.find("resultats-alim-confiance") == (dataset, None)


def test_what_the_portal_does_not_know_is_said_with_a_way_out(portal: Portal) -> None:
    for name in ("inconnu", ID.format(9)):
        with pytest.raises(NotFoundError, match="ne connaît pas"):
            portal.find(name)
    with pytest.raises(NotFoundError, match="export restaurants 2018"):
        portal.find("resultats-alim-confiance/autre")
    for name in ("../../admin", "a b", ""):
        with pytest.raises(BadValueError):
            portal.find(name)
    with pytest.raises(WorkFailedError, match="autre chose"):
        portal.dataset("casse")
    with pytest.raises(NotFoundError, match="aucune ressource"):
        newest(portal.dataset("vide"))


@pytest.mark.parametrize(
    ("pattern", "form", "expected"),
    [
        ("", "", "notice"),
        ("", "CSV", "export restaurants 2020"),
        ("*Restaurants*", "", "export restaurants 2020"),
        ("*2018*", "csv", "export restaurants 2018"),
        ("export-restaurants-2018.csv", "", "export restaurants 2018"),
        ("sans*", "", "sans date"),
    ],
)
def test_the_newest_resource_that_matches_is_taken(
    portal: Portal, pattern: str, form: str, expected: str
) -> None:
    dataset: Dataset = portal.dataset("resultats-alim-confiance")
    assert newest(dataset, pattern=pattern, form=form).title == expected


def test_no_match_says_what_there_is(portal: Portal) -> None:
    with pytest.raises(NotFoundError, match=r"« \*2022\* » et le format csv.*export restaurants 2020"):
        newest(portal.dataset("resultats-alim-confiance"), pattern="*2022*", form="csv")

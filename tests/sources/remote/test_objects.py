"""An S3-compatible store: one object, or the newest that matches, in one version and whole."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from eclaireur.core.errors import (
    BadValueError,
    ConfigError,
    FileRefusedError,
    NotFoundError,
    RefusedError,
    WorkFailedError,
)
from eclaireur.sources.remote.objects import Store, split
from tests.web import Page, Site, serve

pytest.importorskip("boto3", reason="the extra `objects` is not installed")

OBJECTS = {"2026/a.csv": b"a;b\n1;2\n", "2026/b.csv": b"a;b\n3;4\n", "autre.csv": b"x" * 100}
DAYS = {"2026/a.csv": 2, "2026/b.csv": 1, "autre.csv": 3}


def speaking(site: Site) -> None:
    """Make a site answer as a store does: get, head, list in pages of one."""
    for key, body in OBJECTS.items():
        mark = f'"{hashlib.md5(body, usedforsecurity=False).hexdigest()}"'
        modified = f"Thu, 0{DAYS[key]} Jan 2026 00:00:00 GMT"
        site.pages[f"/exports/{key}"] = Page(body, headers={"ETag": mark, "Last-Modified": modified})

    def listing(served: Site, headers: dict[str, str]) -> Page:
        query = served.paths()[-1].partition("?")[2]
        keys = sorted(key for key in OBJECTS if "prefix=2026" not in query or key.startswith("2026"))
        start = int(query.partition("continuation-token=")[2].partition("&")[0] or 0)
        key, more = keys[start], start + 1 < len(keys)
        token = f"<NextContinuationToken>{start + 1}</NextContinuationToken>" if more else ""
        return Page(
            f"<ListBucketResult><IsTruncated>{str(more).lower()}</IsTruncated>{token}<Contents>"
            f"<Key>{escape(key)}</Key><Size>{len(OBJECTS[key])}</Size><ETag>&quot;1&quot;</ETag>"
            f"<LastModified>2026-01-0{DAYS[key]}T00:00:00Z</LastModified></Contents></ListBucketResult>".encode(),
            headers={"Content-Type": "application/xml"},
        )

    site.pages["/exports"] = listing


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Site]:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "clef")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve() as served:
        speaking(served)
        yield served


def test_an_object_comes_in_the_version_that_was_found(site: Site, tmp_path: Path) -> None:
    store = Store(site.url)
    found = store.find("exports", "2026/a.csv")
    store.bring(found, tmp_path / "a", most=1000)
    assert (tmp_path / "a").read_bytes() == OBJECTS["2026/a.csv"]
    assert site.asked[-1][1]["if-match"] == found.mark
    assert site.asked[-1][1]["authorization"].startswith("AWS4-HMAC-SHA256")


def test_the_newest_object_that_matches_is_found_over_pages(site: Site) -> None:
    store = Store(site.url)
    assert store.find("exports", "2026/*.csv").key == "2026/a.csv"
    assert store.find("exports", "*.csv").key == "autre.csv"
    with pytest.raises(NotFoundError, match="aucun objet"):
        store.find("exports", "2026/*.xlsx")


def test_what_goes_wrong_is_said_in_french(site: Site, tmp_path: Path) -> None:
    store = Store(site.url)
    with pytest.raises(NotFoundError, match=r"s3://exports/absent : cet objet n'existe pas"):
        store.find("exports", "absent")
    found = store.find("exports", "autre.csv")
    with pytest.raises(FileRefusedError, match="trop gros"):
        store.bring(found, tmp_path / "a", most=10)
    site.pages["/exports/autre.csv"] = Page(OBJECTS["autre.csv"], cut=10)
    with pytest.raises(WorkFailedError, match="coupé"):
        store.bring(found, tmp_path / "a", most=1000)
    site.pages["/exports/autre.csv"] = Page(status=412)
    with pytest.raises(WorkFailedError):
        store.bring(found, tmp_path / "a", most=1000)
    site.pages["/exports/autre.csv"] = Page(status=403)
    with pytest.raises(RefusedError, match="refuse l'accès"):
        store.find("exports", "autre.csv")


def test_without_keys_objects_are_asked_for_anonymously_and_no_metadata_service_is_asked(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", site.url)
    Store(site.url).find("exports", "autre.csv")
    assert [(path, headers.get("authorization")) for path, headers in site.asked] == [
        ("/exports/autre.csv", None)
    ]


def test_a_store_that_nobody_set_is_not_guessed() -> None:
    with pytest.raises(ConfigError, match="objects_endpoint"):
        Store("")
    for address in ("s3://", "s3://a", "s3:///a", "https://a/b"):
        with pytest.raises(BadValueError):
            split(address)

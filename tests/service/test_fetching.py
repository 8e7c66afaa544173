"""Fetching ends in a snapshot: whole, once for the same bytes, and the past of a source is kept."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from eclaireur.cli.app import main
from eclaireur.core import snapshots
from eclaireur.core.errors import (
    BadValueError,
    EclaireurError,
    FileRefusedError,
    MissingColumnError,
    NotFoundError,
    RefusedError,
    WorkFailedError,
)
from eclaireur.core.workspace import Workspace
from eclaireur.service.fetching import Asked, fetch, sources, write_history
from eclaireur.sources.isolated import Isolated
from eclaireur.sources.remote import archive
from eclaireur.sources.tables import read_table
from tests.web import Page, Site, serve

SHA1 = hashlib.sha1(b"a;b\n1;2\n", usedforsecurity=False).hexdigest()


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve() as served:
        yield served


@pytest.fixture
def workspace(tmp_path: Path, site: Site) -> Workspace:
    days = iter(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=day) for day in range(1000))
    env = {"ECLAIREUR_ALLOWED_ADDRESSES": "127.0.0.0/8", "ECLAIREUR_DATAGOUV": site.url}
    return Workspace.open(tmp_path / "home", env=env, clock=lambda: next(days))


def waiting(workspace: Workspace) -> list[Path]:
    return list(workspace.lake.root.glob(".waiting/*"))


def test_the_same_bytes_ten_times_are_one_snapshot_and_one_table(workspace: Workspace, site: Site) -> None:
    site.pages["/export.csv"] = Page(b"SIRET;Ville\n01234567890123;Nice\n")
    sums = set()
    for again in range(10):
        found = fetch(workspace, Asked(what=f"{site.url}/export.csv", name="export", licence="CC0"))
        assert found.new == (again == 0)
        archive.read_exports(workspace.lake, "export", read_table)
        (table,) = workspace.lake.folder(archive.export_address(found.snapshot)).glob("*.parquet")
        sums.add((found.snapshot, hashlib.sha256(table.read_bytes()).hexdigest()))
    assert len(sums) == 1
    assert (found.snapshot.licence, found.snapshot.origin) == ("CC0", f"{site.url}/export.csv")
    assert found.snapshot.files[0].path == "export.csv"
    assert snapshots.verify(workspace.lake, found.snapshot) == ()
    assert waiting(workspace) == []


def test_an_address_keeps_its_name_and_hides_its_secrets(workspace: Workspace, site: Site) -> None:
    site.pages["/x"] = Page(b"a;b\n")
    url = f"{site.url}/x?token=abc"
    names = {fetch(workspace, Asked(what=url)).snapshot.source for _ in range(2)}
    assert len(names) == 1
    stored = [path.read_bytes() for path in workspace.home.rglob("*") if path.is_file()]
    assert not [content for content in stored if b"abc" in content]


def test_a_dataset_gives_its_licence_and_a_checked_file(workspace: Workspace, site: Site) -> None:
    resource = {
        "id": "r1",
        "title": "Export",
        "format": "csv",
        "url": f"{site.url}/files/e.csv",
        "checksum": {"type": "sha1", "value": SHA1},
    }
    dataset = {
        "id": "d1",
        "title": "Alim",
        "license": "lov2",
        "page": "https://p.fr",
        "resources": [resource],
    }
    site.pages["/api/1/datasets/alim/"] = Page(json.dumps(dataset).encode())
    site.pages["/files/e.csv"] = Page(b"a;b\n1;2\n")
    found = fetch(workspace, Asked(what="datagouv:alim/r1"))
    assert found.snapshot.licence == "Licence Ouverte 2.0"
    assert found.snapshot.origin == "https://p.fr (ressource r1)"
    assert fetch(workspace, Asked(what="datagouv:alim", form="csv", name="b")).notes == ()
    site.pages["/files/e.csv"] = Page(b"a;b\n1;3\n")
    with pytest.raises(RefusedError, match="n'est pas celle qui était annoncée"):
        fetch(workspace, Asked(what="datagouv:alim/r1"))
    assert len(snapshots.snapshots(workspace.lake, found.snapshot.source)) == 1
    for url in ("http://169.254.169.254/latest", "file:///etc/passwd", "http://10.0.0.1/a.csv"):
        dataset["resources"] = [{**resource, "url": url}]
        site.pages["/api/1/datasets/alim/"] = Page(json.dumps(dataset).encode())
        with pytest.raises((RefusedError, BadValueError)):
            fetch(workspace, Asked(what="datagouv:alim/r1"))


def test_a_folder_gives_its_newest_file(workspace: Workspace, tmp_path: Path) -> None:
    folder = tmp_path / "partage"
    folder.mkdir()
    for age, name in enumerate(("Export_B.csv", "export_a.csv", "autre.csv", ".caché.csv")):
        (folder / name).write_text(name, encoding="utf-8")
        os.utime(folder / name, (1000 - age, 1000 - age))
    (folder / "export_lien.csv").symlink_to("/etc/passwd")
    found = fetch(workspace, Asked(what=f"folder:{folder}", pattern="export_*.csv"))
    assert found.snapshot.files[0].path == "Export_B.csv"
    for wrong in (folder / "export_lien.csv", folder / "absent", Path("/dev/null")):
        with pytest.raises(EclaireurError):
            fetch(workspace, Asked(what=f"folder:{wrong}"))
    with pytest.raises(NotFoundError, match=r"\*\.xlsx"):
        fetch(workspace, Asked(what=f"folder:{folder}", pattern="*.xlsx"))


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        (Asked(what="gopher:x"), BadValueError),
        (Asked(what="{}/a.csv", name="Mon nom"), BadValueError),
        (Asked(what="{}/a.csv", sha256="abc"), BadValueError),
        (Asked(what="{}/a.csv", sha256="0" * 64), BadValueError),
        (Asked(what="{}/page.csv"), FileRefusedError),
        (Asked(what="{}/absent.csv"), NotFoundError),
        (Asked(what="{}/meta"), RefusedError),
    ],
)
def test_what_fails_leaves_nothing(
    workspace: Workspace, site: Site, asked: Asked, kind: type[EclaireurError]
) -> None:
    site.pages["/a.csv"] = Page(b"a;b\n")
    site.pages["/page.csv"] = Page(b"<!doctype html>")
    site.pages["/meta"] = Page(status=302, headers={"Location": "http://169.254.169.254/"})
    with pytest.raises(kind):
        fetch(workspace, Asked(what=asked.what.format(site.url), name=asked.name, sha256=asked.sha256))
    assert sources(workspace) == ()
    assert waiting(workspace) == []


def test_a_killed_fetch_leaves_nothing_half_written(workspace: Workspace, site: Site, root: Path) -> None:
    site.pages["/slow.csv"] = Page(b"a;b\n" * 1000, drip=0.01)
    environment = {
        **os.environ,
        "PYTHONPATH": str(root / "src"),
        "ECLAIREUR_HOME": str(workspace.home),
        "ECLAIREUR_ALLOWED_ADDRESSES": "127.0.0.0/8",
        "NO_PROXY": "127.0.0.1",
    }
    command = [sys.executable, "-m", "eclaireur", "fetch", f"{site.url}/slow.csv", "--name", "slow"]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as child:
        until = time.monotonic() + 60
        while not list(workspace.lake.root.glob(".waiting/*/raw/slow.csv")):
            assert time.monotonic() < until
            assert child.poll() is None
            time.sleep(0.02)
        child.send_signal(signal.SIGKILL)
    assert sources(workspace) == ()
    (left,) = waiting(workspace)
    os.utime(left, (1, 1))
    site.pages["/slow.csv"] = Page(b"a;b\n")
    found = fetch(workspace, Asked(what=f"{site.url}/slow.csv", name="slow"))
    assert found.snapshot.files[0].bytes == 4
    assert waiting(workspace) == []


EXPORTS = (
    "SIRET;Note\n001;A\n002;B\n002;B\n",
    "SIRET;Note\n001;A\n002;C\n",
    "SIRET;Note;Ville\n003;A;Nice\n",
)


def write(folder: Path, text: str) -> Asked:
    (folder / "export.csv").write_text(text, encoding="utf-8")
    return Asked(what=f"folder:{folder}", pattern="*.csv", name="rolling")


def test_the_history_keeps_what_a_producer_overwrites(workspace: Workspace, tmp_path: Path) -> None:
    for text in (*EXPORTS[:2], EXPORTS[1], EXPORTS[2]):
        fetch(workspace, write(tmp_path, text))
    rows = write_history(workspace, "rolling", tmp_path / "h.parquet", key=("SIRET",), read=read_table)
    table = pq.read_table(tmp_path / "h.parquet")
    assert rows == table.num_rows == 4
    found = [
        (
            row["SIRET"],
            row["Note"],
            row["Ville"],
            row["_exports"],
            row["_copies"],
            row["_present"],
            row["_version"],
            (row["_last_seen"] - row["_first_seen"]).days > 0,
        )
        for row in table.to_pylist()
    ]
    assert found == [
        ("001", "A", None, 3, 1, False, 1, True),
        ("002", "B", None, 1, 2, False, 1, False),
        ("002", "C", None, 2, 1, False, 2, True),
        ("003", "A", "Nice", 1, 1, True, 1, False),
    ]
    once = (tmp_path / "h.parquet").read_bytes()
    write_history(workspace, "rolling", tmp_path / "h.parquet", key=("SIRET",))
    assert (tmp_path / "h.parquet").read_bytes() == once


def test_headings_that_mean_something_in_sql_are_only_names(workspace: Workspace, tmp_path: Path) -> None:
    fetch(workspace, write(tmp_path, 'Nom;nom;"a""b";t1\n1;2;3;4\n'))
    write_history(workspace, "rolling", tmp_path / "h.parquet", key=("nom",), read=read_table)
    assert pq.read_table(tmp_path / "h.parquet").column_names[:4] == ["Nom", "nom", 'a"b', "t1"]
    with pytest.raises(MissingColumnError):
        write_history(workspace, "rolling", tmp_path / "h.parquet", key=("SIRET",))
    with pytest.raises(NotFoundError):
        write_history(workspace, "inconnue", tmp_path / "h.parquet")
    with pytest.raises(BadValueError):
        write_history(workspace, "rolling", tmp_path / "h.csv")


def test_an_export_that_is_judged_without_being_held_has_its_history_too(
    workspace: Workspace, tmp_path: Path
) -> None:
    draw = random.Random(1)
    rows = "".join(f"{number:09d};{draw.randbytes(60).hex()}\n" for number in range(14_000))
    large = tmp_path / "large.csv.gz"
    large.write_bytes(gzip.compress(f"SIRET;nom\n{rows}".encode()))
    with Isolated() as reader:
        assert reader.read(large).table is None, "it must be one that a page does not hold"
    fetch(workspace, Asked(what=f"folder:{large}", name="large"))
    assert write_history(workspace, "large", tmp_path / "h.parquet", key=("SIRET",)) == 14_000


def test_two_real_exports_are_kept_as_one_history(
    workspace: Workspace, real_data: Path, tmp_path: Path
) -> None:
    """The first thousand rows of each; benchmarks/prove_fetching.py reads them whole."""
    for name in ("restaurants_2018-2019", "all_2019-2020"):
        with gzip.open(real_data / "food_safety_fr" / f"alimconfiance_{name}.csv.gz") as stream:
            (tmp_path / "export.csv").write_bytes(b"".join(islice(stream, 1001)))
        fetch(workspace, Asked(what=f"folder:{tmp_path / 'export.csv'}", name="alim"))
    write_history(workspace, "alim", tmp_path / "h.parquet", key=("SIRET",), read=read_table)
    table = pq.read_table(tmp_path / "h.parquet")
    assert len(table.column_names) == 13 + len(archive.ADDED)
    copies, present = table["_copies"].to_pylist(), table["_present"].to_pylist()
    assert sum(copies) == 2000
    assert sum(count for count, here in zip(copies, present, strict=True) if here) == 1000


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, workspace: Workspace) -> Run:
    monkeypatch.setenv("ECLAIREUR_HOME", str(workspace.home))
    for name, value in workspace.environ.items():
        monkeypatch.setenv(name, value)

    def call(*arguments: str) -> tuple[int, str, str]:
        code = main(arguments)
        return code, *capfd.readouterr()

    return call


def test_the_commands_fetch_search_and_list(run: Run, site: Site, tmp_path: Path) -> None:
    site.pages["/a.csv"] = Page(b"a;b\n1;2\n")
    dataset = {
        "slug": "alim",
        "title": "Alim'confiance",
        "license": "fr-lo",
        "organization": {"name": "DGAL"},
    }
    site.pages["/api/1/datasets/"] = Page(json.dumps({"data": [dataset]}).encode())
    code, out, _ = run("fetch", "--search", "alim confiance")
    assert (code, "datagouv:alim" in out, "DGAL" in out) == (0, True, True)
    assert "q=alim+confiance" in site.paths()[-1]
    code, out, _ = run("fetch", f"{site.url}/a.csv", "--name", "a")
    assert code == 0
    assert "Licence inconnue" in out
    code, out, _ = run("fetch", f"{site.url}/a.csv", "--name", "a", "--licence", "CC0", "--json")
    assert json.loads(out)["new"] is False
    assert "reste « non précisée »" in json.loads(out)["notes"][-1]
    code, out, _ = run("snapshots", "--json")
    assert [one["files"][0]["bytes"] for one in json.loads(out)["a"]] == [8]
    assert "a.csv" in run("snapshots", "a")[1]
    code, out, _ = run("snapshots", "a", "--history", str(tmp_path / "h.parquet"), "--key", "a")
    assert (code, "1 ligne" in out) == (0, True)


def test_a_request_that_cannot_be_met_is_said_in_french(run: Run, site: Site) -> None:
    site.pages["/down"] = Page(status=418)
    for arguments, expected, wanted in (
        (["fetch"], "il manque ce qu'il faut", 2),
        (["fetch", "inconnu"], "cas d'usage inconnu", 2),
        (["fetch", "https://a:b@a.fr/"], "identifiant ou un mot de passe", 2),
        (["fetch", "s3://a/b"], "aucun espace de stockage", 2),
        (["fetch", f"{site.url}/down"], "erreur 418", 1),
        (["snapshots", "inconnue"], "aucune donnée lue", 2),
        (["snapshots", "--history", "h.parquet"], "demande le nom d'une source", 2),
    ):
        code, _, err = run(*arguments)
        assert (code, err.startswith("Erreur : ")) == (wanted, True)
        assert expected in err


def test_a_failing_site_is_work_that_failed(workspace: Workspace, site: Site) -> None:
    site.pages["/down"] = Page(status=418)
    with pytest.raises(WorkFailedError):
        fetch(workspace, Asked(what=f"{site.url}/down"))

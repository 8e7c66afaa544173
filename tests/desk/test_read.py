"""Having a file read at the desk: what its page says, who sees it, and that nothing of it stays."""

from __future__ import annotations

import json
import os
import re
import time
import wave
from collections.abc import Callable
from datetime import timedelta
from html import unescape
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from eclaireur.cli.app import main
from eclaireur.desk import readings
from eclaireur.desk.access import Perimeter
from eclaireur.desk.accounts.keys import make_key
from eclaireur.desk.jobs import queue
from eclaireur.desk.jobs.running import run
from eclaireur.desk.models import Grant, Job, JobState, Role, Upload, User
from eclaireur.sources.documents import ocr
from tests.desk.conftest import CASE, Desk
from tests.document_builders import picture
from tests.web import Page, serve

pytestmark = pytest.mark.one_database

SignIn = Callable[[User], Client]
HERE = "/lire/"
TABLE = "Export du service\n\nSIRET;Le;Montant\n83283779300021;01/02/2023;1 234,50\n8,32838E+13;;2\n"


@pytest.fixture(autouse=True)
def own_files(settings: Any, tmp_path: Path) -> Path:
    """What is sent in a test goes to its own folder."""
    settings.MEDIA_ROOT = tmp_path / "files"
    return tmp_path / "files"


def send(client: Client, content: bytes, name: str, **more: str) -> str:
    """Have a file read; return the address of its page."""
    answer = client.post(HERE, {"file": SimpleUploadedFile(name, content), **more})
    assert answer.status_code == 302, answer.content.decode()
    return str(answer["Location"])


def shown(client: Client, where: str) -> str:
    """Return the words of a page, with plain spaces."""
    answer = client.get(where)
    assert answer.status_code == 200
    text = unescape(re.sub(r"<(script|style).*?</\1>|<[^>]+>", " ", answer.content.decode(), flags=re.DOTALL))
    return " ".join(text.replace("\u202f", " ").split())


def kept(files: Path) -> list[str]:
    return sorted(str(path.relative_to(files)) for path in files.rglob("sent/*"))


def test_only_who_may_connect_data_has_files_read_and_finds_it_in_the_menu(
    desk: Desk, sign_in: SignIn, own_files: Path
) -> None:
    local = User.objects.create_user("local", "Lou Local")
    Grant.objects.create(user=local, role=Role.MANAGER, case=CASE, area=desk.area)
    for person in (desk.agent, desk.stranger, desk.administrator, local):
        client = sign_in(person)
        assert client.get(HERE).status_code == 404
        assert client.post(HERE, {"file": SimpleUploadedFile("a.csv", b"a;b\n1;2\n")}).status_code == 404
        assert "Lire un fichier" not in client.get("/").content.decode()
    assert "Lire un fichier" in sign_in(desk.scientist).get("/").content.decode()
    assert not own_files.exists()


def test_a_table_is_shown_with_repairs_doubts_columns_and_first_rows_and_is_not_kept(
    desk: Desk, sign_in: SignIn, own_files: Path
) -> None:
    client = sign_in(desk.scientist)
    where = send(client, TABLE.encode("cp1252"), "../relevé.csv")

    text = shown(client, where)
    assert "relevé.csv" in text
    assert "▲ lu avec réserves Le fichier est lu. 1 réparation et 1 doute à vérifier" in text
    assert "SIRET SIRET" in text
    assert "01/02/2023 1 234,5" in text
    assert re.search(r"Doute Colonne « SIRET » : 1 identifiant abîmé .* 5 ", text), text
    assert kept(own_files) == []
    assert not Upload.objects.exists()
    for name, words in (("compte-rendu.txt", "ligne 5 : 8,32838E+13"), ("lecture.json", "siret")):
        taken = client.get(f"{where}{name}")
        assert taken["Content-Disposition"].startswith("attachment")
        assert words in b"".join(taken.streaming_content).decode()  # type: ignore[attr-defined]
    sheet = client.get(f"{where}corrections.xlsx")
    assert b"".join(sheet.streaming_content).startswith(b"PK")  # type: ignore[attr-defined]
    assert client.get(f"{where}asked.json").status_code == 404


def test_a_reading_is_its_owner_s_alone_and_goes_when_told_or_after_an_hour(
    desk: Desk, sign_in: SignIn, own_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, other = sign_in(desk.scientist), sign_in(desk.manager)
    first, second = (send(client, b"Ville;Nb\nNice;12\n", "a.csv", keep="1") for _ in range(2))
    assert len(kept(own_files)) == 2
    assert other.get(first).status_code == 410
    assert other.get(f"{first}compte-rendu.txt").status_code == 404
    assert other.post(f"{first}effacer/").status_code == 404

    assert client.post(f"{first}effacer/")["Location"] == HERE
    assert client.get(first).status_code == 410
    assert len(kept(own_files)) == 1
    later = time.time() + readings.KEPT + 1
    monkeypatch.setattr("eclaireur.desk.readings.time.time", lambda: later)
    assert client.get(second).status_code == 410
    readings.sweep()
    assert [path for path in own_files.rglob("*") if path.is_file()] == []


def test_the_oldest_reading_goes_when_a_person_has_too_many(
    desk: Desk, sign_in: SignIn, own_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("eclaireur.desk.readings.MOST", 2)
    client = sign_in(desk.scientist)
    pages = [send(client, b"Ville;Nb\nNice;12\n", "a.csv", keep="1") for _ in range(3)]
    assert [client.get(one).status_code for one in pages] == [410, 200, 200]
    assert len(kept(own_files)) == 2


def test_a_table_that_is_kept_goes_on_to_its_columns(desk: Desk, sign_in: SignIn, own_files: Path) -> None:
    client = sign_in(desk.manager)
    where = send(client, TABLE.encode(), "a.csv", keep="1")
    assert "Connecter ce tableau" in shown(client, where)

    answer = client.post(f"{where}connecter/", {"case": CASE})
    upload = Upload.objects.get()
    assert answer["Location"] == f"/{CASE}/connecter/{upload.pk}/"
    assert (upload.name, Path(upload.file.path).read_bytes()) == ("a.csv", TABLE.encode())
    assert kept(own_files) == []
    assert client.post(f"{where}connecter/", {"case": "nulle_part"}).status_code == 404


def test_a_document_shows_its_pages_marks_what_nobody_sees_and_lists_what_it_carries(
    desk: Desk, sign_in: SignIn
) -> None:
    client = sign_in(desk.scientist)
    page = "<h1>Lettre</h1><p>Deux <script>alert(1)</script>écarts.<p hidden>Ignore tout &lt;b&gt;"
    where = send(client, page.encode(), "lettre.html")
    raw = client.get(where).content.decode()
    assert '<mark class="sure">Ignore tout &lt;b&gt;' in raw
    assert "invisible : masqué par la page" in raw
    assert "alert(1)" not in raw
    taken = client.get(f"{where}texte.txt")
    assert b"".join(taken.streaming_content).decode() == "Lettre\n\nDeux écarts.\n"  # type: ignore[attr-defined]

    mail = (
        "From: a@example.fr\nSubject: Avis\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n"
        "--x\nContent-Type: text/plain\n\nBonjour\n"
        '--x\nContent-Type: text/plain\nContent-Disposition: attachment; filename="piece.txt"\n\nVu\n--x--\n'
    )
    assert re.search(
        r"Pièces jointes .*piece\.txt .* lu", shown(client, send(client, mail.encode(), "a.eml"))
    )


def test_a_layer_says_its_system_and_is_drawn_and_a_sound_says_its_length(
    desk: Desk, sign_in: SignIn
) -> None:
    pytest.importorskip("pyogrio", reason="the extra `geo` is not installed")
    client = sign_in(desk.scientist)
    ring = [[4.8, 45.7], [4.9, 45.7], [4.9, 45.8], [4.8, 45.7]]
    layer = json.dumps({"type": "Polygon", "coordinates": [ring]}).encode()
    where = send(client, layer, "zone.geojson")
    text, raw = shown(client, where), client.get(where).content.decode()
    assert "EPSG:4326" in text
    assert "Emprise 45,75000 ; 4,85000" in text
    drawn = json.loads(raw.partition('<script type="application/json">')[2].partition("</script>")[0])
    assert [[ring]] in [one["geometry"]["coordinates"] for one in drawn["features"]]

    pytest.importorskip("soundfile", reason="the extra `audio` is not installed")
    target = BytesIO()
    with wave.open(target, "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(range(256)) * 125)
    text = shown(client, send(client, target.getvalue(), "appel.wav"))
    assert "Mesures par seconde 8 000" in text
    assert "Durée 2 s" in text


@pytest.mark.one_database
def test_a_scanned_page_is_read_by_a_task_that_only_its_owner_sees(
    desk: Desk, sign_in: SignIn, own_files: Path
) -> None:
    if not ocr.available():
        pytest.skip("tesseract-ocr-fra is not installed")
    client = sign_in(desk.scientist)
    target = BytesIO()
    picture(["Le registre est absent.", "Un rapport est attendu."]).save(target, "PDF")
    where = send(client, target.getvalue(), "lettre.pdf")
    assert "En attente" in shown(client, where)
    assert len(kept(own_files)) == 1
    job = Job.objects.get(kind="read")
    assert "lettre" not in f"{job.title} {job.arguments}"
    everywhere = User.objects.create_user("partout", "Paul Partout")
    Grant.objects.create(user=everywhere, role=Role.MANAGER)
    assert sign_in(everywhere).get(f"/taches/{job.pk}/").status_code == 404
    assert client.get(f"/taches/{job.pk}/").status_code == 200

    taken = queue.claim("here", lease=60)
    assert taken is not None
    run(taken.pk, taken.token)
    text = shown(client, where)
    assert "Un rapport est attendu." in text, text
    assert kept(own_files) == []
    assert where in client.get(f"/taches/{job.pk}/").content.decode()


def test_an_address_is_read_only_where_the_installation_allows_it(
    desk: Desk, sign_in: SignIn, settings: Any, monkeypatch: pytest.MonkeyPatch, own_files: Path
) -> None:
    client = sign_in(desk.scientist)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with serve() as site:
        site.pages["/export.csv"] = Page(b"Ville;Nb\nNice;12\n")
        address = f"{site.url}/export.csv"
        assert client.post(HERE, {"address": address}).status_code == 422
        settings.READ_ADDRESSES = True
        assert client.post(HERE, {"address": "folder:/etc"}).status_code == 422
        where = client.post(HERE, {"address": address})["Location"]
        taken = queue.claim("here", lease=60)
        assert taken is not None
        run(taken.pk, taken.token)
    assert kept(own_files) == []
    # A desk that may read addresses still reads only the public internet.
    assert Job.objects.get().state == JobState.FAILED
    assert "127.0.0.1" in shown(client, where)


@pytest.mark.parametrize(
    "name",
    [
        "archive/nested_100GB.zip",
        "archive/zip_slip_symlink.zip",
        "docx/billion_laughs.docx",
        "image/bomb_30000x30000.png",
        "image/script.svg",
        "json/deep_100k.json",
        "pdf/page_tree_loop.pdf",
        "xml/billion_laughs.xml",
        "audio/header_2GB.wav",
    ],
)
def test_a_hostile_file_is_refused_in_words_or_read_and_the_desk_lives(
    name: str, desk: Desk, sign_in: SignIn
) -> None:
    folder = os.environ.get("ECLAIREUR_HOSTILE")
    if not folder:
        pytest.skip("ECLAIREUR_HOSTILE is not set")
    path = Path(folder) / "generated" / name
    if not path.is_file():
        pytest.skip(f"{name} is absent")
    client = sign_in(desk.scientist)
    where = send(client, path.read_bytes(), path.name)
    text = shown(client, where)
    if name == "audio/header_2GB.wav":
        assert "lu avec réserves" in text
    else:
        assert re.search(r"■ refusé \w.{15,}", text), text[:400]
    assert "Traceback" not in text


@pytest.mark.one_database
def test_a_program_reads_as_the_command_does_with_the_right_scope_and_keeps_nothing(
    desk: Desk, tmp_path: Path, own_files: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    def key(*scopes: str, area: str = "") -> dict[str, str]:
        until = timezone.now() + timedelta(days=1)
        where = Perimeter("", CASE, area)
        _, token = make_key(desk.manager, "Essai", scopes=scopes, expires=until, perimeter=where)
        return {"Authorization": f"Bearer {token}"}

    def ask(headers: dict[str, str], content: bytes, name: str, how: str = "") -> Any:
        sent = SimpleUploadedFile(name, content)
        return Client().post(f"/api/v1/lecture{how}", {"file": sent}, headers=headers)

    page = b"<h1>Lettre</h1><p>Deux points.<p hidden>Ignore tout"
    assert ask(key("compute"), page, "a.html").json()["error"]["type"] == "missing_scope"
    assert ask(key("connect", area=desk.area), page, "a.html").status_code == 404
    mine = key("connect")
    for name, content in (("a.csv", TABLE.encode("cp1252")), ("a.html", page), ("a.pdf", b"%PDF-1.7\n")):
        path = tmp_path / name
        path.write_bytes(content)
        main(["read", str(path), "--json"])
        answer = ask(mine, content, name)
        assert answer.status_code == 200
        assert answer.json() == json.loads(capfd.readouterr().out)
    assert ask(mine, page, "a.html", "?comme=table").json()["outcome"] == "refusé"
    assert Client().post("/api/v1/lecture", headers=mine).json()["error"]["field"] == "file"
    assert not own_files.exists()

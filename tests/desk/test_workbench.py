"""The workbench: calculations asked for with settings, followed, read in tabs, compared, made anew."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from eclaireur.core.card import Desk as Desk_
from eclaireur.core.catalog import cards, find_card
from eclaireur.core.view import Block, Column, Table
from eclaireur.core.view_json import to_plain
from eclaireur.desk.bench import methods
from eclaireur.desk.models import Grant, Job, JobState, Role, User
from eclaireur.desk.place import work_on, workspace
from tests.desk.browser import stage
from tests.desk.conftest import CASE, Desk
from tests.desk.test_reports import carried

SignIn = Callable[[User], Client]
BENCH = "drug_effects"
HERE = f"/{BENCH}/"
pytestmark = [pytest.mark.django_db, pytest.mark.one_database]


@pytest.fixture
def chemist(desk: Desk) -> User:
    """Return somebody who works at the bench on all of the case."""
    Grant.objects.create(user=desk.stranger, role=Role.AGENT, case=BENCH)
    return desk.stranger


def text_of(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, address
    return answer.content.decode()


def event_table() -> SimpleUploadedFile:
    """Return an event table as a researcher sends it."""
    return SimpleUploadedFile("événements.csv", stage.event_table())


def test_a_method_is_asked_for_with_settings_and_read_in_tabs(chemist: User, sign_in: SignIn) -> None:
    client = sign_in(chemist)
    shown = text_of(client, f"{HERE}?methode=series")
    assert "Fenêtre de risque" in shown
    assert "(jours)" in shown
    assert "42 jours." in shown
    answer = client.post(HERE, {"methode": "series", "days": "30", "source": "sample"})
    address = answer["Location"]
    assert address.startswith(f"{HERE}calculs/")
    assert 'hx-trigger="every 2s"' in text_of(client, address)
    job = carried("report")
    assert job.state == JobState.DONE, job.error
    for tab, said in (
        ("resume", "accru"),
        ("tableau", "jours 0 à 30"),
        ("figures", "<svg"),
        ("details", "--set days=30"),
        ("limites", "Les fenêtres de risque sont choisies avant"),
        ("tout", "jours 0 à 30"),
    ):
        assert said in text_of(client, f"{address}?onglet={tab}"), tab
    assert client.get(f"{address}?onglet=autre").status_code == 404
    assert 'value="30"' in text_of(client, address)
    assert address in text_of(client, f"{HERE}calculs/")
    assert address in text_of(client, "/")


def test_a_file_is_analysed_and_its_candidates_leave_in_every_form(chemist: User, sign_in: SignIn) -> None:
    import pyarrow.parquet as pq
    from python_calamine import CalamineWorkbook

    client = sign_in(chemist)
    assert "Format attendu" in text_of(client, f"{HERE}?methode=analyse-fichier")
    asked = {"methode": "analyse-fichier", "source": "sample", "file": event_table()}
    address = client.post(HERE, asked)["Location"]
    job = carried("score")
    assert job.state == JobState.DONE, job.error
    assert "Lignes écartées" in text_of(client, address)
    tables = text_of(client, f"{address}?onglet=tableau")
    assert "aucun événement : cette personne" in tables
    assert "Chance d&#x27;un risque au moins doublé" in tables
    assert "accru après : produit A" in text_of(client, f"{address}?onglet=figures")

    rows = pq.read_table(io.BytesIO(client.get(f"{address}resultat.parquet").content))
    lines = len(event_table().read().decode().splitlines()) - 1
    assert rows.num_rows == lines
    book = CalamineWorkbook.from_filelike(io.BytesIO(client.get(f"{address}resultat.xlsx").content))
    sheet = book.get_sheet_by_index(0).to_python()
    assert len(sheet) == lines + 1
    assert "Raison du rejet" in sheet[0]
    plain = client.get(f"{address}resultat.csv").content.decode("utf-8-sig")
    assert plain.count("\r\n") == lines + 1
    assert client.get(f"{address}resultat.pdf").content.startswith(b"%PDF")
    refused = sum(one is not None for one in rows["rejection"].to_pylist())
    at = _block_of(client, address, "Lignes écartées")
    data = client.get(f"{address}donnees.csv?bloc={at}").content.decode("utf-8-sig")
    assert data.count("\r\n") == refused + 1
    with zipfile.ZipFile(io.BytesIO(client.get(f"{address}resultat.zip").content)) as archive:
        names = archive.namelist()
    assert {"resultat.pdf", "resultat.parquet", "carnet.ipynb"} <= set(names)
    assert any(name.endswith(".svg") for name in names)

    taken = [one.data["form"] for one in workspace().journal.entries("export") if one.case == BENCH]
    assert {"parquet", "xlsx", "csv", "pdf", "zip", f"csv {at}"} == set(taken)

    # The file is kept for a second try, without being sent again; the same rows are analysed once.
    again = client.post(HERE, asked | {"file": "", "file-deja": str(job.arguments["upload"])})
    assert again.status_code == 302
    assert carried("score").result == job.result


def spectra_file() -> SimpleUploadedFile:
    """Return spectra of samples as an instrument's program exports them; the last one cannot be read."""
    from eclaireur.cases.unknown_molecules import sample, writing

    found, strangers = sample.molecules(20211, 36), sample.molecules(20311, 6)
    rows = [one for one in sample.samples(20211, found, strangers) if one["mz"]][:6]
    unreadable = "BEGIN IONS\nTITLE=vide\nPEPMASS=150\nEND IONS\n"
    return SimpleUploadedFile("prélèvements.mgf", (writing.mgf_text(rows) + unreadable).encode())


def test_a_chemist_loads_spectra_and_takes_the_candidates_away(desk: Desk, sign_in: SignIn) -> None:
    import pyarrow.parquet as pq

    Grant.objects.create(user=desk.stranger, role=Role.AGENT, case="unknown_molecules")
    client = sign_in(desk.stranger)
    asked = {"methode": "analyse-fichier", "source": "sample", "file": spectra_file()}
    address = client.post("/unknown_molecules/", asked)["Location"]
    job = carried("score")
    assert job.state == JobState.DONE, job.error
    page = text_of(client, f"{address}?onglet=tableau")
    assert "Molécule proposée" in page
    assert "molécule fictive" in page
    assert "Lignes écartées" in page
    assert "(JSON)" not in page
    rows = pq.read_table(io.BytesIO(client.get(f"{address}resultat.parquet").content)).to_pylist()
    assert [row["kept"] for row in rows] == [True] * 6 + [False]
    assert json.loads(rows[0]["candidates"])[0]["name"].startswith("molécule fictive")
    sheet = client.get(f"{address}resultat.csv").content.decode("utf-8-sig")
    assert "Probabilité de la deuxième" in sheet.splitlines()[0]


def _block_of(client: Client, address: str, title: str) -> int:
    """Return the number of a block from the link to its data."""
    page = text_of(client, f"{address}?onglet=tout")
    end = page.index(f'<span class="hidden"> : {title}</span>')
    return int(page[:end].rpartition("bloc=")[2].partition('"')[0])


def test_a_file_that_is_wrong_or_missing_is_told_and_what_was_typed_stays(
    chemist: User, sign_in: SignIn
) -> None:
    client = sign_in(chemist)
    answer = client.post(HERE, {"methode": "analyse-fichier", "source": "sample"})
    assert answer.status_code == 422
    assert "aucun fichier" in answer.content.decode().lower()
    answer = client.post(HERE, {"methode": "signals", "source": "sample", "least": "0", "level": "2,5"})
    assert answer.status_code == 422
    page = answer.content.decode()
    assert 'id="least-p-erreur"' in page
    assert 'value="2,5"' in page
    assert client.post(HERE, {"methode": "signals", "source": "autre"}).status_code == 422
    assert client.post(HERE, {"methode": "inconnue"}).status_code == 404
    sent = SimpleUploadedFile("vide.csv", b"Patient;Type\nP1;visite\n")
    address = client.post(HERE, {"methode": "analyse-fichier", "source": "sample", "file": sent})["Location"]
    failed = carried("score")
    assert failed.state == JobState.FAILED
    assert "ide.csv, ligne 2" in failed.error
    assert "pas abouti" in text_of(client, address)
    assert client.get(f"{address}resultat.csv").status_code == 404


def test_two_calculations_stand_side_by_side_with_what_differs_marked(chemist: User, sign_in: SignIn) -> None:
    client = sign_in(chemist)
    made = []
    for least in ("3", "5"):
        client.post(HERE, {"methode": "signals", "source": "sample", "least": least})
        job = carried("report")
        assert job.state == JobState.DONE, job.error
        made.append(job)
    first, second = (str(one.pk) for one in made)
    page = text_of(client, f"{HERE}calculs/comparer/?c={first}&c={second}")
    assert page.count("▲ diffère") >= 2
    assert "3 déclarations" in page
    assert "5 déclarations" in page
    assert "<del>" in page
    same = text_of(client, f"{HERE}calculs/comparer/?c={first}&c={first}")
    assert "Les deux résultats sont identiques" in same
    assert "Choisissez deux calculs" in text_of(client, f"{HERE}calculs/comparer/?c={first}")
    assert client.get(f"{HERE}calculs/comparer/?c=1&c=2").status_code == 404


def _run_notebook(content: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Execute the code cells of a notebook one after the other, in a folder, as a kernel would."""
    monkeypatch.chdir(folder)
    book = json.loads(content)
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5)
    names: dict[str, Any] = {}
    for cell in book["cells"]:
        assert set(cell) >= {"id", "cell_type", "metadata", "source"}
        if cell["cell_type"] == "code":
            exec(compile("".join(cell["source"]), cell["id"], "exec"), names)  # noqa: S102 (what is tested)
    return names


def test_the_notebook_of_a_calculation_finds_the_same_run(
    chemist: User, sign_in: SignIn, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = sign_in(chemist)
    client.post(HERE, {"methode": "series", "source": "sample", "days": "21"})
    job = carried("report")
    book = client.get(f"{HERE}calculs/{job.pk}/carnet.ipynb")
    assert "attachment" in book["Content-Disposition"]
    names = _run_notebook(book.content, tmp_path, monkeypatch)
    assert names["run"] == job.result["run"]
    assert names["same"] is True
    assert names["tables"]
    assert (tmp_path / "figure-1.svg").read_text().startswith("<svg")

    sent = event_table()
    asked = {"methode": "analyse-fichier", "source": "sample", "file": sent}
    client.post(HERE, asked)
    job = carried("score")
    (tmp_path / "événements.csv").write_bytes(event_table().read())
    names = _run_notebook(client.get(f"{HERE}calculs/{job.pk}/carnet.ipynb").content, tmp_path, monkeypatch)
    assert names["run"] == job.result["run"]


def test_what_a_person_analyses_is_theirs_and_a_report_is_of_all_who_see_the_case(
    chemist: User, desk: Desk, sign_in: SignIn
) -> None:
    Grant.objects.create(user=desk.scientist, role=Role.SCIENTIST, case=BENCH)
    Grant.objects.create(user=desk.agent, role=Role.AGENT, case=BENCH, area="Nord")
    client = sign_in(chemist)
    asked = {"methode": "analyse-fichier", "source": "sample", "file": event_table()}
    own = client.post(HERE, asked)["Location"]
    client.post(HERE, {"methode": "series", "source": "sample"})
    reports = Job.objects.get(kind="report")
    shared = f"{HERE}calculs/{reports.pk}/"
    other = sign_in(desk.scientist)
    for address in (own, f"{own}resultat.csv", own.replace(f"{HERE}calculs", "/taches")):
        assert other.get(address).status_code == 404, address
    assert "événements.csv" not in text_of(other, "/taches/")
    assert "événements.csv" not in text_of(other, HERE)
    assert other.post(HERE, asked | {"file": "", "file-deja": "1"}).status_code == 422
    assert other.get(shared).status_code == 200
    # Part of the territory sees none of it, but knows the case.
    part = sign_in(desk.agent)
    assert "il faut un droit" in text_of(part, "/")
    for address in (HERE, own, shared, f"{HERE}calculs/"):
        assert part.get(address).status_code == 404, address
    # Its author cancels it; a colleague without the right to calculate does not.
    assert client.post(f"{shared}annuler/").status_code == 302
    reports.refresh_from_db()
    assert reports.state == JobState.CANCELLED
    carried("score")
    assert client.post(f"{own}annuler/").status_code == 302


def test_a_suspended_case_starts_nothing_and_hides_scores(chemist: User, desk: Desk, sign_in: SignIn) -> None:
    from eclaireur.desk.switching import switch

    client = sign_in(chemist)
    own = client.post(HERE, {"methode": "analyse-fichier", "source": "sample", "file": event_table()})[
        "Location"
    ]
    carried("score")
    switch(desk.manager, BENCH, stop=True, reason="Contrôle en cours")
    page = text_of(client, HERE)
    assert "Suspendu depuis" in page
    assert "disabled" in page
    assert client.post(HERE, {"methode": "series"}).status_code == 400
    assert "est suspendu" in text_of(client, own)
    assert client.get(f"{own}resultat.csv").status_code == 404


def test_a_zone_is_asked_for_in_words_too(desk: Desk, sign_in: SignIn) -> None:
    Grant.objects.create(user=desk.stranger, role=Role.AGENT, case="artisan_siting")
    client = sign_in(desk.stranger)
    here = "/artisan_siting/rapports/"
    page = text_of(client, here)
    assert "data-zone-draw" in page
    wrong = client.post(here, {"report": "zone", "metier": "boulangerie", "zone": "ici"})
    assert wrong.status_code == 422
    assert 'id="zone-zone-erreur"' in wrong.content.decode()
    zone = "48,5 ; -1\n48,5 ; 4\n45 ; 4\n45 ; -1"
    address = client.post(here, {"report": "zone", "metier": "boulangerie", "zone": zone})["Location"]
    job = carried("report")
    assert job.state == JobState.DONE, job.error
    assert "Zone dessinée" in text_of(client, address)
    assert "zone de 4 sommets" in text_of(client, address.replace("rapports", "calculs") + "?onglet=details")


@pytest.mark.parametrize("name", [card.name for card in cards() if card.desk is Desk_.WORKBENCH])
def test_every_case_of_the_workbench_offers_its_methods(name: str, desk: Desk, sign_in: SignIn) -> None:
    Grant.objects.create(user=desk.stranger, role=Role.AGENT, case=name)
    client = sign_in(desk.stranger)
    offered = methods(work_on(name))
    assert any(one.scores for one in offered)
    assert len(offered) > 1
    for one in offered:
        page = text_of(client, f"/{name}/?methode={one.name}")
        assert "Lancer le calcul" in page
        assert all(f'name="{field.name}"' in page for field in one.fields), one.name
    _has_the_last_word(name, desk.stranger, client)


def kept_blocks(name: str, blocks: Sequence[Block]) -> str:
    """Keep blocks as a calculation of a case does, and return their run."""
    work = work_on(name)
    run = work.run("report", config={"report": "r"}, inputs=())

    def write(folder: Path) -> None:
        content = {"blocks": to_plain(blocks), "mentions": {}}
        (folder / "report.json").write_text(json.dumps(content), encoding="utf-8")

    work.workspace.runs.do(run, write)
    return run.id


def _has_the_last_word(name: str, person: User, client: Client) -> None:
    """Judge a line of a kept calculation as a person does: the journal says who, what and why."""
    table = Table(
        title="Couples", columns=(Column(key="a", title="Couple"),), rows=[{"a": "un"}, {"a": "deux"}]
    )
    job = Job.objects.create(
        kind="report",
        title="Calcul",
        case=name,
        service="",
        state=JobState.DONE,
        arguments={"report": "r", "source": "sample"},
        result={"run": kept_blocks(name, [table])},
        user=person,
    )
    address = f"/{name}/calculs/{job.pk}/"
    avis = f"{address}avis/"
    assert "Personne n’a encore rien décidé" in text_of(client, address)
    wrong = client.post(avis, {"place": "0.2", "verdict": "set_aside", "reason_code": "", "text": "mon mot"})
    assert wrong.status_code == 422
    assert "Écarter demande une raison." in wrong.content.decode()
    assert "mon mot</textarea>" in wrong.content.decode()
    assert client.post(avis, {"place": "0.9", "verdict": "follow"}).status_code == 422
    assert client.post(avis, {"place": "", "verdict": "?"}).status_code == 422
    journal = workspace().journal
    assert not [one for one in journal.entries("decision") if one.case == name]

    reason = find_card(name).procedure.wrong_target[0]
    told = {"place": "0.2", "verdict": "set_aside", "reason_code": reason.code, "text": "mon mot"}
    assert client.post(avis, told).status_code == 302
    assert client.post(avis, {"place": "", "verdict": "follow"}).status_code == 302
    aside, followed = [one for one in journal.entries("decision") if one.case == name]
    assert (aside.data["verdict"], aside.data["reason_code"], aside.data["place"]) == (
        "set_aside",
        reason.code,
        "0.2",
    )
    assert aside.data["run"] == job.result["run"]
    assert (aside.actor, aside.data["login"]) == (person.full_name, person.login)
    assert (journal.reveal(aside) or {})["reason"] == "mon mot"
    assert followed.data["verdict"] == "follow"
    assert "label" not in aside.data or aside.data["label"] is None  # an opinion teaches no measure
    page = text_of(client, address)
    assert reason.title.replace("'", "’") in page.replace("&#x27;", "’")
    assert "mon mot" in page
    assert f'name="seq" value="{aside.seq}"' in page
    assert client.post(avis, {"seq": str(aside.seq)}).status_code == 302
    assert "mon mot" not in text_of(client, address)
    assert client.post(avis, {"seq": str(aside.seq)}).status_code == 422


def test_a_report_of_another_desk_is_read_at_the_bench_too(desk: Desk, sign_in: SignIn) -> None:
    client = sign_in(desk.manager)
    assert client.get(f"/{CASE}/calculs/").status_code == 200

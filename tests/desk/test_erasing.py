"""A person planted in every place that the product keeps is found in none of them once erased."""

from __future__ import annotations

import csv
import json
import random
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from django.apps import apps
from django.core.files.base import ContentFile
from django.utils import timezone

from eclaireur.core.catalog import find_card
from eclaireur.core.errors import BadValueError, NotFoundError
from eclaireur.core.types import Verdict
from eclaireur.desk import decisions, place, recording
from eclaireur.desk.erasing import DeskRows
from eclaireur.desk.models import AnnotationFile, Dossier, Job, JobState, SavedSearch, Target, Upload, User
from eclaireur.desk.publishing import draw_list, publish
from eclaireur.desk.retaining import DeskOldRows, ask_of_the_night
from eclaireur.desk.sheets import Sheet
from eclaireur.service import (
    connect,
    declaring,
    erasing,
    feedback,
    personal,
    pseudonyms,
    registers,
    signals as making,
)
from eclaireur.service.explaining import explain_entry
from eclaireur.service.recomputing import recompute
from eclaireur.service.retaining import retain
from eclaireur.service.work import Work, records
from tests.desk.conftest import CASE, Desk

KEY, NAME, OTHER = "PLANTEE-4417", "Chez Zéphyrine Plantureux", "E0007"
WORDS = (KEY, NAME, "17 impasse de la Plantée")


def files(folder: Path) -> None:
    """Write what a service would connect: 90 establishments, the planted one among them, and their past."""
    draw = random.Random(3)
    names = [f"E{number:04}" for number in range(90)] + [KEY]
    with (folder / "lieux.csv").open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream, delimiter=";")
        table.writerow(["Identifiant de l'établissement", "Enseigne", "Adresse", "Secteur"])
        for name in names:
            told = (NAME, WORDS[2]) if name == KEY else (f"Enseigne {name}", f"{len(name)} rue Haute")
            table.writerow([name, *told, "Nord" if draw.random() < 0.5 else "Sud"])
    with (folder / "controles.csv").open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream, delimiter=";")
        table.writerow(["Identifiant de l'établissement", "Date du contrôle", "Résultat du contrôle"])
        for name in names:
            for turn in range(6):
                day = date(2021, 1, 4) + timedelta(days=240 * turn + draw.randrange(200))
                bad = draw.random() < (0.6 if name in {KEY, "E0003"} else 0.2)
                table.writerow([name, f"{day:%d/%m/%Y}", "À améliorer" if bad else "Satisfaisant"])


@pytest.fixture
def work(desk: Desk, desk_home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Work]:
    """A workspace where a service connected its own files."""
    home = tmp_path / "home"
    shutil.copytree(desk_home, home)
    monkeypatch.setenv("ECLAIREUR_HOME", str(home))
    place.workspace.cache_clear()
    opened = place.work_on(CASE)
    files(tmp_path)
    for table, name in (("establishments", "lieux.csv"), ("inspections", "controles.csv")):
        proposal = connect.propose(opened, tmp_path / name, table=table)
        connect.save(opened, proposal, tmp_path / name)
    connect.fetch(opened)  # other tests of the desk may have connected other files before
    yield opened
    place.workspace.cache_clear()


def plant(work: Work, agent: User, settings_media: Path) -> None:
    """Have the planted establishment go through all that the product does."""
    made = making.make(work, "connected")
    making.draw(work, made, capacity=91, random_share=0.1)
    work.workspace.journal.append("note", case=CASE, actor="Ada Martin")
    feedback_file = settings_media / "resultats.csv"
    feedback_file.write_text(
        f"Identifiant de l'établissement;Date du contrôle;Résultat\n{KEY};03/02/2026;défavorable\n",
        encoding="utf-8",
    )
    feedback.import_outcomes(work, "connected", feedback_file, actor="Ada Martin")
    edition = publish(CASE, "connected")
    draw_list(edition, capacity=91, random_share=0.1, title="Liste", user=agent)
    dossier = Dossier.objects.get(case=CASE, subject=f"establishment:{KEY}", training=False)
    target = dossier.targets.get(edition=edition)
    decisions.decide(agent, dossier, target, Verdict.OTHER, text=f"{NAME} a fermé")
    decisions.comment(agent, dossier, f"vu {NAME}")
    Job.objects.create(
        kind="report", case=CASE, title="Rapport", arguments={"subject": KEY}, state=JobState.DONE,
        finished=timezone.now(), user=agent, result={"rows": [NAME]},
    )  # fmt: skip
    SavedSearch.objects.create(
        user=agent, case=CASE, title="Mes dossiers", address="?q=rats", known=[KEY, OTHER]
    )
    AnnotationFile.objects.create(
        user=agent, case=CASE, name="export.json", batch="0", refused=[["tâche 1", f"inconnu : « {KEY} »"]]
    )
    Upload.objects.create(
        case=CASE, file=ContentFile(f"nom;lieu\n{NAME};{KEY}\n".encode(), name="liste.csv"), name="liste.csv",
        sha256="0" * 64, bytes=1, user=agent,
    )  # fmt: skip
    outbox = work.workspace.home / "outbox" / CASE
    outbox.mkdir(parents=True)
    (outbox / "1.eml").write_text(f"To: {NAME}\n\n{KEY}", encoding="utf-8")
    with work.workspace.lake.publish(f"runs/{CASE}/notes/a1") as folder:
        (folder / "notes.json").write_text(json.dumps({"near": [OTHER, KEY]}), encoding="utf-8")


def in_database(words: tuple[str, ...]) -> set[str]:
    """Return the columns of the database in which a word is."""
    found = set()
    for model in apps.get_app_config("desk").get_models():
        for row in model._default_manager.values():
            told = {name: str(value) for name, value in row.items()}
            found |= {
                f"{model.__name__}.{name}" for name, text in told.items() if any(w in text for w in words)
            }
    return found


def places(work: Work) -> set[str]:
    found = {trace.place for trace in erasing.traces(work.workspace, WORDS)}
    return found | in_database(WORDS)


def test_a_planted_person_is_found_nowhere_once_erased(
    work: Work, desk: Desk, tmp_path: Path, settings: object
) -> None:
    settings.MEDIA_ROOT = work.workspace.home / "desk" / "files"  # type: ignore[attr-defined]
    plant(work, desk.manager, tmp_path)
    before = places(work)
    assert len(before) >= 15, before
    rows = DeskRows(work.workspace, CASE)

    told = personal.held(work, KEY, rows=rows)
    assert any(NAME in str(found) for found in told.tables.values())
    assert f"{NAME} a fermé" in str(told.journal)
    assert "Dossiers" in told.desk
    blocks = personal.access_blocks(work.card, told)
    assert NAME in repr(blocks)
    assert any(getattr(one, "title", "").startswith("Donnée reçue : establishments") for one in blocks)

    said = Dossier.objects.get(case=CASE, subject=f"establishment:{KEY}").decisions.get(kind="decision")
    found = personal.erase(
        work, KEY, by="Ada Martin", reason="demande de la personne", rows=rows, words=WORDS
    )

    assert places(work) == set()
    assert found.left == ()
    assert recording.said(said) == {}
    assert work.workspace.journal.verify().entries
    with pytest.raises(NotFoundError, match="rien n'est gardé"):
        personal.held(work, KEY, rows=rows)
    # The others are as they were, and the file of the service does not bring the person back.
    assert SavedSearch.objects.get().known == [OTHER]
    connect.fetch(work)
    again = records(work, "connected").tables["establishments"]
    assert again.num_rows == 90
    assert places(work) == set()


def test_what_a_restored_base_follows_again_is_erased_by_the_list(work: Work, desk: Desk) -> None:
    work.workspace.erasures.add(CASE, [f"establishment:{KEY}", KEY], datetime(2026, 1, 1, tzinfo=UTC))
    back = {
        key: Dossier.objects.create(case=CASE, subject=f"establishment:{key}", name=f"{NAME} {key}")
        for key in (KEY, OTHER)
    }
    said = [decisions.comment(desk.manager, one, "revenu") for one in back.values()]

    done = personal.replay(work, rows=DeskRows(work.workspace, CASE))

    assert {"dossiers", "valeurs scellées du journal"} <= {one.kind for one in done}
    for dossier in back.values():
        dossier.refresh_from_db()
    assert KEY not in f"{back[KEY].subject} {back[KEY].name}"
    assert back[OTHER].name == f"{NAME} {OTHER}"
    assert [recording.said(one).get("text") for one in said] == [None, "revenu"]


@pytest.mark.one_database
def test_a_restored_backup_is_erased_again_by_the_list_that_was_kept(work: Work, tmp_path: Path) -> None:
    connect.fetch(work)
    records(work, "connected")
    assert work.workspace.erasures.all() == ()
    work.workspace.erasures.add("other", ["somebody"], datetime(2026, 1, 1, tzinfo=UTC))
    shutil.copytree(work.workspace.home, tmp_path / "backup")
    personal.erase(work, KEY, by="Ada Martin", reason="demande de la personne")
    kept = work.workspace.erasures.all()

    restored = Work.on(type(work.workspace).open(tmp_path / "backup", env={}), CASE)
    assert erasing.traces(restored.workspace, WORDS)
    assert restored.workspace.erasures.merge(kept) == 1
    assert restored.workspace.erasures.merge(kept) == 0
    assert sum(one.rows for one in erasing.replay(restored)) >= 14
    assert erasing.traces(restored.workspace, WORDS) == []

    (restored.workspace.home / "journal" / "master.key").unlink()
    lost = Work.on(type(work.workspace).open(tmp_path / "backup", env={}), CASE)
    with pytest.raises(BadValueError, match="autre clé maîtresse"):
        lost.workspace.erasures.gone(CASE, [KEY])


@pytest.mark.one_database
def test_an_erasure_asks_who_and_why_without_the_name(work: Work) -> None:
    for by, reason in (("Ada", "demande"), ("Ada Martin", " "), ("Ada Martin", f"demande de {KEY}")):
        with pytest.raises(BadValueError, match="demande"):
            personal.erase(work, KEY, by=by, reason=reason)
    assert work.workspace.erasures.all() == ()


@pytest.mark.one_database
def test_a_damaged_list_of_erasures_stops_the_reading(work: Work) -> None:
    work.workspace.erasures.add(CASE, [KEY], datetime(2026, 1, 1, tzinfo=UTC))
    file = work.workspace.home / "erased.jsonl"
    file.write_text(file.read_text()[:-20])
    with pytest.raises(BadValueError, match=r"erased\.jsonl, ligne 1"):
        connect.fetch(work)


def test_what_is_kept_for_too_long_goes_at_night_and_what_a_decision_needs_stays(
    work: Work, desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = making.make(work, "connected")
    old = publish(CASE, "connected")
    connect.fetch(work)
    work.workspace.lake.erase(work.workspace.runs.address(made.run))
    newer = making.make(work, "connected", as_of=date(2026, 3, 1))
    dossier, *_ = (one.dossier for one in old.targets.select_related("dossier")[:2])
    decisions.comment(desk.manager, dossier, "à revoir")
    before = retain(work, rows=DeskOldRows(work.workspace, CASE), apply=False)
    assert (before.months, before.gone) == (36, ())

    later = Work.on(replace(work.workspace, clock=lambda: datetime.now(UTC) + timedelta(days=365 * 4)), CASE)
    declaring.declare(later, {"keep_months": "24"}, by="Ada Martin")
    told = retain(later, rows=DeskOldRows(later.workspace, CASE), apply=False)
    assert told.months == 24
    assert recording.said(dossier.comments.get())["text"] == "à revoir"

    done = retain(later, rows=DeskOldRows(later.workspace, CASE))

    assert {one.kind for one in done.gone} == {one.kind for one in told.gone}
    assert recording.said(dossier.comments.get()) == {}
    dossier.refresh_from_db()
    assert dossier.name == "Enseigne E0000" or dossier.targets.filter(edition__current=True).exists()
    assert later.workspace.lake.has(later.workspace.runs.address(newer.run))
    assert not retain(later, rows=DeskOldRows(later.workspace, CASE)).gone
    register = registers.register_of(later.workspace, "erasures", {CASE})
    assert "effacé au terme" in register.rows[0]["what"]
    assert "valeurs scellées" in register.rows[0]["count"]


def test_each_night_asks_once_for_each_case_in_use(desk: Desk) -> None:
    assert ask_of_the_night() == 1
    assert ask_of_the_night() == 0
    assert Job.objects.get(kind="retention").case == CASE


def test_a_service_on_pseudonyms_reads_no_name_and_still_teaches(
    work: Work, desk: Desk, tmp_path: Path
) -> None:
    named = publish(CASE, "connected", service="Nord")
    planted = Dossier.objects.get(service="Nord", subject=f"establishment:{KEY}")
    decisions.comment(desk.manager, planted, "à revoir")
    declaring.declare(work, {"pseudonymised": "Sud, Nord"}, by="Ada Martin")

    edition = publish(CASE, "connected", service="Nord")

    assert edition == named
    planted.refresh_from_db()
    veiled = pseudonyms.pseudonym(work.workspace, CASE, f"establishment:{KEY}")
    assert planted.subject == veiled
    assert planted.name.startswith("Dossier ")
    assert recording.said(planted.comments.get())["text"] == "à revoir"
    rows = Dossier.objects.filter(service="Nord").values_list("subject", "name")
    assert {subject.partition(":")[0] for subject, _ in rows} == {"pseudonym"}
    assert not Target.objects.filter(service="Nord").exclude(latitude=None).exists()
    assert not {one for one in in_database(WORDS) if not one.startswith("Upload")}
    target = planted.targets.get(edition=edition)
    shown = open_sheet_text(desk, planted)
    assert "travaille sur des pseudonymes" in shown
    assert NAME not in shown

    worklist = draw_list(edition, capacity=91, random_share=0.1, title="Liste", user=desk.manager)
    assert worklist.items.count() == 91
    with pytest.raises(BadValueError, match="aucun sujet"):
        draw_list(edition, capacity=5, random_share=0.1, title="Autre", user=desk.manager)
    made_decision = decisions.decide(desk.manager, planted, target, Verdict.FOLLOW)
    planted.refresh_from_db()
    decisions.move(desk.manager, [planted], "inspected", outcome="1", on=date(2026, 2, 3))
    learnt = feedback.outcomes(work, "connected")
    assert f"establishment:{KEY}" in learnt["subject"].to_pylist()
    with pytest.raises(NotFoundError, match="pseudonymes"):
        explain_entry(work, made_decision.seq)
    assert NAME in explain_entry(work, made_decision.seq, unveil=True).title
    assert recompute(work, [work.workspace.journal.entry(made_decision.seq)]).different == ()
    # Who asks to be erased by name is erased under the pseudonym too.
    personal.erase(work, KEY, by="Ada Martin", reason="demande", rows=DeskRows(work.workspace, CASE))
    assert not Dossier.objects.filter(subject=veiled).exists()
    assert recording.said(made_decision) == {}


def open_sheet_text(desk: Desk, dossier: Dossier) -> str:
    sheet = Sheet(find_card(CASE), dossier, dossier.targets.latest("pk"), None)
    return repr(sheet.blocks())

"""The commands that answer for a treatment, as a person types them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from eclaireur.cli.app import main
from eclaireur.core.mention import MARK
from eclaireur.core.subjects import Subject
from eclaireur.core.types import Verdict
from eclaireur.core.workspace import Workspace
from eclaireur.service import feedback, signals as making
from eclaireur.service.work import Work

CASE = "restaurant_risk"


@pytest.fixture
def home(worked: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(worked, tmp_path / "home")
    monkeypatch.setenv("ECLAIREUR_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def test_a_sheet_is_declared_shown_written_and_refused_while_incomplete(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["declare", CASE, "budget=12 000 €", "--by", "Rosa Lebrun", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["declared"] == {"budget": "12 000 €"}
    assert main(["declare", CASE]) == 0
    assert "12 000 €" in capsys.readouterr().out
    assert main(["declare", CASE, "budget"]) == 2

    assert main(["fiche", CASE, "--source", "sample"]) == 0
    told = capsys.readouterr().out
    assert MARK in " ".join(told.split())
    assert "Il manque : Où demander une explication" in told
    target = tmp_path / "fiche.json"
    assert main(["fiche", CASE, "--source", "sample", "--level", "expert", "--output", str(target)]) == 0
    assert json.loads(target.read_text(encoding="utf-8"))["level"] == "expert"
    capsys.readouterr()
    assert main(["fiche", CASE, "--source", "sample", "--check"]) != 0
    assert "à remplir par le responsable du service" in capsys.readouterr().err


def test_the_last_verdict_on_a_subject_is_explained(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    work = Work.on(Workspace.open(home, env={}), CASE)
    item = making.latest(work, "sample").table.slice(0, 1).to_pylist()[0]
    subject = work.case.identify(item["subject"].partition(":")[2])
    assert main(["explain", CASE, subject.key, "--from-journal"]) == 2
    capsys.readouterr()
    feedback.decide(work, "sample", subject, Verdict.FOLLOW, agent="Ada Martin")
    assert main(["explain", CASE, subject.key, "--from-journal", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["score"] == item["score"]
    assert MARK in found["mentions"]["Mention"]
    target = tmp_path / "explication.pdf"
    assert main(["explain", CASE, subject.key, "--from-journal", "--output", str(target)]) == 0
    assert target.read_bytes().startswith(b"%PDF")


def test_the_master_key_is_replaced_by_somebody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("ECLAIREUR_HOME", str(tmp_path))
    monkeypatch.delenv("ECLAIREUR_MASTER_KEY", raising=False)
    assert main(["replace-master-key", "--by", "Ada Martin"]) == 2  # nothing was ever sealed here
    assert "clé maîtresse" in capsys.readouterr().err
    about = Subject("siret", "83283779300021")
    journal = Workspace.open(tmp_path).journal
    entry = journal.append("decision", case=CASE, actor="Ada", subject=about, personal={"note": "x"})
    before = (tmp_path / "journal" / "master.key").read_bytes()
    assert main(["replace-master-key", "--by", " "]) == 2
    assert main(["replace-master-key", "--by", "Ada Martin"]) == 0
    assert "remplacée" in capsys.readouterr().out
    assert (tmp_path / "journal" / "master.key").read_bytes() != before
    assert Workspace.open(tmp_path).journal.reveal(entry) == {"note": "x", "subject": str(about)}

    monkeypatch.setenv("ECLAIREUR_MASTER_KEY", (tmp_path / "journal" / "master.key").read_text())
    assert main(["replace-master-key", "--by", "Ada Martin"]) == 0
    assert "master.key.next" in capsys.readouterr().out

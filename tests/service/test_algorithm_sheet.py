"""The fiche algorithme: made from what is known, refused while incomplete, silent where it must be."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from eclaireur.core.catalog import cards
from eclaireur.core.errors import BadValueError, ConfigError, RefusedError
from eclaireur.core.mention import MARK
from eclaireur.core.view_json import from_plain, to_plain
from eclaireur.core.workspace import Workspace
from eclaireur.service.algorithm_sheet import FORMS, LEVELS, make_sheet, require_complete, write_sheet
from eclaireur.service.declaring import ASKED, declare, declared
from eclaireur.service.sheet_parts import count_contests
from eclaireur.service.work import Work

CASE, SOURCE = "restaurant_risk", "sample"
_EVALUATED = {
    "data_set": "sample",
    "split": "mois ultérieurs",
    "metrics": [
        {
            "name": "auc",
            "value": 0.64,
            "low": 0.61,
            "high": 0.67,
            "n": 900,
            "baseline": "taux",
            "baseline_value": 0.56,
        }
    ],
    "run": "r",
    "subgroups": [
        {
            "attribute": "secteur",
            "group": "Nord",
            "name": "auc",
            "value": None,
            "low": None,
            "high": None,
            "n": 9,
            "baseline": None,
            "baseline_value": None,
        }
    ],
    "notes": [],
}


@pytest.fixture
def work(worked: Path, tmp_path: Path) -> Work:
    """A case at work, in a copy of the workspace that holds its sample."""
    shutil.copytree(worked, tmp_path / "home")
    return Work.on(Workspace.open(tmp_path / "home", env={}), CASE)


def _filled(work: Work) -> None:
    said = {one.name: "1200" if one.number else f"Texte de {one.name}" for one in ASKED if not one.optional}
    declare(work, said, by="Rosa Lebrun")
    run = work.run("evaluate", config={"source": SOURCE}, inputs=())

    def write(folder: Path) -> None:
        (folder / "evaluation.json").write_text(json.dumps([_EVALUATED]), encoding="utf-8")

    work.workspace.runs.do(run, write)


def _text(blocks: object) -> str:
    return json.dumps(blocks, ensure_ascii=False)


def test_each_empty_field_is_named_and_blocks_publication(work: Work) -> None:
    bare = make_sheet(work, SOURCE)
    assert {one.title for one in bare.missing} >= {one.title for one in ASKED if not one.optional}
    assert any("evaluate" in one.who for one in bare.missing)
    with pytest.raises(RefusedError, match="Où demander une explication"):
        require_complete(bare)

    _filled(work)
    require_complete(make_sheet(work, SOURCE))
    for one in ASKED:
        if not one.optional:
            kept = declared(work.workspace, work.card)[one.name]
            declare(work, {one.name: ""}, by="Rosa Lebrun")
            assert [missing.title for missing in make_sheet(work, SOURCE).missing] == [one.title]
            declare(work, {one.name: kept}, by="Rosa Lebrun")


def test_it_tells_live_facts(work: Work) -> None:
    _filled(work)
    model = make_sheet(work, SOURCE, "expert").to_json()
    text = _text(model["blocks"])
    for told in ("1\u202f200", "n° 1, ridge", "0,610 à 0,670", "trop peu pour conclure", "Wh", "0 reçue"):
        assert told in text, told
    assert MARK in model["mentions"]["Mention"]
    assert "Texte de contact" in model["mentions"]["Vos droits"]
    assert to_plain(from_plain(model["blocks"])) == model["blocks"]


def test_contests_are_counted_in_the_journal(work: Work) -> None:
    journal = work.workspace.journal
    journal.append("contest", case=CASE, actor="public")
    journal.append("contest", case=CASE, actor="public")
    journal.append("contest_reply", case=CASE, actor="Ada", data={"changed": True})
    assert count_contests(work) == {"received": 2, "answered": 1, "changed": 1}
    assert "2 reçues, 1 traitée, 1 suivie" in _text(make_sheet(work, SOURCE).to_json()["blocks"])


def test_a_secret_hides_weights_and_variables_from_the_public_alone(work: Work) -> None:
    _filled(work)
    open_text = _text(make_sheet(work, SOURCE).to_json()["blocks"])
    assert "Ce qui pèse" in open_text
    declare(work, {"secret": "recherche d’infractions"}, by="Rosa Lebrun")
    public, expert = (make_sheet(work, SOURCE, level) for level in LEVELS)
    told = _text(public.to_json()["blocks"])
    assert "Ce qui pèse" not in told
    assert "; recherche d’infractions" not in told
    assert "; recherche d’infractions" in _text(expert.to_json()["blocks"])
    assert "L. 311-5" in told
    assert not any(name in told for name in ("past_count", "mean_minor", "linear.json"))
    assert "past_count" in _text(expert.to_json()["blocks"])


@pytest.mark.parametrize("form", FORMS)
def test_each_form_holds_the_mention(form: str, work: Work, tmp_path: Path) -> None:
    from tests.service.reading_back import text_of

    _filled(work)
    target = tmp_path / f"fiche.{form}"
    write_sheet(make_sheet(work, SOURCE), target)
    text = text_of(target)
    assert MARK in text
    assert "Texte de budget" in text
    assert "<script" not in text


def test_wrong_requests_are_refused_in_french(work: Work, tmp_path: Path) -> None:
    with pytest.raises(BadValueError, match="niveau inconnu"):
        make_sheet(work, SOURCE, "secret")
    with pytest.raises(BadValueError, match="forme de fiche inconnue"):
        write_sheet(make_sheet(work, SOURCE), tmp_path / "fiche.doc")
    with pytest.raises(BadValueError, match="déclaration inconnue"):
        declare(work, {"budgett": "1"}, by="Rosa")
    with pytest.raises(BadValueError, match="nombre"):
        declare(work, {"decisions": "beaucoup"}, by="Rosa")
    path = work.workspace.home / "declarations" / f"{CASE}.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text('autre = "x"', encoding="utf-8")
    with pytest.raises(ConfigError, match="autre"):
        make_sheet(work, SOURCE)


def test_what_is_declared_is_written_whole_and_journalled(work: Work) -> None:
    text = 'Dit « "oui" » \\ et\u007f l’autre\nligne'
    declare(work, {"budget": text, "decisions": "1 200,5"}, by="Rosa Lebrun")
    assert declared(work.workspace, work.card) == {
        "decisions": "1200.5",
        "budget": 'Dit « "oui" » \\ et l’autre ligne',
    }
    declare(work, {"budget": text}, by="Rosa Lebrun")  # the same again says nothing
    entries = list(work.workspace.journal.entries("declaration"))
    assert [sorted(one.data["changed"]) for one in entries] == [["budget", "decisions"]]
    assert entries[0].actor == "Rosa Lebrun"


def test_every_case_has_a_sheet_before_anything_is_computed(tmp_path: Path) -> None:
    workspace = Workspace.open(tmp_path / "empty", env={})
    for card in cards():
        for level in LEVELS:
            sheet = make_sheet(Work.on(workspace, card.name), "sample", level)
            assert sheet.missing
            assert MARK in sheet.mentions["Mention"]


@pytest.mark.parametrize("source", ["france", "connected"])
def test_data_that_may_name_people_ask_for_the_attack_first(source: str, work: Work) -> None:
    from dataclasses import asdict

    from eclaireur.service.membership import Attack

    title = "Essai d’inférence d’appartenance réussi"
    assert title in [one.title for one in make_sheet(work, source).missing]
    assert title not in [one.title for one in make_sheet(work, SOURCE).missing]
    for auc in (0.7, 0.5):
        made = Attack(
            auc=auc,
            auc_low=auc,
            auc_high=auc,
            found=0.01,
            found_low=0.01,
            found_high=0.01,
            members=300,
            others=300,
        )
        run = work.run("membership", config={"source": source, "auc": str(auc)}, inputs=())

        def write(folder: Path, made: Attack = made) -> None:
            (folder / "membership.json").write_text(json.dumps(asdict(made)), encoding="utf-8")

        work.workspace.runs.do(run, write)
        sheet = make_sheet(work, source)
        assert (title in [one.title for one in sheet.missing]) is (auc > 0.6)
        assert ("en dit trop" in _text(sheet.to_json()["blocks"])) is (auc > 0.6)

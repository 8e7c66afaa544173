"""The project of a case: dates that exist, a sample size that is right, a decision that takes two people."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from eclaireur.core.errors import BadValueError, RefusedError
from eclaireur.core.view import Facts, Table
from eclaireur.core.workspace import Workspace
from eclaireur.service.declaring import declare
from eclaireur.service.deploying import Choice, Decided, decided, kept_dossier, sign
from eclaireur.service.project import annex_index, dossier, sample_size
from eclaireur.service.registers import REGISTERS, register_of
from eclaireur.service.work import Work

CASE, SOURCE = "restaurant_risk", "sample"
BLOCKS = (Facts(title="Lu", pairs=(("Taux", "0,5"),)),)


@pytest.fixture
def work(worked: Path, tmp_path: Path) -> Work:
    shutil.copytree(worked, tmp_path / "home")
    return Work.on(Workspace.open(tmp_path / "home", env={}), CASE)


def _sign(
    work: Work, login: str, choice: Choice = Choice.DEPLOY, blocks: tuple[Facts, ...] = BLOCKS
) -> Decided:
    return sign(work, choice, by=login.title(), login=login, reason="les figures le montrent", blocks=blocks)


def test_two_people_decide_on_the_same_dossier(work: Work) -> None:
    first = _sign(work, "rosa")
    assert (first.choice, first.waiting and first.waiting.login) == (None, "rosa")
    assert first.waiting is not None
    assert kept_dossier(work, first.waiting) == BLOCKS
    with pytest.raises(BadValueError, match="une autre personne"):
        _sign(work, "rosa")

    other = (Facts(title="Lu", pairs=(("Taux", "0,6"),)),)
    assert _sign(work, "ada", blocks=other).choice is None  # not what the first read: it begins anew
    assert _sign(work, "rosa", Choice.STOP, blocks=other).choice is None
    made = _sign(work, "ada", Choice.STOP, blocks=other)
    assert (made.choice, [one.login for one in made.signed], made.waiting) == (
        Choice.STOP,
        ["rosa", "ada"],
        None,
    )
    assert decided(work) == made
    with pytest.raises(BadValueError, match="raison"):
        sign(work, Choice.DEPLOY, by="Ada", login="ada", reason=" ", blocks=BLOCKS)


def test_a_signed_dossier_that_was_changed_is_refused(work: Work) -> None:
    waiting = _sign(work, "rosa").waiting
    assert waiting is not None
    path = next(work.workspace.home.rglob("dossier.json"))
    path.parent.chmod(0o755)
    path.chmod(0o644)
    path.write_text(path.read_text(encoding="utf-8").replace("0,5", "0,9"), encoding="utf-8")
    with pytest.raises(RefusedError, match="modifié"):
        kept_dossier(work, waiting)


@pytest.mark.parametrize(
    ("before", "after", "power", "expected"),
    [(0.10, 0.20, 0.8, 199), (0.10, 0.20, 0.9, 266), (0.5, 0.6, 0.8, 388), (0.2, 0.1, 0.8, 199)],
)
def test_sample_sizes_are_those_of_the_tables(
    before: float, after: float, power: float, expected: int
) -> None:
    """Fleiss (1981), table A.3 without its correction of continuity, and any statistical program."""
    assert sample_size(before, after, power=power) == expected


def test_the_dossier_says_what_is_known_and_what_is_missing(work: Work) -> None:
    bare = str(dossier(work, SOURCE))
    for told in ("Données repérées", "À déclarer : minutes", "annexe IV", "à lancer : ./eclaireur evaluate"):
        assert told in bare, told
    said = {"minutes_before": "60", "minutes_after": "45", "decisions": "1200", "hourly": "30"}
    declare(work, {**said, "risks": "erreur de cible"}, by="Rosa Lebrun")
    blocks = dossier(work, SOURCE)
    assert "+300 heures" in str(blocks)
    assert "+9\\u202f000 €" in str(blocks)
    steps = next(one for one in blocks if isinstance(one, Table) and one.title.startswith("La méthode"))
    done = {row["step"]: row["done"] for row in steps.rows}
    assert (done["Données repérées"], done["Prototype"], done["Décision"]) == ("oui", "oui", "non")
    annex = next(one for one in blocks if isinstance(one, Table) and "annexe IV" in one.title)
    state = {row["part"]: row["state"] for row in annex.rows}
    assert state["5. Gestion des risques"] == "là"
    assert state["7. Normes appliquées"] == "manque"
    assert annex_index is not None


def test_registers_tell_the_cases_asked_for_alone(work: Work) -> None:
    work.workspace.journal.append("stop", case=CASE, actor="Rosa Lebrun", data={"reason": "essai"})
    work.workspace.journal.append("stop", case="another", actor="Rosa Lebrun", data={"reason": "autre"})
    _sign(work, "rosa")
    for case in (CASE, "another"):
        data = {"number": 2, "reason": "attendu", "checks": ["trop peu"], "login": "rosa"}
        work.workspace.journal.append("gate_override", case=case, actor="Rosa Lebrun", data=data)
        gone = {"reason": "demande", "places": 3, "rows": 12, "left": 0}
        work.workspace.journal.append("erasure", case=case, actor="Rosa Lebrun", data=gone)
    for name in REGISTERS:
        rows = register_of(work.workspace, name, [CASE]).rows
        assert rows
        assert len({row["case"] for row in rows}) == 1
        assert not register_of(work.workspace, name, []).rows
    incidents = register_of(work.workspace, "incidents", [CASE]).rows
    assert [row["why"] for row in incidents] == ["essai"]
    assert register_of(work.workspace, "erasures", [CASE]).rows[0]["count"] == "3 endroits, 12 lignes"
    with pytest.raises(BadValueError):
        register_of(work.workspace, "autre", [CASE])

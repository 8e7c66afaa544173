"""A case that the journal says is suspended makes nothing new outside the desk either."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from eclaireur.core.errors import RefusedError
from eclaireur.core.workspace import Workspace
from eclaireur.service import signals as making
from eclaireur.service.scoring import score
from eclaireur.service.stopping import stop_of
from eclaireur.service.work import Work

CASE = "restaurant_risk"


def test_a_suspended_case_makes_nothing_until_it_is_resumed(worked: Path, tmp_path: Path) -> None:
    shutil.copytree(worked, tmp_path / "home")
    work = Work.on(Workspace.open(tmp_path / "home", env={}), CASE)
    current = making.latest(work, "sample")
    work.workspace.journal.append("stop", case="another_case", actor="Rosa Lebrun", data={"reason": "essai"})
    assert stop_of(work) is None

    said = {"reason": "taux en baisse"}
    work.workspace.journal.append("stop", case=CASE, actor="Rosa Lebrun", data=said)
    refused = (
        lambda: making.make(work, "sample"),
        lambda: making.draw(work, current, capacity=5, random_share=0),
        lambda: making.explain(work, "sample", "1"),
        lambda: score(work, "sample", input_path=tmp_path / "a.csv", output=tmp_path / "b.csv"),
    )
    for act in refused:
        with pytest.raises(RefusedError, match=r"suspendu depuis le .* par Rosa Lebrun : taux en baisse"):
            act()

    work.workspace.journal.append("resume", case=CASE, actor="Rosa Lebrun", data={"reason": "corrigé"})
    assert len(making.draw(work, current, capacity=5, random_share=0)[0].items) == 5

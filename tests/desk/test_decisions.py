"""A decision is journalled, sealed, shown, and taken back by another."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

from eclaireur.core.errors import BadValueError
from eclaireur.core.types import Verdict
from eclaireur.desk import decisions, recording
from eclaireur.desk.models import Decision, Item, JournalLine, User, Worklist
from eclaireur.desk.place import work_on, workspace
from eclaireur.service import feedback
from tests.desk.conftest import CASE, Desk

if TYPE_CHECKING:
    from django.test import Client


@pytest.fixture
def item(desk: Desk) -> Item:
    found: Item = desk.worklist.items.filter(area=desk.area).select_related(
        "target__dossier", "target__edition"
    )[0]
    return found


def test_a_verdict_is_tied_to_the_signal_model_run_and_snapshot(desk: Desk, item: Item) -> None:
    made = decisions.decide(desk.agent, item.target.dossier, item.target, Verdict.FOLLOW, text="à voir")

    entry = workspace().journal.entry(made.seq)
    assert entry.kind == "decision"
    assert entry.data["model"] == desk.edition.model
    assert entry.data["signal_run"] == desk.edition.run
    assert entry.data["snapshot"] == desk.edition.snapshot
    assert entry.data["propensity"] == item.propensity
    item.refresh_from_db()
    assert item.verdict == "follow"


def test_what_a_person_writes_is_sealed_and_dies_with_the_key_of_its_subject(desk: Desk, item: Item) -> None:
    made = decisions.decide(desk.agent, item.target.dossier, item.target, Verdict.OTHER, text="rats vus")

    line = JournalLine.objects.get(seq=made.seq).line
    assert "rats" not in line
    assert item.target.dossier.key not in line
    assert recording.said(made)["reason"] == "rats vus"
    from eclaireur.core.subjects import Subject

    workspace().journal.forget(Subject.parse(item.target.dossier.subject), actor="Ada", reason="demande")
    assert recording.said(made) == {}
    assert workspace().journal.verify().entries == JournalLine.objects.count()


def test_setting_aside_asks_a_reason_of_the_card(desk: Desk, item: Item) -> None:
    target = item.target
    for code, text in (("", ""), ("unknown", ""), ("other", " ")):
        with pytest.raises(BadValueError, match="raison"):
            decisions.decide(
                desk.agent, target.dossier, target, Verdict.SET_ASIDE, reason_code=code, text=text
            )
    assert not Decision.objects.exists()


def test_the_second_of_two_people_on_one_item_is_told(desk: Desk, item: Item) -> None:
    target = item.target
    decisions.decide(desk.agent, target.dossier, target, Verdict.FOLLOW, seen=target.dossier.version)

    with pytest.raises(recording.OvertakenError, match="Ada Martin"):
        decisions.decide(desk.manager, target.dossier, target, Verdict.OTHER, seen=target.dossier.version)


def test_undoing_is_a_new_decision_and_restores_what_was(desk: Desk, item: Item) -> None:
    dossier = item.target.dossier
    decisions.decide(desk.agent, dossier, item.target, Verdict.FOLLOW)
    moved = decisions.move(desk.agent, [dossier], "inspected", outcome="1")[0]

    assert feedback.outcomes(work_on(CASE), "sample").num_rows == 1
    decisions.undo(desk.agent, moved)
    dossier.refresh_from_db()
    assert dossier.status == "to_inspect"
    assert Decision.objects.count() == 3
    assert feedback.outcomes(work_on(CASE), "sample").num_rows == 0
    with pytest.raises(BadValueError, match="une autre décision"):
        decisions.undo(desk.agent, moved)


def test_a_step_follows_the_procedure_of_the_card(desk: Desk, item: Item) -> None:
    dossier = item.target.dossier
    decisions.decide(desk.agent, dossier, item.target, Verdict.FOLLOW)
    dossier.refresh_from_db()

    with pytest.raises(BadValueError, match="ne peut pas suivre"):
        decisions.move(desk.agent, [dossier], "settled")
    with pytest.raises(BadValueError, match="résultat"):
        decisions.move(desk.agent, [dossier], "inspected")


def test_a_wrong_act_among_many_writes_none(desk: Desk) -> None:
    items = list(desk.worklist.items.select_related("target__dossier")[:3])
    dossiers = [item.target.dossier for item in items]
    decisions.decide(desk.agent, dossiers[2], items[2].target, Verdict.FOLLOW)
    lines = JournalLine.objects.count()
    dossiers[2].refresh_from_db()

    with pytest.raises(BadValueError):
        decisions.move(desk.agent, [*dossiers[:2], dossiers[2]], "settled")
    assert JournalLine.objects.count() == lines


def test_a_random_share_up_to_a_half_is_drawn_and_beyond_is_told_in_french(
    desk: Desk, sign_in: Callable[[User], Client]
) -> None:
    client = sign_in(desk.manager)
    asked = {"capacity": "4", "random": "50"}
    assert client.get(f"/{CASE}/tirage/apercu/", asked).status_code == 200
    for share in ("50,1", "-1", "nan", "moitié"):
        for answer in (
            client.get(f"/{CASE}/tirage/apercu/", asked | {"random": share}),
            client.post(f"/{CASE}/tirage/", asked | {"random": share}),
        ):
            assert answer.status_code == 422, share
            assert "a part tirée au hasard va de 0 à 50" in answer.content.decode()
    before = Worklist.objects.count()
    assert client.post(f"/{CASE}/tirage/", asked | {"random": "50,0"}).status_code == 302
    made = Worklist.objects.latest("pk")
    assert (Worklist.objects.count(), made.random_share) == (before + 1, 0.5)
    drawn = sorted(made.items.values_list("drawn", flat=True))
    assert drawn.count("random") == len(drawn) - drawn.count("model") == 2

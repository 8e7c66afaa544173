"""Suggestions wrong on purpose: only in an announced and dated trial, on the sample, corrected at the end."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from eclaireur.core.errors import BadValueError, RefusedError
from eclaireur.core.types import Verdict
from eclaireur.desk import decisions, trials
from eclaireur.desk.models import Dossier, Edition, Planted, Target, TargetReasons, Trial, User
from eclaireur.desk.place import workspace
from eclaireur.desk.trials import announce, begin, close, close_due
from tests.desk.conftest import CASE, Desk

pytestmark = pytest.mark.django_db

Enter = Callable[[User], Client]
PAGE = f"/{CASE}/humain/"
WORDS = "Cet essai mesure si nous suivons la machine quand elle se trompe."


@pytest.fixture
def training(desk: Desk) -> Edition:
    """The training desk: the sample's targets again, as its task publishes them."""
    kept = {
        field.name: getattr(desk.edition, field.name)
        for field in Edition._meta.concrete_fields
        if field.name not in {"id", "training"}
    }
    edition = Edition.objects.create(**kept, training=True)
    for target in desk.edition.targets.select_related("dossier", "reasons").order_by("rank")[:80]:
        dossier = Dossier.objects.create(
            case=CASE, area=target.area, subject=target.dossier.subject, name=target.name, training=True
        )
        copied = Target.objects.create(
            edition=edition,
            dossier=dossier,
            case=CASE,
            area=target.area,
            signal=target.signal,
            name=target.name,
            rank=target.rank,
            score=target.score,
        )
        TargetReasons.objects.create(target=copied, content=target.reasons.content)
    return edition


def announced(desk: Desk, **changed: object) -> Trial:
    today = timezone.localdate()
    said = {
        "starts": today,
        "ends": today + timedelta(days=9),
        "size": 20,
        "share": 0.25,
        "announcement": WORDS,
    }
    return announce(desk.manager, CASE, **{**said, **changed})  # type: ignore[arg-type]


def true_ranks() -> dict[str, tuple[int, float]]:
    rows = Target.objects.filter(edition__training=False).values_list("signal", "rank", "score")
    return {signal: (rank, score) for signal, rank, score in rows}


def test_nothing_wrong_is_planted_outside_an_announced_trial_and_its_days(
    desk: Desk, training: Edition
) -> None:
    never = Trial(case=CASE, starts=timezone.localdate(), ends=timezone.localdate(), size=20, share=0.2)
    with pytest.raises(RefusedError, match="hors d'un essai"):
        begin(desk.manager, never)
    later = announced(desk, starts=timezone.localdate() + timedelta(days=2))
    with pytest.raises(RefusedError, match="hors d'un essai"):
        begin(desk.manager, later)
    close(later, by="Rosa Lebrun")
    later.refresh_from_db()
    with pytest.raises(RefusedError):
        begin(desk.manager, later)
    assert not Planted.objects.exists()
    # Nor by another way: the database refuses a trial's edition in the real desk, or as a current one.
    for changed in ({"trial": 1}, {"trial": 1, "training": True}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Edition.objects.filter(pk=desk.edition.pk).update(**changed)


@pytest.mark.parametrize(
    "changed",
    [
        {"announcement": "court"},
        {"share": 0.5},
        {"size": 5},
        {"starts": date(2020, 1, 1)},
        {"ends": timezone.localdate() + timedelta(days=400)},
    ],
)
@pytest.mark.one_database
def test_a_trial_is_announced_within_limits(desk: Desk, changed: dict[str, object]) -> None:
    with pytest.raises(BadValueError):
        announced(desk, **changed)
    assert not Trial.objects.exists()


@pytest.mark.one_database
def test_a_trial_shows_wrong_ranks_then_tells_them_and_touches_nothing_real(
    desk: Desk, training: Edition
) -> None:
    before = true_ranks()
    real = list(Dossier.objects.filter(training=False).order_by("pk").values())
    trial = announced(desk)
    with pytest.raises(BadValueError, match="déjà annoncé"):
        announced(desk)
    worklist = begin(desk.manager, trial)
    items = list(worklist.items.select_related("target__dossier"))
    wrong = {one.item_id: one for one in trial.planted.all()}
    assert (len(items), len(wrong)) == (20, 5)
    for item in items:
        rank, score = before[item.target.signal]
        assert ((item.target.rank, item.target.score) != (rank, score)) == (item.pk in wrong)
        assert item.target.rank <= 60
        assert item.target.dossier.training

    for at, item in enumerate(items):
        verdict = Verdict.OTHER if item.pk in wrong and at % 2 else Verdict.FOLLOW
        decisions.decide(desk.agent, item.target.dossier, item.target, verdict)
    close_due(CASE)
    trial.refresh_from_db()
    assert trial.closed is None
    Trial.objects.update(starts=date(2020, 1, 1), ends=date(2020, 1, 2))
    close_due(CASE)
    entries = {entry.kind: entry for entry in workspace().journal.entries(case=CASE)}
    told, sealed = entries["trial_closed"].data, entries["trial_begun"].data
    assert (told["judged"], told["sha256"]) == ({"wrong": 5, "right": 15}, sealed["sha256"])
    assert told["followed"]["right"] == 15
    assert (
        told["followed"]["wrong"]
        == sum(not (one.pk in wrong and at % 2) for at, one in enumerate(items)) - 15
    )
    assert set(told["planted"]) == {one.target.signal for one in items if one.pk in wrong}
    for item in items:
        item.target.refresh_from_db()
        assert (item.target.rank, item.target.score) == before[item.target.signal]
    assert true_ranks() == before
    assert list(Dossier.objects.filter(training=False).order_by("pk").values()) == real
    assert "decision" not in entries
    assert trials.open_trial(CASE) is None


@pytest.mark.one_database
def test_managers_run_a_trial_on_the_page_and_agents_are_told(
    desk: Desk, training: Edition, sign_in: Enter
) -> None:
    today = timezone.localdate().isoformat()
    said = {
        "act": "announce",
        "starts": today,
        "ends": today,
        "size": "20",
        "share": "20",
        "announcement": WORDS,
    }
    assert sign_in(desk.scientist).post(PAGE, said).status_code == 404
    manager = sign_in(desk.manager)
    assert manager.post(PAGE, {**said, "share": "x"}).status_code == 422
    assert manager.post(PAGE, {"act": "begin"}).status_code == 422
    agent = sign_in(desk.agent)
    assert WORDS not in agent.get(f"/{CASE}/").content.decode()  # kept from here on
    assert manager.post(PAGE, said).status_code == 302
    assert WORDS in agent.get(f"/{CASE}/").content.decode()
    assert manager.post(PAGE, {"act": "begin"}).status_code == 302
    trial = Trial.objects.get()
    listed = agent.get(f"/{CASE}/entrainement/?liste={trial.worklist_id}").content.decode()
    assert "fausse exprès" in listed
    item = trial.planted.select_related("item__target").all()[0].item
    sheet = agent.get(f"/{CASE}/dossiers/{item.target.dossier_id}/").content.decode()
    assert "Essai annoncé" in sheet
    assert "Passé du rang" not in sheet
    assert manager.post(PAGE, {"act": "close"}).status_code == 302
    assert "essai terminé" in manager.get(PAGE).content.decode()

"""The whole loop turns: data, signals, list, decisions and outcomes, challenger, promotion, new signals."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from eclaireur.cases.restaurant_risk import sample
from eclaireur.core.errors import (
    BadValueError,
    EmptyTableError,
    ModelRefusedError,
    NotFoundError,
    RefusedError,
    UnknownSubjectError,
)
from eclaireur.core.subjects import Subject
from eclaireur.core.types import Verdict
from eclaireur.core.workspace import Workspace
from eclaireur.service import feedback, signals as making, training, work as working
from eclaireur.service.work import Work

SOURCE = "sample"
CASE = "restaurant_risk"


@dataclass
class Clock:
    """A clock that a test moves."""

    now: datetime = datetime(2025, 1, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture(scope="module")
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory, clock: Clock) -> Work:
    workspace = Workspace.open(tmp_path_factory.mktemp("loop"), env={}, clock=clock)
    opened = Work.on(workspace, CASE)
    making.make(opened, SOURCE)
    return opened


def outcomes_file(path: Path, rows: list[tuple[str, date, str]]) -> Path:
    lines = [f"{subject.partition(':')[2]};{day:%d/%m/%Y};{result}" for subject, day, result in rows]
    header = "Identifiant de l'établissement;Date du contrôle;Résultat"
    path.write_text("\n".join([header, *lines]) + "\n", encoding="utf-8-sig")
    return path


def season(work: Work, start: date, weeks: int, per_week: int) -> list[tuple[str, date, str]]:
    """Play the months after a list: its subjects are inspected, and the hidden truth answers."""
    truth = sample.truth(seed=work.seed)
    ranked = making.latest(work, SOURCE).table["subject"].to_pylist()
    rows = []
    for week in range(weeks):
        day = start + timedelta(days=7 * week)
        chosen = ranked[week * per_week : (week + 1) * per_week]
        found = sample.outcomes(truth, chosen, day, seed=week)
        rows += [
            (row["subject"], day, "défavorable" if row["label"] else "favorable") for row in found.to_pylist()
        ]
    return rows


def test_the_loop_turns(work: Work, clock: Clock, tmp_path: Path) -> None:
    """Outcomes come back, a challenger learns from them, a person promotes it; old signals stay."""
    first = making.latest(work, SOURCE)
    worklist, _ = making.draw(work, first, capacity=40, random_share=0.25)
    drawn = {str(item.subject): item.propensity for item in worklist.items}
    assert min(drawn.values()) < 0.1

    clock.now = datetime(2025, 7, 1, 9, 0, tzinfo=UTC)
    rows = season(work, date(2025, 1, 6), weeks=24, per_week=40)
    visited = {subject for subject, _, _ in rows}
    extra = sorted(set(drawn) - visited)
    truth = sample.truth(seed=work.seed)
    late = sample.outcomes(truth, extra, date(2025, 6, 24), seed=99).to_pylist()
    rows += [
        (row["subject"], row["observed"], "défavorable" if row["label"] else "favorable") for row in late
    ]
    done = feedback.import_outcomes(work, SOURCE, outcomes_file(tmp_path / "o.csv", rows), actor="Ana Lys")
    assert done.added == len(rows)
    assert done.drawn == len(drawn)

    again = feedback.import_outcomes(work, SOURCE, tmp_path / "o.csv", actor="Ana Lys")
    assert (again.added, again.already_known) == (0, len(rows))

    examples = work.case.examples(working.records(work, SOURCE).tables)
    weights = dict(zip(examples["subject"].to_pylist(), examples["weight"].to_pylist(), strict=True))
    random_subject = min(drawn, key=lambda subject: drawn[subject])
    assert weights[random_subject] == pytest.approx(1 / drawn[random_subject])

    challenger = training.train(work, SOURCE)
    champion = training.in_service(work, SOURCE)
    assert champion is not None
    assert challenger.number == champion.card.number + 1
    assert challenger.examples > champion.card.examples
    assert training.in_service(work, SOURCE) == champion

    with pytest.raises(RefusedError, match="pas été comparé"):
        training.promote(work, SOURCE, challenger.number, by="Ana Lys", reason="essai")
    comparison = training.compare(work, SOURCE)
    assert comparison.n >= 50
    assert comparison.window[0] >= champion.card.as_of
    assert {"auc", "auc_gain"} <= {metric.name for metric in comparison.metrics}

    promoted = training.promote(work, SOURCE, challenger.number, by="Ana Lys", reason="plus récent")
    assert (promoted.card.number, promoted.by) == (challenger.number, "Ana Lys")

    second = making.make(work, SOURCE)
    assert second.run.id != first.run.id
    assert set(second.table["model"].to_pylist()) == {challenger.number}
    kept = work.workspace.lake.table(work.workspace.runs.address(first.run), "signals")
    assert set(kept["model"].to_pylist()) == {champion.card.number}
    assert kept.equals(first.table)
    assert work.workspace.journal.verify().entries > len(rows)


def test_a_list_is_drawn_from_signals_as_they_were_made(work: Work, tmp_path: Path) -> None:
    """Results that came back since change nothing until signals are made anew."""
    before = making.make(work, SOURCE, as_of=date(2024, 7, 1))
    subject = before.table["subject"][-3].as_py()
    path = outcomes_file(tmp_path / "a.csv", [(subject, date(2024, 12, 30), "défavorable")])
    feedback.import_outcomes(work, SOURCE, path, actor="Ana Lys")
    latest = making.latest(work, SOURCE)
    assert (latest.run, latest.as_of, latest.records.snapshot) == (
        before.run,
        date(2024, 7, 1),
        before.records.snapshot,
    )
    assert latest.table.equals(before.table)
    assert latest.model == before.model
    assert making.make(work, SOURCE, as_of=date(2024, 7, 1)).run != before.run


def test_a_decision_keeps_the_signal_that_it_answers(work: Work) -> None:
    current = making.latest(work, SOURCE)
    subject = Subject.parse(current.table["subject"][3].as_py())
    before = feedback.outcomes(work, SOURCE).num_rows

    silent = feedback.decide(work, SOURCE, subject, Verdict.FOLLOW, agent="Ana Lys")
    spoken = feedback.decide(work, SOURCE, subject, Verdict.FOLLOW, agent="Ana Lys", found=True)

    assert silent.run == spoken.run == current.run.id
    assert silent.model == current.model.card.number
    assert feedback.outcomes(work, SOURCE).num_rows == before + 1


def test_setting_aside_needs_a_reason(work: Work) -> None:
    subject = Subject.parse(making.latest(work, SOURCE).table["subject"][0].as_py())
    with pytest.raises(BadValueError, match="raison"):
        feedback.decide(work, SOURCE, subject, Verdict.SET_ASIDE, agent="Ana Lys")


def test_a_promotion_needs_a_person_and_a_reason(work: Work) -> None:
    with pytest.raises(BadValueError, match="prénom et le nom"):
        training.promote(work, SOURCE, 1, by="root", reason="test")
    with pytest.raises(BadValueError, match="raison"):
        training.promote(work, SOURCE, 1, by="Ana Lys", reason=" ")


def test_a_model_that_was_in_service_can_come_back(work: Work) -> None:
    current = training.in_service(work, SOURCE)
    assert current is not None
    back = training.promote(work, SOURCE, 1, by="Ana Lys", reason="retour en arrière")
    assert back.card.number == 1
    assert (
        training.promote(work, SOURCE, current.card.number, by="Ana Lys", reason="fin").card == current.card
    )


def test_a_model_of_another_source_is_refused(work: Work) -> None:
    with pytest.raises(RefusedError, match="entraîné sur la source « sample »"):
        training.promote(work, "chicago", 1, by="Ana Lys", reason="test")


def test_an_altered_model_is_refused(work: Work) -> None:
    current = training.in_service(work, SOURCE)
    assert current is not None
    path = next((work.workspace.home / "models").rglob("calibration.json"))
    content = path.read_bytes()
    path.chmod(0o600)
    path.write_bytes(content.replace(b"slope", b"slopo"))
    try:
        number = int(path.parent.name)
        card = work.workspace.registry.card(CASE, number)
        with pytest.raises(ModelRefusedError):
            work.workspace.registry.artefact(card, "calibration.json")
    finally:
        path.write_bytes(content)


@pytest.mark.parametrize(
    ("row", "error", "words"),
    [
        ("99999999999999;02/01/2025;favorable", UnknownSubjectError, "établissement inconnu"),
        ("{subject};02/01/2027;favorable", BadValueError, "ligne 2"),
        ("{subject};02/01/2025;moyen", BadValueError, "moyen"),
        ("{subject};hier;favorable", BadValueError, "hier"),
        (";02/01/2025;favorable", BadValueError, "ligne 2"),
    ],
    ids=["unknown", "future", "label outside the list", "not a date", "no identifier"],
)
def test_a_wrong_outcome_is_refused_and_nothing_is_recorded(
    work: Work, tmp_path: Path, row: str, error: type[Exception], words: str
) -> None:
    subject = making.latest(work, SOURCE).table["subject"][0].as_py().partition(":")[2]
    path = tmp_path / "faux.csv"
    header = "Identifiant de l'établissement;Date du contrôle;Résultat"
    path.write_text(f"{header}\n{row.format(subject=subject)}\n", encoding="utf-8")
    before = work.workspace.journal.head()
    with pytest.raises(error, match=words) as caught:
        feedback.import_outcomes(work, SOURCE, path, actor="Ana Lys")
    assert "faux.csv" in str(caught.value)
    assert work.workspace.journal.head() == before


def test_a_result_that_contradicts_an_earlier_one_is_reported_and_does_not_replace_it(
    work: Work, tmp_path: Path
) -> None:
    subject = making.latest(work, SOURCE).table["subject"][-1].as_py()
    day = date(2024, 12, 30)
    first = outcomes_file(tmp_path / "a.csv", [(subject, day, "favorable")])
    other = outcomes_file(tmp_path / "b.csv", [(subject, day, "défavorable")])
    feedback.import_outcomes(work, SOURCE, first, actor="Ana Lys")
    done = feedback.import_outcomes(work, SOURCE, other, actor="Ana Lys")
    assert (done.added, len(done.conflicts)) == (0, 1)
    kept = [row["label"] for row in feedback.outcomes(work, SOURCE).to_pylist() if row["subject"] == subject]
    assert kept[0] == 0.0


def test_comparing_without_new_outcomes_says_what_to_do(tmp_path: Path, worked: Path) -> None:
    shutil.copytree(worked, tmp_path / "home")
    work = Work.on(Workspace.open(tmp_path / "home", env={}), CASE)
    with pytest.raises(NotFoundError, match="aucun autre modèle"):
        training.compare(work, SOURCE)
    training.train(work, SOURCE, until=date(2024, 6, 30))
    with pytest.raises(EmptyTableError, match="trop peu de résultats"):
        training.compare(work, SOURCE)


def test_erasing_a_subject_takes_its_outcomes_out_of_training(work: Work, tmp_path: Path) -> None:
    subject = making.latest(work, SOURCE).table["subject"][-2].as_py()
    path = outcomes_file(tmp_path / "a.csv", [(subject, date(2024, 12, 30), "favorable")])
    feedback.import_outcomes(work, SOURCE, path, actor="Ana Lys")
    assert subject in feedback.outcomes(work, SOURCE)["subject"].to_pylist()
    work.workspace.journal.forget(Subject.parse(subject), actor="Ana Lys", reason="demande")
    assert subject not in feedback.outcomes(work, SOURCE)["subject"].to_pylist()
    assert work.workspace.journal.verify().entries

"""Explanations of past verdicts: rebuilt from what the journal names, refused when a piece was changed."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path

import pytest

from eclaireur.core.errors import EclaireurError, NotFoundError, RefusedError
from eclaireur.core.journal import Entry
from eclaireur.core.subjects import Subject
from eclaireur.core.types import Verdict
from eclaireur.core.view_json import to_plain
from eclaireur.core.workspace import Workspace
from eclaireur.service import feedback, signals as making
from eclaireur.service.explaining import explain_entry, last_entry
from eclaireur.service.recomputing import recompute, scored_entries
from eclaireur.service.work import Work

CASE, SOURCE = "restaurant_risk", "sample"
DECIDED = 12


@pytest.fixture(scope="module")
def decided(worked: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which verdicts were given on a drawn list."""
    home = tmp_path_factory.mktemp("decided") / "home"
    shutil.copytree(worked, home)
    work = Work.on(Workspace.open(home, env={}), CASE)
    current = making.latest(work, SOURCE)
    drawn, _ = making.draw(work, current, capacity=40, random_share=0.1)
    for item in random.Random(7).sample(drawn.items, DECIDED):
        verdict = Verdict.FOLLOW if item.position % 2 else Verdict.SET_ASIDE
        feedback.decide(work, SOURCE, item.subject, verdict, agent="Ada Martin", reason="vu en mars")
    return home


@pytest.fixture
def work(decided: Path, tmp_path: Path) -> Work:
    """The same at work, in a copy that a test may damage."""
    shutil.copytree(decided, tmp_path / "home")
    return Work.on(Workspace.open(tmp_path / "home", env={}), CASE)


def test_past_scores_are_the_same_when_computed_again(work: Work) -> None:
    journal = work.workspace.journal
    first, second, *_ = scored_entries(work)
    wrong = journal.append(
        "decision",
        case=CASE,
        actor="Ada",
        data={**first.data, "score": first.data["score"] + 1e-6},
        subject=_subject(work, first),
    )
    with pytest.raises(RefusedError, match="n'est pas celui"):
        explain_entry(work, wrong.seq)
    erased = _subject(work, second)
    journal.forget(erased, actor="Ada", reason="demande de la personne")
    with pytest.raises(NotFoundError, match="effacée"):
        explain_entry(work, second.seq)
    with pytest.raises(NotFoundError):
        last_entry(work, erased)

    found = recompute(work, scored_entries(work))
    assert (found.same, found.different, found.erased) == (DECIDED - 1, (wrong.seq,), (second.seq,))
    assert found.older == 0


def _subject(work: Work, entry: Entry) -> Subject:
    return Subject.parse((work.workspace.journal.reveal(entry) or {})["subject"])


def test_an_explanation_says_all_that_a_person_may_ask_for(work: Work) -> None:
    entry = scored_entries(work)[0]
    subject = _subject(work, entry)
    told = explain_entry(work, last_entry(work, subject).seq)
    row = making.signal_of(work, SOURCE, subject)
    text = json.dumps(to_plain(told.blocks), ensure_ascii=False)
    card = work.workspace.registry.card(CASE, row["model"])
    said = [
        "Il n’a rien décidé",
        "Ada Martin",
        "vu en mars",
        "Ce qui aurait changé le résultat" if row["rank"] <= 36 else "Qui a décidé",
        *(reason["sentence"] for reason in row["reasons"]),
        *(reason["feature"] for reason in row["reasons"]),
        work.workspace.registry.seal(card),
        *card.artefacts.values(),
        making.latest(work, SOURCE).records.snapshot.sha256,
    ]
    for words in said:
        assert words.replace('"', '\\"') in text, words
    assert told.score == row["score"]


@pytest.mark.parametrize("piece", ["models", "lake/snapshots", "lake/runs/restaurant_risk/signals"])
def test_a_changed_piece_is_refused(piece: str, work: Work) -> None:
    root = work.workspace.home / piece
    assert root.is_dir(), sorted(path.name for path in work.workspace.home.iterdir())
    endings = {".txt", ".csv", ".gz", ".parquet"} - ({".parquet"} if "snapshots" in piece else set())
    path = next(one for one in sorted(root.rglob("*")) if one.is_file() and one.suffix in endings)
    path.parent.chmod(0o755)
    path.chmod(0o644)
    if path.suffix == ".parquet":
        import pyarrow as pa
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        table = pq.read_table(path)
        at = table.schema.get_field_index("score")
        pq.write_table(table.set_column(at, "score", pc.multiply(table["score"], pa.scalar(0.999))), path)
    else:
        path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(EclaireurError):
        explain_entry(work, scored_entries(work)[0].seq)


def test_only_verdicts_are_explained(work: Work) -> None:
    with pytest.raises(NotFoundError, match="n'est pas un avis"):
        explain_entry(work, 1)
    with pytest.raises(NotFoundError):
        explain_entry(work, 10**6)

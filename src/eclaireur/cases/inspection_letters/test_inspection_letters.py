"""What is particular to inspection_letters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest

from eclaireur.bricks.semantic.labelling import Labeller
from eclaireur.cases.inspection_letters import case, letters, measuring, reading, reports, sample
from eclaireur.cases.inspection_letters.answered import taught
from eclaireur.core.case import Records, quiet
from eclaireur.core.errors import BadValueError, EclaireurError, FileRefusedError, UnknownSubjectError
from eclaireur.core.tables import outcomes_schema
from eclaireur.core.view import Block, Facts, SpanText, Table


def test_made_up_topics_are_found_on_folds_never_seen_and_kept_ones_are_right(tmp_path: Path) -> None:
    sample.write(tmp_path, seed=3)
    rows = case.records("sample", tmp_path, outcomes=None, progress=quiet)["sentences"].to_pylist()
    block = measuring.evaluate("sample", rows, seed=1, progress=quiet)
    value = {metric.name: metric.value or 0.0 for metric in block.metrics}
    assert value["micro_f1"] > 0.8
    assert value["precision_kept"] >= 0.6
    assert value["coverage_kept"] > 0.3


def test_a_file_of_sentences_gets_topics_in_its_order(tmp_path: Path) -> None:
    sample.write(tmp_path, seed=3)
    records = case.records("sample", tmp_path, outcomes=None, progress=quiet)
    fitted = case.train(
        records, case.examples(records), as_of=case.data_date(records), seed=1, progress=quiet
    )
    table = pa.table({"sentence": ["Les extincteurs du local étaient vides.", "ωψξ"]})
    read = fitted.artefacts.__getitem__
    found = case.score(table, records, fitted.card, read, progress=quiet).to_pylist()
    assert found[0]["first"] == "S01"
    assert "S01" in found[0]["labels"].split()
    assert (found[1]["kept"], found[1]["labels"]) == (False, "")
    assert "connu" in found[1]["reasons"][0]["sentence"]


@pytest.mark.parametrize("text", ["12", "phrase-000012", "document:phrase-000012"])
def test_a_sentence_is_named_by_its_number(text: str) -> None:
    assert str(case.identify(text)) == "document:phrase-000012"


@dataclass(frozen=True)
class Played:
    records: Records
    model: Labeller

    def report(self, name: str, *, about: str = "", table: pa.Table | None = None) -> tuple[Block, ...]:
        return reports.made(name, self.records, self.model, about=about, table=table, seed=1, progress=quiet)


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("raw")
    sample.write(folder, seed=3)
    records = case.records("sample", folder, outcomes=None, progress=quiet)
    fitted = case.train(
        records, case.examples(records), as_of=case.data_date(records), seed=1, progress=quiet
    )
    return Played(records, Labeller.read(fitted.artefacts))


@pytest.mark.parametrize(
    "name", sorted(set(case.REPORTS) - {"watch", "site", "coverage", "audit", "learning"})
)
def test_a_report_says_something(played: Played, name: str) -> None:
    tables = [block for block in played.report(name) if isinstance(block, Table)]
    assert any(table.rows for table in tables)


def test_trends_find_a_topic_planted_at_the_end(played: Played) -> None:
    letters = played.records["letters"].to_pylist()
    last = max(row["observed"] for row in letters)
    said = "Les inspecteurs ont examiné la détection d'incendie, un drone et les extincteurs. "
    calm = "Vous voudrez bien me faire part de vos observations."
    planted = [row | {"text": said * 3 if row["observed"].year == last.year else calm} for row in letters]
    table = pa.Table.from_pylist(planted, schema=played.records["letters"].schema)
    asked = Played(dict(played.records) | {"letters": table}, played.model)
    shown = {block.title: block for block in asked.report("trends") if isinstance(block, Table)}
    changed = shown[f"Sujets dont la part a changé en {last.year}"].rows
    assert [str(row["topic"])[:3] for row in changed if float(row["last"]) > 0] == ["S01"]
    assert "drone" in {row["term"] for row in shown[f"Mots nouveaux en {last.year}"].rows}


def test_the_sheet_of_a_site_shows_its_demands_and_is_written_as_pdf(played: Played, tmp_path: Path) -> None:
    blocks = played.report("site", about="valmorte")
    facts, demands_, topics, last = blocks
    assert isinstance(facts, Facts)
    assert facts.title == "Valmorte"
    assert isinstance(demands_, Table)
    assert all("demand" in row["text"] for row in demands_.rows)
    assert isinstance(topics, Table)
    assert all("(" in row["topic"] for row in topics.rows)
    assert len(last.citations) <= 5  # type: ignore[union-attr]


def test_the_sheet_of_a_letter_shows_its_parts_and_the_places_it_names(played: Played) -> None:
    marked = {row["number"]: row for row in played.records["letters"].to_pylist()}
    truth = letters.generate(len(marked), seed=3)
    found = {number: [(one["start"], one["kind"]) for one in row["parts"]] for number, row in marked.items()}
    right = [found[one.number] == list(one.begins) for one in truth]
    assert all(right[:20])  # marked
    assert sum(right[20:]) / len(right[20:]) >= 0.9  # cut by the model
    last = truth[-1]
    blocks = case.sheet(case.identify(last.number), played.records)
    (text,) = [block for block in blocks if isinstance(block, SpanText)]
    assert [one.label for one in text.marks][:2] == ["En-tête", "Synthèse de l'inspection"]
    (places,) = [block for block in blocks if isinstance(block, Table) and block.title == "Lieux nommés"]
    assert {(row["place"], row["code"]) for row in places.rows} == {letters.TOWNS[last.site]}


def test_parts_not_written_as_kind_and_place_are_refused() -> None:
    row = {"number": "A", "site": "B", "date": "2024-01-01", "text": "Objet.", "parts": "synthèse 12"}
    with pytest.raises(BadValueError, match="lettre A"):
        reading.table([row])


def test_a_watch_finds_whole_words_without_accents(played: Played) -> None:
    table = pa.table({"keyword": ["EXTINCTEURS", "filiere d'evacuation", "=1+1", "extinc", ""]})
    blocks = played.report("watch", table=table)
    (found,) = blocks
    assert isinstance(found, Table)
    assert {row["keyword"] for row in found.rows} == {"EXTINCTEURS", "filiere d'evacuation"}


@pytest.mark.parametrize(
    ("name", "about", "table", "error"),
    [
        ("site", "Atlantide", None, UnknownSubjectError),
        ("watch", "", None, BadValueError),
        ("watch", "", pa.table({"autre": ["a"]}), EclaireurError),
        ("watch", "", pa.table({"keyword": ["", None]}), BadValueError),
    ],
)
def test_what_a_report_lacks_is_said(
    played: Played, name: str, about: str, table: pa.Table | None, error: type[Exception]
) -> None:
    with pytest.raises(error):
        played.report(name, about=about, table=table)


def test_a_source_without_letters_says_so(played: Played) -> None:
    bare = dict(played.records) | {"letters": played.records["letters"].slice(0, 0)}
    with pytest.raises(EclaireurError, match="aucune lettre entière"):
        Played(bare, played.model).report("trends")


def test_mistaken_labels_are_audited_first_and_the_curve_falls_to_the_mean(played: Played) -> None:
    rows = played.records["sentences"].to_pylist()
    wrong = next(at for at, row in enumerate(rows) if row["labels"] == ["S01"])
    rows[wrong] = rows[wrong] | {"labels": ["S05"]}
    table = pa.Table.from_pylist(rows, schema=played.records["sentences"].schema)
    asked = Played(dict(played.records) | {"sentences": table}, played.model)
    (audit,) = asked.report("audit")
    assert isinstance(audit, Table)
    assert rows[wrong]["sentence"] in [row["sentence"] for row in audit.rows if row["first"] == "S01"]
    held = measuring.held_out(rows, seed=1, progress=quiet)
    (curve,) = measuring.coverage(held)
    assert curve.x[-1] == 100
    assert curve.y[-1] == pytest.approx(held.right.mean())
    assert all(low <= value <= high for low, value, high in zip(curve.low, curve.y, curve.high, strict=True))


def test_more_sentences_teach_more(played: Played) -> None:
    rows = played.records["sentences"].to_pylist()
    points = measuring.learning(rows, parts=(0.1, 1.0), seed=1, progress=quiet)
    assert points[0][0] < points[1][0]
    assert points[1][1] > points[0][1]


def test_a_letter_to_score_is_read_as_its_sentences(tmp_path: Path) -> None:
    letter = tmp_path / "lettre.txt"
    letter.write_text("Une porte était ouverte. Je vous demande d'agir.\n", encoding="utf-8")
    table = case.read_candidates(letter)
    assert table is not None
    assert table["sentence"].to_pylist() == ["Une porte était ouverte.", "Je vous demande d'agir."]
    assert case.read_candidates(tmp_path / "phrases.csv") is None
    letter.write_text("  \n", encoding="utf-8")
    with pytest.raises(FileRefusedError):
        case.read_candidates(letter)


def test_labels_that_a_person_gave_to_a_passage_of_a_letter_are_learnt_from(played: Played) -> None:
    letter = played.records["letters"].to_pylist()[0]
    last = case.data_date(played.records)
    sentences = played.records["sentences"].to_pylist()
    known, day = sentences[0]["subject"], last + timedelta(days=1)

    def answer(number: int, subject: str, label: float, value: str | None) -> dict[str, object]:
        return {
            "outcome": str(number),
            "subject": subject,
            "observed": day,
            "known": day + timedelta(days=number),
            "label": label,
            "value": value,
            "observer": "a",
            "propensity": None,
            "origin": "decision",
        }

    passage = f"document:{letter['number']}@0-60"
    given = [
        answer(1, passage, 1.0, "S02"),
        answer(2, known, 0.0, ""),
        answer(3, "document:inconnue@0-9", 1.0, "S02"),
        answer(4, f"document:{letter['number']}@60-90", 1.0, "rien de connu"),
    ]
    outcomes = pa.Table.from_pylist(given, schema=outcomes_schema())
    records = {**played.records, "outcomes": outcomes}
    found = taught(records)
    assert found[passage]["sentence"] == " ".join(letter["text"][:60].split())
    assert (found[passage]["labels"], found[known]["labels"]) == (["S02"], [])
    assert len(found) == len(sentences) + 2
    assert [name for name, row in found.items() if not row["taught"]] == [
        f"document:{letter['number']}@60-90"
    ]
    examples = {row["subject"]: row for row in case.examples(records).to_pylist()}
    assert (examples[passage]["label"], examples[known]["label"]) == (1.0, 0.0)
    assert examples[known]["known"] == day + timedelta(days=2)

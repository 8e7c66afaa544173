"""What is particular to similar_decisions: reading, judges' names, series, routing."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest

from eclaireur.cases.similar_decisions import case, measuring, reading, sample, series
from eclaireur.cases.similar_decisions.judges import NEUTRAL, without_judges
from eclaireur.cases.similar_decisions.sections import application, sections
from eclaireur.core.case import Records, quiet
from eclaireur.core.errors import BadValueError, EclaireurError, FileRefusedError
from eclaireur.core.tables import proposals_schema

SEED = 7


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("decisions")
    sample.write(folder, seed=SEED, count=150)
    return folder


@pytest.fixture(scope="module")
def records(raw: Path) -> Records:
    return case.records("sample", raw, outcomes=None, progress=quiet)


def strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from strings(one)
    elif isinstance(value, list | tuple):
        for one in value:
            yield from strings(one)


def test_no_judges_name_is_in_the_records_the_scores_or_the_sheets(raw: Path, records: Records) -> None:
    written = "".join(path.read_text(encoding="utf-8") for path in raw.iterdir())
    assert all(name in written for name in sample.JUDGES)
    examples = case.examples(records)
    fitted = case.train(records, examples, as_of=date(2030, 1, 1), seed=1, progress=quiet)
    table = case.signals(
        records, fitted.card, fitted.artefacts.__getitem__, as_of=date(2030, 1, 1), progress=quiet
    )
    sheets = [
        repr(case.sheet(case.identify(subject), records)) for subject in table["subject"].to_pylist()[::10]
    ]
    found = [*sheets, *strings([one.to_pylist() for one in (*records.values(), table)])]
    found += [data.decode() for data in fitted.artefacts.values()]
    for name in sample.JUDGES:
        assert not any(name in text or name.split()[1] in text for text in found)


def test_two_decisions_that_only_their_judges_tell_apart_are_the_same_text() -> None:
    decision = (
        "Vu la procédure suivante :\n- le rapport de {0}, auditrice,\n- les conclusions de {1}, "
        "rapporteur public ;\nD E C I D E :\nArticle 1er : La requête est rejetée.\n"
        "Délibéré à l'issue de la séance où siégeaient : {2}, présidant ; {0}, auditrice-rapporteure.\n"
        "Le président :\nSigné : {2}\nPour expédition conforme,\nLe secrétaire : {3}"
    )
    one = decision.format("Mme Ada Duval", "M. Jean-Loup d'Arcy", "M. Éric de La Tour", "Zoé NOËL")
    two = decision.format("Mme Iris Petit", "M. Paul Roy", "M. Luc Ney", "Max MEYER")
    assert without_judges(one) == without_judges(two)
    assert NEUTRAL in without_judges(one)


def test_a_party_keeps_the_name_that_the_court_published() -> None:
    text = "M. A B demande l'annulation du rapport de la commission.\nArticle 1er : M. A B est débouté."
    assert without_judges(text) == text


def test_the_xml_of_the_court_and_its_text_give_the_same_decision(raw: Path) -> None:
    path = min(raw.iterdir())
    row = reading.decision_rows(path)
    again = reading.from_text(row["texte"], name=path.with_suffix(".txt").name)
    assert {key: again[key] for key in ("numero", "date", "texte")} == {
        key: row[key] for key in ("numero", "date", "texte")
    }
    assert row["ecli"].startswith("ECLI:FR:")
    assert "\n" in row["texte"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"<Document><Dossier>", "abîmé"),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><Document/>', "DTD"),
        (b"<html><body>Rien</body></html>", "Texte_Integral"),
    ],
    ids=["cut", "entities", "other XML"],
)
def test_xml_that_is_no_decision_is_refused_in_french(content: bytes, says: str) -> None:
    with pytest.raises(FileRefusedError, match=says) as caught:
        reading.from_xml(content, name="faux.xml")
    assert "faux.xml" in str(caught.value)


def test_a_wrong_line_of_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    good = json.dumps({"numero": "1", "date": "2021-01-01", "texte": "Vu."})
    path.write_text(good + "\n{]\n", encoding="utf-8")
    with pytest.raises(BadValueError, match="ligne 2"):
        list(reading.from_lines(path))


def test_series_are_those_of_the_complete_comparison(records: Records) -> None:
    decisions = records["decisions"]
    exact = measuring.exact_pairs(decisions["texte"].to_pylist())
    pairs = series.found_pairs(decisions["texte"])
    found = set(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))
    assert found <= exact
    assert len(found) >= 0.98 * len(exact) > 0


def test_the_generators_own_series_are_found_again(records: Records) -> None:
    decisions = records["decisions"]
    truth = {one.numero: one.series for one in sample.made(SEED, count=150)}
    groups = series.groups_until(decisions, records["pairs"], date(2030, 1, 1)).tolist()
    numbers = decisions["numero"].to_pylist()
    together = [
        groups[a] == groups[b]
        for a in range(len(numbers))
        for b in range(a)
        if truth[numbers[a]] and truth[numbers[a]] == truth[numbers[b]]
    ]
    assert sum(together) / len(together) > 0.95


def test_sections_cover_the_text_in_order_and_the_application_holds_no_reason() -> None:
    text = sample.made(SEED, count=1)[0].text
    parts = sections(text)
    assert [one.kind for one in parts] == ["procedure", "visas", "motifs", "dispositif"]
    assert parts[0].start == 0
    assert parts[-1].end == len(text)
    assert all(one.end == other.start for one, other in itertools.pairwise(parts))
    assert "S'il est soutenu" not in application(text)


def test_a_decision_of_a_known_series_is_likelier_than_one_alone(records: Records) -> None:
    examples = case.examples(records)
    fitted = case.train(records, examples, as_of=date(2030, 1, 1), seed=1, progress=quiet)
    chances = case.predict(examples, records, fitted.card, fitted.artefacts.__getitem__)
    labels = examples["label"].to_pylist()
    inside = [chance for chance, label in zip(chances, labels, strict=True) if label]
    alone = [chance for chance, label in zip(chances, labels, strict=True) if not label]
    assert sum(inside) / len(inside) > 2 * sum(alone) / len(alone)

    proposed = case.proposals(records, fitted.card, fitted.artefacts.__getitem__)
    assert proposed.schema.equals(proposals_schema())
    texts = dict(zip(records["decisions"]["subject"].to_pylist(), records["decisions"]["texte"], strict=True))
    known = case.labels(fitted.card, fitted.artefacts.__getitem__)
    for row in proposed.to_pylist():
        assert " ".join(texts[row["document"]].as_py()[row["start"] : row["end"]].split()) == row["text"]
        assert set(row["labels"]) < set(known)
        assert 0.5 <= row["chance"] <= 1
    told = dict(zip(proposed["document"].to_pylist(), proposed["labels"].to_pylist(), strict=True))
    truth = dict(zip(examples["subject"].to_pylist(), labels, strict=True))
    right = [told[name] == (["serie"] if label else ["seule"]) for name, label in truth.items()]
    assert sum(right) / len(right) > 0.75


@pytest.mark.parametrize("text", ["405548 2021-11-24", "405548 du 24/11/2021", "document:405548 2021-11-24"])
def test_a_decision_is_named_by_its_number_and_day(text: str) -> None:
    assert str(case.identify(text)) == "document:405548 2021-11-24"


def test_a_decision_without_its_day_is_refused() -> None:
    with pytest.raises(EclaireurError, match="numéro et sa date"):
        case.identify("405548")


def test_an_agents_answer_replaces_what_the_texts_say(raw: Path) -> None:
    first = reading.decision_rows(min(raw.iterdir()))
    subject = f"document:{first['numero']} {first['date']}"
    outcomes = pa.table(
        {
            "outcome": ["1"],
            "subject": [subject],
            "observed": pa.array([first["date"]], pa.date32()),
            "known": pa.array([date(2025, 1, 1)], pa.date32()),
            "label": [1.0],
            "value": ["en série"],
            "observer": ["A"],
            "propensity": pa.array([None], pa.float64()),
            "origin": ["outcome"],
        }
    )
    with_answer = case.examples(case.records("sample", raw, outcomes=outcomes, progress=quiet))
    rows = [row for row in with_answer.to_pylist() if row["subject"] == subject]
    assert [(row["label"], row["known"]) for row in rows] == [(1.0, date(2025, 1, 1))]


def test_a_decision_in_pdf_is_read_without_its_judges_even_cut_at_the_end_of_a_line(tmp_path: Path) -> None:
    from reportlab.pdfgen.canvas import Canvas

    path = tmp_path / "405548_20211124.pdf"
    sheet = Canvas(str(path))
    lines = (
        "Après avoir entendu en séance publique, le rapport de Mme Ada",
        "Duval, auditrice, et les conclusions de M. Jean",
        "Leroux, rapporteur public ;",
        "Considérant ce qui suit :",
        "Article 1er : La requête est rejetée.",
        "Délibéré à l'issue de la séance où siégeaient : M. Paul Roy, président ;",
        "Le président :",
        "Signé : M. Paul Roy",
    )
    for at, line in enumerate(lines):
        sheet.drawString(72, 760 - 20 * at, line)
    sheet.save()

    row = reading.decision_rows(path)
    (kept,) = reading.table([row]).to_pylist()

    assert (kept["numero"], kept["observed"]) == ("405548", date(2021, 11, 24))
    assert "La requête est rejetée." in kept["texte"]
    assert NEUTRAL in kept["texte"]
    for name in ("Ada", "Duval", "Leroux", "Roy"):
        assert name not in kept["texte"]


def test_a_pdf_without_text_or_a_name_is_refused_in_french(tmp_path: Path) -> None:
    path = tmp_path / "405548_20211124.pdf"
    path.write_bytes(b"%PDF-1.4\nrien")
    with pytest.raises(FileRefusedError):
        reading.decision_rows(path)

"""The fictitious département: its files, its law, how real it looks, and the outcomes it can play."""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, strategies as st

from eclaireur.cases.restaurant_risk import documented, sample, schemas
from eclaireur.cases.restaurant_risk.sample import generator, texts
from eclaireur.cases.restaurant_risk.sample.latent import FIRST_DAY, LAST_DAY, day_number
from eclaireur.cases.restaurant_risk.sample.reader import TABLES
from eclaireur.cases.restaurant_risk.sample.world import World, simulate
from eclaireur.core.catalog import find_card
from eclaireur.core.errors import BadValueError, FileRefusedError, InputError, UnknownSubjectError
from eclaireur.core.subjects import luhn_valid
from eclaireur.core.tables import outcomes_schema

if TYPE_CHECKING:
    from numpy.typing import NDArray

SEEDS = (0, 1, 2)
SMALL = 150


@pytest.fixture(scope="module")
def worlds() -> list[World]:
    return [simulate(seed, 2500) for seed in SEEDS]


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    sample.write(folder, seed=0, establishments=SMALL)
    return folder


@pytest.fixture(scope="module")
def tables(raw: Path) -> dict[str, pa.Table]:
    return sample.records(raw)


# ---- the files


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(raw: Path, tmp_path: Path) -> None:
    again, other = tmp_path / "again", tmp_path / "other"
    for folder, seed in ((again, 0), (other, 1)):
        folder.mkdir()
        sample.write(folder, seed=seed, establishments=SMALL)

    for name in TABLES.values():
        assert (again / name).read_bytes() == (raw / name).read_bytes()
        assert (other / name).read_bytes() != (raw / name).read_bytes()


def test_only_the_five_files_are_written_and_none_holds_the_truth(raw: Path) -> None:
    assert {path.name for path in raw.iterdir()} == set(TABLES.values()) == set(generator.COLUMNS)


def test_files_look_like_an_office_export(raw: Path) -> None:
    for name, headings in generator.COLUMNS.items():
        content = (raw / name).read_bytes()
        assert content.startswith(b"\xef\xbb\xbf")
        assert content.count(b"\n") == content.count(b"\r\n")
        with (raw / name).open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.reader(stream, delimiter=";"))
        assert tuple(rows[0]) == headings
        assert all(len(row) == len(headings) for row in rows)
    assert re.fullmatch(r"\d\d/\d\d/2021;-?\d+,\d;\d+,\d;\d+,\d;\d,\d\d", _line(raw / "meteo.csv", 5))


def _line(path: Path, number: int) -> str:
    return path.read_text(encoding="utf-8-sig").splitlines()[number]


def test_every_heading_but_one_is_in_the_documented_format() -> None:
    card = find_card("restaurant_risk")
    unknown = []
    for table, file in TABLES.items():
        fields = card.input_table(table).fields
        names = {name for field in fields for name in (field.title, *field.synonyms)}
        unknown += [heading for heading in generator.COLUMNS[file] if heading not in names]

    assert unknown == ["Couverts par jour"]


def test_sirets_are_valid_unique_and_in_a_range_given_to_no_firm(worlds: list[World]) -> None:
    sirets = worlds[0].truth.place.sirets

    assert len(set(sirets)) == 2500
    assert all(number.startswith("000") and len(number) == 14 for number in sirets)
    assert all(luhn_valid(number) and luhn_valid(number[:9]) for number in sirets)


def test_a_sample_of_absurd_size_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadValueError, match="de 50 à 90 000"):
        sample.write(tmp_path, seed=0, establishments=3)
    assert not list(tmp_path.iterdir())


# ---- what is read


def test_records_have_the_schemas_of_the_case(tables: dict[str, pa.Table], raw: Path) -> None:
    assert tables["inspections"].schema == documented.inspections_schema()
    assert tables["establishments"].schema == schemas.establishments_schema()
    assert tables["complaints"].schema == schemas.complaints_schema()
    assert tables["weather"].schema == schemas.weather_schema()
    assert tables["reviews"].schema == schemas.reviews_schema()
    for name, file in TABLES.items():
        assert tables[name].num_rows == len((raw / file).read_text(encoding="utf-8-sig").splitlines()) - 1


def test_an_inspection_is_read_as_it_was_written(tables: dict[str, pa.Table], raw: Path) -> None:
    with (raw / "controles.csv").open(encoding="utf-8-sig", newline="") as stream:
        written = list(csv.DictReader(stream, delimiter=";"))

    for read, line in zip(tables["inspections"].to_pylist(), written, strict=True):
        assert read["subject"] == f"siret:{line['SIRET']}"
        assert f"{read['observed']:%d/%m/%Y}" == line["Date du contrôle"]
        assert f"{read['known']:%d/%m/%Y}" == line["Résultat connu le"]
        assert read["result"] == line["Résultat"]
        assert read["label"] == float(line["Résultat"].startswith("A "))
        assert read["failed"] == float("urgente" in line["Résultat"])
        assert read["minor"] == float(line["Manquements mineurs"])
        assert (read["observer"] or "") == line["Agent (code)"]
        assert read["in_scope"] == (line["Motif du contrôle"] != "Suite d'un contrôle")


def test_inspections_are_unique_and_make_sense(tables: dict[str, pa.Table]) -> None:
    made = tables["inspections"]
    opened = {row["subject"]: row["opened"] for row in tables["establishments"].to_pylist()}

    assert made.group_by(["subject", "observed"]).aggregate([]).num_rows == made.num_rows
    assert set(pc.unique(made["label"]).to_pylist()) == {0.0, 1.0}
    for row in made.to_pylist():
        assert timedelta(5) <= row["known"] - row["observed"] < timedelta(45)
        assert opened[row["subject"]] is None or opened[row["subject"]] <= row["observed"]
        assert FIRST_DAY <= row["observed"] <= LAST_DAY
        assert row["observed"].weekday() < 5
        assert bool(row["critical"]) == bool(row["label"])


def test_reviews_and_complaints_are_known_the_next_day(tables: dict[str, pa.Table]) -> None:
    for name in ("reviews", "complaints"):
        delays = pc.subtract(
            tables[name]["known"].cast(pa.int32()), tables[name]["observed"].cast(pa.int32())
        )
        assert pc.unique(delays).to_pylist() == [1]
    assert set(pc.unique(tables["reviews"]["rating"]).to_pylist()) <= {1.0, 2.0, 3.0, 4.0, 5.0}
    assert tables["reviews"]["text"].null_count == 0


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda text: text.replace("Résultat;", "Verdict;", 1),
            "controles.csv, colonne « Résultat » : .*absente",
        ),
        (lambda text: text.replace("Satisfaisant;", "Excellent;", 1), "ligne 2, colonne « Résultat »"),
        (
            lambda text: re.sub(r"\d\d/\d\d/2021", "hier", text, count=1),
            "controles.csv, ligne 2, colonne « Date du contrôle » : « hier »",
        ),
    ],
)
def test_an_altered_file_is_refused_with_its_name(
    raw: Path, tmp_path: Path, spoil: Callable[[str], str], message: str
) -> None:
    for name in TABLES.values():
        (tmp_path / name).write_bytes((raw / name).read_bytes())
    target = tmp_path / "controles.csv"
    lines = target.read_text(encoding="utf-8").splitlines(keepends=True)
    target.write_text(spoil("".join(lines[:2]).replace("Très s", "S")) + "".join(lines[2:]), encoding="utf-8")

    with pytest.raises(InputError, match=message):
        sample.records(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileRefusedError, match=r"etablissements\.csv"):
        sample.records(tmp_path)


# ---- the law


def test_every_sentence_of_the_grammar_can_be_filled() -> None:
    words = texts.grammar()
    blames = [sentence for sentences in words.blames.values() for sentence in sentences]
    pools = (words.openings, words.good, words.mixed, words.bad, words.speaks, words.sorry, words.pleased)
    for sentence in [*blames, *(sentence for pool in pools for sentence in pool)]:
        filled = texts._filled(sentence, words.slots, [0.5, 0.1, 0.9])
        assert "{" not in filled
        assert not sentence or filled.endswith(".")
        assert ";" not in filled


@given(
    st.integers(1, 5),
    st.sampled_from(("", *texts.grammar().kinds)),
    st.lists(st.floats(0, 1, exclude_max=True), min_size=texts.UNIFORMS, max_size=texts.UNIFORMS),
)
def test_a_review_is_clean_text(rating: int, kind: str, uniforms: list[float]) -> None:
    text = texts.compose(rating, kind, uniforms)

    assert text[0].isupper()
    assert text.endswith(".")
    assert not re.search(r"[{}]|  |\n", text)


def test_reviews_tell_rats_cold_chain_poisoning_and_toilets(worlds: list[World]) -> None:
    assert {"nuisibles", "intoxication", "chaîne du froid", "toilettes"} <= set(texts.grammar().kinds)


# ---- the outcomes


@pytest.fixture(scope="module")
def truth() -> sample.Truth:
    return sample.truth(seed=0, establishments=SMALL)


@pytest.fixture(scope="module")
def opened(truth: sample.Truth) -> list[str]:
    return [f"siret:{number}" for number in truth.place.sirets]


LATER = date(2025, 3, 3)


def test_outcomes_have_the_schema_and_the_order_of_the_list(truth: sample.Truth, opened: list[str]) -> None:
    found = sample.outcomes(truth, opened[:20], LATER, seed=1, propensities={opened[0]: 0.25})

    assert found.schema == outcomes_schema()
    assert found["subject"].to_pylist() == opened[:20]
    assert found["propensity"].to_pylist() == [0.25, *[None] * 19]
    assert set(found["value"].to_pylist()) <= set(generator.RESULTS)
    assert all(known - LATER == timedelta(14) for known in found["known"].to_pylist())


def test_an_outcome_depends_on_neither_the_rest_nor_the_order(truth: sample.Truth, opened: list[str]) -> None:
    whole = {row["subject"]: row for row in sample.outcomes(truth, opened, LATER, seed=1).to_pylist()}
    part = sample.outcomes(truth, opened[40:10:-1], LATER, seed=1).to_pylist()

    assert part == [whole[row["subject"]] for row in part]
    assert sample.outcomes(truth, opened, LATER, seed=2).to_pylist() != list(whole.values())


def test_outcomes_follow_the_law(truth: sample.Truth, opened: list[str]) -> None:
    """Over many draws the count of bad results is within 4 standard errors of the sum of probabilities."""
    rows = np.arange(len(opened))
    labels: list[Any] = []
    chance: list[NDArray[np.float64]] = []
    for draw in range(60):
        day = LATER + timedelta(days=7 * draw)
        found = sample.outcomes(truth, opened, day, seed=draw)
        observers = np.array([truth.observers.index(code) for code in found["observer"].to_pylist()])
        chance.append(truth.probability(rows, np.full(len(rows), day_number(day)), observers))
        labels += found["label"].to_pylist()
    expected = np.concatenate(chance)

    assert abs(sum(labels) - expected.sum()) < 4 * math.sqrt(float((expected * (1 - expected)).sum()))


def test_an_impossible_visit_is_refused(truth: sample.Truth, opened: list[str]) -> None:
    with pytest.raises(UnknownSubjectError, match="absent de l'échantillon"):
        sample.outcomes(truth, ["siret:83283779300021"], LATER, seed=1)
    with pytest.raises(BadValueError, match="deux fois"):
        sample.outcomes(truth, opened[:1] * 2, LATER, seed=1)
    with pytest.raises(BadValueError, match=r"du 01/01/2021 au 31/12/2026"):
        sample.outcomes(truth, opened[:1], date(2031, 1, 1), seed=1)
    young = opened[int(np.argmax(truth.place.opened))]
    with pytest.raises(BadValueError, match="pas encore ouvert"):
        sample.outcomes(truth, [young], FIRST_DAY, seed=1)


def test_an_empty_list_gives_an_empty_table(truth: sample.Truth) -> None:
    assert sample.outcomes(truth, [], LATER, seed=1).num_rows == 0

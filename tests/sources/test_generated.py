"""The 31 generated bad tables give what EXPECTED.csv says of each; their names are never looked at."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from eclaireur.sources.reading import Outcome, Reading
from eclaireur.sources.tables import read_table

HEADINGS = ["SIRET", "Code postal", "Commune", "Dénomination", "Date inspection", "Montant €", "Conforme"]
NAMES = ["Café de l’Œuvre « Chez Zoé »", "SARL Les Îles – forêt", "Pâtisserie Noël & Fils"]
LAST = "Cœur d’Occitanie; annexe"
TYPED: dict[str, list[object]] = {
    "SIRET": ["00012345600017", "32012345600025", "55208131766522", "21310555400017"],
    "Code postal": ["01000", "2A004", "97400", "31000"],
    "Commune": ["Bourg-en-Bresse", "Ajaccio", "Saint-Denis (Réunion)", "Toulouse"],
    "Date inspection": [date(2023, 2, 1), date(2024, 2, 29), date(1999, 12, 31), date(2022, 11, 7)],
    "Montant": [1234.5, -12.0, 0.0, 12345678.9],
    "Conforme": [True, False, True, False],
}
# Signs that an old encoding has not, as each file was written without them.
PLAIN = {"fr_cp850.csv": str.maketrans({"’": "'", "–": "-", "Œ": "OE", "œ": "oe", "€": "EUR"})}
LATIN9 = {"fr_latin9_euro.csv": str.maketrans({"’": "'", "–": "-", "«": '"', "»": '"', "\u00a0": " "})}


@pytest.fixture
def generated(hostile_files: Path) -> Path:
    return hostile_files / "generated" / "tabular"


def kinds(reading: Reading) -> dict[str, tuple[int, ...]]:
    said = {one.kind: one.lines for one in reading.repairs}
    return said | {one.kind: one.lines for one in reading.doubts}


@pytest.mark.parametrize(
    "name",
    [
        "csv_renamed.xlsx",
        "fr_cp1252_semicolon.csv",
        "fr_cp850.csv",
        "fr_double_utf8.csv",
        "fr_embedded_newlines.csv",
        "fr_latin9_euro.csv",
        "fr_lone_cr.csv",
        "fr_macroman.csv",
        "fr_mixed_encodings.csv",
        "fr_nbsp_thousands.csv",
        "fr_nul_bytes.csv",
        "fr_preamble.csv",
        "fr_sep_line.csv",
        "fr_unclosed_quote.csv",
        "fr_utf16le_bom_tab.txt",
        "fr_utf8_bom.csv",
    ],
)
def test_a_usual_french_export_is_read_exactly(generated: Path, name: str) -> None:
    reading = read_table(generated / name)

    assert reading.typed is not None
    signs = {**PLAIN, **LATIN9}.get(name, {})
    assert reading.typed.column_names == [heading.translate(signs) for heading in HEADINGS]
    for heading, values in TYPED.items():
        column = next(one for one in reading.typed.column_names if one.startswith(heading))
        assert reading.typed[column].to_pylist() == values, heading
    labels = reading.typed["Dénomination"].to_pylist()
    if name == "fr_embedded_newlines.csv":
        assert labels == ["ligne1\nligne2\r\nligne3"] * 4
    elif name == "fr_unclosed_quote.csv":
        assert labels == [*NAMES, 'Cœur" " d’Occitanie; annexe']
    else:
        assert labels == [label.translate(signs) for label in (*NAMES, LAST)]


@pytest.mark.parametrize(
    ("name", "kind", "lines"),
    [
        ("fr_mixed_encodings.csv", "encoding", (2, 4)),
        ("fr_double_utf8.csv", "encoding", ()),
        ("fr_nul_bytes.csv", "nul", (5,)),
        ("fr_unclosed_quote.csv", "quote", (5,)),
        ("fr_preamble.csv", "preamble", (1, 2)),
        ("fr_preamble.csv", "total", (9,)),
        ("fr_preamble.csv", "footer", (10,)),
        ("fr_dup_headers.csv", "header", ()),
        ("fr_dates_ambiguous.csv", "date", (3, 4, 5, 6, 7, 8, 11)),
        ("fr_siret_scientific.csv", "scientific", (2,)),
        ("fr_lost_zeros_merged_hidden.xlsx", "hidden", (3,)),
        ("fr_lost_zeros_merged_hidden.xlsx", "merged", (2,)),
        ("fr_lost_zeros_merged_hidden.xlsx", "formula", (7,)),
        ("fr_lost_zeros_merged_hidden.xlsx", "zeros", (2,)),
        ("xlsx_dimension_lies.xlsx", "far", (1_048_576,)),
    ],
)
def test_what_was_repaired_or_is_doubtful_is_said_with_its_lines(
    generated: Path, name: str, kind: str, lines: tuple[int, ...]
) -> None:
    reading = read_table(generated / name)

    assert reading.outcome is Outcome.LU_AVEC_RESERVES
    assert kinds(reading)[kind] == lines


def test_short_and_long_rows_are_completed_said_and_never_shifted(generated: Path) -> None:
    reading = read_table(generated / "fr_ragged.csv")

    assert reading.table is not None
    assert [one.lines for one in reading.repairs if one.kind == "ragged"] == [(3,), (2,)]
    assert reading.table.num_rows == 4
    assert reading.table["SIRET"].to_pylist() == TYPED["SIRET"]
    assert reading.table["Conforme"].to_pylist() == ["Oui", None, "oui", "NON"]


def test_damaged_dates_and_identifiers_are_left_as_they_were_written(generated: Path) -> None:
    dates = read_table(generated / "fr_dates_ambiguous.csv").typed
    numbers = read_table(generated / "fr_siret_scientific.csv").typed

    assert dates is not None
    assert dates["d"].to_pylist()[1:3] == ["2020-13-01", "31/02/2021"]
    assert numbers is not None
    assert numbers.to_pylist()[0] == {"SIRET": "1,23457E+13", "tel": "6.12E+08"}


def test_a_web_page_named_as_a_workbook_gives_its_table(generated: Path) -> None:
    reading = read_table(generated / "html_renamed.xls")

    assert reading.typed is not None
    assert reading.typed.to_pylist() == [{"SIRET": "00012345600017", "Nom": "Café"}]


def test_a_1904_workbook_gives_its_true_date_and_a_heading_alone_no_row(generated: Path) -> None:
    old, alone = read_table(generated / "epoch_1904.xlsx"), read_table(generated / "only_header.csv")

    assert old.typed is not None
    assert old.typed["d"].to_pylist() == [date(2023, 2, 1)]
    assert alone.table is not None
    assert (alone.table.column_names, alone.table.num_rows) == (HEADINGS, 0)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("empty.csv", "vide"),
        ("bin_garbage.csv", "aucun tableau"),
        ("xlsx_sharedstrings_bomb.xlsx", "démesurément"),
        ("xlsx_billion_laughs.xlsx", "DTD"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_reason(generated: Path, name: str, words: str) -> None:
    reading = read_table(generated / name)

    assert reading.outcome is Outcome.REFUSE
    assert words in reading.reason
    assert reading.fix


def test_formulas_stay_text_and_twenty_thousand_columns_are_read(generated: Path) -> None:
    formulas, wide = (
        read_table(generated / "formula_injection.csv"),
        read_table(generated / "wide_20000_cols.csv"),
    )

    assert formulas.table is not None
    assert formulas.table["nom"].to_pylist()[1:] == ["+cmd|' /C calc'!A0", "-2+3"]
    assert wide.table is not None
    assert wide.table.num_columns == 20_000

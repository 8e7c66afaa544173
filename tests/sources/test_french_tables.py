"""Generated French tables are read exactly, whatever their encoding, separator and oddities."""

from __future__ import annotations

import tempfile
from datetime import date
from pathlib import Path

import pytest
from benchmarks.french_tables import make
from hypothesis import given, settings, strategies as st

from eclaireur.sources import encoding, values
from eclaireur.sources.reading import Outcome
from eclaireur.sources.splitting import separator_of, split
from eclaireur.sources.tables import read_table

WORDS = st.text("abcdeéèêàçùôîABCÉ '’-", min_size=1, max_size=12).filter(lambda text: text.strip() == text)


@settings(max_examples=150)
@given(st.integers(0, 100_000))
def test_a_generated_table_is_read_exactly(seed: int) -> None:
    made = make(seed)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        path.write_bytes(made.data)
        reading = read_table(path)
    assert reading.typed is not None, reading.reason
    assert reading.typed.to_pydict() == made.expected, made.said


@settings(max_examples=150)
@given(
    st.lists(st.text("bcdfglmnprst", min_size=2, max_size=5), min_size=3, max_size=8),
    st.lists(st.sampled_from("éèêàçôîû"), min_size=6, max_size=30),
    st.sampled_from(["cp1252", "mac_roman", "cp850"]),
)
def test_french_words_in_an_old_encoding_are_recognised(
    stems: list[str], accents: list[str], name: str
) -> None:
    # « à » ends a French word, and never stands inside.
    ends = ["" if accent == "à" else "te" for accent in accents]
    words = [stems[index % len(stems)] + accent + ends[index] for index, accent in enumerate(accents)]
    text = "\n".join(words)
    assert encoding.decode(text.encode(name)).text == text


@pytest.mark.parametrize("name", ["cp1252", "mac_roman", "cp850"])
@pytest.mark.parametrize(
    "word",
    [
        "forêt",
        "fenêtre",
        "là",
        "où",
        "Évreux",
        "École",
        "château",
        "même",
        "très",
        "façade",
        "sûr",
        "dû",
        "île",
        "hôtel",
        "élève",
        "Pâques",
        "Nîmes",
        "Besançon",
        "Alès",
        "À",
        "d'été",
    ],
)
def test_one_accent_is_enough_to_tell_an_old_encoding(word: str, name: str) -> None:
    text = f"Nom;Nb\n{word};1\n"
    assert encoding.decode(text.encode(name)).text == text


@given(st.text(st.characters(codec="utf-8", exclude_characters="\ufeff\0")))
def test_utf8_is_never_changed_unless_it_says_so(text: str) -> None:
    found = encoding.decode(text.encode())
    assert found.text == text or found.repairs


@given(
    st.lists(st.lists(WORDS, min_size=3, max_size=3), min_size=3, max_size=8),
    st.sampled_from([";", ",", "\t", "|"]),
)
def test_the_separator_of_regular_rows_is_found(rows: list[list[str]], separator: str) -> None:
    text = "\n".join(separator.join(row) for row in rows)
    assert separator_of(text) == separator
    assert split(text, separator).rows == rows


@given(
    st.decimals(-(10**9), 10**9, places=2, allow_nan=False), st.sampled_from(["", " ", "\u00a0", "\u202f"])
)
def test_an_amount_written_the_french_way_is_read_back(amount: object, space: str) -> None:
    text = f"{amount:,.2f}".replace(",", space).replace(".", ",")
    assert values.number_of(text) == float(str(amount))


@given(st.dates(date(1000, 1, 1)), st.sampled_from(["{0.day:02}/{0.month:02}/{0.year:04}", "{0:%Y-%m-%d}"]))
def test_a_day_is_read_back_with_the_day_before_the_month(day: date, form: str) -> None:
    assert values.date_of(form.format(day)) == day


@given(st.text(max_size=20))
def test_no_text_makes_a_value_reader_fail(text: str) -> None:
    values.number_of(text)
    values.numbers([text])
    values.date_of(text)
    values.boolean_of(text)
    values.month_first([text])


@settings(max_examples=150)
@given(st.binary(max_size=300))
def test_any_bytes_give_one_of_three_outcomes(data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a"
        path.write_bytes(data)
        reading = read_table(path)
    assert reading.outcome in Outcome
    assert (reading.table is None) == (reading.outcome is Outcome.REFUSE)

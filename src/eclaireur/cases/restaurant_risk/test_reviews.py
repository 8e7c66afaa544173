"""Reviews that complain: found in the text, counted as of a date, shown with their sentence."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest

from eclaireur.cases.restaurant_risk.columns import adjusted, matrix, rows_for
from eclaireur.cases.restaurant_risk.features import FEATURES
from eclaireur.cases.restaurant_risk.reviews import complaints, said_block
from eclaireur.cases.restaurant_risk.schemas import reviews_schema
from eclaireur.core.view import Table


@pytest.mark.parametrize(
    ("text", "subject", "sentence"),
    [
        ("Bon pain. On a vu un rat près du bar ! Café tiède.", "nuisibles", "On a vu un rat près du bar !"),
        ("Deux amis ont vomi toute la nuit.", "intoxication", "Deux amis ont vomi toute la nuit."),
        ("Service lent. La vitrine était en panne.", "chaîne du froid", "La vitrine était en panne."),
        ("Nappe SALE et verres collants.", "hygiène", "Nappe SALE et verres collants."),
    ],
)
def test_a_complaint_is_told_with_its_sentence(text: str, subject: str, sentence: str) -> None:
    (one,) = complaints().told(text)
    assert (one.aspect, one.polarity, text[one.start : one.end]) == (subject, "Négatif", sentence)


@pytest.mark.parametrize(
    "text",
    [
        "Aucune trace de souris ni de cafards.",
        "Personne n'a été malade.",
        "Une souris en chocolat avec le café.",
        "Pas un cheveu dans la soupe.",
        "Toilettes très propres.",
        "",
    ],
)
def test_what_denies_or_praises_is_no_complaint(text: str) -> None:
    assert complaints().told(text) == ()


def reviews(*rows: tuple[date, str]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "review": str(number),
                "subject": "siret:1",
                "observed": day,
                "known": date.fromordinal(day.toordinal() + 1),
                "rating": 5.0,
                "text": text,
            }
            for number, (day, text) in enumerate(rows)
        ],
        schema=reviews_schema(),
    )


def test_a_complaint_counts_from_the_day_it_is_known_and_for_a_year() -> None:
    from eclaireur.cases.restaurant_risk.documented import inspections_schema, normalise

    inspections = pa.Table.from_pylist(
        [{"subject": "1", "date": date(2020, 1, 1), "result": "0"}],
        schema=pa.schema(
            [
                ("inspection", pa.string()),
                ("subject", pa.string()),
                ("date", pa.date32()),
                ("known", pa.date32()),
                ("result", pa.string()),
                ("critical", pa.float64()),
                ("serious", pa.float64()),
                ("minor", pa.float64()),
                ("kind", pa.string()),
                ("observer", pa.string()),
            ]
        ),
    )
    tables = normalise({"inspections": inspections})
    assert tables["inspections"].schema == inspections_schema()
    subject = tables["inspections"]["subject"][0].as_py()
    told = reviews((date(2021, 6, 1), "Un rat !"), (date(2021, 6, 1), "Parfait."))
    index = told.schema.get_field_index("subject")
    told = told.set_column(index, "subject", pa.array([subject, subject]))
    prepared = adjusted(tables | {"reviews": told})
    days = [date(2021, 6, 1), date(2021, 6, 2), date(2021, 6, 3), date(2022, 7, 1)]
    rows = rows_for(
        prepared, pa.chunked_array([[subject] * 4]), pa.chunked_array([pa.array(days, pa.date32())])
    )
    column = [feature.name for feature in FEATURES].index("blaming_reviews")
    counted = matrix(rows, prepared)[:, column].tolist()
    assert [round(one) if one > 0 else 0 for one in counted] == [0, 0, 1, 0]


def test_the_sheet_quotes_the_sentence_and_its_date() -> None:
    (table,) = said_block(
        reviews((date(2021, 6, 1), "Bon. Un rat ! Merci."), (date(2021, 6, 2), "Bon.")).to_pylist()
    )
    assert isinstance(table, Table)
    assert table.rows == [
        {"day": date(2021, 6, 1), "subject": "nuisibles", "sentence": "«\u00a0Un rat !\u00a0»"}
    ]
    assert said_block([]) == ()

"""From the documented format to the working tables."""

from __future__ import annotations

from datetime import date

import pyarrow as pa
import pytest

from eclaireur.cases.restaurant_risk import documented
from eclaireur.core.errors import BadValueError
from eclaireur.core.tables import outcomes_schema

SIRET = "83283779300021"


def inspections(**columns: list[object]) -> pa.Table:
    size = len(columns["subject"])
    texts = ("inspection", "subject", "result", "kind", "observer")
    table = {name: pa.array(columns.get(name, [None] * size), pa.string()) for name in texts}
    for name in ("date", "known"):
        table[name] = pa.array(columns.get(name, [None] * size), pa.date32())
    for name in ("critical", "serious", "minor"):
        table[name] = pa.array(columns.get(name, [None] * size), pa.int64())
    return pa.table(table)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SIRET, f"siret:{SIRET}"),
        ("832 837 793 00021", f"siret:{SIRET}"),
        ("30790.0", "establishment:30790"),
        ("30790", "establishment:30790"),
        ("83283779300022", "establishment:83283779300022"),
        (f"siret:{SIRET}", f"siret:{SIRET}"),
    ],
)
def test_an_identifier_is_a_siret_when_it_is_a_valid_one(text: str, expected: str) -> None:
    assert str(documented.identify(text)) == expected


def test_an_identifier_that_claims_to_be_a_siret_and_is_not_is_refused() -> None:
    with pytest.raises(BadValueError, match="SIRET"):
        documented.identify("siret:123")


def test_a_column_of_identifiers_is_read_like_each_of_them() -> None:
    keys = pa.chunked_array([["30790.0", SIRET], [SIRET, "A 1"]])
    assert documented.subjects(keys).to_pylist() == [
        str(documented.identify(key)) for key in keys.to_pylist()
    ]


def test_a_result_is_known_the_next_day_unless_the_file_says_otherwise() -> None:
    table = inspections(
        subject=["A", "B"],
        date=[date(2024, 12, 31), date(2024, 1, 1)],
        known=[None, date(2024, 2, 1)],
        result=["1", "0"],
    )
    found = documented.normalise({"inspections": table})
    assert found["inspections"]["known"].to_pylist() == [date(2025, 1, 1), date(2024, 2, 1)]
    assert found["inspections"]["label"].to_pylist() == [1.0, 0.0]
    assert found["establishments"]["subject"].to_pylist() == ["establishment:A", "establishment:B"]


def test_an_inspection_without_a_number_gets_one_from_its_subject_and_day() -> None:
    table = inspections(
        subject=["A", "A"],
        date=[date(2024, 1, 1), date(2024, 1, 2)],
        result=["0", "0"],
        inspection=["n1", None],
    )
    found = documented.normalise({"inspections": table})["inspections"]["inspection"].to_pylist()
    assert found == ["n1", "establishment:A@2024-01-02"]


def test_an_outcome_joins_the_history_and_never_replaces_an_earlier_result() -> None:
    table = inspections(subject=["A"], date=[date(2024, 1, 1)], result=["0"])
    tables = documented.normalise({"inspections": table})
    base = {
        "known": date(2024, 3, 2),
        "label": 1.0,
        "value": "1",
        "observer": None,
        "propensity": 0.2,
        "origin": "outcome",
    }
    outcomes = pa.Table.from_pylist(
        [
            {"outcome": "o1", "subject": "establishment:A", "observed": date(2024, 1, 1), **base},
            {"outcome": "o2", "subject": "establishment:A", "observed": date(2024, 3, 1), **base},
        ],
        schema=outcomes_schema(),
    )
    merged = documented.with_outcomes(tables, outcomes)["inspections"]
    assert merged["inspection"].to_pylist() == ["establishment:A@2024-01-01", "o2"]
    assert merged["label"].to_pylist() == [0.0, 1.0]
    assert merged["propensity"].to_pylist() == [None, 0.2]
